//! Why a value is not known: what a reader of the listing is told, and what the shares of `docs/accuracy.md` count.

use super::analysis::Engine;
use super::value::{Kind, Value};
use std::fmt;

/// Deepest nesting of values that is looked into.
const MAX_DEPTH: u8 = 4;

/// What stands between a call and the value of its argument. Of several, the last is the one to mend first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// Nothing: it is known.
    #[default]
    None,
    /// A parameter of a function that is exported, or that only pointers lead to.
    Outside,
    /// Something that a library outside the image gave, which is no part of Windows.
    Library,
    /// Something that Windows gave, of which nothing is known.
    System,
    /// Something of an image that reads its own file: a script behind a stub, for one.
    Appended,
    /// What a call through a pointer gave.
    Pointer,
    /// The result of a function of the image, or what it wrote.
    Function,
    /// A variable of the program.
    Variable,
    /// A field of an object.
    Field,
    /// A buffer of the function that something unknown filled.
    Buffer,
    /// A parameter, and its callers are further away than is followed.
    Callers,
    /// One of more values than are kept, or the result of arithmetic.
    Computed,
}

impl Gap {
    /// The reason in an image that reads its own file: what the code does not say stands behind it.
    pub(crate) fn in_reader_of_itself(self) -> Gap {
        match self {
            Gap::Function | Gap::Variable | Gap::Buffer | Gap::Computed => Gap::Appended,
            other => other,
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Gap::None => "nothing",
            Gap::Outside => "a parameter that is given from outside or through a pointer",
            Gap::Library => "given by a library",
            Gap::System => "given by the system",
            Gap::Appended => "in data that the program reads from its own file",
            Gap::Pointer => "given by a call through a pointer",
            Gap::Function => "given by a function of the image",
            Gap::Variable => "a variable of the program",
            Gap::Field => "a field of an object",
            Gap::Buffer => "a buffer whose filling is not known",
            Gap::Callers => "a parameter whose callers are too far away",
            Gap::Computed => "computed, or one of many",
        })
    }
}

impl Engine<'_, '_> {
    /// Why a value is not known.
    pub(crate) fn gap(&self, value: Value) -> Gap {
        match self.handle(value) {
            Some(handle) => handle.gap,
            None => self.gap_at(value, 0),
        }
    }

    fn gap_at(&self, value: Value, depth: u8) -> Gap {
        if depth > MAX_DEPTH {
            return Gap::Field;
        }
        match value {
            Value::Unknown => Gap::Computed,
            Value::Const(_) => Gap::Variable,
            Value::Stack(_) => match self.state.cell(value).map(|cell| cell.value) {
                Some(held @ Value::Sym(..)) if held != value => self.gap_at(held, depth + 1),
                _ => Gap::Buffer,
            },
            Value::Sym(symbol, _) => match self.symbols.kind(symbol) {
                Kind::Param(_) => Gap::Callers,
                Kind::Made(of) | Kind::Bits(of, _) => self.gap_at(of, depth + 1),
                Kind::Result(site) | Kind::Out(site, _) => self.giver(site),
                Kind::Load(Value::Const(_)) => Gap::Variable,
                Kind::Load(at) if self.slot(value).is_some() => self.gap_at(at, depth + 1).max(Gap::Field),
                Kind::Load(Value::Stack(_)) => Gap::Buffer,
                Kind::Load(_) => Gap::Field,
                Kind::Choice(_) => {
                    let all = self.symbols.alternatives(value).into_iter();
                    let open = all.filter(|v| self.text(*v, false).is_none() && v.number().is_none());
                    open.map(|v| self.gap_at(v, depth + 1)).max().unwrap_or(Gap::Computed)
                }
                _ => Gap::Computed,
            },
        }
    }

    /// Who was called at an address.
    fn giver(&self, site: u32) -> Gap {
        let program = self.program;
        let Some(code) = program.image.at(site) else { return Gap::Computed };
        let number = super::super::image::u32_at(code, 1).unwrap_or_default();
        let target = site.wrapping_add(5).wrapping_add(number);
        let slot = super::super::image::u32_at(code, 2).map(|n| match program.image.is_64() {
            true => site.wrapping_add(6).wrapping_add(n),
            false => n.wrapping_sub(program.image.base as u32),
        });
        let import = match code.first() {
            Some(0xe8 | 0xe9) => match program.references.thunks.get(&target) {
                Some(import) => Some(*import),
                None => return Gap::Function,
            },
            _ => slot.and_then(|slot| program.linkage.slots.get(&slot)).or_else(|| self.named.get(&site)).copied(),
        };
        let Some(import) = import.and_then(|i| program.linkage.imports.get(i)) else { return Gap::Pointer };
        let of_windows = crate::catalog::native::is_crt(&import.module)
            || super::super::surface::name_of(import).and_then(crate::catalog::native::signature).is_some();
        if of_windows { Gap::System } else { Gap::Library }
    }
}
