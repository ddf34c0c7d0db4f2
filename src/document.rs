//! Documents that people write (TOML) or hand on (JSON): a mistake becomes a diagnostic with the file, a caret and the
//! nearest valid word.

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A document that is refused, with the place and the next step.
#[derive(Debug, Clone, thiserror::Error, Diagnostic)]
#[error("{name}: {message}")]
pub struct DocumentError {
    name: String,
    message: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    span: SourceSpan,
    #[help]
    help: Option<String>,
    /// Further mistakes in the same document.
    #[related]
    others: Vec<DocumentError>,
}

impl DocumentError {
    /// A mistake at a byte range of a document.
    pub fn new(name: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let end = span.end.min(text.len()).max(span.start.min(text.len()));
        DocumentError {
            name: name.to_owned(),
            message: message.into(),
            source_code: NamedSource::new(name, text.to_owned()).with_language("toml"),
            span: (span.start.min(text.len())..end).into(),
            help: None,
            others: Vec::new(),
        }
    }

    /// All mistakes of a document as one error, in the order of their places; nothing if there are none.
    pub fn together(mut mistakes: Vec<DocumentError>) -> Option<Box<Self>> {
        mistakes.sort_by_key(|mistake| mistake.span.offset());
        let mut mistakes = mistakes.into_iter();
        let mut first = mistakes.next()?;
        first.others.extend(mistakes);
        Some(Box::new(first))
    }

    /// This mistake and all others of the document, each by itself.
    pub fn apart(mut self) -> Vec<DocumentError> {
        let others = std::mem::take(&mut self.others);
        std::iter::once(self).chain(others).collect()
    }

    /// Adds the next step.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the language of the text.
    #[must_use]
    fn in_language(mut self, language: &str) -> Self {
        self.source_code = self.source_code.with_language(language);
        self
    }

    /// The message without the file's name.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, in bytes.
    pub fn span(&self) -> Range<usize> {
        self.span.offset()..self.span.offset() + self.span.len()
    }

    /// The next step, if one is known.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

/// An error with its causes, on one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// How serde begins to say that a key is not there.
const MISSING: &str = "missing field ";
/// Most mistakes that are told of one document.
const MAX_MISTAKES: usize = 20;

/// Reads a document into a type.
///
/// # Errors
/// Every mistake: syntax, an unknown key, a value of the wrong type.
pub fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Box<DocumentError>> {
    let (read, mistakes) = parse_all(name, text);
    match (DocumentError::together(mistakes), read) {
        (Some(error), _) => Err(error),
        (None, Some(read)) => Ok(read),
        (None, None) => Err(Box::new(DocumentError::new(name, text, 0..0, "cannot be read"))),
    }
}

/// Reads a document as far as it can be used, and finds all that is wrong with it: what is refused is taken out, and the
/// rest is read again.
pub fn parse_all<T: DeserializeOwned>(name: &str, text: &str) -> (Option<T>, Vec<DocumentError>) {
    let mistake = |error: &toml::de::Error| {
        let (message, help) = explain(error.message());
        let mistake = DocumentError::new(name, text, error.span().unwrap_or(0..0), message);
        match help {
            Some(help) => mistake.with_help(help),
            None => mistake,
        }
    };
    let mut table = match DeTable::parse(text) {
        Ok(table) => table,
        // What follows a mistake in the syntax may be meant otherwise than it is understood.
        Err(error) => return (None, vec![mistake(&error)]),
    };
    let mut mistakes = Vec::new();
    let mut taken_out = 0;
    loop {
        let error = match T::deserialize(toml::de::Deserializer::from(table.clone())) {
            Ok(read) => return (Some(read), mistakes),
            Err(error) => error,
        };
        // What was taken out may be what is missing now: a key that is misspelt.
        let is_missing = error.message().starts_with(MISSING);
        if is_missing && taken_out > 0 {
            taken_out -= 1;
        } else {
            mistakes.push(mistake(&error));
            taken_out += usize::from(!is_missing);
        }
        let taken = error.span().is_some_and(|span| take_out(table.get_mut(), &span));
        if !taken || mistakes.len() == MAX_MISTAKES {
            return (None, mistakes);
        }
    }
}

/// Takes the innermost entry that holds a place out of a table.
fn take_out(table: &mut DeTable<'_>, place: &Range<usize>) -> bool {
    let holds = |whole: Range<usize>| !place.is_empty() && whole.start <= place.start && place.end <= whole.end;
    let mut refused = None;
    for (key, value) in table.iter_mut() {
        if take_out_of_value(value.get_mut(), place) {
            return true;
        }
        if holds(key.span()) || holds(value.span()) {
            refused = Some(key.clone());
        }
    }
    refused.is_some_and(|key| table.remove(&key).is_some())
}

fn take_out_of_value(value: &mut DeValue<'_>, place: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => take_out(table, place),
        DeValue::Array(array) => {
            if array.iter_mut().any(|element| take_out_of_value(element.get_mut(), place)) {
                return true;
            }
            let before = array.len();
            // Only a table of its own can be left out of a list: without one of its words a list has another meaning.
            let refused = |element: &Spanned<DeValue<'_>>| element.get_ref().is_table() && element.span() == *place;
            *array = array.iter().filter(|element| !refused(element)).cloned().collect();
            array.len() < before
        }
        _ => false,
    }
}

/// The text of a file, in UTF-8 or, with a byte order mark, in UTF-16 as Windows' own tools write it.
///
/// # Errors
/// Bytes that are no text, with their place.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<String, Box<DocumentError>> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(&bytes)
        && let (text, false) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default())
    {
        return Ok(text.into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let end = at + char::REPLACEMENT_CHARACTER.len_utf8();
        let error = DocumentError::new(name, &text, at..end, "not text in UTF-8");
        Box::new(error.with_help("save it as UTF-8"))
    })
}

/// Reads a JSON document into a type.
///
/// # Errors
/// The first mistake: syntax, a missing or unknown key, a value of the wrong type.
pub fn parse_json<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Box<DocumentError>> {
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
        let (message, help) = match error.classify() {
            serde_json::error::Category::Data => explain(said),
            _ => (format!("not JSON: {said}"), None),
        };
        let error = DocumentError::new(name, text, json_span(text, &error), message).in_language("json");
        Box::new(match help {
            Some(help) => error.with_help(help),
            None => error,
        })
    })
}

/// The reader stops behind what it does not like: behind a string, the whole string is meant.
fn json_span(text: &str, error: &serde_json::Error) -> Range<usize> {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let end = (line_start + error.column()).min(text.len());
    let before = text.get(..end).unwrap_or_default();
    match before.strip_suffix('"').and_then(|inside| inside.rfind('"')) {
        Some(start) if !before[start..].contains('\n') => start..end,
        _ => before.char_indices().next_back().map_or(0, |(at, _)| at)..end,
    }
}

/// A key, a string or the head of a table of a TOML text, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Keys and, in arrays, indexes that lead to it; a key itself is not among them.
    pub path: Vec<String>,
    /// The key or the string; empty for a table that is an element of an array.
    pub text: String,
    /// Where, in bytes.
    pub span: Range<usize>,
}

impl Word {
    /// Stands below a key of the top level.
    pub fn is_below(&self, key: &str) -> bool {
        self.path.first().is_some_and(|first| first == key)
    }

    /// Line from 1.
    pub fn line(&self, text: &str) -> u32 {
        let before = text.as_bytes().get(..self.span.start).unwrap_or(text.as_bytes());
        memchr::memchr_iter(b'\n', before).count() as u32 + 1
    }
}

/// All words of a text in the order of their places, as far as it is TOML.
pub fn words(text: &str) -> Vec<Word> {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut words = Vec::new();
    collect_table(table.get_ref(), &mut Vec::new(), &mut words);
    words.sort_by_key(|word| (word.span.start, word.path.len()));
    words
}

fn collect_table(table: &DeTable<'_>, path: &mut Vec<String>, words: &mut Vec<Word>) {
    for (key, value) in table.iter() {
        words.push(Word { path: path.clone(), text: key.get_ref().to_string(), span: key.span() });
        path.push(key.get_ref().to_string());
        collect_value(value, path, words);
        path.pop();
    }
}

fn collect_value(value: &Spanned<DeValue<'_>>, path: &mut Vec<String>, words: &mut Vec<Word>) {
    match value.get_ref() {
        DeValue::String(string) => {
            words.push(Word { path: path.clone(), text: string.to_string(), span: value.span() });
        }
        DeValue::Table(table) => collect_table(table, path, words),
        DeValue::Array(array) => {
            for (index, element) in array.iter().enumerate() {
                path.push(index.to_string());
                if matches!(element.get_ref(), DeValue::Table(_)) {
                    words.push(Word { path: path.clone(), text: String::new(), span: element.span() });
                }
                collect_value(element, path, words);
                path.pop();
            }
        }
        _ => {}
    }
}

/// serde's messages name the unknown word and the valid ones in backticks; the nearest becomes a suggestion. What is
/// called a sequence and a map there has other names in a document.
fn explain(message: &str) -> (String, Option<String>) {
    if let Some(rest) = message.strip_prefix("invalid type: ")
        && let Some((found, expected)) = rest.split_once(", expected ")
    {
        let help = match (found.split_once('"'), expected) {
            (Some((_, text)), "a sequence") => Some(format!("put it in brackets: [\"{text}]")),
            (None, "a string") if found == "map" || found.starts_with("date") => {
                Some("put a day in quotes: \"2027-01-31\"".to_owned())
            }
            _ => None,
        };
        let named = |kind: &str| match kind {
            "a sequence" | "sequence" => "a list".to_owned(),
            "a map" | "map" => "a table".to_owned(),
            kind => kind.strip_prefix("struct ").map_or_else(|| kind.to_owned(), |_| "a table".to_owned()),
        };
        return (
            format!("{} is expected here, not {}", named(expected), named(found).replace("string", "the text")),
            help,
        );
    }
    if let Some(key) = message.strip_prefix(MISSING) {
        return (format!("the key {key} is missing"), None);
    }
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let [wrong, valid @ ..] = words.as_slice() else { return (message.to_owned(), None) };
    if !unknown || valid.is_empty() {
        return (message.to_owned(), None);
    }
    let what = if message.starts_with("unknown field") { "key" } else { "value" };
    let help = match nearest(wrong, valid.iter().copied()) {
        Some(word) => format!("did you mean `{word}`? Valid are: {}", valid.join(", ")),
        None => format!("valid are: {}", valid.join(", ")),
    };
    (format!("unknown {what} `{wrong}`"), Some(help))
}

/// The candidate most like `word`, if any is alike at all: one slip of a finger away, or with the same beginning.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let alike = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let slips = strsim::osa_distance(&word, &candidate);
        let similar = strsim::jaro_winkler(&word, &candidate);
        if slips <= 1 && word.chars().count() > 2 { 1.0 + similar } else { similar }
    };
    candidates
        .map(|c| (alike(c), c))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code)]
        exclude: Vec<String>,
    }

    #[test]
    fn unknown_keys_get_a_suggestion() {
        let error = parse::<Sample>("w.toml", "exclud = []").unwrap_err();
        assert_eq!(error.message(), "unknown key `exclud`");
        assert!(error.help_text().unwrap().starts_with("did you mean `exclude`"));
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_none_that_follows_from_another() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            #[expect(dead_code)]
            list: Vec<Part>,
            #[expect(dead_code)]
            on: bool,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Part {
            #[expect(dead_code)]
            name: String,
        }
        let said = |text: &str| {
            let told = parse::<Whole>("w", text).err().map(|e| e.apart()).unwrap_or_default();
            told.iter().map(|e| (e.message().to_owned(), e.span().start)).collect::<Vec<_>>()
        };
        let text = "on = 3\n[[list]]\nnam = 'a'\n[[list]]\nname = 1\n[[list]]\n[[list]]\nname = 'b'\n";
        let messages: Vec<String> = said(text).into_iter().map(|(message, _)| message).collect();
        assert_eq!(
            messages,
            [
                "a boolean is expected here, not integer `3`",
                "unknown key `nam`",
                "a string is expected here, not integer `1`",
                "the key `name` is missing",
            ]
        );
        assert_eq!(said("on = true\nlist = []\n"), []);
        assert_eq!(said("on = \n").len(), 1, "what follows a mistake in the syntax is not guessed");
    }

    #[test]
    fn a_slip_of_a_finger_is_seen() {
        let near = |word| nearest(word, ["run", "build", "startup"].into_iter());
        assert_eq!(
            (near("rnu"), near("biuld"), near("Start"), near("x")),
            (Some("run"), Some("build"), Some("startup"), None)
        );
    }

    #[test]
    fn texts_of_windows_are_text() {
        let utf16: Vec<u8> = "\u{feff}a = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode("w", utf16).unwrap(), "a = 1");
        assert_eq!(decode("w", b"\xef\xbb\xbfa = 1".to_vec()).unwrap(), "a = 1");
        let error = decode("w", b"a = \"\xe4\"".to_vec()).unwrap_err();
        assert_eq!((error.message(), error.span()), ("not text in UTF-8", 5..8));
    }

    #[test]
    fn mistakes_in_json_are_located() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Entry {
            #[expect(dead_code)]
            rule: String,
        }
        let at = |text: &str| {
            let error = parse_json::<Vec<Entry>>("b.json", text).unwrap_err();
            (error.message().to_owned(), text.get(error.span()).map(str::to_owned))
        };
        let is = |message: &str, span: &str| (message.to_owned(), Some(span.to_owned()));
        assert_eq!(at("[{\"rul\": 1}]"), is("unknown key `rul`", "\"rul\""));
        assert_eq!(at("[{\"rule\": 1}]"), is("a string is expected here, not integer `1`", "1"));
        assert_eq!(at("[\n{}]"), is("the key `rule` is missing", "}"));
        assert_eq!(at("[{]"), is("not JSON: key must be a string", "]"));
        assert_eq!(at("é").0, "not JSON: expected value");
        assert_eq!(at("").0, "not JSON: EOF while parsing a value");
    }

    #[test]
    fn words_have_their_places() {
        let text = "a = ['x']\n[t]\nk = 'v'\n[[l]]\nk = 'w'\n[[l]]\nk = 'u'\n";
        let of = |path: &[&str], word: &str| {
            let all = words(text);
            let found = all.iter().find(|w| w.path == path && w.text == word).map(|w| w.line(text));
            found.unwrap_or_else(|| panic!("{all:?}"))
        };
        assert_eq!((of(&[], "a"), of(&["a", "0"], "x")), (1, 1));
        assert_eq!((of(&[], "t"), of(&["t"], "k"), of(&["t", "k"], "v")), (2, 3, 3));
        assert_eq!((of(&["l", "0"], ""), of(&["l", "1"], ""), of(&["l", "1", "k"], "u")), (4, 6, 7));
        for broken in ["a = [", "= = =", "[[", "é = \"", "[a]\nb"] {
            assert!(words(broken).iter().all(|w| broken.get(w.span.clone()).is_some()), "{broken}");
        }
    }

    #[test]
    fn broken_syntax_is_located() {
        let error = parse::<Sample>("w.toml", "exclude = [").unwrap_err();
        assert!(error.to_string().starts_with("w.toml: "), "{error}");
    }
}
