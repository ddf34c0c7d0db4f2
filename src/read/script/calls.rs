//! Calls and assignments in VBScript, JScript and Pascal source, by a lexer: enough structure to see what is passed.

mod control;
mod expression;
mod lexer;
mod php;
mod procedures;

use super::sink::Sink;
use crate::facts::NoteKind;
use lexer::{Token, tokens};
use std::collections::HashSet;

/// Longest source that is scanned.
const MAX_SOURCE: usize = 2 << 20;
/// Deepest call inside an argument of another.
const MAX_DEPTH: usize = 24;

/// Statements of VBScript that carry out the text that they are given.
pub(super) const EXECUTING: &[&str] = &["execute", "executeglobal"];

/// Whose quotes, comments and statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Basic,
    Script,
    Pascal,
}

/// A call, or an assignment when `assigned` is set.
#[derive(Clone, Debug)]
pub(super) struct Found<'s> {
    /// With its receiver: `shell.RegWrite`.
    pub(super) name: String,
    pub(super) arguments: Vec<Argument<'s>>,
    /// `name(receiver)(arguments) = value`: what the inner call is given.
    pub(super) receiver: Option<Argument<'s>>,
    /// `name = value`, or `name(arguments) = value`.
    pub(super) assigned: Option<Argument<'s>>,
    pub(super) line: u32,
    pub(super) column: u32,
    /// The source line.
    pub(super) source: &'s str,
}

/// An expression: its operands in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Argument<'s> {
    pub(super) parts: Vec<Part<'s>>,
}

/// An operand.
#[derive(Clone, Debug)]
pub(super) enum Part<'s> {
    Text(String),
    Other(String),
    Call(Box<Found<'s>>),
    /// One of these.
    Either(Vec<Argument<'s>>),
}

/// What a source does, in order.
#[derive(Clone, Debug)]
pub(super) enum Event<'s> {
    Does(Found<'s>),
    /// Branches follow that exclude one another.
    Fork,
    /// A branch begins; the last one is taken when no other is.
    Branch {
        last: bool,
    },
    /// Behind the branches.
    Join,
    /// A procedure begins, with its name and those of its parameters in lower case. What it does is done where it is called.
    Procedure(String, Vec<String>),
    /// Behind a procedure.
    End,
}

/// Says so when [`scan`] will not see the whole of a source.
pub(super) fn note_cut(source: &str, sink: &mut Sink<'_>) {
    if source.len() > MAX_SOURCE {
        sink.note(NoteKind::Capped, "only the first 2 MiB are read");
    }
}

/// Everything that is called or assigned, in order; calls in arguments come before the call they are for.
pub(super) fn scan(source: &str, syntax: Syntax) -> Vec<Event<'_>> {
    scan_beside(source, syntax, &HashSet::new())
}

/// The same for a source of PHP, whose words become those of JScript.
pub(super) fn scan_php(source: &str) -> Vec<Event<'_>> {
    let source = beginning(source);
    parsed(source, Syntax::Script, php::tokens(source), &HashSet::new())
}

/// As much of a source as is scanned.
fn beginning(source: &str) -> &str {
    let cut = (0..=source.len().min(MAX_SOURCE)).rev().find(|&i| source.is_char_boundary(i)).unwrap_or(0);
    &source[..cut]
}

/// The same for a source that may call procedures of others, by their names in lower case.
pub(super) fn scan_beside<'s>(source: &'s str, syntax: Syntax, others: &HashSet<String>) -> Vec<Event<'s>> {
    let source = beginning(source);
    parsed(source, syntax, tokens(source, syntax), others)
}

fn parsed<'s>(
    source: &'s str,
    syntax: Syntax,
    tokens: Vec<(Token, usize)>,
    others: &HashSet<String>,
) -> Vec<Event<'s>> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(source.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1)).collect();
    let mut parser = Parser {
        source,
        syntax,
        tokens,
        starts,
        at: 0,
        out: Vec::new(),
        constants: false,
        counted: (0, 0, 0),
        nested: 0,
        blocks: 0,
        inline: 0,
        procedures: HashSet::new(),
        inside: Vec::new(),
    };
    parser.find_procedures(others);
    while parser.at < parser.tokens.len() {
        parser.statement();
    }
    parser.out
}

struct Parser<'s> {
    source: &'s str,
    syntax: Syntax,
    tokens: Vec<(Token, usize)>,
    starts: Vec<usize>,
    at: usize,
    out: Vec<Event<'s>>,
    /// Inside a `const` section of Pascal.
    constants: bool,
    /// A line's start, an offset in it, and the characters between: a line may be megabytes long.
    counted: (usize, usize, u32),
    /// Statements that hold the one at hand.
    nested: usize,
    /// Branches of VBScript that are open: those of several lines, and those of this line.
    blocks: usize,
    inline: usize,
    /// Names of the procedures of VBScript, in lower case: they are called without parentheses too.
    procedures: HashSet<String>,
    /// The procedures that the statement at hand is in, as they are written.
    inside: Vec<String>,
}

impl<'s> Parser<'s> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(t, _)| t)
    }

    fn sign(&self, ahead: usize, sign: char) -> bool {
        self.peek(ahead) == Some(&Token::Sign(sign))
    }

    fn found(&mut self, name: String, offset: usize) -> Found<'s> {
        let line = self.starts.partition_point(|s| *s <= offset).max(1);
        let start = self.starts[line - 1];
        let (from, before) = match self.counted {
            (known, at, count) if known == start && at <= offset => (at, count),
            _ => (start, 0),
        };
        let count = before + self.source[from..offset].chars().count() as u32;
        self.counted = (start, offset, count);
        let column = count + 1;
        let end = self.starts.get(line).map_or(self.source.len(), |next| next - 1);
        let source = self.source[start..end].trim_end_matches('\r');
        Found { name, arguments: Vec::new(), receiver: None, assigned: None, line: line as u32, column, source }
    }

    fn can_nest(&self) -> bool {
        self.nested < MAX_DEPTH
    }

    fn does(&mut self, found: Found<'s>) {
        self.out.push(Event::Does(found));
    }

    /// One step at statement level; true when it was a statement with all that it holds.
    fn statement(&mut self) -> bool {
        self.nested += 1;
        let is_whole = self.step();
        self.nested -= 1;
        is_whole
    }

    fn step(&mut self) -> bool {
        let (name, offset) = match self.tokens.get(self.at).cloned() {
            Some((Token::Name(name), offset)) => (name, offset),
            Some((Token::Sign('{'), _)) if self.syntax == Syntax::Script && self.can_nest() => {
                self.at += 1;
                self.block();
                return true;
            }
            other => {
                let is_line = |at: usize| self.source.as_bytes().get(at) == Some(&b'\n');
                if other.is_some_and(|(token, at)| token == Token::End && is_line(at)) {
                    self.line_ends();
                }
                self.at += 1;
                return false;
            }
        };
        self.at += 1;
        let keyword = name.to_lowercase();
        match keyword.as_str() {
            "const" => self.constants = true,
            "var" | "begin" | "function" | "procedure" | "type" => self.constants = false,
            _ => {}
        }
        if self.procedure(&keyword) || self.control(&keyword) {
            return true;
        }
        if matches!(
            keyword.as_str(),
            "call"
                | "set"
                | "const"
                | "var"
                | "let"
                | "then"
                | "else"
                | "do"
                | "begin"
                | "if"
                | "not"
                | "return"
                | "new"
                | "dim"
        ) {
            return false;
        }
        if self.sign(0, '(') {
            let mut call = self.call(name, offset, 0);
            if self.sign(0, '(') {
                let outer = self.call(call.name.clone(), offset, 0);
                call = Found { receiver: call.arguments.into_iter().next(), ..outer };
            }
            // `upload.Form("file").Save`: a method of what the call gives.
            if self.syntax == Syntax::Basic
                && let Some(Token::Name(method)) =
                    self.peek(0).filter(|token| matches!(token, Token::Name(n) if n.starts_with('.')))
            {
                let chain = format!("{}{method}", call.name);
                self.does(call);
                if let Some((token, _)) = self.tokens.get_mut(self.at) {
                    *token = Token::Name(chain);
                }
                return false;
            }
            let assigned = self.sign(0, '=') && !self.sign(1, '=');
            if assigned {
                self.at += 1;
                let value = self.expression(0);
                self.does(Found { assigned: Some(value), ..call });
            } else {
                self.does(call);
            }
            return false;
        }
        let assigns = match self.syntax {
            Syntax::Pascal if self.constants => self.sign(0, '='),
            Syntax::Pascal => self.sign(0, ':') && self.sign(1, '='),
            _ => self.sign(0, '=') && !self.sign(1, '='),
        };
        if assigns {
            self.at += if self.sign(0, ':') { 2 } else { 1 };
            let value = self.expression(0);
            let found = self.found(name, offset);
            self.does(Found { assigned: Some(value), ..found });
            return false;
        }
        // `n++` is a number of which no more is said.
        let is_counted = ['+', '-'].iter().any(|sign| self.sign(0, *sign) && self.sign(1, *sign));
        if self.syntax == Syntax::Script && is_counted {
            self.at -= 1;
            self.counts();
            self.at += 1;
            return false;
        }
        if self.syntax == Syntax::Script && self.sign(0, '+') && self.sign(1, '=') {
            self.at += 2;
            let mut value = self.expression(0);
            value.parts.insert(0, Part::Other(name.clone()));
            let found = self.found(name, offset);
            self.does(Found { assigned: Some(value), ..found });
            return false;
        }
        // `object.Method argument, argument`
        let begins = matches!(self.peek(0), Some(Token::Text(_) | Token::Name(_)));
        let is_known = || EXECUTING.contains(&keyword.as_str()) || self.procedures.contains(&keyword);
        let is_call = self.syntax == Syntax::Basic && (name.contains('.') || is_known());
        if is_call && begins {
            let mut found = self.found(name, offset);
            loop {
                found.arguments.push(self.expression(0));
                if !self.sign(0, ',') {
                    break;
                }
                self.at += 1;
            }
            self.does(found);
        } else if is_call && matches!(self.peek(0), None | Some(Token::End)) {
            // `object.Method` alone.
            let found = self.found(name, offset);
            self.does(found);
        }
        false
    }

    /// At the parenthesis behind a name.
    fn call(&mut self, name: String, offset: usize, depth: usize) -> Found<'s> {
        let mut found = self.found(name, offset);
        self.at += 1;
        while self.at < self.tokens.len() && !self.sign(0, ')') {
            let before = self.at;
            found.arguments.push(self.expression(depth + 1));
            if self.sign(0, ',') || self.at == before {
                self.at += 1;
            }
        }
        self.at += 1;
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str, syntax: Syntax) -> Vec<String> {
        let does = |event: &Event<'_>| match event {
            Event::Does(found) => Some(format!("{}/{}", found.name, found.arguments.len())),
            _ => None,
        };
        scan(source, syntax).iter().filter_map(does).collect()
    }

    #[test]
    fn calls_with_and_without_parentheses() {
        assert_eq!(
            names("sh.RegWrite \"a\", 1 ' no\nrem x.y \"z\"\nf.A(g(1), 2)", Syntax::Basic),
            ["sh.RegWrite/2", "g/1", "f.A/2"]
        );
        assert_eq!(names("sh.Run(\"a\\\"b\"); // x(1)\nx = f('c')", Syntax::Script), ["sh.Run/1", "f/1", "x/0"]);
        assert_eq!(names("{ A(1) } B('it''s', C); (* D(1) *)", Syntax::Pascal), ["B/2"]);
    }

    #[test]
    fn broken_source_ends() {
        let nested = "if(a) x={begin if a then case x=[a?b||".repeat(2_000);
        for source in ["f(", "f(\"", "((((", "x = ", "f(,,)", ")", "a.b \"x\",", &"f(".repeat(5_000), &nested] {
            for syntax in [Syntax::Basic, Syntax::Script, Syntax::Pascal] {
                scan(source, syntax);
            }
        }
    }
}
