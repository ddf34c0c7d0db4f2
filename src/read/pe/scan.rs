//! Looks through code, without decoding it, for what points somewhere.
//!
//! Every four bytes are taken for a displacement (x64: relative to the next instruction) or an address (x86). All places
//! of the code have to be tried, which costs as much as analysing the few functions that matter; so a block of them is
//! compared at once, in a loop without branches that compilers turn into vector instructions.

use super::image::{Image, Section};
use std::ops::Range;

/// Places that are compared at once.
const PLACES: usize = 32;
/// Bytes that these need: the last has three more behind it.
const BLOCK: usize = PLACES + 3;

/// See [`pointing`].
pub(super) struct Pointing<'a> {
    code: &'a [u8],
    is_relative: bool,
    /// Added to four bytes at the start of the code, it gives the address that they point to.
    origin: u32,
    first: u32,
    length: u32,
    /// Start of the block that is looked at, and of the next one.
    block: usize,
    next: usize,
    /// One bit for each place of the block that points into the range.
    hits: u32,
}

/// The places in a section of code that point into a range of addresses, each with what it points to.
pub(super) fn pointing<'a>(image: &Image<'a>, section: &Section, into: Range<u32>) -> Pointing<'a> {
    pointing_from(image, image.section_bytes(section), section.rva, into)
}

/// The same for code that stands at `rva`.
pub(super) fn pointing_from<'a>(image: &Image<'_>, code: &'a [u8], rva: u32, into: Range<u32>) -> Pointing<'a> {
    let is_relative = image.is_64();
    Pointing {
        code,
        is_relative,
        origin: if is_relative { rva.wrapping_add(4) } else { (image.base as u32).wrapping_neg() },
        first: into.start,
        length: into.end.wrapping_sub(into.start),
        block: 0,
        next: 0,
        hits: 0,
    }
}

/// Sorts pairs of addresses, as one number each: of an image with much code there are hundreds of thousands.
pub(super) fn sort_pairs(pairs: &mut [(u32, u32)]) {
    pairs.sort_unstable_by_key(|(first, second)| u64::from(*first) << 32 | u64::from(*second));
}

impl Pointing<'_> {
    fn origin_at(&self, place: usize) -> u32 {
        if self.is_relative { self.origin.wrapping_add(place as u32) } else { self.origin }
    }

    /// Goes on to the next block with a hit.
    fn advance<const STEP: u32>(&mut self) {
        let mut rest = self.code.get(self.next..).unwrap_or_default();
        let mut offset = self.origin_at(self.next).wrapping_sub(self.first);
        while rest.len() >= 4 && self.hits == 0 {
            self.hits = match rest.first_chunk() {
                Some(block) => look::<STEP>(block, offset, self.length),
                None => {
                    let mut block = [0; BLOCK];
                    block[..rest.len()].copy_from_slice(rest);
                    look::<STEP>(&block, offset, self.length) & !(u32::MAX << (rest.len() - 3))
                }
            };
            offset = offset.wrapping_add(STEP.wrapping_mul(PLACES as u32));
            rest = rest.get(PLACES..).unwrap_or_default();
            self.block = self.next;
            self.next += PLACES;
        }
    }
}

impl Iterator for Pointing<'_> {
    type Item = (usize, u32);

    fn next(&mut self) -> Option<(usize, u32)> {
        if self.hits == 0 {
            if self.is_relative { self.advance::<1>() } else { self.advance::<0>() }
        }
        if self.hits == 0 {
            return None;
        }
        let place = self.block + self.hits.trailing_zeros() as usize;
        self.hits &= self.hits - 1;
        let number = super::image::u32_at(self.code, place)?;
        Some((place, number.wrapping_add(self.origin_at(place))))
    }
}

/// One bit for each place of a block whose four bytes, with `offset` and `STEP` times the place added, are less than
/// `length`.
fn look<const STEP: u32>(block: &[u8; BLOCK], offset: u32, length: u32) -> u32 {
    // Vectors are compared as signed numbers.
    const BIAS: u32 = 1 << 31;
    let (offset, length) = (offset ^ BIAS, (length ^ BIAS) as i32);
    let mut hits = 0;
    for shift in 0..4usize {
        let Some(words) = block.get(shift..shift + PLACES) else { continue };
        for (lane, word) in words.chunks_exact(4).enumerate() {
            let place = (shift + lane * 4) as u32;
            let number = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            let hit = (number.wrapping_add(offset.wrapping_add(STEP * place)) as i32) < length;
            hits |= u32::from(hit) << place;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_compared() {
        let bytes: Vec<u8> = (0..1_000u32).map(|i| ((i * i) >> 3) as u8 & 0x3f).collect();
        for (is_relative, length) in [(true, 0), (true, 70), (false, 3), (false, 94)] {
            let code = &bytes[..length];
            let (origin, first, length) = (0x1004u32, 0x0800_0000u32, 0x1800_0000u32);
            let pointing = Pointing { code, is_relative, origin, first, length, block: 0, next: 0, hits: 0 };
            let slowly = code.windows(4).enumerate().filter_map(|(i, window)| {
                let number = u32::from_le_bytes(window.try_into().ok()?);
                let to = number.wrapping_add(origin).wrapping_add(if is_relative { i as u32 } else { 0 });
                (to.wrapping_sub(first) < length).then_some((i, to))
            });
            assert_eq!(pointing.collect::<Vec<_>>(), slowly.collect::<Vec<_>>());
        }
    }
}
