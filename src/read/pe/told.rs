//! Files that whoever starts the program names, where the way of the name cannot be followed.
//!
//! A program with a parser of its own takes its command line (`GetCommandLine`), keeps what it says in objects, and
//! hands these to a function that, somewhere below it, opens a file for writing whose name nothing in the code says.
//! The name is then most likely one of the command line. This is a guess, and made only where the function that is
//! handed the objects reaches nothing else that a name could come from: no value of the registry, no INI file, no
//! environment, no known folder, no dialog, no network; where the image opens no file for reading whose name it knows, for
//! that may say the name; and where it is an object or a function of the image that gives the name, not a variable, a
//! buffer or a computation, in which a name of the image's own may stand.

use super::code::gap::Gap;
use super::code::report::{Event, InternalCall};
use super::image::Image;
use super::program::Program;
use super::{Map, Set};
use super::{effects, modes, surface};
use crate::catalog::native::{Api, Model};
use crate::facts::{Effect, Extent, Fact, Folder, Hole, Operation, Part, Source, Store, Text, Trait};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Most functions that take the command line.
const MAX_TAKERS: usize = 4;
/// Most functions that are looked at below one that is handed the objects.
const MAX_REACHED: usize = 20_000;
/// Bytes of an object: what is handed on is often a part of one.
const MAX_OBJECT: i32 = 0x800;
/// Modules from which names come over the network or from a dialog.
const MODULES: [&str; 6] = ["ws2_32", "wsock32", "wininet", "winhttp", "urlmon", "comdlg32"];
/// Functions, without the letter of their form, that give what a user typed or chose.
const TYPED: [&str; 5] = ["GetWindowText", "GetDlgItemText", "GetClipboardData", "SHBrowseForFolder", "ReadConsole"];

/// Fills in the names of files that nothing in the code says.
pub(crate) fn tell(program: &Program<'_>, events: &mut [Event]) {
    if program.image.is_dll
        || !events.iter().any(is_open_end)
        || events.iter().any(|event| reads_known_file(&program.image, event))
    {
        return;
    }
    let takers = takers(program);
    if takers.is_empty() {
        return;
    }
    let calls = Calls::of(program);
    let sources = sources(program);
    for taker in takers {
        for handed in handed_on(program, &calls, taker) {
            let below = calls.reached_from(handed.target);
            if below.iter().any(|function| sources.contains(function)) {
                continue;
            }
            for event in events.iter_mut().filter(|event| is_open_end(event)) {
                if program.functions.function_of(event.done_at()).is_some_and(|function| below.contains(&function)) {
                    name(event, handed.site);
                }
            }
        }
    }
}

/// It reads a file that the program knows by its name, where the names of others may stand: settings. A name that is
/// guessed itself proves no such file.
fn reads_known_file(image: &Image<'_>, event: &Event) -> bool {
    let reads = |effect: &Effect| {
        effect.operation == Operation::Read
            && effect.store == Store::File
            && effect.location.extent() == Extent::Full
            && !effect.has(Trait::Guessed)
    };
    effects::facts(image, event).iter().filter_map(Fact::as_effect).any(reads)
}

/// It opens a file for writing, and nothing of its name is known, though a function of the image or an object gave it.
/// A variable, a buffer or what is computed may hold a name of the image's own that was not recovered.
fn is_open_end(event: &Event) -> bool {
    let writes = modes::mode(event)
        .is_some_and(|mode| mode.operation.is_some_and(|operation| operation != Operation::Read) && !mode.ambiguous);
    let path = effects::argument(event, event.api.row.args.first().copied());
    let inside = |gap: Gap| matches!(gap, Gap::Function | Gap::Field);
    event.api.row.model == Some(Model::CreateFile)
        && writes
        && path.is_some_and(|path| path.texts.iter().all(Text::is_unknown) && inside(path.gap))
}

fn name(event: &mut Event, handed_at: u32) {
    let Some(path) = event.api.row.args.first().and_then(|n| event.args.get_mut(usize::from(*n))) else { return };
    path.texts = vec![Text::from_source(Source::Arg, "command-line")];
    path.weak = true;
    path.gap = Gap::None;
    event.told_at = Some(handed_at);
}

/// Functions that ask for the command line.
fn takers(program: &Program<'_>) -> BTreeSet<u32> {
    let asks =
        |import: usize| matches!(program.apis.get(import), Some(Some(api)) if api.row.model == Some(Model::Input));
    let slots = program.references.slots.iter().filter(|(_, import)| asks(*import));
    slots.filter_map(|(at, _)| program.functions.function_of(*at)).take(MAX_TAKERS).collect()
}

/// Calls of a taker to which it hands an object that was made of the command line, by a function that made none.
fn handed_on(program: &Program<'_>, calls: &Calls, taker: u32) -> Vec<InternalCall> {
    program.wanted.replace(Rc::new(calls.of.get(&taker).cloned().unwrap_or_default()));
    program.forget(taker);
    let Some(report) = program.report(taker, 0) else { return Vec::new() };
    let mut made = report.calls.clone();
    made.sort_by_key(|call| call.site);
    let mut told: Vec<i32> = Vec::new();
    let mut handed = Vec::new();
    for call in made {
        let takes_text = call.args.iter().any(|(_, arg)| arg.texts.iter().any(is_command_line));
        let takes_object = call.frame.iter().any(|at| told.iter().any(|told| (*told..*told + MAX_OBJECT).contains(at)));
        if takes_text || takes_object {
            told.extend(&call.frame);
        }
        if takes_object {
            handed.push(call);
        }
    }
    handed
}

fn is_command_line(text: &Text) -> bool {
    let taken = |part: &Part| matches!(part, Part::Hole(Hole::From(Source::Arg, name)) if name == "command-line");
    text.parts().iter().any(taken)
}

/// Functions that ask for something else that a name could be made of.
fn sources(program: &Program<'_>) -> Set<u32> {
    let imports = &program.linkage.imports;
    let gives = |import: usize| {
        let named = imports.get(import).is_some_and(|import| {
            let name = surface::name_of(import).unwrap_or_default();
            MODULES.contains(&import.module.trim_end_matches(".dll"))
                || TYPED.iter().any(|typed| name.starts_with(typed))
        });
        named || matches!(program.apis.get(import), Some(Some(api)) if gives_names(api))
    };
    let through_thunks = program.references.edges.iter().filter_map(|(target, from)| {
        let import = program.references.thunks.get(target)?;
        Some((*from, *import))
    });
    let all = program.references.slots.iter().copied().chain(through_thunks).filter(|(_, import)| gives(*import));
    all.filter_map(|(at, _)| program.functions.function_of(at)).collect()
}

fn gives_names(api: &Api) -> bool {
    let reads = api.row.effect.is_some_and(|(operation, store)| {
        operation == Operation::Read && !matches!(store, Store::File | Store::Directory)
    });
    let known = api.row.known_folder.is_some_and(|folder| folder != Folder::Temp && folder != Folder::Cwd);
    let asks = matches!(
        api.row.model,
        Some(
            Model::CsidlPath | Model::KnownFolder | Model::Expand | Model::EnvGet | Model::EnvDup | Model::StandardPath
        )
    );
    reads || known || asks
}

/// Which function calls which directly.
struct Calls {
    of: Map<u32, Set<u32>>,
}

impl Calls {
    fn of(program: &Program<'_>) -> Self {
        let mut of: Map<u32, Set<u32>> = Map::default();
        for (target, from) in &program.references.edges {
            if let Some(caller) = program.functions.function_of(*from)
                && program.functions.is_start(*target)
            {
                of.entry(caller).or_default().insert(*target);
            }
        }
        Calls { of }
    }

    /// A function and everything that it calls, at whatever remove.
    fn reached_from(&self, function: u32) -> Set<u32> {
        let mut reached = Set::from_iter([function]);
        let mut open = vec![function];
        while let Some(function) = open.pop() {
            for next in self.of.get(&function).into_iter().flatten() {
                if reached.len() < MAX_REACHED && reached.insert(*next) {
                    open.push(*next);
                }
            }
        }
        reached
    }
}
