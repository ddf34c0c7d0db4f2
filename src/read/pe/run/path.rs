//! One way through the code, from the start of a function on: what is called is run too, what is imported is done by
//! models, and where a condition is not known the way forks.

mod answers;
mod aside;
mod calls;
mod code;
mod counted;
mod forks;
mod formats;
mod lists;
mod started;
mod walks;

use super::super::Map;
use super::super::code::analysis::{Engine, Origin};
use super::super::code::report::Event;
use super::super::code::value::{Kind, Symbol, Value};
use super::super::image::Image;
use super::super::program::Program;
use super::execute::is_conditional;
use super::machine::{Ground, Machine, ROOM, RSP};
use super::memory::Regions;
use super::texts::Marks;
use super::word::{Word, size_of};
use crate::facts::Text;
use answers::Answer;
use code::{Code, behind, leads_to};
use counted::{COUNTER, cost_of_repetitions, count_down, is_taken};
use formats::Expected;
use iced_x86::{FlowControl, Instruction};
use std::ops::Range;
use std::rc::Rc;

/// Most instructions of one run, over all its ways.
const MAX_STEPS: u64 = 16_000;
/// Most instructions of a function that is called on the way, and of what it calls: of what takes longer nothing is known.
const MAX_CALLED: u64 = 4_000;
/// Most ways of one run.
const MAX_WAYS: usize = 64;
/// How often one way forks at the same condition.
const MAX_FORKS: u8 = 2;
/// How often one way forks in functions that do not lead to the goal.
const MAX_ASIDE: u8 = 6;
/// Bytes of addresses that the stack and the allocations of a run are in.
const ZONE: u64 = 0x2000_0000;
/// Deepest nesting of calls. Without optimisation each layer of a container is a call: an assignment to a place of a map is
/// eighteen of them (libstdc++).
const MAX_FRAMES: usize = 32;
/// How often a function may be entered again before it is left, as one is that takes a tree down.
const MAX_WITHIN: usize = 8;
/// Most events of one run.
const MAX_EVENTS: usize = 64;

/// A function that was entered and not left.
#[derive(Clone)]
struct Frame {
    /// Start of the function.
    function: u32,
    /// Address of the call that entered it.
    site: u32,
    /// Where it returns to.
    back: u64,
    /// The registers before the call.
    registers: [Word; 16],
    /// Steps of the way when it was entered.
    since: u64,
    /// Steps of all ways when it was entered: those that share the call share the number.
    number: u64,
    /// The machine before the call, to go on without it.
    before: Option<Rc<Machine>>,
    /// What it is expected to leave, if it formats.
    expected: Option<Rc<Expected>>,
    /// It is called back: all registers are then what they were.
    resumes: bool,
    /// What the way had chosen before, and how often it had forked beside the way to the goal.
    chose: bool,
    aside: u8,
}

/// A way that is not at its end.
#[derive(Clone)]
struct Way {
    machine: Machine,
    frames: Vec<Frame>,
    at: u64,
    /// Instructions that it has run.
    steps: u64,
    /// Conditions at which it forked.
    forks: Rc<Vec<(u64, u8)>>,
    /// How often it forked in functions that do not lead to the goal.
    aside: u8,
    /// It chose at a condition that is not known, where both sides lead on.
    chose: bool,
    /// It chose by what a caller gives.
    supposed: bool,
    /// What it took for the answers of Windows and of callers.
    answers: Rc<Vec<Answer>>,
    /// What it was given that need not be set.
    asked: Rc<Vec<Text>>,
    /// Something that was not run may have changed what it knows.
    doubted: bool,
    /// What its symbols stand for, while another way goes on.
    origins: Rc<Map<Symbol, Origin>>,
}

impl Way {
    /// How often it has forked at a place, or found a text there whose place is not known.
    fn times_at(&self, at: u64) -> u8 {
        self.forks.iter().find(|(place, _)| *place == at).map_or(0, |(_, times)| *times)
    }

    fn count_at(&mut self, at: u64) {
        let forks = Rc::make_mut(&mut self.forks);
        match forks.iter_mut().find(|(place, _)| *place == at) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => forks.push((at, 1)),
        }
    }
}

/// A call of interest, with the places through which it was reached, innermost first.
pub(super) struct Found {
    pub(super) event: Event,
    /// Some condition before it was not known.
    pub(super) chose: bool,
    /// Some condition before it was what a caller gives.
    pub(super) supposed: bool,
    /// Something before it was not run.
    pub(super) doubted: bool,
    /// The end of a text that it is given was not seen, which is not the same as one that is open.
    pub(super) lost: bool,
}

/// What a run is for: the calls that lead to the call that is looked for, outermost first, each with the function that it
/// is in.
pub(super) struct Goal {
    pub(super) steps: Vec<(u32, u32)>,
}

/// See the module.
pub(super) struct Run<'p, 'a> {
    program: &'p Program<'a>,
    engine: Engine<'p, 'a>,
    ground: Ground<'p, 'a>,
    marks: Marks,
    pub(super) goal: Goal,
    /// The call that is looked for.
    sought: u32,
    code: Map<(u32, usize), Rc<Code>>,
    /// Functions that took too long, or led nowhere.
    skipped: Vec<u32>,
    /// What functions of Windows gave that only the machine says.
    answers: Vec<Value>,
    /// Jumps of which both sides lead back to them, or neither does.
    even: Map<u64, bool>,
    ways: Vec<Way>,
    started: usize,
    pub(super) steps: u64,
    pub(super) found: Vec<Found>,
    /// Some ways were not followed, or not to their ends.
    pub(super) capped: bool,
    /// What formats is followed once, and not taken to do what its format says.
    pub(super) follows_formats: bool,
    /// A function was taken for one that formats by what it is given.
    pub(super) formatted: bool,
    /// Those that were followed, and whether they do that.
    formatters: Map<u32, bool>,
    /// A way went round more often than is followed.
    pub(super) endless: bool,
    /// Functions beside the way that are given nothing that it knows are left out as soon as they fork.
    pub(super) spares: bool,
    /// Calls beside the way that are the same as those on it are left as soon as they were made.
    pub(super) hurries: bool,
    /// There were such calls.
    pub(super) lingered: bool,
}

/// What follows an instruction.
enum Next {
    At(u64),
    /// The way goes on behind this jump, or at its target.
    Either(Instruction),
    /// The function is left.
    Leave,
    /// It cannot be followed any further.
    Lost,
    /// What was called does not return.
    Ends,
}

impl<'p, 'a> Run<'p, 'a> {
    pub(super) fn new(program: &'p Program<'a>, goal: Goal, sought: u32) -> Option<Self> {
        let start = goal.steps.first()?.0;
        let image = &program.image;
        let zone = free_zone(program);
        // Callers align the stack to sixteen bytes; the return address stands below that.
        let origin = zone + ZONE / 2 - size_of(image.is_64()) as u64;
        let slots = slots_of(program);
        let ground = Ground { image, is_64: image.is_64(), origin, regions: Regions::default(), slots };
        let engine = Engine::for_run(program, start);
        let mut run = Run {
            program,
            engine,
            ground,
            marks: Marks::default(),
            goal,
            sought,
            code: Map::default(),
            skipped: Vec::new(),
            answers: Vec::new(),
            even: Map::default(),
            ways: Vec::new(),
            started: 1,
            steps: 0,
            found: Vec::new(),
            capped: false,
            follows_formats: false,
            formatted: false,
            formatters: Map::default(),
            endless: false,
            spares: false,
            hurries: false,
            lingered: false,
        };
        let machine = run.entry();
        let frame = Frame {
            function: start,
            site: 0,
            back: 0,
            registers: machine.registers,
            since: 0,
            number: 0,
            before: None,
            expected: None,
            resumes: false,
            chose: false,
            aside: 0,
        };
        let at = image.base.wrapping_add(u64::from(start));
        run.ways.push(Way {
            machine,
            frames: vec![frame],
            at,
            steps: 0,
            forks: Rc::default(),
            aside: 0,
            chose: false,
            supposed: false,
            answers: Rc::default(),
            asked: Rc::default(),
            doubted: false,
            origins: Rc::new(run.engine.origins.clone()),
        });
        Some(run)
    }

    pub(super) fn image(&self) -> &'p Image<'a> {
        &self.program.image
    }

    /// The machine at the entry of a function: what the caller passes is not known.
    fn entry(&mut self) -> Machine {
        let mut registers = [Word::UNKNOWN; 16];
        for (register, value) in registers.iter_mut().zip(self.engine.state.registers) {
            *register = self.ground.word(value);
        }
        let heap = self.ground.origin - ROOM / 2..self.ground.origin - ROOM / 8;
        Machine {
            registers,
            vectors: [[Word::UNKNOWN; 2]; 16],
            flags: Default::default(),
            tested: None,
            taken: Vec::new(),
            memory: Default::default(),
            heap,
            downwards: false,
            strayed: false,
            walks: false,
        }
    }

    /// Runs all ways, as far as the bounds allow.
    pub(super) fn all(&mut self) {
        while let Some(way) = self.ways.pop() {
            self.engine.origins.clone_from(&way.origins);
            self.follow(way);
            if self.steps > MAX_STEPS || self.found.len() >= MAX_EVENTS {
                self.capped = true;
                break;
            }
        }
    }

    /// Runs a way to its end.
    fn follow(&mut self, mut way: Way) {
        while self.steps <= MAX_STEPS && self.found.len() < MAX_EVENTS {
            let depth = way.frames.len() - 1;
            let Some(frame) = way.frames.last() else { return };
            let (took, aside) = (way.steps - frame.since, frame.before.is_some());
            if took > MAX_CALLED && aside {
                if !self.give_up(&mut way) {
                    return;
                }
                continue;
            }
            let function = frame.function;
            let code = self.code_of(function, depth, aside);
            if !self.leads(&code, way.at) {
                if !self.leave_early(&mut way) {
                    return;
                }
                continue;
            }
            let Some(instruction) = code.places.get(&way.at).and_then(|i| code.body.instructions.get(*i)).copied()
            else {
                if !self.give_up(&mut way) {
                    return;
                }
                continue;
            };
            let counter = way.machine.registers[COUNTER];
            let next = self.step(&mut way, &code, &instruction);
            let cost = 1 + cost_of_repetitions(&instruction, counter, way.machine.registers[COUNTER]);
            (self.steps, way.steps) = (self.steps + cost, way.steps + cost);
            self.program.spend(1);
            match next {
                Next::At(at) => way.at = at,
                Next::Either(jump) => {
                    if !self.fork(&mut way, &jump) {
                        return;
                    }
                }
                Next::Leave => {
                    let Some(frame) = way.frames.pop() else { return };
                    if way.frames.is_empty() {
                        return;
                    }
                    way.at = frame.back;
                }
                Next::Ends => return,
                Next::Lost => {
                    if !self.give_up(&mut way) {
                        return;
                    }
                }
            }
        }
    }

    /// The call that is looked for is not reached any more in this function: it is left as it would return, where a caller
    /// may reach the call again; `false`: none does.
    fn leave_early(&mut self, way: &mut Way) -> bool {
        let Some(frame) = way.frames.pop() else { return false };
        let depth = way.frames.len();
        let Some((caller, aside)) = way.frames.last().map(|caller| (caller.function, caller.before.is_some())) else {
            return false;
        };
        let code = self.code_of(caller, depth - 1, aside);
        if !self.leads(&code, frame.back) {
            return false;
        }
        way.machine.registers = frame.registers;
        // What it does until it returns is not done.
        way.doubted = true;
        let pops = if self.ground.is_64 { 0 } else { self.program.pops_of(frame.function) };
        let result = self.engine.symbols.of(Kind::Result(frame.site));
        self.returned(&mut way.machine, Word::Symbol(result), pops);
        way.at = frame.back;
        true
    }

    /// The code of a function that is entered at this depth, on the way to the goal or aside of it.
    fn code_of(&mut self, function: u32, depth: usize, aside: bool) -> Rc<Code> {
        let step = self.goal.steps.get(depth).filter(|(of, _)| !aside && *of == function);
        let goal = step.map(|(_, site)| *site);
        let key = (function, goal.map_or(usize::MAX, |_| depth));
        if let Some(code) = self.code.get(&key) {
            return code.clone();
        }
        let body = self.program.body(function);
        let places = body.instructions.iter().enumerate().map(|(i, instruction)| (instruction.ip(), i)).collect();
        let goal = goal.map(|site| self.program.image.base.wrapping_add(u64::from(site)));
        let leads = goal.map_or_else(Vec::new, |site| leads_to(&body, site));
        // What a function further in does until it returns is done.
        let behind = goal.filter(|_| depth == 0).map_or(0..0, |site| behind(&body, &leads, site));
        let walks = walks::walks(&body);
        let code = Rc::new(Code { body, places, leads, behind, walks });
        self.code.insert(key, code.clone());
        code
    }

    fn step(&mut self, way: &mut Way, code: &Code, instruction: &Instruction) -> Next {
        let next = instruction.next_ip();
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::Interrupt if instruction.is_invalid() => Next::Lost,
            FlowControl::Next => {
                if is_conditional(instruction) && !self.decide(way, instruction) {
                    return Next::Lost;
                }
                if let Some(walk) = code.walks.ends.get(&instruction.ip()) {
                    self.meet(way, instruction, walk);
                }
                way.machine.walks = code.walks.looks.contains(&instruction.ip());
                way.machine.execute(&mut self.ground, &mut self.engine, instruction);
                Next::At(next)
            }
            FlowControl::ConditionalBranch => {
                count_down(&mut way.machine, instruction, self.ground.is_64);
                let target = instruction.near_branch_target();
                match is_taken(&way.machine, instruction, size_of(self.ground.is_64)) {
                    Some(true) => Next::At(target),
                    Some(false) => Next::At(next),
                    None => match (self.leads(code, next), self.leads(code, target)) {
                        (true, false) => {
                            way.machine.assume(instruction, false);
                            Next::At(next)
                        }
                        (false, true) => {
                            way.machine.assume(instruction, true);
                            Next::At(target)
                        }
                        _ => Next::Either(*instruction),
                    },
                }
            }
            FlowControl::UnconditionalBranch => {
                let target = instruction.near_branch_target();
                if code.places.contains_key(&target) { Next::At(target) } else { self.jump_away(way, instruction) }
            }
            FlowControl::IndirectBranch => {
                let place = way.machine.place(&mut self.ground, instruction, 0);
                let word = way.machine.get(&mut self.ground, &mut self.engine, place);
                match word.low(size_of(self.ground.is_64)) {
                    Some(at) if code.places.contains_key(&at) => Next::At(at),
                    _ => self.jump_away(way, instruction),
                }
            }
            FlowControl::Return => {
                let Some(frame) = way.frames.last() else { return Next::Lost };
                let pops = if instruction.op_count() == 1 { instruction.immediate(0) as i64 } else { 0 };
                let (function, before, expected) = (frame.function, frame.registers, frame.expected.clone());
                if let Some(expected) = expected {
                    self.compare(&way.machine, function, &expected);
                }
                if frame.resumes {
                    way.machine.registers = before;
                    return Next::Leave;
                }
                way.machine.pop(&mut self.ground, &mut self.engine);
                // Helpers of prologues leave the frame that they make; all others what the conventions say.
                if !self.engine.sets_up_frame(function) {
                    let kept: &[usize] = if self.ground.is_64 { &[3, 5, 6, 7, 12, 13, 14, 15] } else { &[3, 5, 6, 7] };
                    for register in kept {
                        way.machine.registers[*register] = before[*register];
                    }
                    let back = before[RSP].plus(pops, self.ground.is_64);
                    // A probe of Microsoft's runtime for x86 has made room for as many bytes as it was asked for.
                    let size = size_of(self.ground.is_64);
                    let room = back.low(size).zip(way.machine.registers[RSP].low(size)).map(|(a, b)| a.wrapping_sub(b));
                    if room.is_none_or(|room| room == 0 || before[0].low(4) != Some(room)) {
                        way.machine.registers[RSP] = back;
                    }
                }
                Next::Leave
            }
            FlowControl::Call | FlowControl::IndirectCall => self.call(way, instruction),
            _ => Next::Lost,
        }
    }

    /// The goal of this frame can be reached from here.
    fn leads(&self, code: &Code, at: u64) -> bool {
        code.leads_on(at, at.wrapping_sub(self.program.image.base) as u32)
    }
}

/// Addresses between which the slots of imports are.
fn slots_of(program: &Program<'_>) -> Range<u64> {
    let slots = || program.linkage.slots.keys().map(|rva| program.image.base.wrapping_add(u64::from(*rva)));
    slots().min().zip(slots().max()).map_or(0..0, |(first, last)| first..last.saturating_add(1))
}

/// Addresses that the image does not take: for the stack of a run, and for what it allocates.
fn free_zone(program: &Program<'_>) -> u64 {
    let span = program.image.span(|_| true);
    let (from, to) = (
        program.image.base.saturating_add(u64::from(span.start)),
        program.image.base.saturating_add(u64::from(span.end)),
    );
    let size = ZONE;
    [0x2000_0000u64, 0x5000_0000, 0x9000_0000]
        .into_iter()
        .find(|zone| to <= *zone || from >= zone + size)
        .unwrap_or(0x2000_0000)
}
