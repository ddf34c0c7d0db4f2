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
    /// Lowest severity that makes a check fail; `never`, or `off`, for none.
    #[serde(deserialize_with = "fail_on")]
    #[schemars(with = "Option<FailOn>")]
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
    /// Public key tokens of assemblies: 16 hexadecimal digits each.
    #[schemars(extend("items" = token_pattern()))]
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
    /// All mistakes, with their places.
    pub fn parse(name: &str, text: &str) -> Result<Self, Box<DocumentError>> {
        let (settings, mistakes) = Self::salvage(name, text);
        match DocumentError::together(mistakes) {
            Some(error) => Err(error),
            None => Ok(settings),
        }
    }

    /// What can be used of a text, and all that is wrong with it.
    pub fn salvage(name: &str, text: &str) -> (Self, Vec<DocumentError>) {
        let (read, mut mistakes) = document::parse_all::<Settings>(name, text);
        let mut settings = read.unwrap_or_default();
        settings.source = Some(SettingsSource { name: name.to_owned(), text: text.to_owned() });
        let words = document::words(text);
        for word in &words {
            let path: Vec<&str> = word.path.iter().map(String::as_str).collect();
            let (message, help) = match path.as_slice() {
                ["allow", number, "reason"] if word.text.trim().is_empty() => {
                    let rule = words.iter().find(|w| w.path == ["allow", number, "rule"]);
                    let rule = rule.map_or("a rule", |rule| rule.text.as_str());
                    (format!("the allowance of {rule} has no reason"), "say in `reason` why this finding is acceptable")
                }
                ["third-party", "tokens", _] if !is_token(&word.text) => (
                    format!("{:?} is not the token of a public key", word.text),
                    "a token has 16 hexadecimal digits, such as 31bf3856ad364e35",
                ),
                _ => continue,
            };
            mistakes.push(DocumentError::new(name, text, word.span.clone(), message).with_help(help));
        }
        (settings, mistakes)
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
    /// A file that cannot be read, or all mistakes in it.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let (settings, mistakes) = Self::load_all(path)?;
        match DocumentError::together(mistakes) {
            Some(error) => Err(error.into()),
            None => Ok(settings),
        }
    }

    /// What can be used of a file, and all that is wrong with it.
    ///
    /// # Errors
    /// A file that cannot be read, or is no text.
    pub fn load_all(path: &Path) -> Result<(Self, Vec<DocumentError>), SettingsError> {
        let bytes = std::fs::read(path).map_err(|source| SettingsError::Io { path: path.to_path_buf(), source })?;
        let name = path.display().to_string();
        let text = document::decode(&name, bytes)?;
        let (mut settings, mistakes) = Self::salvage(&name, &text);
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [&mut settings.rules_folder, &mut settings.baseline].into_iter().flatten() {
            *file = folder.join(&*file);
        }
        Ok((settings, mistakes))
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

/// Compiles a glob of artifacts as all settings mean them: names of Windows have no case, `\\` separates as `/` does, and
/// `./` in front means nothing.
///
/// # Errors
/// What is not a glob.
pub fn glob(pattern: &str) -> Result<globset::Glob, globset::Error> {
    let slashes = pattern.replace('\\', "/");
    let plain = slashes.trim_start_matches("./");
    globset::GlobBuilder::new(plain).case_insensitive(true).build()
}

/// A severity, or that nothing makes a check fail.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum FailOn {
    /// Errors only.
    Error,
    /// Warnings and errors.
    Warning,
    /// Every finding.
    Note,
    /// Nothing; as the flag says it.
    Never,
    /// Nothing.
    Off,
}

fn fail_on<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Severity>, D::Error> {
    Ok(Some(match FailOn::deserialize(d)? {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
        FailOn::Never | FailOn::Off => Severity::Off,
    }))
}

/// Is it the token of a public key: the last eight bytes of its hash (ECMA-335, II.6.3), in hexadecimal?
fn is_token(text: &str) -> bool {
    text.len() == TOKEN_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Digits of a public key token.
const TOKEN_DIGITS: usize = 16;

/// What a public key token looks like, for editors.
fn token_pattern() -> serde_json::Value {
    serde_json::json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{16}$" })
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
