//! When code runs: what only the registration of a component, an installer's custom action or the main function of a
//! service leads to.
//!
//! From a call the callers are followed upwards. Where every way ends in such an entry, the call happens in its phase;
//! one way that ends anywhere else (the program's own entry, another export, a pointer in data) leaves it open. Methods of
//! objects are called by whatever calls a method at their place in the table, or no sooner than somebody makes such an
//! object; and what only functions of the image take the address of, as threads and closures, no sooner than these run. A
//! function that is handed to Windows or to the runtime to be called back is called by whoever the handing
//! function says: the service control manager, the runtime when the program ends, or, for threads, timers and windows,
//! as if by the function that hands it over.

use super::code::report::{Arg, Event};
use super::imports::Linkage;
use super::methods::{self, Methods};
use super::program::Program;
use super::{Map, Set};
use super::{reach, surface};
use crate::catalog::native::{self, Model};
use crate::facts::Phase;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Most functions that are walked through for one call.
const MAX_WALK: usize = 4_096;

/// Who calls an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    /// `regsvr32` (MS documentation: "DllRegisterServer").
    Registration,
    /// An installer (MS documentation: "Custom Action Type 1").
    Installer,
    /// `regsvr32 /u`, or a custom action that takes something back.
    Removal,
    /// The service control manager, in a thread of its own (MS documentation: "ServiceMain").
    Services,
    /// The same, when the state of the service is to change (MS documentation: "HandlerEx").
    Control,
    /// The runtime or the system, when the program ends.
    Exit,
}

impl Caller {
    fn phase(self) -> Phase {
        match self {
            Caller::Registration | Caller::Installer => Phase::Build,
            Caller::Removal => Phase::NotShipped,
            Caller::Services | Caller::Control => Phase::Run,
            Caller::Exit => Phase::Shutdown,
        }
    }

    /// What one of them, or several, are.
    fn words(self, several: bool) -> &'static str {
        match (self, several) {
            (Caller::Registration, false) => "which registers the component",
            (Caller::Registration, true) => "which register the component",
            (Caller::Installer, false) => "a custom action of an installer",
            (Caller::Installer, true) => "custom actions of an installer",
            (Caller::Removal, false) => "which takes the component away",
            (Caller::Removal, true) => "which take the component away",
            (Caller::Services, false) => "the main function of the service",
            (Caller::Services, true) => "the main functions of the service",
            (Caller::Control, false) => "the control handler of the service",
            (Caller::Control, true) => "the control handlers of the service",
            (Caller::Exit, false) => "which is called when the program ends",
            (Caller::Exit, true) => "which are called when the program ends",
        }
    }
}

/// An entry with a phase of its own.
struct Entry {
    name: String,
    caller: Caller,
}

impl Entry {
    /// Its first argument says whether it installs the component or takes it away (MS documentation: "DllInstall").
    fn is_told(&self) -> bool {
        self.name == INSTALL
    }
}

/// What `regsvr32 /i` calls, and the same with `/u`.
const INSTALL: &str = "DllInstall";
const REMOVE: &str = "DllInstall with FALSE";

/// Who calls an entry that is told what to do, where a call in it is made: of the function `inner`, or of an import at a site.
fn told(program: &Program<'_>, entry: u32, inner: Option<u32>, site: Option<u32>) -> (Caller, &'static str) {
    let comes = |number: u64| {
        let report = program.report_given(entry, &[(0, number)], inner, 0).filter(|report| !report.capped)?;
        let at_site = |at: u32| site.is_none_or(|site| site == at);
        Some(match inner {
            Some(inner) => report.calls.iter().any(|call| call.target == inner && at_site(call.site)),
            None => report.events.iter().any(|event| at_site(event.site)),
        })
    };
    // What it does either way, or in a way that is not seen, it does when it installs too.
    match (comes(0), comes(1)) {
        (Some(true), Some(false)) => (Caller::Removal, REMOVE),
        _ => (Caller::Registration, INSTALL),
    }
}

/// The entries of an image and who calls whom.
pub(crate) struct Phases {
    entries: Map<u32, Entry>,
    callers: Map<u32, BTreeSet<u32>>,
    /// Functions, and who takes their address to have them called.
    taken: Map<u32, BTreeSet<u32>>,
    /// Functions that are entered from outside, or through a pointer.
    open: Set<u32>,
    methods: Methods,
}

impl Phases {
    /// `None`: no entry has a phase of its own.
    pub(crate) fn of(program: &Program<'_>, events: &[Event]) -> Option<Self> {
        let mut entries = exported(program);
        entries.extend(service_mains(program, events));
        let mut callers: Map<u32, BTreeSet<u32>> = Map::default();
        let mut takers: Map<u32, BTreeSet<u32>> = Map::default();
        for Callback { function, by, caller } in callbacks(program, events) {
            takers.entry(function).or_default().insert(by);
            let caller = match caller {
                native::Caller::Same => {
                    callers.entry(function).or_default().insert(by);
                    continue;
                }
                native::Caller::Services => Caller::Control,
                native::Caller::Exit => Caller::Exit,
            };
            let name = format!("the function at {function:#x}");
            entries.entry(function).or_insert(Entry { name, caller });
        }
        if entries.is_empty() {
            return None;
        }
        for (target, from) in &program.references.edges {
            if program.functions.is_start(*target)
                && let Some(caller) = program.functions.function_of(*from)
            {
                callers.entry(*target).or_default().insert(caller);
            }
        }
        let methods = Methods::of(program);
        // A function whose address only functions of the image take is called no sooner than these run.
        let by: RefCell<Vec<(u32, u32)>> = RefCell::default();
        let spared = |function, at| {
            if methods.has(function) && methods::is_compared(program, at, function) {
                return true;
            }
            let taker = program.functions.function_of(at);
            by.borrow_mut().extend(taker.map(|taker| (function, taker)));
            taker.is_some()
        };
        let mut open = reach::taken(program, &takers, &spared);
        let mut taken: Map<u32, BTreeSet<u32>> = Map::default();
        for (function, taker) in by.into_inner() {
            taken.entry(function).or_default().insert(taker);
        }
        open.insert(program.image.entry);
        open.extend(program.linkage.exports.iter().map(|(_, rva)| *rva));
        open.retain(|function| !entries.contains_key(function));
        Some(Phases { entries, callers, taken, open, methods })
    }

    /// The phase of a call, and why.
    pub(crate) fn of_call(&self, program: &Program<'_>, event: &Event) -> Option<(Phase, String)> {
        let first = program.functions.function_of(event.done_at())?;
        // Functions, and which they call on the way to what is done.
        let mut work = vec![(first, None)];
        let mut seen = Set::default();
        let mut reached: BTreeSet<(Caller, &str)> = BTreeSet::new();
        let mut through_pointers = false;
        while let Some((function, callee)) = work.pop() {
            if self.entries.get(&function).is_some_and(Entry::is_told) {
                let called =
                    event.through.len().checked_sub(2).and_then(|n| event.through.get(n)).unwrap_or(&event.site);
                let nearest = || program.functions.function_of(*called).filter(|_| !event.through.is_empty());
                let site = callee.is_none().then(|| event.done_at());
                reached.insert(told(program, function, callee.or_else(nearest), site));
            }
            if !seen.insert(function) {
                continue;
            }
            if self.open.contains(&function) || seen.len() > MAX_WALK {
                return None;
            }
            let callers = self.callers.get(&function);
            let takers = self.taken.get(&function).filter(|_| !self.entries.contains_key(&function));
            through_pointers |= takers.is_some();
            let mut add = |callers: &BTreeSet<u32>| work.extend(callers.iter().map(|caller| (*caller, Some(function))));
            takers.into_iter().for_each(&mut add);
            if self.methods.has(function) && !self.entries.contains_key(&function) {
                through_pointers = true;
                let called = self.methods.callers(program, function);
                // Others may call it, but not before there is an object that has it.
                add(&called.or_else(|| program.makers_of(function))?);
                callers.into_iter().for_each(add);
                continue;
            }
            match self.entries.get(&function) {
                Some(entry) if entry.is_told() => {}
                Some(entry) => {
                    reached.insert((entry.caller, &entry.name));
                }
                // Nothing is known of how it is reached.
                None if takers.is_none() && callers.is_none_or(|all| all.iter().all(|caller| *caller == function)) => {
                    return None;
                }
                None => {}
            }
            callers.into_iter().for_each(add);
        }
        let phases: BTreeSet<Phase> = reached.iter().map(|(caller, _)| caller.phase()).collect();
        let phase = match phases.iter().copied().collect::<Vec<_>>().as_slice() {
            [only] => *only,
            // Written by the registration too: it is in the image.
            [Phase::Build, Phase::NotShipped] => Phase::Build,
            // Not only when it ends.
            [Phase::Run, Phase::Shutdown] => Phase::Run,
            _ => return None,
        };
        // Windows may call methods and functions that it was given while the program runs, at no other time.
        if through_pointers && phase != Phase::Run {
            return None;
        }
        let (caller, _) = reached.iter().find(|(caller, _)| caller.phase() == phase)?;
        let names: Vec<&str> = reached.iter().filter(|(other, _)| other == caller).map(|(_, name)| *name).collect();
        let only = if names.len() == reached.len() { "only " } else { "" };
        Some((phase, format!("{only}reached from {}, {}", names.join(" and "), caller.words(names.len() > 1))))
    }
}

/// Exports that only an installer calls.
fn exported(program: &Program<'_>) -> Map<u32, Entry> {
    let linkage: &Linkage<'_> = &program.linkage;
    let mut entries = Map::default();
    if !program.image.is_dll {
        return entries;
    }
    let actions = calling_installer(program);
    // A custom action is handed the session and nothing else (MS documentation: "Accessing the Current Installer Session from
    // Inside a Custom Action"), and asks it something. On x64 nothing says how many arguments there are.
    let fits = |rva: &u32| program.image.is_64() || program.pops_of(*rva) == 4;
    let is_action = |rva: &u32| actions.contains(rva) && fits(rva);
    let has_actions = linkage.exports.iter().any(|(_, rva)| is_action(rva));
    for (name, rva) in &linkage.exports {
        let caller = match *name {
            "DllRegisterServer" | INSTALL => Caller::Registration,
            "DllUnregisterServer" => Caller::Removal,
            // The runtime calls these, not the installer.
            "DllMain" | "DllEntryPoint" | "DllCanUnloadNow" | "DllGetClassObject" => continue,
            // Beside actions the name is enough of those that ask nothing.
            name if takes_back(name) && has_actions && fits(rva) => Caller::Removal,
            // On x86 what a function pops says that it is given a session; on x64 nothing does.
            _ if has_actions && !program.image.is_64() && fits(rva) => Caller::Installer,
            _ if !is_action(rva) => continue,
            _ => Caller::Installer,
        };
        entries.insert(*rva, Entry { name: (*name).to_owned(), caller });
    }
    entries
}

/// Functions from which a call of the installer is reached.
fn calling_installer(program: &Program<'_>) -> Set<u32> {
    let asks = |import: usize| {
        let import = program.linkage.imports.get(import);
        import.and_then(surface::api_of).is_some_and(|api| api.row.model == Some(Model::CustomAction))
    };
    let uses = program.uses_of_imports().filter(|(_, import)| asks(*import));
    let mut work: Vec<u32> = uses.filter_map(|(at, _)| program.functions.function_of(at)).collect();
    if work.is_empty() {
        return Set::default();
    }
    let mut callers: Map<u32, Vec<u32>> = Map::default();
    for (target, from) in &program.references.edges {
        callers.entry(*target).or_default().extend(program.functions.function_of(*from));
    }
    let mut reaching = Set::default();
    while let Some(function) = work.pop() {
        if reaching.len() < MAX_WALK && reaching.insert(function) {
            work.extend(callers.get(&function).into_iter().flatten());
        }
    }
    reaching
}

fn takes_back(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["uninstall", "rollback", "unregister"].iter().any(|word| name.contains(word))
}

/// The main functions in the tables that the dispatcher of services is given.
fn service_mains<'p>(program: &'p Program<'_>, events: &'p [Event]) -> impl Iterator<Item = (u32, Entry)> + 'p {
    let dispatched = events.iter().filter(|e| e.api.row.model == Some(Model::ServiceDispatcher));
    let fields = dispatched.flat_map(|event| event.args.iter().skip(event.api.row.arity()));
    fields.filter_map(|field| {
        let rva = function_at(program, field)?;
        Some((rva, Entry { name: format!("the function at {rva:#x}"), caller: Caller::Services }))
    })
}

/// The start of a function that an argument is the address of.
fn function_at(program: &Program<'_>, arg: &Arg) -> Option<u32> {
    program.image.rva_of(arg.number.only()?).filter(|rva| program.functions.is_start(*rva))
}

/// A function that is handed over to be called back.
struct Callback {
    function: u32,
    /// The function that hands it over.
    by: u32,
    caller: native::Caller,
}

fn callbacks<'p>(program: &'p Program<'_>, events: &'p [Event]) -> impl Iterator<Item = Callback> + 'p {
    events.iter().filter_map(|event| {
        let row = event.api.row;
        let arg = match row.model? {
            Model::Callback => event.args.get(usize::from(*row.args.first()?))?,
            Model::WindowClass | Model::WindowClassEx => event.args.last()?,
            _ => return None,
        };
        let function = function_at(program, arg)?;
        // Where the address came through a function that only hands it on, who called that one takes it.
        let by = program.functions.function_of(event.done_at())?;
        Some(Callback { function, by, caller: row.caller? })
    })
}
