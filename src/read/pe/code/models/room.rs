//! Buffers that are said to be so large: how much of a text they take, and what becomes of more.
//!
//! The functions differ (MS documentation: "snprintf, _snprintf, …", "_snprintf_s, …", "strncpy_s, …"): some end what they
//! cut, some leave it without an end, and the ones that are called safe end the program.

use super::super::analysis::Engine;
use super::super::known::Known;
use crate::catalog::native::{Api, Model};
use crate::facts::{Part, Text};

/// `_TRUNCATE`, as wide as a number of x86.
const TRUNCATE: u32 = u32::MAX;
/// Options of the common functions of the universal runtime (`corecrt_stdio_config.h`):
/// `_CRT_INTERNAL_PRINTF_LEGACY_VSPRINTF_NULL_TERMINATION`.
const LEGACY_END: u64 = 1;

/// What becomes of a text that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// It is cut, and ended.
    Ended,
    /// It is cut, and whatever stands behind it goes on.
    Open,
    /// One of the two: which function it is, or how it is asked, is not known.
    Unsure,
    /// The program ends, or the buffer is emptied; or nothing is known of it.
    Fails,
}

/// How much of a text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Characters that there is room for, with their end.
    most: usize,
    over: Over,
    /// More are not asked for, whatever would fit.
    asked: Option<usize>,
}

impl Room {
    /// The room that a row speaks of; `number`: an argument of the call, where it is known.
    pub(crate) fn of(api: Api, number: impl Fn(u8) -> Option<u64>) -> Option<Room> {
        let row = api.row;
        let narrow = |n: Option<u8>| number(n?).map(|n| n as u32);
        let size = |n: u32| (n != TRUNCATE).then_some(n as usize);
        let most = narrow(row.most);
        if row.room.is_none() {
            return Some(Room { most: size(most?)?, over: Over::Open, asked: None });
        }
        let room = size(narrow(row.room)?)?;
        // How the common functions end what they cut is said by their options.
        let is_common = row.model == Some(Model::FormatCommon) && !row.fails;
        let over = match row.fails && most != Some(TRUNCATE) {
            true => Over::Fails,
            false if is_common => match number(0).map(|options| options & LEGACY_END != 0) {
                Some(true) => Over::Open,
                Some(false) => Over::Ended,
                None => Over::Unsure,
            },
            false => Over::Ended,
        };
        // What is appended is counted without what stands before it. As many as there is room for are no fewer than fit.
        let fewer = |asked: &usize| row.model != Some(Model::Append) && asked.saturating_add(1) < room;
        let asked = most.and_then(size).filter(fewer);
        Some(Room { most: room, over, asked })
    }

    /// The room of a function that is known by what it does alone: what becomes of more than fits is not.
    pub(super) fn unsure(size: u64) -> Option<Room> {
        let size = Some(size as u32).filter(|size| *size != TRUNCATE && *size > 1)?;
        Some(Room { most: size as usize, over: Over::Fails, asked: None })
    }

    /// A text of so many characters fits.
    pub(crate) fn takes(self, length: usize) -> bool {
        length < self.most
    }

    /// What is left of a text.
    pub(crate) fn of_text(self, text: &Text, wide: bool) -> Text {
        let least = least_of(text, wide);
        let cut = |most: usize| match text.as_lit() {
            Some(literal) => Text::lit(literal.chars().take(most).collect::<String>()),
            // How long it is what is not known is not known: neither is what is left of it, nor of what stands behind it.
            None => match text.leading_lit() {
                begin if begin.chars().count() >= most => Text::lit(begin.chars().take(most).collect::<String>()),
                begin => Text::lit(begin).concat(&Text::unknown()),
            },
        };
        let asked = self.asked.unwrap_or(usize::MAX);
        match self.over {
            _ if self.takes(least.min(asked)) => {
                // How long it is where some of it is not known does not show: fewer were asked for than there is room for.
                if asked < least || self.asked.is_some() && text.as_lit().is_none() { cut(asked) } else { text.clone() }
            }
            Over::Fails => Text::unknown(),
            Over::Ended => cut(self.most.saturating_sub(1)),
            Over::Unsure => cut(self.most.saturating_sub(1)).concat(&Text::unknown()),
            Over::Open => cut(self.most).concat(&Text::unknown()),
        }
    }
}

/// Fewest characters of a text of which some is not known, as texts that programs put together are.
pub(super) fn least_of(text: &Text, wide: bool) -> usize {
    /// Fewest of a folder, a value or a name: a drive with a letter behind it.
    const MIN_HOLE: usize = 4;
    let length = |part: &Part| match part {
        Part::Lit(literal) if wide => literal.encode_utf16().count(),
        Part::Lit(literal) => literal.chars().count(),
        Part::Hole(_) => MIN_HOLE,
    };
    text.parts().iter().map(length).sum()
}

impl Known {
    /// What is left of it in a room, where there is one.
    pub(super) fn within(&self, room: Option<Room>, wide: bool) -> Known {
        room.map_or_else(|| self.clone(), |room| self.map(|text| room.of_text(text, wide)))
    }
}

impl Engine<'_, '_> {
    /// No more than fits.
    pub(super) fn cut_to_room(&mut self, api: Api, known: Known) -> Known {
        let row = api.row;
        if row.room.or(row.most).is_none() {
            return known;
        }
        let asked = [Some(0), row.room, row.most].into_iter().flatten();
        let numbers: Vec<(u8, Option<u64>)> = asked.map(|n| (n, self.argument_of(api, n).number())).collect();
        let number = |n: u8| numbers.iter().find(|(of, _)| *of == n).and_then(|(_, number)| *number);
        known.within(Room::of(api, number), api.wide)
    }
}
