//! What a call writes, where the code says it: a text or a number that is the same each time.

use super::{argument, quoted};
use crate::facts::Text;
use crate::read::pe::code::report::Event;

/// Types of values whose data is a number in the order of this processor, and its bytes (`winnt.h`: REG_DWORD, REG_QWORD).
const NUMBERS: [(u64, u8); 2] = [(4, 4), (11, 8)];

/// How many bytes the number has that a value of the registry with this type is.
pub(crate) fn size_of_number(kind: u64) -> Option<u8> {
    NUMBERS.iter().find(|(number, _)| *number == kind).map(|(_, size)| *size)
}

/// The type of the value is that of a number.
fn is_number(event: &Event) -> bool {
    argument(event, event.api.row.kind).and_then(|kind| size_of_number(kind.number.only()?)).is_some()
}

/// Which argument is the number that is written.
fn number_of(event: &Event) -> Option<usize> {
    let row = event.api.row;
    // The number that the data is stands behind all other arguments.
    if is_number(event) { Some(row.arity()) } else { row.number.map(usize::from) }
}

/// Which arguments say what is written.
pub(crate) fn written_arguments(event: &Event) -> impl Iterator<Item = usize> {
    number_of(event).into_iter().chain(event.api.row.data.map(usize::from))
}

/// What is written, in words, where all that may be written is known. Empty: it is not.
pub(crate) fn constants(event: &Event) -> Vec<String> {
    let row = event.api.row;
    let is_number = is_number(event);
    let number = number_of(event).and_then(|n| event.args.get(n));
    if is_number || row.number.is_some() {
        let numbers = number.map(|arg| arg.number.all()).unwrap_or_default();
        // What is no number may be a text.
        if is_number || row.data.is_none() || !numbers.is_empty() {
            return numbers.iter().map(|number| format!("value {number}")).collect();
        }
    }
    let Some(data) = argument(event, row.data) else { return Vec::new() };
    let known = |text: &Text| text.as_lit().filter(|_| !data.weak || data.literal.is_some()).map(|_| quoted(text));
    let texts: Option<Vec<String>> = data.texts.iter().map(known).collect();
    texts.unwrap_or_default().into_iter().map(|text| format!("value \"{text}\"")).collect()
}
