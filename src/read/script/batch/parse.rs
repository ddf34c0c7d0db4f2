//! Reads cmd scripts as cmd's parser does: carets, quotes, parentheses, redirections with handles, `if` and `for`.
//!
//! Variable references become pieces instead of being expanded first, so one parse serves all values. A line put
//! together from unknown parts can be read too: its holes stand in the text as private-use characters from
//! [`HOLE_BASE`].

use super::references;
use super::syntax::{Join, Link, Mode, Node, Piece, Redirect, Script, Simple, Statement};

/// First private-use character: hole `n` of the outer line is `HOLE_BASE + n`.
pub(super) const HOLE_BASE: u32 = 0xE000;
/// Deepest nesting of blocks, `if` and `for`.
const MAX_DEPTH: usize = 64;

/// Parses a script. The flag says whether something had to be given up.
pub(super) fn parse(text: &str, holes: usize, delayed: bool) -> (Script, bool) {
    let mut parser = Parser { text, at: 0, holes, delayed, loops: Vec::new(), nest: 0, broken: false };
    let mut script = Script::default();
    while parser.at < text.len() {
        let before = parser.at;
        script.statements.extend(parser.statement(0));
        if parser.at == before {
            // A closing parenthesis without an open one: cmd ignores the rest of the line.
            parser.skip_line();
        }
    }
    (script, parser.broken)
}

pub(super) struct Parser<'s> {
    pub(super) text: &'s str,
    pub(super) at: usize,
    pub(super) holes: usize,
    pub(super) delayed: bool,
    /// Variables of the enclosing `for` loops.
    pub(super) loops: Vec<(char, bool)>,
    nest: usize,
    broken: bool,
}

impl Parser<'_> {
    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// The next few characters in lower case.
    pub(super) fn ahead(&self, count: usize) -> String {
        self.rest().chars().take(count).map(|c| c.to_ascii_lowercase()).collect()
    }

    pub(super) fn skip_while(&mut self, test: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&test) {
            self.bump();
        }
    }

    pub(super) fn skip_line(&mut self) {
        self.at = memchr::memchr(b'\n', self.rest().as_bytes()).map_or(self.text.len(), |i| self.at + i + 1);
    }

    /// One logical line, with its end. `None` for an empty one.
    fn statement(&mut self, depth: usize) -> Option<Statement> {
        self.skip_while(|c| c.is_whitespace() || "@;,=".contains(c));
        let at = self.at;
        match self.peek()? {
            ')' => return None,
            ':' => {
                let line = self.rest().lines().next().unwrap_or_default();
                let label = label_name(line);
                self.skip_line();
                let link = |name| Link { join: Join::Then, node: Node::Label(name), span: at..self.at };
                return label.map(|name| Statement { at, links: vec![link(name)] });
            }
            _ => {}
        }
        let links = self.links(depth);
        (!links.is_empty()).then_some(Statement { at, links })
    }

    /// Commands up to the end of the line or block.
    pub(super) fn links(&mut self, depth: usize) -> Vec<Link> {
        let mut links = Vec::new();
        let mut join = Join::Then;
        loop {
            let from = self.at;
            if let Some(node) = self.command(depth) {
                links.push(Link { join, node, span: from..self.at });
            }
            self.skip_while(|c| c == ' ' || c == '\t');
            join = match self.peek() {
                Some('&') => {
                    self.bump();
                    if self.peek() == Some('&') {
                        self.bump();
                        Join::Success
                    } else {
                        Join::Then
                    }
                }
                Some('|') => {
                    self.bump();
                    if self.peek() == Some('|') {
                        self.bump();
                        Join::Failure
                    } else {
                        Join::Pipe
                    }
                }
                _ => return links,
            };
        }
    }

    pub(super) fn command(&mut self, depth: usize) -> Option<Node> {
        self.skip_while(|c| c == ' ' || c == '\t' || "@;,=".contains(c));
        if self.nest >= MAX_DEPTH {
            self.broken = true;
            self.skip_line();
            return None;
        }
        self.nest += 1;
        let node = self.node(depth);
        self.nest -= 1;
        node
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        if self.peek() == Some('(') {
            self.bump();
            return Some(self.block(depth + 1));
        }
        let word: String = self.rest().chars().take(4).take_while(char::is_ascii_alphabetic).collect();
        let next = self.rest()[word.len()..].chars().next().unwrap_or('\n');
        if !next.is_alphanumeric() && !"._-\\:%".contains(next) {
            match word.to_ascii_lowercase().as_str() {
                "rem" => {
                    self.at = memchr::memchr(b'\n', self.rest().as_bytes()).map_or(self.text.len(), |i| self.at + i);
                    return None;
                }
                "if" => return Some(self.condition(depth)),
                "for" => return self.loop_over(depth),
                _ => {}
            }
        }
        let simple = self.simple(depth);
        (!simple.text.is_empty() || !simple.redirects.is_empty()).then_some(Node::Simple(simple))
    }

    fn block(&mut self, depth: usize) -> Node {
        let mut body = Vec::new();
        while self.at < self.text.len() {
            let before = self.at;
            body.extend(self.statement(depth));
            self.skip_while(char::is_whitespace);
            if self.peek() == Some(')') {
                self.bump();
                let tail = self.block_redirects(depth.saturating_sub(1));
                return Node::Block(body, tail);
            }
            if self.at == before {
                self.skip_line();
            }
        }
        self.broken = true;
        Node::Block(body, Vec::new())
    }

    /// Redirections behind a block.
    fn block_redirects(&mut self, depth: usize) -> Vec<Redirect> {
        let mut redirects = Vec::new();
        loop {
            self.skip_while(|c| c == ' ' || c == '\t');
            let rest = self.rest().as_bytes();
            let handle = match rest {
                [h, b'>' | b'<', ..] if h.is_ascii_digit() => Some(char::from(*h)),
                [b'>' | b'<', ..] => None,
                _ => return redirects,
            };
            self.at += usize::from(handle.is_some());
            redirects.extend(self.redirect(handle, depth));
        }
    }

    fn simple(&mut self, depth: usize) -> Simple {
        let at = self.at;
        let mut simple = Simple { at, ..Simple::default() };
        let mut quoted = false;
        while let Some(c) = self.peek() {
            match c {
                '\n' => break,
                '"' => quoted = !quoted,
                '&' | '|' if !quoted => break,
                ')' if !quoted && depth > 0 => break,
                '>' | '<' if !quoted => {
                    let handle = take_handle(&mut simple.text);
                    simple.redirects.extend(self.redirect(handle, depth));
                    continue;
                }
                _ => {}
            }
            self.piece(&mut simple.text, quoted);
        }
        simple.end = self.at;
        trim_end(&mut simple.text);
        simple
    }

    /// At `>` or `<`. `None` for a handle that is made a copy of another.
    fn redirect(&mut self, handle: Option<char>, depth: usize) -> Option<Redirect> {
        let at = self.at;
        let mode = if self.bump() == Some('<') {
            Mode::Read
        } else if self.peek() == Some('>') {
            self.bump();
            Mode::Append
        } else {
            Mode::Create
        };
        if self.peek() == Some('&') {
            self.bump();
            self.skip_while(|c| c.is_ascii_digit() || c == '-');
            return None;
        }
        self.skip_while(|c| c == ' ' || c == '\t');
        let target = self.word(depth, ",;=");
        (!target.is_empty()).then_some(Redirect { at, mode, handle, target })
    }

    /// A word up to an unquoted blank, operator or one of further separators.
    pub(super) fn word(&mut self, depth: usize, separators: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut quoted = false;
        while let Some(c) = self.peek() {
            match c {
                '\n' => break,
                '"' => quoted = !quoted,
                _ if quoted => {}
                ' ' | '\t' | '\r' | '&' | '|' | '<' | '>' => break,
                ')' if depth > 0 => break,
                c if separators.contains(c) => break,
                '=' if self.rest().starts_with("==") && !pieces.is_empty() => break,
                _ => {}
            }
            self.piece(&mut pieces, quoted);
        }
        pieces
    }

    /// The next character or reference.
    pub(super) fn piece(&mut self, pieces: &mut Vec<Piece>, quoted: bool) {
        let Some(c) = self.peek() else { return };
        match c {
            '^' if !quoted => {
                self.bump();
                if self.peek() == Some('\r') {
                    self.bump();
                }
                match self.bump() {
                    // A caret at the end of a line joins the next one; its first character is taken as it is.
                    Some('\n') => {
                        if self.peek().is_some_and(|c| !matches!(c, '\n' | '%' | '!' | '^' | '"' | '\r')) {
                            let c = self.bump();
                            push(pieces, c);
                        }
                    }
                    c => push(pieces, c),
                }
            }
            '%' | '!' => references::read(self, pieces),
            c if self.is_hole(c) => {
                self.bump();
                pieces.push(Piece::Hole((c as u32 - HOLE_BASE) as usize));
            }
            '\r' => {
                self.bump();
            }
            c => {
                self.bump();
                push(pieces, Some(c));
            }
        }
    }

    fn is_hole(&self, c: char) -> bool {
        let c = c as u32;
        c >= HOLE_BASE && ((c - HOLE_BASE) as usize) < self.holes
    }
}

fn push(pieces: &mut Vec<Piece>, c: Option<char>) {
    let Some(c) = c else { return };
    match pieces.last_mut() {
        Some(Piece::Lit(s)) => s.push(c),
        _ => pieces.push(Piece::Lit(c.to_string())),
    }
}

/// A digit directly before a redirection, at the start of a word, is its handle.
fn take_handle(text: &mut Vec<Piece>) -> Option<char> {
    let Some(Piece::Lit(s)) = text.last_mut() else { return None };
    let mut back = s.chars().rev();
    let digit = back.next().filter(char::is_ascii_digit)?;
    if !back.next().is_none_or(|c| c == ' ' || c == '\t' || c == '"') {
        return None;
    }
    s.pop();
    if s.is_empty() {
        text.pop();
    }
    Some(digit)
}

fn trim_end(text: &mut Vec<Piece>) {
    if let Some(Piece::Lit(s)) = text.last_mut() {
        s.truncate(s.trim_end().len());
        if s.is_empty() {
            text.pop();
        }
    }
}

/// `:name` up to a blank; `::` and other punctuation make it a comment.
fn label_name(line: &str) -> Option<String> {
    let name = line.trim_start_matches(':');
    if line.len() - name.len() != 1 {
        return None;
    }
    let name = name.trim_start();
    let end = name.find([' ', '\t', '\r', ':', '+', '&', '|', '<', '>', ';', ',', '=']).unwrap_or(name.len());
    (end > 0).then(|| name[..end].to_lowercase())
}
