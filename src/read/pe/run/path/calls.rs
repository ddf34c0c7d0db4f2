//! Calls on a way: of functions of the image, which are run too, and of those that are known by their names.

use super::super::super::code::call::Target;
use super::super::super::code::escapes::is_structure;
use super::super::super::code::value::{Kind, Value};
use super::super::super::image::Section;
use super::super::super::surface;
use super::super::bridge;
use super::super::library::Library;
use super::super::machine::{Machine, RSP, Untouched};
use super::super::strings::is_string;
use super::super::word::{Word, size_of};
use super::{Found, Frame, MAX_FRAMES, MAX_WAYS, MAX_WITHIN, Next, Run, Way};
use crate::catalog::native::{self, Api, Signature};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use std::rc::Rc;

/// Bytes that are copied, set or compared at the cost of an instruction.
const BYTES: u64 = 8;

impl<'p> Run<'p, '_> {
    /// A function of the image is not run: what it was given may have changed.
    pub(super) fn skip(&mut self, way: &mut Way, function: u32, site: u32) {
        let mut arguments = self.arguments(&way.machine, 4);
        if !self.ground.is_64 {
            // The object of a method, and what compilers pass to functions of their own.
            arguments.extend([0, 1, 2].map(|register: usize| way.machine.registers[register]));
        }
        way.doubted |= !self.is_harmless(&way.machine);
        // What is given lies in the frame of some function, and not beyond.
        let size = size_of(self.ground.is_64);
        let mut ends: Vec<u64> = way.frames.iter().filter_map(|frame| frame.registers[RSP].low(size)).collect();
        ends.sort_unstable();
        bridge::blur_arguments(&mut way.machine, &mut self.ground, &arguments, &ends);
        let result = self.engine.symbols.of(Kind::Result(site));
        let pops = if self.ground.is_64 { 0 } else { self.program.pops_of(function) };
        self.returned(&mut way.machine, Word::Symbol(result), pops);
    }

    /// Registers after a call that was not run.
    pub(super) fn returned(&self, machine: &mut Machine, result: Word, pops: u32) {
        let volatile: &[usize] = if self.ground.is_64 { &[1, 2, 8, 9, 10, 11] } else { &[1, 2] };
        for register in volatile {
            machine.registers[*register] = Word::UNKNOWN;
        }
        for vector in machine.vectors.iter_mut().take(if self.ground.is_64 { 6 } else { 8 }) {
            *vector = [Word::UNKNOWN; 2];
        }
        machine.registers[0] = result;
        machine.registers[RSP] = machine.registers[RSP].plus(i64::from(pops), self.ground.is_64);
        machine.flags = Default::default();
    }

    /// A jump out of the function: a call whose return is the function's.
    pub(super) fn jump_away(&mut self, way: &mut Way, instruction: &Instruction) -> Next {
        let target = self.target(way, instruction);
        let site = self.rva(instruction.ip());
        match target {
            Target::Internal(function) => {
                let Some(frame) = way.frames.last_mut() else { return Next::Lost };
                frame.function = function;
                Next::At(self.program.image.base.wrapping_add(u64::from(function)))
            }
            Target::Unknown => {
                self.capped = true;
                Next::Lost
            }
            target => {
                // The arguments lie behind the return address.
                let word = size_of(self.ground.is_64) as i64;
                way.machine.registers[RSP] = way.machine.registers[RSP].plus(word, self.ground.is_64);
                if self.call_known(way, &target, site, None).is_none() {
                    return Next::Ends;
                }
                let Some(frame) = way.frames.last() else { return Next::Lost };
                if self.ground.is_64 {
                    way.machine.registers[RSP] = frame.registers[RSP];
                }
                Next::Leave
            }
        }
    }

    fn rva(&self, va: u64) -> u32 {
        va.wrapping_sub(self.program.image.base) as u32
    }

    /// Who is called.
    fn target(&mut self, way: &mut Way, instruction: &Instruction) -> Target {
        if matches!(instruction.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64) {
            let rva = self.program.beyond_jumps(self.rva(instruction.near_branch_target()));
            return match self.program.references.thunks.get(&rva) {
                Some(import) => Target::Import(*import),
                None => Target::Internal(rva),
            };
        }
        let place = way.machine.place(&mut self.ground, instruction, 0);
        let word = way.machine.get(&mut self.ground, &mut self.engine, place);
        let value = self.ground.value(word);
        self.engine.target_at(value)
    }

    pub(super) fn call(&mut self, way: &mut Way, instruction: &Instruction) -> Next {
        let (site, next) = (self.rva(instruction.ip()), instruction.next_ip());
        // How code on x86 finds out where it stands: the address is taken off the stack again.
        if !self.ground.is_64 && instruction.is_call_near() && instruction.near_branch_target() == next {
            way.machine.push(&mut self.ground, Word::number(next));
            return Next::At(next);
        }
        let target = self.target(way, instruction);
        if matches!(target, Target::Unknown) {
            self.capped = true;
            // Whoever is called may change all variables.
            way.machine.memory.blur_outside(self.ground.own());
        }
        let Target::Internal(function) = target else {
            let after = self.after(next);
            let (arguments, memory) = (self.arguments(&way.machine, 8), way.machine.memory.clone());
            let Some(()) = self.call_known(way, &target, site, after.as_ref()) else { return Next::Ends };
            return Next::At(self.start(way, &target, (&arguments, memory), (site, next)).unwrap_or(next));
        };
        if self.engine.checks_cookie(function) {
            return Next::At(next);
        }
        let depth = way.frames.len();
        let of_goal = self.goal.steps.get(depth).is_some_and(|(of, _)| *of == function)
            && self.goal.steps.get(depth - 1).is_some_and(|(_, at)| *at == site);
        // Beside the way to the goal the same calls are no part of it: what they do until they return is to be done.
        let is_beside = way.frames.last().is_some_and(|frame| frame.before.is_some());
        self.lingered |= of_goal && is_beside;
        let wanted = of_goal && (self.hurries || !is_beside);
        let within = way.frames.iter().filter(|frame| frame.function == function).count();
        // Of a library that is linked in only what changes state is told of; the rest is code like any other.
        let linked = self.program.names.linked.get(&function);
        let told = linked.is_some_and(|linked| linked.api.row.is_sink()) || self.program.openers.contains(&function);
        if !wanted && (told || linked.is_some_and(|linked| is_string(linked.api))) {
            let after = self.after(next);
            let _ = self.call_known(way, &Target::Internal(function), site, after.as_ref());
            return Next::At(next);
        }
        // What a runtime that is linked in puts together is what its format says.
        let mut expected = None;
        if !wanted {
            match self.formats(way, (function, site), next) {
                Ok(()) => return Next::At(next),
                Err(of) => expected = of,
            }
        }
        if !wanted && (depth >= MAX_FRAMES || within > MAX_WITHIN || self.skipped.contains(&function)) {
            self.skip(way, function, site);
            return Next::At(next);
        }
        // It widens what it is given, by means of the library that cannot be followed.
        let made = self.program.reported(function).and_then(|report| report.constructs);
        if !wanted && made.is_some_and(|made| made.widens) {
            let after = self.after(next);
            let _ = self.call_known(way, &Target::Internal(function), site, after.as_ref());
            return Next::At(next);
        }
        let before = (!wanted).then(|| Rc::new(way.machine.clone()));
        let registers = way.machine.registers;
        way.machine.push(&mut self.ground, Word::number(next));
        way.frames.push(Frame {
            function,
            site,
            back: next,
            registers,
            since: way.steps,
            number: self.steps + 1,
            before,
            expected: expected.map(Rc::new),
            resumes: false,
            chose: way.chose,
            aside: way.aside,
        });
        Next::At(self.program.image.base.wrapping_add(u64::from(function)))
    }

    /// The instruction behind a call. Where a method of C++ has taken its arguments off the stack (x86), the one that takes
    /// that back may stand a little further on.
    pub(super) fn after(&self, next: u64) -> Option<Instruction> {
        /// Most instructions that compilers put before it.
        const MAX_BETWEEN: usize = 8;
        let bits = if self.ground.is_64 { 64 } else { 32 };
        let code = self.program.image.at(self.program.image.rva_of(next)?)?;
        let decoder = Decoder::with_ip(bits, code, next, DecoderOptions::NONE);
        let mut first = None;
        for mut instruction in decoder.into_iter().take(MAX_BETWEEN) {
            let first = *first.get_or_insert(instruction);
            let changes = instruction.op0_kind() == OpKind::Register && instruction.op0_register() == Register::ESP
                || instruction.stack_pointer_increment() != 0;
            if changes && instruction.mnemonic() == Mnemonic::Sub {
                instruction.set_ip(next);
                return Some(instruction);
            }
            if self.ground.is_64 || changes || instruction.flow_control() != FlowControl::Next {
                return Some(first);
            }
        }
        first
    }

    /// The first arguments of a call.
    pub(super) fn arguments(&mut self, machine: &Machine, most: usize) -> Vec<Word> {
        let is_64 = self.ground.is_64;
        let mut arguments = Vec::new();
        if is_64 {
            arguments.extend([1, 2, 8, 9].map(|register: usize| machine.registers[register]));
        }
        let size = size_of(is_64);
        let Some(top) = self.ground.address(machine.registers[RSP]) else { return arguments };
        for n in arguments.len()..most {
            let at = top.wrapping_add((n * size) as u64);
            arguments.push(machine.load(&self.ground, &mut self.engine as &mut dyn Untouched, at, size));
        }
        arguments
    }

    /// What a function is called, and what the catalogue says of it.
    pub(super) fn known_as<'t>(&self, target: &'t Target) -> (&'t str, Option<Api>)
    where
        'p: 't,
    {
        match target {
            Target::Import(index) => {
                let import = self.program.linkage.imports.get(*index);
                let api = self.program.apis.get(*index).copied().flatten();
                (import.and_then(surface::name_of).unwrap_or_default(), api)
            }
            Target::Named(api, via) => (via.rsplit('!').next().unwrap_or_default(), Some(*api)),
            Target::Internal(function) => match self.program.names.linked.get(function) {
                Some(linked) => (linked.via.rsplit('!').next().unwrap_or_default(), Some(linked.api)),
                None => ("", None),
            },
            _ => ("", None),
        }
    }

    /// A call of a function that is known by its name; `None`: it does not return.
    pub(super) fn call_known(
        &mut self,
        way: &mut Way,
        target: &Target,
        site: u32,
        next: Option<&Instruction>,
    ) -> Option<()> {
        if let Target::Import(index) = target
            && surface::never_returns(self.program.linkage.imports.get(*index)?)
        {
            return None;
        }
        let (name, api) = self.known_as(target);
        let arguments = self.arguments(&way.machine, 8);
        let pops = match target {
            _ if self.ground.is_64 => 0,
            Target::Internal(function) => self.program.pops_of(*function),
            target => self.engine.pops(target, next),
        };
        let mut library = Library {
            machine: &mut way.machine,
            ground: &mut self.ground,
            files: &mut self.engine,
            marks: &mut self.marks,
            name,
            api,
            arguments: arguments.clone(),
            spent: 0,
        };
        let result = library.call();
        let spent = library.spent / BYTES;
        (self.steps, way.steps) = (self.steps + spent, way.steps + spent);
        if let Some(result) = result {
            self.returned(&mut way.machine, result, pops);
            return Some(());
        }
        // What is handed to a function that calls back may change at any time, and what that points to.
        let calls_back = arguments.iter().any(|argument| self.is_code(*argument));
        if api.is_none() && !matches!(target, Target::Internal(_)) {
            let signature = match target {
                Target::Import(index) => self.program.signature(*index),
                _ => native::signature(name),
            };
            self.unknown(&mut way.machine, signature, &arguments);
            // Of one that is not known to Windows nothing says what it writes through what it is given.
            let is_told = signature.is_some_and(|signature| signature.outputs.is_some());
            if matches!(target, Target::Import(_)) && is_told && !calls_back {
                let result = Word::Symbol(self.engine.symbols.of(Kind::Result(site)));
                self.answered(target, api, &arguments, result);
                self.returned(&mut way.machine, result, pops);
                return Some(());
            }
        }
        let sought = self.sought;
        let inside = matches!(target, Target::Internal(_));
        let (call, deep) = ((target, site, api), calls_back || inside || site == sought);
        let (engine, ground, marks) = (&mut self.engine, &mut self.ground, &mut self.marks);
        let answer = bridge::call(engine, &mut way.machine, ground, marks, call, deep);
        let through: Vec<u32> = way.frames.iter().skip(1).rev().map(|frame| frame.site).collect();
        for mut event in answer.events.into_iter().filter(|event| event.site == sought) {
            event.through.clone_from(&through);
            let doubted = way.doubted || way.machine.is_unsure();
            let (chose, supposed) = (way.chose, way.supposed);
            self.found.push(Found { event, chose, supposed, doubted, lost: answer.lost });
        }
        self.answered(target, api, &arguments, answer.result);
        let others = answer.others.len() + usize::from(answer.nullable);
        let origins = || Rc::new(self.engine.origins.clone());
        let before = (others > 0).then(|| Way { origins: origins(), ..way.clone() });
        self.returned(&mut way.machine, answer.result, pops);
        let (Some(mut before), Some(next)) = (before, next) else { return Some(()) };
        // Whether a variable or a value of a file is set says the machine.
        let has_default = api.is_some_and(|api| api.row.default.is_some());
        let given = match answer.others.first() {
            Some((at, ..)) => has_default.then(|| Word::number(*at)),
            None => answer.nullable.then_some(answer.result),
        };
        let is_free = given.is_some_and(|given| self.asks_first(way, given, api));
        before.asked.clone_from(&way.asked);
        before.chose |= !is_free;
        way.chose |= !is_free;
        // Another text may stand there, or none may be given.
        let null = answer.nullable.then_some((None, Word::number(0)));
        let texts = answer.others.into_iter().map(|other| {
            // It answers how many characters there are (GetPrivateProfileString).
            let is_none = has_default && other.1.is_empty();
            (Some(other), if is_none { Word::number(0) } else { answer.result })
        });
        for (text, result) in texts.chain(null) {
            if self.started >= MAX_WAYS {
                self.capped = true;
                break;
            }
            self.started += 1;
            let mut other = Way { at: next.ip(), ..before.clone() };
            if let Some((at, text, wide)) = text {
                bridge::store_text(&mut other.machine, &mut self.marks, at, &text, wide);
            }
            self.returned(&mut other.machine, result, pops);
            self.ways.push(other);
        }
        Some(())
    }

    /// The address of code of the image.
    fn is_code(&self, word: Word) -> bool {
        let image = &self.program.image;
        let rva = word.low(size_of(self.ground.is_64)).and_then(|va| image.rva_of(va));
        rva.and_then(|rva| image.section_of(rva)).is_some_and(Section::is_code)
    }

    /// What the fields of a structure point to that begins with its size may be filled.
    fn lose_within(&mut self, machine: &mut Machine, structure: Word) {
        let size = size_of(self.ground.is_64);
        let Some(at) = self.ground.address(structure).filter(|at| self.ground.own().contains(at)) else { return };
        let said = machine.memory.written_word(at, 4).and_then(|word| word.low(4)).filter(|n| is_structure(*n));
        for place in (size as u64..said.unwrap_or_default()).step_by(size).map(|n| at.wrapping_add(n)) {
            let field = machine.memory.written_word(place, size).and_then(|word| word.low(size));
            let field = field.filter(|field| self.ground.own().contains(field) && machine.memory.is_written(*field));
            // What lies in the frame beside it is no text that its field points to.
            if let Some(field) = field.filter(|field| !(at..place.wrapping_add(size as u64)).contains(field)) {
                machine.memory.blur_all(field);
            }
        }
    }

    /// An imported function of which nothing is known but its signature.
    fn unknown(&mut self, machine: &mut Machine, signature: Option<Signature>, arguments: &[Word]) {
        /// What a buffer is filled with is as long as one of the numbers beside it says.
        const MAX_FILLED: u64 = 0x400;
        for argument in arguments {
            self.lose_within(machine, *argument);
        }
        let outputs = signature.and_then(|signature| signature.outputs).unwrap_or(u32::MAX);
        let numbers = arguments.iter().filter_map(|word| word.low(4)).filter(|n| *n <= MAX_FILLED);
        let bytes = numbers.max().unwrap_or_default().max(16);
        for (n, argument) in arguments.iter().enumerate() {
            if outputs >> n & 1 == 1
                && matches!(self.ground.value(*argument), Value::Stack(_))
                && let Some(at) = self.ground.address(*argument)
                && machine.memory.is_written(at)
            {
                machine.memory.blur(at, bytes);
            }
        }
    }
}
