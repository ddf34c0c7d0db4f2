//! Paths of PowerShell's providers: files, registry keys, certificates and what else has a drive (about_Providers,
//! about_Locations).

use super::call::parent;
use super::words;
use crate::catalog::commands::Provider;
use crate::facts::{Part, Text, join_paths, registry};

/// Which provider a path with a drive belongs to.
pub(super) fn provider_of(path: &Text) -> Provider {
    let lead = path.leading_lit();
    if is_key(lead) {
        return Provider::Registry;
    }
    let Some((drive, _)) = lead.split_once(':') else { return Provider::File };
    match drive.to_lowercase().as_str() {
        "cert" => Provider::Certificate,
        "iis" => Provider::Iis,
        "wsman" => Provider::Wsman,
        "env" | "variable" | "function" | "alias" => Provider::Process,
        _ => Provider::File,
    }
}

fn is_key(lead: &str) -> bool {
    registry::split_root(lead).is_some_and(|_| lead.contains(':')) || lead.to_lowercase().starts_with("hkey_")
}

/// Which provider a path belongs to for a cmdlet at `here`: one without a drive is below where that is.
pub(super) fn provider_at(path: &Text, here: &Text) -> Provider {
    if is_relative(path) { provider_of(here) } else { provider_of(path) }
}

/// The key that a path names for a cmdlet at `here`. Providers take a slash for a backslash, so that a key whose name has
/// one cannot be named by a path with a drive; `reg.exe` and the API know no other separator than the backslash.
pub(super) fn key(path: &Text, here: &Text) -> Text {
    let path = item(path, here);
    let lead = path.leading_lit();
    if !lead.contains(':') || registry::split_root(lead).is_none() {
        return path;
    }
    Text::from_parts(path.parts().iter().map(|part| match part {
        Part::Lit(lit) => Part::Lit(lit.replace('/', "\\")),
        hole => hole.clone(),
    }))
}

/// The item that a path names for a cmdlet at `here`.
pub(super) fn item(path: &Text, here: &Text) -> Text {
    if !is_relative(path) || provider_of(here) == Provider::File {
        return path.clone();
    }
    let (mut folder, mut rest) = (here.clone(), words::trim(path));
    loop {
        let lead = rest.leading_lit();
        let step = lead.split(['\\', '/']).next().unwrap_or_default().len();
        match &lead[..step] {
            "" if lead.is_empty() => break,
            // From the root of the drive.
            "" => folder = Text::lit(root(here.leading_lit())),
            "." => {}
            ".." => folder = parent(&folder),
            _ => break,
        }
        rest = words::drop_front(&rest, (step + 1).min(lead.len()));
    }
    if rest.is_empty() { folder } else { join_paths(&folder, &rest) }
}

/// Names of this machine before a key; a point is one by its custom in other names.
const THIS_MACHINE: &[&str] = &[".", "localhost", "127.0.0.1", "{identity:computername}"];

/// Is it a name of this machine?
pub(super) fn is_this_machine(name: &Text) -> bool {
    THIS_MACHINE.contains(&name.to_string().to_lowercase().as_str())
}

/// A key without the name of the machine before it, `\\\\machine\\HKLM\\key` (`reg add /?`). `None` when that is another one.
pub(super) fn on_this_machine(key: &Text) -> Option<Text> {
    if !key.leading_lit().starts_with("\\\\") {
        return Some(key.clone());
    }
    let shown = key.to_string();
    let (machine, key) = shown[2..].split_once('\\')?;
    THIS_MACHINE.contains(&machine.to_lowercase().as_str()).then(|| Text::parse(key))
}

/// `HKLM:`, `Registry::HKEY_LOCAL_MACHINE`
fn root(path: &str) -> &str {
    &path[..path.find(['\\', '/']).unwrap_or(path.len())]
}

/// Does the path say nothing of its drive?
fn is_relative(path: &Text) -> bool {
    let lead = path.leading_lit();
    let is_open = matches!(path.parts().first(), Some(Part::Hole(_)));
    !is_open && !lead.contains(':') && !lead.starts_with("\\\\") && !is_key(lead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_without_a_drive_are_below_the_current_location() {
        let key = "HKLM:\\Software\\Acme";
        for (path, here, expected) in [
            (".\\x", key, "HKLM:\\Software\\Acme\\x"),
            (".", key, "HKLM:\\Software\\Acme"),
            ("..\\y", key, "HKLM:\\Software\\y"),
            ("\\System", key, "HKLM:\\System"),
            ("Software", "HKLM:", "HKLM:\\Software"),
            ("HKCU:\\x", key, "HKCU:\\x"),
            ("C:\\x", key, "C:\\x"),
            ("{?}\\x", key, "{?}\\x"),
            ("x", "C:\\y", "x"),
        ] {
            assert_eq!(item(&Text::parse(path), &Text::lit(here)).to_string(), expected, "{path} at {here}");
        }
        for (path, expected) in [
            ("HKLM:/Software/Acme", "HKLM:\\Software\\Acme"),
            ("Registry::HKCR\\a/b", "Registry::HKCR\\a\\b"),
            ("HKCR\\MIME\\text/plain", "HKCR\\MIME\\text/plain"),
        ] {
            assert_eq!(super::key(&Text::lit(path), &Text::default()).to_string(), expected);
        }
        let here = |key: &str| on_this_machine(&Text::parse(key)).map(|key| key.to_string());
        assert_eq!(here("\\\\{identity:COMPUTERNAME}\\HKLM\\{?}").as_deref(), Some("HKLM\\{?}"));
        assert_eq!(here("HKLM\\x").as_deref(), Some("HKLM\\x"));
        assert_eq!(here("\\\\files01\\HKLM\\x").or(here("\\\\{?}\\HKLM")).or(here("\\\\")), None);
        assert_eq!(provider_at(&Text::lit("x"), &Text::lit("Cert:\\LocalMachine")), Provider::Certificate);
        assert_eq!(provider_at(&Text::lit("D:\\x"), &Text::lit(key)), Provider::File);
    }
}
