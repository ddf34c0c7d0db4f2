//! PowerShell commands: arguments are bound to parameters as PowerShell does, then the catalogue says what happens.

use super::run::{Machine, child_of_kind, children};
use super::value::{Scope, Value};
use crate::catalog::commands::{self, Command, Shell};
use crate::facts::{Clue, ClueKind, Extent, Operation, Source, Text, join_paths};
use crate::read::script::bind::Bound;
use crate::read::script::call::{self, Caller};
use crate::read::script::sink;
use crate::read::script::words::Word;
use crate::read::script::{batch, powershell};
use tree_sitter::Node;

/// Most values of one parameter that become effects of their own.
const MAX_VALUES: usize = 24;

/// What tells the service tool from the cmdlet alias of its name.
const SERVICE_VERBS: &[&str] =
    &["query", "queryex", "create", "config", "start", "stop", "delete", "failure", "description", "sdset", "qc"];

/// Parameters of every cmdlet that take a value (about_CommonParameters), with their aliases.
const COMMON: &[&str] = &[
    "erroraction",
    "ea",
    "warningaction",
    "wa",
    "informationaction",
    "infa",
    "progressaction",
    "proga",
    "errorvariable",
    "ev",
    "warningvariable",
    "wv",
    "informationvariable",
    "iv",
    "outvariable",
    "ov",
    "outbuffer",
    "ob",
    "pipelinevariable",
    "pv",
];

/// Parameters of the cmdlets that find and take paths apart which take no value.
const SWITCHES: &[&str] = &[
    "recurse",
    "force",
    "file",
    "directory",
    "name",
    "hidden",
    "system",
    "readonly",
    "resolve",
    "leaf",
    "parent",
    "qualifier",
    "noqualifier",
    "isabsolute",
    "leafbase",
    "extension",
    "unique",
    "descending",
    "verbose",
    "debug",
    "passthru",
    "asjob",
    "followsymlink",
];

/// An argument as written.
enum Argument<'s> {
    /// `-Name`; whether the value follows for certain, as in `-Name:`, and whether it touches, as in `-o"x"`.
    Name {
        name: String,
        follows: bool,
        touches: bool,
    },
    Value(Value, &'s str),
    Block(Node<'s>),
}

impl<'s> Machine<'s, '_, '_> {
    /// Runs one command; `input` is what a pipe gives it.
    pub(super) fn command(&mut self, node: Node<'s>, input: Value, scope: &mut Scope) -> Value {
        let Some(name) = node.child_by_field_name("command_name") else { return Value::unknown() };
        let programs = match name.kind() {
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
        let arguments = self.arguments(node, scope);
        if let Some(elements) = node.child_by_field_name("command_elements") {
            self.redirections(elements, &Value::Null, scope);
        }
        let mut result = Value::Null;
        for program in programs.into_iter().take(MAX_VALUES) {
            let alias = program.as_lit().and_then(|name| self.aliases.get(&name.to_lowercase()));
            let program = alias.cloned().unwrap_or(program);
            result = result.and(self.run(&program, &arguments, &input, node, scope));
        }
        result
    }

    /// `> file` and `>> file` among the elements of a command.
    pub(super) fn redirections(&mut self, node: Node<'s>, input: &Value, scope: &mut Scope) {
        for redirection in children(node).into_iter().filter(|c| c.kind() == "redirection") {
            let Some(file) = child_of_kind(redirection, "redirected_file_name") else { continue };
            let sign = child_of_kind(redirection, "file_redirection_operator").map_or(">", |n| self.slice(n));
            let operation = if sign.ends_with(">>") { Operation::Append } else { Operation::Create };
            let raw = self.slice(file).trim();
            if sign.is_empty() || raw.is_empty() {
                continue;
            }
            let targets = match children(file).first() {
                Some(target) if target.kind() != "generic_token" => self.eval(*target, scope),
                _ => self.bare(raw, scope),
            };
            let origin = input.texts().first().map(sink::origin_of).unwrap_or_default();
            for target in targets.texts() {
                // `> $null` throws the output away.
                let location = call::file(&target, &scope.here);
                let site = self.site(redirection);
                let source = self.line_of(redirection);
                let trail = self.trail();
                let caller =
                    Caller { shell: Shell::Powershell, here: &scope.here, site: &site, source: &source, trail: &trail };
                let effect = caller.effect(operation, sink::file_store(&location), location, sign);
                self.sink.effect(&site, effect.of_origin(origin));
            }
        }
    }

    fn line_of(&self, node: Node<'s>) -> String {
        let start = self.source[..node.start_byte()].rfind('\n').map_or(0, |i| i + 1);
        self.source[start..].lines().next().unwrap_or_default().to_owned()
    }

    /// The arguments of a command; nodes that touch are one word.
    fn arguments(&mut self, node: Node<'s>, scope: &mut Scope) -> Vec<Argument<'s>> {
        let Some(elements) = node.child_by_field_name("command_elements") else { return Vec::new() };
        let mut cursor = elements.walk();
        let nodes: Vec<Node<'s>> = elements.children(&mut cursor).collect();
        let mut arguments: Vec<Argument<'s>> = Vec::new();
        let mut at = 0;
        let mut list = false;
        while let Some(first) = nodes.get(at) {
            match first.kind() {
                "command_argument_sep" | "redirection" | "comment" => {
                    at += 1;
                    continue;
                }
                "," => {
                    list = true;
                    at += 1;
                    continue;
                }
                "command_parameter" => {
                    let written = self.slice(*first).trim_start_matches(['-', '\u{2013}']);
                    let (name, inline) = written.split_once(':').map_or((written, ""), |(n, v)| (n, v));
                    let touches = nodes.get(at + 1).is_some_and(|next| {
                        next.start_byte() == first.end_byte() && next.kind() != "command_argument_sep"
                    });
                    let follows = written.contains(':');
                    arguments.push(Argument::Name { name: name.to_lowercase(), follows, touches });
                    if !inline.is_empty() {
                        arguments.push(Argument::Value(self.bare(inline, scope), inline));
                    }
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let start = at;
            while nodes.get(at).is_some_and(|n| {
                !matches!(n.kind(), "command_argument_sep" | "redirection" | "," | "command_parameter")
            }) {
                at += 1;
            }
            let last = nodes[at - 1];
            let raw = self.source.get(first.start_byte()..last.end_byte()).unwrap_or_default();
            let argument = self.argument(*first, at - start == 1, raw, scope);
            match (list, arguments.last_mut(), argument) {
                (true, Some(Argument::Value(known, _)), Argument::Value(value, _)) => {
                    *known = std::mem::replace(known, Value::Null).and(value);
                }
                (_, _, argument) => arguments.push(argument),
            }
            list = false;
        }
        arguments
    }

    fn argument(&mut self, node: Node<'s>, alone: bool, raw: &'s str, scope: &mut Scope) -> Argument<'s> {
        let mut inner = node;
        while inner.child_count() == 1 && inner.kind().ends_with("_expression") {
            match inner.named_child(0) {
                Some(child) => inner = child,
                None => break,
            }
        }
        if alone && inner.kind() == "script_block_expression" {
            return Argument::Block(inner);
        }
        // A path with a variable in front is not what the grammar takes it for, and a word ends with its line.
        if !alone || inner.has_error() || inner.kind() == "generic_token" {
            let value =
                split_outside(first_word(raw), ',').map(|word| self.bare(word, scope)).fold(Value::Null, Value::and);
            return Argument::Value(value, raw);
        }
        Argument::Value(self.eval(inner, scope), raw)
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
        let has_blocks = !blocks.is_empty();
        for block in blocks {
            let mut inner = scope.clone();
            if *input != Value::Null {
                inner.set("_".into(), input.clone(), node.start_byte());
            }
            self.eval(block, &mut inner);
            scope.join(&inner);
        }
        if has_blocks && matches!(name.as_str(), "node" | "configuration") {
            return Value::Null;
        }
        if let Some(value) = self.compute(&name, arguments, input, node, scope) {
            return value;
        }
        if let Some(function) = self.functions.get(&name).copied() {
            self.called.insert(name);
            let mut bound = Vec::new();
            let mut pending: Option<String> = None;
            for argument in arguments {
                match argument {
                    Argument::Name { name, .. } => pending = Some(name.clone()),
                    Argument::Value(value, _) => bound.push((pending.take(), value.clone())),
                    Argument::Block(_) => {}
                }
            }
            return self.function(function, &bound, scope);
        }
        self.used.truncate(8);
        let site = self.site(node);
        let source = sink::quote(self.slice(node));
        let trail = self.trail();
        let here = scope.here.clone();
        let caller = Caller { shell: Shell::Powershell, here: &here, site: &site, source: &source, trail: &trail };
        let mut nested = Vec::new();
        // Newer versions of PowerShell run the service tool by this name.
        let verb = |a: &Argument<'_>| matches!(a, Argument::Value(_, raw) if SERVICE_VERBS.contains(&raw.to_lowercase().as_str()));
        let tool = name == "sc" && arguments.first().is_some_and(verb);
        match commands::find(Shell::Powershell, &name).filter(|_| !tool) {
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
                        self.sink.clue(&site, Clue::new(ClueKind::Starts, "script", source.clone()).at(location));
                    }
                } else {
                    let shell = if tool { Shell::Any } else { Shell::Powershell };
                    nested.extend(call::run(program, &native(arguments), Caller { shell, ..caller }, self.sink));
                }
            }
        }
        for nested in nested {
            let mut own = self.own_folder.clone();
            own.push_lit("\\");
            if nested.shell == Shell::Powershell {
                powershell::inline(&nested.line, &here, &own, &site, self.sink);
            } else {
                batch::text(&nested.line, &here, &own, &site, self.sink);
            }
        }
        Value::text(Text::from_source(Source::Output, name))
    }

    fn dot_sourced(&self, node: Node<'s>) -> bool {
        child_of_kind(node, "command_invokation_operator").is_some_and(|n| self.slice(n).trim() == ".")
    }

    /// A DSC resource: `Name = value` lines.
    fn resource(&mut self, command: &'static Command, block: Node<'s>, node: Node<'s>, scope: &mut Scope) {
        let mut bound = Bound::default();
        let mut stack = vec![block];
        while let Some(at) = stack.pop() {
            if at.kind() == "command" {
                let name =
                    at.child_by_field_name("command_name").map(|n| self.slice(n).to_lowercase()).unwrap_or_default();
                let value = self.arguments(at, scope).into_iter().find_map(|a| match a {
                    Argument::Value(value, raw) if raw != "=" => value.texts().into_iter().next(),
                    _ => None,
                });
                bound.options.push((name, value));
            } else {
                stack.extend(children(at).into_iter().rev());
            }
        }
        let (site, source, trail) = (self.site(node), sink::quote(self.slice(node)), self.trail());
        let caller =
            Caller { shell: Shell::Powershell, here: &scope.here, site: &site, source: &source, trail: &trail };
        call::apply(command, &Text::lit("dsc"), &bound, caller, self.sink);
    }

    /// Commands that only compute, or steer the walk.
    fn compute(
        &mut self,
        name: &str,
        arguments: &[Argument<'s>],
        input: &Value,
        node: Node<'s>,
        scope: &mut Scope,
    ) -> Option<Value> {
        let positional = || {
            values(arguments, &["path", "literalpath", "childpath", "parent", "leaf", "resolve", "additionalchildpath"])
        };
        let first = || positional().into_iter().next().unwrap_or_else(Value::unknown);
        Some(match name {
            "join-path" if positional().len() == 1 && *input != Value::Null => input.with(&first(), join_paths),
            "join-path" => {
                positional().into_iter().reduce(|a, b| a.with(&b, join_paths)).unwrap_or_else(Value::unknown)
            }
            "split-path" => {
                let leaf = arguments.iter().any(|a| matches!(a, Argument::Name { name, .. } if name.starts_with("le")));
                let path = if positional().is_empty() { input.clone() } else { first() };
                if leaf {
                    path.map(|t| {
                        t.as_lit().map_or_else(Text::unknown, |s| Text::lit(s.rsplit(['\\', '/']).next().unwrap_or(s)))
                    })
                } else {
                    path.map(call::parent)
                }
            }
            "get-item" | "gi" | "resolve-path" | "rvpa" | "convert-path" => {
                let path = if positional().is_empty() && *input != Value::Null { input.clone() } else { first() };
                Value::Paths(path.texts())
            }
            "get-childitem" | "gci" | "ls" | "dir" => {
                let path = positional().into_iter().next().unwrap_or_else(|| {
                    if *input == Value::Null { Value::text(scope.here.clone()) } else { input.clone() }
                });
                let filter = named(arguments, &["filter", "include"]).and_then(|v| v.texts().into_iter().next());
                Value::Paths(path.texts().iter().map(|t| found_below(t, filter.as_ref())).collect())
            }
            // What they find goes by its name to the command behind the pipe.
            "get-service" | "gsv" | "get-scheduledtask" | "get-localuser" | "get-website" | "get-smbshare" => {
                let name = ["name", "displayname", "taskname", "include"];
                let known = values(arguments, &name).into_iter().next().unwrap_or_else(Value::unknown);
                Value::Paths(known.texts())
            }
            "set-alias" | "new-alias" | "sal" | "nal" => {
                let mut list = values(arguments, &["name", "value"]).into_iter().map(|v| v.texts().into_iter().next());
                if let (Some(Some(alias)), Some(Some(target))) = (list.next(), list.next()) {
                    self.aliases.insert(alias.to_string().to_lowercase(), target);
                }
                Value::Null
            }
            "get-location" | "gl" => Value::text(scope.here.clone()),
            "set-location" | "cd" | "chdir" | "sl" | "push-location" | "pushd" => {
                if let [one] = first().texts().as_slice() {
                    self.enter(&one.clone(), scope);
                }
                Value::Null
            }
            "get-date" => Value::text(Text::from_source(Source::Generated, "time")),
            "new-guid" => Value::text(Text::from_source(Source::Generated, "guid")),
            "get-random" => Value::text(Text::from_source(Source::Generated, "random")),
            "read-host" => Value::text(Text::from_source(Source::Input, "prompt")),
            "write-output" | "echo" | "write" | "out-string" | "convertto-json" | "convertto-xml" | "convertto-csv"
            | "where-object" | "where" | "?" | "sort-object" | "select-object" | "select" | "sort" => {
                if *input == Value::Null { first() } else { input.clone() }
            }
            "foreach-object" | "%" | "foreach" => input.clone(),
            "new-object" => {
                let mut values = values(arguments, &["typename", "argumentlist", "args"]).into_iter();
                let kind = values.next().and_then(|v| v.texts().into_iter().next()).unwrap_or_default();
                let kind = super::expression::object_type(&kind);
                let arguments: Vec<Value> = values.flat_map(|v| v.texts()).map(Value::text).collect();
                self.construct(kind, &arguments, node, scope)
            }
            "new-variable" | "set-variable" | "sv" | "nv" => {
                let mut list = values(arguments, &["name", "value"]).into_iter();
                if let (Some(Some(name)), Some(value)) =
                    (list.next().map(|n| n.texts().into_iter().next()), list.next())
                {
                    scope.set(name.to_string().to_lowercase(), value, node.start_byte());
                }
                Value::Null
            }
            "write-host" | "write-verbose" | "write-warning" | "write-error" | "write-debug" | "write-information"
            | "out-null" | "out-host" | "test-path" | "get-command" | "get-process" => Value::Null,
            _ => return None,
        })
    }
}

/// The value of the first of these parameters that is given.
fn named(arguments: &[Argument<'_>], names: &[&str]) -> Option<Value> {
    let at =
        arguments.iter().position(|a| matches!(a, Argument::Name { name, .. } if names.contains(&name.as_str())))?;
    match arguments.get(at + 1) {
        Some(Argument::Value(value, _)) => Some(value.clone()),
        _ => None,
    }
}

/// What a search in a folder finds: a pattern or a file stays as it is, a filter goes behind the folder.
fn found_below(path: &Text, filter: Option<&Text>) -> Text {
    let name = path.trailing_lit().rsplit(['\\', '/']).next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    let pattern = name.contains(['*', '?']) || (extension.len() == 3 && extension.chars().all(char::is_alphabetic));
    match filter {
        Some(filter) if !pattern => join_paths(path, filter),
        _ if pattern => path.clone(),
        _ => join_paths(path, &Text::lit("*")),
    }
}

/// Is this one of the parameters that every cmdlet has, perhaps shortened?
fn is_common(name: &str) -> bool {
    COMMON.iter().any(|c| *c == name || (name.len() > 4 && c.starts_with(name)))
}

/// A word ends at a blank outside quotes and brackets.
fn first_word(raw: &str) -> &str {
    split_outside(raw, ' ').next().unwrap_or_default()
}

/// Pieces between separators outside quotes and brackets; a blank stands for any white space.
fn split_outside(raw: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quote: Option<char> = None;
    let mut depth = 0u32;
    raw.split(move |c: char| {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '{' | '[') => depth += 1,
            (None, ')' | '}' | ']') => depth = depth.saturating_sub(1),
            (None, c) => return depth == 0 && (c == separator || (separator == ' ' && c.is_whitespace())),
            _ => {}
        }
        false
    })
    .map(str::trim)
    .filter(|word| !word.is_empty())
}

/// Positional values and those of the named parameters, in order.
fn values(arguments: &[Argument<'_>], names: &[&str]) -> Vec<Value> {
    let mut pending: Option<&str> = None;
    let mut out = Vec::new();
    for argument in arguments {
        match argument {
            Argument::Name { name, follows, .. } => {
                pending = Some(name.as_str()).filter(|name| *follows || !SWITCHES.contains(name));
            }
            Argument::Value(value, _) => match pending.take() {
                Some(name) if !names.iter().any(|n| n.starts_with(name)) => {}
                _ => out.push(value.clone()),
            },
            Argument::Block(_) => pending = None,
        }
    }
    out
}

/// Binds arguments to the parameters of a cmdlet: by (shortened) name, by splatting, then by position. One result for
/// each value of the first parameter that has several.
fn bind(command: &Command, arguments: &[Argument<'_>], input: &Value) -> Vec<Bound> {
    let known = |short: &str| -> String {
        let all = || command.params.iter().chain(&command.values).chain(&command.flags);
        all()
            .find(|n| *n == short)
            .or_else(|| all().find(|n| n.starts_with(short)))
            .cloned()
            .unwrap_or(short.to_owned())
    };
    let is_flag = |name: &str| {
        command.flags.iter().any(|f| f == name) || !command.params.iter().chain(&command.values).any(|p| p == name)
    };
    let mut options: Vec<(String, Option<Value>)> = Vec::new();
    let mut positional: Vec<Value> = Vec::new();
    let mut pending: Option<String> = None;
    for argument in arguments {
        match argument {
            Argument::Name { name, follows, .. } => {
                if let Some(flag) = pending.take() {
                    options.push((flag, None));
                }
                let name = known(name);
                if is_flag(&name) && !follows && !is_common(&name) {
                    options.push((name, None));
                } else {
                    pending = Some(name);
                }
            }
            Argument::Value(Value::Table(entries), raw) if raw.starts_with('@') => {
                options.extend(entries.iter().map(|(name, value)| (known(name), Some(value.clone()))));
            }
            Argument::Value(value, _) => match pending.take() {
                Some(name) => options.push((name, Some(value.clone()))),
                None => positional.push(value.clone()),
            },
            Argument::Block(_) => pending = None,
        }
    }
    let mut rest = positional.into_iter();
    for name in &command.params {
        if !options.iter().any(|(n, _)| n == name) {
            match (rest.next(), input) {
                (Some(value), _) => options.push((name.clone(), Some(value))),
                // What a pipe hands on as a path is the path.
                (None, Value::Paths(_)) if command.params.first() == Some(name) => {
                    options.push((name.clone(), Some(input.clone())));
                }
                _ => {}
            }
        }
    }
    if *input != Value::Null {
        options.push(("input".into(), Some(input.clone())));
    }
    let single = |value: &Value| {
        let texts = value.texts();
        texts.iter().skip(1).fold(texts.first().cloned().unwrap_or_default(), |a, b| a.merge(b))
    };
    let lists: Vec<usize> = options
        .iter()
        .enumerate()
        .filter(|(_, (n, v))| n != "input" && v.as_ref().is_some_and(|v| v.texts().len() > 1))
        .map(|(i, _)| i)
        .collect();
    let fixed: Vec<(String, Option<Text>)> = options.iter().map(|(n, v)| (n.clone(), v.as_ref().map(single))).collect();
    let Some(&list) = lists.first() else { return vec![Bound { options: fixed, ..Bound::default() }] };
    let values = options[list].1.as_ref().map(Value::texts).unwrap_or_default();
    values
        .into_iter()
        .take(MAX_VALUES)
        .map(|value| {
            let mut options = fixed.clone();
            options[list].1 = Some(value);
            Bound { options, ..Bound::default() }
        })
        .collect()
}

/// The words that an executable gets.
fn native(arguments: &[Argument<'_>]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut glued = false;
    for argument in arguments {
        match argument {
            Argument::Name { name, follows, touches } => {
                let colon = if *follows { ":" } else { "" };
                words.push(Word::plain(Text::lit(format!("-{name}{colon}"))));
                glued = *touches || *follows;
            }
            Argument::Value(value, _) => {
                let texts = value.texts();
                match (std::mem::take(&mut glued), words.last_mut(), texts.first()) {
                    (true, Some(word), Some(text)) => *word = Word::plain(word.text.clone().concat(text)),
                    _ => words.extend(texts.into_iter().take(MAX_VALUES).map(Word::plain)),
                }
            }
            Argument::Block(_) => {}
        }
    }
    words
}
