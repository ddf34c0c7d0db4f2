//! Members of packages: a range of a file, perhaps packed.

use miniz_oxide::inflate::decompress_to_vec_with_limit;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// How the bytes of a member are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Packing {
    /// As they are.
    Stored,
    /// DEFLATE without a header (RFC 1951).
    Deflate,
}

/// Where a member lies in the file of its package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// Offset of its first byte.
    pub offset: u64,
    /// Length as stored, in bytes.
    pub length: u64,
    /// How it is stored.
    pub packing: Packing,
}

impl Part {
    /// Reads the member out of its file; at most `limit` bytes.
    ///
    /// # Errors
    /// What the file system says, and what cannot be unpacked within the limit.
    pub(super) fn read(&self, file: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(file)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut stored = Vec::new();
        file.take(self.length.min(limit)).read_to_end(&mut stored)?;
        match self.packing {
            Packing::Stored => Ok(stored),
            Packing::Deflate => decompress_to_vec_with_limit(&stored, usize::try_from(limit).unwrap_or(usize::MAX))
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
        }
    }
}
