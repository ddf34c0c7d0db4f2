//! Command lines in configuration: which file each of them really starts.
//!
//! `cmd /c x.cmd`, `powershell -File x.ps1` and `msiexec /i x.msi` start `x`; the link between artifacts needs that
//! name, not the name of the interpreter.

use super::document::Document;
use super::tree::NodeId;
use crate::facts::{Clue, ClueKind, Location, Reading, Text};

/// Most commands of one command line.
const MAX_COMMANDS: usize = 64;

/// Says what a command line starts; `how` is the kind of start that a phase follows from.
pub(crate) fn starts(
    document: &mut Document<'_>,
    reading: &mut Reading,
    at: NodeId,
    how: &str,
    line: &str,
    base: &Text,
) {
    for program in programs(line) {
        let location = Location::file(&crate::facts::join_paths(base, &Text::lit(&program)));
        document.clue(reading, at, Clue::new(ClueKind::Starts, how, &program).at(location));
    }
}

/// The files that a command line starts, in order.
pub(crate) fn programs(line: &str) -> Vec<String> {
    commands(line).iter().take(MAX_COMMANDS).filter_map(|words| started(words)).collect()
}

/// The words of each command: `&`, `&&`, `||`, `|` and `;` separate commands, redirections are left out.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word = String::new();
    let mut quoted = false;
    let mut skip = false;
    let end = |word: &mut String, skip: &mut bool, commands: &mut Vec<Vec<String>>| {
        if !word.is_empty() {
            let word = std::mem::take(word);
            if !std::mem::take(skip)
                && let Some(last) = commands.last_mut()
            {
                last.push(word);
            }
        }
    };
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            // `2>&1` joins two handles.
            '&' if !quoted && skip && word.is_empty() => {}
            '&' | '|' | ';' if !quoted => {
                end(&mut word, &mut skip, &mut commands);
                skip = false;
                commands.push(Vec::new());
            }
            // What follows is a file, and `2` before it a handle.
            '>' | '<' if !quoted => {
                if word.chars().all(|c| c.is_ascii_digit()) {
                    word.clear();
                }
                end(&mut word, &mut skip, &mut commands);
                skip = true;
            }
            c if c.is_whitespace() && !quoted => end(&mut word, &mut skip, &mut commands),
            c => word.push(c),
        }
    }
    end(&mut word, &mut skip, &mut commands);
    commands
}

/// The file that one command starts.
fn started(words: &[String]) -> Option<String> {
    let first = words.first()?;
    let name = first.rsplit(['\\', '/']).next().unwrap_or(first).to_lowercase();
    let rest = &words[1..];
    let after = |switches: &[&str]| {
        let at = rest.iter().position(|w| switches.iter().any(|s| w.eq_ignore_ascii_case(s)))?;
        rest.get(at + 1)
    };
    let plain = || rest.iter().find(|w| !w.starts_with(['/', '-']));
    let inner = match name.trim_end_matches(".exe") {
        "cmd" => {
            let at = rest.iter().position(|w| ["/c", "/k"].iter().any(|s| w.eq_ignore_ascii_case(s)))?;
            // A quoted command is one word here.
            let line = rest.get(at + 1..)?.join(" ");
            return started(commands(&line).first()?);
        }
        "call" | "start" => return started(rest),
        "powershell" | "pwsh" => {
            after(&["-file", "-f"]).or_else(|| rest.iter().find(|w| w.to_lowercase().ends_with(".ps1")))
        }
        "cscript" | "wscript" | "mshta" | "rundll32" => plain(),
        "msiexec" => after(&["/i", "/package", "-i"]),
        "regedit" | "regedt32" => plain(),
        "dotnet" | "java" | "python" | "node" | "php" => plain(),
        _ => None,
    };
    Some(inner.unwrap_or(first).trim_matches('\'').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_looked_through() {
        for (line, expected) in [
            ("setup.cmd > log.txt 2>&1", &["setup.cmd"][..]),
            ("\"my setup.cmd\" /q", &["my setup.cmd"]),
            ("cmd.exe /c start\\a.cmd arg", &["start\\a.cmd"]),
            ("cmd /c \"call b.cmd\"", &["b.cmd"]),
            ("powershell -ExecutionPolicy Unrestricted -File .\\c.ps1 -X 1", &[".\\c.ps1"]),
            ("powershell -Command \"& '.\\d.ps1'\"", &["powershell"]),
            ("msiexec /quiet /i e.msi", &["e.msi"]),
            ("mkdir x && g.exe", &["mkdir", "g.exe"]),
            ("dotnet Desk.dll --urls x", &["Desk.dll"]),
            ("", &[]),
        ] {
            assert_eq!(programs(line), expected, "{line}");
        }
    }
}
