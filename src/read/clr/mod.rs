//! .NET assemblies, all of an application together.
//!
//! Each assembly is opened and indexed ([`image`], [`mod@unit`]); methods that call something catalogued are interpreted
//! into symbolic calls ([`interp`]), and so are those that their arguments may come from ([`demand`]). Then the calls are
//! asked about ([`ask`], [`resolve`]); what an answer would still have needed is interpreted too, and only the methods
//! that missed something are asked about again, until nothing more is wanted or the rounds are used up. The bytes of an
//! assembly are only held while it is being looked at, so memory does not grow with the application's size on disk.

mod answer;
mod ask;
mod context;
mod demand;
mod flow;
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
mod programs;
mod reach;
mod resolve;
mod shape;
mod sinks;
mod state;
mod trace;
mod unit;
mod value;
mod walk;

use crate::catalog::{dotnet::catalog, native};
use crate::discover::{Application, Artifact, Kind};
use crate::facts::{BROUGHT_ALONG, Clue, ClueKind, Fact, NoteKind, Owner, Reading, Site};
use crate::read::{Hosting, Input, MAX_BINARY, guarded, pe};
use ask::{Answers, View};
use demand::Demand;
use form::Code;
pub(in crate::read) use identity::is_well_known;
use image::Image;
pub(in crate::read) use lines::database;
use links::{Links, Method};
use phases::Phases;
use rayon::prelude::*;
use reach::Reach;
pub(in crate::read) use reach::texts_that_name;
use std::collections::BTreeSet;
use unit::Unit;

/// A map whose order nobody sees. Names and tokens of the input are its keys, so it hashes with a seed of its own.
type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// Times that further methods are interpreted because a value led there.
const MAX_ROUNDS: usize = 16;

/// Reads the assemblies of an application; those of frameworks from the inside only if `insides` says so.
pub fn read_application(app: &Application, assemblies: &[&Artifact], insides: bool) -> Vec<Reading> {
    let (mut readings, mut units): (Vec<Reading>, Vec<Unit>) =
        assemblies.par_iter().map(|artifact| open(app, artifact, insides)).unzip();
    let mut links = Links::new(&units);
    let phases = Phases::new(&units, &links);
    let own = |unit: usize| phases.components.get(unit).into_iter().flat_map(|has| has.keys().copied()).collect();
    links.components = programs::of_program(assemblies, &units, own);
    links.given_input = phases.given_input().collect();
    let seeds = interpreted(&units);
    let reach = Reach::new(app, &units, &links, &phases, &readings);
    let mut demand = Demand::new(&seeds);
    for _ in 0..MAX_ROUNDS {
        let wanted = demand.follow(&units, &links);
        if wanted.is_empty() {
            break;
        }
        deepen(assemblies, &mut units, &mut readings, wanted);
    }
    let mut told = Answers::default();
    let mut open = seeds.clone();
    for round in 0..=MAX_ROUNDS {
        let view = View { units: &units, links: &links, phases: &phases, reach: &reach, methods: seeds.len() };
        let wanted = told.ask(&view, assemblies, &mut open);
        if wanted.is_empty() || round == MAX_ROUNDS {
            break;
        }
        deepen(assemblies, &mut units, &mut readings, wanted);
    }
    // Methods that were only looked at for what they give may call something that matters too.
    let mut others: BTreeSet<Method> = interpreted(&units).difference(&seeds).copied().collect();
    let view = View { units: &units, links: &links, phases: &phases, reach: &reach, methods: seeds.len() };
    told.ask(&view, assemblies, &mut others);
    let mut told = told.by_assembly(&view);
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
        if native::is_brought_along(artifact.file_name(), &attributes.company, &attributes.product) {
            reading.clue(Site::default(), Clue::new(ClueKind::Role, BROUGHT_ALONG, attributes.product.trim()));
        }
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
            opened.notes.extend(image.gaps());
        }
        reading.notes.append(&mut opened.notes);
        unit = opened;
    });
    (reading, unit)
}

/// The machine code of an image that has IL too.
fn native_part(app: &Application, artifact: &Artifact, bytes: &[u8], reading: &mut Reading) {
    let input = Input { artifact, kind: Kind::Pe, bytes, app, hosting: &Hosting::default() };
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
    let mut known: Map<u32, bool> = Map::default();
    let mut is_seed = |token: u32| {
        *known.entry(token).or_insert_with(|| {
            let reference = unit.member_ref(token);
            reference.and_then(|r| r.rows).is_some_and(|rows| rows.is_sink() && (serves || !rows.needs_component()))
                || pinvoke::sink(unit, token).is_some()
                || reference
                    .is_some_and(|r| catalog().callback(&r.ty, &r.name).is_some() || catalog().hosts(&r.ty, &r.name))
        })
    };
    let mut rows: Vec<u32> =
        unit.calls.iter().filter(|(_, token)| is_seed(*token)).map(|(caller, _)| *caller).collect();
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

/// Methods that call something catalogued.
fn interpreted(units: &[Unit]) -> BTreeSet<Method> {
    let of = |(u, unit): (usize, &Unit)| -> Vec<Method> {
        unit.bodies.keys().map(|rid| Method { unit: u as u32, rid: *rid }).collect()
    };
    units.iter().enumerate().flat_map(of).collect()
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
