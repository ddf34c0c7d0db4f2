//! What is written through the objects of application frameworks: settings, and databases behind drivers.

use super::files::paths;
use super::{argument, effect, evidence, keys};
use crate::facts::{Certainty, Effect, Extent, Fact, Location, Operation, Site, Store, Text};
use crate::read::connection;
use crate::read::pe::code::report::{Arg, Event};
use crate::read::pe::image::Image;
use crate::read::pe::locate;

/// A value of a settings object, in the registry or in a file.
pub(super) fn written(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let row = event.api.row;
    let at = |position: usize| argument(event, row.args.get(position).copied());
    let Some(object) = at(0) else { return Vec::new() };
    let operation = row.effect.map_or(Operation::SetValue, |(operation, _)| operation);
    let name = at(1).map_or_else(Text::unknown, locate::first_text);
    let kept = if object.texts.is_empty() { vec![Text::unknown()] } else { object.texts.clone() };
    let one = |kept: &Text| {
        let (store, location) = place(kept, &name);
        let mut effect = effect(image, event, operation, store, location, object);
        if store == Store::Registry {
            keys::mark_view(image, &mut effect, false, false);
        }
        effect
    };
    kept.iter().map(one).collect()
}

/// Groups are separated by slashes: keys of the registry, sections of a file.
fn place(kept: &Text, name: &Text) -> (Store, Location) {
    let name = match name.as_lit() {
        Some(name) => Text::lit(name.trim_matches('/').replace('/', "\\")),
        None => name.clone(),
    };
    if kept.is_unknown() {
        return (Store::Settings, Location::unknown());
    }
    if kept.leading_lit().starts_with("HK") {
        let (group, value) = match name.as_lit().and_then(|name| name.rsplit_once('\\')) {
            Some((group, value)) => (Text::lit(group), Text::lit(value)),
            None => (Text::new(), name),
        };
        let key = Location::registry(&locate::below_text(kept, &group));
        return (Store::Registry, Location::registry_value(&key, &value));
    }
    let file = Location::file(kept).text().clone();
    // Values without a group are in the section General (Qt documentation: "QSettings").
    let has_group = name.as_lit().is_some_and(|name| name.contains('\\')) || !kept.trailing_lit().ends_with(".ini");
    let section = if has_group { file } else { locate::below_text(&file, &Text::lit("General")) };
    (Store::Ini, Location::named(locate::below_text(&section, &name)))
}

/// What a connection string leads to: a database on this machine, or one elsewhere.
pub(super) fn connected(image: &Image<'_>, event: &Event, site: &Site) -> Vec<Fact> {
    let text = argument(event, event.api.row.args.first().copied());
    let texts = text.map(|arg| arg.texts.as_slice()).unwrap_or_default();
    let facts = texts.iter().filter_map(|text| connection::database(text, "")).filter_map(|database| {
        if let Some(mut effect) = database.effect(&event.via) {
            effect.evidence.extend(evidence(image, event).into_iter().take(1));
            return Some(Fact::effect(site.clone(), effect));
        }
        database.remote().map(|clue| Fact::clue(site.clone(), clue))
    });
    facts.collect()
}

/// The name of a database is that of a file for drivers that keep one.
pub(super) fn database(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let at = |position: usize| argument(event, event.api.row.args.get(position).copied());
    let (Some(driver), Some(name)) = (at(0), at(1)) else { return Vec::new() };
    let driver = locate::first_text(driver);
    let keeps_file = |driver: &str| driver.starts_with("QSQLITE") || driver.contains("SQLCIPHER");
    if driver.as_lit().is_some_and(|driver| !keeps_file(driver)) || name.texts.iter().any(Text::is_empty) {
        return Vec::new();
    }
    let of_name = paths(name).into_iter().map(|location| {
        let mut effect = effect(image, event, Operation::Write, Store::Database, location, name);
        if driver.is_unknown() || effect.location.extent() == Extent::None {
            effect.certainty = Certainty::Possible;
        }
        effect
    });
    of_name.collect()
}

/// What is in a namespace of WMI, as a path of an object is written (MS documentation: "Describing a WMI Object Path").
pub(super) fn within(namespace: &Arg, name: Option<&Arg>) -> Vec<Location> {
    let unknown = || vec![Text::unknown()];
    let names = name.filter(|arg| !arg.texts.is_empty()).map_or_else(unknown, |arg| arg.texts.clone());
    let spaces = namespace.texts.iter().filter(|text| !text.is_unknown() && !text.is_empty()).collect::<Vec<_>>();
    if spaces.is_empty() {
        return names.into_iter().map(Location::named).collect();
    }
    let within = |space: &&Text| (*space).clone().concat(&Text::lit(":"));
    let all = spaces.iter().map(within).flat_map(|space| names.iter().map(move |name| space.clone().concat(name)));
    all.map(Location::named).collect()
}
