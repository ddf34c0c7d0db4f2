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
    /// Whole namespaces of those types that keep state, for libraries that are merged into programs.
    #[serde(default)]
    pub namespaces: String,
    /// Words of the company, the copyright or the product of its assemblies. They decide alone in a row without names.
    #[serde(default)]
    pub companies: Vec<String>,
    /// The names are such that an application could use them too: they decide only together with a token or company.
    #[serde(default)]
    pub confirm: bool,
}

impl OwnerRow {
    /// Is a method one of a library of this row, by the namespace of its type? Only those count that are named whole: an
    /// application may well put types of its own below the name of a library.
    pub fn has_namespace_of(&self, method: &str) -> bool {
        let namespace = method.rsplitn(3, '.').nth(2);
        namespace.is_some_and(|namespace| self.namespaces.split_whitespace().any(|whole| whole == namespace))
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
