//! `sprintf` and its family: a format with its values put in.

use super::super::analysis::Engine;
use super::super::strings::Known;
use super::super::value::{Kind, Value};
use crate::catalog::native::{Api, Model};
use crate::facts::{Hole, Source, Text};

/// Most values of one format.
const MAX_VALUES: usize = 24;

/// A conversion of a format.
enum Piece {
    Literal(String),
    /// Conversion character, and whether a length modifier asks for wide or narrow characters.
    Value { conversion: char, width: Option<bool>, long_long: bool, stars: u8 },
}

impl Engine<'_, '_> {
    pub(super) fn format_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let to = self.model_argument(api, 0);
        let format = self.model_argument(api, 1);
        let format = self.text_or_unknown(format, api.wide);
        let Some(pattern) = format.text.as_lit() else {
            self.fill(to, Known { text: Text::unknown(), weak: false });
            return self.symbols.of(Kind::Result(site));
        };
        // With `%s` of wide functions the C standard and Microsoft differ only beyond the common use.
        let mut text = Text::new();
        let mut weak = format.weak;
        let mut position = 0usize;
        let first = api.row.args.get(2).copied().unwrap_or(2);
        for piece in pieces(pattern) {
            match piece {
                Piece::Literal(literal) => text.push_lit(&literal),
                Piece::Value { conversion, width, long_long, stars } => {
                    position += usize::from(stars);
                    let value = self.format_value(model, first, position);
                    position += if long_long && !self.is_64() { 2 } else { 1 };
                    let known = self.converted(value, conversion, width.unwrap_or(api.wide ^ (conversion == 'S')));
                    weak |= known.weak;
                    text.push_text(&known.text);
                }
            }
        }
        self.fill(to, Known { text, weak });
        self.symbols.of(Kind::Result(site))
    }

    /// Value `position` of a format: an argument, or an element of an argument list.
    fn format_value(&mut self, model: Model, first: u8, position: usize) -> Value {
        if position > MAX_VALUES {
            return Value::Unknown;
        }
        if model == Model::Format {
            return self.argument(first.saturating_add(position as u8));
        }
        let list = self.argument(if self.is_64() { first } else { self.list_argument(model, first) });
        let size = if self.is_64() { 8 } else { 4 };
        let at = list.plus(i64::from(size) * position as i64, self.is_64());
        self.load(at, size)
    }

    /// The options of the common functions of the universal runtime are 64 bits wide: two arguments on x86.
    fn list_argument(&self, model: Model, first: u8) -> u8 {
        if model == Model::FormatCommon { first + 1 } else { first }
    }

    fn converted(&mut self, value: Value, conversion: char, wide: bool) -> Known {
        match conversion {
            's' | 'S' => self.text_or_unknown(value, wide),
            'd' | 'i' | 'u' => match value.number() {
                Some(n) => Known::of(Text::lit((n as u32 as i32).to_string())),
                None => Known::of(Text::unknown()),
            },
            'c' => match value.number().and_then(|n| char::from_u32(n as u32)).filter(|c| !c.is_control()) {
                Some(c) => Known::of(Text::lit(c.to_string())),
                None => Known::of(Text::unknown()),
            },
            'p' => Known::of(Text::hole(Hole::From(Source::Generated, "address".to_owned()))),
            _ => Known::of(Text::unknown()),
        }
    }
}

fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            literal.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            literal.push('%');
            continue;
        }
        let mut piece = (None, false, 0u8);
        let conversion = loop {
            match chars.next() {
                Some('*') => piece.2 = piece.2.saturating_add(1),
                Some('l') => {
                    piece.1 = piece.0 == Some(true);
                    piece.0 = Some(true);
                }
                Some('h') => piece.0 = Some(false),
                Some('w') => piece.0 = Some(true),
                Some('I') => {
                    // I64 and I32.
                    let digits: String = [chars.next(), chars.next()].into_iter().flatten().collect();
                    piece.1 = digits == "64";
                }
                Some('-' | '+' | ' ' | '#' | '0'..='9' | '.' | 'L' | 'z' | 'j' | 't') => {}
                other => break other,
            }
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        if let Some(conversion) = conversion {
            let (width, long_long, stars) = piece;
            pieces.push(Piece::Value { conversion, width, long_long, stars });
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}
