//! One pass over a method that turns it into symbolic calls, stores and results.
//!
//! Instructions are taken in their order, each once. Where control flow joins, values become alternatives. Compilers
//! write nearly all jumps forwards; at the head of a loop, variables that the loop assigns may hold what they held
//! before or something unknown. That needs no iteration, so time is linear in the size of the method.

mod arrays;
mod bags;
mod builders;
mod conditions;
mod fields;
mod named;
mod refs;
mod ways;

use super::image::Image;
use super::state::{Condition, Frame, Joins};
use super::unit::Unit;
use super::value::{Arena, Expr, Id};
use crate::catalog::dotnet::catalog;
use cildec::{Instruction, OpCode, OpCodeKind, Operand};
use fields::Assigned;

/// Largest method that is interpreted, in bytes of IL.
const MAX_CODE: usize = 1 << 20;
/// Local variables that are followed.
const MAX_LOCALS: usize = 1024;

/// A call that a method makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// Offset of the instruction.
    pub(super) offset: u32,
    /// What is called.
    pub(super) token: u32,
    /// Arguments, the receiver first if there is one.
    pub(super) args: Box<[Id]>,
    /// Makes an object: there is no receiver yet.
    pub(super) makes: bool,
    /// What is so of the parameters wherever the call is reached, the innermost conditions.
    pub(super) when: Box<[Condition]>,
}

/// A field that a method assigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Store {
    /// Offset of the instruction.
    pub(super) offset: u32,
    /// The field.
    pub(super) token: u32,
    /// The value.
    pub(super) value: Id,
}

/// A method as symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// Calls in the order of the code.
    pub(super) sites: Vec<Site>,
    /// Assigned fields in the order of the code.
    pub(super) stores: Vec<Store>,
    /// What it may return.
    pub(super) result: Option<Id>,
    /// Too long: what it does is not known.
    pub(super) is_capped: bool,
    /// Names of the parameters, the receiver not counted.
    pub(super) params: Vec<Box<str>>,
    /// Objects of the application that it makes at these offsets and sets something on, as they are at last.
    pub(super) made: Vec<(u32, Id)>,
    /// Jumps, from where and to where, in the order of the code.
    pub(super) jumps: Vec<(u32, u32)>,
    /// Where the code does not go on with what follows.
    pub(super) ends: Vec<u32>,
    /// Where an exception is caught: nothing else leads there.
    pub(super) caught: Vec<u32>,
    /// What it leaves in parameters that it got the addresses of.
    pub(super) given: Vec<(u16, Id)>,
}

/// Interprets one method; `None` if it has no code that can be read.
pub(super) fn interpret(image: &Image<'_>, unit: &Unit, arena: &mut Arena, rid: u32) -> Option<Body> {
    let code = image.body(rid)?.ok()?;
    let info = unit.method(rid)?;
    let mut body = Body { params: image.param_names(rid, info.params), ..Body::default() };
    if code.code.len() > MAX_CODE {
        body.is_capped = true;
        return Some(body);
    }
    let instructions: Vec<Instruction> = code.instructions().map_while(Result::ok).collect();
    ways::note(&instructions, &code.exception_handlers, &mut body);
    let args = info.params + u16::from(info.has_this);
    let frame = Frame {
        stack: Vec::new(),
        locals: vec![Id::NULL; locals_of(&instructions)],
        args: (0..args).map(|i| arena.add(Expr::Param(rid, i))).collect(),
        objects: Vec::new(),
        when: Vec::new(),
    };
    let mut joins = Joins::new(&instructions, &code.exception_handlers);
    let mut machine = Machine {
        image,
        unit,
        arena,
        rid,
        frame,
        body: &mut body,
        live: true,
        kept: Vec::new(),
        is_kept: false,
        assigned: Assigned::new(&instructions, &code.exception_handlers),
        changed: conditions::changed(&instructions),
        returned: Vec::new(),
    };
    for (i, instruction) in instructions.iter().enumerate() {
        machine.is_kept = instructions.get(i + 1).is_some_and(|next| keeps(next.opcode));
        joins.enter(instruction.offset, &mut machine.frame, &mut machine.live, machine.arena);
        machine.assigned.enter(instruction.offset);
        if machine.live {
            machine.step(instruction, &mut joins);
            machine.assigned.leave(instruction);
        }
    }
    let assigned = machine.assigned;
    assigned.drop_overwritten(&mut body.stores);
    Some(body)
}

fn locals_of(instructions: &[Instruction]) -> usize {
    let local = |i: &Instruction| match (i.opcode.info().name, &i.operand) {
        (name, Operand::Var(n)) if name.starts_with("ldloc") || name.starts_with("stloc") => usize::from(*n) + 1,
        _ => 0,
    };
    instructions.iter().map(local).max().unwrap_or(0).min(MAX_LOCALS)
}

/// Is what is on the stack kept for more than one use?
fn keeps(opcode: OpCode) -> bool {
    matches!(opcode.canonical(), OpCode::Dup | OpCode::Stloc)
}

struct Machine<'m, 'a> {
    image: &'m Image<'a>,
    unit: &'m Unit,
    arena: &'m mut Arena,
    rid: u32,
    frame: Frame,
    body: &'m mut Body,
    live: bool,
    /// Fields that hold an object whose properties are set here: field, object, index of the store.
    kept: Vec<(u32, Id, usize)>,
    /// What this instruction makes is kept in a variable or used more than once.
    is_kept: bool,
    /// What fields of the receiver hold here.
    assigned: Assigned,
    /// Parameters that decide nothing.
    changed: Vec<u16>,
    /// What is so of the parameters wherever it returned so far.
    returned: Vec<Condition>,
}

impl Machine<'_, '_> {
    fn step(&mut self, i: &Instruction, joins: &mut Joins) {
        use OpCode as O;
        match i.opcode.canonical() {
            O::Ldarg => self.load(i, |m, n| m.frame.args.get(n).copied()),
            O::Ldloc => self.load(i, |m, n| m.frame.locals.get(n).copied()),
            O::Ldarga => self.load(i, |m, n| Some(m.arena.add(Expr::Argument(n as u16)))),
            O::Ldloca => self.load(i, |m, n| Some(m.arena.add(Expr::Local(n as u16)))),
            O::Starg => self.save(i, |frame| &mut frame.args),
            O::Stloc => self.save(i, |frame| &mut frame.locals),
            O::Ldnull => self.push(Id::NULL),
            O::LdcI4 | O::LdcI8 => {
                let id = match i.operand {
                    Operand::I32(v) => self.arena.int(v.into()),
                    Operand::I64(v) => self.arena.int(v),
                    _ => Id::UNKNOWN,
                };
                self.push(id);
            }
            O::Ldstr => {
                let id = match i.operand {
                    Operand::String(token) => {
                        let text = self.image.user_string(token);
                        self.arena.add(Expr::Str(text.into()))
                    }
                    _ => Id::UNKNOWN,
                };
                self.push(id);
            }
            O::Dup => {
                let top = self.frame.stack.last().copied().unwrap_or(Id::UNKNOWN);
                self.push(top);
            }
            O::Call | O::Callvirt => self.call(i),
            O::Newobj => self.make(i),
            O::Ldftn | O::Ldvirtftn => {
                if i.opcode == O::Ldvirtftn {
                    self.pop();
                }
                let token = self.unit.plain(token_of(i));
                let id = self.arena.add(Expr::Function(token));
                self.push(id);
            }
            O::Ldtoken => {
                let id = self.arena.add(Expr::Type(token_of(i)));
                self.push(id);
            }
            O::Ldfld | O::Ldflda => {
                let object = self.pop();
                let object = self.settle(object);
                let id = self.arena.add(Expr::Field(token_of(i), Some(object)));
                self.assigned.load(i, token_of(i));
                self.push(id);
            }
            O::Ldsfld | O::Ldsflda => {
                let id = self.arena.add(Expr::Field(token_of(i), None));
                self.assigned.load(i, token_of(i));
                self.push(id);
            }
            O::Stfld => {
                let value = self.pop();
                let object = self.pop();
                if self.frame.content(object).is_some()
                    && let Some((ty, name)) = self.unit.field_name(token_of(i))
                {
                    let value = self.settle(value);
                    self.set_property(object, ty, name, token_of(i), value);
                }
                self.store(i, Some(object), value);
            }
            O::Stsfld => {
                let value = self.pop();
                self.store(i, None, value);
            }
            O::Newarr => self.new_array(i),
            O::StelemRef | O::Stelem | O::StelemI1 | O::StelemI2 | O::StelemI4 | O::StelemI8 => self.store_element(),
            O::LdelemRef
            | O::Ldelem
            | O::LdelemI1
            | O::LdelemU1
            | O::LdelemI2
            | O::LdelemU2
            | O::LdelemI4
            | O::LdelemU4
            | O::LdelemI8 => {
                let index = self.pop();
                let array = self.pop();
                let array = self.settle(array);
                let id = self.arena.add(Expr::Element(array, index));
                self.push(id);
            }
            // On the stack a character is its code; boxed, it becomes part of a string.
            O::Box if self.unit.type_name(token_of(i)) == "System.Char" => {
                let code = self.pop();
                let id = self.arena.add(Expr::Char(code));
                self.push(id);
            }
            // A boolean or an enumeration is a number here, but not as a part of a string.
            O::Box if self.is_named(token_of(i)) => {
                let value = self.pop();
                let id = self.named(value, self.unit.type_name(token_of(i)) == "System.Boolean");
                self.push(id);
            }
            // What a value is boxed in, cast to or widened to does not change what it is here.
            O::Box | O::UnboxAny | O::Castclass | O::Isinst | O::Unbox => {}
            O::Ldobj | O::LdindRef => {
                let address = self.pop();
                let value = self.deref(address);
                self.push(value);
            }
            O::Stobj | O::StindRef => {
                let value = self.pop();
                let address = self.pop();
                self.assign(address, value);
            }
            O::Initobj => {
                let address = self.pop();
                self.assign(address, Id::NULL);
            }
            O::Add | O::Or | O::And | O::Sub | O::Xor => self.arithmetic(i.opcode),
            O::Ceq => self.compare(),
            O::Ret => {
                self.keep_given();
                if self.unit.method(self.rid).is_some_and(|m| m.returns) {
                    let value = self.pop();
                    let value = self.settle(value);
                    self.give(value);
                }
                self.live = false;
            }
            O::Throw | O::Rethrow | O::Endfinally | O::Endfilter | O::Jmp => self.live = false,
            O::Leave => {
                self.frame.stack.clear();
                joins.jump(i, &self.frame, self.arena);
                self.live = false;
            }
            O::Br => {
                joins.jump(i, &self.frame, self.arena);
                self.live = false;
            }
            O::Brtrue | O::Brfalse => {
                let condition = self.pop();
                match self.on_windows(condition, 3) {
                    Some(is) if is != (i.opcode.canonical() == O::Brtrue) => {}
                    Some(_) => {
                        joins.jump(i, &self.frame, self.arena);
                        self.live = false;
                    }
                    None => self.branch(i, condition, joins),
                }
            }
            _ if !i.operand.branch_targets().is_empty() => {
                self.pop_by(i);
                joins.jump(i, &self.frame, self.arena);
            }
            _ if i.info().kind == OpCodeKind::Prefix || i.opcode.is_prefix() => {}
            _ if i.info().name.starts_with("conv.") => {}
            _ => self.generic(i),
        }
    }

    fn push(&mut self, id: Id) {
        self.frame.stack.push(id);
    }

    fn pop(&mut self) -> Id {
        self.frame.stack.pop().unwrap_or(Id::UNKNOWN)
    }

    fn load(&mut self, i: &Instruction, f: impl Fn(&mut Self, usize) -> Option<Id>) {
        let id = match i.operand {
            Operand::Var(n) => f(self, usize::from(n)).unwrap_or(Id::UNKNOWN),
            _ => Id::UNKNOWN,
        };
        self.push(id);
    }

    fn save(&mut self, i: &Instruction, slots: impl Fn(&mut Frame) -> &mut Vec<Id>) {
        let value = self.pop();
        if let Operand::Var(n) = i.operand
            && let Some(slot) = slots(&mut self.frame).get_mut(usize::from(n))
        {
            *slot = value;
        }
    }

    fn pop_by(&mut self, i: &Instruction) {
        for _ in 0..i.info().pop.count().unwrap_or(0) {
            self.pop();
        }
    }

    /// What a condition is on Windows, if it asks for the operating system and nothing else.
    fn on_windows(&self, condition: Id, depth: u32) -> Option<bool> {
        let Expr::Call(token, args) = self.arena.get(condition) else { return None };
        let callee = self.unit.callee(*token)?;
        let row = catalog().platform(callee.ty, callee.name)?;
        row.windows.or_else(|| self.on_windows(*args.first()?, depth.checked_sub(1)?))
    }

    /// An instruction that only matters by what it pops and pushes.
    fn generic(&mut self, i: &Instruction) {
        self.pop_by(i);
        for _ in 0..i.info().push.count().unwrap_or(0) {
            self.push(Id::UNKNOWN);
        }
    }

    fn store(&mut self, i: &Instruction, object: Option<Id>, value: Id) {
        if self.frame.content(value).is_some() {
            self.kept.push((token_of(i), value, self.body.stores.len()));
        }
        let value = self.settle(value);
        let value = self.overwrite(token_of(i), object, value);
        self.body.stores.push(Store { offset: i.offset, token: token_of(i), value });
    }

    fn push_object(&mut self, offset: u32, content: Id) {
        let id = self.arena.add(Expr::Object(self.rid, offset));
        self.frame.set_content(id, content);
        self.push(id);
    }

    fn arithmetic(&mut self, opcode: OpCode) {
        let right = self.pop();
        let left = self.pop();
        let id = match (self.arena.get(left), self.arena.get(right)) {
            (Expr::Int(a), Expr::Int(b)) => {
                let value = match opcode {
                    OpCode::Add => a.wrapping_add(*b),
                    OpCode::Sub => a.wrapping_sub(*b),
                    OpCode::Or => a | b,
                    OpCode::And => a & b,
                    _ => a ^ b,
                };
                self.arena.int(value)
            }
            _ => Id::UNKNOWN,
        };
        self.push(id);
    }

    /// Pops the arguments of a call, in their order.
    fn arguments(&mut self, count: usize) -> Vec<Id> {
        let from = self.frame.stack.len().saturating_sub(count);
        let mut args = self.frame.stack.split_off(from);
        while args.len() < count {
            args.insert(0, Id::UNKNOWN);
        }
        args
    }

    fn call(&mut self, i: &Instruction) {
        let token = self.unit.plain(token_of(i));
        let Some(callee) = self.unit.callee(token) else {
            // Without the signature the stack cannot be followed further.
            self.frame.stack.clear();
            return;
        };
        let count = usize::from(callee.params) + usize::from(callee.has_this);
        let returns = callee.returns;
        let raw = self.arguments(count);
        if let Some(result) = self.build(&callee, token, &raw) {
            if returns {
                self.push(result);
            }
            return;
        }
        if let (Some(name), [receiver, value]) = (callee.name.strip_prefix("set_"), raw.as_slice())
            && let Some((object, ty, name)) = self.property(*receiver, callee.ty, name)
        {
            let value = self.settle(*value);
            self.set_property(object, &ty, &name, token, value);
        }
        if let (Some(name), [receiver]) = (callee.name.strip_prefix("get_"), raw.as_slice())
            && let Some(object) = self.bag(*receiver)
            && catalog().has_part(callee.ty, name)
        {
            let part = self.arena.add(Expr::Part(object, callee.ty.into(), name.into()));
            return self.push(part);
        }
        let args: Box<[Id]> = raw.iter().map(|id| self.settle(*id)).collect();
        // A constructor of a value type is called on the address of the variable (III.4.21).
        if callee.name == ".ctor" {
            let made = self.arena.add(Expr::Call(token, args.get(1..).unwrap_or(&[]).into()));
            if let Some(&address) = raw.first()
                && !matches!(self.arena.get(address), Expr::Param(..))
            {
                self.assign(address, made);
            }
        }
        self.give_back(&callee, token, &raw, &args);
        self.calls_out(token);
        self.body.sites.push(Site { offset: i.offset, token, args: args.clone(), makes: false, when: self.when() });
        if returns {
            let id = self.arena.add(Expr::Call(token, args));
            self.push(id);
        }
    }

    fn make(&mut self, i: &Instruction) {
        let token = self.unit.plain(token_of(i));
        let Some(callee) = self.unit.callee(token) else {
            self.frame.stack.clear();
            return self.push(Id::UNKNOWN);
        };
        let raw = self.arguments(usize::from(callee.params));
        let args: Box<[Id]> = raw.iter().map(|id| self.settle(*id)).collect();
        if callee.ty == "System.Text.StringBuilder" {
            let first = args.first().copied().filter(|id| !matches!(self.arena.get(*id), Expr::Int(_)));
            let content = self.arena.add(Expr::Concat(first.into_iter().collect()));
            return self.push_object(i.offset, content);
        }
        self.calls_out(token);
        self.body.sites.push(Site { offset: i.offset, token, args: args.clone(), makes: true, when: self.when() });
        if catalog().collection(callee.ty).is_some_and(|row| row.made) {
            let id = self.arena.add(Expr::Collection(self.rid, i.offset, args));
            return self.push(id);
        }
        let mut id = self.arena.add(Expr::Call(token, args.clone()));
        if !catalog().is_bag(callee.ty) {
            return if self.is_followed(&callee, token) { self.push_object(i.offset, id) } else { self.push(id) };
        }
        for (name, value) in catalog().made_from(callee.ty).zip(&*args) {
            id = self.arena.with_property(id, callee.ty, name, *value);
        }
        self.push_object(i.offset, id);
    }
}

fn token_of(i: &Instruction) -> u32 {
    i.operand.token().map_or(0, |t| t.value())
}
