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
    /// How many it speaks for, where several are told as one; none where it is about its own job alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub together: Option<i64>,
}

/// What the founder did with a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Wants to see what it is about.
    Open,
    /// Wants to brief more about it.
    FollowUp,
    /// Decided on it.
    Decide(Decision),
}

impl Press {
    const OPEN: &'static str = "open";
    const FOLLOW_UP: &'static str = "follow_up";
    const ALLOW: &'static str = "allow";
    const DENY: &'static str = "deny";

    /// The press that a button's key stands for; a click on the notice itself (`default`) opens it.
    pub fn of_key(key: &str) -> Option<Press> {
        match key {
            Press::OPEN | "default" => Some(Press::Open),
            Press::FOLLOW_UP => Some(Press::FollowUp),
            Press::ALLOW => Some(Press::Decide(Decision::allow(None))),
            Press::DENY => Some(Press::Decide(Decision::deny(""))),
            _ => None,
        }
    }

    /// The key of its button.
    pub fn key(&self) -> &'static str {
        match self {
            Press::Open => Press::OPEN,
            Press::FollowUp => Press::FOLLOW_UP,
            Press::Decide(decision) if decision.allow => Press::ALLOW,
            Press::Decide(_) => Press::DENY,
        }
    }
}

impl Notice {
    /// What can be done with it, a button each.
    pub fn presses(&self) -> Vec<Press> {
        let decisions = [Press::Decide(Decision::allow(None)), Press::Decide(Decision::deny(""))];
        match (self.question_id, self.decidable) {
            (Some(_), true) => decisions.into_iter().chain([Press::Open]).collect(),
            (Some(_), false) => vec![Press::Open],
            (None, _) if self.together.is_some() => vec![Press::Open],
            (None, _) => vec![Press::Open, Press::FollowUp],
        }
    }

    /// What a press brings up; one that decides brings up the job, too, should it come too late.
    pub fn shows(&self, press: &Press) -> Show {
        match press {
            Press::Open if self.together.is_some() => Show::Notices,
            Press::FollowUp => Show::FollowUp { job_id: self.job_id },
            Press::Open | Press::Decide(_) => Show::Job { job_id: self.job_id },
        }
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
    /// A new brief, after a job: in its company.
    FollowUp {
        /// Which job.
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

impl Show {
    /// The link that brings it up.
    pub fn link(&self) -> String {
        match self {
            Show::Window => "aicib://desk".to_owned(),
            Show::Job { job_id } => format!("aicib://job/{job_id}"),
            Show::FollowUp { job_id } => format!("aicib://job/{job_id}/follow-up"),
            Show::Settings => "aicib://settings".to_owned(),
            Show::Notices => "aicib://notices".to_owned(),
            Show::Jobs => "aicib://jobs".to_owned(),
            Show::Quick => "aicib://quick".to_owned(),
        }
    }

    /// What a link brings up; none for what is no link of ours. Links come from anywhere: they open views, and change
    /// nothing.
    pub fn of_link(link: &str) -> Option<Show> {
        let path = link.strip_prefix(LINK)?.trim_end_matches('/');
        match path.split_once('/') {
            Some(("job", rest)) => {
                let (number, place) =
                    rest.split_once('/').map_or((rest, None), |(number, place)| (number, Some(place)));
                let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
                let job_id = JobId(number.parse().ok().filter(|id: &i64| *id > 0 && is_number)?);
                match place {
                    None => Some(Show::Job { job_id }),
                    Some("follow-up") => Some(Show::FollowUp { job_id }),
                    Some(_) => None,
                }
            }
            Some(_) => None,
            None => match path {
                "" | "desk" => Some(Show::Window),
                "jobs" => Some(Show::Jobs),
                "quick" => Some(Show::Quick),
                "settings" => Some(Show::Settings),
                "notices" => Some(Show::Notices),
                _ => None,
            },
        }
    }
}

/// How links of ours begin.
pub const LINK: &str = "aicib://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_brings_up_its_view_and_nothing_else() {
        let job_id = JobId(212);
        for show in [
            Show::Window,
            Show::Job { job_id },
            Show::FollowUp { job_id },
            Show::Settings,
            Show::Notices,
            Show::Jobs,
            Show::Quick,
        ] {
            assert_eq!(Show::of_link(&show.link()), Some(show.clone()), "{show:?}");
        }
        assert_eq!(Show::of_link("aicib://"), Some(Show::Window));
        assert_eq!(Show::of_link("aicib://quick/"), Some(Show::Quick));
        for wrong in [
            "aicib://job",
            "aicib://job/",
            "aicib://job/0",
            "aicib://job/-1",
            "aicib://job/+1",
            "aicib://job/1/cancel",
            "aicib://job/1/follow-up/x",
            "aicib://job/99999999999999999999",
            "aicib://job/1\n--quick",
            "aicib://run?x=1",
            "AICIB://job/1",
            "http://x",
        ] {
            assert_eq!(Show::of_link(wrong), None, "{wrong}");
        }
    }
}
