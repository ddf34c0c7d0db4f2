//! Methods that are called through tables of virtual functions: what the constructors of their class store in an
//! object is what such a method finds behind its first parameter.

use super::Set;
use super::code::report::{InternalCall, Object};
use super::image::{Image, Section};
use super::program::{MAX_DEPTH, Program};
use super::scan::{pointing, sort_pairs};
use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Most references to tables that are kept.
const MAX_REFERENCES: usize = 1 << 20;
/// Furthest that a method stands behind the start of its table, in entries.
const MAX_METHODS: u32 = 128;
/// Most tables of one method: it is inherited.
const MAX_TABLES: usize = 4;
/// Most functions that are looked into for the objects of one class.
const MAX_CONSTRUCTORS: usize = 6;
/// Most functions that make objects with one method.
const MAX_MAKERS: usize = 32;
/// Most objects of one class that are told apart.
const MAX_OBJECTS: usize = 4;
/// Most methods of one image that are looked up.
const MAX_ASKED: usize = 200;

/// See the module.
#[derive(Default)]
pub(crate) struct Classes {
    /// Address of what may be a table, and of the reference to it in the code, sorted.
    references: OnceCell<Vec<(u32, u32)>>,
    /// Address of a function, and of a word of constant data that points to it, sorted.
    entries: OnceCell<Vec<(u32, u32)>>,
    asked: Cell<usize>,
}

impl Program<'_> {
    /// The objects that a virtual function may be called with, as their constructors leave them.
    pub(crate) fn objects_of(&self, method: u32) -> Vec<Rc<Object>> {
        let mut found: Vec<Rc<Object>> = Vec::new();
        if self.classes.asked.get() >= MAX_ASKED || self.is_out_of_budget() {
            return found;
        }
        self.classes.asked.set(self.classes.asked.get() + 1);
        for table in self.tables_with(method) {
            let va = self.image.base + u64::from(table);
            // What a constructor is given is known to those who call it, or who call what forwards to it.
            let mut users = self.users_of(table);
            for _ in 0..MAX_DEPTH {
                let before = found.len();
                for function in users.iter().collect::<BTreeSet<_>>().into_iter().take(MAX_CONSTRUCTORS) {
                    let Some(report) = self.report(*function, 0) else { continue };
                    for object in report.objects.iter().filter(|o| o.table() == Some(va) && !o.has_parameters()) {
                        if found.len() < MAX_OBJECTS && !found.contains(object) {
                            found.push(object.clone());
                        }
                    }
                }
                if found.len() > before {
                    break;
                }
                users = self.callers(&users).into_values().flatten().collect();
            }
        }
        found
    }

    /// Functions that refer to a table: constructors, and whatever they were compiled into.
    pub(crate) fn users_of(&self, table: u32) -> Set<u32> {
        let references = self.table_references();
        let from = references.partition_point(|(at, _)| *at < table);
        let users = references.iter().skip(from).take_while(|(at, _)| *at == table);
        users.filter_map(|(_, code)| self.functions.function_of(*code)).take(MAX_CONSTRUCTORS).collect()
    }

    /// Calls of a virtual method by functions that know the class of the object, each with the function that it is in.
    pub(crate) fn virtual_calls(&self, method: u32) -> Vec<(u32, InternalCall)> {
        let mut calls = Vec::new();
        if self.is_out_of_budget() {
            return calls;
        }
        let users: BTreeSet<u32> =
            self.tables_with(method).into_iter().flat_map(|table| self.users_of(table)).collect();
        for user in users {
            if let Some(report) = self.report_with_calls(user, &[method]) {
                calls.extend(report.calls.iter().filter(|call| call.target == method).map(|call| (user, call.clone())));
            }
        }
        calls
    }

    /// An address of a table of virtual functions, or of a class of Object Pascal.
    pub(crate) fn is_table(&self, rva: u32) -> bool {
        let image = &self.image;
        self.pascal.contains(&rva)
            || image.section_of(rva).is_some_and(|s| !s.is_code() && !s.is_writable()) && holds_code(image, rva)
    }

    fn table_references(&self) -> &[(u32, u32)] {
        self.classes.references.get_or_init(|| self.scan())
    }

    /// References of the code to what may be tables of functions.
    fn scan(&self) -> Vec<(u32, u32)> {
        let image = &self.image;
        // Delphi has its tables among the code.
        let among_code = self.pascal.iter().any(|class| image.section_of(*class).is_some_and(Section::is_code));
        let may_hold = |section: &Section| !section.is_writable() && (among_code || !section.is_code());
        let span = image.span(may_hold);
        let mut references = Vec::new();
        for section in image.sections.iter().filter(|s| s.is_code()) {
            for (i, rva) in pointing(image, section, span.clone()) {
                if references.len() < MAX_REFERENCES && self.is_table(rva) {
                    references.push((rva, section.rva.wrapping_add(i as u32)));
                }
            }
        }
        sort_pairs(&mut references);
        references
    }

    /// Words of constant data that point into code.
    fn entries(&self) -> Vec<(u32, u32)> {
        let image = &self.image;
        let word = image.pointer_size();
        let is_code = |rva: u32| image.section_of(rva).is_some_and(Section::is_code);
        let mut found = entries(image);
        for class in self.pascal.iter().filter(|class| is_code(**class)) {
            let places = (0..MAX_METHODS).map(|n| class.wrapping_add(n * word));
            for place in places.take_while(|place| place == class || !self.pascal.contains(place)) {
                let function = image.pointer(place).and_then(|va| image.rva_of(va));
                let Some(function) = function.filter(|rva| is_code(*rva)) else { break };
                found.push((function, place));
            }
        }
        sort_pairs(&mut found);
        found
    }

    /// Starts of the tables that hold a method: the nearest address before it that the code refers to.
    pub(crate) fn tables_with(&self, method: u32) -> Vec<u32> {
        let mut tables: Vec<u32> = Vec::new();
        for (table, _) in self.places_with(method) {
            if tables.len() < MAX_TABLES && !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }

    /// The tables that hold a method, and how far behind their starts; `None`: there may be others.
    pub(crate) fn places_of(&self, method: u32) -> Option<Vec<(u32, u32)>> {
        /// Most tables of one method whose calls are looked for.
        const MAX_PLACES: usize = 32;
        let places: Vec<(u32, u32)> = self.places_with(method).take(MAX_PLACES).collect();
        let entries = self.classes.entries.get_or_init(|| self.entries());
        let first = entries.partition_point(|(function, _)| *function < method);
        let all = entries.iter().skip(first).take_while(|(function, _)| *function == method).count();
        (places.len() == all && all > 0).then_some(places)
    }

    /// Everything that refers to a table puts it into an object.
    pub(crate) fn is_of_class(&self, table: u32) -> bool {
        let va = self.image.base + u64::from(table);
        let users = self.users_of(table);
        let makes = |user: &u32| {
            let report = self.report(*user, 0);
            report.is_some_and(|report| report.objects.iter().any(|object| object.table() == Some(va)))
        };
        !users.is_empty() && users.iter().all(makes)
    }

    /// The functions that make objects with a method; `None`: others may.
    pub(crate) fn makers_of(&self, method: u32) -> Option<BTreeSet<u32>> {
        let mut makers = BTreeSet::new();
        for (table, _) in self.places_of(method)? {
            let references = self.table_references();
            let from = references.partition_point(|(at, _)| *at < table);
            let places = references.iter().skip(from).take_while(|(at, _)| *at == table);
            for (_, code) in places {
                makers.insert(self.functions.function_of(*code)?);
            }
            if !self.is_of_class(table) || makers.len() > MAX_MAKERS {
                return None;
            }
        }
        Some(makers)
    }

    fn places_with(&self, method: u32) -> impl Iterator<Item = (u32, u32)> {
        let word = if self.image.is_64() { 8 } else { 4 };
        let entries = self.classes.entries.get_or_init(|| self.entries());
        let first = entries.partition_point(|(function, _)| *function < method);
        entries.iter().skip(first).take_while(move |(function, _)| *function == method).filter_map(move |(_, entry)| {
            let references = self.table_references();
            let behind = references.partition_point(|(table, _)| *table <= *entry);
            let (table, _) = behind.checked_sub(1).and_then(|i| references.get(i))?;
            (entry - table < MAX_METHODS * word).then_some((*table, entry - table))
        })
    }
}

/// The word at an address points into code.
pub(crate) fn holds_code(image: &Image<'_>, rva: u32) -> bool {
    let word = if image.is_64() { 8 } else { 4 };
    let Some(bytes) = image.at(rva).and_then(|b| b.get(..word)) else { return false };
    let va = bytes.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
    image.rva_of(va).and_then(|rva| image.section_of(rva)).is_some_and(|s| s.is_code())
}

/// Words of constant data that point into code.
fn entries(image: &Image<'_>) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for section in image.sections.iter().filter(|s| !s.is_code() && !s.is_writable()) {
        let data = image.section_bytes(section);
        let word = if image.is_64() { 8 } else { 4 };
        for (i, bytes) in data.chunks_exact(word).enumerate() {
            let va = bytes.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
            let Some(rva) = va.checked_sub(image.base).and_then(|rva| u32::try_from(rva).ok()) else { continue };
            if found.len() < MAX_REFERENCES && image.section_of(rva).is_some_and(|s| s.is_code()) {
                found.push((image.beyond_jumps(rva), section.rva.wrapping_add((i * word) as u32)));
            }
        }
    }
    found
}
