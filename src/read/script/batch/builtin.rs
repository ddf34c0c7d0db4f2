//! Carries out single commands of cmd: the built-ins that steer the walk here, all others by the catalogue.

use super::env::{Env, Value, is_dark};
use super::run::{Frame, Machine};
use super::syntax::{Mode, Piece, Redirect, Simple};
use crate::catalog::commands::Shell;
use crate::facts::{
    Extent, Fact, Hole, Location, Operation, Origin, Part, Site, Source, Step, Store, Text, Trait, fold_alternatives,
};
use crate::read::script::call::{self, Caller, Nested};
use crate::read::script::sink;
use crate::read::script::words::{self, Word};
use crate::read::script::{handed, spread};

/// Built-ins whose name may be followed directly by a separator: `cd..`, `echo.`, `set/a`.
const GLUED: &[&str] = &[
    "cd", "chdir", "echo", "set", "md", "mkdir", "rd", "rmdir", "del", "pushd", "call", "goto", "exit", "copy", "type",
    "start",
];

/// Variables with options for Java: those that Java itself looks at (documentation of the `java` command, and of the
/// tool interface), and those that start scripts of its servers put behind it, Tomcat's first of all.
const JAVA_OPTIONS: &[&str] = &["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "JAVA_OPTS", "CATALINA_OPTS"];

/// What a command prints.
#[derive(Clone, Copy, Default)]
pub(super) struct Printed<'a> {
    data: Option<Origin>,
    from: &'a [String],
}

/// A command as it reads with certain values.
struct Line {
    text: Text,
    words: Vec<Word>,
    trail: Vec<Step>,
}

impl Machine<'_, '_, '_> {
    /// Carries out one command in all the ways it may read.
    pub(super) fn simple(&mut self, simple: &Simple, env: Env, frame: &mut Frame<'_>) -> Option<Env> {
        let ways = self.expand(&simple.text, &env, frame);
        let computed =
            matches!(simple.text.first(), Some(Piece::Variable { .. } | Piece::Loop { .. } | Piece::Argument { .. }));
        let mut after: Option<Env> = None;
        let mut data: Option<Origin> = None;
        // The files whose content is in what is printed.
        let mut from: Vec<String> = Vec::new();
        let first = self.sink.reading.facts.len();
        for (text, used) in ways {
            if !self.step(0) {
                break;
            }
            let trail = used.iter().map(|(name, at)| self.assignment(name, *at)).collect();
            let origin = echoed(&text);
            from.extend(text.parts().iter().filter_map(|part| match part {
                Part::Hole(Hole::From(Source::Output, name)) => Some(name.clone()),
                _ => None,
            }));
            data = match data {
                None => Some(origin),
                Some(known) if known == origin => data,
                Some(_) => Some(Origin::Unknown),
            };
            // A command that begins with a value may hide operators in it.
            let result = if computed && self.inner.is_none() && !is_dark(&text) {
                self.line(&text, simple.at, &env, frame)
            } else {
                self.one(Line { words: words::split(&text), text, trail }, simple, env.clone(), frame)
            };
            if let Some(result) = result {
                match &mut after {
                    Some(known) => known.join(&result),
                    None => after = Some(result),
                }
            }
        }
        let printed = Printed { data, from: &from };
        self.statement = simple.at..simple.end;
        self.redirections(&simple.redirects, printed, first, &env, frame);
        if simple.text.is_empty() { Some(env) } else { after }
    }

    /// What is redirected to and from files, by a command or block whose facts begin with the `first`. What prints
    /// while it changes or starts something prints a log of that; what only prints, prints data.
    pub(super) fn redirections(
        &mut self,
        redirects: &[Redirect],
        printed: Printed<'_>,
        first: usize,
        env: &Env,
        frame: &Frame<'_>,
    ) {
        if let Some(redirect) = redirects.first()
            && self.sink.has_acted(first)
        {
            // A loop does it once more, and nothing new is found then.
            self.acted.insert(redirect.at);
        }
        let is_log = redirects.first().is_some_and(|redirect| self.acted.contains(&redirect.at));
        for redirect in redirects {
            let targets = self.expand(&redirect.target, env, frame).into_iter();
            let mut targets: Vec<_> =
                targets.map(|(target, used)| (call::file(&words::without_quotes(&target), &env.here), used)).collect();
            // A loop that may run or not leaves a name that says nothing new beside the one that it sets.
            fold_alternatives(&mut targets);
            for (location, used) in targets {
                let (operation, sign) = match redirect.mode {
                    Mode::Read => (Operation::Read, "<"),
                    Mode::Create => (Operation::Create, ">"),
                    Mode::Append => (Operation::Append, ">>"),
                };
                if redirect.mode == Mode::Read && location.extent() == Extent::None {
                    continue;
                }
                let site = self.site(redirect.at);
                let trail: Vec<Step> = used.iter().map(|(name, at)| self.assignment(name, *at)).collect();
                let source = self.source(&site, redirect.at);
                let caller =
                    Caller { shell: Shell::Batch, here: &env.here, site: &site, source: &source, trail: &trail };
                let via = match redirect.handle {
                    Some('2') => format!("2{sign}"),
                    _ => sign.to_owned(),
                };
                let mut effect = caller.effect(operation, sink::file_store(&location), location, &via);
                if redirect.mode != Mode::Read {
                    effect.origin = match printed.from.contains(&file_name_of_hole(&effect.location)) {
                        true => Origin::Previous,
                        false => printed.data.unwrap_or_default(),
                    };
                    if (is_log && sink::may_be_log(&effect.location)) || redirect.handle == Some('2') {
                        effect.mark(Trait::Printed);
                    }
                }
                self.sink.effect(&site, effect);
            }
        }
    }

    /// The line a site is on.
    fn source(&self, site: &Site, at: usize) -> String {
        match (self.world.index, site.line) {
            (Some(index), Some(line)) if self.world.fixed.is_none() => index.line(line).to_owned(),
            _ => {
                let rest = self.world.source.get(at..).unwrap_or(self.world.source);
                if self.world.fixed.is_none() {
                    return rest.lines().next().unwrap_or_default().to_owned();
                }
                // Of a line with several commands, the one.
                let is_own = self.inner.is_none() && self.statement.contains(&at);
                let own = self.world.source.get(self.statement.clone()).filter(|_| is_own);
                self.without_marks(own.unwrap_or(self.world.source))
            }
        }
    }

    /// Where a variable got its value.
    fn assignment(&self, name: &str, at: usize) -> Step {
        let site = self.site(at);
        let line = match (self.world.index, site.line) {
            (Some(index), Some(line)) if self.world.fixed.is_none() => sink::quote(index.line(line)),
            _ => format!("set {name}"),
        };
        Step::at(line, site)
    }

    fn one(&mut self, line: Line, simple: &Simple, mut env: Env, frame: &mut Frame<'_>) -> Option<Env> {
        let Some((name, rest)) = head(&line) else { return Some(env) };
        match name.as_str() {
            // What was set since `setlocal` is as it was before.
            "endlocal" | "path" => env.is_open = true,
            "echo" | "rem" | "setlocal" | "title" | "cls" | "color" | "pause" | "prompt" | "verify" | "break"
            | "shift" | "ver" | "vol" | "dir" => {}
            "set" => {
                self.set(&rest, simple.at, &mut env);
                self.answered(&rest, simple, &mut env, frame);
                self.options_of_java(&rest, &line, simple, &env);
            }
            "cd" | "chdir" => change_folder(&rest, &mut env),
            "pushd" => {
                env.folders.push(env.here.clone());
                env.folders.truncate(16);
                change_folder(&rest, &mut env);
            }
            "popd" => {
                if let Some(folder) = env.folders.pop() {
                    env.here = folder;
                }
            }
            "goto" => {
                let label = words::split(&rest).into_iter().next().map(|w| w.text).unwrap_or_default();
                self.goto(&label, env, frame);
                return None;
            }
            "exit" => {
                self.exit(env, frame);
                return None;
            }
            "call" => return self.called(&rest, &line, simple, env, frame),
            "start" => {
                let rest = started(&rest);
                if !rest.is_empty() {
                    self.program(&rest, &line, simple, &env, frame);
                }
            }
            drive if drive.len() == 2 && drive.ends_with(':') => {
                env.here = Text::lit(format!("{}\\", drive.to_uppercase()))
            }
            _ => self.program(&line.text, &line, simple, &env, frame),
        }
        Some(env)
    }

    /// Any command that is no built-in of the walk.
    fn program(&mut self, text: &Text, line: &Line, simple: &Simple, env: &Env, frame: &mut Frame<'_>) {
        let split = words::split(text);
        let Some((program, arguments)) = split.split_first() else { return };
        let (name, glued) = glued(&program.text);
        let mut all = Vec::new();
        let (program, arguments) = match glued {
            Some(rest) => {
                all.push(Word::plain(rest));
                all.extend(arguments.iter().cloned());
                (Text::lit(name), all.as_slice())
            }
            None => (program.text.clone(), arguments),
        };
        let site = self.site(simple.at);
        let source = text.to_string();
        let caller = Caller { shell: Shell::Batch, here: &env.here, site: &site, source: &source, trail: &line.trail };
        let first = self.sink.reading.facts.len();
        let inner = call::run(&program, arguments, caller, self.sink);
        self.asked = self.sink.reading.facts.get(first..).and_then(asked);
        self.inquired = INQUIRIES.contains(&call::command_name(&program).as_str());
        for nested in inner {
            self.nested(&nested, simple, env, frame);
        }
        handed::surroundings(first, env.assigned(), caller, self.sink);
    }

    fn nested(&mut self, nested: &Nested, simple: &Simple, env: &Env, frame: &mut Frame<'_>) {
        if nested.shell == Shell::Batch {
            self.line(&nested.line, simple.at, env, frame);
        } else {
            // What stands in an argument as a whole is found where the argument is.
            let source = self.world.source.get(simple.at..).filter(|_| self.inner.is_none());
            let inside = nested.argument.as_ref().and_then(|argument| source?.find(argument.as_str()));
            let site = self.site(simple.at + inside.unwrap_or_default());
            let first = self.sink.reading.facts.len();
            crate::read::script::powershell::inline(&nested.line, &env.here, &self.world.own_folder, &site, self.sink);
            let written = self.world.source.get(simple.at..simple.end);
            if let (Some(written), None, None) = (written, self.inner, &self.world.fixed) {
                spread(written, &site, &mut self.sink.reading.facts[first..]);
            }
        }
    }

    /// `call :label`, `call other.cmd`, `call` with a second round of expansion.
    fn called(
        &mut self,
        rest: &Text,
        line: &Line,
        simple: &Simple,
        mut env: Env,
        frame: &mut Frame<'_>,
    ) -> Option<Env> {
        let split = words::split(rest);
        let Some((first, arguments)) = split.split_first() else { return Some(env) };
        if let Some(label) = first.text.leading_lit().strip_prefix(':') {
            let label = if first.text.as_lit().is_some() { Text::lit(label) } else { Text::unknown() };
            let arguments = arguments.iter().map(|w| w.raw.clone()).collect();
            return Some(self.call(&label, arguments, env, frame));
        }
        if rest.to_string().contains('%') {
            return self.line(rest, simple.at, &env, frame);
        }
        if command_of(rest) == "set" {
            let (_, rest) = head(&Line { text: rest.clone(), words: split.clone(), trail: Vec::new() })?;
            self.set(&rest, simple.at, &mut env);
            return Some(env);
        }
        self.program(rest, line, simple, &env, frame);
        let script_at = call::file(&first.text, &env.here);
        let arguments = arguments.iter().map(|w| w.raw.clone()).collect();
        let is_followed = self.take_over(&script_at, arguments, self.inner.unwrap_or(simple.at), &mut env);
        // A program changes no variable of the shell that starts it; a script that is not followed may.
        let is_program = first.text.as_lit().is_some_and(|name| name.to_ascii_lowercase().ends_with(".exe"));
        env.is_open |= !is_followed && !is_program;
        Some(env)
    }

    /// `set /p X=<file`: the answer is the first line of a file.
    fn answered(&self, rest: &Text, simple: &Simple, env: &mut Env, frame: &Frame<'_>) {
        let rest = words::trim(rest);
        let lead = rest.leading_lit();
        let Some(from) = simple.redirects.iter().find(|r| r.mode == Mode::Read) else { return };
        let Some(tail) = lead.get(..2).filter(|s| s.eq_ignore_ascii_case("/p")).and(lead.get(2..)) else { return };
        let Some((name, _)) = tail.split_once('=') else { return };
        let name = name.trim().trim_start_matches('"').to_uppercase();
        let Some((file, _)) = self.expand(&from.target, env, frame).pop().filter(|_| !name.is_empty()) else { return };
        let location = call::file(&words::without_quotes(&file), &env.here);
        let text = Text::from_source(Source::Output, file_name_of_hole(&location));
        env.set(name, vec![Value { text, at: Some(self.inner.unwrap_or(simple.at)) }]);
    }

    /// A variable whose value is put behind `java`.
    fn options_of_java(&mut self, rest: &Text, line: &Line, simple: &Simple, env: &Env) {
        let body = quoted_assignment(&words::trim(rest));
        let Some((name, _)) = body.leading_lit().split_once('=') else { return };
        if JAVA_OPTIONS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            let command = Text::lit("java ").concat(&words::drop_front(&body, name.len() + 1));
            let site = self.site(simple.at);
            let source = line.text.to_string();
            let caller =
                Caller { shell: Shell::Batch, here: &env.here, site: &site, source: &source, trail: &line.trail };
            call::at_run(&command, caller, self.sink);
        }
    }

    /// A file whose lines a loop runs over.
    pub(super) fn read_file(&mut self, file: &Text, at: usize, env: &Env, via: &str) -> Text {
        let location = call::file(&words::without_quotes(file), &env.here);
        let hole = Text::from_source(Source::Output, file_name_of_hole(&location));
        if location.extent() != Extent::None {
            let site = self.site(at);
            let source = self.source(&site, at);
            let caller = Caller { shell: Shell::Batch, here: &env.here, site: &site, source: &source, trail: &[] };
            let effect = caller.effect(Operation::Read, sink::file_store(&location), location, via);
            self.sink.effect(&site, effect);
        }
        hole
    }

    /// `set X=value`, `set "X=value"`, `set /a`, `set /p`.
    fn set(&mut self, rest: &Text, at: usize, env: &mut Env) {
        let rest = words::trim(rest);
        let lead = rest.leading_lit();
        let switch = lead.get(..2).unwrap_or_default().to_lowercase();
        let body =
            if switch == "/a" || switch == "/p" { words::trim(&words::drop_front(&rest, 2)) } else { rest.clone() };
        let body = quoted_assignment(&body);
        let equals = body.leading_lit().find('=');
        // A computed name, or several assignments in one expression.
        let is_list = switch == "/a" && body.as_lit().is_none_or(|text| text.contains(','));
        env.is_open |= is_list || (equals.is_none() && body.as_lit().is_none());
        let Some(equals) = equals else { return };
        let name = body.leading_lit()[..equals].trim_end_matches(['+', '-', '*', '/']).trim().to_uppercase();
        if name.is_empty() {
            return;
        }
        let compound = body.leading_lit()[..equals].trim_end().ends_with(['+', '-', '*', '/', '%', '&', '|', '^']);
        let text = match switch.as_str() {
            // `N+=1` counts from what was there.
            "/a" if compound => counted(&env.get(&name)),
            "/a" => match words::drop_front(&body, equals + 1).as_lit() {
                Some(n) if n.trim().chars().all(|c| c.is_ascii_digit()) => Text::lit(n.trim()),
                _ => Text::unknown(),
            },
            "/p" => Text::from_source(Source::Input, name.clone()),
            _ => words::drop_front(&body, equals + 1),
        };
        env.set(name, vec![Value { text, at: Some(self.inner.unwrap_or(at)) }]);
    }
}

/// Programs that only look whether something is so: that they fail is an answer (MS documentation, "Windows Commands").
const INQUIRIES: [&str; 8] = ["find", "findstr", "fc", "comp", "where", "tasklist", "query", "ping"];

/// What a command asked the registry for.
fn asked(facts: &[Fact]) -> Option<Location> {
    let effect = facts.first()?.as_effect()?;
    let asks = effect.operation == Operation::Read && effect.store == Store::Registry;
    asks.then(|| effect.location.clone()).filter(|key| key.extent() != Extent::None)
}

/// What `N+=1` gives. A number that was read from a file stays one of that file.
fn counted(values: &[Value]) -> Text {
    let is_read = |text: &Text| text.parts().iter().any(|p| matches!(p, Part::Hole(Hole::From(Source::Output, _))));
    let read = values.iter().map(|value| &value.text).find(|text| is_read(text));
    read.cloned().unwrap_or_else(|| Text::from_source(Source::Generated, "counter"))
}

/// How a value that was read from a file names it: the braces of holes cannot stand in the name of one.
fn file_name_of_hole(location: &Location) -> String {
    location.text().to_string().replace('{', "(").replace('}', ")")
}

/// Where printed text comes from; other commands print what they like.
fn echoed(text: &Text) -> Origin {
    if command_of(text) == "echo" { sink::origin_of(text) } else { Origin::Unknown }
}

fn command_of(text: &Text) -> String {
    let first = text.leading_lit().split([' ', '\t']).next().unwrap_or_default();
    glued(&Text::lit(first)).0
}

/// The command name in lower case and the text behind it.
fn head(line: &Line) -> Option<(String, Text)> {
    let first = line.words.first()?;
    let (name, _) = glued(&first.text);
    let lead = line.text.leading_lit();
    let offset = lead.len() - lead.trim_start().len();
    let skip = if first.raw.leading_lit().starts_with('"') { 0 } else { offset + name.len() };
    Some((name, if skip == 0 { line.text.clone() } else { words::drop_front(&line.text, skip) }))
}

/// `cd..` is `cd` and `..`.
fn glued(word: &Text) -> (String, Option<Text>) {
    let lead = word.leading_lit();
    let letters = lead.bytes().take_while(u8::is_ascii_alphabetic).count();
    let name = lead[..letters].to_lowercase();
    let next = lead[letters..].chars().next();
    if GLUED.contains(&name.as_str()) {
        // A program may have the name of a built-in, or lie in a folder of that name: `start.cmd`, `start\a.cmd`.
        let program = [".exe", ".cmd", ".bat", ".com"].iter().any(|e| lead[letters..].eq_ignore_ascii_case(e))
            || (next == Some('\\') && is_program(lead));
        let attached = next.is_some_and(|c| "./\\:;,=([+".contains(c)) && !program;
        if attached {
            return (name, Some(words::drop_front(word, letters)));
        }
    }
    (word.to_string().to_lowercase(), None)
}

/// `start\a.cmd` names a file in the folder `start`, as cmd finds out when it looks for one before it tries its
/// built-ins.
fn is_program(word: &str) -> bool {
    const EXTENSIONS: &[&str] = &["cmd", "bat", "exe", "com", "ps1", "vbs", "js", "wsf", "msi"];
    word.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()))
}

/// `"X=a b" trailing`: the quotes around the whole go, and what stands behind them.
fn quoted_assignment(body: &Text) -> Text {
    use crate::facts::Part;
    if !body.leading_lit().starts_with('"') {
        return body.clone();
    }
    let mut parts: Vec<Part> = words::drop_front(body, 1).parts().to_vec();
    for i in (0..parts.len()).rev() {
        if let Part::Lit(s) = &parts[i]
            && let Some(at) = s.rfind('"')
        {
            let kept = s[..at].to_owned();
            parts.truncate(i);
            parts.push(Part::Lit(kept));
            break;
        }
    }
    Text::from_parts(parts)
}

fn change_folder(rest: &Text, env: &mut Env) {
    let mut rest = words::trim(rest);
    if rest.leading_lit().get(..2).is_some_and(|s| s.eq_ignore_ascii_case("/d")) {
        rest = words::trim(&words::drop_front(&rest, 2));
    }
    let rest = words::without_quotes(&rest);
    if rest.is_empty() {
        return;
    }
    env.here = call::file(&rest, &env.here).text().clone();
}

/// What `start` starts: title and switches go.
fn started(rest: &Text) -> Text {
    let split = words::split(rest);
    let mut at = 0;
    let mut titled = false;
    while let Some(word) = split.get(at) {
        let lead = word.raw.leading_lit().to_lowercase();
        if lead.starts_with('/') {
            at += if lead == "/d" { 2 } else { 1 };
        } else if lead.starts_with('"') && !titled && split.len() > at + 1 {
            titled = true;
            at += 1;
        } else {
            break;
        }
    }
    words::join_raw(split.get(at..).unwrap_or_default())
}
