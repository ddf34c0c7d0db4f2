//! When a method runs: found by walking from it back through its callers to the methods that a host calls.

use super::interp::{Body, Site};
use super::links::{Links, Method};
use super::names::written_method;
use super::unit::{Unit, method_token};
use super::value::{Expr, Id};
use crate::catalog::dotnet::{RoleRow, catalog};
use crate::facts::Phase;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// Callers that are looked at for one method.
const MAX_CALLERS: usize = 4000;
/// Arrays and alternatives within one another that are looked through for a task.
const MAX_HELD: u32 = 4;

/// A method that a host calls, or the system.
#[derive(Clone, Copy, Debug)]
struct Root {
    phase: Phase,
    because: &'static str,
    input: bool,
    /// Its object is only made where something names the type.
    is_named: bool,
}

/// Methods that a host calls, by method.
#[derive(Debug, Default)]
pub(super) struct Phases {
    roots: HashMap<Method, Root>,
    /// Methods that are handed over and run from where they are.
    started: HashSet<Method>,
    /// Where methods run what the program is there for.
    hosts: HashMap<Method, u32>,
    /// Components of each assembly, with the type that tells.
    pub(super) components: Vec<BTreeMap<&'static str, String>>,
}

impl Phases {
    /// Looks for roots.
    pub(super) fn new(units: &[Unit], links: &Links) -> Self {
        let mut phases = Phases::default();
        for (u, unit) in units.iter().enumerate() {
            let mut components = BTreeMap::new();
            for (t, info) in unit.types.iter().enumerate() {
                let bases = links.ancestors(units, u as u32, t as u32 + 1);
                let rows = catalog().roles(bases.into_iter().chain(info.attributes.iter().map(|a| &**a)));
                for row in &rows {
                    if let Some(role) = row.role.as_deref() {
                        components.entry(role).or_insert_with(|| info.name.to_string());
                    }
                }
                for rid in info.methods.clone() {
                    phases.root(unit, Method { unit: u as u32, rid }, &rows);
                }
            }
            phases.components.push(components);
            phases.handed_over(unit, u as u32, links);
            phases.hosts.extend(hosts(unit).map(|(rid, offset)| (Method { unit: u as u32, rid }, offset)));
        }
        phases
    }

    /// Methods that are handed to the system.
    fn handed_over(&mut self, unit: &Unit, u: u32, links: &Links) {
        for body in unit.bodies.values() {
            for site in &body.sites {
                self.left_running(unit, u, links, body, site);
                let Some(callee) = unit.member_ref(site.token) else { continue };
                let Some(row) = catalog().callback(&callee.ty, &callee.name) else { continue };
                let mut functions = Vec::new();
                site.args.iter().for_each(|id| function(unit, body, *id, 3, &mut functions));
                let phase = row.phase.filter(|_| !(row.awaited && is_awaited(unit, body, site)));
                for method in functions.into_iter().filter_map(|token| links.called(u, token)) {
                    match phase {
                        Some(phase) => {
                            self.roots.entry(method).or_insert(Root {
                                phase,
                                because: &row.because,
                                input: false,
                                is_named: true,
                            });
                        }
                        None => {
                            self.started.insert(method);
                        }
                    }
                }
            }
        }
    }

    /// An asynchronous method whose end nobody waits for goes on by itself.
    fn left_running(&mut self, unit: &Unit, u: u32, links: &Links, body: &Body, site: &Site) {
        let Some(machine) = links.called(u, site.token).and_then(|method| links.machine(method)) else { return };
        let gives = unit.callee(site.token).is_some_and(|callee| callee.returns);
        if gives && links.is_asynchronous(machine) && !is_awaited(unit, body, site) {
            let root = Root { phase: Phase::Run, because: "background work", input: false, is_named: true };
            self.roots.entry(machine).or_insert(root);
        }
    }

    /// Methods that a host calls with what it was sent.
    pub(super) fn given_input(&self) -> impl Iterator<Item = Method> {
        self.roots.iter().filter(|(_, root)| root.input).map(|(method, _)| *method)
    }

    /// Methods that a host finds by itself, whatever the application names.
    pub(super) fn found_by_hosts(&self) -> impl Iterator<Item = Method> {
        self.roots.iter().filter(|(_, root)| !root.is_named).map(|(method, _)| *method)
    }

    /// When an instruction of a method runs that itself runs what the program is there for.
    pub(super) fn around_host(&self, units: &[Unit], method: Method, offset: u32) -> Option<(Phase, String)> {
        let root = around(*self.hosts.get(&method)?, offset)?;
        Some((root.phase, format!("{} ({})", name(units, method), root.because)))
    }

    /// When a method runs as far as such a method calls it.
    fn beside_host(&self, units: &[Unit], links: &Links, caller: Method, method: Method) -> Option<Root> {
        let host = *self.hosts.get(&caller)?;
        let body = units.get(caller.unit as usize)?.bodies.get(&caller.rid)?;
        let calls = body.sites.iter().filter(|site| links.may_run(caller.unit, site.token, method));
        let mut roots = calls.map(|site| around(host, site.offset));
        let first = roots.next()??;
        roots.all(|root| root.is_some_and(|root| root.phase == first.phase)).then_some(first)
    }

    fn root(&mut self, unit: &Unit, method: Method, of_type: &[&'static RoleRow]) {
        let Some(info) = unit.method(method.rid) else { return };
        let by_type = of_type
            .iter()
            .copied()
            .find(|row| row.methods.iter().any(|m| *m == *info.name || m == "*" && &*info.name != ".cctor"));
        let row = by_type.or_else(|| catalog().roles(info.attributes.iter().map(|a| &**a)).into_iter().next());
        if let Some(row) = row {
            let input = row.input && info.is_public;
            let is_named = row.named && by_type.is_some();
            self.roots.insert(method, Root { phase: row.phase, because: &row.because, input, is_named });
        }
    }

    /// The phase of a method and how it is known.
    pub(super) fn of(&self, units: &[Unit], links: &Links, method: Method) -> (Phase, String) {
        let mut seen = BTreeSet::from([method]);
        let mut queue = VecDeque::from([method]);
        let mut reached: BTreeMap<u8, (Root, Method)> = BTreeMap::new();
        let mut elsewhere = false;
        while let Some(at) = queue.pop_front() {
            if let Some(root) = self.roots.get(&at) {
                // The nearest one is the easiest to check.
                reached.entry(rank(root.phase)).or_insert((*root, at));
                continue;
            }
            let callers = links.callers(at);
            // A delegate runs when whoever got it likes; a method without callers may be called by anyone.
            elsewhere |= callers.is_empty() || links.is_taken(at) && !self.started.contains(&at);
            for caller in callers {
                if let Some(root) = self.beside_host(units, links, caller, at) {
                    reached.entry(rank(root.phase)).or_insert((root, caller));
                } else if seen.insert(caller) {
                    queue.push_back(caller);
                }
            }
            if seen.len() > MAX_CALLERS {
                return (Phase::Unknown, String::new());
            }
        }
        // What also runs while the application serves is judged as that.
        let Some((_, (Root { phase, because, .. }, root))) = reached.into_iter().next() else {
            return (Phase::Unknown, String::new());
        };
        if elsewhere && phase != Phase::Run {
            return (Phase::Unknown, String::new());
        }
        let how = if root == method { "" } else { "called from " };
        (phase, format!("{how}{} ({because})", name(units, root)))
    }
}

/// A method as the programmer wrote it.
fn name(units: &[Unit], method: Method) -> String {
    let callee = units.get(method.unit as usize).and_then(|unit| unit.callee(method_token(method.rid)));
    callee.map_or_else(String::new, |callee| written_method(callee.ty, callee.name))
}

/// Methods that run what the program is there for, and where.
fn hosts(unit: &Unit) -> impl Iterator<Item = (u32, u32)> {
    let runs = |token: u32| unit.callee(token).is_some_and(|callee| catalog().hosts(callee.ty, callee.name));
    let host = move |body: &Body| Some(body.sites.iter().find(|site| runs(site.token))?.offset);
    unit.bodies.iter().filter_map(move |(rid, body)| Some((*rid, host(body)?)))
}

/// When an instruction runs, before or behind the one that runs the host.
fn around(host: u32, offset: u32) -> Option<Root> {
    match offset.cmp(&host) {
        Ordering::Less => {
            Some(Root { phase: Phase::Startup, because: "before the host runs", input: false, is_named: true })
        }
        Ordering::Equal => None,
        Ordering::Greater => {
            Some(Root { phase: Phase::Shutdown, because: "after the host has stopped", input: false, is_named: true })
        }
    }
}

/// The methods that a delegate or an array of them calls, as tokens.
fn function(unit: &Unit, body: &Body, id: Id, depth: u32, found: &mut Vec<u32>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match unit.arena.get(id) {
        Expr::Function(token) => found.push(*token),
        Expr::Call(_, args) => {
            if let [_, function] = **args
                && let Expr::Function(token) = unit.arena.get(function)
            {
                found.push(*token);
            }
        }
        Expr::Phi(ids) | Expr::Choice(_, ids) | Expr::Array(ids) => {
            ids.iter().for_each(|id| function(unit, body, *id, depth, found))
        }
        // Compilers keep a delegate that needs no object in a field.
        Expr::Field(field, None) => {
            if let Some(store) = body.stores.iter().find(|store| store.token == *field) {
                function(unit, body, store.value, depth, found);
            }
        }
        _ => {}
    }
}

/// Does the method wait for what a call started, or hand it to somebody who may?
fn is_awaited(unit: &Unit, body: &Body, site: &Site) -> bool {
    let Some(result) = unit.arena.find(&Expr::Call(site.token, site.args.clone())) else { return false };
    let holds = |id: Id| holds(unit, id, result, MAX_HELD);
    let goes_on = |token: u32| {
        unit.callee(token).is_some_and(|callee| matches!(callee.name, "ContinueWith" | "Start" | "Dispose"))
    };
    body.result.is_some_and(holds)
        || body.sites.iter().any(|other| !goes_on(other.token) && other.args.iter().any(|id| holds(*id)))
}

/// Is a value this one, or made of it?
fn holds(unit: &Unit, id: Id, wanted: Id, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    id == wanted
        || match unit.arena.get(id) {
            Expr::Phi(ids) | Expr::Choice(_, ids) | Expr::Array(ids) => {
                ids.iter().any(|id| holds(unit, *id, wanted, depth))
            }
            _ => false,
        }
}

/// Smaller decides.
pub(super) fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Run => 0,
        Phase::Startup => 1,
        Phase::FirstBoot => 2,
        Phase::Shutdown => 3,
        Phase::Build => 4,
        Phase::NotShipped => 5,
        Phase::Unknown => 6,
    }
}
