//! Where the code, or other data, refers to data: what lies between two such places is one thing.

use super::program::Program;
use super::scan::pointing;
use std::ops::Range;

/// Most places that are kept.
const MAX_PLACES: usize = 1 << 20;

impl Program<'_> {
    /// The first place of the data, from an address on, that something refers to.
    pub(crate) fn refers_next(&self, rva: u32) -> u32 {
        let places = self.referred.get_or_init(|| self.find_referred());
        places.get(places.partition_point(|place| *place < rva)).copied().unwrap_or(u32::MAX)
    }

    fn find_referred(&self) -> Vec<u32> {
        let image = &self.image;
        let data = image.span(|section| !section.is_code());
        let code = image.sections.iter().filter(|section| section.is_code());
        let places = code.flat_map(|section| pointing(image, section, data.clone())).map(|(_, rva)| rva);
        sorted(places.chain(self.pointed().iter().copied()))
    }

    /// The data points somewhere between two places of the data.
    pub(crate) fn is_pointed_to(&self, range: Range<u32>) -> bool {
        let places = self.pointed();
        let first = places.get(places.partition_point(|place| *place < range.start));
        places.len() >= MAX_PLACES || first.is_some_and(|place| *place < range.end)
    }

    /// Places of the data that pointers in the data lead to.
    fn pointed(&self) -> &[u32] {
        self.pointed.get_or_init(|| {
            let image = &self.image;
            let data = image.span(|section| !section.is_code());
            let size = image.pointer_size() as usize;
            let word = |word: &[u8]| word.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
            let tables = image.sections.iter().filter(|section| !section.is_code() && !section.is_discardable());
            let words = tables.flat_map(|section| image.section_bytes(section).chunks_exact(size).map(word));
            let pointed = words.filter_map(|va| u32::try_from(va.checked_sub(image.base)?).ok());
            sorted(pointed.filter(|rva| data.contains(rva)))
        })
    }
}

fn sorted(places: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut places: Vec<u32> = places.take(MAX_PLACES).collect();
    places.sort_unstable();
    places.dedup();
    places
}
