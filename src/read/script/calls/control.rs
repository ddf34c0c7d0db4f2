//! Branches: `If`, `Select Case`, `if`, `switch`, `case`, and the blocks that they hold.

use super::{Argument, Event, Found, Parser, Part, Syntax, Token};

impl<'s> Parser<'s> {
    pub(super) fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek(ahead), Some(Token::Name(name)) if name.eq_ignore_ascii_case(word))
    }

    fn branch(&mut self, last: bool) {
        self.out.push(Event::Branch { last });
    }

    /// The keyword at hand, when it belongs to the structure of the source. True when it was read.
    pub(super) fn control(&mut self, keyword: &str) -> bool {
        match self.syntax {
            Syntax::Basic => self.basic(keyword),
            Syntax::Script => self.can_nest() && self.script(keyword),
            Syntax::Pascal => self.can_nest() && self.pascal(keyword),
        }
    }

    /// Operands up to a word, or the end of the statement.
    fn condition(&mut self, word: &str) {
        while self.at < self.tokens.len() && !self.is_word(0, word) && self.peek(0) != Some(&Token::End) {
            let before = self.at;
            self.expression(0);
            if self.at == before {
                self.at += 1;
            }
        }
        if self.is_word(0, word) {
            self.at += 1;
        }
    }

    /// Lines tell in VBScript where a branch ends: what follows `Then` on its line is the whole of it.
    fn basic(&mut self, keyword: &str) -> bool {
        match keyword {
            "if" => {
                self.condition("then");
                self.out.push(Event::Fork);
                self.branch(false);
                let is_block = matches!(self.peek(0), None | Some(Token::End));
                *(if is_block { &mut self.blocks } else { &mut self.inline }) += 1;
            }
            "elseif" => {
                self.condition("then");
                self.branch(false);
            }
            "else" => {
                self.branch(true);
            }
            // The variable of a loop has one value after another.
            "for" if self.sign(1, '=') => {
                self.counts();
                self.condition("");
            }
            "select" if self.is_word(0, "case") => {
                self.at += 1;
                self.out.push(Event::Fork);
                self.blocks += 1;
                self.condition("");
            }
            "case" => {
                let last = self.is_word(0, "else");
                self.branch(last);
                self.condition("");
            }
            "end" if self.is_word(0, "if") || self.is_word(0, "select") => {
                self.at += 1;
                let open = if self.inline > 0 { &mut self.inline } else { &mut self.blocks };
                if *open > 0 {
                    *open -= 1;
                    self.out.push(Event::Join);
                }
            }
            _ => return false,
        }
        true
    }

    /// The end of a line of VBScript.
    pub(super) fn line_ends(&mut self) {
        let open = std::mem::take(&mut self.inline);
        self.out.extend((0..open).map(|_| Event::Join));
    }

    fn script(&mut self, keyword: &str) -> bool {
        match keyword {
            "if" if self.sign(0, '(') => {
                self.out.push(Event::Fork);
                self.parenthesized();
                self.branch(false);
                self.body();
                while self.is_word(0, "else") {
                    self.at += 1;
                    let again = self.is_word(0, "if") && self.sign(1, '(');
                    if again {
                        self.at += 1;
                        self.parenthesized();
                    }
                    self.branch(!again);
                    self.body();
                    if !again {
                        break;
                    }
                }
                self.out.push(Event::Join);
            }
            // The body may be left out, and then nothing is set.
            "for" | "while" if self.sign(0, '(') => {
                self.parenthesized();
                self.out.push(Event::Fork);
                self.branch(false);
                self.body();
                self.out.push(Event::Join);
            }
            "switch" if self.sign(0, '(') => {
                self.parenthesized();
                self.out.push(Event::Fork);
                if self.sign(0, '{') {
                    self.at += 1;
                    self.block();
                }
                self.out.push(Event::Join);
            }
            "case" | "default" => {
                self.expression(0);
                if self.sign(0, ':') {
                    self.at += 1;
                }
                self.branch(keyword == "default");
            }
            _ => return false,
        }
        true
    }

    /// At a variable that is counted, with a sign behind it.
    pub(super) fn counts(&mut self) {
        if let Some((Token::Name(name), offset)) = self.tokens.get(self.at).cloned() {
            let unknown = Argument { parts: vec![Part::Other("?".to_owned())] };
            let found = self.found(name, offset);
            self.does(Found { assigned: Some(unknown), ..found });
        }
        self.at += 2;
    }

    /// What stands in parentheses: the calls in it count.
    fn parenthesized(&mut self) {
        self.at += 1;
        while self.at < self.tokens.len() && !self.sign(0, ')') && !self.sign(0, '}') {
            let before = self.at;
            let twice = |sign| self.sign(1, sign) && self.sign(2, sign);
            if twice('+') || twice('-') {
                self.counts();
                self.at += 1;
                continue;
            }
            // The head of a loop sets a variable.
            if let (Some(Token::Name(_)), true) = (self.peek(0), self.sign(1, '=') && !self.sign(2, '=')) {
                self.statement();
            } else {
                self.expression(1);
            }
            if self.at == before {
                self.at += 1;
            }
        }
        if self.sign(0, ')') {
            self.at += 1;
        }
    }

    /// Statements up to the brace or word that closes them.
    pub(super) fn block(&mut self) {
        while self.at < self.tokens.len() {
            let closes = match self.syntax {
                Syntax::Pascal => self.is_word(0, "end"),
                _ => self.sign(0, '}'),
            };
            if closes {
                self.at += 1;
                return;
            }
            self.statement();
        }
    }

    /// A block, or one statement.
    fn body(&mut self) {
        let opens = match self.syntax {
            Syntax::Pascal => self.is_word(0, "begin"),
            _ => self.sign(0, '{'),
        };
        if opens {
            self.at += 1;
            return self.block();
        }
        while let Some(token) = self.peek(0) {
            match token {
                Token::End if self.syntax == Syntax::Script => {
                    self.at += 1;
                    return;
                }
                Token::End | Token::Sign('}') => return,
                Token::Name(name) if ["else", "end", "until"].iter().any(|w| name.eq_ignore_ascii_case(w)) => return,
                _ => {}
            }
            let done = self.out.len();
            let is_whole = self.statement();
            // A line's end may end a statement of JScript.
            let begins = matches!(self.peek(0), Some(Token::Name(name)) if !name.starts_with('.'));
            if is_whole || (self.syntax == Syntax::Script && self.out.len() > done && begins) {
                return;
            }
        }
    }

    fn pascal(&mut self, keyword: &str) -> bool {
        match keyword {
            "begin" | "try" => {
                self.constants = false;
                self.block();
            }
            "if" => {
                self.condition("then");
                self.out.push(Event::Fork);
                self.branch(false);
                self.body();
                while self.is_word(0, "else") {
                    self.at += 1;
                    let again = self.is_word(0, "if");
                    if again {
                        self.at += 1;
                        self.condition("then");
                    }
                    self.branch(!again);
                    self.body();
                    if !again {
                        break;
                    }
                }
                self.out.push(Event::Join);
            }
            "for" | "while" => {
                self.condition("do");
                self.out.push(Event::Fork);
                self.branch(false);
                self.body();
                self.out.push(Event::Join);
            }
            "case" => {
                self.condition("of");
                self.out.push(Event::Fork);
                self.cases();
                self.out.push(Event::Join);
            }
            _ => return false,
        }
        true
    }

    fn cases(&mut self) {
        while self.at < self.tokens.len() {
            if self.is_word(0, "end") {
                self.at += 1;
                return;
            }
            if self.is_word(0, "else") {
                self.at += 1;
                self.branch(true);
                return self.block();
            }
            if self.sign(0, ':') && !self.sign(1, '=') {
                self.at += 1;
                self.branch(false);
                self.body();
            } else {
                self.at += 1;
            }
        }
    }
}
