//! The layout of a PE image: headers, sections, data directories, and bytes by RVA.
//!
//! Only what the reader needs is taken from the headers, field by field with checked access, so that truncated or
//! contradictory headers cost the part they describe. Offsets are those of the PE/COFF specification.

use std::ops::Range;

/// Most sections that are read; the loader of Windows accepts 96.
const MAX_SECTIONS: usize = 96;
/// Longest string that is read from an image, in characters.
pub(crate) const MAX_STRING: usize = 2048;

/// Longest section name.
const MAX_SECTION_NAME: usize = 64;

/// Data directories by index (PE/COFF, "Optional Header Data Directories").
#[derive(Clone, Copy, Debug)]
pub(crate) enum Directory {
    Export = 0,
    Import = 1,
    Resource = 2,
    Exception = 3,
    BaseRelocation = 5,
    Debug = 6,
    DelayImport = 13,
    Clr = 14,
}

/// Machine types that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    X86,
    X64,
    /// Anything else, by its COFF number.
    Other(u16),
}

/// One section header.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) rva: u32,
    /// Bytes in memory.
    pub(crate) size: u32,
    pub(crate) raw: u32,
    pub(crate) raw_size: u32,
    characteristics: u32,
}

impl Section {
    /// Holds code by its flags: `IMAGE_SCN_CNT_CODE` or `IMAGE_SCN_MEM_EXECUTE`.
    pub(crate) fn is_code(&self) -> bool {
        self.characteristics & 0x2000_0020 != 0
    }

    /// `IMAGE_SCN_MEM_WRITE`.
    pub(crate) fn is_writable(&self) -> bool {
        self.characteristics & 0x8000_0000 != 0
    }

    /// `IMAGE_SCN_MEM_DISCARDABLE`: relocations and debug information, of which nothing is used at run time.
    pub(crate) fn is_discardable(&self) -> bool {
        self.characteristics & 0x0200_0000 != 0
    }

    /// The address lies in this section.
    pub(crate) fn contains(&self, rva: u32) -> bool {
        rva >= self.rva && rva - self.rva < self.size.max(self.raw_size)
    }
}

/// A PE image over its file bytes.
pub(crate) struct Image<'a> {
    bytes: &'a [u8],
    pub(crate) machine: Machine,
    /// The optional header is that of PE32+: pointers have 64 bits, whatever the processor.
    is_plus: bool,
    pub(crate) base: u64,
    pub(crate) entry: u32,
    pub(crate) is_dll: bool,
    pub(crate) sections: Vec<Section>,
    directories: Vec<(u32, u32)>,
}

/// Reads a little-endian number; `None` beyond the end.
pub(crate) fn u16_at(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(b.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// See [`u16_at`].
pub(crate) fn u32_at(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(b.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// See [`u16_at`].
pub(crate) fn u64_at(b: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(b.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

impl<'a> Image<'a> {
    /// Reads the headers. `None`: not a PE image at all.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let pe = u32_at(bytes, 0x3c)? as usize;
        if bytes.get(pe..pe.checked_add(4)?)? != b"PE\0\0" {
            return None;
        }
        let coff = pe + 4;
        let machine = match u16_at(bytes, coff)? {
            0x14c => Machine::X86,
            0x8664 => Machine::X64,
            other => Machine::Other(other),
        };
        let count = u16_at(bytes, coff + 2)? as usize;
        let optional_size = u16_at(bytes, coff + 16)? as usize;
        let characteristics = u16_at(bytes, coff + 18)?;
        let optional = coff + 20;
        let plus = u16_at(bytes, optional)? == 0x20b;
        let base = if plus { u64_at(bytes, optional + 24)? } else { u64::from(u32_at(bytes, optional + 28)?) };
        let (number_at, first) = if plus { (optional + 108, optional + 112) } else { (optional + 92, optional + 96) };
        let number = (u32_at(bytes, number_at).unwrap_or(0) as usize).min(16);
        let directories = (0..number)
            .map_while(|i| Some((u32_at(bytes, first + i * 8)?, u32_at(bytes, first + i * 8 + 4)?)))
            .collect();
        let table = optional + optional_size;
        let strings = strings_of(bytes, coff);
        let sections = (0..count.min(MAX_SECTIONS)).map_while(|i| section(bytes, table + i * 40, strings)).collect();
        Some(Image {
            bytes,
            machine,
            is_plus: plus,
            base,
            entry: u32_at(bytes, optional + 16)?,
            is_dll: characteristics & 0x2000 != 0,
            sections,
            directories,
        })
    }

    /// From the first to the last address of some of the sections: what is not in it points into none of them.
    pub(crate) fn span(&self, of: impl Fn(&Section) -> bool) -> Range<u32> {
        let sections = || self.sections.iter().filter(|section| of(section));
        let end = sections().map(|s| s.rva.saturating_add(s.size.max(s.raw_size))).max();
        sections().map(|s| s.rva).min().unwrap_or(0)..end.unwrap_or(0)
    }

    /// The code is x64.
    pub(crate) fn is_64(&self) -> bool {
        self.machine == Machine::X64
    }

    /// Tables hold 64-bit pointers.
    pub(crate) fn has_wide_pointers(&self) -> bool {
        self.is_plus
    }

    /// Bytes of a pointer.
    pub(crate) fn pointer_size(&self) -> u32 {
        if self.has_wide_pointers() { 8 } else { 4 }
    }

    /// RVA and size of a data directory that is present.
    pub(crate) fn directory(&self, which: Directory) -> Option<(u32, u32)> {
        self.directories.get(which as usize).copied().filter(|(rva, _)| *rva != 0)
    }

    /// The section an address lies in. Overlapping sections: the first one wins, as in the mapping order.
    pub(crate) fn section_of(&self, rva: u32) -> Option<&Section> {
        self.sections.iter().find(|s| s.contains(rva))
    }

    /// What is reached by calling an address: where nothing but a jump stands, what that leads to. A linker that links
    /// incrementally puts one before every function (MS documentation: "/INCREMENTAL").
    pub(crate) fn beyond_jumps(&self, rva: u32) -> u32 {
        /// Most jumps in a row.
        const MAX_JUMPS: usize = 4;
        let mut at = rva;
        for _ in 0..MAX_JUMPS {
            let Some((0xe9, distance)) = self.at(at).and_then(|code| Some((*code.first()?, u32_at(code, 1)?))) else {
                return at;
            };
            let next = at.wrapping_add(5).wrapping_add(distance);
            if !self.section_of(next).is_some_and(Section::is_code) {
                return at;
            }
            at = next;
        }
        at
    }

    /// The symbols and their string table (PE/COFF, "COFF Symbol Table").
    pub(crate) fn symbols(&self) -> (&'a [u8], &'a [u8]) {
        let coff = u32_at(self.bytes, 0x3c).map_or(0, |pe| pe as usize + 4);
        let strings = strings_of(self.bytes, coff);
        let start = u32_at(self.bytes, coff + 8).map_or(0, |start| start as usize);
        let symbols = self.bytes.get(start..self.bytes.len() - strings.len()).filter(|_| !strings.is_empty());
        (symbols.unwrap_or_default(), strings)
    }

    /// Name of the section an address lies in.
    pub(crate) fn section_name(&self, rva: u32) -> &str {
        self.section_of(rva).map_or("", |s| s.name.as_str())
    }

    /// File bytes of a section.
    pub(crate) fn section_bytes(&self, section: &Section) -> &'a [u8] {
        let start = (section.raw as usize).min(self.bytes.len());
        let length = section.raw_size.min(section.size.max(1)) as usize;
        let length = if section.size == 0 { section.raw_size as usize } else { length };
        let end = start.saturating_add(length).min(self.bytes.len());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The bytes from an address to the end of its section's file data.
    pub(crate) fn at(&self, rva: u32) -> Option<&'a [u8]> {
        let section = self.section_of(rva)?;
        self.section_bytes(section).get((rva - section.rva) as usize..)
    }

    /// A number at an address.
    pub(crate) fn u32(&self, rva: u32) -> Option<u32> {
        u32_at(self.at(rva)?, 0)
    }

    /// A field of a structure at an address; a structure that runs over the end of the address space has none.
    pub(crate) fn field(&self, rva: u32, offset: u32) -> Option<u32> {
        self.u32(rva.checked_add(offset)?)
    }

    /// A number at an address.
    pub(crate) fn u16(&self, rva: u32) -> Option<u16> {
        u16_at(self.at(rva)?, 0)
    }

    /// A pointer-sized number at an address.
    pub(crate) fn pointer(&self, rva: u32) -> Option<u64> {
        if self.has_wide_pointers() { u64_at(self.at(rva)?, 0) } else { self.u32(rva).map(u64::from) }
    }

    /// An address in the image as RVA; `None` for any other number.
    pub(crate) fn rva_of(&self, va: u64) -> Option<u32> {
        let rva = u32::try_from(va.checked_sub(self.base)?).ok()?;
        self.section_of(rva).map(|_| rva)
    }

    /// Zero-terminated bytes at an address.
    pub(crate) fn c_bytes(&self, rva: u32) -> Option<&'a [u8]> {
        let bytes = self.at(rva)?;
        let end = memchr::memchr(0, bytes.get(..MAX_STRING.min(bytes.len()))?)?;
        bytes.get(..end)
    }

    /// A zero-terminated ASCII name, as import tables hold it.
    pub(crate) fn name(&self, rva: u32) -> Option<&'a str> {
        std::str::from_utf8(self.c_bytes(rva)?).ok()
    }
}

/// The string table, which follows the COFF symbols (18 bytes each). Images of GCC have one.
fn strings_of(bytes: &[u8], coff: usize) -> &[u8] {
    let (Some(symbols), Some(count)) = (u32_at(bytes, coff + 8), u32_at(bytes, coff + 12)) else { return &[] };
    if symbols == 0 {
        return &[];
    }
    let start = (count as usize).checked_mul(18).and_then(|size| size.checked_add(symbols as usize));
    start.and_then(|start| bytes.get(start..)).unwrap_or_default()
}

fn section(bytes: &[u8], at: usize, strings: &[u8]) -> Option<Section> {
    let name = bytes.get(at..at + 8)?;
    let end = name.iter().position(|b| *b == 0).unwrap_or(8);
    let mut name = String::from_utf8_lossy(&name[..end]).into_owned();
    // A name of more than eight characters is in the string table: `/4` (PE/COFF, "Section Table").
    if let Some(long) = name.strip_prefix('/').and_then(|n| strings.get(n.parse::<usize>().ok()?..)) {
        let long = long.get(..MAX_SECTION_NAME.min(long.len())).unwrap_or_default();
        let end = long.iter().position(|b| *b == 0).unwrap_or(0);
        name = String::from_utf8_lossy(&long[..end]).into_owned();
    }
    Some(Section {
        name,
        size: u32_at(bytes, at + 8)?,
        rva: u32_at(bytes, at + 12)?,
        raw_size: u32_at(bytes, at + 16)?,
        raw: u32_at(bytes, at + 20)?,
        characteristics: u32_at(bytes, at + 36)?,
    })
}
