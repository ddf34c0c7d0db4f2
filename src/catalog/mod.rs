//! What each API, command and configuration key does: data under `rules/catalog/`, parsed on first use.
//!
//! One submodule per reader family owns its tables and their schema; readers look things up here and hold no tables
//! of their own.

pub mod commands;
pub mod config;
pub mod dotnet;
pub mod native;

use include_dir::{Dir, include_dir};

/// The catalogue files, embedded.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules/catalog");

/// The TOML files below `rules/catalog/<folder>/`, by name.
pub fn files(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut files: Vec<_> = FILES
        .get_dir(folder)
        .into_iter()
        .flat_map(|dir| dir.files())
        .filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
        .collect();
    files.sort();
    files.into_iter()
}

/// Identifies the catalogue: hexadecimal.
pub fn hash() -> String {
    fn add(dir: &Dir<'_>, hasher: &mut blake3::Hasher) {
        for file in dir.files() {
            hasher.update(file.path().as_os_str().as_encoded_bytes());
            hasher.update(file.contents());
        }
        dir.dirs().for_each(|dir| add(dir, hasher));
    }
    let mut hasher = blake3::Hasher::new();
    add(&FILES, &mut hasher);
    hasher.finalize().to_hex()[..16].to_owned()
}

/// One catalogue file by its path below `rules/catalog/`.
pub fn text(path: &str) -> &'static str {
    FILES.get_file(path).and_then(|file| file.contents_utf8()).unwrap_or_default()
}
