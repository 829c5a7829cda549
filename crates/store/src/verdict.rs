//! The end of jobs whose end is lost, as their runs' records have it.

use contract::{
    Error, ErrorCode, EventBody, JobChange, JobId, JobState, Outcome, RunId, RunState, SessionId, Time, one_line,
};
use rusqlite::{Connection, params};

use crate::job_changes::{RESULT_CHARS, Said};
use crate::{Settlement, StoreError, Write};

/// Ends a job as the last word of its run says; one without a last word was interrupted.
pub(crate) fn settle(conn: &Connection, job: JobId, run: Option<RunId>) -> Result<(), StoreError> {
    let db = Write::of(conn);
    let at = last_at(conn, job)?;
    let Some(run) = run else { return db.fail(job, &interrupted(), at).map(drop) };
    let (state, change, settlement) = match db.last_word(run)? {
        Some(EventBody::RunExited { outcome, result, error, .. }) => match outcome {
            Outcome::Completed => {
                let answer = Some(result.unwrap_or_default());
                (RunState::Exited, JobChange::Complete, Settlement { answer, ..Settlement::default() })
            }
            Outcome::Failed => (RunState::Exited, JobChange::Fail, failed(error.unwrap_or_else(interrupted))),
            Outcome::Cancelled => (RunState::Exited, JobChange::Cancel, Settlement::default()),
        },
        _ => (RunState::Crashed, JobChange::Fail, failed(interrupted())),
    };
    // Not the daemon's own way: the run may have ended, and only its job's end be lost.
    while let Some(live) = db.live_run_of(job)? {
        db.run_end(live, if live == run { state } else { RunState::Crashed }, at)?;
    }
    db.change(job, change, &Said { reason: &settlement.reason, ..Said::default() }, at)?;
    let after = db.job(job)?.state;
    db.keep(job, &settlement, after)
}

/// Answer and error of a job that has ended, from its run's last word where they are lost.
pub(crate) fn fill_in(conn: &Connection, job: JobId, run: Option<RunId>) -> Result<(), StoreError> {
    let db = Write::of(conn);
    let (Some(run), detail) = (run, db.job_detail(job)?) else { return Ok(()) };
    let (answered, failed) = (detail.answer.is_some(), detail.job.error.is_some());
    let Some(EventBody::RunExited { result, error, .. }) = db.last_word(run)? else { return Ok(()) };
    match (detail.job.state, result, error) {
        (JobState::Completed, Some(answer), _) if !answered => {
            let line = one_line(&answer, RESULT_CHARS);
            conn.prepare_cached("UPDATE job_texts SET answer = ?2 WHERE job_id = ?1")?
                .execute(params![job.0, answer])?;
            let update = "UPDATE jobs SET result = coalesce(result, ?2) WHERE id = ?1";
            conn.prepare_cached(update)?.execute(params![job.0, line])?;
        }
        (JobState::Failed, _, Some(error)) if !failed => {
            let error = serde_json::to_string(&error).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            conn.prepare_cached("UPDATE jobs SET error = ?2 WHERE id = ?1")?.execute(params![job.0, error])?;
        }
        _ => {}
    }
    Ok(())
}

/// Ends a run whose job has ended.
pub(crate) fn end_run(conn: &Connection, run: RunId, at: Time) -> Result<(), StoreError> {
    Write::of(conn).run_end(run, RunState::Exited, at)
}

/// Of a session one job is at work: where another begins, the one before it has ended, whatever is known of that.
pub(crate) fn make_way(conn: &Connection, session: SessionId, beginner: JobId) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT j.id, (SELECT max(r.id) FROM runs r WHERE r.job_id = j.id) FROM jobs j
         WHERE j.session_id = ?1 AND j.id <> ?2 AND j.state IN ('running', 'waiting', 'retrying')",
    )?;
    let rows = select
        .query_map([session.0, beginner.0], |row| Ok((JobId(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(RunId))))?;
    for (job, run) in rows.collect::<Result<Vec<_>, _>>()? {
        settle(conn, job, run)?;
    }
    Ok(())
}

/// A job of which too little is left is not done again: it has failed.
pub(crate) fn lost(conn: &Connection, job: JobId) -> Result<(), StoreError> {
    let db = Write::of(conn);
    if db.job(job)?.state.is_final() {
        return Ok(());
    }
    let at = last_at(conn, job)?;
    if let Some(run) = db.live_run_of(job)? {
        db.run_end(run, RunState::Crashed, at)?;
    }
    db.fail(job, &interrupted(), at).map(drop)
}

fn failed(error: Error) -> Settlement {
    Settlement { reason: error.message.clone(), error: Some(error), ..Settlement::default() }
}

fn interrupted() -> Error {
    Error::new(
        ErrorCode::RUN_INTERRUPTED,
        "The run's end was lost with a damaged database.",
        "Restart the job; what it had written to files is still there.",
    )
}

/// When the last thing happened that is known of a job.
fn last_at(conn: &Connection, job: JobId) -> Result<Time, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT coalesce((SELECT max(at) FROM events WHERE job_id = ?1), created_at) FROM jobs WHERE id = ?1",
    )?;
    Ok(Time(select.query_row([job.0], |row| row.get(0))?))
}
