//! Internal entities of an XML document: names for pieces of text, declared before its root (XML 1.0 §4.2).

use quick_xml::escape;
use std::cell::Cell;
use std::collections::HashMap;

/// Most entities that are kept.
const MAX_ENTITIES: usize = 64;
/// Longest text of an entity, as written and expanded; it is a folder or a host, not a chapter.
const MAX_LENGTH: usize = 1_024;
/// Most bytes that entities add to one document.
const MAX_EXPANDED: usize = 64 << 10;

/// The entities of a document. One that is declared but has no text here is external, has markup, or is too long.
#[derive(Default)]
pub(super) struct Entities {
    texts: HashMap<String, Option<String>>,
    expanded: Cell<usize>,
}

impl Entities {
    /// Reads the declarations of a document type definition. The first declaration of a name counts (XML 1.0 §4.2).
    pub(super) fn declare(&mut self, definition: &str) {
        let mut rest = definition;
        while let Some(at) = rest.find("<!") {
            rest = &rest[at..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
            } else if let Some(declaration) = rest.strip_prefix("<!ENTITY") {
                rest = self.entity(declaration.trim_start());
            } else {
                rest = &rest[2..];
            }
        }
    }

    /// One declaration; what follows it.
    fn entity<'t>(&mut self, declaration: &'t str) -> &'t str {
        let Some((name, after)) = declaration.split_once(char::is_whitespace) else { return "" };
        let value = after.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let literal = quote.and_then(|quote| value[1..].split_once(quote));
        if self.texts.len() < MAX_ENTITIES && !self.texts.contains_key(name) {
            let text = literal.and_then(|(raw, _)| self.plain(raw));
            self.texts.insert(name.to_owned(), text);
        }
        literal.map_or(after, |(_, after)| after)
    }

    fn plain(&self, raw: &str) -> Option<String> {
        if raw.len() > MAX_LENGTH || raw.contains('<') {
            return None;
        }
        let text = escape::unescape_with(raw, |name| self.text(name)).ok()?;
        (text.len() <= MAX_LENGTH).then(|| text.into_owned())
    }

    fn text(&self, name: &str) -> Option<&str> {
        let declared = || self.texts.get(name).and_then(Option::as_deref);
        escape::resolve_predefined_entity(name).or_else(declared)
    }

    /// Text with its references replaced. None if one of them is declared but not known as text, or if the bound of
    /// the document is reached; one that is not declared stays as written.
    pub(super) fn expand(&self, raw: &str) -> Option<String> {
        let refused = Cell::new(false);
        let expanded = escape::unescape_with(raw, |name| {
            if let Some(text) = escape::resolve_predefined_entity(name) {
                return Some(text);
            }
            let text = self.texts.get(name)?.as_deref();
            let bytes = self.expanded.get().saturating_add(text.map_or(0, str::len));
            let text = text.filter(|_| bytes <= MAX_EXPANDED);
            match text {
                Some(_) => self.expanded.set(bytes),
                None => refused.set(true),
            }
            text
        });
        match expanded {
            Ok(text) => Some(text.into_owned()),
            Err(_) if refused.get() => None,
            Err(_) => Some(raw.to_owned()),
        }
    }
}
