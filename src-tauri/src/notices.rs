//! Notices on their way to the founder, and what became of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use contract::methods::{NoticeReport, QuestionAnswer};
use contract::{
    Decision, Delivery, Notice, NoticeId, NoticeReportParams, Origin, Press, QuestionAnswerParams, QuestionId,
};

use crate::desktop::Desktop;
use crate::{present, window};

/// Notices on screen whose Open is waited for, at most; one more, and the oldest is no longer listened to.
const MAX_OPEN: usize = 32;

/// Notices that are on screen.
#[derive(Default)]
pub struct Notices {
    open: Mutex<VecDeque<tauri::async_runtime::JoinHandle<()>>>,
}

impl Notices {
    /// Tells the founder, or does not where that would be noise, and reports which.
    pub fn present(&self, desktop: &Arc<Desktop>, notice: Notice) {
        let shown = tauri::async_runtime::spawn(present(desktop.clone(), notice));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|shown| !shown.inner().is_finished());
        open.push_back(shown);
        if open.len() > MAX_OPEN
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
    }
}

async fn present(desktop: Arc<Desktop>, notice: Notice) {
    let id = notice.notice_id;
    if !desktop.settings().notifications {
        return report(&desktop, id, Delivery::Off, String::new()).await;
    }
    let (viewing, looked_at) = (desktop.viewing(), window::is_looked_at(&desktop));
    tracing::debug!(notice = %id, job = %notice.job_id, ?viewing, looked_at, "a notice");
    // One that speaks for several is about more than what is on screen.
    if viewing == Some(notice.job_id) && looked_at && notice.together.is_none() {
        return report(&desktop, id, Delivery::Seen, String::new()).await;
    }
    match present::show(&desktop, &notice).await {
        Ok(on_screen) => {
            report(&desktop, id, Delivery::Shown, String::new()).await;
            let Some(press) = on_screen.pressed().await else { return };
            let decided = match (&press, notice.question_id) {
                (Press::Decide(decision), Some(question_id)) => decide(&desktop, question_id, decision).await,
                _ => false,
            };
            if !decided {
                window::bring_up(&desktop, notice.shows(&press));
            }
            report(&desktop, id, Delivery::Opened, String::new()).await;
        }
        Err(detail) => {
            tracing::warn!(detail, notice = %id, "the system did not take a notification");
            report(&desktop, id, Delivery::Failed, detail).await;
        }
    }
}

/// Answers from a button. Whether it counted: who comes too late sees on the job who was faster.
async fn decide(desktop: &Desktop, question_id: QuestionId, decision: &Decision) -> bool {
    let params = QuestionAnswerParams { question_id, answer: decision.answer(), origin: Origin::Notification };
    match desktop.link.call::<QuestionAnswer>(params).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, %question_id, "a decision on a notification did not count");
            false
        }
    }
}

async fn report(desktop: &Desktop, notice_id: NoticeId, delivery: Delivery, detail: String) {
    let params = NoticeReportParams { notice_id, delivery, detail };
    if let Err(error) = desktop.link.call::<NoticeReport>(params).await {
        tracing::warn!(%error, %notice_id, "a delivery could not be reported");
    }
}
