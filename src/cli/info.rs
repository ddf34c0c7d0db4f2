//! Commands that tell rather than judge: facts, explain, rules, targets, completions, man.

use super::args::{Args, Explain, ExplainFormat, Facts, List, ListFormat};
use super::{Failure, Status, WriteError};
use crate::facts::{Body, listing};
use crate::rules::{Rule, RuleSet, Severity};
use crate::settings::Settings;
use crate::{discover, link, read};
use clap::CommandFactory as _;
use miette::{IntoDiagnostic as _, miette};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints to standard output and lets a closed pipe through as the error it is.
pub(super) fn print(text: &str) -> Result<Status, Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(WriteError::stdout)?;
    Ok(Status::Clean)
}

pub(super) fn facts(args: &Facts) -> Result<Status, Failure> {
    let app = discover::walk(&args.paths, &discover::WalkOptions::default()).map_err(crate::ScanError::from)?;
    let mut readings = read::read_all(&app).readings;
    if args.linked {
        let settings = Settings::default();
        link::link(&mut readings, &link::Context { settings: &settings, app: &app });
    }
    if let Some(least) = args.certainty {
        for reading in &mut readings {
            reading.facts.retain(|f| match &f.body {
                Body::Effect(e) => e.certainty >= least,
                Body::Clue(_) => true,
            });
        }
    }
    print(&listing::print(&readings))
}

pub(super) fn explain(args: &Explain) -> Result<Status, Failure> {
    let rules = RuleSet::embedded()?;
    let chosen: Vec<&Rule> = match &args.rule {
        None => rules.rules().iter().collect(),
        Some(name) => vec![rules.find(name).ok_or_else(|| {
            let near = rules.nearest_rule(name).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
            miette!(help = format!("{near}`wipeproof rules` lists them all"), "there is no rule {name:?}")
        })?],
    };
    let page = match args.format {
        ExplainFormat::Text => text_page,
        ExplainFormat::Markdown => markdown_page,
    };
    print(&chosen.into_iter().map(page).collect::<Vec<_>>().join("\n"))
}

fn text_page(rule: &Rule) -> String {
    let severity: &str = rule.severity.into();
    let mut page = format!("{} {} ({severity})\n{}\n\n{}\n", rule.id, rule.name, rule.title, rule.why.trim());
    let _ = write!(page, "\nInstead, then: {}\nInstead, now: {}\n", rule.then.trim(), rule.now.trim());
    if !rule.references.is_empty() {
        page.push_str("\nRead more:\n");
        for reference in &rule.references {
            let _ = writeln!(page, "  {reference}");
        }
    }
    page
}

fn markdown_page(rule: &Rule) -> String {
    let severity: &str = rule.severity.into();
    let mut page = format!("## {}\n\n**{}**: {}. Severity: {severity}.\n\n", rule.id, rule.name, rule.title);
    let _ = write!(page, "{}\n\n- Then: {}\n- Now: {}\n", rule.why.trim(), rule.then.trim(), rule.now.trim());
    for reference in &rule.references {
        let _ = writeln!(page, "- See {reference}");
    }
    let _ = write!(page, "\nExample:\n\n```text\n{}\n```\n", rule.must_match.first().map_or("", |e| e.trim()));
    page
}

pub(super) fn rules(args: &List) -> Result<Status, Failure> {
    let set = RuleSet::embedded()?;
    let row = |r: &Rule| {
        let severity: &'static str = r.severity.into();
        let theme: &'static str = r.theme.into();
        serde_json::json!({"id": r.id, "name": r.name, "severity": severity, "theme": theme, "title": r.title,
            "why": r.why.trim(), "then": r.then.trim(), "now": r.now.trim(), "references": r.references})
    };
    match args.format {
        ListFormat::Json => print_json(&set.rules().iter().map(row).collect::<Vec<_>>()),
        ListFormat::Table => {
            let width = set.rules().iter().map(|r| r.name.len()).max().unwrap_or(0);
            let line = |r: &Rule| {
                let severity: &str = r.severity.into();
                format!("{:<6} {:<width$}  {severity:<7}\n", r.id, r.name)
            };
            print(&set.rules().iter().filter(|r| r.severity != Severity::Off).map(line).collect::<String>())
        }
    }
}

pub(super) fn targets(args: &List) -> Result<Status, Failure> {
    let set = RuleSet::embedded()?;
    match args.format {
        ListFormat::Json => {
            let rows = set.targets().iter().map(|t| {
                serde_json::json!({"id": t.id, "aliases": t.aliases, "name": t.name, "summary": t.summary,
                    "references": t.references})
            });
            print_json(&rows.collect::<Vec<_>>())
        }
        ListFormat::Table => {
            let width = set.targets().iter().map(|t| t.id.len()).max().unwrap_or(0);
            print(&set.targets().iter().map(|t| format!("{:<width$}  {}\n", t.id, t.name)).collect::<String>())
        }
    }
}

fn print_json(rows: &[serde_json::Value]) -> Result<Status, Failure> {
    let text = serde_json::to_string_pretty(rows).into_diagnostic()?;
    print(&format!("{text}\n"))
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Status, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "wipeproof", &mut script);
    print(&String::from_utf8_lossy(&script))
}

pub(super) fn man() -> Result<Status, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page).into_diagnostic()?;
    print(&String::from_utf8_lossy(&page))
}
