//! Reporters: golden files over one hand-made report, structure of each format, and hostile texts in all of them.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

mod contract;
mod golden;
mod html;
mod lines;
mod markup;
mod pretty;
mod sample;
mod sarif;
mod schemas;
