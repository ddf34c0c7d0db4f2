//! Paths of a site on the disk (MS documentation, "Server.MapPath"): those that do not begin at its root begin at the folder
//! of the page.

use super::Script;
use crate::facts::{Folder, Location, Part, Text, beside, join_paths};
use crate::read::Input;

/// The variable that holds the folder of the page, which no script can name.
pub(super) const FOLDER: &str = "@page";

/// The folder of a page in its site, where that is known.
pub(super) fn folder_of(input: &Input<'_>) -> Option<Text> {
    let path = input.artifact.path.as_str();
    let root = input.hosting.classic_site(input.app, path)?;
    let folder = beside(path);
    // What a page takes in runs as a part of it: paths begin at the page that was asked for.
    let takers = if folder.len() > root.len() { super::include::takers(input, root) } else { Vec::new() };
    let folder = match takers.as_slice() {
        [] => folder,
        [first, others @ ..] if others.iter().all(|other| other == first) => first.as_str(),
        _ => return None,
    };
    let below = folder.get(root.len()..).unwrap_or_default().trim_end_matches('/').replace('/', "\\");
    let site = Text::folder(Folder::WebRoot);
    Some(if below.is_empty() { site } else { site.concat(&Text::lit(format!("\\{below}"))) })
}

impl Script<'_, '_> {
    /// What a path of the site is on the disk.
    pub(super) fn map_path(&self, path: &Text) -> Text {
        under(path, self.variables.get(FOLDER))
    }

    /// What the server says of itself, where that is a path (MS documentation, "IIS Server Variables": the path of the
    /// application ends with a separator).
    pub(super) fn server_variable(&self, name: &Text) -> Text {
        match name.as_lit().unwrap_or_default().to_ascii_uppercase().as_str() {
            "APPL_PHYSICAL_PATH" => Text::folder(Folder::WebRoot).concat(&Text::lit("\\")),
            "PATH_TRANSLATED" => match self.variables.get(FOLDER) {
                Some(folder) => folder.concat(&Text::lit("\\")).concat(&Text::unknown()),
                None => Text::unknown(),
            },
            _ => Text::unknown(),
        }
    }
}

fn under(path: &Text, page: Option<Text>) -> Text {
    let lead = path.leading_lit();
    if lead.starts_with('~') {
        return Location::file(path).text().clone();
    }
    let site = Text::folder(Folder::WebRoot);
    let from_root = lead.is_empty() || lead.starts_with(['/', '\\']);
    let mut rest = lead.trim_start_matches(['/', '\\']);
    let mut above = if from_root { Some(site) } else { page.or_else(|| (!rest.starts_with("..")).then_some(site)) };
    // Above the root of the site is a folder that nobody knows.
    while let Some(next) = rest.strip_prefix("..").filter(|next| next.is_empty() || next.starts_with(['/', '\\'])) {
        rest = next.trim_start_matches(['/', '\\']);
        above = above.and_then(|folder| parent(&folder));
    }
    let rest = rest.replace('/', "\\");
    let has_lead = !lead.is_empty();
    let tail = Text::from_parts(path.parts().iter().enumerate().map(|(i, part)| match part {
        Part::Lit(_) if i == 0 && has_lead => Part::Lit(rest.clone()),
        other => other.clone(),
    }));
    match above {
        Some(folder) => Location::file(&join_paths(&folder, &tail)).text().clone(),
        None => Text::unknown().concat(&Text::lit("\\")).concat(&tail),
    }
}

/// The folder above one of the site.
fn parent(folder: &Text) -> Option<Text> {
    let [root, Part::Lit(below)] = folder.parts() else { return None };
    let above = below.trim_end_matches('\\').rsplit_once('\\').map_or("", |(above, _)| above);
    Some(Text::from_parts([root.clone(), Part::Lit(above.to_owned())].into_iter().filter(|part| match part {
        Part::Lit(text) => !text.is_empty(),
        Part::Hole(_) => true,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_page_and_from_the_root() {
        let page = || Some(Text::parse("{WebRoot}\\a\\b"));
        let on = |path: &str, page: Option<Text>| under(&Text::lit(path), page).to_string();
        assert_eq!(on("../data/x.mdb", page()), "{WebRoot}\\a\\data\\x.mdb");
        assert_eq!(on("..\\../x.mdb", page()), "{WebRoot}\\x.mdb");
        assert_eq!(on("../../../x.mdb", page()), "{?}\\x.mdb");
        assert_eq!(on("data/x.mdb", page()), "{WebRoot}\\a\\b\\data\\x.mdb");
        assert_eq!(on("/data/x.mdb", page()), "{WebRoot}\\data\\x.mdb");
        assert_eq!(on("../data/x.mdb", None), "{?}\\data\\x.mdb");
        assert_eq!(on("data/x.mdb", None), "{WebRoot}\\data\\x.mdb");
    }
}
