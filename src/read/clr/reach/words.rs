//! Names of what libraries have, where they are used without a call of IL: in literals that reflection is given, in
//! configuration, and in pages, scripts and sources that are compiled where they lie.

use super::Set;
use crate::discover::{Application, Artifact};
use crate::read::clr::unit::Unit;
use std::collections::HashSet;

/// Bytes of one text, and of all together: beyond that nobody knows what is named.
const MAX_TEXT: u64 = 4 << 20;
const MAX_TEXTS: u64 = 96 << 20;

/// Texts in which types go by their last name, as they are used.
const SOURCES: [&str; 20] = [
    "cs", "vb", "aspx", "ascx", "master", "ashx", "asmx", "asax", "svc", "cshtml", "vbhtml", "razor", "xaml", "asp",
    "php", "ps1", "psm1", "vbs", "wsf", "fs",
];
/// Texts in which types go by their full names.
const DECLARATIONS: [&str; 5] = ["config", "xml", "json", "compiled", "browser"];

/// Names that were found.
pub(super) struct Words {
    /// Last names of types.
    short: Set<Box<str>>,
    /// Full names of types, as reflection writes them.
    full: Set<Box<str>>,
    members: Set<Box<str>>,
}

/// Names that are looked for.
struct Wanted<'u> {
    short: Set<&'u str>,
    full: Set<String>,
    members: Set<&'u str>,
}

impl Words {
    /// Looks for the names of what libraries have; nothing if there is too much to look through.
    pub(super) fn of(app: &Application, units: &[Unit], is_library: &[bool]) -> Option<Self> {
        let libraries = || units.iter().zip(is_library).filter(|(_, is)| **is).map(|(unit, _)| unit);
        let types = || libraries().flat_map(|unit| &unit.types).map(|info| &*info.name);
        let wanted = Wanted {
            short: types().map(last_name).collect(),
            full: types().map(as_reflection_writes).collect(),
            members: libraries().flat_map(|unit| &unit.methods).map(|method| bare_member(&method.name)).collect(),
        };
        let mut found = Words { short: Set::default(), full: Set::default(), members: Set::default() };
        for literal in units.iter().flat_map(|unit| &unit.literals) {
            found.look_through(literal, &wanted, false);
            if let Some(member) = wanted.members.get(&**literal) {
                found.members.insert((*member).into());
            }
        }
        let texts = texts(app)?;
        for (artifact, is_source) in texts {
            // What cannot be opened was said to be so when it was read.
            let bytes = artifact.read(MAX_TEXT).unwrap_or_default();
            found.look_through(&String::from_utf8_lossy(&bytes), &wanted, is_source);
        }
        Some(found)
    }

    /// Is the type of this name, with `/` before what is nested, named somewhere?
    pub(super) fn has_type(&self, name: &str) -> bool {
        self.short.contains(last_name(name)) || self.full.contains(&*as_reflection_writes(name))
    }

    /// Is a member of this name asked for somewhere?
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.members.contains(bare_member(name))
    }

    fn look_through(&mut self, text: &str, wanted: &Wanted<'_>, is_source: bool) {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let mut rest = text;
        let mut before = ' ';
        while let Some(start) = rest.find(is_part) {
            before = rest[..start].chars().next_back().unwrap_or(before);
            let dotted = &rest[start..];
            let end = dotted.find(|c: char| !is_part(c) && !matches!(c, '.' | '+' | '`')).unwrap_or(dotted.len());
            let dotted = &dotted[..end];
            if let Some(name) = wanted.full.get(dotted.trim_end_matches('.')) {
                self.full.insert(name.as_str().into());
            }
            if is_source {
                for word in dotted.split(['.', '+', '`']) {
                    if let Some(name) = wanted.short.get(word) {
                        self.short.insert((*name).into());
                    }
                    if matches!(before, '.' | '"' | '\'' | ':' | '>')
                        && let Some(name) = wanted.members.get(word)
                    {
                        self.members.insert((*name).into());
                    }
                    before = '.';
                }
            }
            before = dotted.chars().next_back().unwrap_or(before);
            rest = &rest[start + end..];
        }
    }
}

/// Texts that may name what an assembly has, and whether they are sources. What describes the members of an assembly lies
/// beside it by its name, and uses nothing. Nothing where there is too much to look through.
fn texts(app: &Application) -> Option<Vec<(&Artifact, bool)>> {
    let stem = |path: &str| path.rsplit_once('.').map_or(path, |(stem, _)| stem).to_lowercase();
    let assemblies = app.artifacts.iter().filter(|a| matches!(a.extension().as_str(), "dll" | "exe"));
    let of_assemblies: HashSet<String> = assemblies.map(|artifact| stem(&artifact.path)).collect();
    let kind = |artifact: &Artifact| {
        let extension = artifact.extension();
        match extension.as_str() {
            "xml" if of_assemblies.contains(&stem(&artifact.path)) => None,
            named if SOURCES.contains(&named) => Some(true),
            named if DECLARATIONS.contains(&named) => Some(false),
            _ => None,
        }
    };
    let texts: Vec<_> = app.artifacts.iter().filter_map(|artifact| Some((artifact, kind(artifact)?))).collect();
    let is_too_much = texts.iter().any(|(text, _)| text.size > MAX_TEXT)
        || texts.iter().map(|(text, _)| text.size).sum::<u64>() > MAX_TEXTS;
    (!is_too_much).then_some(texts)
}

/// The contents of the texts that may name what an assembly has, as far as they are looked through.
pub(in crate::read) fn texts_that_name(app: &Application) -> impl Iterator<Item = Vec<u8>> {
    texts(app).into_iter().flatten().map(|(artifact, _)| artifact.read(MAX_TEXT).unwrap_or_default())
}

/// `List` of `System.Collections.Generic.List`1/Enumerator` is `Enumerator`.
fn last_name(full: &str) -> &str {
    let last = full.rsplit(['/', '.']).next().unwrap_or(full);
    last.split('`').next().unwrap_or(last)
}

/// `Outer+Nested` (ECMA-335 does not say; `System.Type.FullName` does).
fn as_reflection_writes(full: &str) -> String {
    full.replace('/', "+")
}

/// A property by its own name.
fn bare_member(name: &str) -> &str {
    let name = name.rsplit('.').next().unwrap_or(name);
    ["get_", "set_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}
