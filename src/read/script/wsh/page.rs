//! Pages and script files: which parts of them are code, and in which language.

use super::{Host, Syntax};
use crate::facts::{NoteKind, Reading};

/// The script parts of a page or script file, by language; everything else is blanked out, so that places stay.
pub(super) fn parts(text: &str, host: Host, reading: &mut Reading) -> (String, String) {
    let lower = text.to_ascii_lowercase();
    let page = page_language(&lower);
    let mut basic = String::with_capacity(text.len());
    let mut script = String::new();
    let mut at = 0;
    let mut parts = 0;
    let mut scripted = false;
    while let Some(part) = next_part(&lower, at, host) {
        let syntax = part.language.unwrap_or(page);
        blank(&mut basic, &text[at..part.start]);
        if syntax == Syntax::Script && !scripted {
            scripted = true;
            blank(&mut script, &text[..at]);
        }
        let code = &text[part.start..part.end];
        if scripted {
            blank(&mut script, &text[at..part.start]);
        }
        match syntax {
            Syntax::Script => {
                script.push_str(code);
                blank(&mut basic, code);
            }
            _ => {
                basic.push_str(code);
                if scripted {
                    blank(&mut script, code);
                }
            }
        }
        at = part.end;
        parts += 1;
    }
    if parts == 0 && host == Host::Machine && !text.trim().is_empty() {
        reading.note(NoteKind::Info, "no script element in it");
    }
    (basic, script)
}

/// A run of code in a page or script file.
struct Code {
    start: usize,
    end: usize,
    /// The language that its element names.
    language: Option<Syntax>,
}

/// The language of a page, by its directive `<%@ Language=... %>`.
fn page_language(lower: &str) -> Syntax {
    let directives = lower.split("<%@").skip(1).filter_map(|d| d.split("%>").next());
    directives.into_iter().find_map(named_language).unwrap_or(Syntax::Basic)
}

/// What a tag or directive names as its language.
fn named_language(tag: &str) -> Option<Syntax> {
    let value = &tag[tag.find("language").map(|i| i + 8).or_else(|| tag.find("type=").map(|i| i + 4))?..];
    let value = value.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let is_script = ["jscript", "javascript", "text/javascript", "text/jscript"].iter().any(|l| value.starts_with(l));
    Some(if is_script { Syntax::Script } else { Syntax::Basic })
}

/// The next `<% ... %>` or server-side `<script> ... </script>` at or behind an offset.
fn next_part(lower: &str, from: usize, host: Host) -> Option<Code> {
    let rest = lower.get(from..)?;
    let code = rest.find("<%").filter(|_| host == Host::Web);
    let element = rest.find("<script");
    let code_first = match (code, element) {
        (Some(c), Some(e)) => c < e,
        (c, _) => c.is_some(),
    };
    if code_first {
        let start = from + code? + 2;
        let end = lower[start..].find("%>").map_or(lower.len(), |i| start + i);
        // `<%@ ... %>` are directives and `<%= x %>` prints.
        let skip = usize::from(lower[start..].starts_with(['@', '=']));
        let start = if lower[start..].starts_with('@') { end } else { start + skip };
        return Some(Code { start: start.min(end), end, language: None });
    }
    let open = from + element?;
    let start = open + lower[open..].find('>')? + 1;
    let end = lower[start..].find("</script").map_or(lower.len(), |i| start + i);
    let client = host == Host::Web && !lower[open..start].contains("runat");
    let language = named_language(&lower[open..start]);
    Some(Code { start: if client { end } else { start }, end, language })
}

/// Blanks with the same lines and columns; a blanked part ends a statement.
fn blank(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    if text.ends_with("<%") {
        out.pop();
        out.push(':');
    }
}
