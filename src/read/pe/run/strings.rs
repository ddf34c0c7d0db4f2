//! Methods of `std::string` of GCC's library that a program calls by their names, and what inlined code calls of it: done
//! exactly, on the object that lies in the memory of the run. The library's headers say which functions inlined code
//! leaves to it (`basic_string.h`: `_M_create`, `_M_append`, `_M_replace`, `_M_mutate`).

use super::library::Library;
use super::objects;
use super::texts::{self, MAX_LENGTH};
use super::word::{Word, size_of};

/// No position.
const NPOS: u64 = u64::MAX;

/// The member that a mangled name of a string class says, and whether its characters are wide.
pub(super) fn member(name: &str) -> Option<(&str, bool)> {
    for (class, wide) in [
        ("NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE", false),
        ("NSt7__cxx1112basic_stringIwSt11char_traitsIwESaIwEE", true),
        ("NKSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE", false),
        ("NKSt7__cxx1112basic_stringIwSt11char_traitsIwESaIwEE", true),
    ] {
        if let Some(member) = name.strip_prefix("_Z").and_then(|name| name.strip_prefix(class)) {
            return Some((member, wide));
        }
    }
    None
}

impl Library<'_, '_, '_> {
    /// A method of a string; `None`: it is none, or something that it needs is not known.
    pub(super) fn string(&mut self) -> Option<Word> {
        // An allocator has no fields.
        if matches!(
            self.name,
            "_ZNSaIcEC1Ev" | "_ZNSaIcED1Ev" | "_ZNSaIwEC1Ev" | "_ZNSaIwED1Ev" | "_ZNSaIcEC1ERKS_" | "_ZNSaIcED2Ev"
        ) {
            return Some(Word::UNKNOWN);
        }
        // The parts that a path is split into say nothing that its text does not.
        let parts = ["_ZNSt10filesystem7__cxx114path5_List", "_ZNKSt10filesystem7__cxx114path5_List"];
        if self.name.ends_with("14_M_split_cmptsEv") || parts.iter().any(|parts| self.name.starts_with(parts)) {
            return Some(Word::UNKNOWN);
        }
        let (member, wide) = member(self.name)?;
        let n = |at: usize, of: &Self| of.given(at)?.low(size_of(of.ground.is_64));
        // Sizes are `y` on x64 and `j` on x86; a method is told by its name and by what it is given.
        let member = member.replace('j', "y");
        if let Some(word) = self.copied(&member, wide) {
            return Some(word);
        }
        let this = self.this()?;
        let is = |names: &[&str]| names.contains(&member.as_str());
        if is(&["9_M_createERyy"]) {
            let at = self.ground.address(self.given(0)?)?;
            let size = size_of(self.ground.is_64);
            let length = self.machine.load(self.ground, self.files, at, size).low(size).filter(|n| *n <= MAX_LENGTH)?;
            let to = self.machine.allocate((length + 1) * 2);
            return Some(Word::number(to));
        }
        if let Some(word) = self.field(this, &member, wide) {
            return Some(word);
        }
        if is(&[
            "10_M_disposeEv",
            "D1Ev",
            "D2Ev",
            "7reserveEy",
            "10_M_destroyEy",
            "11_M_capacityEy",
            "17_M_use_local_dataEv",
        ]) {
            return Some(Word::UNKNOWN);
        }
        if is(&["C1Ev", "C2Ev", "5clearEv"]) {
            return self.assign(this, &[], wide);
        }
        // Made of something, whatever it held before.
        if is(&[
            "C1EPKcRKS3_",
            "C2EPKcRKS3_",
            "C1EPKwRKS3_",
            "C1IS3_EEPKcRKS3_",
            "C2IS3_EEPKcRKS3_",
            "C1IS3_EEPKwRKS3_",
            "C2IS3_EEPKwRKS3_",
            "aSEPKc",
            "aSEPKw",
            "6assignEPKc",
            "6assignEPKw",
        ]) {
            let units = self.characters(0, wide)?;
            return self.assign(this, &units, wide);
        }
        if is(&[
            "C1ERKS4_",
            "C2ERKS4_",
            "C1EOS4_",
            "C2EOS4_",
            "aSERKS4_",
            "aSEOS4_",
            "6assignERKS4_",
            "9_M_assignERKS4_",
        ]) {
            let units = self.held(0, wide)?;
            return self.assign(this, &units, wide);
        }
        // So many times a character.
        if is(&[
            "12_M_constructEyc",
            "12_M_constructEyw",
            "C1EycRKS3_",
            "C1EywRKS3_",
            "C1IS3_EEycRKS3_",
            "C1IS3_EEywRKS3_",
            "C2IS3_EEycRKS3_",
            "C2IS3_EEywRKS3_",
            "6assignEyc",
            "6assignEyw",
        ]) {
            let (count, letter) = (n(0, self)?.min(MAX_LENGTH), self.letter(1, wide)?);
            return self.assign(this, &vec![letter; usize::try_from(count).ok()?], wide);
        }
        let units = self.units_of(this, wide)?;
        if is(&["9_M_appendEPKcy", "9_M_appendEPKwy", "6appendEPKcy", "6appendEPKwy"]) {
            let more = self.counted(0, n(1, self)?, wide)?;
            return self.assign(this, &[units, more].concat(), wide);
        }
        if is(&["6appendEPKc", "6appendEPKw", "pLEPKc", "pLEPKw"]) {
            let more = self.characters(0, wide)?;
            return self.assign(this, &[units, more].concat(), wide);
        }
        if is(&["6appendERKS4_", "pLERKS4_"]) {
            let more = self.held(0, wide)?;
            return self.assign(this, &[units, more].concat(), wide);
        }
        if is(&["9push_backEc", "9push_backEw", "pLEc", "pLEw"]) {
            let letter = self.letter(0, wide)?;
            return self.assign(this, &[units, vec![letter]].concat(), wide);
        }
        if is(&["8pop_backEv"]) {
            return self.assign(this, units.get(..units.len().checked_sub(1)?)?, wide);
        }
        if is(&["6resizeEy", "6resizeEyc", "6resizeEyw"]) {
            let letter = if member.len() > "6resizeEy".len() { self.letter(1, wide)? } else { 0 };
            let mut units = units;
            units.resize(usize::try_from(n(0, self)?.min(MAX_LENGTH)).ok()?, letter);
            return self.assign(this, &units, wide);
        }
        if is(&["6appendEyc", "6appendEyw"]) {
            let more = vec![self.letter(1, wide)?; usize::try_from(n(0, self)?.min(MAX_LENGTH)).ok()?];
            return self.assign(this, &[units, more].concat(), wide);
        }
        // Positions and counts: what they cut out of the string, and what takes its place.
        let cut = |at: u64, count: u64| {
            let from = usize::try_from(at).ok().filter(|at| *at <= units.len())?;
            let to = from.saturating_add(usize::try_from(count).unwrap_or(usize::MAX)).min(units.len());
            Some((units.get(..from)?.to_vec(), units.get(to..)?.to_vec()))
        };
        let (at, count, new) =
            if is(&["10_M_replaceEyyPKcy", "10_M_replaceEyyPKwy", "9_M_mutateEyyPKcy", "9_M_mutateEyyPKwy"]) {
                let new = match self.given(2)?.low(size_of(self.ground.is_64)) {
                    Some(0) => vec![u32::from(b'?'); usize::try_from(n(3, self)?.min(MAX_LENGTH)).ok()?],
                    _ => self.counted(2, n(3, self)?, wide)?,
                };
                (n(0, self)?, n(1, self)?, new)
            } else if is(&["14_M_replace_auxEyyyc", "14_M_replace_auxEyyyw"]) {
                let letter = self.letter(3, wide)?;
                (n(0, self)?, n(1, self)?, vec![letter; usize::try_from(n(2, self)?.min(MAX_LENGTH)).ok()?])
            } else if is(&["7replaceEyyPKc", "7replaceEyyPKw"]) {
                (n(0, self)?, n(1, self)?, self.characters(2, wide)?)
            } else if is(&["7replaceEyyRKS4_"]) {
                (n(0, self)?, n(1, self)?, self.held(2, wide)?)
            } else if is(&["6insertEyPKc", "6insertEyPKw"]) {
                (n(0, self)?, 0, self.characters(1, wide)?)
            } else if is(&["6insertEyRKS4_"]) {
                (n(0, self)?, 0, self.held(1, wide)?)
            } else if is(&["5eraseEyy", "8_M_eraseEyy"]) {
                (n(0, self)?, n(1, self)?, Vec::new())
            } else {
                return self.asked(&member, &units, wide);
            };
        let (head, tail) = cut(at, count)?;
        self.assign(this, &[head, new, tail].concat(), wide)
    }

    /// Methods of a line that code without optimisation calls: they read or set a field, or say where it is.
    fn field(&mut self, this: u64, member: &str, wide: bool) -> Option<Word> {
        let size = size_of(self.ground.is_64);
        let width = if wide { 2 } else { 1 };
        let (length_at, local) = (this.wrapping_add(size as u64), this.wrapping_add(2 * size as u64));
        let held = |at: u64, of: &mut Self| of.machine.load(of.ground, of.files, at, size);
        Some(match member {
            "13_M_local_dataEv" => Word::number(local),
            "7_M_dataEv" | "5c_strEv" | "4dataEv" | "5beginEv" => held(this, self),
            "6lengthEv" | "4sizeEv" => held(length_at, self),
            "5emptyEv" => Word::of(held(length_at, self).low(size).map(|length| u64::from(length == 0)), 4),
            "3endEv" => {
                let (at, length) = (held(this, self), held(length_at, self).low(size)?);
                at.plus(length.wrapping_mul(width) as i64, self.ground.is_64)
            }
            "ixEy" | "2atEy" => {
                let (at, n) = (held(this, self), self.given(0)?.low(size)?);
                at.plus(n.wrapping_mul(width) as i64, self.ground.is_64)
            }
            "11_M_is_localEv" => Word::of(held(this, self).low(size).map(|at| u64::from(at == local)), 4),
            "16_M_get_allocatorEv" | "13get_allocatorEv" => Word::number(this),
            "7_M_dataEPc"
            | "7_M_dataEPw"
            | "12_Alloc_hiderC1EPcRKS3_"
            | "12_Alloc_hiderC1EPwRKS3_"
            | "12_Alloc_hiderC2EPcRKS3_"
            | "12_Alloc_hiderC1EPcOS3_"
            | "12_Alloc_hiderC1EPwOS3_"
            | "12_Alloc_hiderC2EPwRKS3_" => {
                let at = self.given(0)?;
                self.machine.memory.store(this, size, at);
                Word::number(this)
            }
            "9_M_lengthEy" | "13_M_set_lengthEy" => {
                let length = self.given(0)?;
                self.machine.memory.store(length_at, size, length);
                if member.starts_with("13") {
                    let at = held(this, self).low(size)?.wrapping_add(length.low(size)?.wrapping_mul(width));
                    self.machine.memory.store(at, width as usize, Word::number(0));
                }
                Word::number(this)
            }
            _ => return None,
        })
    }

    /// Copies characters: static members, which have no object.
    fn copied(&mut self, member: &str, wide: bool) -> Option<Word> {
        let size = size_of(self.ground.is_64);
        let width = if wide { 2 } else { 1 };
        let (to, from) =
            (self.ground.address(*self.arguments.first()?)?, self.ground.address(*self.arguments.get(1)?)?);
        let third = self.arguments.get(2)?.low(size)?;
        let bytes = match member {
            "13_S_copy_charsEPcPKcS7_"
            | "13_S_copy_charsEPwPKwS7_"
            | "13_S_copy_charsEPcS5_S5_"
            | "13_S_copy_charsEPwS5_S5_" => third.checked_sub(from)?,
            "7_S_copyEPcPKcy" | "7_S_moveEPcPKcy" | "7_S_copyEPwPKwy" | "7_S_moveEPwPKwy" => {
                third.checked_mul(width)?
            }
            _ => return None,
        };
        if bytes > MAX_LENGTH * 2 {
            return None;
        }
        super::library::copy(self.machine, self.ground, self.files, to, from, bytes);
        Some(Word::UNKNOWN)
    }

    /// Methods that only look.
    fn asked(&mut self, member: &str, units: &[u32], wide: bool) -> Option<Word> {
        let size = size_of(self.ground.is_64);
        let from = |at: usize, of: &Self| of.given(at)?.low(size);
        let place = match member {
            "5rfindEcy" | "5rfindEwy" => {
                let (letter, last) = (self.letter(0, wide)?, from(1, self)?);
                let within =
                    units.get(..units.len().min(usize::try_from(last).unwrap_or(usize::MAX).saturating_add(1)))?;
                within.iter().rposition(|unit| *unit == letter)
            }
            "4findEcy" | "4findEwy" => {
                let (letter, first) = (self.letter(0, wide)?, usize::try_from(from(1, self)?).ok()?);
                units.iter().skip(first).position(|unit| *unit == letter).map(|at| at + first)
            }
            "12find_last_ofEPKcyy" | "12find_last_ofEPKwyy" | "13find_first_ofEPKcyy" | "13find_first_ofEPKwyy" => {
                let letters = self.counted(0, from(2, self)?, wide)?;
                let first = from(1, self)?;
                if member.starts_with("12") {
                    let most = usize::try_from(first).unwrap_or(usize::MAX).saturating_add(1).min(units.len());
                    units.get(..most)?.iter().rposition(|unit| letters.contains(unit))
                } else {
                    let first = usize::try_from(first).ok()?;
                    units.iter().skip(first).position(|unit| letters.contains(unit)).map(|at| at + first)
                }
            }
            "4findEPKcyy" | "4findEPKwyy" | "5rfindEPKcyy" | "5rfindEPKwyy" => {
                let sought = self.counted(0, from(2, self)?, wide)?;
                let mut places = units.windows(sought.len().max(1)).enumerate().filter(|(_, window)| *window == sought);
                if member.starts_with('5') { places.next_back() } else { places.next() }.map(|(at, _)| at)
            }
            _ => return None,
        };
        let none = if size == 8 { NPOS } else { NPOS & 0xffff_ffff };
        Some(Word::number(place.map_or(none, |place| place as u64)))
    }

    /// The object of the call: on x86 in a register (thiscall).
    fn this(&mut self) -> Option<u64> {
        let word = if self.ground.is_64 { *self.arguments.first()? } else { self.machine.registers[1] };
        self.ground.address(word).filter(|at| *at > 0xffff)
    }

    /// Argument behind the object.
    fn given(&self, n: usize) -> Option<Word> {
        self.arguments.get(if self.ground.is_64 { n + 1 } else { n }).copied()
    }

    fn letter(&self, n: usize, wide: bool) -> Option<u32> {
        self.given(n)?.low(if wide { 2 } else { 1 }).map(|letter| letter as u32)
    }

    /// Characters up to a zero.
    fn characters(&mut self, n: usize, wide: bool) -> Option<Vec<u32>> {
        let at = self.ground.address(self.given(n)?)?;
        let read = texts::read(self.marks, &self.machine.memory, self.ground.image, at, wide, None)?;
        Some(if read.whole { read.units } else { self.marks.units(&read.text, wide) })
    }

    /// So many characters.
    fn counted(&mut self, n: usize, count: u64, wide: bool) -> Option<Vec<u32>> {
        let at = self.ground.address(self.given(n)?)?;
        let size = if wide { 2 } else { 1 };
        let unit = |i: u64| match texts::unit(&self.machine.memory, self.ground.image, at.wrapping_add(i * size), wide)
        {
            texts::Unit::Known(unit) => Some(unit),
            _ => None,
        };
        (count <= MAX_LENGTH).then(|| (0..count).map(unit).collect())?
    }

    /// The characters of another string.
    fn held(&mut self, n: usize, wide: bool) -> Option<Vec<u32>> {
        let at = self.ground.address(self.given(n)?)?;
        self.units_of(at, wide)
    }

    fn units_of(&mut self, at: u64, wide: bool) -> Option<Vec<u32>> {
        objects::units(&self.machine.memory, self.ground, at, wide)
    }

    fn assign(&mut self, this: u64, units: &[u32], wide: bool) -> Option<Word> {
        objects::put(self.machine, self.ground, this, units, wide);
        Some(Word::number(this))
    }
}
