//! What does not get an excerpt: a line per place, and one for all the values of a key or files of a folder.

use super::severity_ink;
use crate::output::style::{Ink, Style, cut_middle, one_line};
use crate::output::words;
use crate::report::Finding;
use textwrap::core::display_width;

/// Findings about one location, the heaviest first.
type Group<'r> = Vec<&'r Finding>;

/// Fewer neighbours than this are told one by one.
const MIN_NEIGHBOURS: usize = 3;

/// Groups that a line tells of: one, or several below one key or folder that one rule says the same of.
pub(super) fn fold<'g, 'r>(groups: &'g [Group<'r>]) -> Vec<&'g [Group<'r>]> {
    let alike = groups.chunk_by(|a, b| match (a.first(), b.first()) {
        (Some(a), Some(b)) => {
            let (above_a, above_b) = (words::above(&a.effect.location), words::above(&b.effect.location));
            a.rule == b.rule && a.severity == b.severity && above_a.is_some() && above_a == above_b
        }
        _ => false,
    });
    let short = |run: &'g [Group<'r>]| run.chunks(if run.len() < MIN_NEIGHBOURS { 1 } else { run.len() });
    alike.flat_map(short).collect()
}

/// Columns in which a location and a file have room beside each other; in fewer, both would be cut until neither tells
/// anything.
const ROOM_FOR_BOTH: usize = 40;
/// Columns below which a file's name tells nothing.
const MIN_PLACE: usize = 8;

/// `warning WP201 HKLM\Software\Contoso\LastRun           bin/agent.exe: .text:0x1a2c`.
pub(super) fn line(run: &[Group<'_>], style: Style) -> String {
    let Some((group, lead)) = run.first().and_then(|group| Some((group, group.first()?))) else {
        return String::new();
    };
    let severity: &str = lead.severity.into();
    let rule = one_line(&lead.rule);
    let (location, more) = match (run.len(), words::above(&lead.effect.location)) {
        (n, Some(above)) if n > 1 => {
            let separator = lead.effect.location.get(above.len()..above.len() + 1).unwrap_or_default();
            (format!("{above}{separator}… ({n})"), 0)
        }
        _ => (lead.place(), group.len() - 1),
    };
    let more = if more > 0 { format!(" (+{more})") } else { String::new() };
    let room = style.width.saturating_sub("warning  ".len() + rule.len() + more.len()).max(12);
    let location = one_line(&location);
    // The location matters more than who writes it, and the file more than where in it.
    let places = words::places(lead).map(|place| one_line(&place));
    let least = places.last().map_or(0, |file| display_width(file));
    let most = if room < ROOM_FOR_BOTH { room } else { (room * 3 / 5).max(room.saturating_sub(least + 2)) };
    let location = cut_middle(&location, most);
    let left = room.saturating_sub(display_width(&location) + 2);
    let place = match places.iter().find(|place| display_width(place) <= left) {
        Some(place) => place.clone(),
        None if left >= MIN_PLACE => places.last().map(|file| cut_middle(file, left)).unwrap_or_default(),
        None => String::new(),
    };
    if style.narrated {
        let sentence = format!("{severity} {rule} {location}{more}, by {place}");
        return sentence.trim_end_matches(", by ").to_owned();
    }
    let gap = room.saturating_sub(display_width(&location) + display_width(&place));
    format!(
        "{} {rule} {location}{}{}{more}",
        style.ink(severity_ink(lead.severity), &format!("{severity:<7}")),
        " ".repeat(if place.is_empty() { 0 } else { gap }),
        style.ink(Ink::Faint, &place),
    )
    .trim_end()
    .to_owned()
}
