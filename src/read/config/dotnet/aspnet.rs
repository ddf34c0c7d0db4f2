//! ASP.NET: what holds when nothing is written, and the providers that keep state.

use super::inherit::Settings;
use super::projects;
use super::sources::without_session;
use crate::discover::Artifact;
use crate::facts::{
    Certainty, Clue, ClueKind, Effect, Folder, Location, Operation, Origin, Reading, Step, Store, Text, Trait, beside,
};
use crate::read::Input;
use crate::read::config::command::{Launch, starts};
use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, Tree};

/// Most files of a `bin` folder that are looked at.
const MAX_LOOKED_AT: usize = 20_000;

/// The nodes of a section of `system.web`, in all groups of that name (`<location>` adds groups).
pub(super) fn web_sections<'a>(tree: &'a Tree, root: NodeId, name: &'a str) -> impl Iterator<Item = NodeId> + 'a {
    tree.children_named(root, "system.web").flat_map(move |web| tree.children_named(web, name))
}

/// What an application gets that writes neither `sessionState` nor `machineKey`. Only the root configuration of an
/// application that uses `System.Web` says anything by its silence.
pub(crate) fn defaults(document: &Document<'_>, root: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let filled = |&web: &NodeId| tree.elements(web).next().is_some();
    let Some(web) = tree.children_named(root, "system.web").find(filled) else { return };
    let settings = Settings::new(document, root);
    if !is_application_root(document) || is_aspnet_core(tree, root) || tree.get(web, "configSource").is_some() {
        return;
    }
    let doubt = match is_library(document.input) {
        true => Some("nothing here is served by ASP.NET: no page, no Global.asax, no assembly in bin"),
        false => projects::is_plugin(document.input).then_some("the project is built into another application"),
    };
    let doubt = doubt.map(Step::new);
    let has_template = settings.any("sessionState", is_of_template);
    if !settings.any("sessionState", |tree, section| !is_of_template(tree, section)) && !session_is_off(&settings) {
        let sources = without_session(document.input);
        if let Some(count) = sources {
            // With the assemblies that are built of them, or of others, it takes both.
            let clue = Clue::new(ClueKind::Role, "session-unused", count.to_string());
            reading.clue(document.site(web), clue);
        }
        let of_sources = || sources.filter(|_| !has_assemblies(document.input)).map(unused_by_sources);
        let doubt = doubt.clone().or_else(of_sources);
        let mut effect = Effect::new(
            Operation::KeepInMemory,
            Store::Session,
            Location::named(Text::lit("aspnet-session://InProc")),
            if doubt.is_some() { Certainty::Possible } else { Certainty::Likely },
            "sessionState@mode",
        )
        .in_phase(document.phase.0, &document.phase.1)
        .with(Trait::ByDefault)
        .because(Step::new(match has_template {
            true => "a provider counts in mode Custom only; in mode InProc, the default, session state lives in the worker process",
            false => "no sessionState element: the default mode is InProc, session state lives in the worker process",
        }));
        effect.evidence.extend(doubt);
        document.effect(reading, web, effect);
    }
    let given = web_sections(tree, root, "machineKey").find(|m| tree.get(*m, "validationKey").is_some_and(is_key));
    if let Some(element) = given {
        reading.clue(document.site(element), Clue::new(ClueKind::Role, "machine-key", "configured"));
    }
    if !settings.any("machineKey", |_, _| true) {
        // Without forms authentication or encrypted passwords hardly anything outlives the key.
        let forms = settings.any("authentication", |tree, a| tree.is(a, "mode", "Forms"));
        let encrypted = settings.any("membership", |tree, membership| {
            tree.descendants(membership).into_iter().any(|n| tree.is(n, "passwordFormat", "Encrypted"))
        });
        let cookies = has_owin_cookies(document.input);
        let certainty =
            if (forms || encrypted || cookies) && doubt.is_none() { Certainty::Likely } else { Certainty::Possible };
        let mut effect = Effect::new(
            Operation::Generate,
            Store::Key,
            Location::named(Text::lit("machine-key://AutoGenerate")),
            certainty,
            "machineKey",
        )
        .in_phase(document.phase.0, &document.phase.1)
        .of_origin(Origin::Generated)
        .with(Trait::ByDefault)
        .because(Step::new("no machineKey element: each machine makes its own keys (AutoGenerate,IsolateApps)"));
        if forms {
            effect = effect.because(Step::new("forms authentication signs its tickets with that key"));
        }
        if encrypted {
            effect = effect.because(Step::new("passwords are encrypted with that key and cannot be read without it"));
        }
        if cookies {
            effect = effect.because(Step::new(format!("the cookies of {OWIN_COOKIES} are protected with that key")));
        }
        effect.evidence.extend(doubt);
        document.effect(reading, web, effect);
    }
}

/// Does an element say no more than what is so without it? New projects have one with a provider, which counts in mode
/// Custom only (MS documentation, "sessionState Element").
fn is_of_template(tree: &Tree, section: NodeId) -> bool {
    tree.is(section, "mode", "InProc")
        && tree.get(section, "customProvider").is_some()
        // Whoever writes more has thought of it.
        && tree.children(section).count() == tree.elements(section).count() + 2
}

/// The library by which applications of OWIN keep who is logged in (MS documentation, "OWIN Middleware in the IIS integrated
/// pipeline": hosted by `System.Web` it protects with the machine key).
const OWIN_COOKIES: &str = "Microsoft.Owin.Security.Cookies";
/// Largest list of packages that is looked through.
const MAX_PACKAGES: u64 = 1 << 20;

/// Is the library built into the application, or listed for it?
fn has_owin_cookies(input: &Input<'_>) -> bool {
    let library = format!("{OWIN_COOKIES}.dll");
    let is_there = |folder: &str| input.app.sibling(input.artifact, &format!("{folder}/{library}")).is_some();
    let listed = || {
        let list = input.app.sibling(input.artifact, "packages.config")?.read(MAX_PACKAGES).ok()?;
        Some(memchr::memmem::find(&list, OWIN_COOKIES.as_bytes()).is_some())
    };
    is_there("bin") || is_there("Bin") || listed().unwrap_or_default()
}

pub(super) fn unused_by_sources(count: usize) -> Step {
    Step::new(format!("none of the {count} source files here and beside stores anything in the session"))
}

/// A key that somebody wrote: neither made by each machine, nor the placeholder of a quick fix.
fn is_key(written: &str) -> bool {
    let written = written.to_lowercase();
    !written.contains("autogenerate") && !written.starts_with("replace-with-")
}

/// The topmost `web.config` of an application: no other above it, unless this folder is an application by itself.
fn is_application_root(document: &Document<'_>) -> bool {
    let input = document.input;
    let components: Vec<String> = input.artifact.path.to_lowercase().split('/').map(str::to_owned).collect();
    if components.iter().rev().skip(1).take(1).any(|folder| folder == "views") {
        return false;
    }
    let beside = |name: &str| input.app.sibling(input.artifact, name).is_some();
    beside("Global.asax") || has_assemblies(input) || !has_parent(document, input.artifact)
}

/// Files that ASP.NET serves, or that show that a program of its own starts here. Static pages and those of other
/// languages have no session of ASP.NET.
const SERVED: &[&str] = &[".asax", ".aspx", ".ashx", ".asmx", ".svc", ".master"];
/// Sources in which an application begins that has no pages.
const BEGINS: &[&str] = &["startup.cs", "program.cs", "startup.vb", "program.vb", "startup.auth.cs"];

/// Does the file lie among others, of which none is served? The folder of a library has such a file for its editor.
fn is_library(input: &Input<'_>) -> bool {
    let folder = beside(&input.artifact.path);
    let at = input.app.artifacts.partition_point(|a| *a.path < *folder);
    let mut others = false;
    for (i, artifact) in input.app.artifacts[at..].iter().take_while(|a| a.path.starts_with(folder)).enumerate() {
        let file = artifact.file_name().to_lowercase();
        let in_bin = artifact.path[folder.len()..].to_lowercase().starts_with("bin/");
        let served = SERVED.iter().any(|ending| file.ends_with(ending)) || BEGINS.contains(&file.as_str());
        if served || (in_bin && file.ends_with(".dll")) || i > MAX_LOOKED_AT {
            return false;
        }
        others |= !file.ends_with(".config");
    }
    others
}

/// A `bin` folder of its own makes a folder below a site an application.
fn has_assemblies(input: &Input<'_>) -> bool {
    let Some((folder, _)) = input.artifact.path.rsplit_once('/') else { return false };
    ["bin", "Bin"].iter().any(|bin| {
        let start = format!("{folder}/{bin}/");
        let at = input.app.artifacts.partition_point(|a| a.path < start);
        input.app.artifacts[at..]
            .iter()
            .take_while(|a| a.path.starts_with(&start))
            .take(MAX_LOOKED_AT)
            .any(|a| a.extension() == "dll")
    })
}

fn has_parent(document: &Document<'_>, artifact: &Artifact) -> bool {
    let folders = artifact.path.matches('/').count();
    (1..=folders.min(64))
        .any(|up| document.input.app.sibling(artifact, &format!("{}web.config", "../".repeat(up))).is_some())
}

/// ASP.NET Core uses `web.config` only to be started by IIS.
fn is_aspnet_core(tree: &Tree, root: NodeId) -> bool {
    tree.children_named(root, "system.webServer")
        .any(|s| tree.child(s, "aspNetCore").is_some() || tree.child(s, "httpPlatform").is_some())
}

/// Programs of other runtimes that IIS runs for a site: the script of a handler of iisnode, and what a host is started with
/// (MS documentation, "httpPlatform"; Azure/iisnode, "Configuration").
pub(crate) fn hosted(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let mut found: Vec<(NodeId, String)> = Vec::new();
    let tree = &document.tree;
    for server in tree.children_named(root, "system.webServer") {
        if let Some(at) = tree.child(server, "httpPlatform") {
            let of = |name: &str| tree.get(at, name).unwrap_or_default();
            found.push((at, format!("\"{}\" {}", of("processPath"), of("arguments"))));
        }
        for handlers in tree.children_named(server, "handlers") {
            let of_node = |&add: &NodeId| tree.is(add, "modules", "iisnode");
            for add in tree.children_named(handlers, "add").filter(of_node) {
                let script = tree.get(add, "path").filter(|path| !path.contains('*'));
                found.extend(script.map(|script| (add, format!("node \"{script}\""))));
            }
        }
    }
    for (at, line) in found {
        let launch = Launch::new("entrypoint", "what IIS runs for the site", Text::folder(Folder::AppDir));
        starts(document, reading, at, &Text::lit(line), &launch);
    }
}

fn session_is_off(settings: &Settings<'_>) -> bool {
    let removed =
        |tree: &Tree, list: NodeId| tree.children_named(list, "remove").any(|r| tree.is(r, "name", "Session"));
    settings.any("pages", |tree, pages| tree.is(pages, "enableSessionState", "false"))
        || settings.any("httpModules", removed)
        || settings.any_in(&["system.webServer", "modules"], removed)
}

/// Membership, roles, profiles and personalisation use the connection string `LocalSqlServer`, which the machine's
/// configuration points at a user instance of SQL Server Express with a file in `App_Data`.
pub(crate) fn providers(document: &Document<'_>, root: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    if Settings::new(document, root).any_in(&["connectionStrings"], defines_local_sql_server) {
        return;
    }
    for name in ["membership", "roleManager", "profile", "healthMonitoring", "webParts"] {
        for section in web_sections(tree, root, name) {
            let Some((node, by_default)) = uses_local_sql_server(tree, section, name) else { continue };
            let file = Text::folder(Folder::DataDirectory).concat(&Text::lit("\\aspnetdb.mdf"));
            let mut effect = Effect::new(
                Operation::Write,
                Store::Database,
                Location::file(&file),
                Certainty::Likely,
                format!("{name}/providers@connectionStringName"),
            )
            .in_phase(document.phase.0, &document.phase.1)
            .because(Step::new(
                "the connection string LocalSqlServer is not defined here: the machine's default attaches App_Data\\aspnetdb.mdf",
            ));
            if by_default {
                effect = effect
                    .because(Step::new(format!("{name} has no provider of its own: the default provider is used")));
            }
            document.effect(reading, node, effect.with(Trait::ByDefault));
            return;
        }
    }
}

fn defines_local_sql_server(tree: &Tree, section: NodeId) -> bool {
    tree.children_named(section, "add").any(|add| tree.is(add, "name", "LocalSqlServer"))
        || tree.children_named(section, "clear").next().is_some()
        || tree.node(section).children.iter().any(|&c| tree.name(c) == "EncryptedData")
}

/// The node that shows the use, and whether it is only the default.
fn uses_local_sql_server(tree: &Tree, section: NodeId, name: &str) -> Option<(NodeId, bool)> {
    let enabled = match name {
        // These are off, or without effect, until they are switched on.
        "roleManager" | "healthMonitoring" => tree.is(section, "enabled", "true"),
        "profile" => !tree.is(section, "enabled", "false") && tree.child(section, "properties").is_some(),
        _ => true,
    };
    if !enabled {
        return None;
    }
    let section = if name == "webParts" { tree.child(section, "personalization")? } else { section };
    let lists: Vec<NodeId> = tree.children_named(section, "providers").collect();
    let default = tree.get(section, "defaultProvider");
    let adds: Vec<NodeId> = lists.iter().flat_map(|&l| tree.children_named(l, "add").collect::<Vec<_>>()).collect();
    if let Some(&add) = adds.iter().find(|&&a| tree.is(a, "connectionStringName", "LocalSqlServer")) {
        let chosen = default.is_none_or(|d| tree.is(add, "name", d)) || adds.len() == 1;
        return chosen.then_some((add, false));
    }
    let inherited = adds.is_empty() && !lists.iter().any(|&l| tree.child(l, "clear").is_some());
    let built_in = default.is_none_or(|d| d.starts_with("AspNetSql"));
    (inherited && built_in && (name != "healthMonitoring")).then_some((section, true))
}
