//! What was read and judged before, for the next scan of the same files.
//!
//! A scan writes nothing but the outputs it was asked for, so there is a cache only when somebody wants one: a flag, a
//! setting, an environment variable, or the per-user folder that an earlier `--cache` made. An entry is one file, known
//! by its contents' hash, below a folder for the version of the tool and its tables; it carries its own checksum and
//! appears whole by renaming, so a crash, a second process or a damaged disk cost one entry and never a wrong answer.
//!
//! The folder does not grow without end: once a day a scan drops what was not used for [`MAX_AGE`], and the oldest beyond
//! [`MAX_BYTES`]; `wipeproof cache clean` drops everything. Only files that are named as entries are ever removed.

use crate::discover::{CACHE_TAG, CACHE_TAG_TEXT};
use crate::read::Memory;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Begins every entry; the digit is the version of its layout.
const MAGIC: &[u8; 8] = b"wipefct1";
/// Length of the checksum after [`MAGIC`].
const CHECKSUM: usize = 32;
/// Environment variable that names the folder.
pub const FOLDER_VARIABLE: &str = "WIPEPROOF_CACHE_DIR";
/// An entry that was not used for so long goes.
pub const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Beyond this size the entries go that were not used for longest.
pub const MAX_BYTES: u64 = 1 << 30;
/// Time between two looks at the size and age of the entries, and the precision of the time of their last use.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// An unfinished entry that is older was left behind by a crash.
const MAX_UNFINISHED: Duration = Duration::from_secs(3600);
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
    pub fn open(root: &Path, tables: &str) -> std::io::Result<Self> {
        let folder = root.join(version(tables));
        let tag = root.join(CACHE_TAG);
        let looked = fs::metadata(&tag).and_then(|meta| meta.modified()).ok();
        if looked.is_none() {
            fs::create_dir_all(root)?;
        }
        if looked.is_none_or(|at| at.elapsed().is_ok_and(|time| time > DAY)) {
            // The time of the tag is that of the last look: whoever else begins a scan now leaves the looking to us.
            let _ = fs::write(&tag, CACHE_TAG_TEXT);
            Contents::of(root).shrink(MAX_AGE, MAX_BYTES);
        }
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
        let mut file = fs::File::open(self.entry(key)).ok()?;
        let meta = file.metadata().ok()?;
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?);
        file.read_to_end(&mut bytes).ok()?;
        let (checksum, payload) = bytes.strip_prefix(MAGIC)?.split_at_checked(CHECKSUM)?;
        (blake3::hash(payload).as_bytes() == checksum).then_some(())?;
        bytes.drain(..MAGIC.len() + CHECKSUM);
        if meta.modified().is_ok_and(|used| used.elapsed().is_ok_and(|time| time > DAY)) {
            // A time that cannot be set is an entry that is made anew some day.
            let _ = file.set_modified(SystemTime::now());
        }
        Some(bytes)
    }

    fn keep(&self, key: &str, bytes: &[u8]) {
        // A cache that cannot be written is a slower next scan, nothing else.
        let _ = self.write(key, bytes);
    }
}

/// One file in the cache.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    size: u64,
    used: SystemTime,
    finished: bool,
}

/// What is in the cache, of all versions.
#[derive(Debug, Default)]
pub struct Contents {
    root: PathBuf,
    entries: Vec<Entry>,
}

impl Contents {
    /// Lists the entries below a folder; nothing if there is no such folder.
    pub fn of(root: &Path) -> Self {
        let mut contents = Contents { root: root.to_path_buf(), entries: Vec::new() };
        for version in folders(root, is_version) {
            for group in folders(&version, |name| name.len() == 2) {
                contents.entries.extend(files(&group));
            }
        }
        contents
    }

    /// Number of entries.
    pub fn count(&self) -> usize {
        self.entries.iter().filter(|e| e.finished).count()
    }

    /// Bytes in them.
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|e| e.size).sum()
    }

    /// Removes what was not used for `age`, then the oldest until at most `bytes` are left. Another process may do the
    /// same or use an entry meanwhile: whoever does not find one makes it anew.
    pub fn shrink(mut self, age: Duration, bytes: u64) {
        self.entries.sort_by_key(|e| e.used);
        let mut left = self.bytes();
        for entry in &self.entries {
            let unused = entry.used.elapsed().unwrap_or_default();
            let stale = if entry.finished { unused > age } else { unused > MAX_UNFINISHED };
            if (stale || left > bytes) && fs::remove_file(&entry.path).is_ok() {
                left = left.saturating_sub(entry.size);
            }
        }
        self.remove_empty();
    }

    /// Removes every entry. Gives how many are left, because another program holds them.
    pub fn clean(self) -> usize {
        let left = self.entries.iter().filter(|e| fs::remove_file(&e.path).is_err() && e.path.exists()).count();
        self.remove_empty();
        left
    }

    /// Removing a folder fails where something is in it.
    fn remove_empty(&self) {
        for version in folders(&self.root, is_version) {
            for group in folders(&version, |name| name.len() == 2) {
                let _ = fs::remove_dir(group);
            }
            let _ = fs::remove_dir(version);
        }
    }
}

fn folders(of: &Path, named: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    let is_ours =
        |e: &fs::DirEntry| e.file_type().is_ok_and(|kind| kind.is_dir()) && e.file_name().to_str().is_some_and(&named);
    entries.filter(is_ours).map(|e| e.path()).collect()
}

/// `0.1.0-2b5757b9abc1`
fn is_version(name: &str) -> bool {
    let hash = name.rsplit_once('-').map_or("", |(_, hash)| hash);
    hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

fn files(of: &Path) -> Vec<Entry> {
    let entry = |e: fs::DirEntry| {
        let name = e.file_name();
        let name = name.to_str()?;
        let finished = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        let is_ours = finished || (name.starts_with('.') && name.ends_with(".tmp"));
        let meta = e.metadata().ok().filter(|meta| is_ours && meta.is_file())?;
        Some(Entry { path: e.path(), size: meta.len(), used: meta.modified().ok()?, finished })
    };
    fs::read_dir(of).into_iter().flatten().flatten().filter_map(entry).collect()
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

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("wipeproof-cache-{name}-{}", std::process::id()))
    }

    #[test]
    fn entries_come_back_whole_or_not_at_all() {
        let folder = scratch("whole");
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

    fn used(path: &Path, days_ago: u64) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - DAY * u32::try_from(days_ago).unwrap()).unwrap();
    }

    fn key(n: u8) -> String {
        format!("{n:064x}")
    }

    #[test]
    fn what_is_old_or_too_much_goes_and_what_is_used_stays() {
        let folder = scratch("old");
        let cache = Cache::open(&folder, "tables").unwrap();
        for (n, days) in [(1, 40), (2, 20), (3, 10), (4, 0)] {
            cache.keep(&key(n), &[n; 1000]);
            used(&cache.entry(&key(n)), days);
        }
        let stray = cache.entry(&key(1)).with_file_name("of somebody else");
        fs::write(&stray, "x").unwrap();
        let crashed = cache.entry(&key(2)).with_file_name(".1-1.tmp");
        fs::write(&crashed, "x").unwrap();
        used(&crashed, 1);
        assert!(cache.recall(&key(3)).is_some(), "the third is used now");
        // A look a day.
        Cache::open(&folder, "tables").unwrap();
        assert_eq!(Contents::of(&folder).count(), 4);
        used(&folder.join(CACHE_TAG), 2);
        Cache::open(&folder, "another version").unwrap();
        assert_eq!(Contents::of(&folder).count(), 3, "the first was too old");
        assert!(!crashed.exists() && stray.exists());
        Contents::of(&folder).shrink(MAX_AGE, 2500);
        assert!(cache.recall(&key(2)).is_none() && cache.recall(&key(3)).is_some() && cache.recall(&key(4)).is_some());
        assert_eq!(Contents::of(&folder).clean(), 0);
        assert_eq!((Contents::of(&folder).count(), Contents::of(&folder).bytes()), (0, 0));
        assert!(stray.exists(), "what is not ours stays");
        cache.keep(&key(1), b"and on");
        assert!(cache.recall(&key(1)).is_some());
        fs::remove_dir_all(folder).unwrap();
    }
}
