//! Sources of PHP on a web server of Windows: files that pages write, uploads that they keep, sessions, databases in files
//! and on this machine.
//!
//! Assignments of texts, constants, the procedures of a file and the files that it takes in are followed in the order of the
//! source; what functions do is data, found by their names. A place that is not made of texts stays open.

mod hosted;
mod values;

use super::Input;
use super::call::{self, Caller};
use super::calls::{self, Event, Found};
use super::procedures::Procedures;
use super::sink::Sink;
use super::ways::Variables;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Clue, Operation, Phase, Reading, Site, Source, Step, Store, Text};
use crate::read::connection;
use crate::read::text::decode;
use hosted::Place;
use values::result;

/// Largest file that is taken in, and most of them.
const MAX_FILE: u64 = 512 << 10;
const MAX_FILES: usize = 24;
/// Deepest file inside another.
const MAX_LEVELS: usize = 6;

/// Reads a source, where the application runs on Windows.
pub(super) fn read(text: &str, input: &Input<'_>, reading: &mut Reading) {
    let Some(place) = hosted::place(input) else {
        // The format says that nobody looked into it.
        reading.format = "php-elsewhere".to_owned();
        return;
    };
    if !acts(text) || hosted::is_package(&input.artifact.path) {
        return;
    }
    let mut seen = vec![input.artifact.path.clone()];
    let mut library = Vec::new();
    Includes { input, main: &place, seen: &mut seen, library: &mut library }.take_in(text, &place, 0);
    let foreign = library.len();
    let own = calls::scan_php(text);
    let events: Vec<Vec<Event<'_>>> = library.iter().map(|(text, _)| calls::scan_php(text)).chain([own]).collect();
    // What files that are taken in do is told where they are read by themselves.
    let mut aside = Reading::new(&reading.artifact, &reading.format);
    let mut script = Php {
        variables: Variables::default(),
        procedures: Procedures::of(&events, foreign),
        place: &place,
        fixed: None,
        has_session: text.contains("session_start") && hosted::configures_sessions(input),
    };
    for (number, of_file) in events.iter().enumerate() {
        script.place = library.get(number).map_or(&place, |(_, place)| place);
        let is_own = number == foreign;
        let mut sink = Sink::new(if is_own { &mut *reading } else { &mut aside });
        sink.in_phase(Some((Phase::Run, "a page of a web application")));
        if is_own {
            calls::note_cut(text, &mut sink);
        }
        script.run(of_file, &mut sink);
        if is_own {
            script.run_uncalled(&mut sink);
            script.variables.note_capped(&mut sink);
        }
    }
}

/// Does a source name anything that the catalogue knows?
fn acts(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let has = |name: &str| memchr::memmem::find(lower.as_bytes(), name.as_bytes()).is_some();
    commands::names(Shell::Php).any(|name| has(name.trim_start_matches('.')))
}

/// The files that a source takes in, those first that others need.
struct Includes<'a, 'i> {
    input: &'a Input<'i>,
    /// The source that is read.
    main: &'a Place,
    seen: &'a mut Vec<String>,
    library: &'a mut Vec<(String, Place)>,
}

impl Includes<'_, '_> {
    fn take_in(&mut self, text: &str, of: &Place, level: usize) {
        if level >= MAX_LEVELS {
            return;
        }
        for event in calls::scan_php(text) {
            let Event::Does(found) = event else { continue };
            if !matches!(found.name.to_lowercase().as_str(), "require" | "require_once" | "include" | "include_once") {
                continue;
            }
            let blank = Php::blank(of);
            let path = found.arguments.first().map(|argument| blank.value(argument)).unwrap_or_default();
            let Some(place) = of.named(&path) else { continue };
            let app = self.input.app;
            let Some(artifact) = app.sibling(self.input.artifact, &self.main.towards(&place)) else { continue };
            if self.seen.len() > MAX_FILES || self.seen.contains(&artifact.path) {
                continue;
            }
            self.seen.push(artifact.path.clone());
            let Ok(bytes) = artifact.read(MAX_FILE) else { continue };
            let text = decode(&bytes, &mut Reading::default()).into_owned();
            self.take_in(&text, &place, level + 1);
            self.library.push((text, place));
        }
    }
}

struct Php<'e, 's> {
    variables: Variables,
    procedures: Procedures<'e, 's>,
    /// Where the file at hand lies.
    place: &'e Place,
    /// Where what is done in another file is caused from.
    fixed: Option<Site>,
    /// A configuration says where sessions are kept.
    has_session: bool,
}

impl<'e, 's> Php<'e, 's> {
    /// One that knows nothing but where it is.
    fn blank(place: &'e Place) -> Self {
        Php {
            variables: Variables::default(),
            procedures: Procedures::of(&[], 0),
            place,
            fixed: None,
            has_session: false,
        }
    }

    /// Goes through what stands outside of functions, or in one of them.
    fn run(&mut self, events: &'e [Event<'s>], sink: &mut Sink<'_>) {
        let mut depth = 0;
        for event in events {
            match event {
                Event::Procedure(..) => depth += 1,
                Event::End => depth -= 1,
                _ if depth > 0 => {}
                event => {
                    if let Some(found) = self.variables.follow(event) {
                        self.call(found, sink);
                        self.carry_out(found, sink);
                    }
                }
            }
        }
    }

    /// Runs a function or method of the source with what it is given.
    fn call(&mut self, found: &Found<'s>, sink: &mut Sink<'_>) {
        let name = found.name.to_lowercase();
        let own = name.rsplit('.').next().unwrap_or_default();
        if found.assigned.is_some() || commands::find(Shell::Php, own).is_some() {
            return;
        }
        let Some(procedure) = self.procedures.enter(own) else { return };
        let given = |i: usize| match found.arguments.get(i) {
            Some(argument) => self.variables.each(|| self.value(argument)),
            None => vec![Text::unknown()],
        };
        let parameters = procedure.parameters.iter().enumerate().map(|(i, name)| (name.clone(), given(i))).collect();
        let before = self.variables.bind(parameters);
        self.variables.unbind(vec![(own.to_owned(), None)]);
        let site = self.site(found);
        let outer = self.fixed.clone();
        if procedure.is_foreign {
            self.fixed = Some(site);
        }
        self.run(procedure.body, sink);
        self.fixed = outer;
        let given = self.variables.each(|| self.variables.get(own));
        self.variables.unbind(before);
        self.variables.unbind(vec![(result(found), given.into_iter().collect())]);
        self.procedures.leave();
    }

    /// What nobody in sight calls may be called from elsewhere.
    fn run_uncalled(&mut self, sink: &mut Sink<'_>) {
        while let Some((name, procedure)) = self.procedures.next_uncalled() {
            self.procedures.current.push(name);
            let open =
                |name: &String| (name.clone(), vec![Text::from_source(Source::Param, name.trim_start_matches('$'))]);
            let before = self.variables.bind(procedure.parameters.iter().map(open).collect());
            self.run(procedure.body, sink);
            self.variables.unbind(before);
            self.procedures.leave();
        }
    }

    fn site(&self, found: &Found<'_>) -> Site {
        self.fixed.clone().unwrap_or_else(|| Site::text(found.line, found.column))
    }

    fn carry_out(&mut self, found: &Found<'s>, sink: &mut Sink<'_>) {
        let name = found.name.to_lowercase();
        if let Some(value) = &found.assigned {
            if found.arguments.is_empty() {
                let values = self.variables.each(|| self.value(value));
                self.variables.set(name, values);
            }
            return;
        }
        if let ("define", [constant, value, ..]) = (name.as_str(), found.arguments.as_slice()) {
            let constant = self.value(constant);
            if let Some(constant) = constant.as_lit() {
                let values = self.variables.each(|| self.value(value));
                self.variables.set(constant.to_lowercase(), values);
            }
            return;
        }
        let first = sink.reading.facts.len();
        self.variables.each(|| self.act(&name, found, sink));
        sink.fold(first);
    }

    /// Carries out what is no assignment.
    fn act(&self, name: &str, found: &Found<'_>, sink: &mut Sink<'_>) {
        if name == "session_start" && self.has_session {
            return;
        }
        let site = self.site(found);
        if self.connects(name, found, &site, sink) {
            return;
        }
        let method = name.rsplit_once('.').map(|(_, method)| format!(".{method}"));
        let Some(command) = commands::find(Shell::Php, method.as_deref().unwrap_or(name)) else { return };
        let mut bound = calls::bound(found, &|argument| self.value(argument));
        bound.options.push(("received".to_owned(), Some(Text::from_source(Source::Input, "request"))));
        let here = self.place.folder();
        let caller = Caller { shell: Shell::Php, here: &here, site: &site, source: found.source, trail: &[] };
        call::apply(command, &Text::lit(found.name.as_str()), &bound, caller, sink);
    }

    /// `new PDO('sqlite:...')` and `new PDO('mysql:host=localhost;dbname=x')`.
    fn connects(&self, name: &str, found: &Found<'_>, site: &Site, sink: &mut Sink<'_>) -> bool {
        if name != "pdo" {
            return false;
        }
        let Some(source) = found.arguments.first().map(|argument| self.value(argument)) else { return true };
        let Some((driver, _)) = source.leading_lit().split_once(':') else { return true };
        let driver = driver.to_lowercase();
        let length = driver.len() + 1;
        let rest = super::words::drop_front(&source, length);
        let said = Step::new(super::sink::quote(found.source));
        if driver.starts_with("sqlite") {
            if rest.leading_lit().starts_with(":memory:") {
                return true;
            }
            let here = self.place.folder();
            let caller = Caller { shell: Shell::Php, here: &here, site, source: found.source, trail: &[] };
            let location = call::file(&rest, &here);
            sink.effect(site, caller.effect(Operation::Write, Store::Database, location, "PDO"));
            return true;
        }
        let provider = match driver.as_str() {
            "pgsql" => "postgres",
            "sqlsrv" | "dblib" => "system.data.sqlclient",
            "oci" => "oracle",
            driver => driver,
        };
        if let Some(database) = connection::database(&rest, provider) {
            if let Some(effect) = database.effect("PDO") {
                sink.effect(site, effect.because(said));
            } else if let Some(clue) = database.remote() {
                sink.clue(site, Clue { value: "PDO".to_owned(), ..clue });
            }
        }
        true
    }
}
