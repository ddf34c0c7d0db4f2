//! Which rule speaks for an effect.

use super::RuleSet;
use super::rule::{Condition, Rule};
use super::wildcard::wildcard;
use crate::facts::{Effect, Operation, Place};

impl Condition {
    /// Does the effect, at its kind of place, meet every part of the condition?
    pub fn matches(&self, effect: &Effect, place: Place) -> bool {
        fn allows<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        allows(&self.store, &effect.store)
            && allows(&self.operation, &effect.operation)
            && allows(&self.place, &place)
            && allows(&self.origin, &effect.origin)
            && allows(&self.phase, &effect.phase)
            && self.traits.iter().all(|t| effect.has(*t))
            && !self.not_traits.iter().any(|t| effect.has(*t))
            && (self.via.is_empty() || self.via.iter().any(|p| wildcard(p, &effect.via)))
            && !self.not_via.iter().any(|p| wildcard(p, &effect.via))
            && !(self.not_made_by.iter().any(|p| wildcard(p, &effect.via)) && makes_one_anew(effect))
            && (!self.guarded || effect.guard.is_some())
            && self.matches_location(effect)
    }

    fn matches_location(&self, effect: &Effect) -> bool {
        let location = &effect.location.to_string();
        let engine = || effect.via.strip_suffix(')')?.rsplit_once(" (").map(|(_, engine)| engine.to_owned());
        let is_here = match (self.engine.is_empty(), engine()) {
            (false, Some(engine)) => self.engine.contains(&engine),
            _ => self.location.is_empty() || self.location.iter().any(|p| wildcard(p, location)),
        };
        is_here && !self.not_location.iter().any(|p| wildcard(p, location))
    }

    /// How narrow the condition is: of two rules that match, the narrower one speaks. What is known of the one effect
    /// (its location, API, origin, traits, marker) is narrower than the classes it falls into (store, operation, place, phase).
    fn narrowness(&self) -> usize {
        let classes = [self.store.is_empty(), self.operation.is_empty(), self.place.is_empty(), self.phase.is_empty()];
        let particulars = [
            self.location.is_empty(),
            self.via.is_empty(),
            self.origin.is_empty(),
            self.traits.is_empty(),
            !self.guarded,
        ];
        let parts = |list: &[bool]| list.iter().filter(|empty| !**empty).count();
        parts(&classes) + 2 * parts(&particulars)
    }
}

impl RuleSet {
    /// The rule for an effect: the narrowest that matches, the lower id among equals. One effect, one finding.
    pub fn rule_for(&self, effect: &Effect, place: Place) -> Option<&Rule> {
        if effect.operation == Operation::Read {
            return None;
        }
        self.rules
            .iter()
            .filter(|rule| rule.condition.matches(effect, place))
            .max_by_key(|rule| (rule.condition.narrowness(), std::cmp::Reverse(&rule.id)))
    }
}

/// Is it one place, of which only what was written last is there? Files that get a name of their own each time are a collection.
fn makes_one_anew(effect: &Effect) -> bool {
    effect.operation == Operation::Create && !effect.location.to_string().contains("{generated:")
}
