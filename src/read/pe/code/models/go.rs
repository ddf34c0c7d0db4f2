//! Strings of Go: a pointer and a length, side by side.

use super::super::analysis::{Engine, Origin};
use super::super::known::Known;
use super::super::report::Arg;
use super::super::state::{RSP, Wide};
use super::super::value::{Kind, Value};
use crate::catalog::native::{Api, Model};
use crate::facts::{Text, env_hole, join_paths};

/// Registers of the first words of arguments (`src/cmd/compile/abi-internal.md` of Go, amd64): rax, rbx, rcx, rdi, rsi,
/// r8 to r11.
pub(crate) const REGISTERS: [usize; 9] = [0, 3, 1, 7, 6, 8, 9, 10, 11];
/// Longest literal.
const MAX_LITERAL: u64 = 4_096;
/// Most strings that are put together.
const MAX_STRINGS: u64 = 8;
/// Register that holds the goroutine, and stays.
const GOROUTINE: usize = 14;

impl Engine<'_, '_> {
    /// The image is made by Go.
    pub(crate) fn is_go(&self) -> bool {
        self.program.go.is_some()
    }

    pub(super) fn go_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let first = api.row.args.first().copied().unwrap_or_default();
        let known = match model {
            Model::GoJoin => self.elements(first).into_iter().reduce(|path, next| path.with(&next, join_paths)),
            Model::GoConcat => {
                let strings: Vec<Known> = api.row.args.iter().map(|n| self.go_argument(*n)).collect();
                strings.into_iter().reduce(|text, next| text.then(&next))
            }
            Model::GoGetenv => Some(self.go_argument(first).map(|name| match name.as_lit() {
                Some(name) if !name.is_empty() => Text::hole(env_hole(name)),
                _ => Text::unknown(),
            })),
            _ => None,
        };
        self.with_origin(Kind::Result(site), Origin::Text(known.unwrap_or_else(Known::unknown)))
    }

    /// What a call leaves on the stack where results are no registers (386): the result that is known, behind the arguments,
    /// and nothing that is known of the rest.
    pub(crate) fn leave_results(&mut self, target: Option<u32>, api: Option<Api>, result: Value) {
        /// Bytes that are taken for arguments and results where it is not known who is called.
        const USUAL: u32 = 64;
        if self.is_64() {
            return;
        }
        let frames = self.program.go.as_ref().map(|go| &go.frames);
        // Of helpers in assembly the table does not say it: they work on registers, as barriers of the collector do.
        let bytes = target.map_or(USUAL, |target| frames.and_then(|all| all.get(&target).copied()).unwrap_or_default());
        let top = self.state.registers[RSP];
        for at in (0..i64::from(bytes)).step_by(4) {
            self.state.store(top.plus(at, false), 4, Value::Unknown);
        }
        let words = api.and_then(|api| match (api.row.words, api.row.known_folder) {
            (None, Some(_)) => Some(0),
            (words, _) => words,
        });
        if let Some(words) = words {
            self.state.store(top.plus(i64::from(words) * 4, false), 4, result);
        }
    }

    /// The strings of a slice that is made for the call.
    fn elements(&mut self, argument: u8) -> Vec<Known> {
        let (array, count) = (self.argument(argument), self.argument(argument.saturating_add(1)));
        let count = count.number().filter(|count| *count <= MAX_STRINGS);
        let word = if self.is_64() { 8 } else { 4 };
        let Some(count) = count else { return vec![Known::unknown()] };
        (0..count as i64)
            .map(|i| {
                let at = array.plus(i * 2 * word, self.is_64());
                let (pointer, length) = (self.load(at, word as u8), self.load(at.plus(word, self.is_64()), word as u8));
                self.go_string(pointer, length)
            })
            .collect()
    }

    /// The string that begins with this argument.
    pub(crate) fn go_argument(&mut self, n: u8) -> Known {
        let (pointer, length) = (self.argument(n), self.argument(n.saturating_add(1)));
        self.go_string(pointer, length)
    }

    fn go_string(&self, pointer: Value, length: Value) -> Known {
        let literal = || {
            let rva = self.program.image.rva_of(pointer.number()?)?;
            let length = length.number().filter(|length| *length <= MAX_LITERAL)?;
            let bytes = self.program.image.at(rva)?.get(..length as usize)?;
            std::str::from_utf8(bytes).ok().map(Text::lit)
        };
        if length == Value::Const(0) {
            return Known::of(Text::new());
        }
        match pointer {
            Value::Const(_) => literal().map_or_else(Known::unknown, Known::of),
            Value::Sym(symbol, 0) => self
                .origin_text(symbol)
                .or_else(|| self.slot(pointer).map(|slot| Known::of(slot.text())))
                .unwrap_or_else(Known::unknown),
            _ => Known::unknown(),
        }
    }

    /// A field that is stored at an address: a number, and the string that may begin with it.
    pub(crate) fn go_field(&self, at: Value, value: Value) -> Arg {
        let word = if self.is_64() { 8 } else { 4 };
        let next = at.plus(word, self.is_64());
        let length = self.state.cells_in(next, next.plus(1, self.is_64())).next().map(|(_, cell)| cell.value);
        let known = length.map_or_else(Known::unknown, |length| self.go_string(value, length));
        let texts = if known.texts().iter().all(Text::is_unknown) { Vec::new() } else { known.texts().to_vec() };
        Arg { number: self.close_number(value), texts, ..Arg::default() }
    }

    /// An argument for a caller's eyes: a number, and the string that may begin with it.
    pub(crate) fn go_closed(&mut self, n: u8) -> Arg {
        let value = self.argument(n);
        let known = self.go_argument(n);
        let texts = if known.texts().iter().all(Text::is_unknown) { Vec::new() } else { known.texts().to_vec() };
        Arg { number: self.close_number(value), texts, ..Arg::default() }
    }

    /// Nothing but the stack and the goroutine survives a call.
    pub(crate) fn go_clobber(&mut self) {
        for (n, register) in self.state.registers.iter_mut().enumerate() {
            if n != RSP && n != GOROUTINE {
                *register = Value::Unknown;
            }
        }
        self.state.wide.fill(Wide::Unknown);
    }
}
