//! A job's events, each exactly once, for as long as it lives, whatever happens to the daemon.

use std::collections::VecDeque;
use std::time::Duration;

use contract::{
    Error, ErrorCode, Event, EventBody, EventListParams, EventSubscribeParams, EventsAdded, JobDetail, JobId, JobRef,
    Method, Resync, Seq, methods,
};
use rpc::{Incoming, NoteReceiver};
use tokio::time::{sleep, timeout};

use crate::context::Context;
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};

/// How often a job that says nothing is asked whether it still lives.
const CHECK: Duration = Duration::from_secs(5);
/// How often a lost daemon is looked for again before that is an error.
const TRIES: u32 = 5;
/// Events fetched at once.
const PAGE: i64 = 500;

/// What is printed of a job.
pub(crate) trait Sink {
    /// Takes the next event.
    fn event(&mut self, context: &mut Context, event: &Event) -> Outcome;
}

/// A job's events from some point on.
pub(crate) struct Follow {
    job_id: JobId,
    /// The last event that was handed on.
    pub(crate) last: Seq,
}

impl Follow {
    pub(crate) fn after(job_id: JobId, last: Seq) -> Follow {
        Follow { job_id, last }
    }

    /// Hands on every event that is stored by now.
    pub(crate) async fn catch_up(&mut self, context: &mut Context, daemon: &Daemon, sink: &mut impl Sink) -> Outcome {
        loop {
            let params =
                EventListParams { job_id: self.job_id, after: Some(self.last), before: None, limit: Some(PAGE) };
            let page = daemon.call_at_length::<methods::EventList>(params).await?;
            let before = self.last;
            self.hand_on(context, sink, &page.events)?;
            if !page.more_after || self.last == before {
                return Ok(context.out.flush()?);
            }
        }
    }

    /// Hands on every event until the job ends; returns the job as it ended. A daemon that goes away is started
    /// again, and the rest follows.
    pub(crate) async fn until_the_end(
        &mut self,
        context: &mut Context,
        connection: (Daemon, NoteReceiver),
        sink: &mut impl Sink,
    ) -> Result<JobDetail, Failure> {
        let mut connection = Some(connection);
        let mut tries = 0;
        loop {
            let (daemon, notes) = match connection.take() {
                Some(connection) => connection,
                None => context.daemon_with_notes().await?,
            };
            let before = self.last;
            match self.while_connected(context, &daemon, notes, sink).await {
                Err(Failure::Error(error)) if error.code == ErrorCode::DAEMON_UNREACHABLE => {
                    tries = if self.last == before { tries + 1 } else { 0 };
                    if tries == TRIES {
                        return Err(error.into());
                    }
                    sleep(Duration::from_millis(50 * u64::from(tries))).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn while_connected(
        &mut self,
        context: &mut Context,
        daemon: &Daemon,
        mut notes: NoteReceiver,
        sink: &mut impl Sink,
    ) -> Result<JobDetail, Failure> {
        let mut waiting = VecDeque::new();
        'subscribe: loop {
            self.catch_up(context, daemon, sink).await?;
            let params = EventSubscribeParams { job_id: self.job_id, after: self.last, deltas: false };
            let call = daemon.call_at_length::<methods::EventSubscribe>(params);
            let subscription = noting(call, &mut notes, &mut waiting).await?.subscription;
            loop {
                let job = daemon.call_at_length::<methods::JobGet>(JobRef { job_id: self.job_id });
                let job = noting(job, &mut notes, &mut waiting).await?;
                if job.job.state.is_final() {
                    self.catch_up(context, daemon, sink).await?;
                    return Ok(job);
                }
                // Until something says that the job may have ended, or nothing has been heard for a while.
                loop {
                    let note = match waiting.pop_front() {
                        Some(note) => note,
                        None => match timeout(CHECK, notes.recv()).await {
                            Ok(Some(note)) => note,
                            Ok(None) => return Err(lost().into()),
                            Err(_) => break,
                        },
                    };
                    match read(note, subscription) {
                        Heard::Events(events) => {
                            self.hand_on(context, sink, &events)?;
                            context.out.flush()?;
                            if events.iter().any(is_last) {
                                break;
                            }
                        }
                        Heard::Missed => {
                            let end = daemon
                                .call_at_length::<methods::EventUnsubscribe>(contract::Subscription { subscription });
                            noting(end, &mut notes, &mut waiting).await?;
                            continue 'subscribe;
                        }
                        Heard::Nothing => {}
                    }
                }
            }
        }
    }

    /// Hands on the events that are new.
    fn hand_on(&mut self, context: &mut Context, sink: &mut impl Sink, events: &[Event]) -> Outcome {
        for event in events {
            if event.seq > self.last {
                sink.event(context, event)?;
                self.last = event.seq;
            }
        }
        Ok(())
    }
}

/// A call's answer. Notes that come first are put aside: the answer stands behind them.
async fn noting<T>(
    call: impl Future<Output = Result<T, Error>>,
    notes: &mut NoteReceiver,
    aside: &mut VecDeque<Incoming>,
) -> Result<T, Error> {
    tokio::pin!(call);
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            note = notes.recv() => match note {
                Some(note) => aside.push_back(note),
                None => return call.await,
            },
        }
    }
}

enum Heard {
    Events(Vec<Event>),
    Missed,
    Nothing,
}

fn read(note: Incoming, subscription: i64) -> Heard {
    match note.method.as_str() {
        <methods::EventAdded as contract::Note>::NAME => match serde_json::from_value::<EventsAdded>(note.params) {
            Ok(added) if added.subscription == subscription => Heard::Events(added.events),
            Ok(_) => Heard::Nothing,
            // From a newer daemon, perhaps: the list says it in words that are checked.
            Err(_) => Heard::Missed,
        },
        <methods::EventResync as contract::Note>::NAME => match serde_json::from_value::<Resync>(note.params) {
            Ok(resync) if resync.subscription.is_some_and(|about| about != subscription) => Heard::Nothing,
            _ => Heard::Missed,
        },
        _ => Heard::Nothing,
    }
}

fn is_last(event: &Event) -> bool {
    matches!(&event.entry.body, EventBody::JobChanged { state, .. } if state.is_final())
}

fn lost() -> Error {
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        format!("The daemon went away during {}.", methods::EventSubscribe::NAME),
        "Try again; work under way goes on meanwhile.",
    )
}
