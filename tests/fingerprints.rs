//! A finding is known again: after a rebuild, in another folder, in another package, with lines above it.

#![allow(clippy::expect_used, reason = "a test stops where it cannot go on")]

mod scratch;

use scratch::Folder;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use wipeproof::report::Report;
use wipeproof::rules::RuleSet;
use wipeproof::settings::Settings;
use wipeproof::{Request, scan};

fn check(folder: &Path) -> Report {
    let rules = RuleSet::embedded().expect("the shipped rules are valid");
    let settings = Settings::default();
    let targets = rules.choose_targets(&[]).expect("the default target");
    scan(&Request::new(vec![folder.to_path_buf()], &settings, &rules, targets)).expect("a report")
}

fn prints(report: &Report) -> BTreeSet<(String, String, String)> {
    let of = |f: &wipeproof::report::Finding| (f.rule.clone(), f.effect.location.clone(), f.fingerprint.clone());
    report.findings.iter().map(of).collect()
}

/// Findings of one file under a name inside an application, in a folder of its own.
fn of_file(file: &str, name: &str, place: &str) -> BTreeSet<(String, String, String)> {
    let folder = Folder::new(&format!("{name}-{place}"));
    let app = folder.0.join(place);
    let path = app.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::copy(file, path).expect("the fixture");
    prints(&check(&app))
}

const SOURCES: [&str; 13] = [
    "calls", "edits", "files", "flow", "keys", "linked", "modes", "objects", "paths", "reached", "registry", "strings",
    "system",
];

/// Two builds of one source: other code, other addresses, the same findings, but for the few whose places the analysis
/// recovers in one of them only.
#[test]
fn two_builds_of_one_program() {
    let (mut shared, mut all) = (0, 0);
    for source in SOURCES {
        for machine in ["x64", "x86"] {
            let build =
                |level: &str| of_file(&format!("fixtures/native/{source}-{machine}-{level}.exe"), "bin/own.exe", level);
            let (plain, optimised) = (build("O0"), build("O2"));
            shared += plain.intersection(&optimised).count();
            all += plain.union(&optimised).count();
            // A location that both builds show is known by one fingerprint.
            for (rule, location, print) in &plain {
                let other = optimised.iter().find(|(r, l, p)| r == rule && l == location && p != print);
                let twice = plain.iter().filter(|(r, l, _)| r == rule && l == location).count() > 1;
                assert!(twice || other.is_none(), "{source}-{machine}: {rule} {location}");
            }
        }
    }
    assert!(all > 90 && shared * 10 >= all * 9, "{shared} of {all} findings are known again");
}

/// Builds for two machines, as two packages of one product have them: the part of the application they share keeps its
/// fingerprints, because neither the package nor the machine is part of them.
#[test]
fn two_packages_of_one_product() {
    let x64 = of_file("fixtures/native/registry-x64-O2.exe", "bin/own.exe", "product-1.0-x64");
    let x86 = of_file("fixtures/native/registry-x86-O2.exe", "bin/own.exe", "product-1.1-x86");
    let both = x64.intersection(&x86).count();
    assert!(both * 10 >= x64.len().max(x86.len()) * 9, "{both} of {} and {}", x64.len(), x86.len());
}

fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place, change);
            continue;
        }
        let bytes = fs::read(entry.path()).expect("a file");
        match String::from_utf8(bytes.clone()) {
            Ok(text) => fs::write(place, change(&text)).expect("a file"),
            Err(_) => fs::write(place, bytes).expect("a file"),
        }
    }
}

#[test]
fn an_application_that_moved_and_whose_lines_have_shifted() {
    let above = |text: &str| match text {
        xml if xml.starts_with("<?xml") => xml.replacen("?>", "?>\n<!-- one -->\n<!-- two -->", 1),
        xml if xml.starts_with('<') => format!("<!-- one -->\n\n{xml}"),
        // A registry script begins with its version.
        reg if reg.starts_with("Windows Registry") || reg.starts_with("REGEDIT") => {
            reg.replacen('\n', "\n; one\n\n", 1)
        }
        other => format!("\n\n{other}"),
    };
    for app in fs::read_dir("fixtures/apps").expect("the applications").flatten().filter(|e| e.path().is_dir()) {
        let folder = Folder::new(&format!("moved-{}", app.file_name().display()));
        let moved = folder.0.join("somewhere else/v2.0");
        copy(&app.path(), &moved, &above);
        let (before, after) = (check(&app.path()), check(&moved));
        assert_eq!(prints(&before), prints(&after), "{}", app.path().display());
        let lines = |r: &Report| r.findings.iter().map(|f| f.site().line).collect::<Vec<_>>();
        let has_lines = before.findings.iter().any(|f| f.site().line.is_some());
        assert!(!has_lines || lines(&before) != lines(&after), "{}: nothing has shifted", app.path().display());
    }
}

/// The rule set's and the tool's version are in a report, and in no fingerprint: a rule that is added, or another
/// target, changes none.
#[test]
fn other_rules_and_targets() {
    let folder = Folder::new("rules");
    let rule = "id = \"X001\"\nname = \"own-rule\"\nsince = \"1\"\nseverity = \"error\"\ntheme = \"settings\"\n\
                title = \"t\"\nwhy = \"w\"\nthen = \"t\"\nnow = \"n\"\nmust-match = ['effect create printer p via=own']\n\
                must-not-match = [\"artifact a\"]\n[match]\nstore = [\"printer\"]\nvia = [\"own\"]\n";
    fs::write(folder.0.join("X001.toml"), rule).expect("a file");
    let (plain, settings) = (RuleSet::embedded().expect("the shipped rules are valid"), Settings::default());
    let more = plain.clone().with_folder(&folder.0).expect("a rule of one's own");
    assert_ne!(plain.hash(), more.hash());
    let app = Path::new("fixtures/apps/orderdesk-service");
    let with = |rules: &RuleSet, targets: &[&str]| {
        let names: Vec<String> = targets.iter().map(|t| (*t).to_owned()).collect();
        let targets = rules.choose_targets(&names).expect("targets");
        prints(&scan(&Request::new(vec![app.to_path_buf()], &settings, rules, targets)).expect("a report"))
    };
    assert_eq!(with(&plain, &["vm-role"]), with(&more, &["vm-role"]));
    assert_eq!(with(&plain, &["vm-role"]), with(&plain, &["vm-role", "windows-container"]));
}
