//! Where a script may do anything at all, told from its characters.
//!
//! Most functions only compute, and so do most modules; a syntax tree and a walk cost a hundred times what a look at the
//! words costs. A place of interest is a command that the catalogue knows by a deed, a method that writes, a
//! redirection, a program with a path, or a call of what a variable holds. A wrong guess only costs time: words in
//! texts count.

use super::expression::{CHANGING, QUERYING};
use super::trivia::{Trivia, trivia};
use crate::catalog::commands::{self, Shell};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

/// Extensions of what a command line starts by its path.
const PROGRAMS: &[&str] = &[
    "exe",
    "msi",
    "msu",
    "msp",
    "reg",
    "cmd",
    "bat",
    "vbs",
    "js",
    "wsf",
    "ps1",
    "jar",
    "py",
    "com",
    "dll",
    "application",
];
/// Words behind which a command stands on the same line.
const BEFORE_COMMANDS: &[&str] = &["return", "exit", "throw", "in", "else", "do"];
/// Words whose meaning reaches over the whole script: other names for commands, and nodes of desired state.
const EVERYWHERE: &[&str] = &["set-alias", "new-alias", "sal", "nal", "configuration", "import-dscresource"];

/// Longest word that is looked at as a path.
const MAX_PATH: usize = 1024;

/// What was found in a script.
#[derive(Default)]
pub(super) struct Interest {
    places: Vec<usize>,
    /// Where functions of the script are named.
    mentions: Vec<(usize, usize)>,
    names: Vec<String>,
    by_name: HashMap<String, usize>,
    /// Where a function gives a value explicitly.
    returns: Vec<usize>,
    everywhere: bool,
}

/// Is one of these ascending offsets in the range?
fn is_any_within(offsets: &[usize], range: &Range<usize>) -> bool {
    offsets.get(offsets.partition_point(|at| *at < range.start)).is_some_and(|at| *at < range.end)
}

impl Interest {
    pub(super) fn find(text: &str) -> Self {
        let (names, by_name) = function_names(text);
        let own = names.iter().map(String::len).max().unwrap_or_default();
        let longest = own.max(words().longest).max(EVERYWHERE.iter().map(|w| w.len()).max().unwrap_or_default());
        let mut scan = Scan {
            bytes: text.as_bytes(),
            longest,
            text_end: 0,
            is_markup: false,
            found: Interest { names, by_name, ..Interest::default() },
        };
        scan.run();
        scan.found
    }

    /// Nothing in the script can leave a trace.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && !self.everywhere
    }

    /// Something in these bytes may.
    pub(super) fn is_within(&self, range: &Range<usize>) -> bool {
        self.everywhere || is_any_within(&self.places, range)
    }

    /// Something in these bytes is returned.
    pub(super) fn returns_within(&self, range: &Range<usize>) -> bool {
        is_any_within(&self.returns, range)
    }

    /// The functions that are named in these bytes.
    pub(super) fn mentioned(&self, range: &Range<usize>) -> impl Iterator<Item = &str> {
        let from = self.mentions.partition_point(|(at, _)| *at < range.start);
        let within = self.mentions.iter().skip(from).take_while(|(at, _)| *at < range.end).map(|(_, name)| *name);
        within.filter_map(|name| self.names.get(name)).map(String::as_str)
    }

    /// Is this a function that [`Interest::mentioned`] would tell?
    pub(super) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

/// The names behind `function`, in lower case.
fn function_names(text: &str) -> (Vec<String>, HashMap<String, usize>) {
    let (mut names, mut by_name) = (Vec::new(), HashMap::new());
    let starts = ["unction", "ilter"]
        .iter()
        .flat_map(|word| memchr::memmem::find_iter(text.as_bytes(), word).map(|at| at + word.len()));
    for at in starts {
        let rest = text.get(at..).unwrap_or_default();
        let name = rest.trim_start_matches([' ', '\t']);
        if name.len() == rest.len() {
            continue;
        }
        let name = name.split(|c: char| c.is_whitespace() || matches!(c, '{' | '(')).next().unwrap_or_default();
        if !name.is_empty() && !by_name.contains_key(&name.to_lowercase()) {
            by_name.insert(name.to_lowercase(), names.len());
            names.push(name.to_lowercase());
        }
    }
    (names, by_name)
}

/// The words of the catalogue, by how they stand in a script.
#[derive(Default)]
struct Words {
    /// Names with a hyphen; they are commands wherever they stand.
    cmdlets: HashSet<&'static str>,
    /// Programs and aliases, where a command can stand.
    commands: HashSet<&'static str>,
    /// Methods, behind `.` or `::`.
    methods: HashSet<&'static str>,
    /// Types whose construction is a deed.
    types: HashSet<&'static str>,
    longest: usize,
}

fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words = Words::default();
        let queries = QUERYING.iter().chain(CHANGING);
        words.methods.extend(queries.inspect(|word| words.longest = words.longest.max(word.len())));
        for name in commands::names(Shell::Powershell).chain(commands::names(Shell::Any)) {
            let acts = commands::find(Shell::Powershell, name).is_some_and(|c| c.form.iter().any(commands::Form::acts));
            if !acts {
                continue;
            }
            let word = if let Some(created) = name.strip_prefix("new ") {
                let class = created.rsplit('.').next().unwrap_or(created);
                words.types.insert(class);
                class
            } else if name.starts_with(['[', '.']) {
                let method = name.rsplit([':', '.']).next().unwrap_or(name);
                words.methods.insert(method);
                method
            } else {
                // `dsc:` names count by the word that begins a configuration.
                let end = name.bytes().position(|b| !is_word(b)).unwrap_or(name.len());
                let word = &name[..end];
                if word.contains('-') {
                    words.cmdlets.insert(word)
                } else {
                    words.commands.insert(word)
                };
                word
            };
            words.longest = words.longest.max(word.len());
        }
        words
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte >= 0x80
}

struct Scan<'t> {
    bytes: &'t [u8],
    /// Words beyond this are none of those that are looked for.
    longest: usize,
    /// Up to here a text reaches: a comment sign in it is a part of it.
    text_end: usize,
    /// A `<` stands on this line so far.
    is_markup: bool,
    found: Interest,
}

impl Scan<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    /// The byte in front, beyond blanks; a line's end at the start of the script.
    fn before(&self, at: usize) -> (usize, u8) {
        let mut i = at;
        while i > 0 {
            i -= 1;
            if !matches!(self.bytes[i], b' ' | b'\t') {
                return (i, self.bytes[i]);
            }
        }
        (0, b'\n')
    }

    /// Can a command begin here?
    fn is_command_position(&self, at: usize) -> bool {
        let (i, byte) = self.before(at);
        match byte {
            b'\n' | b'\r' | b';' | b'|' | b'{' | b'}' | b'(' | b'&' | b'=' | b'.' | b'"' | b'\'' | b'\\' | b'/'
            | b'!' => true,
            b if is_word(b) && i + 1 < at => {
                let start = (0..i).rev().take(8).find(|&k| !is_word(self.bytes[k])).map_or(0, |k| k + 1);
                let word = self.bytes.get(start..=i).unwrap_or_default();
                BEFORE_COMMANDS.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()))
            }
            _ => false,
        }
    }

    fn run(&mut self) {
        let known = words();
        let mut lower = String::new();
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'\n' => self.is_markup = false,
                b'<' => self.is_markup = true,
                _ => {}
            }
            at = match byte {
                b'#' | b'<' | b'"' | b'\'' | b'@' | b'`' => self.pass(at),
                b'>' => self.redirection(at),
                b'&' | b'.' | b'$' => self.call(at),
                b if b.is_ascii_alphanumeric() || b >= 0x80 || b == b'_' => self.word(at, known, &mut lower),
                _ => at + 1,
            };
        }
    }

    /// At a sign of quotes or comments. Gives where to go on, beyond a comment.
    fn pass(&mut self, at: usize) -> usize {
        match trivia(self.bytes, at) {
            _ if at < self.text_end => at + 1,
            Some((Trivia::Text, end)) => {
                self.text_end = end;
                at + 1
            }
            Some((_, end)) => {
                self.is_markup = false;
                end
            }
            // A quote that nothing closes: what is behind it on the line may be a text.
            None if matches!(self.bytes[at], b'"' | b'\'') => {
                self.text_end = memchr::memchr(b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |i| at + i);
                at + 1
            }
            None => at + 1,
        }
    }

    /// `>`, unless it is part of an arrow or a tag, or leads to another stream or nowhere.
    fn redirection(&mut self, at: usize) -> usize {
        let next = if self.byte(at + 1) == b'>' { at + 2 } else { at + 1 };
        let target = self.bytes.get(next..).unwrap_or_default().trim_ascii_start();
        let is_null = target.get(..5).is_some_and(|t| t.eq_ignore_ascii_case(b"$null"));
        // `$nullFile` is another variable.
        let nowhere = target.first() == Some(&b'&') || (is_null && !target.get(5).is_some_and(|b| is_word(*b)));
        let arrow = at > 0 && matches!(self.bytes[at - 1], b'=' | b'-' | b'#');
        // `<` is an operator for future use: a line that has one holds markup.
        if !arrow && !nowhere && !self.is_markup {
            self.found.places.push(at);
        }
        next
    }

    /// `& $program`, `. $script`, `$folder\program`.
    fn call(&mut self, at: usize) -> usize {
        let next = self.byte(at + 1);
        let (_, before) = self.before(at);
        let begins =
            matches!(before, b'\n' | b'\r' | b';' | b'|' | b'{' | b'}' | b'(' | b'=') || self.is_command_position(at);
        if !begins {
            return at + 1;
        }
        match self.bytes[at] {
            b'$' => self.path(at),
            b'.' if next == b'\\' || next == b'/' || next == b'.' => self.path(at),
            b'&' if next == b'&' => at + 2,
            _ => {
                let operand = self.bytes.get(at + 1..).unwrap_or_default().trim_ascii_start().first();
                if matches!(operand, Some(b'$' | b'(' | b'"' | b'\'')) {
                    self.found.places.push(at);
                }
                at + 1
            }
        }
    }

    /// A program named by its path, where a command can stand. Gives where its first word begins.
    fn path(&mut self, at: usize) -> usize {
        let rest = &self.bytes[at..self.bytes.len().min(at + MAX_PATH)];
        let stops = |b: &u8| b.is_ascii_whitespace() || b";|(){}\"',=".contains(b);
        let token = &rest[..rest.iter().position(stops).unwrap_or(rest.len())];
        let extension = token.iter().rposition(|b| *b == b'.').map(|i| &token[i + 1..]).unwrap_or_default();
        let is_program = PROGRAMS.iter().any(|e| extension.eq_ignore_ascii_case(e.as_bytes()));
        if token.contains(&b'\\') || is_program {
            self.found.places.push(at);
        }
        at + 1
    }

    fn word(&mut self, at: usize, known: &Words, lower: &mut String) -> usize {
        let rest = &self.bytes[at..];
        let length = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
        let end = at + length;
        let stands = self.is_command_position(at);
        if stands
            && matches!(self.byte(end), b'.' | b'\\' | b':' | b'/')
            && !matches!(self.byte(at.wrapping_sub(1)), b'.' | b':')
        {
            self.path(at);
        }
        if length > self.longest {
            return end;
        }
        lower.clear();
        lower.extend(self.bytes[at..end].iter().map(|b| char::from(b.to_ascii_lowercase())));
        let word = lower.as_str();
        let member = matches!(self.byte(at.wrapping_sub(1)), b'.' | b':') && at > 0;
        if known.cmdlets.contains(word)
            || (stands && known.commands.contains(word))
            || (member && known.methods.contains(word))
            || known.types.contains(word)
        {
            self.found.places.push(at);
        }
        if word == "return" {
            self.found.returns.push(at);
        }
        if EVERYWHERE.contains(&word) {
            self.found.everywhere = true;
        }
        if let Some(name) = self.found.by_name.get(word) {
            self.found.mentions.push((at, *name));
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<usize> {
        Interest::find(text).places
    }

    #[test]
    fn only_deeds_are_of_interest() {
        for dull in [
            "# Remove-Item x\n$a = 1",
            "<# reg add #>\nfunction f { return 'x' }",
            "$x = @{ a = 1 }; $y -> 'b'; Write-Host \"<b>x</b>\" 2>&1 > $null",
            "if ($a -and $b) { $c.Where({ $_ }) }",
            "$url = 'https://example.com/a.exe?x=1&y=2'",
            "& { 1 }",
        ] {
            assert_eq!(places(dull), Vec::<usize>::new(), "{dull}");
        }
        for (text, at) in [
            ("Write-Host '# x'; Remove-Item y", 18),
            ("$a > out.txt", 3),
            ("& $setup /S", 0),
            (". $profile", 0),
            ("return reg.exe add HKLM\\X", 7),
            ("$r = .\\tools\\run", 5),
            ("if (1) { bin\\run.exe }", 9),
            ("[IO.File]::WriteAllText('a', 'b')", 11),
            ("$dir\\tool -x", 0),
            ("setup.exe /quiet", 0),
            ("$s = New-Object IO.StreamWriter 'a'", 19),
        ] {
            assert_eq!(places(text).first(), Some(&at), "{text}");
        }
    }

    #[test]
    fn functions_are_found_where_they_are_named() {
        let text = "function Write-It { Set-Content a b }\nfunction Call { Write-It }\nfunction Dull { 1 }";
        let interest = Interest::find(text);
        assert!(interest.is_within(&(0..37)) && !interest.is_within(&(38..text.len())));
        assert_eq!(interest.mentioned(&(38..60)).collect::<Vec<_>>(), ["call", "write-it"]);
        assert!(interest.knows("dull"));
    }
}
