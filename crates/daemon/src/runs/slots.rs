//! Slots for runs whose job waited: they go on before anything new is begun.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::{Error, ErrorCode, RunId, Time};
use store::GoOn;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::LiveRun;
use crate::app::App;
use crate::hub::Touched;

/// How long a worker's question waits for a slot before it is answered "not yet".
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a slot is kept for a worker that was told "not yet": it asks again before that.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// Who asks for a slot.
#[derive(Default)]
pub struct Slots {
    /// Until when one is kept for whom.
    asked: Mutex<HashMap<RunId, Instant>>,
    changed: Notify,
}

impl Slots {
    /// Slots or holds have changed.
    pub fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// How many slots are kept, and are not there for new runs.
    pub fn kept(&self) -> i64 {
        self.kept_at(Instant::now())
    }

    fn kept_at(&self, now: Instant) -> i64 {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, until| *until > now);
        i64::try_from(asked.len()).unwrap_or(i64::MAX)
    }

    /// Keeps a slot, as soon as there is one.
    fn keep(&self, run_id: RunId) {
        let until = Instant::now() + KEPT_FOR;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(run_id, until);
    }

    /// Keeps none any more.
    pub fn forget(&self, run_id: RunId) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&run_id);
    }
}

/// Whether a run whose job waits may go on. What its worker recorded up to `line` is stored first, so that the job is
/// known to wait. Answers `false` after a while: the caller asks again.
///
/// # Errors
/// [`ErrorCode::STOPPING`], or the database's.
pub async fn go_on(app: &App, run: &LiveRun, line: i64) -> Result<bool, Error> {
    let give_up = Instant::now() + PATIENCE;
    let left = || give_up.saturating_duration_since(Instant::now());
    run.grew.notify_one();
    let mut stored = run.stored_line.subscribe();
    // The sender is the run's own, and we hold the run: it cannot be gone.
    if !matches!(timeout(left(), stored.wait_for(|stored| *stored >= line)).await, Ok(Ok(_))) {
        return Ok(false);
    }
    loop {
        // Listening before it looks: what changes in between is not missed.
        let changed = app.runs.slots.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let max = app.settings().await?.max_parallel_jobs;
        let run_id = run.run_id;
        match app.store.write(move |db| db.go_on(run_id, max, Time::now())).await? {
            GoOn::Granted(moved) => {
                app.runs.slots.forget(run_id);
                if let Some((job, event)) = moved {
                    app.announce(job.company_id, &Touched::job(job.job_id), &[event]);
                }
                return Ok(true);
            }
            GoOn::Held => app.runs.slots.forget(run_id),
            GoOn::Full => app.runs.slots.keep(run_id),
        }
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(left()) => return Ok(false),
            () = run.stop.cancelled() => return Ok(false),
            () = app.stop.cancelled() => {
                return Err(Error::new(ErrorCode::STOPPING, "The daemon is stopping.", "The next one answers."));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_kept_for_who_asked_until_it_asks_no_more() {
        let slots = Slots::default();
        slots.keep(RunId(1));
        slots.keep(RunId(1));
        slots.keep(RunId(2));
        assert_eq!(slots.kept(), 2);
        slots.forget(RunId(2));
        assert_eq!(slots.kept(), 1);
        assert_eq!(slots.kept_at(Instant::now() + KEPT_FOR), 0);
    }
}
