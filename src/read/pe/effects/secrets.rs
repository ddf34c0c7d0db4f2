//! Key containers, protected data, rights.

use super::{argument, effect};
use crate::facts::{Certainty, Effect, Location, Operation, Step, Store, Text};
use crate::read::pe::code::report::{Arg, Event};
use crate::read::pe::image::Image;
use crate::read::pe::locate;

/// `CRYPT_MACHINE_KEYSET` (`wincrypt.h`): the container is one of the machine, not of the user.
const MACHINE_KEYSET: u64 = 0x20;

/// `CRYPT_NEWKEYSET` 8 makes a container, `CRYPT_DELETEKEYSET` 16 removes one, `CRYPT_VERIFYCONTEXT` keeps nothing.
pub(super) fn key_container(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let at = |position: usize| argument(event, event.api.row.args.get(position).copied());
    let Some(flags) = at(1).and_then(|f| f.number.only()) else { return Vec::new() };
    let operation = match flags {
        f if f & 8 != 0 => Operation::Generate,
        f if f & 16 != 0 => Operation::Delete,
        _ => return Vec::new(),
    };
    let name = at(0).cloned().unwrap_or_default();
    // Without a name it is the container that is called like the account (documentation of CryptAcquireContext).
    let unnamed = name.number.only() == Some(0);
    let text = if unnamed { Text::parse("{env:USERNAME}") } else { locate::first_text(&name) };
    let mut effect = effect(image, event, operation, Store::Key, Location::named(text), &name);
    effect.certainty = effect.certainty.max(Certainty::Likely);
    let whose = if flags & MACHINE_KEYSET == 0 { "user" } else { "machine" };
    effect.evidence.push(Step::new(format!("among the keys of the {whose}")));
    vec![effect]
}

/// `CRYPTPROTECT_LOCAL_MACHINE` 4: the key of the machine, otherwise that of the user.
pub(super) fn protected(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let flags = argument(event, event.api.row.args.first().copied());
    let scope = match flags.and_then(|f| f.number.only()) {
        Some(f) if f & 4 != 0 => Text::lit("DPAPI machine key"),
        Some(_) => Text::lit("DPAPI user key"),
        None => Text::lit("DPAPI key"),
    };
    let nothing = Arg::default();
    vec![effect(image, event, Operation::Protect, Store::Ciphertext, Location::named(scope), flags.unwrap_or(&nothing))]
}

/// `SE_FILE_OBJECT` 1, `SE_REGISTRY_KEY` 4.
pub(super) fn secured(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let at = |position: usize| argument(event, event.api.row.args.get(position).copied());
    let Some(name) = at(0) else { return Vec::new() };
    let location = match at(1).and_then(|t| t.number.only()) {
        Some(1) => Location::file(&locate::first_text(name)),
        _ => Location::named(locate::first_text(name)),
    };
    vec![effect(image, event, Operation::Grant, Store::Acl, location, name)]
}
