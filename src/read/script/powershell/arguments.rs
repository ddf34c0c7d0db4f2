//! Arguments of PowerShell commands: how they are written, and how they meet the parameters of a cmdlet.

use super::run::{Machine, child_of_kind, children, is_number};
use super::value::{Scope, Value};
use crate::catalog::commands::Command;
use crate::facts::{Part, Text, expand_env};
use crate::read::script::bind::Bound;
use crate::read::script::words::{self, Word};
use std::sync::Arc;
use tree_sitter::Node;

/// Most values of one parameter that become effects of their own.
pub(super) const MAX_VALUES: usize = 24;

/// Most arguments that a function hands on.
const MAX_HANDED: usize = 64;

/// Longest word with a method call in it that is looked at.
const MAX_WORD: usize = 512;

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
/// What a parameter begins with (about_Parameters; the console takes a dash for a hyphen).
const DASHES: [char; 2] = ['-', '\u{2013}'];

/// An argument as written.
#[derive(Clone)]
pub(super) enum Argument<'s> {
    /// `-Name`; whether the value follows for certain, as in `-Name:`, and whether it touches, as in `-o"x"`.
    Name {
        name: String,
        /// The name as a program gets it, for which case may count.
        written: &'s str,
        follows: bool,
        touches: bool,
    },
    Value(Value, &'s str),
    Block(Node<'s>),
}

impl<'s> Machine<'s, '_, '_> {
    /// The arguments of a command; nodes that touch are one word.
    pub(super) fn arguments(&mut self, node: Node<'s>, scope: &mut Scope) -> Vec<Argument<'s>> {
        if let Some(line) = self.verbatim(node) {
            let words = words::split(&expand_env(&Text::lit(line))).into_iter();
            return words.map(|word| Argument::Value(Value::text(word.text), "")).collect();
        }
        let Some(elements) = node.child_by_field_name("command_elements") else { return Vec::new() };
        let mut cursor = elements.walk();
        let mut nodes: Vec<Node<'s>> = elements.children(&mut cursor).collect();
        nodes.truncate(self.own_elements(&nodes));
        let mut arguments: Vec<Argument<'s>> = Vec::new();
        let mut at = 0;
        let mut list = false;
        let perhaps = self.sink.perhaps;
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
                    let written = self.slice(*first);
                    let (head, inline) = written.split_once(':').unwrap_or((written, ""));
                    let name = head.trim_start_matches(DASHES);
                    // Whoever writes an operator where a parameter belongs means what stands behind to be done at most.
                    self.sink.perhaps |= ["and", "or"].iter().any(|operator| name.eq_ignore_ascii_case(operator));
                    let touches = nodes.get(at + 1).is_some_and(|next| {
                        next.start_byte() == first.end_byte() && next.kind() != "command_argument_sep"
                    });
                    // The colon of `-Name:value` separates, as a blank does.
                    let behind = self.source.get(first.end_byte()..).unwrap_or_default();
                    let follows = written.contains(':') || behind.starts_with(':');
                    arguments.push(Argument::Name { name: name.to_lowercase(), written: head, follows, touches });
                    if !inline.is_empty() {
                        arguments.push(Argument::Value(self.bare(inline, scope), inline));
                    }
                    at += 1;
                    continue;
                }
                _ => {}
            }
            // `$a.ToLower().Replace(b, c)`: what a method gives is not followed, and its arguments are none of the command.
            let until = (first.start_byte() + MAX_WORD).min(elements.end_byte());
            let word = self.source.get(first.start_byte()..until).filter(|text| text.starts_with('$'));
            let word = word.map(first_word).unwrap_or_default();
            let end = first.start_byte() + word.len();
            if end > first.end_byte() && calls_a_method(word) {
                arguments.push(Argument::Value(Value::unknown(), word));
                at += nodes.iter().skip(at).take_while(|node| node.start_byte() < end).count();
                list = false;
                continue;
            }
            let start = at;
            while nodes.get(at).is_some_and(|n| {
                !matches!(n.kind(), "command_argument_sep" | "redirection" | "," | "command_parameter")
            }) {
                // `Type(arguments)` is two arguments: a parenthesis always begins a new one.
                if at > start && self.slice(nodes[at]).starts_with('(') {
                    break;
                }
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
            // The comma of a list may be the end of its word.
            list = last.kind() == "generic_token" && raw.ends_with(',');
        }
        self.sink.perhaps = perhaps || self.left;
        self.handed.expand(arguments)
    }

    /// What stands behind `--%` goes to the program as it is, with variables as cmd writes them (about_Parsing, "The
    /// stop-parsing token").
    pub(super) fn verbatim(&self, node: Node<'_>) -> Option<&'s str> {
        let line = self.source.get(node.start_byte()..)?.lines().next()?;
        let (before, rest) = line.split_once("--%")?;
        let is_own = before.ends_with([' ', '\t']) && !before.contains(['|', ';', '"', '\'', '#', '{']);
        let mut is_quoted = false;
        let piped = rest.find(|c: char| {
            is_quoted ^= c == '"';
            c == '|' && !is_quoted
        });
        is_own.then(|| &rest[..piped.unwrap_or(rest.len())])
    }

    /// How many of the elements belong to the command: it ends with its line unless a sign continues it. Where the grammar
    /// does not understand a line it takes the next ones for more of it.
    fn own_elements(&self, nodes: &[Node<'s>]) -> usize {
        let ends = |pair: &[Node<'s>]| {
            let [before, after] = pair else { return false };
            let gap = self.source.get(before.end_byte()..after.start_byte()).unwrap_or_default();
            let line = gap.split('\n').next().unwrap_or_default();
            let is_over = before.is_error() && self.slice(*before).contains('\n');
            is_over
                || (gap.contains('\n')
                    && before.kind() != ","
                    && after.kind() != ","
                    && !line.trim_end().ends_with('`'))
        };
        nodes.windows(2).position(ends).map_or(nodes.len(), |last| last + 1)
    }

    fn argument(&mut self, node: Node<'s>, alone: bool, raw: &'s str, scope: &mut Scope) -> Argument<'s> {
        let mut inner = node;
        while inner.child_count() == 1 && inner.kind().ends_with("_expression") {
            match inner.named_child(0) {
                Some(child) => inner = child,
                None => break,
            }
        }
        if alone && inner.kind() == "argument_list" {
            // `Type(a, b)`: the list in parentheses behind a word.
            let list = child_of_kind(inner, "argument_expression_list").map(children).unwrap_or_default();
            let value = list.into_iter().map(|n| self.eval(n, scope)).fold(Value::Null, Value::and);
            return Argument::Value(value, raw);
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
        // A program is handed a number as it is written.
        if alone && is_number(inner.kind()) {
            return Argument::Value(Value::lit(raw), raw);
        }
        Argument::Value(self.eval(inner, scope), raw)
    }
}

/// What a function was called with.
#[derive(Clone, Default)]
pub(super) struct Handed<'s> {
    /// What none of its parameters takes; `None` where nobody in sight calls it.
    rest: Option<Vec<Argument<'s>>>,
    /// The others, by the names of the parameters.
    bound: Option<Vec<Argument<'s>>>,
}

impl<'s> Handed<'s> {
    /// Divides the arguments of a call among the parameters, whose names are in lower case, and what is left (about_Functions,
    /// "Positional parameters").
    pub(super) fn to(parameters: &[String], arguments: &[Argument<'s>]) -> Self {
        let (mut rest, mut bound) = (Vec::new(), Vec::new());
        let taken = |name: &str| parameters.iter().find(|parameter| parameter.starts_with(name));
        let named: Vec<&String> = arguments
            .iter()
            .filter_map(|argument| if let Argument::Name { name, .. } = argument { taken(name) } else { None })
            .collect();
        let mut free = parameters.iter().filter(|parameter| !named.contains(parameter));
        let mut is_of_name = false;
        for argument in arguments {
            match argument {
                Argument::Name { name, .. } => {
                    is_of_name = taken(name).is_some();
                    if is_of_name { &mut bound } else { &mut rest }.push(argument.clone());
                }
                _ if std::mem::take(&mut is_of_name) => bound.push(argument.clone()),
                // What stands behind a name that is no parameter goes with it.
                _ if matches!(rest.last(), Some(Argument::Name { .. })) => rest.push(argument.clone()),
                _ => match free.next() {
                    Some(parameter) => {
                        bound.push(Argument::Name {
                            name: parameter.clone(),
                            written: "",
                            follows: true,
                            touches: false,
                        });
                        bound.push(argument.clone());
                    }
                    None => rest.push(argument.clone()),
                },
            }
        }
        Handed { rest: Some(rest), bound: Some(bound) }
    }

    /// In the place of `@args` and `@PSBoundParameters`, and of `$args` for a program, what they stand for (about_Splatting).
    fn expand(&self, arguments: Vec<Argument<'s>>) -> Vec<Argument<'s>> {
        let of = |argument: &Argument<'_>| match argument {
            Argument::Value(_, raw) if ["@args", "$args"].iter().any(|args| raw.eq_ignore_ascii_case(args)) => {
                self.rest.as_ref()
            }
            Argument::Value(_, raw) if raw.eq_ignore_ascii_case("@psboundparameters") => self.bound.as_ref(),
            _ => None,
        };
        if !arguments.iter().any(|argument| of(argument).is_some()) {
            return arguments;
        }
        let each = arguments.into_iter().flat_map(|argument| of(&argument).cloned().unwrap_or_else(|| vec![argument]));
        each.take(MAX_HANDED).collect()
    }
}

/// Is this one of the parameters that every cmdlet has, perhaps shortened?
fn is_common(name: &str) -> bool {
    COMMON.iter().any(|c| *c == name || (name.len() > 4 && c.starts_with(name)))
}

/// Is the word a variable with a method behind it?
fn calls_a_method(word: &str) -> bool {
    let Some((before, _)) = word.split_once('(').filter(|_| word.starts_with('$')) else { return false };
    let method = before.rsplit('.').next().unwrap_or_default();
    before.contains('.') && !method.is_empty() && method.chars().all(char::is_alphanumeric)
}

/// A word ends at a blank outside quotes and brackets.
fn first_word(raw: &str) -> &str {
    split_outside(raw, ' ').next().unwrap_or_default()
}

/// Pieces between separators outside quotes and brackets; a blank stands for any white space.
pub(super) fn split_outside(raw: &str, separator: char) -> impl Iterator<Item = &str> {
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

/// Binds arguments to the parameters of a cmdlet: by (shortened) name, by splatting, then by position. One result for
/// each value of the first parameter that has several.
pub(super) fn bind(command: &Command, arguments: &[Argument<'_>], input: &Value) -> Vec<Bound> {
    let known = |short: &str| -> String {
        if let Some(name) = command.aliases.get(short) {
            return name.clone();
        }
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
    // A table of arguments that was not followed (about_Splatting).
    let is_splat = |raw: &str| raw.strip_prefix('@').is_some_and(|name| name.starts_with(char::is_alphabetic));
    let mut is_open = false;
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
            Argument::Value(_, raw) if is_splat(raw) => is_open = true,
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
    for (name, value) in &mut options {
        if command.lines.contains(name)
            && let Some(known) = value
        {
            *known = one_line(known);
        }
    }
    let lists: Vec<usize> = options
        .iter()
        .enumerate()
        .filter(|(_, (n, v))| n != "input" && v.as_ref().is_some_and(|v| v.texts().len() > 1))
        .map(|(i, _)| i)
        .collect();
    let fixed: Vec<(String, Option<Text>)> = options.iter().map(|(n, v)| (n.clone(), v.as_ref().map(single))).collect();
    let Some(&list) = lists.first() else { return vec![Bound { options: fixed, is_open, ..Bound::default() }] };
    let values = options[list].1.as_ref().map(Value::texts).unwrap_or_default();
    values
        .iter()
        .take(MAX_VALUES)
        .map(|value| {
            let mut options = fixed.clone();
            options[list].1 = Some(value.clone());
            Bound { options, is_open, ..Bound::default() }
        })
        .collect()
}

/// The elements of a list that is handed on as one command line; texts with blanks are lines of their own already.
fn one_line(value: &Value) -> Value {
    let texts = value.texts();
    let is_line = |t: &Text| t.parts().iter().any(|p| matches!(p, Part::Lit(s) if s.trim().contains(' ')));
    if texts.len() < 2 || texts.iter().all(is_line) {
        return value.clone();
    }
    let mut line = Text::new();
    for (i, text) in texts.iter().enumerate() {
        if i > 0 {
            line.push_lit(" ");
        }
        line.push_text(text);
    }
    Value::text(line)
}

/// The words that an executable gets; once for each way to read a string with variables in it.
pub(super) fn native(arguments: &[Argument<'_>]) -> Vec<Vec<Word>> {
    let several = |a: &Argument<'_>| match a {
        Argument::Value(value, raw) if raw.starts_with('"') => Some(value.texts()).filter(|t| t.len() > 1),
        _ => None,
    };
    let Some((at, texts)) = arguments.iter().enumerate().find_map(|(i, a)| Some((i, several(a)?))) else {
        return vec![words(arguments, None)];
    };
    texts.iter().take(MAX_VALUES).map(|text| words(arguments, Some((at, text)))).collect()
}

/// The words, with one argument read as this text.
fn words(arguments: &[Argument<'_>], chosen: Option<(usize, &Text)>) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut glued = false;
    for (at, argument) in arguments.iter().enumerate() {
        match argument {
            Argument::Name { written, follows, touches, .. } => {
                let colon = if *follows { ":" } else { "" };
                // A program is handed two dashes where two are written.
                let dash = if written.starts_with('\u{2013}') { "-" } else { "" };
                let written = written.trim_start_matches('\u{2013}');
                words.push(Word::plain(Text::lit(format!("{dash}{written}{colon}"))));
                glued = *touches || *follows;
            }
            Argument::Value(value, _) => {
                let texts = match chosen {
                    Some((here, text)) if here == at => Arc::from([text.clone()]),
                    _ => value.texts(),
                };
                match (std::mem::take(&mut glued), words.last_mut(), texts.first()) {
                    (true, Some(word), Some(text)) => *word = Word::plain(word.text.clone().concat(text)),
                    _ => words.extend(texts.iter().take(MAX_VALUES).cloned().map(native_word)),
                }
            }
            Argument::Block(_) => {}
        }
    }
    words
}

/// An argument with blanks gets quotes around it (about_Parsing), which cmd takes off again; that matters where it begins
/// with quotes of its own.
fn native_word(text: Text) -> Word {
    let blank = |part: &Part| matches!(part, Part::Lit(s) if s.contains(' '));
    if !text.leading_lit().starts_with('"') || !text.parts().iter().any(blank) {
        return Word::plain(text);
    }
    Word { raw: Text::lit("\"").concat(&text).concat(&Text::lit("\"")), text }
}
