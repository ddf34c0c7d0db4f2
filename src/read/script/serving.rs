//! Scripts that stay and serve: they listen, handle events, or do their work again and again. What such a script does it does
//! while the application runs, whatever starts it.

use super::{endless, rounds};
use crate::discover::Kind;
use crate::facts::{Body, Clue, ClueKind, NEVER_ENDS, Operation, Reading, STAYS, Site};

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

/// Says of a script that it stays.
pub(super) fn mark<'l>(lines: impl FnOnce() -> &'l endless::Lines, kind: Kind, reading: &mut Reading) {
    if !matches!(kind, Kind::Batch | Kind::PowerShell | Kind::VbScript | Kind::JScript | Kind::Wsf) {
        return;
    }
    let lines = lines();
    let counted = || lines.text.iter().filter(|line| !endless::is_remark(line));
    let has = |words: &[&str]| counted().any(|line| words.iter().any(|word| line.contains(word)));
    let never_ends = has(LISTENS) || endless::is_endless(lines.code(), kind);
    if never_ends || rounds::goes_on(lines.code(), kind, &changed(reading)) {
        let how = if never_ends { NEVER_ENDS } else { "it goes on" };
        reading.clue(Site::default(), Clue::new(ClueKind::Role, STAYS, how));
    }
}

/// The lines that change or start something, from 0.
fn changed(reading: &Reading) -> Vec<usize> {
    let changes = |body: &Body| match body {
        Body::Effect(effect) => effect.operation != Operation::Read,
        Body::Clue(clue) => clue.kind == ClueKind::Starts,
    };
    let facts = reading.facts.iter().filter(|fact| changes(&fact.body));
    facts.filter_map(|fact| (fact.site.line? as usize).checked_sub(1)).collect()
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
        assert!(shell(
            "while ($true) {\n  if (Test-Path C:\\s\\off) { break }\n  Copy-Item C:\\s\\a C:\\s\\b\n  sleep 9\n}\n"
        ));
        assert!(shell(
            "while ($true) { foreach ($f in $g) { break }\n  Copy-Item C:\\s\\a C:\\s\\b\n  sleep 9\n}\nmd C:\\t\n"
        ));
        assert!(batch(":more\ncopy C:\\s\\a C:\\s\\b\nif errorlevel 1 exit /b\ntimeout 9\ngoto more\n"));
        assert!(batch("for /l %%i in (0,0,1) do (\n  copy C:\\s\\a C:\\s\\b\n  timeout 9\n)\n"));
        let basic = "Do While True\n  WScript.Sleep 9000\n  fso.CopyFile \"C:\\s\\a\", \"C:\\s\\b\"\nLoop\n";
        let basic = format!("Set fso = CreateObject(\"Scripting.FileSystemObject\")\n{basic}");
        assert!(stays("a.vbs", Kind::VbScript, &basic));
        assert!(!stays("a.vbs", Kind::VbScript, &basic.replace("Do While True", "").replace("Loop", "")));
    }

    #[test]
    fn what_waits_counts_or_tries_again_leads_on() {
        let shell = |text: &str| stays("a.ps1", Kind::PowerShell, &format!("{text}\nSet-Content C:\\s\\z 1\n"));
        assert!(!shell("for ($i = 0; $i -lt 5; $i++) { try { Copy-Item C:\\a C:\\b; break } catch { sleep 9 } }"));
        assert!(!shell("while ($true) { try { Copy-Item C:\\a C:\\b; break } catch { sleep 9 } }"));
        assert!(!shell("while (-not (Test-Path D:\\)) { Add-Content C:\\s\\log wait; Start-Sleep 1 }"));
        assert!(!shell("do {\n  Add-Content C:\\s\\log wait\n  sleep 9\n  $up = Test-Path D:\\\n} until ($up)"));
        assert!(!shell("sleep 5\nfor ($i = 1; $i -le 3; $i++) {\n  Set-Content C:\\s\\a 1\n}"));
        assert!(!shell(
            "function W {\n  while ($true) {\n    if (Test-Path D:\\) { return }\n    Add-Content C:\\s\\log wait\n    sleep 1\n  }\n}\nW"
        ));
        let batch = |text: &str| stays("a.cmd", Kind::Batch, &format!("{text}\ncopy C:\\s\\a C:\\s\\b\n"));
        let wait = "set n=0\n:w\nif exist D:\\ goto up\nset /a n+=1\nif %n% geq 30 (\n  echo no >> C:\\s\\log\n  exit /b 1\n)\n";
        assert!(!batch(&format!("{wait}timeout /t 2\ngoto w\n:up")));
        assert!(!batch(":w\nif not exist D:\\ (\n  timeout 5\n  goto w\n)"));
        assert!(!batch(":w\nrobocopy C:\\a C:\\b\nif errorlevel 8 (\n  timeout 5\n  goto w\n)"));
        assert!(!batch(":w\ncopy D:\\a C:\\b\nif not errorlevel 1 goto done\ntimeout 5\ngoto w\n:done"));
    }
}
