//! What is registered to be started later: values of Run keys, image paths of services, commands of tasks.

use super::call::file;
use super::words;
use crate::facts::{Clue, ClueKind, Location, Text};
use crate::read::config::command::programs;

/// How a registry value starts a program: at each logon, at the next one, or with the machine.
fn how(location: &Location) -> Option<&'static str> {
    let key = location.key();
    if key.contains("\\currentversion\\run\\") {
        Some("run-key")
    } else if key.contains("\\currentversion\\runonce\\") {
        Some("run-once")
    } else if key.contains("\\currentcontrolset\\services\\") && key.ends_with("\\imagepath") {
        Some("service")
    } else {
        None
    }
}

/// The starts that a registry value registers.
pub(crate) fn of_value(location: &Location, command: &Text, here: &Text) -> Vec<Clue> {
    how(location).map_or_else(Vec::new, |how| registered(how, command, here))
}

/// The starts of a command line that a service manager or scheduler keeps. Interpreters are looked through.
pub(crate) fn registered(how: &str, command: &Text, here: &Text) -> Vec<Clue> {
    let said = command.to_string();
    let start = |program: &Text| {
        let location = file(program, here);
        Clue::new(ClueKind::Starts, how, &said).at(location)
    };
    let found: Vec<Clue> = programs(&said).iter().map(|program| start(&Text::parse(program))).collect();
    if !found.is_empty() {
        return found;
    }
    words::split(command).first().map(|word| start(&word.text)).into_iter().collect()
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
    fn run_keys_and_services() {
        let run = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Tray";
        assert_eq!(started(run, "{AppDir}\\tray.cmd /min"), ["run-key {AppDir}\\tray.cmd"]);
        assert_eq!(started(run, "powershell -File C:\\a\\tray.ps1"), ["run-key C:\\a\\tray.ps1"]);
        let service = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Orders\\ImagePath";
        assert_eq!(started(service, "\"C:\\a b\\orders.exe\" -s"), ["service C:\\a b\\orders.exe"]);
        assert!(started("HKLM\\Software\\Contoso\\Run", "C:\\a.exe").is_empty());
    }
}
