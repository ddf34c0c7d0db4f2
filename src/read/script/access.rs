//! Who may write, by the arguments of the tools that set access lists: `Users:(OI)(CI)M` for `icacls`
//! (MS documentation: "icacls", "cacls"), `/grant:Users,change` for others.

use super::words::Word;
use crate::facts::Location;

/// Accounts that may write everywhere anyway: a right for them says nothing of the application. The last two are
/// Administrators and the system, by security id.
const OWNERS: &[&str] =
    &["administrators", "administrator", "system", "trustedinstaller", "creator owner", "s-1-5-32-544", "s-1-5-18"];

/// Whoever runs the script, by the variable of the environment and the forms in which readers write it.
const OWN: &[&str] = &["{identity:username}", "{env:username}"];

/// The same, and the built-in administrator, by the abbreviations of security descriptors.
const OWNERS_IN_DESCRIPTORS: &[&str] = &["ba", "sy", "co", "la", "da"];

/// Simple and specific rights that let data be written: full, modify, change, write, generic all and write, write
/// data, append data.
const WRITING: &[&str] = &["f", "m", "c", "w", "ga", "gw", "wd", "ad"];

/// The first account and right of a grant that lets an account of the application write, other than one that `owns` the place.
pub(crate) fn write_access(words: &[Word], owns: impl Fn(&str) -> bool) -> Option<String> {
    let mut granting = false;
    for word in words {
        let text = word.text.to_string();
        let text = text.replace('"', "");
        if let Some(option) = text.strip_prefix(['/', '-']) {
            let option = option.to_ascii_lowercase();
            granting = option == "g" || option == "p" || option == "grant" || option.starts_with("grant:");
            continue;
        }
        let Some((account, rights)) = text.rsplit_once(':').filter(|_| granting) else { continue };
        if !is_owner(account.trim_start_matches('*'))
            && !owns(&text)
            && rights.split(['(', ')', ',', ';']).any(is_writing)
        {
            return Some(text);
        }
    }
    None
}

/// Does a right, as [`write_access`] gives it, let an account write to its own profile? It owns that.
pub(crate) fn is_own_profile(location: &Location, granted: &str) -> bool {
    let place = location.key();
    let name = place.get(2..).and_then(|rest| rest.strip_prefix("\\users\\")).and_then(|rest| rest.split('\\').next());
    let account = granted.rsplit_once(':').map_or(granted, |(account, _)| account).to_lowercase();
    let account = account.rsplit('\\').next().unwrap_or_default();
    name.is_some_and(|name| name == account && !matches!(name, "public" | "default" | "all users"))
}

/// An account that may write everywhere anyway.
pub(crate) fn is_owner(account: &str) -> bool {
    let name = account.to_lowercase();
    let name = name.rsplit('\\').next().unwrap_or(&name);
    OWNERS.contains(&name) || OWN.contains(&name) || OWNERS_IN_DESCRIPTORS.contains(&name)
}

/// Bits of an access mask that let data be written: write data or set a value, append data or make a key below, generic
/// write, generic all (MS documentation: "ACCESS_MASK", "File Access Rights Constants", "Registry Key Security and
/// Access Rights").
const WRITING_BITS: u32 = 0x0000_0002 | 0x0000_0004 | 0x4000_0000 | 0x1000_0000;

/// Rights of an entry that hold one of these bits (MS documentation: "ACE Strings").
const WRITING_RIGHTS: &[&str] = &["GA", "GW", "FA", "FW", "KA", "KW", "DC", "LC"];

/// The account of the first entry of a security descriptor that lets an account of the application write:
/// `D:P(A;OICI;FA;;;BU)` (MS documentation: "Security Descriptor String Format").
pub(crate) fn descriptor_grants(descriptor: &str) -> Option<String> {
    let list = descriptor.split_once("D:")?.1;
    // The entries of the audit list behind it grant nothing.
    let list = list.split("S:").next().unwrap_or(list);
    list.split('(').skip(1).find_map(|entry| {
        let fields: Vec<&str> = entry.split(')').next().unwrap_or(entry).split(';').collect();
        let [kind, _, rights, _, _, account, ..] = fields.as_slice() else { return None };
        let writes = match rights.strip_prefix("0x").or_else(|| rights.strip_prefix("0X")) {
            Some(mask) => u32::from_str_radix(mask, 16).is_ok_and(|mask| mask & WRITING_BITS != 0),
            None => {
                let pairs = rights.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
                pairs.into_iter().any(|pair| WRITING_RIGHTS.contains(&pair))
            }
        };
        (matches!(*kind, "A" | "OA" | "XA") && writes && !is_owner(account)).then(|| (*account).to_owned())
    })
}

/// Names of rights that let data be written, of the plug-in AccessControl of NSIS (its documentation: "Permissions").
const WRITING_NAMES: &[&str] = &[
    "fullaccess",
    "genericall",
    "genericwrite",
    "writedata",
    "appenddata",
    "addfile",
    "addsubdirectory",
    "setvalue",
    "createsubkey",
];

/// The account before a right that is written as a name: `"(BU)" "GenericRead + GenericWrite"`.
pub(crate) fn named_rights(words: &[Word]) -> Option<String> {
    words.windows(2).find_map(|pair| {
        let text = |word: &Word| word.text.to_string().replace('"', "");
        let (account, rights) = (text(&pair[0]), text(&pair[1]).to_lowercase());
        let name = account.trim_matches(['(', ')', ' ']).to_lowercase();
        let writes = rights.split(['+', ' ']).any(|right| WRITING_NAMES.contains(&right.trim()));
        (writes && !is_owner(&name)).then(|| format!("{account}:{rights}"))
    })
}

/// The letters of `RW` stand side by side in the simple form.
fn is_writing(right: &str) -> bool {
    let right = right.trim().to_ascii_lowercase();
    WRITING.contains(&right.as_str()) || right == "rw" || right == "rxw"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Text;

    fn words_of(line: &str) -> Vec<Word> {
        super::super::words::split(&Text::parse(line))
    }

    fn granted(line: &str) -> Option<String> {
        write_access(&super::super::words::split(&Text::lit(line)), |_| false)
    }

    #[test]
    fn rights_that_let_the_application_write() {
        assert_eq!(granted("C:\\Data /grant Users:(OI)(CI)M").as_deref(), Some("Users:(OI)(CI)M"));
        assert_eq!(
            granted("C:\\Data /grant:r \"NT AUTHORITY\\LOCAL SERVICE\":(OI)(CI)(RX,W)").as_deref(),
            Some("NT AUTHORITY\\LOCAL SERVICE:(OI)(CI)(RX,W)")
        );
        assert_eq!(granted("C:\\Data /E /G Everyone:C").as_deref(), Some("Everyone:C"));
        assert_eq!(granted("C:\\Data /grant Users:(OI)(CI)RX"), None);
        assert_eq!(granted("C:\\Data /grant Administrators:F *S-1-5-18:(F)"), None);
        assert_eq!(granted("C:\\Data /deny Users:W"), None);
        assert_eq!(granted("C:\\Data /grant BUILTIN\\Administrators:F"), None);
        let whoever_runs = words_of("C:\\Data /grant {identity:USERDOMAIN}\\{identity:USERNAME}:F");
        assert_eq!(write_access(&whoever_runs, |_| false), None);
        let whoever_is_meant = words_of("C:\\Data /grant {arg:User}:F");
        assert_eq!(write_access(&whoever_is_meant, |_| false).as_deref(), Some("{arg:User}:F"));
        let named = |line: &str| named_rights(&super::super::words::split(&Text::lit(line)));
        assert_eq!(named("C:\\Data (BU) FullAccess").as_deref(), Some("(BU):fullaccess"));
        assert_eq!(named("C:\\Data (BU) GenericRead"), None);
        assert_eq!(named("C:\\Data (BA) FullAccess"), None);
    }

    #[test]
    fn the_profile_of_an_account_is_its_own() {
        let is_own = |place: &str, granted: &str| is_own_profile(&Location::file(&Text::lit(place)), granted);
        assert!(is_own(r"C:\Users\Builder\.ssh", "builder:(OI)(CI)F"));
        assert!(!is_own(r"C:\Users\Builder", "Users:(OI)(CI)F"));
        assert!(!is_own(r"C:\Users\Public", "public:F"));
        assert!(!is_own(r"C:\Data\builder", "builder:F"));
    }

    #[test]
    fn entries_of_descriptors() {
        let locked = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;GRFX;;;BU)";
        assert_eq!(descriptor_grants(locked), None);
        assert_eq!(descriptor_grants("O:BAG:SYD:P(A;OICI;KA;;;SY)(A;OICI;KR;;;AU)"), None);
        assert_eq!(descriptor_grants("D:(A;OICI;0x1200a9;;;BU)(D;;FA;;;WD)S:(AU;SA;FA;;;WD)"), None);
        assert_eq!(descriptor_grants(&locked.replace("GRFX", "FRFW")).as_deref(), Some("BU"));
        assert_eq!(descriptor_grants("D:(A;OICI;0x1301bf;;;S-1-5-19)").as_deref(), Some("S-1-5-19"));
        for broken in ["", "D:", "D:(", "D:(A;", "D:(A;;é;;;BU)", "D:(A;;0x;;;BU)"] {
            assert_eq!(descriptor_grants(broken), None, "{broken}");
        }
    }
}
