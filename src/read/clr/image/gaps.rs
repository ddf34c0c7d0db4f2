//! What an assembly speaks of and does not hold.

use super::Image;
use crate::facts::{Note, NoteKind};
use cildec::{BlobIndex, PeImage};

impl<'a> Image<'a> {
    /// A signature, which is never empty (II.23.2).
    pub(super) fn signature_blob(&self, index: BlobIndex) -> &'a [u8] {
        let blob = self.metadata.blobs().get(index).unwrap_or(&[]);
        if blob.is_empty() {
            self.lose();
        }
        blob
    }

    pub(super) fn lose(&self) {
        self.lost.set(self.lost.get() + 1);
    }

    /// What the file does not hold of the assembly, so that nobody takes the rest for the whole.
    pub(in crate::read::clr) fn gaps(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.missing > 0 {
            let text = format!("the file is cut short: {} bytes of the assembly lie past its end", self.missing);
            notes.push(Note::new(NoteKind::Malformed, text));
        }
        if self.lost.get() > 0 {
            let text = format!("{} names, signatures or literals of the metadata are not there", self.lost.get());
            notes.push(Note::new(NoteKind::Malformed, text));
        }
        notes
    }
}

/// Bytes of sections that lie past the end of the file; padding up to the alignment of the file does not count.
pub(super) fn missing(pe: &PeImage<'_>, length: usize) -> u64 {
    let end = |section: &cildec::Section| {
        u64::from(section.pointer_to_raw_data) + u64::from(section.size_of_raw_data.min(section.mapped_size()))
    };
    pe.sections().iter().map(end).max().unwrap_or(0).saturating_sub(length as u64)
}
