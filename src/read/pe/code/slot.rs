//! Places that only a caller knows: a parameter of the function, and what memory behind it holds.

use super::cuts::{cuts_of, uncut};
use super::report::Number;
use super::value::{Kind, Symbols, Value};
use super::width::Width;
use crate::facts::{Hole, Source, Text, env_hole};
use std::fmt;
use std::str::FromStr;

/// Begins a place within a name, where braces would end the hole.
const WITHIN: &str = "(param:";
/// Longest chain of pointers that is followed, with the parameter itself.
const MAX_STEPS: usize = 3;
/// Behind a place: its characters are bytes.
const NARROW: char = 'a';
/// Behind a place: its characters are UTF-16.
const WIDE: char = 'w';

/// `parameter + a`, or `[parameter + a] + b`, and so on: offsets with a load between each two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot {
    /// Number of the parameter.
    pub(crate) param: u8,
    length: u8,
    offsets: [i32; MAX_STEPS],
}

impl Slot {
    /// The parameter itself.
    pub(crate) fn of(param: u8) -> Self {
        Slot { param, length: 1, offsets: [0; MAX_STEPS] }
    }

    /// Offsets, with a load between each two. Never empty.
    pub(crate) fn offsets(&self) -> &[i32] {
        self.offsets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The same place, further on.
    pub(crate) fn plus(mut self, by: i32) -> Self {
        if let Some(last) = self.offsets.get_mut(usize::from(self.length).saturating_sub(1)) {
            *last = last.wrapping_add(by);
        }
        self
    }

    /// What the place holds, as a pointer.
    pub(crate) fn behind(mut self) -> Option<Self> {
        (usize::from(self.length) < MAX_STEPS).then(|| {
            self.length += 1;
            self
        })
    }

    /// The parameter itself, not what lies behind it.
    pub(crate) fn is_plain(&self) -> bool {
        self.offsets() == [0]
    }

    /// The place at `offsets`, seen from this one.
    pub(crate) fn then(self, offsets: &[i32]) -> Option<Self> {
        let (first, rest) = offsets.split_first()?;
        rest.iter().try_fold(self.plus(*first), |slot, offset| Some(slot.behind()?.plus(*offset)))
    }

    /// A text that stands for the string at this place.
    pub(crate) fn text(&self) -> Text {
        Text::from_source(Source::Param, self.to_string())
    }

    /// The places that a name within a hole is made of, as in `{registry:HKCU\Software\(param:1)}`.
    pub(crate) fn within(hole: &Hole) -> impl Iterator<Item = Slot> {
        let name = match hole {
            Hole::From(source, name) if *source != Source::Param => name.as_str(),
            _ => "",
        };
        name.split(WITHIN).skip(1).filter_map(|rest| Slot::of_hole(&place(rest.split_once(')')?.0)))
    }

    /// The same hole, with other words for the places that its name is made of; `None`: as it stands.
    pub(crate) fn replaced_within(hole: &Hole, mut word: impl FnMut(&Hole) -> Option<String>) -> Option<Text> {
        let Hole::From(source, name) = hole else { return None };
        if *source == Source::Param || !name.contains(WITHIN) {
            return None;
        }
        let mut pieces = name.split(WITHIN);
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once(')').unwrap_or((piece, ""));
            match word(&place(name)) {
                Some(word) => out.push_str(&word),
                None => out.push_str(&format!("{WITHIN}{name})")),
            }
            out.push_str(rest);
        }
        Some(match source {
            Source::Env if out.contains(WITHIN) => Text::from_source(Source::Env, out),
            Source::Env if out.contains('(') => Text::unknown(),
            // A variable may be one that names a folder.
            Source::Env => Text::hole(env_hole(&out)),
            _ => Text::from_source(*source, out),
        })
    }

    /// The same, as somebody reads it.
    pub(crate) fn read(&self, width: Width) -> Text {
        let width = match (width.said, width.wide) {
            (false, _) => return self.text(),
            (true, false) => NARROW,
            (true, true) => WIDE,
        };
        Text::from_source(Source::Param, format!("{self}{width}"))
    }

    /// Reads a hole that stands for a place.
    pub(crate) fn of_hole(hole: &Hole) -> Option<Slot> {
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| Slot::of(byte - b'0'));
        match hole {
            // Most are a parameter itself.
            Hole::From(Source::Param, name) if name.len() == 1 => name.as_bytes().first().and_then(digit),
            Hole::From(Source::Param, name) if name.len() == 2 && name.ends_with([NARROW, WIDE]) => {
                name.as_bytes().first().and_then(digit)
            }
            Hole::From(Source::Param, name) => {
                let name = uncut(name);
                name.strip_suffix([NARROW, WIDE]).unwrap_or(name).parse().ok()
            }
            _ => None,
        }
    }

    /// Reads a hole that stands for the whole text at a place.
    pub(crate) fn of_whole(hole: &Hole) -> Option<Slot> {
        Slot::of_hole(hole).filter(|_| cuts_of(hole).next().is_none())
    }

    /// How wide the characters are that are read at the place that a hole stands for. `None`: nobody says so.
    pub(crate) fn width_of(hole: &Hole) -> Option<bool> {
        let Hole::From(Source::Param, name) = hole else { return None };
        let name = uncut(name);
        name.ends_with([NARROW, WIDE]).then(|| name.ends_with(WIDE))
    }
}

/// The hole of a place, by what it is called.
fn place(name: &str) -> Hole {
    Hole::From(Source::Param, name.to_owned())
}

impl Symbols {
    /// The place that a value is, seen from the callers.
    pub(super) fn slot(&self, value: Value) -> Option<Slot> {
        let Value::Sym(symbol, offset) = value else { return None };
        let slot = match self.kind(symbol) {
            Kind::Param(n) => Slot::of(n),
            Kind::Load(at @ Value::Sym(..)) if at != value => self.slot(at)?.behind()?,
            _ => return None,
        };
        Some(slot.plus(offset))
    }
}

impl From<Slot> for Number {
    fn from(slot: Slot) -> Number {
        Number::Param(slot)
    }
}

/// `0`, `0+8`, `0+8>16`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.param)?;
        if self.is_plain() {
            return Ok(());
        }
        for (i, offset) in self.offsets().iter().enumerate() {
            write!(f, "{}{offset}", if i == 0 { '+' } else { '>' })?;
        }
        Ok(())
    }
}

impl FromStr for Slot {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let Some((param, offsets)) = text.split_once('+') else {
            return text.parse().map(Slot::of).map_err(|_| ());
        };
        let mut offsets = offsets.split('>').map(|offset| offset.parse::<i32>().map_err(|_| ()));
        let first = offsets.next().unwrap_or(Err(()))?;
        let slot = Slot::of(param.parse().map_err(|_| ())?).plus(first);
        offsets.try_fold(slot, |slot, offset| Ok(slot.behind().ok_or(())?.plus(offset?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Folder;

    #[test]
    fn places_print_and_parse() {
        let slot = Slot::of(2).plus(8).behind().map(|s| s.plus(-16));
        assert_eq!(slot.map(|s| s.to_string()).as_deref(), Some("2+8>-16"));
        assert_eq!("2+8>-16".parse().ok(), slot);
        assert_eq!("7".parse(), Ok(Slot::of(7)));
        assert_eq!("name".parse::<Slot>(), Err(()));
        assert_eq!("1+0>0>0>0".parse::<Slot>(), Err(()), "too deep");
    }

    #[test]
    fn places_within_names_are_found_and_replaced() {
        let hole = Hole::From(Source::Registry, "HKCU\\(param:0)\\(param:1+4>0)".to_owned());
        let places: Vec<String> = Slot::within(&hole).map(|slot| slot.to_string()).collect();
        assert_eq!(places, ["0", "1+4>0"]);
        let replaced = Slot::replaced_within(&hole, |place| {
            Slot::of_hole(place).filter(Slot::is_plain).map(|_| "Software".to_owned())
        });
        let expected = "HKCU\\Software\\(param:1+4>0)".to_owned();
        assert_eq!(replaced, Some(Text::from_source(Source::Registry, expected)));
        let variable = Hole::From(Source::Env, "(param:0)".to_owned());
        let folder = Slot::replaced_within(&variable, |_| Some("APPDATA".to_owned()));
        assert_eq!(folder, Some(Text::folder(Folder::AppData)));
    }

    #[test]
    fn a_place_is_seen_from_another() {
        let object = Slot::of(0).plus(32);
        assert_eq!(object.then(&[8, 4]).map(|s| s.to_string()).as_deref(), Some("0+40>4"));
    }
}
