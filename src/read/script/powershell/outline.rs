//! The statements of a script, told from its characters: where each begins and ends, what it names and what it sets.
//!
//! A statement ends at a `;`, at the brace that closes its block, or with a line that nothing continues
//! (about_Parsing). Two that are taken for one cost time; where quotes, braces or parentheses do not match, there is no
//! outline at all.

use super::interest::Interest;
use super::lexer;
use std::ops::Range;

/// The statement that stands for the whole script.
pub(super) const ROOT: usize = 0;

/// `return` or `exit`
pub(super) const LEAVES: u8 = 1;
/// A change of folder, or of what processes are given.
pub(super) const STEERS: u8 = 2;
/// `param`, `begin`
pub(super) const DECLARES: u8 = 4;
/// `Test-Path`
pub(super) const TESTS: u8 = 8;

/// A statement; the blocks in it are statements of their own.
pub(super) struct Statement {
    /// The statement whose block this is in.
    pub(super) parent: usize,
    /// Where that block begins.
    pub(super) block: usize,
    /// The function that it is in.
    pub(super) home: usize,
    pub(super) range: Range<usize>,
    pub(super) is_function: bool,
    pub(super) traits: u8,
}

impl Statement {
    /// Does it matter because of what it is, when the one around it does?
    pub(super) fn stays(&self) -> bool {
        let leaves = if self.home == ROOT { 0 } else { LEAVES };
        !self.is_function && self.traits & (STEERS | DECLARES | leaves) != 0
    }

    pub(super) fn declares(&self) -> bool {
        self.traits & DECLARES != 0
    }
}

pub(super) struct Outline {
    /// In the order of their beginnings; the first is [`ROOT`].
    pub(super) statements: Vec<Statement>,
    /// Each statement with the number of a function that is defined in it, and not in a block of its own.
    pub(super) functions: Vec<(usize, usize)>,
    /// Each variable that a statement names.
    pub(super) uses: Vec<(usize, usize)>,
    /// Each variable with a statement that sets it.
    pub(super) sets: Vec<(usize, usize)>,
    pub(super) comments: Vec<Range<usize>>,
    /// Numbers of variables are below this.
    pub(super) variables: usize,
    /// From this offset on, the innermost statement is this one.
    pub(super) owners: Vec<(usize, usize)>,
}

impl Outline {
    pub(super) fn of(text: &str, interest: &Interest) -> Option<Self> {
        let script =
            Statement { parent: ROOT, block: 0, home: ROOT, range: 0..text.len(), is_function: false, traits: 0 };
        let found = Outline {
            statements: vec![script],
            functions: Vec::new(),
            uses: Vec::new(),
            sets: Vec::new(),
            comments: Vec::new(),
            variables: 0,
            owners: vec![(0, ROOT)],
        };
        lexer::read(text, interest, found)
    }

    /// The innermost statement at each of these ascending offsets.
    pub(super) fn at(&self, offsets: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
        let mut next = 0;
        offsets.map(move |offset| {
            while self.owners.get(next).is_some_and(|(from, _)| *from <= offset) {
                next += 1;
            }
            self.owners.get(next.wrapping_sub(1)).map_or(ROOT, |(_, statement)| *statement)
        })
    }
}
