//! What parameters hold: what the callers of a method give.

use super::{
    At, Expr, Frame, Id, MAX_CALLERS, MAX_CALLERS_DEEP, MAX_VALUES, Method, Resolver, Source, Text, Value, tidy,
};
use crate::catalog::dotnet::catalog;
use crate::read::clr::interp::{Body, Site};
use crate::read::clr::trace::{Passed, Trace};
use crate::read::clr::unit::method_token;

impl Resolver<'_> {
    pub(super) fn param(&self, at: At<'_>, id: Id, rid: u32, index: u16) -> Vec<Value> {
        let method = Method { unit: at.unit, rid };
        if let Some(frame) = at.frame
            && frame.method == method
        {
            let arg = if frame.makes { index.checked_sub(1) } else { Some(index) };
            let Some(id) = arg.and_then(|i| frame.args.get(usize::from(i))) else { return vec![Value::unknown()] };
            return self.eval(At { unit: frame.caller_unit, frame: frame.caller, ..at }, *id);
        }
        let Some(unit) = self.units.get(at.unit as usize) else { return vec![Value::unknown()] };
        let info = unit.method(rid);
        let has_this = info.is_some_and(|m| m.has_this);
        let position = if has_this { index.checked_sub(1) } else { Some(index) };
        if unit.entry == Some(rid) {
            return vec![Value::text(Text::from_source(Source::Arg, "command line"))];
        }
        let names = unit.bodies.get(&rid).map(|b| &b.params);
        let name = position.and_then(|p| names?.get(usize::from(p))).map_or("this", |n| n);
        if position.is_some() && self.links.is_given_input(method) {
            return vec![Value::text(Text::from_source(Source::Input, "request"))];
        }
        let hole = || vec![Value::text(Text::from_source(Source::Param, name))];
        // The receiver itself is no string; looking for it among the callers says nothing.
        if position.is_none() {
            return vec![Value { made: Some((at.unit, id)), ..Value::text(Text::from_source(Source::Param, name)) }];
        }
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return hole();
        }
        let mut found =
            self.once((method, u32::from(index)), || self.given_by_callers(at, method, index, has_this, name));
        // What is put in under one key says nothing of what is kept under another.
        if info.is_some_and(|m| &*m.name == "set_Item" && index == m.params) && found.len() > 1 {
            return vec![Value::unknown()];
        }
        // An empty string stands for "none given", not for a place.
        if found.iter().any(|v| !v.text.is_empty()) {
            found.retain(|v| !v.text.is_empty() || v.int.is_some());
        }
        if found.is_empty() { hole() } else { found }
    }

    /// What a method leaves in a variable of its caller that it gets the address of.
    pub(super) fn given_back(&self, at: At<'_>, token: u32, index: u16, args: &[Id]) -> Vec<Value> {
        let mut found = Vec::new();
        for target in self.links.targets(at.unit, token) {
            let Some(unit) = self.units.get(target.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&target.rid) else {
                if unit.method(target.rid).is_some_and(|m| m.import.is_none()) {
                    self.want(target);
                }
                continue;
            };
            if at.frame.is_some_and(|frame| frame.is_within(target)) {
                self.cut();
                continue;
            }
            let Some((_, left)) = body.given.iter().find(|(of, _)| *of == index) else { continue };
            let frame = Frame { method: target, args, makes: false, caller_unit: at.unit, caller: at.frame };
            found.extend(self.eval(At { unit: target.unit, frame: Some(&frame), ..at }, *left));
        }
        if found.is_empty() { vec![Value::unknown()] } else { found }
    }

    fn given_by_callers(&self, at: At<'_>, method: Method, index: u16, has_this: bool, name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let callers = self.links.callers(method);
        let is_taken = self.links.is_taken(method);
        for caller in callers.iter().take(MAX_CALLERS) {
            let Some(unit) = self.units.get(caller.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&caller.rid) else {
                self.want(*caller);
                continue;
            };
            for site in &body.sites {
                let above = at.outside(caller.unit);
                if is_taken && caller.unit == method.unit {
                    found.extend(self.given_to_delegate(
                        above,
                        *caller,
                        body,
                        site,
                        method,
                        index - u16::from(has_this),
                    ));
                }
                if !self.links.may_run(caller.unit, site.token, method) {
                    continue;
                }
                let skip = u16::from(site.makes && has_this);
                let Some(id) = index.checked_sub(skip).and_then(|i| site.args.get(usize::from(i))) else { continue };
                let step = Trace { what: Passed::argument(method, index), at: *caller, offset: site.offset };
                let values = self.eval(above, *id);
                found.extend(values.into_iter().map(|v| v.step(step)));
            }
            tidy(&mut found);
            if found.len() >= MAX_VALUES {
                break;
            }
        }
        if callers.len() > MAX_CALLERS {
            found.push(Value::text(Text::from_source(Source::Param, name)));
        }
        found
    }

    /// What a method gets that is handed to another as a delegate: from the library that calls it, from the collection
    /// whose elements it is called with, or from the method of the application that invokes it.
    fn given_to_delegate(
        &self,
        at: At<'_>,
        caller: Method,
        body: &Body,
        site: &Site,
        method: Method,
        position: u16,
    ) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return Vec::new() };
        let has_this = unit.method(method.rid).is_some_and(|m| m.has_this);
        let is_it = |id: &Id| self.takes(at.unit, body, *id, method_token(method.rid), 3);
        let Some(place) = site.args.iter().position(is_it) else { return Vec::new() };
        let Some(callee) = unit.callee(site.token) else { return Vec::new() };
        // Called by the one who made it.
        if place == 0 && matches!(callee.name, "Invoke" | "BeginInvoke") && !site.makes {
            let step = Trace {
                what: Passed::argument(method, position + u16::from(has_this)),
                at: caller,
                offset: site.offset,
            };
            let given = site.args.get(usize::from(position) + 1).map_or_else(Vec::new, |id| self.eval(at, *id));
            return given.into_iter().map(|v| v.step(step)).collect();
        }
        if let Some(row) = catalog().callback(callee.ty, callee.name) {
            if let Some(given) = &row.given {
                return vec![Value::text(given.clone())];
            }
            // The object that is handed over together with it.
            let next = place + 1;
            let of_signature = next - usize::from(callee.has_this && !site.makes).min(next);
            if position == 0
                && callee.signature.split(',').nth(of_signature) == Some("Object")
                && let Some(id) = site.args.get(next)
            {
                return self.eval(at, *id);
            }
        }
        let is_each = |row: &crate::catalog::dotnet::CollectionRow| row.each.has(callee.name);
        if position == 0
            && catalog().collection(callee.ty).is_some_and(is_each)
            && let Some(of) = site.args.first().filter(|_| place > 0)
        {
            return super::elements::taken_out(self.elements_of(at, *of));
        }
        // A method of the application: what it invokes its parameter with.
        let Some(target) = self.links.called(at.unit, site.token) else { return Vec::new() };
        let Some(owner) = self.units.get(target.unit as usize) else { return Vec::new() };
        let Some(inside) = owner.bodies.get(&target.rid) else {
            self.want(target);
            return Vec::new();
        };
        let handed = place + usize::from(site.makes);
        let mut found = Vec::new();
        for inner in &inside.sites {
            let is_invoked = inner.args.first().is_some_and(|receiver| {
                matches!(owner.arena.get(*receiver), Expr::Param(rid, n) if *rid == target.rid && usize::from(*n) == handed)
            });
            if is_invoked
                && owner.callee(inner.token).is_some_and(|c| c.name == "Invoke")
                && let Some(id) = inner.args.get(usize::from(position) + 1)
            {
                found.extend(self.eval(At { unit: target.unit, frame: None, ..at }, *id));
            }
        }
        found
    }

    /// Is this a delegate of the method, or one that was made of it before and kept?
    fn takes(&self, unit: u32, body: &Body, id: Id, token: u32, depth: u32) -> bool {
        let Some(own) = self.units.get(unit as usize) else { return false };
        match own.arena.get(id) {
            Expr::Function(of) => *of == token,
            Expr::Call(_, args) if depth > 0 => match **args {
                [_, function] => matches!(own.arena.get(function), Expr::Function(of) if *of == token),
                _ => false,
            },
            Expr::Phi(ids) | Expr::Choice(_, ids) if depth > 0 => {
                ids.iter().any(|id| self.takes(unit, body, *id, token, depth - 1))
            }
            // Compilers keep a delegate that needs no object in a field.
            Expr::Field(field, None) if depth > 0 => {
                let mut stores = body.stores.iter().filter(|store| store.token == *field);
                stores.any(|store| self.takes(unit, body, store.value, token, depth - 1))
            }
            _ => false,
        }
    }
}
