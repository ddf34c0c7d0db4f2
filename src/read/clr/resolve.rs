//! What a symbolic value is as a string: through parameters to callers, through fields to who assigns them, through
//! calls to what they return.
//!
//! A query looks only at methods that are interpreted already and remembers which others it would have needed; the
//! reader interprets those and asks again. Depth, alternatives and steps are bounded, so a query always ends soon, at
//! worst with a hole.

mod contexts;
mod elements;
mod given;
mod objects;
mod templates;
mod why;

use super::Map;
use super::answer::{MAX_VALUES, Value, tidy};
use super::links::{Links, Method};
use super::models;
use super::trace::Spoken;
use super::unit::Unit;
use super::value::{Expr, Id};
use crate::catalog::dotnet::{Model, Piece, Template, catalog};
use crate::facts::{Source, Text};
pub(super) use contexts::Apart;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Expressions looked at for one query.
const MAX_STEPS: u32 = 6000;
/// Expressions looked at for all questions about one method.
const MAX_METHOD_STEPS: u32 = 200_000;
/// Expressions looked at for all questions about all methods of an application in one round.
const MAX_APPLICATION_STEPS: usize = 400_000_000;
/// Expressions looked at for a glance.
const GLANCE_STEPS: u32 = 200;
/// Nesting of calls, parameters and fields.
const MAX_DEPTH: u32 = 48;
/// Parameters followed to callers, one after another.
pub(super) const MAX_CALLERS_DEEP: u32 = 8;
/// Callers of one method that are looked at.
pub(super) const MAX_CALLERS: usize = 48;

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
    /// The frames are those of one of the circumstances that a call is looked at in.
    joint: bool,
}

impl At<'_> {
    /// In another method, whoever calls that.
    fn outside(self, unit: u32) -> At<'static> {
        At { unit, depth: self.depth, up: self.up + 1, frame: None, joint: false }
    }

    /// In a method of this unit, whoever calls it.
    pub(super) fn anywhere(unit: u32) -> Self {
        At { unit, depth: 0, up: 0, frame: None, joint: false }
    }
}

/// Values, and whether no method was wanting for them.
type Known = (Vec<Value>, bool);

/// Constructor calls: their units and expressions.
type Makings = [(u32, Id)];

/// Answers queries.
pub(super) struct Resolver<'r> {
    pub(super) units: &'r [Unit],
    pub(super) links: &'r Links,
    /// Steps that each method has.
    allowance: u32,
    /// Steps that are left for the method that is asked about; after them questions get only what is close at hand.
    left: Cell<u32>,
    /// It had none left.
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
    /// Where the objects of the type of a method are made.
    makings: RefCell<Map<Method, Rc<Makings>>>,
    /// Whether only constructors assign a field.
    constructed: RefCell<Map<(u32, u32), bool>>,
    /// Whether a field is otherwise only assigned where its object is made.
    told: RefCell<Map<(u32, u32), bool>>,
    /// Methods of the steps that were put into words, by their places, and whether they are callers; `None` where several
    /// share one.
    pub(super) spoken: RefCell<Map<Spoken, Option<(Method, bool)>>>,
}

impl<'r> Resolver<'r> {
    /// For questions about so many methods: of many, each has fewer steps, however they are shared out among threads.
    pub(super) fn new(units: &'r [Unit], links: &'r Links, methods: usize) -> Self {
        let share = MAX_APPLICATION_STEPS / methods.max(1);
        let allowance = MAX_METHOD_STEPS.min(u32::try_from(share).unwrap_or(MAX_METHOD_STEPS));
        Resolver {
            units,
            links,
            allowance,
            left: Cell::new(allowance),
            exhausted: Cell::new(false),
            wanted: RefCell::default(),
            steps: Cell::new(0),
            busy: RefCell::default(),
            known: RefCell::default(),
            cuts: Cell::new(0),
            misses: Cell::new(0),
            makings: RefCell::default(),
            constructed: RefCell::default(),
            told: RefCell::default(),
            spoken: RefCell::default(),
        }
    }

    /// What a value of a method of this unit may be. Never empty.
    pub(super) fn values(&self, unit: u32, id: Id) -> Vec<Value> {
        self.start();
        self.eval(At::anywhere(unit), id)
    }

    /// The same at little cost, from what is interpreted already: for what is worth knowing but not worth a search.
    pub(super) fn glance(&self, at: At<'_>, id: Id) -> Vec<Value> {
        let wanted = self.wanted.take();
        self.steps.set(MAX_STEPS - GLANCE_STEPS);
        let values = self.eval(At { up: MAX_CALLERS_DEEP - 1, ..at }, id);
        self.wanted.replace(wanted);
        values
    }

    /// The integer a value must be.
    pub(super) fn int(&self, at: At<'_>, id: Id) -> Option<i64> {
        self.start();
        let values = self.eval(at, id);
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
            Expr::Param(rid, index) => self.param(at, id, *rid, *index),
            Expr::Field(token, object) => self.field(at, *token, *object),
            Expr::Call(token, args) => self.call(at, id, *token, args),
            Expr::Given(token, index, args) => self.given_back(at, *token, *index, args),
            Expr::Element(array, index) => self.element(at, *array, *index),
            Expr::Concat(parts) => models::product(self, at, parts, |all| {
                Text::from_parts(all.iter().flat_map(|v| v.text.parts().iter().cloned()))
            }),
            Expr::Char(code) => self.eval(at, *code).iter().map(models::character).collect(),
            Expr::Named(value, is_boolean) => {
                self.eval(at, *value).iter().map(|v| models::named(v, *is_boolean)).collect()
            }
            Expr::Phi(ids) => self.alternatives(at, ids),
            Expr::Choice(condition, ids) => match self.is_set(at, *condition) {
                Some(is) => self.eval(at, ids[usize::from(!is)]),
                None => self.alternatives(at, ids),
            },
            Expr::With(object, ty, name, value) => self.with(at, *object, ty, name, *value),
            Expr::Set(object, ..) => {
                let as_set = |v: Value| Value { made: v.made.map(|_| (at.unit, id)), ..v };
                self.eval(at, *object).into_iter().map(as_set).collect()
            }
            Expr::Type(token) => {
                let name = unit.type_name(*token);
                vec![Value::text(Text::lit(name.rsplit('/').next().unwrap_or(name)))]
            }
            _ => vec![Value::unknown()],
        };
        tidy(&mut values);
        values
    }

    /// One of these. Of a folder and something in it, as in `name == "" ? root : Path.Combine(root, name)`, what is in it
    /// is meant.
    fn alternatives(&self, at: At<'_>, ids: &[Id]) -> Vec<Value> {
        let is_folder = |folder: Id| ids.iter().any(|id| *id != folder && self.joins(at.unit, *id, folder));
        ids.iter().filter(|id| !is_folder(**id)).flat_map(|id| self.eval(at, *id)).collect()
    }

    /// Is a number other than zero, whatever it may be?
    pub(super) fn is_set(&self, at: At<'_>, id: Id) -> Option<bool> {
        let values = self.eval(at, id);
        let is = values.first()?.int? != 0;
        values.iter().all(|v| v.int.is_some_and(|n| (n != 0) == is)).then_some(is)
    }

    /// Is this a path below that folder?
    fn joins(&self, unit: u32, id: Id, folder: Id) -> bool {
        let Some(unit) = self.units.get(unit as usize) else { return false };
        let Expr::Call(token, args) = unit.arena.get(id) else { return false };
        let Some(reference) = unit.member_ref(*token) else { return false };
        let row = reference.rows.and_then(|rows| catalog().value(rows, &reference.signature));
        row.is_some_and(|row| row.is == Some(Model::PathJoin)) && args.len() > 1 && args.first() == Some(&folder)
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

    /// Turns to another method, which has steps of its own.
    pub(super) fn next_method(&self) {
        self.left.set(self.allowance);
        self.exhausted.set(false);
    }

    /// Did the method use up its steps?
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

    fn call(&self, at: At<'_>, id: Id, token: u32, args: &[Id]) -> Vec<Value> {
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
        if makes {
            return vec![Value { made: Some((at.unit, id)), ..Value::unknown() }];
        }
        if let Some(found) = self.given_by_collection(at, callee.ty, callee.name, args) {
            return found;
        }
        if !callee.returns {
            return vec![Value::unknown()];
        }
        let mut found = Vec::new();
        let targets = self.links.targets(at.unit, token);
        for target in self.dispatched(at, targets, this) {
            let Some(unit) = self.units.get(target.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&target.rid) else {
                if unit.method(target.rid).is_some_and(|m| m.import.is_none()) {
                    self.want(target);
                }
                continue;
            };
            if let Some(values) = self.awaited(at, target) {
                found.extend(values);
                continue;
            }
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
    pub(super) fn invoke(&self, at: At<'_>, delegate: Id, args: &[Id]) -> Vec<Value> {
        let functions: Vec<(u32, u32)> = self.eval(at, delegate).iter().filter_map(|v| v.function).collect();
        let mut found = Vec::new();
        for (unit, token) in functions {
            let is_static = self.units.get(unit as usize).and_then(|u| u.callee(token)).is_some_and(|c| !c.has_this);
            let mut given: Vec<Id> = if is_static { Vec::new() } else { vec![Id::UNKNOWN] };
            // Arguments mean something in their own assembly only, as do tokens.
            given.extend(args.iter().map(|id| if unit == at.unit { *id } else { Id::UNKNOWN }));
            let frame = at.frame.filter(|_| unit == at.unit);
            found.extend(self.call(At { unit, frame, ..at }, Id::UNKNOWN, token, &given));
        }
        if found.is_empty() { vec![Value::unknown()] } else { found }
    }
}
