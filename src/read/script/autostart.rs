//! What is registered to be started later: values of Run keys, image paths of services, commands of tasks.

use super::call::file;
use super::handed;
use super::started::started;
use super::wix::MACHINE_ENVIRONMENT;
use super::words::{self, Word};
use crate::facts::{Clue, ClueKind, Location, Part, Text};
use crate::read::connection::{is_secret, without_secrets};

/// How a service is started, as clues say it.
pub(super) const SERVICE: &str = "service";

/// How a registry value starts a program: at each logon, at the next one, or with the machine.
fn how(location: &Location) -> Option<&'static str> {
    let key = location.key();
    if key.contains("\\currentversion\\run\\") {
        Some("run-key")
    } else if key.contains("\\currentversion\\runonce\\") {
        Some("run-once")
    } else if key.contains("\\currentcontrolset\\services\\") && key.ends_with("\\imagepath") {
        Some(SERVICE)
    } else if key.contains("\\currentcontrolset\\services\\") && key.ends_with("\\parameters\\application") {
        // What a wrapper runs as the service (documentation of srvany and of nssm).
        Some(SERVICE)
    } else {
        None
    }
}

/// What a registry value registers: a start, or a variable of every process that starts later.
pub(crate) fn of_value(location: &Location, command: &Text, here: &Text) -> Vec<Clue> {
    match how(location) {
        Some(how) => registered(how, command, here),
        None => variable(location, command).into_iter().collect(),
    }
}

/// Variables that Windows and its shells put together from several places.
const SHARED_VARIABLES: &[&str] = &["path", "pathext", "psmodulepath", "temp", "tmp"];

/// A variable of the machine (MS documentation: "Environment Variables", where they are kept).
pub(crate) fn variable(location: &Location, value: &Text) -> Option<Clue> {
    let key = location.key();
    let stem = MACHINE_ENVIRONMENT.to_lowercase();
    let name = key.strip_prefix(&stem)?.strip_prefix('\\')?;
    let plain = !name.is_empty() && !name.contains(['\\', '{']) && !SHARED_VARIABLES.contains(&name);
    let shown = value.to_string();
    let tells = !value.is_empty() && !value.has_unknown() && !is_secret(name) && without_secrets(&shown) == shown;
    (plain && tells).then(|| {
        // As it is written; names of variables do not differ by case.
        let name = location.file_name().filter(|n| n.eq_ignore_ascii_case(name)).unwrap_or(name);
        Clue::new(ClueKind::ConfigValue, format!("env/{name}"), shown).at(Location::named(value.clone()))
    })
}

/// The starts of a command line that a service manager, a scheduler or another program keeps, and what it hands to the
/// scripts that it starts. Interpreters are looked through.
pub(crate) fn registered(how: &str, command: &Text, here: &Text) -> Vec<Clue> {
    let command = &quoted_program(command);
    let said = command.to_string().trim_end().to_owned();
    let mut found = Vec::new();
    let mut start = |program: &Text, arguments: &[Word]| {
        let location = file(program, here);
        // A bare name is a program more often than a script; its words may be anything, secrets included.
        let given = location.extension().map_or_else(Vec::new, |_| handed::of_words(&location, arguments));
        found.push(Clue::new(ClueKind::Starts, how, &said).at(location));
        found.extend(given);
    };
    let programs = started(&said);
    for started in &programs {
        let arguments: Vec<Word> = started.arguments.iter().map(|word| Word::plain(Text::parse(word))).collect();
        start(&Text::parse(&started.program), &arguments);
    }
    if programs.is_empty()
        && let Some((program, arguments)) = words::split(command).split_first()
    {
        start(&program.text, arguments);
    }
    found
}

/// The same for a command line that a program hands to the system. A program without a folder is looked for where programs
/// are, in the current folder at best (MS documentation: "CreateProcessW").
pub(crate) fn called(how: &str, command: &Text, here: &Text) -> Vec<Clue> {
    let mut clues = registered(how, command, here);
    for clue in clues.iter_mut().filter(|clue| clue.kind == ClueKind::Starts) {
        let Some(location) = clue.location.as_mut() else { continue };
        let is_program = location.extension().is_none_or(|ending| ["exe", "com"].contains(&&*ending));
        let below = location.text().parts().get(here.parts().len()..).unwrap_or_default();
        if let (true, [Part::Lit(name)]) = (is_program && location.text().parts().starts_with(here.parts()), below)
            && let Some(name) = name.strip_prefix('\\').filter(|name| !name.contains('\\'))
            && !said_here(command, name)
        {
            *location = Location::file(&Text::lit(name));
        }
    }
    clues
}

/// The command says that the program is in the current folder.
fn said_here(command: &Text, name: &str) -> bool {
    let command = command.to_string();
    [".\\", "./"].iter().any(|here| command.contains(&format!("{here}{name}")))
}

/// Endings of files that a command line can start.
const PROGRAMS: &[&str] = &[".exe", ".cmd", ".bat", ".com", ".vbs", ".js", ".wsf", ".ps1", ".msi"];

/// A path with blanks that nobody quoted, in quotes: `CreateProcess` tries each prefix up to a blank (MS documentation:
/// "CreateProcessW", `lpApplicationName`), and the one that is meant ends as programs do.
pub(crate) fn quoted_program(command: &Text) -> Text {
    let parts = command.parts();
    let Some(at) = parts.iter().position(|p| matches!(p, Part::Lit(_))) else { return command.clone() };
    let Part::Lit(literal) = &parts[at] else { return command.clone() };
    let rooted = if at == 0 { literal.get(1..3) == Some(":\\") } else { literal.starts_with('\\') };
    let Some(blank) = literal.find(' ').filter(|_| rooted && at <= 1) else { return command.clone() };
    let lower = literal.to_ascii_lowercase();
    let is_program = |text: &str| PROGRAMS.iter().any(|ending| text.ends_with(ending));
    if is_program(&lower[..blank]) || lower[..].contains('"') {
        return command.clone();
    }
    let ends = lower.match_indices(' ').map(|(i, _)| i).chain([lower.len()]);
    let Some(end) = ends.into_iter().find(|end| is_program(&lower[..*end])) else { return command.clone() };
    // Another path in between: the first word was a program without an ending.
    if lower[..end].matches(":\\").count() > 1 {
        return command.clone();
    }
    let mut out = Text::lit("\"");
    for part in &parts[..at] {
        out.push(part.clone());
    }
    out.push_lit(&literal[..end]);
    out.push_lit("\"");
    out.push_lit(&literal[end..]);
    for part in &parts[at + 1..] {
        out.push(part.clone());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(key: &str, command: &str) -> Vec<String> {
        let location = Location::registry(&Text::lit(key));
        let clues = of_value(&location, &Text::parse(command), &Text::parse("{AppDir}"));
        clues.iter().map(|c| format!("{} {}", c.key, c.location.as_ref().unwrap())).collect()
    }

    #[test]
    fn what_is_registered_hands_its_arguments_on() {
        let run = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Tray";
        for line in
            ["\"C:\\App\\r.cmd\" C:\\D x", "cmd /c \"\"C:\\App\\r.cmd\" C:\\D x\"", "cmd.exe /c C:\\App\\r.cmd C:\\D x"]
        {
            assert_eq!(started(run, line), ["run-key C:\\App\\r.cmd", "arg/1 C:\\D", "arg/2 x"], "{line}");
        }
        let line = "powershell -NoProfile -File \"C:\\a b\\job.ps1\" -Path 'C:\\Jobs x' y";
        let found = started(run, line);
        assert_eq!(found, ["run-key C:\\a b\\job.ps1", "arg/path C:\\Jobs x", "arg/1 y"]);
    }

    #[test]
    fn run_keys_and_services() {
        let run = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Tray";
        assert_eq!(started(run, "{AppDir}\\tray.cmd /min"), ["run-key {AppDir}\\tray.cmd", "arg/1 /min"]);
        assert_eq!(started(run, "powershell -File C:\\a\\tray.ps1"), ["run-key C:\\a\\tray.ps1"]);
        let service = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Orders\\ImagePath";
        assert_eq!(started(service, "\"C:\\a b\\orders.exe\" -s"), ["service C:\\a b\\orders.exe"]);
        let said = |line: &str| started(service, line).join(",");
        assert_eq!(said("C:\\Program Files\\My App\\w.cmd -x"), "service C:\\Program Files\\My App\\w.cmd,arg/1 -x");
        assert_eq!(said("{ProgramFiles}\\My App\\w.exe -x y.exe"), "service {ProgramFiles}\\My App\\w.exe");
        assert_eq!(said("C:\\a\\run C:\\b c\\d.exe"), "service C:\\a\\run");
        let wrapped = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Orders\\Parameters\\Application";
        assert_eq!(started(wrapped, "C:\\a\\orders.exe"), ["service C:\\a\\orders.exe"]);
        assert!(started("HKLM\\Software\\Contoso\\Run", "C:\\a.exe").is_empty());
    }
}
