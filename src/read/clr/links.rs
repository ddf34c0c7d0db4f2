//! What the assemblies of an application have to do with each other: who calls whom, what overrides what, who assigns a
//! field.

use super::Map;
use super::unit::{FIELD, MEMBER_REF, METHOD_DEF, RefInfo, Unit, row, table};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A virtual method as what overrides it names it: the type that declares it, its name, and how many parameters it has.
type Declared<'u> = ((u32, u32), &'u str, u16);

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

/// Declarations that one method overrides or implements.
const MAX_DECLARATIONS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Links {
    types: Map<Box<str>, Vec<Place>>,
    /// Number of the folder of each unit.
    folders: Vec<u32>,
    overrides: Map<Method, Vec<Method>>,
    declarations: Map<Method, Vec<Method>>,
    callers: Pairs<Method, Method>,
    /// `MoveNext` of what the compiler made of an asynchronous method or an iterator.
    machines: Map<Method, Method>,
    /// Those of asynchronous methods.
    asynchronous: HashSet<Method>,
    /// Methods that are made into delegates.
    taken: HashSet<Method>,
    writers: Pairs<(u32, u32), Method>,
    /// What the method tokens of each unit mean.
    definitions: Vec<Map<u32, Method>>,
    /// What the references to fields in each unit mean.
    fields: Vec<Map<u32, (u32, u32)>>,
    /// Components that the program of each assembly has: `aspnet`, `service`.
    pub(super) components: Vec<BTreeSet<&'static str>>,
    /// Methods that a host calls with what it was sent.
    pub(super) given_input: HashSet<Method>,
}

/// Where a type of some name is defined. Sorted, so that what lies in one folder stands together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    folder: u32,
    unit: u32,
    ty: u32,
}

impl Place {
    fn definition(self) -> (u32, u32) {
        (self.unit, self.ty)
    }
}

/// A relation, sorted.
#[derive(Debug)]
struct Pairs<K, V>(Vec<(K, V)>);

impl<K, V> Default for Pairs<K, V> {
    fn default() -> Self {
        Pairs(Vec::new())
    }
}

impl<K: Ord + Copy + Send, V: Ord + Copy + Send> Pairs<K, V> {
    fn new(mut pairs: Vec<(K, V)>) -> Self {
        pairs.par_sort_unstable();
        pairs.dedup();
        pairs.shrink_to_fit();
        Pairs(pairs)
    }

    fn of(&self, key: K) -> impl Iterator<Item = V> {
        let first = self.0.partition_point(|(k, _)| *k < key);
        self.0.iter().skip(first).take_while(move |(k, _)| *k == key).map(|(_, v)| *v)
    }
}

/// What the instructions of one unit relate.
#[derive(Default)]
struct Related {
    definitions: Map<u32, Method>,
    callers: Vec<(Method, Method)>,
    taken: Vec<Method>,
    machines: Vec<(Method, Method)>,
    asynchronous: Vec<Method>,
    writers: Vec<((u32, u32), Method)>,
}

impl Links {
    pub(super) fn new(units: &[Unit]) -> Self {
        let mut links = Links { folders: folders(units), ..Links::default() };
        for ((u, unit), folder) in units.iter().enumerate().zip(&links.folders) {
            for (t, info) in unit.types.iter().enumerate() {
                let place = Place { folder: *folder, unit: u as u32, ty: t as u32 + 1 };
                links.types.entry(info.name.clone()).or_default().push(place);
            }
        }
        links.types.values_mut().for_each(|places| places.sort_unstable());
        links.declare(units);
        links.fields = (0..units.len()).into_par_iter().map(|u| links.referred_fields(units, u as u32)).collect();
        let related: Vec<Related> = (0..units.len()).into_par_iter().map(|u| links.related(units, u as u32)).collect();
        let (mut callers, mut writers) = (Vec::new(), Vec::new());
        for mut related in related {
            callers.append(&mut related.callers);
            writers.append(&mut related.writers);
            links.taken.extend(related.taken);
            links.machines.extend(related.machines);
            links.asynchronous.extend(related.asynchronous);
            links.definitions.push(related.definitions);
        }
        (links.callers, links.writers) = (Pairs::new(callers), Pairs::new(writers));
        links
    }

    /// Which methods override or implement which.
    fn declare(&mut self, units: &[Unit]) {
        let bases: Vec<Vec<Vec<(u32, u32)>>> =
            (0..units.len()).into_par_iter().map(|u| self.bases(units, u as u32)).collect();
        // Only what is some type's base can be overridden.
        let is_base: HashSet<(u32, u32)> = bases.iter().flatten().flatten().copied().collect();
        let mut declared: Map<Declared<'_>, Vec<Method>> = Map::default();
        for (u, unit) in units.iter().enumerate() {
            for (m, info) in unit.methods.iter().enumerate().filter(|(_, m)| m.is_virtual) {
                let owner = (u as u32, info.owner);
                if is_base.contains(&owner) {
                    let same = declared.entry((owner, &info.name, info.params)).or_default();
                    same.push(Method { unit: u as u32, rid: m as u32 + 1 });
                }
            }
        }
        let of_method = |unit: &Unit, bases: &[Vec<(u32, u32)>], method: Method| -> Vec<Method> {
            let Some(info) = unit.method(method.rid).filter(|m| m.is_virtual) else { return Vec::new() };
            // A type has few bases, a name like `Dispose` many declarations.
            let of_type = bases.get((info.owner as usize).wrapping_sub(1)).into_iter().flatten();
            let found = of_type.filter_map(|base| declared.get(&(*base, &*info.name, info.params))).flatten();
            let mut found: Vec<Method> =
                found.copied().filter(|declared| *declared != method).take(MAX_DECLARATIONS).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let all: Vec<Vec<(Method, Vec<Method>)>> = units
            .par_iter()
            .zip(&bases)
            .enumerate()
            .map(|(u, (unit, bases))| {
                let methods = (1..=unit.methods.len() as u32).map(|rid| Method { unit: u as u32, rid });
                let of = |method| (method, of_method(unit, bases, method));
                methods.map(of).filter(|(_, declarations)| !declarations.is_empty()).collect()
            })
            .collect();
        for (method, declarations) in all.into_iter().flatten() {
            for declared in &declarations {
                let overrides = self.overrides.entry(*declared).or_default();
                if overrides.len() < MAX_OVERRIDES {
                    overrides.push(method);
                }
            }
            self.declarations.insert(method, declarations);
        }
    }

    /// All bases and interfaces of the types of a unit that the application defines.
    fn bases(&self, units: &[Unit], u: u32) -> Vec<Vec<(u32, u32)>> {
        let types = units.get(u as usize).map_or(0, |unit| unit.types.len() as u32);
        let of = |t| -> Vec<(u32, u32)> {
            let mut found: Vec<(u32, u32)> = self.lineage(units, u, t).into_iter().filter_map(|(_, at)| at).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        // Without methods it overrides nothing.
        let has_methods = |t| units.get(u as usize).and_then(|u| u.type_info(t)).is_some_and(|t| !t.methods.is_empty());
        (1..=types).map(|t| if has_methods(t) { of(t) } else { Vec::new() }).collect()
    }

    fn related(&self, units: &[Unit], u: u32) -> Related {
        let mut related = Related::default();
        let Some(unit) = units.get(u as usize) else { return related };
        let method = |rid| Method { unit: u, rid };
        let mut known: Map<u32, Option<Method>> = Map::default();
        for (caller, token) in &unit.calls {
            let target = *known.entry(*token).or_insert_with(|| self.definition(units, u, *token));
            related.callers.extend(target.map(|target| (target, method(*caller))));
        }
        related.definitions = known.into_iter().filter_map(|(token, method)| Some((token, method?))).collect();
        for (caller, token) in &unit.functions {
            if let Some(target) = self.definition(units, u, *token) {
                related.callers.push((target, method(*caller)));
                related.taken.push(target);
            }
        }
        for (machine, written) in state_machines(unit) {
            related.callers.push((method(machine), method(written)));
            related.machines.push((method(written), method(machine)));
            let is_machine = |name: &str| name.ends_with(".IAsyncStateMachine");
            if unit.owner_of(machine).is_some_and(|info| info.interfaces.iter().any(|name| is_machine(name))) {
                related.asynchronous.push(method(machine));
            }
        }
        for (writer, token) in &unit.stores {
            let field = self.field(u, *token);
            related.writers.extend(field.map(|field| (field, method(*writer))));
        }
        related
    }

    /// Definitions of a type of this name, those that the runtime would take first: an assembly is looked for beside who
    /// names it. Where a tree holds an application twice, each copy is then a program of its own, and what the two
    /// may run does not multiply.
    pub(super) fn candidates(&self, unit: u32, name: &str) -> impl Iterator<Item = (u32, u32)> {
        let all = self.types.get(name).map_or(&[][..], Vec::as_slice);
        let folder = self.folders.get(unit as usize).copied().unwrap_or_default();
        let from = all.partition_point(|place| place.folder < folder);
        let beside = all.get(from..).unwrap_or_default().iter().take_while(move |place| place.folder == folder);
        beside.chain(all).map(|place| place.definition())
    }

    /// The types of this name that a unit can mean: its own, then those of the assembly that it names.
    fn find_type(&self, units: &[Unit], unit: u32, assembly: &str, name: &str) -> Option<(u32, u32)> {
        let wanted = |u: u32| {
            assembly.is_empty() && u == unit
                || units.get(u as usize).is_some_and(|c| c.identity.name.eq_ignore_ascii_case(assembly))
        };
        self.candidates(unit, name).find(|(u, _)| wanted(*u)).or_else(|| {
            // A type that was forwarded (II.22.14) is defined in another assembly than the reference says.
            let only = self.types.get(name).filter(|places| places.len() == 1 && !assembly.is_empty())?;
            only.first().map(|place| place.definition())
        })
    }

    /// The type that a name means from within a unit, wherever it is defined.
    fn find_base(&self, unit: u32, name: &str) -> Option<(u32, u32)> {
        let own = self.candidates(unit, name).find(|(u, _)| *u == unit);
        own.or_else(|| self.candidates(unit, name).next())
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
    pub(super) fn field(&self, unit: u32, token: u32) -> Option<(u32, u32)> {
        if table(token) == FIELD {
            return Some((unit, row(token)));
        }
        self.fields.get(unit as usize)?.get(&token).copied()
    }

    fn referred_fields(&self, units: &[Unit], u: u32) -> Map<u32, (u32, u32)> {
        let refs = units.get(u as usize).map_or(&[][..], |unit| &unit.refs);
        let of_fields = refs.iter().enumerate().filter(|(_, reference)| reference.is_field);
        of_fields
            .filter_map(|(i, reference)| Some((MEMBER_REF << 24 | (i as u32 + 1), self.referred(units, u, reference)?)))
            .collect()
    }

    fn referred(&self, units: &[Unit], unit: u32, reference: &RefInfo) -> Option<(u32, u32)> {
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

    /// May a call run this method: is it what is called, or does it override that?
    pub(super) fn may_run(&self, unit: u32, token: u32, method: Method) -> bool {
        let declared = self.called(unit, token);
        declared.is_some_and(|declared| declared == method || self.overrides(declared).contains(&method))
    }

    /// Everything that a call may run: the definition, and what overrides it.
    pub(super) fn targets(&self, unit: u32, token: u32) -> Vec<Method> {
        let Some(declared) = self.called(unit, token) else { return Vec::new() };
        let mut all = vec![declared];
        all.extend(self.overrides(declared));
        all
    }

    /// Methods that override or implement this one.
    pub(super) fn overrides(&self, method: Method) -> &[Method] {
        self.overrides.get(&method).map_or(&[], Vec::as_slice)
    }

    /// Names of the bases and interfaces of a type, nearest first.
    pub(super) fn ancestors<'u>(&self, units: &'u [Unit], unit: u32, ty: u32) -> Vec<&'u str> {
        self.lineage(units, unit, ty).into_iter().map(|(name, _)| name).collect()
    }

    /// The bases and interfaces of a type, nearest first, and where the application defines them.
    pub(super) fn lineage<'u>(&self, units: &'u [Unit], unit: u32, ty: u32) -> Vec<(&'u str, Option<(u32, u32)>)> {
        let mut found: Vec<(&str, Option<(u32, u32)>)> = Vec::new();
        let mut queue = vec![(unit, ty)];
        let mut seen = BTreeSet::new();
        while let Some(at) = queue.pop() {
            if !seen.insert(at) || seen.len() > MAX_BASES {
                continue;
            }
            let Some(info) = units.get(at.0 as usize).and_then(|u| u.type_info(at.1)) else { continue };
            for name in std::iter::once(&info.base).chain(&info.interfaces).filter(|n| !n.is_empty()) {
                let defined = self.find_base(at.0, name);
                found.push((name, defined));
                queue.extend(defined);
            }
        }
        found
    }

    /// Who calls a method, directly or through a declaration that it overrides.
    pub(super) fn callers(&self, method: Method) -> Vec<Method> {
        let declarations = self.declarations(method);
        let mut all: Vec<Method> = self.callers.of(method).collect();
        if !declarations.is_empty() {
            all.extend(declarations.iter().flat_map(|declared| self.callers.of(*declared)));
            all.sort_unstable();
            all.dedup();
        }
        all
    }

    /// Every method that is called or made into a delegate, and by whom.
    pub(super) fn calls(&self) -> impl Iterator<Item = (Method, Method)> {
        self.callers.0.iter().map(|(target, caller)| (*caller, *target))
    }

    /// Every method that overrides or implements others, and those.
    pub(super) fn all_declarations(&self) -> impl Iterator<Item = (Method, &[Method])> {
        self.declarations.iter().map(|(method, declarations)| (*method, declarations.as_slice()))
    }

    /// The number of the folder that a unit lies in.
    pub(super) fn folder(&self, unit: u32) -> Option<u32> {
        self.folders.get(unit as usize).copied()
    }

    /// Declarations that this method overrides or implements.
    pub(super) fn declarations(&self, method: Method) -> &[Method] {
        self.declarations.get(&method).map_or(&[], Vec::as_slice)
    }

    /// Is a method called by a host with what was sent to it?
    pub(super) fn is_given_input(&self, method: Method) -> bool {
        self.given_input.contains(&method)
    }

    /// Is a method made into a delegate?
    pub(super) fn is_taken(&self, method: Method) -> bool {
        self.taken.contains(&method)
    }

    /// `MoveNext` of the type that the compiler made of a method.
    pub(super) fn machine(&self, method: Method) -> Option<Method> {
        self.machines.get(&method).copied()
    }

    /// Is the type that the compiler made of a method that of an asynchronous one, and not of an iterator?
    pub(super) fn is_asynchronous(&self, machine: Method) -> bool {
        self.asynchronous.contains(&machine)
    }

    /// Who assigns a field.
    pub(super) fn writers(&self, field: (u32, u32)) -> impl Iterator<Item = Method> {
        self.writers.of(field)
    }
}

/// A number for the folder of each unit.
fn folders(units: &[Unit]) -> Vec<u32> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let names = units.iter().map(|unit| unit.artifact.rsplit_once('/').map_or("", |(folder, _)| folder));
    names
        .map(|name| {
            let next = numbers.len() as u32;
            *numbers.entry(name).or_insert(next)
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::super::unit::{MethodInfo, TypeInfo};
    use super::*;

    #[test]
    fn what_overrides_in_one_copy_of_a_program_does_not_in_the_other() {
        let method = |owner| MethodInfo { name: "Save".into(), owner, is_virtual: true, ..MethodInfo::default() };
        let ty = |name: &str, base: &str, rid| TypeInfo {
            name: name.into(),
            base: base.into(),
            methods: rid..rid + 1,
            ..TypeInfo::default()
        };
        let unit = |artifact: &str, types: Vec<TypeInfo>| Unit {
            artifact: artifact.into(),
            methods: (1..=types.len() as u32).map(method).collect(),
            types,
            ..Unit::default()
        };
        let engine = |folder: &str| unit(&format!("{folder}/engine.dll"), vec![ty("Store", "", 1)]);
        let desk = |folder: &str| unit(&format!("{folder}/desk.exe"), vec![ty("Disk", "Store", 1)]);
        let links = Links::new(&[engine("a"), desk("a"), engine("b"), desk("b"), desk("c")]);
        let of = |unit| Method { unit, rid: 1 };
        assert_eq!(links.overrides(of(2)), [of(3)]);
        assert_eq!(links.declarations(of(3)), [of(2)]);
        assert_eq!(links.overrides(of(0)), [of(1), of(4)], "what nothing lies beside is taken from elsewhere");
    }
}
