//! `sprintf` and its family: a format with its values put in.

use super::super::analysis::Engine;
use super::super::known::Known;
use super::super::value::{Kind, Value};
use super::listed::{Formats, MIN_SIZE};
use super::room::Room;
use crate::catalog::native::{Api, Model};
use crate::facts::{Hole, Part, Source, Text};

/// Most values of one format.
const MAX_VALUES: usize = 24;

/// A conversion of a format.
enum Piece {
    Literal(String),
    /// Conversion character, and whether a length modifier asks for wide or narrow characters.
    Value {
        conversion: char,
        width: Option<bool>,
        long_long: bool,
        stars: Vec<Star>,
        layout: Layout,
    },
}

/// What an asterisk in a format stands for.
enum Star {
    Width,
    Precision,
}

/// How wide a converted value is made, and how.
#[derive(Clone, Copy, Default)]
struct Layout {
    zeros: bool,
    left: bool,
    width: usize,
    precision: Option<usize>,
}

/// Longest layout of a conversion, with the sign that begins it.
const MAX_LAYOUT: usize = 6;
/// Widest field that is laid out.
const MAX_WIDTH: usize = 64;

impl Layout {
    /// Takes up a digit of the width or the precision.
    fn digit(&mut self, digit: usize) {
        let number = self.precision.as_mut().unwrap_or(&mut self.width);
        *number = number.saturating_mul(10).saturating_add(digit);
    }

    /// Digits of a number, laid out.
    fn number(self, mut digits: String) -> String {
        let sign = if digits.starts_with('-') { digits.remove(0).to_string() } else { String::new() };
        let least = match self.precision {
            Some(precision) => precision,
            None if self.zeros && !self.left => self.width.saturating_sub(sign.len()),
            None => 0,
        };
        let digits = format!("{}{digits}", "0".repeat(least.min(MAX_WIDTH).saturating_sub(digits.len())));
        self.pad(sign + &digits)
    }

    fn pad(self, text: String) -> String {
        let spaces = " ".repeat(self.width.min(MAX_WIDTH).saturating_sub(text.chars().count()));
        if self.left { text + &spaces } else { spaces + &text }
    }

    /// A string, laid out as far as that can be told.
    fn string(self, text: &Text) -> Text {
        match text.as_lit() {
            Some(known) => {
                let cut = known.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
                Text::lit(self.pad(cut))
            }
            None if self.precision.is_none() => text.clone(),
            None => Text::unknown(),
        }
    }
}

impl Engine<'_, '_> {
    /// A call inside the image with a buffer and a format: `sprintf` or `snprintf` of a runtime that is linked in.
    /// `looks`: the parameters behind which the function looks itself, by bit.
    pub(crate) fn static_format(&mut self, formats: Option<Formats>, looks: u64, site: u32) -> bool {
        if let Some(formats) = formats {
            return self.format_through(formats, site);
        }
        let to = self.argument(0);
        if !matches!(to, Value::Stack(_)) {
            return false;
        }
        let mut room = None;
        for at in 1..4u8 {
            let value = self.argument(at);
            let arg = self.close_any(value);
            let Some(format) = arg.literal.and_then(|_| arg.texts.first()).and_then(crate::facts::Text::as_lit) else {
                // What stands between the buffer and its format is sizes.
                match value {
                    Value::Const(n) if (MIN_SIZE..=0x1_0000).contains(&n) || n as u32 == u32::MAX => {
                        room = room.or(Room::unsure(n));
                        continue;
                    }
                    _ => return false,
                }
            };
            if !has_conversion(format) {
                return false;
            }
            let wide = self.close(value, true).texts.first() == arg.texts.first();
            let list = self.listed(at + 1);
            // Functions that are given a list hand it on; a structure is looked at.
            let is_structure = looks >> (at + 1) & 1 == 1;
            let known = self.formatted(format, wide, |engine, position| match list {
                Some(_) if is_structure => Value::Unknown,
                Some(list) => engine.listed_value(list, position),
                None => engine.argument((at + 1).saturating_add(position as u8)),
            });
            // A pointer to a structure of the program's own looks like a list.
            self.fill(to, known.within(room, wide).guessed(list.is_some()), wide);
            return true;
        }
        false
    }

    /// The argument behind a format, where it points to a list of the values (`vsnprintf`): what lies there is no text, but
    /// words that are known. The compiler puts them behind the return address of the function that is given them, or its
    /// caller there.
    fn listed(&mut self, n: u8) -> Option<Value> {
        let list = self.argument(n);
        if !matches!(list, Value::Stack(_)) || self.state.buffer(list).is_some() {
            return None;
        }
        let word = self.listed_value(list, 0);
        let is_address = match word {
            Value::Const(va) => {
                self.program.image.rva_of(va).is_some_and(|rva| self.program.image.section_of(rva).is_some())
            }
            Value::Sym(symbol, _) => !matches!(self.symbols.kind(symbol), Kind::Load(_)),
            _ => false,
        };
        let number = || {
            word.number().is_some()
                && self.text(list, false).is_none_or(|known| known.as_lit().is_none_or(|text| text.len() < 2))
        };
        (is_address || number()).then_some(list)
    }

    /// A value of a list.
    fn listed_value(&mut self, list: Value, position: usize) -> Value {
        let size = if self.is_64() { 8 } else { 4 };
        self.load(list.plus(i64::from(size) * position as i64, self.is_64()), size)
    }

    pub(super) fn format_model(&mut self, api: Api, site: u32) -> Value {
        let to = self.model_argument(api, 0);
        let format = self.model_argument(api, 1);
        self.note_made(api, to, format);
        let format = self.text_or_unknown(format, api.wide);
        let first = api.row.args.get(2).copied().unwrap_or(2);
        let mut known: Option<Known> = None;
        for pattern in format.texts() {
            let next = match pattern.as_lit() {
                Some(pattern) => {
                    self.formatted(pattern, api.wide, |engine, position| engine.format_value(api, first, position))
                }
                None => Known::unknown(),
            };
            known = Some(known.map_or(next.clone(), |known| known.or(&next)));
        }
        let mut known = known.unwrap_or_else(Known::unknown);
        known.weak |= format.weak;
        let known = self.cut_to_room(api, known);
        self.fill(to, known, api.wide);
        self.symbols.of(Kind::Result(site))
    }

    /// `strftime`: what of a time each conversion stands for is not known (C17, 7.27.3.5).
    pub(super) fn time_model(&mut self, api: Api, site: u32) -> Value {
        let to = self.model_argument(api, 0);
        let format = self.model_argument(api, 1);
        let format = self.text_or_unknown(format, api.wide);
        let known = format.map(|pattern| pattern.as_lit().map_or_else(Text::unknown, timed));
        self.fill(to, known, api.wide);
        self.symbols.of(Kind::Result(site))
    }

    /// The format with its values put in.
    pub(crate) fn formatted(
        &mut self,
        pattern: &str,
        is_wide: bool,
        value_at: impl Fn(&mut Self, usize) -> Value,
    ) -> Known {
        let mut known = Known::of(Text::new());
        let mut position = 0usize;
        for piece in pieces(pattern) {
            match piece {
                Piece::Literal(literal) => known = known.then(&Known::of(Text::lit(literal))),
                Piece::Value { conversion, width, long_long, stars, mut layout } => {
                    // Widths and precisions that are arguments themselves.
                    let mut laid_out = true;
                    for star in stars {
                        let number =
                            value_at(self, position).number().and_then(|n| usize::try_from(n as u32 as i32).ok());
                        laid_out &= number.is_some();
                        match star {
                            Star::Width => layout.width = number.unwrap_or(0),
                            Star::Precision => layout.precision = number,
                        }
                        position += 1;
                    }
                    let value = value_at(self, position);
                    position += if long_long && !self.is_64() { 2 } else { 1 };
                    let wide = width.unwrap_or(is_wide ^ (conversion == 'S'));
                    let value = self.converted(value, conversion, wide, layout);
                    known = known.then(&if laid_out { value } else { Known::unknown() });
                }
            }
        }
        known
    }

    /// Value `position` of a format: an argument, or an element of an argument list.
    fn format_value(&mut self, api: Api, first: u8, position: usize) -> Value {
        if position > MAX_VALUES {
            return Value::Unknown;
        }
        if api.row.model == Some(Model::Format) {
            return self.argument(first.saturating_add(position as u8));
        }
        let list = self.argument_of(api, first);
        self.listed_value(list, position)
    }

    fn converted(&mut self, value: Value, conversion: char, wide: bool, layout: Layout) -> Known {
        let number = |digits: fn(u32) -> String| match value.number() {
            Some(n) => Known::of(Text::lit(layout.number(digits(n as u32)))),
            None => Known::unknown(),
        };
        match conversion {
            's' | 'S' => self.text_or_unknown(value, wide).map(|text| layout.string(text)),
            'd' | 'i' => number(|n| (n as i32).to_string()),
            'u' => number(|n| n.to_string()),
            'x' => number(|n| format!("{n:x}")),
            'X' => number(|n| format!("{n:X}")),
            'c' => match value.number().and_then(|n| char::from_u32(n as u32)).filter(|c| !c.is_control()) {
                Some(c) => Known::of(Text::lit(layout.pad(c.to_string()))),
                None => Known::unknown(),
            },
            'p' => Known::of(Text::hole(Hole::From(Source::Generated, "address".to_owned()))),
            _ => Known::unknown(),
        }
    }
}

/// A format of a time with holes for its conversions.
fn timed(pattern: &str) -> Text {
    let mut text = Text::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            // Flags that choose another form stand before the conversion: `%#d`, `%Ey`, `%Od`.
            '%' => match chars.find(|c| !matches!(c, '#' | 'E' | 'O')) {
                Some('%') => text.push_lit("%"),
                _ => text = text.concat(&Text::unknown()),
            },
            other => text.push_lit(other.encode_utf8(&mut [0; 4])),
        }
    }
    text
}

/// Holds a conversion that `printf` would carry out.
pub(crate) fn has_conversion(format: &str) -> bool {
    pieces(format).iter().any(|p| matches!(p, Piece::Value { conversion: 's' | 'S' | 'd' | 'u' | 'i' | 'x' | 'X', .. }))
}

/// A text with holes for the conversions that still stand in it: a format of which nothing is known that is put in is no name.
/// Names of variables may look like one: `%s` begins `%systemroot%`.
pub(crate) fn without_conversions(text: &Text) -> Text {
    if !text.parts().iter().any(|part| matches!(part, Part::Lit(literal) if literal.contains('%'))) {
        return text.clone();
    }
    let mut out = Text::new();
    for part in text.parts() {
        let Part::Lit(literal) = part else {
            out = out.concat(&Text::from_parts([part.clone()]));
            continue;
        };
        let mut rest = literal.as_str();
        while let Some(at) = rest.find('%') {
            let (before, from) = rest.split_at(at);
            out.push_lit(before);
            let length = conversion(from);
            if length > 0 {
                out = out.concat(&Text::unknown());
            } else {
                out.push_lit("%");
            }
            rest = from.get(length.max(1)..).unwrap_or_default();
        }
        out.push_lit(rest);
    }
    out
}

/// Bytes of the conversion that a text begins with; zero if it is none, or may be the name of a variable.
fn conversion(text: &str) -> usize {
    let body = text.trim_start_matches('%').trim_start_matches(|c: char| matches!(c, '0'..='9' | '.' | '-' | '*'));
    let size = body.trim_start_matches("I64").trim_start_matches(['l', 'h', 'w']);
    let ends = |c: char| matches!(c, 's' | 'S' | 'd' | 'i' | 'u' | 'x' | 'X');
    let Some(rest) = size.strip_prefix(ends).filter(|_| text.len() - body.len() < MAX_LAYOUT) else { return 0 };
    let is_name = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '('))
        && rest
            .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '(' | ')'))
            .starts_with('%');
    if is_name { 0 } else { text.len() - rest.len() }
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
        let mut piece = (None, false, Vec::new());
        let mut layout = Layout::default();
        let conversion = loop {
            match chars.next() {
                Some('*') if layout.precision.is_some() => piece.2.push(Star::Precision),
                Some('*') => piece.2.push(Star::Width),
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
                Some('-') => layout.left = true,
                Some('0') if layout.width == 0 && layout.precision.is_none() => layout.zeros = true,
                Some('.') => layout.precision = Some(0),
                Some(digit @ '0'..='9') => layout.digit(digit as usize - '0' as usize),
                Some('+' | ' ' | '#' | 'L' | 'z' | 'j' | 't') => {}
                other => break other,
            }
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        if let Some(conversion) = conversion {
            let (width, long_long, stars) = piece;
            pieces.push(Piece::Value { conversion, width, long_long, stars, layout });
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::without_conversions;
    use crate::facts::Text;

    #[test]
    fn conversions_are_no_names() {
        for (text, shown) in [
            (r"HKLM\%s\%s\File", r"HKLM\{?}\{?}\File"),
            ("frame%03d.png", "frame{?}.png"),
            ("%ls", "{?}"),
            (r"%systemroot%\a", r"%systemroot%\a"),
            ("100%", "100%"),
            ("a%20b", "a%20b"),
        ] {
            assert_eq!(without_conversions(&Text::parse(text)).to_string(), shown);
        }
    }
}
