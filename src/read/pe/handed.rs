//! What callers hand over for a function to call through: a function of the image, or an object of COM.
//!
//! A function that is given as an argument has no direct calls; whoever takes its address is looked into for the call that
//! hands it over, and the function that receives it is then read as one that calls it. An object of COM is known where
//! it is made; a function that it is given to is read again with it, and so it is with a function that was looked up by name
//! and with an object of Object Pascal that keeps settings.

use super::code::known::Known;
use super::code::report::InternalCall;
use super::code::slot::Slot;
use super::image::{Image, Section};
use super::program::Program;
use super::scan::{pointing, sort_pairs};
use super::{Map, Set};
use crate::catalog::native::{Api, Object};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;

/// Most references to the starts of functions that are kept.
const MAX_REFERENCES: usize = 1 << 20;
/// Most functions that are looked into for where the address of one goes.
const MAX_TAKERS: usize = 4;
/// Most functions that receive the address of one.
const MAX_RECEIVERS: usize = 4;
/// Most objects that one function is given.
const MAX_OBJECTS: usize = 16;
/// Most functions that were looked up by name which calls of one function give, in all.
const MAX_LOOKED: usize = 64;
/// Most functions of one image that are looked for in this way.
const MAX_ASKED: usize = 64;

/// An object of Object Pascal that keeps settings, as a function is given it: the table of its class, the call that opened its
/// key, the root of the registry or the file, and the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) parameter: u8,
    pub(crate) class: u32,
    pub(crate) opened_at: u32,
    pub(crate) root: Option<Known>,
    pub(crate) open: Option<Known>,
}

impl Settings {
    /// What another caller gives is one of both; `None`: that says no more.
    fn or(&self, other: &Settings) -> Option<Settings> {
        let both = |a: &Option<Known>, b: &Option<Known>| Some(a.as_ref()?.or(b.as_ref()?));
        let together =
            Settings { root: both(&self.root, &other.root), open: both(&self.open, &other.open), ..self.clone() };
        (self.parameter == other.parameter && self.class == other.class && together != *self).then_some(together)
    }
}

/// A function that was looked up by name, as another one is given it: where that finds it, and the call that gives it.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) slot: Slot,
    pub(crate) api: Api,
    pub(crate) via: String,
    pub(crate) site: u32,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Handed {
    /// Start of a function, and the place in the code that takes its address, sorted.
    references: OnceCell<Vec<(u32, u32)>>,
    asked: Cell<usize>,
    /// The function whose address is looked for among the arguments of calls.
    pub(crate) sought: Cell<Option<u32>>,
    /// A function that is read as one that is given another: its parameter, and the address.
    pub(crate) function: Cell<Option<(u32, u8, u64)>>,
    /// Objects that a function is given, by the place where it finds them.
    pub(crate) objects: RefCell<Map<u32, Vec<(Slot, Object)>>>,
    /// Functions that were looked up by name and that a function is given, by each call that gives one.
    looked: RefCell<Map<u32, Vec<Looked>>>,
    /// Objects that keep settings which a function is given, and the functions that give them.
    settings: RefCell<Map<u32, (Settings, Set<u32>)>>,
}

impl Program<'_> {
    /// Calls of a function through a parameter of another one, each with the function that it is in.
    pub(crate) fn calls_through(&self, function: u32) -> Vec<(u32, InternalCall)> {
        let handed = &self.handed;
        if handed.asked.get() >= MAX_ASKED || self.is_out_of_budget() {
            return Vec::new();
        }
        handed.asked.set(handed.asked.get() + 1);
        handed.sought.set(Some(function));
        let mut receivers: BTreeSet<(u32, u8)> = BTreeSet::new();
        let mut calls = Vec::new();
        for taker in self.takers_of(function) {
            self.forget(taker);
            let Some(report) = self.report(taker, 0) else { continue };
            receivers.extend(&report.handed);
            // Handed to Windows or the runtime with what it is to be called with.
            calls.extend(report.calls.iter().filter(|c| c.target == function).map(|c| (taker, c.clone())));
        }
        handed.sought.set(None);
        let va = self.image.base.wrapping_add(u64::from(function));
        for (receiver, parameter) in receivers.into_iter().take(MAX_RECEIVERS) {
            handed.function.set(Some((receiver, parameter, va)));
            self.forget(receiver);
            if let Some(report) = self.report(receiver, 0) {
                calls.extend(report.calls.iter().filter(|c| c.target == function).map(|c| (receiver, c.clone())));
            }
            // For others it is a function of which nothing is known.
            handed.function.set(None);
            self.forget(receiver);
        }
        calls
    }

    /// A function is given an object; `true`: that was not known.
    pub(crate) fn hand_object(&self, function: u32, slot: Slot, object: Object) -> bool {
        let mut all = self.handed.objects.borrow_mut();
        let known = all.entry(function).or_default();
        let new = known.len() < MAX_OBJECTS && known.iter().all(|(at, _)| *at != slot);
        if new {
            known.push((slot, object));
        }
        new
    }

    /// A function is given one that was looked up by name; `true`: with that it is known what is called there.
    pub(crate) fn hand_function(&self, function: u32, looked: &Looked) -> bool {
        let before = self.looked_up_for(function).len();
        {
            let mut all = self.handed.looked.borrow_mut();
            let known = all.entry(function).or_default();
            if known.len() >= MAX_LOOKED || known.iter().any(|l| l.slot == looked.slot && l.site == looked.site) {
                return false;
            }
            known.push(looked.clone());
        }
        self.looked_up_for(function).len() > before
    }

    /// The functions that were looked up by name and that a function is given, each once: what all its calls are known to give.
    /// Of what only some give, the others may give another.
    pub(crate) fn looked_up_for(&self, function: u32) -> Vec<Looked> {
        /// Bytes of a call.
        const CALL: u32 = 8;
        let all = self.handed.looked.borrow();
        let Some(given) = all.get(&function) else { return Vec::new() };
        // With more calls than are kept not all of them give it.
        let calls: Vec<u32> = self.references.calls_to(function).take(MAX_LOOKED + 1).collect();
        let mut asked: Vec<Slot> = Vec::new();
        let mut said = Vec::new();
        for looked in given {
            if asked.contains(&looked.slot) {
                continue;
            }
            asked.push(looked.slot);
            let same = || given.iter().filter(|other| other.slot == looked.slot);
            let gives = |call: &u32| same().any(|other| (other.site..other.site + CALL).contains(call));
            if same().all(|other| other.via == looked.via) && calls.iter().all(gives) {
                said.push(looked.clone());
            }
        }
        said
    }

    /// A function is given an object that keeps settings by another; `true`: that was not known.
    pub(crate) fn hand_settings(&self, function: u32, settings: &Settings, by: u32) -> bool {
        let mut all = self.handed.settings.borrow_mut();
        let Some((known, givers)) = all.get_mut(&function) else {
            all.insert(function, (settings.clone(), Set::from_iter([by])));
            return true;
        };
        let new = givers.insert(by);
        let more = known.or(settings);
        let says_more = more.is_some();
        *known = more.unwrap_or_else(|| known.clone());
        new || says_more
    }

    /// The object that keeps settings which a function is given: any other, where not all that call it are known to give one.
    pub(crate) fn settings_of(&self, function: u32) -> Option<Settings> {
        let all = self.handed.settings.borrow();
        let (settings, givers) = all.get(&function)?;
        let callers = self.callers(&Set::from_iter([function]));
        if callers.values().flatten().all(|caller| givers.contains(caller)) {
            return Some(settings.clone());
        }
        let or_any = |known: &Option<Known>| known.as_ref().map(|known| known.or(&Known::unknown()));
        Some(Settings { root: or_any(&settings.root), open: or_any(&settings.open), ..settings.clone() })
    }

    /// A function is given an object of COM.
    pub(crate) fn is_handed_object(&self, function: u32) -> bool {
        self.handed.objects.borrow().contains_key(&function)
    }

    /// Functions that take the address of another one, or put the table into an object that has it.
    pub(crate) fn takers(&self, function: u32) -> BTreeSet<u32> {
        let tables = self.tables_with(function);
        let mut takers = self.takers_of(function);
        takers.extend(tables.into_iter().flat_map(|table| self.users_of(table)));
        takers.remove(&function);
        takers
    }

    fn takers_of(&self, function: u32) -> BTreeSet<u32> {
        let references = self.handed.references.get_or_init(|| self.addresses_taken());
        let from = references.partition_point(|(start, _)| *start < function);
        let places = references.iter().skip(from).take_while(|(start, _)| *start == function);
        places.filter_map(|(_, code)| self.functions.function_of(*code)).take(MAX_TAKERS).collect()
    }

    /// Where the code takes the address of a function: `lea reg, [rip+d]` on x64, any immediate on x86.
    fn addresses_taken(&self) -> Vec<(u32, u32)> {
        let image: &Image<'_> = &self.image;
        let mut references = Vec::new();
        let functions = image.span(Section::is_code);
        for section in image.sections.iter().filter(|s| s.is_code()) {
            let code = image.section_bytes(section);
            let is_lea = |i: usize| {
                let lea = i.checked_sub(2).and_then(|from| code.get(from..i));
                lea.is_some_and(|lea| lea[0] == 0x8d && lea[1] & 0xc7 == 0x05)
            };
            for (i, rva) in pointing(image, section, functions.clone()) {
                if (!image.is_64() || is_lea(i))
                    && references.len() < MAX_REFERENCES
                    && self.functions.is_start(rva)
                    && image.section_of(rva).is_some_and(|s| s.is_code())
                {
                    references.push((rva, section.rva.wrapping_add(i as u32)));
                }
            }
        }
        sort_pairs(&mut references);
        references
    }
}
