//! VBScript, JScript, Windows script files and classic ASP.
//!
//! Assignments of texts are followed in the order of the source; what methods of the script host's objects do is
//! data, found by the name of the method.

mod bound;
mod global;
mod include;
mod objects;
mod page;
mod site;
mod values;

use super::batch;
use super::call::{self, Caller};
use super::calls::{self, Argument, Event, Found, Part, Syntax};
use super::procedures::Procedures;
use super::sink::Sink;
use super::ways::Variables;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Effect, Folder, Location, Operation, Origin, Phase, Reading, Site, Source, Store, Text};
use crate::read::Input;
use page::parts;
use std::collections::{HashMap, HashSet};
use values::result;

/// Deepest text inside another that is carried out.
const MAX_LEVELS: usize = 4;

/// Where the script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// The script host, an installer.
    Machine,
    /// A web server.
    Web,
}

/// Reads a script.
pub(super) fn read(text: &str, syntax: Syntax, host: Host, reading: &mut Reading) {
    read_all(&[(text, syntax)], &[], host, Vec::new(), reading);
}

/// Reads a page with what the application that it belongs to has set at its start.
pub(super) fn read_page(text: &str, input: &Input<'_>, reading: &mut Reading) {
    let mut known = global::of(input);
    known.extend(site::folder_of(input).map(|folder| (site::FOLDER.to_owned(), vec![folder])));
    let (basic, script) = parts(text, Host::Web, reading);
    let included = include::of(text, input);
    let library: Vec<(&str, Syntax)> = included.iter().map(|(text, syntax)| (text.as_str(), *syntax)).collect();
    read_all(&[(&basic, Syntax::Basic), (&script, Syntax::Script)], &library, Host::Web, known, reading);
}

/// Values by the names of variables.
type Values = Vec<(String, Vec<Text>)>;

/// Reads texts that share their variables, with those of a library before them. What the application keeps then.
fn read_all(
    texts: &[(&str, Syntax)],
    library: &[(&str, Syntax)],
    host: Host,
    known: Values,
    reading: &mut Reading,
) -> Values {
    let mut known = known;
    let mut told = HashSet::new();
    if !library.is_empty() {
        // What it does is told where it is read by itself.
        let mut aside = Reading::new(&reading.artifact, &reading.format);
        known = run_all(library, 0, host, known, HashSet::new(), &mut aside);
        told = aside.facts.iter().filter_map(|fact| fact.as_effect().map(Effect::headline)).collect();
    }
    let all: Vec<(&str, Syntax)> = library.iter().chain(texts).copied().collect();
    let values = run_all(&all, library.len(), host, known, told, reading);
    values.into_iter().filter(|(name, _)| name.starts_with(global::KEPT)).collect()
}

/// Runs texts, the first ones of which are only there to be called. The values that variables have before what nobody
/// calls is looked at.
fn run_all(
    texts: &[(&str, Syntax)],
    foreign: usize,
    host: Host,
    known: Values,
    told: HashSet<String>,
    reading: &mut Reading,
) -> Values {
    let mut sink = Sink::new(reading);
    if host == Host::Web {
        sink.in_phase(Some((Phase::Run, "a page of a web application")));
    }
    let (here, own_path) = (Text::folder(Folder::Cwd), sink.own_path());
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
    let mut script = Script {
        variables: Variables::default(),
        environments: HashMap::new(),
        objects: HashMap::new(),
        host,
        here,
        own_path,
        procedures: Procedures::of(&sources, foreign),
        told,
        fixed: None,
        level: 0,
    };
    script.variables.bind(known);
    for ((text, _), events) in texts.iter().zip(&sources).skip(foreign) {
        calls::note_cut(text, &mut sink);
        script.run(events, &mut sink);
    }
    script.run_start(&mut sink);
    let values = script.variables.beginning_with("");
    script.run_uncalled(&mut sink);
    script.variables.note_capped(&mut sink);
    values
}

/// Reads the script parts of a script file.
pub(super) fn read_embedded(text: &str, host: Host, reading: &mut Reading) {
    let (basic, script) = parts(text, host, reading);
    read_all(&[(&basic, Syntax::Basic), (&script, Syntax::Script)], &[], host, Vec::new(), reading);
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

struct Script<'e, 's> {
    variables: Variables,
    /// Variables that hold the environment of the machine, the user or the process.
    environments: HashMap<String, Text>,
    /// Variables that hold an object, with the name of its class in lower case.
    objects: HashMap<String, String>,
    host: Host,
    here: Text,
    own_path: Text,
    procedures: Procedures<'e, 's>,
    /// What the library does whoever calls it, by the headlines of its effects.
    told: HashSet<String>,
    /// Where what is done in another text is caused from.
    fixed: Option<Site>,
    /// So many texts hold one another as arguments of `Execute`.
    level: usize,
}

impl<'e, 's> Script<'e, 's> {
    /// Goes through what stands outside of procedures, or in one of them.
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
                        self.step(found, sink);
                    }
                }
            }
        }
    }

    /// Runs a procedure of the script with what it is given.
    fn call(&mut self, found: &Found<'s>, sink: &mut Sink<'_>) {
        if found.assigned.is_some() {
            return;
        }
        let name = found.name.to_lowercase();
        let own = self.own_method(&name);
        let Some(procedure) = self.procedures.enter(own) else { return };
        let given = |i: usize| match found.arguments.get(i) {
            Some(argument) => self.variables.each(|| self.value(argument)),
            None => vec![Text::unknown()],
        };
        let parameters = procedure.parameters.iter().enumerate().map(|(i, name)| (name.clone(), given(i))).collect();
        let before = self.variables.bind(parameters);
        let name = own.to_owned();
        self.variables.unbind(vec![(name.clone(), None)]);
        let site = self.site(found);
        let outer = self.fixed.clone();
        if procedure.is_foreign {
            self.fixed = Some(site);
        }
        self.run(procedure.body, sink);
        self.fixed = outer;
        // What a function gives is what its name was set to last.
        let given = self.variables.each(|| self.variables.get(&name));
        self.variables.unbind(before);
        self.variables.unbind(vec![(result(found), given.into_iter().collect())]);
        self.procedures.leave();
    }

    /// The name of a procedure for a call: `upload.SaveToDisk` may be the method of a class of this script, when the
    /// object is none of another.
    fn own_method<'n>(&self, name: &'n str) -> &'n str {
        let Some((object, method)) = name.rsplit_once('.') else { return name };
        let of_host = self.objects.contains_key(object) || commands::find(Shell::Wsh, method).is_some();
        if of_host || object.is_empty() { name } else { method }
    }

    fn site(&self, found: &Found<'_>) -> Site {
        self.fixed.clone().unwrap_or_else(|| Site::text(found.line, found.column))
    }

    /// `Execute "..."`: the text of an argument as a part of the script.
    fn execute(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        let Some(argument) = found.arguments.first().filter(|_| self.level < MAX_LEVELS) else { return };
        for code in self.variables.each(|| self.value(argument)) {
            let Some(code) = code.as_lit() else { continue };
            let sources = [calls::scan(code, Syntax::Basic)];
            let mut inner = Script {
                variables: std::mem::take(&mut self.variables),
                environments: std::mem::take(&mut self.environments),
                objects: std::mem::take(&mut self.objects),
                host: self.host,
                here: self.here.clone(),
                own_path: self.own_path.clone(),
                procedures: Procedures::of(&sources, 0),
                told: std::mem::take(&mut self.told),
                fixed: Some(self.site(found)),
                level: self.level + 1,
            };
            inner.run(&sources[0], sink);
            (self.variables, self.environments, self.told) = (inner.variables, inner.environments, inner.told);
            self.objects = inner.objects;
        }
    }

    /// The event that the application begins with: what it sets is there for all that follows.
    fn run_start(&mut self, sink: &mut Sink<'_>) {
        if self.host != Host::Web {
            return;
        }
        if let Some(procedure) = self.procedures.enter(global::START) {
            self.run(procedure.body, sink);
            self.procedures.leave();
        }
    }

    /// What nobody in sight calls may be called from elsewhere.
    fn run_uncalled(&mut self, sink: &mut Sink<'_>) {
        while let Some((name, procedure)) = self.procedures.next_uncalled() {
            self.procedures.current.push(name);
            let open = |name: &String| (name.clone(), vec![Text::from_source(Source::Param, name)]);
            let before = self.variables.bind(procedure.parameters.iter().map(open).collect());
            self.run(procedure.body, sink);
            self.variables.unbind(before);
            self.procedures.leave();
        }
    }

    fn step(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        let name = found.name.to_lowercase();
        if found.assigned.is_none() && calls::EXECUTING.contains(&name.as_str()) {
            return self.execute(found, sink);
        }
        let first = sink.reading.facts.len();
        self.carry_out(name, found, sink);
        if self.fixed.is_some() && !self.told.is_empty() {
            let mut at = 0;
            sink.reading.facts.retain(|fact| {
                at += 1;
                at <= first || fact.as_effect().is_none_or(|effect| !self.told.contains(&effect.headline()))
            });
        }
    }

    fn carry_out(&mut self, name: String, found: &Found<'_>, sink: &mut Sink<'_>) {
        match &found.assigned {
            Some(value) if found.arguments.is_empty() && !name.contains('.') => {
                match self.opened_environment(value) {
                    Some(which) => self.environments.insert(name.clone(), which),
                    None => self.environments.remove(&name),
                };
                match self.made_object(value) {
                    Some(class) => self.objects.insert(name.clone(), class),
                    None => self.objects.remove(&name),
                };
                let values = self.variables.each(|| self.value(value));
                self.variables.set(name, values);
            }
            value => {
                if let (Some(value), Some(name)) = (value, self.kept(found).or_else(|| self.property(&name, found))) {
                    let values = self.variables.each(|| self.value(value));
                    self.variables.set(name, values);
                }
                let first = sink.reading.facts.len();
                self.variables.each(|| self.act(&name, found, sink));
                sink.fold(first);
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
        if let Some(value) = &found.assigned {
            let value = self.value(value);
            if name.ends_with(".connectionstring") || name.ends_with(".activeconnection") {
                self.connection(&value, found, &site, sink);
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
        if self.directory_object(name, found, &site, sink) {
            return;
        }
        if let ("moveto" | "copy", true) = (method, found.arguments.len() > 2) {
            return;
        }
        let Some(command) = self.command(name) else { return };
        let mut bound = calls::bound(found, &|argument| self.value(argument));
        // Where an object puts what it saves, what a path of the site is on the disk, and what a request brings.
        let object = name.split('.').next().unwrap_or_default();
        let path = self.variables.get(&format!("{object}.path"));
        let mapped = found.arguments.first().filter(|_| self.host == Host::Web).map(|a| self.map_path(&self.value(a)));
        let received = Some(Text::from_source(Source::Input, "request"));
        for (name, value) in [("path", path), ("mapped", mapped), ("received", received)] {
            if value.is_some() {
                bound.options.push((name.to_owned(), value));
            }
        }
        let caller = Caller { shell: Shell::Wsh, here: &self.here, site: &site, source: found.source, trail: &[] };
        let program = Text::lit(found.name.as_str());
        for nested in call::apply(command, &program, &bound, caller, sink) {
            batch::nested(&nested, &self.here, &Text::folder(Folder::AppDir), &site, sink);
        }
    }

    /// `Session("x") = y` and `Environment("SYSTEM")("x") = y`.
    fn stored(&self, name: &str, found: &Found<'_>, text: &Text, site: &Site, sink: &mut Sink<'_>) {
        let key = found.arguments.first().map(|a| self.value(a)).unwrap_or_default();
        if let Some(which) = &found.receiver
            && name.ends_with(".environment")
        {
            return self.environment(&self.value(which), &key, found, text, site, sink);
        }
        if let Some(which) = self.environments.get(name.strip_suffix(".item").unwrap_or(name)) {
            return self.environment(which, &key, found, text, site, sink);
        }
        let (store, label) = match name {
            "session" | "session.contents" | "session.value" => (Store::Session, "Session"),
            "application" | "application.contents" | "application.value" => (Store::Memory, "Application"),
            _ => return,
        };
        // An empty value is none that is kept.
        let is_kept = self.procedures.current.last().is_none_or(|event| !is_no_state(event, store, found.source));
        if self.host != Host::Web || !is_kept || text.is_empty() {
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
        let key = |found: &Found<'_>| found.arguments.first().map(|a| self.value(a).to_string().to_lowercase());
        value.parts.iter().any(|part| match part {
            Part::Call(call) => call.name.eq_ignore_ascii_case(&kept.name) && key(call) == key(kept),
            _ => false,
        })
    }

    /// `Set variables = shell.Environment("SYSTEM")`
    fn opened_environment(&self, value: &Argument<'_>) -> Option<Text> {
        let [Part::Call(call)] = value.parts.as_slice() else { return None };
        let which = call.arguments.first().map(|a| self.value(a));
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
        let caller = Caller { shell: Shell::Wsh, here: &self.here, site, source: found.source, trail: &[] };
        let effect = caller.effect(Operation::SetValue, Store::Environment, location, "Environment");
        sink.effect(site, effect.of_origin(super::sink::origin_of(value)));
    }
}
