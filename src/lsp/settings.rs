//! `wipeproof.toml` in an editor: completion and hover, from the JSON Schema of the file and the rules in force.
//!
//! A file that is being written is no TOML most of the time, so where the cursor is gets told by lines: the nearest
//! head of a table above, and the nearest key whose value is not closed yet.

use crate::document::words;
use crate::facts::Phase;
use crate::rules::RuleSet;
use crate::settings::schema;
use serde_json::Value;
use std::ops::Range;
use std::sync::LazyLock;
use strum::IntoEnumIterator as _;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&schema()).unwrap_or_default());

/// Something that can stand at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) label: String,
    /// What replaces [`Offers::range`].
    pub(super) text: String,
    pub(super) about: String,
    /// A key, not a value.
    pub(super) key: bool,
}

/// All that can stand at the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// The bytes of the word at the cursor.
    pub(super) range: Range<usize>,
    pub(super) offers: Vec<Offer>,
}

/// Completes at a byte offset.
pub(super) fn complete(text: &str, at: usize, rules: &RuleSet) -> Offers {
    let place = Place::of(text, at);
    let offers = match &place.expects {
        Expects::Head => heads(),
        Expects::Key => keys(&place.path, &place.present, rules),
        Expects::Value { quoted } => values(&place.path, rules)
            .into_iter()
            .map(|(value, about, is_string)| {
                let text = if is_string && !quoted { format!("\"{value}\"") } else { value.clone() };
                Offer { label: value, text, about, key: false }
            })
            .collect(),
        Expects::Nothing => Vec::new(),
    };
    Offers { range: place.word, offers }
}

/// What the word at a byte offset means, in Markdown.
pub(super) fn describe(text: &str, at: usize, rules: &RuleSet) -> Option<(Range<usize>, String)> {
    let word = words(text).into_iter().find(|w| w.span.contains(&at) && !w.text.is_empty())?;
    let path: Vec<&str> = word.path.iter().map(String::as_str).collect();
    let rule =
        || rules.find(&word.text).map(|r| format!("**{}** `{}`\n\n{}\n\n{}", r.id, r.name, r.title, r.why.trim()));
    let target = || rules.target(&word.text).map(|t| format!("**{}** {}", t.id, t.name));
    let about = match path.as_slice() {
        ["targets", _] => target()?,
        ["rules"] | ["overrides", _, "rules"] | ["allow", _, "rule"] => rule()?,
        _ => {
            let of_value = || {
                let (_, about, _) = values(&word.path, rules).into_iter().find(|(value, ..)| *value == word.text)?;
                Some(about)
            };
            let of_key = || {
                let parent = node(&word.path)?;
                Some(parent["properties"].get(&word.text)?["description"].as_str()?.to_owned())
            };
            format!("`{}`: {}", word.text, of_key().or_else(of_value)?)
        }
    };
    Some((word.span, about))
}

/// What is written at the cursor.
enum Expects {
    /// The head of a table.
    Head,
    Key,
    Value {
        quoted: bool,
    },
    /// A comment, or beyond a value.
    Nothing,
}

struct Place {
    /// Keys that lead here; elements of arrays are "0".
    path: Vec<String>,
    expects: Expects,
    word: Range<usize>,
    /// Keys that the table has already.
    present: Vec<String>,
}

impl Place {
    fn of(text: &str, at: usize) -> Place {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let start =
            text[..at].rfind(|c| !is_word(c)).map_or(0, |i| i + text[i..].chars().next().map_or(1, char::len_utf8));
        let end = text[at..].find(|c| !is_word(c)).map_or(text.len(), |i| at + i);
        let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
        let before = &text[line_start..start];
        let mut place = Place { path: Vec::new(), expects: Expects::Key, word: start..end, present: Vec::new() };
        let mut open: Option<String> = None;
        for line in text[..line_start].lines() {
            let code = without_comment(line);
            match (&open, head(code), code.split_once('=')) {
                (Some(_), ..) => open = open.filter(|_| !code.trim_end().ends_with(']')),
                (None, Some(path), _) => {
                    place.path = path;
                    place.present.clear();
                }
                (None, None, Some((key, value))) => {
                    let key = unquoted(key);
                    place.present.push(key.clone());
                    let value = value.trim();
                    open = (value.starts_with('[') && !value.ends_with(']')).then_some(key);
                }
                _ => {}
            }
        }
        let code = without_comment(before);
        let quotes = |s: &str| s.matches(['"', '\'']).count();
        place.expects = match (open, code.split_once('=')) {
            _ if code.len() < before.len() => Expects::Nothing,
            (Some(key), _) => {
                place.path.extend([key, "0".to_owned()]);
                Expects::Value { quoted: quotes(code) % 2 == 1 }
            }
            (None, Some((key, value))) => {
                place.path.push(unquoted(key));
                if value.trim_start().starts_with('[') {
                    place.path.push("0".to_owned());
                }
                let done = value.trim_end().ends_with(['"', '\'', ']']) && quotes(value) % 2 == 0;
                if done { Expects::Nothing } else { Expects::Value { quoted: quotes(value) % 2 == 1 } }
            }
            (None, None) if code.trim_start().starts_with('[') => Expects::Head,
            (None, None) if code.trim().is_empty() => Expects::Key,
            (None, None) => Expects::Nothing,
        };
        place
    }
}

/// A line up to its comment.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return &line[..at],
            _ => {}
        }
    }
    line
}

fn unquoted(key: &str) -> String {
    key.trim().trim_matches(['"', '\'']).to_owned()
}

/// The path of the head of a table, with "0" for the element of an array.
fn head(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('[')?;
    let (inner, array) = match inner.strip_prefix('[') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let name = inner.split(']').next()?;
    let mut path: Vec<String> = Vec::new();
    for part in name.split('.').map(unquoted) {
        path.push(part);
        if node(&path).is_some_and(|n| is_array(&n)) {
            path.push("0".to_owned());
        }
    }
    if array && path.last().is_some_and(|last| last != "0") {
        path.push("0".to_owned());
    }
    Some(path)
}

fn is_array(schema: &Value) -> bool {
    schema["type"] == "array"
}

/// The schema of what a path leads to.
fn node(path: &[String]) -> Option<Value> {
    let mut here = SCHEMA.clone();
    for part in path {
        let next = match part.parse::<usize>() {
            Ok(_) => here.get("items"),
            Err(_) => here["properties"].get(part).or_else(|| here.get("additionalProperties")),
        };
        here = resolved(next?);
    }
    Some(here)
}

/// Follows references and leaves out that a value may be absent. What the place says about itself stays.
fn resolved(schema: &Value) -> Value {
    if let Some(pointer) = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
        return SCHEMA.pointer(pointer).map(resolved).unwrap_or_default();
    }
    let any = schema["anyOf"].as_array().into_iter().flatten();
    any.into_iter().find(|s| s["type"] != "null").map_or_else(|| schema.clone(), resolved)
}

/// The heads of all tables.
fn heads() -> Vec<Offer> {
    let of = |(name, schema): (&String, &Value)| {
        let full = resolved(schema);
        let table = full["type"] == "object" || resolved(&full["items"])["type"] == "object";
        table.then(|| Offer { label: name.clone(), text: name.clone(), about: about(schema), key: true })
    };
    SCHEMA["properties"].as_object().into_iter().flatten().filter_map(of).collect()
}

fn about(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

/// The keys that a table can have.
fn keys(path: &[String], present: &[String], rules: &RuleSet) -> Vec<Offer> {
    let Some(table) = node(path) else { return Vec::new() };
    let offer = |label: &str, text: String, about: String| Offer { label: label.to_owned(), text, about, key: true };
    let declared = table["properties"].as_object().into_iter().flatten().filter(|(name, _)| !present.contains(name));
    let mut all: Vec<Offer> = declared
        .map(|(name, schema)| {
            let full = resolved(schema);
            let text = if full["type"] == "object" {
                format!("[{name}]\n")
            } else if is_array(&full) && resolved(&full["items"])["type"] == "object" {
                format!("[[{name}]]\n")
            } else {
                format!("{name} = ")
            };
            offer(name, text, about(schema))
        })
        .collect();
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["phases"] => all.extend(Phase::iter().map(|phase| {
            let name: &str = phase.into();
            offer(name, format!("{name} = "), String::new())
        })),
        ["rules"] | ["overrides", _, "rules"] => {
            all.extend(rules.rules().iter().map(|r| offer(&r.id, format!("{} = ", r.id), r.title.clone())));
        }
        _ => {}
    }
    all
}

/// The values that a key can have: text, meaning, and whether it is a string.
fn values(path: &[String], rules: &RuleSet) -> Vec<(String, String, bool)> {
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["targets", _] => return rules.targets().iter().map(|t| (t.id.clone(), t.name.clone(), true)).collect(),
        ["allow", _, "rule"] => {
            let both = |r: &crate::rules::Rule| [&r.id, &r.name].map(|word| (word.clone(), r.title.clone(), true));
            return rules.rules().iter().flat_map(both).collect();
        }
        _ => {}
    }
    let Some(schema) = node(path) else { return Vec::new() };
    if schema["type"] == "boolean" || schema["type"].as_array().is_some_and(|t| t.contains(&"boolean".into())) {
        return ["true", "false"].map(|word| (word.to_owned(), String::new(), false)).to_vec();
    }
    let one = |s: &Value| Some((s["const"].as_str()?.to_owned(), about(s), true));
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let described = schema["oneOf"].as_array().into_iter().flatten().filter_map(one);
    described.chain(listed.map(|word| (word.to_owned(), String::new(), true))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Completes at `|`.
    fn at(text: &str) -> Vec<String> {
        let cursor = text.find('|').unwrap();
        let rules = RuleSet::embedded().unwrap();
        complete(&text.replace('|', ""), cursor, &rules).offers.into_iter().map(|o| o.text).collect()
    }

    #[test]
    fn keys_of_the_table_at_the_cursor() {
        let root = at("exclude = []\n|");
        assert!(root.contains(&"fail-on = ".to_owned()) && root.contains(&"[[allow]]\n".to_owned()), "{root:?}");
        assert!(!root.contains(&"exclude = ".to_owned()), "it is there already");
        assert_eq!(
            at("[[allow]]\nrule = 'WP201'\nre|"),
            ["expires = ", "location = ", "owner = ", "path = ", "reason = "]
        );
        assert!(at("[third-party]\n|").contains(&"companies = ".to_owned()));
        assert!(at("[phases]\n|").contains(&"build = ".to_owned()));
        assert!(at("[rules]\nW|").contains(&"WP201 = ".to_owned()));
        assert!(at("[[overrides]]\npaths = []\n[overrides.rules]\n|").contains(&"WP201 = ".to_owned()));
        assert!(at("[th|").contains(&"third-party".to_owned()));
    }

    #[test]
    fn values_of_the_key_at_the_cursor() {
        assert_eq!(at("fail-on = |"), ["\"error\"", "\"warning\"", "\"note\"", "\"never\"", "\"off\""]);
        assert_eq!(at("fail-on = \"w|\""), ["error", "warning", "note", "never", "off"]);
        assert_eq!(at("cache = |"), ["true", "false"]);
        assert!(at("targets = [\"vm-role\", \"|\"]").contains(&"windows-container".to_owned()));
        assert!(at("targets = [\n  \"vm-role\", # first\n  |").contains(&"\"windows-container\"".to_owned()));
        assert!(at("[[allow]]\nrule = \"|").contains(&"WP201".to_owned()));
        assert_eq!(at("[rules]\nWP201 = |").len(), 4);
        assert!(at("fail-on = 'off' |").is_empty() && at("# fail|").is_empty());
        assert!(at("nonsense = |").is_empty() && at("[nonsense]\n|").is_empty());
    }

    #[test]
    fn words_are_described() {
        let rules = RuleSet::embedded().unwrap();
        let text = "targets = ['vm-role']\nfail-on = 'error'\n[rules]\nWP201 = 'off'\n[[allow]]\nrule = 'WP201'\nowner = 'é'\n";
        let of = |word: &str| describe(text, text.find(word).unwrap() + 1, &rules).map(|(_, about)| about);
        for (word, part) in [
            ("targets", "Platforms"),
            ("vm-role", "vm-role"),
            ("fail-on", "Lowest severity"),
            ("'error", "Errors only"),
            ("WP201", "**WP201**"),
            ("owner", "Who accepted"),
            ("'WP201", "**WP201**"),
        ] {
            assert!(of(word).is_some_and(|about| about.contains(part)), "{word}: {:?}", of(word));
        }
        assert_eq!(describe(text, text.len(), &rules), None);
        for at in 0..text.len() {
            complete(text, at, &rules);
        }
    }
}
