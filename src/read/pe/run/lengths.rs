//! What stands for something else in a text decides nothing: neither how long it is, nor which characters it has.

use super::machine::{Ground, Machine};
use super::texts::{self, MAX_LENGTH};
use super::word::Word;

impl Machine {
    /// What an instruction sees at an address: of what stands for something else only that it is there.
    pub(super) fn seen(&self, ground: &Ground<'_, '_>, at: u64, size: usize, word: Word) -> Word {
        match word {
            Word::Bits { bits, known }
                if !self.walks && size <= 2 && texts::is_open(&self.memory, ground.image, at, size) =>
            {
                Word::Part { bits, known }
            }
            word => word,
        }
    }

    /// The difference of two addresses is the length of a text of which some is not known. `between`: the difference.
    pub(super) fn length_between(
        &self,
        ground: &mut Ground<'_, '_>,
        left: Word,
        right: Word,
        between: u64,
    ) -> Option<Word> {
        let (end, start) = (ground.address(left)?, ground.address(right)?);
        let here = end.checked_sub(start).filter(|bytes| (1..=MAX_LENGTH * 2).contains(bytes) && *bytes == between)?;
        if !ground.is_given(start) {
            return None;
        }
        let open = texts::open_bytes(&self.memory, ground.image, start..end);
        (open > 0).then(|| Word::Length { here, least: here.saturating_sub(open) })
    }
}
