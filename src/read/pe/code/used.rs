//! What becomes of a file that a function opens: one whose handle is only flushed is not written, and what is asked for the
//! state of a pipe is one.

use super::super::surface;
use super::analysis::{Engine, Origin};
use super::call::Target;
use super::report::{Event, Report};
use super::state::RSP;
use super::value::{Kind, Value};
use crate::catalog::native::Model;

/// Arguments among which a handle is looked for.
const ARGUMENTS: usize = 4;
/// Registers of the first arguments on x64.
const FIRST: [usize; ARGUMENTS] = [1, 2, 8, 9];

/// What a call does with the handle of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is one of a pipe.
    Pipe,
    /// What was written is put on the disk.
    Flushed,
    Closed,
    Other,
}

/// What a function of Windows does with a handle that it is given.
fn use_by(name: &str) -> Use {
    match name {
        "CloseHandle" => Use::Closed,
        "FlushFileBuffers" => Use::Flushed,
        "SetNamedPipeHandleState" | "TransactNamedPipe" | "PeekNamedPipe" => Use::Pipe,
        name if name.starts_with("GetNamedPipe") => Use::Pipe,
        _ => Use::Other,
    }
}

impl Engine<'_, '_> {
    /// Notes what a call is given of the files that the function opened.
    pub(super) fn note_uses(&mut self, target: &Target) {
        if self.origins.is_empty() {
            return;
        }
        for n in 0..ARGUMENTS {
            let value = match self.is_64() {
                true => FIRST.get(n).and_then(|register| self.state.registers.get(*register)).copied(),
                false => self.state.cell(self.state.registers[RSP].plus(4 * n as i64, false)).map(|cell| cell.value),
            };
            for site in self.files_of(value.unwrap_or(Value::Unknown)) {
                let how = match target {
                    Target::Import(import) => {
                        let import = self.program.linkage.imports.get(*import);
                        import.and_then(surface::name_of).map_or(Use::Other, use_by)
                    }
                    _ => Use::Other,
                };
                if self.notes() && !self.report.uses.contains(&(site, how)) {
                    self.report.uses.push((site, how));
                }
            }
        }
    }

    /// The calls that opened the files of which a value may be the handle.
    fn files_of(&self, value: Value) -> Vec<u32> {
        let Value::Sym(..) = value else { return Vec::new() };
        let opened = |value: &Value| {
            let Value::Sym(symbol, 0) = value else { return None };
            match (self.symbols.kind(*symbol), self.origins.get(symbol)) {
                (Kind::Result(site), Some(Origin::Handle(_))) => Some(site),
                _ => None,
            }
        };
        self.symbols.alternatives(value).iter().filter_map(opened).collect()
    }

    /// A handle that is returned or kept is used where it is not seen.
    pub(super) fn note_kept(&mut self) {
        if self.report.uses.is_empty() {
            return;
        }
        let kept = self.state.cells().filter(|(at, _)| !matches!(at, Value::Stack(..0)));
        let values: Vec<Value> = kept.map(|(_, cell)| cell.value).collect();
        // What is closed here is not returned, though the register of the result may still hold it.
        let is_closed = |site: &u32| self.report.uses.contains(&(*site, Use::Closed));
        let returned = self.files_of(self.state.registers[0]).into_iter().filter(|site| !is_closed(site));
        let sites: Vec<u32> = values.into_iter().flat_map(|value| self.files_of(value)).chain(returned).collect();
        self.report.uses.extend(sites.into_iter().map(|site| (site, Use::Other)));
    }
}

impl Report {
    /// Takes out the opens of what is no file, or is not written; answers them.
    pub(super) fn without_idle_opens(&mut self) -> Vec<Event> {
        let uses = std::mem::take(&mut self.uses);
        let is_idle = |event: &mut Event| {
            let of = || uses.iter().filter(|(site, _)| *site == event.site).map(|(_, how)| *how);
            let disposition = event.api.row.args.get(2).and_then(|n| event.args.get(usize::from(*n)));
            // OPEN_EXISTING
            let is_there = disposition.is_some_and(|arg| arg.number.only().is_some_and(|n| n & 0xffff_ffff == 3));
            event.api.row.model == Some(Model::CreateFile)
                && is_there
                && (of().any(|how| how == Use::Pipe)
                    || of().any(|how| how == Use::Flushed) && of().all(|how| matches!(how, Use::Flushed | Use::Closed)))
        };
        self.events.extract_if(.., is_idle).collect()
    }
}
