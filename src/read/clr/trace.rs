//! The way that a value came: kept as tokens while values are worked out, put into words where they are reported.

use super::links::Method;
use super::names::written_method;
use super::resolve::Resolver;
use super::unit::{Unit, method_token};
use crate::facts::{Site, Step};

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
    /// As this argument of this method, the receiver counted.
    Argument(Method, u16),
    /// In this field: its assembly and row.
    Field(u32, u32),
    /// In the object that a method of its type is called on.
    Object,
    /// Put into a collection that the value is taken from.
    Added,
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
        traces.iter().map(|trace| self.step(unit, trace)).collect()
    }

    fn step(&self, here: u32, trace: &Trace) -> Step {
        let text = match trace.what {
            Passed::Argument(method, index) => {
                format!("argument `{}`, given by the caller", self.parameter(method, index).unwrap_or("this"))
            }
            Passed::Field(unit, rid) => {
                let field = |unit: &'r Unit| unit.fields.get((rid as usize).wrapping_sub(1));
                let name = self.units.get(unit as usize).and_then(field).map_or("", |name| name);
                format!("field `{name}`, assigned")
            }
            Passed::Object => "the object, made".to_owned(),
            Passed::Added => "put into the collection".to_owned(),
        };
        let site = self.site(trace.at, trace.offset);
        let step = match self.units.get(trace.at.unit as usize) {
            Some(unit) if trace.at.unit != here => Step::at(text, site).in_artifact(&unit.artifact),
            _ => Step::at(text, site),
        };
        let mut spoken = self.spoken.borrow_mut();
        let method = spoken.entry(Spoken::of(&step)).or_insert(Some(trace.at));
        if *method != Some(trace.at) {
            *method = None;
        }
        step
    }

    /// The method of a step that was put into words.
    pub(super) fn method_of(&self, step: &Step) -> Option<Method> {
        self.spoken.borrow().get(&Spoken::of(step)).copied().flatten()
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
