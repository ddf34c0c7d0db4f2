//! TOML documents that people write: a mistake becomes a diagnostic with the file, a caret and the nearest valid word.

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;

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
}

impl DocumentError {
    /// A mistake at a byte range of a document.
    pub fn new(name: &str, text: &str, span: std::ops::Range<usize>, message: impl Into<String>) -> Self {
        let end = span.end.min(text.len()).max(span.start.min(text.len()));
        DocumentError {
            name: name.to_owned(),
            message: message.into(),
            source_code: NamedSource::new(name, text.to_owned()).with_language("toml"),
            span: (span.start.min(text.len())..end).into(),
            help: None,
        }
    }

    /// Adds the next step.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message without the file's name.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, in bytes.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.span.offset()..self.span.offset() + self.span.len()
    }

    /// The next step, if one is known.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

/// Reads a document into a type.
///
/// # Errors
/// The first mistake: syntax, an unknown key, a value of the wrong type.
pub fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Box<DocumentError>> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let (message, help) = explain(error.message());
        let error = DocumentError::new(name, text, span, message);
        Box::new(match help {
            Some(help) => error.with_help(help),
            None => error,
        })
    })
}

/// serde's messages name the unknown word and the valid ones in backticks; the nearest becomes a suggestion.
fn explain(message: &str) -> (String, Option<String>) {
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

/// The candidate most like `word`, if any is alike at all.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|c| (strsim::jaro_winkler(&word.to_lowercase(), &c.to_lowercase()), c))
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
    fn broken_syntax_is_located() {
        let error = parse::<Sample>("w.toml", "exclude = [").unwrap_err();
        assert!(error.to_string().starts_with("w.toml: "), "{error}");
    }
}
