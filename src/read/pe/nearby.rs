//! Guesses for calls of whose places nothing is known: the only name of a file (or of a key) that stands in the same function,
//! and that no other call there is given.
//!
//! Nothing proves that the call is about it. So it is told of as a possibility, beside what is known, and with evidence that
//! says so.

use super::code::report::Event;
use super::code::strings::{is_path_like, literal};
use super::image::Image;
use super::locate::SOURCES;
use super::operands::addresses;
use super::program::Program;
use super::{Map, Set};
use crate::catalog::native::{Api, Model};
use crate::facts::{
    Body, Certainty, Effect, Extent, Fact, Folder, Hole, Location, Operation, Part, Site, Step, Store, Text, Trait,
};
use iced_x86::{FlowControl, Instruction};

/// Most functions that are looked through.
const MAX_FUNCTIONS: usize = 256;
/// Instructions between a literal and the call that is given it, at the most.
const MAX_BETWEEN: usize = 12;
/// Keys below the roots of the registry that programs write below by their names.
const KEYS: [&str; 3] = ["software\\", "system\\", "control panel\\"];
/// Files that are loaded as code, beside sources, which are said in messages.
const CODE: [&str; 5] = [".dll", ".exe", ".ocx", ".drv", ".pas"];

/// A literal of a function.
struct Literal {
    rva: u32,
    text: String,
}

/// The facts of calls whose places are wholly unknown, with the place that stands beside each.
pub(crate) fn guesses(program: &Program<'_>, open: &[(Event, Fact)], events: &[Event]) -> Vec<Fact> {
    let explained = Explained::by(events);
    let mut literals: Map<u32, Vec<Literal>> = Map::default();
    let mut seen: Set<u32> = Set::default();
    let mut facts = Vec::new();
    for (event, fact) in open {
        let Body::Effect(effect) = &fact.body else { continue };
        let Some(function) = program.functions.function_of(event.done_at()) else { continue };
        if literals.len() >= MAX_FUNCTIONS && !literals.contains_key(&function) {
            continue;
        }
        let all = literals.entry(function).or_insert_with(|| literals_of(program, function));
        let is_key = effect.store == Store::Registry;
        let mut named =
            all.iter().filter(|literal| if is_key { names_key(&literal.text) } else { names_file(&literal.text) });
        let (Some(only), None) = (named.next(), named.next()) else { continue };
        if !explained.has(only) && seen.insert(event.site) {
            facts.push(guess(&program.image, fact, effect, only));
        }
    }
    facts
}

/// It surely writes, to a file of whose name nothing is known, or below a key of which nothing is.
pub(crate) fn is_open(fact: &Fact) -> bool {
    let Body::Effect(effect) = &fact.body else { return false };
    let is_unknown = match effect.store {
        Store::File => effect.location.extent() == Extent::None,
        Store::Registry => begins_unknown(effect.location.text()),
        _ => false,
    };
    is_unknown && effect.operation != Operation::Read && !super::effects::is_doubtful(effect)
}

fn begins_unknown(text: &Text) -> bool {
    matches!(text.parts().first(), Some(Part::Hole(Hole::Unknown)))
}

fn guess(image: &Image<'_>, fact: &Fact, effect: &Effect, literal: &Literal) -> Fact {
    let text = Text::lit(literal.text.clone());
    let location = match effect.store {
        Store::Registry => {
            // What is known of the value stands behind the key.
            let key = Text::unknown().concat(&Text::lit(format!("\\{}", literal.text.trim_matches('\\'))));
            let behind = effect.location.text().parts().iter().skip(1);
            let rest = behind.fold(Text::new(), |text, part| match part {
                Part::Lit(lit) => text.concat(&Text::lit(lit.clone())),
                Part::Hole(hole) => text.concat(&Text::hole(hole.clone())),
            });
            Location::named(key.concat(&rest))
        }
        _ => Location::file(&text).based_on(Folder::Cwd),
    };
    let mut effect = Effect { location, certainty: Certainty::Possible, ..effect.clone() };
    effect.mark(Trait::Guessed);
    let at = Site::code(image.section_name(literal.rva), literal.rva);
    effect
        .evidence
        .push(Step::at(format!("string \"{text}\" stands in the same function, and no other name does"), at));
    effect.evidence.push(Step::new("that the call is about it is not proven"));
    Fact { body: Body::Effect(effect), ..fact.clone() }
}

/// What calls are given whose places are known.
struct Explained {
    literals: Set<u32>,
    texts: Vec<String>,
}

impl Explained {
    fn by(events: &[Event]) -> Self {
        let args = || events.iter().flat_map(|event| &event.args);
        let handles = args().filter_map(|arg| arg.handle.as_ref()).flat_map(|handle| &handle.texts);
        let mut texts: Vec<String> = args().flat_map(|arg| &arg.texts).chain(handles).map(Text::to_string).collect();
        texts.sort_unstable();
        texts.dedup();
        Explained { literals: args().filter_map(|arg| arg.literal).collect(), texts }
    }

    /// A call is given it, or something that is made of it.
    fn has(&self, literal: &Literal) -> bool {
        self.literals.contains(&literal.rva) || self.texts.iter().any(|text| text.contains(&literal.text))
    }
}

/// The texts that the instructions of a function point to, each once, without those that are given to a function of Windows
/// which makes no text of them.
fn literals_of(program: &Program<'_>, function: u32) -> Vec<Literal> {
    let image = &program.image;
    let (mut places, mut given): (Vec<u32>, Set<u32>) = (Vec::new(), Set::default());
    let body = program.body(function);
    for block in &body.blocks {
        let instructions = body.instructions.get(block.instructions.clone()).unwrap_or_default();
        for (n, instruction) in instructions.iter().enumerate() {
            let found: Vec<u32> = addresses(instruction).filter_map(|address| image.rva_of(address)).collect();
            let rest = instructions.get(n + 1..).unwrap_or_default();
            let call = rest.iter().take(MAX_BETWEEN).position(is_call).and_then(|call| rest.get(..=call));
            if !found.is_empty() && call.is_some_and(|until| explains(program, until)) {
                given.extend(&found);
            }
            places.extend(found);
        }
    }
    places.sort_unstable();
    places.dedup();
    let constant = |rva: &u32| image.section_of(*rva).is_some_and(|section| !section.is_writable());
    let text = |rva: u32| {
        let text = [false, true].into_iter().filter_map(|wide| literal(image, rva, wide)).max_by_key(String::len)?;
        Some(Literal { rva, text })
    };
    places.into_iter().filter(|rva| constant(rva) && !given.contains(rva)).filter_map(text).collect()
}

fn is_call(instruction: &Instruction) -> bool {
    matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall)
}

/// The last of these instructions calls an imported function that is about what it is given: others put texts together, or are
/// not known. The address of the function may be loaded before.
fn explains(program: &Program<'_>, until: &[Instruction]) -> bool {
    let image = &program.image;
    let slot = |instruction: &Instruction| {
        let slots = addresses(instruction).filter_map(|slot| program.linkage.slots.get(&image.rva_of(slot)?));
        slots.copied().next()
    };
    let import = match until.last() {
        Some(call) if call.flow_control() == FlowControl::Call => {
            let target = image.rva_of(call.near_branch_target());
            target.and_then(|target| program.references.thunks.get(&target)).copied()
        }
        _ => until.iter().rev().find_map(slot),
    };
    let api = |import: usize| program.apis.get(import).copied().flatten();
    let named = |import: usize| program.signature(import).is_some() || api(import).is_some();
    import.is_some_and(|import| named(import) && !api(import).is_some_and(makes_text))
}

fn makes_text(api: Api) -> bool {
    use Model as M;
    matches!(
        api.row.model,
        Some(
            M::Copy
                | M::CopyBytes
                | M::Append
                | M::Duplicate
                | M::Widen
                | M::Narrow
                | M::Format
                | M::FormatList
                | M::FormatCommon
                | M::FullPath
                | M::PathAppend
                | M::PathCombine
                | M::AddExtension
                | M::RenameExtension
                | M::MakePath
                | M::StringSet
                | M::StringAppend
                | M::StringEdit
                | M::StringJoin
                | M::StringView
                | M::Expand
        )
    )
}

fn names_file(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    is_path_like(text)
        && !CODE.iter().chain(&SOURCES).any(|ending| lower.ends_with(ending))
        && !names_key(text)
        && !text.contains('%')
}

fn names_key(text: &str) -> bool {
    let lower = text.trim_start_matches('\\').to_ascii_lowercase();
    KEYS.iter().any(|begin| lower.starts_with(begin)) && !text.contains('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_keys_are_told_from_other_texts() {
        for text in ["C:\\Contoso\\orders.dat", "cache.db", "data\\orders"] {
            assert!(names_file(text) && !names_key(text), "{text}");
        }
        for text in ["orders.cpp", "user32.dll", "An error has occurred.", "Software\\Contoso", "%s\\orders.dat"] {
            assert!(!names_file(text), "{text}");
        }
        assert!(names_key("SOFTWARE\\Contoso\\Desk") && names_key("\\Software\\Contoso"));
    }
}
