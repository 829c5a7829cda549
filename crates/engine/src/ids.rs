//! Names of what happens in a run, unique in it, whichever of its engines it happens in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The next names. Clones count together.
#[derive(Clone, Debug)]
pub struct Ids {
    calls: Arc<AtomicU64>,
    spans: Arc<AtomicU32>,
}

impl Default for Ids {
    fn default() -> Ids {
        Ids { calls: Arc::new(AtomicU64::new(1)), spans: Arc::new(AtomicU32::new(1)) }
    }
}

impl Ids {
    /// An id for a tool call.
    pub fn next_call(&self) -> String {
        format!("t{}", self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// A number for a delegation and its conversation; the root agent's is 0. The delegation's span is `d` and this.
    pub fn next_span(&self) -> u32 {
        self.spans.fetch_add(1, Ordering::Relaxed)
    }
}
