//! Configuration transforms (XDT), applied as a publish would: `Web.Release.config` changes `Web.config`.
//!
//! Follows MS documentation, "Web.config Transformation Syntax for Web Project Deployment Using Visual Studio":
//! `xdt:Transform` says what to do with the matching element, `xdt:Locator` which element that is.

use crate::discover::Artifact;
use crate::facts::{Reading, is_out_of_service};
use crate::read::Input;
use crate::read::config::tree::{NodeId, ROOT, Role, Tree};
use crate::read::config::xml;
use crate::read::config::xpath::{MAX_STEPS, XPath};
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

/// What a publish makes of this file, and by which other: the one of the environment that is judged, or else of the build
/// that gets published. A file of the judged environment that is no transform takes this one's place.
pub(crate) fn published(input: &Input<'_>, base: &Tree) -> Option<(Tree, String)> {
    let file = input.artifact.file_name();
    let stem = file.get(..file.len().checked_sub(".config".len())?)?;
    let of = |environment: &str| {
        let artifact = input.app.sibling(input.artifact, &format!("{stem}.{environment}.config"))?;
        Some((load(artifact)?, artifact.file_name().to_owned()))
    };
    let judged = input.app.environment.as_deref();
    if let Some((tree, name)) = judged.and_then(of) {
        return Some(if is_transform(&tree) { (apply(base.clone(), &tree).tree, name) } else { (tree, name) });
    }
    if judged.is_some_and(is_out_of_service) {
        return None;
    }
    let (tree, name) = of("Release").filter(|(tree, _)| is_transform(tree))?;
    Some((apply(base.clone(), &tree).tree, name))
}

fn load(artifact: &Artifact) -> Option<Tree> {
    let bytes = artifact.read(MAX_FILE).ok()?;
    let text = decode(&bytes, &mut Reading::default()).into_owned();
    Some(xml::parse(&text).0)
}

/// Its root declares the transform namespace.
pub(crate) fn is_transform(tree: &Tree) -> bool {
    tree.elements(ROOT).next().is_some_and(|root| {
        tree.children(root).any(|a| tree.name(a).starts_with("xmlns:") && tree.value(a).contains(xml::TRANSFORMS))
    })
}

/// Largest trees that are merged.
const MAX_NODES: usize = 20_000;

/// A base that is being changed.
struct Changes<'a> {
    base: Tree,
    transform: &'a Tree,
    steps: usize,
    /// The steps are used up, and that was said.
    spent: bool,
    /// Locators that could not be understood, with their offset in the transform.
    unknown: Vec<(usize, String)>,
}

/// What a transform makes of its base.
pub(crate) struct Transformed {
    /// The base as the transform leaves it. What the transform wrote is marked with [`TRANSFORM`].
    pub(crate) tree: Tree,
    /// What could not be applied, with its offset in the transform.
    pub(crate) unknown: Vec<(usize, String)>,
}

/// Applies a transform.
pub(crate) fn apply(base: Tree, transform: &Tree) -> Transformed {
    let mut changes = Changes { base, transform, steps: 0, spent: false, unknown: Vec::new() };
    let roots = (changes.base.elements(ROOT).next(), transform.elements(ROOT).next());
    if changes.base.len() > MAX_NODES || transform.len() > MAX_NODES {
        changes.unknown.push((0, "it or its base is larger than the cap for a transform".to_owned()));
    } else if let (Some(target), Some(source)) = roots {
        changes.element(source, vec![target], ROOT);
    }
    Transformed { tree: changes.base, unknown: changes.unknown }
}

impl Changes<'_> {
    /// Changes what is below the targets; the depth is that of the transform, which the parser bounds.
    fn below(&mut self, source: NodeId, targets: &[NodeId]) {
        for change in self.transform.elements(source).collect::<Vec<_>>() {
            if self.steps > MAX_STEPS {
                if !std::mem::replace(&mut self.spent, true) {
                    self.unknown.push((
                        self.transform.node(change).offset,
                        "more steps than the cap for a transform".to_owned(),
                    ));
                }
                return;
            }
            let found = self.matching(change, targets);
            if let Some(&parent) = targets.first() {
                self.element(change, found, parent);
            }
        }
    }

    /// One element of the transform, with the elements of the base that it means and the place where it inserts.
    /// Only the verbs about attributes and `RemoveAll` change more than the first.
    fn element(&mut self, change: NodeId, found: Vec<NodeId>, parent: NodeId) {
        let (verb, argument) = verb(self.transform, change);
        match verb.as_str() {
            "" if found.is_empty() => self.insert_branch(change, parent),
            "" => self.below(change, &found),
            "setattributes" => {
                for &target in &found {
                    self.set_attributes(target, change, &argument);
                }
                self.below(change, &found);
            }
            "removeattributes" => {
                let names: Vec<&str> = argument.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
                for &target in &found {
                    self.own(target, change);
                    self.keep_children(target, |tree, child| {
                        let attribute = tree.node(child).role == Role::Attribute;
                        !attribute || !(names.is_empty() || names.contains(&tree.name(child)))
                    });
                }
                self.below(change, &found);
            }
            "remove" => self.remove(found.first().copied()),
            "removeall" => found.into_iter().for_each(|target| self.remove(Some(target))),
            "replace" => {
                if let Some(&target) = found.first() {
                    self.insert(change, target, 0);
                    self.remove(Some(target));
                }
            }
            "insert" => self.append(change, parent),
            "insertifmissing" if found.is_empty() => self.append(change, parent),
            "insertifmissing" => {}
            "insertbefore" | "insertafter" => match XPath::parse(&argument) {
                // The path starts at the document or at the place that the transform's own element has.
                Some(path) => {
                    let mut steps = self.steps;
                    let mut last = |from| path.select(&self.base, from, &mut steps).pop();
                    let beside = [ROOT, parent].into_iter().find_map(&mut last);
                    self.steps = steps;
                    if let Some(beside) = beside {
                        self.insert(change, beside, usize::from(verb == "insertafter"));
                    }
                }
                None => self.not_understood(change, &argument),
            },
            other => self.not_understood(change, other),
        }
    }

    fn not_understood(&mut self, change: NodeId, what: &str) {
        self.unknown.push((self.transform.node(change).offset, format!("`{what}` is not understood")));
    }

    /// Elements below the targets that a change means: of its name, and as its locator says.
    fn matching(&mut self, change: NodeId, targets: &[NodeId]) -> Vec<NodeId> {
        let transform = self.transform;
        let name = transform.name(change);
        let mut named = Vec::new();
        for &target in targets {
            self.steps += self.base.node(target).children.len();
            let elements = self.base.elements(target).filter(|&c| self.base.name(c) == name);
            named.extend(elements);
        }
        let locator = transform.get(change, "xdt:Locator").unwrap_or_default();
        let (kind, argument) = bracketed(locator);
        match kind.as_str() {
            "match" => {
                let keys: Vec<&str> = argument.split(',').map(str::trim).collect();
                named.retain(|&n| keys.iter().all(|k| attribute(&self.base, n, k) == attribute(transform, change, k)));
                named
            }
            "condition" => match XPath::parse(&argument) {
                Some(condition) => targets
                    .iter()
                    .flat_map(|&target| {
                        // A position counts among the children of one parent.
                        let of_target = named.iter().copied().filter(|&n| self.base.node(n).parent == target).collect();
                        condition.filter(&self.base, of_target, &mut self.steps)
                    })
                    .collect(),
                None => {
                    self.not_understood(change, locator);
                    Vec::new()
                }
            },
            "xpath" => match XPath::parse(&argument) {
                Some(path) if argument.starts_with('/') => path.select(&self.base, ROOT, &mut self.steps),
                // A relative path starts at the elements of this name; people also write it from the document.
                Some(path) => {
                    let mut found: Vec<NodeId> =
                        named.iter().flat_map(|&n| path.select(&self.base, n, &mut self.steps)).collect();
                    if found.is_empty() {
                        found = path.select(&self.base, ROOT, &mut self.steps);
                    }
                    found
                }
                None => {
                    self.not_understood(change, locator);
                    Vec::new()
                }
            },
            "" => named,
            _ => {
                self.not_understood(change, locator);
                Vec::new()
            }
        }
    }

    /// An element without a verb whose place the base lacks: verbs below it can still insert.
    fn insert_branch(&mut self, change: NodeId, parent: NodeId) {
        let transform = self.transform;
        let inserts = transform.descendants(change).into_iter().any(|n| verb(transform, n).0.starts_with("insert"));
        if inserts
            && let Some(node) =
                self.base.add(parent, Role::Element, transform.name(change), transform.node(change).offset)
        {
            self.base.node_mut(node).source = TRANSFORM;
            self.below(change, &[node]);
        }
    }

    /// What the element says from now on, the transform says.
    fn own(&mut self, target: NodeId, change: NodeId) {
        let offset = self.transform.node(change).offset;
        let node = self.base.node_mut(target);
        (node.source, node.offset) = (TRANSFORM, offset);
    }

    fn set_attributes(&mut self, target: NodeId, change: NodeId, only: &str) {
        let transform = self.transform;
        self.own(target, change);
        let only: Vec<&str> = only.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
        for attribute in transform.children(change).filter(|&a| transform.node(a).role == Role::Attribute) {
            let (name, value, offset) =
                (transform.name(attribute), transform.value(attribute), transform.node(attribute).offset);
            if name.starts_with("xdt:") || !(only.is_empty() || only.contains(&name)) {
                continue;
            }
            self.keep_children(target, |tree, c| tree.node(c).role != Role::Attribute || tree.name(c) != name);
            let Some(node) = self.base.add(target, Role::Attribute, name, offset) else { return };
            self.base.node_mut(node).source = TRANSFORM;
            self.base.append_value(node, value);
        }
    }

    fn keep_children(&mut self, parent: NodeId, kept: impl Fn(&Tree, NodeId) -> bool) {
        self.steps += self.base.node(parent).children.len();
        let kept: Vec<NodeId> = self.base.children(parent).filter(|&child| kept(&self.base, child)).collect();
        self.base.node_mut(parent).children = kept;
    }

    fn remove(&mut self, target: Option<NodeId>) {
        if let Some(target) = target {
            self.keep_children(self.base.node(target).parent, |_, child| child != target);
        }
    }

    /// Adds the element of the transform at the end of a parent, without what is addressed to the transformation.
    fn append(&mut self, change: NodeId, parent: NodeId) {
        if let Some(node) = self.base.graft(parent, self.transform, change, TRANSFORM) {
            for node in self.base.descendants(node) {
                self.keep_children(node, |tree, child| !tree.name(child).starts_with("xdt:"));
            }
        }
    }

    /// Adds it beside an element: before it, or `after` places behind.
    fn insert(&mut self, change: NodeId, beside: NodeId, after: usize) {
        let parent = self.base.node(beside).parent;
        let before = self.base.node(parent).children.len();
        self.append(change, parent);
        self.steps += before;
        let children = &mut self.base.node_mut(parent).children;
        // Where the document is full, nothing was added.
        if children.len() > before
            && let Some(at) = children.iter().position(|&c| c == beside)
            && let Some(new) = children.pop()
        {
            children.insert(at + after, new);
        }
    }
}

/// `SetAttributes(mode,cookieless)` as the name in lower case and what stands in its brackets.
fn verb(transform: &Tree, change: NodeId) -> (String, String) {
    bracketed(transform.get(change, "xdt:Transform").unwrap_or_default())
}

fn bracketed(text: &str) -> (String, String) {
    let (name, rest) = text.trim().split_once('(').unwrap_or((text, ""));
    (name.trim().to_lowercase(), rest.trim_end().strip_suffix(')').unwrap_or(rest).trim().to_owned())
}

/// The value of an attribute of exactly this name.
fn attribute<'a>(tree: &'a Tree, node: NodeId, name: &str) -> Option<&'a str> {
    tree.children(node).find(|&c| tree.node(c).role == Role::Attribute && tree.name(c) == name).map(|c| tree.value(c))
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
        let tree = apply(base, &transform).tree;
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
