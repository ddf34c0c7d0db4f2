//! Where the sites of an application begin, and which of its files say that they run elsewhere than on a web server of
//! Windows. All files tell this together: it is worked out once, when the first page is read.

use super::php::outside;
use crate::discover::{Application, is_windows_image};
use crate::facts::{beside, file_name, folders};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::OnceLock;

/// Largest file that is looked through, and most of them.
const MAX_SIZE: u64 = 256 << 10;
const MAX_FILES: usize = 256;
/// Settings of the web server of Windows, and of PHP for a folder of it.
const SETTINGS: &[&str] = &["web.config", ".user.ini", "applicationhost.config"];
/// What lies in the folder that a site of classic ASP begins in.
const ROOTS: &[&str] = &["global.asa", "web.config"];
/// What ASP.NET serves.
const ASP_NET: &[&str] = &["aspx", "ashx", "asmx", "asax", "master", "cshtml"];
/// What visitors of a folder get without naming a page: who brings sources along for others has none.
const FIRST_PAGES: &[&str] = &["index.php", "default.php"];
/// How pages of PHP take in others (manual of PHP, "include", "require").
const TAKES_IN: [&str; 2] = ["include", "require"];
/// What settings say of a site of ASP.NET (MS documentation, "compilation Element").
const COMPILES: &str = "<compilation";
/// Files of a site that PHP runs, in the folder that it begins in.
const OF_PHP: &[&str] = &["php.ini", ".user.ini", "composer.json", "artisan"];
/// Settings of PHP that say where sessions are kept.
const SESSIONS: &[&str] = &["session.save_path", "session.save_handler"];

/// What the files of an application say of those that a web server runs.
#[derive(Debug, Default)]
pub struct Hosting {
    named: OnceLock<Named>,
    elsewhere: OnceLock<HashSet<String>>,
    keeps_sessions: OnceLock<bool>,
    of_php: OnceLock<OfPhp>,
    taken_in: OnceLock<HashMap<String, String>>,
}

/// Folders, each with the separator at its end: where pages of ASP.NET lie, where files that are PHP's do, and where
/// settings of the web server speak of PHP.
#[derive(Debug, Default)]
struct OfPhp {
    asp_net: BTreeSet<String>,
    pages: HashSet<String>,
    /// Folders with settings that hand something to PHP, or whose first page is one of PHP that takes in others.
    handed_on: BTreeSet<String>,
    /// Folders whose first page is one of PHP and takes in none.
    first_pages: BTreeSet<String>,
    /// Folders of sites of which assemblies were built, or whose settings say how that is done.
    built: HashSet<String>,
}

/// Folders by the names of what lies in them, each with the separator at its end.
#[derive(Debug, Default)]
struct Named {
    settings: HashSet<String>,
    roots: HashSet<String>,
    pages: HashSet<String>,
}

impl Hosting {
    fn named(&self, app: &Application) -> &Named {
        self.named.get_or_init(|| {
            let mut found = Named::default();
            for artifact in &app.artifacts {
                let name = artifact.file_name().to_ascii_lowercase();
                let folder = || beside(&artifact.path).to_owned();
                if SETTINGS.contains(&name.as_str()) {
                    found.settings.insert(folder());
                }
                if ROOTS.contains(&name.as_str()) {
                    found.roots.insert(folder());
                }
                if name.ends_with(".asp") {
                    found.pages.insert(folder());
                }
            }
            found
        })
    }

    /// The folder that the site of a page begins in, with the separator at its end: the outermost one with settings of the
    /// web server.
    pub(super) fn site<'p>(&self, app: &Application, page: &'p str) -> Option<&'p str> {
        outermost(page, &self.named(app).settings)
    }

    /// The same for a page of classic ASP. Without a file that says so, its site begins where the outermost pages lie.
    pub(super) fn classic_site<'p>(&self, app: &Application, page: &'p str) -> Option<&'p str> {
        let named = self.named(app);
        outermost(page, &named.roots).or_else(|| outermost(page, &named.pages))
    }

    /// Does a Dockerfile beside a file or above it start from images that are none of Windows?
    pub(super) fn is_elsewhere(&self, app: &Application, page: &str) -> bool {
        let folders_elsewhere = self.elsewhere.get_or_init(|| {
            let files = app.artifacts.iter().filter(|a| a.file_name().to_ascii_lowercase().starts_with("dockerfile"));
            let is_elsewhere = |bytes: Vec<u8>| {
                let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                let mut images = text.lines().filter_map(|line| line.trim_start().strip_prefix("from ")).peekable();
                images.peek().is_some() && !images.any(is_windows_image)
            };
            let read = files.take(MAX_FILES).filter_map(|file| Some((file, file.read(MAX_SIZE).ok()?)));
            read.filter_map(|(file, bytes)| is_elsewhere(bytes).then(|| beside(&file.path).to_owned())).collect()
        });
        outermost(page, folders_elsewhere).is_some()
    }

    /// Is the site that begins in a folder one of ASP.NET that brings sources of PHP along, as editors for pages do, and
    /// hands none to PHP? One in the folder where the site begins is a page of it.
    pub(super) fn is_of_others(&self, app: &Application, root: &str) -> bool {
        let found = self.of_php.get_or_init(|| {
            let mut found = OfPhp::default();
            for artifact in &app.artifacts {
                let (name, ending) = (artifact.file_name().to_ascii_lowercase(), artifact.extension());
                let folder = || beside(&artifact.path).to_owned();
                if ASP_NET.contains(&ending.as_str()) {
                    found.asp_net.insert(folder());
                }
                if ending == "php" || OF_PHP.contains(&name.as_str()) {
                    found.pages.insert(folder());
                }
                let site = artifact.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let has_settings = || self.named(app).settings.contains(beside(site));
                if ending == "dll" && file_name(site).eq_ignore_ascii_case("bin") && has_settings() {
                    found.asp_net.insert(beside(site).to_owned());
                    found.built.insert(beside(site).to_owned());
                }
                let (is_first, is_settings) = (FIRST_PAGES.contains(&name.as_str()), SETTINGS.contains(&name.as_str()));
                let text = (is_first || is_settings).then(|| artifact.read(MAX_SIZE).unwrap_or_default());
                let text = text.unwrap_or_default().to_ascii_lowercase();
                let mentions = |word: &str| memchr::memmem::find(&text, word.as_bytes()).is_some();
                if is_first && !TAKES_IN.iter().any(|word| mentions(word)) {
                    found.first_pages.insert(folder());
                    // Only what lies in a folder of a version is certain to be there as it was handed out.
                    if !folder().split('/').any(has_version) {
                        found.handed_on.insert(folder());
                    }
                } else if is_first || is_settings && mentions("php") {
                    found.handed_on.insert(folder());
                }
                if is_settings && mentions(COMPILES) {
                    found.asp_net.insert(folder());
                    found.built.insert(folder());
                }
            }
            found
        });
        let has = |folders: &BTreeSet<String>| {
            folders
                .range::<str, _>((Bound::Included(root), Bound::Unbounded))
                .next()
                .is_some_and(|first| first.starts_with(root))
        };
        // Beside what was built for ASP.NET a page that stands alone shows what the source beside it is for.
        let has_first_page = !found.built.contains(root) && has(&found.first_pages);
        has(&found.asp_net) && !found.pages.contains(root) && !has(&found.handed_on) && !has_first_page
    }

    /// The folder that the site begins in whose pages take in a source from outside of all sites.
    pub(super) fn taken_in(&self, app: &Application, path: &str) -> Option<String> {
        let of_site = |path: &str| {
            let root = self.site(app, path).filter(|_| !self.is_elsewhere(app, path))?;
            (!self.is_of_others(app, root)).then(|| root.to_owned())
        };
        self.taken_in.get_or_init(|| outside::of(app, of_site)).get(path).cloned()
    }

    /// Do settings of PHP among the files say where sessions are kept? Then they are told there.
    pub(super) fn keeps_sessions(&self, app: &Application) -> bool {
        *self.keeps_sessions.get_or_init(|| {
            let is_settings = |name: &str| name == ".user.ini" || (name.starts_with("php") && name.ends_with(".ini"));
            let settings = app.artifacts.iter().filter(|a| is_settings(&a.file_name().to_ascii_lowercase()));
            settings.take(MAX_FILES).filter_map(|a| a.read(MAX_SIZE).ok()).any(|bytes| {
                let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                text.lines().any(|line| SESSIONS.iter().any(|key| line.trim_start().starts_with(key)))
            })
        })
    }
}

/// Does a name end with the number of a version: `uploader-3.2`?
fn has_version(name: &str) -> bool {
    let number = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    number.contains('.') && number.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The outermost of some folders that a file lies in or below.
fn outermost<'p>(path: &'p str, among: &HashSet<String>) -> Option<&'p str> {
    let known = folders(path).map(|folder| match folder {
        "" => path.get(..usize::from(path.starts_with('/'))).unwrap_or_default(),
        folder => path.get(..=folder.len()).unwrap_or_default(),
    });
    known.filter(|folder| among.contains(*folder)).last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;

    #[test]
    fn where_sites_begin() {
        let names = ["s/web.config", "s/a/web.config", "s/a/p.php", "t/x/p.asp", "t/x/y/q.asp", "u/Global.asa"];
        let app = Application::new(names.map(Artifact::at).to_vec(), Vec::new());
        let hosting = Hosting::default();
        assert_eq!(hosting.site(&app, "s/a/p.php"), Some("s/"));
        assert_eq!(hosting.site(&app, "t/x/p.asp"), None);
        assert_eq!(hosting.classic_site(&app, "t/x/y/q.asp"), Some("t/x/"));
        assert_eq!(hosting.classic_site(&app, "u/v/q.asp"), Some("u/"));
        let here = Application::new(vec![Artifact::at("web.config"), Artifact::at("/web.config")], Vec::new());
        let hosting = Hosting::default();
        assert_eq!(hosting.site(&here, "a/p.php"), Some(""));
        assert_eq!(hosting.site(&here, "/a/p.php"), Some("/"));
    }

    #[test]
    fn sources_of_php_that_a_site_of_others_brings_along() {
        let is_of_others = |names: &[&str]| {
            let app = Application::new(names.iter().map(|name| Artifact::at(name)).collect(), Vec::new());
            Hosting::default().is_of_others(&app, "s/")
        };
        assert!(is_of_others(&["s/web.config", "s/a/Page.ASPX", "s/editor/upload.php"]));
        assert!(!is_of_others(&["s/web.config", "s/a/page.aspx", "s/index.php"]), "a page of the site");
        assert!(!is_of_others(&["s/web.config", "s/editor/upload.php", "t/page.aspx"]), "another site");
        assert!(!is_of_others(&["s/web.config", "s/a/page.aspx", "s/shop/index.php", "s/shop/b.php"]), "a part of it");
        assert!(!is_of_others(&["s/web.config", "s/bin/a.dll", "s/shop/index.php", "s/shop/b.php"]), "a part of it");
        assert!(is_of_others(&["s/web.config", "s/bin/a.dll", "s/up-3.2/index.php", "s/up-3.2/b.php"]), "an example");
        assert!(!is_of_others(&["s/web.config", "s/bin/a.dll", "s/index.php", "s/shop/b.php"]), "its own page");
    }
}
