//! Markers: a test for a file that keeps what follows from being done twice.

use super::sink::may_be_log;
use crate::facts::{Body, Clue, ClueKind, Fact, Location, Operation, Origin, Reading, Site, Step, Store};
use crate::read::text::LineIndex;
use std::collections::HashSet;

/// Most guarded effects that one marker names.
const MAX_GUARDED: usize = 16;
/// Most markers of one script.
const MAX_GUARDS: usize = 200;

/// The tests for files that were seen.
#[derive(Default)]
pub(crate) struct Guards {
    seen: Vec<Guard>,
}

struct Guard {
    at: usize,
    from: usize,
    to: usize,
    key: &'static str,
    marker: Location,
}

impl Guards {
    /// Records that what lies between two offsets happens only when `marker` is absent.
    pub(crate) fn add(&mut self, at: usize, from: usize, to: usize, key: &'static str, marker: Location) {
        if self.seen.len() < MAX_GUARDS && !self.seen.iter().any(|g| g.at == at && g.marker == marker) {
            self.seen.push(Guard { at, from, to, key, marker });
        }
    }

    /// Emits one clue for each effect that a marker keeps from being repeated.
    pub(crate) fn emit(&self, index: &LineIndex<'_>, reading: &mut Reading) {
        for guard in &self.seen {
            let (from, to) = (index.position(guard.from), index.position(guard.to));
            let is_kept = |_: usize, fact: &Fact| {
                let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
                at >= from && at < to
            };
            let guarded = index.rest(guard.from, Some(guard.to).filter(|to| *to != usize::MAX));
            tell(guard, is_kept, goes_round(guarded), &index.site(guard.at), reading);
        }
    }

    /// The same for a line all of whose facts are at one place: there the offsets are numbers of facts.
    pub(crate) fn emit_at(&self, site: &Site, reading: &mut Reading) {
        for guard in &self.seen {
            tell(guard, |number, _| (guard.from..guard.to).contains(&number), true, site, reading);
        }
    }
}

/// What the guarded part of a script does and no other part of it: that is missing where the marker is found.
fn tell(guard: &Guard, is_kept: impl Fn(usize, &Fact) -> bool, repeated: bool, site: &Site, reading: &mut Reading) {
    for (number, fact) in reading.facts.iter_mut().enumerate() {
        if is_kept(number, fact) {
            make_marker(&mut fact.body, &guard.marker, repeated, site);
        }
    }
    let (mut kept, mut done) = (Vec::new(), HashSet::new());
    for (number, fact) in reading.facts.iter().enumerate() {
        let Some(said) = describe(&fact.body, &guard.marker) else { continue };
        if is_kept(number, fact) {
            kept.push(said);
        } else {
            done.insert(said);
        }
    }
    for value in kept.into_iter().filter(|said| !done.contains(said)).take(MAX_GUARDED) {
        reading.clue(site.clone(), Clue::new(ClueKind::Guard, guard.key, value).at(guard.marker.clone()));
    }
}

/// What is added to a file only while there is none makes it, and never grows: `echo done >> done.txt` writes a marker as
/// well as `>` does. What is not the same at every time, and may be added again and again behind one test, are data.
fn make_marker(body: &mut Body, marker: &Location, repeated: bool, site: &Site) {
    let Body::Effect(effect) = body else { return };
    let grows = repeated && effect.origin != Origin::Constant;
    let makes = match effect.operation {
        Operation::Append => !grows,
        Operation::Create => effect.store != Store::Directory,
        _ => false,
    };
    if makes && effect.store.is_path() && effect.location == *marker {
        effect.operation = Operation::Create;
        effect.evidence.push(Step::missing(site.clone()));
    }
}

/// A part of a script has a loop, or a jump that may make one.
fn goes_round(text: &str) -> bool {
    const LOOPS: &[&str] = &["while", "for", "foreach", "do", "goto", "until", "%"];
    let text = text.to_ascii_lowercase();
    text.split(|c: char| c.is_whitespace() || "(){};@|".contains(c))
        .any(|word| LOOPS.contains(&word) || word.starts_with("foreach-"))
}

/// What a marker is there to protect: lasting deeds, not what is read, logged or removed. Lines that are the same at
/// every time belong to a configuration; what was added once is not added again.
fn describe(body: &Body, marker: &Location) -> Option<String> {
    match body {
        Body::Effect(effect) => {
            let lasting = matches!(
                effect.operation,
                Operation::Install
                    | Operation::Register
                    | Operation::Configure
                    | Operation::Copy
                    | Operation::Rename
                    | Operation::SetValue
                    | Operation::Create
                    | Operation::Grant
                    | Operation::Generate
                    | Operation::Mount
            ) && !effect.via.ends_with('>')
                || effect.operation == Operation::Append
                    && effect.origin == Origin::Constant
                    && !may_be_log(&effect.location);
            let (operation, store): (&str, &str) = (effect.operation.into(), effect.store.into());
            // A copy that is made where it is missing is the beginning of something.
            let is_seed = effect.operation == Operation::Copy && effect.store.is_path();
            (lasting && (effect.location != *marker || is_seed))
                .then(|| format!("{operation} {store} {}", effect.location))
        }
        Body::Clue(clue) if clue.kind == ClueKind::Starts => {
            Some(format!("{} {}", clue.key, clue.location.as_ref().map(Location::to_string).unwrap_or_default()))
        }
        Body::Clue(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::discover::{Application, Artifact, Kind};
    use crate::facts::Operation;
    use crate::read::read_bytes;

    #[test]
    fn what_is_added_again_and_again_behind_a_test_is_no_marker() {
        let operation = |text: &str| {
            let (app, artifact) = (Application::default(), Artifact::at("a.ps1"));
            let reading = read_bytes(&app, &artifact, Kind::PowerShell, text.as_bytes());
            reading.facts.iter().find_map(|fact| fact.as_effect()).map(|effect| effect.operation)
        };
        let test = "if (-not (Test-Path C:\\a.csv))";
        assert_eq!(operation(&format!("{test} {{ Add-Content C:\\a.csv done }}")), Some(Operation::Create));
        assert_eq!(operation(&format!("{test} {{ Add-Content C:\\a.csv (Get-Date) }}")), Some(Operation::Create));
        let round = format!("{test} {{\n  while ($true) {{ Add-Content C:\\a.csv $env:ORDER }}\n}}");
        assert_eq!(operation(&round), Some(Operation::Append));
    }
}
