//! Who may write, by the arguments of the tools that set access lists: `Users:(OI)(CI)M` for `icacls`
//! (MS documentation: "icacls", "cacls"), `/grant:Users,change` for others.

use super::words::Word;

/// Accounts that may write everywhere anyway: a right for them says nothing of the application. The last two are
/// Administrators and the system, by security id.
const OWNERS: &[&str] =
    &["administrators", "administrator", "system", "trustedinstaller", "creator owner", "s-1-5-32-544", "s-1-5-18"];

/// Simple and specific rights that let data be written: full, modify, change, write, generic all and write, write
/// data, append data.
const WRITING: &[&str] = &["f", "m", "c", "w", "ga", "gw", "wd", "ad"];

/// The first account and right of a grant that lets an account of the application write.
pub(crate) fn write_access(words: &[Word]) -> Option<String> {
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
        let name = account.trim_start_matches('*').to_lowercase();
        let name = name.rsplit('\\').next().unwrap_or(&name);
        if !OWNERS.contains(&name) && rights.split(['(', ')', ',', ';']).any(is_writing) {
            return Some(text);
        }
    }
    None
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
    // Administrators and the system, by the abbreviations of security descriptors.
    let owner = |name: &str| OWNERS.contains(&name) || matches!(name, "ba" | "sy" | "co");
    words.windows(2).find_map(|pair| {
        let text = |word: &Word| word.text.to_string().replace('"', "");
        let (account, rights) = (text(&pair[0]), text(&pair[1]).to_lowercase());
        let name = account.trim_matches(['(', ')', ' ']).to_lowercase();
        let writes = rights.split(['+', ' ']).any(|right| WRITING_NAMES.contains(&right.trim()));
        (writes && !owner(&name)).then(|| format!("{account}:{rights}"))
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

    fn granted(line: &str) -> Option<String> {
        write_access(&super::super::words::split(&Text::lit(line)))
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
        let named = |line: &str| named_rights(&super::super::words::split(&Text::lit(line)));
        assert_eq!(named("C:\\Data (BU) FullAccess").as_deref(), Some("(BU):fullaccess"));
        assert_eq!(named("C:\\Data (BU) GenericRead"), None);
        assert_eq!(named("C:\\Data (BA) FullAccess"), None);
    }
}
