//! The arguments.

use crate::facts::Certainty;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Finds what a Windows application would lose when its machine is reimaged, restarted or moved.
#[derive(Debug, Parser)]
#[command(name = "wipeproof", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check an application before it is uploaded.
    Check(Check),
    /// Explain a rule: why it matters and what to do instead.
    Explain(Explain),
    /// List the rules.
    Rules(List),
    /// List the platforms that can be judged for.
    Targets(List),
    /// Print what the readers saw, as a fact listing.
    Facts(Facts),
    /// Accept today's findings, and fail on new ones only.
    #[command(subcommand)]
    Baseline(Baseline),
    /// Show the settings in force, or their schema.
    #[command(subcommand)]
    Config(Config),
    /// Show or empty the cache.
    #[command(subcommand)]
    Cache(Cache),
    /// Write a commented wipeproof.toml for what is found in an application.
    Init(Init),
    /// Serve an editor on standard input and output.
    Lsp,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// What is scanned, and with which decisions.
#[derive(Debug, ClapArgs)]
pub(crate) struct Scan {
    /// Files and folders to read.
    #[arg(default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Platform to judge for. Repeatable.
    #[arg(short, long = "target", value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Folder with rules of your own.
    #[arg(long = "rules", value_name = "DIR")]
    pub(crate) rules_folder: Option<PathBuf>,
    /// Settings file instead of the nearest wipeproof.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Do not look for wipeproof.toml.
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_config: bool,
    /// Environment whose configuration is judged, such as Production.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Honour .gitignore. Off by default: build output is what gets uploaded.
    #[arg(long)]
    pub(crate) respect_gitignore: bool,
    /// Report the code of third parties as well.
    #[arg(long)]
    pub(crate) include_third_party: bool,
    /// Also report capabilities: imports and strings without a located effect.
    #[arg(long)]
    pub(crate) pedantic: bool,
    /// Remember what is read in the per-user cache folder, now and from now on.
    #[arg(long)]
    pub(crate) cache: bool,
    /// Remember what is read in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Neither use nor write a cache.
    #[arg(long, conflicts_with_all = ["cache", "cache_dir"])]
    pub(crate) no_cache: bool,
    /// Show no progress.
    #[arg(long)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scan: Scan,
    /// Format of the report, to standard output or to a file: `json`, `json=report.json`. Repeatable.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]")]
    pub(crate) outputs: Vec<String>,
    /// Lowest severity that makes the check fail.
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,
    /// Fail with status 4 when something could not be read.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Show notes and long lists in full.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Earlier report (JSON or SARIF) or baseline file: what it knows does not fail the check.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Earlier report (JSON or SARIF) to compare with: what is new and what is gone is told, and shown in the html and
    /// markdown reports; nothing is accepted because of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) since: Option<PathBuf>,
    /// Count accepted findings too: no allowance and no baseline holds.
    #[arg(long)]
    pub(crate) no_suppress: bool,
    /// Check again whenever a file changes, until interrupted.
    #[arg(long)]
    pub(crate) watch: bool,
    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Baseline {
    /// Accept today's findings: write them to a file for `check --baseline`.
    Write {
        #[command(flatten)]
        scan: Scan,
        /// The file; the one in the settings, or wipeproof-baseline.json, if absent. `-` is standard output.
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List what a baseline or an earlier report knows.
    Show {
        /// Baseline file, JSON report or SARIF.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print the settings in force, each with where it comes from.
    Show {
        #[command(flatten)]
        scan: Scan,
    },
    /// Print the JSON Schema of wipeproof.toml.
    Schema,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Tell where the cache is and what it takes.
    Show {
        /// The folder, if it is not the per-user one.
        #[arg(long, value_name = "DIR")]
        cache_dir: Option<PathBuf>,
    },
    /// Remove every entry, of all versions of the tool.
    Clean {
        /// The folder, if it is not the per-user one.
        #[arg(long, value_name = "DIR")]
        cache_dir: Option<PathBuf>,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Init {
    /// The application.
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// Print it instead of writing wipeproof.toml.
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Error,
    Warning,
    Note,
    #[value(alias = "off")]
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Explain {
    /// Rule id or name.
    #[arg(required_unless_present = "all")]
    pub(crate) rule: Option<String>,
    /// All rules.
    #[arg(long, conflicts_with = "rule")]
    pub(crate) all: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub(crate) format: ExplainFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    Text,
    Markdown,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// How to print.
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Table,
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Facts {
    /// Files and folders to read.
    #[arg(default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Also join the artifacts, as a check does.
    #[arg(long)]
    pub(crate) linked: bool,
    /// Least certainty of the effects to print.
    #[arg(long, value_name = "CERTAINTY", value_parser = parse_certainty)]
    pub(crate) certainty: Option<Certainty>,
}

fn parse_certainty(text: &str) -> Result<Certainty, String> {
    text.parse().map_err(|_| "expected possible, likely or proven".to_owned())
}
