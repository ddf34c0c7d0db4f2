//! Where handlers of exceptions begin, and which calls lead there: no instruction does, only tables beside the code.
//!
//! GCC describes the calls of a function in its language-specific data (Itanium C++ ABI: "Exception Handling Tables"),
//! which the unwind information of the function leads to: on x64 it stands behind the handler in the `UNWIND_INFO`, on
//! x86 the description of the frame points to it (`.eh_frame`, DWARF 5: "Call Frame Information"). `__except` of
//! Microsoft's compiler has a table of scopes in the same place (MS documentation: "x64 exception handling").

use super::image::{Directory, Image, u32_at};
use gimli::CallFrameInstruction as I;
use gimli::{BaseAddresses, CieOrFde, EhFrame, LittleEndian, Pointer, UnwindSection};
use std::cmp::Reverse;

/// Most entries of the exception directory, and of frame descriptions, that are read.
const MAX_ENTRIES: usize = 1 << 20;
/// Most calls of one function that are described.
const MAX_SITES: usize = 4_096;
/// Most handlers of an image.
const MAX_PADS: usize = 1 << 18;
/// UNW_FLAG_EHANDLER and UNW_FLAG_UHANDLER.
const HANDLERS: u8 = 1 | 2;
/// UNW_FLAG_CHAININFO
const CHAINED: u8 = 4;
/// DW_EH_PE_omit
const OMIT: u8 = 0xff;

/// Calls between two addresses, and where the handler of what they throw begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pad {
    start: u32,
    end: u32,
    handler: u32,
}

/// All of an image, sorted by where they start; the outer before the inner one.
#[derive(Debug, Default)]
pub(crate) struct Pads {
    pads: Vec<Pad>,
    /// Where parts of functions that stand elsewhere begin and end (x86), sorted.
    pub(crate) fragments: Vec<(u32, u32)>,
    /// Where the other functions begin whose frames are described (x86), sorted.
    pub(crate) starts: Vec<u32>,
}

impl Pads {
    /// Reads the tables of an image.
    pub(crate) fn of(image: &Image<'_>) -> Self {
        let mut found = Pads::default();
        if image.is_64() {
            of_directory(image, &mut found.pads);
        } else {
            of_frames(image, &mut found);
        }
        let is_code = |rva: u32| image.section_of(rva).is_some_and(|section| section.is_code());
        found.fragments.sort_unstable();
        found.starts.retain(|start| is_code(*start));
        found.starts.sort_unstable();
        found.pads.retain(|pad| is_code(pad.handler));
        found.pads.sort_unstable_by_key(|pad| (pad.start, Reverse(pad.end), pad.handler));
        found.pads.truncate(MAX_PADS);
        found
    }

    /// The handlers of what a call throws whose last byte is at this address: an outer one too, which is asked where the
    /// inner one's filter declines.
    pub(crate) fn of_call(&self, last: u32) -> impl Iterator<Item = u32> {
        // Those of GCC do not overlap; a scope may lie in another one, which begins before it.
        let behind = self.pads.partition_point(|pad| pad.start <= last);
        let before = self.pads.get(..behind).unwrap_or_default().iter().rev().take(MAX_NESTING);
        before.filter(move |pad| last < pad.end).map(|pad| pad.handler)
    }
}

/// How many scopes that begin before a call are asked whether it lies in them.
const MAX_NESTING: usize = 8;

/// x64: the data behind the address of the handler in the unwind information.
fn of_directory(image: &Image<'_>, pads: &mut Vec<Pad>) {
    let Some((rva, size)) = image.directory(Directory::Exception) else { return };
    let table = image.at(rva).unwrap_or_default();
    let table = table.get(..table.len().min(size as usize)).unwrap_or_default();
    for entry in table.chunks_exact(12).take(MAX_ENTRIES) {
        let (Some(start), Some(end), Some(unwind)) = (u32_at(entry, 0), u32_at(entry, 4), u32_at(entry, 8)) else {
            continue;
        };
        let Some(info) = image.at(unwind & !1).filter(|info| info.len() >= 4) else { continue };
        let flags = info[0] >> 3;
        if start >= end || flags & HANDLERS == 0 || flags & CHAINED != 0 || pads.len() >= MAX_PADS {
            continue;
        }
        // The number of unwind codes is rounded up to an even one; the handler's address is before its data.
        let behind = 4 + usize::from(info[2]).next_multiple_of(2) * 2 + 4;
        let Some(data) = info.get(behind..) else { continue };
        pads.extend(scopes(image, data, start, end).or_else(|| call_sites(data, start, end)).unwrap_or_default());
    }
}

/// A table of scopes: begin, end, filter or handler, and where it goes on. `None`: it is none.
fn scopes(image: &Image<'_>, data: &[u8], start: u32, end: u32) -> Option<Vec<Pad>> {
    /// EXCEPTION_EXECUTE_HANDLER, in the place of a filter.
    const ALWAYS: u32 = 1;
    let count = u32_at(data, 0).map(|count| count as usize).filter(|count| (1..=MAX_SITES).contains(count))?;
    let records = data.get(4..)?.get(..count.checked_mul(16)?)?;
    let inside = |rva: u32| (start..end).contains(&rva);
    let is_code = |rva: u32| image.section_of(rva).is_some_and(|section| section.is_code());
    let mut pads = Vec::new();
    for record in records.chunks_exact(16) {
        let (from, to, filter, target) =
            (u32_at(record, 0)?, u32_at(record, 4)?, u32_at(record, 8)?, u32_at(record, 12)?);
        // A scope may end where the function does.
        let fits = inside(from) && from <= to && to <= end && (filter == ALWAYS || is_code(filter));
        if !fits || target != 0 && !inside(target) {
            return None;
        }
        // Without a target it is a `__finally`, which is a function of its own.
        if target != 0 {
            pads.push(Pad { start: from, end: to, handler: target });
        }
    }
    Some(pads)
}

/// Language-specific data of GCC: the calls of a function, with the handlers that do more than clean up. `None`: it is none.
fn call_sites(data: &[u8], start: u32, end: u32) -> Option<Vec<Pad>> {
    let mut reader = Reader(data);
    // Handlers count from the start of the function; those elsewhere are not followed.
    if reader.byte()? != OMIT {
        return None;
    }
    let types = reader.byte()?;
    if types != OMIT {
        reader.number()?;
    }
    let encoding = reader.byte()?;
    let length = usize::try_from(reader.number()?).ok()?;
    let mut sites = Reader(reader.0.get(..length)?);
    let mut pads = Vec::new();
    for _ in 0..MAX_SITES {
        if sites.0.is_empty() {
            return Some(pads);
        }
        let (from, bytes, handler) = (sites.encoded(encoding)?, sites.encoded(encoding)?, sites.encoded(encoding)?);
        let action = sites.number()?;
        let from = start.checked_add(from)?;
        let to = from.checked_add(bytes)?;
        if to > end {
            return None;
        }
        // What only cleans up does what happens without an exception too.
        if handler != 0 && action != 0 {
            pads.push(Pad { start: from, end: to, handler: start.checked_add(handler)? });
        }
    }
    None
}

/// x86: the descriptions of frames.
fn of_frames(image: &Image<'_>, found: &mut Pads) {
    // A name of more than eight characters is cut off where there is no table of strings.
    let Some(section) = image.sections.iter().find(|s| s.name.starts_with(".eh_fram")) else { return };
    let base = image.base.wrapping_add(u64::from(section.rva));
    let bases = BaseAddresses::default().set_eh_frame(base);
    let mut frames = EhFrame::new(image.section_bytes(section), LittleEndian);
    frames.set_address_size(image.pointer_size() as u8);
    let mut entries = frames.entries(&bases);
    for _ in 0..MAX_ENTRIES {
        let Ok(Some(entry)) = entries.next() else { return };
        let CieOrFde::Fde(partial) = entry else { continue };
        let Ok(fde) = partial.parse(|frames, bases, offset| frames.cie_from_offset(bases, offset)) else { continue };
        let Some(start) = image.rva_of(fde.initial_address()) else { continue };
        let end = u32::try_from(fde.len()).ok().and_then(|length| start.checked_add(length));
        let Some(end) = end.filter(|end| start < *end) else { continue };
        // A function begins with nothing but the return address on the stack.
        let first = fde.instructions(&frames, &bases).next();
        if matches!(first, Ok(Some(I::DefCfa { .. } | I::DefCfaOffset { .. } | I::Offset { .. }))) {
            found.fragments.push((start, end));
        } else {
            found.starts.push(start);
        }
        let Some(Pointer::Direct(data)) = fde.lsda() else { continue };
        let Some(data) = image.rva_of(data).and_then(|rva| image.at(rva)) else { continue };
        if found.pads.len() < MAX_PADS {
            found.pads.extend(call_sites(data, start, end).unwrap_or_default());
        }
    }
}

/// Reads numbers one behind the other.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of seven bits a byte, the lowest first (LEB128).
    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number as tables of calls hold it.
    fn encoded(&mut self, encoding: u8) -> Option<u32> {
        /// DW_EH_PE_uleb128
        const LEB128: u8 = 0x01;
        /// DW_EH_PE_udata4
        const FOUR_BYTES: u8 = 0x03;
        match encoding {
            LEB128 => u32::try_from(self.number()?).ok(),
            FOUR_BYTES => {
                let number = u32_at(self.0, 0)?;
                self.0 = self.0.get(4..)?;
                Some(number)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two calls: the first only cleans up, the second is caught 0x30 bytes behind the start.
    const TABLE: [u8; 13] = [0xff, 0xff, 0x01, 8, 0x00, 0x10, 0x20, 0, 0x10, 0x08, 0x30, 1, 0xaa];

    #[test]
    fn handlers_of_calls() {
        let pads = call_sites(&TABLE, 0x1000, 0x1040).unwrap_or_default();
        let pads = Pads { pads, ..Pads::default() };
        assert_eq!(pads.pads, [Pad { start: 0x1010, end: 0x1018, handler: 0x1030 }]);
        assert!(pads.of_call(0x1014).eq([0x1030]));
        assert_eq!(pads.of_call(0x1018).count(), 0);
        assert_eq!(pads.of_call(0x100f).count(), 0);
    }

    #[test]
    fn what_is_cut_off_or_of_another_function_is_no_table() {
        for length in 0..12 {
            assert_eq!(call_sites(&TABLE[..length], 0x1000, 0x1040), None, "{length}");
        }
        assert_eq!(call_sites(&TABLE, 0x1000, 0x1017), None, "a call behind the end");
    }

    #[test]
    fn a_scope_may_lie_in_another() {
        let pad = |start, end, handler| Pad { start, end, handler };
        let pads = Pads { pads: vec![pad(0x10, 0x40, 1), pad(0x20, 0x30, 2)], ..Pads::default() };
        assert!(pads.of_call(0x28).eq([2, 1]));
        assert!(pads.of_call(0x34).eq([1]));
        assert!(pads.of_call(0x18).eq([1]));
    }
}
