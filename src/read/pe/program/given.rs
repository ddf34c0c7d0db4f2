//! Functions that are looked at again with the numbers of one caller.

use super::super::Map;
use super::super::code::analysis;
use super::super::code::report::{Behind, Report};
use super::{Made, Program};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Longest function, in bytes, that is looked at again for the numbers of a caller.
const MAX_GIVEN_LENGTH: u32 = 0x1000;
/// How often functions are looked at again.
const MAX_GIVEN: usize = 1_024;
/// The same, to find which way they go.
const MAX_WAYS: usize = 512;

/// A function, the function whose calls are asked for, the parameters that are numbers, and numbers behind others.
type Key = (u32, Option<u32>, Vec<(u8, u64)>, Vec<Behind>);

/// See the module.
#[derive(Default)]
pub(super) struct Given {
    /// How many functions were tried with numbers for their parameters.
    tried: Cell<usize>,
    /// Reports with the numbers of one caller.
    reports: RefCell<Map<Key, Rc<Report>>>,
}

impl Program<'_> {
    /// The report on a function whose caller gives these numbers, with its calls of `inner`.
    pub(crate) fn report_given(
        &self,
        function: u32,
        numbers: &[(u8, u64)],
        inner: Option<u32>,
        depth: u8,
    ) -> Option<Rc<Report>> {
        self.report_given_behind(function, (numbers, &[]), inner, depth)
    }

    /// The report on a function without numbers, with its calls of `inner`, where it may be looked at again with some.
    pub(crate) fn report_free(&self, function: u32, inner: Option<u32>) -> Option<Rc<Report>> {
        let tells = |made: &&Made| made.depth == 0 && inner.is_none_or(|inner| made.wanted.contains(&inner));
        if let Some(made) = self.reports.borrow().get(&function).filter(tells).filter(|_| self.may_give(function)) {
            return made.report.clone();
        }
        self.report_given(function, &[], inner, 0)
    }

    /// A function may be looked at again with numbers.
    fn may_give(&self, function: u32) -> bool {
        let length = self.functions.end_of(function).map_or(u32::MAX, |end| end.saturating_sub(function));
        length <= MAX_GIVEN_LENGTH && self.given.reports.borrow().len() < MAX_GIVEN && !self.is_out_of_budget()
    }

    /// The same, with bytes that the caller put behind pointers.
    pub(crate) fn report_given_behind(
        &self,
        function: u32,
        (numbers, bytes): (&[(u8, u64)], &[Behind]),
        inner: Option<u32>,
        depth: u8,
    ) -> Option<Rc<Report>> {
        let key = (function, inner, numbers.to_vec(), bytes.to_vec());
        if let Some(report) = self.given.reports.borrow().get(&key) {
            return Some(report.clone());
        }
        if !self.may_give(function) {
            return None;
        }
        let wanted = self.wanted.replace(Rc::new(inner.into_iter().collect()));
        let report = Rc::new(analysis::analyse(self, function, depth, (numbers, bytes)));
        self.wanted.replace(wanted);
        self.given.reports.borrow_mut().insert(key, report.clone());
        Some(report)
    }

    /// One more function may be tried with numbers for its parameters, of so many.
    pub(crate) fn may_try(&self, most: usize) -> bool {
        let tried = self.given.tried.get();
        self.given.tried.set(tried + 1);
        tried < most
    }

    /// Functions may still be looked at again for no more than to find which way they go.
    pub(crate) fn has_room_for_ways(&self) -> bool {
        self.given.reports.borrow().len() < MAX_WAYS
    }
}
