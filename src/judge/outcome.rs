//! What becomes of an effect at each event of a target.

use crate::facts::{Effect, Operation, Origin, Part, Phase, Place, Trait};
use crate::rules::{Event, Outcome, Platform, Rule, Target};

/// What becomes of one effect on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Volume class, by the target's name for it.
    pub volume: String,
    /// At each event that exists for the volume, in the order of the events.
    pub outcomes: Vec<(Event, Outcome)>,
}

impl Fate {
    /// The events at which something happens that a person has to act on, other than drifting apart.
    pub fn harms(&self) -> impl Iterator<Item = (Event, Outcome)> + '_ {
        self.outcomes.iter().copied().filter(|(_, o)| o.is_harm() && *o != Outcome::Diverges)
    }

    /// Nothing is promised and nothing is known to be lost.
    pub fn is_unknown(&self) -> bool {
        self.harms().next().is_none() && self.outcomes.iter().any(|(_, o)| *o == Outcome::Unknown)
    }
}

/// Judges the survival of an effect. `rule` is the rule that speaks for it, if one does.
pub fn fate(effect: &Effect, place: Place, rule: Option<&Rule>, target: &Target, platform: &Platform) -> Fate {
    let volume = target.volume_of(platform, place, drive_of(effect)).to_owned();
    let of_volume = target.volume(platform, &volume).map(|v| v.outcomes()).unwrap_or_default();
    let exception = target.exceptions.iter().find(|e| e.store.contains(&effect.store)).map(|e| e.outcome);
    let by_phase = rule.and_then(|r| r.phases.get(&effect.phase)).and_then(|p| p.outcome);
    let mut outcomes = of_volume;
    if place != Place::Remote {
        if let Some(outcome) = by_phase {
            outcomes = replace_all(outcomes, outcome);
        } else if is_baked(effect) {
            outcomes = replace_all(outcomes, Outcome::Survives);
            outcomes.retain(|(event, _)| *event != Event::ScaleOut);
        } else if let Some(outcome) = exception {
            outcomes = replace_all(outcomes, outcome);
        } else {
            for (event, outcome) in &mut outcomes {
                *outcome = adjust(effect, *event, *outcome);
            }
        }
    }
    Fate { volume, outcomes }
}

/// Part of the image: after every event it is there again.
fn is_baked(effect: &Effect) -> bool {
    effect.phase == Phase::Build
        || (matches!(effect.phase, Phase::Startup | Phase::FirstBoot) && self_heals(effect.origin))
}

/// The same code makes the same value again after each event.
pub fn self_heals(origin: Origin) -> bool {
    matches!(origin, Origin::Constant | Origin::Packaged | Origin::Configuration)
}

fn replace_all(mut outcomes: Vec<(Event, Outcome)>, outcome: Outcome) -> Vec<(Event, Outcome)> {
    for (event, o) in &mut outcomes {
        if *event != Event::ScaleOut || outcome == Outcome::Cloned {
            *o = outcome;
        }
    }
    outcomes
}

/// A volume that reverts to its image loses what the image does not hold; what it does hold comes back, also after
/// a deletion.
fn adjust(effect: &Effect, event: Event, outcome: Outcome) -> Outcome {
    let comes_back = effect.has(Trait::Baked) || matches!(effect.operation, Operation::Delete | Operation::DeleteValue);
    match outcome {
        Outcome::Reverts if !comes_back => Outcome::Lost,
        Outcome::Survives if event != Event::ScaleOut && effect.has(Trait::MarkerMismatch) => Outcome::Unknown,
        other => other,
    }
}

/// The drive letter of a literal path.
fn drive_of(effect: &Effect) -> Option<char> {
    match effect.location.text().parts().first() {
        Some(Part::Lit(s)) if s.get(1..2) == Some(":") => s.chars().next(),
        _ => None,
    }
}
