//! Sources that pages of a site take in from beside it: `require __DIR__ . "/../lib/log.php"`. Whoever keeps them out of the
//! folder that the web server shows keeps them for it all the same.

use crate::discover::{Application, Artifact};
use crate::facts::Reading;
use crate::read::text::decode;
use std::collections::HashMap;

/// Largest source that is looked through, and most of them.
const MAX_SIZE: u64 = 512 << 10;
const MAX_FILES: usize = 1_024;
/// What takes a source in (PHP manual, "require", "include").
const TAKING: [&str; 2] = ["require", "include"];
/// Longest statement that does.
const MAX_STATEMENT: usize = 400;

/// Sources outside of all sites by their paths, each with the folder that the site begins in which takes it in. `site` tells
/// that of a source in one.
pub(in crate::read::script) fn of(app: &Application, site: impl Fn(&str) -> Option<String>) -> HashMap<String, String> {
    let is_source = |artifact: &&Artifact| artifact.extension() == "php";
    let (inside, outside): (Vec<_>, Vec<_>) =
        app.artifacts.iter().filter(is_source).map(|a| (a, site(&a.path))).partition(|(_, site)| site.is_some());
    let mut work: Vec<(&Artifact, String)> =
        inside.into_iter().filter_map(|(artifact, site)| Some((artifact, site?))).take(MAX_FILES).collect();
    let mut found: HashMap<String, String> = HashMap::new();
    let mut looked = 0;
    // Sources are read only as long as one is left that may be taken in.
    while let Some((source, root)) = work.pop().filter(|_| looked < MAX_FILES && found.len() < outside.len()) {
        looked += 1;
        let Ok(bytes) = source.read(MAX_SIZE) else { continue };
        let text = decode(&bytes, &mut Reading::default());
        for path in taken(&text) {
            let Some(taken) = app.sibling(source, path).filter(|taken| taken.extension() == "php") else { continue };
            if site(&taken.path).is_none() && !found.contains_key(&taken.path) {
                found.insert(taken.path.clone(), root.clone());
                work.push((taken, root.clone()));
            }
        }
    }
    found
}

/// The paths that a source takes in from its own folder on, where they are written out.
fn taken(text: &str) -> impl Iterator<Item = &str> {
    let begins = TAKING.iter().flat_map(|word| text.match_indices(word).map(|(at, _)| at));
    begins.filter_map(|at| {
        let most = text.floor_char_boundary(at.saturating_add(MAX_STATEMENT + 1));
        let statement = text[at..most].split(';').next().filter(|statement| statement.len() <= MAX_STATEMENT)?;
        let (before, rest) = statement.split_once(['"', '\''])?;
        let path = rest.split(['"', '\'']).next()?;
        let head =
            before.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c.is_whitespace() || c == '(');
        // `__DIR__ .` has a word before the point, which is taken for one of the statement's own.
        let is_here = head.trim().is_empty() || head.trim() == "." || before.contains("dirname(__FILE__)");
        (is_here && !path.contains('$')).then(|| path.trim_start_matches('/'))
    })
}

/// The folders from where a site begins to a source beside it.
pub(super) fn folders_to(root: &str, path: &str) -> Vec<String> {
    let parts = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (root, path) = (parts(root), parts(path));
    let shared = root.iter().zip(&path).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let up = root.iter().skip(shared).map(|_| "..".to_owned());
    up.chain(path.into_iter().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_take_in() {
        let text = "<?php require __DIR__ . \"/../lib/a.php\"; include_once('../b.php'); require($x . '/c.php');\n\
                    require_once dirname(__FILE__) . '/d.php'; include \"$y/e.php\"; ?>";
        let mut found: Vec<&str> = taken(text).collect();
        found.sort_unstable();
        assert_eq!(found, ["../b.php", "../lib/a.php", "d.php"]);
    }

    #[test]
    fn from_the_site_to_what_lies_beside_it() {
        assert_eq!(folders_to("a/site/", "a/lib/log.php"), ["..", "lib", "log.php"]);
        assert_eq!(folders_to("", "lib/log.php"), ["lib", "log.php"]);
    }
}
