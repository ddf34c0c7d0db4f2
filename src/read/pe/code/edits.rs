//! Stores into texts: characters that are written one by one, at a known place or at any.

use super::analysis::Engine;
use super::cuts::{self, Cut};
use super::meeting::start_of_text;
use super::state::{Buffer, ENDED, GAP};
use super::value::{Kind, Value};
use super::writes::Writing;
use crate::facts::Text;

impl Engine<'_, '_> {
    /// Stores a number or a pointer. A store into the middle of a known string edits that string.
    pub(crate) fn store(&mut self, address: Value, size: u8, value: Value) {
        if size > 2 && self.store_length(address, value) {
            return;
        }
        let how = match value {
            _ if size > 2 => Writing::Field,
            Value::Const(_) => Writing::Text,
            _ => Writing::Something,
        };
        self.note_written(address, how);
        let change = match value {
            _ if size > 2 => Change::Something,
            Value::Const(0) => Change::End,
            _ => Change::Character,
        };
        if let Value::Sym(symbol, offset) = address {
            match (self.symbols.kind(symbol), value) {
                (Kind::LastSeparator(buffer, wide), Value::Const(0)) if offset <= unit(wide) => {
                    let known = self.text_or_unknown(buffer, wide).map(|t| cuts::folder_of(t, offset > 0));
                    return self.state.set_buffer(buffer, Buffer::of(known).so_wide(wide));
                }
                (Kind::Extension(buffer, wide), Value::Const(c)) if offset >= 0 => {
                    if offset == 0 {
                        let known = self.text_or_unknown(buffer, wide).map(cuts::without_extension);
                        self.state.set_buffer(buffer, Buffer::of(known).so_wide(wide));
                    }
                    return self.edit_tail((buffer, wide), offset as usize, size, c, Behind::Dot);
                }
                (Kind::LastSeparator(buffer, wide), Value::Const(c)) if offset >= unit(wide) => {
                    return self.edit_tail((buffer, wide), (offset - unit(wide)) as usize, size, c, Behind::Separator);
                }
                (Kind::End(buffer, wide, site), Value::Const(c)) => {
                    if !self.store_end((buffer, wide, site), offset, size, c) {
                        self.change_inside(address, change);
                    }
                    return;
                }
                (Kind::End(..) | Kind::LastSeparator(..) | Kind::Extension(..), _) => {
                    self.change_inside(address, change)
                }
                (Kind::Inside(_), _) => return self.change_inside(address, change),
                (Kind::Choice(_), _) if offset != 0 => self.change_inside(address, change),
                (Kind::Choice(_), _) if offset == 0 => {
                    for alternative in self.symbols.alternatives(address) {
                        if self.symbols.root(alternative).is_some() {
                            self.change_inside(alternative, change);
                        }
                    }
                }
                _ => {}
            }
        }
        self.edit_inside(address, size, value);
        // The first character of a string: what follows it stays.
        if size > 2 || !self.is_given_characters(address) || self.state.buffer(address).is_none() {
            self.state.store(address, size, value);
        }
    }

    /// Something is written at an unknown place of the string that an address points into: its folder is most likely
    /// what it was.
    pub(super) fn blur(&mut self, address: Value) {
        self.change_inside(address, Change::Something);
    }

    fn change_inside(&mut self, address: Value, change: Change) {
        /// Shortest string of the frame that is worth remembering.
        const MIN_TEXT: usize = 3;
        let Some(root) = self.symbols.root(address) else { return };
        // Written as numbers: a text before them may be shorter than it could be.
        let numbers = match root {
            Value::Stack(_) if self.state.buffer(root).is_none() => start_of_text(&self.state.cells, root),
            root => root,
        };
        let root = match (self.state.containing(root), root) {
            (before, Value::Stack(_))
                if before.is_none_or(|before| before < numbers) && self.texts_of_numbers(numbers) >= MIN_TEXT =>
            {
                numbers
            }
            (Some(at), _) => at,
            // A text that was stored as numbers on the heap.
            (None, Value::Sym(..)) if self.begins_with_number(root) && self.texts_of_numbers(root) >= MIN_TEXT => {
                return self.state.store(root, 1, Value::Unknown);
            }
            // It was cleared.
            (None, Value::Stack(_)) if self.state.cell(root).is_some_and(|c| c.value == Value::Const(0)) => {
                return self.state.store(root, 1, Value::Unknown);
            }
            // What a caller gives, or a call gave.
            (None, Value::Sym(..)) if change != Change::Something && self.text(root, false).is_some() => root,
            _ => return,
        };
        let known = self.text_or_unknown(root, false);
        let wide = self.text_or_unknown(root, true);
        let short = known.as_lit().is_some_and(|text| text.len() <= 1) && wide.as_lit().is_some();
        let changed = |text: &Text| match (change, cuts::folder_of(text, true)) {
            (Change::End, _) => Cut::Anywhere.of(text),
            (_, folder) if folder.is_unknown() => folder,
            (_, folder) => folder.concat(&Text::unknown()),
        };
        let known = if short { wide } else { known };
        if root == numbers {
            self.state.set_buffer(root, Buffer::of(known.clone()).so_wide(short));
        }
        self.state.set_buffer(root, Buffer::of(known.map(changed).guessed(true)).so_wide(short.then_some(true)));
    }

    /// Length of the string whose characters were stored as numbers.
    pub(super) fn texts_of_numbers(&self, at: Value) -> usize {
        let length = |wide| self.text(at, wide).and_then(|known| known.as_lit().map(str::len)).unwrap_or_default();
        length(false).max(length(true))
    }

    /// Bytes stored behind the end of a buffer's string (or behind its last separator).
    pub(super) fn edit_tail(
        &mut self,
        (at, wide): (Value, bool),
        offset: usize,
        size: u8,
        number: u64,
        behind: Behind,
    ) {
        /// Longest tail that is followed.
        const MAX_TAIL: usize = 512;
        let bytes = number.to_le_bytes();
        let Some(bytes) = bytes.get(..usize::from(size.min(8))) else { return };
        if self.state.buffer(at).is_none() {
            let known = self.text_or_unknown(at, wide);
            self.state.set_buffer(at, Buffer::of(known));
        }
        let Some(buffer) = self.state.buffer_mut(at) else { return };
        buffer.wide = Some(wide);
        if behind == Behind::Separator && (buffer.tail.is_empty() || offset == 0 && !buffer.tail.contains(&GAP)) {
            buffer.known = buffer.known.map(|t| cuts::folder_of(t, true));
            buffer.tail.clear();
            buffer.measured = None;
        }
        if offset + bytes.len() > MAX_TAIL {
            return;
        }
        if buffer.tail.len() < offset + bytes.len() {
            let is_first = buffer.tail.is_empty();
            buffer.tail.resize(offset.max(buffer.tail.len()), GAP);
            if let Some(end) = buffer.tail.first_mut().filter(|_| is_first && behind == Behind::End) {
                *end = ENDED;
            }
            buffer.tail.resize(offset + bytes.len(), 0);
        }
        if let Some(place) = buffer.tail.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

/// What bytes are stored behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// The end of a text.
    End,
    /// The place of the dot of an extension.
    Dot,
    /// The last separator of a path.
    Separator,
}

/// What is written at a place that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// A zero: the text ends there.
    End,
    /// Another character.
    Character,
    /// Anything.
    Something,
}

/// Bytes of a character.
fn unit(wide: bool) -> i32 {
    if wide { 2 } else { 1 }
}
