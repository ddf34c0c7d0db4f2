//! String objects that a function leaves behind: what they hold, and whether it is a constructor of the library that was
//! compiled in.

use super::analysis::Engine;
use super::known::Known;
use super::state::Buffer;
use super::value::{Kind, Value};

/// A function of the image makes a string object of what lies between two addresses: these parameters are the object and
/// the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constructs {
    pub(crate) this: u8,
    pub(crate) from: u8,
    pub(crate) to: u8,
    /// Its characters are UTF-16.
    pub(crate) wide: bool,
    /// Those between the addresses are not.
    pub(crate) widens: bool,
}

impl Engine<'_, '_> {
    /// The function makes a string object of what lies between two of its parameters.
    pub(super) fn constructs(&self) -> Option<Constructs> {
        match (self.creates, self.copies) {
            (Some((this, wide)), Some((from, to))) => Some(Constructs { this, from, to, wide, widens: false }),
            // Made of narrow characters by a facet that is made for it, as the constructors of paths do: the object is passed
            // first.
            _ if self.converts && self.report.summary.makes_object() => {
                Some(Constructs { this: 0, from: 1, to: 2, wide: true, widens: true })
            }
            _ => None,
        }
    }

    /// The text in a buffer; of a string object, that of its characters.
    pub(super) fn text_of_buffer(&self, at: Value, buffer: &Buffer) -> Known {
        let held = if buffer.object { self.held_string(at, buffer.wide == Some(true)) } else { None };
        held.or_else(|| self.text(at, false)).unwrap_or_else(|| buffer.known.clone())
    }

    /// A string object keeps its length beside the pointer.
    pub(super) fn is_counted(&self, object: Value) -> bool {
        let word = if self.is_64() { 8 } else { 4 };
        let kept = self.state.cell(object.plus(word, self.is_64())).map(|cell| cell.value);
        matches!(kept.and_then(|length| self.symbols.kind_of(length)), Some(Kind::Count(_) | Kind::Length(..)))
    }
}
