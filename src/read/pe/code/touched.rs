//! Texts that a caller gives, after their address was given to a call that may write there.
//!
//! What a caller gives stands in no buffer of the function, so nothing of it can be overwritten there: it is kept who was
//! given its address, and asked when the text is read. Then the text is what it was only where it cannot be written: in a
//! part of the image that nobody writes to. Of that the caller knows.

use super::analysis::Engine;
use super::cuts::Cut;
use super::state::State;
use super::value::{Kind, Value};
use crate::facts::Text;

/// Most texts of which it is kept who was given their address.
const MAX_TOUCHED: usize = 64;

/// A text whose address was given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touched {
    text: Value,
    by: Toucher,
}

/// Who was given the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toucher {
    /// Something of which nothing is known, or that is known to write.
    Anybody,
    /// A function of the image, as one of its arguments; its summary says some of what it does, if so.
    Function { target: u32, argument: u8, summarised: bool },
}

impl State {
    fn touch(&mut self, touched: Touched) {
        let anybody = Touched { by: Toucher::Anybody, ..touched };
        if self.touched.contains(&touched) || self.touched.contains(&anybody) {
            return;
        }
        if touched == anybody {
            self.touched.retain(|other| other.text != touched.text);
        }
        if self.touched.len() < MAX_TOUCHED {
            self.touched.push(touched);
        }
    }

    /// What was given away on either way; `true`: that is more than before.
    pub(super) fn join_touched(&mut self, other: &State) -> bool {
        let before = self.touched.clone();
        other.touched.iter().for_each(|touched| self.touch(*touched));
        self.touched != before
    }
}

impl Engine<'_, '_> {
    /// Somebody may write to the text at an address that is the caller's.
    pub(super) fn touch(&mut self, text: Value, by: Toucher) {
        let Value::Sym(symbol, _) = text else { return };
        let is_kept = matches!(self.symbols.kind(symbol), Kind::Param(_) | Kind::Load(_));
        if is_kept && self.state.buffer(text).is_none() {
            self.state.touch(Touched { text, by });
        }
    }

    /// Somebody may have written to the text at an address since the function was entered.
    pub(super) fn is_touched(&self, text: Value) -> bool {
        let mut touched = self.state.touched.iter().filter(|touched| touched.text == text);
        touched.any(|touched| match touched.by {
            Toucher::Anybody => true,
            Toucher::Function { target, argument, summarised } => {
                let written = self.asked(target, argument);
                if summarised { written.computed != 0 } else { written.any != 0 }
            }
        })
    }

    /// The text of a caller as it is after that.
    pub(super) fn since_touched(&self, at: Value, text: Text) -> Text {
        if self.is_touched(at) { Cut::Written.of(&text) } else { text }
    }

    /// It points to memory of the image that nobody writes to, whichever of several it is.
    pub(super) fn is_fixed(&self, value: Value) -> bool {
        let image = &self.program.image;
        let section = |va: u64| image.rva_of(va).and_then(|rva| image.section_of(rva));
        let is_fixed = |value: &Value| match value {
            Value::Const(va) => *va == 0 || section(*va).is_some_and(|section| !section.is_writable()),
            _ => false,
        };
        matches!(value, Value::Const(_) | Value::Sym(..)) && self.symbols.alternatives(value).iter().all(is_fixed)
    }
}
