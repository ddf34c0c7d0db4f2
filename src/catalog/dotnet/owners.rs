//! Rows that tell whose an assembly is, and what made it hard to read.

use crate::facts::Owner;
use serde::Deserialize;

/// Whose an assembly is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerRow {
    /// `framework` or `third-party`.
    pub owner: Owner,
    /// Public key tokens that decide alone.
    #[serde(default)]
    pub tokens: String,
    /// Simple names, or prefixes ending in `*`.
    #[serde(default)]
    pub names: String,
    /// Words of the company, the copyright or the product of its assemblies. They decide alone in a row without names.
    #[serde(default)]
    pub companies: Vec<String>,
    /// The names are such that an application could use them too: they decide only together with a token or company.
    #[serde(default)]
    pub confirm: bool,
}

impl OwnerRow {
    /// Is a method or type of a library of this row, by its namespace? That is called like the assembly of the library, also
    /// where the library was merged into a program. Names that an application could use too say nothing.
    pub fn has_namespace_of(&self, method: &str) -> bool {
        let namespaces = || method.match_indices('.').map(|(end, _)| &method[..end]);
        let is = |pattern: &str| match pattern.strip_suffix(".*") {
            Some(above) => method.strip_prefix(above).is_some_and(|rest| rest.starts_with('.')),
            None => namespaces().any(|namespace| namespace == pattern),
        };
        !self.confirm && self.names.split_whitespace().any(is)
    }
}

/// A program that makes assemblies hard to read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObfuscatorRow {
    /// Its name.
    pub name: String,
    /// Full names of the types that it leaves behind, mostly attributes.
    pub types: String,
    /// It can encrypt strings or method bodies, or hide calls: more than names is lost.
    #[serde(default)]
    pub hides: bool,
}
