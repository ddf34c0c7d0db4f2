//! Symbolic strings: what a path, key or value is, as far as it could be recovered.
//!
//! A [`Text`] alternates literal characters with [`Hole`]s. Its textual form writes a hole in braces
//! (`{AppData}\Contoso\cart.dat`, `{config:appSettings/LogPath}\app.log`, `{?}.tmp`), and [`Text::parse`] reads that
//! form back. Braces that do not spell a hole, such as those of a registry GUID, are literal characters.

use super::folder::Folder;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of a string that is not known as characters, but about which something is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hole {
    /// A folder with a meaning, such as `{AppData}`.
    Folder(Folder),
    /// Something with a source: `{config:appSettings/LogPath}`, `{env:NR_HOME}`, `{registry:HKLM\...\DataDir}`.
    From(Source, String),
    /// Nothing is known: `{?}`.
    Unknown,
}

/// Where the characters of a [`Hole::From`] come from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumString, strum::IntoStaticStr, strum::EnumIter,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Source {
    /// An XML configuration value: `appSettings/KEY`, or the path of a custom section.
    Config,
    /// A configuration key of the .NET options system, `Storage:Root`.
    Option,
    /// A named connection string.
    Connection,
    /// An environment variable that is not a known folder.
    Env,
    /// A registry value, `HKLM\...\NAME`.
    Registry,
    /// An INI value, `file/section/key`.
    Ini,
    /// A named local resource of a cloud service role.
    LocalResource,
    /// A parameter of the named function, to be given by its callers.
    Param,
    /// The named property of an installer package.
    Property,
    /// Data of a request or of a user.
    Input,
    /// A command-line argument.
    Arg,
    /// Made on the spot: `guid`, `time`, `random`, `pid`, `counter`.
    Generated,
    /// The name of the machine or of the user.
    Identity,
    /// A value that a command printed, a loop variable of a script, or what the named function gave.
    Output,
}

/// One run of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Literal characters.
    Lit(String),
    /// Something else.
    Hole(Hole),
}

/// A string with holes. Adjacent literal parts are always merged, so equal texts compare equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text {
    parts: Vec<Part>,
}

/// Longest text that is kept; what goes beyond becomes `{?}`. Windows paths end at 32,767 UTF-16 units.
pub const MAX_TEXT: usize = 4096;

impl Text {
    /// The empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// A literal: braces in it are characters, never holes.
    pub fn lit(s: impl Into<String>) -> Self {
        let mut text = Self::new();
        text.push_lit(&s.into());
        text
    }

    /// A text of one hole.
    pub fn hole(hole: Hole) -> Self {
        Self { parts: vec![Part::Hole(hole)] }
    }

    /// `{?}`
    pub fn unknown() -> Self {
        Self::hole(Hole::Unknown)
    }

    /// A text of one folder, such as `{AppData}`.
    pub fn folder(folder: Folder) -> Self {
        Self::hole(Hole::Folder(folder))
    }

    /// A text of one sourced hole, such as `{config:appSettings/LogPath}`.
    pub fn from_source(source: Source, name: impl Into<String>) -> Self {
        Self::hole(Hole::From(source, name.into()))
    }

    /// Reads the textual form. Every string parses: what does not spell a hole is literal.
    pub fn parse(s: &str) -> Self {
        let mut text = Self::new();
        let mut rest = s;
        while let Some(open) = rest.find('{') {
            text.push_lit(&rest[..open]);
            let tail = &rest[open..];
            match tail.find('}').and_then(|close| parse_hole(&tail[1..close]).map(|h| (h, close))) {
                Some((hole, close)) => {
                    text.push_hole(hole);
                    rest = &tail[close + 1..];
                }
                None => {
                    text.push_lit("{");
                    rest = &tail[1..];
                }
            }
        }
        text.push_lit(rest);
        text
    }

    /// The runs, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Builds a text from runs.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut text = Self::new();
        for part in parts {
            text.push(part);
        }
        text
    }

    /// Appends a run.
    pub fn push(&mut self, part: Part) {
        match part {
            Part::Lit(s) => self.push_lit(&s),
            Part::Hole(h) => self.push_hole(h),
        }
    }

    /// Appends literal characters.
    pub fn push_lit(&mut self, s: &str) {
        if s.is_empty() {
            return;
        }
        if self.len_hint() + s.len() > MAX_TEXT {
            return self.push_hole(Hole::Unknown);
        }
        if let Some(Part::Lit(last)) = self.parts.last_mut() {
            last.push_str(s);
        } else {
            self.parts.push(Part::Lit(s.to_owned()));
        }
    }

    /// Appends a hole; two unknowns in a row are one, and so are the two halves of the profile.
    pub fn push_hole(&mut self, hole: Hole) {
        if hole == Hole::Unknown && self.parts.last() == Some(&Part::Hole(Hole::Unknown)) {
            return;
        }
        if hole.is_path_of_profile()
            && let Some(drive @ Part::Hole(Hole::Folder(Folder::SystemDrive))) = self.parts.last_mut()
        {
            *drive = Part::Hole(Hole::Folder(Folder::UserProfile));
            return;
        }
        self.parts.push(Part::Hole(hole));
    }

    /// Appends another text.
    pub fn push_text(&mut self, other: &Text) {
        for part in &other.parts {
            self.push(part.clone());
        }
    }

    /// This text followed by another.
    #[must_use]
    pub fn concat(mut self, other: &Text) -> Text {
        self.push_text(other);
        self
    }

    /// The characters, when all are known.
    pub fn as_lit(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Lit(s)] => Some(s),
            _ => None,
        }
    }

    /// The single hole this text consists of.
    pub fn as_hole(&self) -> Option<&Hole> {
        match self.parts.as_slice() {
            [Part::Hole(h)] => Some(h),
            _ => None,
        }
    }

    /// Has no characters and no holes.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Nothing at all is known: no literal character and no hole with a name.
    pub fn is_unknown(&self) -> bool {
        self.parts.iter().all(|p| *p == Part::Hole(Hole::Unknown)) && !self.parts.is_empty()
    }

    /// Some part is not known by name.
    pub fn has_unknown(&self) -> bool {
        self.parts.contains(&Part::Hole(Hole::Unknown))
    }

    /// All literal characters and folders: nothing left to resolve.
    pub fn is_full(&self) -> bool {
        self.parts.iter().all(|p| matches!(p, Part::Lit(_) | Part::Hole(Hole::Folder(_))))
    }

    /// The literal characters the text starts with.
    pub fn leading_lit(&self) -> &str {
        match self.parts.first() {
            Some(Part::Lit(s)) => s,
            _ => "",
        }
    }

    /// The literal characters the text ends with.
    pub fn trailing_lit(&self) -> &str {
        match self.parts.last() {
            Some(Part::Lit(s)) => s,
            _ => "",
        }
    }

    /// Applies `f` to each hole; `Some` replaces it.
    #[must_use]
    pub fn map_holes(&self, mut f: impl FnMut(&Hole) -> Option<Text>) -> Text {
        let mut out = Text::new();
        for part in &self.parts {
            match part {
                Part::Hole(h) => match f(h) {
                    Some(t) => out.push_text(&t),
                    None => out.push_hole(h.clone()),
                },
                Part::Lit(s) => out.push_lit(s),
            }
        }
        out
    }

    /// Two alternatives become what they share at the front and at the back, with a hole between.
    #[must_use]
    pub fn merge(&self, other: &Text) -> Text {
        if self == other {
            return self.clone();
        }
        let (a, b) = (&self.parts, &other.parts);
        let front = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        let back = a[front..].iter().rev().zip(b[front..].iter().rev()).take_while(|(x, y)| x == y).count();
        let mut out = Text::from_parts(a[..front].iter().cloned());
        out.push_hole(Hole::Unknown);
        for part in &a[a.len() - back..] {
            out.push(part.clone());
        }
        out
    }

    fn len_hint(&self) -> usize {
        self.parts.iter().map(|p| if let Part::Lit(s) = p { s.len() } else { 8 }).sum()
    }
}

impl Hole {
    /// `%HOMEPATH%`: the profile without its drive, which is in `%HOMEDRIVE%`. It begins with a separator.
    pub(super) fn is_path_of_profile(&self) -> bool {
        matches!(self, Hole::From(Source::Env, name) if name.eq_ignore_ascii_case("HOMEPATH"))
    }

    /// The time or the number of the process: of this moment, where an id or a key is kept for later.
    pub fn is_of_moment(&self) -> bool {
        matches!(self, Hole::From(Source::Generated, what) if matches!(what.as_str(), "time" | "pid"))
    }
}

fn parse_hole(inner: &str) -> Option<Hole> {
    if inner == "?" {
        return Some(Hole::Unknown);
    }
    if let Some((source, name)) = inner.split_once(':') {
        return Some(Hole::From(source.parse().ok()?, name.to_owned()));
    }
    Folder::by_name(inner).map(Hole::Folder)
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hole::Folder(folder) => write!(f, "{{{}}}", folder.name()),
            // A closing brace inside a name would end the hole early when read back.
            Hole::From(source, name) => write!(f, "{{{}:{}}}", <&str>::from(source), name.replace('}', ")")),
            Hole::Unknown => f.write_str("{?}"),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Lit(s) => f.write_str(s),
            Part::Hole(h) => h.fmt(f),
        })
    }
}

impl From<&str> for Text {
    /// A literal, like [`Text::lit`].
    fn from(s: &str) -> Self {
        Text::lit(s)
    }
}

impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Text::parse(&String::deserialize(d)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_keeps_guids_literal() {
        for s in [
            "{AppData}\\Contoso\\cart.dat",
            "HKCR\\CLSID\\{71DA0A04-7777-4EC6-9643-7D28B46A8A41}",
            "{config:appSettings/LogPath}\\a{?}.log",
            "C:\\{not a hole}\\x",
            "{",
            "",
        ] {
            assert_eq!(Text::parse(s).to_string(), s);
        }
        assert_eq!(Text::parse("CLSID\\{71DA}").as_lit(), Some("CLSID\\{71DA}"));
    }

    #[test]
    fn drive_and_path_of_the_profile_are_the_profile() {
        let drive = Text::parse("{SystemDrive}");
        let path = Text::parse("{env:HOMEPATH}\\a.ini");
        assert_eq!(drive.clone().concat(&path).to_string(), "{UserProfile}\\a.ini");
        assert_eq!(drive.concat(&Text::lit("\\")).concat(&path).to_string(), "{SystemDrive}\\{env:HOMEPATH}\\a.ini");
        assert_eq!(path.to_string(), "{env:HOMEPATH}\\a.ini");
    }

    #[test]
    fn merge_keeps_what_both_share() {
        let a = Text::parse("{AppData}\\one");
        let b = Text::parse("{AppData}\\two");
        assert_eq!(a.merge(&b).to_string(), "{AppData}{?}");
        assert_eq!(a.merge(&a), a);
    }
}
