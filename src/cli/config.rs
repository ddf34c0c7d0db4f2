//! `wipeproof config`: the settings in force with where each comes from, and their schema.

use super::args::{Config as Command, Scan};
use super::{Failure, Status, info, session};
use crate::cache::is_established;
use crate::document::{Word, words};
use crate::report;
use crate::rules::{DEFAULT_TARGET, Severity};
use crate::settings::{Settings, SettingsSource, schema};
use miette::IntoDiagnostic as _;
use std::fmt::Write as _;
use toml::{Table, Value};

pub(super) fn run(command: &Command) -> Result<Status, Failure> {
    match command {
        Command::Show { scan } => show(scan),
        Command::Schema => info::print(&schema()),
    }
}

fn show(args: &Scan) -> Result<Status, Failure> {
    session::inputs(args)?;
    let settings = in_force(session::settings(args)?);
    let of_file = session::settings_file(args).as_deref().map(Settings::load).transpose()?.unwrap_or_default();
    let of_file = in_force(of_file);
    // What is checked when a scan starts is checked here as well.
    report::check_settings(&settings, &session::rules(&settings)?)?;
    let mut text = match &settings.source {
        Some(source) => format!("# {}\n", source.name),
        None => "# no wipeproof.toml was found; these are the defaults\n".to_owned(),
    };
    let in_force = Table::try_from(&settings).into_diagnostic()?;
    let origins = Origins::new(settings.source.as_ref(), Table::try_from(&of_file).into_diagnostic()?);
    // Plain values first: in TOML they may not follow a table.
    let (tables, plain): (Vec<_>, Vec<_>) = in_force.iter().partition(|(_, value)| is_table(value));
    for (key, value) in plain.into_iter().chain(tables) {
        text.push_str(&entry(key, value, &origins)?);
    }
    info::print(&text)
}

/// The settings with what holds where nothing is said.
fn in_force(mut settings: Settings) -> Settings {
    if settings.targets.is_empty() {
        settings.targets.push(DEFAULT_TARGET.to_owned());
    }
    settings.fail_on.get_or_insert(Severity::Warning);
    settings.cache.get_or_insert(is_established());
    settings
}

fn is_table(value: &Value) -> bool {
    value.is_table() || value.as_array().is_some_and(|a| a.first().is_some_and(Value::is_table))
}

/// One key of the top level, each of its parts below a comment that tells where it comes from.
fn entry(key: &str, value: &Value, origins: &Origins<'_>) -> Result<String, Failure> {
    let mut text = String::new();
    match value {
        Value::Table(table) if !table.is_empty() => {
            let _ = write!(text, "\n[{key}]\n");
            for (name, value) in table {
                let _ = writeln!(text, "# from: {}", origins.of(&[key, name], value));
                text.push_str(&printed(name, value)?);
            }
        }
        Value::Array(elements) if is_table(value) => {
            for (n, element) in elements.iter().enumerate() {
                let _ = write!(text, "\n# from: {}\n", origins.of(&[key, &n.to_string()], element));
                text.push_str(&printed(key, &Value::Array(vec![element.clone()]))?);
            }
        }
        value => {
            let _ = write!(text, "\n# from: {}\n{}", origins.of(&[key], value), printed(key, value)?);
        }
    }
    Ok(text)
}

fn printed(key: &str, value: &Value) -> Result<String, Failure> {
    toml::to_string(&Table::from_iter([(key.to_owned(), value.clone())])).into_diagnostic()
}

/// Tells where values come from.
struct Origins<'a> {
    source: Option<&'a SettingsSource>,
    words: Vec<Word>,
    /// The settings as the file alone has them.
    of_file: Table,
}

impl<'a> Origins<'a> {
    fn new(source: Option<&'a SettingsSource>, of_file: Table) -> Self {
        Origins { source, words: source.map(|s| words(&s.text)).unwrap_or_default(), of_file }
    }

    /// Where the value of a key, of a key in a table, or of an element of an array comes from.
    fn of(&self, path: &[&str], value: &Value) -> String {
        let (first, rest) = path.split_first().unwrap_or((&"", &[]));
        if rest.iter().fold(self.of_file.get(*first), |value, name| part(value?, name)) != Some(value) {
            return "the command line".to_owned();
        }
        let (last, above) = path.split_last().unwrap_or((&"", &[]));
        let written = self.words.iter().find(|w| {
            let is_key = w.path == above && w.text == *last;
            is_key || (w.text.is_empty() && w.path == path)
        });
        match (self.source, written) {
            (Some(source), Some(word)) => format!("{}:{}", source.name, word.line(&source.text)),
            _ => "default".to_owned(),
        }
    }
}

/// A part of a table or of an array.
fn part<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Table(table) => table.get(name),
        Value::Array(all) => all.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}
