//! A workspace folder: what the readers saw in it, and what a check of it would say with the open files over it.

use crate::cache::{self, Cache};
use crate::discover::{Application, Artifact, Kind, MEMBER, display_path, sniff, sniff::SNIFF_LEN};
use crate::document::with_causes;
use crate::facts::Reading;
use crate::report::{Baseline, Finding, Kept, check_environment, check_settings};
use crate::rules::RuleSet;
use crate::settings::{FILE_NAME, Settings};
use crate::{Request, Scanned};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Configuration that ships with the binaries in its folder and below.
const CARRIERS: [&str; 4] = ["web.config", "app.config", "appsettings.json", "ServiceDefinition.csdef"];
/// Project files: what they build has their name unless they say otherwise.
const PROJECTS: [&str; 4] = ["csproj", "vbproj", "fsproj", "vcxproj"];

/// What a team decided for a folder, as far as it can be used.
pub(super) struct Decisions {
    settings: Settings,
    rules: RuleSet,
    baseline: Option<Baseline>,
    /// The settings file, if there is one.
    file: Option<PathBuf>,
    /// What could not be used, for the person at the editor.
    pub(super) problem: Option<String>,
}

impl Decisions {
    /// Reads the settings of a folder. What is wrong with them is kept as a problem, and the defaults hold instead.
    pub(super) fn load(folder: &Path) -> Option<Decisions> {
        let mut problem = None;
        let mut usable = |result: Result<(), String>| problem = problem.take().or(result.err());
        let mut settings = Settings::default();
        let file = Settings::find(folder).map(|file| std::path::absolute(&file).unwrap_or(file));
        if let Some(file) = &file {
            let loaded = Settings::load_all(file).map_err(|e| with_causes(&e));
            usable(loaded.and_then(|(read, mistakes)| match mistakes.as_slice() {
                [] => {
                    settings = read;
                    Ok(())
                }
                [only] => Err(only.to_string()),
                [first, rest @ ..] => Err(format!("{first}, and {} more", rest.len())),
            }));
        }
        let mut rules = RuleSet::embedded().ok()?;
        if let Some(own) = &settings.rules_folder {
            usable(rules.clone().with_folder(own).map(|r| rules = r).map_err(|e| with_causes(&e)));
        }
        let mut baseline = None;
        if let Some(file) = &settings.baseline {
            usable(Baseline::load(file).map(|b| baseline = Some(b)).map_err(|e| with_causes(&e)));
        }
        if let Err(wrong) = check_settings(&settings, &rules) {
            usable(Err(with_causes(&wrong)));
            settings = Settings::default();
        }
        Some(Decisions { settings, rules, baseline, file, problem })
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The cache, under the same conditions as for a check.
    fn cache(&self) -> Option<Cache> {
        let wanted = self.settings.cache.unwrap_or_else(cache::is_established);
        let folder = cache::user_folder().filter(|_| wanted)?;
        Cache::open(&folder, crate::catalog::HASH).ok()
    }

    fn request(&self, inputs: Vec<PathBuf>) -> Option<Request<'_>> {
        let targets = self.rules.choose_targets(&self.settings.targets).ok()?;
        let request = Request::new(inputs, &self.settings, &self.rules, targets);
        Some(Request { baseline: self.baseline.clone(), ..request })
    }
}

/// The result of scanning a folder.
pub(super) struct Scan {
    pub(super) decisions: Decisions,
    /// The folder; a file by itself has none.
    root: Option<PathBuf>,
    scanned: Scanned,
    judged: Option<Judged>,
    /// What it was found from.
    kept: Kept,
}

/// What was last found.
struct Judged {
    /// Readings of open files, over which it was found.
    over: Vec<Arc<Reading>>,
    findings: Vec<Arc<Finding>>,
}

/// An open file over what is on the disk.
#[derive(Clone)]
pub(super) struct Overlay {
    artifact: Artifact,
    kind: Kind,
    reading: Arc<Reading>,
}

impl Scan {
    /// Scans a folder. A broken folder has nothing in it.
    pub(super) fn of_folder(folder: &Path) -> Option<Scan> {
        let mut decisions = Decisions::load(folder)?;
        let cache = decisions.cache();
        let mut request = decisions.request(vec![folder.to_path_buf()])?;
        request.reading.memory = cache.as_ref().map(|c| c as &dyn crate::read::Memory);
        let result = crate::read(&request);
        let mut scanned = result.unwrap_or_else(|error| {
            decisions.problem.get_or_insert(with_causes(&error));
            Scanned::default()
        });
        if let Err(wrong) = check_environment(&decisions.settings, &crate::link::environments(&scanned.read.readings)) {
            decisions.problem.get_or_insert(with_causes(&wrong));
            decisions.settings.environment = None;
            // Layers of configuration were laid for an environment that there is not.
            let request = decisions.request(vec![folder.to_path_buf()])?;
            scanned = crate::read(&request).unwrap_or_default();
        }
        Some(Scan { decisions, root: Some(folder.to_path_buf()), scanned, judged: None, kept: Kept::default() })
    }

    /// A file that belongs to no folder of the workspace is an application by itself.
    pub(super) fn of_loose_file(file: &Path) -> Option<Scan> {
        let (decisions, scanned) = (Decisions::load(file)?, Scanned::default());
        Some(Scan { decisions, root: None, scanned, judged: None, kept: Kept::default() })
    }

    /// Reads the text of an open file as the artifact it will be when it is saved.
    pub(super) fn overlay(&self, file: &Path, text: &str) -> Option<Overlay> {
        let path = display_path(file);
        let known = self.scanned.app.find(&path).cloned();
        let file_name = || Path::new(file.file_name().unwrap_or_default());
        let artifact = known.unwrap_or_else(|| Artifact {
            name: display_path(
                self.root.as_deref().and_then(|root| file.strip_prefix(root).ok()).unwrap_or_else(file_name),
            ),
            path,
            file: file.to_path_buf(),
            size: text.len() as u64,
            part: None,
        });
        let head = text.as_bytes().get(..SNIFF_LEN).unwrap_or(text.as_bytes());
        let kind = sniff(head, artifact.file_name()).filter(|k| !matches!(k, Kind::Pe | Kind::Assembly))?;
        let reading = crate::read::read_bytes(&self.scanned.app, &artifact, kind, text.as_bytes());
        Some(Overlay { artifact, kind, reading: Arc::new(reading) })
    }

    /// What the folder's check finds, as of the last time it was judged.
    pub(super) fn findings(&self) -> Option<&[Arc<Finding>]> {
        self.judged.as_ref().map(|judged| judged.findings.as_slice())
    }

    /// Joins and judges the folder with the open files over it. An edit that the readers do not see, as within a comment,
    /// changes nothing.
    pub(super) fn judge(&mut self, mut overlays: Vec<&Overlay>) {
        overlays.sort_by(|a, b| a.artifact.path.cmp(&b.artifact.path));
        let same = |Judged { over, .. }: &Judged| {
            over.len() == overlays.len() && over.iter().zip(&overlays).all(|(b, o)| *b == o.reading)
        };
        if !self.judged.as_ref().is_some_and(same) {
            let mut kept = std::mem::take(&mut self.kept);
            let findings = self.judge_again(&overlays, &mut kept);
            self.kept = kept;
            let over = overlays.into_iter().map(|o| Arc::clone(&o.reading)).collect();
            let judged =
                |findings: Vec<Finding>| Judged { over, findings: findings.into_iter().map(Arc::new).collect() };
            self.judged = findings.map(judged);
        }
    }

    fn judge_again(&self, overlays: &[&Overlay], kept: &mut Kept) -> Option<Vec<Finding>> {
        let Scanned { app, read } = &self.scanned;
        let over: HashMap<&str, &Overlay> = overlays.iter().map(|o| (o.artifact.path.as_str(), *o)).collect();
        let on_disk = read.readings.iter().filter(|r| !over.contains_key(r.artifact.as_str()));
        let mut readings: Vec<Reading> =
            on_disk.cloned().chain(overlays.iter().map(|o| o.reading.as_ref().clone())).collect();
        readings.sort_by(|a, b| a.artifact.cmp(&b.artifact));
        let request = self.decisions.request(self.root.iter().cloned().collect())?;
        let added: Vec<_> =
            overlays.iter().map(|o| &o.artifact).filter(|a| app.find(&a.path).is_none()).cloned().collect();
        if added.is_empty() {
            return crate::judge_again(&request, app, readings, kept).ok();
        }
        let artifacts = app.artifacts.iter().cloned().chain(added).collect();
        let app = Application::new(artifacts, app.skipped.clone());
        crate::judge_again(&request, &app, readings, kept).ok()
    }

    /// The settings file that holds for the folder, or where it would be.
    pub(super) fn settings_file(&self, folder: &Path) -> PathBuf {
        let file = Settings::find(folder).unwrap_or_else(|| folder.join(FILE_NAME));
        std::path::absolute(&file).unwrap_or(file)
    }

    /// The artifact of a path, with its name inside the application.
    pub(super) fn name_of<'a>(&'a self, path: &'a str) -> &'a str {
        self.scanned.app.name_of(path)
    }

    /// The name of an artifact as the next scan will know it, of a file that is new or not saved yet too.
    pub(super) fn name_inside(&self, path: &str) -> String {
        match (self.scanned.app.find(path), self.root.as_deref()) {
            (Some(artifact), _) => artifact.name.clone(),
            (None, Some(root)) => {
                let (root, file) = (display_path(root), path.to_owned());
                let inside = file.strip_prefix(&root).map(|rest| rest.trim_start_matches('/').to_owned());
                inside.unwrap_or(file)
            }
            (None, None) => path.rsplit('/').next().unwrap_or(path).to_owned(),
        }
    }

    /// The text artifact that ships with a binary, on which its findings can be shown: its own configuration, the nearest
    /// configuration above it, the project of its name, or the settings of the folder.
    pub(super) fn carrier(&self, binary: &str) -> Option<&Path> {
        let app = &self.scanned.app;
        // Of a member, what the package ships with.
        let binary = binary.split(MEMBER).next().unwrap_or(binary);
        let above = || {
            let folders = std::iter::successors(binary.rsplit_once('/'), |(folder, _)| folder.rsplit_once('/'));
            let mut named = folders.flat_map(|(folder, _)| CARRIERS.map(|name| format!("{folder}/{name}")));
            named.find_map(|path| app.find(&path))
        };
        let project = || {
            let name = binary.rsplit('/').next().unwrap_or(binary);
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            let of_name = |a: &&Artifact| {
                let parts = a.file_name().rsplit_once('.');
                parts.is_some_and(|(s, end)| s.eq_ignore_ascii_case(stem) && PROJECTS.contains(&end))
            };
            app.artifacts.iter().find(of_name)
        };
        let found = app.find(&format!("{binary}.config")).or_else(project).or_else(above);
        found.map(|a| a.file.as_path()).or(self.decisions.file.as_deref())
    }

    /// The file of an artifact, as it is on the disk.
    pub(super) fn file(&self, artifact: &str) -> Option<&Path> {
        self.scanned.app.find(artifact).map(|a| a.file.as_path())
    }
}

impl Overlay {
    /// The syntax it was read as.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
}
