//! Helpers of runtimes that set up the frame of the function which calls them: probes of the stack, and Microsoft's
//! `__EH_prolog` and `__SEH_prolog` for x86, in their variants. Without them the parameters of such a function are
//! nowhere to be found.

use super::analysis::Engine;
use super::state::RSP;
use super::value::Value;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Register number of the frame pointer.
const RBP: usize = 5;
/// Where the frame pointer is afterwards: below the return address, where `push ebp; mov ebp, esp` leaves it too.
const FRAME: i32 = -4;
/// What lies below it before the locals: the record of the handler, saved registers, and a cookie.
const SAVED: i64 = 0x20;
/// How far into the helper its instructions are looked for, in bytes.
const MAX_LENGTH: usize = 48;
/// How `_chkstk` begins: `push ecx; lea ecx, [esp+4]; sub ecx, eax` or `cmp eax, 4096`.
const PROBES: [&[u8]; 2] = [&[0x51, 0x8d, 0x4c, 0x24, 0x04, 0x2b, 0xc8], &[0x3d, 0x00, 0x10, 0x00, 0x00]];
/// `mov [eax], ebp; mov ebp, eax`: the end of a helper that keeps the address of the frame in eax first.
const THROUGH_EAX: [u8; 4] = [0x89, 0x28, 0x8b, 0xe8];

impl Engine<'_, '_> {
    /// Does what such a helper does; `false` when the function is none.
    pub(super) fn set_up_frame(&mut self, target: u32) -> bool {
        let Value::Stack(depth @ (0 | -4 | -8)) = self.state.registers[RSP] else { return false };
        if self.is_64() || !self.sets_up_frame(target) {
            return false;
        }
        // The size of the locals is pushed before, where the helper makes room for them.
        let size = match depth {
            0 => 0,
            _ => self.load(Value::Stack(FRAME), 4).number().unwrap_or(0) as i64,
        };
        self.state.registers[RBP] = Value::Stack(FRAME);
        self.state.registers[RSP] = Value::Stack(FRAME).plus(-SAVED - size, false);
        self.state.registers[0] = Value::Unknown;
        self.pushed = 0;
        true
    }

    /// `mov eax, N; call probe; sub esp, eax`: the probe touches the pages of a large frame and keeps all registers, the
    /// parameters among them. The one of Microsoft's runtime for x86 moves the stack pointer itself.
    pub(super) fn probe_stack(&mut self, target: u32, next: Option<&Instruction>) -> bool {
        let is_stack = |register: Register| register.full_register() == Register::RSP;
        let makes_room = |next: &Instruction| {
            next.mnemonic() == Mnemonic::Sub && next.op1_kind() == OpKind::Register && is_stack(next.op0_register())
        };
        if next.is_some_and(makes_room) {
            return true;
        }
        let code = self.program.image.at(target).unwrap_or_default();
        let Value::Const(size) = self.state.registers[0] else { return false };
        if self.is_64() || !PROBES.iter().any(|probe| code.starts_with(probe)) {
            return false;
        }
        self.state.registers[RSP] = self.state.registers[RSP].plus(-(size as i64), false);
        true
    }

    pub(crate) fn sets_up_frame(&self, target: u32) -> bool {
        let code = self.program.image.at(target).unwrap_or_default();
        let code = code.get(..MAX_LENGTH.min(code.len())).unwrap_or_default();
        // `mov [esp+n], ebp; lea ebp, [esp+n]`
        let swaps = |w: &[u8]| matches!(w, [0x89, 0x6c, 0x24, a, 0x8d, 0x6c, 0x24, b] if a == b);
        code.windows(8).any(swaps) || code.windows(THROUGH_EAX.len()).any(|w| w == THROUGH_EAX)
    }
}
