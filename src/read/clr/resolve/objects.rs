//! What fields hold. Where it is known which object a field is read from, by the constructor call that made the object;
//! otherwise whatever any method assigns.

use super::{
    At, Expr, Frame, Id, MAX_CALLERS, MAX_CALLERS_DEEP, MAX_VALUES, Makings, Method, Rc, Resolver, Value, catalog, tidy,
};
use crate::read::clr::trace::{Passed, Trace};

/// Constructors that call one another.
const MAX_CONSTRUCTORS: u32 = 6;
/// Objects that an expression may be.
const MAX_OBJECTS: usize = 8;

impl Resolver<'_> {
    pub(super) fn field(&self, at: At<'_>, token: u32, object: Option<Id>) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return vec![Value::unknown()] };
        if let Some(row) = unit.member_ref(token).and_then(|r| catalog().value(r.rows.as_ref()?, "")) {
            return match &row.text {
                Some(template) => self.template(at, template, None, &[]),
                None => vec![Value::unknown()],
            };
        }
        let Some(field) = self.links.field(at.unit, token) else { return vec![Value::unknown()] };
        let name = unit.field_name(token).map_or("", |(_, n)| n);
        // What waits for a result is kept in one field for all results of a type, between two steps of a method.
        if name.starts_with("<>u__") {
            return vec![Value { null: true, ..Value::default() }];
        }
        if at.up >= MAX_CALLERS_DEEP {
            self.cut();
            return vec![Value::unknown()];
        }
        if let Some(found) = object.and_then(|object| self.held_by_objects(at, field, object)) {
            return found;
        }
        let is_joint = at.joint && at.frame.is_some();
        let key = (Method { unit: field.0, rid: u32::MAX }, field.1);
        let mut found = self.once(key, || self.assigned_by_writers(at, field, name));
        // An empty string that a field starts with is no place.
        if found.iter().any(|v| !v.text.is_empty()) {
            found.retain(|v| !v.text.is_empty());
        }
        // Another object's field may be meant, and here each circumstance is told apart.
        if is_joint && object.is_some() && found.len() > 1 {
            return vec![Value::unknown()];
        }
        if found.len() > 1 && object.is_some_and(|object| !self.is_receiver(at, object)) {
            // So many that not all are looked at: the values of other objects say nothing of this one.
            if found.len() >= MAX_VALUES {
                return vec![Value::unknown()];
            }
            found = found.into_iter().map(Value::guessed).collect();
        }
        if found.is_empty() { vec![Value::unknown()] } else { found }
    }

    fn assigned_by_writers(&self, at: At<'_>, field: (u32, u32), name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut is_open = false;
        for writer in self.links.writers(field).take(MAX_CALLERS) {
            let Some(unit) = self.units.get(writer.unit as usize) else { continue };
            let Some(body) = unit.bodies.get(&writer.rid) else {
                self.want(writer);
                continue;
            };
            // A property that others set, such as a reader of configuration: what is assigned here is the default.
            let is_offered = |method: &crate::read::clr::unit::MethodInfo| {
                method.is_public && method.name.starts_with("set_") && self.links.callers(writer).is_empty()
            };
            is_open |= unit.method(writer.rid).is_some_and(is_offered);
            for store in &body.stores {
                if self.links.field(writer.unit, store.token) != Some(field) {
                    continue;
                }
                let values = self.eval(at.outside(writer.unit), store.value);
                // Compilers copy parameters into fields of the classes they make; that is no news to a reader.
                let step = (!name.contains(['<', '$'])).then_some(Trace {
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
        if is_open { found.into_iter().map(Value::guessed).collect() } else { found }
    }

    /// Is the object the receiver of a method, whichever object that is?
    fn is_receiver(&self, at: At<'_>, object: Id) -> bool {
        let Some(unit) = self.units.get(at.unit as usize) else { return false };
        let Expr::Param(rid, index) = unit.arena.get(object) else { return false };
        match at.frame {
            Some(frame) if frame.method == (Method { unit: at.unit, rid: *rid }) => {
                // A constructor sees the object that it makes.
                let index = if frame.makes { index.checked_sub(1) } else { Some(*index) };
                let above = At { unit: frame.caller_unit, frame: frame.caller, ..at };
                let arg = index.and_then(|index| frame.args.get(usize::from(index)));
                index.is_none() || arg.is_some_and(|arg| self.is_receiver(above, *arg))
            }
            _ => *index == 0 && unit.method(*rid).is_some_and(|m| m.has_this),
        }
    }

    /// What was set last of a field of an object after it was made, as far as the method saw that made it.
    fn set_on(&self, at: At<'_>, object: Id, field: (u32, u32)) -> Vec<Value> {
        let Some(unit) = self.units.get(at.unit as usize) else { return Vec::new() };
        for (token, value) in unit.arena.sets(object) {
            if self.links.field(at.unit, token) == Some(field) {
                return self.eval(At { up: at.up + 1, ..at }, value);
            }
            let Some(setter) = self.links.called(at.unit, token) else { continue };
            if !self.links.writers(field).any(|writer| writer == setter) {
                continue;
            }
            let args = [object, value];
            let frame = Frame { method: setter, args: &args, makes: false, caller_unit: at.unit, caller: at.frame };
            let inside = At { unit: setter.unit, up: at.up + 1, frame: Some(&frame), ..at };
            return self.assigned_by_constructor(inside, setter, field, 0);
        }
        Vec::new()
    }

    /// Is a field assigned by constructors, and otherwise by a setter only that is called where the object is made?
    fn is_told(&self, field: (u32, u32)) -> bool {
        if let Some(known) = self.told.borrow().get(&field) {
            return *known;
        }
        let misses = self.misses.get();
        let on_made = |caller: Method, setter: Method| {
            let Some(unit) = self.units.get(caller.unit as usize) else { return false };
            let Some(body) = unit.bodies.get(&caller.rid) else {
                self.want(caller);
                return false;
            };
            let is_made = |id: &Id| match unit.arena.making(*id) {
                Expr::Call(token, _) => unit.callee(*token).is_some_and(|callee| callee.name == ".ctor"),
                _ => false,
            };
            let is_own = |id: &Id| matches!(unit.arena.get(*id), Expr::Param(rid, 0) if *rid == caller.rid);
            let mut sites = body.sites.iter().filter(|site| self.links.may_run(caller.unit, site.token, setter));
            sites.all(|site| {
                site.args.first().is_some_and(|id| is_made(id) || is_own(id) && self.is_constructor(caller))
            })
        };
        let by_setter = |writer: Method| {
            let name = self.units.get(writer.unit as usize).and_then(|unit| unit.method(writer.rid)).map(|m| &*m.name);
            name.is_some_and(|name| name.starts_with("set_"))
                && self.links.callers(writer).into_iter().take(MAX_CALLERS).all(|caller| on_made(caller, writer))
        };
        let found = self.links.writers(field).all(|writer| self.is_constructor(writer) || by_setter(writer));
        if self.misses.get() == misses {
            self.told.borrow_mut().insert(field, found);
        }
        found
    }

    fn is_constructor(&self, method: Method) -> bool {
        let unit = self.units.get(method.unit as usize);
        unit.and_then(|unit| unit.method(method.rid)).is_some_and(|m| &*m.name == ".ctor")
    }

    /// What a field of certain objects holds, if all of the objects are known, and for each either that constructors
    /// assign it or that it was set where the object was made.
    fn held_by_objects(&self, at: At<'_>, field: (u32, u32), object: Id) -> Option<Vec<Value>> {
        // The receiver, of which nothing is known but its type: only where the field is that of a base does it say more.
        if at.frame.is_none() && !self.is_inherited(at.unit, field, object) {
            return None;
        }
        let objects = self.objects(at, object);
        if objects.is_empty() || objects.len() > MAX_OBJECTS {
            return None;
        }
        let mut found = Vec::new();
        for (made_at, id) in objects {
            let set = self.set_on(made_at, id, field);
            if !set.is_empty() {
                found.extend(set);
                continue;
            }
            let is_sure = self.is_constructed(field);
            if !is_sure && !self.is_told(field) {
                return None;
            }
            let Expr::Call(token, args) = self.units.get(made_at.unit as usize)?.arena.making(id) else { return None };
            let constructor = self.links.called(made_at.unit, *token)?;
            if made_at.frame.is_some_and(|frame| frame.is_within(constructor)) {
                return None;
            }
            let frame =
                Frame { method: constructor, args, makes: true, caller_unit: made_at.unit, caller: made_at.frame };
            let at = At { unit: constructor.unit, up: at.up + 1, frame: Some(&frame), ..at };
            let values = self.assigned_by_constructor(at, constructor, field, MAX_CONSTRUCTORS);
            if values.is_empty() {
                // An object of another class behind the same interface does not have the field.
                if self.has_field(constructor, field) {
                    return None;
                }
                continue;
            }
            let made = self.made_where(constructor, made_at.unit, args);
            found.extend(values.into_iter().map(|mut value| {
                // It may have been set after the object was handed on.
                value.is_guess |= !is_sure;
                if let Some(step) = made.filter(|step| !value.steps.contains(step)) {
                    value.steps.insert(value.steps.len().saturating_sub(1), step);
                }
                value
            }));
        }
        tidy(&mut found);
        (!found.is_empty()).then_some(found)
    }

    /// Do only constructors assign the field?
    pub(in crate::read::clr) fn is_constructed(&self, field: (u32, u32)) -> bool {
        if let Some(known) = self.constructed.borrow().get(&field) {
            return *known;
        }
        // A property that only constructors set is assigned by them through its setter.
        let by_constructors = |writer: Method| {
            self.is_constructor(writer) || {
                let callers = self.links.callers(writer);
                !callers.is_empty() && callers.into_iter().all(|caller| self.is_constructor(caller))
            }
        };
        let found = self.links.writers(field).all(by_constructors);
        self.constructed.borrow_mut().insert(field, found);
        found
    }

    /// Does the type of this constructor have the field, declared or inherited?
    fn has_field(&self, constructor: Method, field: (u32, u32)) -> bool {
        let owner = |u: u32, rid: u32| self.units.get(u as usize).and_then(|unit| unit.method(rid)).map(|m| m.owner);
        let declaring = self.units.get(field.0 as usize).and_then(|unit| {
            let owner = unit.field_owners.get((field.1 as usize).wrapping_sub(1))?;
            Some((*owner, &*unit.type_info(*owner)?.name))
        });
        let (Some(ty), Some((declaring, name))) = (owner(constructor.unit, constructor.rid), declaring) else {
            return true;
        };
        (constructor.unit, ty) == (field.0, declaring)
            || self.links.ancestors(self.units, constructor.unit, ty).contains(&name)
    }

    /// Of the methods that a virtual call may mean, those that it means for the objects it is made on, if these are known.
    pub(super) fn dispatched(&self, at: At<'_>, targets: Vec<Method>, receiver: Option<Id>) -> Vec<Method> {
        if targets.len() < 2 {
            return targets;
        }
        let owner = |method: Method| {
            let unit = self.units.get(method.unit as usize)?;
            Some((unit.method(method.rid)?.owner, &*unit.owner_of(method.rid)?.name))
        };
        let mut meant = Vec::new();
        for (made_at, id) in receiver.map_or_else(Vec::new, |id| self.objects(at, id)) {
            let constructor = self.units.get(made_at.unit as usize).and_then(|unit| match unit.arena.making(id) {
                Expr::Call(token, _) => self.links.called(made_at.unit, *token),
                _ => None,
            });
            let Some((constructor, (ty, name))) = constructor.and_then(|c| Some((c, owner(c)?))) else {
                return targets;
            };
            // Nearest first.
            let types = std::iter::once(name).chain(self.links.ancestors(self.units, constructor.unit, ty));
            let is_of = |target: &&Method, name: &str| owner(**target).is_some_and(|(_, of)| of == name);
            let Some(target) = types.into_iter().find_map(|name| targets.iter().find(|t| is_of(t, name))) else {
                return targets;
            };
            if !meant.contains(target) {
                meant.push(*target);
            }
        }
        if meant.is_empty() { targets } else { meant }
    }

    /// The call that made an object.
    fn made_where(&self, constructor: Method, unit: u32, args: &[Id]) -> Option<Trace> {
        let own = self.units.get(unit as usize)?;
        let callers = self.links.callers(constructor).into_iter().filter(|caller| caller.unit == unit);
        callers.take(MAX_CALLERS).find_map(|caller| {
            let is_it = |site: &&crate::read::clr::interp::Site| {
                site.makes && *site.args == *args && self.links.called(unit, site.token) == Some(constructor)
            };
            let site = own.bodies.get(&caller.rid)?.sites.iter().find(is_it)?;
            Some(Trace { what: Passed::Object, at: caller, offset: site.offset })
        })
    }

    /// Is the object no receiver, or one of a type that derives from the one which declares the field?
    fn is_inherited(&self, unit: u32, field: (u32, u32), object: Id) -> bool {
        let Some(own) = self.units.get(unit as usize) else { return false };
        let Expr::Param(rid, 0) = own.arena.get(object) else { return true };
        let Some(method) = own.method(*rid).filter(|m| m.has_this) else { return true };
        let declared =
            self.units.get(field.0 as usize).and_then(|u| u.field_owners.get((field.1 as usize).wrapping_sub(1)));
        unit != field.0 || declared != Some(&method.owner)
    }

    fn assigned_by_constructor(&self, at: At<'_>, constructor: Method, field: (u32, u32), depth: u32) -> Vec<Value> {
        let Some(unit) = self.units.get(constructor.unit as usize) else { return Vec::new() };
        let Some(body) = unit.bodies.get(&constructor.rid) else {
            self.want(constructor);
            return Vec::new();
        };
        let mut found = Vec::new();
        for store in &body.stores {
            if self.links.field(constructor.unit, store.token) == Some(field) {
                let step = Trace { what: Passed::Field(field.0, field.1), at: constructor, offset: store.offset };
                found.extend(self.eval(at, store.value).into_iter().map(|v| v.step(step)));
            }
        }
        if !found.is_empty() || depth == 0 {
            return found;
        }
        // The constructor of the base, another one of the same type, or a setter.
        let is_this = |id: &Id| matches!(unit.arena.get(*id), Expr::Param(rid, 0) if *rid == constructor.rid);
        for site in body.sites.iter().filter(|site| !site.makes && site.args.first().is_some_and(is_this)) {
            let Some(next) = self.links.called(constructor.unit, site.token) else { continue };
            let is_constructor = unit.callee(site.token).is_some_and(|callee| callee.name == ".ctor");
            if !is_constructor && !self.links.writers(field).any(|writer| writer == next) {
                continue;
            }
            let frame =
                Frame { method: next, args: &site.args, makes: false, caller_unit: constructor.unit, caller: at.frame };
            found.extend(self.assigned_by_constructor(
                At { unit: next.unit, depth: at.depth + 1, frame: Some(&frame), ..at },
                next,
                field,
                depth - 1,
            ));
        }
        found
    }

    /// The constructor calls that made what an expression may be, each with where it is to be looked at. Empty if any
    /// of them is not known.
    pub(super) fn objects<'f>(&self, at: At<'f>, id: Id) -> Vec<(At<'f>, Id)> {
        let Some(unit) = self.units.get(at.unit as usize) else { return Vec::new() };
        let at = At { depth: at.depth + 1, ..at };
        if at.depth > super::MAX_DEPTH {
            return Vec::new();
        }
        match unit.arena.get(id) {
            Expr::Param(rid, index) => match at.frame {
                Some(frame) if frame.method == (Method { unit: at.unit, rid: *rid }) => {
                    let index = if frame.makes { index.checked_sub(1) } else { Some(*index) };
                    let arg = index.and_then(|i| frame.args.get(usize::from(i)));
                    let above = At { unit: frame.caller_unit, frame: frame.caller, ..at };
                    arg.map_or_else(Vec::new, |arg| self.objects(above, *arg))
                }
                _ if *index == 0 && unit.method(*rid).is_some_and(|m| m.has_this) => {
                    let made = self.makings_of(Method { unit: at.unit, rid: *rid });
                    made.iter().map(|(unit, id)| (at.outside(*unit), *id)).collect()
                }
                _ => self.made(at, id),
            },
            Expr::Call(token, _) if unit.callee(*token).is_some_and(|callee| callee.name == ".ctor") => vec![(at, id)],
            Expr::Set(..) => match unit.arena.making(id) {
                Expr::Call(..) => vec![(at, id)],
                _ => Vec::new(),
            },
            Expr::Phi(ids) | Expr::Choice(_, ids) => {
                let mut found = Vec::new();
                for id in ids.iter().filter(|id| **id != Id::NULL) {
                    let of_one = self.objects(at, *id);
                    if of_one.is_empty() {
                        return Vec::new();
                    }
                    found.extend(of_one);
                }
                found
            }
            Expr::Field(..) | Expr::Call(..) | Expr::Element(..) => self.made(at, id),
            _ => Vec::new(),
        }
    }

    /// Where the objects of the type of a method are made; empty if in too many places.
    fn makings_of(&self, method: Method) -> Rc<Makings> {
        if let Some(known) = self.makings.borrow().get(&method) {
            return known.clone();
        }
        let before = self.misses.get();
        let found: Vec<(u32, Id)> =
            self.makings(method).iter().filter_map(|link| Some((link.caller.unit, *link.args.first()?))).collect();
        let found: Rc<Makings> = if found.len() > MAX_OBJECTS { [].into() } else { found.into() };
        if self.misses.get() == before {
            self.makings.borrow_mut().insert(method, found.clone());
        }
        found
    }

    fn made<'f>(&self, at: At<'f>, id: Id) -> Vec<(At<'f>, Id)> {
        let values = self.eval(at, id);
        let mut found = Vec::new();
        for value in values.iter().filter(|v| !v.null) {
            let Some((unit, id)) = value.made else { return Vec::new() };
            let of_one = self.objects(at.outside(unit), id);
            if of_one.is_empty() {
                return Vec::new();
            }
            found.extend(of_one);
        }
        found
    }
}
