//! `wipeproof.toml`: what a team decides for its application.
//!
//! The command line and the editor read the same file through [`Settings::load`], found upwards from an input by
//! [`Settings::find`]; an unknown key is refused with a caret and a suggestion.

mod date;
mod reason;

pub use date::Date;
pub use reason::{REASON_PLACEHOLDER, is_reason};

use crate::document::{self, DocumentError, Word};
use crate::facts::Phase;
use crate::rules::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use strum::IntoEnumIterator as _;

/// Name of the file.
pub const FILE_NAME: &str = crate::discover::SETTINGS_FILE;

/// The decisions of a team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Platforms to judge for, by id; see `wipeproof targets`.
    pub targets: Vec<String>,
    /// Paths inside the application that are not read, as globs.
    pub exclude: Vec<String>,
    /// Honour `.gitignore`; off by default, because build output is what gets uploaded.
    pub respect_gitignore: bool,
    /// Lowest severity that makes a check fail; `off`, or `never` as the flag says, for none.
    #[serde(deserialize_with = "fail_on")]
    pub fail_on: Option<Severity>,
    /// Environment whose configuration is judged, such as `Production`; empty means all of them.
    pub environment: Option<String>,
    /// Folder with rules of your own.
    pub rules_folder: Option<PathBuf>,
    /// Globs of artifacts that run in a phase, whatever else is known of them.
    #[schemars(extend("propertyNames" = phase_names()))]
    pub phases: BTreeMap<Phase, Vec<String>>,
    /// Places that outlive the instance.
    pub durable: Vec<PlaceDecision>,
    /// Places whose loss does not matter.
    pub disposable: Vec<PlaceDecision>,
    /// Severity of rules, by id or name.
    pub rules: BTreeMap<String, Severity>,
    /// Severity of rules below some paths.
    pub overrides: Vec<Override>,
    /// Code that is not the team's own.
    pub third_party: ThirdParty,
    /// Findings that are accepted, with the reason.
    pub allow: Vec<Allow>,
    /// Earlier report or baseline file: what it knows does not fail a check.
    pub baseline: Option<PathBuf>,
    /// Keep what was read in the per-user cache folder, so that unchanged files are not read again.
    pub cache: Option<bool>,
    /// Where this was read, for findings about the decisions themselves.
    #[serde(skip)]
    pub source: Option<SettingsSource>,
}

/// A settings file as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsSource {
    /// Path as reports show it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A place with a property.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlaceDecision {
    /// A path, such as `F:\data` or `{AppData}\Cache`; everything below it is meant.
    pub path: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Severities below some paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Override {
    /// Globs of artifacts.
    pub paths: Vec<String>,
    /// Severity of rules, by id or name.
    pub rules: BTreeMap<String, Severity>,
}

/// Code that is not the team's own: read, but only reported when asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ThirdParty {
    /// Globs of artifacts.
    pub paths: Vec<String>,
    /// Company names in the version information.
    pub companies: Vec<String>,
    /// Public key tokens of assemblies.
    pub tokens: Vec<String>,
    /// Report it all the same.
    pub include: bool,
}

/// An accepted finding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Allow {
    /// Rule, by id or name.
    pub rule: String,
    /// Glob of artifacts; all if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Location, with `*`; all if absent.
    #[serde(default)]
    pub location: Option<String>,
    /// Why it is acceptable.
    pub reason: String,
    /// Who accepted it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Last day on which it holds, `2027-03-31`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub expires: Option<Date>,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SettingsError {
    /// A file with a mistake.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Document(#[from] Box<DocumentError>),
    /// A file that cannot be read.
    #[error("cannot read the settings {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Settings {
    /// Reads settings from a text; `name` is shown in errors.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, Box<DocumentError>> {
        let mut settings: Settings = document::parse(name, text)?;
        settings.source = Some(SettingsSource { name: name.to_owned(), text: text.to_owned() });
        if let Some((n, bad)) = settings.allow.iter().enumerate().find(|(_, a)| a.reason.trim().is_empty()) {
            let message = format!("the allowance of {} has no reason", bad.rule);
            let path = ["allow".to_owned(), n.to_string(), "reason".to_owned()];
            let help = "say in `reason` why this finding is acceptable";
            return match settings.refuse(|word| word.path == path, &message, Some(help)) {
                Some(error) => Err(error),
                None => Err(Box::new(DocumentError::new(name, text, 0..0, message).with_help(help))),
            };
        }
        Ok(settings)
    }

    /// A refusal of something that the file says, at the first word that is meant; nothing if it does not stand there.
    pub fn refuse(
        &self,
        meant: impl Fn(&Word) -> bool,
        message: &str,
        help: Option<&str>,
    ) -> Option<Box<DocumentError>> {
        let source = self.source.as_ref()?;
        let word = document::words(&source.text).into_iter().find(meant)?;
        let error = DocumentError::new(&source.name, &source.text, word.span, message);
        Some(Box::new(match help {
            Some(help) => error.with_help(help),
            None => error,
        }))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or the first mistake in it.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let bytes = std::fs::read(path).map_err(|source| SettingsError::Io { path: path.to_path_buf(), source })?;
        let name = path.display().to_string();
        let text = document::decode(&name, bytes)?;
        let mut settings = Self::parse(&name, &text)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [&mut settings.rules_folder, &mut settings.baseline].into_iter().flatten() {
            *file = folder.join(&*file);
        }
        Ok(settings)
    }

    /// The nearest `wipeproof.toml` in the folder of an input or above it.
    pub fn find(input: &Path) -> Option<PathBuf> {
        let start = std::path::absolute(input).ok()?;
        let file = start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())?;
        // Named as a person here would name it, so that reports do not depend on where the checkout is.
        let here = std::env::current_dir().ok();
        let relative = here.and_then(|here| file.strip_prefix(here).map(Path::to_path_buf).ok());
        Some(relative.unwrap_or(file))
    }

    /// Where in the text of a settings file the entries of `[[allow]]` begin: lines from 1.
    pub fn lines_of_allow(text: &str) -> Vec<u32> {
        let words = document::words(text);
        let heads = words.iter().filter(|w| w.text.is_empty() && w.path.len() == 2 && w.is_below("allow"));
        heads.map(|w| w.line(text)).collect()
    }
}

/// A severity, or `never`, which is how the command line says `off`.
fn fail_on<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Severity>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        Error,
        Warning,
        Note,
        #[serde(alias = "never")]
        Off,
    }
    Ok(Some(match Word::deserialize(d)? {
        Word::Error => Severity::Error,
        Word::Warning => Severity::Warning,
        Word::Note => Severity::Note,
        Word::Off => Severity::Off,
    }))
}

/// A map has any keys in the schema that its type makes.
fn phase_names() -> serde_json::Value {
    let names: Vec<&str> = Phase::iter().map(Into::into).collect();
    serde_json::json!({ "enum": names })
}

/// The JSON Schema of the file, for editors.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Settings);
    schema.insert("title".to_owned(), "wipeproof.toml".into());
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    format!("{text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_documentation_shows() {
        let text = r#"
targets = ["vm-role", "windows-container"]
exclude = ["**/*.Tests.dll"]
fail-on = "error"

[phases]
build = ["install/**"]

[[durable]]
path = 'F:\data'
reason = "data disk"

[rules]
WP701 = "note"

[[allow]]
rule = "WP201"
path = "bin/*.exe"
location = 'HKLM\Software\Contoso\*'
reason = "re-created at each start"
expires = "2027-01-31"
"#;
        let s = Settings::parse("wipeproof.toml", text).unwrap();
        assert_eq!(s.fail_on, Some(Severity::Error));
        assert_eq!(s.phases[&Phase::Build], ["install/**"]);
        assert_eq!(s.allow[0].expires.unwrap().to_string(), "2027-01-31");
        assert_eq!(Settings::lines_of_allow(text), [16]);
    }

    #[test]
    fn mistakes_are_refused_with_the_next_step() {
        let error = Settings::parse("w", "exlude = []").unwrap_err();
        assert!(error.help_text().unwrap().contains("did you mean `exclude`"), "{error:?}");
        assert!(Settings::parse("w", "[[allow]]\nrule='WP201'\nreason=' '").is_err());
        assert!(Settings::parse("w", "[[allow]]\nrule='WP201'\nreason='x'\nexpires='soon'").is_err());
        let error = Settings::parse("w", "[[allow]]\nrule='WP201'\nreason='x'\nexpires=2027-01-31").unwrap_err();
        assert!(error.help_text().is_some_and(|h| h.contains("in quotes")), "{error:?}");
        for word in ["off", "never"] {
            let settings = Settings::parse("w", &format!("fail-on = '{word}'")).unwrap();
            assert_eq!(settings.fail_on, Some(Severity::Off));
        }
    }
}
