//! Asking about the calls of methods. What is told of a method is final once no method was wanting for it; one that
//! missed something is asked about again.

use super::lines::{self, Place, Told};
use super::links::{Links, Method};
use super::phases::Phases;
use super::reach::Reach;
use super::resolve::Resolver;
use super::unit::Unit;
use super::{context, sinks};
use crate::discover::{Artifact, Kind};
use crate::facts::{Fact, Note, NoteKind};
use crate::read::guarded;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Methods of one assembly that are asked about together: what one answer found, the next need not look for.
const CHUNK: usize = 256;
/// Methods that are interpreted in one round.
const MAX_WANTED: usize = 200_000;

/// All that is known when methods are asked about.
pub(super) struct View<'v> {
    pub(super) units: &'v [Unit],
    pub(super) links: &'v Links,
    pub(super) phases: &'v Phases,
    pub(super) reach: &'v Reach,
    /// How many methods are asked about.
    pub(super) methods: usize,
}

/// What is told of one method.
#[derive(Default)]
struct Said {
    facts: Vec<Fact>,
    /// Where the facts are, by their positions here.
    places: Vec<Place>,
    /// It asked for more than it was allowed.
    exhausted: bool,
}

/// What asking about some methods of one assembly gave.
#[derive(Default)]
struct Asked {
    said: Vec<(Method, Said)>,
    open: Vec<Method>,
    wanted: BTreeSet<Method>,
}

/// What is told of each method so far.
#[derive(Default)]
pub(super) struct Answers {
    said: BTreeMap<Method, Said>,
    notes: Vec<(u32, Note)>,
}

impl Answers {
    /// Asks about the open methods; those that missed something stay open. Gives the methods that were wanting.
    pub(super) fn ask(
        &mut self,
        view: &View<'_>,
        assemblies: &[&Artifact],
        open: &mut BTreeSet<Method>,
    ) -> BTreeSet<Method> {
        let methods: Vec<Method> = std::mem::take(open).into_iter().collect();
        let of_unit: Vec<&[Method]> = methods.chunk_by(|a, b| a.unit == b.unit).collect();
        let chunks: Vec<&[Method]> = of_unit.into_iter().flat_map(|methods| methods.chunks(CHUNK)).collect();
        let all: Vec<(Asked, Vec<Note>)> = chunks.par_iter().map(|methods| view.ask(assemblies, methods)).collect();
        let mut wanted = BTreeSet::new();
        for (methods, (asked, notes)) in chunks.iter().zip(all) {
            let unit = methods.first().map_or(0, |method| method.unit);
            self.notes.extend(notes.into_iter().map(|note| (unit, note)));
            self.said.extend(asked.said);
            open.extend(asked.open);
            wanted.extend(asked.wanted);
        }
        wanted.into_iter().take(MAX_WANTED).collect()
    }

    /// Everything that is said of each assembly.
    pub(super) fn by_assembly(self, view: &View<'_>) -> Vec<Told> {
        let mut all: Vec<Told> = view.units.iter().map(|_| Told::default()).collect();
        let mut exhausted = BTreeSet::new();
        for (method, said) in self.said {
            if let Some(told) = all.get_mut(method.unit as usize) {
                told.append(said.facts, said.places);
            }
            if said.exhausted {
                exhausted.insert(method.unit);
            }
        }
        for (unit, note) in self.notes {
            if let Some(told) = all.get_mut(unit as usize) {
                told.reading.notes.push(note);
            }
        }
        for (u, (told, unit)) in all.iter_mut().zip(view.units).enumerate() {
            if exhausted.contains(&(u as u32)) {
                let text = "some methods ask for too much: their values are followed less far than usual";
                told.reading.note(NoteKind::Capped, text);
            }
            let long = unit.bodies.values().filter(|body| body.is_capped).count();
            if long > 0 {
                let text = format!("methods that are too long, of which nothing is known: {long}");
                told.reading.note(NoteKind::Capped, text);
            }
            context::components(view.phases, u as u32, &mut told.reading);
            context::clients(unit, &mut told.reading);
        }
        all
    }
}

impl View<'_> {
    /// Asks about some methods of one assembly.
    fn ask(&self, assemblies: &[&Artifact], methods: &[Method]) -> (Asked, Vec<Note>) {
        let mut asked = Asked::default();
        let unit = methods.first().map_or(0, |method| method.unit as usize);
        let (Some(artifact), Some(own)) = (assemblies.get(unit), self.units.get(unit)) else {
            return (asked, Vec::new());
        };
        let reading = guarded(artifact, Kind::Assembly, |_| {
            let resolver = Resolver::new(self.units, self.links, self.methods);
            for method in methods {
                resolver.next_method();
                let before = resolver.misses();
                let calls = own.bodies.get(&method.rid).map(|b| b.sites.as_slice()).unwrap_or_default();
                let mut facts: Vec<Fact> =
                    calls.iter().flat_map(|call| sinks::facts(&resolver, *method, call)).collect();
                if resolver.misses() > before {
                    asked.open.push(*method);
                }
                context::complete(&resolver, self.phases, *method, &mut facts);
                self.reach.doubt(&resolver, *method, &mut facts);
                let places = facts.iter().enumerate().flat_map(|(n, fact)| lines::places(&resolver, *method, n, fact));
                let places: Vec<Place> = places.collect();
                asked.said.push((*method, Said { facts, places, exhausted: resolver.is_exhausted() }));
                asked.wanted.append(&mut resolver.wanted.borrow_mut());
            }
        });
        (asked, reading.notes)
    }
}
