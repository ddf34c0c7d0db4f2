//! Functions on texts and memory whose results a run needs exactly: lengths, places found, copies of so many bytes. What
//! other functions do is said by the models of the engine.

use super::super::code::models::room::Room;
use super::machine::{Ground, Machine, Untouched};
use super::strings::is_string;
use super::texts::{self, Marks, Read};
use super::word::{Word, size_of};
use crate::catalog::native::{Api, EditWord, Model, Passed};

/// Most bytes that are copied or set at once.
const MAX_BYTES: u64 = 0x1_0000;
/// Bytes of an allocation whose size is not known.
const SOME: u64 = 0x400;

/// A call of a function on texts.
pub(super) struct Library<'r, 'i, 'a> {
    pub(super) machine: &'r mut Machine,
    pub(super) ground: &'r mut Ground<'i, 'a>,
    pub(super) files: &'r mut dyn Untouched,
    pub(super) marks: &'r mut Marks,
    /// Its name without its module.
    pub(super) name: &'r str,
    pub(super) api: Option<Api>,
    /// What it is called with.
    pub(super) arguments: Vec<Word>,
    /// Bytes that it has copied, set or compared.
    pub(super) spent: u64,
}

/// What memory functions allocate: the argument with the size, and one that it is multiplied with.
fn allocation(name: &str) -> Option<(usize, Option<usize>, bool)> {
    Some(match name {
        "malloc" | "_malloc_base" | "_malloc_crt" | "??2@YAPEAX_K@Z" | "??2@YAPAXI@Z" | "??_U@YAPEAX_K@Z"
        | "??_U@YAPAXI@Z" | "_Znwy" | "_Znay" | "_Znwj" | "_Znaj" | "CoTaskMemAlloc" => (0, None, false),
        "calloc" | "_calloc_base" => (0, Some(1), true),
        "LocalAlloc" | "GlobalAlloc" => (1, None, false),
        "HeapAlloc" => (2, None, false),
        "VirtualAlloc" => (1, None, true),
        _ => return None,
    })
}

impl Library<'_, '_, '_> {
    /// What the function returns; `None`: it is none of these, or what it is called with is not known well enough.
    pub(super) fn call(&mut self) -> Option<Word> {
        if let Some(word) = self.memory().or_else(|| self.container()) {
            return Some(word);
        }
        if let Some(api) = self.api.filter(|api| is_string(*api)) {
            return self.string(api);
        }
        let model = self.api.and_then(|api| api.row.model);
        let wide =
            self.api.is_some_and(|api| api.wide) || self.name.starts_with("wcs") || self.name.starts_with("_wcs");
        match model {
            Some(Model::Length) => self.length(wide),
            Some(Model::Copy) => self.copy(wide, false),
            Some(Model::Append) => self.copy(wide, true),
            Some(Model::CopyBytes) => self.copy_bytes(wide),
            Some(Model::SetBytes) => self.set_bytes(wide),
            Some(Model::FindLast | Model::FindInside) => self.find(wide),
            Some(Model::Compare) => self.compare(wide),
            Some(Model::Duplicate) => {
                let read = self.read(0, wide)?;
                // Where only the beginning is asked for, nothing is said.
                if self.api.is_some_and(|api| api.row.args.len() > 2)
                    && (self.number(2)? as u32 as usize) < read.units.len()
                {
                    return None;
                }
                let at = self.machine.allocate((read.units.len() as u64 + 8) * 2);
                self.write(at, &read, wide);
                Some(Word::number(at))
            }
            Some(Model::FindFileName) => self.found(wide, |units| {
                Some(texts::search(units, &[0x5c, 0x2f, 0x3a], EditWord::LastOf, usize::MAX)?.map_or(0, |at| at + 1))
            }),
            // The last dot, unless a separator is behind it.
            Some(Model::FindExtension) => self.found(wide, |units| {
                let last = texts::search(units, &[0x5c, 0x2f, 0x2e], EditWord::LastOf, usize::MAX)?;
                Some(last.filter(|at| units.get(*at) == Some(&0x2e)).unwrap_or(units.len()))
            }),
            Some(Model::Widen | Model::Narrow) => self.convert(model == Some(Model::Widen)),
            _ => self.letters(),
        }
    }

    /// The argument at a position of the row's list.
    fn argument(&self, position: usize) -> Option<Word> {
        let n = match self.api {
            Some(api) => usize::from(*api.row.args.get(position)?),
            None => position,
        };
        self.arguments.get(n).copied()
    }

    fn number(&self, position: usize) -> Option<u64> {
        self.argument(position)?.low(size_of(self.ground.is_64))
    }

    fn address(&mut self, position: usize) -> Option<u64> {
        let word = self.argument(position)?;
        self.ground.address(word).filter(|at| *at != 0)
    }

    /// The room that the call says its buffer has.
    fn room(&self) -> Option<Room> {
        let api = self.api?;
        let size = size_of(self.ground.is_64);
        let number = |n| match api.row.passed(n, self.ground.is_64) {
            Passed::At(n) => self.arguments.get(usize::from(n))?.low(size),
            Passed::Object => None,
        };
        Room::of(api, number)
    }

    fn read(&mut self, position: usize, wide: bool) -> Option<Read> {
        let at = self.address(position)?;
        texts::read(self.marks, &self.machine.memory, self.ground.image, at, wide, None)
    }

    /// The characters of a text, with a mark for what is not known of it.
    fn units(&mut self, read: &Read, wide: bool) -> Vec<u32> {
        if read.whole { read.units.clone() } else { self.marks.units(&read.text, wide) }
    }

    fn write(&mut self, at: u64, read: &Read, wide: bool) {
        let units = self.units(read, wide);
        texts::write(&mut self.machine.memory, at, &units, wide, true);
    }

    /// Functions whose names end in `_s` return an error number, the others where they wrote.
    fn written(&self, at: u64) -> Word {
        Word::number(if self.name.ends_with("_s") || self.name.starts_with("StringC") { 0 } else { at })
    }

    /// Where it writes is somewhere in this memory: of that nothing is known any more.
    fn blurred(&mut self) -> Option<Word> {
        match self.argument(0)? {
            Word::Near(at) => {
                self.machine.memory.blur_all(at);
                Some(Word::Near(at))
            }
            word => {
                self.machine.strayed |= self.ground.address(word).is_none();
                None
            }
        }
    }

    fn copy(&mut self, wide: bool, behind: bool) -> Option<Word> {
        if let Some(word) = self.blurred() {
            return Some(word);
        }
        let to = self.address(0)?;
        let read = self.read(1, wide)?;
        let mut units = self.units(&read, wide);
        // Functions of Windows count the zero behind them too.
        let counts_zero = self.api.is_some_and(|api| api.row.module != "crt");
        if self.api.is_some_and(|api| api.row.args.len() > 2) {
            let most = self.number(2)? as u32 as usize;
            // How much of what stands for something else is left is not known.
            if units.len() > most && texts::has_marks(&units) {
                return None;
            }
            units.truncate(if counts_zero { most.saturating_sub(1) } else { most });
            if !behind && !counts_zero && units.len() == most && !self.name.ends_with("_s") {
                texts::write(&mut self.machine.memory, to, &units, wide, false);
                return Some(Word::number(to));
            }
        }
        let mut at = to;
        let mut head = 0;
        if behind {
            let read = self.read(0, wide)?;
            if !read.whole {
                return None;
            }
            head = read.units.len();
            at = to.wrapping_add(head as u64 * if wide { 2 } else { 1 });
        }
        // Of what does not fit the model says what is left.
        if self.room().is_some_and(|room| !room.takes(head + texts::least(&units))) {
            return None;
        }
        texts::write(&mut self.machine.memory, at, &units, wide, true);
        Some(self.written(to))
    }

    fn copy_bytes(&mut self, wide: bool) -> Option<Word> {
        if let Some(word) = self.blurred() {
            return Some(word);
        }
        let (to, from) = (self.address(0)?, self.address(1)?);
        let width = if wide { 2 } else { 1 };
        let count = self.number(2).and_then(|count| count.checked_mul(width));
        let Some(count) = count.filter(|count| *count <= MAX_BYTES) else {
            self.machine.memory.blur(to, SOME);
            return Some(Word::number(to));
        };
        self.spent += count;
        copy(self.machine, self.ground, self.files, to, from, count);
        Some(self.written(to))
    }

    fn set_bytes(&mut self, wide: bool) -> Option<Word> {
        if let Some(word) = self.blurred() {
            return Some(word);
        }
        let to = self.address(0)?;
        let size = if wide { 2 } else { 1 };
        let count = self.number(2).filter(|count| *count <= MAX_BYTES)?;
        let word = self.argument(1)?;
        self.spent += count * size;
        for i in 0..count {
            self.machine.memory.store(to.wrapping_add(i * size), size as usize, word);
        }
        Some(Word::number(to))
    }

    /// How long a text stands in memory: one of which nothing is known is a mark from here on.
    fn length(&mut self, wide: bool) -> Option<Word> {
        let at = self.address(0)?;
        let known = self.read(0, wide).map_or(0, |read| read.units.len());
        let size = if wide { 2 } else { 1 };
        texts::settle(self.marks, &mut self.machine.memory, self.ground, at.wrapping_add(known as u64 * size), wide);
        let units = self.read(0, wide).filter(|read| read.whole)?.units;
        let here = units.len() as u64;
        // How long that is what a mark stands for, be it a folder, is another question on each machine.
        let is_open = texts::has_marks(&units);
        Some(if is_open { Word::Length { here, least: texts::least(&units) as u64 } } else { Word::number(here) })
    }

    /// Address of a character or a text in another; zero: it is not there.
    fn find(&mut self, wide: bool) -> Option<Word> {
        let wide = wide || self.name.contains("wcs");
        let at = self.address(0)?;
        let text = self.read(0, wide).filter(|read| read.whole)?;
        let place = if self.name.ends_with("str") || self.name.starts_with("StrStr") {
            let sought = self.read(1, wide).filter(|read| read.whole)?.units;
            match sought.is_empty() {
                true => Some(0),
                false => texts::search(&text.units, &sought, EditWord::First, 0)?,
            }
        } else {
            let sought = self.argument(1)?.low(if wide { 2 } else { 1 })? as u32;
            // `strrchr`, `wcsrchr`, `_mbsrchr` and `StrRChr`, not `strchr`.
            match ["rrchr", "srchr", "RChr"].iter().any(|last| self.name.contains(last)) {
                _ if sought == 0 => Some(text.units.len()),
                true => texts::search(&text.units, &[sought], EditWord::Last, usize::MAX)?,
                false => texts::search(&text.units, &[sought], EditWord::First, 0)?,
            }
        };
        Some(Word::number(place.map_or(0, |place| at.wrapping_add(place as u64 * if wide { 2 } else { 1 }))))
    }

    fn found(&mut self, wide: bool, place: impl Fn(&[u32]) -> Option<usize>) -> Option<Word> {
        let at = self.address(0)?;
        let text = self.read(0, wide).filter(|read| read.whole)?;
        Some(Word::number(at.wrapping_add(place(&text.units)? as u64 * if wide { 2 } else { 1 })))
    }

    /// Zero where two texts are equal. What stands for something else is neither equal nor unequal.
    fn compare(&mut self, wide: bool) -> Option<Word> {
        let (a, b) = (self.read(0, wide)?, self.read(1, wide)?);
        if !(a.whole && b.whole && a.text.as_lit().is_some() && b.text.as_lit().is_some()) {
            return None;
        }
        let fold = |unit: &u32| match self.name.contains('i') && !self.name.contains("str")
            || self.name.contains("icmp")
            || self.name.contains("cmpi")
        {
            true => char::from_u32(*unit).map_or(*unit, |c| u32::from(c.to_ascii_lowercase())),
            false => *unit,
        };
        let (a, b): (Vec<u32>, Vec<u32>) = (a.units.iter().map(fold).collect(), b.units.iter().map(fold).collect());
        let order = a.cmp(&b) as i32;
        Some(Word::of(Some(order as u32 as u64), 4))
    }

    /// Between UTF-16 and bytes. Without a buffer the size is asked for.
    fn convert(&mut self, widen: bool) -> Option<Word> {
        let to = self.argument(0).and_then(|word| self.ground.address(word))?;
        let from = self.address(1)?;
        let of_windows = self.name == "MultiByteToWideChar" || self.name == "WideCharToMultiByte";
        let count = if of_windows { self.arguments.get(3)?.low(4).map(|n| n as u32 as i32) } else { Some(-1) }?;
        let most = u64::try_from(count).ok();
        let read = texts::read(self.marks, &self.machine.memory, self.ground.image, from, !widen, most)?;
        let ended = most.is_none_or(|most| (read.units.len() as u64) < most);
        let units = self.units(&read, widen);
        if to != 0 {
            texts::write(&mut self.machine.memory, to, &units, widen, ended);
        }
        Some(number(units.len() + usize::from(of_windows && ended)))
    }

    /// Allocations, and functions on bytes that are in no catalogue.
    fn memory(&mut self) -> Option<Word> {
        if let Some((size, times, zeroed)) = allocation(self.name) {
            let of = |n: usize| self.arguments.get(n).and_then(|word| word.low(size_of(self.ground.is_64)));
            let bytes = of(size).map_or(SOME, |bytes| bytes.saturating_mul(times.and_then(of).unwrap_or(1)));
            let at = self.machine.allocate(bytes);
            // HEAP_ZERO_MEMORY, LMEM_ZEROINIT.
            let flags = self.arguments.get(size.saturating_sub(1)).and_then(|word| word.low(4)).unwrap_or_default();
            let zeroed = zeroed
                || self.name == "HeapAlloc" && flags & 8 != 0
                || matches!(self.name, "LocalAlloc" | "GlobalAlloc") && flags & 0x40 != 0;
            if zeroed {
                (0..bytes.min(SOME)).for_each(|i| self.machine.memory.set(at.wrapping_add(i), Some(0)));
            }
            return Some(Word::number(at));
        }
        match self.name {
            "realloc" => {
                let old = self.ground.address(*self.arguments.first()?)?;
                let bytes = self.arguments.get(1)?.low(size_of(self.ground.is_64)).unwrap_or(SOME);
                let at = self.machine.allocate(bytes);
                if old != 0 {
                    self.spent += bytes.min(SOME);
                    copy(self.machine, self.ground, self.files, at, old, bytes.min(SOME));
                }
                Some(Word::number(at))
            }
            "free" | "_free_base" | "??3@YAXPEAX@Z" | "??3@YAXPAX@Z" | "_ZdlPv" | "_ZdlPvy" | "_ZdlPvj" | "_ZdaPv"
            | "HeapFree" | "LocalFree" | "GlobalFree" | "CoTaskMemFree" => Some(Word::UNKNOWN),
            "GetProcessHeap" => Some(Word::UNKNOWN),
            "memcmp" => {
                let (a, b) =
                    (self.ground.address(*self.arguments.first()?)?, self.ground.address(*self.arguments.get(1)?)?);
                let count =
                    self.arguments.get(2)?.low(size_of(self.ground.is_64)).filter(|count| *count <= MAX_BYTES)?;
                for i in 0..count {
                    self.spent += 1;
                    // What something else stands for is neither equal nor unequal.
                    let is_open =
                        |at: u64| texts::is_open(&self.machine.memory, self.ground.image, at.wrapping_add(i), 1);
                    if is_open(a) || is_open(b) {
                        return None;
                    }
                    let (a, b) = (
                        self.machine.load(self.ground, self.files, a.wrapping_add(i), 1).low(1)?,
                        self.machine.load(self.ground, self.files, b.wrapping_add(i), 1).low(1)?,
                    );
                    if a != b {
                        return Some(Word::of(Some((a.cmp(&b) as i32) as u32 as u64), 4));
                    }
                }
                Some(Word::number(0))
            }
            _ => None,
        }
    }

    /// Functions on single letters, and on the letters of a text.
    fn letters(&mut self) -> Option<Word> {
        let map = |unit: u32, upper: bool| match char::from_u32(unit) {
            Some(c) if upper => u32::from(c.to_ascii_uppercase()),
            Some(c) => u32::from(c.to_ascii_lowercase()),
            None => unit,
        };
        let upper = matches!(
            self.name,
            "toupper" | "towupper" | "_strupr" | "_wcsupr" | "CharUpperA" | "CharUpperW" | "_mbsupr"
        );
        match self.name {
            "toupper" | "tolower" | "towupper" | "towlower" => {
                let letter = self.arguments.first()?.low(4)?;
                Some(Word::of(Some(u64::from(map(letter as u32, upper))), 4))
            }
            "_strupr" | "_strlwr" | "_wcsupr" | "_wcslwr" | "CharUpperA" | "CharLowerA" | "CharUpperW"
            | "CharLowerW" | "_mbsupr" | "_mbslwr" => {
                let at = self.ground.address(*self.arguments.first()?).filter(|at| *at > 0xffff)?;
                let wide = self.name.ends_with('W') || self.name.starts_with("_wcs");
                let read = texts::read(self.marks, &self.machine.memory, self.ground.image, at, wide, None)?;
                let units: Vec<u32> = read.units.iter().map(|unit| map(*unit, upper)).collect();
                texts::write(&mut self.machine.memory, at, &units, wide, read.whole);
                Some(Word::number(at))
            }
            "SysAllocString" => {
                let at = self.ground.address(*self.arguments.first()?).filter(|at| *at != 0)?;
                let read = texts::read(self.marks, &self.machine.memory, self.ground.image, at, true, None)?;
                let to = self.machine.allocate((read.units.len() as u64 + 8) * 2);
                self.write(to, &read, true);
                Some(Word::number(to))
            }
            _ => None,
        }
    }
}

/// Copies bytes, and symbols among them.
pub(super) fn copy(
    machine: &mut Machine,
    ground: &Ground<'_, '_>,
    files: &mut dyn Untouched,
    to: u64,
    from: u64,
    count: u64,
) {
    let word = size_of(ground.is_64) as u64;
    let mut parts = Vec::new();
    let mut at = 0;
    while at < count {
        let size = if count - at >= word && from.wrapping_add(at).is_multiple_of(word) { word } else { 1 };
        parts.push((at, size, machine.load(ground, files, from.wrapping_add(at), size as usize)));
        at += size;
    }
    for (at, size, part) in parts {
        machine.memory.store(to.wrapping_add(at), size as usize, part);
    }
}

fn number(n: usize) -> Word {
    Word::number(n as u64)
}
