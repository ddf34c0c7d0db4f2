//! Instructions of a Dockerfile into a [`Tree`]: each is a member named by its keyword.

use crate::read::config::tree::{MAX_VALUE, ROOT, Role, Tree};
use crate::read::config::xml::Break;

/// Most instructions that are read.
const MAX_INSTRUCTIONS: usize = 10_000;

/// An instruction whose end has not been seen.
struct Pending {
    at: usize,
    text: String,
    /// The word that ends the document inside the instruction (`RUN <<EOF`).
    until: Option<String>,
}

/// Reads instructions, which a backslash or backtick at the end of a line continues.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let mut tree = Tree::new();
    let escape = escape_character(text);
    let mut pending: Option<Pending> = None;
    let mut offset = 0;
    let mut count = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim();
        if let Some(open) = pending.as_mut()
            && let Some(word) = &open.until
        {
            if trimmed == word {
                open.until = None;
                finish(&mut tree, &mut pending);
            } else if open.text.len() < MAX_VALUE {
                open.text.push('\n');
                open.text.push_str(line.trim_end());
            }
            continue;
        }
        // Comments and empty lines inside a continued instruction are skipped, not part of it.
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let at = start + line.len() - line.trim_start().len();
        let mut open = pending.take().unwrap_or(Pending { at, text: String::new(), until: None });
        match trimmed.strip_suffix(escape) {
            Some(head) if open.text.len() < MAX_VALUE => {
                open.text.push_str(head.trim_end());
                open.text.push(' ');
                pending = Some(open);
            }
            _ => {
                open.text.push_str(trimmed);
                open.until = here_document(&open.text);
                let at = open.at;
                let whole = open.until.is_none();
                pending = Some(open);
                if whole {
                    finish(&mut tree, &mut pending);
                }
                count += 1;
                if count >= MAX_INSTRUCTIONS {
                    return (tree, Some(Break::new(at, "more instructions than the cap")));
                }
            }
        }
    }
    finish(&mut tree, &mut pending);
    (tree, None)
}

/// `# escape=` in the first lines: Windows images use the backtick.
fn escape_character(text: &str) -> char {
    text.lines()
        .take_while(|line| line.trim_start().starts_with('#'))
        .find_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix("escape=")?.trim().chars().next())
        .unwrap_or('\\')
}

/// `RUN <<EOF` and `COPY <<"EOF" target`: the word that ends what follows.
fn here_document(instruction: &str) -> Option<String> {
    let (keyword, rest) = instruction.split_once(char::is_whitespace)?;
    if !["RUN", "COPY", "ADD"].iter().any(|k| keyword.eq_ignore_ascii_case(k)) {
        return None;
    }
    let word = rest.split_once("<<")?.1.trim_start_matches('-').split_whitespace().next()?;
    let word = word.trim_matches(['"', '\'']);
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (plain && word.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| word.to_owned())
}

fn finish(tree: &mut Tree, pending: &mut Option<Pending>) {
    let Some(done) = pending.take() else { return };
    let (keyword, rest) = done.text.split_once(char::is_whitespace).unwrap_or((&done.text, ""));
    // The body of a document is the command; the line that announces it is not.
    let rest = match rest.split_once('\n') {
        Some((_, body)) if keyword.eq_ignore_ascii_case("RUN") => body,
        Some((head, _)) => head,
        None => rest,
    };
    tree.add_value(ROOT, Role::Member, &keyword.to_uppercase(), rest.trim(), done.at);
}
