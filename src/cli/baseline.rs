//! `wipeproof baseline`: accept today's findings, and see what was accepted.

use super::args::{Baseline as Command, Scan};
use super::{Failure, Status, WriteError, counted, info, path_argument, progress, session, shown_argument};
use crate::output::style::one_line;
use crate::report::Baseline;
use std::fmt::Write as _;
use std::path::Path;

/// The file, where the settings name none.
const FILE_NAME: &str = "wipeproof-baseline.json";

pub(super) fn run(command: &Command) -> Result<Status, Failure> {
    match command {
        Command::Write { scan, file } => write(scan, file.as_deref()),
        Command::Show { file } => show(file),
    }
}

fn write(args: &Scan, file: Option<&Path>) -> Result<Status, Failure> {
    let settings = session::settings(args)?;
    let rules = session::rules(&settings)?;
    let cache = session::cache(args, &settings);
    let file = file.map(Path::to_path_buf).or_else(|| settings.baseline.clone()).unwrap_or_else(|| FILE_NAME.into());
    let own = [file.clone()];
    let before = if file.exists() { Some(Baseline::load_own(&file)?) } else { None };
    let (report, app) = progress::during(!args.no_progress, |progress| {
        let request = session::request(args, &settings, &rules, session::reading(cache.as_ref(), progress), &own)?;
        let scanned = crate::read(&request)?;
        let app = scanned.app.clone();
        Ok::<_, Failure>((crate::judge(&request, scanned)?, app))
    })?;
    if report.is_empty() {
        return Ok(Status::Nothing);
    }
    let baseline = Baseline::of(&report, &app).below(session::root_below(&file, &args.paths));
    if file.as_os_str() == "-" {
        return info::print(&baseline.to_json());
    }
    std::fs::write(&file, baseline.to_json())
        .map_err(|source| WriteError { to: file.display().to_string(), source })?;
    info::print(&told(args, &file, &baseline, before.as_ref()))
}

fn told(args: &Scan, file: &Path, baseline: &Baseline, before: Option<&Baseline>) -> String {
    let count = baseline.entries().len();
    let mut text = format!("{}: {} accepted", file.display(), counted(count, "finding", "findings"));
    if let Some(before) = before {
        let has = |of: &Baseline, print: &str| of.entries().iter().any(|e| e.fingerprint == print);
        let added = baseline.entries().iter().filter(|e| !has(before, &e.fingerprint)).count();
        let dropped = before.entries().iter().filter(|e| !has(baseline, &e.fingerprint)).count();
        let _ = write!(text, ", {added} of them new, {dropped} dropped");
    }
    let paths: String = args.paths.iter().map(|path| path_argument(path)).collect();
    let file = shown_argument(file);
    let _ = write!(text, "\ncheck against it with `wipeproof check{paths} --baseline {file}`\n");
    text
}

fn show(file: &Path) -> Result<Status, Failure> {
    let baseline = Baseline::load(file)?;
    let line = |e: &crate::report::BaselineEntry| format!("{}\n", one_line(&e.to_string()));
    info::print(&baseline.entries().iter().map(line).collect::<String>())
}
