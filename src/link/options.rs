//! Folders that the command line of a service names: `--data-dir C:\data` says where the program keeps what it knows, and
//! `--log-file` where its log is, also where the program is not among the files, or cannot be followed.

use super::phases::edge_phase;
use crate::catalog::config::{WordRole, is_word};
use crate::facts::{
    Certainty, Clue, ClueKind, Effect, Fact, Location, Operation, Phase, Place, Reading, Step, Store, Text,
};
use crate::read::script::words::split;

/// Most words of a command line that are looked at.
const MAX_WORDS: usize = 200;

/// An option with the place that it names.
pub(super) struct Named {
    /// As it is written, with its dashes.
    pub(super) option: String,
    pub(super) location: Location,
}

/// What the program keeps, as the command line of a service says.
pub(super) fn data(clue: &Clue) -> Vec<Named> {
    named(clue, WordRole::DataOption)
}

/// Adds the logs that command lines of services name.
pub(super) fn add_logs(readings: &mut [Reading]) {
    for reading in readings {
        let mut logs = Vec::new();
        for fact in super::steps::counted(&reading.facts) {
            let Some(clue) = fact.as_clue() else { continue };
            for Named { option, location } in named(clue, WordRole::LogOption) {
                let location = if location.extension().is_some() { location } else { location.child(&Text::unknown()) };
                let effect = Effect::new(Operation::Append, Store::Log, location, Certainty::Likely, &*option)
                    .in_phase(Phase::Run, "the program is started with it")
                    .because(Step::new(format!("the program is started with {option}: {}", clue.value)));
                logs.push(Fact::effect(fact.site.clone(), effect));
            }
        }
        reading.facts.extend(logs);
    }
}

fn named(clue: &Clue, role: WordRole) -> Vec<Named> {
    if clue.kind != ClueKind::Starts || edge_phase(&clue.key) != Some(Phase::Run) {
        return Vec::new();
    }
    let words: Vec<String> =
        split(&Text::parse(&clue.value)).into_iter().take(MAX_WORDS).map(|word| word.text.to_string()).collect();
    let mut found = Vec::new();
    for (n, word) in words.iter().enumerate().skip(1).filter(|(_, word)| word.starts_with(['-', '/'])) {
        let (option, value) = match word.find(['=', ':']) {
            Some(at) => (&word[..at], word.get(at + 1..)),
            None => (word.as_str(), words.get(n + 1).map(String::as_str)),
        };
        let Some(value) = value.filter(|_| ends_with_one(option, role)) else { continue };
        let location = Location::file(&Text::parse(value.trim_matches('"')));
        // A relative name is below a folder that only the service knows.
        let begins = location.text().leading_lit();
        let is_whole = begins.is_empty() || begins.starts_with("\\\\") || begins.get(1..2) == Some(":");
        if is_whole && !matches!(location.file_place(), Place::Unknown | Place::Device | Place::Temp) {
            found.push(Named { option: option.to_owned(), location });
        }
    }
    found
}

/// The last words of an option have this role, written together: whole words, as `--catalog-file` names no log.
fn ends_with_one(option: &str, role: WordRole) -> bool {
    let parts: Vec<String> =
        option.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
    (0..parts.len()).any(|from| is_word(&parts.get(from..).unwrap_or_default().concat(), role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_options_name() {
        let of = |key: &str, line: &str| -> Vec<String> {
            let clue = Clue::new(ClueKind::Starts, key, line.to_owned());
            let all = data(&clue).into_iter().chain(named(&clue, WordRole::LogOption));
            all.map(|named| format!("{} {}", named.option, named.location)).collect()
        };
        let line =
            "\"C:\\a b\\desk.exe\" serve --data-dir=\"D:\\my data\" -storage.tsdb.path C:\\t --log-file C:\\l\\x.log";
        let expected = ["--data-dir D:\\my data", "-storage.tsdb.path C:\\t", "--log-file C:\\l\\x.log"];
        assert_eq!(of("service", line), expected);
        assert_eq!(of("run", line), [""; 0], "a script that starts it says nothing of when");
        assert_eq!(of("service", "desk.exe /datadir:{ProgramData}\\Desk"), ["/datadir {ProgramData}\\Desk"]);
        assert_eq!(of("service", "desk.exe --data-dir data --metadata C:\\m --catalog-file C:\\c --data-dir"), [""; 0]);
    }
}
