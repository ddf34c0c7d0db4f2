//! Where state is: a [`Text`] in one normal form per store, with the algebra that joins and judgements need.
//!
//! Constructors take what was read (a path with environment variables, a key with a root in any spelling) and give
//! the normal form. Two spellings of one place are equal afterwards, except for case, which [`Location::key`] folds:
//! Windows paths and registry keys are case-insensitive.

use super::folder::Folder;
use super::path::{
    below_profile, drive_letter, expand_env, join_paths, literal_place, normalise_path, replace_prefixes,
};
use super::place::Place;
use super::registry;
use super::text::{Hole, Part, Source, Text};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A normalised location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Location {
    text: Text,
}

/// How much of a location is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Nothing but that there is one.
    None,
    /// Some part: a folder, a file name, a configuration key.
    Partial,
    /// All of it, up to well-known folders.
    Full,
}

impl Location {
    /// Takes a normal form (as a listing writes it) or any other name as it is.
    pub fn named(text: Text) -> Self {
        Location { text }
    }

    /// Nothing is known.
    pub fn unknown() -> Self {
        Location { text: Text::unknown() }
    }

    /// A file or folder: environment variables become folders, `/` becomes `\`, `.` and `..` are resolved, prefixes
    /// such as `\\?\` and `file:///` go, `~/` and `|DataDirectory|` become folders. A relative path stays relative;
    /// see [`Location::based_on`].
    ///
    /// What begins with a separator alone and goes on with something that is not known was put together: before the separator
    /// was a folder that nobody has seen, not the root of a drive. Before a variable of the environment somebody wrote it.
    pub fn file(raw: &Text) -> Self {
        let text = match raw.parts() {
            [Part::Lit(separator), Part::Hole(hole), ..]
                if matches!(separator.as_str(), "\\" | "/")
                    && !matches!(hole, Hole::From(Source::Env | Source::Identity, _)) =>
            {
                expand_env(&Text::unknown().concat(raw))
            }
            _ => expand_env(raw),
        };
        let text = replace_prefixes(from_last_folder(text));
        Location { text: below_profile(normalise_path(&text)) }
    }

    /// A registry key and value: `HKLM\Software\Contoso\LastRun`. A key whose root is not known starts with `{?}`.
    pub fn registry(raw: &Text) -> Self {
        let mut out = Text::new();
        let mut first = true;
        for part in raw.parts() {
            match part {
                Part::Lit(s) if first => match registry::split_root(s.trim_start_matches('\\')) {
                    Some((root, rest)) => {
                        out.push_lit(root);
                        out.push_lit("\\");
                        out.push_lit(rest);
                    }
                    None => {
                        out.push_hole(Hole::Unknown);
                        out.push_lit("\\");
                        out.push_lit(s.trim_start_matches('\\'));
                    }
                },
                other => out.push(other.clone()),
            }
            first = false;
        }
        let text = Text::from_parts(out.parts().iter().enumerate().map(|(i, p)| match p {
            Part::Lit(s) => Part::Lit(tidy_key_run(s, i == 0)),
            hole => hole.clone(),
        }));
        Location { text: trim_trailing_separator(text) }
    }

    /// A key and a value name below it; the unnamed value is written `(default)`.
    pub fn registry_value(key: &Location, name: &Text) -> Self {
        let name = if name.is_empty() { Text::lit("(default)") } else { name.clone() };
        key.child(&name)
    }

    /// A key of an INI file: what is written is the value, not the file.
    pub fn ini_value(file: &Location, section: &Text, key: &Text) -> Self {
        [section, key].into_iter().filter(|part| !part.is_empty()).fold(file.clone(), |at, part| at.child(part))
    }

    /// This location with one more component.
    #[must_use]
    pub fn child(&self, name: &Text) -> Self {
        let mut text = self.text.clone();
        if !text.is_empty() && !text.trailing_lit().ends_with('\\') {
            text.push_lit("\\");
        }
        text.push_text(name);
        Location { text }
    }

    /// A relative path below `base`; an absolute one stays as it is.
    #[must_use]
    pub fn based_on(self, base: Folder) -> Self {
        if self.is_relative() { Location::file(&join_paths(&Text::folder(base), &self.text)) } else { self }
    }

    /// The text.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// Case-folded form, for comparing and grouping.
    pub fn key(&self) -> String {
        self.text.to_string().to_lowercase()
    }

    /// How much is known.
    pub fn extent(&self) -> Extent {
        if self.text.is_full() && !self.text.is_empty() {
            Extent::Full
        } else if self.text.is_unknown() || self.text.is_empty() || self.is_opaque() {
            Extent::None
        } else {
            Extent::Partial
        }
    }

    /// In a folder for temporary files: that of the account, or that of Windows, which lies on the disk of Windows but
    /// holds scratch all the same.
    pub fn is_scratch(&self) -> bool {
        let place = self.file_place();
        let key = || self.key();
        place == Place::Temp
            || (place == Place::Windows
                && key().split('\\').nth(if key().starts_with('{') { 1 } else { 2 }) == Some("temp"))
    }

    /// Only parameters, separators and unknowns: no name a reader could check.
    fn is_opaque(&self) -> bool {
        self.text.parts().iter().all(|p| match p {
            Part::Hole(Hole::Unknown | Hole::From(Source::Param | Source::Output, _)) => true,
            Part::Lit(s) => s.chars().all(|c| matches!(c, '\\' | '.' | '*')),
            Part::Hole(_) => false,
        })
    }

    /// A path that starts neither at a root nor at a hole, and is no device: `CONOUT$` is in no folder.
    pub fn is_relative(&self) -> bool {
        match self.text.parts().first() {
            Some(Part::Lit(s)) => {
                !s.starts_with('\\')
                    && drive_letter(s).is_none()
                    && !matches!(self.file_place(), Place::Device | Place::Remote)
            }
            _ => false,
        }
    }

    /// The last component, if it is known: `cart.dat`.
    pub fn file_name(&self) -> Option<&str> {
        let tail = self.text.trailing_lit();
        match tail.rfind('\\') {
            Some(i) => Some(&tail[i + 1..]),
            None if self.text.parts().len() == 1 => Some(tail),
            None => None,
        }
        .filter(|n| !n.is_empty())
    }

    /// Extension in lower case, without the dot, also behind a hole: `{?}.log`.
    pub fn extension(&self) -> Option<String> {
        let tail = self.text.trailing_lit();
        let name = tail.rsplit('\\').next().unwrap_or(tail);
        let ext = &name[name.rfind('.')? + 1..];
        (!ext.is_empty() && ext.len() <= 12).then(|| ext.to_ascii_lowercase())
    }

    /// Is `self` at or below `ancestor`?
    pub fn is_within(&self, ancestor: &Location) -> bool {
        let (own, other) = (self.key(), ancestor.key());
        let other = other.trim_end_matches('\\');
        own.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
    }

    /// Kind of place of a file location.
    pub fn file_place(&self) -> Place {
        match self.text.parts().first() {
            Some(Part::Hole(Hole::Folder(Folder::WebRoot | Folder::AppDir))) if self.is_in("App_Data") => {
                Place::AppData
            }
            Some(Part::Hole(Hole::Folder(Folder::Windows))) if self.is_in("Temp") => Place::Temp,
            Some(Part::Hole(Hole::Folder(folder))) => folder.place(),
            Some(Part::Hole(Hole::From(Source::LocalResource, _))) => Place::LocalResource,
            Some(Part::Hole(_)) | None => Place::Unknown,
            Some(Part::Lit(s)) => literal_place(s),
        }
    }

    /// In a folder of this name directly below the one that the path begins with.
    fn is_in(&self, name: &str) -> bool {
        let Some(Part::Lit(below)) = self.text.parts().get(1) else { return false };
        below.split('\\').nth(1).is_some_and(|folder| folder.eq_ignore_ascii_case(name))
    }

    /// Kind of place of a registry location.
    pub fn registry_place(&self) -> Place {
        match self.text.leading_lit().split('\\').next().unwrap_or_default() {
            "HKLM" | "HKCC" => Place::Hklm,
            "HKCU" => Place::Hkcu,
            "HKCR" => Place::Hkcr,
            "HKU" => Place::Hku,
            _ => Place::HkUnknown,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// A folder that is known by its name begins at the root of a drive, whatever somebody put before it.
fn from_last_folder(text: Text) -> Text {
    let ends_folder = |part: &Part| matches!(part, Part::Lit(lit) if lit.ends_with(['\\', '/']));
    let parts = text.parts();
    let is_root = |at: &usize| matches!(parts[*at], Part::Hole(Hole::Folder(_))) && ends_folder(&parts[*at - 1]);
    match (1..parts.len()).rev().find(is_root) {
        Some(at) => Text::from_parts(parts[at..].iter().cloned()),
        None => text,
    }
}

fn tidy_key_run(s: &str, first: bool) -> String {
    let lead = s.starts_with('\\');
    let trail = s.ends_with('\\');
    // Only the first run can hold the root and a view; later runs are plain components.
    let body = if first {
        match s.split_once('\\') {
            Some((root, rest)) => {
                let key = registry::normalise_key(rest).0;
                if key.is_empty() { root.to_owned() } else { format!("{root}\\{key}") }
            }
            None => s.to_owned(),
        }
    } else {
        registry::normalise_key(s).0
    };
    let lead = if lead && !first { "\\" } else { "" };
    let trail = if trail && (lead.is_empty() || !body.is_empty()) { "\\" } else { "" };
    format!("{lead}{body}{trail}")
}

fn trim_trailing_separator(text: Text) -> Text {
    let tail = text.trailing_lit();
    if !tail.ends_with('\\') {
        return text;
    }
    let trimmed = tail.trim_end_matches('\\').to_owned();
    let n = text.parts().len();
    Text::from_parts(text.parts()[..n - 1].iter().cloned().chain([Part::Lit(trimmed)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(s: &str) -> String {
        Location::file(&Text::parse(s)).to_string()
    }

    fn reg(s: &str) -> String {
        Location::registry(&Text::parse(s)).to_string()
    }

    #[test]
    fn a_separator_before_what_is_not_known_stands_behind_a_folder() {
        let file = |text: &str| Location::file(&Text::parse(text)).to_string();
        assert_eq!(file("\\{param:name}.php"), "{?}\\{param:name}.php");
        assert_eq!(file("\\data\\{param:name}.php"), "\\data\\{param:name}.php");
        assert_eq!(file("\\\\{param:server}\\x"), "\\\\{param:server}\\x");
    }

    #[test]
    fn files_have_one_normal_form() {
        assert_eq!(file("%AppData%/Contoso\\.\\cart.dat"), "{AppData}\\Contoso\\cart.dat");
        assert_eq!(file("\\\\?\\C:\\a\\b\\..\\c"), "C:\\a\\c");
        assert_eq!(file("~/App_Data/x.mdf"), "{WebRoot}\\App_Data\\x.mdf");
        assert_eq!(file("{AppDir}\\{?}\\~/media/x.png"), "{WebRoot}\\media\\x.png");
        assert_eq!(file("C:\\PROGRA~1\\~x"), "C:\\PROGRA~1\\~x");
        assert_eq!(file("|DataDirectory|errors.s3db"), "{DataDirectory}\\errors.s3db");
        assert_eq!(file("%NR_HOME%\\nr.log"), "{env:NR_HOME}\\nr.log");
        assert_eq!(file("file:///C:/x/y"), "C:\\x\\y");
        assert_eq!(file("%USERPROFILE%\\AppData\\Local\\Temp\\a.tmp"), "{Temp}\\a.tmp");
        assert_eq!(file("%USERPROFILE%\\AppData\\Roaming"), "{AppData}");
        assert_eq!(file("%LOCALAPPDATA%\\Temporary\\a"), "{LocalAppData}\\Temporary\\a");
        assert_eq!(file("{AppDir}state.ini"), "{AppDir}\\state.ini");
        assert_eq!(file("..\\x\\..\\y"), "..\\y");
        assert_eq!(file("\\\\server\\share\\a"), "\\\\server\\share\\a");
        assert_eq!(file("100%sure.txt"), "100%sure.txt");
    }

    #[test]
    fn keys_have_one_normal_form() {
        assert_eq!(reg("HKEY_LOCAL_MACHINE\\SOFTWARE\\Wow6432Node\\Contoso\\"), "HKLM\\SOFTWARE\\Contoso");
        assert_eq!(reg("Software\\Contoso"), "{?}\\Software\\Contoso");
        assert_eq!(
            reg("HKLM\\SYSTEM\\ControlSet001\\Services\\{?}\\Parameters"),
            "HKLM\\SYSTEM\\CurrentControlSet\\Services\\{?}\\Parameters"
        );
        let key = Location::registry(&Text::lit("HKCU\\Software\\A"));
        assert_eq!(Location::registry_value(&key, &Text::new()).to_string(), "HKCU\\Software\\A\\(default)");
    }

    #[test]
    fn places() {
        let place = |s: &str| Location::file(&Text::parse(s)).file_place();
        assert_eq!(place("%TEMP%\\x"), Place::Temp);
        assert_eq!(place("~/App_Data/x"), Place::AppData);
        assert_eq!(place("D:\\data\\x"), Place::DriveD);
        assert_eq!(place("\\\\.\\pipe\\x"), Place::Device);
        assert_eq!(place("NUL"), Place::Device);
        assert_eq!(place("C:\\ClusterStorage\\Volume1\\a"), Place::UncShare);
        assert_eq!(place("/dev/null"), Place::Device);
        assert_eq!(place("https://example.org/a"), Place::Remote);
        assert!(!Location::file(&Text::lit("https://example.org/a")).is_relative());
        assert_eq!(place("\\\\srv\\s\\x"), Place::UncShare);
        assert_eq!(place("app.log"), Place::AppDir);
        assert_eq!(place("{config:appSettings/X}\\a"), Place::Unknown);
    }

    #[test]
    fn relatives_and_extents() {
        let l = Location::file(&Text::lit("logs\\a.log")).based_on(Folder::AppDir);
        assert_eq!(l.to_string(), "{AppDir}\\logs\\a.log");
        assert_eq!((l.extent(), l.file_name(), l.extension().as_deref()), (Extent::Full, Some("a.log"), Some("log")));
        assert_eq!(Location::file(&Text::lit("CONOUT$")).based_on(Folder::Cwd).to_string(), "CONOUT$");
        assert_eq!(Location::unknown().extent(), Extent::None);
        assert_eq!(Location::file(&Text::parse("{param:path}\\{?}")).extent(), Extent::None);
        assert_eq!(
            Location::file(&Text::parse("{env:X}\\erl{?}\\{ProgramFiles}\\erl")).to_string(),
            "{ProgramFiles}\\erl"
        );
        assert_eq!(Location::file(&Text::parse("{?}\\cache.db")).extent(), Extent::Partial);
        assert!(l.is_within(&Location::file(&Text::parse("{AppDir}\\LOGS"))));
    }

    #[test]
    fn joining_respects_absolute_right_sides() {
        let j = |a: &str, b: &str| join_paths(&Text::parse(a), &Text::parse(b)).to_string();
        assert_eq!(j("{AppData}", "x"), "{AppData}\\x");
        assert_eq!(j("a", "C:\\b"), "C:\\b");
        assert_eq!(j("", "b"), "b");
    }
}
