//! Who calls methods that only tables of virtual functions point to.
//!
//! A table is one of virtual functions where everything that refers to it puts it into an object. Its methods are called
//! through objects, at their place in the table: by any function that calls something there, whatever the class. That is
//! more than call them in truth, so what holds for all of these holds for the method.

use super::code::body::Body;
use super::operands::addresses;
use super::program::Program;
use super::reach;
use super::{Map, Set, surface};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;

/// Most functions that are looked through for calls of methods.
const MAX_FUNCTIONS: usize = 4_000;
/// Most blocks that are walked back to where a register was set.
const MAX_BLOCKS: usize = 8;
/// With this a program hands its objects to others, which call their methods (combaseapi.h).
const HANDS_OUT: &str = "CoRegisterClassObject";

/// Registers that calls do not preserve (x64; x86 has the first three).
const VOLATILE: [Register; 7] =
    [Register::RAX, Register::RCX, Register::RDX, Register::R8, Register::R9, Register::R10, Register::R11];

/// See the module.
#[derive(Default)]
pub(crate) struct Methods {
    /// Functions that constant data points to.
    tabled: Set<u32>,
    calls: OnceCell<Option<Calls>>,
    known: RefCell<Map<u32, Option<BTreeSet<u32>>>>,
}

/// Functions by what they call through objects.
#[derive(Default)]
struct Calls {
    /// By the place in the table.
    at: Map<u32, BTreeSet<u32>>,
    /// Through a place that is not known.
    anywhere: BTreeSet<u32>,
}

/// What an instruction calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    /// What a variable, a table or a parameter holds.
    Pointer,
    /// What stands behind something, at this distance.
    Behind(i64),
    /// Anything.
    Anything,
}

impl Methods {
    pub(crate) fn of(program: &Program<'_>) -> Self {
        Methods { tabled: reach::tabled(program), ..Methods::default() }
    }

    /// Constant data points to the function.
    pub(crate) fn has(&self, function: u32) -> bool {
        self.tabled.contains(&function)
    }

    /// The functions that may call a method; `None`: others may, too.
    pub(crate) fn callers(&self, program: &Program<'_>, method: u32) -> Option<BTreeSet<u32>> {
        if let Some(known) = self.known.borrow().get(&method) {
            return known.clone();
        }
        let callers = self.find(program, method);
        self.known.borrow_mut().insert(method, callers.clone());
        callers
    }

    fn find(&self, program: &Program<'_>, method: u32) -> Option<BTreeSet<u32>> {
        let hands_out = || program.linkage.imports.iter().any(|import| surface::name_of(import) == Some(HANDS_OUT));
        if program.image.is_dll || hands_out() {
            return None;
        }
        let places = program.places_of(method)?;
        let calls = self.calls.get_or_init(|| Calls::of(program)).as_ref()?;
        let mut callers = BTreeSet::new();
        for (table, distance) in places {
            if !program.is_of_class(table) {
                return None;
            }
            callers.extend(calls.at.get(&distance).into_iter().flatten());
        }
        // Nothing is known of how it is called.
        if callers.is_empty() {
            return None;
        }
        callers.extend(&calls.anywhere);
        Some(callers)
    }
}

impl Calls {
    /// `None`: there are too many.
    fn of(program: &Program<'_>) -> Option<Self> {
        let image = &program.image;
        let mut functions = BTreeSet::new();
        for section in image.sections.iter().filter(|section| section.is_code()) {
            let code = image.section_bytes(section);
            // call r/m: FF /2; jmp r/m: FF /4.
            let indirect = |i: &usize| code.get(i + 1).is_some_and(|operand| matches!(operand >> 3 & 7, 2 | 4));
            for i in memchr::memchr_iter(0xff, code).filter(indirect) {
                functions.extend(program.functions.function_of(section.rva.wrapping_add(i as u32)));
                if functions.len() > MAX_FUNCTIONS {
                    return None;
                }
            }
        }
        let mut calls = Calls::default();
        for function in functions {
            // To look a body through costs about what it costs to execute it once.
            let body = program.body(function);
            program.spend(body.instructions.len() as u64);
            if program.is_out_of_budget() {
                return None;
            }
            for (number, block) in body.blocks.iter().enumerate() {
                for at in block.instructions.clone() {
                    match called(&body, number, at) {
                        Some(Called::Behind(distance)) => {
                            let place = u32::try_from(distance).unwrap_or(u32::MAX);
                            calls.at.entry(place).or_default().insert(function);
                        }
                        Some(Called::Anything) => {
                            calls.anywhere.insert(function);
                        }
                        Some(Called::Pointer) | None => {}
                    }
                }
            }
        }
        Some(calls)
    }
}

/// What the instruction at a place of a body calls, or jumps to for good; `None`: it does neither through a pointer.
fn called(body: &Body, block: usize, at: usize) -> Option<Called> {
    let instruction = body.instructions.get(at)?;
    let jumps = match instruction.flow_control() {
        FlowControl::IndirectCall => false,
        FlowControl::IndirectBranch => true,
        _ => return None,
    };
    let mut place = (block, at);
    let mut instruction = instruction;
    let mut operand = 0;
    // Where it comes from, through other registers.
    for _ in 0..MAX_BLOCKS {
        match instruction.op_kind(operand) {
            OpKind::Memory => return Some(behind(body, place, instruction)),
            OpKind::Register => {}
            _ => break,
        }
        place = match source(body, place, instruction.op_register(operand)) {
            Source::At(place) => place,
            Source::Elsewhere => return Some(Called::Pointer),
            Source::Unknown => break,
        };
        (instruction, operand) = (body.instructions.get(place.1)?, 1);
        if instruction.mnemonic() != Mnemonic::Mov {
            break;
        }
    }
    // Tables of jumps are worked with in ways of their own.
    Some(if jumps { Called::Pointer } else { Called::Anything })
}

/// What a memory operand says of a call through it.
fn behind(body: &Body, place: (usize, usize), instruction: &Instruction) -> Called {
    let base = instruction.memory_base();
    let distance = instruction.memory_displacement64() as i64;
    let distance = if base.size() == 8 { distance } else { i64::from(distance as i32) };
    match base {
        Register::None | Register::RIP | Register::EIP | Register::RSP | Register::ESP => Called::Pointer,
        // A variable of the frame.
        Register::RBP | Register::EBP if distance < 0 => Called::Pointer,
        _ if instruction.memory_segment() == Register::FS || instruction.memory_segment() == Register::GS => {
            Called::Pointer
        }
        _ if instruction.memory_index() != Register::None => Called::Anything,
        base => Called::Behind(distance.wrapping_add(added(body, place, base))),
    }
}

/// The numbers that are added to a register before a place, on the way to what a table of functions has there.
fn added(body: &Body, mut place: (usize, usize), register: Register) -> i64 {
    /// Most sums before a call: in a loop there is no first one.
    const MAX_SUMS: usize = 8;
    let mut sum = 0i64;
    for _ in 0..MAX_SUMS {
        let Source::At(before) = source(body, place, register) else { break };
        match body.instructions.get(before.1) {
            Some(add) if add.mnemonic() == Mnemonic::Add && add.op1_kind() != OpKind::Register => {
                if add.op1_kind() == OpKind::Memory {
                    break;
                }
                sum = sum.wrapping_add(add.immediate(1) as i64);
                place = before;
            }
            _ => break,
        }
    }
    sum
}

/// Where a register was set.
enum Source {
    /// By the instruction at this place.
    At((usize, usize)),
    /// By a caller, or by a function that was called.
    Elsewhere,
    Unknown,
}

/// The instruction before a place that set a register, where there is one way to it.
fn source(body: &Body, (mut block, mut at): (usize, usize), register: Register) -> Source {
    let register = register.full_register();
    let mut factory = InstructionInfoFactory::new();
    for _ in 0..MAX_BLOCKS {
        let Some(range) = body.blocks.get(block).map(|block| block.instructions.clone()) else { break };
        for before in (range.start..at.min(range.end)).rev() {
            let Some(instruction) = body.instructions.get(before) else { break };
            let calls = matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
            if calls && VOLATILE.contains(&register) {
                return Source::Elsewhere;
            }
            if sets(&mut factory, instruction, register) {
                return Source::At((block, before));
            }
        }
        let mut ways = body.blocks.iter().enumerate().filter(|(_, other)| other.next.contains(&block));
        match (ways.next(), ways.next()) {
            (None, _) => return Source::Elsewhere,
            (Some((before, way)), None) => (block, at) = (before, way.instructions.end),
            _ => break,
        }
    }
    Source::Unknown
}

fn sets(factory: &mut InstructionInfoFactory, instruction: &Instruction, register: Register) -> bool {
    let used = factory.info(instruction).used_registers();
    used.iter().any(|used| used.register().full_register() == register && used.access() != OpAccess::Read)
}

/// One of two functions is a method that was compiled into the other, in place of a call that may reach it.
pub(crate) fn is_compiled_in(program: &Program<'_>, a: u32, b: u32) -> bool {
    let holds = |function: u32, method: u32| {
        let va = program.image.base + u64::from(method);
        let refers = |instruction: &Instruction| match instruction.mnemonic() {
            Mnemonic::Lea => instruction.is_ip_rel_memory_operand() && instruction.ip_rel_memory_address() == va,
            Mnemonic::Cmp => {
                instruction.op1_kind() == OpKind::Immediate32 && u64::from(instruction.immediate32()) == va
            }
            _ => false,
        };
        let body = program.body(function);
        let mut places = body.instructions.iter().filter(|instruction| refers(instruction));
        places.any(|instruction| is_compared(program, instruction.ip().wrapping_sub(program.image.base) as u32, method))
    };
    a != b && (holds(a, b) || holds(b, a))
}

/// One of two functions makes an object, and names the texts that the other one, a method of the object, finds in it: where both
/// say the same, the method was put in place of its call. A method that names them itself says it a second time.
pub(crate) fn is_given(program: &Program<'_>, a: u32, b: u32, literals: &[u32]) -> bool {
    let names = |function: u32| {
        let body = program.body(function);
        let mut named = body.instructions.iter().flat_map(addresses).filter_map(|va| program.image.rva_of(va));
        named.any(|rva| literals.contains(&rva))
    };
    let makes = |function: u32, method: u32| {
        program.tables_with(method).into_iter().any(|table| program.users_of(table).contains(&function))
    };
    let gives = |function: u32, method: u32| makes(function, method) && names(function) && !names(method);
    a != b && !literals.is_empty() && (gives(a, b) || gives(b, a))
}

/// Up to where the register is set anew, it is compared, and nothing else is done with it. Where the code goes on elsewhere
/// before that, nothing is known of what it is used for there.
fn is_only_compared(
    factory: &mut InstructionInfoFactory,
    register: Register,
    behind: impl Iterator<Item = Instruction>,
) -> bool {
    let mut compared = false;
    for instruction in behind {
        let used = factory.info(&instruction).used_registers();
        let mut uses = used.iter().filter(|used| used.register().full_register() == register).peekable();
        if uses.peek().is_some() {
            let reads = uses.any(|used| !matches!(used.access(), OpAccess::Write | OpAccess::CondWrite));
            match instruction.mnemonic() {
                Mnemonic::Cmp if reads => compared = true,
                _ if reads => return false,
                // Set anew.
                _ => return compared,
            }
        }
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::ConditionalBranch => {}
            // A call leaves nothing in the registers that are for that.
            FlowControl::Call | FlowControl::IndirectCall if VOLATILE.contains(&register) => return compared,
            FlowControl::Call | FlowControl::IndirectCall => {}
            _ => return compared,
        }
    }
    compared
}

/// The same, as far as the instructions say that follow, wherever the function begins: nothing is compared that this denies.
fn seems_compared(program: &Program<'_>, factory: &mut InstructionInfoFactory, at: u32, method: u64) -> bool {
    /// Furthest that the opcode of a comparison stands before its operand: behind it are ModRM, SIB and a displacement.
    const MAX_BEFORE: u32 = 8;
    /// The same behind its first byte: prefixes stand before it.
    const MAX_PREFIXES: u32 = 4;
    /// Most instructions that are looked at.
    const MAX_BEHIND: usize = 64;
    let image = &program.image;
    if !image.is_64() {
        // cmp: 38 to 3D, and 80 to 83 /7 with a number (Intel's manual, "CMP").
        let around = image.at(at.saturating_sub(MAX_BEFORE));
        let around = around.and_then(|code| code.get(..(MAX_BEFORE + MAX_PREFIXES) as usize));
        return around.is_none_or(|code| code.iter().any(|byte| matches!(byte, 0x38..=0x3d | 0x80..=0x83)));
    }
    let Some(code) = image.at(at) else { return false };
    let mut decoder = Decoder::with_ip(64, code, image.base + u64::from(at), DecoderOptions::NONE);
    let first = decoder.decode();
    if first.mnemonic() != Mnemonic::Lea || first.ip_rel_memory_address() != method {
        return true;
    }
    let mut left = MAX_BEHIND;
    let behind = decoder.iter().take_while(|_| {
        left = left.saturating_sub(1);
        left > 0
    });
    is_only_compared(factory, first.op0_register().full_register(), behind) || left == 0
}

/// What stands at an address of code is only compared there: whether the method of an object is the one that was
/// compiled in place of its call.
pub(crate) fn is_compared(program: &Program<'_>, at: u32, method: u32) -> bool {
    let method = program.image.base + u64::from(method);
    let mut factory = InstructionInfoFactory::new();
    // Most addresses that are taken are not compared, and decoding the function around each would cost more than all else.
    if !seems_compared(program, &mut factory, at, method) {
        return false;
    }
    let Some(function) = program.functions.function_of(at) else { return false };
    let body = program.body(function);
    let rva = |instruction: &Instruction| instruction.ip().wrapping_sub(program.image.base) as u32;
    let place = body.instructions.iter().position(|instruction| {
        let rva = rva(instruction);
        (rva..rva + instruction.len() as u32).contains(&at)
    });
    let Some((first, behind)) = place.and_then(|place| body.instructions.get(place..)?.split_first()) else {
        return false;
    };
    match first.mnemonic() {
        Mnemonic::Cmp => true,
        Mnemonic::Lea if first.ip_rel_memory_address() == method => {
            is_only_compared(&mut factory, first.op0_register().full_register(), behind.iter().copied())
        }
        _ => false,
    }
}
