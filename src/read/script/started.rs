//! What a command line starts, told from its words alone: the file behind an interpreter, not the interpreter.

/// Most commands of one command line.
const MAX_COMMANDS: usize = 64;

/// A file that a command line starts, and the words behind its name.
pub(crate) struct Started {
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
}

/// What a command line starts, in order.
pub(crate) fn started(line: &str) -> Vec<Started> {
    commands(line).iter().take(MAX_COMMANDS).filter_map(|words| of_words(words)).collect()
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

/// What one command starts.
fn of_words(words: &[String]) -> Option<Started> {
    let (first, rest) = words.split_first()?;
    let name = first.rsplit(['\\', '/']).next().unwrap_or(first).to_lowercase();
    let after = |switches: &[&str]| {
        let at = rest.iter().position(|w| switches.iter().any(|s| w.eq_ignore_ascii_case(s)))?;
        (at + 1 < rest.len()).then_some(at + 1)
    };
    let plain = || rest.iter().position(|w| !w.starts_with(['/', '-']));
    let inner = match name.trim_end_matches(".exe") {
        "cmd" => {
            return match rest.get(after(&["/c", "/k"])?..)? {
                // A quoted command is one word here.
                [line] => of_words(commands(line).first()?),
                words => of_words(words),
            };
        }
        "call" | "start" => return of_words(rest),
        "powershell" | "pwsh" => {
            // Behind -Command all is of the command.
            let own = after(&["-command", "-c"]).unwrap_or(rest.len());
            after(&["-file", "-f"])
                .filter(|at| *at < own)
                .or_else(|| rest.iter().position(|w| w.to_lowercase().ends_with(".ps1")))
        }
        "cscript" | "wscript" | "mshta" | "rundll32" => plain(),
        "msiexec" => after(&["/i", "/package", "-i"]),
        "regedit" | "regedt32" => plain(),
        "dotnet" | "java" | "python" | "node" | "php" => plain(),
        _ => None,
    };
    let (program, arguments) = match inner {
        Some(at) => (rest.get(at)?, rest.get(at + 1..).unwrap_or_default()),
        None => (first, rest),
    };
    Some(Started { program: program.trim_matches('\'').to_owned(), arguments: without_apostrophes(arguments) })
}

/// Words as PowerShell divides them, which holds them together with apostrophes too.
fn without_apostrophes(words: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for word in words {
        match out.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => out.push(word.clone()),
        }
        open = out.last().is_some_and(|w| w.starts_with('\'') && (w.len() == 1 || !w.ends_with('\'')));
    }
    let whole = |w: String| match w.strip_prefix('\'').and_then(|w| w.strip_suffix('\'')) {
        Some(inner) => inner.to_owned(),
        None => w,
    };
    out.into_iter().map(whole).collect()
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
            ("powershell -Command Remove-Item x -File y", &["powershell"]),
            ("msiexec /quiet /i e.msi", &["e.msi"]),
            ("mkdir x && g.exe", &["mkdir", "g.exe"]),
            ("dotnet Desk.dll --urls x", &["Desk.dll"]),
            ("", &[]),
        ] {
            let programs: Vec<String> = started(line).into_iter().map(|started| started.program).collect();
            assert_eq!(programs, expected, "{line}");
        }
    }
}
