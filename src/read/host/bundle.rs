//! The manifest of a single-file bundle: what the host of a .NET application carries behind its own code.
//!
//! The layout is that of the runtime's bundler, versions 1 (.NET Core 3), 2 (.NET 5) and 6 (.NET 6 and later): a header,
//! then one entry per file. Numbers are little-endian; strings have their length in front, seven bits to a byte.

/// Entries that are read; the largest self-contained applications have some hundreds.
const MAX_ENTRIES: usize = 20_000;
/// Longest path of an entry in bytes.
const MAX_PATH: usize = 4096;

/// A file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Path below the folder of the application.
    pub(super) path: String,
    /// Offset in the bundle.
    pub(super) offset: u64,
    /// Size when unpacked.
    pub(super) size: u64,
    /// Size as stored, when it is compressed.
    pub(super) compressed: Option<u64>,
}

/// What the manifest says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// Version of the layout.
    pub(super) version: u32,
    /// Its files.
    pub(super) entries: Vec<Entry>,
    /// Why there are fewer than it announces.
    pub(super) problem: Option<String>,
}

/// Reads the manifest at this offset; `None` if there is none.
pub(super) fn manifest(bytes: &[u8], at: u64) -> Option<Manifest> {
    let mut cursor = Cursor(bytes.get(usize::try_from(at).ok()?..)?);
    let version = cursor.u32()?;
    let _minor = cursor.u32()?;
    let announced = usize::try_from(cursor.u32()?).ok()?;
    let _id = cursor.string()?;
    if !matches!(version, 1..=6) {
        let problem = Some(format!("bundles of version {version} are not known"));
        return Some(Manifest { version, entries: Vec::new(), problem });
    }
    if version >= 2 {
        // Places of deps.json and runtimeconfig.json, which are entries too; flags.
        cursor.skip(4 * 8 + 8)?;
    }
    let mut entries = Vec::new();
    let mut problem = None;
    for n in 0..announced {
        if n == MAX_ENTRIES {
            problem = Some(format!("{announced} files in the bundle: only {MAX_ENTRIES} are read"));
            break;
        }
        match cursor.entry(version) {
            Some(entry) if fits(&entry, bytes.len()) => entries.push(entry),
            Some(entry) => problem = Some(format!("{} lies outside of the bundle", entry.path)),
            None => {
                problem = Some(format!("the list of files ends after {n} of {announced}"));
                break;
            }
        }
    }
    Some(Manifest { version, entries, problem })
}

fn fits(entry: &Entry, length: usize) -> bool {
    let stored = entry.compressed.unwrap_or(entry.size);
    entry.offset.checked_add(stored).is_some_and(|end| end <= length as u64)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(|_| ())
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<String> {
        let mut length = 0_usize;
        for shift in [0, 7, 14] {
            let byte = *self.take(1)?.first()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let text = (length <= MAX_PATH).then(|| self.take(length)).flatten()?;
                return Some(String::from_utf8_lossy(text).into_owned());
            }
        }
        None
    }

    fn entry(&mut self, version: u32) -> Option<Entry> {
        let offset = self.u64()?;
        let size = self.u64()?;
        let compressed = if version >= 6 { self.u64()? } else { 0 };
        let _kind = self.take(1)?;
        let path = self.string()?.replace('\\', "/").replace(char::is_control, "?");
        Some(Entry { path, offset, size, compressed: (compressed > 0).then_some(compressed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: u32, count: u32) -> Vec<u8> {
        let mut bytes = b"12345678".to_vec();
        bytes.extend(version.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(b"\x02id");
        if version >= 2 {
            bytes.extend([0; 40]);
        }
        bytes
    }

    fn entry(bytes: &mut Vec<u8>, version: u32, offset: u64, size: u64, path: &str) {
        bytes.extend(offset.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        if version >= 6 {
            bytes.extend(3_u64.to_le_bytes());
        }
        bytes.push(1);
        bytes.push(path.len() as u8);
        bytes.extend(path.as_bytes());
    }

    #[test]
    fn three_versions() {
        for version in [1, 2, 6] {
            let mut bytes = header(version, 1);
            entry(&mut bytes, version, 0, 8, "de\\Shop.dll");
            let found = manifest(&bytes, 8).unwrap();
            let compressed = (version == 6).then_some(3);
            assert_eq!(found.entries, [Entry { path: "de/Shop.dll".into(), offset: 0, size: 8, compressed }]);
            assert_eq!(found.problem, None);
        }
    }

    #[test]
    fn what_is_broken_is_said_and_the_rest_kept() {
        let mut bytes = header(2, 3);
        entry(&mut bytes, 2, 1 << 40, 8, "far.dll");
        entry(&mut bytes, 2, 0, 8, "near.dll");
        let found = manifest(&bytes, 8).unwrap();
        assert_eq!(found.entries.len(), 1);
        assert_eq!(found.problem.as_deref(), Some("the list of files ends after 2 of 3"));
        assert!(manifest(&header(9, 1), 8).unwrap().problem.is_some());
        assert_eq!(manifest(&bytes, u64::MAX), None);
        assert_eq!(manifest(b"", 0), None);
    }
}
