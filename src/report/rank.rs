//! Which finding a person should be told of first.
//!
//! Severity comes first. Among equals a value that comes back from the image outranks one that is missing, because
//! nothing fails, and a loss outranks what is merely not promised; then it matters what is lost for good: primary data before keys, settings and logs.

use super::Finding;
use crate::rules::{Outcome, Severity, Theme};
use std::cmp::Reverse;

/// What is lost for good first; what can be made again last.
const BY_LOSS: [Theme; 10] = [
    Theme::Databases,
    Theme::Files,
    Theme::Queues,
    Theme::Keys,
    Theme::Sessions,
    Theme::Settings,
    Theme::Logs,
    Theme::Topology,
    Theme::Machine,
    Theme::Scan,
];

/// Sorts the heaviest first, on one target or over all; equals stay in their order.
pub fn by_weight<'a>(findings: impl Iterator<Item = &'a Finding>, target: Option<&str>) -> Vec<&'a Finding> {
    let mut ranked: Vec<&Finding> = findings.collect();
    ranked.sort_by_cached_key(|f| {
        let worst = f.outcomes.iter().filter(|o| target.is_none_or(|t| o.target == t)).map(|o| match o.outcome {
            Outcome::Reverts => 2,
            Outcome::Survives | Outcome::Unknown | Outcome::Diverges => 0,
            _ => 1,
        });
        let theme = BY_LOSS.iter().position(|t| *t == f.theme);
        let severity = f.severity_on(target);
        // A place without a name tells nobody anything, so it does not come first.
        (Reverse(severity), !f.effect.has_known_place(), Reverse(worst.max()), theme, Reverse(f.confidence))
    });
    ranked
}

/// Open findings of state that an event takes away on a target or on any, the heaviest first; notes are left out.
pub fn losses<'a>(findings: &'a [Finding], target: Option<&'a str>) -> Vec<&'a Finding> {
    let loses = |f: &&Finding| {
        f.is_active()
            && f.severity_on(target) >= Severity::Warning
            && f.outcomes.iter().any(|o| o.outcome != Outcome::Survives && target.is_none_or(|t| o.target == t))
    };
    by_weight(findings.iter().filter(loses), target)
}
