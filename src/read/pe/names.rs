//! Functions of libraries that are linked into the image, by name: what the symbol table of the file calls them, and
//! what the Microsoft library opens streams with, which is known by a table of its own.

use super::functions::Functions;
use super::image::{Image, Section, u16_at, u32_at};
use super::{Map, streams};
use crate::catalog::native::{self, Api};
use std::borrow::Cow;

/// Most symbols that are read.
const MAX_SYMBOLS: usize = 1 << 20;
/// Longest name of a symbol.
const MAX_NAME: usize = 512;
/// Bytes of a symbol (PE/COFF, "COFF Symbol Table").
const SYMBOL: usize = 18;
/// `IMAGE_SYM_DTYPE_FUNCTION` in the second half of the type.
const FUNCTION: u16 = 0x20;
/// Libraries that programs import by these names when they are not linked in. Of Windows and of the runtime of C only
/// what is imported is meant: a program's own function may be called the same.
const LIBRARIES: [&str; 2] = ["libstdc++-6", "sqlite3"];

/// What is called of a library.
pub(crate) struct Linked {
    pub(crate) api: Api,
    /// Name with that of the library.
    pub(crate) via: String,
    /// The same, for UTF-16, where both forms look the same.
    pub(crate) wide: Option<Api>,
}

/// Functions by the names that are known of them.
#[derive(Default)]
pub(crate) struct Names {
    /// Functions of libraries that the catalogue knows.
    pub(crate) linked: Map<u32, Linked>,
    /// Starts of all functions that have a name.
    pub(crate) starts: Vec<u32>,
}

impl Names {
    /// Reads the symbol table, if the file has one.
    pub(crate) fn of(image: &Image<'_>) -> Self {
        let mut names = Names::default();
        let (symbols, strings) = image.symbols();
        let mut at = 0;
        while let Some(symbol) = symbols.get(at..at + SYMBOL).filter(|_| at / SYMBOL < MAX_SYMBOLS) {
            at += SYMBOL * (1 + usize::from(symbol[17]));
            if let Some((rva, name)) = function(image, symbol, strings) {
                names.add(rva, image.is_64(), name);
            }
        }
        names
    }

    fn add(&mut self, rva: u32, is_64: bool, name: &str) {
        self.starts.push(rva);
        // On x86 a name is decorated with an underscore.
        let name = if is_64 { name } else { name.strip_prefix('_').unwrap_or(name) };
        let name = name.get(..name.len().min(MAX_NAME)).unwrap_or_default();
        let name = &common(name);
        let known = native::find_by_name(name).filter(|api| LIBRARIES.contains(&api.row.module.as_str()));
        if let Some(api) = known {
            self.linked.insert(rva, Linked { api, via: format!("{}!{name}", api.row.module), wide: None });
        }
    }

    /// Adds the functions with which the Microsoft library opens streams, where it is linked in.
    pub(crate) fn add_streams(&mut self, image: &Image<'_>, functions: &Functions) {
        // Mangled names say how wide pointers are.
        let [narrow, wide] = match image.is_64() {
            true => ["?_Fiopen@std@@YAPEAU_iobuf@@PEBDHH@Z", "?_Fiopen@std@@YAPEAU_iobuf@@PEB_WHH@Z"],
            false => ["?_Fiopen@std@@YAPAU_iobuf@@PBDHH@Z", "?_Fiopen@std@@YAPAU_iobuf@@PB_WHH@Z"],
        };
        let (Some(api), wide) = (native::find_by_name(narrow), native::find_by_name(wide)) else { return };
        for function in streams::openers(image, functions) {
            self.linked.entry(function).or_insert_with(|| Linked { api, via: format!("msvcp!{narrow}"), wide });
        }
    }

    /// The function is one of a library, and its calls say what it does: `opening` a file, or anything else inside it is not
    /// told again. What is known by a table of modes may have more in it.
    pub(crate) fn is_told(&self, function: u32, opening: bool) -> bool {
        self.linked.get(&function).is_some_and(|l| l.api.row.is_sink() && (opening || l.wide.is_none()))
    }
}

/// The name that functions for arrays of any length have in common: `pathC1IA12_cS1_E` is the constructor of a path from
/// `char [12]`. Of a copy of its own GCC leaves out parameters that it has no use for.
fn common(name: &str) -> Cow<'_, str> {
    let name = name.split_once(".isra.").map_or(name, |(name, _)| name);
    match name.split_once("pathC1IA").or_else(|| name.split_once("pathC2IA")) {
        Some((class, rest)) => {
            let head = name.get(..class.len() + "pathC1IA".len()).unwrap_or_default();
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            Cow::Owned(format!("{head}{rest}"))
        }
        None => Cow::Borrowed(name),
    }
}

/// Address and name of a symbol that is a function in a section of code.
fn function<'a>(image: &Image<'_>, symbol: &'a [u8], strings: &'a [u8]) -> Option<(u32, &'a str)> {
    let section: &Section = image.sections.get(usize::from(u16_at(symbol, 12)?).checked_sub(1)?)?;
    if u16_at(symbol, 14)? & 0xf0 != FUNCTION || !section.is_code() {
        return None;
    }
    let rva = section.rva.checked_add(u32_at(symbol, 8)?).filter(|rva| section.contains(*rva))?;
    let bytes = match u32_at(symbol, 0)? {
        // A name of more than eight characters is in the string table.
        0 => strings.get(u32_at(symbol, 4)? as usize..)?,
        _ => symbol.get(..8)?,
    };
    let end = bytes.iter().take(MAX_NAME).position(|b| *b == 0).unwrap_or(bytes.len().min(MAX_NAME));
    Some((rva, std::str::from_utf8(bytes.get(..end)?).ok()?))
}
