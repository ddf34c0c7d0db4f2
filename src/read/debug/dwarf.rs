//! Lines from DWARF, as GCC writes it into images.
//!
//! Only the line-number programs are run. They follow one another in `.debug_line` and say themselves which files they
//! speak of, so the units, their abbreviations and their range lists, whose cost a crafted file could multiply, are
//! not needed.

use super::{Problem, SourceLine};
use gimli::{AttributeValue, DebugLine, DebugLineOffset, DebugLineStr, DebugStr, EndianSlice, LittleEndian};
use std::collections::BTreeMap;

/// Largest table of lines that is run through, in bytes.
const MAX_LINES: usize = 256 << 20;

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Header<'a> = gimli::LineProgramHeader<Slice<'a>>;

/// The lines of the wanted addresses of so many bytes, which must be sorted. `section` gives the bytes of a section by its
/// whole name.
pub(crate) fn lines<'a>(
    wanted: &[u64],
    address_size: u8,
    section: impl Fn(&str) -> Option<&'a [u8]>,
) -> Result<BTreeMap<u64, SourceLine>, Problem> {
    let mut found = BTreeMap::new();
    let (Some(table), Some(_)) = (section(".debug_line"), wanted.first()) else { return Ok(found) };
    if table.len() > MAX_LINES {
        return Err(Problem::TooLarge);
    }
    let text = |name: &str| section(name).unwrap_or_default();
    let strings = Strings {
        own: DebugLineStr::from(EndianSlice::new(text(".debug_line_str"), LittleEndian)),
        shared: DebugStr::new(text(".debug_str"), LittleEndian),
    };
    let mut at = 0;
    while let Some(length) = whole_length(table, at) {
        // A program that cannot be run costs its own lines only.
        let _ = run(table, at, (wanted, address_size), &strings, &mut found);
        at = at.saturating_add(length);
    }
    Ok(found)
}

/// Length of the program at an offset with its length field (DWARF 5, 7.4: 64-bit lengths follow 0xffffffff).
fn whole_length(table: &[u8], at: usize) -> Option<usize> {
    let field = |at: usize, size: usize| table.get(at..at.checked_add(size)?);
    let first = u32::from_le_bytes(field(at, 4)?.try_into().ok()?);
    let length = match first {
        0xffff_ffff => usize::try_from(u64::from_le_bytes(field(at + 4, 8)?.try_into().ok()?)).ok()?.checked_add(12)?,
        short => (short as usize).checked_add(4)?,
    };
    Some(length)
}

struct Strings<'a> {
    own: DebugLineStr<Slice<'a>>,
    shared: DebugStr<Slice<'a>>,
}

impl<'a> Strings<'a> {
    fn get(&self, value: AttributeValue<Slice<'a>>) -> Option<String> {
        let bytes = match value {
            AttributeValue::String(text) => text,
            AttributeValue::DebugLineStrRef(offset) => self.own.get_str(offset).ok()?,
            AttributeValue::DebugStrRef(offset) => self.shared.get_str(offset).ok()?,
            _ => return None,
        };
        Some(bytes.to_string_lossy().into_owned())
    }
}

/// One row of a sequence: from this address on.
struct Row {
    address: u64,
    file: u64,
    line: u32,
}

fn run<'a>(
    table: &'a [u8],
    at: usize,
    (wanted, address_size): (&[u64], u8),
    strings: &Strings<'a>,
    found: &mut BTreeMap<u64, SourceLine>,
) -> gimli::Result<()> {
    let lines = DebugLine::new(table, LittleEndian);
    // Programs of DWARF 5 say the size of an address themselves.
    let program = lines.program(DebugLineOffset(at), address_size, None, None)?;
    let mut rows = program.rows();
    let mut before: Option<Row> = None;
    while let Some((header, row)) = rows.next_row()? {
        if let Some(previous) = &before {
            let first = wanted.partition_point(|a| *a < previous.address);
            let inside = wanted.get(first..).unwrap_or_default().iter().take_while(|a| **a < row.address());
            for address in inside {
                if let Some(file) = file_of(header, previous.file, strings) {
                    found.insert(*address, SourceLine { file, line: previous.line });
                }
            }
        }
        let line = row.line().and_then(|n| u32::try_from(n.get()).ok());
        before = match line {
            Some(line) if !row.end_sequence() => Some(Row { address: row.address(), file: row.file_index(), line }),
            _ => None,
        };
    }
    Ok(())
}

/// The path of a file of the program. Its folder 0 is where the compiler ran: known since DWARF 5.
fn file_of<'a>(header: &Header<'a>, index: u64, strings: &Strings<'a>) -> Option<String> {
    let entry = header.file(index)?;
    let name = strings.get(entry.path_name())?;
    let mut path = name;
    let mut folders = vec![entry.directory_index()];
    folders.extend((entry.directory_index() != 0).then_some(0));
    for folder in folders {
        if is_absolute(&path) {
            break;
        }
        if let Some(folder) = header.directory(folder).and_then(|d| strings.get(d)).filter(|f| !f.is_empty()) {
            path = format!("{}/{path}", folder.trim_end_matches(['/', '\\']));
        }
    }
    Some(path)
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || path.get(1..2) == Some(":")
}
