//! `wipeproof init`: a commented `wipeproof.toml` for what is found in an application.

use super::args::Init;
use super::{Failure, Status, WriteError, info, path_argument};
use crate::discover::{Application, WalkOptions, walk};
use crate::facts::{ClueKind, Reading, file_name, folder_of};
use crate::link::started_path;
use crate::read::read_all;
use crate::settings::FILE_NAME;
use miette::miette;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Names that are listed at most.
const MAX_LISTED: usize = 12;

pub(super) fn init(args: &Init) -> Result<Status, Failure> {
    let file = match args.path.as_os_str() == "." {
        true => FILE_NAME.into(),
        false => args.path.join(FILE_NAME),
    };
    if file.exists() && !args.print {
        let help = "edit it, or print a fresh one with `wipeproof init --print`";
        return Err(miette!(help = help, "{} exists", file.display()));
    }
    let app = walk(std::slice::from_ref(&args.path), &WalkOptions::default()).map_err(crate::ScanError::from)?;
    let readings = read_all(&app).readings;
    let names: BTreeSet<&str> = readings.iter().map(|r| app.name_of(&r.artifact)).collect();
    let mut found = Found::of(&readings, &names);
    found.image_scripts(&readings, &app);
    let text = found.settings();
    if args.print {
        return info::print(&text);
    }
    std::fs::write(&file, text).map_err(|source| WriteError { to: file.display().to_string(), source })?;
    info::print(&format!(
        "{} written; read it, then run `wipeproof check{}`\n",
        file.display(),
        path_argument(&args.path)
    ))
}

/// What an application looks like from far away.
struct Found<'a> {
    formats: BTreeMap<&'a str, usize>,
    companies: BTreeMap<&'a str, usize>,
    environments: BTreeSet<&'a str>,
    /// What a description of an image says it runs.
    built: BTreeSet<String>,
    /// Folders that only have the name of an installer's.
    installers: BTreeSet<String>,
    vendored: BTreeSet<String>,
    target: (&'static str, &'static str),
}

impl<'a> Found<'a> {
    fn of(readings: &'a [Reading], names: &BTreeSet<&str>) -> Self {
        let mut found = Found {
            formats: BTreeMap::new(),
            companies: BTreeMap::new(),
            environments: BTreeSet::new(),
            built: BTreeSet::new(),
            installers: BTreeSet::new(),
            vendored: BTreeSet::new(),
            target: ("vm-role", "nothing in the application names its platform"),
        };
        for reading in readings {
            *found.formats.entry(&reading.format).or_default() += 1;
            found.environments.extend(reading.environment.as_deref());
            let identities = reading.facts.iter().filter_map(|f| f.as_clue()).filter(|c| c.kind == ClueKind::Identity);
            for clue in identities.filter(|c| c.key.to_ascii_lowercase().contains("company")) {
                *found.companies.entry(clue.value.trim()).or_default() += 1;
            }
        }
        for name in names {
            let lower = name.to_lowercase();
            let (folder, file) = (folder_of(&lower), file_name(&lower));
            let top = name.split('/').next().unwrap_or_default();
            match folder.split('/').next().unwrap_or_default() {
                "install" | "installer" | "setup" | "packer" | "image" => {
                    found.installers.insert(format!("{top}/**"));
                }
                "vendor" | "third-party" | "thirdparty" | "packages" | "node_modules" => {
                    found.vendored.insert(format!("{top}/**"));
                }
                _ => {}
            }
            if file.ends_with(".csdef") || file.ends_with(".cscfg") {
                found.target = ("cloud-service", "there is a service definition");
            } else if file.starts_with("dockerfile") {
                found.target = ("windows-container", "there is a Dockerfile");
            } else if file == "applicationmanifest.xml" || file == "servicemanifest.xml" {
                found.target = ("service-fabric", "there is a Service Fabric manifest");
            }
        }
        found
    }

    /// Packer and Docker run scripts while they make an image: those that they name, and no others. A script beside them
    /// may run at every start, and what it writes then is lost.
    fn image_scripts(&mut self, readings: &[Reading], app: &Application) {
        for reading in readings {
            let Some(from) = app.find(&reading.artifact) else { continue };
            let starts = reading.facts.iter().filter_map(|f| f.as_clue());
            for clue in starts.filter(|c| c.kind == ClueKind::Starts && c.key == "image-build") {
                if let Some(script) = app.sibling(from, &started_path(clue)) {
                    self.built.insert(globset::escape(&script.name));
                }
            }
        }
    }

    fn settings(&self) -> String {
        let formats: Vec<String> = self.formats.iter().map(|(f, n)| format!("{n} {f}")).collect();
        let mut text = format!(
            "# What this team decides about the state of its application. `wipeproof config schema` has every key.\n\
             # Found here: {}.\n\n",
            if formats.is_empty() { "nothing that is read".to_owned() } else { formats.join(", ") }
        );
        let (target, why) = self.target;
        let _ = write!(
            text,
            "# Platforms to judge for; `wipeproof targets` lists them. Guessed: {why}.\ntargets = [\"{target}\"]\n\n\
             # Lowest severity that makes a check fail: error, warning, note or never.\nfail-on = \"warning\"\n\n\
             # Files that are not uploaded.\nexclude = []\n\n\
             # Accept what is there today and fail on new findings only: run `wipeproof baseline write` first.\n\
             # baseline = \"wipeproof-baseline.json\"\n\n"
        );
        let environments: Vec<&str> = self.environments.iter().copied().take(MAX_LISTED).collect();
        if !environments.is_empty() {
            let _ = write!(
                text,
                "# Environment whose configuration is judged; without it all are. Found: {}.\n# environment = {}\n\n",
                environments.join(", "),
                quoted(environments.first().copied().unwrap_or_default())
            );
        }
        text.push_str("# What runs before the image is captured; what it writes is part of the image.\n");
        if self.built.is_empty() {
            let guessed: Vec<String> = self.installers.iter().map(|g| quoted(g)).collect();
            let globs = if guessed.is_empty() { "\"install/**\"".to_owned() } else { guessed.join(", ") };
            let _ = write!(text, "# [phases]\n# build = [{globs}]\n\n");
        } else {
            let named: Vec<String> = self.built.iter().map(|g| quoted(g)).collect();
            let _ = write!(text, "[phases]\nbuild = [{}]\n\n", named.join(", "));
        }
        text.push_str(
            "\
             # Places that outlive the instance.\n# [[durable]]\n# path = 'F:\\data'\n# reason = \"data disk\"\n\n\
             # Places whose loss does not matter.\n# [[disposable]]\n# path = '{AppData}\\Cache'\n\
             # reason = \"filled again on a miss\"\n\n",
        );
        self.third_party(&mut text);
        text.push_str(
            "\n# Severity by rule id or name; `wipeproof rules` lists them.\n# [rules]\n# WP701 = \"note\"\n\n\
             # A finding that is accepted. The reason is required; the last day is not.\n# [[allow]]\n\
             # rule = \"WP201\"\n# path = \"bin/*.exe\"\n# location = 'HKLM\\Software\\Contoso\\*'\n\
             # reason = \"written again at each start\"\n# expires = \"2030-01-31\"\n",
        );
        text
    }

    fn third_party(&self, text: &mut String) {
        let mut companies: Vec<(&str, usize)> = self.companies.iter().map(|(c, n)| (*c, *n)).collect();
        companies.sort_by_key(|(company, count)| (std::cmp::Reverse(*count), *company));
        text.push_str("# Code that is not yours is read but not reported.\n");
        for (company, count) in companies.iter().take(MAX_LISTED) {
            let binaries = if *count == 1 { "1 binary is".to_owned() } else { format!("{count} binaries are") };
            let _ = writeln!(text, "# {binaries} by {}", quoted(company));
        }
        let vendored: Vec<String> = self.vendored.iter().map(|g| quoted(g)).collect();
        if vendored.is_empty() {
            // The first is most likely the team itself; whoever follows may be a third party.
            let company = companies.get(1).map_or("Fabrikam*", |(company, _)| company);
            let _ = writeln!(text, "# [third-party]\n# paths = [\"vendor/**\"]\n# companies = [{}]", quoted(company));
        } else {
            let _ = writeln!(text, "[third-party]\npaths = [{}]", vendored.join(", "));
        }
    }
}

/// A name from an artifact as a TOML string on one line, whatever is in it.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    serde_json::to_string(&plain).unwrap_or_default()
}
