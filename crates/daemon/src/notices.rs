//! Tells the founder once when a job ends: through the desktop where one is attached, else natively from here.

use contract::methods::ShowRequested;
use contract::{
    Approval, Ask, Delivery, Error, ErrorCode, Job, JobState, Money, Notice, NoticeKind, Origin, Press, Question,
    QuestionAnswerParams, Show, Time, one_line, role_name,
};
use store::NewNotice;
use toast::Toast;
use tokio::time::Instant;
use words::Words;

use crate::app::App;
use crate::gather::{self, Way};
use crate::handlers::questions;
use crate::quiet;

/// Characters of a notice's lines.
const LINE_CHARS: usize = 160;
/// Characters of an act that all services show whole. A longer one has to be looked at before it is allowed.
const WHOLE_CHARS: usize = 120;

/// What the founder is to be told of a job that has ended. What the founder stopped is known to the founder.
pub fn due(job: &Job, words: &Words) -> Option<NewNotice> {
    if !matches!(job.state, JobState::Completed | JobState::Failed) {
        return None;
    }
    let (title, body, urgent) = ended(job, words);
    let kind = if urgent { NoticeKind::Failed } else { NoticeKind::Done };
    Some(NewNotice { job_id: job.job_id, question_id: None, kind, title, body, urgent, decidable: false })
}

/// What the founder is to be told of a question: nobody goes on before it is answered.
pub fn asked(question: &Question, words: &Words) -> NewNotice {
    let who = role_name(&question.agent);
    let text = one_line(&question.text, LINE_CHARS);
    let title = match (question.ask, &question.approval) {
        (Ask::Approval, Some(approval)) => (words.wants)(&who, approval.act, &text),
        (Ask::Limit, _) => (words.limit_reached)(&question.title),
        (Ask::Loop, _) => (words.circles)(&question.title),
        (Ask::Decision | Ask::Approval, _) => (words.asks)(&who, &text),
    };
    let about = match question.ask {
        Ask::Decision => question.title.clone(),
        Ask::Limit | Ask::Loop => (words.own_question)(&text),
        Ask::Approval => String::new(),
    };
    let whole = question.approval.as_ref().and_then(whole);
    let job = (words.of_job)(question.job_id, &question.title);
    let body = match (&question.approval, whole) {
        (Some(_), Some(action)) => format!("{action}\n{job}"),
        (Some(approval), None) => {
            let begins = one_line(&approval.action, WHOLE_CHARS);
            format!("{begins}\n{} {job}", words.more_than_fits)
        }
        (None, _) => format!("{}\n{about}", (words.waits)(question.job_id)),
    };
    NewNotice {
        job_id: question.job_id,
        question_id: Some(question.question_id),
        kind: if question.ask == Ask::Approval { NoticeKind::Approval } else { NoticeKind::Question },
        title,
        body,
        urgent: true,
        decidable: whole.is_some(),
    }
}

/// The act, where all of it can be read on a notice: short, on one line, with nothing in it that had to be made visible.
fn whole(approval: &Approval) -> Option<&str> {
    let action = approval.action.as_str();
    let plain = approval.diff.is_none() && !action.contains('⟨') && one_line(action, WHOLE_CHARS) == action;
    plain.then_some(action)
}

/// Tells the founder; `watched` where somebody followed the job in a terminal up to its end.
pub async fn tell(app: &App, notice: Notice, watched: bool) {
    let job_id = notice.job_id;
    if let Err(error) = present(app, notice, watched).await {
        tracing::error!(%error, %job_id, "the founder could not be told");
    }
}

/// Tells what an earlier daemon, or a desktop that has left, had no time to tell.
pub async fn tell_the_rest(app: &App, left: Vec<Notice>) {
    for notice in left {
        tell(app, notice, false).await;
    }
}

async fn present(app: &App, notice: Notice, watched: bool) -> Result<(), Error> {
    let settings = app.settings().await?;
    if let Some(why) = quiet::hushed(&settings, &notice, jiff::Zoned::now().time()) {
        return report(app, &notice, why, "").await;
    }
    if watched || app.watchers.is_watched(notice.job_id) {
        return report(app, &notice, Delivery::Seen, "").await;
    }
    match app.gather.take(notice, Instant::now()) {
        Way::Alone(notice) => show(app, *notice, words::of(&settings.language)).await,
        Way::First => {
            let app = app.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(gather::GATHERS) => {}
                    // The next daemon tells.
                    () = app.stop.cancelled() => return,
                }
                if let Err(error) = show_together(&app).await {
                    tracing::error!(%error, "the founder could not be told");
                }
            });
            Ok(())
        }
        Way::Together => Ok(()),
        Way::InPlaceOf(counted) => report(app, &counted, Delivery::Grouped, "").await,
    }
}

/// Tells what was gathered, as one. A job of it that was deleted meanwhile does not keep the others from being told.
async fn show_together(app: &App) -> Result<(), Error> {
    let words = words::of(&app.settings().await?.language);
    let Some((speaks, others)) = app.gather.together(Instant::now(), words) else { return Ok(()) };
    for other in others {
        if let Err(error) = report(app, &other, Delivery::Grouped, "").await {
            tracing::warn!(%error, notice_id = %other.notice_id, "a notice among others is not recorded as told");
        }
    }
    show(app, speaks, words).await
}

async fn show(app: &App, notice: Notice, words: &Words) -> Result<(), Error> {
    if app.desktop.present(&notice) {
        // The desktop reports what becomes of it.
        return Ok(());
    }
    let toast = Toast {
        title: notice.title.clone(),
        body: notice.body.clone(),
        urgent: notice.urgent,
        actions: words.buttons(&notice),
    };
    match toast::show(toast).await {
        Ok(shown) => {
            report(app, &notice, Delivery::Shown, "").await?;
            let app = app.clone();
            tokio::spawn(async move {
                let Some(press) = shown.action().await.as_deref().and_then(Press::of_key) else { return };
                if let Err(error) = pressed(&app, &notice, press).await {
                    tracing::error!(%error, "a press on a notification came to nothing");
                }
            });
            Ok(())
        }
        Err(error) => report(app, &notice, Delivery::Failed, &error.to_string()).await,
    }
}

/// Does what the founder wants. A decision that came too late brings up the job, where one sees who was faster.
async fn pressed(app: &App, notice: &Notice, press: Press) -> Result<(), Error> {
    if let (Press::Decide(decision), Some(question_id)) = (&press, notice.question_id) {
        let answer = QuestionAnswerParams { question_id, answer: decision.answer(), origin: Origin::Notification };
        match questions::answer(app, answer).await {
            Ok(_) => return report(app, notice, Delivery::Opened, "").await,
            Err(error) => tracing::warn!(%error, %question_id, "a decision on a notification did not count"),
        }
    }
    open(app, notice, &notice.shows(&press)).await
}

/// Brings something up: in the desktop that runs, or in one that is started for it.
async fn open(app: &App, notice: &Notice, show: &Show) -> Result<(), Error> {
    if let Err(error) = report(app, notice, Delivery::Opened, "").await {
        tracing::warn!(%error, notice_id = %notice.notice_id, "a notice is not recorded as opened");
    }
    if app.desktop.send::<ShowRequested>(show) {
        return Ok(());
    }
    let desktop = app.program()?.with_file_name(format!("aicib-desktop{}", std::env::consts::EXE_SUFFIX));
    let command = process::Command::new(desktop).args([show.link()]).env("AICIB_HOME", app.home.root());
    let mut spawned = process::spawn(command).map_err(|error| {
        Error::new(ErrorCode::INTERNAL, format!("The desktop app could not be started: {error}."), "Start it by hand.")
    })?;
    tokio::spawn(async move {
        if let Err(error) = spawned.child.wait().await {
            tracing::warn!(%error, "the desktop app could not be waited for");
        }
    });
    Ok(())
}

async fn report(app: &App, notice: &Notice, delivery: Delivery, detail: &str) -> Result<(), Error> {
    let (notice_id, detail) = (notice.notice_id, detail.to_owned());
    Ok(app.store.write(move |db| db.notice_report(notice_id, delivery, &detail, Time::now())).await?)
}

fn ended(job: &Job, words: &Words) -> (String, String, bool) {
    let took = job.finished_at.map_or(0, |end| end.since(job.started_at.unwrap_or(job.created_at)));
    match (&job.error, job.state) {
        (Some(error), _) => {
            let title = if is_limit(&error.code) { words.stopped_at_limit } else { words.failed };
            let what = (words.of_job)(job.job_id, &one_line(&error.message, LINE_CHARS));
            (title(&job.title), format!("{what}\n{}", error.fix), true)
        }
        (None, _) => {
            let cost = (job.cost_usd != Money::ZERO).then(|| words.language.money(job.cost_usd));
            let result = one_line(job.result.as_deref().unwrap_or_default(), LINE_CHARS);
            let what = (words.finished)(&role_name(&job.agent), job.job_id, &words.span(took), cost.as_deref());
            ((words.done)(&job.title), format!("{what}\n{result}"), false)
        }
    }
}

fn is_limit(code: &ErrorCode) -> bool {
    [
        ErrorCode::BUDGET_BRIEF,
        ErrorCode::BUDGET_DAILY,
        ErrorCode::BUDGET_MONTHLY,
        ErrorCode::BUDGET_SESSION,
        ErrorCode::BUDGET_AGENT,
        ErrorCode::RUN_TIME,
        ErrorCode::RUN_TURNS,
        ErrorCode::RUN_NO_OUTPUT,
        ErrorCode::RUN_SILENT,
        ErrorCode::RUN_OUTPUT,
    ]
    .contains(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_decided_on_a_notice_only_where_all_of_it_is_on_it() {
        let is_whole = |action: &str, diff: Option<&str>| {
            whole(&Approval {
                act: contract::Act::Command,
                tool: "Bash".into(),
                action: contract::visible(action),
                subject: None,
                diff: diff.map(str::to_owned),
                digest: String::new(),
            })
            .is_some()
        };
        assert!(is_whole("git push origin main", None));
        assert!(!is_whole("docs/about.md", Some("+ a line")));
        for hidden in ["ls\nrm -rf x", "ls \u{202e}x", &"x".repeat(121), &format!("ls{}rm", " ".repeat(10_000)), "a  b"]
        {
            assert!(!is_whole(hidden, None), "{hidden:?}");
        }
    }
}
