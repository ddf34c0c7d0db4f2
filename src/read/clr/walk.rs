//! A fast pass over IL that decodes nothing but tokens: who calls, who stores.
//!
//! Instruction lengths follow from the operand kinds of ECMA-335 Partition VI, Annex C; only the few instructions that
//! carry a method or field token are looked at.

use cildec::{OpCode, OperandKind};
use std::sync::OnceLock;

/// What a token is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Called, or made with `newobj`.
    Call,
    /// Taken as a function: it will be called from somewhere.
    Function,
    /// A field is stored.
    Store,
    /// Asked for what it is, as `typeof` does: a type, a method or a field.
    Token,
}

const VARIABLE: u8 = 0xff;

struct Lengths {
    one: [u8; 256],
    two: [u8; 256],
}

/// Operand lengths by opcode byte; `VARIABLE` is `switch`.
fn lengths() -> &'static Lengths {
    static LENGTHS: OnceLock<Lengths> = OnceLock::new();
    LENGTHS.get_or_init(|| {
        let mut lengths = Lengths { one: [0; 256], two: [0; 256] };
        for byte in 0..=255_u8 {
            lengths.one[usize::from(byte)] = operand_length(&[byte, 0]);
            lengths.two[usize::from(byte)] = operand_length(&[0xfe, byte]);
        }
        lengths
    })
}

fn operand_length(code: &[u8]) -> u8 {
    let Ok((opcode, _)) = OpCode::from_bytes(code) else { return 0 };
    match opcode.info().operand {
        OperandKind::InlineSwitch => VARIABLE,
        kind => kind.fixed_size().unwrap_or(0) as u8,
    }
}

/// Calls `see` with each use of a method or field token.
pub(super) fn tokens(code: &[u8], mut see: impl FnMut(Use, u32)) {
    let lengths = lengths();
    let mut at = 0_usize;
    while let Some(&byte) = code.get(at) {
        let (operand, wide) = match byte {
            0xfe => match code.get(at + 1) {
                Some(&second) => (lengths.two[usize::from(second)], Some(second)),
                None => return,
            },
            _ => (lengths.one[usize::from(byte)], None),
        };
        let start = at + if wide.is_some() { 2 } else { 1 };
        let word = |at: usize| code.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
        match (byte, wide) {
            // call, callvirt, newobj, jmp (III.3.19, III.4.2, III.4.21, III.3.37)
            (0x28 | 0x6f | 0x73 | 0x27, _) => see(Use::Call, word(start)),
            // stfld, stsfld (III.4.28, III.4.30)
            (0x7d | 0x80, _) => see(Use::Store, word(start)),
            // ldftn, ldvirtftn (III.3.41, III.4.18)
            (0xfe, Some(0x06 | 0x07)) => see(Use::Function, word(start)),
            // ldtoken (III.4.17)
            (0xd0, _) => see(Use::Token, word(start)),
            _ => {}
        }
        at = match operand {
            VARIABLE => {
                let targets = word(start) as usize;
                start.saturating_add(4).saturating_add(targets.saturating_mul(4))
            }
            n => start + usize::from(n),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_operands_and_survives_truncation() {
        // ldc.i4 0x0a000128 (holds a call byte), call 0x0a000001, switch(1), ldftn 0x06000002, stfld 0x04000003, call cut off
        let code = [
            0x20, 0x28, 0x01, 0x00, 0x0a, 0x28, 1, 0, 0, 0x0a, 0x45, 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x06, 2, 0, 0, 6,
            0x7d, 3, 0, 0, 4, 0x28, 1,
        ];
        let mut seen = Vec::new();
        tokens(&code, |u, t| seen.push((u, t)));
        assert_eq!(
            seen,
            [(Use::Call, 0x0a00_0001), (Use::Function, 0x0600_0002), (Use::Store, 0x0400_0003), (Use::Call, 0)]
        );
    }
}
