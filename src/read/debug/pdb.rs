//! Lines from a program database, as Microsoft's and LLVM's linkers write it beside an image: by address for machine
//! code, by method token and IL offset for assemblies.

use super::{CodeView, Problem, SourceLine, contained, inlined};
use pdb2::{
    FallibleIterator as _, LineInfo, ModuleInfo, PDB, PdbInternalSectionOffset, Rva, Source, SourceSlice, SourceView,
    StreamIndex, StringTable, SymbolData,
};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Most bytes that are read from one database, counting what is read twice.
const MAX_BYTES: u64 = 1 << 30;
/// Lines from here on mark code that no line belongs to (`0xfeefee`, `0xf00f00`).
const FIRST_SPECIAL: u32 = 0x00f0_0f00;
/// Most methods that are remembered of an assembly's database.
const MAX_METHODS: usize = 1 << 20;

/// The stream of debug information.
const DEBUG_INFORMATION: StreamIndex = StreamIndex(3);
/// The row of a metadata token (ECMA-335 II.22.1.8).
const ROW: u32 = 0x00ff_ffff;

/// An open program database.
pub(crate) struct Pdb {
    pdb: PDB<'static, Pages>,
    names: Option<StringTable<'static>>,
    methods: Option<HashMap<u32, Method>>,
}

/// Where a method's lines are.
#[derive(Clone, Copy)]
struct Method {
    module: usize,
    start: PdbInternalSectionOffset,
    length: u32,
}

impl From<pdb2::Error> for Problem {
    fn from(error: pdb2::Error) -> Self {
        match error {
            pdb2::Error::IoError(e) if e.kind() == io::ErrorKind::FileTooLarge => Problem::TooLarge,
            other => Problem::Malformed(other.to_string()),
        }
    }
}

impl Pdb {
    /// Opens the database at `path`, if it belongs to the image with this record.
    ///
    /// # Errors
    /// Another build's, or not readable. A parser's panic is the caller's to contain.
    pub(crate) fn open(path: &Path, linked: &CodeView) -> Result<Self, Problem> {
        let file = File::open(path).map_err(|e| Problem::Malformed(e.to_string()))?;
        let size = file.metadata().map_err(|e| Problem::Malformed(e.to_string()))?.len();
        let mut pdb = PDB::open(Pages { file, size, left: MAX_BYTES })?;
        let identity = pdb.pdb_information()?;
        // Tools that rewrite a database raise its age; an older one lacks what the image has.
        if identity.guid.to_bytes_le() != linked.guid || identity.age < linked.age {
            return Err(Problem::OtherBuild);
        }
        let names = pdb.string_table().ok();
        Ok(Pdb { pdb, names, methods: None })
    }

    /// The lines of the wanted addresses (RVAs), which must be sorted.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub(crate) fn lines(&mut self, wanted: &[u32]) -> Result<BTreeMap<u32, SourceLine>, Problem> {
        let map = self.pdb.address_map()?;
        let places = wanted.iter().filter_map(|rva| Some((Rva(*rva).to_internal_offset(&map)?, *rva)));
        let mut places: Vec<(PdbInternalSectionOffset, u32)> = places.collect();
        places.sort_unstable_by_key(|(at, _)| key(*at));
        let mut found = BTreeMap::new();
        for (module, places) in self.contributors(&places)? {
            let Some(info) = self.module(module)? else { continue };
            let lines = sorted_lines(&info)?;
            let mut wanted: Vec<PdbInternalSectionOffset> = places.iter().map(|(at, ..)| *at).collect();
            wanted.sort_unstable_by_key(|at| key(*at));
            // Without these the lines of the calls are told.
            let inlined = contained(|| inlined::lines(&info, &wanted)).unwrap_or_default();
            for (at, first, rva) in places {
                if let Some(line) = inlined.get(&key(at)).and_then(|line| self.source_line(&info, line)) {
                    found.insert(rva, line);
                    continue;
                }
                let behind = lines.partition_point(|l| key(l.offset) <= key(at));
                let Some(line) = behind.checked_sub(1).and_then(|i| lines.get(i)) else { continue };
                if key(line.offset) >= key(first)
                    && let Some(line) = self.source_line(&info, line)
                {
                    found.insert(rva, line);
                }
            }
        }
        Ok(found)
    }

    /// The modules (object files) that the places came from, each with its contribution's start.
    #[allow(clippy::type_complexity, reason = "a private intermediate of one function")]
    fn contributors(
        &mut self,
        places: &[(PdbInternalSectionOffset, u32)],
    ) -> Result<BTreeMap<usize, Vec<(PdbInternalSectionOffset, PdbInternalSectionOffset, u32)>>, Problem> {
        let information = self.pdb.debug_information()?;
        let mut contributions = information.section_contributions()?;
        let mut modules: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        let mut left = places.len().saturating_mul(4);
        while let Some(part) = contributions.next()? {
            let first = places.partition_point(|(at, _)| key(*at) < key(part.offset));
            let end = u64::from(part.offset.offset) + u64::from(part.size);
            let inside = places.get(first..).unwrap_or_default().iter();
            let inside =
                inside.take_while(|(at, _)| at.section == part.offset.section && u64::from(at.offset) < end).take(left);
            for (at, rva) in inside {
                // Parts do not overlap in an honest database.
                left -= 1;
                modules.entry(part.module).or_default().push((*at, part.offset, *rva));
            }
        }
        Ok(modules)
    }

    fn module(&mut self, index: usize) -> Result<Option<ModuleInfo<'static>>, Problem> {
        let information = self.pdb.debug_information()?;
        let module = information.modules()?.nth(index)?;
        match module {
            Some(module) => Ok(self.pdb.module_info(&module)?),
            None => Ok(None),
        }
    }

    /// The line of an IL offset in the method with this metadata token: the last one that begins at or before it.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub(crate) fn line_in_method(&mut self, token: u32, il_offset: u32) -> Result<Option<SourceLine>, Problem> {
        if self.methods.is_none() {
            self.methods = Some(self.read_methods()?);
        }
        let Some(method) = self.methods.as_ref().and_then(|m| m.get(&token)).copied() else { return Ok(None) };
        let Some(info) = self.module(method.module)? else { return Ok(None) };
        let lines = sorted_lines(&info)?;
        let at = key(method.start) + u64::from(il_offset.min(method.length));
        let behind = lines.partition_point(|l| key(l.offset) <= at);
        let line = behind.checked_sub(1).and_then(|i| lines.get(i)).filter(|l| key(l.offset) >= key(method.start));
        Ok(line.and_then(|line| self.source_line(&info, line)))
    }

    /// The managed procedures of all modules, by token.
    fn read_methods(&mut self) -> Result<HashMap<u32, Method>, Problem> {
        let renumbered = self.renumbered_tokens()?;
        let information = self.pdb.debug_information()?;
        let mut modules = information.modules()?;
        let mut methods = HashMap::new();
        let mut index = 0;
        while let Some(module) = modules.next()? {
            if let Some(info) = self.pdb.module_info(&module)? {
                let mut symbols = info.symbols()?;
                while let Some(symbol) = symbols.next()? {
                    if let Ok(SymbolData::ManagedProcedure(p)) = symbol.parse()
                        && methods.len() < MAX_METHODS
                    {
                        methods.insert(
                            renumbered.now(p.token.0),
                            Method { module: index, start: p.offset, length: p.len },
                        );
                    }
                }
            }
            index += 1;
        }
        Ok(methods)
    }

    /// How the tokens of the image differ from those that the database's procedures carry.
    fn renumbered_tokens(&mut self) -> Result<Renumbered, Problem> {
        let Some(header) = self.pdb.raw_stream(DEBUG_INFORMATION)? else { return Ok(Renumbered::default()) };
        let Some(stream) = renumbering_stream(header.as_slice()) else { return Ok(Renumbered::default()) };
        let rids = self.pdb.raw_stream(stream)?;
        Ok(Renumbered(rids.map_or_else(Vec::new, |rids| numbers(rids.as_slice()).collect())))
    }

    fn source_line(&self, info: &ModuleInfo<'_>, line: &LineInfo) -> Option<SourceLine> {
        let program = info.line_program().ok()?;
        let file = program.get_file_info(line.file_index).ok()?;
        let name = file.name.to_string_lossy(self.names.as_ref()?).ok()?.into_owned();
        Some(SourceLine { file: name, line: line.line_start })
    }
}

/// The rows that methods have in the image, by the rows that they had when the compiler wrote the database: those before
/// Roslyn sort their metadata after that (the stream "TokenRidMap" of the optional debug header, `DBGTYPE` of microsoft-pdb).
#[derive(Default)]
struct Renumbered(Vec<u32>);

impl Renumbered {
    /// The token of the image for one of the database.
    fn now(&self, token: u32) -> u32 {
        match self.0.get((token & ROW) as usize) {
            Some(&rid) if rid != 0 => token & !ROW | rid & ROW,
            _ => token,
        }
    }
}

/// The number of the stream that maps rows, from the stream of debug information: a header of 64 bytes that says how long
/// seven parts are (LLVM, "The PDB DBI Stream"), the last of which lists further streams.
fn renumbering_stream(header: &[u8]) -> Option<StreamIndex> {
    const SIZES_BEFORE: [usize; 6] = [24, 28, 32, 36, 40, 52];
    const FIRST_PART: usize = 64;
    const RENUMBERING: usize = 6;
    let size = |at: usize| Some(u32::from_le_bytes(*header.get(at..)?.first_chunk()?) as usize);
    let mut at = FIRST_PART;
    for part in SIZES_BEFORE {
        at = at.checked_add(size(part)?)?;
    }
    let list = header.get(at..)?;
    let list = list.get(..size(48)?).unwrap_or(list);
    let number = u16::from_le_bytes(*list.get(2 * RENUMBERING..)?.first_chunk()?);
    (number != u16::MAX).then_some(StreamIndex(number))
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).filter_map(|b| Some(u32::from_le_bytes(*b.first_chunk()?)))
}

/// Section and offset as one number.
pub(super) fn key(at: PdbInternalSectionOffset) -> u64 {
    u64::from(at.section) << 32 | u64::from(at.offset)
}

/// It is a line, and no mark of hidden code.
pub(super) fn is_line(line: &LineInfo) -> bool {
    (1..FIRST_SPECIAL).contains(&line.line_start)
}

/// All lines of a module by address, without those that mark hidden code.
fn sorted_lines(info: &ModuleInfo<'_>) -> Result<Vec<LineInfo>, Problem> {
    let program = info.line_program()?;
    let mut lines: Vec<LineInfo> = program.lines().collect()?;
    lines.retain(is_line);
    lines.sort_by_key(|l| key(l.offset));
    Ok(lines)
}

/// The file's pages, read when they are asked for and counted.
#[derive(Debug)]
struct Pages {
    file: File,
    size: u64,
    left: u64,
}

#[derive(Debug)]
struct Bytes(Vec<u8>);

impl SourceView<'_> for Bytes {
    fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl Source<'static> for Pages {
    fn view(&mut self, slices: &[SourceSlice]) -> io::Result<Box<dyn SourceView<'static> + Send + Sync>> {
        let wanted = slices.iter().map(|s| s.size as u64).fold(0u64, u64::saturating_add);
        // No stream of an honest file is larger than the file.
        if wanted > self.size || wanted > self.left {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a stream is larger than is read"));
        }
        self.left -= wanted;
        let mut bytes = Vec::new();
        for slice in slices {
            self.file.seek(SeekFrom::Start(slice.offset))?;
            let read = self.file.by_ref().take(slice.size as u64).read_to_end(&mut bytes)?;
            if read < slice.size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Box::new(Bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sizes: [u32; 6], streams: &[u16]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        for (at, size) in [24, 28, 32, 36, 40, 52].into_iter().zip(sizes) {
            bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
        }
        bytes[48..52].copy_from_slice(&(2 * streams.len() as u32).to_le_bytes());
        bytes.resize(64 + sizes.iter().sum::<u32>() as usize, 7);
        bytes.extend(streams.iter().flat_map(|s| s.to_le_bytes()));
        bytes
    }

    #[test]
    fn tokens_are_those_of_the_image() {
        let none = u16::MAX;
        let all = [none, none, none, none, none, 11, 12, none];
        let bytes = header([8, 4, 12, 4, 0, 20], &all);
        assert_eq!(renumbering_stream(&bytes), Some(StreamIndex(12)));
        assert_eq!(renumbering_stream(&header([0; 6], &all[..6])), None, "a list that ends before it");
        assert_eq!(renumbering_stream(&header([0; 6], &[none; 8])), None);
        assert_eq!(renumbering_stream(&bytes[..60]), None);
        let mut wrapped = bytes.clone();
        wrapped[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(renumbering_stream(&wrapped), None);

        let rows = Renumbered(numbers(&[0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]).collect());
        let now = |token| rows.now(token);
        assert_eq!(now(0x0600_0001), 0x0600_0003);
        assert_eq!(now(0x0600_0002), 0x0600_0001);
        assert_eq!(now(0x0600_0003), 0x0600_0003, "of a row that has no other number the number stays");
        assert_eq!(now(0x0600_0004), 0x0600_0004);
    }
}
