//! PowerShell commands: arguments are bound to parameters as PowerShell does, then the catalogue says what happens.

use super::arguments::{Argument, Handed, MAX_VALUES, bind, native, split_outside};
use super::run::{Machine, child_of_kind, children};
use super::sourced::matching;
use super::strings::strip_scope;
use super::value::{Made, Scope, Value};
use crate::catalog::commands::{self, Command, Shell};
use crate::facts::{Clue, ClueKind, Extent, Operation, Part, Site, Source, Text, Trait};
use crate::read::script::batch;
use crate::read::script::bind::Bound;
use crate::read::script::call::{self, Caller};
use crate::read::script::handed;
use crate::read::script::sink;
use crate::read::script::spread;
use std::sync::Arc;
use tree_sitter::Node;

/// Most properties of one resource.
const MAX_PROPERTIES: usize = 64;
/// Most levels above a redirection within its statement.
const MAX_LEVELS: usize = 16;

/// What runs blocks on the machines that it is told.
const REMOTE: &[&str] = &["invoke-command", "icm"];

/// Parameters of `Invoke-Command` that name another machine (MS documentation of the cmdlet), with their aliases.
const MACHINES: &[&str] =
    &["computername", "cn", "session", "vmname", "vmid", "connectionuri", "uri", "cu", "hostname", "sshconnection"];

/// Does the argument name another machine?
fn is_remote(argument: &Argument<'_>) -> bool {
    let Argument::Name { name, .. } = argument else { return false };
    MACHINES.iter().any(|machine| machine == name || (name.len() > 2 && machine.starts_with(name.as_str())))
}

/// What holds the resources of a desired state, or the nodes that get them (MS documentation: "DSC Configurations").
fn is_part_of_dsc(name: &str) -> bool {
    matches!(name, "node" | "configuration")
}

/// What tells the service tool from the cmdlet alias of its name.
const SERVICE_VERBS: &[&str] =
    &["query", "queryex", "create", "config", "start", "stop", "delete", "failure", "description", "sdset", "qc"];

impl<'s> Machine<'s, '_, '_> {
    /// Runs one command; `input` is what a pipe gives it.
    pub(super) fn command(&mut self, node: Node<'s>, input: Value, scope: &mut Scope) -> Value {
        let Some(name) = node.child_by_field_name("command_name") else { return Value::unknown() };
        let listed = self.listed(self.slice(name), scope);
        let programs = match name.kind() {
            _ if !listed.is_empty() => listed.as_slice().into(),
            "command_name" => self.bare(self.slice(name), scope).texts(),
            _ => {
                let value = self.eval(name, scope);
                if let (Value::Texts(_) | Value::Paths(_), _) | (_, "path_command_name") = (&value, name.kind()) {
                    value.texts()
                } else {
                    return Value::Null;
                }
            }
        };
        // `1..3` is a list of numbers, which the grammar takes for a name.
        if programs.iter().any(|program| program.as_lit().is_some_and(is_range)) {
            return Value::unknown();
        }
        let arguments = self.arguments(node, scope);
        let first = self.sink.reading.facts.len();
        let mut result = Value::Null;
        for program in programs.iter().take(listed.len().max(MAX_VALUES)) {
            let alias = program.as_lit().and_then(|name| self.aliases.get(&name.to_lowercase()));
            let program = alias.unwrap_or(program).clone();
            result = result.and(self.run(&program, &arguments, &input, node, scope));
        }
        if let Some(elements) = node.child_by_field_name("command_elements") {
            self.redirections(elements, &Value::Null, first, scope);
        }
        // Looking around a node is slow, and of a command that does nothing there is nothing to doubt.
        if self.broken && self.sink.reading.facts.len() > first && is_cut(node) && self.verbatim(node).is_none() {
            self.sink.doubt(first);
        }
        result
    }

    /// The scripts that a variable goes through which holds what was found by a pattern: `. $found.FullName`.
    fn listed(&self, name: &str, scope: &Scope) -> Vec<Text> {
        const PATHS: [&str; 5] = ["fullname", "path", "providerpath", "pspath", "definition"];
        let Some((variable, input)) = name.strip_prefix('$').zip(self.input) else { return Vec::new() };
        let lower = variable.to_lowercase();
        let variable = match lower.split_once('.') {
            Some((variable, property)) if PATHS.contains(&property) => variable,
            Some(_) => return Vec::new(),
            None => &lower,
        };
        let Some((Value::Paths(paths), _)) = scope.get(strip_scope(variable)) else { return Vec::new() };
        paths.iter().flat_map(|path| matching(call::file(path, &scope.here).text(), input)).collect()
    }

    /// `> file` and `>> file` among the elements of a command whose facts begin with the `first`. What prints while it
    /// changes or starts something prints a log of that.
    pub(super) fn redirections(&mut self, node: Node<'s>, input: &Value, first: usize, scope: &mut Scope) {
        let is_log = self.sink.has_acted(first);
        for redirection in children(node).into_iter().filter(|c| c.kind() == "redirection") {
            if self.is_guess(redirection) {
                continue;
            }
            let Some(file) = child_of_kind(redirection, "redirected_file_name") else { continue };
            let sign = child_of_kind(redirection, "file_redirection_operator").map_or(">", |n| self.slice(n));
            // `$null >> file` only makes it, where it is missing.
            let adds = sign.ends_with(">>") && !self.is_of_nothing(redirection);
            let operation = if adds { Operation::Append } else { Operation::Create };
            let raw = self.slice(file).trim();
            if sign.is_empty() || raw.is_empty() {
                continue;
            }
            let targets = match children(file).first() {
                Some(target) if target.kind() != "generic_token" => self.eval(*target, scope),
                _ => self.bare(raw, scope),
            };
            let origin = input.texts().first().map(sink::origin_of).unwrap_or_default();
            for target in targets.texts().iter() {
                // `> "$null"` names no file.
                if target.is_empty() {
                    continue;
                }
                let location = call::file(target, &scope.here);
                let site = self.site(redirection);
                // Of a line that another script gives, the one statement.
                let source = match (&self.fixed, node.parent()) {
                    (Some(_), Some(statement)) => self.quoted(statement),
                    _ => self.line_of(redirection),
                };
                let trail = self.trail();
                let caller =
                    Caller { shell: Shell::Powershell, here: &scope.here, site: &site, source: &source, trail: &trail };
                let mut effect = caller.effect(operation, sink::file_store(&location), location, sign);
                if (is_log && sink::may_be_log(&effect.location)) || sign.starts_with('2') {
                    effect.mark(Trait::Printed);
                }
                self.sink.effect(&site, effect.of_origin(origin));
            }
        }
    }

    /// Does nothing go into the file, as far as the words in front of it say?
    fn is_of_nothing(&self, redirection: Node<'s>) -> bool {
        let before = self.source.get(..redirection.start_byte()).unwrap_or_default();
        let statement = before.rsplit(['\n', ';', '{', '|', '(']).next().unwrap_or_default().trim().to_lowercase();
        let said = ["write-output", "echo"].iter().find_map(|name| statement.strip_prefix(name));
        ["$null", "\"\"", "''"].contains(&said.unwrap_or(&statement).trim())
    }

    /// May the redirection stand in a text? Behind what the grammar does not understand the quotes of a line are not paired.
    fn is_guess(&self, node: Node<'s>) -> bool {
        let start = self.source[..node.start_byte()].rfind('\n').map_or(0, |i| i + 1);
        let before = self.source.get(start..node.start_byte()).unwrap_or_default();
        self.broken && (before.matches('"').count() % 2 == 1 || before.matches('\'').count() % 2 == 1)
    }

    fn line_of(&self, node: Node<'s>) -> String {
        let start = self.source[..node.start_byte()].rfind('\n').map_or(0, |i| i + 1);
        self.source[start..].lines().next().unwrap_or_default().to_owned()
    }

    fn run(
        &mut self,
        program: &Text,
        arguments: &[Argument<'s>],
        input: &Value,
        node: Node<'s>,
        scope: &mut Scope,
    ) -> Value {
        let name = call::command_name(program);
        // Blocks run where they stand: loops over the pipe, DSC nodes, remote commands.
        let blocks: Vec<Node<'s>> =
            arguments.iter().filter_map(|a| if let Argument::Block(b) = a { Some(*b) } else { None }).collect();
        if let Some(block) = blocks.first()
            && let Some(resource) = commands::find(Shell::Powershell, &format!("dsc:{name}"))
        {
            self.resource(resource, *block, node, scope);
            return Value::Null;
        }
        // Properties of a resource that no row knows look like commands; only what its script sets is one.
        // A block behind `=` is the value of one, where the grammar took the braces of its resource for a block of their own.
        if let [Argument::Value(_, word), Argument::Block(block)] = arguments
            && *word != "="
            && self.configuring
            && !is_part_of_dsc(&name)
            && !name.contains('-')
        {
            for inner in self.setters(*block) {
                self.eval(inner, &mut scope.clone());
            }
            return Value::Null;
        }
        if REMOTE.contains(&name.as_str()) && arguments.iter().any(is_remote) {
            // It happens on another machine.
            return Value::unknown();
        }
        let has_blocks = !blocks.is_empty();
        let was_configuring = self.configuring;
        self.configuring |= has_blocks && name == "configuration";
        for block in blocks {
            let mut inner = scope.clone();
            if *input != Value::Null {
                inner.set("_", input.clone(), node.start_byte());
            }
            self.eval(block, &mut inner);
            scope.join(&inner);
        }
        self.configuring = was_configuring;
        if (has_blocks || self.configuring) && is_part_of_dsc(&name) {
            return Value::Null;
        }
        // A file has no name of a cmdlet, of an alias or of a function.
        let is_file = call::has_folder(program);
        if !is_file && let Some(value) = self.own(&name, arguments, input, node, scope) {
            return value;
        }
        // Newer versions of PowerShell run the service tool by this name; no alias has an extension.
        let verb = |a: &Argument<'_>| matches!(a, Argument::Value(_, raw) if SERVICE_VERBS.contains(&raw.to_lowercase().as_str()));
        let is_tool = program.trailing_lit().to_ascii_lowercase().ends_with(".exe");
        let tool = is_tool || (name == "sc" && arguments.first().is_some_and(verb));
        let shell = if is_file { Shell::Any } else { Shell::Powershell };
        let known = commands::find(shell, &name).filter(|_| !tool);
        let output = || Value::text(Text::from_source(Source::Output, name.clone()));
        // A cmdlet that the catalogue does not know, or knows to do nothing, is no program either.
        let is_dull = |c: &Command| !c.form.iter().any(commands::Form::acts);
        if known.map_or_else(|| !tool && !has_path(program) && !self.dot_sourced(node), is_dull) {
            return output();
        }
        self.used.truncate(8);
        let site = self.site(node);
        let source = self.quoted(node);
        let trail = self.trail();
        // What knows no drives but those of files runs in the current folder.
        let here = if known.is_some_and(Command::knows_drives) { scope.location() } else { &scope.here }.clone();
        let caller = Caller { shell: Shell::Powershell, here: &here, site: &site, source: &source, trail: &trail };
        let mut nested = Vec::new();
        let first = self.sink.reading.facts.len();
        // about_CommonParameters: with `-WhatIf` a cmdlet only says what it would do.
        if known.is_some() && name.contains('-') && only_says(arguments) {
            return output();
        }
        match known {
            Some(command)
                if name.contains('-')
                    || commands::find(Shell::Any, &name).is_none_or(|any| !std::ptr::eq(any, command)) =>
            {
                for bound in bind(command, arguments, input) {
                    nested.extend(call::apply(command, program, &bound, caller, self.sink));
                }
            }
            _ => {
                if self.dot_sourced(node) {
                    let location = call::file(program, &here);
                    if location.extent() != Extent::None {
                        for words in native(arguments) {
                            handed::arguments(&location, &words, caller, self.sink);
                        }
                        self.take_over(&location, node, scope);
                        self.sink.clue(&site, Clue::new(ClueKind::Starts, "script", source.clone()).at(location));
                    }
                } else {
                    let shell = if tool { Shell::Any } else { Shell::Powershell };
                    for words in native(arguments) {
                        nested.extend(call::run(program, &words, Caller { shell, ..caller }, self.sink));
                    }
                }
            }
        }
        for nested in nested {
            let inside = nested.argument.as_ref().and_then(|argument| self.slice(node).find(argument.as_str()));
            let site = match (inside, self.index.filter(|_| self.fixed.is_none())) {
                (Some(at), Some(index)) => index.site(node.start_byte() + at),
                _ => site.clone(),
            };
            let mut own = self.own_folder.clone();
            own.push_lit("\\");
            let first = self.sink.reading.facts.len();
            batch::nested(&nested, &here, &own, &site, self.sink);
            self.spread(node, &site, first);
        }
        handed::surroundings(first, scope.environment(), caller, self.sink);
        output()
    }

    /// Commands that only compute, and functions of the script and of those that it has read.
    fn own(
        &mut self,
        name: &str,
        arguments: &[Argument<'s>],
        input: &Value,
        node: Node<'s>,
        scope: &mut Scope,
    ) -> Option<Value> {
        let is_connection =
            |argument: &Argument<'_>| matches!(argument, Argument::Value(value, _) if is_connection(value));
        let is_own = self.functions.contains_key(name) || self.foreign.contains_key(name);
        if !is_own && name != "new-object" && arguments.iter().any(is_connection) {
            self.sink.queries.may_change();
        }
        if let Some(value) = self.compute(name, arguments, input, node, scope) {
            return Some(value);
        }
        if let Some(function) = self.functions.get(name).copied() {
            self.called.insert(name.to_owned());
            let handed = Handed::to(&self.parameter_names(function), arguments);
            let outer = std::mem::replace(&mut self.handed, handed);
            let value = self.function(function, &bound(arguments), scope);
            self.handed = outer;
            return Some(value);
        }
        self.foreign_function(name, arguments, node, scope)
    }

    /// What a command runs may be written on several lines.
    fn spread(&mut self, node: Node<'s>, site: &Site, first: usize) {
        let start = node.start_byte();
        let is_there = self.fixed.is_none() && self.index.is_some_and(|index| index.site(start) == *site);
        if is_there {
            spread(self.slice(node), site, &mut self.sink.reading.facts[first..]);
        }
    }

    fn dot_sourced(&self, node: Node<'s>) -> bool {
        child_of_kind(node, "command_invokation_operator").is_some_and(|n| self.slice(n).trim() == ".")
    }

    /// A DSC resource: `Name = value`, on lines of their own or behind semicolons.
    fn resource(&mut self, command: &'static Command, block: Node<'s>, node: Node<'s>, scope: &mut Scope) {
        let mut properties: Vec<(String, Arc<[Text]>)> = Vec::new();
        let body = self.slice(block).trim().trim_start_matches('{').trim_end_matches('}');
        for property in split_outside(body, ';').flat_map(|part| split_outside(part, '\n')).take(MAX_PROPERTIES) {
            let Some((name, value)) = property.split_once('=') else { continue };
            let name = name.trim();
            if name.chars().all(char::is_alphanumeric) && !value.trim().starts_with(['{', '@']) {
                properties.push((name.to_lowercase(), self.bare(value.trim(), scope).texts()));
            }
        }
        // What sets it is a script; those that test and read change nothing.
        for inner in self.setters(block) {
            self.eval(inner, &mut scope.clone());
        }
        let (site, source, trail) = (self.site(node), self.quoted(node), self.trail());
        let caller =
            Caller { shell: Shell::Powershell, here: &scope.here, site: &site, source: &source, trail: &trail };
        // A loop around it may give a property several values.
        let ways = properties.iter().map(|(_, values)| values.len()).max().unwrap_or_default();
        for way in 0..ways.clamp(1, MAX_VALUES) {
            let option = |(name, values): &(String, Arc<[Text]>)| {
                (name.clone(), values.get(way).or_else(|| values.first()).cloned())
            };
            let bound = Bound { options: properties.iter().map(option).collect(), ..Bound::default() };
            call::apply(command, &Text::lit("dsc"), &bound, caller, self.sink);
        }
    }

    /// The blocks of `SetScript`.
    fn setters(&self, block: Node<'s>) -> Vec<Node<'s>> {
        let mut found = Vec::new();
        let mut stack = vec![block];
        let mut left = MAX_PROPERTIES * MAX_LEVELS;
        while let Some(at) = stack.pop().filter(|_| left > 0) {
            left -= 1;
            if at.kind() != "script_block_expression" || at.id() == block.id() {
                stack.extend(children(at).into_iter().rev());
                continue;
            }
            let before = self.source.get(block.start_byte()..at.start_byte()).unwrap_or_default();
            if before.trim_end_matches(['=', ' ', '\t', '\r', '\n']).to_ascii_lowercase().ends_with("setscript") {
                found.push(at);
            }
        }
        found
    }
}

/// A connection to a database that was made here: who is given one may do anything with it.
fn is_connection(value: &Value) -> bool {
    matches!(value, Value::Object(class, Made::Instance) if class.ends_with("connection"))
}

fn is_range(word: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    word.split_once("..").is_some_and(|(from, to)| is_number(from) && is_number(to))
}

/// Is there something in the command, or behind it on its line, that the grammar does not understand? Then what its
/// arguments are is a guess.
fn is_cut(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    let elements = node.child_by_field_name("command_elements");
    let parts =
        node.children(&mut cursor).chain(elements.iter().flat_map(|e| (0..e.child_count()).filter_map(|i| e.child(i))));
    if parts.into_iter().any(|part| part.is_error()) {
        return true;
    }
    let mut last = node;
    for _ in 0..MAX_LEVELS {
        if let Some(next) = last.next_sibling() {
            return next.is_error() && next.start_position().row == node.end_position().row;
        }
        let Some(parent) = last.parent() else { return false };
        last = parent;
    }
    false
}

/// Arguments of a function, with the names of those that have one.
pub(super) fn bound(arguments: &[Argument<'_>]) -> Vec<(Option<String>, Value)> {
    let mut bound = Vec::new();
    let mut pending: Option<String> = None;
    for argument in arguments {
        match argument {
            Argument::Name { name, .. } => pending = Some(name.clone()),
            Argument::Value(value, _) => bound.push((pending.take(), value.clone())),
            Argument::Block(_) => {}
        }
    }
    bound
}

/// Is `-WhatIf` given, and not as `-WhatIf:$false`?
fn only_says(arguments: &[Argument<'_>]) -> bool {
    let at = arguments.iter().position(|a| matches!(a, Argument::Name { name, .. } if name == "whatif"));
    let is_off = |a: &Argument<'_>| matches!(a, Argument::Value(_, raw) if raw.trim_start_matches(':').trim().eq_ignore_ascii_case("$false"));
    at.is_some_and(|at| !arguments.get(at + 1).is_some_and(is_off))
}

/// A program with a folder or an extension.
fn has_path(program: &Text) -> bool {
    program.parts().iter().any(|part| matches!(part, Part::Lit(s) if s.contains(['.', '\\'])))
}
