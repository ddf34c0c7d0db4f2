//! Files and databases: what an argument names, opens, moves, and names that the system makes up.

use super::{argument, effect};
use crate::catalog::native::Model;
use crate::facts::{Certainty, Effect, Folder, Location, Operation, Part, Place, Step, Store, Text, join_paths};
use crate::read::pe::code::report::{Arg, Event};
use crate::read::pe::image::Image;
use crate::read::pe::locate;
use crate::read::pe::modes::Mode;

/// What the first step says of a call that may as well only read.
pub(super) const DOUBT: &str = ": whether it writes is not known";

/// The files an argument may name. A relative name is below the current directory.
pub(super) fn paths(arg: &Arg) -> Vec<Location> {
    // A string that is still empty is filled where it is not seen.
    if arg.texts.iter().all(Text::is_empty) {
        return vec![Location::unknown()];
    }
    // No path begins with a colon: it is a database of SQLite that is not on the disk (`:memory:`), or what is compiled into
    // a program of Qt (`:/images/a.png`, Qt documentation: "The Qt Resource System").
    let is_path = |text: &&Text| !text.leading_lit().starts_with(':');
    // A reserved name is a device in whatever folder.
    let based = |location: Location| if is_device(&location) { location } else { location.based_on(Folder::Cwd) };
    // A buffer that was emptied before something unknown filled it names nothing.
    let located = |t: &Text| if t.is_empty() { Location::unknown() } else { based(Location::file(t)) };
    let located = |text: &Text| if is_no_name(text) { Location::unknown() } else { located(&locate::path(text)) };
    arg.texts.iter().filter(is_path).map(located).collect()
}

/// Characters that no file system of Windows has in names (MS documentation: "Naming Files, Paths, and Namespaces"): such a
/// text stands for something else, and the call fails with it.
fn is_no_name(text: &Text) -> bool {
    let literals = text.parts().iter().filter_map(|part| match part {
        Part::Lit(literal) => Some(literal),
        Part::Hole(_) => None,
    });
    literals.into_iter().any(|literal| literal.contains(['<', '>', '|', '"']))
}

pub(super) fn is_device(location: &Location) -> bool {
    location.file_place() == Place::Device
}

pub(super) fn opened(
    image: &Image<'_>,
    event: &Event,
    store: Store,
    path: &Arg,
    location: Location,
    mode: &Mode,
) -> Option<Effect> {
    // What becomes of it is told by the call that is given the handle; where that was not followed, it is most likely this.
    let operation = if mode.idle { Operation::Delete } else { mode.operation.unwrap_or(Operation::Write) };
    if is_device(&location) {
        return None;
    }
    let mut effect = effect(image, event, operation, store, location, path);
    if mode.operation.is_none() || mode.ambiguous || mode.idle {
        effect.certainty = Certainty::Possible;
    } else if mode.vague {
        effect.certainty = effect.certainty.min(Certainty::Likely);
    }
    for mark in &mode.traits {
        effect.mark(*mark);
    }
    if let Some(first) = effect.evidence.first_mut() {
        let doubt = if mode.operation.is_none() { DOUBT } else { "" };
        first.text = format!("{}: {}{doubt}", first.text, mode.words);
    }
    if mode.idle {
        effect.evidence.push(Step::new("opened only to be deleted or renamed, and the call that does it was not seen"));
    }
    Some(effect)
}

/// A move writes the destination; with the delay flag it happens at the next start, and without a destination too: only
/// then is that a deletion (MS documentation: "MoveFileExW function").
pub(super) fn moved(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let row = event.api.row;
    let at = |position: usize| argument(event, row.args.get(position).copied());
    let (Some(from), Some(to)) = (at(0), at(1)) else { return Vec::new() };
    let delay = at(2).map(|flags| flags.number.only().map(|n| n & 4 != 0));
    let delayed = delay == Some(Some(true));
    let deletes = to.is_null() && (delayed || delay == Some(None));
    let (operation, path) = if deletes { (Operation::Delete, from) } else { (Operation::Rename, to) };
    let places = paths(path).into_iter();
    let mut effects: Vec<Effect> = places.map(|l| effect(image, event, operation, Store::File, l, path)).collect();
    if delayed {
        for effect in &mut effects {
            effect.evidence.push(Step::new("delayed until the next start of the machine"));
        }
    }
    effects
}

/// What takes the place of a file is written there; what stood there is moved aside where a name is given for it (MS
/// documentation: "ReplaceFileW function").
pub(super) fn replaced(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let at = |position: usize| argument(event, event.api.row.args.get(position).copied());
    let (Some(replaced), Some(aside)) = (at(0), at(2)) else { return Vec::new() };
    let renamed = |path: &Arg, location| effect(image, event, Operation::Rename, Store::File, location, path);
    let mut effects: Vec<Effect> = paths(replaced).into_iter().map(|location| renamed(replaced, location)).collect();
    if !aside.is_null() {
        let aside = paths(aside).into_iter().map(|location| renamed(aside, location)).map(|mut effect| {
            effect.evidence.push(Step::new("what is replaced is kept there"));
            effect
        });
        effects.extend(aside);
    }
    effects
}

/// What a structure that is set by a handle does to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Rename,
    Dispose,
    /// It leaves the file as it is.
    Other,
}

/// `FILE_INFO_BY_HANDLE_CLASS` (`minwinbase.h`): FileRenameInfo 3 and FileRenameInfoEx 22, whose structure says where the
/// file goes, FileDispositionInfo 4 and FileDispositionInfoEx 21. `FILE_INFORMATION_CLASS` (`ntddk.h`) has the same as 10, 65,
/// 13 and 64. `None`: not known.
fn class(event: &Event) -> Option<Class> {
    let class = argument(event, event.api.row.args.get(1).copied())?.number.only()? as u32;
    Some(match (event.api.row.model, class) {
        (Some(Model::FileInformation), 3 | 22) | (Some(Model::NtFileInformation), 10 | 65) => Class::Rename,
        (Some(Model::FileInformation), 4 | 21) | (Some(Model::NtFileInformation), 13 | 64) => Class::Dispose,
        _ => Class::Other,
    })
}

/// It changes a file by its handle, or says what it was opened for.
pub(crate) fn is_by_handle(event: &Event) -> bool {
    matches!(event.api.row.model, Some(Model::FileInformation | Model::NtFileInformation))
}

/// Where the file was opened that a call changes by its handle, or would have changed.
pub(crate) fn opened_for(event: &Event) -> Option<u32> {
    let changes = matches!(class(event), Some(Class::Rename | Class::Dispose));
    let file = argument(event, event.api.row.args.first().copied()).filter(|_| changes && is_by_handle(event))?;
    Some(file.handle.as_ref()?.opened_at)
}

/// What is said of a file by its handle: that it is called otherwise from now on, or that it is deleted when it is closed.
pub(super) fn by_handle(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let nothing = Arg::default();
    let file = argument(event, event.api.row.args.first().copied()).unwrap_or(&nothing);
    let name = event.args.last().unwrap_or(&nothing);
    let flag = event.args.iter().rev().nth(1).map(|flag| flag.number.all()).unwrap_or_default();
    let (operation, path) = match class(event) {
        Some(Class::Rename) => (Operation::Rename, name.clone()),
        // Only its lowest bit asks for it.
        Some(Class::Dispose) if !flag.is_empty() && flag.iter().all(|flag| flag & 1 == 0) => return Vec::new(),
        Some(Class::Dispose) => {
            let texts = file.handle.as_ref().map_or(Vec::new(), |handle| handle.texts.clone());
            (Operation::Delete, Arg { texts, ..file.clone() })
        }
        _ => return Vec::new(),
    };
    let is_sure = operation != Operation::Delete || !flag.is_empty() && flag.iter().all(|flag| flag & 1 == 1);
    let told = |location| {
        let mut effect = effect(image, event, operation, Store::File, location, &path);
        if !is_sure {
            effect.certainty = effect.certainty.min(Certainty::Likely);
            effect.evidence.push(Step::new("whether it asks for a deletion is not known"));
        }
        effect
    };
    paths(&path).into_iter().map(told).collect()
}

/// `SHFILEOPSTRUCT`: 1 move, 2 copy, 3 delete, 4 rename.
pub(super) fn shell_operation(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let fields = event.args.get(1..).unwrap_or_default();
    let (function, from, to) = (fields.first(), fields.get(1), fields.get(2));
    let (operation, path) = match function.and_then(|f| f.number.only()) {
        Some(3) => (Operation::Delete, from),
        Some(2) => (Operation::Copy, to),
        _ => (Operation::Rename, to),
    };
    let Some(path) = path else { return Vec::new() };
    paths(path).into_iter().map(|l| effect(image, event, operation, Store::File, l, path)).collect()
}

/// A number of zero asks for a new file to be made.
pub(super) fn temp_file(image: &Image<'_>, event: &Event) -> Vec<Effect> {
    let at = |position: usize| argument(event, event.api.row.args.get(position).copied());
    let (Some(folder), Some(prefix)) = (at(0), at(1)) else { return Vec::new() };
    if at(2).and_then(|n| n.number.only()).is_some_and(|n| n != 0) {
        return Vec::new();
    }
    let name = locate::first_text(prefix).concat(&Text::parse("{generated:counter}.tmp"));
    let text = join_paths(&locate::first_text(folder), &name);
    let location = Location::file(&text).based_on(Folder::Cwd);
    vec![effect(image, event, Operation::Create, Store::TempFile, location, folder)]
}

#[cfg(test)]
mod tests {
    use super::paths;
    use crate::facts::{Location, Text};
    use crate::read::pe::code::known::Known;
    use crate::read::pe::code::report::Arg;

    #[test]
    fn what_begins_with_a_colon_is_no_file() {
        let named = |text: &str| paths(&Arg::of(&Known::of(Text::lit(text)))).len();
        assert_eq!(paths(&Arg::of(&Known::of(Text::lit("<Unknown>")))), [Location::unknown()]);
        assert_eq!([":memory:", ":/images/a.png", "C:\\Contoso\\a.png", "a.png"].map(named), [0, 0, 1, 1]);
    }
}
