//! Scripts that never end: one that goes round and round stays on the machine that it runs on, and serves there. It is no
//! script of those who build or deploy from outside, whatever it calls on the way.

use super::powershell;
use crate::discover::Kind;
use crate::facts::{Body, ClueKind, Reading};
use std::collections::HashSet;

/// The lines of a script, trimmed and in lower case.
pub(super) struct Lines {
    /// As they are written.
    pub(super) text: Vec<String>,
    /// Without texts and comments, where these may hold a script of their own.
    code: Option<Vec<String>>,
}

impl Lines {
    pub(super) fn of(text: &str, kind: Kind) -> Self {
        let lines = |text: &str| text.lines().map(|line| line.trim().to_ascii_lowercase()).collect();
        Lines { text: lines(text), code: (kind == Kind::PowerShell).then(|| lines(&powershell::code(text))) }
    }

    pub(super) fn code(&self) -> &[String] {
        self.code.as_deref().unwrap_or(&self.text)
    }
}

/// Leaves out what says of a script that goes round for ever that it runs outside of an instance.
pub(super) fn mark<'l>(lines: impl FnOnce() -> &'l Lines, kind: Kind, reading: &mut Reading) {
    let is_outside = |body: &Body| match body {
        Body::Clue(clue) => clue.kind == ClueKind::RunsIn && clue.key.is_empty() && clue.location.is_some(),
        Body::Effect(_) => false,
    };
    if !reading.facts.iter().any(|fact| is_outside(&fact.body)) {
        return;
    }
    if is_endless(lines().code(), kind) {
        reading.facts.retain(|fact| !is_outside(&fact.body));
    }
}

/// Does a script of these lines go round for ever?
pub(super) fn is_endless(lines: &[String], kind: Kind) -> bool {
    match kind {
        Kind::Batch => jumps_back(lines),
        Kind::PowerShell => goes_round(lines),
        _ => false,
    }
}

/// Batch files: a `goto` that no condition guards, to a label above, with no other way out between them.
fn jumps_back(lines: &[String]) -> bool {
    let target = |line: &str| {
        let line = line.trim_start_matches('@');
        let rest = line.strip_prefix("goto").filter(|rest| rest.starts_with([' ', '\t', ':']))?;
        Some(rest.trim_start().trim_start_matches(':').to_owned())
    };
    // What is called may end the script: `exit` does, `exit /b` only goes back.
    let counts = || lines.iter().filter(|line| !is_remark(line));
    let ends = |line: &String| leaves(line, &["exit"]) && !line.contains("/b");
    if counts().any(|line| line.contains("call ")) && counts().any(ends) {
        return false;
    }
    // The labels since the last way out: from none above it does one go round for ever.
    let mut labels: HashSet<&str> = HashSet::new();
    for (line, depth) in lines.iter().zip(super::rounds::depths(lines)) {
        // In a block a condition guards it.
        if depth == 0 && target(line).is_some_and(|label| labels.contains(label.as_str())) {
            return true;
        }
        if !is_remark(line) && leaves(line, &["exit", "goto"]) {
            labels.clear();
        }
        if let Some(label) = line.strip_prefix(':') {
            labels.insert(label.trim());
        }
    }
    false
}

/// Most loops of one script that are looked at.
const MAX_LOOPS: usize = 64;

/// PowerShell: a loop whose condition always holds, and nothing in it that leaves it.
fn goes_round(lines: &[String]) -> bool {
    // A function that is called in the loop may end the script.
    let has_functions = lines.iter().any(|line| line.starts_with("function "));
    if has_functions && lines.iter().filter(|line| !is_remark(line)).any(|line| leaves(line, &["exit", "throw"])) {
        return false;
    }
    let plain = |line: &String| line.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let is_loop = |line: &String| {
        let begins = plain(line);
        ENDLESS.iter().any(|loops| begins.starts_with(loops))
    };
    lines.iter().enumerate().filter(|(_, line)| is_loop(line)).take(MAX_LOOPS).any(|(at, _)| {
        let mut depth = 0_i32;
        for (number, line) in lines.iter().skip(at).enumerate().filter(|(_, line)| !is_remark(line)) {
            if leaves(line, &["break", "exit", "return", "throw"]) {
                return false;
            }
            depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
            // The brace may stand on the next line.
            if depth <= 0 && number > 0 && line.contains('}') {
                break;
            }
        }
        true
    })
}

/// How loops begin that go on whatever happens, without blanks.
const ENDLESS: &[&str] = &["while($true)", "while(1)", "for(;;)"];

pub(super) fn is_remark(line: &str) -> bool {
    ["#", "::", "rem ", "@rem ", "'", "//"].iter().any(|mark| line.starts_with(mark))
}

fn leaves(line: &str, words: &[&str]) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '$').any(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{Application, Artifact};
    use crate::read::read_bytes;

    fn is_outside(name: &str, kind: Kind, text: &str) -> bool {
        let reading = read_bytes(&Application::default(), &Artifact::at(name), kind, text.as_bytes());
        reading.facts.iter().filter_map(|fact| fact.as_clue()).any(|clue| clue.kind == ClueKind::RunsIn)
    }

    #[test]
    fn what_goes_round_for_ever_stays_on_the_machine() {
        let shell = |text: &str| is_outside("a.ps1", Kind::PowerShell, text);
        let build = "docker build -t a .";
        assert!(shell(build));
        assert!(!shell(&format!("while ($true) {{\n  {build}\n  Start-Sleep 60\n}}\n")));
        assert!(!shell(&format!("for (;;)\n{{\n  {build}\n}}\n")));
        assert!(shell(&format!("{build}\nwhile ($true) {{\n  if (Test-Path a) {{ break }}\n}}\n")));
        assert!(shell(&format!("{build}\nwhile (-not (Test-Path a)) {{ Start-Sleep 5 }}\n")));
        let service = "while ($true) {\n  Start-Sleep 60\n}\n";
        assert!(shell(&format!("{build}\n$other = @'\n{service}'@\n")), "it is another script");
        assert!(shell(&format!("{build}\n<#\n{service}#>\n")));
        let batch = |text: &str| is_outside("a.cmd", Kind::Batch, text);
        assert!(batch(build));
        assert!(!batch(&format!(":again\n{build}\ntimeout 60\ngoto again\n")));
        assert!(batch(&format!(":again\n{build}\nif errorlevel 1 goto :eof\ngoto again\n")));
        assert!(batch(&format!(":again\n{build}\nif errorlevel 1 goto again\n")));
        let menu = format!(":menu\nset /p c=Choice\ncall :do%c%\ngoto menu\n:do1\n{build}\nexit /b\n:do2\n");
        assert!(batch(&format!("{menu}exit\n")));
        assert!(!batch(&format!("{menu}exit /b\n")));
        assert!(shell(&format!("function End {{\n  exit\n}}\nwhile ($true) {{\n  {build}\n  End\n}}\n")));
    }

    #[test]
    fn many_jumps_are_looked_through_once() {
        let lines: Vec<String> = (0..40_000).map(|n| format!("if a goto x{n}")).collect();
        let jumps: Vec<String> = (0..40_000).map(|n| format!("goto x{n}")).collect();
        assert!(!jumps_back(&[lines, jumps].concat()));
        let mut loops = vec!["while ($true) {".to_owned(); 8_000];
        loops.push("break".to_owned());
        assert!(!goes_round(&loops));
    }
}
