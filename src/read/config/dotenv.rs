//! `.env` files: the variables that a program in PHP, Node.js, Python or Ruby finds at its start.
//!
//! The rules are those that vlucas/phpdotenv, motdotla/dotenv and python-dotenv share: `NAME=value`, perhaps behind
//! `export`; quotes hold blanks and `#`; outside of them ` #` begins a comment; `${NAME}` is an earlier variable.

use super::document::Document;
use super::syntax::References;
use super::tree::{ROOT, Role, Tree};
use super::xml::Break;
use crate::facts::{Phase, is_out_of_service};

/// Is a file of this name one?
pub(crate) fn is_one(file: &str) -> bool {
    let file = file.to_lowercase();
    file == ".env" || file.starts_with(".env.") || file.ends_with(".env")
}

/// The variables.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let mut tree = Tree::new();
    let mut known = References::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim().trim_start_matches('\u{feff}');
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        if trimmed.starts_with('#') {
            continue;
        }
        let trimmed = trimmed.strip_prefix("export ").map_or(trimmed, str::trim_start);
        let Some((name, value)) = trimmed.split_once('=') else { continue };
        let value = unquoted(value.trim(), &mut known);
        tree.add_value(ROOT, Role::Member, name.trim(), &value, start);
        known.define(name.trim(), &value);
    }
    (tree, None)
}

fn unquoted(value: &str, known: &mut References) -> String {
    if let Some(inner) = value.strip_prefix('\'') {
        return inner.split('\'').next().unwrap_or(inner).to_owned();
    }
    let value = match value.strip_prefix('"') {
        Some(inner) => inner.split('"').next().unwrap_or(inner),
        None if value.starts_with('#') => "",
        None => value.split(" #").next().unwrap_or(value).trim_end(),
    };
    // A variable of the machine is shown as one.
    known.fill_in(value, |name| format!("%{name}%"))
}

/// What is for a developer's machine: by the name of the file, or by what `APP_ENV` or `NODE_ENV` says in it.
pub(crate) fn set_phase(document: &mut Document<'_>) {
    let file = document.input.artifact.file_name().to_lowercase();
    let named = file.strip_prefix(".env.").map(|rest| rest.split('.').next().unwrap_or(rest).to_owned());
    let said = ["APP_ENV", "NODE_ENV", "RAILS_ENV"].iter().find_map(|name| document.tree.get(ROOT, name));
    for environment in named.as_deref().into_iter().chain(said) {
        if is_out_of_service(environment.trim()) {
            document.phase = (Phase::NotShipped, format!("{file} is for the environment {environment}"));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_with_quotes_comments_and_references() {
        let (tree, _) = parse("# c\nexport A=C:/data # c\nB=\"${A}/x # y\"\nC='${A}'\nD=${HOST}\nE=\nF=#x\nno line\n");
        let get = |name: &str| tree.get(ROOT, name);
        assert_eq!(get("A"), Some("C:/data"));
        assert_eq!(get("B"), Some("C:/data/x # y"));
        assert_eq!(get("C"), Some("${A}"));
        assert_eq!(get("D"), Some("%HOST%"));
        assert_eq!((get("E"), get("F")), (Some(""), Some("")));
        assert_eq!(tree.len(), 7);
    }

    #[test]
    fn names() {
        for (file, expected) in [(".env", true), (".env.production", true), ("live.env", true), ("environment", false)]
        {
            assert_eq!(is_one(file), expected, "{file}");
        }
    }
}
