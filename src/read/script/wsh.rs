//! VBScript, JScript, Windows script files and classic ASP.
//!
//! Assignments of texts are followed in the order of the source; what methods of the script host's objects do is
//! data, found by the name of the method.

mod bound;
mod global;
mod include;
mod objects;
mod page;
mod received;
mod site;
mod told;
mod values;

use super::batch;
use super::call;
use super::calls::{self, Argument, Event, Found, Part, Syntax};
use super::interpreter::{Interpreter, Language};
use super::procedures::Procedures;
use super::queries;
use super::sink::Sink;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Effect, Folder, Location, Operation, Origin, Phase, Reading, Site, Source, Store, Text};
use crate::read::Input;
use page::parts;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use told::Told;

/// Deepest text inside another that is carried out.
const MAX_LEVELS: usize = 4;

/// Where the script runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Host {
    /// The script host, an installer.
    #[default]
    Machine,
    /// A web server.
    Web,
}

/// Reads a script.
pub(super) fn read(text: &str, syntax: Syntax, host: Host, reading: &mut Reading) {
    read_all(&[(text, syntax)], Vec::new(), host, Vec::new(), reading);
}

/// Reads a page with what the application that it belongs to has set at its start.
pub(super) fn read_page(text: &str, input: &Input<'_>, reading: &mut Reading) {
    let mut known = global::of(input);
    known.extend(site::folder_of(input).map(|folder| (site::FOLDER.to_owned(), vec![folder])));
    let (basic, script) = parts(text, Host::Web, reading);
    let library = include::of(text, input);
    read_all(&[(&basic, Syntax::Basic), (&script, Syntax::Script)], library, Host::Web, known, reading);
}

/// Values by the names of variables.
type Values = Vec<(String, Vec<Text>)>;

/// Reads texts that share their variables, with those of a library before them. What the application keeps then.
fn read_all(
    texts: &[(&str, Syntax)],
    library: Vec<(String, Syntax)>,
    host: Host,
    known: Values,
    reading: &mut Reading,
) -> Values {
    let mut known = known;
    let mut told = Told::default();
    let library = Rc::new(library);
    if !library.is_empty() {
        // What it does is told where it is read by itself.
        let name = (reading.artifact.clone(), reading.format.clone());
        let before = known.clone();
        known = run_all(&borrowed(&library), 0, host, known, told, &mut Reading::new(&name.0, &name.1), false);
        let library = library.clone();
        told = Told::when_asked(move || {
            let mut aside = Reading::new(&name.0, &name.1);
            run_all(&borrowed(&library), 0, host, before, Told::default(), &mut aside, true);
            aside.facts.iter().filter_map(|fact| fact.as_effect().map(Effect::headline)).collect()
        });
    }
    let all: Vec<(&str, Syntax)> = borrowed(&library).into_iter().chain(texts.iter().copied()).collect();
    let values = run_all(&all, library.len(), host, known, told, reading, true);
    values.into_iter().filter(|(name, _)| name.starts_with(global::KEPT)).collect()
}

fn borrowed(texts: &[(String, Syntax)]) -> Vec<(&str, Syntax)> {
    texts.iter().map(|(text, syntax)| (text.as_str(), *syntax)).collect()
}

/// Runs texts, the first ones of which are only there to be called, and what nobody calls, if it is `whole`. The values that
/// variables have before that.
fn run_all(
    texts: &[(&str, Syntax)],
    foreign: usize,
    host: Host,
    known: Values,
    told: Told,
    reading: &mut Reading,
    whole: bool,
) -> Values {
    let mut sink = Sink::new(reading);
    if host == Host::Web {
        sink.in_phase(Some((Phase::Run, "a page of a web application")));
    }
    let own_path = sink.own_path();
    let mut sources: Vec<Vec<Event<'_>>> = Vec::new();
    let mut procedures = HashSet::new();
    for (number, (text, syntax)) in texts.iter().enumerate() {
        let events = calls::scan_beside(text, *syntax, &procedures);
        let named = events.iter().filter(|_| number < foreign).filter_map(|event| match event {
            Event::Procedure(name, _) => Some(name.clone()),
            _ => None,
        });
        procedures.extend(named);
        sources.push(events);
    }
    let language = Wsh { host, own_path, told, ..Wsh::default() };
    let mut script = Interpreter::new(language, Text::folder(Folder::Cwd), Procedures::of(&sources, foreign));
    script.variables.bind(known);
    for ((text, _), events) in texts.iter().zip(&sources).skip(foreign) {
        calls::note_cut(text, &mut sink);
        script.run(events, &mut sink);
    }
    script.run_start(&mut sink);
    let values = script.variables.beginning_with("");
    if whole {
        script.run_uncalled(&mut sink);
    }
    script.variables.note_capped(&mut sink);
    // The other pages of an application tell for themselves what they ask, also by a connection that they take in from here.
    let changes = || texts.iter().any(|(text, _)| queries::mentions_changes(text));
    let by_ado = |via: &str| via.starts_with("ADODB");
    let only_ask = sink.queries.only_ask();
    if only_ask && (host == Host::Machine || !changes() && queries::opened_to_ask(reading, by_ado)) {
        queries::looked_at(reading, by_ado);
    }
    values
}

/// Reads the script parts of a script file.
pub(super) fn read_embedded(text: &str, host: Host, reading: &mut Reading) {
    let (basic, script) = parts(text, host, reading);
    read_all(&[(&basic, Syntax::Basic), (&script, Syntax::Script)], Vec::new(), host, Vec::new(), reading);
}

/// Is what an event of `Global.asa` stores set again whenever it is missing, or stored when nobody is left to ask for it
/// (MS documentation: "Global.asa Syntax")?
fn is_no_state(event: &str, store: Store, source: &str) -> bool {
    match event {
        "application_onstart" | "application_onend" => true,
        // The first session finds what the first session sets, and a later one what all before it made of it.
        "session_onstart" => {
            let value = source.split_once('=').map_or("", |(_, value)| value).to_ascii_lowercase();
            store == Store::Session || !value.contains("application")
        }
        "session_onend" => store == Store::Session,
        _ => false,
    }
}

/// What the script host and a web server add to the languages that they run.
#[derive(Default)]
struct Wsh {
    /// Variables that hold the environment of the machine, the user or the process.
    environments: HashMap<String, Text>,
    /// Variables that hold an object, with the name of its class in lower case.
    objects: HashMap<String, String>,
    /// What was received with a request, and where it is.
    received: received::Received,
    host: Host,
    own_path: Text,
    /// What the library does whoever calls it.
    told: Told,
    /// So many texts hold one another as arguments of `Execute`.
    level: usize,
}

type Script<'e, 's> = Interpreter<'e, 's, Wsh>;

impl Language for Script<'_, '_> {
    const SHELL: Shell = Shell::Wsh;

    fn literal(&self, text: &str) -> Text {
        Text::lit(values::root_key(text).unwrap_or(text))
    }

    fn named(&self, name: &str) -> Text {
        self.constant(name)
    }

    fn computed(&self, call: &Found<'_>) -> Text {
        self.function(call)
    }

    /// `upload.SaveToDisk` may be the method of a class of this script, when the object is none of another.
    fn own_procedure<'n>(&self, name: &'n str) -> Option<&'n str> {
        let Some((object, method)) = name.rsplit_once('.') else { return Some(name) };
        let of_host = self.language.objects.contains_key(object) || commands::find(Shell::Wsh, method).is_some();
        (!of_host && !object.is_empty()).then_some(method)
    }

    fn carry_out(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        let name = found.name.to_lowercase();
        if found.assigned.is_none() && calls::EXECUTING.contains(&name.as_str()) {
            return self.execute(found, sink);
        }
        let first = sink.reading.facts.len();
        self.step(name, found, sink);
        let told = &self.language.told;
        if self.fixed.is_some() && sink.reading.facts.len() > first {
            let mut at = 0;
            sink.reading.facts.retain(|fact| {
                at += 1;
                at <= first || fact.as_effect().is_none_or(|effect| !told.has(effect))
            });
        }
    }
}

impl Script<'_, '_> {
    /// `Execute "..."`: the text of an argument as a part of the script.
    fn execute(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        let Some(argument) = found.arguments.first().filter(|_| self.language.level < MAX_LEVELS) else {
            return sink.queries.may_change();
        };
        for code in self.variables.each(|| self.value(argument)) {
            let Some(code) = code.as_lit() else {
                // Of a text that is not known nobody knows what it does to a database.
                sink.queries.may_change();
                continue;
            };
            let sources = [calls::scan(code, Syntax::Basic)];
            let language = std::mem::take(&mut self.language);
            let mut inner = Interpreter::new(language, self.here.clone(), Procedures::of(&sources, 0));
            inner.language.level += 1;
            inner.fixed = Some(self.site(found));
            std::mem::swap(&mut inner.variables, &mut self.variables);
            inner.run(&sources[0], sink);
            std::mem::swap(&mut inner.variables, &mut self.variables);
            self.language = inner.language;
            self.language.level -= 1;
        }
    }

    /// The event that the application begins with: what it sets is there for all that follows.
    fn run_start(&mut self, sink: &mut Sink<'_>) {
        if self.language.host != Host::Web {
            return;
        }
        if let Some(procedure) = self.procedures.enter(global::START) {
            self.run(procedure.body, sink);
            self.procedures.leave();
        }
    }

    /// Carries out an assignment, or what the host's objects do.
    fn step(&mut self, name: String, found: &Found<'_>, sink: &mut Sink<'_>) {
        match &found.assigned {
            Some(value) if found.arguments.is_empty() && !name.contains('.') => {
                match self.opened_environment(value) {
                    Some(which) => self.language.environments.insert(name.clone(), which),
                    None => self.language.environments.remove(&name),
                };
                match self.made_object(value) {
                    Some(class) => self.language.objects.insert(name.clone(), class),
                    None => self.language.objects.remove(&name),
                };
                self.opened(&name, value);
                // The empty text that an object begins with is there until somebody sets it.
                let begins = self.procedures.current.last().is_some_and(|name| name == "class_initialize");
                if begins && self.value(value).is_empty() {
                    self.variables.bind(vec![(name, vec![Text::unknown()])]);
                } else {
                    self.assign(name, value);
                }
            }
            value => {
                if let (Some(value), Some(name)) = (value, self.kept(found).or_else(|| self.property(&name, found))) {
                    self.assign(name, value);
                }
                let first = sink.reading.facts.len();
                self.each(sink, |sink| self.act(&name, found, sink));
                self.mirrors(&name, found, first, sink);
                self.receives(&name, found, sink);
                self.saves(&name, first, sink);
            }
        }
    }

    /// The variable that stands for a value of the application: `Application("x")`.
    fn kept(&self, found: &Found<'_>) -> Option<String> {
        let name = found.name.to_lowercase();
        let is_application = ["application", "application.contents", "application.value"].contains(&name.as_str());
        let key = self.value(found.arguments.first().filter(|_| is_application)?);
        Some(format!("{}{}", global::KEPT, key.as_lit()?.to_lowercase()))
    }

    /// Carries out what is no assignment to a variable.
    fn act(&self, name: &str, found: &Found<'_>, sink: &mut Sink<'_>) {
        let site = self.site(found);
        if self.gives_connection(name, found) {
            sink.queries.may_change();
        }
        if let Some(value) = &found.assigned {
            let value = self.value(value);
            if name.ends_with(".connectionstring") || name.ends_with(".activeconnection") {
                self.connection(&value, found, &site, sink);
            }
            if name.ends_with(".commandtext") {
                sink.queries.tell([&value]);
            }
            return self.stored(name, found, &value, &site, sink);
        }
        // `connection.Open text`, `recordset.Open query, text`
        for argument in found.arguments.iter().take(2) {
            self.connection(&self.value(argument), found, &site, sink);
        }
        let method = name.rsplit('.').next().unwrap_or(name);
        if !name.contains('.') {
            return;
        }
        match (method, found.arguments.first()) {
            ("execute", Some(query)) => sink.queries.tell([&self.value(query)]),
            // Of a connection the first argument names a database, of a set of records it asks for them.
            ("open", Some(query)) if found.arguments.len() > 1 => sink.queries.tell([&self.value(query)]),
            ("update" | "updatebatch" | "addnew" | "delete", _) => sink.queries.may_change(),
            _ => {}
        }
        if self.directory_object(name, found, &site, sink) {
            return;
        }
        if let ("moveto" | "copy", true) = (method, found.arguments.len() > 2) {
            return;
        }
        let Some(mut command) = self.command(name) else { return };
        let mut bound = self.bound(found);
        // `upload.SaveAs "field", path`: a name without a folder or an ending is that of the field of the form.
        let is_field = |text: &Text| text.as_lit().is_some_and(|text| !text.contains(['.', '\\', '/', ':']));
        if self.language.host == Host::Web
            && method == "saveas"
            && let [field, _, ..] = bound.positional.as_slice()
            && is_field(field)
            && let Some(upload) = commands::find(Shell::Wsh, "saveas of a field")
        {
            bound.positional.remove(0);
            command = upload;
        }
        // Where an object puts what it saves, what a path of the site is on the disk, and what a request brings.
        let object = name.split('.').next().unwrap_or_default();
        let path = self.variables.get(&format!("{object}.path"));
        let mapped = (self.language.host == Host::Web)
            .then(|| self.argument(found, 0))
            .flatten()
            .map(|path| self.map_path(&path));
        let received = Some(Text::from_source(Source::Input, "request"));
        for (name, value) in [("path", path), ("mapped", mapped), ("received", received)] {
            if value.is_some() {
                bound.options.push((name.to_owned(), value));
            }
        }
        let caller = self.caller(found, &site);
        let program = Text::lit(found.name.as_str());
        for nested in call::apply(command, &program, &bound, caller, sink) {
            batch::nested(&nested, &self.here, &Text::folder(Folder::AppDir), &site, sink);
        }
    }

    /// `Session("x") = y` and `Environment("SYSTEM")("x") = y`.
    fn stored(&self, name: &str, found: &Found<'_>, text: &Text, site: &Site, sink: &mut Sink<'_>) {
        let key = self.argument(found, 0).unwrap_or_default();
        if let Some(which) = &found.receiver
            && name.ends_with(".environment")
        {
            return self.environment(&self.value(which), &key, found, text, site, sink);
        }
        if let Some(which) = self.language.environments.get(name.strip_suffix(".item").unwrap_or(name)) {
            return self.environment(which, &key, found, text, site, sink);
        }
        let (store, label) = match name {
            "session" | "session.contents" | "session.value" => (Store::Session, "Session"),
            "application" | "application.contents" | "application.value" => (Store::Memory, "Application"),
            _ => return,
        };
        // An empty value is none that is kept.
        let is_kept = self.procedures.current.last().is_none_or(|event| !is_no_state(event, store, found.source));
        if self.language.host != Host::Web || !is_kept || text.is_empty() {
            return;
        }
        let location = Location::named(Text::lit(format!("{label}:")).concat(&key));
        let effect = Effect::new(Operation::KeepInMemory, store, location, crate::facts::Certainty::Proven, label)
            .because(crate::facts::Step::new(super::sink::quote(found.source)))
            .of_origin(match found.assigned.as_ref().is_some_and(|value| self.is_counted(value, found)) {
                true => Origin::Previous,
                false => super::sink::origin_of(text),
            });
        sink.effect(site, effect);
    }

    /// Is a value made of what is kept under the same name, as a counter is?
    fn is_counted(&self, value: &Argument<'_>, kept: &Found<'_>) -> bool {
        let key = |found: &Found<'_>| self.argument(found, 0).map(|key| key.to_string().to_lowercase());
        value.parts.iter().any(|part| match part {
            Part::Call(call) => call.name.eq_ignore_ascii_case(&kept.name) && key(call) == key(kept),
            _ => false,
        })
    }

    /// `Set variables = shell.Environment("SYSTEM")`
    fn opened_environment(&self, value: &Argument<'_>) -> Option<Text> {
        let [Part::Call(call)] = value.parts.as_slice() else { return None };
        let which = self.argument(call, 0);
        call.name.to_lowercase().ends_with(".environment").then(|| which.unwrap_or_else(|| Text::lit("system")))
    }

    /// `shell.Environment("SYSTEM")("x") = y`: only that of the machine and of the user are kept.
    fn environment(
        &self,
        which: &Text,
        name: &Text,
        found: &Found<'_>,
        value: &Text,
        site: &Site,
        sink: &mut Sink<'_>,
    ) {
        let key = match which.as_lit().map(str::to_lowercase).as_deref() {
            Some("system") => "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment",
            Some("user") => "HKCU\\Environment",
            _ => return,
        };
        let location = Location::registry_value(&Location::registry(&Text::lit(key)), name);
        let effect = self.caller(found, site).effect(Operation::SetValue, Store::Environment, location, "Environment");
        sink.effect(site, effect.of_origin(super::sink::origin_of(value)));
    }
}
