//! What a `web.config` inherits: the files above it, and the `<location>` elements in them that are meant for its
//! folder. MS documentation, "ASP.NET Configuration File Hierarchy and Inheritance".

use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, ROOT, Tree};
use crate::read::config::xml;
use crate::read::text::decode;
use crate::{discover::Artifact, facts::Reading};

/// Most folders upwards that are looked at.
const MAX_PARENTS: usize = 16;
/// Largest inherited configuration that is read.
const MAX_PARENT: u64 = 1 << 20;

/// The settings of one folder: what its own file says, and what it inherits.
pub(super) struct Settings<'a> {
    /// The file itself.
    own: &'a Tree,
    root: NodeId,
    /// The files above it, nearest first, with the path from their folder to this one.
    above: Vec<Parent>,
}

/// A file above.
struct Parent {
    tree: Tree,
    root: NodeId,
    /// `admin/reports`, in lower case.
    path: String,
}

impl<'a> Settings<'a> {
    pub(super) fn new(document: &'a Document<'_>, root: NodeId) -> Self {
        Settings { own: &document.tree, root, above: parents(document) }
    }

    /// The files above, nearest first, with the element that holds their sections.
    pub(super) fn above(&self) -> impl Iterator<Item = (&Tree, NodeId)> {
        self.above.iter().map(|parent| (&parent.tree, parent.root))
    }

    /// Does any of the files that count here have a section of `system.web` with this property?
    pub(super) fn any(&self, section: &str, holds: impl Fn(&Tree, NodeId) -> bool) -> bool {
        self.any_in(&["system.web", section], holds)
    }

    /// The same for a section anywhere.
    pub(super) fn any_in(&self, path: &[&str], holds: impl Fn(&Tree, NodeId) -> bool) -> bool {
        let in_file = |tree: &Tree, groups: Vec<NodeId>| {
            let found = path.iter().fold(groups, |nodes, name| {
                // Reading has lifted the sections of `<location>`; their parent tells where they stand.
                let within = |n: NodeId| tree.children_named(n, name).filter(move |&c| tree.node(c).parent == n);
                nodes.into_iter().flat_map(|n| within(n).collect::<Vec<_>>()).collect::<Vec<_>>()
            });
            found.into_iter().any(|section| holds(tree, section))
        };
        in_file(self.own, groups(self.own, self.root, "", true))
            || self.above.iter().any(|p| in_file(&p.tree, groups(&p.tree, p.root, &p.path, false)))
    }
}

/// Elements whose sections count for the folder at `path` below the file's own.
fn groups(tree: &Tree, root: NodeId, path: &str, own: bool) -> Vec<NodeId> {
    let locations = tree.children_named(root, "location").filter(|&location| {
        let inherited = own || !tree.is(location, "inheritInChildApplications", "false");
        let of = tree.get(location, "path").unwrap_or_default().trim().trim_matches('/').to_lowercase();
        let here = matches!(of.as_str(), "" | ".") || of == path || path.starts_with(&format!("{of}/"));
        inherited && here
    });
    let mut found: Vec<NodeId> = locations.collect();
    found.push(root);
    found
}

fn parents(document: &Document<'_>) -> Vec<Parent> {
    let input = document.input;
    let mut path = String::new();
    let mut found = Vec::new();
    for (up, folder) in input.artifact.path.to_lowercase().rsplit('/').skip(1).enumerate().take(MAX_PARENTS) {
        path = if path.is_empty() { folder.to_owned() } else { format!("{folder}/{path}") };
        let above = "../".repeat(up + 1);
        let Some(artifact) = input.app.sibling(input.artifact, &format!("{above}web.config")) else { continue };
        if artifact.path == input.artifact.path {
            break;
        }
        found.extend(load(artifact).map(|(tree, root)| Parent { tree, root, path: path.clone() }));
    }
    found
}

fn load(artifact: &Artifact) -> Option<(Tree, NodeId)> {
    let bytes = artifact.read(MAX_PARENT).ok()?;
    let (tree, _) = xml::parse(&decode(&bytes, &mut Reading::default()));
    let root = tree.child(ROOT, "configuration")?;
    Some((tree, root))
}
