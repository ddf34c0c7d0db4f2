//! Keys and values of the registry, entries of INI files.

use super::{argument, effect};
use crate::catalog::native::Model;
use crate::facts::{Certainty, Effect, Folder, Location, Operation, Store, Text, Trait, join_paths, registry};
use crate::read::pe::code::handle::access_mask;
use crate::read::pe::code::report::{Arg, Event};
use crate::read::pe::image::{Image, Machine};
use crate::read::pe::locate;

/// The key lives until the machine restarts (MS documentation: "RegCreateKeyEx").
pub(crate) const REG_OPTION_VOLATILE: u64 = 1;
/// A 32-bit program sees the keys of 64-bit ones (MS documentation: "Registry Key Security and Access Rights").
pub(crate) const KEY_WOW64_64KEY: u64 = 0x100;
/// A 64-bit program sees the keys of 32-bit ones.
pub(crate) const KEY_WOW64_32KEY: u64 = 0x200;

/// Access rights that change a key (`winnt.h`): values, keys below it, links, deletion, its rights and its owner; all, the
/// most that is granted, and generic ones.
const ANY_WRITE: u64 = 0x2 | 0x4 | 0x20 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x1000_0000 | 0x0200_0000 | 0x4000_0000;

/// A key, or the values of it that a call may mean. An unnamed value is the default one.
pub(super) fn key_locations(key: &Text, value: Option<&Arg>, operation: Option<Operation>) -> Vec<Location> {
    let key = Location::registry(key);
    match value {
        Some(arg) if arg.is_null() => vec![Location::registry_value(&key, &Text::new())],
        Some(arg) => locate::names(arg).iter().map(|name| Location::registry_value(&key, name)).collect(),
        None if operation == Some(Operation::SetValue) => vec![Location::registry_value(&key, &Text::new())],
        None => vec![key],
    }
}

/// A bare file name is below the Windows folder (MS documentation: "WritePrivateProfileString").
pub(super) fn ini_locations(event: &Event, ini: &[u8]) -> Vec<Location> {
    let part = |i: usize| argument(event, ini.get(i).copied());
    let located = |file: &Text| {
        let bare = file.as_lit().is_some_and(|s| !s.is_empty() && !s.contains(['\\', '/', ':']));
        let text = if bare { join_paths(&Text::folder(Folder::Windows), file) } else { file.clone() };
        Location::file(&text).based_on(Folder::Cwd).text().clone()
    };
    let files = part(0).map_or_else(|| vec![Text::unknown()], locate::names);
    let files: Vec<Text> = files.iter().map(located).collect();
    let entries = [part(1), part(2)].into_iter().flatten();
    let all = entries.fold(files, |above, arg| locate::opened_below(&above, arg));
    all.into_iter().map(Location::named).collect()
}

/// Volatile keys, and the view that a 32-bit program sees.
pub(super) fn mark_key(image: &Image<'_>, event: &Event, effect: &mut Effect, key: Option<u8>) {
    let handle = argument(event, key).and_then(|a| a.handle.as_ref());
    if handle.is_some_and(|h| h.volatile) {
        effect.mark(Trait::Volatile);
    }
    let access = asked_view(event);
    let asks = |view: u64| access.is_some_and(|access| access & view != 0);
    let view32 = handle.is_some_and(|h| h.view32) || asks(KEY_WOW64_32KEY);
    let view64 = handle.is_some_and(|h| h.view64) || asks(KEY_WOW64_64KEY);
    mark_view(image, effect, view32, view64);
}

/// The view of 32-bit programs: asked for, or the program's own, where a key is not one for both.
pub(super) fn mark_view(image: &Image<'_>, effect: &mut Effect, view32: bool, view64: bool) {
    let own = image.machine == Machine::X86 && !view64;
    if (view32 || own) && registry::is_redirected(&effect.location.key()) {
        effect.mark(Trait::View32);
    }
}

/// The access rights or flags with the view that the call itself asks for.
fn asked_view(event: &Event) -> Option<u64> {
    let row = event.api.row;
    let access = if row.model == Some(Model::RegCreate) { row.args.get(3).copied() } else { row.access };
    let number = argument(event, access)?.number.only()?;
    // A function that only reads takes flags: RRF_SUBKEY_WOW6464KEY 0x10000, RRF_SUBKEY_WOW6432KEY 0x20000.
    let reads = row.effect.is_some_and(|(operation, _)| operation == Operation::Read);
    Some(if reads { number >> 8 } else { number })
}

pub(super) fn created_key(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let row = event.api.row;
    let at = |position: usize| argument(event, row.args.get(position).copied());
    let (Some(key), Some(below)) = (at(0), at(1)) else { return Vec::new() };
    let parents = locate::key_texts(key);
    let keys = locate::opened_below(&parents, below);
    let created = keys.iter().map(|key| {
        let mut effect = effect(image, event, Operation::Create, Store::Registry, Location::registry(key), below);
        if locate::is_crossed(&parents, below) {
            effect.certainty = effect.certainty.min(Certainty::Likely);
        }
        // What is there already is only opened; what is set in it has calls of its own.
        if registry::is_always_there(&effect.location.key()) {
            effect.certainty = Certainty::Possible;
        }
        let access = at(3).and_then(|a| a.number.only()).map(access_mask);
        // A handle that only reads leaves a key without values at most.
        if access.is_some_and(|access| access & ANY_WRITE == 0) {
            effect.certainty = Certainty::Possible;
        }
        if let (Some(access), Some(first)) = (access, effect.evidence.first_mut()) {
            first.text = format!("{}: access {access:#x}", first.text);
        }
        if at(4).is_some_and(|options| options.number.has(REG_OPTION_VOLATILE)) {
            effect.mark(Trait::Volatile);
        }
        mark_key(image, event, &mut effect, row.args.first().copied());
        effect
    });
    created.collect()
}

/// Roots of `RtlWriteRegistryValue` (`wdm.h`: RTL_REGISTRY_*).
pub(super) fn rtl_key(event: &Event) -> Option<Text> {
    let relative_to = argument(event, event.api.row.args.first().copied())?.number.only();
    Some(match relative_to.map(|n| n & 0xff) {
        Some(0) => Text::new(),
        Some(1) => Text::lit("HKLM\\SYSTEM\\CurrentControlSet\\Services"),
        Some(2) => Text::lit("HKLM\\SYSTEM\\CurrentControlSet\\Control"),
        Some(3) => Text::lit("HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"),
        Some(4) => Text::lit("HKLM\\HARDWARE\\DEVICEMAP"),
        Some(5) => Text::lit("HKCU"),
        _ => Text::unknown(),
    })
}
