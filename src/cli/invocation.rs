//! The command that makes a report, for the part of the report that tells how to make it again.

use super::args::Check;
use super::session;
use crate::output::Invocation;
use std::path::Path;

/// What decides what is in a report: paths as they were given, and options. Where output goes, how it looks, and what
/// is remembered from earlier runs are left out.
pub(super) fn of(args: &Check) -> Invocation {
    let scan = &args.scan;
    let mut words: Vec<String> = ["wipeproof", "check"].map(str::to_owned).to_vec();
    let quoted = |path: &Path| word(&path.to_string_lossy());
    words.extend(scan.paths.iter().map(|p| quoted(p)));
    words.extend(scan.targets.iter().map(|t| format!("--target {}", word(t))));
    let folders = [("--rules", &scan.rules_folder), ("--config", &scan.config), ("--baseline", &args.baseline)];
    let since = [("--since", &args.since)];
    words.extend(folders.iter().chain(&since).filter_map(|(o, f)| Some(format!("{o} {}", quoted(f.as_deref()?)))));
    words.extend(scan.environment.iter().map(|e| format!("--environment {}", word(e))));
    let flags = [
        ("--no-config", scan.no_config),
        ("--respect-gitignore", scan.respect_gitignore),
        ("--include-third-party", scan.include_third_party),
        ("--pedantic", scan.pedantic),
        ("--no-suppress", args.no_suppress),
    ];
    words.extend(flags.iter().filter(|(_, given)| *given).map(|(flag, _)| (*flag).to_owned()));
    words.push("--output html=report.html".to_owned());
    let settings = session::settings_file(scan).and_then(|file| {
        let hash = blake3::hash(&std::fs::read(&file).ok()?);
        Some((file.to_string_lossy().into_owned(), hash.to_hex().to_string()))
    });
    Invocation { command: words.join(" "), settings }
}

/// A word of a command line, in quotes that cmd, PowerShell and POSIX shells share where it needs some.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./\\:=,+@~".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::super::args::{Args, Command};
    use clap::Parser as _;

    #[test]
    fn what_decides_the_report_is_in_the_command() {
        let line = "wipeproof check app --pedantic -t vmss --no-config --no-cache --color never --since old.json -v";
        let args = Args::try_parse_from(line.split(' ').chain(["my other app"])).expect("the arguments");
        let Command::Check(check) = args.command else { panic!("a check") };
        let said = super::of(&check);
        let whole = "wipeproof check app \"my other app\" --target vmss --since old.json --no-config --pedantic --output html=report.html";
        assert_eq!((said.command.as_str(), said.settings), (whole, None));
    }
}
