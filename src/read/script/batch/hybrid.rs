//! Files that are valid in two languages: commands for cmd that start another program on the file itself.

/// Most lines before the other language begins.
const MAX_HEAD: usize = 40;

/// Another language that the same file is valid in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::read::script) enum Hybrid {
    /// JScript behind a comment that holds the commands.
    JScript,
    /// PowerShell: this text, in which the commands are blank so that places stay.
    PowerShell(String),
    /// A Windows script file behind a comment that holds the commands.
    Wsf,
    /// A language that is not read.
    Other(&'static str),
}

/// Tells the tricks by which one file is valid in two languages.
pub(super) fn of(text: &str) -> Option<Hybrid> {
    let head: String = text.lines().take(12).collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    let squeezed: String = head.chars().filter(|c| !c.is_whitespace()).collect();
    if squeezed.contains("@if(@")
        || squeezed.contains("@set@") && squeezed.contains("@end")
        || squeezed.starts_with("0</*")
    {
        Some(Hybrid::JScript)
    } else if squeezed.starts_with("<!--:") {
        Some(Hybrid::Wsf)
    } else if squeezed.starts_with("/*") || squeezed.starts_with("//") && squeezed.contains("csc") {
        Some(Hybrid::Other("C#"))
    } else if squeezed.starts_with("<#:") {
        Some(Hybrid::PowerShell(text.to_owned()))
    } else if let (true, Some(end)) = (head.contains("<#"), head.find("#>")) {
        Some(Hybrid::PowerShell(blanked(text, |start, _| start < end)))
    } else if squeezed.starts_with("@rem='") || squeezed.contains("@rem=--*-perl") {
        Some(Hybrid::Other("Perl"))
    } else {
        reads_itself(text)
    }
}

/// A line that hands the file itself to PowerShell: what stands behind the end of the commands is PowerShell, or all
/// lines that do not begin with the mark of the commands.
fn reads_itself(text: &str) -> Option<Hybrid> {
    let mut at = 0;
    let mut handed = false;
    for line in text.split_inclusive('\n').take(MAX_HEAD) {
        let lower = line.to_ascii_lowercase();
        at += line.len();
        let own_path = ["%~f0", "%~dpnx0", "%~0", "'%0'", "\"%0\""].iter().any(|path| lower.contains(path));
        let reads = ["get-content", "gc ", "readalltext", "readalllines", "${%~f0}", "findstr"];
        handed |= lower.contains("powershell") && own_path && reads.iter().any(|word| lower.contains(word));
        if !handed {
            continue;
        }
        if text.starts_with("@@") {
            return Some(Hybrid::PowerShell(blanked(text, |_, line| line.starts_with("@@"))));
        }
        let ends =
            lower.replace(' ', "").contains("goto:eof") || lower.trim_start_matches('@').trim().starts_with("exit");
        if ends || lower.contains("&exit") || lower.contains("& exit") {
            return Some(Hybrid::PowerShell(blanked(text, |start, _| start < at)));
        }
    }
    None
}

/// The text without the line on which conditional compilation of JScript ends.
pub(super) fn without_opening(text: &str) -> String {
    let mut open = true;
    blanked(text, |_, line| {
        let is_opening = open && line.to_ascii_lowercase().contains("@end");
        open &= !is_opening;
        is_opening
    })
}

/// The text with some of its lines made blank; each is told by where it begins.
fn blanked(text: &str, mut is_command: impl FnMut(usize, &str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if is_command(at, line) {
            out.extend(line.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            out.push_str(line);
        }
        at += line.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn powershell(text: &str) -> Option<String> {
        match of(text)? {
            Hybrid::PowerShell(code) => Some(code.trim().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn commands_that_hand_their_file_to_powershell() {
        let line = "@PowerShell -Command \"iex ((Get-Content '%~f0') -join ';')\" & goto :EOF\nmd C:\\x\n";
        assert_eq!(powershell(line).as_deref(), Some("md C:\\x"));
        let marked = "@@:: x\n@@findstr /v \"^@@\" \"%~f0\" | powershell -\n@@goto :eof\nmd C:\\x\n@@rem\nmd C:\\y\n";
        assert_eq!(powershell(marked).as_deref(), Some("md C:\\x\n     \nmd C:\\y"));
        let lines = "@echo off\npowershell -c \"iex([IO.File]::ReadAllText('%~f0'))\"\nexit /b\nmd C:\\x";
        assert_eq!(powershell(lines).as_deref(), Some("md C:\\x"));
    }

    #[test]
    fn commands_that_only_mention_their_file_stay_alone() {
        assert_eq!(of("@echo off\npowershell Start-Process -Verb RunAs '%~f0'\nexit /b\nmd C:\\x"), None);
        assert_eq!(of("@echo off\npowershell -File x.ps1\ngoto :eof\n"), None);
    }
}
