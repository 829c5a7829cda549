//! Sessions: a CEO's conversation, opened and closed.

use contract::*;
use store::{CompanyRow, Missing, StoreError};

use crate::app::App;
use crate::companies;
use crate::hub::Touched;
use crate::runs;

pub async fn start(app: &App, params: CompanyRef) -> Result<Session, Error> {
    let row = companies::resolve(app, params).await?;
    open(app, &row).await
}

/// Opens the company's session, if its CEO is there to hold it.
pub async fn open(app: &App, row: &CompanyRow) -> Result<Session, Error> {
    companies::load(row).await?.ceo()?;
    let company_id = row.company_id;
    let session = app
        .store
        .write(move |db| {
            db.company_used(company_id, Time::now())?;
            db.session_open(company_id, Time::now())
        })
        .await?;
    app.announce(row.company_id, &Touched::all(), &[]);
    Ok(session)
}

pub async fn stop(app: &App, params: CompanyRef) -> Result<SessionStopResult, Error> {
    let row = companies::resolve(app, params).await?;
    let company_id = row.company_id;
    let session = app.store.read(move |db| db.session_open_of(company_id)).await?.ok_or_else(|| none(company_id))?;
    let mut cancelled = Vec::new();
    loop {
        let session_id = session.session_id;
        let live = app.store.read(move |db| db.live_in_session(session_id)).await?;
        if live.is_empty() {
            break;
        }
        // Last first: what is queued goes before it could be claimed.
        for job in live.into_iter().rev() {
            match runs::cancel(app, job.job_id, "The session was stopped.").await {
                Ok(_) => cancelled.push(app.store.read(move |db| db.job(job.job_id)).await?),
                // It ended by itself in the same moment (E013), or is just about to be found.
                Err(error) if error.code == ErrorCode::JOB_FINAL || error.code == ErrorCode::OVERLOADED => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
    let session_id = session.session_id;
    let session = app.store.write(move |db| db.session_close(session_id, Time::now())).await?;
    app.announce(company_id, &Touched::all(), &[]);
    Ok(SessionStopResult { session, cancelled })
}

/// E002, E006.
pub fn none(company_id: CompanyId) -> Error {
    StoreError::NotFound(Missing::OpenSession(company_id)).into()
}
