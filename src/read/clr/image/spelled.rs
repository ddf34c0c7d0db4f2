//! What an assembly names without calling it: types that generic code or reflection may make, and names in literals.

use super::{Image, MAX_ROWS};
use crate::read::clr::unit::{TYPE_DEF, TYPE_REF};
use cildec::tables::{MethodSpecRow, TypeSpecRow};

/// Longest literal that may be the name of a type with its assembly, or of a member.
const MAX_NAME: usize = 400;

impl Image<'_> {
    /// Types that a generic instance is made of (ECMA-335 II.23.2.14, II.23.2.15), as tokens. More than these may be given,
    /// never fewer.
    pub(super) fn generic_arguments(&self) -> Vec<u32> {
        let tables = self.metadata.tables();
        let of_types =
            tables.iter::<TypeSpecRow>().take(MAX_ROWS as usize).filter_map(|(_, row)| Some(row.ok()?.signature));
        let of_methods =
            tables.iter::<MethodSpecRow>().take(MAX_ROWS as usize).filter_map(|(_, row)| Some(row.ok()?.instantiation));
        let mut found: Vec<u32> = of_types
            .chain(of_methods)
            .flat_map(|index| named_in(self.metadata.blobs().get(index).unwrap_or(&[])))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Literals that may name a type or a member.
    pub(super) fn named_in_literals(&self) -> Vec<Box<str>> {
        let literals = self.metadata.user_strings().iter().map(|(_, text)| text);
        let short = literals.filter(|text| (1..=MAX_NAME).contains(&text.len_utf16()));
        let is_name = |text: &String| {
            text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.+`, =-".contains(c))
        };
        let mut found: Vec<Box<str>> =
            short.map(|text| text.to_string_lossy()).filter(is_name).map(String::into_boxed_str).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Types that a signature may name: an element of a class or of a value type, and behind it a token (II.23.2.8) that has
/// its table in the last two bits.
fn named_in(signature: &[u8]) -> impl Iterator<Item = u32> {
    const VALUE_TYPE: u8 = 0x11;
    const CLASS: u8 = 0x12;
    let after = |at: usize| {
        let rest = signature.get(at + 1..)?;
        let token = match *rest.first()? {
            byte if byte & 0x80 == 0 => u32::from(byte),
            byte if byte & 0x40 == 0 => u32::from(byte & 0x3f) << 8 | u32::from(*rest.get(1)?),
            byte => {
                let [_, b, c, d] = *rest.first_chunk::<4>()?;
                u32::from_be_bytes([byte & 0x1f, b, c, d])
            }
        };
        match token & 3 {
            0 => Some(TYPE_DEF << 24 | token >> 2),
            1 => Some(TYPE_REF << 24 | token >> 2),
            _ => None,
        }
    };
    let is_named = |at: &usize| matches!(signature.get(*at), Some(&(VALUE_TYPE | CLASS)));
    (0..signature.len()).filter(is_named).filter_map(after)
}
