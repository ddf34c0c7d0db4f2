//! Places that a way without end numbers: it tries one after the other until Windows says that one is free.

use super::super::code::report::{Arg, Event};
use super::super::image::Image;
use super::path::Found;
use crate::facts::{Part, Text};

/// Fewest numbers that make a row of them.
const MIN_NUMBERS: usize = 3;

/// What ways without end found, where all of it is one name with one number after the other: the name with any number. The
/// ways stop somewhere, and the program does not.
pub(super) fn one_of(image: &Image<'_>, found: Vec<Found>) -> Vec<Found> {
    let Some(event) = numbered(image, &found) else { return found };
    let doubted = found.iter().any(|found| found.doubted);
    let supposed = found.iter().any(|found| found.supposed);
    // All ways say the same now, whatever they chose.
    vec![Found { event, chose: false, supposed, doubted, lost: false }]
}

fn numbered(image: &Image<'_>, found: &[Found]) -> Option<Event> {
    let first = &found.first()?.event;
    let mut event = first.clone();
    let mut is_numbered = false;
    for (n, arg) in event.args.iter_mut().enumerate() {
        let others = || found.iter().filter_map(|found| found.event.args.get(n));
        let is_other = |other: &Arg| !is_number_of(other, arg) || other.handle != arg.handle;
        if others().any(is_other) {
            return None;
        }
        if others().all(|other| other.texts == arg.texts) {
            continue;
        }
        let all: Vec<&Text> =
            others().filter_map(|other| <&[Text; 1]>::try_from(other.texts.as_slice()).ok()).flatten().collect();
        if is_numbered || all.len() < found.len() {
            return None;
        }
        let numbered = with_any_number(&all)?;
        // Names that the image has as they are are chosen from, not counted.
        let name = |text: &&Text| text.trailing_lit().rsplit(['\\', '/']).next().unwrap_or_default().to_owned();
        if all.iter().map(name).take(MIN_NUMBERS).any(|name| stands_in(image, &name)) {
            return None;
        }
        arg.texts = vec![numbered];
        is_numbered = true;
    }
    let is_one_call = found.iter().all(|other| other.event.through == first.through);
    (is_numbered && is_one_call).then_some(event)
}

/// The text that all are but for a number in one place, which is in each the next one.
fn with_any_number(all: &[&Text]) -> Option<Text> {
    let (first, rest) = all.split_first()?;
    let differs = |at: &usize| rest.iter().any(|other| other.parts().get(*at) != first.parts().get(*at));
    let at = (0..first.parts().len()).find(differs)?;
    let before = first.parts().get(..at)?;
    let behind = first.parts().get(at + 1..)?;
    let mut literals = Vec::new();
    for text in all {
        let is_alike = text.parts().get(..at) == Some(before) && text.parts().get(at + 1..) == Some(behind);
        match text.parts().get(at) {
            Some(Part::Lit(literal)) if is_alike => literals.push(literal.as_str()),
            _ => return None,
        }
    }
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b && !a.is_ascii_digit()).count();
    let lead = literals.iter().map(|other| shared(literals[0], other)).min()?;
    let (head, _) = literals[0].split_at_checked(lead)?;
    let mut numbers = Vec::new();
    let tail = literals[0].get(lead..)?.trim_start_matches(|c: char| c.is_ascii_digit());
    for literal in &literals {
        numbers.push(literal.get(lead..)?.strip_suffix(tail)?.parse::<u64>().ok()?);
    }
    numbers.sort_unstable();
    numbers.dedup();
    let is_row = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    (numbers.len() >= MIN_NUMBERS && is_row).then(|| {
        let number = Text::lit(head).concat(&Text::unknown()).concat(&Text::lit(tail));
        let parts = before.iter().chain(number.parts()).chain(behind).cloned();
        Text::from_parts(parts)
    })
}

/// They are the same number. What is stored as an argument of 32 bits leaves what stood in the upper half of its place.
pub(super) fn is_number_of(a: &Arg, b: &Arg) -> bool {
    let low = |arg: &Arg| arg.number.only().map(|number| number as u32);
    a.number == b.number || low(a).is_some() && low(a) == low(b)
}

/// A name stands in the image, in either width.
pub(super) fn stands_in(image: &Image<'_>, name: &str) -> bool {
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let found =
        |sought: &[u8]| image.sections.iter().any(|s| memchr::memmem::find(image.section_bytes(s), sought).is_some());
    found(name.as_bytes()) || found(&wide)
}
