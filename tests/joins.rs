//! Joins across artifacts: `fixtures/joins/CASE/` holds a small application, `fixtures/joins/CASE.findings` what must
//! be found in it and nothing else, with the evidence that shows both ends of the join; the same of the sample applications
//! in `fixtures/apps`. `UPDATE_GOLDEN=1` rewrites the lists; read the diff.

#![allow(clippy::expect_used, reason = "a fixture that is missing fails the test")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use wipeproof::facts::listing;
use wipeproof::link::{Context, link};
use wipeproof::report::{Finding, Report};
use wipeproof::rules::RuleSet;
use wipeproof::settings::Settings;
use wipeproof::{Request, scan};

/// The applications, and beside each the list of what is found in it.
const FOLDERS: [&str; 2] = ["fixtures/joins", "fixtures/apps"];

fn entries() -> impl Iterator<Item = PathBuf> {
    let entries = |folder| std::fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("an entry").path());
    FOLDERS.into_iter().flat_map(entries)
}

fn check(case: &Path) -> Report {
    let rules = RuleSet::embedded().expect("the shipped rules");
    let file = case.join("wipeproof.toml");
    let settings =
        if file.is_file() { Settings::load(&file).expect("settings of the case") } else { Settings::default() };
    let targets = match settings.targets.as_slice() {
        [] => vec!["vm-role".to_owned()],
        names => names.to_vec(),
    };
    let targets = targets.iter().map(|name| rules.target(name).expect("a target")).collect();
    let request = Request::new(vec![case.to_path_buf()], &settings, &rules, targets);
    scan(&request).expect("a scan")
}

/// A finding with what a reader is shown of it: what becomes of the state, when it is written, and why that is known.
fn print(finding: &Finding, case: &Path) -> String {
    let prefix = format!("{}/", case.display());
    let mut out = String::new();
    let severity: &str = finding.severity.into();
    let sites: Vec<String> = finding.sites.iter().map(|site| site.short()).collect();
    let phase: &str = finding.effect.phase.into();
    let _ = writeln!(out, "{severity} {} {} {}", finding.rule, finding.artifact, sites.join(" "));
    let _ = writeln!(out, "  {}", finding.message);
    let _ = writeln!(out, "  {phase}: {}", finding.effect.phase_evidence);
    for step in &finding.evidence {
        let artifact = step.artifact.as_deref().unwrap_or_default();
        let site = step.site.as_ref().map(|site| site.short()).unwrap_or_default();
        let place = format!("{artifact} {site}");
        let _ = match place.trim() {
            "" => writeln!(out, "  - {}", step.text),
            place => writeln!(out, "  - {} [{place}]", step.text),
        };
    }
    out.replace(&prefix, "")
}

#[test]
fn findings_are_as_listed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    let mut cases: Vec<PathBuf> = entries().filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    for case in cases {
        let report = check(&case);
        let listed: Vec<String> = report.findings.iter().map(|f| print(f, &case)).collect();
        let listed = listed.join("\n");
        let golden = case.with_extension("findings");
        if update {
            std::fs::write(&golden, &listed).expect("the list can be written");
        } else if std::fs::read_to_string(&golden).ok().as_deref() != Some(listed.as_str()) {
            wrong.push(format!("{}:\n{listed}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_list_has_its_case() {
    for list in entries().filter(|path| path.extension().is_some_and(|e| e == "findings")) {
        assert!(list.with_extension("").is_dir(), "{} has no case", list.display());
    }
}

/// An application of `size` services, each with a configuration, a startup script and a program, all joined.
fn application(size: usize) -> String {
    let mut text =
        String::from("artifact common.cmd format=batch\neffect create file {env:Home}\\x.txt at=line:1;column:1\n");
    for n in 0..size {
        // Each hands on to the next what it was given.
        let m = n + 1;
        let _ = write!(
            text,
            "artifact s{n}/Web.config format=web-config\n\
             clue config-value key=appSettings/Path value=D:\\\\data{n} at=line:1;column:1\n\
             clue config-value key=appSettings/Cache@Release value=D:\\cache{n} at=line:3;column:1\n\
             clue config-value key=appSettings/Cache@Debug value=C:\\cache at=line:4;column:1\n\
             clue config-value key=app.ini/Paths/Data value=D:\\ini at=line:5;column:1\n\
             clue log-transfer key=agent location=D:\\data{n}\\logs at=line:2;column:1\n\
             artifact s{n}/start.cmd format=batch\n\
             clue starts key=call value=next.cmd location={{AppDir}}\\next.cmd at=line:1;column:1\n\
             clue given key=env/Home value=D:\\home{n} location=D:\\home{n} at=line:1;column:1\n\
             clue given key=arg/1 value=D:\\arg{n} location=D:\\arg{n} at=line:1;column:1\n\
             clue given key=cwd value=D:\\cwd{n} location=D:\\cwd{n} at=line:1;column:1\n\
             clue starts key=call value=common.cmd location={{AppDir}}\\..\\common.cmd at=line:5;column:1\n\
             clue given key=env/Home value=D:\\home{n} location=D:\\home{n} at=line:5;column:1\n\
             clue guard key=\"if exist\" value=\"install package p{n}\" location={{Temp}}\\done at=line:2;column:1\n\
             effect install package p{n} via=msiexec at=line:3;column:1\n\
             clue grants-access key=icacls value=Users:M location=D:\\data{n} at=line:4;column:1\n\
             artifact s{n}/next.cmd format=batch\n\
             clue takes key=1 value=Folder location=C:\\Data at=line:1;column:7\n\
             effect create file {{env:Home}}\\a.txt at=line:2;column:1\n\
             effect create file {{arg:Folder}}\\b.txt at=line:3;column:1\n\
             effect create file {{Cwd}}\\c.txt at=line:4;column:1\n\
             clue guard key=\"if exist\" value=\"create file {{env:Home}}\\a.txt\" location={{env:Home}}\\done at=line:5;column:1\n\
             clue starts key=call value=next{m}.cmd location={{AppDir}}\\..\\s{m}\\next.cmd at=line:6;column:1\n\
             effect set-value registry HKLM\\Software\\S{n}\\A at=line:1;column:1\n\
             artifact s{n}/bin/a.dll format=assembly\n\
             effect append file \"{{config:appSettings/Path}}\\logs\\a.log\" at=line:1;column:1\n\
             effect append file \"{{config:appSettings/Cache}}\\c.bin\" at=line:4;column:1\n\
             effect append file \"{{ini:C:\\Desk\\app.ini/Paths/Data}}\\d.bin\" at=line:5;column:1\n\
             effect set-value session aspnet-session://Cart via=Session at=line:2;column:1\n\
             effect set-value registry HKLM\\Software\\S{n}\\A phase=run at=line:3;column:1\n"
        );
    }
    text
}

fn steps(size: usize) -> usize {
    let mut readings = listing::parse(&application(size)).expect("a listing");
    let settings = Settings::default();
    let rules = RuleSet::embedded().expect("rules");
    link(&mut readings, &Context { settings: &settings, app: &Default::default() }, &rules)
}

/// Ten times the facts take about ten times the steps; a join that compares everything with everything would take a
/// hundred times.
#[test]
fn linking_is_linear_in_the_number_of_facts() {
    let (small, large) = (steps(150), steps(1500));
    assert!(small > 150 * 30, "every fact is looked at, {small}");
    assert!(large <= small * 11, "{small} steps for 150 services, {large} for 1500");
}
