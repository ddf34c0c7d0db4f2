//! What a register or a memory cell may hold, symbolically.

use super::super::{Map, Set};
use super::state::PARAM_ECX;
use std::ops::Range;

/// A value, as far as it is known. Copied freely; everything larger is behind a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Value {
    /// Nothing is known.
    Unknown,
    /// A number, or an address in the image.
    Const(u64),
    /// An address in the frame: offset from the stack pointer at entry.
    Stack(i32),
    /// A symbol plus an offset.
    Sym(Symbol, i32),
}

/// Index of an interned [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(u32);

/// What a symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A parameter of the function.
    Param(u8),
    /// The result of the call at this address.
    Result(u32),
    /// What the call at this address wrote through an argument.
    Out(u32, u8),
    /// What memory at this address held when nothing was known of it.
    Load(Value),
    /// A parameter with these bits set.
    Or(Value, u64),
    /// A number that is made of a parameter and other numbers: two of them need not be equal.
    Made(Value),
    /// The bits of a parameter that a mask leaves: the lowest ones.
    Bits(Value, u64),
    /// So many times a number.
    Times(Value, u32),
    /// A row of the table that begins at this address, of so many bytes.
    Row(u64, u32),
    /// One of a few values.
    Choice([Value; MAX_CHOICES]),
    /// The imported function with this number.
    Import(u32),
    /// A function that the program looked up by name, at this call.
    Looked(u32),
    /// A register of which only the lowest byte was set.
    Low(u8),
    /// A register of which the second byte was set, and perhaps the lowest before.
    Second(Option<u8>, u8),
    /// Length of the string at this address, in characters, as it was when the call at this address measured it;
    /// whether they are wide.
    Length(Value, bool, u32),
    /// The same in bytes, of wide characters.
    Size(Value, u32),
    /// A number of characters: the length of a string, or a place in one. What is compared with it is decided, other than
    /// what is compared with any number.
    Count(u64),
    /// The bytes from one address that a caller gives up to another.
    Between(Value, Value),
    /// The number of characters before this address in its string.
    Index(Value),
    /// Address of the end that the string in this buffer had then, and whether its characters are wide.
    End(Value, bool, u32),
    /// An address somewhere in the memory that begins here, or a little before it. Its offset says nothing.
    Inside(Value),
    /// Address of the last separator of the path in this buffer, and whether its characters are wide.
    LastSeparator(Value, bool),
    /// Address of the dot of the extension of the path in this buffer, and whether its characters are wide.
    Extension(Value, bool),
}

/// Most alternatives that are kept apart: three that are stored, and what was there before.
pub(crate) const MAX_CHOICES: usize = 4;
/// Furthest from each other that addresses of one array in the frame lie.
const MAX_ARRAY: u32 = 0x1000;
/// Most symbols of one function.
const MAX_SYMBOLS: usize = 20_000;

/// The symbols of one function.
#[derive(Default)]
pub(crate) struct Symbols {
    kinds: Vec<Kind>,
    ids: Map<Kind, u32>,
    /// Strings whose last character was looked at.
    asked: Set<Value>,
    /// Where the image has its data.
    data: Range<u64>,
}

impl Symbols {
    /// None yet, with room for as many as a function of so many instructions usually has.
    pub(super) fn with_room(instructions: usize, data: Range<u64>) -> Self {
        let room = (instructions / 4).min(MAX_SYMBOLS);
        Symbols {
            data,
            kinds: Vec::with_capacity(room),
            ids: Map::with_capacity_and_hasher(room, Default::default()),
            asked: Set::default(),
        }
    }

    /// The symbol of a kind, with offset zero; unknown when there are too many.
    pub(crate) fn of(&mut self, kind: Kind) -> Value {
        if let Some(id) = self.ids.get(&kind) {
            return Value::Sym(Symbol(*id), 0);
        }
        if self.kinds.len() >= MAX_SYMBOLS {
            return Value::Unknown;
        }
        if let Kind::Load(Value::Sym(end, -2..=-1)) = kind
            && let Kind::End(buffer, ..) = self.kind(end)
        {
            self.asked.insert(buffer);
        }
        let id = self.kinds.len() as u32;
        self.kinds.push(kind);
        self.ids.insert(kind, id);
        Value::Sym(Symbol(id), 0)
    }

    /// The symbol of a kind, if there is one already.
    pub(crate) fn known(&self, kind: Kind) -> Option<Value> {
        self.ids.get(&kind).map(|id| Value::Sym(Symbol(*id), 0))
    }

    /// Number of the parameters that were read from the stack (x86: the fast ones have higher numbers).
    pub(crate) fn stack_parameters(&self) -> u8 {
        let read = self.kinds.iter().filter_map(|kind| match kind {
            Kind::Param(n) if *n < PARAM_ECX => Some(n + 1),
            _ => None,
        });
        read.max().unwrap_or(0)
    }

    /// What a symbol stands for.
    pub(crate) fn kind(&self, symbol: Symbol) -> Kind {
        self.kinds.get(symbol.0 as usize).copied().unwrap_or(Kind::Load(Value::Unknown))
    }

    /// The kind of a value that is a symbol without an offset.
    pub(crate) fn kind_of(&self, value: Value) -> Option<Kind> {
        match value {
            Value::Sym(symbol, 0) => Some(self.kind(symbol)),
            _ => None,
        }
    }

    /// What a number is made of, with other numbers or by a mask.
    pub(crate) fn made_of(&self, value: Value) -> Option<Value> {
        match self.kind_of(value)? {
            Kind::Made(of) | Kind::Or(of, _) | Kind::Bits(of, _) => Some(of),
            _ => None,
        }
    }

    /// The alternatives of a value: itself, or those of a choice.
    pub(crate) fn alternatives(&self, value: Value) -> Alternatives {
        match self.kind_of(value) {
            // What is not known stands behind the others.
            Some(Kind::Choice(values)) => {
                Alternatives { values, number: values.iter().filter(|v| **v != Value::Unknown).count() }
            }
            _ => Alternatives { values: [value; MAX_CHOICES], number: 1 },
        }
    }

    /// The alternatives of a value without what its place held before anything was stored there; `true`: that was one.
    pub(super) fn stored(&mut self, value: Value, before: Option<Value>) -> (Value, bool) {
        let alternatives = self.alternatives(value);
        let stored: Vec<Value> = alternatives.into_iter().filter(|value| Some(*value) != before).collect();
        match stored.len() {
            0 => (value, false),
            n if n == alternatives.len() => (value, false),
            _ => (self.any(stored), true),
        }
    }

    /// One of these values.
    pub(crate) fn any(&mut self, values: impl IntoIterator<Item = Value>) -> Value {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return Value::Unknown };
        values.fold(first, |all, value| self.join(all, value))
    }

    /// A number, whatever it counts.
    pub(crate) fn count(&self, value: Value) -> Option<u64> {
        match value {
            Value::Const(number) => Some(number),
            Value::Sym(symbol, more) => match self.kind(symbol) {
                Kind::Count(number) => Some(number.wrapping_add(i64::from(more) as u64)),
                _ => None,
            },
            _ => None,
        }
    }

    fn is_inside(&self, value: Value) -> bool {
        matches!(value, Value::Sym(symbol, _) if matches!(self.kind(symbol), Kind::Inside(_)))
    }

    /// An address of data of the image.
    pub(super) fn is_data(&self, address: u64) -> bool {
        self.data.contains(&address)
    }

    /// One of the rows that two addresses in a table are; `None`: they are none.
    fn join_rows(&mut self, a: Value, b: Value) -> Option<Value> {
        let row = |value| match value {
            Value::Sym(symbol, offset) => match self.kind(symbol) {
                Kind::Row(start, stride) => Some((symbol, start.wrapping_add_signed(i64::from(offset)), stride)),
                _ => None,
            },
            _ => None,
        };
        let (row, at, stride, others) = match (row(a), row(b)) {
            (Some((one, at, stride)), Some((other, to, _))) if one == other => {
                (if at <= to { a } else { b }, at, stride, vec![to])
            }
            (Some((_, at, stride)), None) => (a, at, stride, self.numbers(b)?),
            (None, Some((_, at, stride))) => (b, at, stride, self.numbers(a)?),
            _ => return None,
        };
        let same = others.iter().all(|other| at.abs_diff(*other) % u64::from(stride) == 0);
        Some(if same { row } else { Value::Unknown })
    }

    /// The numbers that a value is one of.
    fn numbers(&self, value: Value) -> Option<Vec<u64>> {
        self.alternatives(value).into_iter().map(Value::number).collect()
    }

    /// The row of a table that numbers which change from visit to visit are the addresses of.
    fn row_of(&mut self, a: Value, b: Value) -> Option<Value> {
        /// Fewest bytes of a row: of a pointer.
        const MIN_STRIDE: u64 = 4;
        let mut all = [self.numbers(a)?, self.numbers(b)?].concat();
        all.sort_unstable();
        all.dedup();
        // A loop goes from row to row; texts that are chosen from stand anywhere.
        let gaps: Vec<u64> = all.windows(2).map(|pair| pair[1] - pair[0]).collect();
        if gaps.windows(2).any(|pair| pair[0] != pair[1]) {
            return None;
        }
        if !all.iter().all(|number| self.is_data(*number)) {
            return None;
        }
        let start = all.iter().copied().min()?;
        let mut stride = 0u64;
        for mut next in all.into_iter().map(|at| at - start) {
            while next != 0 {
                (stride, next) = (next, stride % next);
            }
        }
        let stride = u32::try_from(stride).ok().filter(|stride| u64::from(*stride) >= MIN_STRIDE)?;
        Some(self.of(Kind::Row(start, stride)))
    }

    /// What is left of two values that change from visit to visit: the memory that both point into, if it is the same.
    pub(crate) fn widen(&mut self, a: Value, b: Value) -> Value {
        if a == b {
            return a;
        }
        if let Some(row) = self.join_rows(a, b).or_else(|| self.row_of(a, b)) {
            return row;
        }
        let mut roots = self.alternatives(a).into_iter().chain(self.alternatives(b)).map(|v| self.root(v));
        let Some(Some(first)) = roots.next() else { return Value::Unknown };
        let root = roots.try_fold(first, |first, next| common(first, next?));
        root.map_or(Value::Unknown, |root| self.of(Kind::Inside(root)))
    }

    /// The start of the memory that an address points into, where the address tells.
    pub(crate) fn root(&self, value: Value) -> Option<Value> {
        match value {
            Value::Stack(_) => Some(value),
            Value::Sym(symbol, _) => Some(match self.kind(symbol) {
                Kind::End(buffer, ..) | Kind::LastSeparator(buffer, _) | Kind::Extension(buffer, _) => {
                    self.root(buffer)?
                }
                Kind::Inside(root) => root,
                Kind::Param(_) | Kind::Result(_) | Kind::Out(..) => Value::Sym(symbol, 0),
                Kind::Choice(values) => {
                    let mut roots = values.into_iter().filter(|v| *v != Value::Unknown).map(|v| self.root(v));
                    let first = roots.next()??;
                    roots.try_fold(first, |first, next| common(first, next?))?
                }
                _ => return None,
            }),
            _ => None,
        }
    }

    /// The last character of the string at this address was looked at.
    pub(crate) fn asked_for_last(&self, at: Value) -> bool {
        self.asked.contains(&at)
    }

    /// The last separator or the extension of the path at this address was looked for.
    pub(crate) fn searched(&self, at: Value) -> bool {
        let searches = |wide| [Kind::LastSeparator(at, wide), Kind::Extension(at, wide)];
        [searches(false), searches(true)].iter().flatten().any(|kind| self.ids.contains_key(kind))
    }

    /// One value for two paths that meet.
    pub(crate) fn join(&mut self, a: Value, b: Value) -> Value {
        if a == b {
            return a;
        }
        if a == Value::Unknown || b == Value::Unknown {
            return Value::Unknown;
        }
        if let Some(row) = self.join_rows(a, b) {
            return row;
        }
        if self.count(a).is_some() && self.count(a) == self.count(b) {
            return if matches!(a, Value::Const(_)) { b } else { a };
        }
        // A short string lives inside its object, a long one behind the pointer at its start: both are the object.
        if self.kind_of(b) == Some(Kind::Load(a)) {
            return a;
        }
        if self.kind_of(a) == Some(Kind::Load(b)) {
            return b;
        }
        if self.is_inside(a) || self.is_inside(b) {
            return self.widen(a, b);
        }
        let mut all = self.alternatives(a);
        for value in self.alternatives(b) {
            if !all.contains(&value) {
                let Some(place) = all.values.get_mut(all.number) else { return self.widen(a, b) };
                *place = value;
                all.number += 1;
            }
        }
        let Alternatives { mut values, number } = all;
        let (known, unknown) = values.split_at_mut(number);
        known.sort_unstable();
        unknown.fill(Value::Unknown);
        self.of(Kind::Choice(values))
    }
}

/// See [`Symbols::alternatives`]. Asked for all the time, so they are in no list of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alternatives {
    values: [Value; MAX_CHOICES],
    number: usize,
}

impl std::ops::Deref for Alternatives {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.values.get(..self.number).unwrap_or_default()
    }
}

impl IntoIterator for Alternatives {
    type Item = Value;
    type IntoIter = std::iter::Take<std::array::IntoIter<Value, MAX_CHOICES>>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter().take(self.number)
    }
}

impl Value {
    /// The value plus a number.
    pub(crate) fn plus(self, n: i64, is_64: bool) -> Value {
        match self {
            Value::Unknown => Value::Unknown,
            Value::Const(c) => Value::Const(mask(c.wrapping_add(n as u64), is_64)),
            Value::Stack(offset) => i32::try_from(n).map_or(Value::Unknown, |n| Value::Stack(offset.wrapping_add(n))),
            Value::Sym(s, offset) => i32::try_from(n).map_or(Value::Unknown, |n| Value::Sym(s, offset.wrapping_add(n))),
        }
    }

    /// The number, if it is one.
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Value::Const(c) => Some(c),
            _ => None,
        }
    }
}

/// The start of the memory that two starts are of, if it is the same.
fn common(a: Value, b: Value) -> Option<Value> {
    match (a, b) {
        (Value::Stack(a), Value::Stack(b)) if a.abs_diff(b) < MAX_ARRAY => Some(Value::Stack(a.min(b))),
        (a, b) => (a == b).then_some(a),
    }
}

/// Cuts a number to the width of a register.
pub(crate) fn mask(value: u64, is_64: bool) -> u64 {
    if is_64 { value } else { value & 0xffff_ffff }
}
