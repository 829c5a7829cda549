//! A notice as the system shows it.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::show;
#[cfg(target_os = "linux")]
pub use linux::show;
