//! What subscribers are sent, at their own pace: each reads from the store from where it stands, so that a slow one
//! costs no memory and misses nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use contract::methods::{DeskChanged, EventAdded, EventDelta};
use contract::{DeskChange, Error, EventListParams, EventSubscribeParams, EventsAdded, JobId, JobState, Seq};
use store::{CompanyRow, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::companies;
use crate::folders;
use crate::hub::{DeskFeed, Touched};
use crate::service::Connection;

/// How long changes of a Desk are gathered before they are sent.
const DESK_PAUSE: Duration = Duration::from_millis(50);
/// How long to wait for a reader whose queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(50);
/// Events of one message, at most.
const EVENTS: i64 = 100;
/// Jobs in line that are told their new place, at most.
const LINE: i64 = 100;

/// Sends what changes on a company's Desk, until the connection ends.
pub async fn desk(app: App, conn: Arc<Connection>, feed: Arc<DeskFeed>, company: CompanyRow, end: CancellationToken) {
    // As long as somebody looks at the Desk.
    let _watched = folders::watch(&app, &company).await;
    loop {
        let touched = tokio::select! {
            touched = feed.changed() => touched,
            () = end.cancelled() => return,
        };
        let change = match desk_change(&app, &company, &touched).await {
            Ok(change) => change,
            Err(error) => {
                tracing::warn!(%error, "a Desk could not be read");
                tokio::time::sleep(FULL_PAUSE).await;
                feed.touch(&touched);
                continue;
            }
        };
        if conn.try_note::<DeskChanged>(&change).is_err() {
            if conn.is_closed() {
                return;
            }
            // Not lost: it is told with what changes until there is room.
            feed.touch(&touched);
            tokio::time::sleep(FULL_PAUSE).await;
        }
        tokio::time::sleep(DESK_PAUSE).await;
    }
}

async fn desk_change(app: &App, company: &CompanyRow, touched: &Touched) -> Result<DeskChange, Error> {
    let (company_id, ids, moved) = (company.company_id, touched.jobs.clone(), touched.line);
    let asked = touched.questions;
    let (seq, jobs, questions) = app
        .store
        .read(move |db| {
            let seq = db.last_seq()?;
            let mut jobs = Vec::with_capacity(ids.len());
            for job_id in ids {
                match db.job(job_id) {
                    Ok(job) => jobs.push(job),
                    // Forgotten meanwhile; whoever forgets jobs has all read again.
                    Err(StoreError::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            if moved {
                let known: BTreeSet<JobId> = jobs.iter().map(|job| job.job_id).collect();
                let (live, _) = db.live(company_id, LINE)?;
                jobs.extend(
                    live.into_iter().filter(|job| job.state == JobState::Queued && !known.contains(&job.job_id)),
                );
            }
            let questions = asked.then(|| db.open_questions(company_id)).transpose()?;
            Ok((seq, jobs, questions))
        })
        .await?;
    let loaded = if touched.team || touched.spend { Some(companies::load(company).await) } else { None };
    let team = match &loaded {
        Some(Ok(loaded)) if touched.team => companies::team(app, company, loaded).await?,
        _ => Vec::new(),
    };
    let spend = match &loaded {
        Some(loaded) if touched.spend => Some(companies::spend(app, company_id, loaded).await?),
        _ => None,
    };
    Ok(DeskChange { seq, company_id, jobs, team, questions, spend, reload: touched.reload })
}

/// Sends a job's events as they are stored, until the subscription ends.
pub async fn events(
    app: App,
    conn: Arc<Connection>,
    params: EventSubscribeParams,
    subscription: i64,
    end: CancellationToken,
) {
    let watcher = (!app.desktop.is(&conn)).then(|| app.watchers.watch(params.job_id));
    let mut stored = app.hub.job(params.job_id);
    let mut deltas = None;
    let mut after = params.after;
    loop {
        stored.mark_unchanged();
        match send_events(&app, &conn, params.job_id, subscription, &mut after).await {
            Ok(true) => continue,
            // Unfinished messages come after what was stored before them.
            Ok(false) if params.deltas && deltas.is_none() => {
                deltas = Some(tokio::spawn(send_deltas(app.clone(), conn.clone(), params.job_id, end.clone())));
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, job_id = %params.job_id, "events could not be read");
                tokio::select! {
                    () = tokio::time::sleep(FULL_PAUSE) => continue,
                    () = end.cancelled() => break,
                }
            }
        }
        tokio::select! {
            changed = stored.changed() => if changed.is_err() { break },
            () = end.cancelled() => break,
        }
    }
    drop((watcher, deltas));
}

/// Sends the next events; `false` where there are none, or nobody who reads them.
async fn send_events(
    app: &App,
    conn: &Connection,
    job_id: JobId,
    subscription: i64,
    after: &mut Seq,
) -> Result<bool, Error> {
    let page = EventListParams { job_id, after: Some(*after), before: None, limit: Some(EVENTS) };
    let page = app.store.read(move |db| db.events(&page)).await?;
    let Some(last) = page.events.last().map(|event| event.seq) else { return Ok(false) };
    let note = EventsAdded { subscription, events: page.events };
    while conn.try_note::<EventAdded>(&note).is_err() {
        if conn.is_closed() {
            return Ok(false);
        }
        tokio::time::sleep(FULL_PAUSE).await;
    }
    *after = last;
    Ok(true)
}

/// Deltas may be lost: a full queue drops them.
async fn send_deltas(app: App, conn: Arc<Connection>, job_id: JobId, end: CancellationToken) {
    let (tails, mut deltas) = app.hub.deltas(job_id);
    for tail in &tails {
        let _ = conn.try_note::<EventDelta>(tail);
    }
    loop {
        tokio::select! {
            delta = deltas.recv() => match delta {
                Ok(delta) if delta.job_id == job_id => drop(conn.try_note::<EventDelta>(&delta)),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            () = end.cancelled() => return,
        }
    }
}
