//! Configuration transforms (XDT), applied as a publish would: `Web.Release.config` changes `Web.config`.
//!
//! Follows MS documentation, "Web.config Transformation Syntax for Web Project Deployment Using Visual Studio":
//! `xdt:Transform` says what to do with the matching element, `xdt:Locator` which element that is.

use crate::discover::Artifact;
use crate::facts::Reading;
use crate::read::Input;
use crate::read::config::tree::{NodeId, ROOT, Role, Tree};
use crate::read::config::xml;
use crate::read::text::decode;

/// Largest base file or transform that is read for the sake of the other.
const MAX_FILE: u64 = 4 << 20;
/// The number that marks nodes which a transform wrote.
pub(crate) const TRANSFORM: u8 = 2;

/// The base of a transform and its environment: `Web.config` and `Release` for `Web.Release.config`.
pub(crate) fn base_of(input: &Input<'_>) -> Option<(Tree, String)> {
    let file = input.artifact.file_name();
    let stem = file.get(..file.len().checked_sub(".config".len())?)?;
    let (base, environment) = stem.rsplit_once('.')?;
    let artifact = input.app.sibling(input.artifact, &format!("{base}.config"))?;
    Some((load(artifact)?, environment.to_owned()))
}

/// The transform that a publish applies to this file by default, and what it is called.
pub(crate) fn release_of(input: &Input<'_>) -> Option<(Tree, String)> {
    let file = input.artifact.file_name();
    let stem = file.get(..file.len().checked_sub(".config".len())?)?;
    let name = format!("{stem}.Release.config");
    let artifact = input.app.sibling(input.artifact, &name)?;
    let tree = load(artifact)?;
    is_transform(&tree).then(|| (tree, artifact.file_name().to_owned()))
}

fn load(artifact: &Artifact) -> Option<Tree> {
    let bytes = artifact.read(MAX_FILE).ok()?;
    let text = decode(&bytes, &mut Reading::default()).into_owned();
    Some(xml::parse(&text).0)
}

/// Its root declares the transform namespace.
pub(crate) fn is_transform(tree: &Tree) -> bool {
    tree.elements(ROOT).next().is_some_and(|root| {
        tree.children(root)
            .any(|a| tree.name(a).starts_with("xmlns:") && tree.value(a).contains("XML-Document-Transform"))
    })
}

/// Largest trees that are merged: each change looks at all children of its place.
const MAX_NODES: usize = 20_000;

/// The base as the transform leaves it. What the transform wrote is marked with [`TRANSFORM`].
pub(crate) fn apply(mut base: Tree, transform: &Tree) -> Tree {
    if base.len() > MAX_NODES || transform.len() > MAX_NODES {
        return base;
    }
    let roots = (base.elements(ROOT).next(), transform.elements(ROOT).next());
    if let (Some(target), Some(source)) = roots {
        merge_children(&mut base, target, transform, source);
    }
    base
}

/// Walks both trees together; the depth is that of the transform, which the parser bounds.
fn merge_children(base: &mut Tree, target: NodeId, transform: &Tree, source: NodeId) {
    for change in transform.elements(source).collect::<Vec<_>>() {
        let (verb, argument) = verb(transform, change);
        let parent = target;
        let matches = matching(base, parent, transform, change);
        match verb.as_str() {
            "" => match matches.first() {
                Some(&found) => merge_children(base, found, transform, change),
                None if transform.elements(change).next().is_some() => insert_branch(base, parent, transform, change),
                None => {}
            },
            "setattributes" => {
                for &found in &matches {
                    set_attributes(base, found, transform, change, &argument);
                    merge_children(base, found, transform, change);
                }
            }
            "removeattributes" => {
                let names: Vec<&str> = argument.split(',').map(str::trim).collect();
                for &found in &matches {
                    remove_children(base, found, |tree, child| {
                        tree.node(child).role == Role::Attribute && names.contains(&tree.name(child))
                    });
                }
            }
            "remove" => {
                if let Some(&found) = matches.first() {
                    remove_children(base, parent, |_, child| child == found);
                }
            }
            "removeall" => remove_children(base, parent, |_, child| matches.contains(&child)),
            "replace" => {
                if let Some(&found) = matches.first() {
                    remove_children(base, parent, |_, child| child == found);
                    graft(base, parent, transform, change);
                }
            }
            "insertifmissing" if !matches.is_empty() => {}
            _ => graft(base, parent, transform, change),
        }
    }
}

/// An element without a verb whose place the base lacks: verbs below it can still insert.
fn insert_branch(base: &mut Tree, parent: NodeId, transform: &Tree, change: NodeId) {
    let inserts = transform.descendants(change).into_iter().any(|n| verb(transform, n).0.starts_with("insert"));
    if inserts
        && let Some(node) = base.add(parent, Role::Element, transform.name(change), transform.node(change).offset)
    {
        base.node_mut(node).source = TRANSFORM;
        merge_children(base, node, transform, change);
    }
}

/// `SetAttributes(mode,cookieless)` in lower case, and what stands in its brackets.
fn verb(transform: &Tree, change: NodeId) -> (String, String) {
    let text = transform.get(change, "xdt:Transform").unwrap_or_default();
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    (name.trim().to_lowercase(), rest.trim_end().trim_end_matches(')').to_owned())
}

/// Children of the base that the change means: of its name and, with `Match(name)`, with equal attributes.
fn matching(base: &Tree, parent: NodeId, transform: &Tree, change: NodeId) -> Vec<NodeId> {
    let locator = transform.get(change, "xdt:Locator").unwrap_or_default();
    let keys: Vec<&str> = match locator.split_once('(') {
        Some((kind, rest)) if kind.trim().eq_ignore_ascii_case("match") => {
            rest.trim_end_matches(')').split(',').map(str::trim).collect()
        }
        _ => Vec::new(),
    };
    base.children_named(parent, transform.name(change))
        .filter(|&found| keys.iter().all(|key| base.get(found, key) == transform.get(change, key)))
        .collect()
}

fn set_attributes(base: &mut Tree, target: NodeId, transform: &Tree, change: NodeId, only: &str) {
    // What the element says from now on, the transform says.
    let node = base.node_mut(target);
    (node.source, node.offset) = (TRANSFORM, transform.node(change).offset);
    let only: Vec<&str> = only.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
    for attribute in transform.children(change).filter(|&a| transform.node(a).role == Role::Attribute) {
        let (name, value, offset) =
            (transform.name(attribute), transform.value(attribute), transform.node(attribute).offset);
        if name.starts_with("xdt:") || !(only.is_empty() || only.contains(&name)) {
            continue;
        }
        remove_children(base, target, |tree, c| tree.node(c).role == Role::Attribute && tree.name(c) == name);
        let Some(node) = base.add(target, Role::Attribute, name, offset) else { return };
        base.node_mut(node).source = TRANSFORM;
        base.append_value(node, value);
    }
}

fn remove_children(tree: &mut Tree, parent: NodeId, gone: impl Fn(&Tree, NodeId) -> bool) {
    let kept: Vec<NodeId> = tree.children(parent).filter(|&child| !gone(tree, child)).collect();
    tree.node_mut(parent).children = kept;
}

fn graft(base: &mut Tree, parent: NodeId, transform: &Tree, change: NodeId) {
    base.graft(parent, transform, change, TRANSFORM);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs() {
        let base = xml::parse(
            "<configuration><a x='1' y='1'/><list><add key='k' value='old'/><add key='gone' value='1'/></list><b/></configuration>",
        )
        .0;
        let transform = xml::parse(
            "<configuration xmlns:xdt='http://schemas.microsoft.com/XML-Document-Transform'>
              <a y='2' xdt:Transform='SetAttributes'/>
              <list>
                <add key='k' value='new' xdt:Transform='SetAttributes(value)' xdt:Locator='Match(key)'/>
                <add key='gone' xdt:Transform='Remove' xdt:Locator='Match(key)'/>
                <add key='more' value='3' xdt:Transform='Insert'/>
              </list>
              <b xdt:Transform='RemoveAll'/>
              <c><d z='1' xdt:Transform='Insert'/></c>
            </configuration>",
        )
        .0;
        assert!(is_transform(&transform));
        let tree = apply(base, &transform);
        let root = tree.child(ROOT, "configuration").unwrap_or(ROOT);
        let a = tree.child(root, "a").unwrap_or(ROOT);
        assert_eq!((tree.get(a, "x"), tree.get(a, "y")), (Some("1"), Some("2")));
        let list = tree.child(root, "list").unwrap_or(ROOT);
        let values: Vec<_> = tree.elements(list).filter_map(|n| tree.get(n, "value")).collect();
        assert_eq!(values, ["new", "3"]);
        assert!(tree.child(root, "b").is_none());
        assert!(tree.at(root, &["c", "d", "z"]).is_some());
    }
}
