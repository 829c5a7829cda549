//! Whole runs of the engines, as a worker sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

mod anthropic;
mod company;
mod founder;
mod leave;
mod memory;
mod outages;
mod practice;
mod progress;
mod stops;
mod support;
