//! Native programs that only start a .NET application: the host that the SDK puts beside or around the assemblies.
//!
//! What such a host does itself (finding a runtime, unpacking) is the same in every application and says nothing about
//! this one, so its code is not analysed. It is told by the constant that the bundler looks for.

mod bundle;

use crate::discover::{Application, Artifact, MEMBER, Packing, Part};
use crate::facts::{Body, Certainty, Clue, ClueKind, Folder, Location, NoteKind, Reading, Site, Step, Store, Text};
use memchr::memmem;

/// Stands behind the offset of the bundle's manifest in every host since .NET Core 3; the offset is 0 without a bundle.
const BUNDLE_MARK: [u8; 32] = [
    0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32, 0x13, 0xf5, 0xb9,
    0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
];
/// What a native image that was compiled ahead of time from .NET exports for debuggers.
const NATIVE_AOT: &[u8] = b"DotNetRuntimeDebugHeader\0";
/// The source that the runtime names itself by in the event log.
const RUNTIME: &str = ".NET Runtime";
/// Longest name of an assembly that is looked for in a host.
const MAX_NAME: usize = 1024;

/// A host and what it carries.
pub(super) struct Host {
    /// What is to be said of the host itself.
    pub(super) reading: Reading,
    /// The files of its bundle.
    pub(super) members: Vec<Artifact>,
}

/// Tells a host by its bytes; `None` for any other program.
pub(super) fn read(app: &Application, artifact: &Artifact, bytes: &[u8]) -> Option<Host> {
    let mark = memmem::find(bytes, &BUNDLE_MARK)?;
    let offset: [u8; 8] = bytes.get(mark.checked_sub(8)?..mark)?.try_into().ok()?;
    let mut host = Host { reading: Reading::new(&artifact.path, "net-host"), members: Vec::new() };
    match u64::from_le_bytes(offset) {
        0 => launcher(app, artifact, bytes, &mut host.reading),
        at => carrier(artifact, bytes, at, &mut host),
    }
    Some(host)
}

/// Says so when a native image was made from .NET code.
pub(super) fn note_ahead_of_time(bytes: &[u8], reading: &mut Reading) {
    if memmem::find(bytes, NATIVE_AOT).is_some() {
        reading.clue(Site::default(), Clue::new(ClueKind::Opaque, "ahead-of-time", ".NET NativeAOT"));
        reading.note(
            NoteKind::Opaque,
            "compiled ahead of time by .NET NativeAOT: it has no IL, and what it does through the class library is not seen",
        );
        let effects = reading.facts.iter_mut().filter_map(|fact| match &mut fact.body {
            Body::Effect(effect) => Some(effect),
            _ => None,
        });
        for effect in effects.filter(|e| e.store == Store::EventLog && e.location.text().as_lit() == Some(RUNTIME)) {
            effect.certainty = Certainty::Possible;
            effect.evidence.push(Step::new("the runtime writes it when the program fails"));
        }
    }
}

/// A host without a bundle: the program is the assembly whose name was written into it.
fn launcher(app: &Application, artifact: &Artifact, bytes: &[u8], reading: &mut Reading) {
    let names = assembly_names(bytes);
    let Some(program) = names.iter().find(|name| app.sibling(artifact, name).is_some()) else {
        let stem = artifact.file_name().rsplit_once('.').map_or("", |(stem, _)| stem);
        let own = format!("{stem}.dll");
        let missing = names.iter().find(|name| name.eq_ignore_ascii_case(&own)).unwrap_or(&own);
        reading.note(
            NoteKind::Unsupported,
            format!("only starts the assembly {missing}, which is not among the files that were scanned"),
        );
        return;
    };
    reading.note(NoteKind::Info, format!("only starts the assembly {program}: the code is there"));
    let path = program.replace('/', "\\");
    let location = Location::file(&Text::lit(&path)).based_on(Folder::AppDir);
    reading.clue(Site::default(), Clue::new(ClueKind::Starts, "host", path).at(location));
}

/// Names that end in `.dll` among the zero-terminated strings of an image.
fn assembly_names(bytes: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for end in memmem::find_iter(bytes, b".dll\0").map(|at| at + 4) {
        let from = end.saturating_sub(MAX_NAME);
        let head = bytes.get(from..end).unwrap_or_default();
        let start = head.iter().rposition(|byte| *byte < 0x20).map_or(0, |at| at + 1);
        let name = head.get(start..).and_then(|name| std::str::from_utf8(name).ok());
        if let Some(name) = name.filter(|name| name.len() > 4 && !names.iter().any(|known| known == name)) {
            names.push(name.to_owned());
        }
    }
    names
}

fn carrier(artifact: &Artifact, bytes: &[u8], at: u64, host: &mut Host) {
    let Some(manifest) = bundle::manifest(bytes, at) else {
        let text = "a single-file .NET application whose list of files cannot be read";
        return host.reading.note(NoteKind::Malformed, text);
    };
    if let Some(problem) = &manifest.problem {
        host.reading.note(NoteKind::Malformed, problem.clone());
    }
    host.reading.note(
        NoteKind::Info,
        format!("a single-file .NET application, version {}: {} files", manifest.version, manifest.entries.len()),
    );
    host.members = manifest.entries.into_iter().map(|entry| member(artifact, entry)).collect();
}

fn member(of: &Artifact, entry: bundle::Entry) -> Artifact {
    let (length, packing) = match entry.compressed {
        Some(length) => (length, Packing::Deflate),
        None => (entry.size, Packing::Stored),
    };
    Artifact {
        path: format!("{}{MEMBER}{}", of.path, entry.path),
        name: format!("{}{MEMBER}{}", of.name, entry.path),
        file: of.file.clone(),
        size: entry.size,
        part: Some(Part { offset: entry.offset, length, packing }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_names_its_assembly() {
        let bytes = b"\0\0kernel32.dll\0\0\x01bin\\Shop.dll\0x.dll";
        assert_eq!(assembly_names(bytes), ["kernel32.dll", "bin\\Shop.dll"]);
    }

    #[test]
    fn other_programs_are_no_hosts() {
        let app = Application::default();
        assert!(read(&app, &Artifact::default(), b"MZ").is_none());
        assert!(read(&app, &Artifact::default(), &BUNDLE_MARK).is_none());
    }
}
