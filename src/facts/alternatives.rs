//! Places that one call may mean: a variable is one of a few values, and each makes a path of its own.
//!
//! Not each of them tells a reader something new. A folder that is empty until it is set gives the bare name beside the
//! full path, a value that was not recovered gives the same path with a hole in it. Those are folded into the one that
//! says most; places that differ in what is known stay apart.

use super::folder::Folder;
use super::location::Location;
use super::text::{Hole, Part, Source, Text};

/// Folds alternatives in place, keeping the order of those that stay. True when one was folded whose place is not
/// known, so that what stays may not be all.
pub fn fold_alternatives<T>(places: &mut Vec<(Location, T)>) -> bool {
    let shapes: Vec<Shape> = places.iter().map(|(location, _)| Shape::of(location.text())).collect();
    // Of two that tell of each other the first stays.
    let is_told_by = |mine: usize, other: usize| {
        let tells = |a: usize, b: usize| shapes[a].tells(&shapes[b], a < b);
        other != mine && tells(other, mine) && (other < mine || !tells(mine, other))
    };
    let mut stay: Vec<bool> =
        (0..shapes.len()).map(|mine| !(0..shapes.len()).any(|other| is_told_by(mine, other))).collect();
    if let (false, Some(first)) = (stay.contains(&true), stay.first_mut()) {
        *first = true;
    }
    let folded = stay.iter().zip(&shapes).any(|(stays, shape)| !stays && shape.is_vague);
    let mut stays = stay.into_iter();
    places.retain(|_| stays.next().unwrap_or(true));
    folded
}

/// What counts of a location when it is compared with its alternatives.
struct Shape {
    /// Lower case; every hole that is no folder is [`HOLE`].
    text: String,
    /// Behind a beginning that is not known, or the current folder.
    tail: String,
    is_vague: bool,
    unknowns: usize,
    /// Somebody gives a part of it: that is no number which the program counts.
    is_given: bool,
}

const HOLE: char = '\0';

impl Shape {
    fn of(text: &Text) -> Self {
        let is_unknown = |part: &Part| matches!(part, Part::Hole(Hole::Unknown | Hole::From(Source::Param, _)));
        let parts = text.parts();
        let leading = parts.iter().take_while(|part| is_unknown(part)).count();
        let in_current_folder = matches!(parts.first(), Some(Part::Hole(Hole::Folder(Folder::Cwd))));
        let tail = &parts[leading + usize::from(in_current_folder)..];
        Shape {
            text: shape(parts),
            tail: shape(tail),
            is_vague: leading > 0 || in_current_folder,
            unknowns: parts.iter().filter(|part| is_unknown(part)).count(),
            is_given: parts.iter().any(|part| {
                let counted = |source: &Source| matches!(source, Source::Param | Source::Generated);
                matches!(part, Part::Hole(Hole::From(source, _)) if !counted(source))
            }),
        }
    }

    /// Does this place tell all that `other` does? Of two that tell the same, the one with fewer unknowns does, then
    /// the `earlier` one.
    fn tells(&self, other: &Shape, earlier: bool) -> bool {
        if self.text == other.text {
            return (self.unknowns, !earlier) < (other.unknowns, earlier);
        }
        if self.text.len() < other.text.len() && once(&self.text) == once(&other.text) {
            return true;
        }
        if !self.is_given && counts(&self.text, &other.text) {
            return true;
        }
        let ends_with = |tail: &str| tail.len() > 1 && self.text.len() > tail.len() && self.text.ends_with(tail);
        let knows_more = !self.is_vague || self.tail.len() > other.tail.len();
        if other.is_vague && knows_more && ends_with(&other.tail) {
            return true;
        }
        self.text.len() > other.text.len() && is_without_holes(&self.text, &other.text)
            || names_what_is_between(&self.text, &other.text)
    }
}

/// With one folder that is not known for several in a row: of two such places the one with fewer of them says as much.
fn once(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = text.split('\\').collect();
    names.dedup_by(|name, before| name == before && name.chars().eq([HOLE]));
    names
}

/// Is `other` the same text with numbers in the place of some of its holes: what a counter begins with, or stands for none?
fn counts(text: &str, other: &str) -> bool {
    let mut rest = other;
    let mut has_number = false;
    for c in text.chars() {
        if let Some(behind) = rest.strip_prefix(c) {
            rest = behind;
            continue;
        }
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let behind = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        if c != HOLE || behind.len() == digits.len() {
            return false;
        }
        has_number = true;
        rest = behind;
    }
    has_number && rest.is_empty()
}

/// Is `other` the same text with some of its holes left out?
fn is_without_holes(text: &str, other: &str) -> bool {
    let mut rest = other.chars().peekable();
    text.chars().all(|c| rest.next_if_eq(&c).is_some() || c == HOLE) && rest.next().is_none()
}

/// Is `other` the same place but for folders, or keys, on the way that it does not name?
fn names_what_is_between(text: &str, other: &str) -> bool {
    let (own, theirs): (Vec<&str>, Vec<&str>) = (text.split('\\').collect(), other.split('\\').collect());
    let is_named = |name: &&str| name.contains(|c| c != HOLE && c != '.');
    let pairs = || own.iter().zip(&theirs);
    let Some(differs) = pairs().rposition(|(name, their)| name != their) else { return false };
    own.len() == theirs.len()
        && pairs().all(|(name, their)| name == their || their.chars().eq([HOLE]))
        && own.iter().skip(differs).skip(1).any(is_named)
}

fn shape(parts: &[Part]) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Lit(s) => out.push_str(&s.to_lowercase()),
            Part::Hole(Hole::Folder(folder)) => out.push_str(&Text::folder(*folder).to_string()),
            Part::Hole(_) => out.push(HOLE),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_that_tell_of_each_other_one_stays() {
        let left = |texts: &[&str]| {
            let mut places: Vec<_> = texts.iter().map(|text| (Location::file(&Text::parse(text)), ())).collect();
            fold_alternatives(&mut places);
            places.into_iter().map(|(location, ())| location.to_string()).collect::<Vec<_>>()
        };
        for texts in [["C:\\S\\2024\\a.dat", "C:\\S\\{arg:1}\\a.dat"], ["C:\\S\\0\\a.dat", "C:\\S\\{?}\\a.dat"]] {
            assert_eq!(left(&texts).len(), 1, "{texts:?}");
            assert_eq!(left(&[texts[1], texts[0]]).len(), 1, "{texts:?}");
        }
        assert_eq!(left(&["C:\\S\\a_1.dat", "C:\\S\\a_{arg:1}.dat"]).len(), 2, "somebody gives it");
        assert_eq!(left(&["C:\\S\\a_1.dat", "C:\\S\\a_{?}.dat"]), ["C:\\S\\a_{?}.dat"], "a counter");
    }

    fn folded(places: &[&str]) -> (Vec<String>, bool) {
        let mut places = places.iter().map(|p| (Location::file(&Text::parse(p)), ())).collect();
        let folded = fold_alternatives(&mut places);
        (places.into_iter().map(|(l, ())| l.to_string()).collect(), folded)
    }

    fn kept(places: &[&str]) -> Vec<String> {
        folded(places).0
    }

    #[test]
    fn a_folder_that_is_empty_until_it_is_set_adds_no_place() {
        let places = ["{Temp}\\Shop\\a.tmp", "{Cwd}\\a.tmp"];
        assert_eq!(folded(&places), (vec!["{Temp}\\Shop\\a.tmp".to_owned()], true));
        assert_eq!(kept(&["{Cwd}\\a.tmp"]), ["{Cwd}\\a.tmp"]);
        assert_eq!(kept(&["{Temp}\\Shop\\a.tmp", "{Cwd}\\b.tmp"]).len(), 2);
        assert_eq!(kept(&["{Temp}\\Shop\\a.tmp", "{Cwd}\\p.tmp", "{Cwd}\\mp"]).len(), 3);
    }

    #[test]
    fn a_name_with_an_empty_piece_is_the_name_with_the_piece() {
        assert_eq!(kept(&["{Temp}\\Temp_.xml", "{Temp}\\Temp_{?}.xml"]), ["{Temp}\\Temp_{?}.xml"]);
        assert_eq!(kept(&["{?}A\\Temp_.{?}", "{?}A\\Temp_{?}.{?}"]), ["{?}A\\Temp_{?}.{?}"]);
        assert_eq!(kept(&["{Temp}\\orders.xml", "{Temp}\\{?}.xml"]).len(), 2);
    }

    #[test]
    fn what_a_counter_begins_with_adds_no_place() {
        let places = ["C:\\U\\-1.{?}", "C:\\U\\0.{?}", "C:\\U\\{?}.{?}"];
        assert_eq!(kept(&places), ["C:\\U\\{?}.{?}"]);
        assert_eq!(kept(&["C:\\Site_0\\a", "C:\\Site_{?}\\a"]), ["C:\\Site_{?}\\a"]);
        assert_eq!(kept(&["C:\\U\\log_{?}.txt", "C:\\U\\{?}.txt"]).len(), 2);
        assert_eq!(kept(&["C:\\U\\0.png", "C:\\U\\{?}.jpg"]).len(), 2);
        let below = ["C:\\T\\{?}\\a.xml", "C:\\T\\{?}\\{?}\\a.xml"];
        assert_eq!(kept(&below), below[..1]);
        assert_eq!(kept(&["C:\\T\\a.xml", "C:\\T\\{?}\\a.xml"]).len(), 2);
    }

    #[test]
    fn what_is_not_known_on_the_way_adds_no_place() {
        let kept_of = |places: &[&str]| {
            let mut places = places.iter().map(|p| (Location::registry(&Text::parse(p)), ())).collect();
            fold_alternatives(&mut places);
            places.into_iter().map(|(l, ())| l.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(kept_of(&["HKCU\\Software\\{?}\\Port", "HKCU\\Software\\A\\Port"]), ["HKCU\\Software\\A\\Port"]);
        assert_eq!(kept_of(&["HKCU\\Software\\{?}\\Port", "HKCU\\Software\\A\\Baud"]).len(), 2);
        assert_eq!(kept(&["{Temp}\\{?}\\{?}_\\m.toml", "{Temp}\\{?}_\\{?}_\\m.toml"]), ["{Temp}\\{?}_\\{?}_\\m.toml"]);
        assert_eq!(kept(&["{Temp}\\{?}\\{?}", "{Temp}\\a\\{?}"]).len(), 2);
        assert_eq!(kept(&["C:\\{?}\\m.toml", "C:\\a\\b\\m.toml"]).len(), 2);
    }

    #[test]
    fn what_is_not_known_adds_nothing_to_what_is() {
        assert_eq!(kept(&["{?}Shop\\a.log", "{AppData}\\Shop\\a.log"]), ["{AppData}\\Shop\\a.log"]);
        assert_eq!(kept(&["{?}.png", "{UserChosen}\\{?}.png"]), ["{UserChosen}\\{?}.png"]);
        assert_eq!(kept(&["{?}\\{?}.log", "{?}\\{arg:name}.log"]), ["{?}\\{arg:name}.log"]);
        assert_eq!(kept(&["{?} - {?}\\{?} ({?})", "{?}\\{?} ({?})"]), ["{?} - {?}\\{?} ({?})"]);
        assert_eq!(kept(&["{?}\\a.log", "{?}\\b.log"]).len(), 2);
        assert_eq!(folded(&["{?}\\a.log", "{?}\\a.log"]), (vec!["{?}\\a.log".to_owned()], true));
    }
}
