//! Whole applications: what is wrong with each sample is found, and its stateless twin comes out clean.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

use std::path::{Path, PathBuf};
use wipeproof::facts::Phase;
use wipeproof::report::{Report, Verdict};
use wipeproof::rules::{RuleSet, Severity};
use wipeproof::settings::Settings;
use wipeproof::{Request, scan};

fn check(app: &str, target: &str) -> Report {
    let folder = Path::new("fixtures/apps").join(app);
    let rules = RuleSet::embedded().expect("the shipped rules");
    let settings = Settings::find(&folder).map_or_else(Settings::default, |f| Settings::load(&f).expect("settings"));
    let target = rules.target(target).expect("a target");
    let request = Request::new(vec![PathBuf::from(&folder)], &settings, &rules, vec![target]);
    scan(&request).expect("a scan")
}

/// `(part of the artifact, part of the location, least severity)` of what a careful reader would expect.
fn expect(app: &str, target: &str, expected: &[(&str, &str, Severity)]) {
    let report = check(app, target);
    let lines: Vec<String> = report.findings.iter().map(|f| format!("{} {}", f.artifact, f.message)).collect();
    for (artifact, location, severity) in expected {
        let found = report
            .findings
            .iter()
            .any(|f| f.artifact.contains(artifact) && f.effect.location.contains(location) && f.severity >= *severity);
        assert!(found, "{app}: nothing about {location} in {artifact}; found:\n{}", lines.join("\n"));
    }
    assert_eq!(report.verdict, Verdict::NotReady, "{app}");
}

fn expect_clean(app: &str, target: &str) {
    expect_quiet(app, target, Verdict::Ready);
}

fn expect_quiet(app: &str, target: &str, verdict: Verdict) {
    let report = check(app, target);
    let wrong: Vec<String> = report
        .findings
        .iter()
        .filter(|f| f.severity >= Severity::Warning)
        .map(|f| format!("{} {} {}", f.artifact, f.rule, f.message))
        .collect();
    assert!(wrong.is_empty(), "{app}:\n{}", wrong.join("\n"));
    assert_eq!(report.verdict, verdict, "{app}");
}

const WEB_TARGETS: &[&str] = &["vm-role", "cloud-service", "vmss-ephemeral", "windows-container", "ec2-asg"];

#[test]
fn a_site_with_uploads_sessions_and_a_local_database() {
    for target in WEB_TARGETS {
        expect(
            "orders-site",
            target,
            &[
                ("Web.config", "orders.mdf", Severity::Error),
                ("Web.config", "InProc", Severity::Error),
                ("Web.config", "AutoGenerate", Severity::Warning),
                ("Web.config", "C:\\Mail\\Pickup", Severity::Warning),
                ("Contoso.Orders.dll", "{WebRoot}\\Uploads", Severity::Error),
                ("Contoso.Orders.dll", "App_Data\\counter.txt", Severity::Error),
                // The configuration names the folder, the code the file.
                ("Contoso.Orders.dll", "C:\\Logs\\Orders\\orders.log", Severity::Warning),
            ],
        );
        expect_clean("orders-site-stateless", target);
    }
}

#[test]
fn a_cloud_service_with_a_marker_and_an_outbox() {
    expect(
        "orders-cloud-service",
        "cloud-service",
        &[
            ("ServiceConfiguration", "Worker", Severity::Warning),
            ("Worker.dll", "D:\\OrderState\\outbox", Severity::Warning),
            ("Worker.dll", "HKLM\\SOFTWARE\\Contoso\\Orders\\LastOrder", Severity::Warning),
            ("Worker.dll", "D:\\OrderState\\pending.txt", Severity::Warning),
            ("setup.cmd", "HKLM\\SOFTWARE\\Contoso\\Orders\\NodeId", Severity::Warning),
        ],
    );
    expect_clean("orders-cloud-service-stateless", "cloud-service");
}

#[test]
fn a_service_whose_sequence_reverts() {
    for target in ["vm-role", "vmss-ephemeral", "windows-container", "ec2-asg", "azure-vm"] {
        expect(
            "orderdesk-service",
            target,
            &[
                ("orderdesk.exe", "HKLM\\SOFTWARE\\Contoso\\OrderDesk\\Sequence", Severity::Error),
                ("orderdesk.exe", "{ProgramData}\\Contoso\\OrderDesk\\orders.dat", Severity::Warning),
                ("orderdesk.exe", "{AppDir}\\orderdesk.ini", Severity::Warning),
                ("install.cmd", "OrderDesk", Severity::Note),
            ],
        );
        expect_clean("orderdesk-service-stateless", target);
    }
}

#[test]
fn the_phase_is_inherited_and_its_evidence_shown() {
    let report = check("orders-cloud-service", "cloud-service");
    let step = report.findings.iter().find(|f| f.artifact.ends_with("setup.cmd")).expect("a finding");
    assert!(step.effect.phase_evidence.contains("ServiceDefinition.csdef"), "{}", step.effect.phase_evidence);
}

/// What a role sets at every start, as the samples of the platform do it, loses nothing that the next start does not
/// make again.
#[test]
fn startup_tasks_heal() {
    // What the roles themselves do is not known: their programs are not there.
    expect_quiet("startup-tasks", "cloud-service", Verdict::InsufficientData);
    let report = check("startup-tasks", "cloud-service");
    let phases: Vec<Phase> = report.inventory.iter().flat_map(|e| e.writers.iter().map(|w| w.phase)).collect();
    assert!(phases.len() > 12 && phases.iter().all(|p| *p == Phase::Startup), "{phases:?}");
}

/// What builds an image stays in it: no loss, and the inventory says when it was written.
#[test]
fn an_image_is_built() {
    for target in ["vm-role", "vmss-ephemeral", "azure-vm"] {
        expect_clean("image-build", target);
    }
    let report = check("image-build", "vmss-ephemeral");
    let writers = report.inventory.iter().flat_map(|e| e.writers.iter().map(|w| (&w.artifact, w.phase, &w.site)));
    let other: Vec<_> = writers.clone().filter(|(_, phase, _)| *phase != Phase::Build).collect();
    assert!(writers.count() > 20 && other.is_empty(), "{other:?}");
}

#[test]
fn two_scans_are_the_same_bytes() {
    let json = || serde_json::to_string(&check("orders-site", "vm-role")).expect("JSON");
    assert_eq!(json(), json());
}
