//! Markers: a test for a file that keeps what follows from being done twice.

use crate::facts::{Body, Clue, ClueKind, Fact, Location, Operation, Reading, Site};
use crate::read::text::LineIndex;

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
            let kept: Vec<String> = reading
                .facts
                .iter()
                .filter(|fact| {
                    let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
                    at >= from && at < to
                })
                .filter_map(|fact| describe(&fact.body, &guard.marker))
                .take(MAX_GUARDED)
                .collect();
            tell(guard, kept, &index.site(guard.at), reading);
        }
    }

    /// The same for a line all of whose facts are at one place: there the offsets are numbers of facts.
    pub(crate) fn emit_at(&self, site: &Site, reading: &mut Reading) {
        for guard in &self.seen {
            let between = reading.facts.get(guard.from..guard.to.min(reading.facts.len())).unwrap_or_default();
            let kept = |fact: &Fact| describe(&fact.body, &guard.marker);
            let kept: Vec<String> = between.iter().filter_map(kept).take(MAX_GUARDED).collect();
            tell(guard, kept, site, reading);
        }
    }
}

fn tell(guard: &Guard, kept: Vec<String>, site: &Site, reading: &mut Reading) {
    for value in kept {
        reading.clue(site.clone(), Clue::new(ClueKind::Guard, guard.key, value).at(guard.marker.clone()));
    }
}

/// What a marker is there to protect: lasting deeds, not what is read, logged or removed.
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
            ) && !effect.via.ends_with('>');
            let (operation, store): (&str, &str) = (effect.operation.into(), effect.store.into());
            (lasting && effect.location != *marker).then(|| format!("{operation} {store} {}", effect.location))
        }
        Body::Clue(clue) if clue.kind == ClueKind::Starts => {
            Some(format!("{} {}", clue.key, clue.location.as_ref().map(Location::to_string).unwrap_or_default()))
        }
        Body::Clue(_) => None,
    }
}
