//! x
pub mod catalog;
pub mod discover;
pub mod document;
pub mod facts;
pub mod read;
pub mod rules;
pub mod settings;
