//! The command line: arguments to a [`crate::scan`], a report to formats, a result to an exit status.

mod args;
mod baseline;
mod cache;
mod check;
mod config;
mod info;
mod init;
mod invocation;
mod progress;
mod session;
mod watch;

use args::{Args, Command};
use clap::Parser as _;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// Exit status, the same for every format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing at or above `--fail-on`.
    Clean = 0,
    /// Findings at or above `--fail-on`.
    Findings = 1,
    /// Wrong usage or configuration, or a defect of ours.
    Error = 2,
    /// Nothing to scan.
    Nothing = 3,
    /// Something could not be read, with `--strict`.
    Incomplete = 4,
}

/// An error on its way to the terminal.
pub(crate) type Failure = miette::Report;

/// Standard output or a file that did not take what was written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot write {to}")]
pub(crate) struct WriteError {
    pub(crate) to: String,
    pub(crate) source: std::io::Error,
}

impl WriteError {
    pub(crate) fn stdout(source: std::io::Error) -> Self {
        WriteError { to: "to standard output".to_owned(), source }
    }
}

/// `1 finding`, `2 findings`
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A path as the next command needs it, with a blank in front; nothing for the folder that is the default.
pub(crate) fn path_argument(path: &Path) -> String {
    match path.as_os_str() == "." {
        true => String::new(),
        false => format!(" {}", shown_argument(path)),
    }
}

/// A path in words that a shell takes as one.
pub(crate) fn shown_argument(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '\\' | '.' | '_' | '-' | ':' | '+' | '~' | ',');
    let single = cfg!(not(windows)) && !text.contains('\'');
    match text.chars().all(|c| plain(c) && (c != '\\' || cfg!(windows))) && !text.is_empty() {
        true => text,
        false if single => format!("'{text}'"),
        false => format!("\"{text}\""),
    }
}

/// Runs the command line.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are not errors; clap prints each to the right stream.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Status::Error as u8 } else { 0 });
        }
    };
    quiet_reader_panics();
    let result = match &args.command {
        Command::Check(check) => check::check(check),
        Command::Facts(facts) => info::facts(facts),
        Command::Explain(explain) => info::explain(explain),
        Command::Rules(list) => info::rules(list),
        Command::Targets(list) => info::targets(list),
        Command::Baseline(command) => baseline::run(command),
        Command::Config(command) => config::run(command),
        Command::Cache(command) => cache::run(command),
        Command::Init(args) => init::init(args),
        Command::Lsp => Ok(if crate::lsp::run() { Status::Clean } else { Status::Findings }),
        Command::Completions { shell } => info::completions(*shell),
        Command::Man => info::man(),
    };
    match result {
        Ok(status) => ExitCode::from(status as u8),
        Err(failure) if is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            print_failure(&failure);
            ExitCode::from(Status::Error as u8)
        }
    }
}

fn print_failure(failure: &Failure) {
    tell(&format!("{failure:?}\n"));
}

/// Words on standard error, for people. When nobody can hear them, the exit status still says what came of it.
fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// `wipeproof check | head` ends when the reader has seen enough; that is not an error.
fn is_closed_pipe(failure: &Failure) -> bool {
    failure
        .chain()
        .filter_map(|e| e.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// A panic inside a reader is caught, and told in the report; the default hook would print it as well.
fn quiet_reader_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !crate::read::is_guarded() {
            default(info);
        }
    }));
}
