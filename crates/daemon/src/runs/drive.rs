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
    let end = follow(&app, &run, begin).await;
    if app.stop.is_cancelled() && matches!(end, End::DaemonLeaves) {
        return;
    }
    finish::settle(&app, &run, end).await;
}

async fn follow(app: &App, run: &Arc<LiveRun>, begin: Begin) -> End {
    let (mut tail, started) = match begin {
        Begin::Fresh { token } => (Tail::new(run, 0), start::start(app, run, token).await),
        Begin::Adopted(row) => {
            let mut tail = Tail::new(run, row.offset);
            match alive(&row) {
                Some(identity) => (tail, Ok(Started::Adopted(identity))),
                // Its worker never did anything: nothing is lost by starting it again.
                None if row.lines == 0 && tail.is_empty() && !start::was_tried_twice(run) => {
                    let token = match start::renew_token(app, run).await {
                        Ok(token) => token,
                        Err(error) => return End::NotStarted(error),
                    };
                    (tail, start::start(app, run, token).await)
                }
                None => {
                    tail.drain(app, run).await;
                    return End::Exited;
                }
            }
        }
    };
    let mut started = match started {
        Ok(started) => started,
        Err(end) => return end,
    };
    *super::lock(&run.identity) = Some(started.identity().clone());
    if run.stop.is_cancelled() {
        run.tell_to_stop();
    }
    tokio::select! {
        () = started.exited() => {}
        () = tail.follow(app, run) => {}
        () = app.stop.cancelled() => return End::DaemonLeaves,
    }
    tail.drain(app, run).await;
    End::Exited
}

fn alive(row: &Row) -> Option<Identity> {
    let (pid, start, boot) = row.process.clone()?;
    let identity = Identity { pid, start, boot };
    identity.is_alive().then_some(identity)
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
