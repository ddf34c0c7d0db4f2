//! Portable program databases: from IL offsets in methods to lines of source files ("Portable PDB v1.0", the format
//! specification of the .NET runtime; an extension of the tables of ECMA-335 II.22).

use cildec::tables::{DocumentRow, MethodDebugInformationRow};
use cildec::{BlobIndex, Metadata, read_compressed_i32, read_compressed_u32};

/// Sequence points of one method that are read.
const MAX_POINTS: usize = 1 << 20;
/// Parts of a document's path.
const MAX_PARTS: usize = 256;

/// An opened portable program database.
pub(super) struct Portable<'a> {
    metadata: Metadata<'a>,
}

/// The identity of a database: a GUID and a time stamp, or twenty bytes of a checksum in their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PdbId {
    /// As it is stored.
    pub(super) guid: [u8; 16],
    /// The time stamp of the debug directory entry.
    pub(super) stamp: u32,
}

impl<'a> Portable<'a> {
    /// Opens a database; `None` if these bytes are none.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let metadata = Metadata::parse(bytes).ok()?;
        metadata.has_pdb_stream().then_some(Portable { metadata })
    }

    /// Which build it belongs to: the first twenty bytes of the `#Pdb` stream.
    pub(super) fn id(&self) -> Option<PdbId> {
        let stream = self.metadata.stream("#Pdb")?;
        let (guid, rest) = stream.data.split_first_chunk::<16>()?;
        let (stamp, _) = rest.split_first_chunk::<4>()?;
        Some(PdbId { guid: *guid, stamp: u32::from_le_bytes(*stamp) })
    }

    /// Document and line of an IL offset in the method of this row: those of the last sequence point at or before it.
    pub(super) fn line(&self, rid: u32, il_offset: u32) -> Option<(String, u32)> {
        let row: MethodDebugInformationRow = self.metadata.tables().row(rid).ok()?;
        let blob = self.metadata.blobs().get(row.sequence_points).ok()?;
        let (document, line) = point_before(blob, row.document.get(), il_offset)?;
        Some((self.document(document)?, line))
    }

    fn document(&self, rid: u32) -> Option<String> {
        let row: DocumentRow = self.metadata.tables().row(rid).ok()?;
        let blob = self.metadata.blobs().get(row.name).ok()?;
        let (&separator, mut rest) = blob.split_first()?;
        let mut name = String::new();
        for n in 0..MAX_PARTS {
            let Ok((index, size)) = read_compressed_u32(rest) else { break };
            rest = rest.get(size..)?;
            if n > 0 && separator != 0 {
                name.push(char::from(separator));
            }
            name.push_str(&String::from_utf8_lossy(self.metadata.blobs().get(BlobIndex(index)).ok()?));
            if rest.is_empty() {
                break;
            }
        }
        (!name.is_empty()).then_some(name)
    }
}

/// Document and start line of the last visible sequence point that begins at or before an offset.
fn point_before(blob: &[u8], document: u32, il_offset: u32) -> Option<(u32, u32)> {
    let mut blob = Blob(blob);
    let _locals = blob.unsigned()?;
    let mut document = if document == 0 { blob.unsigned()? } else { document };
    let (mut at, mut line) = (0_u32, 0_i64);
    let mut visible = false;
    let mut found = None;
    for n in 0..MAX_POINTS {
        let Some(step) = blob.unsigned() else { break };
        if n > 0 && step == 0 {
            document = blob.unsigned()?;
            continue;
        }
        at = at.checked_add(step)?;
        if at > il_offset {
            break;
        }
        let lines = blob.unsigned()?;
        let columns = if lines == 0 { i64::from(blob.unsigned()?) } else { i64::from(blob.signed()?) };
        if lines == 0 && columns == 0 {
            // Hidden: code of the compiler's own, as part of the statement before it.
            continue;
        }
        if visible {
            line += i64::from(blob.signed()?);
            let _column = blob.signed()?;
        } else {
            line = i64::from(blob.unsigned()?);
            let _column = blob.unsigned()?;
            visible = true;
        }
        found = Some((document, u32::try_from(line).ok()?));
    }
    found
}

struct Blob<'a>(&'a [u8]);

impl Blob<'_> {
    fn unsigned(&mut self) -> Option<u32> {
        let (value, size) = read_compressed_u32(self.0).ok()?;
        self.0 = self.0.get(size..)?;
        Some(value)
    }

    fn signed(&mut self) -> Option<i32> {
        let (value, size) = read_compressed_i32(self.0).ok()?;
        self.0 = self.0.get(size..)?;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_points_are_deltas() {
        // Locals 0, document 7. IL 0: lines +0 columns +5, at 10:9. IL 2: hidden. IL 5: lines +1, columns -3 (0x7b), two
        // lines on. Document 8. IL 9: three lines back (0x7b), from there.
        let blob = [0, 7, 0, 0, 5, 10, 9, 2, 0, 0, 3, 1, 0x7b, 4, 0, 0, 8, 4, 0, 6, 0x7b, 0];
        let line = |offset| point_before(&blob, 0, offset);
        assert_eq!(line(0), Some((7, 10)));
        assert_eq!(line(3), Some((7, 10)));
        assert_eq!(line(5), Some((7, 12)));
        assert_eq!(line(100), Some((8, 9)));
    }

    #[test]
    fn broken_databases_say_nothing() {
        assert!(Portable::open(b"BSJB").is_none());
        assert_eq!(point_before(&[], 1, 0), None);
        assert_eq!(point_before(&[0, 0, 0, 5], 1, 9), None);
        assert_eq!(point_before(&[0, 0xdf, 0xff, 0xff, 0xff, 0, 0], 1, 9), None);
    }
}
