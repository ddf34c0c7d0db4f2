//! `wipeproof check`: the main job.

use super::args::{Check, Color, FailOn};
use super::{Failure, Status, WriteError, counted, invocation, is_closed_pipe, progress, session, tell, watch};
use crate::discover::{WalkOptions, walk};
use crate::document::nearest;
use crate::output::style::one_line;
use crate::output::{self, FileSources, Format, Style};
use crate::read::read_all;
use crate::report::{BaselineSummary, Finding, Report};
use crate::rules::Severity;
use crate::scan;
use crate::settings::Settings;
use miette::miette;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use strum::IntoEnumIterator as _;

/// Entries of a list on standard error.
const MAX_TOLD: usize = 5;

pub(super) fn check(args: &Check) -> Result<Status, Failure> {
    if args.watch { watch::watch(args, || check_once(args)) } else { check_once(args) }
}

fn check_once(args: &Check) -> Result<Status, Failure> {
    let mut settings = session::settings(&args.scan)?;
    if args.baseline.is_some() {
        settings.baseline.clone_from(&args.baseline);
    }
    let rules = session::rules(&settings)?;
    let outputs = outputs(&args.outputs)?;
    for file in outputs.iter().filter_map(|o| o.file.as_deref()) {
        spare(file, &args.scan.paths)?;
    }
    let cache = session::cache(&args.scan, &settings);
    let own: Vec<PathBuf> = outputs.iter().filter_map(|o| o.file.clone()).chain(args.since.clone()).collect();
    let since = args.since.as_deref().map(Report::load).transpose()?;
    let report = progress::during(!args.scan.no_progress, |progress| {
        let reading = session::reading(cache.as_ref(), progress);
        let mut request = session::request(&args.scan, &settings, &rules, reading, &own)?;
        request.suppress = !args.no_suppress;
        request.baseline = if args.no_suppress { None } else { session::baseline_for(&args.scan, &settings)? };
        Ok::<_, Failure>(scan(&request)?)
    })?;
    let earlier = since.or_else(|| settings.baseline.as_deref().and_then(|file| Report::load(file).ok()));
    let subject = subject(&args.scan.paths);
    let invocation = invocation::of(args);
    let context = |style| output::Context {
        rules: &rules,
        style,
        sources: &FileSources,
        subject: subject.as_deref(),
        earlier: earlier.as_ref(),
        fails_at: fail_on(&settings, args).unwrap_or(Severity::Error),
        invocation: Some(&invocation),
    };
    // Files first: a reader of standard output that goes away must not take them along, nor the status.
    let (to_files, to_stdout): (Vec<&Output>, Vec<&Output>) = outputs.iter().partition(|o| o.file.is_some());
    for output in to_files {
        write(output, &report, &context(Style { verbose: args.verbose, ..Style::default() }))?;
    }
    let status = status(&report, &settings, args);
    for output in to_stdout {
        match write(output, &report, &context(terminal_style(args))) {
            // Watching has no end but this one.
            Err(failure) if is_closed_pipe(&failure) && !args.watch => return Ok(status),
            written => written?,
        }
    }
    if let Some(summary) = &report.baseline {
        tell_baseline(summary, args.verbose);
    }
    if let (Some(file), Some(earlier)) = (&args.since, &earlier) {
        tell_since(&report, earlier, file, args.verbose);
    }
    if status == Status::Incomplete {
        tell_incomplete(&report);
    }
    Ok(status)
}

/// Why a strict check fails without a finding.
fn tell_incomplete(report: &Report) {
    let unseen: Vec<_> = report.incomplete().collect();
    let count = unseen.iter().map(|n| &n.artifact).collect::<HashSet<_>>().len();
    let files = counted(count, "file", "files");
    let mut text = format!("incomplete, so --strict fails: {files} could not be read whole\n");
    for note in unseen.iter().take(MAX_TOLD) {
        let _ = writeln!(text, "  {}: {}", one_line(&note.artifact), one_line(&note.text));
    }
    if unseen.len() > MAX_TOLD {
        let _ = writeln!(text, "  and {} more", unseen.len() - MAX_TOLD);
    }
    tell(&text);
}

/// How the findings compare with the baseline: for people, beside whatever the formats say.
fn tell_baseline(summary: &BaselineSummary, verbose: bool) {
    let BaselineSummary { file, known, new, fixed, stale } = summary;
    let (gone, left) = (fixed.len(), stale.len());
    let mut text = format!("baseline {file}: {new} new, {known} known, {gone} fixed, {left} stale\n");
    let entries = fixed.iter().map(|e| ("fixed", e)).chain(stale.iter().map(|e| ("stale", e)));
    let shown = if verbose { usize::MAX } else { MAX_TOLD };
    for (what, entry) in entries.take(shown) {
        let _ = writeln!(text, "  {what}: {}", one_line(&entry.to_string()));
    }
    if gone + left > shown {
        let _ = writeln!(text, "  and {} more; --verbose lists them", gone + left - shown);
    }
    if gone + left > 0 {
        text.push_str("  `wipeproof baseline write` drops what is fixed or stale\n");
    }
    tell(&text);
}

/// What changed since the earlier report, by fingerprints.
fn tell_since(report: &Report, earlier: &Report, file: &Path, verbose: bool) {
    let prints = |r: &Report| r.findings.iter().map(|f| f.fingerprint.clone()).collect::<HashSet<_>>();
    let (now, then) = (prints(report), prints(earlier));
    let new: Vec<&Finding> = report.findings.iter().filter(|f| !then.contains(&f.fingerprint)).collect();
    let gone: Vec<&Finding> = earlier.findings.iter().filter(|f| !now.contains(&f.fingerprint)).collect();
    let same = report.findings.len() - new.len();
    let file = one_line(&file.display().to_string());
    let mut text = format!("since {file}: {} new, {} gone, {same} as before\n", new.len(), gone.len());
    let shown = if verbose { usize::MAX } else { MAX_TOLD };
    for (what, findings) in [("new", new), ("gone", gone)] {
        for finding in findings.iter().take(shown) {
            let what_and_where = format!("{} {} {}", finding.rule, finding.artifact, finding.effect.location);
            let _ = writeln!(text, "  {what}: {}", one_line(&what_and_where));
        }
        if findings.len() > shown {
            let _ = writeln!(text, "  and {} more {what}; --verbose lists them", findings.len() - shown);
        }
    }
    tell(&text);
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
            let near =
                nearest(name, names.iter().copied()).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
            miette!(help = format!("{near}formats are: {}", names.join(", ")), "there is no output format {name:?}")
        })?;
        Ok(Output { format, file })
    };
    let outputs: Vec<Output> = arguments.iter().map(parse).collect::<Result<_, Failure>>()?;
    let mut places = HashSet::new();
    for output in &outputs {
        if places.insert(&output.file) {
            continue;
        }
        let name: &str = output.format.into();
        return Err(match &output.file {
            None => miette!(
                help = format!("give all but one a file: --output {name}=FILE"),
                "two formats would both go to standard output, where nobody can tell them apart"
            ),
            Some(file) => miette!(
                help = "give each format a file of its own",
                "two formats would both be written to {}",
                file.display()
            ),
        });
    }
    Ok(outputs)
}

/// Refuses to write a report over a file of the application: `json=Web.config` is a slip. Our own reports are no part of
/// it, and may be written again.
fn spare(file: &Path, inputs: &[PathBuf]) -> Result<(), Failure> {
    let Ok(whole) = file.canonicalize() else { return Ok(()) };
    let is_below = |input: &PathBuf| input.canonicalize().is_ok_and(|input| whole.starts_with(input));
    if !whole.is_file() || !inputs.iter().any(is_below) {
        return Ok(());
    }
    let app = walk(&[file.to_path_buf()], &WalkOptions::default()).map_err(crate::ScanError::from)?;
    if read_all(&app).readings.is_empty() {
        return Ok(());
    }
    Err(miette!(
        help = "give the report a name of its own; no report was written",
        "{} is a file of the application, and a report would replace it",
        file.display()
    ))
}

/// What is checked, by the names of its folders and files: the title of a report.
fn subject(paths: &[PathBuf]) -> Option<String> {
    let name = |path: &PathBuf| {
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        whole.file_name().map(|name| name.to_string_lossy().into_owned())
    };
    let names: Vec<String> = paths.iter().filter_map(name).collect();
    match names.as_slice() {
        [] => None,
        [first] => Some(first.clone()),
        [first, second] => Some(format!("{first} and {second}")),
        [first, rest @ ..] => Some(format!("{first} and {} more", rest.len())),
    }
}

fn write(output: &Output, report: &Report, context: &output::Context<'_>) -> Result<(), Failure> {
    match &output.file {
        Some(path) => {
            let to_file = || {
                let mut file = BufWriter::new(File::create(path)?);
                output::write(output.format, report, context, &mut file)?;
                file.flush()
            };
            to_file().map_err(|source| WriteError { to: path.display().to_string(), source }.into())
        }
        None => {
            let mut stdout = BufWriter::new(io::stdout().lock());
            let written = output::write(output.format, report, context, &mut stdout).and_then(|()| stdout.flush());
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

/// The lowest severity that makes the check fail.
fn fail_on(settings: &Settings, args: &Check) -> Option<Severity> {
    match args.fail_on {
        Some(FailOn::Never) => None,
        Some(FailOn::Error) => Some(Severity::Error),
        Some(FailOn::Warning) => Some(Severity::Warning),
        Some(FailOn::Note) => Some(Severity::Note),
        None => match settings.fail_on {
            Some(Severity::Off) => None,
            other => Some(other.unwrap_or(Severity::Warning)),
        },
    }
}

fn status(report: &Report, settings: &Settings, args: &Check) -> Status {
    if report.is_empty() {
        Status::Nothing
    } else if fail_on(settings, args).is_some_and(|severity| report.count_at_least(severity) > 0) {
        Status::Findings
    } else if args.strict && report.is_incomplete() {
        Status::Incomplete
    } else {
        Status::Clean
    }
}
