//! From calls with known arguments to effects on state.

use super::code::gap::Gap;
use super::code::report::{Arg, Event};
use super::image::{Image, Machine};
use super::modes::{self, Mode};
use super::{locate, settings};
use crate::catalog::native::{self, Model, Row};
use crate::facts::{
    Certainty, Effect, Extent, Fact, Folder, Hole, Location, Operation, Origin, Owner, Part, Place, Site, Source, Step,
    Store, Text, Trait, join_paths, registry,
};
use crate::read::script::registered;

/// Begins the step that says why a place is not known.
pub(crate) const NOT_KNOWN: &str = "not known";
/// Begins the step that says why it is not known whether a file is opened for writing.
pub(crate) const MODE_NOT_KNOWN: &str = "mode not known";
/// What the first step says of a call that may as well only read.
const DOUBT: &str = ": whether it writes is not known";
/// The key lives until the machine restarts (MS documentation: "RegCreateKeyEx").
pub(crate) const REG_OPTION_VOLATILE: u64 = 1;
/// A 32-bit program sees the keys of 64-bit ones (MS documentation: "Registry Key Security and Access Rights").
pub(crate) const KEY_WOW64_64KEY: u64 = 0x100;
/// Longest literal that evidence quotes.
const MAX_QUOTE: usize = 120;

/// The facts a call amounts to; none for a read of nothing known, a device, or a mode that only reads.
pub(crate) fn facts(image: &Image<'_>, event: &Event) -> Vec<Fact> {
    let site = Site::code(image.section_name(event.site), event.site);
    match event.api.row.model {
        Some(Model::Starts) => return started(event, site),
        Some(Model::ConnectionString) => return settings::connected(image, event, &site),
        _ => {}
    }
    let mut facts: Vec<Fact> = effects(image, event)
        .into_iter()
        .map(|mut effect| {
            if has_gap(&effect.location) && event_gap(event) > Gap::None {
                effect.evidence.push(Step::new(format!("{NOT_KNOWN}: {}", event_gap(event))));
            }
            if is_doubtful(&effect) && mode_gap(event) > Gap::None {
                effect.evidence.push(Step::new(format!("{MODE_NOT_KNOWN}: {}", mode_gap(event))));
            }
            Fact::effect(site.clone(), effect)
        })
        .collect();
    if let Some(command) = event.api.row.starts.and_then(|n| event.args.get(usize::from(n))) {
        facts.extend(starts("service", command, &site));
    }
    facts
}

/// Something of the place is not known, or only who calls from elsewhere could say it.
fn has_gap(location: &Location) -> bool {
    let open = |part: &Part| matches!(part, Part::Hole(Hole::Unknown | Hole::From(Source::Param, _)));
    location.text().parts().iter().any(open)
}

/// It is not known whether it writes.
pub(crate) fn is_doubtful(effect: &Effect) -> bool {
    effect.evidence.first().is_some_and(|step| step.text.ends_with(DOUBT))
}

/// Why the mode of an open is not known.
pub(crate) fn mode_gap(event: &Event) -> Gap {
    let how = event.api.row.args.iter().skip(1).take(2).filter_map(|n| argument(event, Some(*n)));
    how.filter(|arg| arg.number.all().is_empty() && arg.texts.iter().all(|t| !t.is_full()))
        .map(|arg| arg.gap)
        .max()
        .unwrap_or_default()
}

/// Why the place of a call is not known: that of the first argument which says where and is not known itself.
pub(crate) fn event_gap(event: &Event) -> Gap {
    let row = event.api.row;
    let position = |n: usize| row.args.get(n).copied();
    let places = match row.model {
        Some(Model::NtCreateFile | Model::NtOpenFile) => return event.args.last().map_or(Gap::None, |arg| arg.gap),
        Some(Model::ShellOperation) => return event.args.get(3).map_or(Gap::None, |arg| arg.gap),
        Some(Model::Move) => [position(1), None],
        Some(Model::RegCreate) => [position(0), position(1)],
        _ => [
            [row.file, row.key, row.handle, row.name].into_iter().flatten().next().or(position(0)),
            row.sub.or(row.value),
        ],
    };
    let open = |arg: &&Arg| {
        let root = arg.number.all().iter().any(|n| registry::root_of_handle(*n).is_some());
        let texts = arg.handle.as_ref().map_or(&arg.texts, |handle| &handle.texts);
        !root && !texts.iter().any(|t| t.is_full() && !t.is_empty())
    };
    places.into_iter().filter_map(|n| argument(event, n)).find(open).map_or(Gap::None, |arg| arg.gap)
}

fn started(event: &Event, site: Site) -> Vec<Fact> {
    let clues = event.api.row.args.iter().rev().filter_map(|n| event.args.get(usize::from(*n)));
    let facts = clues.filter(|a| !a.is_null()).map(|a| starts("call", a, &site)).find(|facts| !facts.is_empty());
    facts.unwrap_or_default()
}

/// The program of a command line, and what it is handed.
fn starts(how: &str, command: &Arg, site: &Site) -> Vec<Fact> {
    let text = locate::first_text(command);
    if !text.parts().iter().any(|p| matches!(p, crate::facts::Part::Lit(_))) {
        return Vec::new();
    }
    let clues = registered(how, &text, &Text::folder(Folder::Cwd));
    clues.into_iter().map(|clue| Fact::clue(site.clone(), clue)).collect()
}

fn effects(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let row = event.api.row;
    if let Some(mode) = modes::mode(event) {
        let store = if row.model == Some(Model::SqliteFlags) { Store::Database } else { Store::File };
        let path = match row.model {
            // The name comes from the structure, behind the plain arguments.
            Some(Model::NtCreateFile | Model::NtOpenFile) => event.args.last(),
            _ => row.args.first().and_then(|n| event.args.get(usize::from(*n))),
        };
        let Some(path) = path else { return Vec::new() };
        return paths(path).into_iter().filter_map(|l| opened(image, event, store, path, l, &mode)).collect();
    }
    match row.model {
        Some(Model::Move) => moved(image, event),
        Some(Model::SettingsWrite) => settings::written(image, event),
        Some(Model::SqlDatabase) => settings::database(image, event),
        Some(Model::ShellOperation) => shell_operation(image, event),
        Some(Model::TempFileName) => temp_file(image, event),
        Some(Model::RegCreate) => created_key(image, event),
        Some(Model::KeyContainer) => key_container(image, event),
        Some(Model::Dpapi) => protected(image, event),
        Some(Model::NamedSecurity) => secured(image, event),
        Some(Model::RtlRegistry) => plain(image, event, rtl_key(event).map(|key| vec![key])),
        _ if row.effect.is_some() => {
            let keys = row.key.and_then(|n| event.args.get(usize::from(n))).map(locate::key_texts);
            plain(image, event, keys)
        }
        _ => Vec::new(),
    }
}

pub(super) fn argument(event: &Event, n: Option<u8>) -> Option<&Arg> {
    event.args.get(usize::from(n?))
}

/// The files an argument may name. A relative name is below the current directory.
pub(super) fn paths(arg: &Arg) -> Vec<Location> {
    // A string that is still empty is filled where it is not seen.
    if arg.texts.iter().all(Text::is_empty) {
        return vec![Location::unknown()];
    }
    // A database of SQLite that is not on the disk.
    if arg.texts.iter().any(|text| text.as_lit() == Some(":memory:")) {
        return Vec::new();
    }
    // A reserved name is a device in whatever folder.
    let based = |location: Location| if is_device(&location) { location } else { location.based_on(Folder::Cwd) };
    // A buffer that was emptied before something unknown filled it names nothing.
    let located = |t: &Text| if t.is_empty() { Location::unknown() } else { based(Location::file(t)) };
    arg.texts.iter().map(located).collect()
}

fn is_device(location: &Location) -> bool {
    location.file_place() == Place::Device
}

fn opened(
    image: &Image<'_>,
    event: &Event,
    store: Store,
    path: &Arg,
    location: Location,
    mode: &Mode,
) -> Option<Effect> {
    let operation = mode.operation.unwrap_or(Operation::Write);
    if is_device(&location) {
        return None;
    }
    let mut effect = effect(image, event, operation, store, location, path);
    if mode.operation.is_none() || mode.ambiguous {
        effect.certainty = Certainty::Possible;
    }
    for mark in &mode.traits {
        effect.mark(*mark);
    }
    if let Some(first) = effect.evidence.first_mut() {
        let doubt = if mode.operation.is_none() { DOUBT } else { "" };
        first.text = format!("{}: {}{doubt}", first.text, mode.words);
    }
    Some(effect)
}

/// An effect with its certainty and evidence. `named` is the argument that says where.
pub(super) fn effect(
    image: &Image<'_>,
    event: &Event,
    operation: Operation,
    store: Store,
    location: Location,
    named: &Arg,
) -> Effect {
    let row = event.api.row;
    let certainty = match location.extent() {
        Extent::Full => Certainty::Proven,
        Extent::Partial => Certainty::Likely,
        Extent::None if row.specific => Certainty::Likely,
        Extent::None => Certainty::Possible,
    };
    let mut effect = Effect::new(operation, store, location, certainty, event.via.clone());
    // One of several places, and not all of them are known.
    if named.texts.iter().any(Text::is_unknown) {
        effect.certainty = effect.certainty.min(Certainty::Likely);
    }
    if named.weak && effect.location.extent() != Extent::None {
        effect.mark(Trait::Guessed);
        effect.certainty = effect.certainty.min(Certainty::Likely);
    }
    if event.args.iter().any(|arg| arg.handle.as_ref().is_some_and(|handle| handle.crossed)) {
        effect.certainty = effect.certainty.min(Certainty::Likely);
    }
    if let Some(mark) = row.mark {
        effect.mark(mark);
    }
    if is_remote(event) {
        effect.mark(Trait::Remote);
    }
    if argument(event, row.data).is_some_and(|data| data.literal.is_some()) {
        effect.origin = Origin::Constant;
    }
    effect.evidence = evidence(image, event);
    effect
}

fn is_remote(event: &Event) -> bool {
    let row = event.api.row;
    let handle = |n| argument(event, n).and_then(|a| a.handle.as_ref()).is_some_and(|h| h.remote);
    let host = argument(event, row.host).is_some_and(|a| !a.is_null() && !a.texts.is_empty());
    // A key that is opened or created is where the key above it is.
    let above =
        matches!(row.model, Some(Model::RegCreate | Model::RegOpen)).then(|| row.args.first().copied()).flatten();
    host || [row.key, row.handle, row.parent, above].into_iter().any(handle)
}

/// The call, its literals, what opened its handle, and through whom its parameters came.
pub(super) fn evidence(image: &Image<'_>, event: &Event) -> Vec<Step> {
    let at = |rva: u32| Site::code(image.section_name(rva), rva);
    let name = event.via.rsplit('!').next().unwrap_or_default();
    let mut steps = vec![Step::at(format!("call of {name}"), at(event.site))];
    for arg in &event.args {
        if let (Some(rva), Some(text)) = (arg.literal, arg.texts.first()) {
            let text: String = text.to_string().chars().take(MAX_QUOTE).collect();
            steps.push(Step::at(format!("string \"{text}\""), at(rva)));
        }
        if let Some(handle) = &arg.handle {
            steps.push(Step::at("handle opened", at(handle.opened_at)));
        }
    }
    if let Some(rva) = event.told_at {
        steps.push(Step::at(
            "what the command line says is handed on, and nothing else was found that could name the file",
            at(rva),
        ));
    }
    steps.extend(event.through.iter().map(|rva| Step::at("arguments given by the caller", at(*rva))));
    steps
}

/// Effects of a row that says everything itself. `keys` are the possible registry keys, where it is about one.
fn plain(image: &Image<'_>, event: &Event, keys: Option<Vec<Text>>) -> Vec<Effect> {
    let row = event.api.row;
    let Some((operation, store)) = row.effect else { return Vec::new() };
    let named =
        [row.file, row.value, row.sub, row.name, row.key, row.handle].into_iter().find_map(|n| argument(event, n));
    let nothing = Arg::default();
    let named = named.unwrap_or(&nothing);
    locations(event, keys, row)
        .into_iter()
        .filter(|l| !(operation == Operation::Read && l.extent() == Extent::None))
        .filter(|l| !(store == Store::File && is_device(l)))
        .map(|location| {
            let mut effect = effect(image, event, operation, store, location, named);
            if store == Store::Registry {
                mark_key(image, event, &mut effect, row.key);
            }
            let source = (store == Store::EventLog).then(|| effect.location.text().as_lit()).flatten();
            if source.is_some_and(|name| native::owner_of_source(name) != Owner::Application) {
                effect.mark(Trait::Runtime);
            }
            effect
        })
        .collect()
}

fn locations(event: &Event, keys: Option<Vec<Text>>, row: &Row) -> Vec<Location> {
    if let Some(arg) = argument(event, row.file) {
        return paths(arg);
    }
    if let Some(ini) = &row.ini {
        return vec![ini_location(event, ini)];
    }
    let sub = argument(event, row.sub).filter(|a| !a.is_null());
    let value = argument(event, row.value);
    if let Some(keys) = keys {
        let operation = row.effect.map(|(o, _)| o);
        let keys = sub.map_or(keys.clone(), |sub| locate::keys_below(&keys, sub));
        return keys.iter().map(|key| key_location(key, value, operation)).collect();
    }
    if let Some(fixed) = &row.fixed {
        let mut text = event.fixed.clone().unwrap_or_else(|| Text::parse(fixed));
        let below = row.below.iter().filter_map(|n| argument(event, Some(*n)));
        for arg in below.chain([sub, value].into_iter().flatten()) {
            // An argument of which nothing is known still names something.
            let name = if arg.texts.is_empty() { Text::unknown() } else { locate::first_text(arg) };
            text = locate::below_text(&text, &name);
        }
        return vec![Location::named(text)];
    }
    if let Some(handle) = argument(event, row.handle) {
        return match &handle.handle {
            Some(handle) => handle.texts.iter().cloned().map(Location::named).collect(),
            None => vec![Location::unknown()],
        };
    }
    match argument(event, row.name) {
        Some(arg) if !arg.texts.is_empty() => arg.texts.iter().cloned().map(Location::named).collect(),
        _ => vec![Location::unknown()],
    }
}

/// A key, or a value of it. An unnamed value is the default one.
fn key_location(key: &Text, value: Option<&Arg>, operation: Option<Operation>) -> Location {
    let key = Location::registry(key);
    match value {
        Some(arg) if arg.is_null() => Location::registry_value(&key, &Text::new()),
        Some(arg) => Location::registry_value(&key, &locate::first_text(arg)),
        None if operation == Some(Operation::SetValue) => Location::registry_value(&key, &Text::new()),
        None => key,
    }
}

/// A bare file name is below the Windows folder (MS documentation: "WritePrivateProfileString").
fn ini_location(event: &Event, ini: &[u8]) -> Location {
    let part = |i: usize| argument(event, ini.get(i).copied());
    let file = part(0).map_or_else(Text::unknown, locate::first_text);
    let bare = file.as_lit().is_some_and(|s| !s.is_empty() && !s.contains(['\\', '/', ':']));
    let mut text = if bare { join_paths(&Text::folder(Folder::Windows), &file) } else { file };
    text = Location::file(&text).based_on(Folder::Cwd).text().clone();
    for arg in [part(1), part(2)].into_iter().flatten() {
        text = locate::below_text(&text, &locate::first_text(arg));
    }
    Location::named(text)
}

/// Volatile keys, and the view that a 32-bit program sees.
fn mark_key(image: &Image<'_>, event: &Event, effect: &mut Effect, key: Option<u8>) {
    let handle = argument(event, key).and_then(|a| a.handle.as_ref());
    if handle.is_some_and(|h| h.volatile) {
        effect.mark(Trait::Volatile);
    }
    let redirected = effect.location.key().starts_with("hklm\\software\\");
    let other_view = handle.is_some_and(|h| h.view64);
    if handle.is_some_and(|h| h.view32) || image.machine == Machine::X86 && redirected && !other_view {
        effect.mark(Trait::View32);
    }
}

fn created_key(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let row = event.api.row;
    let at = |position: usize| argument(event, row.args.get(position).copied());
    let (Some(key), Some(below)) = (at(0), at(1)) else { return Vec::new() };
    let parents = locate::key_texts(key);
    let keys = locate::keys_below(&parents, below);
    let created = keys.iter().map(|key| {
        let mut effect = effect(image, event, Operation::Create, Store::Registry, Location::registry(key), below);
        if locate::is_crossed(&parents, below) {
            effect.certainty = effect.certainty.min(Certainty::Likely);
        }
        if at(4).is_some_and(|options| options.number.has(REG_OPTION_VOLATILE)) {
            effect.mark(Trait::Volatile);
        }
        mark_key(image, event, &mut effect, row.args.first().copied());
        if at(3).is_some_and(|access| access.number.has(KEY_WOW64_64KEY)) {
            effect.unmark(Trait::View32);
        }
        effect
    });
    created.collect()
}

/// A move writes the destination; without one, or with the delay flag, it happens at the next start.
fn moved(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let row = event.api.row;
    let at = |position: usize| argument(event, row.args.get(position).copied());
    let (Some(from), Some(to)) = (at(0), at(1)) else { return Vec::new() };
    let delayed = at(2).is_some_and(|f| f.number.only().is_some_and(|n| n & 4 != 0));
    if to.is_null() {
        let operation = Operation::Delete;
        return paths(from).into_iter().map(|l| effect(image, event, operation, Store::File, l, from)).collect();
    }
    let mut effects: Vec<Effect> =
        paths(to).into_iter().map(|l| effect(image, event, Operation::Rename, Store::File, l, to)).collect();
    if delayed {
        for effect in &mut effects {
            effect.evidence.push(Step::new("delayed until the next start of the machine"));
        }
    }
    effects
}

/// `SHFILEOPSTRUCT`: 1 move, 2 copy, 3 delete, 4 rename.
fn shell_operation(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let fields = event.args.get(1..).unwrap_or_default();
    let (function, from, to) = (fields.first(), fields.get(1), fields.get(2));
    let (operation, path) = match function.and_then(|f| f.number.only()) {
        Some(3) => (Operation::Delete, from),
        Some(2) => (Operation::Copy, to),
        _ => (Operation::Rename, to),
    };
    let Some(path) = path else { return Vec::new() };
    paths(path).into_iter().map(|l| effect(image, event, operation, Store::File, l, path)).collect()
}

/// A number of zero asks for a new file to be made.
fn temp_file(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let at = |position: usize| argument(event, event.api.row.args.get(position).copied());
    let (Some(folder), Some(prefix)) = (at(0), at(1)) else { return Vec::new() };
    if at(2).and_then(|n| n.number.only()).is_some_and(|n| n != 0) {
        return Vec::new();
    }
    let name = locate::first_text(prefix).concat(&Text::parse("{generated:counter}.tmp"));
    let text = join_paths(&locate::first_text(folder), &name);
    let location = Location::file(&text).based_on(Folder::Cwd);
    vec![effect(image, event, Operation::Create, Store::TempFile, location, folder)]
}

/// `CRYPT_NEWKEYSET` 8 makes a container, `CRYPT_DELETEKEYSET` 16 removes one, `CRYPT_VERIFYCONTEXT` keeps nothing.
fn key_container(image: &Image<'_>, event: &Event) -> Vec<Effect> {
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
    vec![effect]
}

/// `CRYPTPROTECT_LOCAL_MACHINE` 4: the key of the machine, otherwise that of the user.
fn protected(image: &Image<'_>, event: &Event) -> Vec<Effect> {
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
fn secured(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let at = |position: usize| argument(event, event.api.row.args.get(position).copied());
    let Some(name) = at(0) else { return Vec::new() };
    let location = match at(1).and_then(|t| t.number.only()) {
        Some(1) => Location::file(&locate::first_text(name)),
        _ => Location::named(locate::first_text(name)),
    };
    vec![effect(image, event, Operation::Grant, Store::Acl, location, name)]
}

/// Roots of `RtlWriteRegistryValue` (`wdm.h`: RTL_REGISTRY_*).
fn rtl_key(event: &Event) -> Option<Text> {
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
