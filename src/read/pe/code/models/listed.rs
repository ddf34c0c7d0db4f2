//! Functions of the image that hand on what follows their format, as a list, to one that formats: what they put together is
//! what their callers give.

use super::super::analysis::{Engine, Origin};
use super::super::known::Known;
use super::super::slot::Slot;
use super::super::value::{Kind, Value};
use super::room::Room;
use crate::catalog::native::{Api, Model};
use crate::facts::Text;

/// Least number between a buffer and its format that is taken for its size: smaller ones say something else.
pub(super) const MIN_SIZE: u64 = 8;
/// Number of the text that such a function makes, among what it writes.
const MADE: u8 = 240;

/// What a function of the image that formats is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Formats {
    pub(crate) to: To,
    /// The parameter with the format.
    pub(crate) format: u8,
    /// How much the function that it calls is asked for, where it does not say so itself.
    room: Option<u64>,
}

/// Where the text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// The buffer that a parameter is.
    Parameter(u8),
    /// The variable at an address.
    Variable(u64),
    /// What a call gave: of that only the function itself knows.
    Memory(Value),
    /// Memory that the function has made, which it returns.
    Returned,
    /// The same, whose address it puts where a parameter points.
    Behind(u8),
}

impl Engine<'_, '_> {
    /// A call of a function of the image that hands its arguments on as a list, with a format: the text is what it says.
    pub(super) fn format_through(&mut self, Formats { to, format: at, room }: Formats, site: u32) -> bool {
        // What stands between the buffer and its format is its size.
        let sizes = match to {
            To::Parameter(to) => to.saturating_add(1)..at,
            _ => at..at,
        };
        let sizes = sizes.filter_map(|n| self.argument(n).number()).chain(room);
        let room = sizes.filter(|n| *n >= MIN_SIZE).find_map(Room::unsure);
        let buffer = match to {
            To::Parameter(parameter) | To::Behind(parameter) => self.argument(parameter),
            To::Variable(va) => Value::Const(va),
            To::Returned => self.symbols.of(Kind::Result(site)),
            To::Memory(_) => Value::Unknown,
        };
        let value = self.argument(at);
        let is_buffer = match buffer {
            Value::Unknown => false,
            Value::Const(va) => self.is_variable(va),
            _ => true,
        };
        let arg = self.close_any(value);
        let format = arg.literal.and_then(|_| arg.texts.first()).and_then(Text::as_lit);
        let (true, Some(format)) = (is_buffer, format) else { return false };
        let wide = self.close(value, true).texts.first() == arg.texts.first();
        let known =
            self.formatted(format, wide, |engine, position| engine.argument((at + 1).saturating_add(position as u8)));
        let known = known.within(room, wide);
        match to {
            To::Returned => {
                self.with_origin(Kind::Result(site), Origin::Text(known));
            }
            To::Behind(_) => {
                let made = self.with_origin(Kind::Out(site, MADE), Origin::Text(known));
                let size = if self.is_64() { 8 } else { 4 };
                self.state.store(buffer, size, made);
            }
            _ => self.fill(buffer, known, wide),
        }
        true
    }

    /// Notes that the function hands on what follows its format: the address of a parameter on the stack says so.
    pub(crate) fn note_list(&mut self) {
        /// Arguments among which the list is.
        const MAX_LIST: u8 = 7;
        if self.report.formats.is_some() {
            return;
        }
        for n in 2..MAX_LIST {
            let list = self.argument(n);
            let Some(format) = self.before_list(list).filter(|format| *format > 0) else { continue };
            if !self.notes() {
                return;
            }
            let mut passed = Vec::new();
            for n in 0..n {
                let value = self.argument(n);
                passed.extend(match (value, self.symbols.kind_of(value)) {
                    (_, Some(Kind::Param(parameter))) => Some(To::Parameter(parameter)),
                    (Value::Const(va), _) if self.is_variable(va) => Some(To::Variable(va)),
                    _ => None,
                });
            }
            let to = passed.iter().copied().find(|value| *value != To::Parameter(format));
            if let Some(to) = to.filter(|_| passed.contains(&To::Parameter(format))) {
                self.report.formats = Some(Formats { to, format, room: None });
                return;
            }
        }
    }

    /// The parameter before those that a list consists of, where it is one of this function's.
    fn before_list(&self, list: Value) -> Option<u8> {
        /// Most parameters before it.
        const MAX_BEFORE: i32 = 7;
        let size = if self.is_64() { 8 } else { 4 };
        let Value::Stack(list) = list else { return None };
        let first = list.checked_sub(size)?;
        let is_one = first >= size && first % size == 0 && first / size <= MAX_BEFORE;
        // Behind the return address.
        is_one.then(|| (first / size - 1) as u8)
    }

    /// The same, where the text is put into memory that a call gave: a function of the runtime formats it.
    pub(super) fn note_made(&mut self, api: Api, to: Value, format: Value) {
        let is_list = matches!(api.row.model, Some(Model::FormatList | Model::FormatCommon));
        let is_memory = matches!(self.symbols.kind_of(to), Some(Kind::Result(_)));
        if !is_list || !is_memory || self.report.formats.is_some() || !self.notes() {
            return;
        }
        let list = self.model_argument(api, 2);
        let before = self.before_list(list);
        if let Some(Kind::Param(given)) = self.symbols.kind_of(format)
            && before == Some(given)
        {
            let room = api.row.room.or(api.row.most).and_then(|n| self.argument_of(api, n).number());
            self.report.formats = Some(Formats { to: To::Memory(to), format: given, room });
        }
    }

    /// What becomes of the memory that a text was put into: it is returned, or its address is put where a parameter points.
    pub(in super::super) fn settle_formats(&mut self) {
        let Some(Formats { to: To::Memory(made), format, room }) = self.report.formats else { return };
        // What was put behind it, or may have been changed, is not what the format says.
        let is_whole =
            self.state.buffer(made).is_none_or(|held| held.known == Known::unknown() && held.tail.is_empty());
        if !is_whole {
            self.report.formats = None;
            return;
        }
        let is_it = |value: Value| self.symbols.alternatives(value).contains(&made);
        let others = |value: &Value| *value == made || value.number().is_some();
        let result = self.state.registers[0];
        let to = match is_it(result) && self.symbols.alternatives(result).iter().all(others) {
            true => Some(To::Returned),
            false => {
                let mut places = self.state.cells().filter(|(_, cell)| is_it(cell.value));
                places.find_map(|(at, _)| self.slot(*at).filter(Slot::is_plain)).map(|slot| To::Behind(slot.param))
            }
        };
        self.report.formats = to.map(|to| Formats { to, format, room });
    }
}
