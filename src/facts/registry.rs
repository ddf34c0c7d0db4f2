//! Registry names: roots, the 32-bit view, control sets.

/// Which of the two registry views of 64-bit Windows a program sees
/// (MS documentation: "Registry Keys Affected by WOW64").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The view of the program's own bitness, or not known.
    Default,
    /// `Wow6432Node`.
    Bits32,
}

/// Spellings of the root keys: the full name, the short name, `reg.exe`'s, PowerShell's drive.
const ROOTS: &[(&str, &str)] = &[
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_CURRENT_USER", "HKCU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
    ("HKEY_USERS", "HKU"),
    ("HKEY_CURRENT_CONFIG", "HKCC"),
    ("HKEY_PERFORMANCE_DATA", "HKPD"),
    ("HKLM", "HKLM"),
    ("HKCU", "HKCU"),
    ("HKCR", "HKCR"),
    ("HKU", "HKU"),
    ("HKCC", "HKCC"),
];

/// The short name of a predefined handle (`winreg.h`: 0x80000000 and up, sign-extended on x64).
pub fn root_of_handle(handle: u64) -> Option<&'static str> {
    match handle as u32 {
        0x8000_0000 => Some("HKCR"),
        0x8000_0001 => Some("HKCU"),
        0x8000_0002 => Some("HKLM"),
        0x8000_0003 => Some("HKU"),
        0x8000_0004 => Some("HKPD"),
        0x8000_0005 => Some("HKCC"),
        _ => None,
    }
}

/// Splits a root in any spelling off a key path and gives its short name; the rest has no leading separator.
pub fn split_root(path: &str) -> Option<(&'static str, &str)> {
    let path = strip_prefix_ci(path, "Microsoft.PowerShell.Core\\").unwrap_or(path);
    let path = strip_prefix_ci(path, "Registry::").unwrap_or(path);
    let path = strip_prefix_ci(path, "Computer\\").unwrap_or(path);
    for (spelling, short) in ROOTS {
        if let Some(rest) = strip_prefix_ci(path, spelling) {
            if rest.is_empty() {
                return Some((short, rest));
            }
            // `HKLM:\x`, `HKLM:x`, `HKLM\x`; `HKLM64\x` is not a root.
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            if rest.starts_with(['\\', '/']) || path[spelling.len()..].starts_with(':') {
                return Some((short, rest.trim_start_matches(['\\', '/'])));
            }
        }
    }
    None
}

fn strip_prefix_ci<'a>(s: &'a str, prefix: &str) -> Option<&'a str> {
    let head = s.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &s[prefix.len()..])
}

/// Removes `Wow6432Node` from a key and folds `ControlSet00n` into `CurrentControlSet`, so that writers that see
/// different views of one key are joined.
pub fn normalise_key(key: &str) -> (String, View) {
    let mut view = View::Default;
    let mut out: Vec<&str> = Vec::new();
    for (i, part) in key.split('\\').filter(|p| !p.is_empty()).enumerate() {
        if part.eq_ignore_ascii_case("Wow6432Node") {
            view = View::Bits32;
        } else if i == 1 && is_control_set(part) {
            out.push("CurrentControlSet");
        } else {
            out.push(part);
        }
    }
    (out.join("\\"), view)
}

/// Keys below `HKLM\\SOFTWARE` that programs of both kinds share since Windows 7 (MS documentation: "Registry Keys
/// Affected by WOW64").
const SHARED: &[&str] = &[
    "classes",
    "clients",
    "microsoft\\com3",
    "microsoft\\cryptography\\calais\\current",
    "microsoft\\cryptography\\calais\\readers",
    "microsoft\\cryptography\\services",
    "microsoft\\ctf\\systemshared",
    "microsoft\\ctf\\tip",
    "microsoft\\dfs",
    "microsoft\\driver signing",
    "microsoft\\enterprisecertificates",
    "microsoft\\eventsystem",
    "microsoft\\msmq",
    "microsoft\\non-driver signing",
    "microsoft\\ole",
    "microsoft\\ras",
    "microsoft\\rpc",
    "microsoft\\shared tools\\msinfo",
    "microsoft\\systemcertificates",
    "microsoft\\termservlicensing",
    "microsoft\\transaction server",
    "microsoft\\windows\\currentversion\\control panel\\cursors\\schemes",
    "microsoft\\windows\\currentversion\\explorer\\autoplayhandlers",
    "microsoft\\windows\\currentversion\\explorer\\driveicons",
    "microsoft\\windows\\currentversion\\explorer\\kindmap",
    "microsoft\\windows\\currentversion\\group policy",
    "microsoft\\windows\\currentversion\\policies",
    "microsoft\\windows\\currentversion\\previewhandlers",
    "microsoft\\windows\\currentversion\\setup",
    "microsoft\\windows\\currentversion\\telephony\\locations",
    "microsoft\\windows nt\\currentversion\\console",
    "microsoft\\windows nt\\currentversion\\fontdpi",
    "microsoft\\windows nt\\currentversion\\fontlink",
    "microsoft\\windows nt\\currentversion\\fontmapper",
    "microsoft\\windows nt\\currentversion\\fonts",
    "microsoft\\windows nt\\currentversion\\fontsubstitutes",
    "microsoft\\windows nt\\currentversion\\gre_initialize",
    "microsoft\\windows nt\\currentversion\\image file execution options",
    "microsoft\\windows nt\\currentversion\\languagepack",
    "microsoft\\windows nt\\currentversion\\networkcards",
    "microsoft\\windows nt\\currentversion\\perflib",
    "microsoft\\windows nt\\currentversion\\ports",
    "microsoft\\windows nt\\currentversion\\print",
    "microsoft\\windows nt\\currentversion\\profilelist",
    "microsoft\\windows nt\\currentversion\\time zones",
    "policies",
    "registeredapplications",
];
/// Keys below `Software\\Classes` that each kind has of its own all the same.
const OWN_CLASSES: &[&str] = &["clsid", "directshow", "interface", "media type", "mediafoundation"];

/// Whether a 32-bit program sees another key by this name than a 64-bit one. `key` is in lower case, with the short name
/// of its root.
pub fn is_redirected(key: &str) -> bool {
    let below = |above: &str| key.strip_prefix(above).and_then(|rest| rest.strip_prefix('\\'));
    let is_in = |rest: &str, key: &str| rest.strip_prefix(key).is_some_and(|r| r.is_empty() || r.starts_with('\\'));
    let classes = ["hklm\\software\\classes", "hkcu\\software\\classes", "hkcr"].into_iter().find_map(below);
    if let Some(class) = classes {
        return OWN_CLASSES.iter().any(|own| is_in(class, own));
    }
    below("hklm\\software").is_some_and(|rest| !SHARED.iter().any(|shared| is_in(rest, shared)))
}

/// Keys that every Windows has, whatever is installed (MS documentation: "Predefined Keys", "Registry Hives", "Run and RunOnce
/// Registry Keys", "Application Registration", "Eventlog Key", "Environment Variables").
const ALWAYS_THERE: &[&str] = &[
    "hkcu\\control panel",
    "hkcu\\control panel\\desktop",
    "hkcu\\environment",
    "hkcu\\software",
    "hkcu\\software\\classes",
    "hkcu\\software\\microsoft",
    "hkcu\\software\\microsoft\\windows",
    "hkcu\\software\\microsoft\\windows\\currentversion",
    "hkcu\\software\\microsoft\\windows\\currentversion\\explorer",
    "hkcu\\software\\microsoft\\windows\\currentversion\\run",
    "hklm\\software",
    "hklm\\software\\classes",
    "hklm\\software\\microsoft",
    "hklm\\software\\microsoft\\windows",
    "hklm\\software\\microsoft\\windows\\currentversion",
    "hklm\\software\\microsoft\\windows\\currentversion\\app paths",
    "hklm\\software\\microsoft\\windows\\currentversion\\explorer",
    "hklm\\software\\microsoft\\windows\\currentversion\\run",
    "hklm\\software\\microsoft\\windows\\currentversion\\uninstall",
    "hklm\\software\\microsoft\\windows nt",
    "hklm\\software\\microsoft\\windows nt\\currentversion",
    "hklm\\software\\microsoft\\windows nt\\currentversion\\winlogon",
    "hklm\\system",
    "hklm\\system\\currentcontrolset",
    "hklm\\system\\currentcontrolset\\control",
    "hklm\\system\\currentcontrolset\\control\\lsa",
    "hklm\\system\\currentcontrolset\\control\\session manager",
    "hklm\\system\\currentcontrolset\\control\\session manager\\environment",
    "hklm\\system\\currentcontrolset\\enum",
    "hklm\\system\\currentcontrolset\\services",
    "hklm\\system\\currentcontrolset\\services\\eventlog",
    "hklm\\system\\currentcontrolset\\services\\eventlog\\application",
    "hklm\\system\\currentcontrolset\\services\\eventlog\\system",
    "hklm\\system\\currentcontrolset\\services\\tcpip",
    "hklm\\system\\currentcontrolset\\services\\tcpip\\parameters",
];

/// Whether every Windows has this key: a call that makes keys only opens it. `key` is in lower case, with the short name of
/// its root.
pub fn is_always_there(key: &str) -> bool {
    ALWAYS_THERE.contains(&normalise_key(key).0.as_str())
}

fn is_control_set(part: &str) -> bool {
    strip_prefix_ci(part, "ControlSet").is_some_and(|n| n.len() == 3 && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_every_windows_has() {
        assert!(is_always_there("hklm\\software\\wow6432node\\microsoft\\windows\\currentversion\\run"));
        assert!(is_always_there("hklm\\system\\currentcontrolset\\services"));
        assert!(!is_always_there("hklm\\system\\currentcontrolset\\services\\contoso"));
        assert!(!is_always_there("hkcu\\software\\contoso"));
    }

    #[test]
    fn roots_in_every_spelling() {
        for s in [
            "HKEY_LOCAL_MACHINE\\Software\\X",
            "hklm\\Software\\X",
            "HKLM:\\Software\\X",
            "Registry::HKEY_LOCAL_MACHINE\\Software\\X",
        ] {
            assert_eq!(split_root(s), Some(("HKLM", "Software\\X")), "{s}");
        }
        assert_eq!(split_root("HKLM"), Some(("HKLM", "")));
        assert_eq!(split_root("Software\\X"), None);
        assert_eq!(split_root("HKLMX\\a"), None);
        assert_eq!(root_of_handle(0xffff_ffff_8000_0002), Some("HKLM"));
    }

    #[test]
    fn some_keys_are_for_programs_of_both_kinds() {
        assert!(is_redirected("hklm\\software\\contoso"));
        assert!(is_redirected("hklm\\software\\classes\\clsid\\{1}"));
        assert!(is_redirected("hkcr\\interface\\{1}"));
        assert!(is_redirected("hklm\\software\\microsoft\\windows\\currentversion\\run"));
        assert!(!is_redirected("hklm\\software\\classes\\.contoso"));
        assert!(!is_redirected("hklm\\software\\policies\\contoso"));
        assert!(!is_redirected("hkcu\\software\\contoso"));
        assert!(is_redirected("hklm\\software\\policiesx"));
    }

    #[test]
    fn views_and_control_sets_fold() {
        assert_eq!(normalise_key("SOFTWARE\\Wow6432Node\\A\\\\B\\"), ("SOFTWARE\\A\\B".into(), View::Bits32));
        assert_eq!(normalise_key("SYSTEM\\ControlSet001\\Services").0, "SYSTEM\\CurrentControlSet\\Services");
        // A slash is a character of a name like any other (MS documentation: "Structure of the Registry").
        assert_eq!(normalise_key("Software\\Types\\text/plain").0, "Software\\Types\\text/plain");
    }
}
