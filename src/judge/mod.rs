//! From linked facts to findings: a pure function of effect and target profile.
//!
//! An effect is *proven* when its site is found and its location and mode are recovered, *likely* when a writing site
//! has a partly recovered location or the API has no harmless use, *possible* when there is only a capability. The C
//! runtime imports `WriteFile` into every program, so a possible effect is never shown by default.
//!
//! [`outcome`] says what becomes of an effect at each event of a target; [`severity`] says how much that weighs;
//! [`finding`] groups the sites of one location and puts them into words.

pub mod finding;
mod group;
pub mod outcome;
pub mod severity;
mod words;

pub use finding::{Finding, Judged, OutcomeAt, judge, judge_effect};
pub use group::group_key;
