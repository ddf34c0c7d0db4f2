//! Source lines for the places that facts speak of, from DWARF in the image or a program database beside it.

use super::image::{Directory, Image, u32_at};
use crate::discover::{Application, Artifact};
use crate::facts::{Body, Fact, NoteKind, Reading, Site};
use crate::read::Input;
use crate::read::debug::{self, CodeView, Pdb, Problem, SourceLine, Sources};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Most entries of the debug directory that are read.
const MAX_ENTRIES: u32 = 32;
/// `IMAGE_DEBUG_TYPE_CODEVIEW`
const CODEVIEW: u32 = 2;

/// Adds source files and lines to the sites in code.
pub(crate) fn add(input: &Input<'_>, image: &Image<'_>, reading: &mut Reading) {
    let mut wanted = BTreeSet::new();
    for site in reading.facts.iter_mut().flat_map(sites) {
        wanted.extend(site.rva.filter(|rva| image.section_of(*rva).is_some_and(|s| s.is_code())));
    }
    let wanted: Vec<u32> = wanted.into_iter().collect();
    if wanted.is_empty() {
        return;
    }
    let (name, lines) = if image.sections.iter().any(|s| s.name == ".debug_line") {
        (input.artifact.file_name().to_owned(), debug::contained(|| dwarf(image, &wanted)))
    } else {
        let linked = code_view(image);
        let Some(path) = debug::database(input.app, input.artifact, linked.as_ref()) else { return };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let read = || Pdb::open(&path, &linked.ok_or(Problem::OtherBuild)?)?.lines(&wanted);
        (name, debug::contained(read))
    };
    let lines = match lines {
        Ok(lines) => lines,
        Err(problem) => {
            let text = format!("the debug information in {name} {problem}: places are shown without source lines");
            return reading.note(NoteKind::Info, text);
        }
    };
    let mut sources = Sources::new(input.app, input.artifact);
    for site in reading.facts.iter_mut().flat_map(sites) {
        if let Some(line) = site.rva.and_then(|rva| lines.get(&rva)) {
            sources.place(site, line);
        }
    }
}

/// Every site of a fact in this artifact.
fn sites(fact: &mut Fact) -> Vec<&mut Site> {
    let mut sites = vec![&mut fact.site];
    match &mut fact.body {
        Body::Effect(effect) => {
            sites.extend(effect.evidence.iter_mut().filter(|s| s.artifact.is_none()).filter_map(|s| s.site.as_mut()));
        }
        Body::Clue(_) => {}
    }
    sites
}

fn dwarf(image: &Image<'_>, wanted: &[u32]) -> Result<BTreeMap<u32, SourceLine>, Problem> {
    let addresses: Vec<u64> = wanted.iter().map(|rva| image.base.wrapping_add(u64::from(*rva))).collect();
    let section = |name: &str| image.sections.iter().find(|s| s.name == name).map(|s| image.section_bytes(s));
    let found = debug::dwarf_lines(&addresses, image.pointer_size() as u8, section)?;
    Ok(found.into_iter().filter_map(|(va, line)| Some((image.rva_of(va)?, line))).collect())
}

/// The program database beside an image, whose contents what is read depends on.
pub(crate) fn database(app: &Application, artifact: &Artifact, bytes: &[u8]) -> Option<PathBuf> {
    debug::database(app, artifact, Image::parse(bytes).as_ref().and_then(code_view).as_ref())
}

/// The CodeView record of the debug directory: 28-byte entries with type, size and address of their data.
fn code_view(image: &Image<'_>) -> Option<CodeView> {
    let (rva, size) = image.directory(Directory::Debug)?;
    (0..(size / 28).min(MAX_ENTRIES)).find_map(|i| {
        let entry = image.at(rva.checked_add(i * 28)?)?;
        let (kind, size, at) = (u32_at(entry, 12)?, u32_at(entry, 16)? as usize, u32_at(entry, 20)?);
        let record = image.at(at).filter(|_| kind == CODEVIEW)?;
        CodeView::parse(record.get(..size.min(record.len()))?)
    })
}
