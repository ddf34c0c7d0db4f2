//! Reads a script into its statements, character by character.

use super::extent;
use super::interest::Interest;
use super::mask::{OPERATORS, here_string_end};
use super::outline::{DECLARES, LEAVES, Outline, ROOT, STEERS, Statement, TESTS};
use std::collections::HashMap;

/// Commands that change what those behind them mean.
const STEERING: &[&str] = &[
    "cd",
    "chdir",
    "sl",
    "pushd",
    "popd",
    "set-location",
    "push-location",
    "pop-location",
    "set-variable",
    "new-variable",
    "sv",
    "nv",
];
/// Words that a parenthesis may follow on the next line.
const ASKING: &[&str] = &["param", "if", "elseif", "while", "until", "for", "foreach", "switch", "catch"];
/// Variables that are the same whatever is set (about_Automatic_Variables).
const CONSTANTS: &[&str] = &["null", "true", "false"];
/// Longest word that means something here.
const MAX_WORD: usize = 13;

/// How a statement begins, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Other,
    Function,
    Class,
    Switch,
    Do,
}

/// The statement that is being read.
struct Head {
    id: usize,
    first: First,
    /// Its blocks give it a value, and are read as parts of it.
    is_whole: bool,
    /// Brackets of this statement that are open.
    depth: usize,
    /// The last byte that is no blank.
    last: usize,
    /// Where its last word begins.
    word: usize,
    /// The uses of variables from here on are set by an `=`.
    recent: usize,
    /// The next variable is one that `foreach` sets.
    sets_next: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Parenthesis,
    Brace,
    Class,
    Switch,
}

enum Frame {
    Inside(Bracket),
    /// A block of statements: what it is in, and the owner and the beginning of the block around that.
    Block(Head, usize, usize),
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    interest: &'t Interest,
    found: Outline,
    numbers: HashMap<Box<str>, usize, foldhash::fast::FixedState>,
    frames: Vec<Frame>,
    current: Option<Head>,
    /// The statement whose block is open.
    owner: usize,
    /// Where that block begins.
    block: usize,
    lower: String,
}

/// Reads the statements of a script; `None` where its quotes, braces or parentheses do not match.
pub(super) fn read(text: &str, interest: &Interest, found: Outline) -> Option<Outline> {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        interest,
        found,
        numbers: HashMap::default(),
        frames: Vec::new(),
        current: None,
        owner: ROOT,
        block: 0,
        lower: String::new(),
    };
    lexer.run()?;
    lexer.found.variables = lexer.numbers.len();
    Some(lexer.found)
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    fn run(&mut self) -> Option<()> {
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            at = match byte {
                b' ' | b'\t' | b'\r' => at + 1,
                b'\n' => self.line_end(at),
                b';' => self.semicolon(at),
                b'<' if self.byte(at + 1) == b'#' => {
                    let end = at + 4 + memchr::memmem::find(self.bytes.get(at + 2..)?, b"#>")?;
                    self.found.comments.push(at..end);
                    end
                }
                b'#' if self.is_comment(at) => {
                    let end = memchr::memchr(b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |i| at + i);
                    self.found.comments.push(at..end);
                    end
                }
                b'}' => self.close_brace(at)?,
                _ => {
                    let end = self.token(at, byte)?;
                    if let Some(head) = &mut self.current {
                        head.last = end - 1;
                    }
                    end
                }
            };
        }
        if let Some(head) = &self.current {
            self.end(head.last + 1);
        }
        self.frames.is_empty().then_some(())
    }

    fn is_comment(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|i| self.bytes[i]);
        before.is_none_or(|b| b.is_ascii_whitespace() || b";{}()|,=".contains(&b))
    }

    /// What is no blank and ends nothing. Gives where it ends.
    fn token(&mut self, at: usize, byte: u8) -> Option<usize> {
        if self.current.is_none() {
            self.begin(at);
        }
        let next = self.byte(at + 1);
        Some(match byte {
            b'`' => self.bytes.len().min(at + if next == b'\r' && self.byte(at + 2) == b'\n' { 3 } else { 2 }),
            b'\'' => at + 2 + memchr::memchr(b'\'', &self.bytes[at + 1..])?,
            b'"' => {
                let end = extent::expandable_end(self.bytes, at, 0)?;
                self.variables_in(at, end);
                end
            }
            b'@' if matches!(next, b'"' | b'\'') => {
                let end = here_string_end(self.bytes, at);
                if end == at + 1 || end >= self.bytes.len() {
                    return None;
                }
                if next == b'"' {
                    self.variables_in(at, end);
                }
                end
            }
            b'@' if next == b'{' => self.open(at + 1, Bracket::Brace),
            b'@' | b'$' if next == b'(' => self.open(at + 1, Bracket::Parenthesis),
            b'@' | b'$' => self.variable(at),
            b'(' => self.open(at, Bracket::Parenthesis),
            b')' => match self.frames.pop() {
                Some(Frame::Inside(Bracket::Parenthesis)) => self.left(at),
                _ => return None,
            },
            b'{' => self.open_brace(at),
            b'=' => self.assignment(at),
            b'|' => self.boundary(at),
            b'-' if next == b'-' && self.byte(at + 2) == b'%' => {
                memchr::memchr(b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |i| at + i)
            }
            // Typographic quotes are quotes too, which the grammar takes for something else.
            0xE2 if next == 0x80 && (0x98..=0x9F).contains(&self.byte(at + 2)) => return None,
            b if b.is_ascii_alphanumeric() || b == b'_' => self.word(at)?,
            _ => at + 1,
        })
    }

    fn begin(&mut self, at: usize) {
        let id = self.found.statements.len();
        let around = &self.found.statements[self.owner];
        let home = if around.is_function { self.owner } else { around.home };
        let statement =
            Statement { parent: self.owner, block: self.block, home, range: at..at, is_function: false, traits: 0 };
        self.found.statements.push(statement);
        self.found.owners.push((at, id));
        let recent = self.found.uses.len();
        self.current = Some(Head {
            id,
            first: First::Other,
            is_whole: false,
            depth: 0,
            last: at,
            word: at,
            recent,
            sets_next: false,
        });
    }

    /// Ends the statement in front of an offset.
    fn end(&mut self, at: usize) {
        let Some(head) = self.current.take() else { return };
        let owner = self.owner;
        let statement = &mut self.found.statements[head.id];
        statement.range.end = at;
        // What leaves the script behind a test for a file guards what follows.
        if statement.traits & (TESTS | LEAVES) == TESTS | LEAVES {
            statement.traits |= STEERS;
        }
        let told = statement.traits & (STEERS | LEAVES);
        if !statement.is_function && owner != ROOT {
            self.found.statements[owner].traits |= told;
        }
        self.found.owners.push((at, owner));
    }

    fn semicolon(&mut self, at: usize) -> usize {
        match &self.current {
            Some(head) if head.depth > 0 => return self.boundary(at),
            Some(head) => self.end(head.last + 1),
            None => {}
        }
        at + 1
    }

    fn line_end(&mut self, at: usize) -> usize {
        match &self.current {
            Some(head) if head.depth > 0 => return self.boundary(at),
            Some(head) if !self.is_open(head) => {
                let next = extent::significant(self.bytes, at);
                if self.continues(head, next) {
                    return next;
                }
                self.end(head.last + 1);
            }
            _ => {}
        }
        at + 1
    }

    /// Nothing in front of this is set by an `=` behind it.
    fn boundary(&mut self, at: usize) -> usize {
        if let Some(head) = &mut self.current {
            head.recent = self.found.uses.len();
        }
        at + 1
    }

    /// Does what its line ends with want more?
    fn is_open(&self, head: &Head) -> bool {
        let last = self.bytes[head.last];
        let before = head.last.checked_sub(1).map_or(b' ', |i| self.bytes[i]);
        match last {
            b'|' | b',' | b'=' | b'+' | b'-' | b'&' | b'!' => true,
            b'*' | b'/' | b'%' => before == b' ',
            b'.' => before == b')',
            b if b.is_ascii_alphabetic() => {
                let word = self.last_word(head);
                let is_operator = head.word > 0 && self.bytes[head.word - 1] == b'-';
                is_operator && OPERATORS.iter().any(|o| word.eq_ignore_ascii_case(o.as_bytes()))
            }
            _ => false,
        }
    }

    fn last_word(&self, head: &Head) -> &[u8] {
        self.bytes.get(head.word..=head.last).unwrap_or_default()
    }

    /// Does the statement go on with what comes next, on another line?
    fn continues(&self, head: &Head, next: usize) -> bool {
        match self.byte(next) {
            b'{' | b'|' => true,
            b'&' => self.byte(next + 1) == b'&',
            b'(' => {
                let word = self.last_word(head);
                head.first == First::Function || ASKING.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()))
            }
            _ => {
                let ahead = self.bytes.get(next..).unwrap_or_default();
                let ahead = &ahead[..ahead.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(ahead.len())];
                let is = |w: &str| ahead.eq_ignore_ascii_case(w.as_bytes());
                ["else", "elseif", "catch", "finally", "until"].into_iter().any(is)
                    || (head.first == First::Do && is("while"))
            }
        }
    }

    fn open(&mut self, at: usize, bracket: Bracket) -> usize {
        self.frames.push(Frame::Inside(bracket));
        if let Some(head) = &mut self.current {
            head.depth += 1;
        }
        self.boundary(at)
    }

    /// A bracket of the current statement was closed.
    fn left(&mut self, at: usize) -> usize {
        if let Some(head) = &mut self.current {
            head.depth = head.depth.saturating_sub(1);
        }
        at + 1
    }

    fn open_brace(&mut self, at: usize) -> usize {
        let Some(head) = &mut self.current else { return at + 1 };
        let last = self.bytes[head.last];
        let follows = head.last < at && (last.is_ascii_alphanumeric() || last >= 0x80 || b"_-\"')]%?}".contains(&last));
        let inside = self.frames.last().and_then(|f| match f {
            Frame::Inside(bracket) if head.depth > 0 => Some(*bracket),
            _ => None,
        });
        let bracket = match (inside, head.first) {
            (None, First::Class) => Some(Bracket::Class),
            (None, First::Switch) => Some(Bracket::Switch),
            (None, _) => Some(Bracket::Brace).filter(|_| head.is_whole || !follows),
            (Some(Bracket::Class), _) => Some(Bracket::Brace).filter(|_| last != b')'),
            // The condition of a case may be a block itself.
            (Some(Bracket::Switch), _) => Some(Bracket::Brace).filter(|_| head.is_whole || !follows || last == b'}'),
            (Some(_), _) => Some(Bracket::Brace),
        };
        if let Some(bracket) = bracket {
            return self.open(at, bracket);
        }
        if let Some(mut head) = self.current.take() {
            head.last = at;
            let id = head.id;
            self.frames.push(Frame::Block(head, self.owner, self.block));
            (self.owner, self.block) = (id, at);
        }
        at + 1
    }

    fn close_brace(&mut self, at: usize) -> Option<usize> {
        let ends = match self.frames.pop()? {
            Frame::Inside(Bracket::Parenthesis) => return None,
            Frame::Inside(bracket) => {
                self.left(at);
                bracket == Bracket::Class
            }
            Frame::Block(mut head, owner, block) => {
                if let Some(inner) = &self.current {
                    self.end(inner.last + 1);
                }
                (self.owner, self.block) = (owner, block);
                self.found.owners.push((at, head.id));
                head.recent = self.found.uses.len();
                let ends = head.first == First::Function && head.depth == 0;
                self.current = Some(head);
                ends
            }
        };
        if let Some(head) = &mut self.current {
            head.last = at;
        }
        if ends {
            self.end(at + 1);
        }
        Some(at + 1)
    }

    fn assignment(&mut self, at: usize) -> usize {
        let Some(head) = &mut self.current else { return at + 1 };
        head.is_whole |= head.depth == 0;
        let recent = std::mem::replace(&mut head.recent, self.found.uses.len());
        for i in recent..self.found.uses.len() {
            let (statement, variable) = self.found.uses[i];
            self.found.sets.push((variable, statement));
        }
        at + 1
    }

    /// `$name`, `${name}`, `@name`
    fn variable(&mut self, at: usize) -> usize {
        let (name, end) = extent::variable_at(self.text, at);
        if !name.is_empty() {
            self.uses(end, name, self.bytes[at] == b'$');
        }
        end
    }

    fn uses(&mut self, end: usize, name: &str, may_set: bool) {
        let Some(head) = &mut self.current else { return };
        let is_environment = name.get(..4).is_some_and(|scope| scope.eq_ignore_ascii_case("env:"));
        // Where a variable lives is no part of its name here.
        let name = if is_environment { name } else { name.rsplit(':').next().unwrap_or(name) };
        self.lower.clear();
        self.lower.extend(name.chars().flat_map(char::to_lowercase));
        if CONSTANTS.contains(&self.lower.as_str()) {
            return;
        }
        let count = self.numbers.len();
        let number = match self.numbers.get(self.lower.as_str()) {
            Some(number) => *number,
            None => {
                self.numbers.insert(self.lower.as_str().into(), count);
                count
            }
        };
        self.found.uses.push((head.id, number));
        if may_set && std::mem::take(&mut head.sets_next) {
            self.found.sets.push((number, head.id));
        }
        if is_environment && may_set {
            let rest = self.bytes.get(end..).unwrap_or_default().trim_ascii_start();
            let rest = rest.strip_prefix(b"+").unwrap_or(rest);
            if rest.starts_with(b"=") {
                self.found.statements[head.id].traits |= STEERS;
            }
        }
    }

    /// The variables in a string.
    fn variables_in(&mut self, from: usize, to: usize) {
        let mut at = from;
        while let Some(dollar) = memchr::memchr(b'$', &self.bytes[at..to]) {
            let (name, end) = extent::variable_at(self.text, at + dollar);
            if !name.is_empty() {
                self.uses(to, name, false);
            }
            at = end.min(to);
        }
    }

    fn word(&mut self, at: usize) -> Option<usize> {
        let rest = &self.bytes[at..];
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let length = rest.iter().position(|b| !is_word(b)).unwrap_or(rest.len());
        let end = at + length;
        let Some(head) = &mut self.current else { return Some(end) };
        head.word = at;
        if length > MAX_WORD {
            return Some(end);
        }
        let statement = &mut self.found.statements[head.id];
        let is_first = statement.range.start == at;
        self.lower.clear();
        self.lower.extend(rest[..length].iter().map(|b| char::from(b.to_ascii_lowercase())));
        match self.lower.as_str() {
            "function" | "filter" if self.bytes.get(at.wrapping_sub(1)) != Some(&b'-') => {
                let name = self.text.get(end..)?.trim_start();
                let name = name.split(|c: char| c.is_whitespace() || matches!(c, '{' | '(')).next()?;
                if let Some(name) = self.interest.number(&name.to_lowercase()) {
                    self.found.functions.push((head.id, name));
                } else if is_first {
                    return None;
                }
                if is_first {
                    head.first = First::Function;
                    statement.is_function = true;
                }
            }
            // What these mean is not told from characters.
            "workflow" | "configuration" if is_first => return None,
            "class" | "enum" if is_first => head.first = First::Class,
            "switch" if is_first => head.first = First::Switch,
            "do" if is_first => head.first = First::Do,
            "param" if head.depth == 0 && self.bytes.get(at.wrapping_sub(1)) != Some(&b'-') => {
                statement.traits |= DECLARES;
            }
            // The grammar wants all statements of a function in these, or none.
            "begin" | "process" | "end" | "dynamicparam" if is_first => statement.traits |= DECLARES,
            "foreach" => head.sets_next = true,
            "return" | "exit" => {
                statement.traits |= LEAVES;
                head.is_whole |= is_first;
            }
            "throw" if is_first => head.is_whole = true,
            "test-path" => statement.traits |= TESTS,
            word if STEERING.contains(&word) => statement.traits |= STEERS,
            _ => {}
        }
        Some(end)
    }
}
