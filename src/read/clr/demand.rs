//! Which methods the arguments of calls may come from: followed backwards through parameters to callers, through fields
//! to who assigns them, through calls to what they return.
//!
//! No value is worked out on the way, and each expression, parameter, field and result is looked at once, so this is
//! linear in the code that matters. It goes a little further than values do and misses some rare ways; what an answer
//! still lacks is found when it is asked for.

use super::interp::Body;
use super::links::{Links, Method};
use super::pinvoke;
use super::resolve::{MAX_CALLERS, MAX_CALLERS_DEEP, Resolver};
use super::unit::Unit;
use super::value::{Expr, Id};
use crate::catalog::dotnet::catalog;
use std::collections::{BTreeSet, HashSet, VecDeque};

/// Expressions that are looked at, of all assemblies together.
const MAX_EXPRESSIONS: usize = 8 << 20;

type Set<T> = HashSet<T, foldhash::fast::RandomState>;

/// What is looked for in a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    /// What it gives to calls that do something to state.
    Asked,
    /// What it gives to this method as this argument, the receiver counted.
    Given(Method, u16),
    /// What it assigns to this field.
    Stored((u32, u32)),
    /// What it adds to the collection that this field holds.
    Added((u32, u32)),
    /// What it returns.
    Returned,
    /// What it gives to this constructor.
    Made(Method),
    /// What it gives as an asynchronous method or an iterator.
    Yielded,
}

/// Something that is looked for in a method, and how many parameters and fields led there.
#[derive(Clone, Copy)]
struct Look {
    at: Method,
    what: What,
    up: u32,
}

/// An expression that is still to be looked at.
#[derive(Clone, Copy)]
struct Sight {
    unit: u32,
    id: Id,
    /// Part of what a callee returns: its arguments are looked at where it is called, its parameters lead nowhere.
    inside: bool,
    up: u32,
}

/// What is known to matter so far.
pub(super) struct Demand {
    queue: VecDeque<Look>,
    /// In methods that are not interpreted yet.
    waiting: Vec<Look>,
    looked: Set<(Method, What)>,
    seen: Set<(u32, Id, bool)>,
}

impl Demand {
    /// Starts at these methods.
    pub(super) fn new(methods: &BTreeSet<Method>) -> Self {
        let waiting = methods.iter().map(|at| Look { at: *at, what: What::Asked, up: 0 }).collect();
        Demand { queue: VecDeque::new(), waiting, looked: Set::default(), seen: Set::default() }
    }

    /// Goes as far as the interpreted methods lead, and gives those that it needs to go on.
    pub(super) fn follow(&mut self, units: &[Unit], links: &Links) -> BTreeSet<Method> {
        let walk = Walk { units, links, resolver: Resolver::new(units, links, 1) };
        self.queue.extend(std::mem::take(&mut self.waiting));
        let mut wanted = BTreeSet::new();
        let mut sights = Vec::new();
        while let Some(look) = self.queue.pop_front() {
            let Some(unit) = units.get(look.at.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&look.at.rid) else {
                if unit.method(look.at.rid).is_some_and(|method| method.import.is_none()) {
                    wanted.insert(look.at);
                    self.waiting.push(look);
                }
                continue;
            };
            walk.look(self, look, unit, body, &mut sights);
            while let Some(sight) = sights.pop() {
                if self.seen.len() < MAX_EXPRESSIONS && self.seen.insert((sight.unit, sight.id, sight.inside)) {
                    walk.see(self, sight, &mut sights);
                }
            }
        }
        wanted
    }

    fn look_for(&mut self, at: Method, what: What, up: u32) {
        if up <= MAX_CALLERS_DEEP && self.looked.insert((at, what)) {
            self.queue.push_back(Look { at, what, up });
        }
    }
}

struct Walk<'w> {
    units: &'w [Unit],
    links: &'w Links,
    resolver: Resolver<'w>,
}

impl Walk<'_> {
    /// Looks for something in a method.
    fn look(&self, demand: &mut Demand, look: Look, unit: &Unit, body: &Body, sights: &mut Vec<Sight>) {
        let Look { at, what, up } = look;
        let outside = |id: Id| Sight { unit: at.unit, id, inside: false, up };
        match what {
            What::Asked => {
                let is_sink = |token: u32| match unit.member_ref(token) {
                    Some(reference) => reference.rows.is_some_and(|rows| rows.is_sink()),
                    None => pinvoke::sink(unit, token).is_some(),
                };
                let sites = body.sites.iter().filter(|site| is_sink(site.token));
                sights.extend(sites.flat_map(|site| site.args.iter().copied().map(outside)));
            }
            What::Given(method, index) => {
                let info = self.units.get(method.unit as usize).and_then(|unit| unit.method(method.rid));
                let skip = u16::from(info.is_some_and(|info| info.has_this));
                // As `may_run` says it, looked up once for all calls of the caller.
                let declarations = self.links.declarations(method);
                let is_it = |declared: Method| declared == method || declarations.contains(&declared);
                for site in body.sites.iter().filter(|site| self.links.called(at.unit, site.token).is_some_and(is_it)) {
                    let index = if site.makes { index.checked_sub(skip) } else { Some(index) };
                    sights.extend(index.and_then(|i| site.args.get(usize::from(i))).copied().map(outside));
                }
            }
            What::Stored(field) => {
                let inside = self.resolver.is_constructed(field);
                for store in &body.stores {
                    if self.links.field(at.unit, store.token) == Some(field) {
                        sights.push(outside(store.value));
                        sights.extend(inside.then_some(Sight { inside, ..outside(store.value) }));
                        if let Expr::Collection(..) = unit.arena.get(store.value) {
                            let fillers = self.resolver.fillers(field).into_iter();
                            fillers.for_each(|method| demand.look_for(method, What::Added(field), up));
                        }
                    }
                }
            }
            What::Added(field) => {
                let holds = |id: &Id| match unit.arena.get(*id) {
                    Expr::Field(token, _) => self.links.field(at.unit, *token) == Some(field),
                    _ => false,
                };
                let sites = body.sites.iter().filter(|site| site.args.first().is_some_and(holds));
                sights.extend(sites.filter_map(|site| site.args.last()).copied().map(outside));
            }
            What::Returned => {
                sights.extend(body.result.map(|id| Sight { inside: true, ..outside(id) }));
            }
            What::Made(constructor) => {
                let mut derives = false;
                for site in &body.sites {
                    if self.links.called(at.unit, site.token) == Some(constructor) {
                        derives |= !site.makes;
                        sights.extend(site.args.iter().copied().map(outside));
                    }
                }
                if derives && unit.method(at.rid).is_some_and(|method| &*method.name == ".ctor") {
                    self.made_by(demand, at, up);
                }
            }
            What::Yielded => {
                let set =
                    body.sites.iter().filter(|site| unit.callee(site.token).is_some_and(|c| c.name == "SetResult"));
                sights.extend(set.filter_map(|site| site.args.get(1)).copied().map(outside));
                sights.extend(body.stores.iter().map(|store| outside(store.value)));
            }
        }
    }

    /// Follows one expression.
    fn see(&self, demand: &mut Demand, sight: Sight, sights: &mut Vec<Sight>) {
        let Sight { unit: u, id, inside, up } = sight;
        let Some(unit) = self.units.get(u as usize) else { return };
        let mut next = |ids: &[Id]| sights.extend(ids.iter().map(|id| Sight { id: *id, ..sight }));
        match unit.arena.get(id) {
            Expr::Param(rid, index) => {
                let method = Method { unit: u, rid: *rid };
                let is_this = *index == 0 && unit.method(*rid).is_some_and(|m| m.has_this);
                if !inside && !is_this && unit.entry != Some(*rid) {
                    for caller in self.links.callers(method).into_iter().take(MAX_CALLERS) {
                        demand.look_for(caller, What::Given(method, *index), up + 1);
                    }
                }
            }
            Expr::Field(token, object) => {
                if unit.member_ref(*token).and_then(|r| catalog().value(r.rows?, "")).is_some() {
                    return;
                }
                let Some(field) = self.links.field(u, *token) else { return };
                for writer in self.links.writers(field).take(MAX_CALLERS) {
                    demand.look_for(writer, What::Stored(field), up + 1);
                }
                let Some(object) = *object else { return };
                next(&[object]);
                if let Expr::Param(rid, 0) = unit.arena.get(object)
                    && self.resolver.is_constructed(field)
                {
                    self.made(demand, u, *rid, up + 1);
                }
            }
            Expr::Call(token, args) | Expr::Given(token, _, args) => {
                self.call(demand, sight, unit, *token, args, sights)
            }
            Expr::Array(ids) | Expr::Concat(ids) | Expr::Phi(ids) => next(ids),
            Expr::Choice(condition, ids) => {
                next(&[*condition]);
                next(ids);
            }
            Expr::Element(array, _) => next(&[*array]),
            Expr::With(object, _, _, value) | Expr::Set(object, _, value) => next(&[*object, *value]),
            Expr::Char(code) | Expr::Named(code, _) => next(&[*code]),
            Expr::Collection(rid, _, args) => {
                next(args);
                let sites = unit.bodies.get(rid).map(|body| body.sites.as_slice()).unwrap_or_default();
                let added = sites.iter().filter(|site| site.args.first() == Some(&id));
                added.filter_map(|site| site.args.last()).for_each(|id| next(&[*id]));
            }
            _ => {}
        }
    }

    fn call(&self, demand: &mut Demand, sight: Sight, unit: &Unit, token: u32, args: &[Id], sights: &mut Vec<Sight>) {
        let Some(callee) = unit.callee(token) else { return };
        let targets = self.links.targets(sight.unit, token);
        let reference = unit.member_ref(token);
        let is_catalogued =
            reference.is_some_and(|r| r.rows.is_some_and(|rows| catalog().value(rows, &r.signature).is_some()));
        let is_followed = is_catalogued || !targets.is_empty() || catalog().collection(callee.ty).is_some();
        if !is_followed {
            return;
        }
        sights.extend(args.iter().map(|id| Sight { id: *id, ..sight }));
        if is_catalogued || !callee.returns {
            return;
        }
        for target in targets {
            match self.links.machine(target) {
                Some(machine) => {
                    demand.look_for(target, What::Returned, sight.up);
                    demand.look_for(machine, What::Yielded, sight.up + 1);
                }
                None => demand.look_for(target, What::Returned, sight.up),
            }
        }
    }

    /// Where the objects of the type of a method are made.
    fn made(&self, demand: &mut Demand, unit: u32, rid: u32, up: u32) {
        let Some(own) = self.units.get(unit as usize) else { return };
        let Some(info) = own.owner_of(rid) else { return };
        for rid in info.methods.clone().filter(|rid| own.method(*rid).is_some_and(|m| &*m.name == ".ctor")) {
            self.made_by(demand, Method { unit, rid }, up);
        }
    }

    fn made_by(&self, demand: &mut Demand, constructor: Method, up: u32) {
        for caller in self.links.callers(constructor).into_iter().take(MAX_CALLERS) {
            demand.look_for(caller, What::Made(constructor), up);
        }
    }
}
