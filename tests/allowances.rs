//! Comments that accept findings, end to end: in every text format the readers know, through every report.

#![allow(clippy::expect_used, reason = "a test stops where it cannot go on")]

mod scratch;

use scratch::Folder;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use strum::IntoEnumIterator as _;
use wipeproof::discover::{Kind, SNIFF_LEN, sniff};
use wipeproof::output::{Context, FileSources, Format, Style};
use wipeproof::read::{comment_syntax, takes_comment};
use wipeproof::report::{Finding, Report, SuppressionKind};
use wipeproof::rules::RuleSet;
use wipeproof::settings::Settings;
use wipeproof::{Request, output, scan};

fn rules() -> RuleSet {
    RuleSet::embedded().expect("the shipped rules are valid")
}

fn check(folder: &Path, suppress: bool) -> Report {
    let (rules, settings) = (rules(), Settings::default());
    let targets = rules.choose_targets(&[]).expect("the default target");
    let request = Request::new(vec![folder.to_path_buf()], &settings, &rules, targets);
    scan(&Request { suppress, ..request }).expect("a report")
}

/// A fixture with a finding that stands on a line of its own.
struct Sample {
    kind: Kind,
    name: String,
    text: String,
    /// The finding, and its line from 1.
    finding: Finding,
    line: usize,
}

/// The text fixtures with findings, each scanned alone.
fn samples() -> Vec<Sample> {
    let mut files = Vec::new();
    for root in ["fixtures/config", "fixtures/script"] {
        list(Path::new(root), &mut files);
    }
    files.sort();
    files.iter().filter_map(|file| sample(file)).collect()
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the fixtures").flatten() {
        if entry.path().is_dir() { list(&entry.path(), files) } else { files.push(entry.path()) }
    }
}

fn sample(file: &Path) -> Option<Sample> {
    let bytes = fs::read(file).ok()?;
    let name = file.file_name()?.to_str()?.to_owned();
    let kind = sniff(&bytes[..bytes.len().min(SNIFF_LEN)], &name)?;
    comment_syntax(kind)?;
    let text = String::from_utf8(bytes).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let report = check_text(&name, &text, true);
    let begins = |f: &&Finding| {
        let line = f.site().line.unwrap_or(0) as usize;
        // Where a comment of its own may stand: not in a multi-line tag, nor after a line that goes on.
        let above = line.checked_sub(2).and_then(|i| lines.get(i)).map_or("", |l| l.trim());
        let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let goes_on =
            above.ends_with(['^', '`', '\\', '_', ',', '(', '|', '+', '&']) || !takes_comment(kind, &text, start);
        let starts = match kind {
            Kind::Xml => line > 1 && lines.get(line - 1).is_some_and(|l| l.trim_start().starts_with('<')),
            Kind::Wsf | Kind::Asp => false,
            _ => line > 0,
        };
        starts && !goes_on && f.sites.iter().all(|s| s.line == f.site().line)
    };
    let finding = report.findings.iter().filter(|f| f.is_active()).find(begins)?.clone();
    let line = finding.site().line? as usize;
    Some(Sample { kind, name, text, finding, line })
}

fn check_text(name: &str, text: &str, suppress: bool) -> Report {
    let folder = Folder::new(&format!("allow-{}", std::thread::current().name().unwrap_or("x").replace(':', "-")));
    fs::write(folder.0.join(name), text).expect("a file");
    check(&folder.0, suppress)
}

impl Sample {
    /// The text with a comment on a line above the finding, as the editor's code action writes it.
    fn with(&self, comment: &str) -> String {
        let (open, close) = comment_syntax(self.kind).expect("a syntax");
        let line_end = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut lines: Vec<String> = self.text.lines().map(str::to_owned).collect();
        lines.insert(self.line - 1, format!("{open} {comment}{close}"));
        lines.join(line_end) + line_end
    }

    fn checked(&self, comment: &str, suppress: bool) -> Report {
        check_text(&self.name, &self.with(comment), suppress)
    }

    /// The finding in a report.
    fn find<'r>(&self, report: &'r Report) -> &'r Finding {
        let found = report.findings.iter().find(|f| f.fingerprint == self.finding.fingerprint);
        found.unwrap_or_else(|| panic!("{}: {} is gone: {:#?}", self.name, self.finding.rule, prints(report)))
    }
}

fn prints(report: &Report) -> BTreeSet<(&str, &str, &str)> {
    report.findings.iter().map(|f| (f.rule.as_str(), f.effect.location.as_str(), f.fingerprint.as_str())).collect()
}

/// Findings about allowances.
fn told(report: &Report) -> Vec<(&str, Option<u32>)> {
    let own = report.findings.iter().filter(|f| f.rule.starts_with("WP00"));
    own.map(|f| (f.rule.as_str(), f.site().line)).collect()
}

#[test]
fn a_comment_accepts_a_finding_in_every_text_format() {
    let samples = samples();
    let covered: BTreeSet<Kind> = samples.iter().map(|s| s.kind).collect();
    for kind in Kind::iter().filter(|k| comment_syntax(*k).is_some()) {
        // Comments in scripts inside of markup have a case of their own below.
        assert!(
            covered.contains(&kind) || matches!(kind, Kind::Wsf | Kind::Asp | Kind::Toml | Kind::JScript),
            "{kind:?}"
        );
    }
    assert!(samples.len() > 40, "{}", samples.len());
    for sample in &samples {
        let rule = &sample.finding.rule;
        let comment = format!("wipeproof: allow({rule}) because it is made again until 2999-12-31");
        let report = sample.checked(&comment, true);
        let finding = sample.find(&report);
        let Some(suppressed) = &finding.suppressed else {
            panic!("{}:{}: {rule} is not accepted:\n{}", sample.name, sample.line, sample.with(&comment));
        };
        assert_eq!(suppressed.kind, SuppressionKind::Inline, "{}", sample.name);
        assert_eq!(suppressed.reason, "it is made again", "{}", sample.name);
        assert_eq!(suppressed.expires.as_deref(), Some("2999-12-31"), "{}", sample.name);
        assert_eq!(told(&report), [], "{}", sample.name);
        // One line more above, and every finding is known by the same fingerprint.
        let before = check_text(&sample.name, &sample.text, true);
        assert_eq!(prints(&before), prints(&report), "{}", sample.name);

        let all = sample.checked(&comment, false);
        assert!(sample.find(&all).is_active() && all.stats.suppressed == 0, "{}: --no-suppress", sample.name);
    }
}

#[test]
fn a_comment_that_does_not_hold_is_a_finding_in_every_text_format() {
    for sample in &samples() {
        let rule = &sample.finding.rule;
        let other = if rule == "WP602" { "WP601" } else { "WP602" };
        let cases = [
            (format!("wipeproof: allow({rule}) because of that until 2020-01-31"), "WP002", true),
            (format!("wipeproof: allow({rule})"), "WP003", true),
            (format!("wipeproof: allow({rule}) because"), "WP003", true),
            ("wipeproof: allow(WP9999) because of that".to_owned(), "WP004", true),
            (format!("WipeProof: allow({rule} because of that"), "WP005", true),
            (format!("wipeproof: allow({other}) because of that"), "WP001", true),
            (format!("wipeproof: allow({rule}, {other}) because of that"), "WP001", false),
        ];
        for (comment, problem, active) in cases {
            let report = sample.checked(&comment, true);
            assert_eq!(sample.find(&report).is_active(), active, "{}: {comment}", sample.name);
            let line = u32::try_from(sample.line).ok();
            assert_eq!(told(&report), [(problem, line)], "{}: {comment}", sample.name);
            assert_eq!(told(&sample.checked(&comment, false)), [], "{}: --no-suppress: {comment}", sample.name);
        }
    }
}

/// Checks a part of a folder that holds `wipeproof.toml` and a script in `bin`.
fn check_settings(name: &str, settings: &str, part: &str) -> Report {
    let folder = Folder::new(name);
    fs::create_dir(folder.0.join("bin")).expect("a folder");
    fs::write(folder.0.join("bin/run.cmd"), "reg add HKLM\\Software\\Contoso /v LastRun /d 1\n").expect("a script");
    let file = folder.0.join("wipeproof.toml");
    fs::write(&file, settings).expect("settings");
    let (rules, settings) = (rules(), Settings::load(&file).expect("settings"));
    let targets = rules.choose_targets(&[]).expect("the default target");
    scan(&Request::new(vec![folder.0.join(part)], &settings, &rules, targets)).expect("a report")
}

#[test]
fn an_entry_of_the_settings_without_a_reason_does_not_hold() {
    let entry = |reason: &str| format!("[[allow]]\nrule = 'WP201'\nreason = '{reason}'\n");
    for reason in ["(say why)", "-", "TODO", "..."] {
        let report = check_settings("allow-unreasoned", &entry(reason), "");
        assert_eq!((report.stats.suppressed, told(&report)), (0, vec![("WP003", Some(1))]), "{reason}");
    }
    let report = check_settings("allow-unreasoned", &entry("it is made again"), "");
    assert_eq!((report.stats.suppressed, told(&report)), (1, vec![]));
    // What has no reason yet is not past its day.
    let report = check_settings("allow-unreasoned", &(entry("(say why)") + "expires = '2999-12-31'\n"), "");
    assert_eq!(told(&report), [("WP003", Some(1))]);
}

#[test]
fn an_entry_for_a_file_that_is_gone_is_unused_where_all_was_scanned() {
    let entry = "[[allow]]\nrule = 'WP201'\npath = 'bin/gone.cmd'\nreason = 'it is made again'\n";
    assert_eq!(told(&check_settings("allow-gone", entry, "")), [("WP001", Some(1))]);
    // Of a part nothing is known of the rest.
    assert_eq!(told(&check_settings("allow-gone", entry, "bin")), []);
}

#[test]
fn a_baseline_of_another_staging_folder_tells_what_is_fixed() {
    let (first, second) = (Folder::new("allow-stage-1"), Folder::new("allow-stage-2"));
    let (kept, lost) = ("reg add HKLM\\Software\\Contoso /v A /d 1\n", "reg add HKLM\\Software\\Fabrikam /v B /d 1\n");
    fs::write(first.0.join("run.cmd"), format!("{kept}{lost}")).expect("a script");
    fs::write(first.0.join("gone.cmd"), "reg add HKLM\\Software\\Litware /v C /d 1\n").expect("a script");
    fs::write(second.0.join("run.cmd"), kept).expect("a script");
    let earlier = serde_json::to_string(&check(&first.0, true)).expect("JSON");
    let baseline = wipeproof::report::Baseline::parse("earlier.json", &earlier).expect("a baseline");
    let (rules, settings) = (rules(), Settings::default());
    let targets = rules.choose_targets(&[]).expect("the default target");
    let request = Request::new(vec![second.0.clone()], &settings, &rules, targets);
    let report = scan(&Request { baseline: Some(baseline), ..request }).expect("a report");
    let summary = report.baseline.expect("a comparison");
    let names = |entries: &[wipeproof::report::BaselineEntry]| -> Vec<String> {
        entries.iter().map(|e| e.location.clone()).collect()
    };
    assert_eq!((summary.known, summary.new), (1, 0));
    assert!(summary.fixed.iter().all(|e| e.location.contains("Fabrikam")), "{:?}", names(&summary.fixed));
    assert!(summary.stale.iter().all(|e| e.location.contains("Litware")), "{:?}", names(&summary.stale));
    assert_eq!((summary.fixed.len(), summary.stale.len()), (1, 1));
}

/// Formats in which a comment is not simply a line above, or that no fixture has a finding of.
#[test]
fn a_comment_accepts_a_finding_inside_of_markup_and_in_other_places() {
    let asp = "<%@ Language=VBScript %>\n<%\n@Session(\"cart\") = Request(\"item\")\n%>\n";
    let wsf = "<job><script language=\"VBScript\">\n@Set s = CreateObject(\"WScript.Shell\")\n@s.RegWrite \"HKLM\\Software\\C\\x\", 1\n</script></job>\n";
    let js = "var s = new ActiveXObject('WScript.Shell');\n@s.RegWrite('HKLM\\\\Software\\\\C\\\\x', 1);\n";
    let cases: &[(&str, &str, &str)] = &[
        ("cart.asp", asp, "' wipeproof: allow(IDS) because of that\n"),
        ("cart.asp", asp, "rem wipeproof: allow(IDS) because of that\n"),
        ("rotate.wsf", wsf, "' wipeproof: allow(IDS) because of that\n"),
        ("write.jse", js, "// wipeproof: allow(IDS) because of that\n"),
        ("write.jse", js, "/* wipeproof: allow(IDS) because of that */\n"),
        ("run.cmd", "@reg add HKLM\\Software\\C /v x /d 1\n", ":: wipeproof: allow(IDS) because of that\n"),
        ("run.cmd", "@reg add HKLM\\Software\\C /v x /d 1\n", "REM wipeproof: allow(IDS) because of that\n"),
        ("run.cmd", "@reg add ^\n  HKLM\\Software\\C /v x /d 1\n", "rem wipeproof: allow(IDS) because of that\n"),
        ("run.ps1", "@Set-Content C:\\state.txt x\n", "<# wipeproof: allow(IDS) because of that #>\n"),
        ("run.ps1", "@Set-Content `\n  C:\\state.txt x\n", "# wipeproof: allow(IDS) because of that\n"),
    ];
    for (name, text, comment) in cases {
        let found = check_text(name, &text.replace('@', ""), true);
        let lost: Vec<&Finding> = found.findings.iter().filter(|f| !f.rule.starts_with("WP00")).collect();
        assert!(!lost.is_empty(), "{name}: {text}");
        let ids: BTreeSet<&str> = lost.iter().map(|f| f.rule.as_str()).collect();
        let ids = ids.into_iter().collect::<Vec<_>>().join(", ");
        // The comment stands above the last marked line.
        let (before, after) = text.rsplit_once('@').expect("a mark");
        let text = format!("{}{}{after}", before.replace('@', ""), comment.replace("IDS", &ids));
        let report = check_text(name, &text, true);
        let open: Vec<&Finding> = report.findings.iter().filter(|f| f.is_active()).collect();
        assert!(open.is_empty() && report.stats.suppressed > 0, "{name}:\n{text}\n{open:#?}");
    }
}

/// What is accepted stays in every report that lists findings, marked.
#[test]
fn accepted_findings_stay_in_every_report() {
    let text = "rem wipeproof: allow(WP201) because the service makes it again\n\
                reg add HKLM\\Software\\Contoso /v LastRun /d 1\n";
    let report = check_text("run.cmd", text, true);
    assert_eq!((report.stats.suppressed, report.findings.len()), (1, 1), "{:#?}", report.findings);
    let rules = rules();
    let reason = "the service makes it again";
    let mut seen = BTreeMap::new();
    for format in Format::iter() {
        let context = Context {
            fails_at: wipeproof::rules::Severity::Warning,
            invocation: None,
            rules: &rules,
            style: Style { verbose: true, ..Style::default() },
            sources: &FileSources,
            subject: None,
            earlier: None,
        };
        let mut bytes = Vec::new();
        output::write(format, &report, &context, &mut bytes).expect("it is written");
        let name: &'static str = format.into();
        // Wrapped lines are one sentence.
        let text = String::from_utf8(bytes).expect("text").split_whitespace().collect::<Vec<_>>().join(" ");
        seen.insert(name, text.contains(reason));
    }
    // Annotations and issues are for what is open.
    let without: Vec<&str> = seen.iter().filter(|(_, there)| !**there).map(|(name, _)| *name).collect();
    assert_eq!(without, ["azure", "concise", "github", "gitlab", "msvc"], "{seen:?}");
}
