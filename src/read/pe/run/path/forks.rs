//! Conditions that a way does not know: it goes on at one side, and another way at the other.

use super::answers::Decides;
use super::{MAX_ASIDE, MAX_FORKS, MAX_WAYS, Run, Way};
use iced_x86::Instruction;
use std::rc::Rc;

impl Run<'_, '_> {
    /// Goes on behind a jump whose condition is not known; another way goes on at its target. A function beside the way that
    /// needs more of them than are followed is left out; `false`: the way ends.
    pub(super) fn fork(&mut self, way: &mut Way, jump: &Instruction) -> bool {
        let who = self.decided_by(way);
        let (next, target) = (jump.next_ip(), jump.near_branch_target());
        if let Some(met) = self.as_before(way, who, Some(jump)) {
            way.machine.assume(jump, met);
            way.at = if met { target } else { next };
            return true;
        }
        if self.is_too_wide(way) {
            return self.give_up(way);
        }
        match self.other_way(way, who) {
            Some(mut other) => {
                other.machine.assume(jump, true);
                other.choose(who, true);
                self.ways.push(Way { at: target, ..other });
                way.machine.assume(jump, false);
                way.choose(who, false);
                way.at = next;
            }
            // Round and round leads nowhere.
            None => {
                let goes_on = target <= way.at;
                way.machine.assume(jump, !goes_on);
                way.at = if goes_on { next } else { target };
            }
        }
        true
    }

    /// What an instruction writes depends on a condition that is not known: another way takes it for met. `false`: there are
    /// too many.
    pub(super) fn decide(&mut self, way: &mut Way, instruction: &Instruction) -> bool {
        let known = match instruction.condition_code() {
            iced_x86::ConditionCode::None => way.machine.flags.carry,
            _ => way.machine.is_met(instruction),
        };
        if known.is_some() {
            return true;
        }
        let who = self.decided_by(way);
        if let Some(met) = self.as_before(way, who, None) {
            way.machine.assume(instruction, met);
            return true;
        }
        if self.is_too_wide(way) {
            return false;
        }
        if let Some(mut other) = self.other_way(way, who) {
            other.machine.assume(instruction, true);
            other.choose(who, true);
            self.ways.push(other);
            way.machine.assume(instruction, false);
            way.choose(who, false);
        }
        true
    }

    /// The same way again, to choose otherwise where it is; `None`: there are enough.
    fn other_way(&mut self, way: &mut Way, who: Decides) -> Option<Way> {
        let at = way.at;
        let aside = way.frames.last().is_some_and(|frame| frame.before.is_some());
        way.aside = way.aside.saturating_add(u8::from(aside));
        let times = way.times_at(at);
        way.count_at(at);
        way.chose |= who == Decides::Nobody;
        if times < MAX_FORKS && self.started < MAX_WAYS && !(aside && way.aside > MAX_ASIDE) {
            self.started += 1;
            return Some(Way { origins: Rc::new(self.engine.origins.clone()), ..way.clone() });
        }
        self.capped = true;
        self.endless |= times >= MAX_FORKS;
        None
    }
}
