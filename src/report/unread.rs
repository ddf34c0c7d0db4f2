//! What an all-clear cannot cover: code that was not looked into, and programs that are not there.

use super::verdict::counted;
use crate::discover::{FOREIGN, IN_PLACE, Skipped, TOO_LARGE, UNBUILT, UNLISTED, is_source};
use crate::facts::{CONTAINER, Clue, ClueKind, Operation, Owner, Reading, Store, Trait, is_binary};
use crate::link::sets_up;
use crate::rules::Target;
use std::collections::BTreeSet;

/// Endings of files with code, or with files in them, that no reader knows: programs of other runtimes, programs that are
/// none, and packages. Scripts of web pages run elsewhere.
const CODE: [&str; 26] = [
    "exe", "dll", "com", "sys", "ocx", "cpl", "scr", "jar", "war", "ear", "class", "py", "pyw", "pyc", "php", "rb",
    "pl", "pm", "zip", "7z", "rar", "cab", "appx", "msix", "iso", "wim",
];

/// Endings of scripts that run in a browser as well; beside this file they are a program of Node.js.
const NODE: [&str; 4] = ["js", "mjs", "cjs", "ts"];
/// Folders of scripts that browsers run.
const WEB: [&str; 12] =
    ["public", "static", "www", "wwwroot", "assets", "client", "frontend", "scripts", "web", "dist", "js", "views"];
const NODE_PROGRAM: &str = "package.json";
/// The format of sources that were not read because nothing says that they run on Windows.
const ELSEWHERE: &str = "php-elsewhere";
/// So many sources of projects of which nothing is there, for one of others, leave no doubt what the files are.
const UNBUILT_TO_BUILT: usize = 4;
/// What the script of a server is called that IIS starts (iisnode, "Configuration").
const NODE_SERVER: &str = "server.js";

/// What an all-clear cannot cover, whatever it is given for.
pub(super) struct Gaps {
    /// See `unread`.
    pub(super) unread: Option<String>,
    /// See `beside`.
    pub(super) beside: Option<String>,
    /// See `unseen`.
    pub(super) unseen: Option<String>,
}

impl Gaps {
    pub(super) fn of(skipped: &[Skipped], readings: &[Reading]) -> Self {
        let code = Code::of(skipped, readings);
        Gaps {
            unread: unread(skipped, readings, &code),
            beside: beside(skipped, &code),
            unseen: unseen(skipped, readings, &code),
        }
    }
}

/// Code of the application that was not looked into: any that is too large or lies in a folder that cannot be listed, and
/// what no reader knows where it is the greater part.
fn unread(skipped: &[Skipped], readings: &[Reading], code: &Code<'_>) -> Option<String> {
    let missed = |s: &&Skipped| s.reason == TOO_LARGE || s.reason.starts_with(UNLISTED);
    if let Some(first) = skipped.iter().find(missed) {
        let many = skipped.iter().filter(missed).count();
        return Some(format!(
            "{} could not be read, first {}: {}",
            counted(many, "file"),
            first.artifact,
            first.reason
        ));
    }
    let foreign = &code.foreign;
    // What is configured says nothing of what code does.
    let own = || readings.iter().filter(|r| r.owner == Owner::Application);
    let read = own().filter(|r| is_binary(&r.format) || is_script(&r.format)).count();
    let (sources, node, php) = (&code.sources, &code.node, &code.php);
    // Scripts beside a program install or start it; half of all being its sources, it is what the rest is for.
    let is_greater = foreign.len() > read || !sources.is_empty() && sources.len() >= read;
    let first = foreign.first().filter(|_| is_greater)?;
    let all = counted(foreign.len() + read, "file");
    // A package among many sources is not why.
    let is_most = |part: &[&str]| part.len() * 2 > foreign.len();
    if let Some(first) = sources.first().filter(|_| is_most(sources)) {
        let verb = if sources.len() == 1 { "is" } else { "are" };
        let what = format!("{} of {all} with code {verb} source, which is not read", sources.len());
        let instead =
            if code.is_in_place(first) { "scan the site as it is published" } else { "scan what is built of it" };
        return Some(format!("{what}, first {first}; {instead}"));
    }
    if let Some(first) = node.first().filter(|_| is_most(node)) {
        let (is, runs) =
            if node.len() == 1 { ("is", "runs as it is and is") } else { ("are", "run as they are and are") };
        let what = format!("{} of {all} with code {is} source of Node.js", node.len());
        return Some(format!("{what}, which {runs} not read, first {first}"));
    }
    if let Some(first) = php.first().filter(|_| is_most(php)) {
        let is = if php.len() == 1 { "is" } else { "are" };
        return Some(format!(
            "{} of {all} with code {is} PHP, of which nothing says that it runs on Windows, first {first}",
            php.len()
        ));
    }
    let (verb, kinds) = if foreign.len() == 1 { ("is", "of a kind") } else { ("are", "of kinds") };
    Some(format!("{} of {all} with code {verb} {kinds} that {verb} not read, first {first}", foreign.len()))
}

/// Source of the application that was not looked into beside more that was, for which nothing built stands.
fn beside(skipped: &[Skipped], code: &Code<'_>) -> Option<String> {
    let sources: BTreeSet<&str> = code.sources.iter().copied().collect();
    let others = skipped.iter().filter(|s| s.reason == UNBUILT && !sources.contains(s.artifact.as_str()));
    let others = others.map(|s| s.artifact.as_str());
    let all: Vec<&str> = code.sources.iter().chain(&code.node).chain(&code.php).copied().chain(others).collect();
    let first = all.first()?;
    let (files, are) = (counted(all.len(), "file"), if all.len() == 1 { "is" } else { "are" });
    Some(format!("{files} of source, which {are} not read, first {first}"))
}

/// The application's own code that was not looked into, in the order of the files.
struct Code<'a> {
    /// All of it.
    foreign: Vec<&'a str>,
    /// Sources for which nothing built stands.
    sources: Vec<&'a str>,
    /// Of them, those that a server compiles where they lie.
    in_place: BTreeSet<&'a str>,
    /// Programs of Node.js: nothing is built of them, they are what runs.
    node: Vec<&'a str>,
    /// PHP of which nothing says that it runs on Windows.
    php: Vec<&'a str>,
}

impl<'a> Code<'a> {
    fn of(skipped: &'a [Skipped], readings: &'a [Reading]) -> Self {
        let own = || readings.iter().filter(|r| r.owner == Owner::Application);
        let is_built = own().any(|r| is_binary(&r.format) && !is_of_others(r));
        // Where nearly all sources are those of projects of which nothing is there, the programs beside them are others.
        let sources_as =
            |reason: &str| skipped.iter().filter(|s| s.reason == reason && is_source(&ending_of(&s.artifact))).count();
        let is_source_built = is_built && sources_as(UNBUILT) <= sources_as(FOREIGN) * UNBUILT_TO_BUILT;
        // Beside a program that is built, a package is mostly one of tools that make its pages, unless it is served itself.
        let served: BTreeSet<&str> =
            skipped.iter().filter(|s| file_name(&s.artifact) == NODE_SERVER).map(|s| folder(&s.artifact)).collect();
        let packages = own().filter(|r| file_name(&r.artifact) == NODE_PROGRAM).map(|r| folder(&r.artifact));
        let of_node: BTreeSet<&str> = packages.filter(|at| !is_built || served.contains(at)).collect();
        // Down to folders of what is sent to browsers.
        let is_of_node = |at: &str| {
            let up = std::iter::successors(Some(at), |at| at.rfind(['/', '\\']).map(|end| &at[..end]));
            up.take_while(|at| !WEB.contains(&file_name(at).to_lowercase().as_str())).any(|at| of_node.contains(at))
                || (of_node.contains("") && !at.split(['/', '\\']).any(|f| WEB.contains(&f.to_lowercase().as_str())))
        };
        let (mut foreign, mut sources, mut node, mut in_place) = (vec![], vec![], vec![], BTreeSet::new());
        for Skipped { artifact, reason } in skipped {
            let ending = ending_of(artifact);
            let is_plain = reason == FOREIGN || reason == UNBUILT;
            let is_node = || is_of_node(folder(artifact)) || file_name(artifact) == NODE_SERVER;
            if reason == IN_PLACE || is_plain && !is_source_built && is_source(&ending) {
                sources.push(artifact.as_str());
                if reason == IN_PLACE {
                    in_place.insert(artifact.as_str());
                }
            } else if is_plain && NODE.contains(&ending.as_str()) && is_node() {
                node.push(artifact.as_str());
            } else if !is_plain || !CODE.contains(&ending.as_str()) {
                continue;
            }
            foreign.push(artifact.as_str());
        }
        let php: Vec<&str> = own().filter(|r| r.format == ELSEWHERE).map(|r| r.artifact.as_str()).collect();
        foreign.extend(&php);
        Code { foreign, sources, in_place, node, php }
    }

    fn is_in_place(&self, artifact: &str) -> bool {
        self.in_place.contains(artifact)
    }
}

/// Of what the files define or install, nothing that runs is among them: no configuration can be cleared for it.
fn unseen(skipped: &[Skipped], readings: &[Reading], code: &Code<'_>) -> Option<String> {
    let own = || readings.iter().filter(|r| r.owner == Owner::Application);
    if own().all(|r| r.facts.is_empty() && ANYTHING.contains(&r.format.as_str())) {
        let what = "nothing that runs is among the files, and nothing that an application is configured by";
        return Some(what.to_owned());
    }
    let entry = |clue: &Clue| clue.kind == ClueKind::Starts && [ENTRY_POINT, SERVICE].contains(&clue.key.as_str());
    let entries =
        own().flat_map(|r| r.facts.iter().filter_map(|f| f.as_clue()).filter(|c| entry(c)).map(move |c| (r, c)));
    let started = entries.filter_map(|(reading, clue)| Some((reading, started(clue, skipped, code)?)));
    if let Some((reading, program)) = started.min_by_key(|(_, program)| *program) {
        return Some(format!("what {} starts is not read: {program}", reading.artifact));
    }
    let serves = |r: &Reading| is_binary(&r.format) || matches!(r.format.as_str(), "asp" | "php" | "msi");
    if own().any(serves) {
        return None;
    }
    let clues = |r: &Reading, is: fn(ClueKind, &str) -> bool| {
        r.facts.iter().filter_map(|fact| fact.as_clue()).any(|clue| is(clue.kind, &clue.key))
    };
    let has_roles = |r: &&Reading| {
        r.format == DEFINITION
            && clues(r, |kind, key| kind == ClueKind::Role && ["web-role", "worker-role"].contains(&key))
            && !clues(r, |kind, key| kind == ClueKind::Starts && key == ENTRY_POINT)
    };
    if let Some(definition) = own().find(has_roles) {
        let what = "the program of no role is among the files";
        return Some(format!("{what}: what the roles that {} defines do is not known", definition.artifact));
    }
    // What the script of a package fetches is the package.
    let installs = |r: &&Reading| {
        let mut effects = r.facts.iter().filter_map(|fact| fact.as_effect());
        file_name(&r.artifact).eq_ignore_ascii_case(PACKAGE_SCRIPT)
            && effects.any(|effect| {
                effect.operation == Operation::Install && effect.store == Store::Package
                    || effect.via.eq_ignore_ascii_case(UNPACKS)
            })
    };
    if let Some(script) = own().find(installs) {
        return Some(format!("what {} installs is not among the files: what it does is not known", script.artifact));
    }
    // Who builds an image has the application among the files, or starts what is not read.
    if own().any(|r| r.format == "dockerfile") {
        return None;
    }
    let (reading, images) = own().map(|r| (r, images(r))).find(|(_, images)| !images.is_empty())?;
    let (what, first) = if images.len() == 1 { ("the image", "") } else { ("the images", "first ") };
    Some(format!("what is in {what} that {} runs was not read: {first}{}", reading.artifact, images[0]))
}

/// The ending of a file, in lower case.
fn ending_of(artifact: &str) -> String {
    file_name(artifact).rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase()
}

/// Images that are run as they were made elsewhere.
fn images(reading: &Reading) -> Vec<&str> {
    let clues = reading.facts.iter().filter_map(|fact| fact.as_clue());
    clues.filter(|c| c.kind == ClueKind::Role && c.key == CONTAINER).map(|c| c.value.as_str()).collect()
}

/// Nothing of the application is built as this: it sets up another program, or is a tool of which the calls say what it does.
/// What is managed may be built of the sources beside it.
fn is_of_others(reading: &Reading) -> bool {
    let changes = || reading.facts.iter().filter_map(|f| f.as_effect()).filter(|e| e.operation != Operation::Read);
    let is_tool = changes().next().is_some() && changes().all(|effect| effect.has(Trait::Tool));
    reading.format.starts_with("pe") && (is_tool || sets_up(reading))
}

/// Programs that run sources of Node.js.
const RUN_NODE: [&str; 5] = ["node", "npm", "npx", "pnpm", "yarn"];

/// What an entry point starts that was not read: what it names, or the sources that it runs.
fn started<'a>(clue: &Clue, skipped: &'a [Skipped], code: &Code<'a>) -> Option<&'a str> {
    let words = || clue.value.split([' ', '"', '\'', ';', ',']).filter(|word| !word.is_empty());
    let place = clue.location.as_ref().map(|place| place.key().replace('\\', "/")).unwrap_or_default();
    // The arguments of a service may be files that it only looks into.
    let said = words().filter(|_| clue.key == ENTRY_POINT);
    let names: Vec<&str> = said.chain([place.as_str()]).map(file_name).filter(|name| name.contains('.')).collect();
    let is = |s: &&Skipped| {
        let is_unread = [FOREIGN, UNBUILT].contains(&s.reason.as_str());
        is_unread && names.iter().any(|name| file_name(&s.artifact).eq_ignore_ascii_case(name))
    };
    let named = skipped.iter().find(is).map(|s| s.artifact.as_str());
    let runs_node = words().next().is_some_and(|first| {
        let program = file_name(first).to_ascii_lowercase();
        RUN_NODE.contains(&program.trim_end_matches(".exe").trim_end_matches(".cmd"))
    });
    // What Java runs of a folder has no name of its own.
    let of_java = || place.ends_with("/*").then(|| skipped.iter().find(|s| s.artifact.ends_with(".jar"))).flatten();
    named
        .or_else(|| code.node.first().copied().filter(|_| runs_node))
        .or_else(|| of_java().map(|s| s.artifact.as_str()))
}

/// Formats in which anything at all may be written.
const ANYTHING: [&str; 4] = ["json", "properties", "toml", "yaml"];
/// How what starts an entry point says so.
const ENTRY_POINT: &str = "entrypoint";
/// How what registers a service says so.
const SERVICE: &str = "service";
/// Format of the definition of a cloud service.
const DEFINITION: &str = "csdef";
/// The script by which Chocolatey installs a package (its documentation, "Create Packages").
const PACKAGE_SCRIPT: &str = "chocolateyinstall.ps1";
/// What fetches and unpacks what a package consists of (Chocolatey documentation, "Install-ChocolateyZipPackage").
const UNPACKS: &str = "Install-ChocolateyZipPackage";

/// Files that say for which platform an application is made, by their format: the target, and what it is called.
const MADE_FOR: [(&str, &str, &str); 2] =
    [(DEFINITION, "cloud-service", "a cloud service"), ("service-fabric", "service-fabric", "Service Fabric")];

/// What to judge for, where the files name a platform that nobody asked for.
pub(super) fn better_target(targets: &[&Target], readings: &[Reading]) -> Option<String> {
    let is_asked = |id: &str| targets.iter().any(|target| target.id == id);
    MADE_FOR.iter().filter(|(_, id, _)| !is_asked(id)).find_map(|(format, id, name)| {
        let of = readings.iter().find(|r| r.format == *format && r.owner == Owner::Application)?;
        Some(format!("; {} is made for {name}, for which --target {id} judges", of.artifact))
    })
}

fn folder(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or("", |at| &path[..at])
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn is_script(format: &str) -> bool {
    crate::facts::is_script(format) || matches!(format, "asp" | "php")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(skipped: &[Skipped], readings: &[Reading]) -> Option<String> {
        Gaps::of(skipped, readings).unread
    }

    fn beside(skipped: &[Skipped], readings: &[Reading]) -> Option<String> {
        Gaps::of(skipped, readings).beside
    }

    fn unseen(skipped: &[Skipped], readings: &[Reading]) -> Option<String> {
        Gaps::of(skipped, readings).unseen
    }

    fn said(skipped: &[(&str, &str)], own: usize) -> Option<String> {
        let skipped: Vec<Skipped> = skipped
            .iter()
            .map(|(artifact, reason)| Skipped { artifact: (*artifact).to_owned(), reason: (*reason).to_owned() })
            .collect();
        unread(&skipped, &vec![Reading { format: "batch".to_owned(), ..Reading::default() }; own])
    }

    #[test]
    fn what_was_not_looked_into_keeps_an_all_clear_from_being_given() {
        let jars = [("lib/a.jar", FOREIGN), ("lib/B.JAR", FOREIGN), ("readme.txt", FOREIGN)];
        assert_eq!(
            said(&jars, 1).as_deref(),
            Some("2 of 3 files with code are of kinds that are not read, first lib/a.jar")
        );
        assert_eq!(said(&jars, 2), None, "the greater part was read");
        assert_eq!(said(&[("a.png", FOREIGN), ("b.txt", FOREIGN), ("c.js", "excluded by exclude")], 0), None);
        assert_eq!(
            said(&[("Program.cs", FOREIGN), ("site.js", FOREIGN)], 0).as_deref(),
            Some("1 of 1 file with code is source, which is not read, first Program.cs; scan what is built of it")
        );
        let readings = |formats: &[(&str, &str)]| -> Vec<Reading> {
            let reading = |(artifact, format): &(&str, &str)| Reading {
                artifact: (*artifact).to_owned(),
                format: (*format).to_owned(),
                ..Reading::default()
            };
            formats.iter().map(reading).collect()
        };
        let foreign = |artifact: &str| [Skipped { artifact: artifact.to_owned(), reason: FOREIGN.to_owned() }];
        let built = readings(&[("bin/a.dll", "assembly"), ("App.config", "xml")]);
        assert_eq!(unread(&foreign("Program.cs"), &built), None);
        assert!(unread(&foreign("Program.cs"), &built[1..]).is_some(), "configuration is no code");
        let pages = readings(&[("a.php", "php-elsewhere"), ("b.php", "php-elsewhere"), ("c.php", "php")]);
        assert_eq!(
            unread(&[], &pages).as_deref(),
            Some("2 of 3 files with code are PHP, of which nothing says that it runs on Windows, first a.php")
        );
        assert_eq!(unread(&[], &pages[1..]), None);
        let node = readings(&[("app/package.json", "json")]);
        let runs =
            "1 of 1 file with code is source of Node.js, which runs as it is and is not read, first app/server.js";
        assert_eq!(unread(&foreign("app/server.js"), &node).as_deref(), Some(runs));
        let beside = readings(&[("app/package.json", "json"), ("host.exe", "pe64")]);
        let [server, routes] = ["app/server.js", "app/routes.js"].map(|path| foreign(path).into_iter().next());
        let served: Vec<Skipped> = server.into_iter().chain(routes.clone()).collect();
        assert!(
            unread(&served, &beside).is_some_and(|said| said.starts_with("2 of 3 files")),
            "nothing is built of it"
        );
        let tools: Vec<Skipped> = routes.into_iter().chain(foreign("app/gulpfile.js")).collect();
        assert_eq!(unread(&tools, &beside), None, "tools that make the pages of what is built");
        let halves = readings(&[("a.cmd", "batch")]);
        assert!(unread(&foreign("Program.cs"), &halves).is_some(), "a script beside a program is for it");
        assert_eq!(unread(&foreign("site/menu.js"), &node), None);
        let large = said(&[("disk.msi", TOO_LARGE)], 50);
        assert_eq!(
            large.as_deref(),
            Some("1 file could not be read, first disk.msi: larger than the size cap of its format")
        );
        assert!(said(&[("locked", "cannot be walked: permission denied")], 50).is_some());
    }

    #[test]
    fn sources_beside_what_is_read_are_named() {
        let skipped = |files: &[(&str, &str)]| -> Vec<Skipped> {
            let skip = |(artifact, reason): &(&str, &str)| Skipped {
                artifact: (*artifact).to_owned(),
                reason: (*reason).to_owned(),
            };
            files.iter().map(skip).collect()
        };
        let read = |formats: &[&str]| -> Vec<Reading> {
            formats.iter().map(|f| Reading { format: (*f).to_owned(), ..Reading::default() }).collect()
        };
        let site = skipped(&[("site/App_Code/Log.cs", IN_PLACE), ("site/Default.aspx", FOREIGN)]);
        let expected = "1 of 2 files with code is source, which is not read, first site/App_Code/Log.cs; scan the site as it \
                        is published";
        assert_eq!(unread(&site, &read(&["assembly"])).as_deref(), Some(expected));
        let many = read(&["assembly", "assembly", "batch"]);
        assert_eq!(unread(&site, &many), None);
        let beside_it = "1 file of source, which is not read, first site/App_Code/Log.cs";
        assert_eq!(beside(&site, &many).as_deref(), Some(beside_it));

        let desk = skipped(&[("desk/a.cs", UNBUILT), ("desk/b.cs", UNBUILT), ("shop/c.cs", FOREIGN)]);
        assert_eq!(unread(&desk, &read(&["assembly"])), None, "another project is built");
        let of_desk = "2 files of source, which are not read, first desk/a.cs";
        assert_eq!(beside(&desk, &read(&["assembly"])).as_deref(), Some(of_desk));
        let whole = unread(&desk[..2], &read(&["assembly"]));
        assert!(whole.is_some_and(|said| said.starts_with("2 of 3 files")), "what is built is of no project");
        assert_eq!(unread(&desk[..2], &read(&["assembly"; 3])), None, "the lesser part");
        let many: Vec<Skipped> = [&desk[..2]; 3].concat().into_iter().chain(desk[2..].to_vec()).collect();
        assert!(unread(&many, &read(&["assembly"])).is_some(), "one of many projects is built");
        assert!(unread(&desk, &read(&["batch"])).is_some_and(|said| said.starts_with("3 of 4 files")));
        let scripts = skipped(&[("src/main.rs", FOREIGN)]);
        assert_eq!(unread(&scripts, &read(&["batch"; 2])), None);
        assert!(beside(&scripts, &read(&["batch"; 2])).is_some());
        assert_eq!(beside(&scripts, &read(&["pe-x64"])), None, "it is what was built of it");
    }

    #[test]
    fn what_an_entry_point_starts_is_read_or_said() {
        let said = |listing: &str, file: &str| {
            let skipped = [Skipped { artifact: file.to_owned(), reason: FOREIGN.to_owned() }];
            unseen(&skipped, &crate::facts::listing::parse(listing).unwrap())
        };
        let image = "artifact Dockerfile format=dockerfile\nclue starts key=entrypoint value=init.sh\n";
        assert_eq!(said(image, "init.sh").as_deref(), Some("what Dockerfile starts is not read: init.sh"));
        assert_eq!(said(image, "other.sh"), None);
        let java = image.replace("value=init.sh", "value=\"java -jar app.jar\" location=C:\\app\\App.jar");
        assert_eq!(said(&java, "x/APP.jar").as_deref(), Some("what Dockerfile starts is not read: x/APP.jar"));
        let page = "artifact docs/_config.yml format=yaml\n";
        assert!(said(page, "README.md").is_some_and(|said| said.starts_with("nothing that runs")));
        let settings = "artifact Web.config format=xml\n";
        assert_eq!(said(settings, "README.md"), None, "settings that set nothing of interest");
    }

    #[test]
    fn what_a_service_runs_is_read_or_said() {
        let said = |value: &str, location: &str, file: &str| {
            let skipped = [Skipped { artifact: file.to_owned(), reason: FOREIGN.to_owned() }];
            let listing =
                format!("artifact a.cmd format=batch\nclue starts key=service value=\"{value}\" location={location}\n");
            unseen(&skipped, &crate::facts::listing::parse(&listing).unwrap())
        };
        let jar = said("java -jar C:\\app\\app.jar", "C:\\app\\app.jar", "app.jar");
        assert_eq!(jar.as_deref(), Some("what a.cmd starts is not read: app.jar"));
        assert_eq!(said("agent.exe -config a.hcl2", "C:\\app\\agent.exe", "a.hcl2"), None, "only looked into");
    }

    #[test]
    fn images_that_were_made_before_are_not_cleared() {
        let said = |listing: &str| unseen(&[], &crate::facts::listing::parse(listing).unwrap());
        let desk = "artifact compose.yml format=compose\nclue role key=container value=desk:1\n";
        let image = "what is in the image that compose.yml runs was not read: desk:1";
        assert_eq!(said(desk).as_deref(), Some(image));
        let both = format!("{desk}clue role key=container value=store:2\n");
        assert!(said(&both).is_some_and(|said| said.ends_with("was not read: first desk:1")));
        for more in ["artifact a.exe format=pe64\n", "artifact Dockerfile format=dockerfile\n"] {
            assert_eq!(said(&format!("{desk}{more}")), None, "{more}");
        }
    }

    #[test]
    fn a_set_up_program_is_not_what_the_sources_beside_it_are_for() {
        let sources: Vec<Skipped> =
            ["a.cs", "b.cs"].map(|file| Skipped { artifact: file.to_owned(), reason: FOREIGN.to_owned() }).to_vec();
        let said = |file: &str, format: &str| {
            unread(&sources, &[Reading { artifact: file.to_owned(), format: format.to_owned(), ..Reading::default() }])
        };
        assert!(said("setup.exe", "pe-x86").is_some_and(|said| said.starts_with("2 of 3 files with code are source")));
        assert_eq!(said("Setup.exe", "assembly"), None, "it may be built of them");
        assert_eq!(said("desk.exe", "pe-x86"), None);
    }

    #[test]
    fn what_nothing_runs_of_is_not_cleared() {
        let said = |listing: &str| unseen(&[], &crate::facts::listing::parse(listing).unwrap());
        let role = "artifact s/ServiceDefinition.csdef format=csdef\nclue role key=web-role value=Web\n";
        let startup = "artifact s/startup.cmd format=batch\n";
        let expected = "the program of no role is among the files: what the roles that s/ServiceDefinition.csdef defines \
                        do is not known";
        assert_eq!(said(&format!("{role}{startup}")).as_deref(), Some(expected));
        assert_eq!(said(&format!("{role}artifact s/Web/bin/Web.dll format=assembly\n")), None);
        assert_eq!(said(&format!("{role}artifact s/Web/default.asp format=asp\n")), None);
        let entry = "clue starts key=entrypoint value=run.cmd location={RoleRoot}\\approot\\run.cmd\n";
        assert_eq!(said(&format!("{role}{entry}{startup}")), None);
        let package = "artifact tools/chocolateyInstall.ps1 format=power-shell\n";
        assert_eq!(said(package), None);
        let install = "effect install package https://example.com/setup.exe via=Install-ChocolateyPackage\n";
        assert!(said(&format!("{package}{install}")).is_some());
        assert_eq!(said(&format!("{package}{install}artifact tools/a.exe format=pe64\n")), None);
        let unpack = "effect create file {?} via=Install-ChocolateyZipPackage\n";
        assert!(said(&format!("{package}{unpack}")).is_some());
        assert_eq!(said(&format!("artifact setup.ps1 format=power-shell\n{install}")), None, "one step of many");
    }
}
