//! The real window, over WebDriver, as somebody uses it: what is on screen is found by what it is and how it is called.
#![cfg(target_os = "linux")]

mod away;
mod axe;
mod begin;
mod commands;
mod companies;
mod desk;
mod job;
mod jobs;
mod keyboard;
mod notices;
mod people;
mod quick;
mod settings;
mod walls;
