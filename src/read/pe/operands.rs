//! Addresses that the operands of an instruction say.

use iced_x86::{Instruction, OpKind, Register};

/// The address of the memory operand, where no register is added to it.
pub(crate) fn fixed(instruction: &Instruction) -> Option<u64> {
    match instruction.memory_base() {
        _ if instruction.is_ip_rel_memory_operand() => Some(instruction.ip_rel_memory_address()),
        Register::None if instruction.memory_index() == Register::None => Some(instruction.memory_displacement64()),
        _ => None,
    }
}

/// What is added to the registers of the memory operand, with its sign.
pub(crate) fn displacement(instruction: &Instruction, is_64: bool) -> i64 {
    if is_64 {
        instruction.memory_displacement64() as i64
    } else {
        i64::from(instruction.memory_displacement32() as i32)
    }
}

/// What the operands say without a register: addresses of memory, and numbers as wide as one. The memory may be an element
/// of an array that begins there.
pub(crate) fn addresses(instruction: &Instruction) -> impl Iterator<Item = u64> {
    (0..instruction.op_count()).filter_map(|operand| match instruction.op_kind(operand) {
        OpKind::Memory if instruction.is_ip_rel_memory_operand() => Some(instruction.ip_rel_memory_address()),
        OpKind::Memory if instruction.memory_base() == Register::None => Some(instruction.memory_displacement64()),
        OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64 => Some(instruction.immediate(operand)),
        _ => None,
    })
}
