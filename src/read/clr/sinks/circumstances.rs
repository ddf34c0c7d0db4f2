//! One call in each of the circumstances that it is made in: what one caller gives goes with what the same caller gives,
//! and where callers give more places than one answer holds, each caller is asked about for itself.

use super::{View, more, same_place};
use crate::catalog::dotnet::{EffectRow, Piece};
use crate::facts::{Certainty, Effect, Extent, Location, Operation, Step, fold_alternatives};
use crate::read::clr::answer::Value;
use crate::read::clr::models::merged;
use crate::read::clr::resolve::Apart;
use crate::read::clr::value::Id;

/// Locations of one call site that is looked at for each of its callers; the others become one with what they share.
const MAX_PLACES: usize = 48;

/// What was found.
#[derive(Default)]
struct Found {
    places: Vec<(Location, Effect)>,
    /// Those of callers for whom a condition of the call does not hold, as far as can be seen.
    refuted: Vec<(Location, Effect)>,
    circumstances: usize,
    is_cut: bool,
}

impl View<'_> {
    /// The effects of a row, for each of the circumstances that the call is made in.
    pub(super) fn effects_by_context(&self, row: &EffectRow, via: &str) -> Vec<Effect> {
        let mut found = self.in_circumstances(row, via, &self.call.args, Apart::Joint);
        if found.is_cut && found.circumstances == 1 {
            let each = self.in_circumstances(row, via, &self.placed_by(row), Apart::Each);
            if each.circumstances > 1 {
                found = each;
            }
        }
        let mut all = if found.places.is_empty() { found.refuted } else { found.places };
        if found.circumstances > 1 {
            all.sort_by_key(|(location, _)| (location.text().has_unknown(), location.text().is_unknown()));
            fold_alternatives(&mut all);
            fold_rest(&mut all);
        }
        let mut effects: Vec<Effect> = all.into_iter().map(|(_, effect)| effect).collect();
        // What is not known is at least said to be so for a reason.
        let blank = effects.iter_mut().filter(|effect| effect.location.extent() == Extent::None);
        let blank: Vec<&mut Effect> = blank.filter(|effect| effect.operation != Operation::Read).collect();
        if !blank.is_empty()
            && let Some(why) = self.resolver.why(self.unit, self.call)
        {
            blank.into_iter().for_each(|effect| effect.evidence.push(Step::new(format!("not known: {why}"))));
        }
        effects
    }

    fn in_circumstances(&self, row: &EffectRow, via: &str, ids: &[Id], apart: Apart) -> Found {
        let mut found = Found::default();
        let when = &self.call.when;
        let ids: Vec<Id> = ids.iter().copied().chain(when.iter().map(|(condition, _)| *condition)).collect();
        self.resolver.in_contexts(self.method, &ids, apart, &mut |at, steps| {
            found.circumstances += 1;
            let (effects, is_cut) = View { at, ..*self }.effects_of(row, via, steps);
            found.is_cut |= is_cut;
            if when.iter().any(|(condition, is)| self.resolver.is_set(at, *condition) == Some(!is)) {
                let at_most = if self.has_other_callers() { Certainty::Likely } else { Certainty::Possible };
                found.refuted.extend(effects.into_iter().map(|mut effect| {
                    effect.certainty = effect.certainty.min(at_most);
                    (effect.location.clone(), effect)
                }));
                return;
            }
            for effect in effects {
                let known = |(location, other): &(Location, Effect)| {
                    other.operation == effect.operation && same_place(location, &effect.location)
                };
                if !found.places.iter().any(known) {
                    found.places.push((effect.location.clone(), effect));
                }
            }
        });
        found
    }

    /// May the method be called by somebody who is not among the files: is it a public one of a library?
    fn has_other_callers(&self) -> bool {
        let unit = self.resolver.units.get(self.method.unit as usize);
        unit.is_some_and(|unit| unit.entry.is_none() && unit.method(self.method.rid).is_some_and(|m| m.is_public))
    }

    /// The arguments that the place depends on.
    fn placed_by(&self, row: &EffectRow) -> Vec<Id> {
        let pieces = row.at.iter().chain(&row.name).flat_map(|template| &template.0);
        let arguments = pieces.filter_map(|piece| match piece {
            Piece::Arg(n) => self.arg(usize::from(*n)),
            Piece::This => self.this,
            _ => None,
        });
        arguments.collect()
    }
}

/// What is too much becomes one place, with what all of them share.
fn fold_rest(all: &mut Vec<(Location, Effect)>) {
    if all.len() <= MAX_PLACES {
        return;
    }
    let rest = all.split_off(MAX_PLACES - 1);
    let texts: Vec<Value> = rest.iter().map(|(location, _)| Value::text(location.text().clone())).collect();
    let location = Location::named(merged(&texts).text);
    let Some((_, mut effect)) = rest.into_iter().next() else { return };
    effect.location = location.clone();
    effect.certainty = effect.certainty.min(match location.extent() {
        Extent::None => Certainty::Possible,
        _ => Certainty::Likely,
    });
    effect.evidence = vec![more(texts.len())];
    all.push((location, effect));
}
