//! `wipeproof check`: the main job.

use super::args::{Check, Color, FailOn};
use super::{Failure, Status, WriteError};
use crate::output::{self, FileSources, Format, Style};
use crate::report::{Baseline, Report};
use crate::rules::{RuleSet, Severity, Target};
use crate::settings::{Date, Settings};
use crate::{Request, scan};
use miette::miette;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::PathBuf;
use strum::IntoEnumIterator as _;

/// The platform the tool was first made for.
const DEFAULT_TARGET: &str = "vm-role";

pub(super) fn check(args: &Check) -> Result<Status, Failure> {
    let settings = settings(args)?;
    let rules = rules(&settings)?;
    let targets = targets(&settings, &rules)?;
    let outputs = outputs(&args.outputs)?;
    let request = Request {
        inputs: args.paths.clone(),
        settings: &settings,
        rules: &rules,
        targets,
        pedantic: args.pedantic,
        suppress: !args.no_suppress,
        baseline: settings.baseline.as_deref().map(Baseline::load).transpose()?,
        today: Date::today(),
    };
    let report = scan(&request)?;
    for output in &outputs {
        write(output, &report, &rules, args)?;
    }
    Ok(status(&report, &settings, args))
}

/// The settings in force: the file, then the command line over it.
pub(super) fn settings(args: &Check) -> Result<Settings, Failure> {
    let file = match &args.config {
        Some(file) => Some(file.clone()),
        None if args.no_config => None,
        None => args.paths.first().and_then(|p| Settings::find(p)),
    };
    let mut settings = match file {
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
    if args.baseline.is_some() {
        settings.baseline.clone_from(&args.baseline);
    }
    settings.respect_gitignore |= args.respect_gitignore;
    settings.third_party.include |= args.include_third_party;
    Ok(settings)
}

fn rules(settings: &Settings) -> Result<RuleSet, Failure> {
    let rules = RuleSet::embedded()?;
    Ok(match &settings.rules_folder {
        Some(folder) => rules.with_folder(folder)?,
        None => rules,
    })
}

fn targets<'a>(settings: &Settings, rules: &'a RuleSet) -> Result<Vec<&'a Target>, Failure> {
    let default = [DEFAULT_TARGET.to_owned()];
    let names = if settings.targets.is_empty() { &default[..] } else { &settings.targets };
    let mut targets: Vec<&Target> = Vec::new();
    for name in names {
        let target = rules.target(name).ok_or_else(|| {
            let near = rules.nearest_target(name).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
            miette!(help = format!("{near}`wipeproof targets` lists them"), "there is no target {name:?}")
        })?;
        if !targets.iter().any(|t| t.id == target.id) {
            targets.push(target);
        }
    }
    Ok(targets)
}

/// A format and where it goes.
struct Output {
    format: Format,
    file: Option<PathBuf>,
}

fn outputs(arguments: &[String]) -> Result<Vec<Output>, Failure> {
    if arguments.is_empty() {
        return Ok(vec![Output { format: Format::Pretty, file: None }]);
    }
    let parse = |argument: &String| {
        let (name, file) = match argument.split_once('=') {
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (argument.as_str(), None),
        };
        let format = name.parse().map_err(|_| {
            let names: Vec<&str> = Format::iter().map(Into::into).collect();
            miette!(help = format!("formats are: {}", names.join(", ")), "there is no output format {name:?}")
        })?;
        Ok(Output { format, file })
    };
    arguments.iter().map(parse).collect()
}

fn write(output: &Output, report: &Report, rules: &RuleSet, args: &Check) -> Result<(), Failure> {
    match &output.file {
        Some(path) => {
            let style = Style { verbose: args.verbose, ..Style::default() };
            let context = output::Context { rules, style, sources: &FileSources };
            let to_file = || {
                let mut file = BufWriter::new(File::create(path)?);
                output::write(output.format, report, &context, &mut file)?;
                file.flush()
            };
            to_file().map_err(|source| WriteError { to: path.display().to_string(), source }.into())
        }
        None => {
            let context = output::Context { rules, style: terminal_style(args), sources: &FileSources };
            let mut stdout = BufWriter::new(io::stdout().lock());
            let written = output::write(output.format, report, &context, &mut stdout).and_then(|()| stdout.flush());
            written.map_err(|e| WriteError::stdout(e).into())
        }
    }
}

fn terminal_style(args: &Check) -> Style {
    let terminal = io::stdout().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let color = match args.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !no_color,
    };
    // What miette's own errors look at, too.
    let narrated = std::env::var_os("NO_GRAPHICS").is_some_and(|v| v != "0");
    let size = if terminal { terminal_size::terminal_size() } else { None };
    let fallback = Style::default();
    let (width, height) = size.map_or((fallback.width, fallback.height), |(w, h)| (w.0.into(), h.0.into()));
    let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(width).clamp(30, 120);
    Style { color, hyperlinks: color && terminal, narrated, width, height, verbose: args.verbose }
}

fn status(report: &Report, settings: &Settings, args: &Check) -> Status {
    let fail_on = match args.fail_on {
        Some(FailOn::Never) => None,
        Some(FailOn::Error) => Some(Severity::Error),
        Some(FailOn::Warning) => Some(Severity::Warning),
        Some(FailOn::Note) => Some(Severity::Note),
        None => match settings.fail_on {
            Some(Severity::Off) => None,
            other => Some(other.unwrap_or(Severity::Warning)),
        },
    };
    if report.is_empty() {
        Status::Nothing
    } else if fail_on.is_some_and(|severity| report.count_at_least(severity) > 0) {
        Status::Findings
    } else if args.strict && report.is_incomplete() {
        Status::Incomplete
    } else {
        Status::Clean
    }
}
