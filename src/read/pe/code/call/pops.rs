//! What a callee of which nothing is known pops, told from what its caller does next (x86).

use super::super::analysis::Engine;
use super::is_stack;
use crate::catalog::native;
use iced_x86::{Instruction, Mnemonic, OpKind};

impl Engine<'_, '_> {
    /// A caller that cleans up says so in its next instruction; otherwise everything pushed was an argument.
    pub(super) fn guess_pops(&self, module: &str, next: Option<&Instruction>) -> u32 {
        let cleans = next.is_some_and(|n| {
            matches!(n.mnemonic(), Mnemonic::Add | Mnemonic::Lea) && is_stack(n.op0_register())
                || n.mnemonic() == Mnemonic::Pop
        });
        if native::is_crt(module) || cleans {
            return 0;
        }
        // A caller that reserves its arguments once takes back what the callee popped.
        match next {
            Some(n)
                if n.mnemonic() == Mnemonic::Sub && is_stack(n.op0_register()) && n.op1_kind() != OpKind::Register =>
            {
                n.immediate(1) as u32
            }
            _ => self.pushed * 4,
        }
    }
}
