//! Interfaces of COM that the code declares for itself (II.23.1.15, `[ComImport]`): their methods stand for the functions
//! at their places of the interface's table, as the native catalogue knows them.

use super::super::form::first_string;
use super::super::unit::Unit;
use crate::catalog::native::com;
use std::collections::HashMap;

const GUID: &str = "System.Runtime.InteropServices.GuidAttribute";
const KIND: &str = "System.Runtime.InteropServices.InterfaceTypeAttribute";
/// Bytes of an attribute that a GUID needs, and some more.
const LONGEST_GUID: usize = 64;
/// Places of `IUnknown`.
const OF_UNKNOWN: u32 = 3;
/// Places of `IDispatch`, those of `IUnknown` among them.
const OF_DISPATCH: u32 = 7;

/// What attributes say of imported types.
#[derive(Default)]
pub(super) struct Declared {
    interfaces: Vec<(usize, &'static str)>,
    /// Interfaces of which an attribute says how they are called: `ComInterfaceType` of the type at this position.
    kinds: HashMap<usize, u8>,
    classes: Vec<&'static str>,
}

impl Declared {
    /// Takes an attribute of the type at this position.
    pub(super) fn add<'b>(&mut self, index: usize, attribute: &str, value: impl FnOnce() -> &'b [u8]) {
        match attribute {
            GUID => {
                let blob = value();
                let Some(guid) = first_string(blob.get(..LONGEST_GUID).unwrap_or(blob)) else { return };
                if let Some(interface) = com::interface_written(&guid) {
                    self.interfaces.push((index, interface));
                    self.classes.extend(com::class_behind(interface));
                }
                self.classes.extend(com::class_written(&guid));
            }
            // After the prolog (II.23.3).
            KIND => self.kinds.extend(value().get(2).map(|kind| (index, *kind))),
            _ => {}
        }
    }

    /// Says of the methods of these interfaces which functions they stand for.
    pub(super) fn name_methods(&self, unit: &mut Unit) {
        // An object is made as a class and then used as this and that: only where all is about one class it must be that.
        let class = match self.classes.split_first() {
            Some((first, others)) if others.iter().all(|other| other == first) => first,
            _ => "",
        };
        for (index, interface) in &self.interfaces {
            let Some(info) = unit.types.get(*index).filter(|info| info.base.is_empty()) else { continue };
            // Without the attribute an interface is a dual one.
            let first = match self.kinds.get(index).copied().unwrap_or_default() {
                0 => OF_DISPATCH,
                1 => OF_UNKNOWN,
                _ => continue,
            };
            for (place, rid) in (first..).zip(info.methods.clone()) {
                let row = com::method(com::Object { class, interface }, place);
                if let (Some((_, name)), Some(method)) = (row, unit.methods.get_mut((rid as usize).wrapping_sub(1))) {
                    method.import = Some(format!("com!{name}").into());
                }
            }
        }
    }
}
