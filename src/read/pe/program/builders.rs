//! Which functions may build a path, told from their bytes before anything of them is analysed.

use super::super::code::strings::literal;
use super::super::image::u32_at;
use super::super::scan::pointing_from;
use super::Program;
use crate::catalog::native::{Api, Model};

/// Longest function, in bytes, that is looked at for literals before it is analysed.
const MAX_BUILDER: usize = 2_048;
/// Longest function, in bytes, that is believed to do little more than call another.
const MAX_FORWARDER: usize = 128;
/// Longest function, in bytes, that is always looked into.
const MAX_ACCESSOR: usize = 64;

impl Program<'_> {
    /// Looks at the bytes of a short function for the address of a literal with a backslash; of a very short one for
    /// a call that it may only forward.
    pub(super) fn mentions_path(&self, function: u32) -> bool {
        let Some(code) = self.image.section_of(function).filter(|s| s.is_code()).and_then(|_| self.image.at(function))
        else {
            return false;
        };
        let length = self.length_of(function).unwrap_or(MAX_BUILDER);
        if length > MAX_BUILDER {
            return false;
        }
        // Constructors and accessors are shorter than it takes to tell what they do.
        if length <= MAX_ACCESSOR {
            return true;
        }
        let code = code.get(..length.min(code.len())).unwrap_or_default();
        let forwards = |(i, bytes): (usize, &[u8])| {
            let target = || function.wrapping_add(i as u32 + 5).wrapping_add(u32_at(bytes, 1).unwrap_or_default());
            matches!(bytes.first(), Some(0xe8 | 0xe9)) && self.interesting.contains(&target())
        };
        if length <= MAX_FORWARDER && code.windows(5).enumerate().any(forwards) {
            return true;
        }
        let data = self.image.span(|section| !section.is_code());
        pointing_from(&self.image, code, function, data).any(|(_, rva)| {
            self.image.section_of(rva).is_some_and(|s| !s.is_code())
                && [false, true]
                    .iter()
                    .any(|wide| literal(&self.image, rva, *wide).is_some_and(|s| s.len() >= 4 && s.contains('\\')))
        })
    }

    /// The constructor of a class that is derived from a facet of the library, which without optimisation is a function of its
    /// own: it calls that of the library, and has room for little else.
    pub(super) fn makes_facet(&self, function: u32, called: Api) -> bool {
        called.row.model == Some(Model::StringConvert)
            && self.length_of(function).is_some_and(|length| length <= MAX_ACCESSOR)
    }

    /// Bytes from the start of a function to the next one; of the last one of a section its instructions, since other
    /// things may stand behind it there.
    fn length_of(&self, function: u32) -> Option<usize> {
        let end = self.functions.end_of(function)?;
        if self.functions.is_start(end) {
            return Some((end - function) as usize);
        }
        Some(self.body(function).instructions.iter().map(|instruction| instruction.len()).sum())
    }
}
