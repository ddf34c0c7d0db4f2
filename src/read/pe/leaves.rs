//! Which registers a short function without calls leaves alone. GCC knows that of functions of the same file, and keeps
//! in them what the calling convention would not preserve (`-fipa-ra`).

use super::functions::Functions;
use super::image::Image;
use iced_x86::{Decoder, DecoderOptions, FlowControl, InstructionInfoFactory, OpAccess};

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
