//! Functions of the image that are taken to format: they are given a buffer, a format and a list of values, as those of a
//! runtime are that is linked in. So is one that is given a structure of the program's own, which looks like a list: what
//! such a function is taken to do is a guess until a run has followed it once and found the same.

use super::super::super::code::call::Target;
use super::super::machine::Machine;
use super::super::texts::{self, looks_wide};
use super::{Run, Way};
use crate::facts::Text;
use iced_x86::Instruction;

/// What a function is expected to leave in its buffer.
#[derive(Clone)]
pub(super) struct Expected {
    at: u64,
    wide: bool,
    text: Text,
}

impl Run<'_, '_> {
    /// A function is called that seems to format: it has done what its format says, if what is known of it is enough. `false`:
    /// it is to be followed, and is then expected to leave this.
    pub(super) fn formats(
        &mut self,
        way: &mut Way,
        (function, site): (u32, u32),
        next: u64,
    ) -> Result<(), Option<Expected>> {
        let list = self.takes_list(way, function).filter(|_| !self.hands_list_on(function));
        let Some(is_list) = list else { return Err(None) };
        let after = self.after(next);
        let known = self.formatters.get(&function).copied();
        if !self.follows_formats || known == Some(true) {
            way.doubted |= known != Some(true) && !is_list;
            self.formatted = true;
            let _ = self.call_known(way, &Target::Internal(function), site, after.as_ref());
            return Ok(());
        }
        Err(self.expected(way, function, site, after.as_ref()).filter(|_| known.is_none()))
    }

    /// What the function would leave if it formats. The way is not changed, and no other begins.
    fn expected(&mut self, way: &Way, function: u32, site: u32, after: Option<&Instruction>) -> Option<Expected> {
        let to = self.arguments(&way.machine, 1).first().copied()?;
        let at = self.ground.address(to)?;
        let (ways, started, found) = (self.ways.len(), self.started, self.found.len());
        let mut copy = way.clone();
        let _ = self.call_known(&mut copy, &Target::Internal(function), site, after);
        self.ways.truncate(ways);
        self.found.truncate(found);
        self.started = started;
        let wide = looks_wide(&copy.machine.memory, self.ground.image, at, false);
        let read = texts::read(&self.marks, &copy.machine.memory, self.ground.image, at, wide, None)?;
        read.whole.then_some(Expected { at, wide, text: read.text })
    }

    /// A function that was followed returns: it formats if it has left what was expected.
    pub(super) fn compare(&mut self, machine: &Machine, function: u32, expected: &Expected) {
        let Expected { at, wide, text } = expected;
        let read = texts::read(&self.marks, &machine.memory, self.ground.image, *at, *wide, None);
        let same = read.is_some_and(|read| read.whole && read.text == *text);
        self.formatters.insert(function, same);
    }
}
