//! Source lines for the places that facts speak of, from the program database in or beside an assembly.

use super::image::Image;
use super::links::Method;
use super::portable::{PdbId, Portable};
use super::resolve::Resolver;
use super::unit::method_token;
use crate::discover::{Application, Artifact, MEMBER};
use crate::facts::{Body, Fact, NoteKind, Reading, Site, Step};
use crate::read::MAX_BINARY;
use crate::read::debug::{self, CodeView, Pdb, Problem, SourceLine, Sources};
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use rayon::prelude::*;
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

/// A place that a fact speaks of: its own, or that of a step of its evidence.
pub(super) struct Place {
    /// Index among the facts of the reading.
    pub(super) fact: usize,
    /// Index of the step.
    step: Option<usize>,
    /// The method.
    method: Method,
    /// Offset of the instruction.
    il_offset: u32,
}

/// What is told of an assembly, and in which methods it was seen.
#[derive(Default)]
pub(super) struct Told {
    pub(super) reading: Reading,
    pub(super) places: Vec<Place>,
}

impl Told {
    pub(super) fn append(&mut self, mut facts: Vec<Fact>, mut places: Vec<Place>) {
        let before = self.reading.facts.len();
        places.iter_mut().for_each(|place| place.fact += before);
        self.places.append(&mut places);
        self.reading.facts.append(&mut facts);
    }
}

/// The places of a fact of this method that will have this index.
pub(super) fn places(resolver: &Resolver<'_>, method: Method, index: usize, fact: &Fact) -> Vec<Place> {
    let own = fact.site.il_offset.map(|il_offset| Place { fact: index, step: None, method, il_offset });
    let evidence = fact.as_effect().map(|effect| effect.evidence.as_slice()).unwrap_or_default();
    let of_step = |(n, step): (usize, &Step)| {
        let il_offset = step.site.as_ref()?.il_offset?;
        Some(Place { fact: index, step: Some(n), method: resolver.method_of(step)?, il_offset })
    };
    own.into_iter().chain(evidence.iter().enumerate().filter_map(of_step)).collect()
}

/// Adds source files and lines to the sites of facts and of their evidence, which may lie in other assemblies.
pub(super) fn add(app: &Application, assemblies: &[&Artifact], told: &mut [Told]) {
    let mut asked: Vec<Vec<(usize, Place)>> = assemblies.iter().map(|_| Vec::new()).collect();
    for (u, told) in told.iter_mut().enumerate() {
        for place in told.places.drain(..) {
            if let Some(asked) = asked.get_mut(place.method.unit as usize) {
                asked.push((u, place));
            }
        }
    }
    let answers: Vec<Answer> =
        assemblies.par_iter().zip(&asked).map(|(artifact, places)| answer(app, artifact, places)).collect();
    for (u, (places, answer)) in asked.iter().zip(answers).enumerate() {
        if let (Some(told), Some(note)) = (told.get_mut(u), answer.note) {
            told.reading.note(NoteKind::Info, note);
        }
        for ((of, place), line) in places.iter().zip(answer.lines) {
            let Some(line) = line else { continue };
            let fact = told.get_mut(*of).and_then(|told| told.reading.facts.get_mut(place.fact));
            if let Some(site) = fact.and_then(|fact| site_of(fact, place.step)) {
                site.source_file = Some(line.file);
                site.source_line = Some(line.line);
            }
        }
    }
}

fn site_of(fact: &mut Fact, step: Option<usize>) -> Option<&mut Site> {
    match (step, &mut fact.body) {
        (None, _) => Some(&mut fact.site),
        (Some(n), Body::Effect(effect)) => effect.evidence.get_mut(n)?.site.as_mut(),
        _ => None,
    }
}

/// What one database says.
#[derive(Default)]
struct Answer {
    lines: Lines,
    note: Option<String>,
}

fn answer(app: &Application, artifact: &Artifact, places: &[(usize, Place)]) -> Answer {
    if places.is_empty() {
        return Answer::default();
    }
    let found = || {
        let bytes = artifact.read(MAX_BINARY).ok()?;
        let image = Image::open(&bytes).ok()?;
        let linked = Linked::read(&image);
        let (view, id) = (linked.view.as_ref()?, linked.id?);
        match (linked.embedded.and_then(unpacked), beside(app, artifact, view)) {
            (Some(database), _) => Some(portable(&database, id, places)),
            (None, Some(path)) => Some(external(&path, view, id, places)),
            (None, None) => None,
        }
    };
    match debug::contained(|| found().transpose()) {
        Ok(None) => Answer::default(),
        Ok(Some(mut lines)) => {
            let mut sources = Sources::new(app, artifact);
            lines.iter_mut().flatten().for_each(|line| line.file = sources.shown(&line.file));
            Answer { lines, note: None }
        }
        Err(problem) => {
            let text = format!("the debug information {problem}: places are shown without source lines");
            Answer { lines: Vec::new(), note: Some(text) }
        }
    }
}

type Lines = Vec<Option<SourceLine>>;

fn portable(database: &[u8], id: PdbId, places: &[(usize, Place)]) -> Result<Lines, Problem> {
    let portable = Portable::open(database).ok_or_else(|| Problem::Malformed("it has no tables".to_owned()))?;
    if portable.id() != Some(id) {
        return Err(Problem::OtherBuild);
    }
    let line = |place: &Place| portable.line(place.method.rid, place.il_offset);
    let lines = places.iter().map(|(_, place)| line(place).map(|(file, line)| SourceLine { file, line }));
    Ok(lines.collect())
}

/// A database of either format.
fn external(path: &Path, view: &CodeView, id: PdbId, places: &[(usize, Place)]) -> Result<Lines, Problem> {
    let malformed = |error: std::io::Error| Problem::Malformed(error.to_string());
    let mut file = File::open(path).map_err(malformed)?;
    let mut bytes = Vec::new();
    file.by_ref().take(4).read_to_end(&mut bytes).map_err(malformed)?;
    if bytes == b"BSJB" {
        file.take(MAX_DATABASE).read_to_end(&mut bytes).map_err(malformed)?;
        return portable(&bytes, id, places);
    }
    let mut pdb = Pdb::open(path, view)?;
    places.iter().map(|(_, place)| pdb.line_in_method(method_token(place.method.rid), place.il_offset)).collect()
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
