//! What a function leaves to its caller without being analysed: which registers a short one without calls does not change
//! (GCC knows that of functions of the same file, and keeps in them what the calling convention would not preserve,
//! `-fipa-ra`), and how many bytes of arguments it pops.

use super::functions::Functions;
use super::image::Image;
use iced_x86::{Decoder, DecoderOptions, FlowControl, InstructionInfoFactory, OpAccess, OpKind, Register};

/// Longest such function, in bytes.
const MAX_LENGTH: u32 = 0x200;

/// The registers that the function at `start` may change, by their numbers; `None`: it calls others, or cannot be read.
pub(crate) fn changed(image: &Image<'_>, functions: &Functions, start: u32) -> Option<u16> {
    let length = functions.end_of(start)?.checked_sub(start).filter(|length| *length <= MAX_LENGTH)?;
    let code = image.section_of(start).filter(|s| s.is_code()).and_then(|_| image.at(start)?.get(..length as usize))?;
    let bits = if image.is_64() { 64 } else { 32 };
    let mut changed = 0;
    let mut factory = InstructionInfoFactory::new();
    for instruction in &mut Decoder::with_ip(bits, code, image.base + u64::from(start), DecoderOptions::NONE) {
        let inside = |target: u64| target.wrapping_sub(image.base + u64::from(start)) < u64::from(length);
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::Return => {}
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
                if inside(instruction.near_branch_target()) => {}
            // By a table of its own: what ends in calling through a register is no function that GCC knows this of.
            FlowControl::IndirectBranch if instruction.op0_register().is_gpr() => {}
            _ => return None,
        }
        for used in factory.info(&instruction).used_registers() {
            let writes =
                !matches!(used.access(), OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess);
            if writes && used.register().is_gpr() {
                changed |= 1u16 << used.register().full_register().number();
            }
        }
    }
    Some(changed)
}

/// How a function of x86 is left, as far as its bytes say without analysing it.
pub(crate) enum Leaves {
    /// It returns and pops so many bytes.
    Popping(u32),
    /// Another function returns for it.
    To(u32),
    /// An import, through this slot, returns for it.
    Through(u32),
}

/// What the first way out of a function is (x86). `is_start` tells functions from labels.
pub(crate) fn first_exit(image: &Image<'_>, start: u32, is_start: impl Fn(u32) -> bool) -> Leaves {
    /// Longest way to it.
    const MAX_INSTRUCTIONS: usize = 4_000;
    let Some(code) = image.at(start) else { return Leaves::Popping(0) };
    let mut decoder = Decoder::with_ip(32, code, u64::from(start), DecoderOptions::NONE);
    for instruction in decoder.iter().take(MAX_INSTRUCTIONS) {
        match instruction.flow_control() {
            FlowControl::Return if instruction.op_count() == 1 => {
                return Leaves::Popping(instruction.immediate(0) as u32);
            }
            FlowControl::Return => break,
            FlowControl::UnconditionalBranch => {
                let target = instruction.near_branch_target() as u32;
                if target != start && is_start(target) {
                    return Leaves::To(target);
                }
            }
            FlowControl::IndirectBranch
                if instruction.op0_kind() == OpKind::Memory
                    && instruction.memory_base() == Register::None
                    && instruction.memory_index() == Register::None =>
            {
                return Leaves::Through(instruction.memory_displacement32().wrapping_sub(image.base as u32));
            }
            _ if instruction.is_invalid() => break,
            _ => {}
        }
    }
    Leaves::Popping(0)
}
