//! what, who assigns a field.

use super::unit::{FIELD, METHOD_DEF, Unit, row, table};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A method of the application: its assembly and its row there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Method {
    /// Index of the assembly.
    pub(super) unit: u32,
    /// Row of the method definition.
    pub(super) rid: u32,
}

/// Longest chain of base types that is followed.
const MAX_BASES: usize = 32;
/// Overriding methods that a virtual call may mean.
const MAX_OVERRIDES: usize = 24;

#[derive(Debug, Default)]
pub(super) struct Links {
    types: HashMap<Box<str>, Vec<(u32, u32)>>,
    virtuals: HashMap<(Box<str>, u16), Vec<Method>>,
    /// The same, by the number of the name of the type that declares them.
    declared: HashMap<(Box<str>, u16), HashMap<u32, Vec<Method>>>,
    callers: HashMap<Method, Vec<Method>>,
    /// Methods that are made into delegates.
    taken: HashSet<Method>,
    writers: HashMap<(u32, u32), Vec<Method>>,
    /// What the method tokens of each unit mean.
    definitions: Vec<HashMap<u32, Method>>,
    /// Numbers of the names of types, bases and interfaces.
    names: HashMap<Box<str>, u32>,
    /// Numbers of the names of all bases and interfaces, sorted, by unit and type.
    bases: Vec<Vec<Vec<u32>>>,
}

impl Links {
    pub(super) fn new(units: &[Unit]) -> Self {
        let mut links = Links::default();
        for (u, unit) in units.iter().enumerate() {
            let u = u as u32;
            for (t, info) in unit.types.iter().enumerate() {
                links.types.entry(info.name.clone()).or_default().push((u, t as u32 + 1));
            }
            for (m, info) in unit.methods.iter().enumerate().filter(|(_, m)| m.is_virtual) {
                let method = Method { unit: u, rid: m as u32 + 1 };
                links.virtuals.entry((info.name.clone(), info.params)).or_default().push(method);
            }
        }
        links.derive(units);
        links.declare(units);
        links.relate(units);
        links
    }

    /// Only what is some type's base can be overridden.
    fn declare(&mut self, units: &[Unit]) {
        for (key, methods) in self.virtuals.iter().filter(|(_, methods)| methods.len() > 1) {
            let mut by_type: HashMap<u32, Vec<Method>> = HashMap::new();
            for method in methods {
                let owner = units.get(method.unit as usize).and_then(|u| u.owner_of(method.rid));
                if let Some(number) = owner.and_then(|t| self.names.get(&t.name)) {
                    by_type.entry(*number).or_default().push(*method);
                }
            }
            if !by_type.is_empty() {
                self.declared.insert(key.clone(), by_type);
            }
        }
    }

    fn derive(&mut self, units: &[Unit]) {
        for (u, unit) in units.iter().enumerate() {
            let mut of_unit = Vec::with_capacity(unit.types.len());
            for t in 1..=unit.types.len() as u32 {
                let mut numbers: Vec<u32> = Vec::new();
                for name in self.ancestors(units, u as u32, t) {
                    let next = self.names.len() as u32;
                    numbers.push(match self.names.get(name) {
                        Some(number) => *number,
                        None => *self.names.entry(name.into()).or_insert(next),
                    });
                }
                numbers.sort_unstable();
                of_unit.push(numbers);
            }
            self.bases.push(of_unit);
        }
    }

    fn relate(&mut self, units: &[Unit]) {
        let mut callers: HashMap<Method, Vec<Method>> = HashMap::new();
        let mut writers: HashMap<(u32, u32), Vec<Method>> = HashMap::new();
        for (u, unit) in units.iter().enumerate() {
            let u = u as u32;
            let mut known: HashMap<u32, Option<Method>> = HashMap::new();
            for (caller, token) in &unit.calls {
                let target = *known.entry(*token).or_insert_with(|| self.definition(units, u, *token));
                if let Some(target) = target {
                    callers.entry(target).or_default().push(Method { unit: u, rid: *caller });
                }
            }
            self.definitions.push(known.into_iter().filter_map(|(token, method)| Some((token, method?))).collect());
            for (caller, token) in &unit.functions {
                if let Some(target) = self.definition(units, u, *token) {
                    callers.entry(target).or_default().push(Method { unit: u, rid: *caller });
                    self.taken.insert(target);
                }
            }
            for (machine, written) in state_machines(unit) {
                let method = |rid| Method { unit: u, rid };
                callers.entry(method(machine)).or_default().push(method(written));
            }
            for (writer, token) in &unit.stores {
                if let Some(field) = self.field(units, u, *token) {
                    writers.entry(field).or_default().push(Method { unit: u, rid: *writer });
                }
            }
        }
        (self.callers, self.writers) = (callers, writers);
    }

    /// The types of this name that a unit can mean: its own, then those of the assembly that it names.
    fn find_type(&self, units: &[Unit], unit: u32, assembly: &str, name: &str) -> Option<(u32, u32)> {
        let candidates = self.types.get(name)?;
        let wanted = |u: u32| {
            assembly.is_empty() && u == unit
                || units.get(u as usize).is_some_and(|c| c.identity.name.eq_ignore_ascii_case(assembly))
        };
        candidates.iter().copied().find(|(u, _)| wanted(*u)).or_else(|| {
            // A type that was forwarded (II.22.14) is defined in another assembly than the reference says.
            (candidates.len() == 1 && !assembly.is_empty()).then(|| candidates.first().copied()).flatten()
        })
    }

    /// The type that a name means from within a unit, wherever it is defined.
    fn find_base(&self, unit: u32, name: &str) -> Option<(u32, u32)> {
        let candidates = self.types.get(name)?;
        candidates.iter().copied().find(|(u, _)| *u == unit).or_else(|| candidates.first().copied())
    }

    /// The definition that a method token means, before virtual dispatch.
    fn definition(&self, units: &[Unit], unit: u32, token: u32) -> Option<Method> {
        if table(token) == METHOD_DEF {
            return Some(Method { unit, rid: row(token) });
        }
        let reference = units.get(unit as usize)?.member_ref(token).filter(|r| !r.is_field)?;
        let mut ty = self.find_type(units, unit, &reference.assembly, &reference.ty)?;
        for _ in 0..MAX_BASES {
            let info = units.get(ty.0 as usize)?.type_info(ty.1)?;
            let owner = units.get(ty.0 as usize)?;
            let mut rows = info.methods.clone().filter(|rid| {
                owner.method(*rid).is_some_and(|m| m.name == reference.name && m.params == reference.params)
            });
            if let Some(rid) = rows.next() {
                return Some(Method { unit: ty.0, rid });
            }
            ty = self.find_base(ty.0, &info.base)?;
        }
        None
    }

    /// The field definition that a field token means.
    pub(super) fn field(&self, units: &[Unit], unit: u32, token: u32) -> Option<(u32, u32)> {
        if table(token) == FIELD {
            return Some((unit, row(token)));
        }
        let reference = units.get(unit as usize)?.member_ref(token).filter(|r| r.is_field)?;
        let (u, t) = self.find_type(units, unit, &reference.assembly, &reference.ty)?;
        let owner = units.get(u as usize)?;
        let named = |rid: &u32| owner.fields.get((*rid as usize).wrapping_sub(1)).is_some_and(|n| *n == reference.name);
        owner.type_info(t)?.fields.clone().find(named).map(|rid| (u, rid))
    }

    /// The definition that a called token means.
    pub(super) fn called(&self, unit: u32, token: u32) -> Option<Method> {
        if table(token) == METHOD_DEF {
            return Some(Method { unit, rid: row(token) });
        }
        self.definitions.get(unit as usize)?.get(&token).copied()
    }

    /// Everything that a call may run: the definition, and what overrides it.
    pub(super) fn targets(&self, units: &[Unit], unit: u32, token: u32) -> Vec<Method> {
        let Some(declared) = self.called(unit, token) else { return Vec::new() };
        let mut all = vec![declared];
        all.extend(self.overrides(units, declared));
        all
    }

    /// Methods that override or implement this one.
    pub(super) fn overrides(&self, units: &[Unit], method: Method) -> Vec<Method> {
        let Some(unit) = units.get(method.unit as usize) else { return Vec::new() };
        let Some(info) = unit.method(method.rid).filter(|m| m.is_virtual) else { return Vec::new() };
        let Some(base) = unit.type_info(info.owner) else { return Vec::new() };
        let Some(same) = self.virtuals.get(&(info.name.clone(), info.params)) else { return Vec::new() };
        same.iter()
            .filter(|m| **m != method)
            .filter(|m| {
                let owner = units.get(m.unit as usize).and_then(|u| Some((m.unit, u.method(m.rid)?.owner)));
                owner.is_some_and(|(u, t)| self.is_a(u, t, &base.name))
            })
            .take(MAX_OVERRIDES)
            .copied()
            .collect()
    }

    /// Does a type derive from or implement what has this name?
    fn is_a(&self, unit: u32, ty: u32, name: &str) -> bool {
        let bases = self.bases.get(unit as usize).and_then(|types| types.get((ty as usize).wrapping_sub(1)));
        match (self.names.get(name), bases) {
            (Some(number), Some(bases)) => bases.binary_search(number).is_ok(),
            _ => false,
        }
    }

    /// Names of the bases and interfaces of a type, nearest first.
    pub(super) fn ancestors<'u>(&self, units: &'u [Unit], unit: u32, ty: u32) -> Vec<&'u str> {
        let mut names: Vec<&str> = Vec::new();
        let mut queue = vec![(unit, ty)];
        let mut seen = BTreeSet::new();
        while let Some(at) = queue.pop() {
            if !seen.insert(at) || seen.len() > MAX_BASES {
                continue;
            }
            let Some(info) = units.get(at.0 as usize).and_then(|u| u.type_info(at.1)) else { continue };
            for name in std::iter::once(&info.base).chain(&info.interfaces).filter(|n| !n.is_empty()) {
                names.push(name);
                queue.extend(self.find_base(at.0, name));
            }
        }
        names
    }

    /// Who calls a method, directly or through a declaration that it overrides.
    pub(super) fn callers(&self, units: &[Unit], method: Method) -> Vec<Method> {
        let mut all: BTreeSet<Method> = BTreeSet::new();
        for declared in std::iter::once(method).chain(self.declarations(units, method)) {
            all.extend(self.callers.get(&declared).into_iter().flatten());
        }
        all.into_iter().collect()
    }

    /// Declarations that this method overrides or implements.
    pub(super) fn declarations(&self, units: &[Unit], method: Method) -> Vec<Method> {
        let Some(unit) = units.get(method.unit as usize) else { return Vec::new() };
        let Some(info) = unit.method(method.rid).filter(|m| m.is_virtual) else { return Vec::new() };
        let bases =
            self.bases.get(method.unit as usize).and_then(|types| types.get((info.owner as usize).wrapping_sub(1)));
        let Some(same) = self.declared.get(&(info.name.clone(), info.params)) else { return Vec::new() };
        // A type has few bases, a name like `Dispose` many declarations.
        let mut found: Vec<Method> =
            bases.into_iter().flatten().filter_map(|base| same.get(base)).flatten().copied().collect();
        found.retain(|m| *m != method);
        found.sort_unstable();
        found
    }

    /// Is a method made into a delegate?
    pub(super) fn is_taken(&self, method: Method) -> bool {
        self.taken.contains(&method)
    }

    /// Who assigns a field.
    pub(super) fn writers(&self, field: (u32, u32)) -> &[Method] {
        self.writers.get(&field).map_or(&[], Vec::as_slice)
    }
}

/// `MoveNext` of asynchronous methods and iterators, and the method that it was made of: the runtime calls it, no
/// instruction does.
fn state_machines(unit: &Unit) -> Vec<(u32, u32)> {
    let by_name: HashMap<&str, &super::unit::TypeInfo> = unit.types.iter().map(|t| (&*t.name, t)).collect();
    let mut pairs = Vec::new();
    for info in &unit.types {
        let Some((outer, own)) = info.name.rsplit_once('/') else { continue };
        let (Some(written), Some(outer)) = (super::names::original(own), by_name.get(outer)) else { continue };
        let named = |info: &super::unit::TypeInfo, name: &str| -> Vec<u32> {
            info.methods.clone().filter(|rid| unit.method(*rid).is_some_and(|m| &*m.name == name)).collect()
        };
        for machine in named(info, "MoveNext") {
            pairs.extend(named(outer, written).into_iter().map(|written| (machine, written)));
        }
    }
    pairs
}
