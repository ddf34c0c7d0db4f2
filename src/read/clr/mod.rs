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
mod trace;
mod unit;
mod value;
mod walk;

use crate::catalog::dotnet::catalog;
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
const MAX_ROUNDS: usize = 16;
/// Methods that are asked about together: what one answer found, the next need not look for.
const CHUNK: usize = 256;
/// Methods that are interpreted in one round.
const MAX_WANTED: usize = 200_000;

/// Reads the assemblies of an application; those of frameworks from the inside only if `insides` says so.
pub fn read_application(app: &Application, assemblies: &[&Artifact], insides: bool) -> Vec<Reading> {
    let (mut readings, mut units): (Vec<Reading>, Vec<Unit>) =
        assemblies.par_iter().map(|artifact| open(app, artifact, insides)).unzip();
    let mut links = Links::new(&units);
    let phases = Phases::new(&units, &links);
    links.components = phases.components.iter().flat_map(|of_unit| of_unit.keys().copied()).collect();
    let mut open: BTreeSet<Method> = interpreted(&units);
    for _ in 0..MAX_ROUNDS {
        let wanted = wanted(&units, &links, &mut open);
        if wanted.is_empty() {
            break;
        }
        deepen(assemblies, &mut units, &mut readings, wanted);
    }
    let methods = units.iter().map(|unit| unit.bodies.len()).sum();
    let view = View { units: &units, links: &links, phases: &phases, methods };
    let mut told = view.tell(assemblies);
    lines::add(app, assemblies, &mut told);
    for (reading, told) in readings.iter_mut().zip(told) {
        reading.facts.extend(told.reading.facts);
        reading.notes.extend(told.reading.notes);
    }
    if !insides {
        note_frameworks(&mut readings);
    }
    readings
}

/// Says once what is not said of each: a framework may have hundreds of assemblies.
fn note_frameworks(readings: &mut [Reading]) {
    let is_passed_over = |reading: &&mut Reading| reading.owner == Owner::Framework;
    let count = readings.iter_mut().filter(is_passed_over).count();
    let text = match count {
        1 => "part of a framework: its code is not analysed".to_owned(),
        _ => format!("one of {count} assemblies of frameworks: their code is not analysed"),
    };
    if let Some(first) = readings.iter_mut().filter(is_passed_over).min_by(|a, b| a.artifact.cmp(&b.artifact)) {
        first.note(NoteKind::Info, text);
    }
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
        if !outside {
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
    let serves = unit.references.iter().any(|name| catalog().serves(name));
    let is_sink = |token: u32| {
        let rows = unit.member_ref(token).and_then(|r| r.rows);
        rows.is_some_and(|rows| rows.is_sink() && (serves || !rows.needs_component()))
            || pinvoke::sink(unit, token).is_some()
            || unit.member_ref(token).is_some_and(|r| catalog().callback(&r.ty, &r.name).is_some())
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
    let methods: Vec<Method> = open.iter().copied().collect();
    let ask = |chunk: &[Method]| {
        let resolver = Resolver::silent(units, links, methods.len());
        let mut still_open = Vec::new();
        for method in chunk {
            resolver.next_method();
            let before = resolver.misses();
            let body = units.get(method.unit as usize).and_then(|unit| unit.bodies.get(&method.rid));
            for call in body.map(|b| b.sites.as_slice()).unwrap_or_default() {
                let _ = sinks::facts(&resolver, *method, call);
            }
            if resolver.misses() > before {
                still_open.push(*method);
            }
        }
        (still_open, resolver.wanted.into_inner())
    };
    let asked: Vec<(Vec<Method>, BTreeSet<Method>)> = methods.par_chunks(CHUNK).map(ask).collect();
    *open = asked.iter().flat_map(|(still_open, _)| still_open).copied().collect();
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
                // What these get from methods of the same assembly would be wanted next.
                let next = called(unit, &rows);
                interpret_all(&image, unit, next);
            });
            for rid in rows {
                unit.bodies.entry(rid).or_default();
            }
            reading.notes.extend(found.notes);
        },
    );
}

/// Methods that some methods call for what they give, or to make an object, and that are not interpreted yet.
fn called(unit: &Unit, rows: &[u32]) -> BTreeSet<u32> {
    let sites = rows.iter().filter_map(|rid| unit.bodies.get(rid)).flat_map(|body| &body.sites);
    let of_unit = sites.filter(|site| unit::table(site.token) == unit::METHOD_DEF);
    let gives = |site: &interp::Site| site.makes || unit.callee(site.token).is_some_and(|callee| callee.returns);
    let rows = of_unit.filter(|site| gives(site)).map(|site| unit::row(site.token));
    rows.filter(|rid| !unit.bodies.contains_key(rid)).collect()
}

/// All that is known when facts are told.
struct View<'v> {
    units: &'v [Unit],
    links: &'v Links,
    phases: &'v Phases,
    /// How many methods are asked about.
    methods: usize,
}

/// What is told of an assembly, and in which methods it was seen.
#[derive(Default)]
struct Told {
    reading: Reading,
    places: Vec<Place>,
    exhausted: bool,
}

impl View<'_> {
    /// Everything that is said of each assembly.
    fn tell(&self, assemblies: &[&Artifact]) -> Vec<Told> {
        let rows: Vec<Vec<u32>> = self.units.iter().map(|unit| unit.bodies.keys().copied().collect()).collect();
        let chunks: Vec<(usize, &[u32])> =
            rows.iter().enumerate().flat_map(|(u, rows)| rows.chunks(CHUNK).map(move |chunk| (u, chunk))).collect();
        let parts: Vec<(usize, Told)> = chunks
            .into_par_iter()
            .filter_map(|(u, chunk)| Some((u, self.of_methods(assemblies.get(u)?, u as u32, chunk))))
            .collect();
        let mut all: Vec<Told> = self.units.iter().map(|_| Told::default()).collect();
        for (u, part) in parts {
            if let Some(told) = all.get_mut(u) {
                told.append(part);
            }
        }
        for (u, (told, unit)) in all.iter_mut().zip(self.units).enumerate() {
            if told.exhausted {
                let text = "some methods ask for too much: their values are followed less far than usual";
                told.reading.note(NoteKind::Capped, text);
            }
            let long = unit.bodies.values().filter(|body| body.is_capped).count();
            if long > 0 {
                let text = format!("methods that are too long, of which nothing is known: {long}");
                told.reading.note(NoteKind::Capped, text);
            }
            context::components(self.phases, u as u32, &mut told.reading);
            context::clients(unit, &mut told.reading);
        }
        all
    }

    /// The facts of some methods of an assembly.
    fn of_methods(&self, artifact: &Artifact, unit: u32, rows: &[u32]) -> Told {
        let mut told = Told::default();
        let (places, exhausted) = (&mut told.places, &mut told.exhausted);
        let reading = guarded(artifact, Kind::Assembly, |reading| {
            let Some(own) = self.units.get(unit as usize) else { return };
            let resolver = Resolver::new(self.units, self.links, self.methods);
            for rid in rows {
                let (method, body) = (Method { unit, rid: *rid }, own.bodies.get(rid));
                resolver.next_method();
                let calls = body.map(|b| b.sites.as_slice()).unwrap_or_default();
                let mut found: Vec<Fact> =
                    calls.iter().flat_map(|call| sinks::facts(&resolver, method, call)).collect();
                context::complete(&resolver, self.phases, method, &mut found);
                for fact in found {
                    places.extend(lines::places(&resolver, method, reading.facts.len(), &fact));
                    reading.facts.push(fact);
                }
            }
            *exhausted = resolver.is_exhausted();
        });
        told.reading = reading;
        told
    }
}

impl Told {
    fn append(&mut self, mut other: Told) {
        let facts = self.reading.facts.len();
        other.places.iter_mut().for_each(|place| place.fact += facts);
        self.places.append(&mut other.places);
        self.reading.facts.append(&mut other.reading.facts);
        self.reading.notes.append(&mut other.reading.notes);
        self.exhausted |= other.exhausted;
    }
}
