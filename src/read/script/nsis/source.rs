//! The preprocessor of NSIS: defines, macros and included headers, as far as they decide what instructions say.
//!
//! NSIS documentation, chapter 5: `!define`, `!undef`, `!macro`, `!insertmacro`, `!include`. Defines are replaced when
//! a line is read, so a value is expanded once, when it is given. Both ways of a conditional are taken.

use super::tokens;
use crate::discover::{Application, Artifact};
use crate::facts::{Site, beside};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Opens and closes the name of something that is not known here; no script holds these characters.
pub(super) const UNKNOWN: (char, char) = ('\u{E000}', '\u{E001}');
/// Longest word after its defines are replaced.
const MAX_WORD: usize = 8 << 10;
/// Most lines of a script with its macros: macros may insert macros many times over.
const MAX_LINES: usize = 200_000;
/// Deepest macro inside another, header inside another.
const MAX_NESTING: usize = 12;
/// Most headers that one script includes.
const MAX_HEADERS: usize = 64;
/// Largest header that is looked into.
const MAX_HEADER: u64 = 1 << 20;

/// An instruction as the compiler sees it.
pub(super) struct Line {
    /// Its words, defines replaced.
    pub(super) words: Vec<String>,
    /// As written.
    pub(super) source: String,
    /// Where: for macros of a header, where the macro is inserted.
    pub(super) site: Site,
    /// Where the macro that it is part of is inserted.
    pub(super) inserted: Option<(String, Site)>,
}

/// A line as written, with continuation lines joined.
#[derive(Clone)]
struct Raw {
    text: String,
    line: u32,
    column: u32,
}

#[derive(Clone)]
struct Macro {
    parameters: Vec<String>,
    body: Vec<Raw>,
    /// Defined in the script itself, so its lines are sites of their own.
    own: bool,
    at: u32,
}

/// All instructions of a script, and whether a cap cut them short.
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
    pub(super) capped: bool,
}

/// Reads the lines of a script and of the macros it inserts.
pub(super) fn read(text: &str, artifact: &Artifact, app: &Application) -> Source {
    let mut reader = Reader {
        app,
        defines: HashMap::new(),
        macros: BTreeMap::new(),
        inserted: HashSet::new(),
        headers: 0,
        steps: 0,
        out: Source { lines: Vec::new(), capped: false },
    };
    // A header means what it does in the script that includes it.
    if let Some((script, text)) = includer(artifact, app) {
        let context = Context { artifact: script, own: false, emit: false, depth: 1, inserted: None };
        reader.run(raw_lines(&text), &context);
    }
    let context = Context { artifact, own: true, emit: true, depth: 0, inserted: None };
    reader.run(raw_lines(text), &context);
    // A macro that nobody here inserts is there for others: what it does with parameters that are not known.
    let left: Vec<(String, Macro)> = reader
        .macros
        .iter()
        .filter(|(name, found)| found.own && !reader.inserted.contains(*name))
        .map(|(name, found)| (name.clone(), found.clone()))
        .collect();
    let mut left = left;
    left.sort_by_key(|(_, found)| found.at);
    for (_, found) in left {
        let unknown = found.parameters.iter().map(|p| hole(&format!("param:{p}"))).collect();
        reader.expand_macro(&found, unknown, &context);
    }
    reader.out
}

/// The script that includes a header: in the header's folder, or in one above.
fn includer<'a>(header: &Artifact, app: &'a Application) -> Option<(&'a Artifact, String)> {
    if header.extension() != "nsh" {
        return None;
    }
    let name = header.file_name().to_lowercase();
    let scripts = app.artifacts.iter().filter(|a| a.extension() == "nsi" && header.path.starts_with(beside(&a.path)));
    scripts.take(MAX_HEADERS).find_map(|script| {
        let bytes = script.read(MAX_HEADER).ok()?;
        let text = crate::read::text::decode(&bytes, &mut crate::facts::Reading::default()).into_owned();
        let includes = |line: &str| is_directive(line, "!include") && line.to_lowercase().contains(&name);
        text.lines().any(includes).then_some((script, text))
    })
}

/// The name of something unknown as one piece of a word.
fn hole(name: &str) -> String {
    format!("{}{name}{}", UNKNOWN.0, UNKNOWN.1)
}

/// Lines with their continuations joined and block comments blanked.
fn raw_lines(text: &str) -> Vec<Raw> {
    let mut out = Vec::new();
    let mut comment = false;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut whole = line.trim_start_matches('\u{feff}').trim_end().to_owned();
        // A backslash at the end of a line joins the next one.
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((_, next)) => whole.push_str(next.trim()),
                None => break,
            }
        }
        if comment || whole.trim_start().starts_with("/*") {
            comment = !whole.contains("*/");
            continue;
        }
        let column = whole.len() - whole.trim_start().len() + 1;
        out.push(Raw { text: whole, line: number as u32 + 1, column: column as u32 });
    }
    out
}

/// Where lines come from.
#[derive(Clone)]
struct Context<'a> {
    artifact: &'a Artifact,
    /// The script itself, not a header.
    own: bool,
    /// Its instructions count; of a header only defines and macros do.
    emit: bool,
    depth: usize,
    inserted: Option<(String, Site)>,
}

struct Reader<'a> {
    app: &'a Application,
    defines: HashMap<String, String>,
    macros: BTreeMap<String, Macro>,
    inserted: HashSet<String>,
    headers: usize,
    steps: usize,
    out: Source,
}

impl Reader<'_> {
    fn run(&mut self, lines: Vec<Raw>, context: &Context<'_>) {
        let mut lines = lines.into_iter();
        while let Some(raw) = lines.next().filter(|_| context.depth == 0 || !self.out.capped) {
            let words = tokens(&raw.text);
            let Some(first) = words.first() else { continue };
            if first.eq_ignore_ascii_case("!macro") {
                let body: Vec<Raw> = lines.by_ref().take_while(|raw| !is_directive(&raw.text, "!macroend")).collect();
                let Some(name) = words.get(1) else { continue };
                let found =
                    Macro { parameters: words.iter().skip(2).cloned().collect(), body, own: context.own, at: raw.line };
                self.macros.insert(name.to_lowercase(), found);
                continue;
            }
            self.line(&raw, words, context);
        }
    }

    fn line(&mut self, raw: &Raw, words: Vec<String>, context: &Context<'_>) {
        self.steps += 1;
        // The script's own lines are read to the end, whatever its macros did.
        if self.steps > MAX_LINES && context.depth > 0 {
            self.out.capped = true;
            return;
        }
        let words: Vec<String> = words.iter().map(|w| self.replace(w)).collect();
        let site = match &context.inserted {
            Some((_, site)) if !context.own => site.clone(),
            _ => Site::text(raw.line, raw.column),
        };
        let name = words.first().map(|w| w.to_lowercase()).unwrap_or_default();
        match name.as_str() {
            "!define" => self.define(&words),
            "!undef" => {
                words.get(1).map(|name| self.defines.remove(&name.to_lowercase()));
            }
            "!insertmacro" => self.insert(&words, site, context),
            "!include" => self.include(&words, context),
            _ if context.emit => {
                self.out.lines.push(Line { words, source: raw.text.clone(), site, inserted: context.inserted.clone() });
            }
            _ => {}
        }
    }

    /// `!define [/ifndef | /redef | /date | ...] NAME value`; what is not a plain value is not known.
    fn define(&mut self, words: &[String]) {
        let options: Vec<String> =
            words.iter().skip(1).take_while(|w| w.starts_with('/')).map(|w| w.to_lowercase()).collect();
        let mut rest = words.iter().skip(1 + options.len());
        let Some(name) = rest.next().map(|n| n.to_lowercase()) else { return };
        let again = options.iter().any(|o| o == "/redef");
        if self.defines.contains_key(&name) && !again {
            return;
        }
        let computed = options.iter().find(|o| !matches!(o.as_str(), "/ifndef" | "/redef"));
        let value = match computed {
            Some(_) => hole(&name),
            None => rest.next().cloned().unwrap_or_default(),
        };
        self.defines.insert(name, value);
    }

    fn insert(&mut self, words: &[String], site: Site, context: &Context<'_>) {
        let Some(name) = words.get(1) else { return };
        let key = name.to_lowercase();
        let Some(found) = self.macros.get(&key).cloned() else { return };
        self.inserted.insert(key);
        if context.depth >= MAX_NESTING {
            self.out.capped = true;
            return;
        }
        let inner = Context {
            own: found.own,
            depth: context.depth + 1,
            // The outermost insertion is what a reader of this script sees.
            inserted: context.inserted.clone().or_else(|| Some((name.clone(), site))),
            ..context.clone()
        };
        self.expand_macro(&found, words.get(2..).unwrap_or_default().to_vec(), &inner);
    }

    /// Runs the body of a macro with its parameters defined.
    fn expand_macro(&mut self, found: &Macro, arguments: Vec<String>, context: &Context<'_>) {
        let mut hidden = Vec::new();
        let mut arguments = arguments.into_iter();
        for parameter in &found.parameters {
            let value = arguments.next().unwrap_or_default();
            let key = parameter.to_lowercase();
            hidden.push((key.clone(), self.defines.insert(key, value)));
        }
        self.run(found.body.clone(), context);
        for (key, value) in hidden {
            match value {
                Some(value) => self.defines.insert(key, value),
                None => self.defines.remove(&key),
            };
        }
    }

    /// Defines and macros of a header beside the script.
    fn include(&mut self, words: &[String], context: &Context<'_>) {
        let Some(path) = words.iter().skip(1).find(|w| !w.starts_with('/')) else { return };
        if context.depth >= MAX_NESTING || self.headers >= MAX_HEADERS {
            self.out.capped = true;
            return;
        }
        let app = self.app;
        let Some(header) = app.sibling(context.artifact, &path.replace('\\', "/")) else { return };
        if header.path == context.artifact.path {
            return;
        }
        self.headers += 1;
        let Ok(bytes) = header.read(MAX_HEADER) else { return };
        let mut notes = crate::facts::Reading::default();
        let text = crate::read::text::decode(&bytes, &mut notes);
        let inner = Context { artifact: header, own: false, emit: false, depth: context.depth + 1, inserted: None };
        self.run(raw_lines(&text), &inner);
    }

    /// Replaces `${NAME}`, innermost first: `${${ID}_KEY}`.
    fn replace(&self, word: &str) -> String {
        let mut out: Vec<String> = vec![String::new()];
        let mut rest = word;
        while let Some(c) = rest.chars().next() {
            let escaped = rest.starts_with("$\\") || rest.starts_with("$$");
            if escaped {
                let length = rest.char_indices().nth(2).map_or(rest.len(), |(i, _)| i);
                push(&mut out, &rest[..length]);
                rest = &rest[length..];
            } else if let Some(tail) = rest.strip_prefix("${") {
                if out.len() > MAX_NESTING {
                    push(&mut out, "${");
                } else {
                    out.push(String::new());
                }
                rest = tail;
            } else if c == '}' && out.len() > 1 {
                let name = out.pop().unwrap_or_default();
                let value = self.defines.get(&name.to_lowercase()).cloned();
                push(&mut out, &value.unwrap_or_else(|| hole(&name.replace([UNKNOWN.0, UNKNOWN.1], ""))));
                rest = &rest[1..];
            } else {
                push(&mut out, &rest[..c.len_utf8()]);
                rest = &rest[c.len_utf8()..];
            }
        }
        // A reference that nothing closes is text.
        out.join("${")
    }
}

fn push(out: &mut [String], text: &str) {
    if let Some(last) = out.last_mut() {
        if last.len() + text.len() > MAX_WORD {
            *last = hole("");
        } else {
            last.push_str(text);
        }
    }
}

fn is_directive(line: &str, directive: &str) -> bool {
    line.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(directive))
}
