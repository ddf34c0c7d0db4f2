//! What is done to state, with the evidence for it.

use super::location::Location;
use super::phase::Phase;
use super::site::Site;
use super::text::Text;
use super::vocabulary::{Certainty, Operation, Origin, Store, Trait};
use serde::{Deserialize, Serialize};

/// One step of an evidence chain, in words, with the place to check it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Step {
    /// What was seen: ``string "cart.dat" at 0x4030``.
    pub text: String,
    /// Artifact, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// Place in the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

/// Begins the step that names the marker of an effect.
const MARKED: &str = "not done again while ";
/// The step that says that an effect happens only where there is nothing yet.
const MISSING: &str = "only where it is missing";
/// Begins the step that names what was moved.
const MOVED: &str = "moved from ";
/// Begins the step that says where that was of which there is a copy.
const COPIED: &str = "copied from ";

impl Step {
    /// The marker that keeps an effect from being made again.
    pub fn marker(marker: &Location, site: Site) -> Self {
        Step::at(format!("{MARKED}{marker} exists"), site)
    }

    /// Does the step name the marker of the effect?
    pub fn names_marker(&self) -> bool {
        self.text.starts_with(MARKED)
    }

    /// It is made only where it is missing.
    pub fn missing(site: Site) -> Self {
        Step::at(MISSING, site)
    }

    /// Does the step say that it is made only where it is missing?
    pub fn says_missing(&self) -> bool {
        self.text == MISSING
    }

    /// Where that was which is moved.
    pub fn moved(from: &Location) -> Self {
        Step::new(format!("{MOVED}{from}"))
    }

    /// The place that the step says something was moved from.
    pub fn moved_from(&self) -> Option<Location> {
        self.text.strip_prefix(MOVED).map(|from| Location::named(Text::parse(from)))
    }

    /// Where that is of which this is a copy.
    pub fn copied(from: &Location) -> Self {
        Step::new(format!("{COPIED}{from}"))
    }

    /// The place that the step says something was moved or copied from.
    pub fn taken_from(&self) -> Option<Location> {
        let copied = || self.text.strip_prefix(COPIED).map(|from| Location::named(Text::parse(from)));
        self.moved_from().or_else(copied)
    }

    /// A step in the artifact of the fact itself.
    pub fn new(text: impl Into<String>) -> Self {
        Step { text: text.into(), ..Step::default() }
    }

    /// A step with its place.
    pub fn at(text: impl Into<String>, site: Site) -> Self {
        Step { text: text.into(), site: Some(site), ..Step::default() }
    }

    /// The same step, seen in another artifact.
    #[must_use]
    pub fn in_artifact(mut self, artifact: impl Into<String>) -> Self {
        self.artifact = Some(artifact.into());
        self
    }
}

/// Something that is done to state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Effect {
    /// What is done.
    pub operation: Operation,
    /// To what kind of thing.
    pub store: Store,
    /// Where that is.
    pub location: Location,
    /// Where the value comes from.
    pub origin: Origin,
    /// When.
    pub phase: Phase,
    /// How the phase is known; empty when it is not.
    pub phase_evidence: String,
    /// How certain.
    pub certainty: Certainty,
    /// API, command or key that does it: `advapi32!RegSetValueExW`, `reg add`, `sessionState@mode`.
    pub via: String,
    /// Sorted, without duplicates; use [`Effect::mark`].
    pub traits: Vec<Trait>,
    /// The marker whose presence keeps this from being done again.
    #[serde(default)]
    pub guard: Option<Location>,
    /// From the entry to the value, in order.
    pub evidence: Vec<Step>,
}

impl Effect {
    /// An effect with unknown origin and phase and no traits.
    pub fn new(
        operation: Operation,
        store: Store,
        location: Location,
        certainty: Certainty,
        via: impl Into<String>,
    ) -> Self {
        Effect {
            operation,
            store,
            location,
            origin: Origin::Unknown,
            phase: Phase::Unknown,
            phase_evidence: String::new(),
            certainty,
            via: via.into(),
            traits: Vec::new(),
            guard: None,
            evidence: Vec::new(),
        }
    }

    /// What is done, to what, where: `set-value registry HKLM\\Software\\A`. Guard clues name effects by it.
    pub fn headline(&self) -> String {
        let (operation, store): (&str, &str) = (self.operation.into(), self.store.into());
        format!("{operation} {store} {}", self.location)
    }

    /// Sets the phase with its evidence.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase, evidence: impl Into<String>) -> Self {
        self.phase = phase;
        self.phase_evidence = evidence.into();
        self
    }

    /// Sets the origin.
    #[must_use]
    pub fn of_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Adds an evidence step.
    #[must_use]
    pub fn because(mut self, step: Step) -> Self {
        self.evidence.push(step);
        self
    }

    /// Adds a trait.
    #[must_use]
    pub fn with(mut self, mark: Trait) -> Self {
        self.mark(mark);
        self
    }

    /// Adds a trait in place.
    pub fn mark(&mut self, mark: Trait) {
        if let Err(at) = self.traits.binary_search(&mark) {
            self.traits.insert(at, mark);
        }
    }

    /// Takes a trait away.
    pub fn unmark(&mut self, mark: Trait) {
        self.traits.retain(|known| *known != mark);
    }

    /// Has the trait.
    pub fn has(&self, mark: Trait) -> bool {
        self.traits.binary_search(&mark).is_ok()
    }
}
