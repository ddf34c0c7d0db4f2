//! Expressions of Python that need no execution.

use super::super::tree::MAX_DEPTH;
use super::paths::{SAME, both, call, joined, parent};
use super::{Entry, Value};
use crate::facts::{Folder, Hole, Text, join_paths};
use std::collections::HashMap;

/// Reads one expression.
pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    known: &'a HashMap<String, Entry>,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// From an offset of the text; `known` are the settings before it.
    pub(super) fn new(text: &'a str, at: usize, known: &'a HashMap<String, Entry>) -> Self {
        Parser { text, at, known, depth: 0 }
    }

    /// How far the text has been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// White space and, inside of brackets, line ends and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let blank = |c: char| c == ' ' || c == '\t' || (self.depth > 0 && (c == '\n' || c == '\r'));
            let next = rest.trim_start_matches(blank);
            self.at += rest.len() - next.len();
            if let Some(after) = next.strip_prefix("\\\r\n").or_else(|| next.strip_prefix("\\\n")) {
                self.at += next.len() - after.len();
            } else if self.depth > 0 && next.starts_with('#') {
                self.at += next.find('\n').unwrap_or(next.len());
            } else {
                return;
            }
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip();
        let is = self.rest().starts_with(token);
        if is {
            self.at += token.len();
        }
        is
    }

    /// The line, or the file, ends here; a comment may stand before that.
    pub(super) fn at_end(&mut self) -> bool {
        self.skip();
        let rest = self.rest();
        rest.is_empty() || rest.starts_with(['\n', '\r', '#', ';'])
    }

    /// Operands with `/` or `+` between them.
    pub(super) fn expression(&mut self) -> Value {
        let mut value = self.operand();
        loop {
            self.skip();
            let rest = self.rest();
            if rest.starts_with('/') && !rest.starts_with("//") {
                self.at += 1;
                let right = self.operand();
                value = both(value, right, |a, b| join_paths(&a, &b));
            } else if rest.starts_with('+') {
                self.at += 1;
                let right = self.operand();
                value = both(value, right, |a, b| a.concat(&b));
            } else {
                return value;
            }
        }
    }

    fn operand(&mut self) -> Value {
        self.skip();
        if self.depth >= MAX_DEPTH {
            return Value::Unknown;
        }
        let rest = self.rest();
        let value = match rest.chars().next() {
            Some('{') => self.braces(),
            Some(open @ ('[' | '(')) => self.brackets(if open == '[' { "]" } else { ")" }, open == '('),
            Some(c) if c.is_ascii_digit() || c == '-' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(rest.len());
                self.at += end;
                Value::Text(Text::lit(&rest[..end]))
            }
            _ => match self.string() {
                Some(text) => Value::Text(text),
                None => self.name(),
            },
        };
        self.trailers(value)
    }

    /// Strings that stand side by side are one.
    fn string(&mut self) -> Option<Text> {
        let mut out: Option<Text> = None;
        loop {
            self.skip();
            let rest = self.rest();
            let prefix = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let quoted = &rest[prefix..];
            let marks = rest[..prefix].to_ascii_lowercase();
            if marks.len() > 2 || !marks.chars().all(|c| "rbuf".contains(c)) {
                return out;
            }
            let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| quoted.starts_with(q));
            let Some(quote) = quote else { return out };
            let raw = marks.contains('r');
            let (content, length) = content(&quoted[quote.len()..], quote, raw)?;
            self.at += prefix + quote.len() + length + quote.len();
            let text = if marks.contains('f') { self.formatted(&content) } else { Text::lit(&content) };
            out = Some(out.map_or(text.clone(), |before| before.concat(&text)));
        }
    }

    /// `f"{BASE_DIR}/x"`: names of settings, everything else is unknown.
    fn formatted(&self, content: &str) -> Text {
        let mut out = Text::new();
        let mut rest = content;
        while let Some((before, tail)) = rest.split_once('{') {
            let Some((inner, after)) = tail.split_once('}') else { break };
            out.push_lit(before);
            match self.known.get(inner.trim()).map(|entry| &entry.value) {
                Some(Value::Text(text)) => out.push_text(text),
                _ => out.push_hole(Hole::Unknown),
            }
            rest = after;
        }
        out.push_lit(rest);
        out
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A name with its dots; calls of functions that put paths together.
    fn name(&mut self) -> Value {
        let mut name = self.word().to_owned();
        if name.is_empty() {
            // Nothing that is known begins so; the value cannot end here.
            return Value::Unknown;
        }
        let first = match name.as_str() {
            // The module lies in the program, however many folders deep.
            "__file__" => Some(Value::Text(Text::folder(Folder::AppDir))),
            "True" | "False" | "None" => Some(Value::Text(Text::lit(&name))),
            // Of other settings only texts: copies of lists in lists would grow without end.
            _ => match self.known.get(&name).map(|entry| &entry.value) {
                Some(Value::Text(text)) => Some(Value::Text(text.clone())),
                Some(_) => Some(Value::Unknown),
                None => None,
            },
        };
        if let Some(value) = first {
            return value;
        }
        while self.rest().starts_with('.') {
            self.at += 1;
            name.push('.');
            name.push_str(self.word());
        }
        if self.rest().starts_with('(') {
            let arguments = self.arguments();
            return call(&name, &arguments);
        }
        Value::Unknown
    }

    fn arguments(&mut self) -> Vec<Value> {
        match self.brackets(")", false) {
            Value::List(items) => items.into_iter().map(|entry| entry.value).collect(),
            _ => Vec::new(),
        }
    }

    /// Attributes, methods and subscripts behind a value.
    fn trailers(&mut self, mut value: Value) -> Value {
        loop {
            let rest = self.rest();
            if rest.starts_with('.') {
                self.at += 1;
                let method = self.word();
                let arguments = if self.rest().starts_with('(') { self.arguments() } else { Vec::new() };
                value = match (method, value) {
                    ("parent", Value::Text(text)) => Value::Text(parent(&text)),
                    ("joinpath", Value::Text(text)) => joined(Value::Text(text), &arguments),
                    (same, value) if SAME.contains(&same) => value,
                    _ => Value::Unknown,
                };
            } else if rest.starts_with('[') || rest.starts_with('(') {
                let close = if rest.starts_with('[') { "]" } else { ")" };
                self.brackets(close, false);
                value = Value::Unknown;
            } else {
                return value;
            }
        }
    }

    fn brackets(&mut self, close: &str, may_be_one: bool) -> Value {
        self.at += 1;
        self.depth += 1;
        let mut items = Vec::new();
        let mut commas = 0;
        while !self.eat(close) {
            if self.rest().is_empty() {
                break;
            }
            let before = self.at;
            // `name=value` of a call
            let named = self.keyword();
            let offset = self.at;
            let value = self.expression();
            if !named {
                items.push(Entry { offset, value });
            }
            if self.eat(",") {
                commas += 1;
            } else if !self.rest().starts_with(close) {
                self.pass_over(close);
            }
            if self.at == before {
                break;
            }
        }
        self.depth -= 1;
        match items.pop() {
            Some(only) if may_be_one && commas == 0 && items.is_empty() => only.value,
            Some(last) => {
                items.push(last);
                Value::List(items)
            }
            None => Value::List(items),
        }
    }

    fn keyword(&mut self) -> bool {
        let from = self.at;
        self.skip();
        if !self.word().is_empty() {
            self.skip();
            let rest = self.rest();
            if rest.starts_with('=') && !rest.starts_with("==") {
                self.at += 1;
                return true;
            }
        }
        self.at = from;
        false
    }

    fn braces(&mut self) -> Value {
        self.at += 1;
        self.depth += 1;
        let mut members = Vec::new();
        while !self.eat("}") {
            if self.rest().is_empty() {
                break;
            }
            let before = self.at;
            let offset = self.at;
            let key = self.expression();
            if self.eat(":") {
                let value = self.expression();
                if let Value::Text(key) = key {
                    members.push((key.to_string(), Entry { offset, value }));
                }
            }
            if !self.eat(",") && !self.rest().starts_with('}') {
                self.pass_over("}");
            }
            if self.at == before {
                break;
            }
        }
        self.depth -= 1;
        Value::Dict(members)
    }

    /// Goes to the next comma or the end of the bracket, over what is not understood: the value before is unknown then,
    /// but those behind it are read.
    fn pass_over(&mut self, close: &str) {
        let mut open = 0usize;
        loop {
            if self.string().is_some() {
                continue;
            }
            self.skip();
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { return };
            match c {
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' if open > 0 => open -= 1,
                ',' if open == 0 => {
                    self.at += 1;
                    return;
                }
                _ if open == 0 && rest.starts_with(close) => return,
                _ => {}
            }
            self.at += c.len_utf8();
        }
    }
}

/// The content of a string up to its closing quote, and its length in the text.
fn content(text: &str, quote: &str, raw: bool) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(quote) {
            return Some((out, at));
        }
        if quote.len() == 1 && c == '\n' {
            return None;
        }
        let next = text[at + c.len_utf8()..].chars().next();
        match (c, next) {
            ('\\', Some(escaped)) if raw => {
                out.push(c);
                out.push(escaped);
                at += escaped.len_utf8();
            }
            ('\\', Some(escaped)) => {
                match escaped {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    '\\' | '\'' | '"' => out.push(escaped),
                    // Unknown escapes stay as they are (Python language reference 2.4.1).
                    other => out.extend(['\\', other]),
                }
                at += escaped.len_utf8();
            }
            _ => out.push(c),
        }
        at += c.len_utf8();
    }
    None
}
