//! Where functions begin and end.
//!
//! On x64 the exception directory says so for every function that has a frame; on x86 functions are discovered as the
//! targets of calls, exports, and prologues behind padding.

use super::addresses::Addresses;
use super::image::{Directory, Image, u32_at};
use super::landing::Pads;
use super::references::References;
use super::{Map, Set};
use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, OpKind};

/// Most entries of the exception directory that are read.
const MAX_ENTRIES: usize = 1 << 20;
/// Longest chain of unwind information that is followed.
const MAX_CHAIN: usize = 32;
/// Furthest a function without unwind information is believed to reach.
const MAX_LENGTH: u32 = 0x10_0000;

/// A function, or a separated fragment of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    start: u32,
    end: u32,
    /// Start of the function that the range belongs to.
    function: u32,
}

/// All known functions of an image, sorted.
pub(crate) struct Functions {
    ranges: Vec<Range>,
    /// Starts found by other means, sorted.
    starts: Vec<u32>,
    /// Where sections of code end, sorted: no function goes further.
    ends: Vec<u32>,
    /// Where handlers of exceptions begin.
    pub(crate) pads: Pads,
}

impl Functions {
    /// Reads the exception directory and adds the starts that were found elsewhere.
    pub(crate) fn new(image: &Image<'_>, mut starts: Vec<u32>) -> Self {
        let mut ranges = if image.is_64() { exception_ranges(image) } else { Vec::new() };
        ranges.sort_unstable();
        ranges.dedup_by_key(|r| r.start);
        let pads = Pads::of(image);
        if !image.is_64() {
            starts.extend(prologues(image));
            starts.extend(&pads.starts);
        }
        starts.sort_unstable();
        starts.dedup();
        let code = image.sections.iter().filter(|s| s.is_code());
        let mut ends: Vec<u32> = code.map(|s| s.rva.saturating_add(s.size)).collect();
        ends.sort_unstable();
        Functions { ranges, starts, ends, pads }
    }

    /// Adds the functions of x86 that others only end in: targets of jumps, given with their places, beyond the bounds
    /// of the function around them.
    pub(crate) fn add_tail_called(&mut self, image: &Image<'_>, jumps: impl Iterator<Item = (u32, u32)>) {
        /// Compilers align functions, and seldom the labels inside them so that something pads them.
        const ALIGNMENT: u32 = 16;
        /// One that is found may lie between another and what that jumps to.
        const MAX_ROUNDS: usize = 8;
        let looks_right = |(target, _): &(u32, u32)| target % ALIGNMENT == 0 && is_padded(image, *target);
        let jumps: Vec<(u32, u32)> = jumps.filter(looks_right).collect();
        for _ in 0..MAX_ROUNDS {
            let crosses = |(target, from): &&(u32, u32)| {
                let number = |rva: u32| self.starts.partition_point(|start| *start <= rva);
                number(*target) != number(*from) && self.starts.binary_search(target).is_err()
            };
            let found: Vec<u32> = jumps.iter().filter(crosses).map(|(target, _)| *target).collect();
            if found.is_empty() {
                break;
            }
            self.starts.extend(found);
            self.starts.sort_unstable();
            self.starts.dedup();
        }
    }

    /// What compilers put aside of a function of x86 belongs to the function that jumps there.
    pub(crate) fn add_fragments(&mut self, image: &Image<'_>) {
        let fragments = std::mem::take(&mut self.pads.fragments);
        let fragment = |rva: u32| {
            let before = fragments.partition_point(|(start, _)| *start <= rva).checked_sub(1)?;
            fragments.get(before).filter(|(_, end)| rva < *end)
        };
        let mut parents: Map<u32, u32> = Map::default();
        for section in image.sections.iter().filter(|s| s.is_code() && !fragments.is_empty()) {
            let code = image.section_bytes(section);
            // jmp rel32 and jcc rel32.
            for i in memchr::memchr2_iter(0xe9, 0x0f, code) {
                let length = match code.get(i..i + 2) {
                    Some([0xe9, _]) => 5,
                    Some([0x0f, condition]) if condition & 0xf0 == 0x80 => 6,
                    _ => continue,
                };
                let Some(distance) = u32_at(code, i + length - 4) else { break };
                let from = section.rva.wrapping_add(i as u32);
                let target = from.wrapping_add(length as u32).wrapping_add(distance);
                let Some((start, _)) = fragment(target).filter(|_| fragment(from).is_none()) else { continue };
                if let Some(parent) = self.function_of(from) {
                    parents.entry(*start).or_insert(parent);
                }
            }
        }
        let known = |(start, end): &(u32, u32)| {
            parents.get(start).map(|function| Range { start: *start, end: *end, function: *function })
        };
        let ranges: Vec<Range> = fragments.iter().filter_map(known).collect();
        self.starts.retain(|start| !fragment(*start).is_some_and(|(start, _)| parents.contains_key(start)));
        self.ranges.extend(ranges);
        self.ranges.sort_unstable();
    }

    fn range_of(&self, rva: u32) -> Option<&Range> {
        let index = self.ranges.partition_point(|r| r.start <= rva).checked_sub(1)?;
        self.ranges.get(index).filter(|r| rva < r.end)
    }

    /// Start of the function an address lies in.
    pub(crate) fn function_of(&self, rva: u32) -> Option<u32> {
        if let Some(range) = self.range_of(rva) {
            return Some(range.function);
        }
        let index = self.starts.partition_point(|s| *s <= rva).checked_sub(1)?;
        let start = *self.starts.get(index)?;
        // A leaf in a gap between known functions must not be taken for code of the function before the gap.
        let crosses =
            self.ranges.partition_point(|r| r.start <= rva) != self.ranges.partition_point(|r| r.start <= start);
        (rva - start < MAX_LENGTH && !crosses).then_some(start)
    }

    /// Is there a function that starts at this very address?
    pub(crate) fn is_start(&self, rva: u32) -> bool {
        match self.ranges.binary_search_by_key(&rva, |r| r.start) {
            Ok(index) => self.ranges.get(index).is_some_and(|r| r.function == rva),
            Err(_) => self.range_of(rva).is_none() && self.starts.binary_search(&rva).is_ok(),
        }
    }

    /// The image describes the frame of a function that starts here (x86).
    pub(crate) fn is_described(&self, rva: u32) -> bool {
        self.pads.starts.binary_search(&rva).is_ok()
    }

    /// Another function, or a part of one, begins here: code of `function` does not run into it.
    pub(crate) fn is_elsewhere(&self, rva: u32, function: u32) -> bool {
        match self.range_of(rva) {
            Some(range) => range.start == rva && range.function != function,
            None => rva != function && self.is_start(rva),
        }
    }

    /// The first address behind this one where a function may start, or its section ends.
    pub(crate) fn next_start(&self, rva: u32) -> u32 {
        let range = self.ranges.get(self.ranges.partition_point(|r| r.start <= rva)).map(|r| r.start);
        let start = self.starts.get(self.starts.partition_point(|start| *start <= rva)).copied();
        let end = self.ends.get(self.ends.partition_point(|end| *end <= rva)).copied();
        range.into_iter().chain(start).chain(end).min().unwrap_or(u32::MAX)
    }

    /// Short jumps to a function from the end of another one: address of the function, and of the jump.
    pub(crate) fn short_jumps(&self, image: &Image<'_>) -> Vec<(u32, u32)> {
        let mut jumps = Vec::new();
        for section in image.sections.iter().filter(|s| s.is_code()) {
            let code = image.section_bytes(section);
            for at in memchr::memchr_iter(0xeb, code) {
                let Some(distance) = code.get(at + 1) else { break };
                let from = section.rva.wrapping_add(at as u32);
                let target = from.wrapping_add(2).wrapping_add_signed(i32::from(*distance as i8));
                if self.is_start(target) && self.function_of(from).is_some_and(|function| function != target) {
                    jumps.push((target, from));
                }
            }
        }
        jumps
    }

    /// End of the range that starts with a function, where it is known.
    pub(crate) fn end_of(&self, start: u32) -> Option<u32> {
        match self.range_of(start) {
            Some(range) => Some(range.end),
            None => Some(self.next_start(start)).filter(|next| *next != u32::MAX),
        }
    }
}

/// RUNTIME_FUNCTION: begin, end, unwind information; chained entries are fragments of their primary function
/// (MS documentation: "x64 exception handling").
fn exception_ranges(image: &Image<'_>) -> Vec<Range> {
    let Some((rva, size)) = image.directory(Directory::Exception) else { return Vec::new() };
    let table = image.at(rva).unwrap_or_default();
    let count = (size as usize / 12).min(MAX_ENTRIES).min(table.len() / 12);
    (0..count)
        .filter_map(|i| {
            let entry = table.get(i * 12..i * 12 + 12)?;
            let (start, end, unwind) = (u32_at(entry, 0)?, u32_at(entry, 4)?, u32_at(entry, 8)?);
            (start < end).then(|| Range { start, end, function: primary(image, start, unwind) })
        })
        .collect()
}

/// Follows UNW_FLAG_CHAININFO to the entry of the whole function.
fn primary(image: &Image<'_>, start: u32, unwind: u32) -> u32 {
    let (mut start, mut unwind) = (start, unwind);
    for _ in 0..MAX_CHAIN {
        let Some(info) = image.at(unwind & !1).filter(|info| info.len() >= 4) else { return start };
        if info[0] >> 3 & 4 == 0 {
            return start;
        }
        // The chained entry follows the unwind codes, whose number is rounded up to an even one.
        let at = 4 + usize::from(info[2]).next_multiple_of(2) * 2;
        let (Some(begin), Some(next)) = (u32_at(info, at), u32_at(info, at + 8)) else { return start };
        (start, unwind) = (begin, next);
    }
    start
}

/// Targets of calls. On x64 these are functions without a frame, which the exception directory leaves out. A byte that
/// looks like a call may be part of another instruction, so a target has to look like a function, or to be called twice.
pub(crate) fn called(image: &Image<'_>, references: &References) -> Vec<u32> {
    let chain = entry_chain(image);
    let is_call = |from: u32| image.at(from).is_some_and(|b| b.first() == Some(&0xe8));
    let calls = references.edges.iter().filter(|(target, from)| is_call(*from) && *target != from.wrapping_add(5));
    let mut targets: Vec<u32> = calls.map(|(target, _)| *target).collect();
    targets.sort_unstable();
    let looks_right = |rva: u32| {
        let saves_frame = || image.at(rva).is_some_and(|b| b.first() == Some(&0x55));
        is_padded(image, rva) || references.thunks.contains_key(&rva) || !image.is_64() && saves_frame()
    };
    let runs = targets.chunk_by(|a, b| a == b);
    let kept = runs.filter(|run| run.first().is_some_and(|rva| looks_right(*rva)) || !image.is_64() && run.len() > 1);
    kept.filter_map(|run| run.first().copied()).chain(chain).collect()
}

/// What the entry point of x86 calls, and what that calls in turn. Here the code is decoded from a place that is known to
/// be code, so each target is a function, wherever it stands: `main` is called once, and may stand behind a jump.
fn entry_chain(image: &Image<'_>) -> Vec<u32> {
    /// Calls from the entry point to the program's main function, and one more.
    const MAX_CALLS: usize = 4;
    /// Most instructions that are decoded.
    const MAX_INSTRUCTIONS: usize = 20_000;
    let mut found = Vec::new();
    if image.is_64() || image.entry == 0 {
        return found;
    }
    let mut left = MAX_INSTRUCTIONS;
    let mut seen = Set::default();
    let mut functions = vec![image.entry];
    for _ in 0..MAX_CALLS {
        let mut called = Vec::new();
        let mut open = std::mem::take(&mut functions);
        while let Some(at) = open.pop() {
            let Some(code) = image.section_of(at).filter(|s| s.is_code()).and_then(|_| image.at(at)) else { continue };
            let mut decoder = Decoder::with_ip(32, code, u64::from(at), DecoderOptions::NONE);
            for instruction in decoder.iter() {
                if instruction.is_invalid() || left == 0 || !seen.insert(instruction.ip() as u32) {
                    break;
                }
                left -= 1;
                let direct = instruction.op0_kind() == OpKind::NearBranch32;
                let target = instruction.near_branch_target() as u32;
                match instruction.flow_control() {
                    FlowControl::Call if direct && target != instruction.next_ip() as u32 => called.push(target),
                    FlowControl::ConditionalBranch => open.push(target),
                    FlowControl::UnconditionalBranch => {
                        open.push(target);
                        break;
                    }
                    FlowControl::Return | FlowControl::IndirectBranch | FlowControl::Exception => break,
                    FlowControl::Interrupt if instruction.code() == Code::Int3 => break,
                    _ => {}
                }
            }
        }
        called.retain(|rva| image.section_of(*rva).is_some_and(|s| s.is_code()));
        found.extend(&called);
        functions = called;
    }
    found
}

/// Functions of x86 that data or an instruction points to: methods in tables of virtual functions, callbacks,
/// initialisers.
pub(crate) fn pointers(image: &Image<'_>, addresses: &Addresses) -> Vec<u32> {
    let mut found = Vec::new();
    if image.is_64() {
        return found;
    }
    let code: Vec<_> = image.sections.iter().filter(|s| s.is_code()).collect();
    let is_function = |rva: u32| code.iter().any(|s| s.contains(rva)) && is_padded(image, rva);
    let address = |word: &[u8]| u32_at(word, 0).map(|va| va.wrapping_sub(image.base as u32));
    let tables = jump_tables(image);
    for section in &image.sections {
        // The list of initialisers stands behind the code; what is aligned there is hardly anything else.
        let aligned = if section.is_code() { 16 } else { 1 };
        let mut in_table = false;
        for (i, word) in image.section_bytes(section).chunks_exact(4).take(MAX_ENTRIES).enumerate() {
            let Some(rva) = address(word) else { continue };
            let at = section.rva.wrapping_add(i as u32 * 4);
            let points = code.iter().any(|s| s.contains(rva)) && addresses.may_be_at(at);
            in_table = points && (in_table || tables.binary_search(&at).is_ok());
            if points && !in_table && rva % aligned == 0 && is_padded(image, rva) {
                found.push(rva);
            }
        }
    }
    for section in &code {
        let bytes = image.section_bytes(section);
        for (i, word) in bytes.windows(4).enumerate() {
            let Some(rva) = address(word) else { continue };
            let fits = |rva: u32| {
                if rva.is_multiple_of(16) { is_function(rva) } else { begins_function(image, rva) }
            };
            if is_immediate(bytes, i) && addresses.may_be_at(section.rva.wrapping_add(i as u32)) && fits(rva) {
                found.push(rva);
            }
        }
    }
    found
}

/// What stands here begins like a function, behind what ends one: compilers that optimise for size align nothing (x86).
fn begins_function(image: &Image<'_>, rva: u32) -> bool {
    /// Characters in a row that make it a text.
    const MIN_TEXT: usize = 6;
    let bytes = |at: u32| image.section_of(at).filter(|s| s.is_code()).and_then(|_| image.at(at));
    let (Some(code), Some(before)) = (bytes(rva), rva.checked_sub(5).and_then(bytes)) else { return false };
    // jmp rel32 to another function.
    let behind_jump = before.first() == Some(&0xe9)
        && u32_at(before, 1).is_some_and(|distance| bytes(rva.wrapping_add(distance)).is_some());
    if !behind_jump && !is_padded(image, rva) || code.iter().take(MIN_TEXT).all(|b| b.is_ascii_graphic() || *b == b' ')
    {
        return false;
    }
    match code {
        // push ebp; mov ebp, esp in both encodings; mov edi, edi; endbr32.
        [0x55, 0x89, 0xe5, ..] | [0x55, 0x8b, 0xec, ..] | [0x8b, 0xff, ..] | [0xf3, 0x0f, 0x1e, 0xfb, ..] => true,
        // sub esp, n; a parameter is loaded from the stack, or extended.
        [0x83 | 0x81, 0xec, ..] | [0x8b, _, 0x24, _, ..] | [0x0f, 0xb6 | 0xb7 | 0xbe | 0xbf, _, 0x24, ..] => true,
        // push of a register that is kept, of a number or an address.
        [0x53 | 0x55..=0x57 | 0x68 | 0x6a, ..] => true,
        // mov eax, n; xor eax, eax; a global variable is loaded.
        [0xb8 | 0xa1, ..] | [0x31 | 0x33, 0xc0, ..] => true,
        _ => false,
    }
}

/// The four bytes at `i` are the operand of `push`, or of `mov` to a register or to memory near one (x86).
fn is_immediate(code: &[u8], i: usize) -> bool {
    let before = |n: usize| i.checked_sub(n).and_then(|at| code.get(at..i)).unwrap_or_default();
    matches!(before(1), [0x68 | 0xb8..=0xbf])
        || matches!(before(2), [0xc7, 0x00..=0x03 | 0x06 | 0x07])
        || matches!(before(3), [0xc7, 0x04, 0x24] | [0xc7, 0x40..=0x43 | 0x45..=0x47, _])
        || matches!(before(4), [0xc7, 0x44, 0x24, _])
        || matches!(before(6), [0xc7, 0x05 | 0x80..=0x83 | 0x85..=0x87, ..])
        || matches!(before(7), [0xc7, 0x84, 0x24, ..])
}

/// Addresses of the tables of `jmp [r*4+table]` and `mov r, [r*4+table]; jmp r` (x86), sorted. What stands in them is
/// part of a function.
fn jump_tables(image: &Image<'_>) -> Vec<u32> {
    let mut tables = Vec::new();
    for section in image.sections.iter().filter(|s| s.is_code()) {
        let code = image.section_bytes(section);
        for at in memchr::memchr2_iter(0xff, 0x8b, code) {
            let Some(window) = code.get(at..at + 9) else { break };
            let direct = window[0] == 0xff && window[1] == 0x24;
            let loaded = window[0] == 0x8b && window[1] & 0xc7 == 0x04 && window[7] == 0xff && window[8] & 0xf8 == 0xe0;
            // Scaled by four, without a base.
            if (direct || loaded) && window[2] & 0xc7 == 0x85 {
                tables.extend(u32_at(window, 3).map(|va| va.wrapping_sub(image.base as u32)));
            }
        }
    }
    tables.sort_unstable();
    tables
}

/// Behind what ends or pads a function.
pub(crate) fn is_padded(image: &Image<'_>, rva: u32) -> bool {
    let before = rva.checked_sub(1).and_then(|rva| image.at(rva)).and_then(|b| b.first());
    // Nothing is before the start of a section.
    matches!(before, None | Some(0xcc | 0x90 | 0xc3 | 0x00))
}

/// The same, where instructions of the same function may stand before: these end in a few zeros as often as not, such as
/// the distance of what `lea` takes the address of.
pub(crate) fn is_apart(image: &Image<'_>, rva: u32) -> bool {
    /// More zeros than one instruction ends in.
    const MIN_ZEROS: u32 = 8;
    let before = |n: u32| rva.checked_sub(n).and_then(|rva| image.at(rva)).and_then(|bytes| bytes.first());
    is_padded(image, rva) && (before(1) != Some(&0) || (2..=MIN_ZEROS).all(|n| matches!(before(n), None | Some(0))))
}

/// `push ebp; mov ebp, esp` in both encodings, behind what ends or pads a function.
fn prologues(image: &Image<'_>) -> Vec<u32> {
    let mut found = Vec::new();
    for section in image.sections.iter().filter(|s| s.is_code()) {
        let code = image.section_bytes(section);
        for pattern in [&[0x55u8, 0x8b, 0xec], &[0x55, 0x89, 0xe5]] {
            for at in memchr::memmem::find_iter(code, pattern) {
                let rva = section.rva.wrapping_add(at as u32);
                if is_padded(image, rva) {
                    found.push(rva);
                }
            }
        }
    }
    found
}
