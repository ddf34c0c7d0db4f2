//! `wipeproof config`: the settings in force with where each comes from, and their schema.

use super::args::{Config as Command, Scan};
use super::{Failure, Status, info, session};
use crate::settings::{Settings, schema};
use miette::IntoDiagnostic as _;
use std::fmt::Write as _;

pub(super) fn run(command: &Command) -> Result<Status, Failure> {
    match command {
        Command::Show { scan } => show(scan),
        Command::Schema => info::print(&schema()),
    }
}

fn show(args: &Scan) -> Result<Status, Failure> {
    let file = session::settings_file(args);
    let of_file = file.as_deref().map(Settings::load).transpose()?;
    let settings = session::settings(args)?;
    // What is checked when a scan starts is checked here as well.
    session::rules(&settings)?.choose_targets(&settings.targets)?;
    let name = file.as_ref().map(|f| f.display().to_string());
    let mut text = match &name {
        Some(name) => format!("# {name}\n"),
        None => "# no wipeproof.toml was found; these are the defaults\n".to_owned(),
    };
    let table = |s: &Settings| toml::Table::try_from(s).into_diagnostic();
    let written: toml::Table = match &of_file {
        Some(loaded) => {
            let source = loaded.source.as_ref().map_or("", |s| s.text.as_str());
            source.parse().into_diagnostic()?
        }
        None => toml::Table::new(),
    };
    let (in_force, before, default) =
        (table(&settings)?, table(&of_file.unwrap_or_default())?, table(&Settings::default())?);
    // Plain values first: in TOML they may not follow a table.
    let (tables, plain): (Vec<_>, Vec<_>) = in_force.iter().partition(|(_, value)| is_table(value));
    for (key, value) in plain.into_iter().chain(tables) {
        let origin = if before.get(key) != Some(value) {
            "the command line".to_owned()
        } else if written.contains_key(key) {
            name.clone().unwrap_or_default()
        } else if default.get(key) == Some(value) {
            "default".to_owned()
        } else {
            "the command line".to_owned()
        };
        let one = toml::Table::from_iter([(key.clone(), value.clone())]);
        let printed = toml::to_string(&one).into_diagnostic()?;
        let _ = write!(text, "\n# from: {origin}\n{printed}");
    }
    info::print(&text)
}

fn is_table(value: &toml::Value) -> bool {
    value.is_table() || value.as_array().is_some_and(|a| a.first().is_some_and(toml::Value::is_table))
}
