//! What machine code does with the functions it imports: the values of their arguments.
//!
//! [`Body`](body::Body) is a function's control-flow graph, [`state::State`] what is known before an instruction,
//! [`step`] what an instruction changes, [`call`] and [`models`] what a call does, and [`fixpoint`] repeats all of it until
//! nothing new is learnt. The result is a [`report::Report`]: calls with closed arguments, which callers can fill in.

pub(crate) mod analysis;
mod applied;
pub(crate) mod arithmetic;
pub(crate) mod body;
mod branch;
mod bulk;
pub(crate) mod call;
pub(crate) mod compared;
pub(crate) mod cuts;
mod edits;
mod ends;
pub(crate) mod escapes;
pub(crate) mod filled;
mod fixpoint;
mod frame;
pub(crate) mod gap;
mod given_away;
mod handed;
pub(crate) mod handle;
pub(crate) mod known;
pub(crate) mod layout;
mod letters;
mod linked;
mod made;
mod meeting;
mod memory;
pub(crate) mod models;
mod number;
pub(crate) mod report;
mod rows;
pub(crate) mod slot;
mod spots;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod strings;
mod table;
mod touched;
pub(crate) mod used;
pub(crate) mod value;
pub(crate) mod width;
mod writes;
