//! The control-flow graph of one function.

use super::super::functions::Functions;
use super::super::image::Image;
use super::super::{Map, Set};
use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use std::collections::hash_map::Entry;

/// Bytes of the longest instruction.
const MAX_INSTRUCTION_LENGTH: u32 = 15;
/// Bytes of the usual instruction.
const USUAL_LENGTH: usize = 4;
/// Most instructions of one function that are decoded.
const MAX_INSTRUCTIONS: usize = 16_000;
/// Most places of one function that are tried as targets of jump tables: an end that is not true may be gigabytes away.
const MAX_ORPHANS: usize = 4_000;

/// A run of instructions with one entry and one exit.
pub(crate) struct Block {
    pub(crate) start: u32,
    pub(crate) instructions: std::ops::Range<usize>,
    /// The blocks that may follow, by their numbers.
    pub(crate) next: Vec<usize>,
    /// The blocks that handle what its last instruction, a call, throws.
    pub(crate) handlers: Vec<usize>,
    /// Ends with a jump whose targets are not known.
    pub(crate) indirect: bool,
    /// It calls something, or may end in a call.
    pub(crate) calls: bool,
}

/// A decoded function.
pub(crate) struct Body {
    pub(crate) start: u32,
    pub(crate) instructions: Vec<Instruction>,
    /// Sorted by their starts.
    pub(crate) blocks: Vec<Block>,
    /// Blocks that only a jump table, if anything, leads to, by their numbers.
    pub(crate) orphans: Vec<usize>,
    /// The function is longer than is read.
    pub(crate) capped: bool,
}

struct Builder<'i, 'a> {
    image: &'i Image<'a>,
    functions: &'i Functions,
    endless: &'i Set<u32>,
    start: u32,
    decoded: Vec<Instruction>,
    /// Address of each, and its place in the list.
    places: Map<u32, usize>,
    /// Starts of blocks.
    leaders: Set<u32>,
    capped: bool,
    indirect: bool,
}

impl Body {
    /// Decodes the function at `start`: everything its jumps reach, and behind a jump table the rest of its range. Behind
    /// a call of what is in `endless`, by slots and thunks, nothing of this way follows.
    pub(crate) fn decode(image: &Image<'_>, functions: &Functions, endless: &Set<u32>, start: u32) -> Self {
        let mut builder = Builder {
            image,
            functions,
            endless,
            start,
            decoded: Vec::new(),
            places: Map::default(),
            leaders: Set::default(),
            capped: false,
            indirect: false,
        };
        let length = functions.end_of(start).map_or(0, |end| end.saturating_sub(start)) as usize;
        builder.places.reserve((length / USUAL_LENGTH).min(MAX_INSTRUCTIONS));
        builder.decoded.reserve((length / USUAL_LENGTH).min(MAX_INSTRUCTIONS));
        builder.explore(start);
        let orphans = if builder.indirect { builder.sweep() } else { Vec::new() };
        builder.finish(orphans)
    }

    /// Number of the block that starts at an address.
    pub(crate) fn block_at(&self, start: u32) -> Option<usize> {
        self.blocks.binary_search_by_key(&start, |block| block.start).ok()
    }

    /// The last instruction of a block.
    pub(crate) fn last(&self, block: &Block) -> Option<&Instruction> {
        block.instructions.end.checked_sub(1).and_then(|i| self.instructions.get(i))
    }
}

impl Builder<'_, '_> {
    fn explore(&mut self, from: u32) {
        let mut work = vec![from];
        while let Some(leader) = work.pop() {
            if !self.leaders.insert(leader) {
                continue;
            }
            let Some(code) = self.image.section_of(leader).filter(|s| s.is_code()).and_then(|_| self.image.at(leader))
            else {
                continue;
            };
            let bits = if self.image.is_64() { 64 } else { 32 };
            let mut decoder = Decoder::with_ip(bits, code, self.image.base + u64::from(leader), DecoderOptions::NONE);
            let mut instruction = Instruction::default();
            let mut next_start = self.functions.next_start(leader);
            while decoder.can_decode() {
                decoder.decode_out(&mut instruction);
                let Some(rva) = self.rva(instruction.ip()) else { break };
                // Behind a call that does not return stands the next function.
                if rva >= next_start {
                    if self.functions.is_elsewhere(rva, self.start) {
                        break;
                    }
                    next_start = self.functions.next_start(rva);
                }
                if instruction.is_invalid() || self.decoded.len() >= MAX_INSTRUCTIONS {
                    self.capped |= !instruction.is_invalid();
                    break;
                }
                let Entry::Vacant(place) = self.places.entry(rva) else { break };
                place.insert(self.decoded.len());
                self.decoded.push(instruction);
                match instruction.flow_control() {
                    FlowControl::Call | FlowControl::IndirectCall => {
                        let returns = !self.never_returns(&instruction);
                        let handlers = self.handlers_of(&instruction);
                        if !handlers.is_empty() {
                            let after = self.rva(instruction.next_ip()).filter(|_| returns);
                            work.extend(after.filter(|after| !self.functions.is_elsewhere(*after, self.start)));
                            work.extend(handlers);
                            break;
                        }
                        if !returns {
                            break;
                        }
                    }
                    FlowControl::Next => {}
                    FlowControl::Interrupt if instruction.code() == Code::Int3 => break,
                    FlowControl::Interrupt => {}
                    FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => {
                        work.extend(self.branch(&instruction));
                        work.extend(self.rva(instruction.next_ip()));
                        break;
                    }
                    FlowControl::UnconditionalBranch => {
                        work.extend(self.branch(&instruction));
                        break;
                    }
                    FlowControl::IndirectBranch => {
                        self.indirect |= !self.is_import_jump(&instruction);
                        break;
                    }
                    FlowControl::Return | FlowControl::Exception => break,
                }
            }
        }
    }

    /// Where what a call throws is handled.
    fn handlers_of(&self, call: &Instruction) -> Vec<u32> {
        let last = self.rva(call.next_ip()).and_then(|after| after.checked_sub(1));
        last.into_iter().flat_map(|last| self.functions.pads.of_call(last)).collect()
    }

    /// A jump through memory at a fixed address is a tail call of an import, not a jump table.
    fn is_import_jump(&self, instruction: &Instruction) -> bool {
        instruction.op0_kind() == OpKind::Memory && instruction.memory_index() == iced_x86::Register::None
    }

    /// A call of an import, directly or through its thunk, that does not come back.
    fn never_returns(&self, instruction: &Instruction) -> bool {
        let called = match instruction.flow_control() {
            FlowControl::Call => instruction.near_branch_target(),
            FlowControl::IndirectCall if instruction.is_ip_rel_memory_operand() => instruction.ip_rel_memory_address(),
            FlowControl::IndirectCall if self.is_import_jump(instruction) => instruction.memory_displacement64(),
            _ => return false,
        };
        self.rva(called).is_some_and(|rva| self.endless.contains(&rva))
    }

    fn rva(&self, ip: u64) -> Option<u32> {
        u32::try_from(ip.checked_sub(self.image.base)?).ok()
    }

    /// Target of a branch inside the function; a jump to another function is a tail call.
    fn branch(&self, instruction: &Instruction) -> Option<u32> {
        let target = self.rva(instruction.near_branch_target())?;
        (target == self.start || !self.functions.is_start(target)).then_some(target)
    }

    /// Decodes the gaps of the function's range, which jump tables lead to.
    fn sweep(&mut self) -> Vec<u32> {
        let Some(end) = self.functions.end_of(self.start) else { return Vec::new() };
        let code = self.image.at(self.start).map_or(0, <[u8]>::len);
        let end = end.min(self.start.saturating_add(u32::try_from(code).unwrap_or(u32::MAX)));
        let mut orphans = Vec::new();
        let mut at = self.start;
        while at < end && !self.capped {
            match self.last_before(at) {
                Some((rva, instruction)) if rva + instruction.len() as u32 > at => {
                    at = rva + instruction.len() as u32;
                }
                _ => {
                    let padding = self.padding_at(at);
                    if padding == 0 {
                        self.capped |= orphans.len() >= MAX_ORPHANS;
                        orphans.push(at);
                        self.explore(at);
                    }
                    // An undecodable byte is data between the cases.
                    if padding > 0 || !self.places.contains_key(&at) {
                        at += padding.max(1);
                    }
                }
            }
        }
        orphans
    }

    /// The last decoded instruction that begins at an address, or so little before it that it may reach it.
    fn last_before(&self, at: u32) -> Option<(u32, &Instruction)> {
        let begin = (0..MAX_INSTRUCTION_LENGTH).map_while(|back| at.checked_sub(back));
        let place = |rva: u32| Some((rva, self.decoded.get(*self.places.get(&rva)?)?));
        begin.into_iter().find_map(place)
    }

    /// Length of the instruction at an address when it only fills a gap; zero for any other.
    fn padding_at(&self, at: u32) -> u32 {
        let Some(code) = self.image.at(at) else { return 0 };
        let bits = if self.image.is_64() { 64 } else { 32 };
        let instruction = Decoder::with_ip(bits, code, self.image.base + u64::from(at), DecoderOptions::NONE).decode();
        let itself = match instruction.mnemonic() {
            Mnemonic::Nop | Mnemonic::Int3 => true,
            Mnemonic::Mov | Mnemonic::Xchg => {
                instruction.op1_kind() == OpKind::Register && instruction.op0_register() == instruction.op1_register()
            }
            // `lea esi, [esi+0]`, in its longer encodings.
            Mnemonic::Lea => {
                instruction.op0_register() == instruction.memory_base()
                    && instruction.memory_index() == Register::None
                    && instruction.memory_displacement64() == 0
            }
            _ => false,
        };
        if itself { instruction.len() as u32 } else { 0 }
    }

    fn finish(mut self, orphans: Vec<u32>) -> Body {
        let mut instructions = std::mem::take(&mut self.decoded);
        // Made of a few sorted runs, which is what a stable sort is quickest with.
        instructions.sort_by_key(Instruction::ip);
        let mut blocks = Vec::new();
        let mut ways: Vec<(usize, u32)> = Vec::new();
        let mut handlers: Vec<(usize, u32)> = Vec::new();
        let mut calls = false;
        let mut first = 0;
        for (i, instruction) in instructions.iter().enumerate() {
            let after = self.rva(instruction.next_ip()).unwrap_or(0);
            let follows = instructions.get(i + 1).is_some_and(|n| n.ip() == instruction.next_ip());
            let flow = instruction.flow_control();
            calls |= matches!(
                flow,
                FlowControl::Call
                    | FlowControl::IndirectCall
                    | FlowControl::UnconditionalBranch
                    | FlowControl::IndirectBranch
            );
            let is_call = matches!(flow, FlowControl::Call | FlowControl::IndirectCall);
            let caught = if is_call { self.handlers_of(instruction) } else { Vec::new() };
            let falls = match flow {
                FlowControl::Next => true,
                FlowControl::Call | FlowControl::IndirectCall => !self.never_returns(instruction),
                FlowControl::Interrupt => instruction.code() != Code::Int3,
                _ => false,
            };
            if falls && follows && caught.is_empty() && !self.leaders.contains(&after) {
                continue;
            }
            handlers.extend(caught.into_iter().map(|handler| (blocks.len(), handler)));
            let to_next = (falls || flow == FlowControl::ConditionalBranch).then_some(after);
            let jumps = matches!(flow, FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch);
            let to_target = jumps.then(|| self.branch(instruction)).flatten();
            ways.extend(to_next.into_iter().chain(to_target).map(|to| (blocks.len(), to)));
            let indirect = flow == FlowControl::IndirectBranch && !self.is_import_jump(instruction);
            if let Some(start) = instructions.get(first).and_then(|f| self.rva(f.ip())) {
                let (next, handlers) = (Vec::new(), Vec::new());
                blocks.push(Block { start, instructions: first..i + 1, next, handlers, indirect, calls });
            }
            calls = false;
            first = i + 1;
        }
        let mut body = Body { start: self.start, instructions, blocks, orphans: Vec::new(), capped: self.capped };
        for (from, to) in ways {
            let to = body.block_at(to);
            body.blocks.get_mut(from).into_iter().for_each(|block| block.next.extend(to));
        }
        for (from, to) in handlers {
            let to = body.block_at(to);
            body.blocks.get_mut(from).into_iter().for_each(|block| block.handlers.extend(to));
        }
        body.orphans = orphans.into_iter().filter_map(|start| body.block_at(start)).collect();
        body
    }
}
