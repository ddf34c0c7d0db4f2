//! Puts what the code says into the reading: one fact for each place with a known location, one for each API whose
//! locations stay unknown.

use super::beside::Beside;
use super::code::gap::Gap;
use super::code::report::Event;
use super::folders::{Below, Folders};
use super::image::{Image, Machine};
use super::imports::{Import, Linkage};
use super::phases::Phases;
use super::program::Program;
use super::reach::Reach;
use super::{Set, effects, go, lines, methods, nearby, resolve, surface};
use crate::catalog::native;
use crate::facts::{
    Body, Certainty, Effect, Extent, Fact, Folder, Hole, Location, NoteKind, Operation, Part, Reading, Site, Source,
    Step, Store, Text,
};
use crate::read::Input;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most effects with a location that are kept of one image.
const MAX_FACTS: usize = 4_000;

/// A run of instructions of an image.
#[derive(Clone, Debug)]
pub struct Code {
    /// Address of the first.
    pub address: u64,
    /// The instructions.
    pub bytes: Vec<u8>,
    /// 32 or 64.
    pub bitness: u32,
}

/// What is looked into when an image is read: to measure what that costs beside decoding it.
#[derive(Clone, Debug, Default)]
pub struct Analysed {
    /// Each function once.
    pub code: Vec<Code>,
    /// How many instructions were executed, with repetitions.
    pub executed: u64,
}

/// See [`Analysed`].
pub fn analysed(file_name: &str, bytes: &[u8]) -> Analysed {
    let Some(image) = Image::parse(bytes).filter(|i| matches!(i.machine, Machine::X64 | Machine::X86)) else {
        return Analysed::default();
    };
    let linkage = Linkage::read(&image);
    let program = Program::new(image, linkage, file_name);
    let (events, _) = resolve::events(&program);
    Phases::of(&program, &events);
    let code = program.analysed().into_iter().flat_map(|function| runs(&program, function)).collect();
    Analysed { code, executed: program.executed() }
}

/// The instructions of a function, in runs without a gap.
fn runs(program: &Program<'_>, function: u32) -> Vec<Code> {
    let image = &program.image;
    let mut runs: Vec<Code> = Vec::new();
    for instruction in &program.body(function).instructions {
        let bytes = image.rva_of(instruction.ip()).and_then(|rva| image.at(rva)?.get(..instruction.len()));
        let bytes = bytes.unwrap_or_default();
        match runs.last_mut() {
            Some(run) if run.address + run.bytes.len() as u64 == instruction.ip() => run.bytes.extend(bytes),
            _ => runs.push(Code {
                address: instruction.ip(),
                bytes: bytes.to_vec(),
                bitness: if image.is_64() { 64 } else { 32 },
            }),
        }
    }
    runs
}

/// Holes for what the program goes by.
const PROGRAM_NAMES: [&str; 2] = ["organization", "application"];

/// Analyses the code of an image.
pub(crate) fn read_code<'a>(input: &Input<'a>, image: Image<'a>, linkage: Linkage<'a>, reading: &mut Reading) {
    let program = Program::new(image, linkage, input.artifact.file_name());
    tell(input, &program, reading);
}

fn tell(input: &Input<'_>, program: &Program<'_>, reading: &mut Reading) {
    let (events, capped) = resolve::events(program);
    let mut explained: BTreeSet<String> = events.iter().map(|e| e.via.clone()).collect();
    explained.append(&mut program.replaced.borrow_mut());
    explained.extend(of_runtime(program));
    surface::name_services(&events, reading);
    let phases = Phases::of(program, &events);
    let kept = Kept::of(program, &events, phases.as_ref());
    let more = kept.more;
    let unplaced = kept.unplaced_writes();
    reading.facts.extend(kept.into_facts(&program.image));
    surface::capabilities(&program.image, &program.linkage, &mut explained.into_iter(), reading);
    if more > 0 {
        reading.note(NoteKind::Capped, format!("{more} more effects than are kept"));
    }
    if program.go.is_some() && unplaced > 0 {
        let calls =
            if unplaced == 1 { "1 call writes a file".to_owned() } else { format!("{unplaced} calls write files") };
        reading.note(NoteKind::Missing, format!("{calls} at places that were not recovered from what Go made"));
    }
    if program.references.capped {
        reading.note(NoteKind::Capped, "more calls in the code than are kept: some callers were not looked into");
    }
    if program.strays > 0 {
        let calls = program.strays;
        reading
            .note(NoteKind::Capped, format!("calls in code whose function is not known were not followed ({calls})"));
    }
    if program.exhausted.get() {
        reading.note(NoteKind::Capped, "the code is larger than the budget of one file: part of it was not analysed");
    } else if capped {
        reading.note(NoteKind::Capped, "a function or its callers were too large to be analysed whole");
    }
    if program.go.is_none()
        && let Some(what) = go::unread(&program.image)
    {
        reading.note(NoteKind::Unsupported, what);
    }
    lines::add(input, &program.image, reading);
}

/// What only the language's own packages refer to, of a program of Go: their runtime imports more than it calls
/// (`runtime/os_windows.go`).
fn of_runtime(program: &Program<'_>) -> Vec<String> {
    let Some(go) = &program.go else { return Vec::new() };
    let all: Set<u32> = go.starts.iter().copied().collect();
    let is_other = |at: u32| {
        let function = program.functions.function_of(at);
        function.is_none_or(|function| go.own.contains(&function) || !all.contains(&function))
    };
    let called: BTreeSet<usize> =
        program.uses_of_imports().filter(|(at, _)| is_other(*at)).map(|(_, import)| import).collect();
    let imports = 0..program.linkage.imports.len();
    imports.filter(|import| !called.contains(import)).map(|import| program.via(import).to_owned()).collect()
}

/// Calls whose location is wholly unknown, and that say the same of it.
struct Unknown {
    /// The first of them.
    fact: Fact,
    /// Where they are, and why their places are not known: of several callers, what is the first to mend.
    sites: BTreeMap<u32, Gap>,
    /// Why it is not known whether they write.
    modes: BTreeMap<u32, Gap>,
}

/// The facts of all calls: those with a location, and one for each API whose locations stay unknown.
#[derive(Default)]
struct Kept {
    located: Vec<Fact>,
    /// By API, and by whether the call is known to only read.
    unknown: BTreeMap<String, Unknown>,
    /// Places that only stand beside calls of which nothing else is known.
    guesses: Vec<Fact>,
    /// Facts with a location beyond those that are kept.
    more: usize,
}

impl Kept {
    fn of(program: &Program<'_>, events: &[Event], phases: Option<&Phases>) -> Self {
        let mut kept = Kept::default();
        let mut seen = BTreeSet::new();
        // Calls of whose places nothing is known.
        let mut open: Vec<(Event, Fact)> = Vec::new();
        // The functions that say the same of the same place.
        let mut told: HashMap<String, Vec<u32>> = HashMap::new();
        let names = names(events);
        let reach = Reach::default();
        let beside = Beside::of(program, events);
        let is_dead = |event: &Event| {
            program.functions.function_of(event.done_at()).is_some_and(|function| reach.is_dead(program, function))
        };
        let folders = Folders::of(program, events);
        for event in events {
            let Some(event) = settled(program, event) else { continue };
            let event = &named(event, &names);
            let phase = phases.and_then(|phases| phases.of_call(program, event));
            let dead = is_dead(event);
            for mut fact in effects::facts(&program.image, event) {
                if let Body::Effect(effect) = &mut fact.body {
                    if beside.repeats(program, event, effect) {
                        continue;
                    }
                    beside.complete(program, event, effect);
                    effect.evidence.extend(beside.targets(program, event, effect));
                }
                if let (Body::Effect(effect), Some((phase, because))) = (&mut fact.body, &phase) {
                    (effect.phase, effect.phase_evidence) = (*phase, because.clone());
                }
                // Copies of functions that are inlined wherever they are called, and what a library brought along, say nothing.
                if dead && unlocated(&fact).is_some() {
                    continue;
                }
                if let (Body::Effect(effect), true) = (&mut fact.body, dead) {
                    effect.certainty = Certainty::Possible;
                    // Calls without a place are told of together, and others of them may run.
                    if effect.location.extent() != Extent::None {
                        let nothing = "nothing in the image calls this code, and no pointer leads to it";
                        effect.evidence.push(Step::new(nothing));
                    }
                }
                if let (Body::Effect(effect), Some(folders)) = (&mut fact.body, &folders)
                    && effect.location.text().parts().first() == Some(&Part::Hole(Hole::Folder(Folder::Cwd)))
                {
                    settle_folder(&program.image, effect, folders.below(event));
                }
                if !dead && open.len() < MAX_FACTS && nearby::is_open(&fact) {
                    open.push((event.clone(), without_reason(fact.clone())));
                }
                if let Some(key) = unlocated(&fact) {
                    let new = || Unknown { fact: without_reason(fact), sites: BTreeMap::new(), modes: BTreeMap::new() };
                    let open = kept.unknown.entry(key).or_insert_with(new);
                    let place = open.sites.entry(event.site).or_default();
                    *place = effects::event_gap(event).max(*place);
                    let mode = open.modes.entry(event.site).or_default();
                    *mode = effects::mode_gap(event).max(*mode);
                } else if !seen.insert(fact_key(&fact)) || is_told(program, &mut told, event, &fact) {
                } else if kept.located.len() < MAX_FACTS {
                    kept.located.push(fact);
                } else {
                    kept.more += 1;
                }
            }
        }
        let located = kept.located.iter().filter(|fact| !nearby::is_open(fact));
        let located: BTreeSet<Option<u32>> = located.map(|fact| fact.site.rva).collect();
        open.retain(|(_, fact)| !located.contains(&fact.site.rva));
        kept.guesses = nearby::guesses(program, &open, events);
        kept
    }

    /// Calls that make files, or write to them, at places of which nothing is known.
    fn unplaced_writes(&self) -> usize {
        let writes = |fact: &Fact| {
            fact.as_effect().is_some_and(|effect| {
                effect.store == Store::File && !effect.operation.removes() && effect.operation != Operation::Read
            })
        };
        self.unknown.values().filter(|unknown| writes(&unknown.fact)).map(|unknown| unknown.sites.len()).sum()
    }

    fn into_facts(mut self, image: &Image<'_>) -> Vec<Fact> {
        // A call in a function with several callers may be located for some of them only.
        let open: BTreeSet<u32> = self.unknown.values().flat_map(|u| u.sites.keys().copied()).collect();
        let mut located = BTreeSet::new();
        for fact in &mut self.located {
            if let (Some(rva), Body::Effect(effect)) = (fact.site.rva, &mut fact.body)
                && located.insert(rva)
                && open.contains(&rva)
            {
                effect.evidence.push(Step::new("for other callers the location is not known"));
            }
        }
        for Unknown { mut fact, sites, modes } in self.unknown.into_values() {
            let (first, located) = (fact.site.rva, &located);
            let open = move |site: &u32| !located.contains(site) || first == Some(*site);
            let others = sites.keys().filter(|site| open(site)).count().saturating_sub(1);
            if let Body::Effect(effect) = &mut fact.body {
                if others > 0 {
                    effect.evidence.push(Step::new(format!("and {others} further calls whose location is not known")));
                }
                effect.evidence.extend(reasons(image, effects::NOT_KNOWN, &sites, open));
                if effects::is_doubtful(effect) {
                    effect.evidence.extend(reasons(image, effects::MODE_NOT_KNOWN, &modes, open));
                }
            }
            self.located.push(fact);
        }
        self.located.append(&mut self.guesses);
        self.located
    }
}

/// A relative name is below the folder that the program has changed to; which that is may not be known.
fn settle_folder(image: &Image<'_>, effect: &mut Effect, below: Below) {
    let at = |rva: u32| Site::code(image.section_name(rva), rva);
    match below {
        Below::First => {}
        Below::Folder(folder, changed_at) => {
            let folder = Location::file(&folder);
            let bare = match folder.text().as_lit() {
                Some(literal) => Text::lit(literal.trim_end_matches('\\')),
                None => folder.text().clone(),
            };
            let placed = |hole: &Hole| (*hole == Hole::Folder(Folder::Cwd)).then(|| bare.clone());
            effect.location = Location::named(effect.location.text().map_holes(placed));
            effect.evidence.push(Step::at("the program changes its current folder to that one", at(changed_at)));
        }
        Below::Open(changed_at) => {
            effect.certainty = effect.certainty.min(Certainty::Likely);
            effect.evidence.push(Step::at("the program changes its current folder", at(changed_at)));
        }
    }
}

/// The reason is said once, for all calls of the same API.
fn without_reason(mut fact: Fact) -> Fact {
    if let Body::Effect(effect) = &mut fact.body {
        let reasons = [effects::NOT_KNOWN, effects::MODE_NOT_KNOWN];
        effect.evidence.retain(|step| !reasons.iter().any(|reason| step.text.starts_with(reason)));
    }
    fact
}

/// Each reason, how many calls have it, and where the first of them is.
fn reasons(image: &Image<'_>, what: &str, sites: &BTreeMap<u32, Gap>, open: impl Fn(&u32) -> bool) -> Vec<Step> {
    let mut counts: BTreeMap<Gap, (usize, u32)> = BTreeMap::new();
    for (site, gap) in sites.iter().filter(|(site, gap)| **gap > Gap::None && open(site)) {
        counts.entry(*gap).or_insert((0, *site)).0 += 1;
    }
    let calls = |n: usize| if n > 1 { format!(" ({n} calls)") } else { String::new() };
    let step = |(gap, (n, first))| {
        Step::at(format!("{what}: {gap}{}", calls(n)), Site::code(image.section_name(first), first))
    };
    counts.into_iter().map(step).collect()
}

/// What a function does may depend on what else the program uses; `None` when without that it leaves nothing.
fn settled(program: &Program<'_>, event: &Event) -> Option<Event> {
    let mut event = event.clone();
    let row = event.api.row;
    let imports = |needed: &String| {
        let begins = |i: &Import<'_>| surface::name_of(i).is_some_and(|name| name.starts_with(needed.as_str()));
        program.linkage.imports.iter().any(begins)
    };
    if !row.needs.is_empty() && !row.needs.iter().any(imports) {
        event.api = native::find_by_name(row.otherwise.as_deref()?)?;
    }
    Some(event)
}

/// What the program goes by, as far as its calls say, by the words of `sets`.
fn names(events: &[Event]) -> HashMap<&str, Text> {
    let mut names: HashMap<&str, Text> = HashMap::new();
    for event in events {
        let Some(what) = &event.api.row.sets else { continue };
        let texts = event.api.row.args.first().and_then(|n| event.args.get(usize::from(*n))).map(|arg| &arg.texts);
        for text in texts.into_iter().flatten() {
            names.entry(what).and_modify(|all| *all = all.merge(text)).or_insert_with(|| text.clone());
        }
    }
    names
}

/// Fills in the names that the program goes by.
fn named(mut event: Event, names: &HashMap<&str, Text>) -> Event {
    let name = |hole: &Hole| match hole {
        Hole::From(Source::Param, name) if PROGRAM_NAMES.contains(&name.as_str()) => {
            Some(names.get(name.as_str()).cloned().unwrap_or_else(Text::unknown))
        }
        _ => None,
    };
    for text in event.args.iter_mut().flat_map(|arg| &mut arg.texts) {
        *text = text.map_holes(name);
    }
    event.fixed = event.api.row.fixed.as_deref().map(|fixed| Text::parse(fixed).map_holes(name));
    event
}

/// Under what an effect whose location is wholly unknown is counted.
fn unlocated(fact: &Fact) -> Option<String> {
    let effect: &Effect = fact.as_effect()?;
    (effect.location.extent() == Extent::None).then(|| {
        let rank = if effect.certainty > Certainty::Possible { "!" } else { "" };
        let reads = if effect.operation == Operation::Read { " reads" } else { "" };
        let doubt = if effects::is_doubtful(effect) { " perhaps" } else { "" };
        format!("{rank}{}{reads}{doubt}", effect.via)
    })
}

/// Two facts with the same key say the same of the same place.
fn fact_key(fact: &Fact) -> String {
    format!("{:?} {}", fact.site.rva, words(fact))
}

/// What a fact says, wherever the call is.
fn words(fact: &Fact) -> String {
    match &fact.body {
        Body::Effect(e) => format!("{:?} {:?} {} {}", e.operation, e.store, e.location.key(), e.via),
        Body::Clue(c) => format!("{:?} {} {}", c.kind, c.key, c.value),
    }
}

/// Most functions that say the same of which each is compared with the others.
const MAX_TWINS: usize = 16;

/// The method that a compiler put in place of its call says it, or was put there: one line of the source.
fn is_told(program: &Program<'_>, told: &mut HashMap<String, Vec<u32>>, event: &Event, fact: &Fact) -> bool {
    let Body::Effect(effect) = &fact.body else { return false };
    let Some(function) = fact.site.rva.and_then(|rva| program.functions.function_of(rva)) else { return false };
    let key = format!("{} {:?} {:?}", words(fact), effect.phase, effect.certainty);
    let functions = told.entry(key).or_default();
    if functions.contains(&function) || functions.len() >= MAX_TWINS || program.is_out_of_budget() {
        return false;
    }
    let literals: Vec<u32> = event.args.iter().filter_map(|arg| arg.literal).collect();
    let is_twin = functions.iter().any(|other| {
        methods::is_compiled_in(program, *other, function) || methods::is_given(program, *other, function, &literals)
    });
    functions.push(function);
    is_twin
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{Application, Artifact, Kind};
    use crate::read::Hosting;

    #[test]
    fn a_budget_that_is_used_up_is_said_to_be() {
        let path = "fixtures/native/files-x64-O0.exe";
        let bytes = std::fs::read(path).expect("a fixture");
        let size = bytes.len() as u64;
        let artifact = Artifact { path: path.into(), name: path.into(), file: path.into(), size, part: None };
        let (app, kind) = (Application::default(), Kind::Pe);
        let input = Input { artifact: &artifact, kind, bytes: &bytes, app: &app, hosting: &Hosting::default() };
        let told = |spent: u64| {
            let image = Image::parse(&bytes).expect("an image");
            let linkage = Linkage::read(&image);
            let program = Program::new(image, linkage, path);
            program.spend(spent);
            let mut reading = Reading::new(path, "pe");
            tell(&input, &program, &mut reading);
            reading
        };
        assert!(told(0).notes.is_empty());
        let reading = told(u64::MAX / 2);
        let said = |n: &crate::facts::Note| n.kind == NoteKind::Capped && n.text.contains("budget of one file");
        assert!(reading.notes.iter().any(said), "{:?}", reading.notes);
        // What could not be looked into is still known to be imported.
        assert!(reading.facts.iter().any(|f| f.as_effect().is_some_and(|e| e.certainty == Certainty::Possible)));
    }
}
