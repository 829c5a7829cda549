//! `aicib status`.

use contract::{Agent, AgentState, CostBasis, Desk, EngineKind, Error, ErrorCode, Job, JobId, JobState, Money, Time};

use super::sample::{NOON, agent, desk, detail, job, sheet};
use crate::commands::{desk_lines, job_lines};
use crate::text::columns;

#[test]
fn status_at_a_glance() {
    let failed = Job {
        error: Some(Error::new(ErrorCode::RUN_INTERRUPTED, "The worker process vanished.", "Send the brief again.")),
        ..job(6, JobState::Failed)
    };
    insta::assert_snapshot!(desk_lines(&desk(), Some(&failed), &sheet()).join("\n"));
}

#[test]
fn status_with_nothing_open() {
    let desk = Desk { session: None, live: vec![], live_total: 0, team: vec![], ..desk() };
    insta::assert_snapshot!(desk_lines(&desk, None, &sheet()).join("\n"));
}

#[test]
fn status_of_a_job() {
    let running = Job {
        cost_usd: Money::nanos(74_600_000),
        cost_basis: CostBasis::Estimated,
        engine: EngineKind::AnthropicApi,
        activity: Some(contract::Activity { agent: "ceo".into(), text: "is thinking".into() }),
        ..job(7, JobState::Running)
    };
    insta::assert_snapshot!(job_lines(&detail(running), &sheet()).join("\n"));
}

#[test]
fn status_says_why_what_is_to_come_does_not_begin() {
    let waiting = Job {
        reason: "The provider asks to wait.".into(),
        until: Some(Time(NOON + 240_000)),
        ..job(7, JobState::Waiting)
    };
    let retrying = Job {
        reason: "The provider is overloaded.".into(),
        until: Some(Time(NOON + 90_000)),
        attempts: 1,
        ..job(8, JobState::Retrying)
    };
    let not_begun = |job: Job| Job { started_at: None, ..job };
    let queued = not_begun(Job { position: Some(2), held: true, priority: 10, ..job(9, JobState::Queued) });
    let blocked = not_begun(Job { after_job_id: Some(JobId(7)), ..job(10, JobState::Blocked) });
    let scheduled = not_begun(Job { until: Some(Time(NOON + 9_000_000)), ..job(11, JobState::Scheduled) });
    let live = vec![waiting, retrying, queued, blocked, scheduled];
    let desk = Desk { live, live_total: 105, held: true, team: vec![], ..desk() };
    insta::assert_snapshot!(desk_lines(&desk, None, &sheet()).join("\n"));
}

#[test]
fn a_long_line_is_cut_and_leaves_the_team_in_sight() {
    let queued = |number| Job { started_at: None, position: Some(number), ..job(number, JobState::Queued) };
    let desk = Desk { live: (1..=30).map(queued).collect(), live_total: 105, ..desk() };
    let shown = desk_lines(&desk, None, &sheet()).join("\n");
    assert!(shown.contains("  #10  queued") && !shown.contains("  #11  queued"), "{shown}");
    assert!(shown.contains("  and 95 more: `aicib jobs` lists them"), "{shown}");
}

#[test]
fn a_job_that_is_held_in_line_says_so_and_where() {
    let queued = Job {
        started_at: None,
        finished_at: None,
        turns: 0,
        position: Some(2),
        held: true,
        ..job(9, JobState::Queued)
    };
    let shown = job_lines(&detail(queued), &sheet()).join("\n");
    assert!(shown.starts_with("Job #9 queued, on hold · $0.00 free · 1 file\n"), "{shown}");
    assert!(shown.contains("In line at position 2: ") && shown.contains("`aicib resume 9`"), "{shown}");
    let waiting = Job { reason: "It is on hold.".into(), held: true, ..job(9, JobState::Waiting) };
    let shown = job_lines(&detail(waiting), &sheet()).join("\n");
    assert!(shown.contains("`aicib resume 9`") && !shown.contains("It is on hold."), "{shown}");
}

#[test]
fn an_eta_that_has_passed_or_is_unknown_is_not_said() {
    let shown = |eta, state| {
        let live = vec![Job { eta, ..job(7, state) }];
        desk_lines(&Desk { live, live_total: 1, team: vec![], ..desk() }, None, &sheet()).join("\n")
    };
    assert!(shown(Some(Time(NOON + 300_000)), JobState::Running).contains("about 4 min left"));
    assert!(shown(Some(Time(NOON + 70_000)), JobState::Running).contains("less than a minute left"));
    for (eta, state) in [
        (None, JobState::Running),
        (Some(Time(NOON + 59_000)), JobState::Running),
        (Some(Time(NOON + 300_000)), JobState::Waiting),
    ] {
        assert!(!shown(eta, state).contains("left"), "{eta:?} {state:?}");
    }
}

#[test]
fn what_is_wide_stays_within_the_line() {
    for title in [
        "公司简介".repeat(20),
        "👩‍💻 🇩🇪 ❤️ ".repeat(20),
        "כתוב תיאור של החברה ".repeat(8),
        "e\u{301}".repeat(200),
        "long ".repeat(40),
    ] {
        let wide = |number, state| Job {
            title: title.clone(),
            activity: Some(contract::Activity { agent: "cmo".into(), text: title.clone() }),
            progress: Some(contract::Progress { done: 3, total: 5, percent: 60, note: title.clone() }),
            ..job(number, state)
        };
        let live = vec![wide(7, JobState::Running), wide(8, JobState::Waiting)];
        let team = vec![Agent { name: title.clone(), ..agent("ceo", AgentState::Working, &title) }];
        let desk = Desk { live, live_total: 2, team, ..desk() };
        for line in desk_lines(&desk, Some(&wide(6, JobState::Completed)), &sheet()) {
            assert!(columns(&line) <= 80, "{} columns: {line}", columns(&line));
        }
    }
}

#[test]
fn e030_status_says_what_each_agent_does() {
    let shown = desk_lines(&desk(), None, &sheet()).join("\n");
    for part in ["CEO               working  Write a company", "CFO               off", "Backend Engineer  error"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
