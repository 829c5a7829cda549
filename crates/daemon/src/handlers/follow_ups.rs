//! What the founder has to say to a job at work.

use contract::*;

use super::jobs::readable;
use crate::app::App;
use crate::hub::Touched;
use crate::runs;

/// Stores it, and tells the worker, which gives it to the agent that was briefed before its next call.
pub async fn say(app: &App, params: JobFollowUpParams) -> Result<Job, Error> {
    let job_id = params.job_id;
    let text = readable(&params.text, "follow-up")?;
    runs::settle_the_gone(Vec::from_iter(app.runs.of_job(job_id))).await;
    let (job, event) = app.store.write(move |db| db.follow_up(job_id, &text, Time::now())).await?;
    app.announce(job.company_id, &Touched::row(job_id), &[event]);
    if let Some(run) = app.runs.of_job(job_id) {
        tokio::spawn(runs::tell_words(app.clone(), run));
    }
    Ok(job)
}
