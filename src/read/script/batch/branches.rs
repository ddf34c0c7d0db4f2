//! The two ways of an `if`.

use super::env::Env;
use super::guard;
use super::run::{Frame, Machine};
use super::syntax::{If, Statement};
use crate::read::script::{call, words};

impl Machine<'_, '_, '_> {
    /// Carries out both ways, unless it is known which one is taken; what holds behind them.
    pub(super) fn either(&mut self, condition: &If, env: Env, frame: &mut Frame<'_>) -> Option<Env> {
        if let (Some(path), Some((from, to))) =
            (&condition.exist, guard::guarded(condition, condition.negated, frame.script))
        {
            for (text, _) in self.expand(path, &env, frame) {
                let marker = call::file(&words::without_quotes(&text), &env.here);
                let key = if condition.negated { "if not exist" } else { "if exist" };
                self.guards.add(condition.at, from, to, key, marker);
            }
        }
        if let (true, Some(marker)) = (condition.failure, self.asked.take()) {
            // The query fails where there is nothing.
            let is_absent = !condition.negated;
            if let Some((from, to)) = guard::guarded(condition, is_absent, frame.script) {
                let key = if is_absent { "if not exist" } else { "if exist" };
                self.guards.add(condition.at, from, to, key, marker);
            }
        }
        if self.are_same(condition, &env, frame) {
            let taken = if condition.negated { condition.other.as_ref() } else { Some(&condition.then) };
            return match taken {
                Some(taken) => self.statement(taken, env, frame),
                None => Some(env),
            };
        }
        let failure = condition.failure && !self.inquired;
        let then = self.branch((failure, !condition.negated), &condition.then, env.clone(), frame);
        let other = match &condition.other {
            Some(other) => self.branch((failure, condition.negated), other, env, frame),
            None => Some(env),
        };
        match (then, other) {
            (Some(mut a), Some(b)) => {
                a.join(&b);
                Some(a)
            }
            (a, b) => a.or(b),
        }
    }

    /// One way through a condition, which is that of the condition or of its opposite. What is done when nothing failed is
    /// always done; where the command before only asked something, it did not fail.
    fn branch(
        &mut self,
        (failure, holds): (bool, bool),
        way: &Statement,
        env: Env,
        frame: &mut Frame<'_>,
    ) -> Option<Env> {
        let (failing, optional) = (self.failing, self.optional);
        self.failing |= failure && holds;
        let around = self.sink.conditions.len();
        if !failure || holds {
            self.sink.conditions.push(way.at);
            self.optional = true;
        }
        let after = self.statement(way, env, frame);
        self.sink.conditions.truncate(around);
        (self.failing, self.optional) = (failing, optional);
        after
    }
}
