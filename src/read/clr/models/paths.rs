//! Paths taken apart around what is not known of them.

use crate::facts::{Hole, Part, Source, Text};

/// All but the last component of a path.
pub(in crate::read::clr) fn parent(path: &Text) -> Text {
    let mut parts = path.parts().to_vec();
    while let Some(part) = parts.pop() {
        if let Part::Lit(s) = &part {
            if let Some(cut) = s.rfind(['\\', '/']) {
                parts.push(Part::Lit(s[..cut].to_owned()));
                return Text::from_parts(parts);
            }
            continue;
        }
        if matches!(part, Part::Hole(Hole::Folder(_))) && parts.is_empty() {
            break;
        }
    }
    Text::unknown()
}

pub(super) fn file_name(path: &Text) -> Text {
    let mut tail = Vec::new();
    for part in path.parts().iter().rev() {
        if let Part::Lit(s) = part
            && let Some(cut) = s.rfind(['\\', '/'])
        {
            tail.push(Part::Lit(s[cut + 1..].to_owned()));
            break;
        }
        tail.push(match part {
            Part::Hole(Hole::Folder(_)) => Part::Hole(Hole::Unknown),
            part => part.clone(),
        });
    }
    tail.reverse();
    Text::from_parts(tail)
}

/// The text up to a byte of its last literal run.
pub(super) fn cut_tail(text: &Text, at: usize) -> Text {
    let (last, head) = match text.parts().split_last() {
        Some((Part::Lit(last), head)) => (last, head),
        _ => return text.clone(),
    };
    let kept = last.get(..at).unwrap_or(last).to_owned();
    Text::from_parts(head.iter().cloned().chain([Part::Lit(kept)]))
}

/// `DirectoryInfo.Name`: that of the full path, in which `.` and `..` stand for folders with names of their own.
pub(super) fn name_of_entry(path: &Text) -> Text {
    let name = file_name(path);
    match name.as_lit() {
        Some("." | "..") => Text::unknown(),
        _ => name,
    }
}

/// A path of which a piece that is not known gets another that is not known: most often one of its name, as of a template,
/// so that the folder that the author has written stays. What was found somewhere is put elsewhere by this, as when a tree
/// is copied: nothing is known of it then.
pub(super) fn folder_of(path: &Text) -> Text {
    let is_found =
        |part: &Part| matches!(part, Part::Hole(Hole::Unknown | Hole::From(Source::Output | Source::Param, _)));
    let is_written = matches!(path.parts().first(), Some(Part::Lit(_) | Part::Hole(Hole::Folder(_))));
    if !is_written || path.parts().iter().any(is_found) {
        return Text::unknown();
    }
    let folder = parent(path);
    if folder.is_unknown() { folder } else { folder.concat(&Text::lit("\\")).concat(&Text::unknown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_around_holes() {
        let t = Text::parse;
        assert_eq!(parent(&t("{AppDir}\\Shop.exe")), t("{AppDir}"));
        assert_eq!(parent(&t("{AppDir}\\logs\\{?}.log")), t("{AppDir}\\logs"));
        assert_eq!(parent(&t("{AppDir}")), Text::unknown());
        assert_eq!(file_name(&t("{AppDir}\\logs\\{generated:time}.log")), t("{generated:time}.log"));
        assert_eq!(file_name(&t("{AppDir}")), Text::unknown());
    }

    #[test]
    fn an_entry_has_the_name_of_its_full_path() {
        let t = Text::parse;
        assert_eq!(name_of_entry(&t("{AppDir}\\..")), Text::unknown());
        assert_eq!(name_of_entry(&t("{AppDir}\\data")), t("data"));
    }

    #[test]
    fn the_folder_of_a_path_that_was_written_stays() {
        let told = |path: &str| folder_of(&Text::parse(path)).to_string();
        assert_eq!(told("C:\\Shop\\orders.dat"), "C:\\Shop\\{?}");
        assert_eq!(told("{ProgramData}\\Shop\\{arg:day}.dat"), "{ProgramData}\\Shop\\{?}");
        assert_eq!(told("orders.dat"), "{?}");
        assert_eq!(told("C:\\Shop\\{?}"), "{?}", "found in a tree");
        assert_eq!(told("{config:appSettings/Root}\\a.dat"), "{?}");
    }
}
