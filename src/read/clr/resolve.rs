//! What a symbolic value is as a string: through parameters to callers, through fields to who assigns them, through
//! calls to what they return.
//!
//! A query looks only at methods that are interpreted already and remembers which others it would have needed; the
//! reader interprets those and asks again. Depth, alternatives and steps are bounded, so a query always ends soon, at
//! worst with a hole.

mod templates;

use super::Map;
use super::answer::{MAX_VALUES, Value, tidy};
use super::links::{Links, Method};
use super::models;
use super::trace::{Passed, Spoken, Trace};
use super::unit::Unit;
use super::value::{Expr, Id};
use crate::catalog::dotnet::{Piece, Template, catalog};
use crate::facts::{Hole, Source, Text};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// Expressions looked at for one query.
const MAX_STEPS: u32 = 6000;
/// Expressions looked at for all questions about one method.
const MAX_METHOD_STEPS: u32 = 200_000;
/// Expressions looked at for a glance.
const GLANCE_STEPS: u32 = 200;
/// Nesting of calls, parameters and fields.
const MAX_DEPTH: u32 = 48;
/// Parameters followed to callers, one after another.
const MAX_CALLERS_DEEP: u32 = 8;
/// Callers of one method that are looked at.
const MAX_CALLERS: usize = 48;

/// The arguments that the body of a callee is looked at with.
#[derive(Clone, Copy)]
struct Frame<'f> {
    method: Method,
    args: &'f [Id],
    /// A constructor: its arguments have no receiver.
    makes: bool,
    caller_unit: u32,
    caller: Option<&'f Frame<'f>>,
}

impl Frame<'_> {
    /// Is the body of this method being looked at, here or further out?
    fn is_within(&self, method: Method) -> bool {
        self.method == method || self.caller.is_some_and(|caller| caller.is_within(method))
    }
}

/// Where a query is.
#[derive(Clone, Copy)]
pub(super) struct At<'f> {
    unit: u32,
    depth: u32,
    up: u32,
    frame: Option<&'f Frame<'f>>,
}

/// Values, and whether no method was wanting for them.
type Known = (Vec<Value>, bool);

/// Answers queries.
pub(super) struct Resolver<'r> {
    pub(super) units: &'r [Unit],
    pub(super) links: &'r Links,
    /// Steps that are left for the method that is asked about; after them questions get only what is close at hand.
    left: Cell<u32>,
    /// Some method had none left.
    exhausted: Cell<bool>,
    /// Methods that answers would have needed.
    pub(super) wanted: RefCell<BTreeSet<Method>>,
    steps: Cell<u32>,
    /// Parameters and fields that are being looked at: a second time they are unknown.
    busy: RefCell<Vec<(Method, u32)>>,
    /// Answers about parameters and fields that no bound cut short, and whether methods were wanting.
    known: RefCell<Map<(Method, u32), Known>>,
    /// Times that a bound cut something short.
    cuts: Cell<u32>,
    /// Times that a method was wanting.
    misses: Cell<u32>,
    /// Methods of the steps that were put into words, by their places; `None` where several share one.
    pub(super) spoken: RefCell<Map<Spoken, Option<Method>>>,
    /// Nobody will read how values came.
    pub(super) is_silent: bool,
}

impl<'r> Resolver<'r> {
    pub(super) fn new(units: &'r [Unit], links: &'r Links) -> Self {
        Resolver {
            units,
            links,
            left: Cell::new(MAX_METHOD_STEPS),
            exhausted: Cell::new(false),
            wanted: RefCell::default(),
            steps: Cell::new(0),
            busy: RefCell::default(),
            known: RefCell::default(),
            cuts: Cell::new(0),
            misses: Cell::new(0),
            spoken: RefCell::default(),
            is_silent: false,
        }
    }

    /// One that only asks which methods are wanting.
    pub(super) fn silent(units: &'r [Unit], links: &'r Links) -> Self {
        Resolver { is_silent: true, ..Resolver::new(units, links) }
    }

    /// What a value of a method of this unit may be. Never empty.
    pub(super) fn values(&self, unit: u32, id: Id) -> Vec<Value> {
        self.start();
        self.eval(At { unit, depth: 0, up: 0, frame: None }, id)
    }

    /// The same at little cost, from what is interpreted already: for what is worth knowing but not worth a search.
    pub(super) fn glance(&self, unit: u32, id: Id) -> Vec<Value> {
        let wanted = self.wanted.take();
        self.steps.set(MAX_STEPS - GLANCE_STEPS);
        let values = self.eval(At { unit, depth: 0, up: MAX_CALLERS_DEEP - 1, frame: None }, id);
        self.wanted.replace(wanted);
        values
    }

    /// The integer a value must be.
    pub(super) fn int(&self, unit: u32, id: Id) -> Option<i64> {
        let values = self.values(unit, id);
        let first = values.first()?.int?;
        values.iter().all(|v| v.int == Some(first)).then_some(first)
    }

    pub(super) fn eval(&self, at: At<'_>, id: Id) -> Vec<Value> {
        self.steps.set(self.steps.get() + 1);
        self.left.set(self.left.get().saturating_sub(1));
        if at.depth > MAX_DEPTH || self.steps.get() > MAX_STEPS {
            self.cut();
            return vec![Value::unknown()];
        }
        let Some(unit) = self.units.get(at.unit as usize) else { return vec![Value::unknown()] };
        let at = At { depth: at.depth + 1, ..at };
        let mut values = match unit.arena.get(id) {
            Expr::Null => vec![Value { null: true, int: Some(0), ..Value::default() }],
            Expr::Int(n) => vec![Value::int(*n)],
            Expr::Str(s) => vec![Value::text(Text::lit(&**s))],
            Expr::Param(rid, index) => self.param(at, *rid, *index),
            Expr::Field(token, _) => self.field(at, *token),
            Expr::Call(token, args) => self.call(at, *token, args),
            Expr::Element(array, index) => self.element(at, *array, *index),
            Expr::Concat(parts) => models::product(self, at, parts, |all| {
                Text::from_parts(all.iter().flat_map(|v| v.text.parts().iter().cloned()))
            }),
            Expr::Char(code) => self.eval(at, *code).iter().map(models::character).collect(),
            Expr::Phi(ids) => ids.iter().flat_map(|id| self.eval(at, *id)).collect(),
            Expr::With(object, ty, name, value) => self.with(at, *object, ty, name, *value),
            Expr::Type(token) => {
                let name = unit.type_name(*token);
                vec![Value::text(Text::lit(name.rsplit('/').next().unwrap_or(name)))]
            }
            _ => vec![Value::unknown()],
        };
        tidy(&mut values);
        values
    }

    /// An object with a property set.
    fn with(&self, at: At<'_>, object: Id, ty: &str, name: &str, value: Id) -> Vec<Value> {
        let mut all = self.eval(at, value);
        // An object as the value of a property: its own properties are told with those of the whole.
        let inner = match all.as_mut_slice() {
            [one] => std::mem::take(&mut one.properties),
            _ => Vec::new(),
        };
        let set = models::merged(&all);
        let mut objects = self.eval(at, object);
        for object in &mut objects {
            // Numbers of enumerations count too: a text of them is what they say.
            object.properties.push((name.into(), set.text.clone()));
            object.properties.extend(inner.iter().map(|(n, text)| (format!("{name}.{n}").into(), text.clone())));
            if catalog().names_object(ty, name) {
                object.text = set.text.clone();
                object.steps.extend(set.steps.iter().cloned());
            }
        }
        objects
    }

    /// The elements of an array, when it was made where it is used.
    pub(super) fn elements(&self, at: At<'_>, id: Id) -> Option<Vec<Id>> {
        match self.units.get(at.unit as usize)?.arena.get(id) {
            Expr::Array(elements) => Some(elements.to_vec()),
            _ => None,
        }
    }

    fn element(&self, at: At<'_>, array: Id, index: Id) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return vec![Value::unknown()] };
        if let (Expr::Array(elements), Expr::Int(n)) = (unit.arena.get(array), unit.arena.get(index))
            && let Some(id) = usize::try_from(*n).ok().and_then(|n| elements.get(n))
        {
            return self.eval(at, *id);
        }
        // An element of the command line or of a request is of the same kind as the whole.
        let whole = self.eval(at, array);
        let kept = |v: &Value| matches!(v.text.as_hole(), Some(Hole::From(Source::Arg | Source::Input, _)));
        if !whole.is_empty() && whole.iter().all(kept) { whole } else { vec![Value::unknown()] }
    }

    fn param(&self, at: At<'_>, rid: u32, index: u16) -> Vec<Value> {
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
        let hole = || vec![Value::text(Text::from_source(Source::Param, name))];
        // The receiver itself is no string; looking for it among the callers says nothing.
        if position.is_none() {
            return hole();
        }
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return hole();
        }
        let mut found =
            self.once((method, u32::from(index)), || self.given_by_callers(at, method, index, has_this, name));
        // An empty string stands for "none given", not for a place.
        if found.iter().any(|v| !v.text.is_empty()) {
            found.retain(|v| !v.text.is_empty() || v.int.is_some());
        }
        if found.is_empty() { hole() } else { found }
    }

    /// Turns to another method, which has steps of its own.
    pub(super) fn next_method(&self) {
        self.left.set(MAX_METHOD_STEPS);
    }

    /// Did any method use up its steps?
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    fn start(&self) {
        if self.left.get() == 0 {
            self.exhausted.set(true);
        }
        self.steps.set(if self.left.get() > 0 { 0 } else { MAX_STEPS - GLANCE_STEPS });
    }

    /// A method that would have to be interpreted for the whole answer.
    fn want(&self, method: Method) {
        self.wanted.borrow_mut().insert(method);
        self.misses.set(self.misses.get() + 1);
    }

    /// How often something was wanting.
    pub(super) fn misses(&self) -> u32 {
        self.misses.get()
    }

    fn cut(&self) {
        self.cuts.set(self.cuts.get() + 1);
    }

    /// Asks once, and not again while the answer is being looked for.
    fn once(&self, key: (Method, u32), ask: impl FnOnce() -> Vec<Value>) -> Vec<Value> {
        if let Some((known, is_whole)) = self.known.borrow().get(&key) {
            self.misses.set(self.misses.get() + u32::from(!is_whole));
            return known.clone();
        }
        if self.busy.borrow().contains(&key) {
            self.cut();
            return Vec::new();
        }
        let (cuts, misses) = (self.cuts.get(), self.misses.get());
        self.busy.borrow_mut().push(key);
        let found = ask();
        self.busy.borrow_mut().pop();
        if self.cuts.get() == cuts {
            self.known.borrow_mut().insert(key, (found.clone(), self.misses.get() == misses));
        }
        found
    }

    fn given_by_callers(&self, at: At<'_>, method: Method, index: u16, has_this: bool, name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let callers = self.links.callers(method);
        for caller in callers.iter().take(MAX_CALLERS) {
            let Some(unit) = self.units.get(caller.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&caller.rid) else {
                self.want(*caller);
                continue;
            };
            for site in &body.sites {
                let Some(declared) = self.links.called(caller.unit, site.token) else { continue };
                if declared != method && !self.links.overrides(declared).contains(&method) {
                    continue;
                }
                let skip = u16::from(site.makes && has_this);
                let Some(id) = index.checked_sub(skip).and_then(|i| site.args.get(usize::from(i))) else { continue };
                let step = Trace { what: Passed::Argument(method, index), at: *caller, offset: site.offset };
                let values = self.eval(At { unit: caller.unit, up: at.up + 1, frame: None, ..at }, *id);
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

    fn field(&self, at: At<'_>, token: u32) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return vec![Value::unknown()] };
        if let Some(row) = unit.member_ref(token).and_then(|r| catalog().value(r.rows.as_ref()?, "")) {
            return match &row.text {
                Some(template) => self.template(at, template, None, &[]),
                None => vec![Value::unknown()],
            };
        }
        let Some(field) = self.links.field(self.units, at.unit, token) else { return vec![Value::unknown()] };
        let key = (Method { unit: field.0, rid: u32::MAX }, field.1);
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return vec![Value::unknown()];
        }
        let name = unit.field_name(token).map_or("", |(_, n)| n);
        let mut found = self.once(key, || self.assigned_by_writers(at, field, name));
        // An empty string that a field starts with is no place.
        if found.iter().any(|v| !v.text.is_empty()) {
            found.retain(|v| !v.text.is_empty());
        }
        if found.is_empty() { vec![Value::unknown()] } else { found }
    }

    fn assigned_by_writers(&self, at: At<'_>, field: (u32, u32), name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for writer in self.links.writers(field).take(MAX_CALLERS) {
            let Some(unit) = self.units.get(writer.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&writer.rid) else {
                self.want(writer);
                continue;
            };
            for store in &body.stores {
                if self.links.field(self.units, writer.unit, store.token) != Some(field) {
                    continue;
                }
                let values = self.eval(At { unit: writer.unit, up: at.up + 1, frame: None, ..at }, store.value);
                // Compilers copy parameters into fields of the classes they make; that is no news to a reader.
                let step = (!name.contains('<')).then_some(Trace {
                    what: Passed::Field(field.0, field.1),
                    at: writer,
                    offset: store.offset,
                });
                found.extend(values.into_iter().filter(|v| !v.null).map(|v| match step {
                    Some(step) => v.step(step),
                    None => v,
                }));
            }
            tidy(&mut found);
            if found.len() >= MAX_VALUES {
                break;
            }
        }
        found
    }

    fn call(&self, at: At<'_>, token: u32, args: &[Id]) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return vec![Value::unknown()] };
        let Some(callee) = unit.callee(token) else { return vec![Value::unknown()] };
        let makes = callee.name == ".ctor";
        let (this, rest) = match args.split_first() {
            Some((this, rest)) if callee.has_this && !makes => (Some(*this), rest),
            _ => (None, args),
        };
        if makes
            && let [_, function] = args
            && let Expr::Function(token) = unit.arena.get(*function)
        {
            return vec![Value { function: Some((at.unit, *token)), ..Value::unknown() }];
        }
        if callee.name == "Invoke"
            && let Some(this) = this
        {
            return self.invoke(at, this, rest);
        }
        let reference = unit.member_ref(token);
        if let Some((row, signature)) =
            reference.and_then(|r| Some((catalog().value(r.rows.as_ref()?, &r.signature)?, &r.signature)))
        {
            return match (&row.text, row.is) {
                (Some(template), _) => self.template(at, template, this, rest),
                (None, Some(model)) => models::apply(self, at, row, model, signature, this, rest),
                (None, None) => vec![Value::unknown()],
            };
        }
        if makes || !callee.returns {
            return vec![Value::unknown()];
        }
        let mut found = Vec::new();
        for target in self.links.targets(at.unit, token) {
            let Some(unit) = self.units.get(target.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&target.rid) else {
                if unit.method(target.rid).is_some_and(|m| m.import.is_none()) {
                    self.want(target);
                }
                continue;
            };
            let Some(result) = body.result else { continue };
            // Its arguments are looked at in the frame of the caller, so `f(f(x))` is no recursion.
            if at.frame.is_some_and(|frame| frame.is_within(target)) {
                self.cut();
                continue;
            }
            let frame = Frame { method: target, args, makes: false, caller_unit: at.unit, caller: at.frame };
            found.extend(self.eval(At { unit: target.unit, frame: Some(&frame), ..at }, result));
        }
        if found.is_empty() { vec![Value::unknown()] } else { found }
    }

    /// A call through a delegate, where it is known what the delegate calls.
    fn invoke(&self, at: At<'_>, delegate: Id, args: &[Id]) -> Vec<Value> {
        let functions: Vec<(u32, u32)> = self.eval(at, delegate).iter().filter_map(|v| v.function).collect();
        let mut found = Vec::new();
        for (unit, token) in functions {
            let is_static = self.units.get(unit as usize).and_then(|u| u.callee(token)).is_some_and(|c| !c.has_this);
            // Tokens mean something in their own assembly only, as do the arguments.
            if unit != at.unit {
                continue;
            }
            if is_static {
                found.extend(self.call(at, token, args));
            } else {
                let with_this: Vec<Id> = std::iter::once(Id::UNKNOWN).chain(args.iter().copied()).collect();
                found.extend(self.call(at, token, &with_this));
            }
        }
        if found.is_empty() { vec![Value::unknown()] } else { found }
    }
}
