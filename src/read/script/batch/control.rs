//! `if` and `for`: the two statements of cmd that have a grammar of their own.

use super::parse::Parser;
use super::syntax::{For, If, Items, Join, Link, Node, Piece, Statement};

impl Parser<'_> {
    /// At `if`.
    pub(super) fn condition(&mut self, depth: usize) -> Node {
        let at = self.at;
        self.at += 2;
        let mut negated = false;
        let mut exist = None;
        let mut failure = false;
        let mut sides = None;
        loop {
            self.skip_while(|c| c == ' ' || c == '\t');
            let lower = self.ahead(12);
            if lower.starts_with("/i") {
                self.at += 2;
            } else if starts_word(&lower, "not") {
                self.at += 3;
                negated = !negated;
            } else if starts_word(&lower, "exist") {
                self.at += 5;
                self.skip_while(|c| c == ' ' || c == '\t');
                exist = Some(self.word(0, ""));
                break;
            } else if starts_word(&lower, "defined") || starts_word(&lower, "errorlevel") {
                self.skip_while(|c| c.is_ascii_alphabetic());
                self.skip_while(|c| c == ' ' || c == '\t');
                let level = self.word(0, "");
                // Each number that is not less counts (`if /?`).
                failure = lower.starts_with("errorlevel") && level == [Piece::Lit("1".to_owned())];
                break;
            } else {
                if let Some(fails) = self.comparison(&mut sides) {
                    failure = true;
                    negated ^= !fails;
                }
                break;
            }
        }
        let then = self.branch(depth);
        let then_end = self.at;
        let is_block = matches!(then.links.as_slice(), [Link { node: Node::Block(..), .. }]);
        let other = if is_block { self.otherwise(depth) } else { None };
        Node::If(Box::new(If { at, negated, exist, failure, sides, then, then_end, other, end: self.at }))
    }

    /// `a==b`, `a EQU b`. When it asks whether the command before failed: is it true of a failure? The sides of `==` are kept.
    fn comparison(&mut self, sides: &mut Option<(Vec<Piece>, Vec<Piece>)>) -> Option<bool> {
        let left = self.word(0, "");
        self.skip_while(|c| c == ' ' || c == '\t');
        let operator = self.ahead(3);
        if operator.starts_with("==") {
            self.at += 2;
        } else if operator.len() == 3 && operator.bytes().all(|b| b.is_ascii_alphabetic()) {
            self.at += 3;
        } else {
            return None;
        }
        self.skip_while(|c| c == ' ' || c == '\t');
        let right = self.word(0, "");
        let is_level =
            |piece: &Piece| matches!(piece, Piece::Variable { name, change: None, .. } if name == "ERRORLEVEL");
        let number = right.iter().map(|piece| if let Piece::Lit(text) = piece { text.trim_matches('"') } else { "?" });
        let number = number.collect::<String>();
        if operator.starts_with("==") {
            *sides = Some((left.clone(), right.clone()));
        }
        match (operator.get(..2)?, operator.as_str(), number.as_str()) {
            _ if !left.iter().any(is_level) => None,
            ("==", _, "0") | (_, "equ", "0") => Some(false),
            ("==", _, "1") | (_, "equ" | "geq", "1") | (_, "neq" | "gtr", "0") => Some(true),
            _ => None,
        }
    }

    fn branch(&mut self, depth: usize) -> Statement {
        self.skip_while(|c| c == ' ' || c == '\t');
        let at = self.at;
        // A block is the whole branch; a command takes the rest of the line with it.
        if self.peek() == Some('(') {
            let node = self.command(depth);
            let links = node.map(|node| Link { join: Join::Then, node, span: at..self.at }).into_iter().collect();
            return Statement { at, links };
        }
        Statement { at, links: self.links(depth) }
    }

    fn otherwise(&mut self, depth: usize) -> Option<Statement> {
        let before = self.at;
        self.skip_while(|c| c == ' ' || c == '\t');
        if !starts_word(&self.ahead(5), "else") {
            self.at = before;
            return None;
        }
        self.at += 4;
        Some(self.branch(depth))
    }

    /// At `for`. `None` when it is none.
    pub(super) fn loop_over(&mut self, depth: usize) -> Option<Node> {
        let at = self.at;
        self.at += 3;
        let mut items = Items::Words;
        let mut options = Vec::new();
        loop {
            self.skip_while(|c| c == ' ' || c == '\t');
            match self.peek()? {
                '/' => {
                    self.bump();
                    items = match self.bump()?.to_ascii_lowercase() {
                        'l' => Items::Numbers,
                        'f' => Items::Lines,
                        _ => Items::Found,
                    };
                }
                '%' => break,
                '\n' | '(' => return None,
                _ => {
                    let before = self.at;
                    options = self.word(0, "");
                    // An operator where an option belongs: cmd refuses the line.
                    if self.at == before {
                        self.skip_line();
                        return None;
                    }
                }
            }
        }
        self.skip_while(|c| c == '%');
        let variable = self.bump()?;
        self.skip_while(|c| c == ' ' || c == '\t');
        if !self.rest().get(..2).is_some_and(|w| w.eq_ignore_ascii_case("in")) {
            self.skip_line();
            return None;
        }
        self.at += 2;
        self.skip_while(char::is_whitespace);
        if self.peek() != Some('(') {
            self.skip_line();
            return None;
        }
        self.bump();
        let mut set = Vec::new();
        let mut quoted = false;
        while let Some(c) = self.peek() {
            match c {
                '"' => quoted = !quoted,
                ')' if !quoted => break,
                _ => {}
            }
            self.piece(&mut set, quoted);
        }
        self.bump();
        self.skip_while(char::is_whitespace);
        if self.rest().get(..2).is_some_and(|w| w.eq_ignore_ascii_case("do")) {
            self.at += 2;
        }
        self.loops.push((variable, items == Items::Lines));
        let body = self.branch(depth);
        self.loops.pop();
        Some(Node::For(Box::new(For { at, variable, items, set, options, body })))
    }
}

fn starts_word(lower: &str, word: &str) -> bool {
    lower.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '"', '(', '\r', '\n']))
}
