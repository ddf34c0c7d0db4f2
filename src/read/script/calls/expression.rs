//! Expressions: operands in their order, and values that are one of several.

use super::{Argument, MAX_DEPTH, Parser, Part, Syntax, Token};

impl<'s> Parser<'s> {
    /// Operands up to a comma, a closing parenthesis or the end of the statement.
    pub(super) fn expression(&mut self, depth: usize) -> Argument<'s> {
        let is_script = self.syntax == Syntax::Script;
        let mut argument = Argument::default();
        // An operand was read, so that another one without an operator begins a statement.
        let mut is_complete = false;
        while let Some((token, offset)) = self.tokens.get(self.at).cloned() {
            let was_complete = std::mem::replace(&mut is_complete, false);
            match token {
                Token::End | Token::Sign(',' | ')' | ';' | '}' | ']') => break,
                Token::Sign(':') if is_script => break,
                Token::Text(s) => {
                    self.at += 1;
                    argument.parts.push(Part::Text(s));
                    is_complete = true;
                }
                Token::Name(name) if depth > 0 || !ends_expression(&name) => {
                    let is_word = matches!(name.as_str(), "in" | "instanceof" | "new" | "typeof" | "function");
                    if is_script && was_complete && !is_word && !name.starts_with('.') {
                        break;
                    }
                    self.at += 1;
                    if name.eq_ignore_ascii_case("new") {
                        continue;
                    }
                    is_complete = !is_word;
                    if self.sign(0, '(') && depth < MAX_DEPTH {
                        let call = self.call(name, offset, depth);
                        self.does(call.clone());
                        argument.parts.push(Part::Call(Box::new(call)));
                    } else {
                        argument.parts.push(Part::Other(name));
                    }
                }
                Token::Name(_) => break,
                Token::Sign('(') if depth < MAX_DEPTH => {
                    self.at += 1;
                    let inner = self.expression(depth + 1);
                    argument.parts.extend(inner.parts);
                    if self.sign(0, ')') {
                        self.at += 1;
                    }
                    is_complete = true;
                }
                Token::Sign('[') if depth < MAX_DEPTH => {
                    self.list(depth);
                    // Of what is indexed, one element.
                    // What a request brings is that, whichever part of it is meant.
                    let is_received =
                        matches!(argument.parts.last(), Some(Part::Other(name)) if name.starts_with("$_"));
                    if was_complete && is_received {
                        is_complete = true;
                        continue;
                    }
                    if was_complete {
                        argument.parts.pop();
                    }
                    argument.parts.push(unknown());
                    is_complete = true;
                }
                Token::Sign('{') if is_script && self.can_nest() => {
                    self.at += 1;
                    self.nested += 1;
                    self.block();
                    self.nested -= 1;
                    argument.parts.push(unknown());
                    is_complete = true;
                }
                Token::Sign('?') if is_script && depth < MAX_DEPTH => {
                    self.at += 1;
                    // `a ?: b` is `a` itself where that is not empty (manual of PHP, "Ternary Operator").
                    let one = match self.sign(0, ':') {
                        true => argument,
                        false => self.expression(depth + 1),
                    };
                    self.at += usize::from(self.sign(0, ':'));
                    let other = self.expression(depth + 1);
                    argument = Argument { parts: vec![Part::Either(vec![one, other])] };
                }
                Token::Sign(sign @ ('|' | '&')) if is_script && self.sign(1, sign) && depth < MAX_DEPTH => {
                    self.at += 2;
                    let other = self.expression(depth + 1);
                    argument = match sign {
                        '|' => Argument { parts: vec![Part::Either(vec![argument, other])] },
                        _ => other,
                    };
                }
                // What is computed with numbers is one, however the texts before it are joined to it; `+` joins no number to a text
                // in VBScript (MS documentation: "Addition Operator").
                Token::Sign(sign) if was_complete && self.computes(sign) => {
                    self.at += 2;
                    // A call may be of what was kept before.
                    if !matches!(argument.parts.last(), Some(Part::Call(_))) {
                        argument.parts.pop();
                    }
                    argument.parts.push(unknown());
                    is_complete = true;
                }
                Token::Sign('+' | '&') => self.at += 1,
                Token::Sign(_) => {
                    self.at += 1;
                    argument.parts.push(unknown());
                }
            }
        }
        argument
    }

    /// At a sign: does it compute with the number behind it?
    fn computes(&self, sign: char) -> bool {
        let is_number = |(token, offset): &(Token, usize)| {
            matches!(token, Token::Text(_)) && self.source.as_bytes().get(*offset).is_some_and(u8::is_ascii_digit)
        };
        let may = matches!(sign, '*' | '-') || sign == '+' && self.syntax == Syntax::Basic;
        may && self.tokens.get(self.at + 1).is_some_and(is_number)
    }

    /// At a bracket: the calls in it count.
    fn list(&mut self, depth: usize) {
        self.at += 1;
        while self.at < self.tokens.len() && !self.sign(0, ']') {
            let before = self.at;
            self.expression(depth + 1);
            if self.sign(0, ',') {
                self.at += 1;
            } else if self.at == before || !self.sign(0, ']') {
                break;
            }
        }
        if self.sign(0, ']') {
            self.at += 1;
        }
    }
}

fn unknown<'s>() -> Part<'s> {
    Part::Other("?".into())
}

fn ends_expression(name: &str) -> bool {
    ["then", "else", "do", "end", "of", "until"].iter().any(|w| name.eq_ignore_ascii_case(w))
}
