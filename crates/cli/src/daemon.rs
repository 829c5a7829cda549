//! The daemon, as commands ask it: patiently, and not in silence.

use std::time::Duration;

use contract::{Error, Method};
use rpc::Client;

use crate::out::aside;

/// How long an answer may take before people are told that it is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the daemon. Clones share it.
#[derive(Clone)]
pub(crate) struct Daemon {
    client: Client,
}

impl Daemon {
    pub(crate) fn over(client: Client) -> Daemon {
        Daemon { client }
    }

    /// Calls a method. Says so when the answer takes long.
    pub(crate) async fn call<M: Method>(&self, params: M::Params) -> Result<M::Result, Error> {
        patiently(M::NAME, self.client.call::<M>(params)).await
    }

    /// Calls a method that may take its time: nothing is said of it.
    pub(crate) async fn call_at_length<M: Method>(&self, params: M::Params) -> Result<M::Result, Error> {
        self.client.call::<M>(params).await
    }

    /// Resolves when the connection is gone.
    pub(crate) async fn closed(&self) {
        self.client.closed().await;
    }
}

/// Awaits what the daemon is to answer to `method`, and says so when that takes long.
pub(crate) async fn patiently<T>(method: &str, answer: impl Future<Output = T>) -> T {
    saying_after(PATIENCE, answer, |waited| {
        aside(&format!(
            "Still waiting for the daemon's answer to {method} ({} s so far). `aicib daemon logs` may say why.",
            waited.as_secs()
        ));
    })
    .await
}

/// Awaits `answer`; after `patience` says how long that has taken, and again after twice as long, and so on.
async fn saying_after<T>(patience: Duration, answer: impl Future<Output = T>, mut say: impl FnMut(Duration)) -> T {
    tokio::pin!(answer);
    let mut waited = Duration::ZERO;
    let mut next = patience;
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = tokio::time::sleep(next - waited) => say(next),
        }
        waited = next;
        next *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_waited_for_aloud() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (told, mut heard) = (std::cell::RefCell::new(Vec::new()), 0);
        let step = Duration::from_millis(5);
        let (tell, told_twice) = tokio::sync::oneshot::channel();
        let mut tell = Some(tell);
        let answer = runtime.block_on(saying_after(step, async { told_twice.await.map(|()| 7) }, |waited| {
            told.borrow_mut().push(waited);
            heard += 1;
            if heard == 2 {
                tell.take().unwrap().send(()).unwrap();
            }
        }));
        assert_eq!((answer.unwrap(), told.into_inner()), (7, vec![step, step * 2]));
        let said = runtime.block_on(saying_after(step, async { 7 }, |_| panic!("there was nothing to wait for")));
        assert_eq!(said, 7);
    }
}
