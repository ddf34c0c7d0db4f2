//! One image prepared for analysis: its tables, its functions, who calls whom, and the reports made so far.

mod builders;
mod given;

use super::addresses::Addresses;
use super::classes::Classes;
use super::code::analysis;
use super::code::body::Body;
use super::code::report::Report;
use super::code::slot::Slot;
use super::functions::{self, Functions};
use super::globals::Globals;
use super::go::GoFunctions;
use super::handed::Handed;
use super::image::Image;
use super::imports::Linkage;
use super::keepers::Keepers;
use super::leaves::{self, Leaves};
use super::names::Names;
use super::openers;
use super::pascal;
use super::references::References;
use super::rust;
use super::scan::sort_pairs;
use super::surface;
use super::{Map, Set};
use crate::catalog::native::{self, Api, Signature};
use given::Given;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Deepest chain of functions whose results are looked into.
pub(crate) const MAX_DEPTH: u8 = 3;
/// Longest chain of functions that end in calling the next.
const MAX_TAIL_CALLS: usize = 8;
/// Bytes of a jump through a slot.
const THUNK: u32 = 6;
/// Most decoded instructions that are kept, of 40 bytes each.
const MAX_DECODED: usize = 200_000;
/// Most instructions that are executed for one image, over all functions and visits.
const MAX_STEPS: u64 = 60_000_000;

/// A report, if it is not being made.
struct Made {
    /// Deeper ones know less of what they call.
    depth: u8,
    report: Option<Rc<Report>>,
    /// The functions whose calls it tells of.
    wanted: Rc<Set<u32>>,
}

/// See the module.
pub(crate) struct Program<'a> {
    pub(crate) image: Image<'a>,
    pub(crate) linkage: Linkage<'a>,
    pub(crate) functions: Functions,
    pub(crate) references: References,
    /// Catalogue row of each import.
    pub(crate) apis: Vec<Option<Api>>,
    /// Name of the file without its folder.
    pub(crate) file_name: String,
    /// Slots and thunks of imports that do not come back when they are called.
    endless: Set<u32>,
    /// Functions that refer to a catalogued import.
    interesting: Set<u32>,
    /// Functions that refer to an import that changes state.
    sinks: Vec<u32>,
    /// Calls of imports that change state in code that no function is known for.
    pub(crate) strays: usize,
    /// What a program written in Go consists of.
    pub(crate) go: Option<GoFunctions>,
    /// Functions of libraries that are linked in, by name.
    pub(crate) names: Names,
    /// Functions of the image that open files by a mode string.
    pub(crate) openers: Set<u32>,
    /// Constructors of facets that widen characters.
    pub(crate) facets: Set<u32>,
    /// Functions of a runtime linked into the image that decode the flags of `_open`.
    pub(crate) decoders: Set<u32>,
    /// Functions of Windows whose calls are reported as those of a runtime.
    pub(crate) replaced: RefCell<BTreeSet<String>>,
    /// The call of each of them that is reported.
    decoded: RefCell<Map<u32, u32>>,
    /// Functions whose callers' arguments are asked for.
    pub(crate) wanted: RefCell<Rc<Set<u32>>>,
    /// Variables that hold the array of the program's arguments.
    pub(super) argument_arrays: RefCell<Option<Set<u64>>>,
    /// Functions that were looked at for literals.
    builders: RefCell<Map<u32, bool>>,
    reports: RefCell<Map<u32, Made>>,
    given: Given,
    pub(crate) globals: Globals,
    pub(crate) classes: Classes,
    /// Functions of Rust's library that turn a path into UTF-16.
    pub(crate) encoders: Set<u32>,
    /// Tables of classes of Object Pascal.
    pub(crate) pascal: Set<u32>,
    /// Those of them that keep settings.
    pub(crate) keepers: Keepers,
    pub(crate) handed: Handed,
    /// Places in the data that something refers to, sorted.
    pub(super) referred: OnceCell<Vec<u32>>,
    /// Those of them that the data refers to, sorted.
    pub(super) pointed: OnceCell<Vec<u32>>,
    pops: RefCell<Map<u32, u32>>,
    /// Registers that functions change, where they are known to leave some alone.
    changed: RefCell<Map<u32, Option<u16>>>,
    /// Signature of each import that was asked for.
    signatures: Vec<OnceCell<Option<Signature>>>,
    /// What each of them is called in facts.
    vias: Vec<OnceCell<String>>,
    bodies: RefCell<Map<u32, Rc<Body>>>,
    /// Instructions in them.
    decoded_instructions: Cell<usize>,
    steps: Cell<u64>,
    pub(crate) exhausted: Cell<bool>,
}

/// What it gives is called later, and may then change state.
fn leads_on(api: &Api) -> bool {
    matches!(api.row.model, Some(native::Model::ProcAddress | native::Model::ComCreate))
}

impl<'a> Program<'a> {
    /// Prepares an image.
    pub(crate) fn new(image: Image<'a>, linkage: Linkage<'a>, file_name: &str) -> Self {
        let addresses = Addresses::of(&image, &linkage);
        let mut references = References::scan(&image, &linkage, &addresses);
        let apis: Vec<Option<Api>> = linkage.imports.iter().map(surface::api_of).collect();
        let signatures = linkage.imports.iter().map(|_| OnceCell::new()).collect();
        let vias = linkage.imports.iter().map(|_| OnceCell::new()).collect();
        let mut starts: Vec<u32> = linkage.exports.iter().map(|(_, rva)| *rva).collect();
        starts.push(image.entry);
        // A function may end in the same jump.
        let stands_alone = |thunk: u32| {
            functions::is_apart(&image, thunk) || references.thunks.contains_key(&thunk.wrapping_sub(THUNK))
        };
        starts.extend(references.thunks.keys().copied().filter(|thunk| stands_alone(*thunk)));
        starts.extend(functions::called(&image, &references));
        starts.extend(functions::pointers(&image, &addresses));
        let go = GoFunctions::of(&image);
        starts.extend(go.iter().flat_map(|go| go.starts.iter().copied()));
        let pascal = pascal::classes(&image);
        starts.extend(pascal.iter().flat_map(|class| pascal::methods(&image, *class)));
        let mut names = Names::of(&image);
        starts.extend(&names.starts);
        let mut functions = Functions::new(&image, starts);
        if !image.is_64() {
            let jumps = references.edges.iter().filter(|(_, from)| image.at(*from).is_some_and(|b| b[0] == 0xe9));
            functions.add_tail_called(&image, jumps.copied());
            functions.add_fragments(&image);
        }
        references.edges.extend(functions.short_jumps(&image));
        sort_pairs(&mut references.edges);
        names.add_streams(&image, &functions);
        let ends = |import: usize| linkage.imports.get(import).is_some_and(surface::never_returns);
        let slots = linkage.slots.iter().filter(|(_, import)| ends(**import)).map(|(slot, _)| *slot);
        let thunks = references.thunks.iter().filter(|(_, import)| ends(**import)).map(|(thunk, _)| *thunk);
        let endless = slots.chain(thunks).collect();
        let keepers = Keepers::classes(&image, &pascal);
        let encoders = rust::encoders(&image, &functions);
        let mut program = Program {
            image,
            linkage,
            functions,
            references,
            apis,
            file_name: file_name.to_owned(),
            endless,
            interesting: Set::default(),
            sinks: Vec::new(),
            strays: 0,
            go,
            names,
            openers: Set::default(),
            facets: Set::default(),
            decoders: Set::default(),
            replaced: RefCell::default(),
            decoded: RefCell::default(),
            wanted: RefCell::default(),
            argument_arrays: RefCell::default(),
            builders: RefCell::default(),
            reports: RefCell::default(),
            given: Given::default(),
            globals: Globals::default(),
            classes: Classes::default(),
            encoders,
            pascal,
            keepers,
            handed: Handed::default(),
            referred: OnceCell::new(),
            pointed: OnceCell::new(),
            pops: RefCell::default(),
            changed: RefCell::default(),
            signatures,
            vias,
            bodies: RefCell::default(),
            decoded_instructions: Cell::new(0),
            steps: Cell::new(0),
            exhausted: Cell::new(false),
        };
        program.sort_references();
        let mut keepers = std::mem::take(&mut program.keepers);
        keepers.add_methods(&program);
        program.keepers = keepers;
        program
    }

    /// Which functions refer to which imports, directly or through thunks.
    fn sort_references(&mut self) {
        let mut sinks = Set::default();
        let mut interesting = Set::default();
        let mut opens = false;
        let (mut wrappers, mut facets) = (Set::default(), Set::default());
        let mut strays = 0;
        for (at, import) in self.uses_of_imports() {
            let Some(Some(api)) = self.apis.get(import) else { continue };
            let Some(function) = self.functions.function_of(at) else {
                strays += usize::from(api.row.is_sink() && self.is_call(at));
                continue;
            };
            if self.references.thunks.contains_key(&function) {
                continue;
            }
            interesting.insert(function);
            facets.extend(self.makes_facet(function, *api).then_some(function));
            opens |= api.row.model == Some(native::Model::CreateFile);
            // A pipe to a program has a mode too.
            if matches!(api.row.model, Some(native::Model::Fopen | native::Model::Starts)) {
                wrappers.insert(function);
            }
            if api.row.is_sink() || leads_on(api) {
                sinks.insert(function);
            }
        }
        (self.strays, self.facets) = (strays, facets);
        if opens {
            self.decoders = openers::decoders(&self.image, &self.functions, &self.references);
            self.openers = openers::find(&self.image, &self.functions, &self.references, &self.decoders);
            // What only wraps an imported function is followed like any other wrapper.
            self.openers.retain(|function| !wrappers.contains(function));
        }
        if let Some(go) = &self.go {
            // What the packages of the language do is the doing of the functions that call them.
            let known: Set<u32> = go.known.keys().copied().collect();
            let callers = self.callers(&known);
            let own: Vec<u32> = callers.values().flatten().copied().filter(|caller| go.own.contains(caller)).collect();
            sinks.extend(&own);
            interesting.extend(own);
        }
        if !self.keepers.is_empty() {
            let users = self.keepers.users(&self.image, &self.functions);
            sinks.extend(&users);
            interesting.extend(users);
        }
        let linked = self.names.linked.iter().filter(|(_, linked)| linked.api.row.is_sink());
        let opening: Set<u32> = self.openers.iter().chain(linked.map(|(function, _)| function)).copied().collect();
        for callers in self.callers(&opening).values() {
            sinks.extend(callers);
            interesting.extend(callers);
        }
        self.interesting = interesting;
        self.sinks = sinks.into_iter().collect();
        self.sinks.sort_unstable();
    }

    /// Places in the code that refer to an import, directly or through a thunk.
    pub(crate) fn uses_of_imports(&self) -> impl Iterator<Item = (u32, usize)> {
        let thunks = &self.references.thunks;
        let through = |(target, from): &(u32, u32)| thunks.get(target).map(|import| (*from, *import));
        self.references.slots.iter().copied().chain(self.references.edges.iter().filter_map(through))
    }

    /// A call through the slot whose address stands here, not bytes that happen to look like one.
    fn is_call(&self, at: u32) -> bool {
        at.checked_sub(2).and_then(|at| self.image.at(at)).is_some_and(|code| code.starts_with(&[0xff, 0x15]))
    }

    /// Functions that change state, in the order of their addresses.
    pub(crate) fn sinks(&self) -> &[u32] {
        &self.sinks
    }

    /// Worth looking into for its result: it refers to a catalogued import, or to a literal that a path could be
    /// built from.
    pub(crate) fn is_interesting(&self, function: u32) -> bool {
        if self.interesting.contains(&function) || self.is_handed_object(function) {
            return true;
        }
        if let Some(known) = self.builders.borrow().get(&function) {
            return *known;
        }
        let found = self.mentions_path(function);
        self.builders.borrow_mut().insert(function, found);
        found
    }

    /// Functions with a direct call or jump to one of `targets`.
    pub(crate) fn callers(&self, targets: &Set<u32>) -> Map<u32, Set<u32>> {
        let mut callers: Map<u32, Set<u32>> = Map::default();
        for target in targets {
            let calls = self.references.calls_to(*target);
            let found: Set<u32> = calls.filter_map(|from| self.functions.function_of(from)).collect();
            if !found.is_empty() {
                callers.insert(*target, found);
            }
        }
        callers
    }

    /// The report on a function; `None` while it is being made, or when there is no time left.
    pub(crate) fn report(&self, function: u32, depth: u8) -> Option<Rc<Report>> {
        if let Some(made) = self.reports.borrow().get(&function)
            && (made.depth <= depth || made.report.is_none())
        {
            return made.report.clone();
        }
        self.make(function, depth)
    }

    /// The report on a function, with all its calls of these that are wanted now: made anew, if it does not tell of them.
    pub(crate) fn report_with_calls(&self, function: u32, called: &[u32]) -> Option<Rc<Report>> {
        let tells = |made: &&Made| made.depth == 0 && called.iter().all(|target| made.wanted.contains(target));
        let told = self.reports.borrow().get(&function).filter(tells).and_then(|made| made.report.clone());
        told.or_else(|| self.make(function, 0))
    }

    fn make(&self, function: u32, depth: u8) -> Option<Rc<Report>> {
        if self.is_out_of_budget() {
            return None;
        }
        let wanted = self.wanted.borrow().clone();
        let made = |report| Made { depth, report, wanted: wanted.clone() };
        self.reports.borrow_mut().insert(function, made(None));
        let report = Rc::new(analysis::analyse(self, function, depth, (&[], &[])));
        self.reports.borrow_mut().insert(function, made(Some(report.clone())));
        Some(report)
    }

    /// The report on a function, if it was made.
    pub(crate) fn reported(&self, function: u32) -> Option<Rc<Report>> {
        self.reports.borrow().get(&function).and_then(|made| made.report.clone())
    }

    /// What is called at an address, beyond lone jumps. One that leads to an import is a function of its own, which is asked
    /// what its callers give.
    pub(crate) fn beyond_jumps(&self, rva: u32) -> u32 {
        match self.image.beyond_jumps(rva) {
            beyond if self.references.thunks.contains_key(&beyond) => rva,
            beyond => beyond,
        }
    }

    /// Forgets a report, so that it is made again with what is wanted now.
    pub(crate) fn forget(&self, function: u32) {
        self.reports.borrow_mut().remove(&function);
    }

    /// The parameter with the flags of `_open`, of the first site of a function that opens with them; `None` for its
    /// other sites.
    pub(crate) fn runtime_flags(&self, function: u32, site: u32) -> Option<Option<Slot>> {
        let first = *self.decoded.borrow_mut().entry(function).or_insert(site);
        let flags = || self.report(function, 0).and_then(|report| report.flags);
        (first == site).then(flags)
    }

    /// The signature of an import.
    pub(crate) fn signature(&self, import: usize) -> Option<Signature> {
        let known = self.signatures.get(import)?;
        *known.get_or_init(|| self.linkage.imports.get(import).and_then(surface::name_of).and_then(native::signature))
    }

    /// A function of the image may be given to an import: of those whose doing is known only to a few.
    pub(crate) fn takes_procedures(&self, import: usize) -> bool {
        let api = self.apis.get(import).copied().flatten();
        api.is_none_or(|api| api.row.caller.is_some() || api.row.model.is_none() && api.row.effect.is_none())
    }

    /// What facts call an import.
    pub(crate) fn via(&self, import: usize) -> &str {
        let name = || self.linkage.imports.get(import).map(surface::via).unwrap_or_default();
        self.vias.get(import).map_or("", |via| via.get_or_init(name))
    }

    /// A function, decoded: most are analysed several times, so those that come first are kept.
    pub(crate) fn body(&self, function: u32) -> Rc<Body> {
        if let Some(body) = self.bodies.borrow().get(&function) {
            return body.clone();
        }
        let body = Rc::new(Body::decode(&self.image, &self.functions, &self.endless, function));
        let kept = self.decoded_instructions.get() + body.instructions.len();
        if kept <= MAX_DECODED {
            self.decoded_instructions.set(kept);
            self.bodies.borrow_mut().insert(function, body.clone());
        }
        body
    }

    /// All functions that were looked into.
    pub(crate) fn analysed(&self) -> Vec<u32> {
        let mut functions: Vec<u32> = self.reports.borrow().keys().copied().collect();
        functions.sort_unstable();
        functions
    }

    /// Counts executed instructions.
    pub(crate) fn spend(&self, steps: u64) {
        self.steps.set(self.steps.get() + steps);
    }

    /// Executed instructions so far.
    pub(crate) fn executed(&self) -> u64 {
        self.steps.get()
    }

    /// No steps left.
    pub(crate) fn is_out_of_budget(&self) -> bool {
        let out = self.steps.get() > MAX_STEPS;
        if out {
            self.exhausted.set(true);
        }
        out
    }

    /// The registers that a function of the image may change, by their numbers; `None`: any that need not be kept.
    pub(crate) fn changed_by(&self, function: u32) -> Option<u16> {
        let leaf = || leaves::changed(&self.image, &self.functions, function);
        *self.changed.borrow_mut().entry(function).or_insert_with(leaf)
    }

    /// Bytes of arguments that a function of the image pops (x86): the operand of its first return, or what is popped
    /// by the function that it ends in.
    pub(crate) fn pops_of(&self, function: u32) -> u32 {
        if let Some(pops) = self.pops.borrow().get(&function) {
            return *pops;
        }
        let mut at = function;
        let mut pops = 0;
        for _ in 0..MAX_TAIL_CALLS {
            match leaves::first_exit(&self.image, at, |rva| self.functions.is_start(rva)) {
                Leaves::Popping(bytes) => {
                    pops = bytes;
                    break;
                }
                Leaves::To(next) => at = next,
                Leaves::Through(slot) => {
                    let import = self.linkage.slots.get(&slot).and_then(|i| self.linkage.imports.get(*i));
                    let signature = import.and_then(surface::name_of).and_then(native::signature);
                    pops = signature.map_or(0, |s| s.pops);
                    break;
                }
            }
        }
        self.pops.borrow_mut().insert(function, pops);
        pops
    }
}
