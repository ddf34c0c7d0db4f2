//! What one call says of another in the same function: where the shortcut leads that is kept, and that a file which cannot be
//! deleted or renamed by its name is opened to do the same by its handle.

use super::Map;
use super::code::report::Event;
use super::effects::{self, is_by_handle, opened_for};
use super::image::Image;
use super::modes;
use super::program::Program;
use crate::catalog::native::Model;
use crate::facts::{Certainty, Effect, Extent, Fact, Location, Operation, Site, Step, Store, Text, Trait};
use std::collections::BTreeSet;

/// What a call does, in which function: a deletion or a new name, and of which file.
type Change = (u32, Operation, String);

/// See the module.
#[derive(Default)]
pub(crate) struct Beside {
    /// Changes of files by their names, where files are changed by handles too.
    by_name: BTreeSet<Change>,
    /// Calls that open a file which another call deletes or renames by its handle.
    opened_for: BTreeSet<u32>,
    /// Folders that are made, each with the function.
    folders: BTreeSet<(u32, String)>,
    /// Where shortcuts lead, by the function that says it.
    targets: Map<u32, Vec<Target>>,
}

/// Where a shortcut leads: the call that says it, and those that its argument came through.
struct Target {
    site: u32,
    through: Vec<u32>,
    text: Text,
}

fn changes(image: &Image<'_>, event: &Event) -> Vec<(Operation, String)> {
    let changed = |effect: &Effect| matches!(effect.operation, Operation::Delete | Operation::Rename);
    let facts = effects::facts(image, event);
    let changes = facts.iter().filter_map(Fact::as_effect).filter(|effect| changed(effect));
    changes.map(|effect| (effect.operation, effect.location.key())).collect()
}

impl Beside {
    pub(crate) fn of(program: &Program<'_>, events: &[Event]) -> Self {
        let mut beside = Beside::default();
        let any_by_handle = events.iter().any(is_by_handle);
        for event in events {
            beside.opened_for.extend(opened_for(event));
            let Some(function) = program.functions.function_of(event.done_at()) else { continue };
            if event.api.row.effect == Some((Operation::Create, Store::Directory)) {
                let made = effects::facts(&program.image, event);
                let places = made.iter().filter_map(Fact::as_effect).map(|effect| effect.location.key());
                beside.folders.extend(places.map(|place| (function, place)));
            }
            let is_idle = modes::mode(event).is_some_and(|mode| mode.idle);
            if any_by_handle && !is_by_handle(event) && !is_idle {
                let all = changes(&program.image, event).into_iter();
                beside.by_name.extend(all.map(|(operation, key)| (function, operation, key)));
            }
            if event.api.row.model == Some(Model::ShortcutTarget)
                && let Some(text) = effects::argument(event, event.api.row.args.first().copied())
                    .and_then(|path| path.texts.first())
                    .filter(|text| !text.is_unknown() && !text.is_empty())
            {
                let through = event.through.clone();
                let target = Target { site: event.site, through, text: text.clone() };
                let function = program.functions.function_of(event.site).unwrap_or(function);
                beside.targets.entry(function).or_default().push(target);
            }
        }
        beside
    }

    /// It does by a handle what the function does by name: of the same file, or of one that is not known. Or it opens a file for
    /// what another call does.
    pub(crate) fn repeats(&self, program: &Program<'_>, event: &Event, effect: &Effect) -> bool {
        if self.opened_for.contains(&event.site) && modes::mode(event).is_some_and(|mode| mode.idle) {
            return true;
        }
        let function = program.functions.function_of(event.done_at()).filter(|_| is_by_handle(event));
        let Some(function) = function else { return false };
        // The new name stands in a structure: of what is not known whole the name that is given as an argument says more.
        let unsure = match effect.operation {
            Operation::Rename => effect.location.extent() != Extent::Full || effect.certainty < Certainty::Proven,
            _ => effect.location.extent() == Extent::None,
        };
        let same = |(other, operation, key): &Change| {
            *other == function && *operation == effect.operation && (unsure || *key == effect.location.key())
        };
        self.by_name.iter().any(same)
    }

    /// What is guessed of a file is the folder that the function makes: its name, which a loop appends, is missing.
    pub(crate) fn complete(&self, program: &Program<'_>, event: &Event, effect: &mut Effect) {
        let function = program.functions.function_of(event.done_at());
        let is_folder = effect.store == Store::File
            && effect.has(Trait::Guessed)
            && function.is_some_and(|function| self.folders.contains(&(function, effect.location.key())));
        if is_folder {
            let within = effect.location.text().clone().concat(&"\\".into()).concat(&Text::unknown());
            effect.location = Location::file(&within);
        }
    }

    /// Where the shortcut leads: what was said last before it is kept, by whoever called.
    pub(crate) fn targets(&self, program: &Program<'_>, event: &Event, effect: &Effect) -> Vec<Step> {
        let function = program.functions.function_of(event.site).filter(|_| effect.store == Store::Shortcut);
        let said = function.and_then(|function| self.targets.get(&function)).into_iter().flatten();
        let before: Vec<&Target> = said.filter(|target| target.site < event.site).collect();
        let last = before.iter().map(|target| target.site).max();
        let fits = |target: &&&Target| {
            let same = target.through.iter().zip(&event.through).all(|(one, other)| one == other);
            Some(target.site) == last && same
        };
        let site = |rva: u32| Site::code(program.image.section_name(rva), rva);
        let step = |target: &&Target| Step::at(format!("leads to \"{}\"", target.text), site(target.site));
        before.iter().filter(fits).map(step).collect()
    }
}
