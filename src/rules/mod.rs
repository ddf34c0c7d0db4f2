//! What is judged and how: rules and target profiles, as data under `rules/`.
//!
//! A [`Rule`] is one TOML file with its reason, its remedies and its own examples; a [`Target`] says what survives
//! which event on one platform. [`RuleSet::embedded`] holds the shipped ones; a user's folder is added by
//! [`RuleSet::with_folder`].

mod examples;
mod matcher;
mod rule;
mod target;
mod wildcard;

pub use examples::BrokenExample;
pub use rule::{Condition, PhaseJudgement, Rule, Severity, Theme};
pub use target::{Event, EventInfo, Outcome, Platform, Target, Volume};
pub use wildcard::wildcard;

use crate::catalog::Packed;
use crate::document::{self, DocumentError};
use include_dir::{Dir, DirEntry, include_dir};
use std::path::Path;

/// What `build.rs` packed of `rules/`; the catalogue in it is [`crate::catalog`]'s.
static FILES: Dir<'_> = include_dir!("$OUT_DIR/rules");
/// Identifies the shipped rules and targets.
const HASH: &str = env!("WIPEPROOF_RULES");

/// All rules and targets in force.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// Sorted by id.
    rules: Vec<Rule>,
    /// In the order of their names.
    targets: Vec<Target>,
    platform: Platform,
    hash: String,
}

/// A rule set that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RuleSetError {
    /// A file with a mistake.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Document(#[from] Box<DocumentError>),
    /// A shipped table of another shape than its type.
    #[error("the table {name}, which is part of this program, cannot be read")]
    Packed {
        /// The table.
        name: &'static str,
        /// What is wrong with it.
        source: rmp_serde::decode::Error,
    },
    /// A folder or file that cannot be read.
    #[error("cannot read rules from {path}")]
    Io {
        /// The folder or file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The platform the tool was first made for.
pub const DEFAULT_TARGET: &str = "vm-role";

/// A platform that nobody described.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no target {name:?}")]
pub struct UnknownTarget {
    name: String,
    #[help]
    help: String,
}

impl UnknownTarget {
    /// What was written.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl RuleSet {
    /// The shipped rules and targets.
    ///
    /// # Errors
    /// A mistake in a shipped file, which the test-suite excludes.
    pub fn embedded() -> Result<Self, RuleSetError> {
        let mut files = Vec::new();
        collect(&FILES, &mut files);
        files.sort_unstable_by_key(|(name, _)| *name);
        let mut set =
            RuleSet { rules: Vec::new(), targets: Vec::new(), platform: Platform::default(), hash: HASH.to_owned() };
        for (name, packed) in files {
            let wrong = |source| RuleSetError::Packed { name, source };
            // On Windows the names have backslashes.
            if name == "platform.toml" {
                set.platform = packed.read().map_err(wrong)?;
            } else if name.starts_with("targets") {
                set.targets.push(packed.read().map_err(wrong)?);
            } else {
                set.rules.push(packed.read().map_err(wrong)?);
            }
        }
        set.rules.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(set)
    }

    /// Adds the rules of a folder, recursively.
    ///
    /// # Errors
    /// A folder that cannot be read, a file with a mistake, an id that is taken.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, RuleSetError> {
        let io = |path: &Path, source| RuleSetError::Io { path: path.display().to_string(), source };
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.hash.as_bytes());
        let mut own = Vec::new();
        let mut pending = vec![folder.to_path_buf()];
        while let Some(dir) = pending.pop() {
            let entries = std::fs::read_dir(&dir).map_err(|e| io(&dir, e))?;
            let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
            paths.sort();
            for path in paths {
                if path.is_dir() {
                    pending.push(path);
                } else if path.extension().is_some_and(|e| e == "toml") {
                    let bytes = std::fs::read(&path).map_err(|e| io(&path, e))?;
                    let name = path.display().to_string();
                    let text = document::decode(&name, bytes)?;
                    hasher.update(text.as_bytes());
                    let rule = Rule::parse(&name, &text)?;
                    if let Some(taken) = [&rule.id, &rule.name].into_iter().find(|id| self.find(id).is_some()) {
                        return Err(already_defined(&name, &text, taken).into());
                    }
                    own.push((rule.clone(), name, text));
                    self.rules.push(rule);
                }
            }
        }
        self.hash = hasher.finalize().to_hex()[..16].to_owned();
        self.rules.sort_by(|a, b| a.id.cmp(&b.id));
        // Only with all rules in place it is known which of them speaks.
        for (rule, name, text) in own {
            if let Some(error) = DocumentError::together(self.mistaken_examples(&rule, &name, &text)) {
                return Err(error.into());
            }
        }
        Ok(self)
    }

    /// All rules, by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule by id or name, in any case.
    pub fn find(&self, id_or_name: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id.eq_ignore_ascii_case(id_or_name) || r.name.eq_ignore_ascii_case(id_or_name))
    }

    /// The id or name most like a word.
    pub fn nearest_rule(&self, word: &str) -> Option<&str> {
        document::nearest(word, self.rules.iter().flat_map(|r| [r.id.as_str(), r.name.as_str()]))
    }

    /// All targets.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// A target by id or alias.
    pub fn target(&self, id: &str) -> Option<&Target> {
        self.targets.iter().find(|t| t.id == id || t.aliases.iter().any(|a| a == id))
    }

    /// Targets by their names, each once; the default when none is named.
    ///
    /// # Errors
    /// A name that is no target.
    pub fn choose_targets(&self, names: &[String]) -> Result<Vec<&Target>, UnknownTarget> {
        let default = [DEFAULT_TARGET.to_owned()];
        let names = if names.is_empty() { &default[..] } else { names };
        let mut chosen: Vec<&Target> = Vec::new();
        for name in names {
            let target = self.target(name).ok_or_else(|| {
                let near = self.nearest_target(name).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
                UnknownTarget { name: name.clone(), help: format!("{near}`wipeproof targets` lists them") }
            })?;
            if !chosen.iter().any(|t| t.id == target.id) {
                chosen.push(target);
            }
        }
        Ok(chosen)
    }

    /// The target most like a word.
    pub fn nearest_target(&self, word: &str) -> Option<&str> {
        document::nearest(word, self.targets.iter().map(|t| t.id.as_str()))
    }

    /// What all targets share: events, and the usual volume of each place.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Identifies this set of rules: hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

fn already_defined(name: &str, text: &str, id: &str) -> Box<DocumentError> {
    let written = document::words(text).into_iter().find(|word| word.text == id);
    let span = written.map_or(0..0, |word| word.span);
    let error = DocumentError::new(name, text, span, format!("the rule {id} is already defined"));
    Box::new(error.with_help("give your rule an id and a name of its own, for example X001"))
}

fn collect(dir: &'static Dir<'static>, files: &mut Vec<(&'static str, Packed)>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(d) if d.path() == Path::new("catalog") => {}
            DirEntry::Dir(d) => collect(d, files),
            DirEntry::File(f) => {
                files
                    .extend(f.path().to_str().filter(|n| n.ends_with(".toml")).map(|n| (n, Packed::new(f.contents()))));
            }
        }
    }
}
