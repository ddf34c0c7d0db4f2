//! Containers of GCC's library in the memory of a run: what the code of a program calls of the library for its trees, lists
//! and tables with hashed keys (libstdc++'s `bits/stl_tree.h`, `bits/stl_list.h`, `bits/hashtable_policy.h`).
//!
//! The nodes lie in memory that the run knows, and the rest of each container is code of the program. So these functions
//! are done on the nodes themselves; only that trees are balanced, and that tables grow, is left out: neither changes what
//! is found, nor in which order a tree has it.

use super::library::Library;
use super::objects;
use super::texts;
use super::word::{Word, size_of};
use std::cmp::Ordering;

/// Words of a node of a tree: its colour, the node above it, those on both sides.
const PARENT: u64 = 1;
const LEFT: u64 = 2;
const RIGHT: u64 = 3;
/// The colour of the node that stands for the end is red, which tells it from the first.
const BLACK: u64 = 1;
/// Words of a node of a list.
const NEXT: u64 = 0;
const PREVIOUS: u64 = 1;
/// Most nodes that are passed from one to the next.
const MAX_NODES: u64 = 1_000;
/// Longest key that is hashed.
const MAX_KEY: u64 = 0x400;

impl Library<'_, '_, '_> {
    /// What the function returns; `None`: it is none of these, or something that it needs is not known.
    pub(super) fn container(&mut self) -> Option<Word> {
        let name = self.name.strip_prefix("_ZSt").or_else(|| self.name.strip_prefix("_ZNSt8__detail"));
        let Some(name) = name.or_else(|| self.name.strip_prefix("_ZNKSt8__detail")) else { return self.order() };
        match name {
            "29_Rb_tree_insert_and_rebalancebPSt18_Rb_tree_node_baseS0_RS_" => self.insert(),
            "18_Rb_tree_incrementPSt18_Rb_tree_node_base" | "18_Rb_tree_incrementPKSt18_Rb_tree_node_base" => {
                self.walk(RIGHT, LEFT)
            }
            "18_Rb_tree_decrementPSt18_Rb_tree_node_base" | "18_Rb_tree_decrementPKSt18_Rb_tree_node_base" => {
                self.walk(LEFT, RIGHT)
            }
            "15_List_node_base7_M_hookEPS0_" => self.hook(),
            "15_List_node_base9_M_unhookEv" => self.unhook(),
            "11_Hash_bytesPKvyy" | "11_Hash_bytesPKvjj" => Some(self.hash().unwrap_or(Word::UNKNOWN)),
            // A table of one row holds as much as any.
            "20_Prime_rehash_policy14_M_need_rehashEyyy" => {
                // A pair of a truth value and a number, which the caller made room for; on x86 it fits into registers.
                let pair = self.pointer_at(0)?;
                self.set(pair, 0, 0);
                self.set(pair, 1, 0);
                Some(Word::number(pair))
            }
            "20_Prime_rehash_policy14_M_need_rehashEjjj" => Some(Word::number(0)),
            "20_Prime_rehash_policy11_M_next_bktEy" | "20_Prime_rehash_policy11_M_next_bktEj" => Some(Word::number(1)),
            _ => None,
        }
    }

    /// Which of two strings comes first. Nothing is written, also where that is not known.
    fn order(&mut self) -> Option<Word> {
        let rest = self.name.strip_prefix("_ZNKSt7__cxx1112basic_stringI")?;
        let (letter, method) = rest.split_at_checked(1)?;
        let wide = letter == "w";
        let method = method.split_once("EE").map(|(_, method)| method)?;
        let is_object = match method {
            "7compareERKS4_" => true,
            "7compareEPKc" | "7compareEPKw" => false,
            _ => return None,
        };
        let ordered = self.compared(wide, is_object);
        Some(ordered.map_or(Word::UNKNOWN, |order| Word::of(Some(u64::from(order as i32 as u32)), 4)))
    }

    fn compared(&mut self, wide: bool, is_object: bool) -> Option<Ordering> {
        let (object, other) = (self.this()?, self.pointer_at(if self.ground.is_64 { 1 } else { 0 })?);
        let one = objects::units(&self.machine.memory, self.ground, object, wide)?;
        let other = match is_object {
            true => objects::units(&self.machine.memory, self.ground, other, wide)?,
            false => {
                let read = texts::read(self.marks, &self.machine.memory, self.ground.image, other, wide, None)?;
                read.whole.then_some(read.units)?
            }
        };
        let known = one.iter().zip(&other).position(|(a, b)| a != b).map_or(one.len().max(other.len()), |at| at + 1);
        // What a mark stands for is neither equal nor unequal.
        let is_open = |units: &[u32]| texts::has_marks_within(units, known);
        (!is_open(&one) && !is_open(&other)).then(|| one.cmp(&other))
    }

    /// Puts a node into a tree: below another one on one of its sides. The node that stands for the end has the first of all
    /// above it, the smallest on the left and the largest on the right.
    fn insert(&mut self) -> Option<Word> {
        let left = self.argument_at(0)?.low(1)? != 0;
        let (node, above, end) = (self.pointer_at(1)?, self.pointer_at(2)?, self.pointer_at(3)?);
        let (smallest, largest) = (self.field(end, LEFT)?, self.field(end, RIGHT)?);
        for (word, value) in [(0, BLACK), (PARENT, above), (LEFT, 0), (RIGHT, 0)] {
            self.set(node, word, value);
        }
        self.set(above, if left { LEFT } else { RIGHT }, node);
        if above == end {
            [PARENT, LEFT, RIGHT].into_iter().for_each(|word| self.set(end, word, node));
        } else if left && above == smallest {
            self.set(end, LEFT, node);
        } else if !left && above == largest {
            self.set(end, RIGHT, node);
        }
        Some(Word::UNKNOWN)
    }

    /// The next node of a tree: the outermost on the other side of what is below on this side, or else the first above that
    /// has this one below its other side.
    fn walk(&mut self, side: u64, other: u64) -> Option<Word> {
        let mut node = self.pointer_at(0)?;
        let mut left = MAX_NODES;
        let mut below = self.field(node, side)?;
        // From the end the way back leads to the largest.
        let is_end = side == LEFT && self.machine.load(self.ground, self.files, node, 4).low(4)? != BLACK;
        let above = self.field(node, PARENT)?;
        if is_end && self.field(above, PARENT)? == node {
            return Some(Word::number(self.field(node, RIGHT)?));
        }
        if below != 0 {
            while below != 0 {
                left = left.checked_sub(1)?;
                (node, below) = (below, self.field(below, other)?);
            }
            return Some(Word::number(node));
        }
        let mut above = above;
        while node == self.field(above, side)? {
            left = left.checked_sub(1)?;
            (node, above) = (above, self.field(above, PARENT)?);
        }
        // Where the first has nothing on this side the way went past the end.
        let is_past = self.field(node, side)? == above;
        Some(Word::number(if is_past { node } else { above }))
    }

    /// Puts a node into a list, before another one.
    fn hook(&mut self) -> Option<Word> {
        let (node, next) = (self.this()?, self.pointer_at(if self.ground.is_64 { 1 } else { 0 })?);
        let previous = self.field(next, PREVIOUS)?;
        self.set(node, NEXT, next);
        self.set(node, PREVIOUS, previous);
        self.set(previous, NEXT, node);
        self.set(next, PREVIOUS, node);
        Some(Word::UNKNOWN)
    }

    /// Takes a node out of a list.
    fn unhook(&mut self) -> Option<Word> {
        let node = self.this()?;
        let (next, previous) = (self.field(node, NEXT)?, self.field(node, PREVIOUS)?);
        self.set(previous, NEXT, next);
        self.set(next, PREVIOUS, previous);
        Some(Word::UNKNOWN)
    }

    /// A number that is the same for the same bytes: which one it is only decides of the order in a table.
    fn hash(&mut self) -> Option<Word> {
        let from = self.pointer_at(0)?;
        let count = self.argument_at(1)?.low(size_of(self.ground.is_64)).filter(|count| *count <= MAX_KEY)?;
        let mut hash = 0x811c_9dc5u32;
        for at in (from..).take(count as usize) {
            self.spent += 1;
            let byte = self.machine.load(self.ground, self.files, at, 1).low(1)?;
            hash = (hash ^ byte as u32).wrapping_mul(0x0100_0193);
        }
        Some(Word::number(u64::from(hash)))
    }

    /// The object of a method: ECX on x86.
    fn this(&mut self) -> Option<u64> {
        match self.ground.is_64 {
            true => self.pointer_at(0),
            false => self.ground.address(self.machine.registers[1]).filter(|at| *at > 0xffff),
        }
    }

    fn argument_at(&self, n: usize) -> Option<Word> {
        self.arguments.get(n).copied()
    }

    fn pointer_at(&mut self, n: usize) -> Option<u64> {
        let word = self.argument_at(n)?;
        self.ground.address(word).filter(|at| *at > 0xffff)
    }

    /// A word of a node.
    fn field(&mut self, node: u64, words: u64) -> Option<u64> {
        let size = size_of(self.ground.is_64);
        self.spent += 1;
        self.machine.load(self.ground, self.files, node.wrapping_add(words * size as u64), size).low(size)
    }

    fn set(&mut self, node: u64, words: u64, value: u64) {
        let size = size_of(self.ground.is_64);
        self.machine.memory.store(node.wrapping_add(words * size as u64), size, Word::number(value));
    }
}
