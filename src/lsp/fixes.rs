//! Quick fixes where the edit is certain: one attribute of one element gets a value that is right on every platform,
//! or a placeholder that fails loudly until a person fills it in.

use std::ops::Range;

/// An edit of an attribute's value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fix {
    pub(super) title: &'static str,
    /// Bytes to replace.
    pub(super) range: Range<usize>,
    pub(super) text: &'static str,
}

/// One row: in an element with this name, an attribute with one of these values gets another.
struct Row {
    element: &'static str,
    attribute: &'static str,
    from: &'static [&'static str],
    to: &'static str,
    title: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        element: "LocalStorage",
        attribute: "cleanOnRoleRecycle",
        from: &["true"],
        to: "false",
        title: "Keep this local storage when the role is recycled",
    },
    Row {
        element: "Instances",
        attribute: "count",
        from: &["0", "1"],
        to: "2",
        title: "Run two instances, so that one is left when the other is taken away",
    },
    Row {
        element: "machineKey",
        attribute: "validationKey",
        from: &["AutoGenerate,IsolateApps", "AutoGenerate", "AutoGenerate,IsolateByAppId"],
        to: "REPLACE-WITH-A-SECRET-SHARED-BY-ALL-INSTANCES",
        title: "Use one validation key on all instances (placeholder)",
    },
    Row {
        element: "machineKey",
        attribute: "decryptionKey",
        from: &["AutoGenerate,IsolateApps", "AutoGenerate", "AutoGenerate,IsolateByAppId"],
        to: "REPLACE-WITH-A-SECRET-SHARED-BY-ALL-INSTANCES",
        title: "Use one decryption key on all instances (placeholder)",
    },
    Row {
        element: "sessionState",
        attribute: "mode",
        from: &["InProc"],
        to: "Custom\" customProvider=\"REPLACE-WITH-A-SHARED-PROVIDER",
        title: "Keep sessions in a shared provider (placeholder)",
    },
];

/// The fixes for the element that a byte offset is in.
pub(super) fn fixes(text: &str, at: usize) -> Vec<Fix> {
    let Some(tag) = tag_around(text, at) else { return Vec::new() };
    let source = &text[tag.clone()];
    let Some(name) = source.get(1..).and_then(|s| s.split(|c: char| c.is_whitespace() || "/>".contains(c)).next())
    else {
        return Vec::new();
    };
    let of = |row: &Row| {
        let value = attribute(source, row.attribute)?;
        let written = &source[value.clone()];
        let applies = row.element == name && row.from.iter().any(|f| f.eq_ignore_ascii_case(written));
        applies.then(|| Fix { title: row.title, range: tag.start + value.start..tag.start + value.end, text: row.to })
    };
    ROWS.iter().filter_map(of).collect()
}

/// The start tag around an offset. `<` cannot stand in an attribute value (XML 1.0, 2.3), `>` can.
pub(super) fn tag_around(text: &str, at: usize) -> Option<Range<usize>> {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // An offset on the `<` itself is inside.
    let from = if text[at..].starts_with('<') { at } else { text[..at].rfind('<')? };
    let mut quote = None;
    for (i, c) in text[from..].char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => {
                let end = from + i + 1;
                return (end > at).then_some(from..end);
            }
            _ => {}
        }
    }
    None
}

/// The range of an attribute's value in a start tag.
fn attribute(tag: &str, name: &str) -> Option<Range<usize>> {
    tag.match_indices(name).find_map(|(at, _)| {
        let before = tag[..at].chars().next_back()?.is_whitespace();
        let rest = tag[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let start = tag.len() - rest.len() + 1;
        let end = start + tag[start..].find(quote)?;
        before.then_some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str, at: &str) -> Vec<String> {
        let mut out = Vec::new();
        for fix in fixes(text, text.find(at).unwrap()) {
            let mut edited = text.to_owned();
            edited.replace_range(fix.range, fix.text);
            out.push(edited);
        }
        out
    }

    #[test]
    fn one_attribute_of_one_element() {
        let text = "<a>\n <LocalStorage name='x>y'\n   cleanOnRoleRecycle='True' />\n</a>";
        assert_eq!(fixed(text, "name"), [text.replace("True", "false")]);
        assert_eq!(fixed("<Instances count=\"1\"/>", "<Ins"), ["<Instances count=\"2\"/>"]);
        assert!(fixed("<Instances count=\"3\"/>", "count").is_empty());
        assert!(fixed("<Other count=\"1\"/>", "count").is_empty());
        assert!(fixes("no tag", 3).is_empty() && fixes("<é", 2).is_empty() && fixes("", 5).is_empty());
    }

    #[test]
    fn keys_one_by_one() {
        let text = "<machineKey validationKey=\"AutoGenerate,IsolateApps\" decryptionKey=\"AutoGenerate\"/>";
        assert_eq!(fixed(text, "valid").len(), 2);
    }
}
