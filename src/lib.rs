//! x
pub mod catalog;
pub mod discover;
pub mod facts;
pub mod read;
