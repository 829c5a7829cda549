//! Stand-ins for tests: a loopback model provider, temp homes, and waiting for a condition with a bound.

// A stand-in that cannot start has no test to serve: it says why and panics.
#![allow(clippy::expect_used)]

mod accept;
mod dialect;
mod home;
mod idiom;
mod openai;
mod play;
mod price;
mod provider;
mod request;
mod script;
mod sse;
mod wait;

pub use dialect::Dialect;
pub use home::temp_home;
pub use play::company_play;
pub use price::cost_nanos;
pub use provider::{OnRequest, Provider};
pub use request::Request;
pub use script::{On, Script, Turn, Usage};
pub use wait::{wait_for, wait_for_some};
