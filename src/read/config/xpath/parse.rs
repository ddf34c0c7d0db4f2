//! Expressions from their text.

use super::{Axis, Comparison, Expr, Function, Path, Step};

/// Deepest nesting of an expression.
const MAX_NESTING: usize = 24;

/// Reads an expression; `None` where it is not of the part that is understood.
pub(super) fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expr = parser.or()?;
    (parser.at == parser.tokens.len()).then_some(expr)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

/// Longest first.
const SIGNS: &[&str] =
    &["//", "..", "::", "!=", "<=", ">=", "/", ".", "@", "*", "[", "]", "(", ")", ",", "=", "<", ">"];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if let '\'' | '"' = first {
            let inner = &rest[1..];
            let end = inner.find(first)?;
            tokens.push(Token::Text(inner[..end].to_owned()));
            end + 2
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..end].parse().ok()?));
            end
        } else if first.is_alphabetic() || first == '_' {
            let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            let end = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].to_owned()));
            // A prefix goes, as it does in the tree.
            if rest[end..].starts_with(':') && !rest[end..].starts_with("::") {
                tokens.pop();
                end + 1
            } else {
                end
            }
        } else {
            let sign = SIGNS.iter().find(|s| rest.starts_with(**s))?;
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Name(n)) if n == word);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return None;
        }
        let mut parts = vec![self.and()?];
        while self.word("or") {
            parts.push(self.and()?);
        }
        self.depth -= 1;
        if parts.len() == 1 { parts.pop() } else { Some(Expr::Or(parts)) }
    }

    fn and(&mut self) -> Option<Expr> {
        let mut parts = vec![self.comparison()?];
        while self.word("and") {
            parts.push(self.comparison()?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Expr::And(parts)) }
    }

    fn comparison(&mut self) -> Option<Expr> {
        let left = self.primary()?;
        let how = [
            ("=", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find(|(sign, _)| self.sign(sign));
        match how {
            Some((_, how)) => Some(Expr::Compare(Box::new(left), how, Box::new(self.primary()?))),
            None => Some(left),
        }
    }

    fn primary(&mut self) -> Option<Expr> {
        if self.sign("(") {
            let inner = self.or()?;
            return self.sign(")").then_some(inner);
        }
        match self.tokens.get(self.at).cloned()? {
            Token::Text(text) => {
                self.at += 1;
                Some(Expr::Text(text))
            }
            Token::Number(number) => {
                self.at += 1;
                Some(Expr::Number(number))
            }
            Token::Name(name) if self.tokens.get(self.at + 1) == Some(&Token::Sign("(")) && name != "text" => {
                self.at += 2;
                self.call(&name)
            }
            _ => self.path().map(Expr::Path),
        }
    }

    fn call(&mut self, name: &str) -> Option<Expr> {
        let function = match name {
            "not" => Function::Not,
            "contains" => Function::Contains,
            "starts-with" => Function::StartsWith,
            "position" => Function::Position,
            "last" => Function::Last,
            "count" => Function::Count,
            "name" | "local-name" => Function::Name,
            "normalize-space" | "string" => Function::NormalizeSpace,
            "true" => Function::True,
            "false" => Function::False,
            _ => return None,
        };
        let mut arguments = Vec::new();
        while !self.sign(")") {
            arguments.push(self.or()?);
            if !self.sign(",") && self.tokens.get(self.at) != Some(&Token::Sign(")")) {
                return None;
            }
        }
        Some(Expr::Call(function, arguments))
    }

    fn path(&mut self) -> Option<Path> {
        let mut steps = Vec::new();
        let below = || Step { axis: Axis::Below, name: None, predicates: Vec::new() };
        let deep = self.sign("//");
        let absolute = deep || self.sign("/");
        if deep {
            steps.push(below());
        }
        loop {
            steps.push(self.step()?);
            if self.sign("//") {
                steps.push(below());
            } else if !self.sign("/") {
                return Some(Path { absolute, steps });
            }
        }
    }

    fn step(&mut self) -> Option<Step> {
        let (axis, name) = if self.sign("..") {
            (Axis::Parent, None)
        } else if self.sign(".") {
            (Axis::Itself, None)
        } else if self.sign("@") {
            (Axis::Attribute, self.name_test()?)
        } else if self.word("text") {
            // The tree keeps the text of a node in the node itself.
            (self.sign("(") && self.sign(")")).then_some((Axis::Itself, None))?
        } else {
            (Axis::Child, self.name_test()?)
        };
        let mut predicates = Vec::new();
        while self.sign("[") {
            predicates.push(self.or()?);
            if !self.sign("]") {
                return None;
            }
        }
        Some(Step { axis, name, predicates })
    }

    /// `None` inside for any name.
    fn name_test(&mut self) -> Option<Option<String>> {
        if self.sign("*") {
            return Some(None);
        }
        match self.tokens.get(self.at)? {
            Token::Name(name) => {
                let name = name.clone();
                self.at += 1;
                // An axis by name is outside the part that is understood.
                (self.tokens.get(self.at) != Some(&Token::Sign("::"))).then_some(Some(name))
            }
            _ => None,
        }
    }
}
