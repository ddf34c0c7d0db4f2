//! Layers of the .NET configuration system: `appsettings.json` below `appsettings.{environment}.json`.
//!
//! MS documentation, "Configuration in ASP.NET Core": the file of the environment is read last and wins, key by key;
//! items of a list are keys, too. Without a variable that says otherwise the environment is `Production`.

use super::json;
use super::tree::{Role, Tree};
use crate::facts::{Reading, is_deployed_by_default};
use crate::read::Input;
use crate::read::text::decode;

/// The environment of an application that is told of no other.
const DEPLOYED: &str = "Production";
/// Largest file that is read for the sake of the other.
const MAX_FILE: u64 = 1 << 20;
/// The number that marks nodes of the other file.
pub(super) const OTHER: u8 = 1;

/// The file that is read over the one for all environments: that of the environment which is judged, or which is deployed.
pub(super) fn over(input: &Input<'_>) -> Option<(Tree, String)> {
    let of = |environment: &str| load(input, &format!("appsettings.{environment}.json"));
    match input.app.environment.as_deref() {
        Some(judged) => of(judged).or_else(|| is_deployed_by_default(judged).then(|| of(DEPLOYED)).flatten()),
        None => of(DEPLOYED),
    }
}

/// Another file of the same application, and its name.
pub(super) fn load(input: &Input<'_>, name: &str) -> Option<(Tree, String)> {
    let artifact = input.app.sibling(input.artifact, name)?;
    if artifact.path == input.artifact.path {
        return None;
    }
    let bytes = artifact.read(MAX_FILE).ok()?;
    Some((json::parse(&decode(&bytes, &mut Reading::default())).0, artifact.file_name().to_owned()))
}

/// What holds when `over` is read after `below`. Nodes of `below` are marked, or those of `over`.
pub(super) fn overlay(mut below: Tree, over: &Tree, mark_below: bool) -> Tree {
    use super::tree::ROOT;
    if mark_below {
        for id in below.descendants(ROOT) {
            below.node_mut(id).source = OTHER;
        }
    }
    let source = if mark_below { 0 } else { OTHER };
    let mut work = vec![(ROOT, ROOT)];
    while let Some((to, from)) = work.pop() {
        for child in over.elements(from).collect::<Vec<_>>() {
            let Some(known) = below.child(to, over.name(child)) else {
                below.graft(to, over, child, source);
                continue;
            };
            let (value, offset) = (over.value(child).to_owned(), over.node(child).offset);
            let node = below.node_mut(known);
            if over.elements(child).next().is_some() {
                work.push((known, child));
            } else if node.role == Role::Member {
                (node.value, node.offset, node.source) = (value, offset, source);
                node.children.clear();
            }
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::super::tree::ROOT;
    use super::*;

    #[test]
    fn keys_of_the_environment_win() {
        let below = json::parse(r#"{"A":{"B":"1","C":"2"},"L":[{"N":"x","P":"y"},{"N":"z"}],"D":{"E":"3"}}"#).0;
        let over = json::parse(r#"{"a":{"b":"9"},"L":[{"P":"q"}],"D":null,"New":"n"}"#).0;
        let tree = overlay(below, &over, true);
        let shown = |path: &[&str]| tree.at(ROOT, path).map(|id| (tree.value(id).to_owned(), tree.node(id).source));
        assert_eq!(shown(&["A", "B"]), Some(("9".to_owned(), 0)));
        assert_eq!(shown(&["A", "C"]), Some(("2".to_owned(), OTHER)));
        assert_eq!(shown(&["L", "0", "N"]), Some(("x".to_owned(), OTHER)));
        assert_eq!(shown(&["L", "0", "P"]), Some(("q".to_owned(), 0)));
        assert_eq!(shown(&["L", "1", "N"]), Some(("z".to_owned(), OTHER)));
        assert_eq!(shown(&["D", "E"]), None);
        assert_eq!(shown(&["New"]), Some(("n".to_owned(), 0)));
    }
}
