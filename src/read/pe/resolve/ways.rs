//! Whether what a caller passes lets its call come to what the function does: a branch on a parameter may bar the way.
//!
//! The function is executed once without numbers and once with those of the caller. What is reached without them only is
//! not done for this caller. A text stands for an address that nothing else has, with the characters that are known of it.

use super::super::code::report::{Arg, Behind, InternalCall, Number, Report};
use super::super::code::slot::Slot;
use super::super::code::strings::literal;
use super::super::program::Program;
use super::super::reach;
use super::{Map, Pending};
use crate::facts::{Hole, Part, Text};

/// Where texts are taken to lie: no image is loaded there (`KUSER_SHARED_DATA` is, on all versions).
const TEXTS: u64 = 0x7ffe_0000;
/// Bytes from one of them to the next.
const EACH: u64 = 0x100;
/// Bytes of a text that are looked at: its first character, however wide.
const CHARACTER: i32 = 2;
/// Bytes of a literal that are looked at: a word that stands for something else, and its end.
const WORD: usize = 8;

/// How a call comes to what is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As far as is known it does.
    Open,
    /// With what is passed the function does not go there.
    Barred,
    /// It goes there where a name is empty, of which nothing is known, and names something by it elsewhere.
    Unlikely,
}

/// See [`Way`].
pub(super) fn way(program: &Program<'_>, pending: &Pending, call: &InternalCall) -> Way {
    if !program.has_room_for_ways() {
        return Way::Open;
    }
    let own = tested(program, pending.function);
    let inner = pending.below.as_deref().is_some_and(|below| is_tested_in(program, below));
    let matters = |n: u8| inner || own & 1u64.checked_shl(u32::from(n)).unwrap_or_default() != 0;
    let passed: Vec<&(u8, Arg)> = call.args.iter().filter(|(n, _)| matters(*n)).collect();
    let is_number = |number: u64| program.image.rva_of(number).is_none();
    let number = |(n, arg): &&(u8, Arg)| Some((*n, arg.number.only().filter(|number| is_number(*number))?));
    let numbers: Vec<(u8, u64)> = passed.iter().filter_map(number).collect();
    let asks = |numbers: &[(u8, u64)], bytes: &[Behind]| is_barred(program, pending, numbers, bytes, false);
    if !numbers.is_empty() && asks(&numbers, &[]) == Some(true) {
        return Way::Barred;
    }
    // A word that stands for no file, where the function compares what it is given with that.
    let words: Vec<(u8, u64)> =
        call.args.iter().filter_map(|(n, arg)| Some((*n, word(program, pending, *n, arg)?))).collect();
    if !words.is_empty() && is_barred(program, pending, &[numbers.as_slice(), &words].concat(), &[], true) == Some(true)
    {
        return Way::Barred;
    }
    let texts = passed.iter().filter(|(n, arg)| {
        own & (1 << u64::from(*n).min(63)) != 0 && !numbers.iter().any(|(m, _)| m == n) && may_be_text(arg)
    });
    for (n, arg) in texts {
        let address = TEXTS + EACH * u64::from(*n);
        let with: Vec<(u8, u64)> = numbers.iter().copied().chain([(*n, address)]).collect();
        let beginning = |byte: u8| -> Vec<Behind> { (0..CHARACTER).map(|at| (*n, at, byte)).collect() };
        let is_barred = match first_bytes(program, arg) {
            Some(bytes) => {
                let bytes: Vec<Behind> = bytes.iter().zip(0..).map(|(byte, at)| (*n, at, *byte)).collect();
                asks(&with, &bytes) == Some(true)
            }
            // Whatever it begins with: not where only one letter matters.
            None => {
                asks(&with, &[]) == Some(true)
                    || asks(&with, &beginning(0)) == Some(false)
                        && [b'A', b'~'].iter().all(|letter| asks(&with, &beginning(*letter)) == Some(true))
            }
        };
        // What stands where nobody writes is not empty, however it is read.
        let is_literal = arg.fixed && first_bytes(program, arg).is_some();
        if is_barred && (is_literal || says(arg)) {
            return Way::Barred;
        }
        if is_barred && names_elsewhere(program, pending, &with, &beginning(b'A')) {
            return Way::Unlikely;
        }
    }
    Way::Open
}

/// A pointer, as far as is known.
fn may_be_text(arg: &Arg) -> bool {
    // What the caller is given itself, its own callers say.
    let handed_on =
        matches!(arg.number, Number::Param(slot) | Number::With(slot, _) | Number::Made(slot) if slot.is_plain());
    arg.handle.is_none() && arg.com.is_none() && arg.function.is_none() && !arg.is_null() && !handed_on
}

/// It is a text with characters: what somebody else says, as the command line or a variable of the environment, may have
/// none.
fn says(arg: &Arg) -> bool {
    !arg.weak && !arg.has_parameters() && !arg.texts.is_empty() && arg.texts.iter().all(begins)
}

/// Whatever is not known of a text, it has a character.
fn begins(text: &Text) -> bool {
    text.parts().iter().any(|part| match part {
        Part::Lit(literal) => !literal.is_empty(),
        Part::Hole(hole) => matches!(hole, Hole::Folder(_)),
    })
}

/// What a literal begins with.
fn first_bytes<'i>(program: &'i Program<'_>, arg: &Arg) -> Option<&'i [u8]> {
    let rva = program.image.rva_of(arg.number.only()?)?;
    let bytes = program.image.at(rva)?;
    bytes.get(..CHARACTER as usize)?;
    bytes.get(..WORD.min(bytes.len()))
}

/// Address of a text of the image that is given for a parameter and that this is compared with on the way to the event.
fn word(program: &Program<'_>, pending: &Pending, parameter: u8, arg: &Arg) -> Option<u64> {
    let compared = pending.event.compared.as_deref().filter(|compared| !compared.is_empty())?;
    let address = arg.number.only()?;
    let rva = program.image.rva_of(address)?;
    let texts = [false, true].map(|wide| literal(&program.image, rva, wide));
    let is_compared = |text: &String| {
        compared.iter().any(|(slot, word)| *slot == Slot::of(parameter) && word.as_lit() == Some(text.as_str()))
    };
    texts.iter().flatten().any(is_compared).then_some(address)
}

/// The function looks at what it is given, and what this call gives is a text of the image.
pub(super) fn looks_into_literals(program: &Program<'_>, function: u32, call: &InternalCall) -> bool {
    let tested = tested(program, function);
    let is_tested = |n: u8| tested & 1u64.checked_shl(u32::from(n)).unwrap_or_default() != 0;
    call.args.iter().any(|(n, arg)| is_tested(*n) && arg.literal.is_some())
}

fn tested(program: &Program<'_>, function: u32) -> u64 {
    program.reported(function).map_or(0, |report| report.tested)
}

/// One of the functions that the call goes through further in looks at its parameters.
fn is_tested_in(program: &Program<'_>, pending: &Pending) -> bool {
    tested(program, pending.function) != 0 || pending.below.as_deref().is_some_and(|below| is_tested_in(program, below))
}

/// With these numbers, and these bytes behind addresses, the function does not come to the call of the event; without them
/// it does. `None`: it is not known. `addresses`: what it hands on of them counts.
fn is_barred(
    program: &Program<'_>,
    pending: &Pending,
    numbers: &[(u8, u64)],
    bytes: &[Behind],
    addresses: bool,
) -> Option<bool> {
    let below = pending.below.as_ref();
    let inner = below.map(|below| below.function);
    let free = program.report_free(pending.function, inner)?;
    let given = program.report_given_behind(pending.function, (numbers, bytes), inner, 0)?;
    // What it gives itself are other values.
    let is_recursive = inner == Some(pending.function) && free.calls.iter().any(|call| call.target == pending.function);
    if free.capped || given.capped || is_recursive {
        return None;
    }
    let Some(below) = below else {
        let comes = |report: &Report| report.events.iter().any(|event| event.site == pending.event.site);
        return comes(&free).then(|| !comes(&given));
    };
    let site = pending.event.through.last()?;
    let is_inner = |call: &&InternalCall| call.site == *site && call.target == below.function;
    free.calls.iter().find(is_inner)?;
    let Some(call) = given.calls.iter().find(is_inner) else { return Some(true) };
    let number = |(n, arg): &(u8, Arg)| Some((*n, arg.number.only()?));
    let numbers: Vec<(u8, u64)> = call.args.iter().filter_map(number).collect();
    let numbers: Vec<(u8, u64)> =
        numbers.into_iter().filter(|(_, number)| addresses || program.image.rva_of(*number).is_none()).collect();
    let looks = addresses || tested(program, below.function) != 0 || below.below.is_some();
    if numbers.is_empty() || !looks {
        return Some(false);
    }
    is_barred(program, below, &numbers, &[], addresses)
}

/// The function names something else by a text that it is given at this address.
fn names_elsewhere(program: &Program<'_>, pending: &Pending, numbers: &[(u8, u64)], bytes: &[Behind]) -> bool {
    let Some((_, address)) = numbers.last() else { return false };
    let inner = pending.below.as_ref().map(|below| below.function);
    let report = program.report_given_behind(pending.function, (numbers, bytes), inner, 0);
    let named = |arg: &Arg| arg.number.only() == Some(*address);
    report.is_some_and(|report| report.events.iter().any(|event| event.args.iter().any(named)))
}

/// Something else than a direct call leads to the function.
pub(super) fn is_entered_otherwise(program: &Program<'_>, function: u32) -> bool {
    program.linkage.exports.iter().any(|(_, rva)| *rva == function)
        || reach::tabled(program).contains(&function)
        || reach::taken(program, &Map::default(), &|_, _| false).contains(&function)
}
