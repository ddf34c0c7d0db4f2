//! How control goes through a method.

use super::Body;
use cildec::{ExceptionHandler, HandlerKind, Instruction, OpCode};

/// Jumps of a method that are kept.
const MAX_JUMPS: usize = 2048;

/// Notes where the code jumps, and where it does not go on with what follows.
pub(super) fn note(instructions: &[Instruction], handlers: &[ExceptionHandler], body: &mut Body) {
    let catches = handlers.iter().filter(|h| !matches!(h.kind, HandlerKind::Finally));
    body.caught = catches.map(|h| h.handler_offset).collect();
    for i in instructions {
        body.jumps.extend(i.operand.branch_targets().iter().map(|target| (i.offset, *target)));
        // What follows a `finally` is where its protected code leaves to, more often than not.
        let ends = matches!(
            i.opcode.canonical(),
            OpCode::Br | OpCode::Leave | OpCode::Ret | OpCode::Throw | OpCode::Rethrow | OpCode::Jmp
        );
        if ends {
            body.ends.push(i.offset);
            let within = handlers.iter().filter(|h| (h.try_offset..h.try_end()).contains(&i.offset)).take(4);
            body.jumps.extend(within.map(|h| (i.offset, h.handler_offset)));
        }
        if body.jumps.len() > MAX_JUMPS {
            // Anything may follow.
            (body.jumps, body.ends) = (Vec::new(), Vec::new());
            return;
        }
    }
}
