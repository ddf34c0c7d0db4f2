//! What surrounds a call: the phase of its method, what else the method does with the same state, which remote stores
//! and components the assembly has.

use super::flow::Flow;
use super::links::Method;
use super::phases::Phases;
use super::resolve::Resolver;
use super::unit::Unit;
use crate::catalog::dotnet::catalog;
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Extent, Fact, Operation, Origin, Part, Phase, Place, Reading, Site, Step,
    Store, Trait,
};
use std::collections::BTreeMap;

/// Completes the facts of one method.
pub(super) fn complete(resolver: &Resolver<'_>, phases: &Phases, method: Method, facts: &mut Vec<Fact>) {
    // Devices keep nothing.
    let is_device = |effect: &Effect| effect.store.is_path() && effect.location.file_place() == Place::Device;
    facts.retain(|fact| !fact.as_effect().is_some_and(is_device));
    if facts.is_empty() {
        return;
    }
    let (phase, because) = phases.of(resolver.units, resolver.links, method);
    let flow = Flow::of(resolver, method);
    move_along(flow, facts);
    let is_read = |e: &Effect| e.operation == Operation::Read && e.location.extent() != Extent::None;
    let read: Vec<(Option<u32>, String)> = facts
        .iter()
        .filter_map(|fact| Some((fact.site.il_offset, fact.as_effect().filter(|e| is_read(e))?.location.key())))
        .collect();
    let removed: Vec<(u32, String)> = facts
        .iter()
        .filter_map(|fact| Some((fact.site.il_offset?, fact.as_effect()?)))
        .filter(|(_, effect)| effect.operation == Operation::Delete && effect.location.extent() != Extent::None)
        .map(|(at, effect)| (at, effect.location.key()))
        .collect();
    // What is read in a way that returns is not what is written in another.
    let comes_before = |first: Option<u32>, second: Option<u32>| match (first, second, flow) {
        (Some(first), Some(second), Some(flow)) => first < second && flow.leads(first, second),
        _ => true,
    };
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
        // Places that are known in full are compared with what else writes them when artifacts are joined. Nobody begins with
        // what has the time in its name.
        let is_of_moment = |part: &Part| matches!(part, Part::Hole(hole) if hole.is_of_moment());
        let is_asked_for = !effect.location.text().parts().iter().any(is_of_moment);
        if effect.phase == Phase::Shutdown && effect.location.extent() != Extent::Full && is_asked_for {
            effect.mark(Trait::OnlyAtShutdown);
        }
        // Made to see whether it can be, and removed again before the method is done.
        let is_removed = |(at, gone): &(u32, String)| {
            *gone == effect.location.key()
                && flow.zip(fact.site.il_offset).is_some_and(|(flow, made)| flow.is_removed(made, *at))
        };
        if matches!(effect.store, Store::File | Store::TempFile | Store::Directory) && removed.iter().any(is_removed) {
            effect.mark(Trait::DeleteOnClose);
        }
        // Taking from a queue is no reading of what is put into it.
        let passes_on = matches!(effect.store, Store::Queue | Store::Mail | Store::Job | Store::EventLog);
        let written = fact.site.il_offset;
        let key = effect.location.key();
        if !passes_on && read.iter().any(|(at, read)| *read == key && comes_before(*at, written)) {
            effect.mark(Trait::ReadModifyWrite);
            if effect.origin == Origin::Unknown {
                effect.origin = Origin::Previous;
            }
        }
        if matches!(effect.store, Store::File | Store::TempFile)
            && let (Some(flow), Some(offset)) = (flow, written)
            && flow.is_uploaded(offset)
        {
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

/// A file that is written and then moved to its place is told of once, where it ends up, if that is known at all.
fn move_along(flow: Option<Flow<'_>>, facts: &mut Vec<Fact>) {
    let Some(flow) = flow else { return };
    let mut moved: Vec<(u32, Step)> = Vec::new();
    let is_written = |effect: &Effect| {
        matches!(effect.operation, Operation::Create | Operation::Write | Operation::Append)
            && matches!(effect.store, Store::File | Store::TempFile | Store::Log)
    };
    let told: Vec<u32> = facts
        .iter()
        .filter(|fact| fact.as_effect().is_some_and(|e| writes(e) && e.location.extent() != Extent::None))
        .filter_map(|fact| fact.site.il_offset)
        .collect();
    facts.retain(|fact| {
        let Some(effect) = fact.as_effect().filter(|effect| is_written(effect)) else { return true };
        let Some(to) = fact.site.il_offset.and_then(|at| flow.moved(at)).filter(|to| told.contains(to)) else {
            return true;
        };
        moved.push((to, Step::at(format!("written as {} and then moved", effect.location), fact.site.clone())));
        false
    });
    for fact in facts.iter_mut() {
        let steps = moved.iter().filter(|(to, _)| fact.site.il_offset == Some(*to)).map(|(_, step)| step.clone());
        if let Body::Effect(effect) = &mut fact.body
            && writes(effect)
        {
            effect.evidence.extend(steps);
        }
    }
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
