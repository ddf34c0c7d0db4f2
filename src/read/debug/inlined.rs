//! Lines of functions that were compiled into others, from a program database. The lines of a procedure are those of its
//! calls; where the body of a called function went, and which of its lines are where, a record of each such call says
//! (`S_INLINESITE`, whose steps begin at the line that the module's `DEBUG_S_INLINEELINES` has for the function; CodeView's
//! `cvinfo.h`).

use super::Problem;
use super::pdb::{is_line, key};
use pdb2::{FallibleIterator as _, Inlinee, LineInfo, ModuleInfo, PdbInternalSectionOffset, SymbolData};
use std::collections::{BTreeMap, HashMap};

/// Most records of one module that are looked at.
const MAX_SYMBOLS: usize = 1 << 22;

/// The lines of those places of a module that are in such code, of the innermost function each. The places are sorted.
pub(super) fn lines(
    info: &ModuleInfo<'_>,
    places: &[PdbInternalSectionOffset],
) -> Result<BTreeMap<u64, LineInfo>, Problem> {
    let mut found = BTreeMap::new();
    let mut inlinees: HashMap<u32, Inlinee<'_>> = HashMap::new();
    let mut all = info.inlinees()?;
    while let Some(inlinee) = all.next()? {
        inlinees.insert(inlinee.index().0, inlinee);
    }
    if inlinees.is_empty() {
        return Ok(found);
    }
    let mut symbols = info.symbols()?;
    let mut procedure = None;
    for _ in 0..MAX_SYMBOLS {
        let Some(symbol) = symbols.next()? else { break };
        match symbol.parse() {
            Ok(SymbolData::Procedure(p)) => {
                let inside = within(places, p.offset, p.len);
                procedure = (!inside.is_empty()).then_some((p.offset, p.len, inside));
            }
            Ok(SymbolData::InlineSite(site)) => {
                let (Some((start, length, inside)), Some(inlinee)) = (procedure, inlinees.get(&site.inlinee.0)) else {
                    continue;
                };
                let mut lines = inlinee.lines(start, &site);
                // A record that cannot be read costs its own lines only.
                while let Ok(Some(line)) = lines.next() {
                    // Steps back leave lengths that are none.
                    let Some(long) = line.length.filter(|long| *long <= length && is_line(&line)) else { continue };
                    // Records of what was compiled into this function follow its own.
                    for at in within(inside, line.offset, long) {
                        found.insert(key(*at), line.clone());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Those of sorted places that are in so many bytes.
fn within(
    places: &[PdbInternalSectionOffset],
    from: PdbInternalSectionOffset,
    length: u32,
) -> &[PdbInternalSectionOffset] {
    let (first, end) = (key(from), key(from) + u64::from(length));
    let range = places.partition_point(|at| key(*at) < first)..places.partition_point(|at| key(*at) < end);
    places.get(range).unwrap_or_default()
}
