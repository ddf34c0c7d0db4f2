//! Which code refers to imports, found without decoding it.
//!
//! Every four bytes of the code sections are taken for a displacement (x64: relative to the next instruction) or an
//! address (x86). What then points into the import slots is a reference, what follows a `call` or `jmp` opcode and
//! points into code is an edge. A false hit costs the decoding of one function and nothing else.

use super::addresses::Addresses;
use super::image::{Image, u32_at};
use super::imports::Linkage;
use super::scan::pointing;
use super::{Map, Set};

/// Most edges that are kept.
const MAX_EDGES: usize = 1 << 24;

/// References and edges of an image.
#[derive(Default)]
pub(crate) struct References {
    /// Address of the displacement, and import.
    pub(crate) slots: Vec<(u32, usize)>,
    /// Address of a `jmp` through a slot, and import.
    pub(crate) thunks: Map<u32, usize>,
    /// Target and address of a direct `call` or `jmp`.
    pub(crate) edges: Vec<(u32, u32)>,
    /// More edges than are kept.
    pub(crate) capped: bool,
}

impl References {
    /// Scans all code sections.
    pub(crate) fn scan(image: &Image<'_>, linkage: &Linkage<'_>, addresses: &Addresses) -> Self {
        let mut references = References::default();
        let low = linkage.imports.iter().map(|i| i.slot).min().unwrap_or(0);
        let high = linkage.imports.iter().map(|i| i.slot).max().unwrap_or(0);
        let code_end = image.sections.iter().filter(|s| s.is_code()).map(|s| s.rva.saturating_add(s.size)).max();
        let code_end = code_end.unwrap_or(0);
        for section in image.sections.iter().filter(|s| s.is_code()) {
            references.scan_section(image, linkage, section, (low, high), code_end, addresses);
        }
        references.pass_jumps(image);
        references
    }

    fn scan_section(
        &mut self,
        image: &Image<'_>,
        linkage: &Linkage<'_>,
        section: &super::image::Section,
        (low, high): (u32, u32),
        code_end: u32,
        addresses: &Addresses,
    ) {
        let code = image.section_bytes(section);
        for (i, slot) in pointing(image, section, low..high.saturating_add(1)) {
            self.slot_reference(linkage, code, i, section.rva, slot);
        }
        for i in memchr::memchr2_iter(0xe8, 0xe9, code) {
            let Some(distance) = u32_at(code, i + 1) else { break };
            let opcode = section.rva.wrapping_add(i as u32);
            let target = opcode.wrapping_add(5).wrapping_add(distance);
            if target < code_end {
                // What the loader relocates is an operand: neither the opcode of a call, nor that of a move before one.
                let operand = |rva: u32| addresses.cover(rva);
                let moved = || is_displacement(code, i + 1) && !operand(opcode - 2) && !operand(opcode - 1);
                if !operand(opcode) && !moved() {
                    self.edge(target, opcode);
                }
            }
        }
    }

    /// Whoever calls a lone jump calls what it leads to, and the jump itself is no caller.
    fn pass_jumps(&mut self, image: &Image<'_>) {
        let is_call = |from: u32| image.at(from).is_some_and(|code| code.first() == Some(&0xe8));
        let mut passed: Set<u32> = Set::default();
        for (target, from) in &mut self.edges {
            let beyond = image.beyond_jumps(*target);
            let is_import = self.thunks.contains_key(&beyond);
            if beyond != *target && !is_import && is_call(*from) {
                passed.insert(*target);
                *target = beyond;
            }
        }
        if !passed.is_empty() {
            self.edges.retain(|(_, from)| !passed.contains(from));
        }
    }

    fn slot_reference(&mut self, linkage: &Linkage<'_>, code: &[u8], i: usize, rva: u32, slot: u32) {
        let Some(&import) = linkage.slots.get(&slot) else { return };
        let at = rva.wrapping_add(i as u32);
        if i >= 2 && code.get(i - 2..i) == Some(&[0xff, 0x25]) {
            self.thunks.insert(at - 2, import);
            // With a REX prefix, as some linkers write it.
            if i >= 3 && code.get(i - 3) == Some(&0x48) {
                self.thunks.insert(at - 3, import);
            }
        }
        self.slots.push((at, import));
    }

    /// Where a function is called directly, or jumped to. Only of edges in their order, as they are when all were found.
    pub(crate) fn calls_to(&self, function: u32) -> impl Iterator<Item = u32> {
        let first = self.edges.partition_point(|(to, _)| *to < function);
        self.edges.iter().skip(first).take_while(move |(to, _)| *to == function).map(|(_, from)| *from)
    }

    fn edge(&mut self, target: u32, from: u32) {
        if self.edges.len() < MAX_EDGES {
            self.edges.push((target, from));
        } else {
            self.capped = true;
        }
    }
}

/// The byte before `i` is the displacement of an instruction that works on a variable of the frame, as in
/// `mov dword ptr [ebp-18h], 5`, not the opcode of a call: what follows it would be taken for the distance.
fn is_displacement(code: &[u8], i: usize) -> bool {
    let Some([opcode, operand]) = i.checked_sub(3).and_then(|at| code.get(at..at + 2)) else { return false };
    // With a displacement of one byte from ebp. From another register it is as likely the end of a number and
    // `push eax`, as in `push 3; push eax; call`.
    let is_of_frame = operand & 0xc7 == 0x45;
    is_of_frame
        && match (opcode, operand >> 3 & 7) {
            // Moves, comparisons and arithmetic between memory and a register or a number.
            (0x03 | 0x0b | 0x23 | 0x2b | 0x33 | 0x39 | 0x3b | 0x69 | 0x81 | 0x83 | 0x85, _) => true,
            (0x88..=0x8b | 0x8d | 0xf6 | 0xf7, _) | (0xc6 | 0xc7, 0) => true,
            // Increments, decrements, pushes. The others are calls and jumps, and `ff` ends the distance of a call
            // backwards, behind which `push ebp` may follow.
            (0xff, extension) => matches!(extension, 0 | 1 | 6),
            _ => false,
        }
}
