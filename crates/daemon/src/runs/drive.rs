//! One run, from claim to final state.

use std::sync::Arc;

use contract::{Error, ErrorCode, JobChange, RunState};
use process::Identity;
use store::LiveRun as Row;

use super::LiveRun;
use super::finish::{self, End};
use super::start::{self, Started};
use super::tail::Tail;
use crate::app::App;

/// How a run comes to us.
pub enum Begin {
    /// Just claimed; its worker is to be started.
    Fresh {
        /// The credential that its worker is given.
        token: String,
    },
    /// Left by an earlier daemon.
    Adopted(Row),
}

/// Follows a run to its end, whatever that is, and settles it.
pub async fn drive(app: App, run: Arc<LiveRun>, begin: Begin) {
    match follow(&app, &run, begin).await {
        End::DaemonLeaves => {}
        end => finish::settle(&app, &run, end).await,
    }
}

async fn follow(app: &App, run: &Arc<LiveRun>, begin: Begin) -> End {
    let (mut tail, started) = match begin {
        Begin::Fresh { token } => (Tail::new(run, 0), start::start(app, run, token).await),
        Begin::Adopted(row) => {
            let mut tail = Tail::new(run, row.offset);
            run.stored(row.lines, row.offset);
            let end = match alive(&row) {
                // It may still end without a word: where the daemon before us had no time to say what to do.
                Some(identity) => {
                    start::record_adopted(app, run, &row).await;
                    accompany(app, run, &mut tail, Started::Adopted(identity)).await
                }
                None => drained(app, run, &mut tail).await,
            };
            let has_begun = row.lines > 0 || !tail.is_empty();
            if has_begun || matches!(end, End::DaemonLeaves) || run.stop.is_cancelled() || start::was_tried_often(run) {
                return end;
            }
            // Its worker never did anything: nothing is lost by starting it again.
            *super::lock(&run.identity) = None;
            let token = match start::renew_token(app, run, row.process.is_some()).await {
                Ok(token) => token,
                Err(error) => return End::NotStarted(error),
            };
            (tail, start::start(app, run, token).await)
        }
    };
    match started {
        Ok(started) => accompany(app, run, &mut tail, started).await,
        Err(end) => end,
    }
}

/// Follows a worker until it has ended and all it did is stored.
async fn accompany(app: &App, run: &LiveRun, tail: &mut Tail, mut started: Started) -> End {
    *super::lock(&run.identity) = Some(started.identity().clone());
    if run.stop.is_cancelled() {
        run.tell_to_stop();
    }
    let leaves = async {
        tokio::select! {
            () = started.exited() => false,
            () = app.stop.cancelled() => true,
        }
    };
    if tail.follow(app, run, leaves).await {
        return End::DaemonLeaves;
    }
    drained(app, run, tail).await
}

/// Stores what is left of a spool. What a daemon that stops could not store is the next one's to judge by.
async fn drained(app: &App, run: &LiveRun, tail: &mut Tail) -> End {
    if tail.drain(app, run).await { End::Exited } else { End::DaemonLeaves }
}

/// The process that the run's worker is or was.
pub fn worker_of(row: &Row) -> Option<Identity> {
    let (pid, start, boot) = row.process.clone()?;
    Some(Identity { pid, start, boot })
}

fn alive(row: &Row) -> Option<Identity> {
    worker_of(row).filter(Identity::is_alive)
}

/// The change to the job when its worker could not be started.
pub fn not_started(error: Error) -> (RunState, JobChange, Error) {
    let error = if error.code == ErrorCode::INTERNAL {
        Error::new(ErrorCode::RUN_SPAWN, format!("The worker could not be started: {}", error.message), error.fix)
    } else {
        error
    };
    (RunState::Crashed, JobChange::Fail, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{JobId, RunId, Time};

    fn row(process: Option<(u32, u64, String)>) -> Row {
        Row {
            run_id: RunId(1),
            job_id: JobId(1),
            state: RunState::Running,
            process,
            dir: String::new(),
            offset: 0,
            lines: 1,
            token_hash: String::new(),
            started_at: Time(1),
        }
    }

    #[test]
    fn only_the_very_process_is_the_worker() {
        let own = Identity::own().unwrap();
        let of = |own: &Identity| row(Some((own.pid, own.start, own.boot.clone())));
        assert_eq!(alive(&of(&own)), Some(own.clone()));
        assert_eq!(alive(&row(None)), None);
        // Another process that got its pid, a restart of the machine in between, a pid that nobody has.
        assert_eq!(alive(&of(&Identity { start: own.start + 1, ..own.clone() })), None);
        assert_eq!(alive(&of(&Identity { boot: "another boot".into(), ..own.clone() })), None);
        assert_eq!(alive(&of(&Identity { pid: u32::MAX, ..own })), None);
    }
}
