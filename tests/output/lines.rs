//! Formats of one command or row per line: hostile texts can neither end the line nor begin another command.

use super::sample::{hostile, render, sample};
use serde_json::Value;
use wipeproof::output::Format;

#[test]
fn github_commands_stay_one_per_finding() {
    let report = hostile();
    let text = render(Format::Github, &report);
    let active = report.findings.iter().filter(|f| f.is_active()).count();
    // And one for what could not be read.
    assert_eq!(text.lines().count(), active + 1);
    for line in text.lines() {
        let (command, rest) = line.strip_prefix("::").and_then(|l| l.split_once("::")).expect("a command");
        let (name, properties) = command.split_once(' ').expect("properties");
        assert!(["error", "warning", "notice"].contains(&name));
        for property in properties.split(',') {
            let (key, value) = property.split_once('=').expect("key=value");
            assert!(["file", "line", "col", "title"].contains(&key), "{key}");
            assert!(!value.contains([':', '\r', '\n']));
        }
        assert!(rest.split('%').skip(1).all(|p| ["25", "0A", "0D"].iter().any(|e| p.starts_with(e))), "{rest}");
        assert!(!line.chars().any(char::is_control));
    }
}

#[test]
fn azure_commands_stay_one_per_finding() {
    let report = hostile();
    let text = render(Format::Azure, &report);
    for line in text.lines().filter(|l| l.contains("##")) {
        assert_eq!(line.matches("##").count(), 1, "{line}");
        let (command, _) = line.strip_prefix("##vso[task.logissue ").and_then(|l| l.split_once(']')).expect("command");
        let keys: Vec<&str> =
            command.split(';').filter(|p| !p.is_empty()).filter_map(|p| p.split('=').next()).collect();
        assert!(keys == ["type", "sourcepath", "linenumber", "columnnumber", "code"] || keys == ["type", "sourcepath"]);
    }
    assert!(text.lines().last().is_some_and(|l| l.starts_with("wipeproof: 2 errors, 2 warnings, 1 note")));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn gitlab_fingerprints_are_unique() {
    let mut report = sample();
    let again = report.findings.clone();
    report.findings.extend(again);
    let issues: Vec<Value> = serde_json::from_str(&render(Format::Gitlab, &report)).expect("JSON");
    let mut seen: Vec<&str> = issues.iter().filter_map(|i| i["fingerprint"].as_str()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), issues.len());
    assert!(issues.iter().all(|i| i["location"]["lines"]["begin"].as_u64().is_some_and(|l| l >= 1)));
    assert!(issues.iter().all(|i| ["info", "major", "critical"].contains(&i["severity"].as_str().expect("severity"))));
}

/// Reads RFC 4180 as strictly as a spreadsheet would.
fn csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let row = rows.last_mut().expect("a row");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                row.last_mut().expect("a cell").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted => {}
            c => row.last_mut().expect("a cell").push(c),
        }
    }
    assert!(!quoted, "an open quote");
    rows.pop();
    rows
}

#[test]
fn csv_rows_have_all_columns_and_no_formula() {
    for report in [sample(), hostile()] {
        let rows = csv(&render(Format::Csv, &report));
        let fates: usize = report.inventory.iter().map(|e| e.fates.len()).sum();
        assert_eq!(rows.len(), 1 + fates);
        for row in &rows {
            assert_eq!(row.len(), 14);
            assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
        }
    }
}

/// What could not be read is told in every format that otherwise lists findings only.
#[test]
fn nothing_found_in_what_was_not_read_is_no_all_clear() {
    use wipeproof::facts::NoteKind;
    use wipeproof::report::{ArtifactNote, Verdict};
    let mut report = super::sample::report(Vec::new(), Vec::new());
    let text = "the headers cannot be read".to_owned();
    report.notes = vec![ArtifactNote { artifact: "app/x.exe".to_owned(), kind: NoteKind::Unreadable, text }];
    for target in &mut report.targets {
        target.verdict = Verdict::InsufficientData;
        target.because = "1 of 1 file could not be seen whole, first app/x.exe".to_owned();
    }
    for format in [Format::Github, Format::Azure, Format::Gitlab, Format::Concise, Format::Msvc] {
        let text = render(format, &report);
        assert_eq!(text.matches("insufficient data for ").count(), 1, "{text}");
        assert!(text.contains("app/x.exe"), "{text}");
    }
    let text = render(Format::Junit, &report);
    assert!(text.contains("errors=\"1\"") && text.contains("<error message=\"the headers cannot be read\""), "{text}");
}
