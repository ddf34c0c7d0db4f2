//! What surrounds a call: the phase of its method, what else the method does with the same state, which remote stores
//! and components the assembly has.

use super::links::Method;
use super::phases::Phases;
use super::resolve::Resolver;
use super::unit::Unit;
use crate::catalog::dotnet::catalog;
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Extent, Fact, Operation, Origin, Phase, Reading, Site, Store, Trait,
};
use std::collections::BTreeMap;

/// Completes the facts of one method.
pub(super) fn complete(resolver: &Resolver<'_>, phases: &Phases, method: Method, facts: &mut [Fact]) {
    if facts.is_empty() {
        return;
    }
    let (phase, because) = phases.of(resolver.units, resolver.links, method);
    let staged = uploads(resolver, method);
    let read: Vec<String> = facts
        .iter()
        .filter_map(Fact::as_effect)
        .filter(|e| e.operation == Operation::Read && e.location.extent() != Extent::None)
        .map(|e| e.location.key())
        .collect();
    for fact in facts {
        let Body::Effect(effect) = &mut fact.body else { continue };
        // Where the location comes from a caller, it is that caller's call that writes there.
        let (phase, because) = along(resolver, phases, effect).unwrap_or_else(|| (phase, because.clone()));
        // Where a connection is opened says little about when it is used, unless that is never on an instance.
        if effect.phase == Phase::Unknown || matches!(phase, Phase::Build | Phase::NotShipped) {
            effect.phase = phase;
            effect.phase_evidence = because;
        }
        if effect.phase == Phase::Unknown
            && let Some(offset) = fact.site.il_offset
            && let Some(around) = phases.around_host(resolver.units, method, offset)
        {
            (effect.phase, effect.phase_evidence) = around;
        }
        // What is given from outside and kept for the whole process while it serves is state beyond doubt.
        if effect.store == Store::Memory && effect.origin == Origin::Input && effect.phase == Phase::Run {
            effect.certainty = effect.certainty.max(Certainty::Likely);
        }
        if !writes(effect) {
            continue;
        }
        // Places that are known in full are compared with what else writes them when artifacts are joined.
        if effect.phase == Phase::Shutdown && effect.location.extent() != Extent::Full {
            effect.mark(Trait::OnlyAtShutdown);
        }
        // Taking from a queue is no reading of what is put into it.
        let passes_on = matches!(effect.store, Store::Queue | Store::Mail | Store::Job | Store::EventLog);
        if !passes_on && read.contains(&effect.location.key()) {
            effect.mark(Trait::ReadModifyWrite);
            if effect.origin == Origin::Unknown {
                effect.origin = Origin::Previous;
            }
        }
        if staged && matches!(effect.store, Store::File | Store::TempFile) {
            effect.mark(Trait::Staged);
        }
    }
}

/// When the callers run that gave an effect its location. The outermost has the fewest callers of its own, so that it is
/// the one of which the least is said.
fn along(resolver: &Resolver<'_>, phases: &Phases, effect: &Effect) -> Option<(Phase, String)> {
    let callers = effect.evidence.iter().filter_map(|step| {
        let caller = resolver.caller_of(step)?;
        let offset = step.site.as_ref().and_then(|site| site.il_offset);
        let around = offset.and_then(|offset| phases.around_host(resolver.units, caller, offset));
        Some(around.unwrap_or_else(|| phases.of(resolver.units, resolver.links, caller)))
    });
    let (phase, because) = callers.max_by_key(|(phase, _)| super::phases::rank(*phase))?;
    let is_said = because.is_empty() || because.starts_with("called from ");
    Some((phase, if is_said { because } else { format!("called from {because}") }))
}

fn writes(effect: &Effect) -> bool {
    matches!(
        effect.operation,
        Operation::Create
            | Operation::Write
            | Operation::Append
            | Operation::SetValue
            | Operation::Rename
            | Operation::Copy
            | Operation::Enqueue
    )
}

/// Does the method send data to a store on another host?
fn uploads(resolver: &Resolver<'_>, method: Method) -> bool {
    let Some(unit) = resolver.units.get(method.unit as usize) else { return false };
    let Some(body) = unit.bodies.get(&method.rid) else { return false };
    body.sites.iter().any(|site| {
        unit.callee(site.token).is_some_and(|callee| {
            catalog().clients_of(callee.ty).any(|client| client.uploads.iter().any(|p| callee.name.starts_with(p)))
        })
    })
}

/// The components that the types of an assembly make it have.
pub(super) fn components(phases: &Phases, index: u32, reading: &mut Reading) {
    for (role, ty) in phases.components.get(index as usize).into_iter().flatten() {
        reading.clue(Site::default(), Clue::new(ClueKind::Role, *role, ty.replace('/', ".")));
    }
}

/// Stores on other hosts whose clients the assembly calls.
pub(super) fn clients(unit: &Unit, reading: &mut Reading) {
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    for reference in unit.refs.iter().filter(|r| !r.is_field) {
        for client in catalog().clients_of(&reference.ty) {
            let ty = found.entry(&client.kind).or_insert(&reference.ty);
            if *reference.ty < **ty {
                *ty = &reference.ty;
            }
        }
    }
    for (kind, ty) in found {
        reading.clue(Site::default(), Clue::new(ClueKind::RemoteClient, kind, ty));
    }
}
