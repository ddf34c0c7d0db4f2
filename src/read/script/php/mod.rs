//! Sources of PHP on a web server of Windows: files that pages write, uploads that they keep, sessions, databases in files
//! and on this machine.
//!
//! Assignments of texts, constants, the procedures of a file and the files that it takes in are followed in the order of the
//! source; what functions do is data, found by their names. A place that is not made of texts stays open.

mod hosted;
pub(in crate::read::script) mod outside;
mod values;

use super::Input;
use super::call;
use super::calls::{self, Event, Found};
use super::interpreter::{Interpreter, Language};
use super::procedures::Procedures;
use super::sink::Sink;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Clue, Operation, Phase, Reading, Site, Source, Step, Store, Text};
use crate::read::connection;
use crate::read::text::decode;
use hosted::Place;

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
    let has_session = text.contains("session_start") && input.hosting.keeps_sessions(input.app);
    let language = Php { place: &place, has_session };
    let mut script = Interpreter::new(language, place.folder(), Procedures::of(&events, foreign));
    for (number, of_file) in events.iter().enumerate() {
        let place = library.get(number).map_or(&place, |(_, place)| place);
        (script.language.place, script.here) = (place, place.folder());
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
            // Only where it stands is known.
            let blank = Interpreter::new(Php { place: of, has_session: false }, of.folder(), Procedures::of(&[], 0));
            let path = blank.argument(&found, 0).unwrap_or_default();
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

struct Php<'e> {
    /// Where the file at hand lies.
    place: &'e Place,
    /// A configuration says where sessions are kept.
    has_session: bool,
}

type Script<'e, 's> = Interpreter<'e, 's, Php<'e>>;

impl Language for Script<'_, '_> {
    const SHELL: Shell = Shell::Php;

    fn named(&self, name: &str) -> Text {
        values::named(name, self.language.place)
    }

    fn computed(&self, call: &Found<'_>) -> Text {
        self.function(call)
    }

    /// Methods are told apart by their names alone; those that the catalogue knows are of others.
    fn own_procedure<'n>(&self, name: &'n str) -> Option<&'n str> {
        let own = name.rsplit('.').next().unwrap_or_default();
        commands::find(Shell::Php, own).is_none().then_some(own)
    }

    fn carry_out(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        let name = found.name.to_lowercase();
        if let Some(value) = &found.assigned {
            if found.arguments.is_empty() {
                self.assign(name, value);
            }
            return;
        }
        if let ("define", [constant, value, ..]) = (name.as_str(), found.arguments.as_slice()) {
            if let Some(constant) = self.value(constant).as_lit() {
                self.assign(constant.to_lowercase(), value);
            }
            return;
        }
        self.each(sink, |sink| self.act(&name, found, sink));
    }
}

impl Script<'_, '_> {
    /// Carries out what is no assignment.
    fn act(&self, name: &str, found: &Found<'_>, sink: &mut Sink<'_>) {
        if name == "session_start" && self.language.has_session {
            return;
        }
        let site = self.site(found);
        if self.connects(name, found, &site, sink) {
            return;
        }
        let method = name.rsplit_once('.').map(|(_, method)| format!(".{method}"));
        let Some(command) = commands::find(Shell::Php, method.as_deref().unwrap_or(name)) else { return };
        let mut bound = self.bound(found);
        bound.options.push(("received".to_owned(), Some(Text::from_source(Source::Input, "request"))));
        call::apply(command, &Text::lit(found.name.as_str()), &bound, self.caller(found, &site), sink);
    }

    /// `new PDO('sqlite:...')` and `new PDO('mysql:host=localhost;dbname=x')`.
    fn connects(&self, name: &str, found: &Found<'_>, site: &Site, sink: &mut Sink<'_>) -> bool {
        if name != "pdo" {
            return false;
        }
        let Some(source) = self.argument(found, 0) else { return true };
        let Some((driver, _)) = source.leading_lit().split_once(':') else { return true };
        let driver = driver.to_lowercase();
        let length = driver.len() + 1;
        let rest = super::words::drop_front(&source, length);
        let said = Step::new(super::sink::quote(found.source));
        if driver.starts_with("sqlite") {
            if rest.leading_lit().starts_with(":memory:") {
                return true;
            }
            let location = call::file(&rest, &self.here);
            sink.effect(site, self.caller(found, site).effect(Operation::Write, Store::Database, location, "PDO"));
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
