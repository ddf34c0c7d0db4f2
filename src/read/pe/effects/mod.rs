//! From calls with known arguments to effects on state.

mod files;
mod keys;
mod secrets;
mod settings;
mod written;

pub(crate) use keys::{KEY_WOW64_32KEY, KEY_WOW64_64KEY, REG_OPTION_VOLATILE};
pub(crate) use written::{constants, size_of_number, written_arguments};

use super::code::gap::Gap;
use super::code::models::format::without_conversions;
use super::code::report::{Arg, Event};
use super::image::Image;
use super::{locate, modes};
use crate::catalog::native::{self, Model, Row};
use crate::facts::{
    Certainty, Effect, Extent, Fact, Folder, Hole, Location, Operation, Origin, Owner, Part, Site, Source, Step, Store,
    Text, Trait, registry,
};
use crate::read::script::called;
use files::{DOUBT, is_device, paths};
pub(crate) use files::{is_by_handle, opened_for};

/// Begins the step that says why a place is not known.
pub(crate) const NOT_KNOWN: &str = "not known";
/// Begins the step that says why it is not known whether a file is opened for writing.
pub(crate) const MODE_NOT_KNOWN: &str = "mode not known";
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
        .filter(|effect| !makes_root(effect))
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
    // What another machine starts is on that one.
    if let Some(command) = argument(event, event.api.row.starts).filter(|_| !is_remote(event)) {
        facts.extend(starts("service", command, &site));
    }
    facts
}

/// The root folder of a drive is there already: a loop that makes each folder of a path begins with it.
fn makes_root(effect: &Effect) -> bool {
    let is_root =
        |path: &str| matches!(path.as_bytes(), [drive, b':'] | [drive, b':', b'\\'] if drive.is_ascii_alphabetic());
    effect.operation == Operation::Create
        && effect.store == Store::Directory
        && effect.location.text().as_lit().is_some_and(is_root)
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
    let clues = called(how, &text, &Text::folder(Folder::Cwd));
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
        return paths(path).into_iter().filter_map(|l| files::opened(image, event, store, path, l, &mode)).collect();
    }
    match row.model {
        Some(Model::Move) => files::moved(image, event),
        Some(Model::Replace) => files::replaced(image, event),
        Some(Model::FileInformation | Model::NtFileInformation) => files::by_handle(image, event),
        Some(Model::SettingsWrite) => settings::written(image, event),
        Some(Model::SqlDatabase) => settings::database(image, event),
        Some(Model::ShellOperation) => files::shell_operation(image, event),
        Some(Model::TempFileName) => files::temp_file(image, event),
        Some(Model::RegCreate) => keys::created_key(image, event),
        Some(Model::KeyContainer) => secrets::key_container(image, event),
        Some(Model::Dpapi) => secrets::protected(image, event),
        Some(Model::NamedSecurity) => secrets::secured(image, event),
        Some(Model::RtlRegistry) => plain(image, event, keys::rtl_key(event).map(|key| vec![key])),
        _ if row.effect.is_some() => {
            let keys = row.key.and_then(|n| event.args.get(usize::from(n))).map(locate::key_texts);
            plain(image, event, keys)
        }
        _ => Vec::new(),
    }
}

pub(crate) fn argument(event: &Event, n: Option<u8>) -> Option<&Arg> {
    event.args.get(usize::from(n?))
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
    let location = folded(location);
    let certainty = match location.extent() {
        Extent::Full => Certainty::Proven,
        Extent::Partial => Certainty::Likely,
        Extent::None if row.specific => Certainty::Likely,
        Extent::None => Certainty::Possible,
    };
    let mut effect = Effect::new(operation, store, location, certainty, event.via.clone());
    if event.unlikely && effect.operation != Operation::Read {
        effect.certainty = Certainty::Possible;
    }
    // What an interpreter of a script behind the program puts in front of a text, and whether it uses that text, the script
    // says.
    let begins_open = effect.location.text().parts().first() == Some(&Part::Hole(Hole::Unknown));
    if begins_open && event_gap(event) == Gap::Appended {
        effect.certainty = Certainty::Possible;
    }
    // A root of the registry has no value of its own that a program would keep: the name of a key is not known.
    let place = effect.location.text().as_lit().and_then(|place| place.strip_suffix("(default)"));
    let key = place.and_then(|key| registry::split_root(key.trim_end_matches('\\')));
    if store == Store::Registry && key.is_some_and(|(_, below)| below.is_empty()) {
        effect.certainty = Certainty::Possible;
    }
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
    if !constants(event).is_empty() {
        effect.origin = Origin::Constant;
    }
    effect.evidence = evidence(image, event);
    // Of several places each has its own text.
    let place = effect.location.text().to_string();
    let of_others = |step: &Step| {
        let several = event.args.iter().filter(|arg| arg.texts.len() > 1 && arg.literal.is_some());
        several
            .filter_map(|arg| arg.texts.first())
            .any(|text| !place.contains(&text.to_string()) && step.text == format!("string \"{}\"", literal(text)))
    };
    effect.evidence.retain(|step| !of_others(step));
    effect
}

/// Of a place that is made of nothing but holes, below a root of the registry at most, how many they are says nothing.
fn folded(location: Location) -> Location {
    let text = without_conversions(location.text());
    let location = if text == *location.text() { location } else { Location::named(text) };
    let parts = location.text().parts();
    let (root, rest) = match parts.split_first() {
        Some((Part::Lit(first), rest)) if registry::split_root(first).is_some_and(|(_, below)| below.is_empty()) => {
            (first.as_str(), rest)
        }
        _ => ("", parts),
    };
    let is_hole = |part: &Part| matches!(part, Part::Hole(Hole::Unknown));
    let says_nothing = |part: &Part| is_hole(part) || matches!(part, Part::Lit(literal) if literal == "\\");
    match rest.iter().all(says_nothing) && rest.iter().filter(|part| is_hole(part)).count() > 1 {
        true => Location::named(Text::lit(root).concat(&Text::unknown())),
        false => location,
    }
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

/// The argument with what is copied or moved, where the effect is on something else.
fn source(event: &Event) -> Option<usize> {
    let row = event.api.row;
    let moved = || row.args.get(1).and_then(|to| argument(event, Some(*to))).filter(|to| !to.is_null());
    let from = if row.model == Some(Model::Move) { moved().and(row.args.first().copied()) } else { row.from };
    from.map(usize::from)
}

fn quoted(text: &Text) -> String {
    text.to_string().chars().take(MAX_QUOTE).collect()
}

/// A literal as it stands in the image: without the folder that a bare name is below.
fn literal(text: &Text) -> String {
    match text.parts() {
        [Part::Hole(Hole::Folder(Folder::Cwd)), Part::Lit(name)] => quoted(&Text::lit(name.trim_start_matches('\\'))),
        _ => quoted(text),
    }
}

/// The call, its literals, what opened its handle, and through whom its parameters came.
pub(super) fn evidence(image: &Image<'_>, event: &Event) -> Vec<Step> {
    let at = |rva: u32| Site::code(image.section_name(rva), rva);
    let name = event.via.rsplit('!').next().unwrap_or_default();
    let mut steps = vec![Step::at(format!("call of {name}"), at(event.site))];
    let from = source(event);
    for (n, arg) in event.args.iter().enumerate() {
        let what = if from == Some(n) { "from" } else { "string" };
        if let (Some(rva), Some(text)) = (arg.literal, arg.texts.first()) {
            steps.push(Step::at(format!("{what} \"{}\"", literal(text)), at(rva)));
        } else if from == Some(n) {
            let known = arg.texts.iter().filter(|text| !text.is_unknown() && !text.is_empty());
            steps.extend(known.map(|text| Step::new(format!("{what} \"{}\"", quoted(text)))));
        }
        if let Some(handle) = &arg.handle {
            let access = handle.access.map_or(String::new(), |access| format!(" with access {access:#x}"));
            steps.push(Step::at(format!("handle opened{access}"), at(handle.opened_at)));
        }
    }
    // A literal is quoted where it stands.
    if argument(event, event.api.row.data).is_none_or(|data| data.literal.is_none()) {
        steps.extend(constants(event).into_iter().map(Step::new));
    }
    if let Some(rva) = event.told_at {
        steps.push(Step::at(
            "what the command line says is handed on, and nothing else was found that could name the file",
            at(rva),
        ));
    }
    if let Some(rva) = event.ran_from {
        steps.push(Step::at("found by following the code instruction by instruction from here on", at(rva)));
    }
    steps.extend(event.through.iter().map(|rva| Step::at("arguments given by the caller", at(*rva))));
    if event.unlikely {
        steps.push(Step::new("reached only where a name that the caller gives is empty"));
    }
    steps
}

/// An entry of an INI file that is given no value is taken out, and with no name its section is (MS documentation:
/// "WritePrivateProfileStringW").
fn removes_entry(event: &Event) -> bool {
    event.api.row.effect == Some((Operation::SetValue, Store::Ini))
        && argument(event, event.api.row.data).is_some_and(Arg::is_null)
}

/// Effects of a row that says everything itself. `keys` are the possible registry keys, where it is about one.
fn plain(image: &Image<'_>, event: &Event, keys: Option<Vec<Text>>) -> Vec<Effect> {
    let row = event.api.row;
    let Some((operation, store)) = row.effect else { return Vec::new() };
    let operation = if removes_entry(event) { Operation::DeleteValue } else { operation };
    let ini = row.ini.as_ref().and_then(|ini| ini.first().copied());
    let named =
        [ini, row.file, row.value, row.sub, row.name, row.key, row.handle].into_iter().find_map(|n| argument(event, n));
    let nothing = Arg::default();
    let named = named.unwrap_or(&nothing);
    locations(event, keys, row)
        .into_iter()
        .filter(|l| !(operation == Operation::Read && l.extent() == Extent::None))
        .filter(|l| !(store == Store::File && is_device(l)))
        .map(|location| {
            let mut effect = effect(image, event, operation, store, location, named);
            if store == Store::Registry {
                keys::mark_key(image, event, &mut effect, row.key);
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
        return if row.optional && arg.is_null() { Vec::new() } else { paths(arg) };
    }
    if let Some(ini) = &row.ini {
        return keys::ini_locations(event, ini);
    }
    let sub = argument(event, row.sub).filter(|a| !a.is_null());
    let value = argument(event, row.value);
    if let Some(keys) = keys {
        let operation = row.effect.map(|(o, _)| o);
        let keys = sub.map_or(keys.clone(), |sub| locate::opened_below(&keys, sub));
        return keys.iter().flat_map(|key| keys::key_locations(key, value, operation)).collect();
    }
    if let Some(fixed) = &row.fixed {
        let text = event.fixed.clone().unwrap_or_else(|| Text::parse(fixed));
        let below = row.below.iter().filter_map(|n| argument(event, Some(*n)));
        // An argument of which nothing is known still names something.
        let names = below.chain([sub, value].into_iter().flatten());
        let texts = names.fold(vec![text], |above, arg| locate::names_below(&above, arg));
        return texts.into_iter().map(Location::named).collect();
    }
    if let Some(handle) = argument(event, row.handle) {
        return match &handle.handle {
            Some(handle) => handle.texts.iter().cloned().map(Location::named).collect(),
            None => vec![Location::unknown()],
        };
    }
    if let Some(namespace) = argument(event, row.namespace) {
        return settings::within(namespace, argument(event, row.name));
    }
    match argument(event, row.name) {
        Some(arg) if row.optional && arg.is_null() => Vec::new(),
        Some(arg) if !arg.texts.is_empty() => locate::names(arg).into_iter().map(Location::named).collect(),
        _ => vec![Location::unknown()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_alone_are_one_hole() {
        for (of, shown) in [
            ("HKLM\\{?}\\{?}\\{?}\\{?}", "HKLM\\{?}"),
            ("{?}\\{?}", "{?}"),
            ("HKLM\\{?}", "HKLM\\{?}"),
            ("HKLM\\Software\\{?}\\{?}", "HKLM\\Software\\{?}\\{?}"),
            ("{?}\\a\\{?}", "{?}\\a\\{?}"),
            ("{Temp}\\{?}\\{?}", "{Temp}\\{?}\\{?}"),
        ] {
            assert_eq!(folded(Location::named(Text::parse(of))).to_string(), shown);
        }
    }
}
