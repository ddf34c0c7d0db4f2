//! What each API, command and configuration key does: data under `rules/catalog/`, packed by `build.rs` and read on
//! first use.
//!
//! One submodule per reader family owns its tables and their schema; readers look things up here and hold no tables
//! of their own.

pub mod commands;
pub mod config;
pub mod dotnet;
pub mod native;

use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;

/// The catalogue files, embedded.
static FILES: Dir<'_> = include_dir!("$OUT_DIR/rules/catalog");

/// Identifies the catalogue: hexadecimal.
pub const HASH: &str = env!("WIPEPROOF_CATALOG");

/// A packed table.
#[derive(Clone, Copy)]
pub struct Packed(&'static [u8]);

impl Packed {
    /// Bytes that `build.rs` wrote.
    pub const fn new(bytes: &'static [u8]) -> Self {
        Packed(bytes)
    }

    /// Reads the table into a type.
    ///
    /// # Errors
    /// A table of another shape, which is a defect of the build: the tests read every table.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, rmp_serde::decode::Error> {
        rmp_serde::from_slice(self.0)
    }
}

/// The tables of `rules/catalog/<folder>/`, by the names of their files.
pub fn tables(folder: &str) -> impl Iterator<Item = (&'static str, Packed)> {
    let mut files: Vec<_> = FILES
        .get_dir(folder)
        .into_iter()
        .flat_map(|dir| dir.files())
        .filter_map(|file| Some((file.path().to_str()?, file.contents())))
        .filter(|(name, _)| name.ends_with(".toml"))
        .collect();
    files.sort_unstable();
    files.into_iter().map(|(name, bytes)| (name, Packed(bytes)))
}

/// A file that is no table, by its path below `rules/catalog/`.
pub fn text(path: &str) -> &'static str {
    FILES.get_file(path).and_then(|file| file.contents_utf8()).unwrap_or_default()
}
