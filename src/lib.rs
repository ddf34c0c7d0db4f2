//! wipeproof: a statelessness linter.
//!
//! Before a Windows application is uploaded to a platform that may restart, reimage or move its machine at any time,
//! wipeproof reads the application's binaries, configuration and install scripts and says what would be lost, when,
//! and what to do instead.
//!
//! Data flows one way, and each step is a module that uses only the ones before it:
//!
//! ```text
//! discover ──► read ──► link ──► judge ──► report ──► output
//! Artifact     Fact     Fact     Finding   Report     bytes
//! ```
//!
//! * [`facts`] is the vocabulary: effects on state, clues, locations with holes, phases, and their text listing.
//! * [`mod@discover`] walks the inputs and tells formats by their first bytes.
//! * [`mod@read`] has one folder per format family; a reader turns bytes into facts and never fails whole.
//!   What an API, command or key does is data in [`catalog`].
//! * [`link`] joins facts across artifacts: configuration into code, who starts whom, baked and written.
//! * [`rules`] holds rules and target profiles, [`settings`] what a team decided.
//! * [`mod@judge`] is a pure function of effect, rule and target: what becomes of it at each event, and how much that
//!   weighs.
//! * [`report`] puts everything into one order, with the inventory of state and a verdict per target.
//! * [`output`] renders a report; one file per format.
//! * [`cache`] remembers what was read and judged, when somebody wants that.
//! * [`cli`] and [`lsp`] are thin faces over [`scan`].
//!
//! [`scan`] is the whole pipeline:

pub mod cache;
pub mod catalog;
pub mod cli;
pub mod discover;
pub mod document;
pub mod escape;
pub mod facts;
pub mod judge;
pub mod link;
pub mod lsp;
pub mod output;
pub mod read;
pub mod report;
pub mod rules;
pub mod settings;

use report::{Policy, PolicyError, Report};
use rules::{RuleSet, Target};
use settings::{Date, Settings};
use std::path::PathBuf;

/// What to scan, and how.
pub struct Request<'a> {
    /// Files and folders.
    pub inputs: Vec<PathBuf>,
    /// The team's decisions.
    pub settings: &'a Settings,
    /// Rules and targets.
    pub rules: &'a RuleSet,
    /// Targets to judge for; at least one.
    pub targets: Vec<&'a Target>,
    /// Count capabilities as findings.
    pub pedantic: bool,
    /// Honour allowances and the baseline.
    pub suppress: bool,
    /// What an earlier scan knew.
    pub baseline: Option<report::Baseline>,
    /// Memory of earlier scans, and who counts.
    pub reading: read::Options<'a>,
    /// The day against which allowances expire.
    pub today: Date,
    /// Files and folders of the tool itself, which are no part of the application: settings, baseline, rules, reports.
    pub own: Vec<PathBuf>,
}

impl<'a> Request<'a> {
    /// A scan that honours what the settings say, today, without a baseline or a memory.
    pub fn new(inputs: Vec<PathBuf>, settings: &'a Settings, rules: &'a RuleSet, targets: Vec<&'a Target>) -> Self {
        let source = settings.source.as_ref().map(|s| PathBuf::from(&s.name));
        let own = source.into_iter().chain(settings.baseline.clone()).chain(settings.rules_folder.clone()).collect();
        Request {
            inputs,
            settings,
            rules,
            targets,
            pedantic: false,
            suppress: true,
            baseline: None,
            reading: read::Options::default(),
            today: Date::today(),
            own,
        }
    }
}

impl Request<'_> {
    /// The folder of the settings is scanned, not only a part of it: settings above an input may speak of its siblings.
    fn is_whole(&self) -> bool {
        let absolute = |path: &std::path::Path| path.canonicalize().ok();
        let source = self.settings.source.as_ref().and_then(|s| absolute(s.name.as_ref()));
        let contains = |file: &PathBuf| self.inputs.iter().filter_map(|i| absolute(i)).any(|i| file.starts_with(i));
        source.as_ref().is_some_and(contains)
    }

    /// Identifies all that decides what is said of the same files.
    fn identity(&self) -> Option<[u8; 32]> {
        let targets: Vec<&str> = self.targets.iter().map(|t| t.id.as_str()).collect();
        let source = self.settings.source.as_ref().map(|s| (&s.name, &s.text));
        let decisions = (self.settings, source, self.rules.hash(), targets, self.pedantic, self.suppress);
        let bytes = serde_json::to_vec(&(decisions, &self.baseline, self.today, self.is_whole())).ok()?;
        Some(blake3::hash(&bytes).into())
    }
}

/// A scan that could not start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ScanError {
    /// An input that is not there.
    #[error(transparent)]
    #[diagnostic(help("check the path; `wipeproof check` without a path scans the current folder"))]
    Input(#[from] discover::WalkError),
    /// A decision that names something that does not exist.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(#[from] PolicyError),
}

/// An application with what its readers saw, before anything is joined or judged.
#[derive(Clone, Debug, Default)]
pub struct Scanned {
    /// Its files.
    pub app: discover::Application,
    /// What was read.
    pub read: read::Readings,
}

impl Scanned {
    fn new(mut app: discover::Application, mut read: read::Readings) -> Self {
        app.adopt(std::mem::take(&mut read.members));
        Scanned { app, read }
    }
}

/// Scans an application: discover, read, link, judge, report.
///
/// # Errors
/// Inputs that are not there and decisions that name nothing; whatever goes wrong with a single artifact is in the
/// report instead.
pub fn scan(request: &Request<'_>) -> Result<Report, ScanError> {
    let (app, reading) = discover(request)?;
    let Some((known, decisions)) = read::Known::new(&app, &reading).zip(request.identity()) else {
        return judge(request, read_discovered(app, reading));
    };
    // Whoever decides the same of the same files gets the same answer.
    if let Some(report) = known.recall_answer(&decisions).and_then(|bytes| Report::unpack(&bytes)) {
        return Ok(report);
    }
    let (read, state) = read::read_known(&app, reading, Some(&known));
    let report = judge(request, Scanned::new(app.clone(), read))?;
    if let (Some(state), Some(bytes)) = (state, report.pack()) {
        known.keep_answer(&decisions, &state, &bytes);
    }
    Ok(report)
}

/// The first half of a scan: discover and read.
///
/// # Errors
/// Inputs that are not there, exclusions that are no globs.
pub fn read(request: &Request<'_>) -> Result<Scanned, ScanError> {
    let (app, reading) = discover(request)?;
    Ok(read_discovered(app, reading))
}

fn read_discovered(app: discover::Application, reading: read::Options<'_>) -> Scanned {
    let read = read::read_all_with(&app, reading);
    Scanned::new(app, read)
}

/// The files, and how to read them.
fn discover<'a>(request: &Request<'a>) -> Result<(discover::Application, read::Options<'a>), ScanError> {
    let settings = request.settings;
    let options = discover::WalkOptions {
        exclude: report::globs(&settings.exclude, "exclude")?,
        respect_gitignore: settings.respect_gitignore,
        threads: 0,
        own: request.own.clone(),
    };
    let mut app = discover::walk(&request.inputs, &options)?;
    app.environment.clone_from(&settings.environment);
    Ok((app, read::Options { insides: settings.third_party.include, ..request.reading }))
}

/// The second half of a scan: link, judge, report.
///
/// # Errors
/// Decisions that name nothing.
pub fn judge(request: &Request<'_>, scanned: Scanned) -> Result<Report, ScanError> {
    let Request { settings, rules, targets, .. } = request;
    let policy = policy(request)?;
    let Scanned { app, mut read } = scanned;
    report::check_environment(settings, &link::environments(&read.readings))?;
    link::link(&mut read.readings, &link::Context { settings, app: &app }, rules);
    let judged = judge::judge(&read.readings, rules, targets);
    Ok(report::assemble(report::Parts {
        readings: &read.readings,
        judged: &judged,
        skipped: read.skipped,
        input: read.input,
        rules,
        targets,
        policy: &policy,
        pedantic: request.pedantic,
        app: &app,
    }))
}

/// The findings of [`judge()`], and nothing else of its report, for an application of which few artifacts have changed since
/// the last time: what was kept of the others is used again. The decisions and the files must be those of that time.
///
/// # Errors
/// Decisions that name nothing.
pub fn judge_again(
    request: &Request<'_>,
    app: &discover::Application,
    mut readings: Vec<facts::Reading>,
    kept: &mut report::Kept,
) -> Result<Vec<report::Finding>, ScanError> {
    let Request { settings, rules, targets, pedantic, .. } = request;
    let policy = policy(request)?;
    report::check_environment(settings, &link::environments(&readings))?;
    link::link(&mut readings, &link::Context { settings, app }, rules);
    Ok(kept.findings(report::Again { readings, rules, targets, policy: &policy, pedantic: *pedantic, app }))
}

fn policy(request: &Request<'_>) -> Result<Policy, PolicyError> {
    Ok(Policy::new(request.settings, request.rules, request.today)?
        .with_baseline(request.baseline.clone())
        .suppressing(request.suppress)
        .of_the_whole(request.is_whole()))
}
