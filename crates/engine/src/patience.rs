//! How long the engine waits for a provider.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// How long to wait for a provider, and how often to ask again.
#[derive(Clone, Debug)]
pub struct Patience {
    /// From the request to the first event of the answer.
    pub first_byte: Duration,
    /// From one event of an answer to the next, pings included. Longer silence counts as a cut stream.
    pub stall: Duration,
    /// How long a provider may be down, or ask to wait, before a run gives up.
    pub outage: Duration,
    /// The first wait before asking again, where the provider names none. Each wait is twice the one before.
    pub first_wait: Duration,
    /// The longest wait before asking again, where the provider names none.
    pub longest_wait: Duration,
    /// How long before a call that a limit does not cover is tried again, while its question waits for an answer.
    pub lease_again: Duration,
    /// How long a provider whose account is out of quota may ask to wait. The run waits as a whole meanwhile.
    pub quota: Duration,
    /// Answers to one request that may break off after they began, and so were charged.
    pub cuts: u32,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            first_byte: Duration::from_secs(120),
            stall: Duration::from_secs(60),
            outage: Duration::from_secs(600),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            lease_again: Duration::from_secs(5),
            quota: Duration::from_secs(8 * 24 * 60 * 60),
            cuts: 5,
        }
    }
}

impl Patience {
    /// Waits before asking again, one after the other, without end. Jitter keeps agents that were refused together
    /// from coming back together.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::new()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .without_max_times()
            .with_jitter()
            .build()
    }
}
