//! Where the script readers put their facts: without doubles, under a cap, with the line as evidence.

use super::queries::Queries;
use super::wrapped::Wrapped;
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Extent, Folder, Hole, Location, NoteKind, Operation, Part, Phase, Place,
    Reading, Site, Source, Store, Text, fold_alternatives,
};
use std::collections::{BTreeMap, HashSet};

/// Most facts of one script: beyond this it is a data file, and more of the same tells nothing new.
pub(crate) const MAX_FACTS: usize = 20_000;
/// Longest piece of source that is quoted as evidence.
const MAX_QUOTE: usize = 240;

/// Collects the facts of one script.
pub(crate) struct Sink<'r> {
    pub(crate) reading: &'r mut Reading,
    /// What the script asks of databases, or does to them.
    pub(crate) queries: Queries,
    /// What services run through a wrapper, by their names.
    pub(super) wrapped: BTreeMap<String, Vec<Wrapped>>,
    /// What must hold for the command that is read to run, by numbers of conditions.
    pub(super) conditions: Vec<usize>,
    /// The command that is read is perhaps never come to, though nothing stands around it that says so: a condition ended the
    /// script before, or what it is in goes through what may be nothing.
    pub(super) perhaps: bool,
    seen: HashSet<(Site, String)>,
    phase: Option<(Phase, String)>,
    capped: bool,
}

impl<'r> Sink<'r> {
    pub(crate) fn new(reading: &'r mut Reading) -> Self {
        Sink {
            reading,
            queries: Queries::default(),
            wrapped: BTreeMap::new(),
            conditions: Vec::new(),
            perhaps: false,
            seen: HashSet::new(),
            phase: None,
            capped: false,
        }
    }

    /// From here on, everything happens in this phase; `None` for no local evidence.
    pub(crate) fn in_phase(&mut self, phase: Option<(Phase, &str)>) {
        self.phase = phase.map(|(phase, why)| (phase, why.to_owned()));
    }

    /// Adds an effect once per site. Devices keep nothing and are left out.
    pub(crate) fn effect(&mut self, site: &Site, mut effect: Effect) {
        if effect.store.is_path() && effect.location.file_place() == Place::Device {
            return;
        }
        // A folder that every machine, or every application, has is not made.
        let is_made = effect.operation == Operation::Create && effect.store == Store::Directory;
        if is_made && matches!(effect.location.text().parts(), [Part::Hole(Hole::Folder(_))]) {
            return;
        }
        // Whether a task is taken away at all depends on what must hold for it.
        if effect.store == Store::Task && effect.operation.removes() && (self.perhaps || !self.conditions.is_empty()) {
            effect.certainty = effect.certainty.min(Certainty::Likely);
        }
        one_of_many(&mut effect);
        without_placeholders(&mut effect);
        let key = format!("{:?} {:?} {} {}", effect.operation, effect.store, effect.location.key(), effect.via);
        if !self.admit(site, key) {
            return;
        }
        if let (Phase::Unknown, Some((phase, why))) = (effect.phase, &self.phase) {
            effect.phase = *phase;
            effect.phase_evidence.clone_from(why);
        }
        self.reading.effect(site.clone(), effect);
    }

    /// Of what one statement may do since the fact of this number, one way or another, keeps what says something new.
    pub(crate) fn fold(&mut self, first: usize) {
        let mut told: BTreeMap<(Operation, Store), Vec<(Location, usize)>> = BTreeMap::new();
        for (number, fact) in self.reading.facts.iter().enumerate().skip(first) {
            if let Body::Effect(effect) = &fact.body {
                told.entry((effect.operation, effect.store)).or_default().push((effect.location.clone(), number));
            }
        }
        let mut gone = HashSet::new();
        for mut places in told.into_values().filter(|places| places.len() > 1) {
            let all: Vec<usize> = places.iter().map(|(_, number)| *number).collect();
            fold_alternatives(&mut places);
            gone.extend(all.into_iter().filter(|number| places.iter().all(|(_, kept)| kept != number)));
        }
        let mut number = 0;
        self.reading.facts.retain(|_| {
            number += 1;
            !gone.contains(&(number - 1))
        });
    }

    /// What was found since the fact of this number is a guess.
    pub(crate) fn doubt(&mut self, first: usize) {
        for fact in self.reading.facts.iter_mut().skip(first) {
            if let Body::Effect(effect) = &mut fact.body {
                effect.certainty = effect.certainty.min(Certainty::Possible);
            }
        }
    }

    /// Adds a clue once per site.
    pub(crate) fn clue(&mut self, site: &Site, mut clue: Clue) {
        // What only the uninstaller starts is not on the instance either.
        if clue.kind == ClueKind::Starts && matches!(self.phase, Some((Phase::NotShipped, _))) {
            "uninstall".clone_into(&mut clue.key);
        }
        let place = clue.location.as_ref().map(Location::key).unwrap_or_default();
        if self.admit(site, format!("{:?} {} {} {place}", clue.kind, clue.key, clue.value)) {
            self.reading.clue(site.clone(), clue);
        }
    }

    /// The path of the script itself.
    pub(crate) fn own_path(&self) -> Text {
        let name = self.reading.artifact.rsplit('/').next().unwrap_or_default();
        Text::folder(Folder::AppDir).concat(&Text::lit(format!("\\{name}")))
    }

    /// Was anything changed or started since the fact of this number?
    pub(crate) fn has_acted(&self, first: usize) -> bool {
        self.reading.facts.iter().skip(first).any(|fact| match &fact.body {
            Body::Effect(effect) => effect.operation != Operation::Read,
            Body::Clue(clue) => clue.kind == ClueKind::Starts,
        })
    }

    /// Adds a note once.
    pub(crate) fn note(&mut self, kind: NoteKind, text: impl Into<String>) {
        let text = text.into();
        if !self.reading.notes.iter().any(|n| n.text == text) {
            self.reading.note(kind, text);
        }
    }

    fn admit(&mut self, site: &Site, key: String) -> bool {
        if self.reading.facts.len() >= MAX_FACTS {
            if !self.capped {
                self.capped = true;
                self.reading.note(NoteKind::Capped, format!("more than {MAX_FACTS} facts: the rest is left out"));
            }
            return false;
        }
        self.seen.insert((site.clone(), key))
    }
}

/// No file has a wildcard in its name: one of those that a pattern means is written.
fn one_of_many(effect: &mut Effect) {
    let written = matches!(
        effect.operation,
        Operation::Create | Operation::Write | Operation::Append | Operation::Copy | Operation::Rename
    );
    let is_pattern = |part: &Part| matches!(part, Part::Lit(lit) if lit.contains(['*', '?']));
    let text = effect.location.text();
    if !written
        || !matches!(effect.store, Store::File | Store::TempFile | Store::Log)
        || !text.parts().iter().any(is_pattern)
    {
        return;
    }
    rewrite(effect, |lit, known| {
        for (number, piece) in lit.split(['*', '?']).enumerate() {
            if number > 0 {
                known.push_hole(Hole::Unknown);
            }
            known.push_lit(piece);
        }
    });
}

/// Says what is known of each literal part of a location, and is no more certain than that.
fn rewrite(effect: &mut Effect, known_of: impl Fn(&str, &mut Text)) {
    let mut known = Text::new();
    for part in effect.location.text().parts() {
        match part {
            Part::Lit(lit) => known_of(lit, &mut known),
            hole => known.push(hole.clone()),
        }
    }
    effect.location = Location::file(&known);
    effect.certainty = effect.certainty.min(certainty(effect.store, &effect.location));
}

/// Signs that no name of a file may have; a mark such as `<auto>` stands for a name (MS documentation: "Naming Files,
/// Paths, and Namespaces"). Wildcards are for [`one_of_many`].
const FORBIDDEN: &[char] = &['<', '>', '|', '"'];

/// A folder or file whose name cannot be is one that is not known.
fn without_placeholders(effect: &mut Effect) {
    let is_forbidden = |part: &Part| matches!(part, Part::Lit(lit) if lit.contains(FORBIDDEN));
    let text = effect.location.text();
    if !effect.store.is_path() || !text.parts().iter().any(is_forbidden) || text.leading_lit().contains("://") {
        return;
    }
    rewrite(effect, |lit, known| {
        for (number, name) in lit.split('\\').enumerate() {
            if number > 0 {
                known.push_lit("\\");
            }
            match name.contains(FORBIDDEN) {
                true => known.push_hole(Hole::Unknown),
                false => known.push_lit(name),
            }
        }
    });
}

/// How certain an effect is whose site is plain to see: by how much of the location is known. What is no plain file
/// or registry write has no harmless use, so it is likely even without a name.
pub(crate) fn certainty(store: Store, location: &Location) -> Certainty {
    match location.extent() {
        Extent::Full => Certainty::Proven,
        Extent::Partial => Certainty::Likely,
        Extent::None if matches!(store, Store::File | Store::Directory | Store::Registry | Store::Ini) => {
            Certainty::Possible
        }
        Extent::None => Certainty::Likely,
    }
}

/// The store that a file location is by its name alone, where that is beyond doubt.
pub(crate) fn file_store(location: &Location) -> Store {
    let key = location.key();
    if key.ends_with("\\drivers\\etc\\hosts") { Store::Hosts } else { Store::File }
}

/// Extensions of what is read again by a program, or by people as a document.
const DATA: &[&str] = &[
    "bat", "cfg", "cmd", "conf", "config", "csv", "htm", "html", "inf", "ini", "json", "md", "ps1", "reg", "sql",
    "vbs", "xml", "yaml", "yml",
];

/// May what a program prints into a file be a log?
pub(crate) fn may_be_log(location: &Location) -> bool {
    location.extension().is_none_or(|extension| !DATA.contains(&extension.as_str()))
}

/// What somebody at a console was asked for.
pub(crate) const PROMPT: &str = "prompt";

/// Where a written text comes from, as far as its parts tell.
pub(crate) fn origin_of(data: &Text) -> crate::facts::Origin {
    use crate::facts::Origin;
    let mut origin = Origin::Constant;
    for part in data.parts() {
        let found = match part {
            Part::Lit(_) | Part::Hole(Hole::Folder(_)) => continue,
            Part::Hole(hole) if hole.is_of_moment() => Origin::Moment,
            Part::Hole(Hole::From(Source::Generated, _)) => Origin::Generated,
            // Who answers at a console runs the script; nobody asks a server for that.
            Part::Hole(Hole::From(Source::Input, name)) if name == PROMPT => Origin::Unknown,
            Part::Hole(Hole::From(Source::Input, _)) => Origin::Input,
            Part::Hole(Hole::From(
                Source::Config
                | Source::Option
                | Source::Env
                | Source::Registry
                | Source::Ini
                | Source::Property
                | Source::Connection,
                _,
            )) => Origin::Configuration,
            Part::Hole(_) => Origin::Unknown,
        };
        // A generated part makes the whole new each time; an unknown part hides the rest.
        if found == Origin::Generated {
            return found;
        }
        if matches!(origin, Origin::Constant | Origin::Moment) || found == Origin::Unknown {
            origin = if origin == Origin::Moment && found == Origin::Configuration { origin } else { found };
        }
    }
    origin
}

/// A piece of source, as evidence quotes it: one line, not too long.
pub(crate) fn quote(source: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in source.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += word.chars().count();
        if length > MAX_QUOTE {
            out = out.chars().take(MAX_QUOTE).collect();
            out.push('…');
            break;
        }
    }
    out
}
