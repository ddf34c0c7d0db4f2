//! Calls: who is called, with what, and what is left of the registers afterwards.

mod pops;
mod target;

use super::super::effects::size_of_number;
use super::super::program::MAX_DEPTH;
use super::analysis::Engine;
use super::branch::is_tested;
use super::known::Known;
use super::models::go::REGISTERS as GO_REGISTERS;
use super::report::{Arg, Event, InternalCall, Number, Report};
use super::slot::Slot;
use super::state::{PARAM_EAX, PARAM_ECX, PARAM_EDX, RSP, Wide};
use super::value::{Kind, Value};
use crate::catalog::native::{self, Api, Object, Passed, Signature, com};
use crate::facts::Text;
use iced_x86::{Instruction, OpKind, Register};
use std::rc::Rc;

/// Arguments of a call inside the image that it may change.
const READ_ARGUMENTS: u8 = 4;
/// Bytes of an argument of x86.
const WORD: u32 = 4;
/// Arguments of a call inside the image that are handed on.
const MAX_ARGUMENTS: u8 = 8;
/// Longest function, in bytes, that is looked at with the numbers that are given to the function that calls it.
const MAX_HELPER: u32 = 0x200;

/// Who is called.
pub(crate) enum Target {
    Import(usize),
    /// A function that was looked up by name.
    Named(Api, String),
    Internal(u32),
    /// A method of an object of COM, by its place.
    Method(Object, u32),
    /// One of these.
    Either(Vec<Target>),
    Unknown,
}

impl Engine<'_, '_> {
    /// Argument `n` of the call that is about to be made.
    pub(crate) fn argument(&mut self, n: u8) -> Value {
        if self.is_64() {
            if self.is_go() {
                let register = GO_REGISTERS.get(usize::from(n)).and_then(|r| self.state.registers.get(*r));
                return register.copied().unwrap_or(Value::Unknown);
            }
            match n {
                0 => self.state.registers[1],
                1 => self.state.registers[2],
                2 => self.state.registers[8],
                3 => self.state.registers[9],
                n => {
                    let at = self.state.registers[RSP].plus(0x20 + (i64::from(n) - 4) * 8, true);
                    // Narrow arguments leave the upper half of their slot as it is.
                    match self.state.cell(at) {
                        Some(cell) if matches!(cell.value, Value::Const(_)) => cell.value,
                        _ => self.load(at, 8),
                    }
                }
            }
        } else {
            match n {
                PARAM_ECX => self.state.registers[1],
                PARAM_EDX => self.state.registers[2],
                PARAM_EAX => self.state.registers[0],
                n if self.most_arguments.is_some_and(|most| n >= most) => Value::Unknown,
                n => {
                    let at = self.state.registers[RSP].plus(i64::from(n) * 4, false);
                    // What lies behind the return address are parameters of this function, not arguments of a call.
                    if matches!(at, Value::Stack(0..)) && !self.left { Value::Unknown } else { self.load(at, 4) }
                }
            }
        }
    }

    /// Argument `n` of a catalogued function. The object of a method of x86 is in a register (thiscall).
    pub(crate) fn argument_of(&mut self, api: Api, n: u8) -> Value {
        match api.row.passed(n, self.is_64()) {
            Passed::At(n) => self.argument(n),
            Passed::Object => self.argument(PARAM_ECX),
        }
    }

    /// Executes a call.
    pub(crate) fn call(&mut self, instruction: &Instruction, next: Option<&Instruction>) {
        let site = self.rva(instruction.ip());
        let target = self.target(instruction);
        if let Target::Internal(rva) = target
            && (self.checks_cookie(rva) || self.set_up_frame(rva) || self.probe_stack(rva, next))
        {
            return;
        }
        if let Target::Import(import) = target
            && instruction.op0_kind() == OpKind::Register
        {
            self.named.insert(site, import);
        }
        let stack = self.state.registers[RSP];
        let result = match (self.enter(&target, site), &target) {
            (Value::Const(number), Target::Internal(rva)) if is_tested(next) && self.is_constant(*rva) => {
                self.counted(number as usize)
            }
            (result, _) => result,
        };
        let changed = match target {
            Target::Internal(rva) => self.program.changed_by(rva),
            _ => None,
        };
        let changed = changed.unwrap_or(u16::MAX);
        self.clobber(changed);
        // A function that leaves the register of the result alone has none.
        if changed & 1 != 0 {
            self.state.registers[0] = result;
        }
        if !self.is_64() {
            let pops = self.pops(&target, next);
            self.state.registers[RSP] = stack.plus(i64::from(pops), false);
        }
        self.pushed = 0;
    }

    /// A jump to another function is a call whose return is the caller's.
    pub(crate) fn tail_call(&mut self, instruction: &Instruction) {
        let site = self.rva(instruction.ip());
        let target = self.target(instruction);
        let inside = matches!(target, Target::Internal(t) if t == self.start || !self.program.functions.is_start(t));
        if inside || matches!(target, Target::Unknown) {
            return;
        }
        self.left = true;
        // The return address is where a call would have left it: the arguments lie behind it. Those that are passed on are
        // parameters of this function, no others.
        if !self.is_64() {
            self.most_arguments = match target {
                Target::Internal(rva) if self.depth < MAX_DEPTH => self.report_of(rva).map(|report| report.parameters),
                _ => None,
            };
            self.state.registers[RSP] = self.state.registers[RSP].plus(4, false);
        } else {
            self.state.registers[RSP] = self.state.registers[RSP].plus(8, true);
        }
        let result = self.enter(&target, site);
        self.most_arguments = None;
        self.state.registers[0] = result;
    }

    /// The function ends in a jump to something of which nothing is known, which is given what lies where it was given it.
    pub(super) fn leave_to_anybody(&mut self, site: u32) {
        let stack = self.state.registers[RSP];
        self.left = true;
        self.state.registers[RSP] = stack.plus(if self.is_64() { 8 } else { 4 }, self.is_64());
        let result = self.enter(&Target::Unknown, site);
        self.state.registers[0] = result;
    }

    fn rva(&self, ip: u64) -> u32 {
        ip.wrapping_sub(self.program.image.base) as u32
    }

    /// The check of the stack cookie compares its argument with a global and keeps the result of the function.
    pub(crate) fn checks_cookie(&self, rva: u32) -> bool {
        let code = self.program.image.at(rva).unwrap_or_default();
        code.starts_with(&[0x3b, 0x0d]) || code.starts_with(&[0x48, 0x3b, 0x0d])
    }

    /// Bytes that the callee takes off the stack (x86).
    pub(crate) fn pops(&self, target: &Target, next: Option<&Instruction>) -> u32 {
        match target {
            Target::Import(index) => {
                let Some(import) = self.program.linkage.imports.get(*index) else { return 0 };
                match self.program.signature(*index) {
                    Some(signature) if !native::is_crt(&import.module) => signature.pops,
                    _ => self.guess_pops(&import.module, next),
                }
            }
            Target::Named(_, name) => native::signature(name).map_or(0, |s| s.pops),
            Target::Method(..) => self.guess_pops("", next),
            Target::Internal(rva) => self.program.pops_of(*rva),
            Target::Either(all) => all.first().map_or(0, |first| self.pops(first, next)),
            Target::Unknown => self.guess_pops("", next),
        }
    }

    pub(crate) fn enter(&mut self, target: &Target, site: u32) -> Value {
        if matches!(target, Target::Import(_) | Target::Internal(_) | Target::Named(..)) {
            self.note_list();
        }
        self.note_uses(target);
        match target {
            Target::Import(index) if self.program.takes_procedures(*index) => {
                self.give_context(self.program.signature(*index).map_or(0, |s| s.pops / WORD));
            }
            Target::Named(_, name) => self.give_context(native::signature(name).map_or(0, |s| s.pops / WORD)),
            Target::Internal(rva) => self.lose_escaped(Some(*rva)),
            Target::Unknown => self.lose_escaped(None),
            _ => {}
        }
        match target {
            Target::Import(index) => {
                let Some(import) = self.program.linkage.imports.get(*index) else { return Value::Unknown };
                match self.program.apis.get(*index).copied().flatten() {
                    Some(api) => {
                        let program = self.program;
                        self.known(api, program.via(*index), site, |_| program.signature(*index))
                    }
                    None => {
                        let outputs = self.program.signature(*index).and_then(|s| s.outputs);
                        let shared = native::is_crt(&import.module);
                        self.unknown_method(import.name, outputs.or(shared.then_some(0)), site);
                        self.symbols.of(Kind::Result(site))
                    }
                }
            }
            Target::Named(api, via) => self.known(*api, via, site, native::signature),
            Target::Internal(rva) => {
                let result = self.internal(*rva, site);
                if self.is_given {
                    self.taint_parameters(site);
                }
                result
            }
            Target::Method(object, place) => match com::method(*object, *place) {
                Some((api, name)) => self.known(api, &format!("com!{name}"), site, native::signature),
                None => {
                    self.call_method(*object, *place, site);
                    self.symbols.of(Kind::Result(site))
                }
            },
            Target::Either(all) => {
                for target in all {
                    self.enter(target, site);
                }
                self.symbols.of(Kind::Result(site))
            }
            Target::Unknown => {
                self.lose_within_arguments();
                self.taint_arguments(READ_ARGUMENTS, site);
                if self.is_go() {
                    self.leave_results(None, None, Value::Unknown);
                }
                self.symbols.of(Kind::Result(site))
            }
        }
    }

    /// A call of a catalogued function.
    fn known(&mut self, api: Api, via: &str, site: u32, signature: impl Fn(&str) -> Option<Signature>) -> Value {
        if api.row.is_sink() && self.notes() {
            let args = self.event_arguments(api);
            self.report.events.push(Event { via: via.to_owned(), args, ..Event::at(api, site) });
        }
        self.call_back(api, site);
        let result = self.model(api, site);
        let handled = api.row.model.is_some() && api.row.caller.is_none() || api.row.fills.is_some();
        if !handled {
            let name = via.rsplit('!').next().unwrap_or_default();
            let outputs = signature(name).and_then(|s| s.outputs).unwrap_or(0);
            self.unknown_import(Some(outputs), site);
        }
        result
    }

    /// The arguments of an event, closed. A structure's fields follow the plain arguments.
    fn event_arguments(&mut self, api: Api) -> Vec<Arg> {
        let count = api.row.arity().min(12) as u8;
        let mut args: Vec<Arg> = (0..count)
            .map(|n| {
                let value = match api.row.within.filter(|_| api.row.name == Some(n)) {
                    Some(offsets) => self.named_within(api, n, offsets),
                    None => self.argument_of(api, n),
                };
                let gap = self.gap(value);
                // An object of COM that somebody else made: whoever did says what it was connected to.
                let foreign = api.row.namespace == Some(n) && self.held_string(value, api.wide).is_none();
                if api.row.objects.contains(&n) && !foreign {
                    let known = if self.is_go() { self.go_argument(n) } else { self.string_of(value, api.wide) };
                    return Arg { gap, ..Arg::of(&known) };
                }
                let arg = self.without_compared(value, self.close(value, api.wide));
                Arg { gap, ..self.close_argument(value, arg) }
            })
            .collect();
        // Functions of the shell have a structure of each width; names of the kernel are UTF-16 only.
        let wide = api.wide || !api.row.aw;
        for value in self.structure_fields(api) {
            args.push(Arg { gap: self.gap(value), ..self.close(value, wide) });
        }
        // The number that a value of the registry is.
        if let (Some(kind), Some(data)) = (api.row.kind, api.row.data)
            && let Some(size) = args.get(usize::from(kind)).and_then(|kind| size_of_number(kind.number.only()?))
        {
            let data = self.argument_of(api, data);
            let number = self.load(data, size);
            args.push(Arg { number: self.close_number(number), ..Arg::default() });
        }
        args
    }

    /// A call inside the image.
    fn internal(&mut self, target: u32, site: u32) -> Value {
        if self.program.wanted.borrow().contains(&target) && self.notes() {
            let mut passed = self.passed();
            let values: Vec<(u8, Value)> = passed.iter().map(|(n, value, _)| (*n, *value)).collect();
            for (n, _, arg) in &mut passed {
                if let Some(text) = self.measured_literal(*n, &values) {
                    (arg.texts, arg.readings) = (vec![text], None);
                }
            }
            let bytes = self.bytes_behind(&passed);
            let (args, frame) = self.with_objects(passed);
            self.report.calls.push(InternalCall { target, site, args, bytes, frame, compared: None });
        }
        self.hand_over(target, site);
        if let Some((api, name)) = self.program.go.as_ref().and_then(|go| go.known.get(&target)) {
            let result = self.known(*api, &format!("go!{name}"), site, native::signature);
            self.leave_results(Some(target), Some(*api), result);
            return result;
        }
        if self.is_go() {
            self.leave_results(Some(target), None, Value::Unknown);
            return self.symbols.of(Kind::Result(site));
        }
        if let Some(result) = self.path_of_rust(target, site) {
            return result;
        }
        self.hand_on_flags(target);
        self.converts |= self.program.facets.contains(&target);
        if let Some((api, via)) = self.linked(target).or_else(|| self.static_open(target)) {
            return self.known(api, &via, site, native::signature);
        }
        if let Some(result) = self.settings_method(target, site).or_else(|| self.joined_text(site)) {
            return result;
        }
        if let Some(object) = self.construct(target, site) {
            return object;
        }
        let report = (self.depth < MAX_DEPTH && target != self.start).then(|| self.report_of(target)).flatten();
        if let Some(number) = report.as_ref().and_then(|report| self.computed(target, report)) {
            return Value::Const(number);
        }
        if let Some(made) = report.as_ref().and_then(|report| report.constructs) {
            self.construct_string(made, site);
            return self.symbols.of(Kind::Result(site));
        }
        self.hand_on_comparisons(report.as_deref());
        if let Some(report) = &report {
            self.report.written = self.report.written.and(report.written.through_variables());
        }
        let summary = report.as_ref().map(|report| &report.summary);
        // A format that is written through the runtime's own streams leaves nothing in the callee's summary.
        let before = |text: &Text| text.as_hole().and_then(Slot::of_hole).is_some();
        let says = |known: &Known| known.texts().iter().any(|text| !text.is_unknown() && !before(text));
        let fills = summary.is_some_and(|s| s.buffers.iter().any(|(_, known)| says(known)));
        let formats = report.as_ref().and_then(|report| report.formats);
        let looks = report.as_ref().map_or(0, |report| report.looks);
        if !fills && self.static_format(formats, looks, site) {
            return self.symbols.of(Kind::Result(site));
        }
        let report = report.map(|report| self.decided(target, report));
        let summary = report.as_ref().map(|report| &report.summary);
        let lost = report.iter().flat_map(|report| &report.lost);
        let lost: Vec<Value> = lost.map(|slot| self.pointer(*slot)).collect();
        if let Some(summary) = summary
            && !summary.is_empty()
        {
            let this = if self.has_this_in_register() { PARAM_ECX } else { 0 };
            let before = self.held_by(this);
            let result = self.apply(summary, site);
            self.lose_places(&lost);
            // A constructor of strings stores the length and more, but copies the characters in a loop. One that keeps
            // the pointer has said so.
            let keeps = |arg: &Arg| matches!(arg.number, Number::Param(slot) if slot.param != this && slot.is_plain());
            // What begins with a handle or with another object is no string.
            let holds = |(slot, arg): &(Slot, Arg)| *slot == Slot::of(this) && arg.is_opened();
            let cells = &summary.cells;
            if !summary.buffers.iter().any(|(_, known)| known.says())
                && !cells.iter().any(|cell| keeps(&cell.1) || holds(cell))
            {
                let cleared = self.clear_local(this, before);
                let held = if cleared { None } else { self.held_text(this) };
                let strings = summary.objects.iter().map(|(slot, _)| slot);
                let made =
                    cleared || summary.cells.iter().map(|(slot, _)| slot).chain(strings).any(|s| s.param == this);
                self.associate(target, held.as_ref(), made);
            }
            let texts = summary.buffers.iter().map(|(slot, _)| slot);
            let opened = summary.cells.iter().filter(|(_, arg)| arg.is_opened()).map(|(slot, _)| slot);
            let said: Vec<u8> = texts.chain(opened).filter(|slot| slot.is_plain()).map(|slot| slot.param).collect();
            self.give_to(target, READ_ARGUMENTS, Some(&said), site);
            return result;
        }
        self.lose_places(&lost);
        self.associate(target, None, false);
        // What lies behind the arguments of x86 may be left from the call before.
        let read = report.as_ref().filter(|_| !self.is_64()).map_or(READ_ARGUMENTS, |report| report.parameters);
        self.give_to(target, read.min(READ_ARGUMENTS), None, site);
        self.symbols.of(Kind::Result(site))
    }

    /// What is known of a function of the image that is called. Where numbers are given, they decide what becomes of
    /// them in helpers: one that makes a mode string of flags gives the string.
    fn report_of(&mut self, target: u32) -> Option<Rc<Report>> {
        let program = self.program;
        let length = program.functions.end_of(target)?.saturating_sub(target);
        if self.is_given && length <= MAX_HELPER {
            let image = &program.image;
            let numbers = self.parameters().filter_map(|n| Some((n, self.argument(n).number()?)));
            // An address says something to a function only that compares what stands there with a word.
            let plain = program.reported(target);
            let compares = |n: u8| {
                plain.as_ref().is_some_and(|report| report.compared.iter().any(|(slot, _)| *slot == Slot::of(n)))
            };
            let is_said = |(n, number): &(u8, u64)| image.rva_of(*number).is_none() || compares(*n);
            let numbers: Vec<(u8, u64)> = numbers.filter(is_said).collect();
            if !numbers.is_empty() {
                return program.report_given(target, &numbers, None, self.depth + 1);
            }
        }
        program.is_interesting(target).then(|| program.report(target, self.depth + 1)).flatten()
    }

    /// Numbers of the parameters that a function of the image may have.
    pub(super) fn parameters(&self) -> impl Iterator<Item = u8> + use<> {
        let fast: &[u8] = if self.is_64() { &[] } else { &[PARAM_ECX, PARAM_EDX, PARAM_EAX] };
        (0..MAX_ARGUMENTS).chain(fast.iter().copied())
    }

    /// Arguments by parameter number.
    fn passed(&mut self) -> Vec<(u8, Value, Arg)> {
        self.parameters()
            .map(|n| {
                let value = self.argument(n);
                if self.is_go() {
                    return (n, value, self.go_closed(n));
                }
                (n, value, self.close_argument(value, self.close_any(value)))
            })
            .collect()
    }

    /// Registers that a call does not preserve (x64 and x86 calling conventions), of those that the callee may change.
    fn clobber(&mut self, changed: u16) {
        if self.is_go() {
            return self.go_clobber();
        }
        let volatile: &[usize] = if self.is_64() { &[1, 2, 8, 9, 10, 11] } else { &[1, 2] };
        for register in volatile {
            let value = self.state.registers[*register];
            // What is left of an earlier call is easily taken for an argument of the next: only constants are kept, what was
            // given to this function, and what lies in its frame.
            let known = matches!(value, Value::Const(_) | Value::Stack(_)) || self.slot(value).is_some();
            let kept = changed & 1 << *register == 0 && known;
            self.state.registers[*register] = if kept { value } else { Value::Unknown };
        }
        let vectors = if self.is_64() { 6 } else { 8 };
        for register in self.state.wide.iter_mut().take(vectors) {
            *register = Wide::Unknown;
        }
    }
}

fn is_stack(register: Register) -> bool {
    register.full_register() == Register::RSP
}
