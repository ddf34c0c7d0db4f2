//! Copying, appending, measuring and searching strings.

use super::super::analysis::{Engine, Origin};
use super::super::cuts::{Cut, without_last};
use super::super::known::Known;
use super::super::value::{Kind, Value};
use super::room::least_of;
use crate::catalog::native::{Api, Model};
use crate::facts::Text;

/// Most bytes that are set at once.
const MAX_SET: i64 = 0x1_0000;

impl Engine<'_, '_> {
    pub(super) fn string_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let first = self.model_argument(api, 0);
        let second = self.model_argument(api, 1);
        match model {
            Model::Copy => {
                let known = self.text_or_unknown(second, api.wide);
                let known = self.cut_to_count(api, second, known);
                let known = self.cut_to_room(api, known);
                self.fill(first, known, api.wide);
                first
            }
            Model::Widen | Model::Narrow => {
                let known = self.text_or_unknown(second, model == Model::Narrow);
                // A call without a buffer asks for the size.
                if first != Value::Const(0) {
                    self.fill(first, known, model == Model::Widen);
                }
                self.symbols.of(Kind::Result(site))
            }
            Model::Append => {
                let head = self.text_or_unknown(first, api.wide);
                let tail = self.text_or_unknown(second, api.wide);
                let tail = self.cut_to_count(api, second, tail);
                let known = self.cut_to_room(api, head.then(&tail));
                self.fill(first, known, api.wide);
                first
            }
            Model::CopyBytes => {
                self.copy_model(api, first, second);
                first
            }
            Model::Duplicate => {
                let known = self.text_or_unknown(first, api.wide);
                let known = self.cut_to_count(api, first, known);
                self.with_origin(Kind::Result(site), Origin::Text(known))
            }
            Model::Length => self.length(first, api.wide, site),
            Model::FindLast => match second {
                Value::Const(c) if c == u64::from(b'\\') || c == u64::from(b'/') => {
                    self.symbols.of(Kind::LastSeparator(first, api.wide))
                }
                Value::Const(c) if c == u64::from(b'.') => self.symbols.of(Kind::Extension(first, api.wide)),
                _ => self.found_inside(first, site),
            },
            Model::FindInside => self.found_inside(first, site),
            Model::Compare => {
                self.note_comparison(first, second, api.wide);
                match self.order(api, first, second).filter(|_| self.is_given) {
                    Some(order) => Value::Const(u64::from(order as u32)),
                    None => self.symbols.of(Kind::Result(site)),
                }
            }
            Model::FindFileName => {
                let width = if api.wide { 2 } else { 1 };
                self.symbols.of(Kind::LastSeparator(first, api.wide)).plus(width, self.is_64())
            }
            Model::FindExtension => self.symbols.of(Kind::Extension(first, api.wide)),
            Model::UnknownText => {
                self.fill(first, Known::unknown(), None);
                self.symbols.of(Kind::Result(site))
            }
            Model::SetBytes => {
                self.set_bytes(api, first);
                first
            }
            _ => self.symbols.of(Kind::Result(site)),
        }
    }

    /// How two texts compare of which all is known, where all of both is compared.
    fn order(&self, api: Api, one: Value, other: Value) -> Option<i32> {
        let (one, other) = (self.text(one, api.wide)?, self.text(other, api.wide)?);
        let (one, other) = (one.as_lit()?, other.as_lit()?);
        // Some functions do not tell capital letters from small ones.
        let differs = !one.eq_ignore_ascii_case(other) && api.row.args.len() == 2;
        match one == other {
            true => Some(0),
            false => differs.then(|| one.to_ascii_lowercase().cmp(&other.to_ascii_lowercase()) as i32),
        }
    }

    /// No more characters than are asked for; functions of Windows count the zero behind them too. A count that is not
    /// known cuts the text anywhere.
    fn cut_to_count(&mut self, api: Api, source: Value, known: Known) -> Known {
        if api.row.args.len() < 3 {
            return known;
        }
        let count = match self.model_argument(api, 2) {
            Value::Const(count) => usize::try_from(count as u32).unwrap_or(usize::MAX),
            Value::Sym(symbol, less) => match self.symbols.kind(symbol) {
                Kind::Length(of, ..) | Kind::Size(of, _) if of == source => match less {
                    0 => return known.guessed(api.row.unended),
                    1.. => return known,
                    less => return known.map(|text| without_last(text, less.unsigned_abs() as usize)),
                },
                _ => return known.map(|text| Cut::Anywhere.of(text)).guessed(true),
            },
            _ => return known.map(|text| Cut::Anywhere.of(text)).guessed(true),
        };
        let counts_zero = api.row.module != "crt" && api.row.model != Some(Model::Duplicate);
        let most = if counts_zero { count.saturating_sub(1) } else { count };
        let full = |text: &Text| text.as_lit().is_some_and(|literal| literal.chars().count() >= most);
        let unended = api.row.unended && known.texts().iter().any(full);
        let known = known.guessed(unended);
        known.map(|text| match text.as_lit() {
            Some(literal) if literal.chars().count() > most => {
                Text::lit(literal.chars().take(most).collect::<String>())
            }
            None if least_of(text, api.wide) > most => Cut::Anywhere.of(text),
            _ => text.clone(),
        })
    }

    /// `memset`: zero ends a text, and anything else leaves nothing known of it.
    fn set_bytes(&mut self, api: Api, to: Value) {
        let (byte, count) = (self.model_argument(api, 1), self.model_argument(api, 2));
        if count == Value::Const(0) {
            return;
        }
        let zero = byte == Value::Const(0);
        let is_text = self.state.containing(to).is_some() || self.texts_of_numbers(to) > 0;
        self.store(to, 1, if zero { byte } else { Value::Unknown });
        if !zero && is_text && self.symbols.root(to) == Some(to) {
            self.fill(to, Known::unknown(), None);
        }
        let size = if api.wide { 2 } else { 1 };
        if let Some(count) = count.number().and_then(|n| i64::try_from(n).ok()).filter(|n| *n <= MAX_SET) {
            self.state.overwrite(to, count * size, byte);
        }
    }

    /// The length of a literal is a number; that of a buffer is a symbol, which makes its end findable.
    pub(in super::super) fn length(&mut self, text: Value, wide: bool, site: u32) -> Value {
        if let Value::Const(_) = text
            && let Some(known) = self.text(text, wide)
            && let Some(literal) = known.as_lit()
        {
            let units = if wide { literal.encode_utf16().count() } else { literal.len() };
            return Value::Const(units as u64);
        }
        self.measured(text, wide, site)
    }

    /// A number of bytes, or of wide characters, is the length of a text, with its end or without, whichever of a few texts
    /// it is: whether they are wide.
    fn whole_length(&self, size: Value, text: Value, counts_wide: bool) -> Option<bool> {
        let texts = self.symbols.alternatives(text);
        let mut wide = false;
        for size in self.symbols.alternatives(size) {
            match size {
                Value::Sym(symbol, 0..) => match self.symbols.kind(symbol) {
                    Kind::Length(of, false, _) if !counts_wide && (texts.contains(&of) || of == text) => {}
                    Kind::Length(of, true, _) if counts_wide && (texts.contains(&of) || of == text) => wide = true,
                    Kind::Size(of, _) if texts.contains(&of) || of == text => wide = true,
                    _ => return None,
                },
                size => {
                    let count = self.count(size)?;
                    let is_long = |text: &Value| match self.text(*text, false) {
                        Some(known) => known.as_lit().is_some_and(|text| text.len() as u64 == count),
                        None => false,
                    };
                    texts.iter().find(|text| is_long(text))?;
                }
            }
        }
        Some(wide)
    }

    /// A place in a text, if there is one.
    fn found_inside(&mut self, text: Value, site: u32) -> Value {
        match self.symbols.root(text) {
            Some(root) => self.symbols.of(Kind::Inside(root)),
            None => self.symbols.of(Kind::Result(site)),
        }
    }

    /// `memcpy`: whole strings when the source is one, otherwise bytes.
    fn copy_model(&mut self, api: Api, to: Value, from: Value) {
        let size = self.model_argument(api, 2);
        if let Some(Kind::Between(begin, end)) = self.symbols.kind_of(size).filter(|_| api.row.module == "crt")
            && begin == from
        {
            self.note_range(from, end);
        }
        if let Some(n) = self.count(size).filter(|n| *n <= super::super::super::image::MAX_STRING as u64) {
            return self.copy_bytes(to, from, n as usize * if api.wide { 2 } else { 1 });
        }
        match self.whole_length(size, from, api.wide) {
            // As many characters as the text has.
            Some(wide) => {
                let wide = wide || api.wide;
                let known = self.text_or_unknown(from, wide);
                self.fill(to, known, wide);
            }
            None => match self.state.buffer(from).map(|b| (b.known.clone(), b.wide)) {
                // All of it, most likely.
                Some((known, wide)) => self.fill(to, known.guessed(true), wide),
                None => self.blur(to),
            },
        }
    }
}
