//! One hand-made report that has everything a format must cope with, and one in which every text is hostile.

use std::collections::BTreeMap;
use std::path::Path;
use wipeproof::discover::Skipped;
use wipeproof::facts::{Certainty, NoteKind, Operation, Origin, Phase, Site, Step, Store, Trait};
use wipeproof::judge::OutcomeAt;
use wipeproof::output::{self, Context, Format, Sources, Style};
use wipeproof::report::{
    ArtifactNote, EffectSummary, Entry, EntryFate, Finding, Report, SCHEMA, Stats, Suppression, SuppressionKind,
    TargetVerdict, Tool, Verdict, Writer,
};
use wipeproof::rules::{Event, Outcome, RuleSet, Severity, Theme};

/// Rules of the fixture: their texts are part of the golden files, and the shipped rules change.
pub(crate) fn rules() -> RuleSet {
    RuleSet::embedded().expect("shipped rules").with_folder(Path::new("fixtures/report/rules")).expect("fixture rules")
}

/// Artifacts in memory.
pub(crate) struct Texts;

impl Sources for Texts {
    fn text(&self, artifact: &str) -> Option<String> {
        match artifact {
            "app/Web.config" => Some(include_str!("../../fixtures/report/Web.config").to_owned()),
            "app/startup.cmd" => {
                Some("@echo off\r\nreg add HKLM\\Software\\Contoso /v LastStart /d %DATE% /f\r\n".to_owned())
            }
            _ => None,
        }
    }
}

/// Renders in a format, without colour, 80 columns wide.
pub(crate) fn render(format: Format, report: &Report) -> String {
    render_in(format, report, Style::default())
}

/// Renders in a format and a style.
pub(crate) fn render_in(format: Format, report: &Report, style: Style) -> String {
    render_since(format, report, style, None)
}

/// Renders in a format and a style, compared with an earlier report.
pub(crate) fn render_since(format: Format, report: &Report, style: Style, earlier: Option<&Report>) -> String {
    let rules = rules();
    let mut bytes = Vec::new();
    let context = Context {
        rules: &rules,
        style,
        sources: &Texts,
        subject: None,
        earlier,
        fails_at: wipeproof::rules::Severity::Warning,
        invocation: None,
    };
    output::write(format, report, &context, &mut bytes).expect("writing to memory");
    String::from_utf8(bytes).expect("reports are UTF-8")
}

/// What the rules of the fixture say.
fn theme(rule: &str) -> Theme {
    match rule {
        "X201" => Theme::Settings,
        "X301" => Theme::Databases,
        "X401" => Theme::Sessions,
        _ => Theme::Files,
    }
}

fn finding(rule: (&str, &str), severity: Severity, confidence: Certainty, artifact: &str, site: Site) -> Finding {
    Finding {
        rule: rule.0.to_owned(),
        name: rule.1.to_owned(),
        theme: theme(rule.0),
        severity,
        confidence,
        message: String::new(),
        artifact: artifact.to_owned(),
        sites: vec![site],
        effect: EffectSummary {
            operation: Operation::Write,
            store: Store::File,
            location: String::new(),
            phase: Phase::Run,
            phase_evidence: String::new(),
            origin: Origin::Unknown,
            via: String::new(),
            traits: Vec::new(),
        },
        outcomes: Vec::new(),
        evidence: Vec::new(),
        help: String::new(),
        locations: Vec::new(),
        fingerprint: format!("{:032x}", artifact.len() * 1000 + rule.0.len()),
        suppressed: None,
        severities: [("vm-role", severity), ("vmss-ephemeral", Severity::Warning.min(severity))]
            .map(|(t, s)| (t.to_owned(), s))
            .into(),
    }
}

trait Build {
    fn effect(self, operation: Operation, store: Store, location: &str, via: &str) -> Self;
    fn phase(self, phase: Phase, evidence: &str) -> Self;
    fn says(self, title: &str, fate: &str, help: &str) -> Self;
    fn lost_at(self, events: &[Event], outcome: Outcome) -> Self;
    fn because(self, steps: &[Step]) -> Self;
    fn numbered(self, n: u8) -> Self;
}

impl Build for Finding {
    fn effect(mut self, operation: Operation, store: Store, location: &str, via: &str) -> Self {
        self.effect.operation = operation;
        self.effect.store = store;
        self.effect.location = location.to_owned();
        self.effect.via = via.to_owned();
        self
    }

    fn phase(mut self, phase: Phase, evidence: &str) -> Self {
        self.effect.phase = phase;
        self.effect.phase_evidence = evidence.to_owned();
        self
    }

    fn says(mut self, title: &str, fate: &str, help: &str) -> Self {
        self.message = format!("{title}: {}; {fate}", self.effect.location);
        self.help = help.to_owned();
        self
    }

    fn lost_at(mut self, events: &[Event], outcome: Outcome) -> Self {
        for target in ["vm-role", "vmss-ephemeral"] {
            if !events.contains(&Event::ProcessRestart) {
                let (target, event) = (target.to_owned(), Event::ProcessRestart);
                self.outcomes.push(OutcomeAt { target, event, outcome: Outcome::Survives });
            }
            let at = |event: &Event| OutcomeAt { target: target.to_owned(), event: *event, outcome };
            self.outcomes.extend(events.iter().map(at));
        }
        self
    }

    fn because(mut self, steps: &[Step]) -> Self {
        self.evidence = steps.to_vec();
        self
    }

    fn numbered(mut self, n: u8) -> Self {
        self.fingerprint = format!("{n:02x}").repeat(16);
        self
    }
}

const FILES: (&str, &str) = ("X101", "file-written-beside-the-program");
const REGISTRY: (&str, &str) = ("X201", "registry-written-while-running");
const DATABASE: (&str, &str) = ("X301", "database-on-the-instance");
const SESSION: (&str, &str) = ("X401", "session-in-memory");
const MOVES: &[Event] = &[Event::Reimage, Event::Move];

/// A report of an application that has one of everything.
pub(crate) fn sample() -> Report {
    let mut code = Site::code(".text", 0x1a2c);
    code.symbol = Some("SaveState".to_owned());
    let mut second = Site::code(".text", 0x1b00);
    second.symbol = Some("SaveState".to_owned());
    let mut il = Site::il("Contoso.Orders.Journal.Append", 0x1f);
    il.source_file = Some("src/Orders/Journal.cs".to_owned());
    il.source_line = Some(42);

    let database = finding(DATABASE, Severity::Error, Certainty::Proven, "app/Web.config", Site::text(5, 10))
        .effect(
            Operation::Write,
            Store::Database,
            r"{AppDir}\App_Data\orders.sdf",
            "connectionStrings/add@connectionString",
        )
        .phase(Phase::Run, "the web server opens it while it serves")
        .says(
            "database file on the disk of the instance",
            "lost at reimage, move; each instance has a copy of its own",
            "Use a managed database or a mounted durable disk.",
        )
        .lost_at(MOVES, Outcome::Lost)
        .because(&[
            Step::at("connection string `Orders` names |DataDirectory|", Site::text(5, 10)),
            Step::new("|DataDirectory| is App_Data below the application"),
        ])
        .numbered(1);
    let mut registry = finding(REGISTRY, Severity::Error, Certainty::Proven, "app/bin/agent.exe", code.clone())
        .effect(Operation::SetValue, Store::Registry, r"HKLM\Software\Contoso\LastOrder", "advapi32!RegSetValueExW")
        .phase(Phase::Run, "reached from ServiceMain")
        .says(
            "registry value written while the application runs",
            "back to the value of the image at reimage, move",
            "Keep settings in an external configuration store and state in a database.",
        )
        .lost_at(MOVES, Outcome::Reverts)
        .because(&[
            Step::at("ServiceMain calls SaveState", Site::code(".text", 0x1000)),
            Step::at(r#"argument 2: string "LastOrder" at 0x4030"#, Site::code(".rdata", 0x4030)),
            Step::at(r#"key opened by RegOpenKeyExW with "Software\Contoso""#, Site::code(".text", 0x1a00)),
            Step::new("installed as a service").in_artifact("app/startup.cmd"),
        ])
        .numbered(2);
    registry.sites.push(second);
    registry.effect.traits = vec![Trait::ReadBack, Trait::Baked];
    let script = finding(REGISTRY, Severity::Warning, Certainty::Proven, "app/startup.cmd", Site::text(2, 1))
        .effect(Operation::SetValue, Store::Registry, r"HKLM\Software\Contoso\LastStart", "reg add")
        .phase(Phase::Startup, "a startup task of ServiceDefinition.csdef")
        .says(
            "registry value written while the application runs",
            "lost at reimage, move",
            "Keep settings in an external configuration store and state in a database.",
        )
        .lost_at(MOVES, Outcome::Lost)
        .numbered(3);
    let journal = finding(FILES, Severity::Warning, Certainty::Likely, "app/bin/Orders.dll", il)
        .effect(
            Operation::Append,
            Store::File,
            r"{config:appSettings/JournalPath}\journal.txt",
            "System.IO.File::AppendAllText",
        )
        .phase(Phase::Unknown, "")
        .says(
            "file written beside the program",
            "nothing is promised at reimage, move",
            "Write to blob storage or a database.",
        )
        .lost_at(MOVES, Outcome::Unknown)
        .because(&[Step::new("argument 1: configuration value `JournalPath` joined with \"journal.txt\"")])
        .numbered(4);
    let table = finding(FILES, Severity::Note, Certainty::Proven, "app/setup.msi", Site::row("IniFile", "Ini_7"))
        .effect(Operation::SetValue, Store::Ini, r"{Windows}\contoso.ini", "IniFile")
        .phase(Phase::Build, "an installer table, run while the image is built")
        .says("file written beside the program", "survives every event", "Nothing to do.")
        .lost_at(MOVES, Outcome::Survives)
        .numbered(5);
    let mut session = finding(
        SESSION,
        Severity::Warning,
        Certainty::Proven,
        "app/Web.config",
        Site::text(9, 5).with_key("configuration/system.web/sessionState@mode"),
    )
    .effect(Operation::KeepInMemory, Store::Session, "ASP.NET session state", "sessionState@mode")
    .phase(Phase::Run, "the web server keeps it while it serves")
    .says(
        "session state in the memory of the process",
        "lost at process restart, reimage, move",
        "Use a distributed session provider.",
    )
    .lost_at(&[Event::ProcessRestart, Event::Reimage, Event::Move], Outcome::Lost)
    .numbered(6);
    session.suppressed = Some(Suppression {
        kind: SuppressionKind::Configuration,
        reason: "sessions are short and users can sign in again".to_owned(),
        owner: Some("shop team".to_owned()),
        expires: Some("2027-03-31".to_owned()),
    });
    let possible = finding(FILES, Severity::Warning, Certainty::Possible, "app/bin/agent.exe", Site::default())
        .effect(Operation::Write, Store::File, "{?}", "kernel32!WriteFile")
        .says(
            "file written beside the program",
            "nothing is promised at reimage, move",
            "Write to blob storage or a database.",
        )
        .numbered(7);
    report(vec![registry, journal, database, session, script, table], vec![possible])
}

fn entry(finding: &Finding) -> Entry {
    let fate = |target: &str| EntryFate {
        volume: "os".to_owned(),
        outcome: finding.outcomes.iter().map(|o| o.outcome).max().unwrap_or(Outcome::Unknown),
        words: finding.message.split_once("; ").map_or(String::new(), |(_, fate)| fate.to_owned()),
        events: finding.outcomes.iter().filter(|o| o.target == target).map(|o| (o.event, o.outcome)).collect(),
        severity: finding.severity_on(Some(target)),
    };
    Entry {
        location: finding.effect.location.clone(),
        store: finding.effect.store,
        writers: vec![Writer {
            artifact: finding.artifact.clone(),
            operation: finding.effect.operation,
            via: finding.effect.via.clone(),
            phase: finding.effect.phase,
            confidence: finding.confidence,
            site: finding.site().short(),
        }],
        fates: ["vm-role", "vmss-ephemeral"].map(|t| (t.to_owned(), fate(t))).into(),
        severity: finding.severity,
        rule: Some(finding.rule.clone()),
        help: Some(finding.help.clone()),
    }
}

/// Puts findings into a report whose counts are right.
pub(crate) fn report(findings: Vec<Finding>, possible: Vec<Finding>) -> Report {
    let count = |s: Severity| findings.iter().filter(|f| f.is_active() && f.severity == s).count();
    let on = |id: &str, s: Severity| findings.iter().filter(|f| f.is_active() && f.severity_on(Some(id)) == s).count();
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    let target = |id: &str, name: &str, verdict, because: &str| TargetVerdict {
        id: id.to_owned(),
        name: name.to_owned(),
        verdict,
        because: because.to_owned(),
        errors: on(id, Severity::Error),
        warnings: on(id, Severity::Warning),
        notes: on(id, Severity::Note),
    };
    let note =
        |artifact: &str, kind, text: &str| ArtifactNote { artifact: artifact.to_owned(), kind, text: text.to_owned() };
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "wipeproof".to_owned(), version: "0.0.0".to_owned(), rules: "0123456789abcdef".to_owned() },
        input: "fedcba9876543210".to_owned(),
        verdict: Verdict::NotReady,
        baseline: None,
        targets: vec![
            target(
                "vm-role",
                "Windows Azure VM Role",
                Verdict::NotReady,
                r"data, work or identity would be lost (2 errors), first HKLM\Software\Contoso\LastOrder",
            ),
            target(
                "vmss-ephemeral",
                "Scale set with ephemeral OS disks",
                Verdict::ReadyWithConditions,
                r"what would be lost may be dispensable; somebody has to decide (4 warnings), first {AppDir}\App_Data\orders.sdf",
            ),
        ],
        stats: Stats {
            artifacts: 7,
            formats: [("pe-x64", 1), ("assembly", 2), ("xml", 1), ("batch", 3)].map(|(f, n)| (f.to_owned(), n)).into(),
            facts: 41,
            third_party: 1,
            skipped: 1,
            findings: severities.into_iter().map(|s| (s, count(s))).collect::<BTreeMap<_, _>>(),
            suppressed: findings.iter().filter(|f| !f.is_active()).count(),
        },
        inventory: findings.iter().map(entry).collect(),
        findings,
        possible,
        skipped: vec![Skipped { artifact: "app/logo.png".to_owned(), reason: "not a format that is read".to_owned() }],
        notes: vec![
            note("app/bin/Orders.dll", NoteKind::Info, "debug information names another build"),
            note("app/bin/packed.exe", NoteKind::Opaque, "packed: the code cannot be seen"),
        ],
    }
}

/// What tries to break out of every format: escapes, quotes, tags, commands, formulas, entities, bidirectional text.
pub(crate) const HOSTILE: &str = concat!(
    "=cmd|' /C calc'!A0\u{1b}]0;x\u{7}\u{1b}[2J\r\n",
    "::error file=x::pwned\n##vso[task.complete result=Succeeded;]\n",
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`|]]>&amp;{{7*7}}${x}%0A",
    "[a](javascript:alert(1))\n# h\n```\n\u{202e}\u{2028}\u{0}\u{ffff}@team http://evil.invalid",
    // Terminals obey C1 controls as well: CSI, OSC, NEL; and all the marks that reorder or hide text.
    "\u{7f}\u{85}\u{9b}31m\u{9d}0;x\u{9c}\u{61c}\u{200b}\u{200f}\u{2066}\u{2069}\u{feff}"
);

/// A report in which every text is [`HOSTILE`].
pub(crate) fn hostile() -> Report {
    let h = || HOSTILE.to_owned();
    let mut report = sample();
    for finding in report.findings.iter_mut().chain(&mut report.possible) {
        let site = Site { method: Some(h()), symbol: Some(h()), key: Some(h()), source_file: None, ..finding.site() };
        finding.sites = vec![site.clone(), Site { table: Some(h()), row: Some(h()), ..Site::default() }];
        (finding.rule, finding.name, finding.message, finding.artifact, finding.help) = (h(), h(), h(), h(), h());
        finding.effect.location = h();
        finding.effect.via = h();
        finding.effect.phase_evidence = h();
        finding.evidence = vec![Step::at(h(), site).in_artifact(h())];
        if let Some(s) = &mut finding.suppressed {
            (s.reason, s.owner, s.expires) = (h(), Some(h()), Some(h()));
        }
        finding.severities = [(h(), finding.severity)].into();
        finding.outcomes.iter_mut().for_each(|o| o.target = h());
    }
    for entry in &mut report.inventory {
        (entry.location, entry.rule, entry.help) = (h(), Some(h()), Some(h()));
        for writer in &mut entry.writers {
            (writer.artifact, writer.via, writer.site) = (h(), h(), h());
        }
        let mut fate = entry.fates.values().next().cloned().expect("a fate");
        (fate.volume, fate.words) = (h(), h());
        entry.fates = [(h(), fate)].into();
    }
    for target in &mut report.targets {
        (target.id, target.name, target.because) = (h(), h(), h());
    }
    report.skipped = vec![Skipped { artifact: h(), reason: h() }];
    report.notes = vec![ArtifactNote { artifact: h(), kind: NoteKind::Failed, text: h() }];
    report.tool = Tool { name: h(), version: h(), rules: h() };
    report.input = h();
    report
}

/// Many findings, for speed and for cutting.
pub(crate) fn many(count: usize) -> Report {
    let template = sample();
    let findings = (0..count).map(|n| {
        let mut f = template.findings[n % template.findings.len()].clone();
        f.artifact = format!("app/{:03}/{}", n % 97, f.artifact);
        let location = format!("{}.{n}", f.effect.location);
        f.message = f.message.replace(&f.effect.location, &location);
        f.effect.location = location;
        f.fingerprint = format!("{n:032x}");
        f
    });
    report(findings.collect(), template.possible)
}
