//! Procedures of VBScript and JScript: where they begin and end, and what they give.

use super::{Event, Parser, Syntax, Token};
use std::collections::HashSet;

impl<'s> Parser<'s> {
    /// Looks for the names of procedures; they may be called before they are written.
    pub(super) fn find_procedures(&mut self, others: &HashSet<String>) {
        let is_keyword = |token: &Token| match token {
            Token::Name(word) => ["sub", "function"].iter().any(|w| word.eq_ignore_ascii_case(w)),
            _ => false,
        };
        let pairs = self.tokens.iter().zip(self.tokens.iter().skip(1));
        self.procedures = pairs
            .filter_map(|((first, _), (second, _))| match second {
                Token::Name(name) if is_keyword(first) => Some(name.to_lowercase()),
                _ => None,
            })
            .chain(others.iter().cloned())
            .collect();
    }

    /// The keyword at hand, when it belongs to a procedure. True when it was read.
    pub(super) fn procedure(&mut self, keyword: &str) -> bool {
        match (self.syntax, keyword) {
            (Syntax::Basic, "exit") => {
                self.at += usize::from(matches!(self.peek(0), Some(Token::Name(_))));
                true
            }
            (Syntax::Basic, "sub" | "function") => {
                // A procedure that was not closed ends where the next begins.
                if !self.inside.is_empty() {
                    self.close();
                }
                self.begins()
            }
            (Syntax::Basic, "end") if self.is_word(0, "sub") || self.is_word(0, "function") => {
                self.at += 1;
                self.close();
                true
            }
            (Syntax::Script, "function") if self.can_nest() && self.begins() => {
                if self.sign(0, '{') {
                    self.at += 1;
                    self.block();
                }
                self.inside.pop();
                self.out.push(Event::End);
                true
            }
            (Syntax::Script, "return") if !self.inside.is_empty() => {
                let offset = self.tokens.get(self.at - 1).map_or(0, |(_, offset)| *offset);
                let value = self.expression(0);
                if let Some(name) = self.inside.last().cloned().filter(|_| !value.parts.is_empty()) {
                    let found = self.found(name, offset);
                    self.does(super::Found { assigned: Some(value), ..found });
                }
                true
            }
            _ => false,
        }
    }

    /// At the name of a procedure, with its parameters.
    fn begins(&mut self) -> bool {
        let Some(Token::Name(name)) = self.peek(0).cloned() else { return false };
        self.at += 1;
        let mut parameters = Vec::new();
        if self.sign(0, '(') {
            self.at += 1;
            while let Some(token) = self.peek(0).cloned().filter(|token| *token != Token::Sign(')')) {
                match token {
                    Token::Name(word) if ["byval", "byref", "optional"].contains(&word.to_lowercase().as_str()) => {}
                    Token::Name(word) => parameters.push(word.to_lowercase()),
                    Token::Sign(_) => {}
                    _ => break,
                }
                self.at += 1;
            }
            self.at += usize::from(self.sign(0, ')'));
        }
        self.out.push(Event::Procedure(name.to_lowercase(), parameters));
        self.inside.push(name);
        true
    }

    /// Ends a procedure of VBScript; no branch reaches beyond it.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.blocks) + std::mem::take(&mut self.inline);
        self.out.extend((0..open).map(|_| Event::Join));
        if self.inside.pop().is_some() {
            self.out.push(Event::End);
        }
    }
}
