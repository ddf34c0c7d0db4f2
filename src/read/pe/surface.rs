//! What the tables of an image say before any code is read: identity, role, and what it is able to do.

use super::code::report::Event;
use super::image::{Directory, Image};
use super::imports::{Import, Linkage};
use super::{packing, resources};
use crate::catalog::native::{self, Api, Model};
use crate::facts::{
    BROUGHT_ALONG, Body, Certainty, Clue, ClueKind, Effect, Fact, Hole, Location, NoteKind, Operation, Owner, Reading,
    SELF_EXTRACTING, SELF_REGISTERING, Site, Source, Step, Store, Text,
};
use std::collections::BTreeSet;

/// The catalogue row of an import, through its ordinal if need be.
pub(crate) fn api_of(import: &Import<'_>) -> Option<Api> {
    native::find(&import.module, name_of(import)?)
}

/// The name of an import.
pub(crate) fn name_of<'a>(import: &Import<'a>) -> Option<&'a str> {
    match import.ordinal {
        Some(ordinal) if import.name.is_empty() => native::name_of_ordinal(&import.module, ordinal),
        _ => Some(import.name),
    }
}

/// Functions that end the thread, the program or the way through the function (MS documentation and the C and C++
/// standards declare them so).
const NEVER_RETURN: &[&str] = &[
    "ExitProcess",
    "ExitThread",
    "FatalAppExitA",
    "FatalAppExitW",
    "FatalExit",
    "FreeLibraryAndExitThread",
    "RaiseFailFastException",
    "RtlExitUserProcess",
    "RtlExitUserThread",
    "exit",
    "_exit",
    "_Exit",
    "quick_exit",
    "abort",
    "terminate",
    "longjmp",
    "_amsg_exit",
    "_invalid_parameter_noinfo_noreturn",
    "_invoke_watson",
    "_CxxThrowException",
    "?terminate@@YAXXZ",
    "__cxa_throw",
    "__cxa_rethrow",
    "__cxa_bad_cast",
    "_Unwind_Resume",
    "_ZSt9terminatev",
];

/// A call of it does not come back.
pub(crate) fn never_returns(import: &Import<'_>) -> bool {
    let Some(name) = name_of(import) else { return false };
    // What libraries of C++ throw with, in both ways of mangling.
    let throws = |name: &str| {
        name.split_once("__throw_").is_some_and(|(before, _)| {
            let digits = before.strip_prefix("_ZSt").unwrap_or("x");
            digits.bytes().all(|b| b.is_ascii_digit())
        }) || name.starts_with("?_X") && name.contains("@std@@YAX")
    };
    NEVER_RETURN.contains(&name) || throws(name)
}

/// `module!Name`, as facts write it.
pub(crate) fn via(import: &Import<'_>) -> String {
    match (name_of(import), import.ordinal) {
        // A name that the catalogue tells apart by machine carries that in brackets.
        (Some(name), _) => format!("{}!{}", import.module, name.split(" (").next().unwrap_or(name)),
        (None, ordinal) => format!("{}!#{}", import.module, ordinal.unwrap_or_default()),
    }
}

/// Identity, role, packing.
pub(crate) fn identify(image: &Image<'_>, linkage: &Linkage<'_>, reading: &mut Reading) {
    let file_name = reading.artifact.rsplit(['/', '!']).next().unwrap_or_default().to_owned();
    let strings = resources::version_strings(image);
    let said = |key: &str| strings.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value.as_str());
    reading.owner = native::owner_of(&file_name, said("CompanyName"), said("ProductName"));
    if native::is_brought_along(&file_name, said("CompanyName"), said("ProductName")) {
        reading.clue(Site::default(), Clue::new(ClueKind::Role, BROUGHT_ALONG, said("ProductName")));
    }
    if reading.owner == Owner::Application && !linkage.library.is_empty() {
        reading.owner = native::owner_of_library(linkage.library, |name| linkage.export(name).is_some());
    }
    // Programs of a Unix for Windows, and its runtime, are brought along as they are.
    if linkage.imports.iter().any(|import| native::is_unix_runtime(&import.module))
        || native::is_unix_runtime(&file_name.to_ascii_lowercase())
    {
        reading.owner = Owner::ThirdParty;
    }
    let maker = resources::made_by(image, &strings);
    for (key, value) in strings {
        reading.clue(Site::default(), Clue::new(ClueKind::Identity, key, value));
    }
    if let Some(level) = resources::execution_level(image) {
        reading.clue(Site::default(), Clue::new(ClueKind::Identity, "execution-level", level));
    }
    if let Some(maker) = maker {
        reading.clue(Site::default(), Clue::new(ClueKind::Role, SELF_EXTRACTING, maker));
    }
    if image.directory(Directory::Clr).is_some() {
        reading.clue(Site::default(), Clue::new(ClueKind::Identity, "clr", "has a CLR header"));
    }
    if let Some(packer) = packing::packer(image, linkage) {
        reading.clue(Site::default(), Clue::new(ClueKind::Opaque, "packed", packer.clone()));
        reading.note(NoteKind::Opaque, format!("packed by {packer}: what it writes shows only after unpacking"));
    } else if let Some(section) = packing::encrypted(image, linkage) {
        reading.clue(Site::default(), Clue::new(ClueKind::Opaque, "encrypted", section));
        reading.note(
            NoteKind::Opaque,
            format!(
                "the code in section {section:?} is encrypted or compressed: what it writes shows only at run time"
            ),
        );
    }
    roles(image, linkage, reading);
}

fn roles(image: &Image<'_>, linkage: &Linkage<'_>, reading: &mut Reading) {
    for name in ["DllRegisterServer", "DllInstall"] {
        if let Some(rva) = linkage.export(name).filter(|_| image.is_dll) {
            let at = Site { symbol: Some(name.to_owned()), ..Site::code(image.section_name(rva), rva) };
            reading.clue(at, Clue::new(ClueKind::Role, SELF_REGISTERING, name));
        }
    }
    let model = |wanted: Model| {
        linkage.imports.iter().find(|import| api_of(import).is_some_and(|api| api.row.model == Some(wanted)))
    };
    if let Some(import) = model(Model::ServiceDispatcher) {
        reading.clue(Site::default(), Clue::new(ClueKind::Role, "service", via(import)));
    }
    if let Some(import) = model(Model::CustomAction) {
        reading.clue(Site::default(), Clue::new(ClueKind::Role, "custom-action", via(import)));
    }
}

/// What the services may be called that a call hands to the dispatcher: the name of each stands behind its main function.
pub(crate) fn services_of(event: &Event) -> impl Iterator<Item = &Text> {
    let is_dispatcher = event.api.row.model == Some(Model::ServiceDispatcher);
    let fields = event.args.get(event.api.row.arity()..).filter(|_| is_dispatcher).unwrap_or_default();
    fields.chunks_exact(2).filter_map(|service| service[1].texts.first())
}

/// Says what the services are called that the image hands to the dispatcher.
pub(crate) fn name_services(events: &[Event], reading: &mut Reading) {
    for event in events {
        for name in services_of(event).filter(|name| name.is_full() && !name.is_empty()) {
            let clue = Clue::new(ClueKind::Role, "service", event.via.clone());
            let nameless = |fact: &&mut Fact| fact.as_clue() == Some(&clue);
            match reading.facts.iter_mut().find(nameless) {
                Some(fact) => fact.body = Body::Clue(clue.at(Location::named(name.clone()))),
                None => reading.clue(Site::default(), clue.at(Location::named(name.clone()))),
            }
        }
    }
}

/// What the image is able to do: one effect for each imported API whose calls were not found, at the lowest certainty.
/// `explained` are the APIs whose calls were found and understood.
pub(crate) fn capabilities(
    image: &Image<'_>,
    linkage: &Linkage<'_>,
    explained: &mut dyn Iterator<Item = String>,
    reading: &mut Reading,
) {
    let mut seen: BTreeSet<String> = explained.collect();
    for import in &linkage.imports {
        let Some(api) = api_of(import) else { continue };
        let name = via(import);
        if !api.row.is_sink() || !seen.insert(name.clone()) {
            continue;
        }
        let Some((operation, store)) = capability(&api) else { continue };
        let at = Site::code(image.section_name(import.slot), import.slot);
        let effect = Effect::new(operation, store, Location::unknown(), Certainty::Possible, name)
            .because(Step::at("imported; no call was found", at.clone()));
        let mut effect = effect;
        if let Some(fixed) = &api.row.fixed {
            let unnamed = |hole: &Hole| matches!(hole, Hole::From(Source::Param, _)).then(Text::unknown);
            effect.location = Location::named(Text::parse(fixed).map_holes(unnamed));
        }
        reading.effect(at, effect);
    }
}

/// What an API does when nothing is known of its arguments. Reads and openers say nothing.
fn capability(api: &Api) -> Option<(Operation, Store)> {
    if let Some((operation, store)) = api.row.effect {
        return (operation != Operation::Read).then_some((operation, store));
    }
    Some(match api.row.model? {
        Model::CreateFile
        | Model::NtCreateFile
        | Model::NtOpenFile
        | Model::OpenStyle
        | Model::Fopen
        | Model::Oflag
        | Model::Openmode
        | Model::QtOpenmode
        | Model::GoOflag
        | Model::VbOpenmode
        | Model::WxOpenmode
        | Model::GnuOpenmode
        | Model::Stgm
        | Model::ShellOperation => (Operation::Write, Store::File),
        Model::SqliteFlags | Model::SqlDatabase | Model::ConnectionString => (Operation::Write, Store::Database),
        Model::Move => (Operation::Rename, Store::File),
        Model::TempFileName => (Operation::Create, Store::TempFile),
        Model::RegCreate => (Operation::Create, Store::Registry),
        Model::Dpapi => (Operation::Protect, Store::Ciphertext),
        Model::NamedSecurity => (Operation::Grant, Store::Acl),
        _ => return None,
    })
}
