//! Comparisons that are decided: both sides are surely one text.

use super::env::Env;
use super::run::{Frame, Machine};
use super::syntax::If;
use crate::facts::{Folder, Hole, Part};

impl Machine<'_, '_, '_> {
    /// Are the sides of a comparison surely one text? That two differ says less: either may be what somebody is to put in.
    /// In a loop and in what is called another round finds what the one before has set.
    pub(super) fn are_same(&mut self, condition: &If, env: &Env, frame: &Frame<'_>) -> bool {
        let Some((left, right)) = &condition.sides else { return false };
        if env.is_open || self.is_dynamic || !self.loops.is_empty() || frame.args.is_some() {
            return false;
        }
        // Several variables tell of the other folders, and differ in a process of 32 bits; the drive of a user's home may
        // be another one.
        let is_known = |part: &Part| match part {
            Part::Lit(_) => true,
            Part::Hole(hole) => *hole == Hole::Folder(Folder::SystemDrive) && !self.names_home(),
        };
        let same = match (self.expand(left, env, frame).as_slice(), self.expand(right, env, frame).as_slice()) {
            ([(left, _)], [(right, _)]) => left == right && left.parts().iter().all(is_known),
            _ => false,
        };
        self.decided |= same;
        same
    }

    /// Does the script speak of the drive of a user's home?
    fn names_home(&self) -> bool {
        *self.has_home.get_or_init(|| self.world.source.to_ascii_lowercase().contains("homedrive"))
    }
}
