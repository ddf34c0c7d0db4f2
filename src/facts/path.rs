//! Windows paths: environment variables, prefixes, one normal form, and what kind of place a literal path is.

use super::folder::Folder;
use super::place::Place;
use super::text::{Hole, Part, Source, Text};

/// Joins as `Path.Combine` and `PathAppend` do: an absolute right side wins, one separator between.
pub fn join_paths(left: &Text, right: &Text) -> Text {
    let absolute = match right.parts().first() {
        Some(Part::Lit(s)) => drive_letter(s).is_some() || s.starts_with("\\\\"),
        Some(Part::Hole(Hole::Folder(_))) => true,
        _ => false,
    };
    if left.is_empty() || absolute {
        return right.clone();
    }
    let mut out = left.clone();
    let brings_separator = matches!(right.parts().first(), Some(Part::Hole(hole)) if hole.is_path_of_profile());
    if !brings_separator && !out.trailing_lit().ends_with(['\\', '/']) && !right.leading_lit().starts_with(['\\', '/'])
    {
        out.push_lit("\\");
    }
    out.push_text(right);
    out
}

/// `%NAME%` becomes the folder it names, or `{env:NAME}`.
pub fn expand_env(raw: &Text) -> Text {
    let mut out = Text::new();
    for part in raw.parts() {
        let Part::Lit(s) = part else {
            out.push(part.clone());
            continue;
        };
        let mut rest = s.as_str();
        while let Some(start) = rest.find('%') {
            let tail = &rest[start + 1..];
            match tail.find('%') {
                Some(end) if is_variable_name(&tail[..end]) => {
                    out.push_lit(&rest[..start]);
                    out.push_hole(env_hole(&tail[..end]));
                    rest = &tail[end + 1..];
                }
                _ => {
                    out.push_lit(&rest[..=start]);
                    rest = tail;
                }
            }
        }
        out.push_lit(rest);
    }
    out
}

/// What an environment variable holds.
pub fn env_hole(name: &str) -> Hole {
    match Folder::by_env(name) {
        Some(folder) => Hole::Folder(folder),
        None => Hole::From(Source::Env, name.to_ascii_uppercase()),
    }
}

fn is_variable_name(s: &str) -> bool {
    !s.is_empty() && s.len() <= 64 && s.chars().all(|c| c.is_alphanumeric() || "_-.()".contains(c))
}

pub(super) fn drive_letter(s: &str) -> Option<char> {
    let mut chars = s.chars();
    let letter = chars.next().filter(char::is_ascii_alphabetic)?;
    (chars.next() == Some(':')).then_some(letter)
}

/// Prefixes that say the same in another way.
pub(super) fn replace_prefixes(text: Text) -> Text {
    let Some(Part::Lit(first)) = text.parts().first() else { return text };
    let lower = first.to_ascii_lowercase();
    let (hole, rest) = if lower.starts_with("|datadirectory|") {
        (Some(Folder::DataDirectory), &first["|datadirectory|".len()..])
    } else if first == "~" || first.starts_with("~/") || first.starts_with("~\\") {
        (Some(Folder::WebRoot), &first[1..])
    } else if lower.starts_with("\\\\?\\unc\\") || lower.starts_with("//?/unc/") {
        return with_first(&text, format!("\\\\{}", &first[8..]));
    } else if lower.starts_with("\\\\.\\") && lower.get(5..7) == Some(":\\") {
        // A file by way of the namespace of devices (MS documentation: "Naming Files, Paths, and Namespaces").
        (None, &first[4..])
    } else if lower.starts_with("\\\\?\\") || lower.starts_with("\\??\\") || lower.starts_with("//?/") {
        (None, &first[4..])
    } else if lower.starts_with("file:///") {
        (None, &first[8..])
    } else if lower.starts_with("file://") {
        return with_first(&text, format!("\\\\{}", &first[7..]));
    } else {
        return text;
    };
    let mut out = hole.map(Text::folder).unwrap_or_default();
    if hole.is_some() && !rest.is_empty() && !rest.starts_with(['\\', '/']) {
        out.push_lit("\\");
    }
    out.push_lit(rest);
    for part in &text.parts()[1..] {
        out.push(part.clone());
    }
    out
}

fn with_first(text: &Text, first: String) -> Text {
    Text::from_parts(std::iter::once(Part::Lit(first)).chain(text.parts()[1..].iter().cloned()))
}

/// Folders of a profile that have a name of their own, by where they are unless somebody moved them (MS documentation:
/// "KNOWNFOLDERID").
const BELOW_PROFILE: &[(Folder, &str, Folder)] = &[
    (Folder::UserProfile, "\\appdata\\local\\temp", Folder::Temp),
    (Folder::UserProfile, "\\appdata\\local", Folder::LocalAppData),
    (Folder::UserProfile, "\\appdata\\roaming", Folder::AppData),
    (Folder::LocalAppData, "\\temp", Folder::Temp),
];

/// A path from the nearest folder that has a name.
pub(super) fn below_profile(text: Text) -> Text {
    let [Part::Hole(Hole::Folder(folder)), Part::Lit(literal), rest @ ..] = text.parts() else { return text };
    let lower = literal.to_ascii_lowercase();
    let found = BELOW_PROFILE.iter().find_map(|(above, way, below)| {
        let tail = lower.strip_prefix(way).filter(|_| above == folder)?;
        let is_whole = tail.starts_with('\\') || (tail.is_empty() && rest.is_empty());
        is_whole.then(|| (*below, literal[way.len()..].to_owned()))
    });
    let Some((below, tail)) = found else { return text };
    Text::from_parts([Part::Hole(Hole::Folder(below)), Part::Lit(tail)].into_iter().chain(rest.iter().cloned()))
}

/// One component of a path while it is normalised.
type Component = Vec<Part>;

pub(super) fn normalise_path(text: &Text) -> Text {
    let slashed: Vec<Part> = text
        .parts()
        .iter()
        .map(|p| match p {
            Part::Lit(s) => Part::Lit(s.replace('/', "\\").trim_matches('"').to_owned()),
            hole => hole.clone(),
        })
        .collect();
    let slashed = Text::from_parts(slashed);
    let lead = slashed.leading_lit();
    let prefix = if lead.starts_with("\\\\") {
        "\\\\"
    } else if lead.starts_with('\\') {
        "\\"
    } else {
        ""
    };
    let mut components: Vec<Component> = vec![Vec::new()];
    for part in slashed.parts() {
        match part {
            Part::Lit(s) => {
                for (i, piece) in s.split('\\').enumerate() {
                    if i > 0 {
                        components.push(Vec::new());
                    }
                    if piece.is_empty() {
                        continue;
                    }
                    // What follows a folder directly (`{AppDir}state.ini`) belongs below it: the APIs that give such
                    // folders end them with a separator.
                    if matches!(
                        components.last().map(Vec::as_slice),
                        Some([Part::Hole(Hole::Folder(_) | Hole::From(Source::LocalResource, _))])
                    ) {
                        components.push(Vec::new());
                    }
                    if let Some(last) = components.last_mut() {
                        last.push(Part::Lit(piece.to_owned()));
                    }
                }
            }
            Part::Hole(Hole::Folder(f)) => {
                // A folder is a whole component, whatever stands before it without a separator.
                if components.last().is_some_and(|c| !c.is_empty()) {
                    components.push(Vec::new());
                }
                components.extend([vec![Part::Hole(Hole::Folder(*f))]]);
            }
            hole => {
                if let Some(last) = components.last_mut() {
                    last.push(hole.clone());
                }
            }
        }
    }
    let mut kept: Vec<Component> = Vec::new();
    for component in components {
        match component.as_slice() {
            [] => {}
            [Part::Lit(s)] if s == "." && !(prefix == "\\\\" && kept.is_empty()) => {}
            [Part::Lit(s)] if s == ".." && can_pop(&kept) => {
                kept.pop();
            }
            // The root of a web application, wherever what joins paths has put it: no folder is called so.
            [Part::Lit(s)] if s == "~" && prefix.is_empty() && !kept.is_empty() => {
                kept = vec![vec![Part::Hole(Hole::Folder(Folder::WebRoot))]];
            }
            _ => kept.push(component),
        }
    }
    let mut out = Text::new();
    out.push_lit(prefix);
    for (i, component) in kept.iter().enumerate() {
        if i > 0 {
            out.push_lit("\\");
        }
        for part in component {
            out.push(part.clone());
        }
    }
    if kept.len() == 1 && drive_letter(out.trailing_lit()).is_some() && out.trailing_lit().len() == 2 {
        out.push_lit("\\");
    }
    out
}

/// `..` may remove a plain component, never a drive, a folder hole or an unknown.
fn can_pop(kept: &[Component]) -> bool {
    matches!(kept.last().map(Vec::as_slice), Some([Part::Lit(s)]) if s != ".." && drive_letter(s).is_none())
}

/// A literal path without a folder hole: by drive, share, device or well-known folder spelled out.
pub(super) fn literal_place(path: &str) -> Place {
    let lower = path.to_lowercase();
    if is_device(&lower) {
        return Place::Device;
    }
    if let Some(unc) = lower.strip_prefix("\\\\") {
        let host = unc.split('\\').next().unwrap_or_default();
        return if matches!(host, "localhost" | "127.0.0.1" | ".") { Place::OsRoot } else { Place::UncShare };
    }
    // An address that was handed to what takes a path: no folder holds it.
    if ["http:\\", "https:\\", "ftp:\\"].iter().any(|scheme| lower.starts_with(scheme)) {
        return Place::Remote;
    }
    let Some(letter) = drive_letter(&lower) else {
        return if lower.starts_with('\\') { Place::OsRoot } else { Place::AppDir };
    };
    let rest = lower[2..].trim_start_matches('\\');
    let first = rest.split('\\').next().unwrap_or_default();
    match (letter, first) {
        (_, "windows" | "winnt") if rest.split('\\').nth(1) == Some("temp") => Place::Temp,
        (_, "windows" | "winnt") => Place::Windows,
        (_, "program files" | "program files (x86)") => Place::ProgramFiles,
        (_, "programdata") => Place::ProgramData,
        // The pattern of new profiles, and the folders that all users share.
        (_, "users") if matches!(rest.split('\\').nth(1), Some("default" | "public" | "all users")) => Place::OsRoot,
        (_, "users" | "documents and settings") => Place::UserProfile,
        // Volumes that the nodes of a cluster share, whichever of them goes (MS documentation, "Cluster Shared Volumes").
        ('c', "clusterstorage") => Place::UncShare,
        (_, "inetpub") if rest.contains("logs") => Place::IisLogs,
        (_, "inetpub") => Place::AppDir,
        ('c', "resources") => Place::LocalResource,
        ('d' | 'c', "home") => Place::Home,
        (letter, _) => Place::of_drive(letter),
    }
}

/// Pipes, mail slots, raw devices, the console and the reserved DOS names (MS documentation: "Naming Files, Paths,
/// and Namespaces").
fn is_device(lower: &str) -> bool {
    if lower.starts_with("\\\\.\\") || lower.starts_with("\\device\\") {
        return true;
    }
    // Programs that come from elsewhere name the devices and the kernel's views of systems like Unix.
    if ["\\dev\\", "\\proc\\", "\\sys\\"].iter().any(|folder| lower.starts_with(folder)) {
        return true;
    }
    // On any host: `\\\\host\\pipe\\name`.
    let shared = lower.strip_prefix("\\\\").and_then(|unc| unc.split('\\').nth(1));
    if matches!(shared, Some("pipe" | "mailslot")) {
        return true;
    }
    let name = lower.rsplit('\\').next().unwrap_or(lower);
    let stem = name.trim_end_matches(':').split('.').next().unwrap_or(name);
    matches!(stem, "nul" | "con" | "prn" | "aux" | "conin$" | "conout$" | "clock$")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.as_bytes()[3].is_ascii_digit())
}

/// Holds what no name of a file does: signs that Windows reserves (MS documentation, "Naming Files, Paths, and Namespaces"),
/// or a colon before a blank, as in the text of a message. Wildcards and quotes have a meaning for some functions.
pub fn is_no_path(text: &Text) -> bool {
    let is_reserved = |c: char| c.is_control() || matches!(c, '<' | '>' | '|');
    text.parts().iter().any(|p| matches!(p, Part::Lit(s) if s.contains(is_reserved) || s.contains(": ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_path() {
        let no_path = |text: &str| is_no_path(&Text::parse(text));
        assert!(no_path("ERROR: no provider\\x.log") && no_path("{WebRoot}\\a|b") && no_path("<none>"));
        let paths = ["C:\\Orders\\x.log", "\\\\?\\C:\\x", "{Temp}\\*.tmp", "a.txt:stream"];
        assert!(paths.iter().all(|text| !no_path(text)));
    }
}
