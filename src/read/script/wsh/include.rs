//! Files that a page takes in (MS documentation: "#include Directive"): what they set and the procedures in them are those
//! of the page.

use super::page::parts;
use super::{Host, Syntax};
use crate::discover::Artifact;
use crate::facts::{Reading, beside};
use crate::read::Input;
use crate::read::text::decode;

/// Largest file that is taken in.
const MAX_FILE: u64 = 256 << 10;
/// Most files that a page takes in.
const MAX_FILES: usize = 24;
/// Deepest file inside another, and most folders above a page.
const MAX_LEVELS: usize = 8;

/// The code of all files that a page takes in, those first that others need.
pub(super) fn of(page: &str, input: &Input<'_>) -> Vec<(String, Syntax)> {
    let mut seen = vec![input.artifact.path.clone()];
    let mut code = Vec::new();
    take_in(page, input.artifact, input, 0, &mut seen, &mut code);
    code
}

fn take_in(
    text: &str,
    of: &Artifact,
    input: &Input<'_>,
    level: usize,
    seen: &mut Vec<String>,
    code: &mut Vec<(String, Syntax)>,
) {
    for (is_virtual, path) in named(text) {
        let Some(artifact) = find(is_virtual, path, of, input).filter(|a| !seen.contains(&a.path)) else { continue };
        if seen.len() > MAX_FILES || level >= MAX_LEVELS {
            return;
        }
        seen.push(artifact.path.clone());
        let Ok(bytes) = artifact.read(MAX_FILE) else { continue };
        let mut aside = Reading::default();
        let text = decode(&bytes, &mut aside);
        take_in(&text, artifact, input, level + 1, seen, code);
        let (basic, script) = parts(&text, Host::Web, &mut aside);
        code.push((basic, Syntax::Basic));
        code.push((script, Syntax::Script));
    }
}

/// Most pages of a site that are asked whether they take in a file.
const MAX_TAKERS: usize = 400;

/// The folders of the pages below `root` that take in the file that is read, with the separator at the end.
pub(super) fn takers(input: &Input<'_>, root: &str) -> Vec<String> {
    let own = input.artifact;
    let asks = |bytes: &[u8]| memchr::memmem::find(&bytes.to_ascii_lowercase(), b"mappath").is_some();
    if !own.read(MAX_FILE).is_ok_and(|bytes| asks(&bytes)) {
        return Vec::new();
    }
    let is_page =
        |a: &&Artifact| a.path.starts_with(root) && a.path != own.path && ["asp", "inc"].contains(&&*a.extension());
    let takes = |page: &&Artifact| {
        let Ok(bytes) = page.read(MAX_FILE) else { return false };
        let text = decode(&bytes, &mut Reading::default()).into_owned();
        named(&text).any(|(is_virtual, path)| {
            find(is_virtual, path, page, input).is_some_and(|artifact| artifact.path == own.path)
        })
    };
    let pages = input.app.artifacts.iter().filter(is_page).take(MAX_TAKERS).filter(takes);
    pages.map(|page| beside(&page.path).to_owned()).collect()
}

/// The paths in `<!-- #include file="x" -->` and `<!-- #include virtual="/x" -->`.
fn named(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.split("<!--").skip(1).filter_map(|comment| {
        let rest = comment.trim_start().strip_prefix('#')?;
        let rest = rest.get(..7).filter(|word| word.eq_ignore_ascii_case("include")).and(rest.get(7..))?.trim_start();
        let (kind, rest) = rest.split_once('=')?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let path = rest[1..].split(quote).next()?;
        Some((kind.trim().eq_ignore_ascii_case("virtual"), path))
    })
}

/// A file beside the one that names it, or below the root of the application, which is a folder above.
fn find<'a>(is_virtual: bool, path: &str, of: &Artifact, input: &Input<'a>) -> Option<&'a Artifact> {
    if !is_virtual {
        return input.app.sibling(of, path);
    }
    let mut path = path.trim_start_matches(['/', '\\']).to_owned();
    for _ in 0..MAX_LEVELS {
        if let Some(artifact) = input.app.sibling(of, &path) {
            return Some(artifact);
        }
        path.insert_str(0, "../");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn directives() {
        let text =
            "<!--#include file=\"a.asp\"--> <!-- #INCLUDE Virtual = '/inc/b.inc' --> <!-- no --><!--#include file=";
        assert_eq!(named(text).collect::<Vec<_>>(), [(false, "a.asp"), (true, "/inc/b.inc")]);
    }
}
