//! Source lines for the places that facts speak of, from the program database in or beside an assembly.

use super::image::Image;
use super::portable::{PdbId, Portable};
use super::unit::method_token;
use crate::discover::{Application, Artifact, MEMBER};
use crate::facts::{NoteKind, Reading};
use crate::read::MAX_BINARY;
use crate::read::debug::{self, CodeView, Pdb, Problem, SourceLine, Sources};
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Index of the debug directory among the data directories of a PE image.
const DEBUG_DIRECTORY: usize = 6;
/// Entries of it that are read.
const MAX_ENTRIES: usize = 32;
/// Size of an entry (PE/COFF, "Debug Directory").
const ENTRY: usize = 28;
/// `IMAGE_DEBUG_TYPE_CODEVIEW`
const CODE_VIEW: u32 = 2;
/// An embedded portable program database.
const EMBEDDED: u32 = 17;
/// Largest program database that is read, unpacked.
const MAX_DATABASE: u64 = 256 << 20;

/// A fact by its index, in which method it was seen, and where there.
pub(super) struct Place {
    /// Index among the facts of the reading.
    pub(super) fact: usize,
    /// Row of the method.
    pub(super) rid: u32,
    /// Offset of the instruction.
    pub(super) il_offset: u32,
}

/// Adds source files and lines to the sites of facts.
pub(super) fn add(app: &Application, artifact: &Artifact, places: &[Place], reading: &mut Reading) {
    if places.is_empty() {
        return;
    }
    let Ok(bytes) = artifact.read(MAX_BINARY) else { return };
    let Ok(image) = Image::open(&bytes) else { return };
    let linked = Linked::read(&image);
    let (Some(view), Some(id)) = (&linked.view, linked.id) else { return };
    let found = match (linked.embedded.and_then(unpacked), beside(app, artifact, view)) {
        (Some(database), _) => debug::contained(|| portable(&database, id, places)),
        (None, Some(path)) => debug::contained(|| external(&path, view, id, places)),
        (None, None) => return,
    };
    let lines = match found {
        Ok(lines) => lines,
        Err(problem) => {
            let text = format!("the debug information {problem}: places are shown without source lines");
            return reading.note(NoteKind::Info, text);
        }
    };
    let mut sources = Sources::new(app, artifact);
    for (place, line) in places.iter().zip(lines) {
        if let (Some(fact), Some(line)) = (reading.facts.get_mut(place.fact), line) {
            sources.place(&mut fact.site, &line);
        }
    }
}

type Lines = Vec<Option<SourceLine>>;

fn portable(database: &[u8], id: PdbId, places: &[Place]) -> Result<Lines, Problem> {
    let portable = Portable::open(database).ok_or_else(|| Problem::Malformed("it has no tables".to_owned()))?;
    if portable.id() != Some(id) {
        return Err(Problem::OtherBuild);
    }
    let line = |place: &Place| portable.line(place.rid, place.il_offset).map(|(file, line)| SourceLine { file, line });
    Ok(places.iter().map(line).collect())
}

/// A database of either format.
fn external(path: &Path, view: &CodeView, id: PdbId, places: &[Place]) -> Result<Lines, Problem> {
    let malformed = |error: std::io::Error| Problem::Malformed(error.to_string());
    let mut file = File::open(path).map_err(malformed)?;
    let mut bytes = Vec::new();
    file.by_ref().take(4).read_to_end(&mut bytes).map_err(malformed)?;
    if bytes == b"BSJB" {
        file.take(MAX_DATABASE).read_to_end(&mut bytes).map_err(malformed)?;
        return portable(&bytes, id, places);
    }
    let mut pdb = Pdb::open(path, view)?;
    places.iter().map(|place| pdb.line_in_method(method_token(place.rid), place.il_offset)).collect()
}

/// The database that lines are read from, if it is a file of its own.
pub(in crate::read) fn database(app: &Application, artifact: &Artifact) -> Option<PathBuf> {
    let bytes = artifact.read(MAX_BINARY).ok()?;
    let image = Image::open(&bytes).ok()?;
    beside(app, artifact, &Linked::read(&image).view?)
}

/// The database beside an assembly, or beside the bundle that it is a member of.
fn beside(app: &Application, artifact: &Artifact, view: &CodeView) -> Option<PathBuf> {
    let package = artifact.path.split_once(MEMBER).and_then(|(package, _)| app.find(package));
    let name = artifact.file_name();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let own = format!("{stem}.pdb");
    [view.file_name(), own.as_str()].into_iter().find_map(|name| debug::beside(app, package.unwrap_or(artifact), name))
}

/// What the debug directory says.
#[derive(Default)]
struct Linked<'a> {
    view: Option<CodeView>,
    id: Option<PdbId>,
    /// Packed.
    embedded: Option<&'a [u8]>,
}

impl<'a> Linked<'a> {
    fn read(image: &Image<'a>) -> Self {
        let mut linked = Linked::default();
        let directory = image.pe.data_directory(DEBUG_DIRECTORY);
        let size = (directory.size as usize).min(MAX_ENTRIES * ENTRY);
        let entries = image.pe.rva_slice(directory.rva, size).unwrap_or(&[]);
        for entry in entries.chunks_exact(ENTRY) {
            let word = |at: usize| entry.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
            let (stamp, kind, size, rva) = (word(4), word(12), word(16), word(20));
            let Ok(data) = image.pe.rva_slice(rva, size as usize) else { continue };
            match kind {
                CODE_VIEW => {
                    linked.view = CodeView::parse(data);
                    linked.id = linked.view.as_ref().map(|view| PdbId { guid: view.guid, stamp });
                }
                EMBEDDED => linked.embedded = Some(data),
                _ => {}
            }
        }
        linked
    }
}

/// `MPDB`, the size when unpacked, DEFLATE.
fn unpacked(data: &[u8]) -> Option<Vec<u8>> {
    let (size, packed) = data.strip_prefix(b"MPDB")?.split_first_chunk::<4>()?;
    let size = u64::from(u32::from_le_bytes(*size)).min(MAX_DATABASE);
    decompress_to_vec_with_limit(packed, usize::try_from(size).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_databases_are_unpacked_within_what_they_announce() {
        assert_eq!(unpacked(b"MPDB\x05\0\0\0\x01\x05\0\xfa\xffhello").as_deref(), Some(&b"hello"[..]));
        assert_eq!(unpacked(b"MPDB\x04\0\0\0\x01\x05\0\xfa\xffhello"), None);
        assert_eq!(unpacked(b"MPDB"), None);
    }
}
