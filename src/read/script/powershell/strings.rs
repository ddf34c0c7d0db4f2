//! PowerShell strings: quotes, backticks and variables inside.

use super::run::Machine;
use super::value::{self, Scope, Value};
use crate::facts::{Folder, Source, Text};
use std::borrow::Cow;
use tree_sitter::Node;

/// Longest `$(...)` in a bare word.
const MAX_SUB: usize = 1024;

impl<'s> Machine<'s, '_, '_> {
    /// A string literal of any kind.
    pub(super) fn string(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let Some(inner) = node.named_child(0) else { return Value::unknown() };
        let raw = self.slice(inner);
        match inner.kind() {
            "verbatim_string_characters" => verbatim(&strip(raw, '\'').replace("''", "'"), scope),
            "verbatim_here_string_characters" => verbatim(here_string(raw), scope),
            "expandable_here_string_literal" => {
                let body = here_string(raw);
                self.expandable(inner, inner.start_byte() + offset_of(raw, body), body.len(), scope)
            }
            _ => {
                let body = strip(raw, '"');
                self.expandable(inner, inner.start_byte() + offset_of(raw, body), body.len(), scope)
            }
        }
    }

    /// The text between the quotes of `node`: variables and sub-expressions are its children.
    fn expandable(&mut self, node: Node<'s>, start: usize, length: usize, scope: &mut Scope) -> Value {
        let end = start + length;
        let mut out = Value::text(Text::new());
        let mut at = start;
        let mut cursor = node.walk();
        let children: Vec<Node<'s>> = node.named_children(&mut cursor).collect();
        for child in children {
            if child.start_byte() < at || child.end_byte() > end {
                continue;
            }
            let before = unescape(self.source.get(at..child.start_byte()).unwrap_or_default());
            let value = if child.kind() == "variable" {
                self.variable(self.slice(child), scope)
            } else {
                self.eval(child, scope)
            };
            // A list in a string is its elements with blanks between; one way to read it is enough.
            let value = if value.texts().is_empty() { Value::text(Text::new()) } else { value };
            out = out.with(&value, |a, b| a.clone().concat(&Text::lit(&*before)).concat(b));
            at = child.end_byte();
        }
        let tail = unescape(self.source.get(at..end).unwrap_or_default());
        out.map(|t| t.clone().concat(&Text::lit(&*tail)))
    }

    /// A bare word of a command line, with variables in it: `$dir\sub\*.zip`.
    pub(super) fn bare(&mut self, raw: &str, scope: &Scope) -> Value {
        if !raw.contains('$') {
            return Value::text(Text::lit(unescape(raw).replace(['"', '\''], "")));
        }
        let mut out = Value::text(Text::new());
        let mut rest = raw;
        while let Some(dollar) = rest.find('$') {
            let (before, tail) = rest.split_at(dollar);
            if let Some((inner, after)) = sub_expression(tail) {
                let value = self.computed(inner, scope);
                let before = unescape(before);
                out = out.with(&value, |a, b| a.clone().concat(&Text::lit(&*before)).concat(b));
                rest = after;
                continue;
            }
            let length = variable_length(tail);
            if length <= 1 {
                out = out.map(|t| t.clone().concat(&Text::lit(unescape(&rest[..=dollar]))));
                rest = &rest[dollar + 1..];
                continue;
            }
            let value = self.variable(&tail[..length], scope);
            let before = unescape(before).replace(['"', '\''], "");
            out = out.with(&value, |a, b| a.clone().concat(&Text::lit(&*before)).concat(b));
            rest = &tail[length..];
        }
        out.map(|t| t.clone().concat(&Text::lit(unescape(rest).replace(['"', '\''], ""))))
    }

    /// What stands between the parentheses of `$(...)` in a bare word: a variable, the time, or something unknown.
    fn computed(&mut self, inner: &str, scope: &Scope) -> Value {
        let inner = inner.trim();
        if inner.starts_with('$') && variable_length(inner) == inner.len() {
            return self.variable(inner, scope);
        }
        let is_time = ["get-date", "[datetime]::"].iter().any(|w| inner.to_ascii_lowercase().starts_with(w));
        if is_time { Value::text(Text::from_source(Source::Generated, "time")) } else { Value::unknown() }
    }

    /// `$name`, `${name}`, `$env:NAME`, `$script:name`.
    pub(super) fn variable(&mut self, raw: &str, scope: &Scope) -> Value {
        let name = raw.trim_start_matches(['$', '@']).trim_matches(['{', '}']).to_lowercase();
        if let Some(variable) = name.strip_prefix("env:") {
            return match scope.get(&name) {
                Some((value, _)) => value.clone(),
                None => Value::text(value::environment(variable)),
            };
        }
        let name = strip_scope(&name);
        // What is given to it is thrown away (about_Automatic_Variables).
        if name == "null" {
            return Value::Null;
        }
        if let Some((value, at)) = scope.get(name) {
            self.used.push((name.to_owned(), *at));
            return value.clone();
        }
        match name {
            "psscriptroot" => Value::text(self.own_folder.clone()),
            "pscommandpath" => Value::text(self.sink.own_path()),
            "pwd" => Value::text(scope.location().clone()),
            "home" => Value::text(Text::folder(Folder::UserProfile)),
            "pshome" => Value::text(Text::folder(Folder::System).concat(&Text::lit("\\WindowsPowerShell\\v1.0"))),
            "profile" => {
                Value::text(Text::folder(Folder::Documents).concat(&Text::lit("\\WindowsPowerShell\\profile.ps1")))
            }
            "true" | "false" => Value::lit(name),
            "args" => Value::text(Text::from_source(Source::Arg, "*")),
            "pid" => Value::text(Text::from_source(Source::Generated, "pid")),
            "_" | "psitem" => Value::text(Text::from_source(Source::Output, "item")),
            _ => Value::unknown(),
        }
    }
}

/// A text that stands for itself. What another script left open in the line it gives ([`super::hole_name`]) was filled
/// in before the quotes were read.
fn verbatim(text: &str, scope: &Scope) -> Value {
    let mark = format!("${{{}", super::HOLE);
    if !text.contains(&mark) {
        return Value::lit(text);
    }
    // Double quotes around such a value do not survive the command line.
    let text = text.replace('"', "");
    let mut out = Value::text(Text::new());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(&mark) {
        let known = after.split_once('}').and_then(|(number, tail)| {
            let index = number.parse().ok()?;
            Some((&scope.get(&super::hole_name(index))?.0, tail))
        });
        let Some((value, tail)) = known else { break };
        out = out.with(value, |a, b| a.clone().concat(&Text::lit(before)).concat(b));
        rest = tail;
    }
    out.map(|t| t.clone().concat(&Text::lit(rest)))
}

/// Scopes say where a variable lives; here they are one.
pub(super) fn strip_scope(name: &str) -> &str {
    ["script:", "global:", "local:", "private:", "using:"].iter().find_map(|s| name.strip_prefix(s)).unwrap_or(name)
}

/// `$(inner)` at the start of a text, and what follows it.
fn sub_expression(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix("$(")?;
    let mut depth = 1usize;
    let (end, _) = body.char_indices().take(MAX_SUB).find(|(_, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some((&body[..end], &body[end + 1..]))
}

/// Length of the variable reference at the start of a text.
fn variable_length(text: &str) -> usize {
    if text.starts_with("${") {
        return text.find('}').map_or(1, |end| end + 1);
    }
    let mut length = 1;
    for (i, c) in text.char_indices().skip(1) {
        let scope = c == ':' && text[i + 1..].starts_with(|n: char| n.is_alphanumeric() || n == '_');
        if !(c.is_alphanumeric() || c == '_' || scope) {
            break;
        }
        length = i + c.len_utf8();
    }
    length
}

fn strip(raw: &str, quote: char) -> &str {
    // Typographic quotes count as quotes too.
    let raw = raw.trim_start_matches(['\u{201c}', '\u{2018}']);
    let inner = raw.strip_prefix(quote).unwrap_or(raw);
    inner.strip_suffix(quote).unwrap_or(inner)
}

/// The lines between `@"` and `"@`.
fn here_string(raw: &str) -> &str {
    let body = raw.find('\n').map_or("", |i| &raw[i + 1..]);
    body.rfind('\n').map_or("", |i| body[..i].trim_end_matches('\r'))
}

/// Where `part` lies in `whole`.
fn offset_of(whole: &str, part: &str) -> usize {
    if part.is_empty() { 0 } else { (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize) }
}

/// Backtick escapes and doubled quotes.
fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['`', '"']) {
        return raw.into();
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '`' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('0') => out.push('\0'),
                Some(c) => out.push(c),
                None => {}
            },
            '"' if chars.peek() == Some(&'"') => {
                chars.next();
                out.push('"');
            }
            c => out.push(c),
        }
    }
    out.into()
}
