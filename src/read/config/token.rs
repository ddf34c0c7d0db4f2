//! What stands in a value for something that is put there before the value is used: by a deployment (`#{LogPath}`,
//! `__LOG_PATH__`, `$(LogPath)`, `[[LogPath]]`, `<LogPath>`), or by the program, which formats it (`{0}`). It is no part of a path.

use crate::facts::{Hole, Part, Source, Text};

/// Marks around a name: those of Octopus Deploy ("Variable substitutions"), of Azure Pipelines and Release Management ("Replace
/// tokens"), of MSBuild and sqlcmd ("$(variable)"), and of templates that people fill in.
const MARKS: [(&str, &str); 5] = [("#{", "}"), ("__", "__"), ("$(", ")"), ("[[", "]]"), ("<", ">")];
/// Longest name of a token.
const MAX_NAME: usize = 80;

/// A text with holes for the tokens in what is written there.
pub(crate) fn open(text: &Text) -> Text {
    let mut out = Text::new();
    for part in text.parts() {
        match part {
            Part::Lit(lit) => open_lit(lit, &mut out),
            Part::Hole(hole) => out.push_hole(hole.clone()),
        }
    }
    out
}

fn open_lit(lit: &str, out: &mut Text) {
    let mut rest = lit;
    let at_token = |rest: &str| {
        rest.char_indices().find_map(|(at, _)| {
            // Loggers write parts of a name of a file like that: `desk-<date>.log`.
            let is_inside = rest[at..].starts_with('<') && !rest[..at].is_empty() && !rest[..at].ends_with(['\\', '/']);
            let (length, hole) = token(&rest[at..]).filter(|_| !is_inside)?;
            Some((at, at + length, hole))
        })
    };
    while let Some((at, end, hole)) = at_token(rest) {
        out.push_lit(&rest[..at]);
        out.push_hole(hole);
        rest = &rest[end..];
    }
    out.push_lit(rest);
}

/// The token that a text begins with: its length, and what stands for it.
fn token(text: &str) -> Option<(usize, Hole)> {
    if let Some((inner, _)) = text.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        // `String.Format`: a number, perhaps with a width and a format behind it.
        let number = inner.split([',', ':']).next().unwrap_or_default();
        let is_number = !number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit());
        return is_number.then_some((inner.len() + 2, Hole::Unknown));
    }
    MARKS.iter().find_map(|(open, close)| {
        let (name, _) = text.strip_prefix(open)?.split_once(close)?;
        let is_of = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '[' | ']' | ' ');
        let is_name =
            name.starts_with(|c: char| c.is_alphabetic()) && name.len() <= MAX_NAME && name.chars().all(is_of);
        // Names of folders begin and end like that, too: `__pycache__`.
        let is_loud = *open != "__" || !name.contains(|c: char| c.is_lowercase() || c == ' ');
        (is_name && is_loud)
            .then(|| (open.len() + name.len() + close.len(), Hole::From(Source::Config, name.to_owned())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_no_names() {
        let shown = |text: &str| open(&Text::lit(text)).to_string();
        for (text, wanted) in [
            (r"#{Desk.LogPath}\app.log", r"{config:Desk.LogPath}\app.log"),
            (r"C:\Desk\__DATA_DIR__\a", r"C:\Desk\{config:DATA_DIR}\a"),
            ("{0}", "{?}"),
            (r"C:\{0:yyyy}\{1,4}.txt", r"C:\{?}\{?}.txt"),
            (r"$(Home)\[[Desk]]\<name>", r"{config:Home}\{config:Desk}\{config:name}"),
            (r"C:\__pycache__\a<b", r"C:\__pycache__\a<b"),
            ("desk-<date>.log", "desk-<date>.log"),
            (r"C:\{A0B1}\$x", r"C:\{A0B1}\$x"),
            ("", ""),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
