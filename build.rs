//! Packs the tables of `rules/` when the program is built, so that it does not parse 440 kB of TOML at every start.
//!
//! Every TOML file becomes the same file in `MessagePack` in the build folder, from where the program embeds it; other
//! files are taken as they are. Mistakes in a table are for the tests to find, which read the files themselves.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build.rs");
    let source = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("rules");
    let packed = PathBuf::from(std::env::var("OUT_DIR")?).join("rules");
    if packed.exists() {
        fs::remove_dir_all(&packed)?;
    }
    let mut files = Vec::new();
    list(&source, &mut files)?;
    files.sort();
    // The catalogue is what readers know, the rest what is judged: each has an identity of its own.
    let (mut rules, mut catalog) = (blake3::Hasher::new(), blake3::Hasher::new());
    for file in &files {
        let name = file.strip_prefix(&source)?.to_string_lossy().replace('\\', "/");
        let bytes = fs::read(file)?;
        let hasher = if name.starts_with("catalog/") { &mut catalog } else { &mut rules };
        hasher.update(name.as_bytes()).update(&bytes);
        let place = packed.join(&name);
        fs::create_dir_all(place.parent().unwrap_or(&packed))?;
        fs::write(place, pack(&name, bytes)?)?;
    }
    println!("cargo::rustc-env=WIPEPROOF_RULES={}", &rules.finalize().to_hex()[..16]);
    println!("cargo::rustc-env=WIPEPROOF_CATALOG={}", &catalog.finalize().to_hex()[..16]);
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn pack(name: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !name.ends_with(".toml") {
        return Ok(bytes);
    }
    let table: toml::Table = toml::from_str(&String::from_utf8(bytes)?).map_err(|e| format!("rules/{name}: {e}"))?;
    Ok(rmp_serde::to_vec(&table)?)
}
