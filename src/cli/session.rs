//! What commands that scan have in common: settings, rules, cache, request.

use super::Failure;
use super::args::Scan;
use crate::Request;
use crate::cache::{self, Cache};
use crate::document::Word;
use crate::report::{Baseline, BaselineError};
use crate::rules::{RuleSet, RuleSetError};
use crate::settings::Settings;
use crate::{read, report};
use miette::{IntoDiagnostic as _, WrapErr as _};
use std::path::PathBuf;

/// The settings file that holds for a scan.
pub(super) fn settings_file(args: &Scan) -> Option<PathBuf> {
    match &args.config {
        Some(file) => Some(file.clone()),
        None if args.no_config => None,
        None => args.paths.first().and_then(|p| Settings::find(p)),
    }
}

/// The settings in force: the file, then the command line over it.
pub(super) fn settings(args: &Scan) -> Result<Settings, Failure> {
    let mut settings = match settings_file(args) {
        Some(file) => Settings::load(&file)?,
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

/// The baseline that settings or the command line name.
pub(super) fn baseline(settings: &Settings) -> Result<Option<Baseline>, Failure> {
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

/// The cache, if somebody wants one: nothing is written to a place that nobody named or set up.
pub(super) fn cache(args: &Scan, settings: &Settings) -> Result<Option<Cache>, Failure> {
    let wanted = args.cache || settings.cache == Some(true);
    let refused = args.no_cache || (settings.cache == Some(false) && !args.cache);
    let folder = match &args.cache_dir {
        Some(folder) => Some(folder.clone()),
        None if !refused && (wanted || cache::is_established()) => cache::user_folder(),
        None => None,
    };
    let Some(folder) = folder else { return Ok(None) };
    let cache = Cache::open(&folder, crate::catalog::HASH)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot make the cache folder {}; `--no-cache` does without", folder.display()))?;
    Ok(Some(cache))
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
