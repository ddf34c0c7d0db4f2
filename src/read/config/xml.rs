//! XML into a [`Tree`], as far as it goes: a broken document keeps all that stands before the break.
//!
//! Of a document type definition only internal entities of plain text are kept, and their expansion is bounded, so
//! neither entity bombs nor external entities exist here. A value with an entity that is declared but not expanded is
//! left out: a part of it would be taken for the whole.

use super::entities::Entities;
use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Part of the namespace of configuration transforms.
pub(crate) const TRANSFORMS: &str = "XML-Document-Transform";

/// Where and why reading stopped early.
pub(crate) struct Break {
    /// Byte offset.
    pub(crate) offset: usize,
    /// In words.
    pub(crate) reason: String,
    /// It is not broken but written in a way that is not read.
    pub(crate) is_unsupported: bool,
}

impl Break {
    pub(crate) fn new(offset: usize, reason: impl Into<String>) -> Self {
        Break { offset, reason: reason.into(), is_unsupported: false }
    }
}

/// Reads a document. The second value says what was wrong, in the order of the text; the first break only matters to
/// people, because later ones usually follow from it.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    // Tags that do not match are noted here, not fatal.
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut builder = Builder {
        text,
        tree: Tree::new(),
        open: vec![ROOT],
        too_deep: 0,
        transforms: "xdt".to_owned(),
        entities: Entities::default(),
        left_out: None,
        broken: None,
    };
    loop {
        let before = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => {
                if !builder.event(&event, before) {
                    break;
                }
            }
            Err(error) => {
                let at = (reader.error_position() as usize).min(text.len());
                builder.note(at, error.to_string());
                break;
            }
        }
    }
    // A document that is full stops inside its elements, and says so by itself.
    if builder.broken.is_none()
        && !builder.tree.capped
        && let Some(&open) = builder.open.get(1)
    {
        let name = builder.tree.name(open).to_owned();
        builder.note(text.len(), format!("<{name}> is not closed"));
    }
    (builder.tree, builder.broken)
}

/// The name of the outermost element, without its prefix.
pub(crate) fn root_name(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => return Some(start.local_name().as_ref().to_owned()),
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

struct Builder<'a> {
    text: &'a str,
    tree: Tree,
    open: Vec<NodeId>,
    /// Elements below the deepest level that is kept.
    too_deep: usize,
    /// The prefix of the namespace of transforms.
    transforms: String,
    entities: Entities,
    /// The element whose text has an entity that is not expanded.
    left_out: Option<NodeId>,
    broken: Option<Break>,
}

impl Builder<'_> {
    fn note(&mut self, offset: usize, reason: String) {
        self.broken.get_or_insert(Break::new(offset, reason));
    }

    fn note_left_out(&mut self, offset: usize) {
        let reason = "an entity that is not plain text, or too long, is not expanded; its value is left out";
        self.broken.get_or_insert(Break { is_unsupported: true, ..Break::new(offset, reason) });
    }

    /// `false` when the document is full.
    fn event(&mut self, event: &Event<'_>, offset: usize) -> bool {
        match event {
            Event::Start(start) => self.start(start, offset, false),
            Event::Empty(start) => self.start(start, offset, true),
            Event::End(end) => {
                let name = end.local_name();
                self.end(name.as_ref(), offset);
                true
            }
            Event::Text(text) => {
                self.append(text);
                true
            }
            Event::CData(text) => {
                self.append(text);
                true
            }
            Event::GeneralRef(reference) => {
                let written = format!("&{};", &**reference);
                match self.entities.expand(&written) {
                    Some(expanded) => self.append(&expanded),
                    None => {
                        self.note_left_out(offset);
                        self.left_out = self.open.last().copied();
                    }
                }
                true
            }
            Event::DocType(definition) => {
                self.entities.declare(definition);
                true
            }
            _ => true,
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, offset: usize, empty: bool) -> bool {
        if self.too_deep > 0 || self.open.len() > MAX_DEPTH {
            self.note(offset, "elements are nested deeper than the cap".to_owned());
            self.too_deep += usize::from(!empty);
            return true;
        }
        let parent = self.open.last().copied().unwrap_or(ROOT);
        let name = start.local_name();
        let name = name.as_ref();
        let Some(id) = self.tree.add(parent, Role::Element, name, offset) else { return false };
        for attribute in start.attributes().with_checks(false) {
            match attribute {
                Ok(attribute) => {
                    let key = attribute.key.as_ref();
                    let at = offset_in(self.text, key).unwrap_or(offset);
                    let Some(value) = self.entities.expand(&attribute.value) else {
                        self.note_left_out(at);
                        continue;
                    };
                    let (prefix, local) = key.split_once(':').unwrap_or(("", key));
                    if prefix == "xmlns" && value.contains(TRANSFORMS) {
                        local.clone_into(&mut self.transforms);
                    }
                    // A prefix matters in `xdt:Transform` only; `xsi:type` and `type` are one to the readers of both.
                    let name = match prefix {
                        "xmlns" => key.to_owned(),
                        prefix if !prefix.is_empty() && prefix == self.transforms => format!("xdt:{local}"),
                        _ => local.to_owned(),
                    };
                    self.tree.add_value(id, Role::Attribute, &name, &value, at);
                }
                Err(error) => {
                    self.note(offset, error.to_string());
                    break;
                }
            }
        }
        if !empty {
            self.open.push(id);
        }
        true
    }

    fn end(&mut self, name: &str, offset: usize) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let matching = self.open.iter().skip(1).rposition(|&id| self.tree.name(id) == name);
        match matching {
            Some(at) => {
                if at + 2 != self.open.len() {
                    self.note(offset, format!("</{name}> closes an element that is not the innermost"));
                }
                for &id in &self.open[at + 1..] {
                    let left_out = self.left_out == Some(id);
                    let trimmed = if left_out { String::new() } else { self.tree.value(id).trim().to_owned() };
                    self.tree.node_mut(id).value = trimmed;
                }
                self.open.truncate(at + 1);
            }
            None => self.note(offset, format!("</{name}> closes nothing")),
        }
    }

    fn append(&mut self, text: &str) {
        if self.too_deep == 0
            && let Some(&id) = self.open.last()
            && id != ROOT
        {
            // White space between child elements is layout; between words it is text.
            if !(text.trim().is_empty() && self.tree.value(id).is_empty()) {
                self.tree.append_value(id, text);
            }
        }
    }
}

/// Offset of a part that borrows from the text.
fn offset_in(text: &str, part: &str) -> Option<usize> {
    let offset = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (offset <= text.len()).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_their_own_place_and_entities_are_expanded() {
        let text = "<a>\n <b x='1'\n    y=\"&lt;&#65;&nope;\"/>t&amp;u<![CDATA[<v>]]></a>";
        let (tree, broken) = parse(text);
        assert!(broken.is_none());
        let b = tree.at(ROOT, &["a", "b"]).unwrap_or(ROOT);
        assert_eq!(tree.get(b, "x"), Some("1"));
        let y = tree.child(b, "y").unwrap_or(ROOT);
        assert_eq!(text.get(tree.node(y).offset..).map(|t| t.starts_with("y=")), Some(true));
        assert_eq!(tree.value(y), "&lt;&#65;&nope;");
        assert_eq!(tree.get(ROOT, "a"), Some("t&u<v>"));
    }

    #[test]
    fn a_break_keeps_what_stands_before_it() {
        let (tree, broken) = parse("<a><b x='1'/><c></d></c><e f='");
        assert!(tree.at(ROOT, &["a", "b", "x"]).is_some());
        assert!(tree.at(ROOT, &["a", "c"]).is_some());
        assert_eq!(broken.map(|b| b.reason), Some("</d> closes nothing".to_owned()));
        let (tree, broken) = parse("<a><b>");
        assert!(tree.at(ROOT, &["a", "b"]).is_some());
        assert!(broken.is_some());
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "<a>".repeat(100_000);
        let (tree, broken) = parse(&deep);
        assert!(broken.is_some());
        assert!(tree.descendants(ROOT).len() < 2 * MAX_DEPTH);
    }

    #[test]
    fn entities_of_plain_text_are_expanded() {
        let (tree, broken) =
            parse("<!DOCTYPE a [<!ENTITY d 'C:\\data'><!ENTITY e \"&d;\\x&amp;\">]><a b='S=&d;\\x.db;'>&e;</a>");
        assert!(broken.is_none());
        assert_eq!(tree.at(ROOT, &["a", "b"]).map(|b| tree.value(b)), Some("S=C:\\data\\x.db;"));
        assert_eq!(tree.get(ROOT, "a"), Some("C:\\data\\x&"));
    }

    #[test]
    fn a_value_with_an_entity_that_is_not_expanded_is_left_out() {
        let (tree, broken) =
            parse("<!DOCTYPE a [<!ENTITY x SYSTEM 'http://h/x'>]><a b='S=&x;\\x.db' c='1'><d>&x;\\y</d></a>");
        assert!(broken.is_some());
        assert!(tree.at(ROOT, &["a", "b"]).is_none() && tree.at(ROOT, &["a", "c"]).is_some());
        assert_eq!(tree.at(ROOT, &["a", "d"]).map(|d| tree.value(d)), Some(""));
    }

    #[test]
    fn entity_bombs_do_not_expand() {
        let mut bomb = "<!DOCTYPE b [<!ENTITY e0 \"aaaaaaaaaa\">".to_owned();
        for i in 1..12 {
            bomb += &format!("<!ENTITY e{i} \"{}\">", format!("&e{};", i - 1).repeat(10));
        }
        let (tree, broken) = parse(&format!("{bomb}]><b c='&e11;&e11;'>&e11;</b>"));
        assert!(broken.is_some());
        assert_eq!(tree.get(ROOT, "b"), Some(""));
        // Many of a length that is kept end at the bound of the document.
        let many = format!("{bomb}]><b>{}</b>", "<c d='&e1;'/>".repeat(5_000));
        let (tree, broken) = parse(&many);
        assert!(broken.is_some());
        assert!(tree.descendants(ROOT).into_iter().map(|id| tree.value(id).len()).sum::<usize>() <= 128 << 10);
    }

    #[test]
    fn a_full_document_says_nothing_about_closing() {
        let (tree, broken) = parse(&format!("<a>{}</a>", "<b/>".repeat(250_000)));
        assert!(tree.capped && broken.is_none());
    }
}
