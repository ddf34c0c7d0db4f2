//! What collections hold: what is put into them where they are made, and through the field that keeps them.

use super::{At, Expr, Frame, Id, MAX_CALLERS_DEEP, MAX_VALUES, Method, Resolver, Value, catalog, tidy};
use crate::catalog::dotnet::CollectionRow;
use crate::facts::{Hole, Source};
use crate::read::clr::interp::Body;
use crate::read::clr::trace::{Passed, Trace};

/// Collections that are filled from one another.
const MAX_NESTED: u32 = 24;
/// Elements with keys of one collection that are looked at.
const MAX_ELEMENTS: usize = 64;

impl Resolver<'_> {
    /// The elements of an array, when it was made where it is used.
    pub(in crate::read::clr) fn elements(&self, at: At<'_>, id: Id) -> Option<Vec<Id>> {
        match self.units.get(at.unit as usize)?.arena.get(id) {
            Expr::Array(elements) => Some(elements.to_vec()),
            _ => None,
        }
    }

    pub(super) fn element(&self, at: At<'_>, array: Id, index: Id) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return vec![Value::unknown()] };
        if let (Expr::Array(elements), Expr::Int(n)) = (unit.arena.get(array), unit.arena.get(index))
            && let Some(id) = usize::try_from(*n).ok().and_then(|n| elements.get(n))
        {
            return self.eval(at, *id);
        }
        known(taken_out(self.elements_of(at, array)))
    }

    /// What a method of a collection gives: one of its elements, the one with this key if it is asked for by key.
    pub(super) fn given_by_collection(&self, at: At<'_>, ty: &str, name: &str, args: &[Id]) -> Option<Vec<Value>> {
        let row = catalog().collection(ty)?;
        let of = *args.first().filter(|_| row.gives.has(name))?;
        let mut found = self.elements_of(at, of);
        if found.iter().any(|v| v.key.is_some())
            && let Some(wanted) = args.get(1).and_then(|key| self.key(at, *key))
        {
            // What was put in under a key that is not known may be the one.
            found.retain(|v| v.key.as_ref().is_none_or(|key| *key == wanted));
        }
        Some(known(taken_out(found)))
    }

    /// The key that an argument is, when it is written there, or where a method was called from that hands it on. A key
    /// is not worth a search: without it, all that is in the collection is meant.
    fn key(&self, at: At<'_>, id: Id) -> Option<Box<str>> {
        match self.units.get(at.unit as usize)?.arena.get(id) {
            Expr::Str(text) => Some(text.clone()),
            Expr::Int(number) => Some(number.to_string().into()),
            Expr::Param(rid, index) => {
                let frame = at.frame.filter(|frame| frame.method == (Method { unit: at.unit, rid: *rid }))?;
                let index = if frame.makes { index.checked_sub(1)? } else { *index };
                let above = At { unit: frame.caller_unit, frame: frame.caller, ..at };
                self.key(above, *frame.args.get(usize::from(index))?)
            }
            _ => None,
        }
    }

    /// What the elements of a collection may be; empty if nothing is known of them.
    pub(super) fn elements_of(&self, at: At<'_>, id: Id) -> Vec<Value> {
        self.steps.set(self.steps.get() + 1);
        let at = At { depth: at.depth + 1, ..at };
        if at.depth > MAX_NESTED {
            self.cut();
            return Vec::new();
        }
        let Some(unit) = self.units.get(at.unit as usize) else { return Vec::new() };
        let mut found = match unit.arena.get(id) {
            Expr::Array(elements) => {
                elements.iter().filter(|id| **id != Id::NULL).flat_map(|id| self.eval(at, *id)).collect()
            }
            Expr::Phi(ids) | Expr::Choice(_, ids) => ids.iter().flat_map(|id| self.elements_of(at, *id)).collect(),
            Expr::Collection(rid, _, args) => {
                let mut found: Vec<Value> = args.iter().flat_map(|id| self.elements_of(at, *id)).collect();
                if let Some(body) = unit.bodies.get(rid) {
                    let method = Method { unit: at.unit, rid: *rid };
                    found.extend(self.added(at, method, body, &|receiver| self.may_be(at.unit, receiver, id)));
                }
                found
            }
            Expr::Field(token, _) => self.elements_of_field(at, *token),
            Expr::Param(rid, index) => self.elements_of_param(at, id, *rid, *index),
            Expr::Call(token, args) => self.elements_of_call(at, id, *token, args),
            _ => Vec::new(),
        };
        tidy(&mut found);
        found
    }

    /// Is the receiver this very collection, on some way through the method?
    fn may_be(&self, unit: u32, receiver: Id, collection: Id) -> bool {
        let Some(unit) = self.units.get(unit as usize) else { return false };
        receiver == collection
            || matches!(unit.arena.get(receiver), Expr::Phi(ids) | Expr::Choice(_, ids) if ids.contains(&collection))
    }

    /// What a method adds to the receivers that are meant.
    fn added(&self, at: At<'_>, method: Method, body: &Body, is_meant: &dyn Fn(Id) -> bool) -> Vec<Value> {
        let Some(unit) = self.units.get(method.unit as usize) else { return Vec::new() };
        let mut found = Vec::new();
        for site in &body.sites {
            let Some(callee) = unit.callee(site.token) else { continue };
            let Some(row) = catalog().collection(callee.ty) else { continue };
            let (Some(receiver), Some(last)) = (site.args.first(), site.args.get(1..).and_then(<[Id]>::last)) else {
                continue;
            };
            let (one, all) = (row.adds.has(callee.name), row.adds_all.has(callee.name));
            if !(one || all) || !is_meant(*receiver) {
                continue;
            }
            let step = Trace { what: Passed::Added, at: method, offset: site.offset };
            let values = match &*site.args {
                _ if !one => self.elements_of(at, *last),
                [_, key, value] => self.under_key(at, method, *key, *value),
                _ => self.eval(at, *last),
            };
            found.extend(values.into_iter().map(|v| v.step(step)));
            if is_enough(&found) {
                break;
            }
        }
        found
    }

    /// What is put in under a key. Where a method hands on both, what one caller gives goes with what it gives.
    fn under_key(&self, at: At<'_>, method: Method, key: Id, value: Id) -> Vec<Value> {
        let keyed = |at: At<'_>, key: Id, value: Id| {
            let key = self.key(at, key);
            let with_key = move |v: Value| Value { key: key.clone(), ..v };
            self.eval(at, value).into_iter().map(with_key)
        };
        let handed_on = |id: Id| match self.units.get(method.unit as usize)?.arena.get(id) {
            Expr::Param(rid, index) if *rid == method.rid => Some(usize::from(*index)),
            _ => None,
        };
        let (Some(key_at), Some(value_at)) = (handed_on(key), handed_on(value)) else {
            return keyed(at, key, value).collect();
        };
        let mut found = Vec::new();
        if at.up < MAX_CALLERS_DEEP {
            for link in self.calls_of(method).iter().filter(|link| !link.makes && link.caller != method) {
                if let (Some(key), Some(value)) = (link.args.get(key_at), link.args.get(value_at)) {
                    found.extend(self.under_key(at.outside(link.caller.unit), link.caller, *key, *value));
                }
                if is_enough(&found) {
                    break;
                }
            }
        }
        if found.is_empty() { keyed(at, key, value).collect() } else { found }
    }

    fn elements_of_field(&self, at: At<'_>, token: u32) -> Vec<Value> {
        let Some(field) = self.links.field(at.unit, token) else { return Vec::new() };
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return Vec::new();
        }
        let key = (Method { unit: field.0, rid: u32::MAX - 1 }, field.1);
        self.once(key, || {
            let mut found = Vec::new();
            for writer in self.links.writers(field).take(super::MAX_CALLERS) {
                let Some(unit) = self.units.get(writer.unit as usize) else { continue };
                let Some(body) = unit.bodies.get(&writer.rid) else {
                    self.want(writer);
                    continue;
                };
                let inside = at.outside(writer.unit);
                for store in &body.stores {
                    if self.links.field(writer.unit, store.token) == Some(field) {
                        found.extend(self.elements_of(inside, store.value));
                    }
                }
            }
            for method in self.fillers(field) {
                let Some(unit) = self.units.get(method.unit as usize) else { continue };
                let Some(body) = unit.bodies.get(&method.rid) else {
                    self.want(method);
                    continue;
                };
                let inside = at.outside(method.unit);
                let holds = |receiver: Id| match unit.arena.get(receiver) {
                    Expr::Field(token, _) => self.links.field(method.unit, *token) == Some(field),
                    _ => false,
                };
                found.extend(self.added(inside, method, body, &holds));
                tidy(&mut found);
                if is_enough(&found) {
                    break;
                }
            }
            found
        })
    }

    /// The methods of the type that declares a field, and of the types within it, that add to any collection.
    pub(in crate::read::clr) fn fillers(&self, field: (u32, u32)) -> Vec<Method> {
        let Some(unit) = self.units.get(field.0 as usize) else { return Vec::new() };
        let owner = unit.field_owners.get((field.1 as usize).wrapping_sub(1)).copied().unwrap_or(0);
        let Some(info) = unit.type_info(owner) else { return Vec::new() };
        let adds = |token: &u32| {
            let row = |r: &crate::read::clr::unit::RefInfo| {
                catalog().collection(&r.ty).is_some_and(|row| row.adds.has(&r.name) || row.adds_all.has(&r.name))
            };
            unit.member_ref(*token).is_some_and(row)
        };
        let first = unit.calls.partition_point(|(caller, _)| *caller < info.methods.start);
        let own = unit.calls.iter().skip(first).take_while(|(caller, _)| *caller < info.methods.end);
        let mut rows: Vec<u32> = own.filter(|(_, token)| adds(token)).map(|(caller, _)| *caller).collect();
        rows.dedup();
        rows.into_iter().map(|rid| Method { unit: field.0, rid }).collect()
    }

    fn elements_of_param(&self, at: At<'_>, id: Id, rid: u32, index: u16) -> Vec<Value> {
        if let Some(frame) = at.frame
            && frame.method == (Method { unit: at.unit, rid })
        {
            let index = if frame.makes { index.checked_sub(1) } else { Some(index) };
            let arg = index.and_then(|i| frame.args.get(usize::from(i)));
            let above = At { unit: frame.caller_unit, frame: frame.caller, ..at };
            return arg.map_or_else(Vec::new, |arg| self.elements_of(above, *arg));
        }
        // The arguments of a command line, and what a request holds, are of the same kind as the whole.
        let kept = |v: &Value| matches!(v.text.as_hole(), Some(Hole::From(Source::Arg | Source::Input, _)));
        let whole = self.eval(at, id);
        if !whole.is_empty() && whole.iter().all(kept) {
            return whole;
        }
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return Vec::new();
        }
        let method = Method { unit: at.unit, rid };
        let has_this = self.units.get(at.unit as usize).and_then(|u| u.method(rid)).is_some_and(|m| m.has_this);
        self.once((method, u32::from(index) | 1 << 20), || {
            let mut found = Vec::new();
            for caller in self.links.callers(method).into_iter().take(super::MAX_CALLERS) {
                let Some(unit) = self.units.get(caller.unit as usize) else { continue };
                let Some(body) = unit.bodies.get(&caller.rid) else {
                    self.want(caller);
                    continue;
                };
                for site in body.sites.iter().filter(|site| self.links.may_run(caller.unit, site.token, method)) {
                    let skip = u16::from(site.makes && has_this);
                    let Some(id) = index.checked_sub(skip).and_then(|i| site.args.get(usize::from(i))) else {
                        continue;
                    };
                    found.extend(self.elements_of(at.outside(caller.unit), *id));
                }
                tidy(&mut found);
                if is_enough(&found) {
                    break;
                }
            }
            found
        })
    }

    fn elements_of_call(&self, at: At<'_>, id: Id, token: u32, args: &[Id]) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return Vec::new() };
        let Some(callee) = unit.callee(token) else { return Vec::new() };
        if let Some(row) = catalog().collection(callee.ty)
            && let Some(first) = args.first()
        {
            let same = |row: &CollectionRow| row.same.has(callee.name);
            if same(row) {
                return self.elements_of(at, *first);
            }
        }
        // What the catalogue says of a call that gives many is said of each.
        if unit
            .member_ref(token)
            .is_some_and(|r| r.rows.is_some_and(|rows| catalog().value(rows, &r.signature).is_some()))
        {
            return self.eval(at, id).into_iter().filter(|v| !v.text.is_unknown()).collect();
        }
        let mut found = Vec::new();
        for target in self.links.targets(at.unit, token) {
            let Some(owner) = self.units.get(target.unit as usize) else { continue };
            if at.frame.is_some_and(|frame| frame.is_within(target)) {
                self.cut();
                continue;
            }
            // An iterator: what it has put into the field that holds the current element.
            if let Some(machine) = self.links.machine(target) {
                found.extend(self.yielded(at, machine));
                continue;
            }
            let Some(body) = owner.bodies.get(&target.rid) else {
                if owner.method(target.rid).is_some_and(|m| m.import.is_none()) {
                    self.want(target);
                }
                continue;
            };
            let Some(result) = body.result else { continue };
            let frame = Frame { method: target, args, makes: false, caller_unit: at.unit, caller: at.frame };
            found.extend(self.elements_of(At { unit: target.unit, frame: Some(&frame), ..at }, result));
        }
        found
    }

    fn yielded(&self, at: At<'_>, machine: Method) -> Vec<Value> {
        let Some(unit) = self.units.get(machine.unit as usize) else { return Vec::new() };
        let Some(body) = unit.bodies.get(&machine.rid) else {
            self.want(machine);
            return Vec::new();
        };
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return Vec::new();
        }
        let inside = at.outside(machine.unit);
        let is_current = |token: u32| {
            unit.field_name(token)
                .is_some_and(|(_, name)| name == "<>2__current" || name == "$current" || name == "$VB$Current")
        };
        body.stores
            .iter()
            .filter(|store| is_current(store.token))
            .flat_map(|store| self.eval(inside, store.value))
            .collect()
    }

    /// What an asynchronous method gives once it is done.
    pub(super) fn awaited(&self, at: At<'_>, method: Method) -> Option<Vec<Value>> {
        let machine = self.links.machine(method)?;
        let unit = self.units.get(machine.unit as usize)?;
        let Some(body) = unit.bodies.get(&machine.rid) else {
            self.want(machine);
            return None;
        };
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return None;
        }
        let inside = at.outside(machine.unit);
        let set = body.sites.iter().filter(|site| unit.callee(site.token).is_some_and(|c| c.name == "SetResult"));
        let found: Vec<Value> = set.filter_map(|site| site.args.get(1)).flat_map(|id| self.eval(inside, *id)).collect();
        (!found.is_empty()).then_some(found)
    }
}

/// Are these as many elements as are looked at?
fn is_enough(found: &[Value]) -> bool {
    let is_keyed = found.iter().any(|v| v.key.is_some());
    found.len() >= if is_keyed { MAX_ELEMENTS } else { MAX_VALUES }
}

/// Elements as values of their own.
pub(super) fn taken_out(mut elements: Vec<Value>) -> Vec<Value> {
    elements.iter_mut().for_each(|v| v.key = None);
    tidy(&mut elements);
    elements
}

/// Something, if only that it is not known.
fn known(values: Vec<Value>) -> Vec<Value> {
    if values.is_empty() { vec![Value::unknown()] } else { values }
}
