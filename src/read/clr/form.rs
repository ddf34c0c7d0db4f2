//! What kind of assembly it is, beyond its code: what its own attributes say, what of it is not IL, and whether its
//! names are those that a programmer wrote.

use super::image::Image;
use super::unit::{Identity, Unit};
use crate::catalog::dotnet::catalog;
use crate::facts::NoteKind;
use cildec::TableId;
use cildec::tables::CustomAttributeRow;
use std::fmt::Write as _;

/// Types below which short names say nothing about obfuscation.
const MIN_TYPES: usize = 20;
/// Longest name that a renamer gives.
const SHORT_NAME: usize = 2;
/// Shortest name that is told to be made of random letters.
const RANDOM_NAME: usize = 12;
/// First bytes of the header of a ReadyToRun image ("READYTORUN_HEADER" of the runtime's file format documentation).
const READY_TO_RUN: &[u8] = b"RTR\0";

/// What the attributes of an assembly as a whole say (ECMA-335 II.22.10).
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// `AssemblyCompanyAttribute`.
    pub(super) company: String,
    /// `AssemblyCopyrightAttribute`.
    pub(super) copyright: String,
    /// `AssemblyProductAttribute`.
    pub(super) product: String,
    /// `TargetFrameworkAttribute`: `.NETCoreApp,Version=v8.0`.
    pub(super) framework: String,
    /// `ReferenceAssemblyAttribute`: it is compiled against, never run.
    pub(super) reference: bool,
}

/// Reads the attributes of the assembly.
pub(super) fn attributes(image: &Image<'_>) -> Attributes {
    let mut found = Attributes::default();
    let tables = image.metadata.tables();
    let rows = tables.iter::<CustomAttributeRow>().filter_map(|(_, row)| row.ok());
    for row in rows.take(super::image::MAX_ROWS as usize).filter(|r| r.parent.table() == Some(TableId::Assembly)) {
        let text = || image.metadata.blobs().get(row.value).ok().and_then(first_string).unwrap_or_default();
        match &*image.made_type(row.constructor) {
            "System.Reflection.AssemblyCompanyAttribute" => found.company = text(),
            "System.Reflection.AssemblyCopyrightAttribute" => found.copyright = text(),
            "System.Reflection.AssemblyProductAttribute" => found.product = text(),
            "System.Runtime.Versioning.TargetFrameworkAttribute" => found.framework = text(),
            "System.Runtime.CompilerServices.ReferenceAssemblyAttribute" => found.reference = true,
            _ => {}
        }
    }
    found
}

/// The first argument of an attribute, a string (II.23.3).
pub(super) fn first_string(blob: &[u8]) -> Option<String> {
    let rest = blob.strip_prefix(&[1, 0])?;
    let (length, size) = cildec::read_compressed_u32(rest).ok()?;
    let text = rest.get(size..)?.get(..length as usize)?;
    Some(String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

/// Names the systems that a member is for; may stand there once for each.
const FOR_PLATFORM: &str = "System.Runtime.Versioning.SupportedOSPlatformAttribute";
/// The same of those that it is not for.
const NOT_FOR_PLATFORM: &str = "System.Runtime.Versioning.UnsupportedOSPlatformAttribute";
const FOR_WINDOWS: &str = "System.Runtime.Versioning.SupportedOSPlatformAttribute(windows)";
const NOT_FOR_WINDOWS: &str = "System.Runtime.Versioning.SupportedOSPlatformAttribute(other)";

/// Adds an attribute of a type or method by its name, and for whether it is for Windows by its value.
pub(super) fn add_attribute<'b>(to: &mut Vec<Box<str>>, ty: Box<str>, value: impl FnOnce() -> &'b [u8]) {
    if !matches!(&*ty, FOR_PLATFORM | NOT_FOR_PLATFORM) {
        return to.push(ty);
    }
    let platform = first_string(value()).unwrap_or_default().to_ascii_lowercase();
    let is_windows = platform.strip_prefix("windows").is_some_and(|version| !version.starts_with(char::is_alphabetic));
    let has = |to: &[Box<str>], name: &str| to.iter().any(|known| &**known == name);
    match (&*ty == FOR_PLATFORM, is_windows) {
        (true, true) => {
            to.retain(|known| &**known != NOT_FOR_WINDOWS);
            to.push(FOR_WINDOWS.into());
        }
        (true, false) if !has(to, FOR_WINDOWS) => to.push(NOT_FOR_WINDOWS.into()),
        // Beside a version: no longer, or not yet.
        (false, true) if platform == "windows" => to.push(NOT_FOR_WINDOWS.into()),
        _ => {}
    }
}

/// How much of an assembly its IL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// All of it.
    IlOnly,
    /// Compiled ahead of time as well; the IL is there too.
    Precompiled,
    /// Native code that is not there as IL: C++/CLI.
    Mixed,
}

/// Looks at the CLI header (II.25.3.3).
pub(super) fn code(image: &Image<'_>) -> Code {
    let Ok(header) = image.pe.cli_header() else { return Code::IlOnly };
    let native = header.managed_native_header;
    let precompiled = image.pe.rva_slice(native.rva, READY_TO_RUN.len()).is_ok_and(|magic| magic == READY_TO_RUN);
    match (precompiled, header.flags.il_only()) {
        (true, _) => Code::Precompiled,
        (false, true) => Code::IlOnly,
        (false, false) => Code::Mixed,
    }
}

/// Notes on the kind of assembly.
pub(super) fn notes(image: &Image<'_>, unit: &Unit, of: &Attributes) -> Vec<(NoteKind, String)> {
    let mut notes = Vec::new();
    match code(image) {
        Code::IlOnly => {}
        Code::Precompiled => notes.push((
            NoteKind::Info,
            "compiled ahead of time (ReadyToRun): the IL that it was compiled from is there and was read".to_owned(),
        )),
        Code::Mixed => notes.push((
            NoteKind::Info,
            "managed and native code in one image: the IL was read as an assembly, the rest as machine code".to_owned(),
        )),
    }
    if of.reference {
        notes.push((NoteKind::Info, "a reference assembly: it is compiled against and has no code".to_owned()));
    } else if unit.types.len() <= 1 && !unit.identity.name.is_empty() {
        let forwards = image.metadata.tables().row_count(TableId::ExportedType) > 0;
        let text = match unit.identity.culture.as_str() {
            "" if forwards => "has no types of its own: it leads to those of other assemblies".to_owned(),
            "" => "has no types: resources only".to_owned(),
            culture => format!("resources for the culture {culture} only"),
        };
        notes.push((NoteKind::Info, text));
    }
    notes.extend(obfuscation(unit));
    notes
}

/// Letters of both cases and digits in no order that words have: `qHgLsckTUCnoNVIDZOud`.
fn is_random(name: &str) -> bool {
    let class = |c: char| (c.is_ascii_lowercase(), c.is_ascii_uppercase(), c.is_ascii_digit());
    let turns = name.chars().zip(name.chars().skip(1)).filter(|(a, b)| class(*a) != class(*b)).count();
    name.len() >= RANDOM_NAME && name.bytes().all(|c| c.is_ascii_alphanumeric()) && turns * 3 >= name.len()
}

fn obfuscation(unit: &Unit) -> Option<(NoteKind, String)> {
    let named = |ty: &str| unit.types.iter().map(|t| &t.name).chain(&unit.type_refs).any(|name| &**name == ty);
    if let Some(row) = catalog().obfuscators.iter().find(|row| row.types.split_whitespace().any(named)) {
        let (kind, rest) = match row.hides {
            true => (NoteKind::Opaque, "it can hide strings and calls, and what it hid is not seen"),
            false => (NoteKind::Info, "names are not those that were written"),
        };
        return Some((kind, format!("obfuscated with {}: {rest}", row.name)));
    }
    let own = |name: &str| name.rsplit(['.', '/']).next().map(str::to_owned).unwrap_or_default();
    let names = unit.types.iter().skip(1).map(|t| own(&t.name));
    let (mut all, mut renamed) = (0_usize, 0_usize);
    for name in names.filter(|name| !name.contains(['<', '$'])) {
        all += 1;
        renamed += usize::from(name.chars().count() <= SHORT_NAME || name.contains("\\u") || is_random(&name));
    }
    (all >= MIN_TYPES && renamed * 2 > all)
        .then(|| (NoteKind::Info, format!("obfuscated: {renamed} of {all} types have names that no programmer gives")))
}

/// A name as it can be shown: what cannot be seen, or reorders the text around it, is written as `\u202e`:
/// braces would end the hole that a parameter of this name is.
pub(super) fn visible(name: &str) -> Option<String> {
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let hidden = |c: char| {
        c.is_control()
            || matches!(u32::from(c), 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
                | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000 | 0x3164 | 0xe000..=0xf8ff
                | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xffff | 0xe0000..=0x10_ffff)
    };
    name.chars().any(hidden).then(|| {
        let mut out = String::with_capacity(name.len() * 2);
        for c in name.chars() {
            if hidden(c) {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            } else {
                out.push(c);
            }
        }
        out
    })
}

/// What is told of an assembly's identity, by key.
pub(super) fn identity<'a>(
    of: &'a Identity,
    attributes: &'a Attributes,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    [
        ("name", of.name.as_str()),
        ("version", of.version.as_str()),
        ("token", of.token.as_str()),
        ("culture", of.culture.as_str()),
        ("company", attributes.company.trim()),
        ("framework", attributes.framework.trim()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_seen_are_written_out() {
        assert_eq!(visible("Contoso.Orders"), None);
        assert_eq!(visible("Größe"), None);
        assert_eq!(visible("\u{202e}a\u{1}").as_deref(), Some("\\u202ea\\u0001"));
    }

    #[test]
    fn attribute_arguments() {
        assert_eq!(first_string(b"\x01\0\x07Contoso\0\0").as_deref(), Some("Contoso"));
        assert_eq!(first_string(b"\x01\0\xff\0\0"), None);
        assert_eq!(first_string(b"\x01\0\x40Contoso"), None);
    }
}
