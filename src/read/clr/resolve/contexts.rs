//! The circumstances that a call is looked at in. Where several things that a method was given meet in one place, such
//! as the root of a file system object and a name below it, they belong together: what one caller gives goes with what
//! the same caller gives. So the call is looked at once for each caller, and for each object that was made.

use super::{At, Expr, Frame, Id, Method, Resolver};
use crate::read::clr::trace::{Passed, Trace};
use crate::read::clr::value::Arena;
use std::collections::BTreeSet;

/// Callers of callers that are told apart.
const MAX_LINKS: usize = 6;
/// Circumstances of one call.
const MAX_CONTEXTS: usize = 64;
/// Expressions that are looked through for what a place depends on.
const MAX_LOOK: usize = 256;
/// Constructors of derived types that are looked through for one another.
const MAX_DERIVED: u32 = 4;

/// When the callers of a method are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read::clr) enum Apart {
    /// Where several things that they give meet.
    Joint,
    /// Wherever they give something.
    Each,
}

/// A call, or the making of an object, from which a method gets what it works with.
#[derive(Clone)]
pub(super) struct Link {
    method: Method,
    pub(super) args: Box<[Id]>,
    pub(super) makes: bool,
    pub(super) caller: Method,
    step: Trace,
    /// The object is one that the compiler has thought up.
    is_closure: bool,
}

/// What an expression depends on that comes from outside its method.
#[derive(Default)]
struct Needs {
    params: BTreeSet<u16>,
    /// Fields of the receiver, and twice what its methods give, which may be made of any of its fields.
    of_this: BTreeSet<(u32, bool)>,
}

impl Needs {
    fn is_joint(&self) -> bool {
        self.params.len() + self.of_this.len() > 1
    }
}

/// The ways to a call, from the call outwards.
struct Chains {
    left: usize,
    chains: Vec<Vec<Link>>,
    apart: Apart,
}

impl<'r> Resolver<'r> {
    /// Looks at a call of a method in each of its circumstances.
    pub(in crate::read::clr) fn in_contexts(
        &self,
        method: Method,
        ids: &[Id],
        apart: Apart,
        see: &mut dyn FnMut(At<'_>, &[Trace]),
    ) {
        let mut all = Chains { left: MAX_CONTEXTS, chains: Vec::new(), apart };
        self.expand(&mut Vec::new(), method, ids, &mut all);
        let chains = all.chains;
        let is_one = chains.len() == 1;
        for chain in &chains {
            // Where there are no others, it needs no saying which object it is.
            let is_told = |link: &&Link| !(link.is_closure || is_one && link.step.what == Passed::Object);
            let steps: Vec<Trace> = chain.iter().filter(is_told).map(|link| link.step).collect();
            self.within(method.unit, chain, None, &mut |at| see(at, &steps));
        }
    }

    fn within(&self, unit: u32, chain: &[Link], outer: Option<&Frame<'_>>, see: &mut dyn FnMut(At<'_>)) {
        let Some((link, inner)) = chain.split_last() else {
            return see(At { frame: outer, joint: outer.is_some(), ..At::anywhere(unit) });
        };
        let frame = Frame {
            method: link.method,
            args: &link.args,
            makes: link.makes,
            caller_unit: link.caller.unit,
            caller: outer,
        };
        self.within(unit, inner, Some(&frame), see);
    }

    fn expand(&self, chain: &mut Vec<Link>, method: Method, ids: &[Id], all: &mut Chains) {
        let needs = self.needs(method, ids);
        let is_each = all.apart == Apart::Each && !needs.params.is_empty();
        let mut links = Vec::new();
        if (needs.is_joint() || is_each) && chain.len() < MAX_LINKS && all.left > 0 {
            links = if needs.params.is_empty() { self.makings_called(method) } else { self.calls_of(method) };
            for link in links.iter_mut().filter(|_| !needs.params.is_empty()) {
                link.step.what = Passed::arguments(method, &needs.params);
            }
            links.retain(|link| !chain.iter().any(|known| known.method == link.caller) && link.caller != method);
        }
        if links.is_empty() || links.len() > all.left {
            all.left = all.left.saturating_sub(1);
            return all.chains.push(chain.clone());
        }
        for link in links {
            let (caller, mut args) = (link.caller, link.args.to_vec());
            if is_each {
                // Only what leads to the place.
                let first = u16::from(link.makes);
                let is_needed = |n: usize| u16::try_from(n).is_ok_and(|n| needs.params.contains(&(n + first)));
                args = args.iter().enumerate().filter(|(n, _)| is_needed(*n)).map(|(_, id)| *id).collect();
            }
            chain.push(link);
            self.expand(chain, caller, &args, all);
            chain.pop();
        }
    }

    /// Calls of a method, with what they give it.
    pub(super) fn calls_of(&self, method: Method) -> Vec<Link> {
        let mut links = Vec::new();
        for caller in self.links.callers(method).into_iter().take(MAX_CONTEXTS) {
            let Some(unit) = self.units.get(caller.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&caller.rid) else {
                self.want(caller);
                continue;
            };
            for site in body.sites.iter().filter(|site| self.links.may_run(caller.unit, site.token, method)) {
                links.push(Link {
                    method,
                    args: site.args.clone(),
                    makes: site.makes,
                    caller,
                    step: Trace { what: Passed::Object, at: caller, offset: site.offset },
                    is_closure: false,
                });
            }
        }
        links
    }

    /// Where the objects are made that a method is called on: where every call shows which object it is, others of the same
    /// type do not count.
    fn makings_called(&self, method: Method) -> Vec<Link> {
        let mut links = self.makings(method);
        let calls = if links.len() > 1 { self.calls_of(method) } else { Vec::new() };
        let mut called = Vec::new();
        for call in &calls {
            match call.args.first().and_then(|receiver| self.making_of(call.caller.unit, *receiver)) {
                Some(making) => called.push((call.caller, making)),
                None => return links,
            }
        }
        let is_called = |link: &Link| {
            let making = link.args.first().and_then(|made| self.making_of(link.caller.unit, *made));
            making.is_none_or(|making| called.contains(&(link.caller, making)))
        };
        if links.iter().any(is_called) {
            links.retain(is_called);
        }
        links
    }

    /// The call that made this object in the method itself, whatever was set on it since.
    fn making_of(&self, unit: u32, object: Id) -> Option<&Expr> {
        let unit = self.units.get(unit as usize)?;
        match unit.arena.making(object) {
            making @ Expr::Call(token, _) if unit.callee(*token).is_some_and(|callee| callee.name == ".ctor") => {
                Some(making)
            }
            _ => None,
        }
    }

    /// Where objects of the type of a method are made.
    pub(super) fn makings(&self, method: Method) -> Vec<Link> {
        let Some(unit) = self.units.get(method.unit as usize) else { return Vec::new() };
        let Some(info) = unit.owner_of(method.rid) else { return Vec::new() };
        let mut links = Vec::new();
        for rid in info.methods.clone().filter(|rid| unit.method(*rid).is_some_and(|m| &*m.name == ".ctor")) {
            self.makings_by(Method { unit: method.unit, rid }, method, MAX_DERIVED, &mut links);
        }
        links
    }

    fn makings_by(&self, constructor: Method, method: Method, depth: u32, links: &mut Vec<Link>) {
        for caller in self.links.callers(constructor) {
            if links.len() > MAX_CONTEXTS {
                return;
            }
            let Some(unit) = self.units.get(caller.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&caller.rid) else {
                self.want(caller);
                continue;
            };
            let mut derives = false;
            for site in &body.sites {
                if self.links.called(caller.unit, site.token) != Some(constructor) {
                    continue;
                }
                if !site.makes {
                    derives |= caller != constructor
                        && matches!(site.args.first().map(|id| unit.arena.get(*id)), Some(Expr::Param(_, 0)));
                } else if let Some(made) = body
                    .made
                    .iter()
                    .find(|(at, _)| *at == site.offset)
                    .map(|(_, id)| *id)
                    .or_else(|| unit.arena.find(&Expr::Call(site.token, site.args.clone())))
                {
                    links.push(Link {
                        method,
                        args: [made].into(),
                        makes: false,
                        caller,
                        step: Trace { what: Passed::Object, at: caller, offset: site.offset },
                        is_closure: unit.callee(site.token).is_some_and(|c| c.ty.contains(['<', '$'])),
                    });
                }
            }
            if derives && depth > 0 {
                self.makings_by(caller, method, depth - 1, links);
            }
        }
    }

    /// What these expressions of a method depend on.
    fn needs(&self, method: Method, ids: &[Id]) -> Needs {
        let mut needs = Needs::default();
        let Some(unit) = self.units.get(method.unit as usize) else { return needs };
        let Some(info) = unit.method(method.rid) else { return needs };
        if unit.entry == Some(method.rid) {
            return needs;
        }
        let this =
            |arena: &Arena, id: Id| info.has_this && matches!(arena.get(id), Expr::Param(rid, 0) if *rid == method.rid);
        let (mut queue, mut looked) = (ids.to_vec(), 0);
        while let Some(id) = queue.pop() {
            looked += 1;
            if looked > MAX_LOOK {
                break;
            }
            match unit.arena.get(id) {
                Expr::Param(rid, index) if *rid == method.rid && !this(&unit.arena, id) => {
                    needs.params.insert(*index);
                }
                Expr::Field(token, Some(object)) if this(&unit.arena, *object) => {
                    needs.of_this.insert((*token, false));
                }
                Expr::Field(_, Some(object)) => queue.push(*object),
                Expr::Call(token, args) => {
                    if let Some((first, rest)) = args.split_first()
                        && this(&unit.arena, *first)
                    {
                        needs.of_this.extend([(*token, false), (*token, true)]);
                        queue.extend(rest);
                    } else {
                        queue.extend(args.iter());
                    }
                }
                Expr::Array(all) | Expr::Concat(all) | Expr::Phi(all) | Expr::Given(_, _, all) => {
                    queue.extend(all.iter())
                }
                Expr::Choice(condition, all) => {
                    queue.push(*condition);
                    queue.extend(all.iter());
                }
                Expr::Element(a, b) => queue.extend([*a, *b]),
                Expr::With(object, _, _, value) | Expr::Set(object, _, value) => queue.extend([*object, *value]),
                _ => {}
            }
        }
        needs
    }
}
