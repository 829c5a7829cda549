//! `aicib logs`.

use contract::{
    Ask, CostBasis, Error, ErrorCode, EventBody, Job, JobId, JobState, Money, Origin, Outcome, QuestionId, RunId, Seq,
    StopCounts, Time, WaitReason,
};

use super::sample::{NOON, approval, detail, event, job, sheet};
use crate::commands::summary;
use crate::events::EventLines;
use crate::facts::{header, in_line};
use crate::out::Paint;

fn changed(state: JobState, reason: &str) -> EventBody {
    EventBody::JobChanged { state, reason: reason.into(), until: None, stopped: None }
}

#[test]
fn e031_a_log_says_how_its_job_was_sent() {
    let lines = |foreground| {
        let job = Job { foreground, ..job(7, JobState::Completed) };
        header(&job, &sheet()).join("\n")
    };
    assert!(lines(true).starts_with("Foreground Job #7  completed\n"));
    insta::assert_snapshot!(lines(false));
}

#[test]
fn the_end_of_a_log() {
    let completed = Job { result: Some("Done.\u{1b}[31m".into()), ..job(7, JobState::Completed) };
    let failed = Job {
        error: Some(Error::new(ErrorCode::BUDGET_DAILY, "Today's limit is reached ($50.12 / $50.00).", "Raise it.")),
        ..job(8, JobState::Failed)
    };
    let both = [summary(&detail(completed), Paint::plain()), summary(&detail(failed), Paint::plain())];
    insta::assert_snapshot!(both.concat().join("\n"));
}

#[test]
fn events_read_as_a_conversation() {
    let text = |text: &str| EventBody::Message { text: text.into() };
    let events = [
        event(1, "system", None, changed(JobState::Running, "")),
        event(2, "ceo", None, text("I will ask the CMO.\n\nThen I report.")),
        event(
            3,
            "ceo",
            None,
            EventBody::DelegationStarted { span: "d1".into(), to: "cmo".into(), task: "Describe\nAcme".into() },
        ),
        event(
            4,
            "cmo",
            Some("d1"),
            EventBody::ToolStarted {
                call: "t1".into(),
                tool: "Write".into(),
                subject: "docs/about.md".into(),
                input: serde_json::Value::Null,
            },
        ),
        event(
            5,
            "cmo",
            Some("d1"),
            EventBody::ToolFinished {
                call: "t1".into(),
                tool: "Write".into(),
                ok: true,
                summary: "+64 lines".into(),
                output: String::new(),
                change: None,
                duration_ms: 12,
            },
        ),
        event(6, "cmo", Some("d1"), text("\u{1b}]0;pwned\u{7}Written.\n\u{1b}[2JLook.")),
        event(
            7,
            "ceo",
            None,
            EventBody::DelegationFinished {
                span: "d1".into(),
                to: "cmo".into(),
                ok: true,
                summary: "Written.".into(),
                duration_ms: 3_200,
                cost_usd: Money::nanos(12_300_000),
            },
        ),
        event(
            8,
            "ceo",
            None,
            EventBody::Usage {
                model: "claude-opus-4-6".into(),
                input_tokens: 1_200,
                output_tokens: 340,
                cache_read_tokens: 0,
                cache_write_tokens: 0,
                cost_usd: Money::nanos(74_600_000),
                basis: CostBasis::Estimated,
                started_at: Time(NOON),
                lease_id: None,
            },
        ),
        event(
            9,
            "ceo",
            None,
            EventBody::Waiting {
                reason: WaitReason::RateLimit,
                detail: "The provider asks to wait 3 s.".into(),
                until: None,
                over: false,
            },
        ),
        event(
            10,
            "system",
            None,
            EventBody::Error { error: Error::new(ErrorCode::PROVIDER_AUTH, "The key was refused.", "Set another.") },
        ),
        event(
            11,
            "system",
            None,
            EventBody::RunExited {
                outcome: Outcome::Failed,
                result: None,
                error: None,
                turns: 4,
                effects: true,
                ended: 1,
                forced: 0,
                left: 0,
            },
        ),
        event(12, "system", None, changed(JobState::Failed, "The key was refused.")),
    ];
    let mut lines = EventLines::new(Paint::plain(), sheet().clock);
    let shown: Vec<String> = events.iter().filter_map(|event| lines.of(event)).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_log_says_what_held_it_and_what_was_stopped() {
    let until = Some(Time(NOON + 90_000));
    let stopped = Some(StopCounts { ended: 3, forced: 1, left: 0 });
    let bodies = [
        EventBody::JobChanged { state: JobState::Scheduled, reason: String::new(), until, stopped: None },
        EventBody::JobChanged { state: JobState::Waiting, reason: "Too many requests.".into(), until, stopped: None },
        EventBody::JobChanged { state: JobState::Retrying, reason: "Overloaded.".into(), until, stopped: None },
        EventBody::FilesFound {
            changes: (1..=12)
                .map(|n| contract::FileChange { path: format!("f{n}\u{1b}.md"), created: false, added: 1, removed: 0 })
                .collect(),
        },
        EventBody::Held { held: true, all: false },
        EventBody::Held { held: false, all: true },
        EventBody::Waiting { reason: WaitReason::Paused, detail: "It is on hold.".into(), until: None, over: false },
        EventBody::Waiting { reason: WaitReason::Paused, detail: String::new(), until: None, over: true },
        EventBody::JobChanged { state: JobState::Cancelled, reason: String::new(), until: None, stopped },
    ];
    let mut lines = EventLines::new(Paint::plain(), sheet().clock);
    let shown = bodies.into_iter().zip(1..).filter_map(|(body, seq)| lines.of(&event(seq, "system", None, body)));
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_head_of_a_log_says_how_it_stands() {
    let limit = Error::new(ErrorCode::RUN_TIME, "The run reached its 120 minutes.", "Raise run_minutes.");
    let failed = Job {
        error: Some(limit),
        stopped: Some(StopCounts { ended: 3, forced: 1, left: 0 }),
        parent_job_id: Some(JobId(5)),
        attempts: 2,
        priority: -3,
        ..job(7, JobState::Failed)
    };
    let waiting = Job {
        reason: "The provider asks to wait.".into(),
        until: Some(Time(NOON + 240_000)),
        held: true,
        finished_at: None,
        ..job(8, JobState::Waiting)
    };
    let both = [header(&failed, &sheet()), header(&waiting, &sheet())];
    insta::assert_snapshot!(both.concat().join("\n"));
}

#[test]
fn a_place_in_line_counts_those_before() {
    assert_eq!(in_line(1), "in line at position 1: it starts when the one before it has ended.");
    assert_eq!(in_line(3), "in line at position 3: it starts when the 3 before it have ended.");
}

#[test]
fn a_log_says_what_was_asked_answered_and_said() {
    let bodies = [
        EventBody::Asked {
            key: "q1".into(),
            ask: Ask::Limit,
            text: "The brief has reached its limit of $5.00.".into(),
            detail: "The next call may cost $0.31.".into(),
            options: vec!["Go on up to $7.50".into(), "End\u{1b}[2J".into()],
            approval: None,
        },
        EventBody::Asked {
            key: "q2".into(),
            ask: Ask::Approval,
            text: "The CEO wants to run a command".into(),
            detail: String::new(),
            options: contract::Decision::options(),
            approval: approval(5).approval,
        },
        EventBody::EngineStarted {
            engine: contract::EngineKind::Acp,
            engine_agent: "gemini".into(),
            conversation: Some("c".into()),
            version: "0.61.0\u{1b}[2J".into(),
            confined: contract::Confined::No,
        },
        EventBody::Answered {
            question_id: QuestionId(4),
            key: "q1".into(),
            run_id: RunId(9),
            answer: "Go on up to $7.50".into(),
            by: Origin::Desk,
        },
        EventBody::FollowUp { text: "Use the second headline.\nThe shorter one.".into() },
        EventBody::FollowUpTaken { seqs: vec![Seq(3)] },
        prompt(),
        EventBody::Journal { text: "The page is written.".into(), cost_usd: Money::nanos(1_200_000) },
    ];
    let mut lines = EventLines::new(Paint::plain(), sheet().clock);
    let shown = bodies.into_iter().zip(1..).filter_map(|(body, seq)| lines.of(&event(seq, "ceo", None, body)));
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"));
}

fn prompt() -> EventBody {
    EventBody::Prompt {
        model: "claude-opus-4-6".into(),
        system: "You are the CEO of Acme.\n\n    Indented, as it was sent.\u{1b}[2J".into(),
        message: "Write a page.".into(),
        tools: vec!["Read".into(), "Write".into()],
    }
}

#[test]
fn a_prompt_is_shown_as_it_was_sent() {
    let lines = EventLines::new(Paint::plain(), sheet().clock);
    insta::assert_snapshot!(lines.prompt(&event(5, "ceo", None, prompt())).unwrap());
    assert_eq!(lines.prompt(&event(6, "ceo", None, changed(JobState::Running, ""))), None);
}
