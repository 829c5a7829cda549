//! One engine trait and its agents: Anthropic API and practice.

mod host;

pub use host::{Abilities, Brief, Ending, Engine, Host};

use contract::{EngineSpec, Error};

/// The engine that a spec describes.
///
/// # Errors
/// `key.missing` without a key where one is needed, `config.invalid` for an address that is none.
pub fn open(spec: EngineSpec) -> Result<Box<dyn Engine>, Error> {
    Err(Error::internal(format!("The engine {} is not here.", spec.kind.label())))
}
