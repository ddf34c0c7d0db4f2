//! Where addresses may stand in an image of x86, and where a word that looks like one is something else.
//!
//! An image says itself which of its words are addresses, if it may be loaded anywhere (PE/COFF: "The .reloc Section").
//! One that does not has tables of other numbers, the addresses of names relative to the image among them: where the image
//! is larger than its base, these are as large as the addresses of its code.

use super::Set;
use super::image::{Directory, Image, u16_at, u32_at};
use super::imports::Linkage;
use std::ops::Range;

/// Most places of addresses that are read from the relocation table.
const MAX_RELOCATIONS: usize = 1 << 22;
/// What the loader and debuggers read, and the program does not: addresses in them are relative to the image.
const DIRECTORIES: [Directory; 7] = [
    Directory::Export,
    Directory::Import,
    Directory::Resource,
    Directory::Exception,
    Directory::BaseRelocation,
    Directory::Debug,
    Directory::DelayImport,
];

/// See the module.
pub(crate) struct Addresses {
    /// Words that are relocated.
    places: Set<u32>,
    /// Tables without addresses, sorted, those that overlap made one.
    tables: Vec<Range<u32>>,
}

impl Addresses {
    /// Reads the relocation table.
    pub(crate) fn of(image: &Image<'_>, linkage: &Linkage<'_>) -> Self {
        if image.is_64() {
            return Addresses { places: Set::default(), tables: Vec::new() };
        }
        let directories = DIRECTORIES.iter().filter_map(|which| image.directory(*which));
        let directories = directories.map(|(rva, size)| rva..rva.saturating_add(size));
        let mut all: Vec<Range<u32>> = directories.chain(linkage.tables.iter().cloned()).collect();
        all.sort_unstable_by_key(|table| table.start);
        let mut tables: Vec<Range<u32>> = Vec::new();
        for table in all {
            match tables.last_mut() {
                Some(last) if table.start <= last.end => last.end = last.end.max(table.end),
                _ => tables.push(table),
            }
        }
        Addresses { places: places(image), tables }
    }

    /// The byte is part of an address.
    pub(crate) fn cover(&self, rva: u32) -> bool {
        !self.places.is_empty() && (0..4).any(|back| self.places.contains(&rva.wrapping_sub(back)))
    }

    /// The word here may be an address.
    pub(crate) fn may_be_at(&self, rva: u32) -> bool {
        if !self.places.is_empty() {
            return self.places.contains(&rva);
        }
        let before = self.tables.partition_point(|table| table.start <= rva).checked_sub(1);
        !before.and_then(|index| self.tables.get(index)).is_some_and(|table| table.contains(&rva))
    }
}

fn places(image: &Image<'_>) -> Set<u32> {
    /// IMAGE_REL_BASED_HIGHLOW: all 32 bits of an address.
    const HIGHLOW: u16 = 3;
    /// Bytes of the page's address and the block's size.
    const HEADER: usize = 8;
    let mut places = Set::default();
    let mut rest = image.directory(Directory::BaseRelocation).and_then(|(rva, size)| {
        let bytes = image.at(rva)?;
        bytes.get(..bytes.len().min(size as usize))
    });
    while let Some(block) = rest {
        let (Some(page), Some(size)) = (u32_at(block, 0), u32_at(block, 4)) else { break };
        let size = size as usize;
        let Some(entries) = block.get(HEADER..size) else { break };
        for entry in entries.chunks_exact(2).filter_map(|entry| u16_at(entry, 0)) {
            if entry >> 12 == HIGHLOW && places.len() < MAX_RELOCATIONS {
                places.insert(page.wrapping_add(u32::from(entry & 0xfff)));
            }
        }
        rest = block.get(size..);
    }
    places
}
