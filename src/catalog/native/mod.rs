//! What the functions that native code imports do, and which of their arguments say where.
//!
//! The rows are in `rules/catalog/native/*.toml`, one line per function; `signatures.txt` beside them gives, for every
//! function of the Windows import libraries, the bytes an x86 callee pops and a mask of the parameters it writes
//! through (from the Win32 metadata).

pub mod com;
mod mangled;
mod model;
mod rows;
mod words;

pub use com::Object;
pub use model::Model;
pub use rows::{Caller, Passed, Row};
pub use words::EditWord;

use crate::facts::{Folder, Owner};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A row, in the form that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// What it does.
    pub row: &'static Row,
    /// Strings are UTF-16.
    pub wide: bool,
}

/// Whose an image is, by its file name together with the company in its version information.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerRow {
    /// `framework` or `third-party`.
    pub owner: Owner,
    /// A program that others bring along: it is theirs only where there is something else.
    #[serde(default)]
    along: bool,
    /// File names without extension, or prefixes that end in `*`; whatever it is called without any.
    #[serde(default)]
    names: String,
    /// Words of the company.
    #[serde(default)]
    company: String,
    /// Words of the product.
    #[serde(default)]
    product: String,
    /// What the library calls itself in its export directory, as `names`. Only together with `exports`.
    #[serde(default)]
    library: String,
    /// Functions that it exports, all of them.
    #[serde(default)]
    exports: String,
}

/// Whose code writes to the event log under a name, in whatever image it is linked into.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRow {
    /// `framework` or `third-party`.
    pub owner: Owner,
    /// The event source.
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owners {
    owner: Vec<OwnerRow>,
    source: Vec<SourceRow>,
}

#[derive(Default)]
struct Catalogue {
    owners: Owners,
    rows: Vec<Row>,
    /// Row and width by full name.
    names: HashMap<String, (usize, bool)>,
    /// Name by module and ordinal.
    ordinals: HashMap<String, HashMap<String, String>>,
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let mut catalogue = Catalogue::default();
        for (path, packed) in super::tables("native") {
            if path.ends_with("owners.toml") {
                catalogue.owners = packed.read().unwrap_or_default();
            } else if path.ends_with("ordinals.toml") {
                catalogue.ordinals = packed.read().unwrap_or_default();
            } else {
                let rows: HashMap<String, Row> = packed.read().unwrap_or_default();
                for (name, row) in rows {
                    catalogue.add(name, row);
                }
            }
        }
        catalogue
    })
}

impl Catalogue {
    fn add(&mut self, name: String, mut row: Row) {
        row.effect = row.does.as_deref().and_then(|does| {
            let (operation, store) = does.split_once(' ')?;
            Some((operation.parse().ok()?, store.parse().ok()?))
        });
        row.mark = row.traits.as_deref().and_then(|name| name.parse().ok());
        row.known_folder = row.folder.as_deref().and_then(Folder::by_name);
        let index = self.rows.len();
        if row.aw {
            self.names.insert(format!("{name}A"), (index, false));
            self.names.insert(format!("{name}W"), (index, true));
        }
        if !row.aw || row.plain {
            self.names.insert(name, (index, row.wide));
        }
        self.rows.push(row);
    }
}

/// The function `name` of `module` (lower case, without `.dll`).
pub fn find(module: &str, name: &str) -> Option<Api> {
    let Api { row, wide } = find_by_name(name)?;
    let fits = match row.module.as_str() {
        "crt" => is_crt(module),
        "msvcp" => module.starts_with("msvcp"),
        // Functions of Windows move between its DLLs; their names are enough.
        _ => true,
    };
    fits.then_some(Api { row, wide })
}

/// The function with this name, whatever its module: for names that a program looks up itself.
pub fn find_by_name(name: &str) -> Option<Api> {
    let catalogue = catalogue();
    let named = |name: &str| catalogue.names.get(name).copied();
    let (row, wide) = named(name).or_else(|| {
        let (common, is_wide) = mangled::common(name)?;
        named(&common).map(|(row, wide)| (row, wide || is_wide))
    })?;
    catalogue.rows.get(row).map(|row| Api { row, wide })
}

/// The name behind an ordinal of a module.
pub fn name_of_ordinal(module: &str, ordinal: u16) -> Option<&'static str> {
    let names = catalogue().ordinals.get(module)?;
    names.get(&ordinal.to_string()).map(String::as_str)
}

/// Is it one of these names, by its name without extension?
fn is_named(file_name: &str, names: &str) -> bool {
    let lower = file_name.to_ascii_lowercase();
    let stem = lower.rsplit_once('.').map_or(lower.as_str(), |(stem, _)| stem);
    names.split_whitespace().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => stem.starts_with(prefix),
        None => stem == pattern,
    })
}

/// Whose the library is that calls itself so in its export directory, by the functions that it exports: libraries of the
/// free compilers have no version information.
pub fn owner_of_library(library: &str, exports: impl Fn(&str) -> bool) -> Owner {
    let is_it = |row: &&OwnerRow| {
        !row.exports.is_empty() && is_named(library, &row.library) && row.exports.split_whitespace().all(&exports)
    };
    catalogue().owners.owner.iter().find(is_it).map_or(Owner::Application, |row| row.owner)
}

/// Whose the image with this file name, and this company and product in its version information, is; one that is only
/// brought along belongs to the application.
pub fn owner_of(file_name: &str, company: &str, product: &str) -> Owner {
    made_by(file_name, company, product).filter(|row| !row.along).map_or(Owner::Application, |row| row.owner)
}

/// Is it a well-known program that others bring along, by the same?
pub fn is_brought_along(file_name: &str, company: &str, product: &str) -> bool {
    made_by(file_name, company, product).is_some_and(|row| row.along)
}

fn made_by(file_name: &str, company: &str, product: &str) -> Option<&'static OwnerRow> {
    let is_made = |row: &OwnerRow| {
        let is_told = !row.company.is_empty() || !row.product.is_empty();
        is_told && company.contains(&row.company) && product.contains(&row.product)
    };
    let is_called = |row: &OwnerRow| row.names.is_empty() || is_named(file_name, &row.names);
    catalogue().owners.owner.iter().find(|row| is_made(row) && is_called(row))
}

/// Whose code writes to the event log under this name.
pub fn owner_of_source(name: &str) -> Owner {
    let rows = &catalogue().owners.source;
    rows.iter().find(|row| row.name.eq_ignore_ascii_case(name)).map_or(Owner::Application, |row| row.owner)
}

/// The runtime of Cygwin or MSYS, in which programs of Unix are built for Windows.
pub fn is_unix_runtime(module: &str) -> bool {
    ["cygwin1", "msys-1.0", "msys-2.0"].contains(&module.strip_suffix(".dll").unwrap_or(module))
}

/// The C runtime in any of its DLLs.
pub fn is_crt(module: &str) -> bool {
    module == "ucrtbase"
        || module == "ucrtbased"
        || module.starts_with("msvcr")
        || module == "crtdll"
        || module.starts_with("vcruntime")
        || module.starts_with("cygwin")
        || module.starts_with("msys-")
}

/// The most arguments of a function that is not known but by its mangled name, with the object of a method.
pub fn most_arguments(name: &str, is_64: bool) -> Option<u8> {
    mangled::arguments(name, is_64)
}

/// What an x86 caller must know of a callee, and which of its parameters are outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Bytes of arguments that the callee pops (stdcall).
    pub pops: u32,
    /// Parameters that are written through, by bit; `None` when not known.
    pub outputs: Option<u32>,
}

fn signatures() -> &'static str {
    static TEXT: OnceLock<&'static str> = OnceLock::new();
    TEXT.get_or_init(|| super::text("native/signatures.txt"))
}

/// The signature of a function of Windows. The lines are sorted by name, so nothing needs to be parsed ahead.
pub fn signature(name: &str) -> Option<Signature> {
    let signatures = signatures();
    let (mut low, mut high) = (0, signatures.len());
    while low < high {
        let middle = (low + high) / 2;
        let start = signatures.get(..middle)?.rfind('\n').map_or(0, |i| i + 1);
        let end = signatures.get(start..)?.find('\n').map_or(signatures.len(), |i| start + i);
        let mut fields = signatures.get(start..end)?.split(' ');
        match fields.next()?.cmp(name) {
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
            std::cmp::Ordering::Equal => {
                let pops = fields.next()?.parse().ok()?;
                let outputs = fields.next().and_then(|mask| u32::from_str_radix(mask, 16).ok());
                return Some(Signature { pops, outputs });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses_and_every_word_is_known() {
        for (path, packed) in crate::catalog::tables("native") {
            if path.ends_with("owners.toml") {
                assert!(packed.read::<Owners>().is_ok_and(|all| !all.owner.is_empty()));
                continue;
            }
            if path.ends_with("ordinals.toml") {
                assert!(packed.read::<HashMap<String, HashMap<String, String>>>().is_ok());
                continue;
            }
            let rows: HashMap<String, Row> = packed.read().expect(path);
            assert!(!rows.is_empty(), "{path}");
        }
        for row in &catalogue().rows {
            assert_eq!(row.does.is_some(), row.effect.is_some(), "{row:?}");
            assert_eq!(row.traits.is_some(), row.mark.is_some(), "{row:?}");
            assert!(row.otherwise.is_none() || !row.needs.is_empty(), "{row:?}");
            assert!(row.otherwise.as_deref().is_none_or(|name| find_by_name(name).is_some()), "{row:?}");
            assert_eq!(row.folder.is_some(), row.known_folder.is_some(), "{row:?}");
        }
    }

    #[test]
    fn forms_modules_and_ordinals() {
        assert!(find("kernel32", "CreateFileW").is_some_and(|a| a.wide && a.row.model == Some(Model::CreateFile)));
        assert!(find("kernel32", "CreateFile").is_none());
        assert!(find("kernel32", "lstrcat").is_some_and(|a| !a.wide));
        assert!(find("ucrtbase", "fopen").is_some());
        assert!(find("mylib", "fopen").is_none());
        assert_eq!(name_of_ordinal("msvbvm60", 690), Some("rtcSaveSetting"));
        let ordinals = catalogue().ordinals.values().flat_map(|names| names.values());
        assert!(ordinals.clone().count() > 20);
        // Of the others it is known at least what they take.
        ordinals.for_each(|name| assert!(find_by_name(name).is_some() || signature(name).is_some(), "{name}"));
    }

    #[test]
    fn libraries_are_known_by_name_and_company() {
        assert_eq!(owner_of("MFC140U.DLL", "Microsoft Corporation", ""), Owner::Framework);
        assert_eq!(owner_of("Qt5Core.dll", "The Qt Company Ltd.", ""), Owner::Framework);
        assert_eq!(
            owner_of("libcrypto-1_1-x64.dll", "The OpenSSL Project, https://www.openssl.org/", "The OpenSSL Toolkit"),
            Owner::ThirdParty
        );
        // An application may call itself anything.
        assert_eq!(owner_of("mfcorders.dll", "Contoso Ltd.", ""), Owner::Application);
        assert_eq!(owner_of("orders.exe", "Microsoft Corporation", "Orders"), Owner::Application);
        assert_eq!(owner_of("DAO350.DLL", "Microsoft Corporation", "Microsoft® Jet"), Owner::Framework);
        assert_eq!(owner_of("DAO350.DLL", "Contoso Ltd.", "Orders"), Owner::Application);
        assert_eq!(owner_of("blat.exe", "http://www.blat.net/", "Blat"), Owner::Application, "it is brought along");
        assert!(is_brought_along("blat.exe", "http://www.blat.net/", "Blat"));
        assert!(is_brought_along("orders-service.exe", "CloudBees, Inc.", "Windows Service Wrapper"));
        assert!(!is_brought_along("blat.exe", "Contoso Ltd.", "Blat"));
        assert_eq!(owner_of("x.dll", ".NET Foundation", "Windows Installer XML Toolset"), Owner::ThirdParty);
        assert_eq!(owner_of("x.dll", "", ""), Owner::Application);
        assert_eq!(owner_of("SDL2.dll", "", ""), Owner::Application, "not by its file name alone");
        let exported = |names: &'static [&str]| move |name: &str| names.contains(&name);
        let of_xml = exported(&["xmlReadMemory", "xmlParseFile", "xmlFreeDoc"]);
        assert_eq!(owner_of_library("libxml2-2.dll", of_xml), Owner::ThirdParty);
        assert_eq!(owner_of_library("orders.dll", of_xml), Owner::Application);
        assert_eq!(owner_of_library("libxml2-2.dll", exported(&["SaveOrders"])), Owner::Application);
        assert_eq!(owner_of_library("", |_| true), Owner::Application);
    }

    #[test]
    fn signatures_are_sorted_and_found() {
        let names: Vec<_> = signatures().lines().filter_map(|l| l.split(' ').next()).collect();
        assert!(names.is_sorted());
        assert_eq!(signature("CreateFileW"), Some(Signature { pops: 28, outputs: Some(0) }));
        assert_eq!(signature("RegCreateKeyExW").and_then(|s| s.outputs), Some(0x180));
        assert_eq!(signature("NoSuchFunction"), None);
        for ends in [names.first(), names.last()].into_iter().flatten() {
            assert!(signature(ends).is_some());
        }
    }
}
