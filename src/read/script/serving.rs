//! Scripts that stay and serve: they listen, handle events, or do their work again and again. What such a script does it does
//! while the application runs, whatever starts it.

use super::endless;
use crate::discover::Kind;
use crate::facts::{Clue, ClueKind, NEVER_ENDS, Operation, Reading, STAYS, Site};

/// What only a script uses that waits for others, in lower case: listeners, and handlers of events (MS documentation,
/// "Register-ObjectEvent", "FileSystemWatcher.WaitForChanged", "SWbemServices.ExecNotificationQuery").
const LISTENS: &[&str] = &[
    "httplistener",
    "tcplistener",
    "udpclient",
    "namedpipeserverstream",
    "register-objectevent",
    "register-engineevent",
    "register-wmievent",
    "register-cimindicationevent",
    "wait-event",
    "waitforchanged",
    "execnotificationquery",
];
/// What a script waits with between two rounds.
const WAITS: &[&str] = &[
    "start-sleep",
    "sleep ",
    "[threading.thread]::sleep",
    "wscript.sleep",
    "timeout ",
    "ping ",
    "choice ",
    "waitfor ",
];
/// Most loops of one script that are looked at.
const MAX_LOOPS: usize = 64;

/// Says of a script that it stays.
pub(super) fn mark<'l>(lines: impl FnOnce() -> &'l endless::Lines, kind: Kind, reading: &mut Reading) {
    if !matches!(kind, Kind::Batch | Kind::PowerShell | Kind::VbScript | Kind::JScript | Kind::Wsf) {
        return;
    }
    let lines = lines();
    let counted = || lines.text.iter().filter(|line| !endless::is_remark(line));
    let has = |words: &[&str]| counted().any(|line| words.iter().any(|word| line.contains(word)));
    let never_ends = has(LISTENS) || endless::is_endless(lines.code(), kind);
    if never_ends || has(WAITS) && works_in_rounds(lines.code(), kind, reading) {
        let how = if never_ends { NEVER_ENDS } else { "it goes on" };
        reading.clue(Site::default(), Clue::new(ClueKind::Role, STAYS, how));
    }
}

/// Does a loop change something in each round? One that changes nothing only waits for what is to come.
fn works_in_rounds(lines: &[String], kind: Kind, reading: &Reading) -> bool {
    let changed: Vec<usize> = reading
        .facts
        .iter()
        .filter(|fact| fact.as_effect().is_some_and(|effect| effect.operation != Operation::Read))
        .filter_map(|fact| (fact.site.line? as usize).checked_sub(1))
        .collect();
    let in_loop = |from: usize, to: usize| changed.iter().any(|line| (from..=to).contains(line));
    let begins = lines.iter().enumerate().filter(|(_, line)| begins_loop(line, kind)).map(|(at, _)| at);
    begins.take(MAX_LOOPS).any(|from| in_loop(from, end_of(lines, from, kind)))
}

/// A label may be jumped back to.
fn begins_loop(line: &str, kind: Kind) -> bool {
    let begins = |words: &[&str]| {
        let word: String =
            line.trim_start_matches('}').trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
        words.contains(&word.as_str())
    };
    match kind {
        Kind::Batch => (line.starts_with(':') && !line.starts_with("::")) || begins(&["for"]),
        _ => begins(&["while", "do", "for"]),
    }
}

/// The last line of a loop: of its braces, or of the last jump back to its label; what is not that clear goes to the end.
fn end_of(lines: &[String], from: usize, kind: Kind) -> usize {
    let last = lines.len();
    match kind {
        Kind::Batch => {
            let Some(label) = lines[from].strip_prefix(':').map(str::trim) else { return last };
            let jumps = |line: &String| {
                let mut words =
                    line.split(|c: char| c.is_whitespace() || "(){}&|:@".contains(c)).filter(|w| !w.is_empty());
                words.any(|word| word == "goto") && words.next() == Some(label)
            };
            lines.iter().rposition(jumps).filter(|at| *at >= from).unwrap_or(from)
        }
        Kind::PowerShell => {
            let (mut depth, mut opened) = (0_i32, false);
            for (number, line) in lines.iter().enumerate().skip(from) {
                opened |= line.contains('{');
                depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
                if opened && depth <= 0 {
                    return number;
                }
            }
            last
        }
        _ => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{Application, Artifact};
    use crate::read::read_bytes;

    fn stays(name: &str, kind: Kind, text: &str) -> bool {
        let reading = read_bytes(&Application::default(), &Artifact::at(name), kind, text.as_bytes());
        reading.facts.iter().filter_map(|fact| fact.as_clue()).any(|clue| clue.key == STAYS)
    }

    #[test]
    fn what_listens_or_works_in_rounds_stays() {
        let shell = |text: &str| stays("a.ps1", Kind::PowerShell, text);
        assert!(shell("while (1)\n{\n  Start-Sleep 9\n  Set-Content C:\\s\\a.json 1\n}\n"));
        assert!(shell("while (Test-Path C:\\s\\on) {\n  Set-Content C:\\s\\a.json 1\n  Start-Sleep 9\n}\n"));
        assert!(shell("do {\n  Copy-Item C:\\s\\a C:\\s\\b\n  sleep 9\n} until ($over)\n"));
        assert!(shell("$w = New-Object IO.FileSystemWatcher C:\\s\nRegister-ObjectEvent $w Created -Action { }\n"));
        assert!(shell("$l = [Net.HttpListener]::new()\n"));
        assert!(!shell("while (-not (Test-Path D:\\)) {\n  Start-Sleep 9\n}\nSet-Content C:\\s\\a.json 1\n"));
        assert!(!shell("Set-Content C:\\s\\a.json 1\n# HttpListener\n"));
        let batch = |text: &str| stays("a.cmd", Kind::Batch, text);
        assert!(batch(":more\ncopy C:\\s\\a C:\\s\\b\ntimeout /t 9\ngoto more\n"));
        assert!(batch(":more\ncopy C:\\s\\a C:\\s\\b\ntimeout /t 9\nif exist C:\\s\\on goto :more\n"));
        assert!(!batch(":more\ntimeout /t 9\nif not exist D:\\ goto more\ncopy C:\\s\\a C:\\s\\b\n"));
        let basic = "Do While True\n  WScript.Sleep 9000\n  fso.CopyFile \"C:\\s\\a\", \"C:\\s\\b\"\nLoop\n";
        let basic = format!("Set fso = CreateObject(\"Scripting.FileSystemObject\")\n{basic}");
        assert!(stays("a.vbs", Kind::VbScript, &basic));
        assert!(!stays("a.vbs", Kind::VbScript, &basic.replace("Do While True", "").replace("Loop", "")));
    }
}
