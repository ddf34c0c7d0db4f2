//! What commands that scan have in common: settings, rules, cache, request.

use super::Failure;
use super::args::Scan;
use crate::Request;
use crate::cache::{self, Cache};
use crate::discover::WalkError;
use crate::document::{DocumentError, Word};
use crate::output::style::one_line;
use crate::report::{Baseline, BaselineError};
use crate::rules::{RuleSet, RuleSetError};
use crate::settings::Settings;
use crate::{read, report};
use std::path::{Path, PathBuf};

/// The settings file that holds for a scan.
pub(super) fn settings_file(args: &Scan) -> Option<PathBuf> {
    match &args.config {
        Some(file) => Some(file.clone()),
        None if args.no_config => None,
        None => args.paths.first().and_then(|p| Settings::find(p)),
    }
}

/// The settings of the first path hold for all: whoever has others is told.
fn tell_other_settings(args: &Scan, used: Option<&Path>) {
    if args.config.is_some() || args.no_config {
        return;
    }
    let whole = |file: &Path| file.canonicalize().ok();
    for path in args.paths.iter().skip(1) {
        let Some(other) = Settings::find(path).filter(|file| whole(file) != used.and_then(whole)) else { continue };
        let other = one_line(&other.display().to_string());
        let used =
            used.map_or("no settings hold".to_owned(), |f| format!("{} holds", one_line(&f.display().to_string())));
        super::tell(&format!(
            "warning: {other} is not used, because the first path decides and {used} for all; check {} by itself, or name \
             the settings with --config\n",
            one_line(&path.display().to_string())
        ));
    }
}

/// Refuses paths that are not there, as a scan does.
pub(super) fn inputs(args: &Scan) -> Result<(), Failure> {
    for path in &args.paths {
        let there = std::fs::metadata(path).map_err(|source| WalkError { path: path.clone(), source });
        there.map_err(crate::ScanError::from)?;
    }
    Ok(())
}

/// The settings in force: the file, then the command line over it.
pub(super) fn settings(args: &Scan) -> Result<Settings, Failure> {
    let file = settings_file(args);
    tell_other_settings(args, file.as_deref());
    let mut settings = match file {
        Some(file) => load(&file)?,
        None => Settings::default(),
    };
    if !args.targets.is_empty() {
        settings.targets.clone_from(&args.targets);
    }
    if args.rules_folder.is_some() {
        settings.rules_folder.clone_from(&args.rules_folder);
    }
    if args.environment.is_some() {
        settings.environment.clone_from(&args.environment);
    }
    settings.respect_gitignore |= args.respect_gitignore;
    settings.third_party.include |= args.include_third_party;
    Ok(settings)
}

/// Reads a settings file. All that is wrong with it is told at once, rules and platforms that do not exist included.
fn load(file: &Path) -> Result<Settings, Failure> {
    let (settings, mut mistakes) = Settings::load_all(file)?;
    let rules = RuleSet::embedded()?;
    let own = settings.rules_folder.as_ref();
    if let Some(rules) = own.map_or(Some(rules.clone()), |folder| rules.with_folder(folder).ok()) {
        mistakes.extend(report::mistakes(&settings, &rules));
    }
    match DocumentError::together(mistakes) {
        Some(error) => Err((*error).into()),
        None => Ok(settings),
    }
}

/// The shipped rules and the team's own.
pub(super) fn rules(settings: &Settings) -> Result<RuleSet, Failure> {
    let rules = RuleSet::embedded()?;
    Ok(match &settings.rules_folder {
        Some(folder) => rules.with_folder(folder).map_err(|error| match error {
            RuleSetError::Io { .. } => named_in(settings, "rules-folder", error.into()),
            error => error.into(),
        })?,
        None => rules,
    })
}

/// The baseline that settings or the command line name, with a warning if it is one of another folder.
pub(super) fn baseline_for(args: &Scan, settings: &Settings) -> Result<Option<Baseline>, Failure> {
    let baseline = baseline(settings)?;
    let then = baseline.as_ref().and_then(Baseline::root);
    let now = settings.baseline.as_deref().and_then(|file| root_below(file, &args.paths));
    if let (Some(then), Some(now), Some(file)) = (then, now, &settings.baseline)
        && then != now
    {
        let file = one_line(&file.display().to_string());
        let (then, now) = (one_line(then), one_line(&now));
        super::tell(&format!(
            "warning: the baseline {file} was written for {then}, and this is {now}: files of the same name in both are \
             taken for the same; write one for {now} with `wipeproof baseline write`\n"
        ));
    }
    Ok(baseline)
}

/// What is scanned, seen from the folder of a file; nothing if it does not lie there.
pub(super) fn root_below(file: &Path, paths: &[PathBuf]) -> Option<String> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().ok()?;
    let below = |path: &PathBuf| {
        let path = path.canonicalize().ok()?;
        let inner = crate::discover::display_path(path.strip_prefix(&folder).ok()?);
        Some(if inner.is_empty() { ".".to_owned() } else { inner })
    };
    let mut roots = paths.iter().map(below).collect::<Option<Vec<String>>>()?;
    roots.sort();
    Some(roots.join(", "))
}

/// The baseline that settings or the command line name.
fn baseline(settings: &Settings) -> Result<Option<Baseline>, Failure> {
    let load = |file: &PathBuf| {
        Baseline::load(file).map_err(|error| match error {
            BaselineError::Io { .. } => named_in(settings, "baseline", error.into()),
            error => error.into(),
        })
    };
    settings.baseline.as_ref().map(load).transpose()
}

/// A file that cannot be read, shown where the settings name it, if they do.
fn named_in(settings: &Settings, key: &str, failure: Failure) -> Failure {
    let causes: Vec<String> = failure.chain().map(ToString::to_string).collect();
    let help = failure.help().map(|help| help.to_string());
    let is_named = |word: &Word| word.path == [key];
    match settings.refuse(is_named, &causes.join(": "), help.as_deref()) {
        Some(error) => (*error).into(),
        None => failure,
    }
}

/// The cache, if somebody wants one: nothing is written to a place that nobody named or set up. One that cannot be used
/// makes a check slower, not wrong, so it is no reason to fail.
pub(super) fn cache(args: &Scan, settings: &Settings) -> Option<Cache> {
    let wanted = args.cache || settings.cache == Some(true);
    let refused = args.no_cache || (settings.cache == Some(false) && !args.cache);
    let folder = match &args.cache_dir {
        Some(folder) => Some(folder.clone()),
        None if !refused && (wanted || cache::is_established()) => cache::user_folder(),
        None => None,
    };
    let opened = |folder: PathBuf| match Cache::open(&folder, crate::catalog::HASH) {
        Ok(cache) => Some(cache),
        Err(error) => {
            let folder = one_line(&folder.display().to_string());
            super::tell(&format!("warning: no cache in {folder}: {error}; the check goes on without one\n"));
            None
        }
    };
    folder.and_then(opened)
}

/// How to read.
pub(super) fn reading<'a>(cache: Option<&'a Cache>, progress: &'a read::Progress) -> read::Options<'a> {
    read::Options {
        memory: cache.map(|c| c as &dyn read::Memory),
        progress: Some(progress),
        ..read::Options::default()
    }
}

/// The request for a scan that honours allowances. `own` are files that this command reads or writes besides the
/// application.
pub(super) fn request<'a>(
    args: &Scan,
    settings: &'a Settings,
    rules: &'a RuleSet,
    reading: read::Options<'a>,
    own: &[PathBuf],
) -> Result<Request<'a>, Failure> {
    report::check_settings(settings, rules)?;
    let targets = rules.choose_targets(&settings.targets)?;
    let mut request = Request::new(args.paths.clone(), settings, rules, targets);
    // The cache is known by a tag in it; these are named here and now.
    request.own.extend(own.iter().cloned());
    Ok(Request { pedantic: args.pedantic, reading, ..request })
}
