//! Findings as diagnostics, each at a place a person can go to.

use super::document::{Encoding, position, site_range};
use super::workspace::Scan;
use crate::document::DocumentError;
use crate::facts::{Site, Step};
use crate::report::{Finding, mistakes};
use crate::rules::{RuleSet, Severity};
use crate::settings::{FILE_NAME, Settings};
use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Range, Url,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name under which an editor shows them.
const SOURCE: &str = "wipeproof";
/// Where the pages of the rules are published, without the anchor.
const RULE_PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/rules.md");
/// Steps shown beside a diagnostic.
const MAX_RELATED: usize = 12;

/// A diagnostic with what it was made of.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) diagnostic: Arc<Diagnostic>,
    /// What hover and code actions look at; one for all places of a finding.
    pub(super) finding: Arc<Finding>,
}

/// Diagnostics by file.
pub(super) type ByFile = BTreeMap<Url, Vec<Shown>>;

/// What places are found in.
pub(super) struct View<'a> {
    pub(super) root: &'a Path,
    pub(super) scan: &'a Scan,
    /// Lines of open files, by path.
    pub(super) texts: &'a HashMap<PathBuf, Vec<&'a str>>,
    pub(super) encoding: Encoding,
    /// Files of artifacts, each with its address, which costs more to make than anything else of a diagnostic.
    files: RefCell<HashMap<String, Option<(PathBuf, Url)>>>,
    /// Pages of rules.
    pages: RefCell<HashMap<String, Option<Url>>>,
}

/// All that a check finds and nobody accepted.
pub(super) fn by_file(findings: &[Arc<Finding>], view: &View<'_>) -> ByFile {
    let mut shown = ByFile::new();
    for finding in findings.iter().filter(|f| f.is_active()) {
        let related: Vec<_> =
            finding.evidence.iter().filter_map(|step| related(step, finding, view)).take(MAX_RELATED).collect();
        for (n, site) in finding.sites.iter().enumerate() {
            let Some(place) = view.place(&finding.artifact, site) else { continue };
            // A binary without debug information has one place for all its sites.
            if n > 0 && !place.precise {
                continue;
            }
            let diagnostic = Arc::new(diagnostic(finding, site, &place, &related, view));
            shown.entry(place.url).or_default().push(Shown { diagnostic, finding: Arc::clone(finding) });
        }
    }
    shown
}

struct Place {
    url: Url,
    range: Range,
    precise: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(
        root: &'a Path,
        scan: &'a Scan,
        texts: &'a HashMap<PathBuf, Vec<&'a str>>,
        encoding: Encoding,
    ) -> Self {
        View { root, scan, texts, encoding, files: RefCell::default(), pages: RefCell::default() }
    }
}

impl View<'_> {
    fn place(&self, artifact: &str, site: &Site) -> Option<Place> {
        let at = |file: &Path, url: Url, line: u32, column: u32, precise: bool| {
            let content = self.texts.get(file).and_then(|lines| lines.get(line.saturating_sub(1) as usize).copied());
            Some(Place { url, range: site_range(content, line, column, self.encoding), precise })
        };
        let (file, url) = self.file(artifact)?;
        if let Some(line) = site.line {
            return at(&file, url, line, site.column.unwrap_or(1), true);
        }
        if let (Some(source), Some(line)) = (&site.source_file, site.source_line)
            && let Some(source) = self.source(source)
        {
            return at(&source, Url::from_file_path(&source).ok()?, line, 1, true);
        }
        let carrier = self.scan.carrier(artifact).unwrap_or(&file);
        at(carrier, Url::from_file_path(carrier).ok()?, 1, 1, false)
    }

    fn file(&self, artifact: &str) -> Option<(PathBuf, Url)> {
        if let Some(known) = self.files.borrow().get(artifact) {
            return known.clone();
        }
        let file = self.absolute(artifact);
        let found = Url::from_file_path(&file).ok().map(|url| (file, url));
        self.files.borrow_mut().insert(artifact.to_owned(), found.clone());
        found
    }

    fn page(&self, rule: &str) -> Option<Url> {
        if let Some(known) = self.pages.borrow().get(rule) {
            return known.clone();
        }
        let page = rule_page(rule);
        self.pages.borrow_mut().insert(rule.to_owned(), page.clone());
        page
    }

    fn absolute(&self, artifact: &str) -> PathBuf {
        let path = Path::new(artifact);
        // Settings are named as seen from the working folder.
        std::path::absolute(path).unwrap_or_else(|_| self.root.join(path))
    }

    /// A source file as debug information names it: the path of the build machine, whose tail is a path here.
    fn source(&self, named: &str) -> Option<PathBuf> {
        let parts: Vec<&str> = named.split(['/', '\\']).filter(|p| !p.is_empty() && *p != "..").collect();
        (0..parts.len()).map(|n| self.root.join(parts[n..].iter().collect::<PathBuf>())).find(|p| p.is_file())
    }
}

fn diagnostic(
    finding: &Finding,
    site: &Site,
    place: &Place,
    related: &[DiagnosticRelatedInformation],
    view: &View<'_>,
) -> Diagnostic {
    let severity = match finding.severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note | Severity::Off => DiagnosticSeverity::INFORMATION,
    };
    let message = if place.precise || site.short().is_empty() {
        finding.message.clone()
    } else {
        format!("{} ({}, {})", finding.message, view.scan.name_of(&finding.artifact), site.short())
    };
    Diagnostic {
        range: place.range,
        severity: Some(severity),
        code: Some(NumberOrString::String(finding.rule.clone())),
        code_description: view.page(&finding.rule).map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message,
        related_information: (!related.is_empty()).then(|| related.to_vec()),
        tags: None,
        data: Some(serde_json::Value::String(finding.fingerprint.clone())),
    }
}

/// What is wrong with a settings file, while it is being written.
pub(super) fn of_settings(text: &str, rules: Option<&RuleSet>, encoding: Encoding) -> Vec<Diagnostic> {
    let (settings, mut all) = Settings::salvage(FILE_NAME, text);
    all.extend(rules.map(|rules| mistakes(&settings, rules)).unwrap_or_default());
    let diagnostic = |mistake: &DocumentError| {
        let span = mistake.span();
        // The list of all valid words, which the help ends with, is what completion is for.
        let help = mistake.help_text().and_then(|h| h.split_inclusive('?').next()).map(|h| format!("; {h}"));
        Diagnostic {
            range: Range::new(position(text, span.start, encoding), position(text, span.end, encoding)),
            severity: Some(DiagnosticSeverity::ERROR),
            source: Some(SOURCE.to_owned()),
            message: format!("{}{}", mistake.message(), help.unwrap_or_default()),
            ..Diagnostic::default()
        }
    };
    all.iter().map(diagnostic).collect()
}

/// The page of a rule.
pub(super) fn rule_page(rule: &str) -> Option<Url> {
    Url::parse(&format!("{RULE_PAGES}#{}", rule.to_lowercase())).ok()
}

fn related(step: &Step, finding: &Finding, view: &View<'_>) -> Option<DiagnosticRelatedInformation> {
    let artifact = step.artifact.as_deref().unwrap_or(&finding.artifact);
    let place = view.place(artifact, step.site.as_ref()?)?;
    Some(DiagnosticRelatedInformation {
        location: Location { uri: place.url, range: place.range },
        message: step.text.clone(),
    })
}
