//! One call of one command: its arguments are bound as the command reads them, and the catalogue says what happens.

mod server;

use super::access;
use super::autostart;
use super::bind::{Bound, bind, matches};
use super::encoded;
use super::handed;
use super::installer;
use super::items;
use super::origins::origin_of_source;
use super::programs;
use super::sink::{self, Sink};
use super::template::{self, Arguments};
use super::words::{self, Word};
use super::wrapped;
use crate::catalog::commands::{self, Command, Form, Kind, Outcome, Shell, Start, Template};
use crate::facts::{
    Certainty, Clue, ClueKind, Effect, Extent, Folder, Hole, Location, NoteKind, Operation, Origin, Part, Phase, Place,
    Site, Source, Step, Store, Text, Trait, join_paths,
};

/// Most effects of one call: `del` with a thousand names is one deed.
const MAX_EACH: usize = 64;

/// Where a command is called from.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// Whose command names apply.
    pub(crate) shell: Shell,
    /// Current folder.
    pub(crate) here: &'a Text,
    /// Where in the script.
    pub(crate) site: &'a Site,
    /// The source of the call.
    pub(crate) source: &'a str,
    /// Where the values in it come from, for evidence.
    pub(crate) trail: &'a [Step],
}

impl Caller<'_> {
    /// An effect with its evidence.
    pub(crate) fn effect(&self, operation: Operation, store: Store, location: Location, via: &str) -> Effect {
        let mut certainty = sink::certainty(store, &location);
        // A cmdlet that writes to what an object of this run names does write; only a function's parameter leaves
        // open whether anyone calls it so.
        let is_parameter = |p: &Part| matches!(p, Part::Hole(Hole::From(Source::Param | Source::Arg, _)));
        if self.shell == Shell::Powershell && !location.text().parts().iter().any(is_parameter) {
            certainty = certainty.max(Certainty::Likely);
        }
        let mut effect = Effect::new(operation, store, location, certainty, via);
        effect.evidence.extend(self.trail.iter().cloned());
        effect.because(Step::new(sink::quote(self.source)))
    }
}

/// A command line that a command runs in place.
pub(crate) struct Nested {
    pub(crate) shell: Shell,
    pub(crate) line: Text,
    /// The argument that holds it, where it is not a part of the line itself.
    pub(crate) argument: Option<String>,
    /// A shell reads it: operators and variables in it count. Other starters hand it to the program as it is.
    pub(crate) by_shell: bool,
}

/// Runs one command: emits what it does, and returns what it runs in place. Commands that the catalogue does not
/// know are programs of the application or of nobody; with a path or an extension they are worth following.
pub(crate) fn run(program: &Text, arguments: &[Word], caller: Caller<'_>, sink: &mut Sink<'_>) -> Vec<Nested> {
    if installer::asks_for_help(arguments) {
        return Vec::new();
    }
    let name = command_name(program);
    // What has a folder is a file: `.\start` is no command of a shell.
    let shell = if has_folder(program) { Shell::Any } else { caller.shell };
    let Some(command) = commands::find(shell, &name) else {
        programs::start(program, arguments, caller, sink);
        return Vec::new();
    };
    if command.brought {
        programs::tool(program, caller, sink);
    }
    let bound = bind(command, arguments);
    let first = sink.reading.facts.len();
    let nested = apply(command, program, &bound, caller, sink);
    if command.wraps {
        wrapped::told(arguments, first, caller, sink);
    }
    nested
}

/// Applies the form that matches, or several where one lets others apply too.
pub(crate) fn apply(
    command: &Command,
    program: &Text,
    bound: &Bound,
    caller: Caller<'_>,
    sink: &mut Sink<'_>,
) -> Vec<Nested> {
    let mut nested = Vec::new();
    for (form, skip) in fitting(command, bound) {
        let scope = Scope { arguments: Arguments { bound, skip, program, here: caller.here, is_plain: true }, caller };
        let via = via(command, form, program, caller.shell);
        #[cfg(test)]
        super::proved::saw(form);
        if form.outside {
            let phase: &str = Phase::NotShipped.into();
            sink.clue(caller.site, Clue::new(ClueKind::RunsIn, "", phase).at(Location::named(Text::lit(via.clone()))));
        }
        for outcome in &form.effects {
            scope.outcome(outcome, &via, sink);
        }
        if let Some(line) = form.setup.as_ref().and_then(|setup| scope.arguments.evaluate(setup).into_iter().next()) {
            installer::set_up("the installer", &words::split(&line), caller, sink);
        }
        nested.extend(form.starts.iter().filter_map(|start| scope.start(start, sink)));
    }
    nested
}

/// The forms that apply, and how many positional arguments are the words of each.
fn fitting<'c>(command: &'c Command, bound: &Bound) -> Vec<(&'c Form, usize)> {
    let mut found: Vec<(&Form, usize)> = Vec::new();
    for form in &command.form {
        if let Some(skip) = matches(form, bound) {
            found.push((form, skip));
            if !form.more {
                break;
            }
        }
    }
    found
}

/// What a registered program does while it runs, as far as its arguments say it; all else that a row knows of would be
/// done at once.
pub(crate) fn at_run(line: &Text, caller: Caller<'_>, sink: &mut Sink<'_>) {
    let words = words::split(&autostart::quoted_program(line));
    let Some((program, arguments)) = words.split_first() else { return };
    let Some(command) = commands::find(Shell::Any, &command_name(&program.text)) else { return };
    // Wrappers of services keep all arguments as one, and hand them on without its quotes.
    let one = arguments.first().filter(|word| arguments.len() == 1 && word.text.leading_lit().starts_with('-'));
    let bound = bind(command, &one.map_or_else(|| arguments.to_vec(), |word| words::split(&word.text)));
    for (form, skip) in fitting(command, &bound) {
        let arguments = Arguments { bound: &bound, skip, program: &program.text, here: caller.here, is_plain: true };
        let scope = Scope { arguments, caller };
        let via = via(command, form, &program.text, Shell::Any);
        for outcome in form.effects.iter().filter(|outcome| outcome.phase == Some(Phase::Run)) {
            scope.outcome(outcome, &via, sink);
        }
    }
}

/// Is a program named by its path?
pub(crate) fn has_folder(program: &Text) -> bool {
    program.parts().iter().any(|part| matches!(part, Part::Lit(s) if s.contains(['\\', '/'])))
}

/// `%windir%\system32\reg.exe` is `reg`. A variable that nothing in sight sets and that has the name of a command,
/// such as `%appcmd%`, holds the path of that command by custom.
pub(crate) fn command_name(program: &Text) -> String {
    if let Some(Hole::From(Source::Env, name)) = program.as_hole() {
        return name.to_lowercase();
    }
    let name = words::base_name(program).trim_matches('"').to_lowercase();
    // A batch file of a command's name is another program: `more.cmd` is not `more`.
    for suffix in [".exe", ".com"] {
        if let Some(stem) = name.strip_suffix(suffix) {
            return stem.to_owned();
        }
    }
    name
}

/// The name that reports show: `reg add`. Cmdlets, instructions and methods are shown as the script writes them.
fn via(command: &Command, form: &Form, program: &Text, shell: Shell) -> String {
    if let Some(via) = &form.via {
        return via.clone();
    }
    let mut via = command.names.first().cloned().unwrap_or_default();
    let written = words::base_name(program);
    let method = written.rsplit('.').next().unwrap_or(written);
    let is_own = |name: &&str| command.names.iter().any(|n| n.eq_ignore_ascii_case(name));
    match shell {
        Shell::Powershell if via.contains('-') => {
            if let Some(name) = Some(written).filter(is_own).filter(|n| n.contains('-')) {
                name.clone_into(&mut via);
            }
        }
        // A row may hold several tools that work alike.
        Shell::Any | Shell::Batch | Shell::Powershell
            if commands::find(Shell::Any, &command_name(program)).is_some_and(|c| std::ptr::eq(c, command)) =>
        {
            via = command_name(program);
        }
        Shell::Nsis | Shell::Pascal | Shell::Wsh | Shell::Wix | Shell::Php => {
            return Some(method).filter(is_own).map_or(via, str::to_owned);
        }
        _ => {}
    }
    for word in form.words.iter().filter(|w| !w.contains('*') && !w.contains('|')) {
        via.push(' ');
        via.push_str(word);
    }
    via
}

/// One call of a form: its arguments, and who calls.
struct Scope<'a> {
    arguments: Arguments<'a>,
    caller: Caller<'a>,
}

impl Scope<'_> {
    fn outcome(&self, outcome: &Outcome, via: &str, sink: &mut Sink<'_>) {
        let first = |template: &Template| self.arguments.evaluate(template).into_iter().next();
        if let Some(server) = outcome.server.as_ref().and_then(first)
            && self.server(&server, outcome, via, sink).is_none()
        {
            return;
        }
        for at in self.arguments.evaluate(&outcome.at).into_iter().take(MAX_EACH) {
            if let Some(provider) = outcome.provider
                && provider != items::provider_at(&at, self.caller.here)
            {
                continue;
            }
            let kind = outcome.kind.unwrap_or(match outcome.store {
                Store::Registry => Kind::Registry,
                store if store.is_path() => Kind::File,
                _ => Kind::Name,
            });
            // A path without a character is one that was not followed.
            let named = matches!(kind, Kind::Name | Kind::Server);
            let at = if at.is_empty() && !named { Text::unknown() } else { at };
            let (mut only_reads, mut most) = (false, outcome.certainty);
            let mut location = match kind {
                Kind::Server => match self.server(&at, outcome, via, sink) {
                    Some((location, may_write, certainty)) => {
                        only_reads = !may_write;
                        most = Some(most.map_or(certainty, |most| most.min(certainty)));
                        location
                    }
                    None => continue,
                },
                Kind::File if self.caller.shell == Shell::Php && has_wrapper(&at) => continue,
                Kind::File => file(&at, self.caller.here),
                Kind::Registry => match items::on_this_machine(&at) {
                    Some(at) => Location::registry(&items::key(&at, self.caller.here)),
                    None => continue,
                },
                Kind::Name => Location::named(at),
            };
            if let Some(template) = &outcome.value {
                let name = self.arguments.evaluate(template).into_iter().next().unwrap_or_default();
                location = match outcome.store {
                    Store::Ini if name.is_empty() => location,
                    Store::Ini => location.child(&name),
                    _ => Location::registry_value(&location, &name),
                };
            }
            let store = if outcome.store == Store::File { sink::file_store(&location) } else { outcome.store };
            let does = if only_reads { Operation::Read } else { outcome.does };
            let mut effect = self.caller.effect(does, store, location, via);
            effect.origin = self.origin(outcome, &effect);
            if outcome.does == Operation::Rename
                && let Some(from) = outcome.source.as_ref().and_then(first)
            {
                let from = file(&from, self.caller.here);
                if renames_in_place(&from, &effect.location) {
                    effect.origin = Origin::Packaged;
                    effect.certainty = Certainty::Possible;
                }
                effect.evidence.extend((from.extent() != Extent::None).then(|| Step::moved(&from)));
            }
            // What is fetched under another name each time is kept, and nobody has that again.
            let is_generated = |part: &Part| matches!(part, Part::Hole(Hole::From(Source::Generated, _)));
            let is_kept = effect.location.text().parts().iter().any(is_generated);
            for mark in outcome.traits.iter().filter(|mark| !(is_kept && **mark == Trait::Recomputable)) {
                effect.mark(*mark);
            }
            effect.certainty = most.map_or(effect.certainty, |most| effect.certainty.min(most));
            if let Some(phase) = outcome.phase {
                effect = effect.in_phase(phase, format!("what {via} starts or sets up does it while it runs"));
            }
            if let (Operation::SetValue, Some(data)) = (effect.operation, &outcome.data) {
                let starts = |command| autostart::of_value(&effect.location, &command, self.caller.here);
                for clue in self.arguments.evaluate(data).into_iter().take(1).flat_map(starts) {
                    sink.clue(self.caller.site, clue);
                }
            }
            if let Some(target) = outcome.to.as_ref().and_then(|to| self.arguments.evaluate(to).into_iter().next()) {
                let target = file(&target, self.caller.here).to_string();
                sink.clue(self.caller.site, Clue::new(ClueKind::LeadsTo, via, target).at(effect.location.clone()));
            }
            let owns = |granted: &str| access::is_own_profile(&effect.location, granted);
            if effect.operation == Operation::Grant
                && let Some(granted) = access::write_access(&self.arguments.bound.words, owns)
                    .or_else(|| access::named_rights(&self.arguments.bound.words).filter(|granted| !owns(granted)))
            {
                let clue = Clue::new(ClueKind::GrantsAccess, via, granted).at(effect.location.clone());
                sink.clue(self.caller.site, clue);
            }
            #[cfg(test)]
            super::proved::saw(outcome);
            sink.effect(self.caller.site, effect);
        }
    }

    /// Where the value comes from. A command that names no value of its own, such as a firewall rule, does the same
    /// each time when its words are the same each time; what a program writes to a file is not known from them.
    fn origin(&self, outcome: &Outcome, effect: &Effect) -> Origin {
        let first = |template: &Template| self.arguments.evaluate(template).into_iter().next();
        if let Some(source) = outcome.source.as_ref().and_then(first) {
            return origin_of_source(&source);
        }
        match outcome.data.as_ref() {
            Some(data) => first(data).map_or(Origin::Unknown, |data| sink::origin_of(&data)),
            None if matches!(effect.operation, Operation::Protect | Operation::Generate) => Origin::Unknown,
            // A package by its name, a folder that is made, rights that are granted.
            None if matches!(effect.store, Store::Directory | Store::Acl)
                || (effect.store == Store::Package && outcome.kind == Some(Kind::Name)) =>
            {
                sink::origin_of(effect.location.text())
            }
            None if effect.store.is_path() || effect.store == Store::Registry => Origin::Unknown,
            None => sink::origin_of(effect.location.text()),
        }
    }

    fn start(&self, start: &Start, sink: &mut Sink<'_>) -> Option<Nested> {
        if let Some(file_at) = &start.file {
            for at in self.arguments.evaluate(file_at).into_iter().take(MAX_EACH) {
                let location = file(&at, self.caller.here);
                #[cfg(test)]
                super::proved::saw(start);
                // An interpreter hands the script what stands behind its name.
                let words = &self.arguments.bound.words;
                let behind = words.iter().position(|w| w.text == at).and_then(|name| words.get(name + 1..));
                handed::arguments(&location, behind.unwrap_or_default(), self.caller, sink);
                sink.clue(
                    self.caller.site,
                    Clue::new(ClueKind::Starts, &start.how, sink::quote(self.caller.source)).at(location),
                );
            }
        }
        if let Some(encoded) = &start.encoded {
            let argument = self.arguments.evaluate(encoded).into_iter().next()?;
            let script = argument.as_lit().and_then(encoded::decode);
            if script.is_none() {
                let place = self.caller.site.short();
                sink.note(NoteKind::Opaque, format!("the encoded command at {place} cannot be decoded: not read"));
            }
            #[cfg(test)]
            super::proved::saw(start);
            let argument = argument.as_lit().map(str::to_owned);
            return script.map(|script| Nested {
                shell: start.language,
                line: Text::lit(script),
                argument,
                by_shell: true,
            });
        }
        let is_plain = start.language == Shell::Powershell;
        let arguments = Arguments { is_plain, ..self.arguments };
        let mut line = arguments.evaluate(start.command.as_ref()?).into_iter().next()?;
        #[cfg(test)]
        super::proved::saw(start);
        for placeholder in &start.placeholders {
            line = template::with_hole(&line, placeholder);
        }
        if start.language == Shell::Any {
            // A registration, not a run: the program starts later, by the service manager or the scheduler.
            for clue in autostart::registered(&start.how, &line, self.caller.here) {
                sink.clue(self.caller.site, clue);
            }
            // A service begins in the folder of the system (MS documentation: "Service Programs").
            let folder = Text::folder(Folder::System);
            let here = if start.how == "service" { &folder } else { self.caller.here };
            at_run(&line, Caller { here, ..self.caller }, sink);
            return None;
        }
        let by_shell = start.how == "cmd";
        // Of a new process the first quotes are those of its program, not of the whole line.
        let line = if by_shell { words::unquote(&line) } else { line };
        Some(Nested { shell: start.language, line, argument: None, by_shell })
    }
}

/// Another name for a file of the package, in its folder: nothing is there that was not there before.
fn renames_in_place(from: &Location, to: &Location) -> bool {
    let shipped = |l: &Location| matches!(l.text().parts().first(), Some(Part::Hole(Hole::Folder(Folder::AppDir))));
    shipped(from) && shipped(to) && parent(from.text()) == parent(to.text())
}

/// The folder of a path, without the last separator; empty when there is none.
pub(crate) fn parent(path: &Text) -> Text {
    let tail = path.trailing_lit();
    let count = path.parts().len();
    match tail.rfind(['\\', '/']) {
        Some(at) => {
            Text::from_parts(path.parts()[..count - 1].iter().cloned().chain([Part::Lit(tail[..at].to_owned())]))
        }
        // The folder above one that has a name.
        None if matches!(path.parts(), [Part::Hole(Hole::Folder(_))]) => path.clone().concat(&Text::lit("\\..")),
        None if count > 1 && !tail.is_empty() => Text::from_parts(path.parts()[..count - 1].iter().cloned()),
        None => Text::new(),
    }
}

/// A path as a command at `here` understands it.
pub(crate) fn file(path: &Text, here: &Text) -> Location {
    let lead = path.leading_lit();
    // Addresses and product codes are in no folder.
    if lead.contains("://") || (lead.starts_with('{') && lead.ends_with('}') && lead.len() == 38) {
        return Location::named(path.clone());
    }
    let location = Location::file(&words::trim(path));
    // `.` is the current folder itself.
    if location.text().is_empty() && !path.is_empty() {
        return Location::file(here);
    }
    // `NUL` is the device in every folder.
    if location.is_relative() && location.file_place() != Place::Device {
        Location::file(&join_paths(here, path))
    } else {
        location
    }
}

/// `php://stderr`, `s3://x`: a stream of another kind than files (PHP manual, "Supported Protocols and Wrappers").
fn has_wrapper(path: &Text) -> bool {
    let scheme = path.leading_lit().split_once("://").map(|(scheme, _)| scheme.to_owned());
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
    scheme.is_some_and(|scheme| scheme.len() > 1 && scheme.chars().all(is_name) && !scheme.eq_ignore_ascii_case("file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parents() {
        assert_eq!(command_name(&Text::parse("{Windows}\\System32\\REG.exe")), "reg");
        assert_eq!(parent(&Text::parse("{AppDir}\\a\\b")).to_string(), "{AppDir}\\a");
        assert_eq!(parent(&Text::parse("{AppDir}\\a")).to_string(), "{AppDir}");
        assert_eq!(parent(&Text::parse("{AppDir}")).to_string(), "{AppDir}\\..");
        assert_eq!(parent(&Text::parse("a")).to_string(), "");
    }
}
