//! Quick fixes where the edit is certain: an element gets attributes or a child that are right on every platform, or a
//! placeholder that fails loudly until a person fills it in.

use std::ops::Range;

/// One thing to do to the text of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fix {
    pub(super) title: &'static str,
    /// Bytes to replace, and by what; in the order of the text.
    pub(super) edits: Vec<(Range<usize>, String)>,
}

/// One row: in an element with this name, for a finding about one of these places, what is to be changed.
struct Row {
    title: &'static str,
    element: &'static str,
    /// How the location of the finding begins.
    about: &'static str,
    /// Attributes with the values to replace, and the new one. One that is absent is added when that says the same as
    /// one of the values.
    attributes: &'static [Attribute],
    /// Lines of a child, indented by two spaces a level.
    child: &'static [&'static str],
}

struct Attribute {
    name: &'static str,
    from: &'static [&'static str],
    /// Its absence means one of the values, or it is needed beside the others.
    add: bool,
    to: &'static str,
}

const AUTOMATIC: &[&str] = &["AutoGenerate,IsolateApps", "AutoGenerate", "AutoGenerate,IsolateByAppId"];
const ANY: &[&str] = &[];
/// Neither hexadecimal nor a host: the application does not start with it.
const VALIDATION: &str = "REPLACE-WITH-A-KEY-SHARED-BY-ALL-INSTANCES";
const DECRYPTION: &str = "REPLACE-WITH-ANOTHER-KEY-SHARED-BY-ALL-INSTANCES";
/// Type and attributes of Microsoft.Web.RedisSessionStateProvider.
const PROVIDER: &[&str] = &[
    "<providers>",
    "  <add name=\"SharedSessions\" type=\"Microsoft.Web.Redis.RedisSessionStateProvider\" host=\"REPLACE-WITH-THE-HOST\" accessKey=\"\" ssl=\"true\" />",
    "</providers>",
];

const ROWS: &[Row] = &[
    Row {
        title: "Keep this local storage when the role is recycled",
        element: "LocalStorage",
        about: "",
        attributes: &[Attribute { name: "cleanOnRoleRecycle", from: &["true"], add: true, to: "false" }],
        child: &[],
    },
    Row {
        title: "Run two instances, so that one is left when the other is taken away",
        element: "Instances",
        about: "role://",
        attributes: &[Attribute { name: "count", from: &["0", "1"], add: false, to: "2" }],
        child: &[],
    },
    Row {
        title: "Use the same keys on all instances (placeholders)",
        element: "machineKey",
        about: "machine-key://",
        attributes: &[
            Attribute { name: "validationKey", from: AUTOMATIC, add: true, to: VALIDATION },
            Attribute { name: "decryptionKey", from: AUTOMATIC, add: true, to: DECRYPTION },
        ],
        child: &[],
    },
    Row {
        title: "Use the same keys on all instances (placeholders)",
        element: "system.web",
        about: "machine-key://",
        attributes: &[],
        child: &[
            "<machineKey validationKey=\"REPLACE-WITH-A-KEY-SHARED-BY-ALL-INSTANCES\" decryptionKey=\"REPLACE-WITH-ANOTHER-KEY-SHARED-BY-ALL-INSTANCES\" />",
        ],
    },
    Row {
        title: "Keep sessions in a shared provider (stub)",
        element: "sessionState",
        about: "aspnet-session://",
        attributes: &[
            Attribute { name: "mode", from: &["InProc", "StateServer"], add: true, to: "Custom" },
            Attribute { name: "customProvider", from: ANY, add: true, to: "SharedSessions" },
        ],
        child: PROVIDER,
    },
    Row {
        title: "Keep sessions in a shared provider (stub)",
        element: "system.web",
        about: "aspnet-session://",
        attributes: &[],
        child: &[
            "<sessionState mode=\"Custom\" customProvider=\"SharedSessions\">",
            "  <providers>",
            "    <add name=\"SharedSessions\" type=\"Microsoft.Web.Redis.RedisSessionStateProvider\" host=\"REPLACE-WITH-THE-HOST\" accessKey=\"\" ssl=\"true\" />",
            "  </providers>",
            "</sessionState>",
        ],
    },
];

/// The fixes for a finding about a location in the element that a byte offset is in.
pub(super) fn fixes(text: &str, at: usize, location: &str) -> Vec<Fix> {
    let Some(tag) = tag_around(text, at) else { return Vec::new() };
    let source = &text[tag.clone()];
    let Some(name) = source.get(1..).and_then(|s| s.split(|c: char| c.is_whitespace() || "/>".contains(c)).next())
    else {
        return Vec::new();
    };
    let apply = |row: &Row| row.element == name && location.starts_with(row.about);
    ROWS.iter().filter(|row| apply(row)).filter_map(|row| fix(row, text, &tag, name)).collect()
}

fn fix(row: &Row, text: &str, tag: &Range<usize>, name: &str) -> Option<Fix> {
    let source = &text[tag.clone()];
    let mut edits = Vec::new();
    let mut added = String::new();
    for wanted in row.attributes {
        match attribute(source, wanted.name) {
            Some(value) => {
                let written = &source[value.clone()];
                if wanted.from.iter().any(|from| from.eq_ignore_ascii_case(written)) {
                    edits.push((tag.start + value.start..tag.start + value.end, wanted.to.to_owned()));
                } else if !wanted.from.is_empty() && wanted.add {
                    // A value that somebody chose stays, and with it the reason for the rest.
                    continue;
                }
            }
            None if wanted.add => added.push_str(&format!(" {}=\"{}\"", wanted.name, wanted.to)),
            None => {}
        }
    }
    let after_name = tag.start + 1 + name.len();
    if !added.is_empty() {
        edits.push((after_name..after_name, added));
    }
    if !row.child.is_empty() {
        let first = row.child.first().and_then(|line| line.split(['>', ' ']).next()).unwrap_or_default();
        let closes = source.ends_with("/>");
        let end = format!("</{name}");
        let content = text[tag.end..].split(end.as_str()).next().unwrap_or_default();
        if !closes && content.contains(first) {
            return None;
        }
        let line_start = text[..tag.start].rfind('\n').map_or(0, |i| i + 1);
        let indent: String = text[line_start..tag.start].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let lines: String = row.child.iter().map(|line| format!("{newline}{indent}  {line}")).collect();
        match closes {
            true => {
                let slash = tag.end - "/>".len();
                let from = text[..slash].trim_end().len().max(after_name);
                edits.push((from..tag.end, format!(">{lines}{newline}{indent}</{name}>")));
            }
            false => edits.push((tag.end..tag.end, lines)),
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    (!edits.is_empty()).then_some(Fix { title: row.title, edits })
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

    fn fixed(text: &str, at: &str, about: &str) -> Vec<String> {
        let apply = |fix: Fix| {
            let mut edited = text.to_owned();
            for (range, new) in fix.edits.into_iter().rev() {
                edited.replace_range(range, &new);
            }
            edited
        };
        fixes(text, text.find(at).unwrap(), about).into_iter().map(apply).collect()
    }

    #[test]
    fn one_attribute_of_one_element() {
        let text = "<a>\n <LocalStorage name='x>y'\n   cleanOnRoleRecycle='True' />\n</a>";
        assert_eq!(fixed(text, "name", "C:\\x"), [text.replace("True", "false")]);
        assert_eq!(fixed("<Instances count=\"1\"/>", "<Ins", "role://W"), ["<Instances count=\"2\"/>"]);
        assert!(fixed("<Instances count=\"3\"/>", "count", "role://W").is_empty());
        assert!(fixed("<Instances count=\"1\"/>", "count", "other").is_empty());
        assert!(fixed("<Other count=\"1\"/>", "count", "role://W").is_empty());
        assert!(fixes("no tag", 3, "").is_empty() && fixes("<é", 2, "").is_empty() && fixes("", 5, "").is_empty());
    }

    #[test]
    fn keys_and_what_is_absent() {
        let keys = format!("<machineKey validationKey=\"{VALIDATION}\" decryptionKey=\"{DECRYPTION}\"/>");
        let text = "<machineKey validationKey=\"AutoGenerate,IsolateApps\" decryptionKey=\"AutoGenerate\"/>";
        assert_eq!(fixed(text, "valid", "machine-key://x"), std::slice::from_ref(&keys));
        assert_eq!(fixed("<machineKey/>", "<", "machine-key://x"), [keys]);
        assert_eq!(fixed("<LocalStorage\n/>", "<", ""), ["<LocalStorage cleanOnRoleRecycle=\"false\"\n/>"]);
    }

    #[test]
    fn children_are_indented_as_their_parent_is() {
        let text = "<c>\r\n  <system.web>\r\n  </system.web>\r\n</c>";
        let edited = fixed(text, "<system", "machine-key://x").remove(0);
        assert!(edited.starts_with("<c>\r\n  <system.web>\r\n    <machineKey validation"), "{edited}");
        let edited = fixed("<sessionState mode='InProc' />", "<", "aspnet-session://x").remove(0);
        assert!(
            edited.starts_with("<sessionState customProvider=\"SharedSessions\" mode='Custom'>\n  <providers>"),
            "{edited}"
        );
        assert!(edited.ends_with("\n  </providers>\n</sessionState>"), "{edited}");
        let has = "<sessionState mode='InProc'><providers/></sessionState>";
        assert!(fixed(has, "<", "aspnet-session://x").is_empty());
    }
}
