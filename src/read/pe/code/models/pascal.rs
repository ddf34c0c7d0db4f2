//! Objects of Object Pascal: what is made by its class, and called through the table of that.

use super::super::super::program::MAX_DEPTH;
use super::super::analysis::Engine;
use super::super::state::{PARAM_EAX, PARAM_EDX};
use super::super::value::{Kind, Value};

/// Given behind the class: an object is to be made.
const MAKES: u64 = 1;

impl Engine<'_, '_> {
    /// A constructor that is given a class makes an object of it; where one calls the inherited one, it gives the object
    /// instead (Free Pascal's documentation: "Programmer's guide"; Delphi: `_ClassCreate`, with the flag in a byte).
    pub(in super::super) fn construct(&mut self, target: u32, site: u32) -> Option<Value> {
        let program = self.program;
        let (class, flag) = if self.is_64() { (0, 1) } else { (PARAM_EAX, PARAM_EDX) };
        let table = self.argument(class).number().filter(|_| !program.pascal.is_empty())?;
        program.image.rva_of(table).filter(|rva| program.pascal.contains(rva))?;
        let given = self.argument(flag);
        let makes = given == Value::Const(MAKES) || self.symbols.kind_of(given) == Some(Kind::Low(MAKES as u8));
        if !makes {
            return None;
        }
        let looks = self.depth < MAX_DEPTH && target != self.start;
        let report = looks.then(|| program.report_given(target, &[(flag, MAKES)], None, self.depth + 1)).flatten();
        if let Some(report) = report {
            self.apply(&report.summary, site);
        }
        let object = self.symbols.of(Kind::Result(site));
        let size = if self.is_64() { 8 } else { 4 };
        self.state.store(object, size, Value::Const(table));
        if let Some(class) = program.image.rva_of(table) {
            self.keep_settings(class, site);
        }
        Some(object)
    }
}
