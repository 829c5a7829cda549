//! Sessions: the conversation of an agent that is briefed, opened and closed.

use company::{CEO, Company};
use contract::*;
use store::{CompanyRow, Missing, StoreError};

use crate::app::App;
use crate::companies;
use crate::handlers::people::who_takes;
use crate::hub::Touched;
use crate::runs;

pub async fn start(app: &App, params: CompanyRef) -> Result<Session, Error> {
    let row = companies::resolve(app, params).await?;
    open(app, &row, CEO).await
}

/// Opens a session of an agent, if it is there to hold it.
async fn open(app: &App, row: &CompanyRow, agent: &str) -> Result<Session, Error> {
    let loaded = companies::load(row).await?;
    let agent = who_takes(&loaded, agent)?.role.clone();
    let company_id = row.company_id;
    let session = app
        .store
        .write(move |db| {
            db.company_used(company_id, Time::now())?;
            db.session_open(company_id, &agent, Time::now())
        })
        .await?;
    app.announce(row.company_id, &Touched::all(), &[]);
    Ok(greeted(session, &loaded))
}

/// The session, with the CEO's introduction of itself where it is the CEO's.
fn greeted(session: Session, loaded: &Company) -> Session {
    let greeting = (session.agent == CEO).then(|| company::prompt::greeting(loaded));
    Session { greeting, ..session }
}

/// The agent's open session; where there is none, one that is opened now: the CEO's where `start` says so, a head's in
/// any case.
pub async fn current(app: &App, row: &CompanyRow, agent: &str, start: bool) -> Result<Session, Error> {
    let company_id = row.company_id;
    loop {
        let of = agent.to_owned();
        match app.store.read(move |db| db.session_open_of(company_id, &of)).await? {
            Some(session) => return Ok(session),
            None if !start && agent == CEO => return Err(none(company_id)),
            None => {}
        }
        match open(app, row, agent).await {
            // Another brief opened it in the same moment.
            Err(error) if error.code == ErrorCode::SESSION_ACTIVE => {}
            opened => return opened,
        }
    }
}

pub async fn list(app: &App, params: SessionListParams) -> Result<SessionPage, Error> {
    let company_id = companies::resolve(app, params.company).await?.company_id;
    Ok(app.store.read(move |db| db.sessions(company_id, params.before, params.limit)).await?)
}

/// Opens an earlier session again, if its agent is there to hold it.
pub async fn resume(app: &App, params: SessionRef) -> Result<Session, Error> {
    let row = companies::resolve(app, params.company).await?;
    let (company_id, session_id) = (row.company_id, params.session_id);
    let before = app.store.read(move |db| db.session(session_id)).await?;
    let loaded = companies::load(&row).await?;
    who_takes(&loaded, &before.agent)?;
    let session = app
        .store
        .write(move |db| {
            db.company_used(company_id, Time::now())?;
            db.session_reopen(company_id, session_id, Time::now())
        })
        .await?;
    app.announce(company_id, &Touched::all(), &[]);
    Ok(greeted(session, &loaded))
}

/// Stops all that the company has under way, and closes the sessions of all its agents.
pub async fn stop(app: &App, params: CompanyRef) -> Result<SessionStopResult, Error> {
    let row = companies::resolve(app, params).await?;
    let company_id = row.company_id;
    let open = app.store.read(move |db| db.open_sessions(company_id)).await?;
    let mut result: Option<SessionStopResult> = None;
    for session in open {
        let SessionStopResult { session, cancelled, stopped } = close(app, session.session_id).await?;
        // The CEO's comes first, and is the one that is told of.
        let all =
            result.get_or_insert(SessionStopResult { session, cancelled: Vec::new(), stopped: StopCounts::default() });
        all.cancelled.extend(cancelled);
        all.stopped = all.stopped + stopped;
    }
    app.announce(company_id, &Touched::all(), &[]);
    result.ok_or_else(|| none(company_id))
}

/// Stops the session's jobs and closes it.
async fn close(app: &App, session_id: SessionId) -> Result<SessionStopResult, Error> {
    let mut cancelled = Vec::new();
    let mut stopped = StopCounts::default();
    let session = loop {
        let live = app.store.read(move |db| db.live_in_session(session_id)).await?;
        if live.is_empty() {
            let close = move |db: &store::Write<'_>| {
                let now = db.session(session_id)?;
                // Somebody else may have stopped it in the same moment.
                if now.closed_at.is_some() { Ok(now) } else { db.session_close(session_id, Time::now()) }
            };
            match app.store.write(close).await.map_err(Error::from) {
                // A brief came in between.
                Err(error) if error.code == ErrorCode::SESSION_BUSY => continue,
                closed => break closed?,
            }
        }
        // Last first: what is queued goes before it could be claimed.
        for job in live.into_iter().rev() {
            match runs::cancel(app, job.job_id, "The session was stopped.").await {
                Ok((job, counts)) => {
                    if !job.state.is_final() {
                        return Err(still_alive(job.job_id, counts.left));
                    }
                    stopped = stopped + counts;
                    // One that ended by itself in the same moment was not cancelled (E013).
                    if job.state == JobState::Cancelled {
                        cancelled.push(job);
                    }
                }
                // It ended before we came to it.
                Err(error) if error.code == ErrorCode::JOB_FINAL => {}
                Err(error) => return Err(error),
            }
        }
    };
    Ok(SessionStopResult { session, cancelled, stopped })
}

fn still_alive(job_id: JobId, left: i64) -> Error {
    Error::new(
        ErrorCode::SESSION_BUSY,
        format!("Job {job_id} has {left} processes that the system does not end, so the session stays open."),
        "Look at them (`aicib logs`), end them by hand, then stop the session again.",
    )
}

/// E002, E006.
pub fn none(company_id: CompanyId) -> Error {
    StoreError::NotFound(Missing::OpenSession(company_id)).into()
}
