//! What people see, from fixed values.

mod desk;
mod docs;
mod jobs;
mod logs;
mod money;
mod permission;
mod questions;
pub(crate) mod sample;
mod status;
mod system;
mod team;
mod typed;
