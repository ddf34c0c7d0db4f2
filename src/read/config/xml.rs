//! XML into a [`Tree`], as far as it goes: a broken document keeps all that stands before the break.
//!
//! Document type definitions are skipped and only the five predefined entities and character references are
//! expanded, so neither entity bombs nor external entities exist here.

use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, escape};

/// Part of the namespace of configuration transforms.
pub(crate) const TRANSFORMS: &str = "XML-Document-Transform";

/// Where and why reading stopped early.
pub(crate) struct Break {
    /// Byte offset.
    pub(crate) offset: usize,
    /// In words.
    pub(crate) reason: String,
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
    let mut builder =
        Builder { text, tree: Tree::new(), open: vec![ROOT], too_deep: 0, transforms: "xdt".to_owned(), broken: None };
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
    if builder.broken.is_none()
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
    broken: Option<Break>,
}

impl Builder<'_> {
    fn note(&mut self, offset: usize, reason: String) {
        self.broken.get_or_insert(Break { offset, reason });
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
                let expanded = format!("&{};", &**reference);
                self.append(&unescape(&expanded));
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
                    let value = unescape(&attribute.value);
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
                    let trimmed = self.tree.value(id).trim().to_owned();
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

fn unescape(raw: &str) -> String {
    // An unknown entity stays as written: its declaration is not read.
    escape::unescape(raw).map_or_else(|_| raw.to_owned(), |text| text.into_owned())
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
    fn entity_bombs_do_not_expand() {
        let bomb = "<!DOCTYPE b [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><b>&b;</b>";
        let (tree, _) = parse(bomb);
        assert_eq!(tree.get(ROOT, "b"), Some("&b;"));
    }
}
