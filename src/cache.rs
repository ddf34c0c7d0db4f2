//! Readings of binaries on the disk, for the next scan of the same files.
//!
//! A scan writes nothing but the outputs it was asked for, so there is a cache only when somebody wants one: a flag, a
//! setting, an environment variable, or the per-user folder that an earlier `--cache` made. An entry is one file, known
//! by its contents' hash, below a folder for the version of the tool and its tables; it carries its own checksum and
//! appears whole by renaming, so a crash, a second process or a damaged disk cost one entry and never a wrong answer.

use crate::read::Memory;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Begins every entry; the digit is the version of its layout.
const MAGIC: &[u8; 8] = b"wipefct1";
/// Length of the checksum after [`MAGIC`].
const CHECKSUM: usize = 32;
/// Environment variable that names the folder.
pub const FOLDER_VARIABLE: &str = "WIPEPROOF_CACHE_DIR";

/// A folder with readings.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Makes the names of unfinished entries unique in this process.
    unfinished: AtomicU64,
}

impl Cache {
    /// Opens a cache, making its folder. `tables` identifies what the readers know besides their code.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn open(folder: &Path, tables: &str) -> std::io::Result<Self> {
        let folder = folder.join(version(tables));
        fs::create_dir_all(&folder)?;
        Ok(Cache { folder, unfinished: AtomicU64::new(0) })
    }

    fn entry(&self, key: &str) -> PathBuf {
        self.folder.join(key.get(..2).unwrap_or("__")).join(key)
    }

    fn write(&self, key: &str, payload: &[u8]) -> std::io::Result<()> {
        let path = self.entry(key);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let n = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = folder.join(format!(".{}-{n}.tmp", std::process::id()));
        let mut file = fs::File::create(&unfinished)?;
        let written = file
            .write_all(MAGIC)
            .and_then(|()| file.write_all(blake3::hash(payload).as_bytes()))
            .and_then(|()| file.write_all(payload))
            .and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }
}

impl Memory for Cache {
    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.entry(key)).ok()?;
        let (checksum, payload) = bytes.strip_prefix(MAGIC)?.split_at_checked(CHECKSUM)?;
        (blake3::hash(payload).as_bytes() == checksum).then_some(())?;
        bytes.drain(..MAGIC.len() + CHECKSUM);
        Some(bytes)
    }

    fn keep(&self, key: &str, bytes: &[u8]) {
        // A cache that cannot be written is a slower next scan, nothing else.
        let _ = self.write(key, bytes);
    }
}

/// Name of the folder for this version of the tool. The size and time of the program tell builds of one version apart.
fn version(tables: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(tables.as_bytes());
    let program = std::env::current_exe().and_then(fs::metadata);
    if let Ok(meta) = program {
        hasher.update(&meta.len().to_le_bytes());
        let time = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        hasher.update(&time.map_or(0, |t| t.as_nanos()).to_le_bytes());
    }
    format!("{}-{}", env!("CARGO_PKG_VERSION"), &hasher.finalize().to_hex()[..12])
}

/// The per-user folder, by the conventions of the system; it need not exist.
pub fn user_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable(FOLDER_VARIABLE) {
        return Some(folder);
    }
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("wipeproof"))
}

/// Is there a cache without anybody asking for it in this run?
pub fn is_established() -> bool {
    std::env::var_os(FOLDER_VARIABLE).is_some_and(|v| !v.is_empty()) || user_folder().is_some_and(|f| f.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("wipeproof-cache-{}", std::process::id()));
        let cache = Cache::open(&folder, "tables").unwrap();
        let payload = b"what was read".as_slice();
        assert_eq!(cache.recall("abcd"), None);
        cache.keep("abcd", payload);
        assert_eq!(cache.recall("abcd").as_deref(), Some(payload));
        let whole = fs::read(cache.entry("abcd")).unwrap();
        for cut in [0, 7, 20, whole.len() - 1] {
            fs::write(cache.entry("abcd"), &whole[..cut]).unwrap();
            assert_eq!(cache.recall("abcd"), None, "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x20;
            fs::write(cache.entry("abcd"), flipped).unwrap();
            assert_eq!(cache.recall("abcd"), None, "flipped at {at}");
        }
        let other = Cache::open(&folder, "other tables").unwrap();
        fs::write(cache.entry("abcd"), whole).unwrap();
        assert_eq!((cache.recall("abcd").is_some(), other.recall("abcd")), (true, None));
        fs::remove_dir_all(folder).unwrap();
    }
}
