//! What the application runs of the libraries that it ships: an assembly that another one beside it refers to does only
//! what something asks it to do. What no call, no name and no host leads to is code that is only shipped along.
//!
//! A way into a library is a call or a delegate from an assembly that is none; a type that is named there, of which an
//! object may then be made and handed to whoever calls its virtual methods; what a host finds by itself; and names in
//! literals, configuration, pages and sources ([`words`]). Whoever looks through whole assemblies may
//! find any type of a kind that is known there. Methods that override others run where there may be an object of their type (rapid type analysis: Bacon and
//! Sweeney 1996).

mod libraries;
mod words;

use super::links::{Links, Method};
use super::phases::Phases;
use super::resolve::Resolver;
use super::unit::{MethodInfo, TYPE_DEF, Unit, row, table};
use super::{Map, interpreted};
use crate::discover::Application;
use crate::facts::{Body, Certainty, Fact, Operation, Owner, Reading, Step};
use std::collections::HashSet;
use words::Words;

pub(in crate::read) use words::texts_that_name;

/// A type: its assembly and its row there.
type Type = (u32, u32);
type Set<T> = HashSet<T, foldhash::fast::RandomState>;

/// Which methods of libraries may run.
pub(super) struct Reach {
    /// Assemblies of which only what is reached runs.
    is_library: Vec<bool>,
    reached: Set<Method>,
}

impl Reach {
    /// Follows everything that leads into libraries.
    pub(super) fn new(app: &Application, units: &[Unit], links: &Links, phases: &Phases, readings: &[Reading]) -> Self {
        let is_library = libraries::among(app, units, links, readings);
        if !is_library.contains(&true) {
            return Reach { is_library, reached: Set::default() };
        }
        let mut walk = Walk::new(units, links, phases, readings, is_library);
        walk.start();
        walk.run();
        let is_left = |walk: &Walk<'_>| interpreted(units).iter().any(|method| !walk.runs(*method));
        if is_left(&walk) {
            match Words::of(app, units, &walk.is_library) {
                Some(words) => walk.follow(&words),
                None => walk.is_library.fill(false),
            }
        }
        Reach { is_library: walk.is_library, reached: walk.reached }
    }

    fn runs(&self, method: Method) -> bool {
        !self.is_library.get(method.unit as usize).is_some_and(|is| *is) || self.reached.contains(&method)
    }

    /// What a library does where nothing leads is a possibility, and so is what it does for a caller that nothing leads to.
    pub(super) fn doubt(&self, resolver: &Resolver<'_>, method: Method, facts: &mut [Fact]) {
        let is_idle = !self.runs(method);
        for fact in facts {
            let Body::Effect(effect) = &mut fact.body else { continue };
            if effect.operation == Operation::Read {
                continue;
            }
            let for_nobody = |step: &Step| resolver.caller_of(step).is_some_and(|caller| !self.runs(caller));
            if is_idle || effect.evidence.iter().any(for_nobody) {
                effect.certainty = Certainty::Possible;
                effect.evidence.push(Step::new("of a library: nothing of the application leads there"));
            }
        }
    }
}

/// Types of the runtime that every object has for a base: they call nothing that an object of a library overrides, but
/// what is listed in [`OF_EVERY_OBJECT`].
const PLAIN_BASES: [&str; 3] = ["System.Object", "System.ValueType", "System.Enum"];
/// Virtual methods that the runtime and its collections call on anything.
const OF_EVERY_OBJECT: [&str; 5] = ["ToString", "Equals", "GetHashCode", "Finalize", "Dispose"];
/// Attributes by which a container finds the types that it makes.
const EXPORTS: [&str; 3] = [
    "System.ComponentModel.Composition.ExportAttribute",
    "System.ComponentModel.Composition.InheritedExportAttribute",
    "System.Composition.ExportAttribute",
];
/// Attributes that the compiler adds.
const OF_COMPILER: [&str; 2] = ["System.Runtime.CompilerServices.", "System.Diagnostics."];

/// Times that members are looked up by their names: what was found may make other objects. More, and all of it may run.
const MAX_TURNS: usize = 32;

/// Is it an attribute by which a host or a framework may find what it calls?
fn is_marked(attribute: &str) -> bool {
    !OF_COMPILER.iter().any(|own| attribute.starts_with(own))
}

/// How there may be an object of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    /// Code of the library makes it.
    Made,
    /// Generic code or reflection of the library may make it.
    Reflected,
    /// Whoever is no library names the type, and may hand it to a host that calls all it can.
    Named,
}

/// What a method has among pairs that are sorted by the method.
fn of_method(pairs: &[(u32, u32)], rid: u32) -> impl Iterator<Item = u32> {
    let first = pairs.partition_point(|(of, _)| *of < rid);
    pairs.iter().skip(first).take_while(move |(of, _)| *of == rid).map(|(_, token)| *token)
}

/// The way through the libraries.
struct Walk<'w> {
    units: &'w [Unit],
    links: &'w Links,
    phases: &'w Phases,
    /// Part of a framework: what is derived from its types is called by it.
    is_framework: Vec<bool>,
    is_library: Vec<bool>,
    /// What each method calls.
    calls: Map<Method, Vec<Method>>,
    /// What overrides each method.
    overriders: Map<Method, Vec<Method>>,
    is_touched: Vec<bool>,
    made: Map<Type, How>,
    reached: Set<Method>,
    queue: Vec<Method>,
}

impl<'w> Walk<'w> {
    fn new(
        units: &'w [Unit],
        links: &'w Links,
        phases: &'w Phases,
        readings: &[Reading],
        is_library: Vec<bool>,
    ) -> Self {
        let of_library = |method: &Method| is_library.get(method.unit as usize).is_some_and(|is| *is);
        let (mut calls, mut overriders): (Map<Method, Vec<Method>>, Map<Method, Vec<Method>>) = Default::default();
        for (caller, target) in links.calls() {
            calls.entry(caller).or_default().push(target);
        }
        for (method, declarations) in links.all_declarations().filter(|(method, _)| of_library(method)) {
            declarations.iter().for_each(|declared| overriders.entry(*declared).or_default().push(method));
        }
        Walk {
            units,
            links,
            phases,
            is_framework: readings.iter().map(|reading| reading.owner == Owner::Framework).collect(),
            is_touched: vec![false; units.len()],
            is_library,
            calls,
            overriders,
            made: Map::default(),
            reached: Set::default(),
            queue: Vec::new(),
        }
    }

    fn is_library(&self, unit: u32) -> bool {
        self.is_library.get(unit as usize).is_some_and(|is| *is)
    }

    fn runs(&self, method: Method) -> bool {
        !self.is_library(method.unit) || self.reached.contains(&method)
    }

    /// What leads in from what is no library.
    fn start(&mut self) {
        let units = self.units;
        let links = self.links;
        for (u, unit) in (0..).zip(units) {
            if !self.is_library(u) {
                self.name_referred(u, unit);
            }
        }
        for (caller, target) in links.calls() {
            if !self.is_library(caller.unit) {
                self.call(target);
            }
        }
        for method in self.phases.found_by_hosts() {
            self.reach(method);
            if let Some(info) = units.get(method.unit as usize).and_then(|unit| unit.method(method.rid)) {
                self.make((method.unit, info.owner), How::Named);
            }
        }
        let looks_through = |(u, unit): (u32, &Unit)| !self.is_library(u) && libraries::looks_through_assemblies(unit);
        if (0..).zip(units).any(looks_through) {
            self.find_by_kind();
        }
        for (u, unit) in (0..).zip(units) {
            for (t, info) in (1..).zip(&unit.types) {
                if info.attributes.iter().any(|attribute| EXPORTS.contains(&&**attribute)) {
                    self.make((u, t), How::Named);
                }
            }
        }
    }

    /// Who looks through assemblies finds the types of a kind that it knows: what is derived from something of another
    /// assembly, or from what is named elsewhere.
    fn find_by_kind(&mut self) {
        let units = self.units;
        for (u, unit) in (0..).zip(units) {
            if !self.is_library(u) {
                continue;
            }
            for t in 1..=unit.types.len() as u32 {
                let is_known = |(name, at): &(&str, Option<Type>)| match at {
                    Some(at) => at.0 != u || self.made.get(at) == Some(&How::Named),
                    None => !PLAIN_BASES.contains(name),
                };
                if self.links.lineage(units, u, t).iter().any(is_known) {
                    self.make((u, t), How::Named);
                }
            }
        }
    }

    /// Follows all calls of what was reached.
    fn run(&mut self) {
        while let Some(method) = self.queue.pop() {
            self.touch(method.unit);
            for target in self.calls.get(&method).cloned().unwrap_or_default() {
                self.call(target);
            }
            if let Some(machine) = self.links.machine(method) {
                self.call(machine);
            }
            let Some(unit) = self.units.get(method.unit as usize) else { continue };
            if let Some(info) = unit.method(method.rid).filter(|info| &*info.name == ".ctor") {
                self.make((method.unit, info.owner), How::Made);
            }
            for token in of_method(&unit.typed, method.rid) {
                self.make_all(method.unit, unit, token);
            }
            let gives_types = |token: u32| unit.member_ref(token).is_some_and(libraries::gives_types);
            if of_method(&unit.calls, method.rid).any(gives_types) {
                (1..=unit.types.len() as u32).for_each(|t| self.make((method.unit, t), How::Reflected));
            }
        }
    }

    fn reach(&mut self, method: Method) {
        if self.is_library(method.unit) && self.reached.insert(method) {
            self.queue.push(method);
        }
    }

    /// A call may run the method, and what overrides it in types of which there may be objects.
    fn call(&mut self, method: Method) {
        self.reach(method);
        for overrider in self.overriders.get(&method).cloned().unwrap_or_default() {
            let owner = self.units.get(overrider.unit as usize).and_then(|unit| unit.method(overrider.rid));
            if owner.is_some_and(|info| self.made.contains_key(&(overrider.unit, info.owner))) {
                self.reach(overrider);
            }
        }
    }

    /// Something of the library runs: what makes its constants does too, there may be any of its values and of what its
    /// generic code makes, and it uses other libraries.
    fn touch(&mut self, u: u32) {
        let Some(is_touched) = self.is_touched.get_mut(u as usize) else { return };
        if std::mem::replace(is_touched, true) {
            return;
        }
        let Some(unit) = self.units.get(u as usize) else { return };
        for (t, info) in (1..).zip(&unit.types) {
            if &*info.base == "System.ValueType" {
                self.make((u, t), How::Made);
            }
            let initializer = info.methods.clone().find(|rid| unit.method(*rid).is_some_and(|m| &*m.name == ".cctor"));
            if let Some(rid) = initializer {
                self.reach(Method { unit: u, rid });
            }
        }
        for token in &unit.generic_arguments {
            self.make_all(u, unit, *token);
        }
    }

    /// Generic code or reflection may make an object of what a token names.
    fn make_all(&mut self, u: u32, unit: &Unit, token: u32) {
        if table(token) == TYPE_DEF {
            return self.make((u, row(token)), How::Reflected);
        }
        let named: Vec<Type> = self.links.candidates(u, unit.type_name(token)).filter(|(of, _)| *of != u).collect();
        named.into_iter().for_each(|ty| self.make(ty, How::Reflected));
    }

    /// Types of libraries that an assembly refers to.
    fn name_referred(&mut self, u: u32, unit: &Unit) {
        for name in &unit.type_refs {
            let named: Vec<Type> = self.links.candidates(u, name).filter(|(of, _)| *of != u).collect();
            named.into_iter().for_each(|ty| self.make(ty, How::Named));
        }
    }

    /// There may be an object of the type.
    fn make(&mut self, ty: Type, how: How) {
        if !self.is_library(ty.0) || self.made.get(&ty).is_some_and(|known| *known >= how) {
            return;
        }
        self.made.insert(ty, how);
        self.touch(ty.0);
        let units = self.units;
        let Some((unit, info)) = units.get(ty.0 as usize).and_then(|unit| Some((unit, unit.type_info(ty.1)?))) else {
            return;
        };
        let bases = self.links.lineage(units, ty.0, ty.1);
        let is_outside = |name: &str, at: Option<Type>| {
            let of_framework = |(unit, _): Type| self.is_framework.get(unit as usize).is_some_and(|is| *is);
            at.is_none_or(of_framework) && !PLAIN_BASES.contains(&name)
        };
        let has_outer_base = bases.iter().any(|(name, at)| is_outside(name, *at));
        let is_own = |name: &str| info.interfaces.iter().any(|own| &**own == name);
        let has_outer_interface = bases.iter().any(|(name, at)| is_own(name) && is_outside(name, *at));
        for rid in info.methods.clone() {
            let method = Method { unit: ty.0, rid };
            let Some(of) = unit.method(rid) else { continue };
            let declarations = self.links.declarations(method);
            // What overrides a method of the application runs when that does.
            let is_declared_outside = has_outer_interface || has_outer_base && declarations.is_empty();
            let is_called = of.is_virtual
                && (how == How::Named
                    || is_declared_outside
                    || OF_EVERY_OBJECT.contains(&&*of.name)
                    || declarations.iter().any(|declared| self.runs(*declared) || self.is_contract(*declared)));
            let is_accessor = ["get_", "set_", "add_"].iter().any(|prefix| of.name.starts_with(prefix));
            let is_reflected = how >= How::Reflected && &*of.name == ".ctor"
                || how == How::Named && is_accessor
                || of.attributes.iter().any(|name| is_marked(name));
            if is_called || is_reflected {
                self.reach(method);
            }
        }
        // A method of a base may be what an interface of the type asks for.
        if !info.interfaces.is_empty() {
            let bases: Vec<Type> = bases.iter().filter_map(|(_, at)| *at).filter(|at| self.is_library(at.0)).collect();
            bases.into_iter().for_each(|base| self.reach_virtual(base));
        }
    }

    /// Does an interface that is marked declare the method: one that a host serves, or another language calls?
    fn is_contract(&self, declared: Method) -> bool {
        let owner = self.units.get(declared.unit as usize).and_then(|unit| unit.owner_of(declared.rid));
        owner.is_some_and(|info| info.base.is_empty() && info.attributes.iter().any(|name| is_marked(name)))
    }

    fn reach_virtual(&mut self, ty: Type) {
        let Some((unit, info)) = self.units.get(ty.0 as usize).and_then(|unit| Some((unit, unit.type_info(ty.1)?)))
        else {
            return;
        };
        for rid in info.methods.clone().filter(|rid| unit.method(*rid).is_some_and(|m| m.is_virtual)) {
            self.reach(Method { unit: ty.0, rid });
        }
    }

    /// What names in literals and in texts lead to.
    fn follow(&mut self, words: &Words) {
        let units = self.units;
        for (u, unit) in (0..).zip(units) {
            if !self.is_library(u) {
                continue;
            }
            for (t, info) in (1..).zip(&unit.types) {
                if words.has_type(&info.name) {
                    self.make((u, t), How::Named);
                }
            }
        }
        self.run();
        // Members are looked up by their names in objects that there are.
        for _ in 0..MAX_TURNS {
            let is_met = |u: u32, rid: u32, info: &MethodInfo| {
                !self.runs(Method { unit: u, rid })
                    && self.made.contains_key(&(u, info.owner))
                    && words.has_member(&info.name)
            };
            let of_unit = |(u, unit): (u32, &'w Unit)| -> Vec<Method> {
                let methods = (1..).zip(&unit.methods).filter(|(rid, info)| is_met(u, *rid, info));
                methods.map(|(rid, _)| Method { unit: u, rid }).collect()
            };
            let by_name: Vec<Method> = (0..).zip(units).flat_map(of_unit).collect();
            if by_name.is_empty() {
                return;
            }
            by_name.into_iter().for_each(|method| self.call(method));
            self.run();
        }
        self.is_library.fill(false);
    }
}
