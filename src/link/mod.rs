//! Joins across artifacts: a finding becomes right only when they are read together.
//!
//! Each join is one file with one function over all readings, applied in this order because each sees what the ones
//! before it made known: values into locations, names into kinds of store, who starts whom into phases, declared
//! volumes into durability, and last the comparisons of all writers and readers of one location.

mod alike;
mod appended;
mod asked;
mod certificates;
mod ciphers;
mod copies;
mod decisions;
mod desktop;
mod durable;
mod environments;
mod given;
mod grants;
mod implied;
mod impossible;
mod index;
mod ini;
mod installed;
mod leftovers;
mod libraries;
mod links;
mod markers;
mod nearest;
mod once;
mod options;
mod outputs;
mod owners;
mod phases;
mod profiles;
mod refine;
mod removal;
mod renewed;
mod roles;
mod roots;
mod servers;
mod sessions;
mod shipped;
mod steps;
mod tools;
mod topology;
mod unread;
mod values;
mod writers;

pub use environments::known as environments;
pub(crate) use phases::{sets_up, started_path};

use crate::discover::Application;
use crate::facts::Reading;
use crate::rules::RuleSet;
use crate::settings::Settings;

/// What joins need besides the readings.
pub struct Context<'a> {
    /// The team's decisions.
    pub settings: &'a Settings,
    /// All files of the application, those that no reader understands included.
    pub app: &'a Application,
}

/// Joins readings in place. Linear in the number of facts: what it looked at is returned as a number. By the rules it is known
/// what is said of each, and what is the same is said once.
pub fn link(readings: &mut [Reading], context: &Context<'_>, rules: &RuleSet) -> usize {
    steps::take();
    owners::mark(readings, context);
    roles::place(readings);
    let environment = context.settings.environment.as_deref();
    environments::choose(readings, environment);
    given::hand_down(readings);
    asked::leave_out(readings);
    values::resolve(readings, environment);
    links::follow(readings);
    refine::stores(readings);
    roots::fold(readings);
    impossible::leave_out(readings);
    libraries::doubt(readings, context.app);
    sessions::place(readings);
    sessions::doubt(readings, context.app);
    phases::inherit(readings, context);
    tools::mark(readings);
    servers::keep_on(readings);
    unread::tell(readings, context.app);
    installed::tell(readings, context.app);
    durable::mark(readings, context.settings);
    markers::guard(readings);
    renewed::mark(readings);
    desktop::mark(readings);
    shipped::mark(readings, context.app);
    options::add_logs(readings);
    grants::foretell(readings);
    implied::mark(readings);
    ciphers::part(readings);
    certificates::mark(readings);
    topology::apply(readings, environment);
    writers::compare(readings);
    profiles::wanted(readings);
    let decisions = decisions::Decisions::new(context.settings, context.app);
    copies::fold(readings, &decisions);
    outputs::fold(readings, &decisions, context.app);
    appended::mark(readings);
    alike::fold(readings, rules);
    once::mark(readings, &decisions, context.app, rules);
    steps::take()
}

/// The effects of one reading.
fn effects(reading: &Reading) -> impl Iterator<Item = &crate::facts::Effect> {
    steps::counted(&reading.facts).filter_map(|fact| fact.as_effect())
}

/// The effects of all readings, mutably.
fn effects_mut(readings: &mut [Reading]) -> impl Iterator<Item = &mut crate::facts::Effect> {
    readings.iter_mut().flat_map(|r| steps::counted_mut(&mut r.facts)).filter_map(|f| match &mut f.body {
        crate::facts::Body::Effect(e) => Some(e),
        crate::facts::Body::Clue(_) => None,
    })
}

/// A location in lower case and every location above it, the nearest first.
fn at_or_above(key: &str) -> impl Iterator<Item = &str> {
    let key = key.trim_end_matches('\\');
    std::iter::successors(Some(key), |key| key.rsplit_once('\\').map(|(above, _)| above)).inspect(|_| steps::step())
}
