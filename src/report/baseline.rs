//! A baseline: the findings an earlier scan knew, so that only new ones fail a check.
//!
//! Any earlier report serves: a baseline file, a JSON report, or SARIF. Findings are told apart by their
//! fingerprints, which hold no line, offset, absolute path or version, so a rebuilt binary keeps its findings.

use super::policy::Scope;
use super::{Finding, Report, Suppression, SuppressionKind};
use crate::discover::Application;
use crate::document::{self, DocumentError};
use crate::escape;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The next step when a file cannot be used.
pub(super) const HELP: &str = "write a baseline with `wipeproof baseline write`, or a report with `--output json=FILE`";
/// Name and version of the file's format.
const BASELINE_SCHEMA: &str = "wipeproof-baseline/1";
/// How the names of all versions of that format begin.
const BASELINE_FAMILY: &str = "wipeproof-baseline/";
/// Key of the fingerprint in SARIF's `partialFingerprints`.
pub const SARIF_FINGERPRINT: &str = "wipeproof/v2";
/// The same while names of artifacts had their versions in it: of all other names it is alike.
pub(super) const EARLIER_FINGERPRINT: &str = "wipeproof/v1";

/// A finding that an earlier scan knew.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BaselineEntry {
    /// Rule id.
    pub rule: String,
    /// Name of the artifact, or its path in the earlier report.
    pub artifact: String,
    /// Location.
    #[serde(default)]
    pub location: String,
    /// See [`Finding::fingerprint`].
    pub fingerprint: String,
}

impl std::fmt::Display for BaselineEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.rule, self.artifact)?;
        if self.location.is_empty() { Ok(()) } else { write!(f, " {}", self.location) }
    }
}

/// How a report compares with its baseline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BaselineSummary {
    /// The file, as it was named.
    pub file: String,
    /// Findings that the baseline knows.
    pub known: usize,
    /// Findings that it does not know.
    pub new: usize,
    /// Known to the baseline, and no longer found in an artifact that was read.
    pub fixed: Vec<BaselineEntry>,
    /// Known to the baseline, but the artifact was not read or the rule is gone.
    pub stale: Vec<BaselineEntry>,
}

/// What an earlier scan knew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Baseline {
    name: String,
    /// What was scanned, seen from the folder of the file: names of artifacts are relative to it.
    root: Option<String>,
    entries: Vec<BaselineEntry>,
}

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BaselineError {
    /// It cannot be read.
    #[error("cannot read the baseline {name}")]
    #[diagnostic(help("write one with `wipeproof baseline write`, or name an earlier JSON or SARIF report"))]
    Io {
        /// The file.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It cannot be read.
    #[error("cannot read the earlier report {name}")]
    #[diagnostic(help("write one with `wipeproof check --output json=FILE`"))]
    NoReport {
        /// The file.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no report of this version.
    #[error("{name} is not a report that this version of wipeproof can read")]
    #[diagnostic(help(
        "write one with `wipeproof check --output json=FILE` or `sarif=FILE`; a baseline knows too little to compare with"
    ))]
    NotAReport {
        /// The file.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is not JSON.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Document(#[from] Box<DocumentError>),
    /// It is SARIF of another tool.
    #[error("{name} is SARIF of {tool:?}, not of wipeproof")]
    #[diagnostic(help("{HELP}"))]
    OfAnother {
        /// The file.
        name: String,
        /// Who wrote it.
        tool: String,
    },
    /// It would be overwritten, and is no baseline.
    #[error("{name} is no baseline, and would be overwritten")]
    #[diagnostic(help("name another file with --file, or remove this one; nothing was written"))]
    NotOwn {
        /// The file.
        name: String,
    },
    /// It is JSON, but no report.
    #[error("{name} is neither a baseline nor a JSON or SARIF report of wipeproof")]
    #[diagnostic(help("{HELP}"))]
    Foreign {
        /// The file.
        name: String,
    },
}

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no report.
    pub fn load(path: &Path) -> Result<Self, BaselineError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| BaselineError::Io { name: name.clone(), source })?;
        Self::parse(&name, &document::decode(&name, bytes)?)
    }

    /// Reads a file that `wipeproof baseline write` wrote, and that it may write again.
    ///
    /// # Errors
    /// A file that cannot be read, or that is anything else: a report, or a file of the application.
    pub fn load_own(path: &Path) -> Result<Self, BaselineError> {
        let name = path.display().to_string();
        let not_own = || BaselineError::NotOwn { name: name.clone() };
        let bytes = std::fs::read(path).map_err(|source| BaselineError::Io { name: name.clone(), source })?;
        let text = document::decode(&name, bytes).map_err(|_| not_own())?;
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| not_own())?;
        match value.get("schema").and_then(Value::as_str) {
            Some(schema) if schema.starts_with(BASELINE_FAMILY) => Self::parse(&name, &text),
            _ => Err(not_own()),
        }
    }

    /// Reads a text; `name` is shown in errors and in the report.
    ///
    /// # Errors
    /// A text that is no report.
    pub fn parse(name: &str, text: &str) -> Result<Self, BaselineError> {
        let text = text.trim_start_matches('\u{feff}');
        let help = |error: Box<DocumentError>| match error.help_text() {
            Some(_) => error,
            None => Box::new(error.with_help(HELP)),
        };
        let value: Value = document::parse_json(name, text).map_err(help)?;
        let mut root = None;
        let mut entries: Vec<BaselineEntry> = match value.get("schema").and_then(Value::as_str) {
            Some(BASELINE_SCHEMA) => {
                let file: File = document::parse_json(name, text).map_err(help)?;
                root = file.root;
                file.findings.into_iter().map(BaselineEntry::from).collect()
            }
            Some(super::SCHEMA) => {
                let report: Earlier = document::parse_json(name, text).map_err(help)?;
                report.findings.into_iter().filter_map(Reported::entry).collect()
            }
            Some(other) => return Err(other_schema(name, text, other).into()),
            None => match value.get("runs") {
                Some(Value::Array(runs)) if runs.is_empty() => {
                    return Err(BaselineError::Foreign { name: name.to_owned() });
                }
                Some(_) => of_sarif(document::parse_json(name, text).map_err(help)?, name)?,
                None => return Err(BaselineError::Foreign { name: name.to_owned() }),
            },
        };
        entries.sort();
        entries.dedup();
        Ok(Baseline { name: name.to_owned(), root, entries })
    }

    /// The findings of a report that count today: accepted ones stay accepted where they are.
    pub fn of(report: &Report, app: &Application) -> Self {
        let is_active = |f: &&Finding| f.suppressed.as_ref().is_none_or(|s| s.kind == SuppressionKind::Baseline);
        let mut entries: Vec<BaselineEntry> = report
            .findings
            .iter()
            .filter(is_active)
            .map(|f| BaselineEntry {
                rule: f.rule.clone(),
                artifact: app.name_of(&f.artifact).to_owned(),
                location: f.effect.location.clone(),
                fingerprint: f.fingerprint.clone(),
            })
            .collect();
        entries.sort();
        entries.dedup();
        Baseline { name: String::new(), root: None, entries }
    }

    /// The same of a scan of this folder.
    #[must_use]
    pub fn below(mut self, root: Option<String>) -> Self {
        self.root = root;
        self
    }

    /// What was scanned, if it is known.
    pub fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }

    /// What it knows, sorted.
    pub fn entries(&self) -> &[BaselineEntry] {
        &self.entries
    }

    /// As a file: one finding per line, so that it merges and reviews well.
    pub fn to_json(&self) -> String {
        let line = |entry: &BaselineEntry| {
            let mut line = b"    ".to_vec();
            // A vector takes everything.
            let _ = escape::compact(entry, &mut line);
            String::from_utf8_lossy(&line).into_owned()
        };
        let lines: Vec<String> = self.entries.iter().map(line).collect();
        let body = if lines.is_empty() { String::new() } else { format!("\n{}\n  ", lines.join(",\n")) };
        let root = self.root.as_ref().map(|root| format!("  \"root\": {},\n", Value::from(root.as_str())));
        let root = root.unwrap_or_default();
        format!("{{\n  \"schema\": \"{BASELINE_SCHEMA}\",\n{root}  \"findings\": [{body}]\n}}\n")
    }

    /// Marks known findings, and says which entries found nothing. What is only possible is neither new nor known: it
    /// does not count in this scan.
    pub(super) fn apply(
        &self,
        findings: &mut [Finding],
        possible: &mut [Finding],
        scope: &Scope<'_>,
    ) -> BaselineSummary {
        let known: HashSet<&str> = self.entries.iter().map(|e| e.fingerprint.as_str()).collect();
        let mut summary = BaselineSummary { file: self.name.clone(), ..BaselineSummary::default() };
        let mut met: HashMap<String, String> = HashMap::new();
        let mut mark = |finding: &mut Finding| {
            let is_known = known.contains(finding.fingerprint.as_str());
            if is_known {
                met.insert(finding.fingerprint.clone(), scope.app.name_of(&finding.artifact).to_lowercase());
                finding.suppressed.get_or_insert_with(|| Suppression {
                    kind: SuppressionKind::Baseline,
                    reason: format!("known to the baseline {}", self.name),
                    owner: None,
                    expires: None,
                });
            }
            is_known
        };
        for finding in findings.iter_mut() {
            if mark(finding) {
                summary.known += 1;
            } else if finding.is_active() {
                summary.new += 1;
            }
        }
        for finding in possible.iter_mut() {
            mark(finding);
        }
        let names: HashSet<String> = scope
            .readings
            .iter()
            .flat_map(|r| [r.artifact.to_lowercase(), scope.app.name_of(&r.artifact).to_lowercase()])
            .collect();
        // Earlier reports name artifacts with the folder that was scanned, and a build's staging folder has another name
        // each time: names inside the application are compared. What was found again tells which folder it was.
        let folder = |e: &BaselineEntry| {
            let name = met.get(&e.fingerprint)?;
            e.artifact.to_lowercase().strip_suffix(name.as_str()).map(str::to_owned)
        };
        let folders: HashSet<String> = self.entries.iter().filter_map(folder).collect();
        let was_read = |artifact: &str| {
            let path = artifact.to_lowercase();
            let below = |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|p| names.contains(p));
            let mut insides = std::iter::successors(Some(path.as_str()), |p| p.split_once('/').map(|(_, rest)| rest));
            names.contains(&path)
                || folders.iter().any(below)
                || (folders.is_empty() && insides.any(|inside| names.contains(inside)))
        };
        for entry in self.entries.iter().filter(|e| !met.contains_key(&e.fingerprint)) {
            if was_read(&entry.artifact) && scope.rules.find(&entry.rule).is_some() {
                summary.fixed.push(entry.clone());
            } else {
                summary.stale.push(entry.clone());
            }
        }
        summary
    }
}

/// A baseline file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "read before, to know what the rest is")]
    schema: String,
    #[serde(default)]
    root: Option<String>,
    findings: Vec<Written>,
}

/// A line of a baseline file, which people merge by hand: a key that is mistyped is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rule: String,
    artifact: String,
    #[serde(default)]
    location: String,
    fingerprint: String,
}

impl From<Written> for BaselineEntry {
    fn from(Written { rule, artifact, location, fingerprint }: Written) -> Self {
        BaselineEntry { rule, artifact, location, fingerprint }
    }
}

/// What a baseline needs of a JSON report.
#[derive(Deserialize)]
struct Earlier {
    findings: Vec<Reported>,
}

#[derive(Deserialize)]
struct Reported {
    rule: String,
    artifact: String,
    effect: Located,
    fingerprint: String,
    suppressed: Option<Accepted>,
}

#[derive(Deserialize)]
struct Located {
    location: String,
}

#[derive(Deserialize)]
struct Accepted {
    kind: SuppressionKind,
}

impl Reported {
    /// Findings that were accepted otherwise do not come in by the back door.
    fn entry(self) -> Option<BaselineEntry> {
        let Reported { rule, artifact, effect, fingerprint, suppressed } = self;
        let counts = suppressed.is_none_or(|s| s.kind == SuppressionKind::Baseline);
        counts.then_some(BaselineEntry { rule, artifact, location: effect.location, fingerprint })
    }
}

/// What a baseline needs of SARIF.
#[derive(Deserialize)]
struct Sarif {
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    tool: SarifTool,
    #[serde(default)]
    results: Vec<Value>,
}

#[derive(Deserialize)]
struct SarifTool {
    driver: Driver,
}

#[derive(Deserialize)]
struct Driver {
    name: String,
}

/// A report of another version, or a word that was mistyped.
fn other_schema(name: &str, text: &str, written: &str) -> Box<DocumentError> {
    let at = text.find(written).unwrap_or_default();
    let known = [BASELINE_SCHEMA, super::SCHEMA];
    let help = match document::nearest(written, known.into_iter()) {
        Some(near) => format!("did you mean `{near}`? {HELP}"),
        None => HELP.to_owned(),
    };
    let message = format!("this version of wipeproof does not know the schema `{written}`");
    Box::new(DocumentError::new(name, text, at..at + written.len(), message).with_help(help))
}

fn of_sarif(log: Sarif, name: &str) -> Result<Vec<BaselineEntry>, BaselineError> {
    let foreign = log.runs.iter().find(|run| run.tool.driver.name != env!("CARGO_PKG_NAME"));
    match foreign {
        Some(run) => Err(BaselineError::OfAnother { name: name.to_owned(), tool: run.tool.driver.name.clone() }),
        None => Ok(log.runs.iter().flat_map(of_run).collect()),
    }
}

/// The path behind a relative URI reference.
pub(super) fn of_sarif_uri(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn of_run(run: &Run) -> Vec<BaselineEntry> {
    let of = |result: &Value| {
        let suppressed = result.get("suppressions").and_then(Value::as_array).is_some_and(|s| !s.is_empty());
        let prints = result.get("partialFingerprints").filter(|_| !suppressed)?;
        let uri = result.pointer("/locations/0/physicalLocation/artifactLocation/uri").and_then(Value::as_str);
        Some(BaselineEntry {
            rule: result.get("ruleId").and_then(Value::as_str)?.to_owned(),
            artifact: of_sarif_uri(uri.unwrap_or_default()),
            location: result.pointer("/properties/location").and_then(Value::as_str).unwrap_or_default().to_owned(),
            fingerprint: prints
                .get(SARIF_FINGERPRINT)
                .or_else(|| prints.get(EARLIER_FINGERPRINT))
                .and_then(Value::as_str)?
                .to_owned(),
        })
    };
    run.results.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_report_serves() {
        let own = r#"{"schema":"wipeproof-baseline/1","findings":[{"rule":"WP201","artifact":"a","location":"l","fingerprint":"f"}]}"#;
        let report = r#"{"schema":"wipeproof-report/1","findings":[
            {"rule":"WP201","artifact":"a","effect":{"location":"l"},"fingerprint":"f","suppressed":null},
            {"rule":"WP201","artifact":"a","effect":{"location":"l"},"fingerprint":"g","suppressed":{"kind":"inline"}}]}"#;
        let sarif = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"wipeproof"}},"results":[
            {"ruleId":"WP201","partialFingerprints":{"wipeproof/v1":"f"},
             "locations":[{"physicalLocation":{"artifactLocation":{"uri":"a"}}}]},
            {"ruleId":"WP201","partialFingerprints":{"wipeproof/v1":"g"},"suppressions":[{"kind":"inSource"}]}]}]}"#;
        for text in [own, report, sarif] {
            let baseline = Baseline::parse("b", text).unwrap();
            let prints: Vec<&str> = baseline.entries().iter().map(|e| e.fingerprint.as_str()).collect();
            assert_eq!(prints, ["f"], "{text}");
        }
        let baseline = Baseline::parse("b", own).unwrap();
        assert_eq!(Baseline::parse("b", &baseline.to_json()).unwrap(), baseline);
    }

    #[test]
    fn a_log_without_runs_is_no_report() {
        assert!(matches!(Baseline::parse("b", r#"{"version":"2.1.0","runs":[]}"#), Err(BaselineError::Foreign { .. })));
    }

    #[test]
    fn addresses_become_paths() {
        assert_eq!(of_sarif_uri("app/Web%20Config%231.xml"), "app/Web Config#1.xml");
        assert_eq!(of_sarif_uri("100%/%C3%BC%"), "100%/ü%");
    }

    #[test]
    fn what_is_no_report_is_refused() {
        assert!(matches!(Baseline::parse("b", "{\"a\": }"), Err(BaselineError::Document(_))));
        assert!(matches!(Baseline::parse("b", "[]"), Err(BaselineError::Foreign { .. })));
        assert!(matches!(Baseline::parse("b", "{\"runs\": 1}"), Err(BaselineError::Document(_))));
    }
}
