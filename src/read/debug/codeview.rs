//! The CodeView record of the debug directory: which program database an image was linked with.

/// Identity of a program database (PE/COFF, "IMAGE_DEBUG_TYPE_CODEVIEW"; the record begins with `RSDS`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeView {
    /// As it is stored.
    pub(crate) guid: [u8; 16],
    /// Counts how often the database was written for this identity.
    pub(crate) age: u32,
    /// Path on the machine that linked the image.
    pub(crate) path: String,
}

impl CodeView {
    /// Reads the record.
    pub(crate) fn parse(record: &[u8]) -> Option<Self> {
        let rest = record.strip_prefix(b"RSDS")?;
        let (guid, rest) = rest.split_first_chunk::<16>()?;
        let (age, rest) = rest.split_first_chunk::<4>()?;
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        let path = String::from_utf8_lossy(rest.get(..end)?).into_owned();
        Some(CodeView { guid: *guid, age: u32::from_le_bytes(*age), path })
    }

    /// The last component of the path.
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit(['\\', '/']).next().unwrap_or(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::CodeView;

    #[test]
    fn records_are_read_and_others_are_not() {
        let mut record = b"RSDS".to_vec();
        record.extend([7; 16]);
        record.extend([2, 0, 0, 0]);
        record.extend(b"D:\\build\\desk.pdb\0rest");
        let view = CodeView::parse(&record).unwrap();
        assert_eq!((view.guid, view.age, view.file_name()), ([7; 16], 2, "desk.pdb"));
        assert!(CodeView::parse(b"NB10").is_none());
        assert!(CodeView::parse(&record[..22]).is_none());
    }
}
