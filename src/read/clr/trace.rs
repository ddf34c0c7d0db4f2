//! The way that a value came: kept as tokens while values are worked out, put into words where they are reported.

use super::links::Method;
use super::names::{is_unwritten_field, written_field, written_method};
use super::resolve::Resolver;
use super::unit::{Unit, method_token};
use crate::facts::{Site, Step};
use std::collections::BTreeSet;

/// A step of the way that a value came; put into words only for what is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// What was seen.
    pub(super) what: Passed,
    /// In which method.
    pub(super) at: Method,
    /// At which instruction.
    pub(super) offset: u32,
}

/// How a value is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// As these arguments of this method, the receiver counted: a bit for each, the last for all that are further.
    Arguments(Method, u32),
    /// In this field: its assembly and row.
    Field(u32, u32),
    /// In the object that a method of its type is called on.
    Object,
    /// Put into a collection that the value is taken from.
    Added,
}

impl Passed {
    /// As one argument.
    pub(super) fn argument(method: Method, index: u16) -> Self {
        Passed::Arguments(method, bit(index))
    }

    /// As several.
    pub(super) fn arguments(method: Method, indices: &BTreeSet<u16>) -> Self {
        Passed::Arguments(method, indices.iter().fold(0, |bits, index| bits | bit(*index)))
    }
}

fn bit(index: u16) -> u32 {
    1 << u32::from(index).min(u32::BITS - 1)
}

/// The place of a step that was put into words.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Spoken(Option<String>, Option<Site>);

impl Spoken {
    fn of(step: &Step) -> Self {
        Spoken(step.artifact.clone(), step.site.clone())
    }
}

impl<'r> Resolver<'r> {
    /// The way of a value in words, for a reader who stands in this unit.
    pub(super) fn steps(&self, unit: u32, traces: &[Trace]) -> Vec<Step> {
        traces.iter().filter(|trace| !self.is_unwritten(trace)).map(|trace| self.step(unit, trace)).collect()
    }

    /// Is it about a field that only the compiler knows, such as the one for what a method waits for?
    fn is_unwritten(&self, trace: &Trace) -> bool {
        let Passed::Field(unit, rid) = trace.what else { return false };
        is_unwritten_field(self.field_name(unit, rid))
    }

    fn field_name(&self, unit: u32, rid: u32) -> &'r str {
        let field = |unit: &'r Unit| unit.fields.get((rid as usize).wrapping_sub(1));
        self.units.get(unit as usize).and_then(field).map_or("", |name| name)
    }

    fn step(&self, here: u32, trace: &Trace) -> Step {
        let text = match trace.what {
            Passed::Arguments(method, bits) => {
                let indices = (0..u32::BITS as u16).filter(|index| bits & bit(*index) != 0);
                let names: Vec<&str> = indices.map(|index| self.parameter(method, index).unwrap_or("this")).collect();
                let plural = if names.len() > 1 { "s" } else { "" };
                format!("argument{plural} `{}`, given by the caller", names.join("`, `"))
            }
            Passed::Field(unit, rid) => format!("field `{}`, assigned", written_field(self.field_name(unit, rid))),
            Passed::Object => "the object, made".to_owned(),
            Passed::Added => "put into the collection".to_owned(),
        };
        let site = self.site(trace.at, trace.offset);
        let step = match self.units.get(trace.at.unit as usize) {
            Some(unit) if trace.at.unit != here => Step::at(text, site).in_artifact(&unit.artifact),
            _ => Step::at(text, site),
        };
        let here = (trace.at, matches!(trace.what, Passed::Arguments(..)));
        let mut spoken = self.spoken.borrow_mut();
        let method = spoken.entry(Spoken::of(&step)).or_insert(Some(here));
        if *method != Some(here) {
            *method = None;
        }
        step
    }

    /// The method of a step that was put into words.
    pub(super) fn method_of(&self, step: &Step) -> Option<Method> {
        self.spoken.borrow().get(&Spoken::of(step)).copied().flatten().map(|(method, _)| method)
    }

    /// The caller that a step speaks of: a method on the way to the one that the value was given to.
    pub(super) fn caller_of(&self, step: &Step) -> Option<Method> {
        let (method, is_caller) = self.spoken.borrow().get(&Spoken::of(step)).copied().flatten()?;
        is_caller.then_some(method)
    }

    /// The name of a parameter, the receiver counted.
    fn parameter(&self, method: Method, index: u16) -> Option<&'r str> {
        let unit = self.units.get(method.unit as usize)?;
        let has_this = unit.method(method.rid).is_some_and(|m| m.has_this);
        let position = if has_this { index.checked_sub(1)? } else { index };
        unit.bodies.get(&method.rid)?.params.get(usize::from(position)).map(|name| &**name)
    }

    /// A place in a method, by the name that the programmer gave it.
    pub(super) fn site(&self, method: Method, offset: u32) -> Site {
        Site::il(self.name(method), offset)
    }

    /// The method as the programmer wrote it.
    pub(super) fn name(&self, method: Method) -> String {
        self.units
            .get(method.unit as usize)
            .and_then(|u| u.callee(method_token(method.rid)))
            .map_or_else(String::new, |c| written_method(c.ty, c.name))
    }
}
