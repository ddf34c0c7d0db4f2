//! Tables that a loop walks through, or that an index chooses from: what a row holds.
//!
//! Which row it is is not known, and what stands in one row belongs together. A function that reads from a table is
//! therefore executed once more for each row, as if it were the only one. Where a table ends is nowhere said: it is
//! taken to end at the latest where the code refers to something else, or where a row does not look like one.

use super::super::Map;
use super::analysis::Engine;
use super::report::{Arg, Event, InternalCall, Report};
use super::strings::literal;
use super::value::{Kind, Value};
use iced_x86::{Instruction, Register};
use std::cell::Cell;

/// Most rows of a table.
pub(super) const MAX_ROWS: u8 = 16;
/// Most bytes of a row.
const MAX_STRIDE: i64 = 0x1000;
/// Fewest characters of a text in a row.
const MIN_TEXT: usize = 2;

/// What is known of the tables that a function reads from.
#[derive(Default)]
pub(super) struct Tables {
    /// The row for which the function is executed.
    row: Option<u8>,
    /// How many rows they have.
    rows: Cell<u8>,
    /// How many rows each has at most, by its address and the bytes of a row.
    limits: Map<(u64, u32), u8>,
    /// Of one of them nothing says where it ends.
    unsaid: Cell<bool>,
}

impl Tables {
    /// The same row of each of them, of so many.
    pub(super) fn at(row: Option<u8>, rows: u8) -> Self {
        Tables { row, rows: Cell::new(rows), ..Tables::default() }
    }

    /// How many rows they have, and whether the code says so.
    pub(super) fn rows(&self) -> (u8, bool) {
        (self.rows.get(), !self.unsaid.get())
    }
}

impl Engine<'_, '_> {
    /// The address of a memory operand that is a row of a table: an address in the data, and an index times something.
    pub(super) fn row_operand(&mut self, instruction: &Instruction, displacement: i64) -> Option<Value> {
        let value = |register: Register| (register != Register::None).then(|| self.register(register));
        let (base, index) = (value(instruction.memory_base()), value(instruction.memory_index()));
        let scale = i64::from(instruction.memory_index_scale());
        let number = |value: Option<Value>| value.and_then(Value::number);
        let (start, other, by) = match (base, index) {
            (_, Some(index)) if index.number().is_none() && (base.is_none() || number(base).is_some()) => {
                (number(base).unwrap_or(0), index, scale)
            }
            (Some(base), _) if base.number().is_none() && (index.is_none() || number(index).is_some()) => {
                (number(index).unwrap_or(0).wrapping_mul(scale as u64), base, 1)
            }
            _ => return None,
        };
        self.row(start.wrapping_add(displacement as u64), other, by)
    }

    /// The row of the table at `start` that is `index` times `by` bytes behind it. `None`: there is none.
    pub(super) fn row(&mut self, start: u64, index: Value, by: i64) -> Option<Value> {
        let (number, stride) = match self.symbols.kind_of(index) {
            Some(Kind::Times(of, times)) => (of, i64::from(times).checked_mul(by)?),
            // A length is behind a text, not in a table.
            Some(Kind::Length(..) | Kind::Size(..)) => return None,
            _ => (index, by),
        };
        let word = i64::from(self.program.image.pointer_size());
        if !(word..=MAX_STRIDE).contains(&stride) || !self.symbols.is_data(start) {
            return None;
        }
        let row = self.symbols.of(Kind::Row(start, stride as u32));
        // A mask says how many rows there are.
        let most = match self.symbols.kind_of(number) {
            Some(Kind::Bits(_, mask)) => u8::try_from(mask + 1).unwrap_or(MAX_ROWS),
            _ => MAX_ROWS,
        };
        let limit = self.tables.limits.entry((start, stride as u32)).or_insert(most);
        *limit = most.max(*limit);
        Some(self.this_row(row))
    }

    /// A number times another, which an index is multiplied by on its way to a row.
    pub(super) fn times(&mut self, value: Value, by: i64) -> Value {
        let (of, before) = match self.symbols.kind_of(value) {
            Some(Kind::Times(of, times)) => (of, i64::from(times)),
            _ => (value, 1),
        };
        match before.checked_mul(by).and_then(|times| u32::try_from(times).ok()) {
            Some(times @ 2..=0x1000) => self.symbols.of(Kind::Times(of, times)),
            _ => Value::Unknown,
        }
    }

    /// The sum of two multiples of the same number.
    pub(super) fn sum_of_multiples(&mut self, a: Value, b: Value) -> Option<Value> {
        let parts = |value| match self.symbols.kind_of(value) {
            Some(Kind::Times(of, times)) => (of, i64::from(times)),
            _ => (value, 1),
        };
        let ((of, a), (other, b)) = (parts(a), parts(b));
        if of != other || of == Value::Unknown || a + b < 3 {
            return None;
        }
        Some(self.times(of, a + b)).filter(|value| *value != Value::Unknown)
    }

    /// The address of the row for which the function is executed, where an address is a row of some table.
    pub(super) fn this_row(&self, address: Value) -> Value {
        let (Some(row), Value::Sym(symbol, offset)) = (self.tables.row, address) else { return address };
        let Kind::Row(start, stride) = self.symbols.kind(symbol) else { return address };
        let first = start.wrapping_add_signed(i64::from(offset));
        let limit = self.limit(start, stride).unwrap_or(MAX_ROWS);
        // A field that is no text says nothing of how many rows there are.
        let rows = Some(self.rows_at(first, stride)).filter(|rows| *rows > 0).unwrap_or(self.tables.rows.get());
        let last = rows.min(limit).saturating_sub(1);
        Value::Const(first.wrapping_add(u64::from(row.min(last)) * u64::from(stride)))
    }

    /// A row is read, or the text in it: as many times the function is to be executed.
    pub(super) fn note_rows(&self, address: Value) {
        let Value::Sym(symbol, offset) = address else { return };
        let Kind::Row(start, stride) = self.symbols.kind(symbol) else { return };
        let limit = self.limit(start, stride);
        let rows = self.rows_at(start.wrapping_add_signed(i64::from(offset)), stride).min(limit.unwrap_or(MAX_ROWS));
        self.tables.rows.set(self.tables.rows.get().max(rows));
        if rows > 0 && limit != Some(rows) {
            self.tables.unsaid.set(true);
        }
    }

    /// How many rows the code says that a table has.
    fn limit(&self, start: u64, stride: u32) -> Option<u8> {
        self.tables.limits.get(&(start, stride)).copied().filter(|limit| *limit < MAX_ROWS)
    }

    /// How many rows have a text, or a pointer to one, at the place that the first has at this address.
    fn rows_at(&self, first: u64, stride: u32) -> u8 {
        let program = self.program;
        let image = &program.image;
        let Some(rva) = image.rva_of(first) else { return 0 };
        let end = program.refers_next(rva.saturating_add(stride));
        let text = |rva: u32, wide: bool| {
            let section = image.section_of(rva).filter(|section| !section.is_code());
            section.is_some() && literal(image, rva, wide).is_some_and(|text| text.chars().count() >= MIN_TEXT)
        };
        let pointed = |rva: u32| image.pointer(rva).and_then(|va| image.rva_of(va));
        // The first row says whether texts stand in the table or somewhere else, and how wide they are.
        let points = pointed(rva);
        let wide = !text(points.unwrap_or(rva), false);
        let has_text = |rva: u32| match points {
            Some(_) => pointed(rva).is_some_and(|rva| text(rva, wide)),
            None => text(rva, wide),
        };
        let rows = (0..MAX_ROWS).map(|n| rva.saturating_add(u32::from(n) * stride));
        let mut rows = rows.enumerate().take_while(|(n, at)| (*n == 0 || *at < end) && has_text(*at));
        rows.by_ref().count() as u8
    }
}

/// Puts what a function does with each row in the place of what it does with any. `said`: the code says how many there are.
pub(super) fn put_together(report: &mut Report, rows: Vec<Report>, said: bool) {
    let mut events: Vec<Event> = Vec::new();
    let mut calls: Vec<InternalCall> = Vec::new();
    for row in rows {
        report.capped |= row.capped;
        for event in row.events {
            let same = |other: &Event| other.site == event.site && other.via == event.via && other.args == event.args;
            if !events.iter().any(same) {
                events.push(event);
            }
        }
        for call in row.calls {
            let same = |other: &InternalCall| {
                other.site == call.site && other.target == call.target && other.args == call.args
            };
            if !calls.iter().any(same) {
                calls.push(call);
            }
        }
    }
    // Where the table ends is not known: what differs from row to row is only likely.
    let sites: Vec<u32> = events.iter().map(|event| event.site).collect();
    let several = |site: u32| sites.iter().filter(|other| **other == site).count() > 1;
    let doubt = |arg: &mut Arg| arg.weak |= !said && !arg.texts.is_empty();
    for event in events.iter_mut().filter(|event| several(event.site)) {
        event.args.iter_mut().for_each(doubt);
    }
    let sites: Vec<u32> = calls.iter().map(|call| call.site).collect();
    let several = |site: u32| sites.iter().filter(|other| **other == site).count() > 1;
    for call in calls.iter_mut().filter(|call| several(call.site)) {
        call.args.iter_mut().for_each(|(_, arg)| doubt(arg));
    }
    report.events = events;
    report.calls = calls;
}
