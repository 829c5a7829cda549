//! What the founder is told natively, and what a desktop is asked to bring up.

use serde::{Deserialize, Serialize};

use crate::{CompanyId, Decision, JobId, NoticeId, QuestionId, Time};

/// What a notice is about, as far as the founder chooses which ones to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A brief was completed.
    Done,
    /// A brief failed, or was stopped at a limit.
    Failed,
    /// An agent has a question.
    Question,
    /// An agent asks for leave to act.
    Approval,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [NoticeKind; 4] = [NoticeKind::Done, NoticeKind::Failed, NoticeKind::Question, NoticeKind::Approval];

    /// The name in JSON and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            NoticeKind::Done => "done",
            NoticeKind::Failed => "failed",
            NoticeKind::Question => "question",
            NoticeKind::Approval => "approval",
        }
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<NoticeKind> {
        NoticeKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A notice in the app's own list of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct NoticeRow {
    /// The notice.
    #[serde(flatten)]
    pub notice: Notice,
    /// When it came up.
    pub at: Time,
    /// What became of it natively; none while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub delivery: Option<Delivery>,
    /// The system's own words, where it was not shown.
    pub detail: String,
    /// Whether the founder has looked at it in the app, or opened it.
    pub seen: bool,
}

/// Something the founder is told once, natively.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Notice {
    /// Its id.
    pub notice_id: NoticeId,
    /// The job it is about; what Open brings up.
    pub job_id: JobId,
    /// The company.
    pub company_id: CompanyId,
    /// What it is about.
    pub kind: NoticeKind,
    /// The heading.
    pub title: String,
    /// A line or two, plain text.
    pub body: String,
    /// Whether it is about something that went wrong.
    pub urgent: bool,
    /// The question it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub question_id: Option<QuestionId>,
    /// Whether Allow and Deny may stand on it: the question asks for leave to act, and all of the act is in the body.
    #[serde(default)]
    pub decidable: bool,
}

/// What the founder did with a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Wants to see what it is about.
    Open,
    /// Decided on it.
    Decide(Decision),
}

impl Press {
    const OPEN: &'static str = "open";
    const ALLOW: &'static str = "allow";
    const DENY: &'static str = "deny";

    /// The press that a button's key stands for; a click on the notice itself (`default`) opens it.
    pub fn of_key(key: &str) -> Option<Press> {
        match key {
            Press::OPEN | "default" => Some(Press::Open),
            Press::ALLOW => Some(Press::Decide(Decision::allow(None))),
            Press::DENY => Some(Press::Decide(Decision::deny(""))),
            _ => None,
        }
    }
}

impl Notice {
    /// The buttons on it: keys of [`Press::of_key`], and labels.
    pub fn buttons(&self) -> Vec<(String, String)> {
        let buttons: &[(&str, &str)] = match (self.question_id, self.decidable) {
            (Some(_), true) => &[(Press::ALLOW, "Allow"), (Press::DENY, "Deny"), (Press::OPEN, "Review")],
            (Some(_), false) => &[(Press::OPEN, "Review")],
            (None, _) => &[(Press::OPEN, "Open")],
        };
        buttons.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned())).collect()
    }
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The system took it.
    Shown,
    /// The founder was looking at the job.
    Seen,
    /// Notifications, or those of its kind, are off in the settings.
    Off,
    /// It came in the founder's quiet hours.
    Quiet,
    /// It was told together with others.
    Grouped,
    /// The system did not take it.
    Failed,
    /// The founder opened it.
    Opened,
}

impl Delivery {
    /// The name in JSON and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Delivery::Shown => "shown",
            Delivery::Seen => "seen",
            Delivery::Off => "off",
            Delivery::Quiet => "quiet",
            Delivery::Grouped => "grouped",
            Delivery::Failed => "failed",
            Delivery::Opened => "opened",
        }
    }

    /// The delivery with that name.
    pub fn from_name(name: &str) -> Option<Delivery> {
        const ALL: [Delivery; 7] = [
            Delivery::Shown,
            Delivery::Seen,
            Delivery::Off,
            Delivery::Quiet,
            Delivery::Grouped,
            Delivery::Failed,
            Delivery::Opened,
        ];
        ALL.into_iter().find(|delivery| delivery.name() == name)
    }
}

/// What a desktop is asked to bring up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "view", rename_all = "snake_case")]
pub enum Show {
    /// The main window, as it is.
    Window,
    /// A job.
    Job {
        /// Which.
        job_id: JobId,
    },
    /// The settings.
    Settings,
    /// The list of notices.
    Notices,
    /// All jobs.
    Jobs,
    /// The quick-brief window.
    Quick,
}
