//! .NET assemblies, all of an application together.
//!
//! Each assembly is opened and indexed ([`image`], [`mod@unit`]); methods that call something catalogued are interpreted
//! into symbolic calls ([`interp`]); queries about their arguments ([`resolve`]) ask for further methods, which are then
//! interpreted too, until nothing more is wanted or the rounds are used up. The bytes of an assembly are only held while
//! it is being looked at, so memory does not grow with the application's size on disk.

mod answer;
mod context;
mod form;
mod identity;
mod image;
mod interp;
mod lines;
mod links;
mod models;
mod names;
mod phases;
mod pinvoke;
mod portable;
mod resolve;
mod sinks;
mod state;
mod unit;
mod value;
mod walk;

use crate::discover::{Application, Artifact, Kind};
use crate::facts::{Clue, ClueKind, Fact, NoteKind, Owner, Reading, Site};
use crate::read::{Input, MAX_BINARY, guarded, pe};
use form::Code;
use image::Image;
use lines::Place;
pub(in crate::read) use lines::database;
use links::{Links, Method};
use phases::Phases;
use rayon::prelude::*;
use resolve::Resolver;
use std::collections::BTreeSet;
use unit::Unit;

/// A map whose order nobody sees. Names and tokens of the input are its keys, so it hashes with a seed of its own.
type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// Times that further methods are interpreted because a value led there.
const MAX_ROUNDS: usize = 8;
/// Methods that are interpreted in one round.
const MAX_WANTED: usize = 200_000;

/// Reads the assemblies of an application; those of frameworks from the inside only if `insides` says so.
pub fn read_application(app: &Application, assemblies: &[&Artifact], insides: bool) -> Vec<Reading> {
    let (mut readings, mut units): (Vec<Reading>, Vec<Unit>) =
        assemblies.par_iter().map(|artifact| open(app, artifact, insides)).unzip();
    let links = Links::new(&units);
    let mut open: BTreeSet<Method> = interpreted(&units);
    for _ in 0..MAX_ROUNDS {
        let wanted = wanted(&units, &links, &mut open);
        if wanted.is_empty() {
            break;
        }
        deepen(assemblies, &mut units, &mut readings, wanted);
    }
    let phases = Phases::new(&units, &links);
    let facts: Vec<Reading> = (0..units.len())
        .into_par_iter()
        .zip(assemblies.par_iter())
        .map(|(u, artifact)| {
            guarded(artifact, Kind::Assembly, |reading| {
                let places = report(&units, &links, &phases, u as u32, reading);
                lines::add(app, artifact, &places, reading);
            })
        })
        .collect();
    for (reading, found) in readings.iter_mut().zip(facts) {
        reading.facts.extend(found.facts);
        reading.notes.extend(found.notes);
    }
    readings
}

/// Opens, indexes and interprets the methods that call something catalogued.
fn open(app: &Application, artifact: &Artifact, insides: bool) -> (Reading, Unit) {
    let mut unit = Unit { artifact: artifact.path.clone(), ..Unit::default() };
    let reading = guarded(artifact, Kind::Assembly, |reading| {
        let bytes = match artifact.read(MAX_BINARY) {
            Ok(bytes) => bytes,
            Err(error) => return reading.note(NoteKind::Unreadable, format!("cannot be opened: {error}")),
        };
        let image = match Image::open(&bytes) {
            Ok(image) => image,
            Err(error) => return reading.note(NoteKind::Malformed, format!("the metadata cannot be read: {error}")),
        };
        let (identity, attributes) = (image.identity(), form::attributes(&image));
        reading.owner = identity::owner_of(&identity, &attributes);
        for (key, value) in form::identity(&identity, &attributes) {
            reading.clue(Site::default(), Clue::new(ClueKind::Identity, key, value));
        }
        let outside = reading.owner == Owner::Framework && !insides;
        let mut opened = if outside { image.outline() } else { image.unit() };
        opened.artifact.clone_from(&artifact.path);
        artifact.file_name().clone_into(&mut opened.file_name);
        opened.identity = identity;
        if outside {
            reading.note(NoteKind::Info, "part of a framework: its code is not analysed");
        } else {
            for (kind, text) in form::notes(&image, &opened, &attributes) {
                reading.note(kind, text);
            }
            if form::code(&image) == Code::Mixed {
                native_part(app, artifact, &bytes, reading);
            }
            image.scan(&mut opened);
            let seeds = seeds(&opened);
            interpret_all(&image, &mut opened, seeds);
        }
        reading.notes.append(&mut opened.notes);
        unit = opened;
    });
    (reading, unit)
}

/// The machine code of an image that has IL too.
fn native_part(app: &Application, artifact: &Artifact, bytes: &[u8], reading: &mut Reading) {
    let input = Input { artifact, kind: Kind::Pe, bytes, app };
    let mut native = Reading::new(&artifact.path, "");
    pe::read(&input, &mut native);
    let is_identity = |fact: &Fact| fact.as_clue().is_some_and(|clue| clue.kind == ClueKind::Identity);
    native.facts.retain(|fact| !is_identity(fact));
    reading.facts.append(&mut native.facts);
    reading.notes.append(&mut native.notes);
}

/// Methods that call something catalogued.
fn seeds(unit: &Unit) -> Vec<u32> {
    let is_sink = |token: u32| {
        unit.member_ref(token).is_some_and(|r| r.rows.is_some_and(crate::catalog::dotnet::Rows::is_sink))
            || pinvoke::sink(unit, token).is_some()
    };
    let mut rows: Vec<u32> =
        unit.calls.iter().filter(|(_, token)| is_sink(*token)).map(|(caller, _)| *caller).collect();
    rows.dedup();
    rows
}

fn interpret_all(image: &Image<'_>, unit: &mut Unit, rows: impl IntoIterator<Item = u32>) {
    let mut arena = std::mem::take(&mut unit.arena);
    for rid in rows {
        // A method without readable code is remembered as empty, so that it is not asked for again.
        let body = interp::interpret(image, unit, &mut arena, rid).unwrap_or_default();
        unit.bodies.insert(rid, body);
    }
    unit.arena = arena;
}

/// Methods that call something catalogued: the only ones whose calls are asked about.
fn interpreted(units: &[Unit]) -> BTreeSet<Method> {
    let of =
        |(u, unit): (usize, &Unit)| unit.bodies.keys().map(move |rid| Method { unit: u as u32, rid: *rid }).collect();
    units.iter().enumerate().flat_map(|(u, unit)| -> Vec<Method> { of((u, unit)) }).collect()
}

/// Methods that the calls of the open methods lead to and that are not interpreted yet. A method that leads to none is
/// no longer open.
fn wanted(units: &[Unit], links: &Links, open: &mut BTreeSet<Method>) -> BTreeSet<Method> {
    let asked: Vec<(Method, BTreeSet<Method>)> = open
        .par_iter()
        .map(|method| {
            let resolver = Resolver::new(units, links);
            let body = units.get(method.unit as usize).and_then(|unit| unit.bodies.get(&method.rid));
            for call in body.map(|b| b.sites.as_slice()).unwrap_or_default() {
                let _ = sinks::facts(&resolver, *method, call);
            }
            (*method, resolver.wanted.into_inner())
        })
        .collect();
    *open = asked.iter().filter(|(_, wanted)| !wanted.is_empty()).map(|(method, _)| *method).collect();
    asked.into_iter().flat_map(|(_, wanted)| wanted).take(MAX_WANTED).collect()
}

/// Rows of the methods of one unit.
fn of_unit(methods: &BTreeSet<Method>, unit: u32) -> impl Iterator<Item = u32> {
    let first = |unit| Method { unit, rid: 0 };
    methods.range(first(unit)..first(unit.saturating_add(1))).map(|m| m.rid)
}

/// Interprets wanted methods.
fn deepen(assemblies: &[&Artifact], units: &mut [Unit], readings: &mut [Reading], wanted: BTreeSet<Method>) {
    units.par_iter_mut().zip(readings.par_iter_mut()).zip(assemblies.par_iter()).enumerate().for_each(
        |(u, ((unit, reading), artifact))| {
            let u = u as u32;
            let rows: Vec<u32> = of_unit(&wanted, u).collect();
            if rows.is_empty() {
                return;
            }
            let found = guarded(artifact, Kind::Assembly, |reading| {
                let Ok(bytes) = artifact.read(MAX_BINARY) else {
                    return reading.note(NoteKind::Unreadable, "changed while it was read");
                };
                let Ok(image) = Image::open(&bytes) else { return };
                interpret_all(&image, unit, rows.iter().copied());
            });
            for rid in rows {
                unit.bodies.entry(rid).or_default();
            }
            reading.notes.extend(found.notes);
        },
    );
}

/// Everything that is said of one assembly; gives the methods in which its facts were seen.
fn report(units: &[Unit], links: &Links, phases: &Phases, unit: u32, reading: &mut Reading) -> Vec<Place> {
    let resolver = Resolver::new(units, links);
    let mut places = Vec::new();
    let Some(own) = units.get(unit as usize) else { return places };
    for (rid, body) in &own.bodies {
        let method = Method { unit, rid: *rid };
        resolver.next_method();
        let mut found: Vec<Fact> = body.sites.iter().flat_map(|call| sinks::facts(&resolver, method, call)).collect();
        context::complete(&resolver, phases, method, &mut found);
        for fact in found {
            if let Some(il_offset) = fact.site.il_offset {
                places.push(Place { fact: reading.facts.len(), rid: *rid, il_offset });
            }
            reading.facts.push(fact);
        }
    }
    if resolver.is_exhausted() {
        reading.note(NoteKind::Capped, "some methods ask for too much: their values are followed less far than usual");
    }
    context::components(phases, unit, reading);
    context::clients(own, reading);
    places
}
