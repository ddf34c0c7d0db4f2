//! What an image imports and exports: by name, by ordinal, delay-loaded.
//!
//! The tables are walked under caps, because a crafted table can be made to repeat itself without end.

use super::image::{Directory, Image};
use super::{Map, Set};
use crate::catalog::native;
use std::ops::Range;

/// Most imported functions that are read.
const MAX_IMPORTS: usize = 65_536;
/// Most modules that are read.
const MAX_MODULES: usize = 2_048;
/// Most exported names that are read.
const MAX_EXPORTS: usize = 65_536;

/// One imported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import<'a> {
    /// Module in lower case, without its extension, API sets resolved: `kernel32`.
    pub(crate) module: String,
    /// Name; empty when imported by an ordinal that has none of its own on this processor.
    pub(crate) name: &'a str,
    /// Ordinal, when imported by it.
    pub(crate) ordinal: Option<u16>,
    /// Address of the slot that holds the function's address.
    pub(crate) slot: u32,
}

/// Imports and exports of one image.
#[derive(Debug, Default)]
pub(crate) struct Linkage<'a> {
    pub(crate) imports: Vec<Import<'a>>,
    /// Import by slot.
    pub(crate) slots: Map<u32, usize>,
    /// What the slots of delay-loaded imports hold until the first call: code that loads the function, and calls it with
    /// what it is given.
    pub(crate) loaders: Set<u32>,
    /// Where names, ordinals and slots of imports are listed.
    pub(crate) tables: Vec<Range<u32>>,
    /// Exported name and address.
    pub(crate) exports: Vec<(&'a str, u32)>,
    /// What the image calls itself in its export directory.
    pub(crate) library: &'a str,
    /// What could not be read.
    pub(crate) problems: Vec<(bool, String)>,
}

impl<'a> Linkage<'a> {
    /// Reads the import, delay-import and export tables.
    pub(crate) fn read(image: &Image<'a>) -> Self {
        let mut linkage = Linkage::default();
        linkage.read_imports(image);
        linkage.read_delayed(image);
        linkage.read_exports(image);
        linkage.slots = linkage.imports.iter().enumerate().map(|(i, import)| (import.slot, i)).collect();
        linkage
    }

    fn malformed(&mut self, what: &str) {
        self.problem(false, what);
    }

    fn capped(&mut self, what: &str) {
        self.problem(true, what);
    }

    /// Says each thing once, however often a table repeats it.
    fn problem(&mut self, capped: bool, what: &str) {
        let problem = (capped, what.to_owned());
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn is_full(&self) -> bool {
        self.imports.len() >= MAX_IMPORTS
    }

    /// Import directory: 20-byte descriptors, ended by one whose name is zero.
    fn read_imports(&mut self, image: &Image<'a>) {
        let Some((rva, _)) = image.directory(Directory::Import) else { return };
        for i in 0..MAX_MODULES as u32 {
            let Some(at) = rva.checked_add(i * 20) else { return };
            let (Some(lookup), Some(name), Some(slots)) = (image.u32(at), image.field(at, 12), image.field(at, 16))
            else {
                return self.malformed("the import directory ends early");
            };
            if name == 0 || slots == 0 {
                return;
            }
            let table = if lookup == 0 { slots } else { lookup };
            self.read_thunks(image, name, table, slots);
        }
        self.capped("more modules in the import directory than are read");
    }

    /// Delay-load directory: 32-byte descriptors. Attribute bit 0 says that addresses are RVAs; images of old linkers
    /// hold virtual addresses instead.
    fn read_delayed(&mut self, image: &Image<'a>) {
        let Some((rva, _)) = image.directory(Directory::DelayImport) else { return };
        for i in 0..MAX_MODULES as u32 {
            let Some(at) = rva.checked_add(i * 32) else { return };
            let (Some(attributes), Some(name), Some(slots), Some(names)) =
                (image.u32(at), image.field(at, 4), image.field(at, 12), image.field(at, 16))
            else {
                return self.malformed("the delay-import directory ends early");
            };
            if name == 0 {
                return;
            }
            let relative = |address: u32| match attributes & 1 {
                1 => address,
                _ => image.rva_of(u64::from(address)).unwrap_or(0),
            };
            let first = self.imports.len();
            self.read_thunks(image, relative(name), relative(names), relative(slots));
            let slots = self.imports.iter().skip(first).map(|import| import.slot);
            for loader in slots.filter_map(|slot| image.rva_of(image.pointer(slot)?)) {
                self.loaders.insert(loader);
                self.loaders.extend(common_loader(image, loader));
            }
        }
    }

    fn read_thunks(&mut self, image: &Image<'a>, name: u32, table: u32, slots: u32) {
        let Some(module) = image.name(name).map(module_name) else {
            return self.malformed("a module name in the import directory cannot be read");
        };
        let first = self.imports.len();
        self.read_names(image, &module, table, slots);
        let length = ((self.imports.len() - first) as u32).saturating_mul(image.pointer_size());
        self.tables.extend([table, slots].map(|start| start..start.saturating_add(length)));
    }

    fn read_names(&mut self, image: &Image<'a>, module: &str, table: u32, slots: u32) {
        let size = image.pointer_size();
        for i in 0u32.. {
            if self.is_full() || i as usize >= MAX_IMPORTS {
                return self.capped("more imports than are read");
            }
            let offset = i.saturating_mul(size);
            let (Some(at), Some(slot)) = (table.checked_add(offset), slots.checked_add(offset)) else { return };
            let Some(entry) = image.pointer(at) else {
                return self.malformed("an import lookup table ends early");
            };
            if entry == 0 {
                return;
            }
            let by_ordinal = if image.has_wide_pointers() { entry >> 63 == 1 } else { entry >> 31 == 1 };
            let import = if by_ordinal {
                let name = ordinal_name(image, module, entry as u16).unwrap_or_default();
                Import { module: module.to_owned(), name, ordinal: Some(entry as u16), slot }
            } else {
                let Some(name) = u32::try_from(entry).ok().and_then(|rva| image.name(rva.checked_add(2)?)) else {
                    self.malformed("the name of an import cannot be read");
                    continue;
                };
                Import { module: module.to_owned(), name, ordinal: None, slot }
            };
            self.imports.push(import);
        }
    }

    /// Export directory: names and ordinals run in parallel; ordinals index the address table.
    fn read_exports(&mut self, image: &Image<'a>) {
        let Some((rva, size)) = image.directory(Directory::Export) else { return };
        let field = |offset| image.field(rva, offset);
        let (Some(count), Some(addresses), Some(names), Some(ordinals)) = (field(24), field(28), field(32), field(36))
        else {
            return self.malformed("the export directory ends early");
        };
        self.library = field(12).and_then(|name| image.name(name)).unwrap_or_default();
        if count as usize > MAX_EXPORTS {
            self.capped("more exports than are read");
        }
        for i in 0..count.min(MAX_EXPORTS as u32) {
            let export = (|| {
                let name = image.name(image.u32(names.checked_add(i * 4)?)?)?;
                let ordinal = u32::from(image.u16(ordinals.checked_add(i * 2)?)?);
                let address = image.u32(addresses.checked_add(ordinal * 4)?)?;
                // An address inside the directory is the name of a forwarder.
                Some((name, address)).filter(|_| address.wrapping_sub(rva) >= size)
            })();
            if let Some(export) = export {
                self.exports.push(export);
            }
        }
    }

    /// The address of an export.
    pub(crate) fn export(&self, name: &str) -> Option<u32> {
        self.exports.iter().find(|(n, _)| *n == name).map(|(_, rva)| *rva)
    }
}

/// What the loaders of all functions of a module have in common: each says which slot is meant, in `eax` or `rax`, and jumps
/// there.
fn common_loader(image: &Image<'_>, loader: u32) -> Option<u32> {
    /// `jmp`
    const JUMP: u8 = 0xe9;
    let at = if image.is_64() { 7 } else { 5 };
    let jump = image.at(loader)?.get(at..at + 5)?;
    let distance = jump.strip_prefix(&[JUMP])?.try_into().map(u32::from_le_bytes).ok()?;
    Some(loader.wrapping_add(at as u32 + 5).wrapping_add(distance))
}

/// The name behind an ordinal that differs between the processors.
fn ordinal_name(image: &Image<'_>, module: &str, ordinal: u16) -> Option<&'static str> {
    let processor = if image.has_wide_pointers() { "x64" } else { "x86" };
    native::name_of_ordinal(&format!("{module}-{processor}"), ordinal)
}

/// Lower case, without `.dll`; the API sets of Windows 8 and later stand for the modules they forward to
/// (MS documentation: "Windows API sets").
pub(crate) fn module_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".dll").unwrap_or(&lower);
    const SETS: &[(&str, &str)] = &[
        ("api-ms-win-core-registry", "advapi32"),
        ("api-ms-win-core-shlwapi", "shlwapi"),
        ("api-ms-win-core-com", "ole32"),
        ("api-ms-win-core-path", "kernelbase"),
        ("api-ms-win-core", "kernel32"),
        ("api-ms-win-eventing", "advapi32"),
        ("api-ms-win-security", "advapi32"),
        ("api-ms-win-service", "advapi32"),
        ("api-ms-win-shell", "shell32"),
        ("api-ms-win-shcore", "shlwapi"),
        ("api-ms-win-downlevel-shlwapi", "shlwapi"),
        ("api-ms-win-downlevel-shell32", "shell32"),
        ("api-ms-win-downlevel-advapi32", "advapi32"),
        ("api-ms-win-downlevel-kernel32", "kernel32"),
        ("api-ms-win-crt", "ucrtbase"),
        ("ext-ms-win-shell", "shell32"),
    ];
    match SETS.iter().find(|(prefix, _)| stem.starts_with(prefix)) {
        Some((_, family)) => (*family).to_owned(),
        None => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::module_name;

    #[test]
    fn api_sets_stand_for_their_modules() {
        assert_eq!(module_name("KERNEL32.dll"), "kernel32");
        assert_eq!(module_name("api-ms-win-core-file-l1-2-0.dll"), "kernel32");
        assert_eq!(module_name("api-ms-win-core-registry-l1-1-0.dll"), "advapi32");
        assert_eq!(module_name("api-ms-win-crt-stdio-l1-1-0.dll"), "ucrtbase");
        assert_eq!(module_name("WINSPOOL.DRV"), "winspool.drv");
    }
}
