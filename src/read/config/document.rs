//! A document that is being read: its tree, its places in the text, and what most of its readers do with them.

use super::select::{select, select_one};
use super::syntax::{expand, java_variables};
use super::token;
use super::tree::{NodeId, ROOT, Tree};
use super::xml::Break;
use crate::catalog::config::{Row, connections, rows, transfers};
use crate::discover::{Kind, not_in_force};
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Extent, Fact, Folder, Hole, Location, NoteKind, Part, Phase, Reading,
    Site, Source, Step, Text, is_out_of_service, join_paths,
};
use crate::read::Input;
use crate::read::connection::{database, is_secret, without_secrets};
use crate::read::text::LineIndex;
use std::collections::HashSet;

/// Most clues about values that one document gives; a configuration has a few hundred values.
pub(crate) const MAX_CLUES: usize = 5_000;
/// Longest value that can be a path, a switch or a connection string.
pub(crate) const MAX_CLUE_VALUE: usize = 2_048;

/// Sections with providers that are off until they are switched on: the default of `RoleManagerSection.Enabled` is false,
/// those of other sections of `System.Web` are true (.NET Framework reference source).
const OFF_BY_DEFAULT: [&str; 1] = ["roleManager"];

/// Evidence of the phase of what a running application's configuration causes.
pub(crate) const RUNNING: &str = "configuration of the running application";

/// The document and what is known about it.
pub(crate) struct Document<'a> {
    /// What is read.
    pub(crate) input: &'a Input<'a>,
    /// Its nodes.
    pub(crate) tree: Tree,
    /// Offsets to lines.
    pub(crate) index: LineIndex<'a>,
    /// Nodes of this number are the document's own; those of included files only inform.
    pub(crate) own: u8,
    /// Nodes of all files count: the whole is looked at, not what one file says.
    pub(crate) everything: bool,
    /// The environment that the document is for: `Release`, `Development`.
    pub(crate) environment: Option<String>,
    /// When what it causes happens, and how that is known.
    pub(crate) phase: (Phase, String),
    /// Command lines read so far.
    pub(crate) lines: usize,
    /// Clues given so far.
    clues: usize,
}

/// A path that starts with a date or an id is relative, too.
fn based_on(location: Location, base: Folder) -> Location {
    // `.` is the folder itself.
    if location.text().parts().is_empty() {
        return Location::named(Text::folder(base));
    }
    match location.text().parts().first() {
        Some(Part::Hole(Hole::From(Source::Generated, _))) => {
            Location::file(&join_paths(&Text::folder(base), location.text()))
        }
        _ => location.based_on(base),
    }
}

/// Effects that another reading of the same document does not have are a possibility only.
pub(crate) fn weigh_against(reading: &mut Reading, first: usize, holds: &Reading, why: &str) {
    let key = |e: &Effect| (e.operation, e.store, e.location.key());
    let remain: HashSet<_> = holds.facts.iter().filter_map(Fact::as_effect).map(key).collect();
    for fact in reading.facts.iter_mut().skip(first) {
        if let Body::Effect(effect) = &mut fact.body
            && !remain.contains(&key(effect))
        {
            effect.certainty = Certainty::Possible;
            effect.evidence.push(Step::new(why));
        }
    }
}

/// Folders that only other systems have (Filesystem Hierarchy Standard 3.0): what is configured below them does not run
/// on Windows. Others of that standard, `/opt` or `/tmp`, are found on Windows too, on the drive of the program.
const OTHER_SYSTEMS: &[&str] = &["\\var\\", "\\usr\\", "\\etc\\", "\\srv\\", "\\dev\\", "\\proc\\"];

fn is_of_another_system(location: &Location) -> bool {
    let path = location.text().leading_lit();
    OTHER_SYSTEMS.iter().any(|folder| path.starts_with(folder))
}

/// The file that a pattern means, or the folder of those that it means.
fn folder_of_pattern(pattern: &str) -> String {
    let pattern = pattern.replace("\\\\", "\\").replace('/', "\\");
    match pattern.find(['*', '?']) {
        Some(at) => pattern[..at].rfind('\\').map_or(String::new(), |end| pattern[..end].to_owned()),
        None => pattern,
    }
}

impl<'a> Document<'a> {
    /// A document, with a note about the place where it broke.
    pub(crate) fn new(
        input: &'a Input<'a>,
        text: &'a str,
        parsed: (Tree, Option<Break>),
        reading: &mut Reading,
    ) -> Self {
        let (tree, broken) = parsed;
        let index = LineIndex::new(text);
        if let Some(broken) = broken {
            let (line, column) = index.position(broken.offset.min(text.len()));
            let kind = if broken.is_unsupported { NoteKind::Unsupported } else { NoteKind::Malformed };
            reading.note(kind, format!("{line}:{column}: {}; what could be read counts", broken.reason));
        }
        if tree.capped {
            reading.note(NoteKind::Capped, "more nodes than the cap for one document; the rest was not read");
        }
        Document {
            input,
            tree,
            index,
            own: 0,
            everything: false,
            environment: None,
            phase: match not_in_force(input.artifact, input.app.deployed()) {
                Some(why) => (Phase::NotShipped, why.to_owned()),
                None => (Phase::Run, RUNNING.to_owned()),
            },
            lines: 0,
            clues: 0,
        }
    }

    /// Written in this document, not in one that it includes.
    pub(crate) fn is_own(&self, id: NodeId) -> bool {
        self.everything || self.tree.node(id).source == self.own
    }

    /// Where a node is written.
    pub(crate) fn site(&self, id: NodeId) -> Site {
        if id == ROOT {
            return Site::text(1, 1);
        }
        self.index.site(self.tree.node(id).offset).with_key(self.tree.path(id))
    }

    /// What is written from a node on, up to the next one.
    pub(crate) fn written(&self, id: NodeId) -> &str {
        let from = self.tree.node(id).offset;
        self.index.rest(from, self.tree.next_offset(id))
    }

    /// Tells that the document counts in one environment only; what is for developers and tests causes nothing in service.
    pub(crate) fn is_for(&mut self, environment: &str, reading: &mut Reading) {
        if is_out_of_service(environment) {
            let file = self.input.artifact.file_name();
            self.phase = (Phase::NotShipped, format!("{file} counts in the environment {environment} only"));
        }
        self.environment = Some(environment.to_owned());
        reading.environment.clone_from(&self.environment);
    }

    /// A key with the environment, if there is one.
    pub(crate) fn keyed(&self, key: &str) -> String {
        match &self.environment {
            Some(environment) => format!("{key}@{environment}"),
            None => key.to_owned(),
        }
    }

    /// Adds an effect at a node, if the document itself says it.
    pub(crate) fn effect(&self, reading: &mut Reading, at: NodeId, effect: Effect) {
        if self.is_own(at) && !is_of_another_system(&effect.location) {
            reading.effect(self.site(at), effect);
        }
    }

    /// Adds a clue at a node, if the document itself says it.
    pub(crate) fn clue(&mut self, reading: &mut Reading, at: NodeId, clue: Clue) {
        if !self.is_own(at) {
            return;
        }
        self.clues += 1;
        if self.clues == MAX_CLUES {
            reading.note(NoteKind::Capped, "more values than the cap for one document; the rest was not listed");
        }
        if self.clues < MAX_CLUES {
            reading.clue(self.site(at), clue);
        }
    }

    /// A configuration value by the name that code asks for.
    pub(crate) fn value_clue(&mut self, reading: &mut Reading, at: NodeId, key: &str) {
        let value = self.tree.value(at).to_owned();
        self.named_value_clue(reading, at, key, &value);
    }

    /// The same, where the value is only a part of the node.
    pub(crate) fn named_value_clue(&mut self, reading: &mut Reading, at: NodeId, key: &str, value: &str) {
        if value.len() <= MAX_CLUE_VALUE {
            let value = if is_secret(key) { "***".to_owned() } else { without_secrets(value) };
            self.clue(reading, at, Clue::new(ClueKind::ConfigValue, self.keyed(key), value));
        }
    }

    /// What a process that is started at a node gets: a variable (`env/NAME`) or its current folder (`cwd`).
    pub(crate) fn given(&mut self, reading: &mut Reading, at: NodeId, key: &str, value: &Text) {
        let shown = value.to_string();
        let site = self.site(at);
        let is_given = |f: &Fact| {
            f.site == site && f.as_clue().is_some_and(|c| c.kind == ClueKind::Given && c.key.eq_ignore_ascii_case(key))
        };
        // What the line itself changes counts.
        if reading.facts.iter().rev().take_while(|f| f.site == site).any(is_given) {
            return;
        }
        if !is_secret(key) && !value.is_unknown() && shown.len() <= MAX_CLUE_VALUE && without_secrets(&shown) == shown {
            let clue = Clue::new(ClueKind::Given, key, shown).at(Location::named(value.clone()));
            self.clue(reading, at, clue);
        }
    }

    /// Does an effect at a node say already what its value means?
    pub(crate) fn is_told(&self, reading: &Reading, at: NodeId) -> bool {
        let site = self.site(at);
        reading.facts.iter().any(|fact| fact.site == site && fact.as_effect().is_some())
    }

    /// A connection string: the clue under its name, and its effect if it leads to this machine.
    pub(crate) fn connection(&mut self, reading: &mut Reading, at: NodeId, name: &str, provider: &str, via: &str) {
        let value = self.tree.value(at).to_owned();
        if value.len() > MAX_CLUE_VALUE {
            return;
        }
        // Of Java programs only the placeholders are left that something else sets.
        let of_java = value.contains("${") && matches!(self.input.kind, Kind::Properties | Kind::Yaml);
        let text = if of_java { java_variables(&value) } else { token::open(&Text::lit(&value)) };
        let found = database(&text, provider);
        let shown = without_secrets(&value);
        let mut clue = Clue::new(ClueKind::ConnectionString, self.keyed(name), &shown);
        if let Some(found) = &found {
            clue = clue.at(found.location.clone());
        }
        self.clue(reading, at, clue);
        if let Some(remote) = found.as_ref().and_then(|d| d.remote()) {
            self.clue(reading, at, remote);
        }
        if let Some(effect) = found.and_then(|d| d.effect(via)) {
            let is_open = effect.location.extent() != Extent::Full;
            let certainty = if is_open { effect.certainty.min(Certainty::Likely) } else { effect.certainty };
            let effect = Effect { certainty, ..effect }.in_phase(self.phase.0, &self.phase.1);
            self.effect(reading, at, effect.because(Step::at(format!("{name} = \"{shown}\""), self.site(at))));
        }
    }

    /// Gives the effects of the rows of a dialect, for nodes below `base`.
    pub(crate) fn apply_rows(&mut self, reading: &mut Reading, dialect: &str, base: NodeId) {
        for row in connections(dialect) {
            for node in select(&self.tree, base, &row.select) {
                let name = self.tree.path(node);
                let beside = row.beside.iter().filter_map(|select| {
                    select_one(&self.tree, self.tree.node(node).parent, select).map(|id| self.tree.value(id))
                });
                let provider = beside.fold(row.provider.clone(), |told, value| format!("{told} {value}"));
                self.connection(reading, node, &name, &provider, &row.via);
            }
        }
        for row in transfers(dialect) {
            if row.when.as_ref().is_none_or(|s| select_one(&self.tree, base, s).is_some()) {
                for node in select(&self.tree, base, &row.select) {
                    self.transfer(reading, node, &row.via, row.event_log);
                }
            }
        }
        for row in rows(dialect) {
            for node in select(&self.tree, base, &row.select) {
                // What is kept in another file is said there.
                if self.tree.child(node, "configSource").is_some() {
                    continue;
                }
                if row.unless.as_ref().is_none_or(|s| select_one(&self.tree, node, s).is_none()) {
                    let (at, effect) = self.row_effect(row, node, &|_| None);
                    self.effect(reading, at, effect);
                }
            }
        }
    }

    /// What an agent reads and ships: patterns of files, or names of event logs, with commas between them.
    pub(crate) fn transfer(&mut self, reading: &mut Reading, at: NodeId, via: &str, event_log: bool) {
        let value = self.tree.value(at).to_owned();
        for name in value.split(',').map(|name| name.trim().trim_matches(['"', '\''])).filter(|name| !name.is_empty()) {
            let location = match event_log {
                // A query may follow the name of the log.
                true => {
                    let log = name.split('!').next().unwrap_or(name);
                    Location::named(Text::lit(format!("event-log://{log}")))
                }
                false => {
                    let location = Location::file(&Text::lit(folder_of_pattern(name)));
                    if location.extent() == Extent::None {
                        continue;
                    }
                    location
                }
            };
            self.clue(reading, at, Clue::new(ClueKind::LogTransfer, via, name).at(location));
        }
    }

    /// Why this `add` of a list of providers is not in use: its section is switched off, or names another.
    fn unused(&self, node: NodeId) -> Option<&'static str> {
        let section = self.tree.node(self.tree.node(node).parent).parent;
        let is_off = match self.tree.get(section, "enabled") {
            Some(enabled) => enabled.trim().eq_ignore_ascii_case("false"),
            None => OFF_BY_DEFAULT.iter().any(|name| self.tree.name(section).eq_ignore_ascii_case(name)),
        };
        let name = self.tree.get(node, "name").unwrap_or_default();
        match self.tree.get(section, "defaultProvider") {
            _ if is_off => Some("the section of the provider is switched off"),
            Some(chosen) if !chosen.eq_ignore_ascii_case(name) => Some("defaultProvider chooses another provider"),
            _ => None,
        }
    }

    /// The effect of a row at a node, and the node that says where.
    pub(crate) fn row_effect(
        &self,
        row: &Row,
        node: NodeId,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> (NodeId, Effect) {
        let said = row
            .location
            .iter()
            .find_map(|s| select_one(&self.tree, node, s))
            .filter(|&id| !self.tree.value(id).trim().is_empty());
        let mut has_tokens = false;
        let location = match said {
            Some(id) => {
                let written = expand(row.syntax, self.tree.value(id).trim(), lookup);
                let text = token::open(&written);
                has_tokens = text != written;
                match &row.scheme {
                    // An address brings a scheme of its own.
                    Some(scheme) => {
                        let scheme = Text::lit(format!("{scheme}://"));
                        let behind = text.leading_lit().split_once("://").map(|(_, behind)| Text::lit(behind));
                        let rest = behind.map(|behind| {
                            let parts = text.parts().iter().skip(1).cloned();
                            behind.concat(&Text::from_parts(parts))
                        });
                        Location::named(scheme.concat(&rest.unwrap_or(text)))
                    }
                    None => {
                        let location = Location::file(&text);
                        row.base.map_or(location.clone(), |base| based_on(location, base))
                    }
                }
            }
            None => row.default.as_deref().map_or_else(Location::unknown, |d| Location::named(Text::parse(d))),
        };
        let certainty = match location.extent() {
            Extent::None => row.certainty.min(Certainty::Possible),
            _ if has_tokens || location.text().has_unknown() => row.certainty.min(Certainty::Likely),
            _ => row.certainty,
        };
        let idle = row.chosen.then(|| self.unused(node)).flatten().map(Step::new);
        let certainty = if idle.is_some() { certainty.min(Certainty::Possible) } else { certainty };
        let at = said.filter(|&id| self.is_own(id)).unwrap_or(node);
        let mut effect = Effect::new(row.operation, row.store, location, certainty, &row.via)
            .in_phase(self.phase.0, &self.phase.1)
            .because(if self.is_own(node) { Step::at(&row.because, self.site(node)) } else { Step::new(&row.because) });
        effect.evidence.extend(idle);
        for mark in &row.traits {
            effect.mark(*mark);
        }
        (at, effect)
    }
}
