//! Version information and manifest: who made a binary, and with which rights it runs.

use super::image::{Directory, Image, u16_at};

/// Type numbers of resources (`winuser.h`).
const RT_VERSION: u32 = 16;
const RT_MANIFEST: u32 = 24;
/// Largest resource that is looked at.
const MAX_RESOURCE: usize = 1 << 16;
/// Deepest nesting of version blocks; real ones have four levels.
const MAX_DEPTH: u32 = 6;
/// Most blocks that are read of one version resource.
const MAX_BLOCKS: usize = 256;

/// Strings of the version resource that tell whose a binary is.
const KEYS: &[&str] = &[
    "CompanyName",
    "ProductName",
    "ProductVersion",
    "FileVersion",
    "FileDescription",
    "InternalName",
    "OriginalFilename",
    "LegalCopyright",
];

/// Key and value pairs of the version resource, for the keys that matter.
pub(crate) fn version_strings(image: &Image<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(data) = resource(image, RT_VERSION) {
        let mut budget = MAX_BLOCKS;
        version_block(data, 0, &mut budget, &mut found);
    }
    found
}

/// `requestedExecutionLevel/@level` of the manifest.
pub(crate) fn execution_level(image: &Image<'_>) -> Option<String> {
    let text = std::str::from_utf8(resource(image, RT_MANIFEST)?).ok()?;
    let tail = &text[text.find("requestedExecutionLevel")?..];
    let value = tail[tail.find("level=")?..].get(7..)?;
    let end = value.find(['"', '\''])?;
    Some(value[..end].to_owned())
}

/// What makes installers of one program: how its manifest names itself.
const MAKERS: &[(&str, &str)] = &[("Nullsoft.NSIS.exehead", "NSIS"), ("JR.Inno.Setup", "Inno Setup")];
/// The type of resource that holds what IExpress packs, and the name of the command that it ends with (MS documentation,
/// "IExpress Wizard": what runs when all is unpacked).
const RT_RCDATA: u32 = 10;
const RUN_PROGRAM: &str = "RUNPROGRAM";

/// How makers of installers call the program that they put before what is to be set up: the product and the company in its
/// version information are those of the customer.
const LAUNCHERS: &[(&str, &str, &str)] = &[
    ("FileDescription", "Setup Launcher", "InstallShield"),
    ("OriginalFilename", "InstallShield Setup", "InstallShield"),
];

/// What made the program to unpack what it carries and to set it up.
pub(crate) fn made_by(image: &Image<'_>, strings: &[(String, String)]) -> Option<&'static str> {
    let is_said = |(key, begin, _): &&(&str, &str, &str)| strings.iter().any(|(k, v)| k == key && v.starts_with(begin));
    if let Some((.., maker)) = LAUNCHERS.iter().find(is_said) {
        return Some(maker);
    }
    if has_data(image, RUN_PROGRAM) {
        return Some("IExpress");
    }
    let manifest = resource(image, RT_MANIFEST)?;
    let names = |name: &str| manifest.windows(name.len()).any(|part| part == name.as_bytes());
    MAKERS.iter().find(|(name, _)| names(name)).map(|(_, maker)| *maker)
}

/// Most named resources of one type that are looked at.
const MAX_NAMED: u32 = 64;

/// Is there a resource of plain data with this name? A name is its length in characters and these (PE/COFF, "Resource
/// Directory String").
fn has_data(image: &Image<'_>, name: &str) -> bool {
    let matches = |at: u32, root: u32| {
        let text = root.checked_add(image.field(at, 0)? & 0x7fff_ffff)?;
        let length = usize::from(image.u16(text)?);
        let data = image.at(text.checked_add(2)?)?.get(..length.checked_mul(2)?)?;
        let is_unit = |(two, c): (&[u8], u8)| two == [c, 0];
        Some(length == name.len() && data.chunks_exact(2).zip(name.bytes()).all(is_unit))
    };
    let found = || {
        let (root, _) = image.directory(Directory::Resource)?;
        let names = entry(image, root, root, Some(RT_RCDATA))?;
        let count = u32::from(image.u16(names.checked_add(12)?)?).min(MAX_NAMED);
        let mut entries = (0..count).filter_map(|i| names.checked_add(16 + i * 8));
        Some(entries.any(|at| matches(at, root) == Some(true)))
    };
    found() == Some(true)
}

/// The first resource of a type: the tree has the levels type, name and language (PE/COFF, "The .rsrc Section").
fn resource<'a>(image: &Image<'a>, kind: u32) -> Option<&'a [u8]> {
    let (root, _) = image.directory(Directory::Resource)?;
    let names = entry(image, root, root, Some(kind))?;
    let languages = entry(image, root, names, None)?;
    let leaf = entry(image, root, languages, None)?;
    let (rva, size) = (image.u32(leaf)?, image.u32(leaf.checked_add(4)?)? as usize);
    let data = image.at(rva)?;
    data.get(..size.min(MAX_RESOURCE).min(data.len()))
}

/// Address of what an entry of a directory points to: the entry with this id, or the first one.
fn entry(image: &Image<'_>, root: u32, directory: u32, id: Option<u32>) -> Option<u32> {
    let named = u32::from(image.u16(directory.checked_add(12)?)?);
    let numbered = u32::from(image.u16(directory.checked_add(14)?)?);
    let skip = if id.is_some() { named } else { 0 };
    for i in skip..named + numbered {
        let at = directory.checked_add(16 + i * 8)?;
        if id.is_none_or(|id| image.u32(at) == Some(id)) {
            return root.checked_add(image.field(at, 4)? & 0x7fff_ffff);
        }
    }
    None
}

/// A block is `length, value length, type, key, padding, value, padding, blocks` (MS documentation: "VS_VERSIONINFO").
fn version_block(data: &[u8], depth: u32, budget: &mut usize, found: &mut Vec<(String, String)>) -> Option<()> {
    if depth > MAX_DEPTH || *budget == 0 {
        return None;
    }
    *budget -= 1;
    let length = usize::from(u16_at(data, 0)?).min(data.len());
    let value_length = usize::from(u16_at(data, 2)?);
    let is_text = u16_at(data, 4)? == 1;
    let data = data.get(..length)?;
    let (key, after) = wide(data, 6)?;
    let value = after.next_multiple_of(4);
    if is_text && KEYS.contains(&key.as_str()) {
        let (text, _) = wide(data, value)?;
        let text = text.trim();
        if !text.is_empty() {
            found.push((key, text.to_owned()));
        }
        return Some(());
    }
    let mut at = (value + if is_text { value_length * 2 } else { value_length }).next_multiple_of(4);
    while let Some(child) = data.get(at..).filter(|c| c.len() > 6) {
        let size = usize::from(u16_at(child, 0)?);
        if size == 0 {
            break;
        }
        version_block(child, depth + 1, budget, found);
        at = (at + size).next_multiple_of(4);
    }
    Some(())
}

/// A zero-terminated UTF-16 string and the offset behind it.
fn wide(data: &[u8], at: usize) -> Option<(String, usize)> {
    let units: Vec<u16> =
        data.get(at..)?.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).take_while(|u| *u != 0).collect();
    let end = at + units.len() * 2 + 2;
    Some((String::from_utf16_lossy(&units), end))
}
