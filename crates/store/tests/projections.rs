//! What events do to the rows that screens read, and that the rows can be made again from the events.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{
    AgentState, Ask, CompanyId, CostBasis, Error, ErrorCode, EventBody, FileChange, JobChange, JobId, JobPageParams,
    JobState, Money, NoticeLevel, Origin, Outcome, Progress, QuestionId, QuestionListParams, RunId, RunState,
    SessionId, SpanKind, SpoolLine, Stages, WaitReason,
};
use proptest::prelude::*;
use store::{NewJob, Settlement};
use support::*;

fn page(job: contract::JobId) -> JobPageParams {
    JobPageParams { job_id: job, offset: 0, limit: None }
}

fn change(path: &str, created: bool, added: i64) -> FileChange {
    FileChange { path: path.into(), created, added, removed: 1 }
}

fn tool(call: &str) -> EventBody {
    EventBody::ToolStarted {
        call: call.into(),
        tool: "Write".into(),
        subject: "docs/about.md".into(),
        input: serde_json::json!({}),
    }
}

fn tool_done(call: &str, change: Option<FileChange>) -> EventBody {
    EventBody::ToolFinished {
        call: call.into(),
        tool: "Write".into(),
        ok: true,
        summary: "+64 lines".into(),
        output: "written".into(),
        change,
        duration_ms: 5,
    }
}

fn delegate(span: &str, to: &str) -> EventBody {
    EventBody::DelegationStarted { span: span.into(), to: to.into(), task: format!("Task for {to}") }
}

fn delegated(span: &str, to: &str) -> EventBody {
    EventBody::DelegationFinished {
        span: span.into(),
        to: to.into(),
        ok: true,
        summary: "done".into(),
        duration_ms: 9,
        cost_usd: Money::nanos(7),
    }
}

#[test]
fn e030_a_brief_shows_who_works_on_what_and_at_which_cost() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let team = |home: &Home| home.read(move |read| read.agent_states(job.company_id));

    assert_eq!(team(&home).of("ceo").task, "Write a company description");
    assert_eq!(team(&home).of("cmo").state, AgentState::Idle);

    let lines = spool([
        entry("ceo", None, 10, delegate("d1", "cmo")),
        entry("cmo", Some("d1"), 20, tool("t1")),
        entry("cmo", Some("d1"), 30, tool_done("t1", Some(change("docs/about.md", true, 64)))),
        entry("cmo", Some("d1"), 40, usage(5, 35, None)),
        entry("cmo", Some("d1"), 50, tool("t2")),
    ]);
    home.append(run, lines);
    let cmo = team(&home).of("cmo");
    assert_eq!((cmo.state, cmo.task.as_str(), cmo.job_id), (AgentState::Working, "Task for cmo", Some(job.job_id)));
    let now = home.job(job.job_id);
    let activity = now.activity.unwrap();
    assert_eq!((activity.agent.as_str(), activity.text.as_str()), ("cmo", "is writing docs/about.md"));
    assert_eq!((now.cost_usd, now.cost_basis, now.turns), (Money::nanos(5), CostBasis::Estimated, 0));

    let lines = [
        entry("cmo", Some("d1"), 60, tool_done("t2", Some(change("docs/about.md", false, 2)))),
        entry("ceo", None, 70, delegated("d1", "cmo")),
        entry("ceo", None, 80, usage(11, 75, None)),
        entry("ceo", None, 85, EventBody::Progress { done: 1, total: 3, note: "Writing".into(), stages: None }),
        entry(
            "ceo",
            None,
            90,
            EventBody::Waiting { reason: WaitReason::Provider, detail: String::new(), until: None, over: false },
        ),
    ];
    home.append(run, lines.into_iter().enumerate().map(|(index, entry)| line(index as i64 + 6, entry)).collect());
    assert_eq!(team(&home).of("cmo").state, AgentState::Idle);
    let now = home.job(job.job_id);
    assert_eq!(now.activity.unwrap().text, "is waiting for the provider");
    assert_eq!((now.cost_usd, now.turns, now.state), (Money::nanos(16), 1, JobState::Running));
    assert_eq!(now.progress, Some(Progress { done: 1, total: 3, percent: 33, note: "Writing".into() }));

    let spans = home.read(move |read| read.spans(&page(job.job_id)));
    let seen: Vec<_> =
        spans.spans.iter().map(|s| (s.kind, s.agent.as_str(), s.children, s.finished_at.is_some())).collect();
    assert_eq!(
        seen,
        [
            (SpanKind::Delegation, "cmo", 3, true),
            (SpanKind::Tool, "cmo", 0, true),
            (SpanKind::Turn, "cmo", 0, true),
            (SpanKind::Tool, "cmo", 0, true),
            (SpanKind::Turn, "ceo", 0, true),
        ]
    );
    assert_eq!((spans.total, spans.spans[0].cost_usd, spans.spans[0].ok), (5, Money::nanos(7), true));
    let files = home.read(move |read| read.files(&page(job.job_id)));
    assert_eq!(files.total, 1);
    let file = &files.files[0];
    assert_eq!((file.change.created, file.change.added, file.change.removed), (true, 66, 2));

    home.settle(run, JobChange::Complete, Settlement { answer: Some("All\ndone.".into()), ..Settlement::default() });
    let detail = home.read(move |read| read.job_detail(job.job_id));
    assert_eq!(detail.job.result.as_deref(), Some("All done."));
    assert_eq!((detail.job.activity, detail.events, detail.files), (None, 13, 1));
    let costs: Vec<_> = detail.cost_by_agent.iter().map(|cost| (cost.agent.as_str(), cost.cost_usd)).collect();
    assert_eq!(costs, [("ceo", Money::nanos(11)), ("cmo", Money::nanos(5))]);
    assert_eq!(team(&home).of("ceo").state, AgentState::Idle);
    let spent = home.read(move |read| read.spend(job.company_id, later(0)));
    assert_eq!((spent.today, spent.month, spent.days.len()), (Money::nanos(16), Money::nanos(16), 14));
    assert_eq!(spent.days.last().map(|day| day.cost_usd), Some(Money::nanos(16)));
}

#[test]
fn an_agent_with_two_tasks_is_free_after_the_second() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let state = |home: &Home| home.read(move |read| Ok(read.agent_states(job.company_id)?.of("cto").state));
    home.append(
        run,
        spool([
            entry("ceo", None, 1, delegate("d1", "cto")),
            entry("ceo", None, 2, delegate("d2", "cto")),
            entry("ceo", None, 3, delegated("d1", "cto")),
        ]),
    );
    assert_eq!(state(&home), AgentState::Working);
    home.append(run, vec![line(4, entry("ceo", None, 4, delegated("d2", "cto")))]);
    assert_eq!(state(&home), AgentState::Idle);
}

#[test]
fn a_failed_job_leaves_nobody_at_work_and_nothing_open() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    home.append(run, spool([entry("ceo", None, 1, delegate("d1", "cfo")), entry("cfo", Some("d1"), 2, tool("t1"))]));
    let error = Error::new(ErrorCode::RUN_INTERRUPTED, "The worker vanished.", "Send the brief again.");
    let ended = home.settle(
        run,
        JobChange::Fail,
        Settlement { reason: "interrupted".into(), error: Some(error.clone()), ..Settlement::default() },
    );
    assert_eq!((ended.state, ended.reason.as_str(), ended.error), (JobState::Failed, "interrupted", Some(error)));
    let team = home.read(move |read| read.agent_states(job.company_id));
    assert_eq!((team.of("ceo").state, team.of("cfo").state), (AgentState::Error, AgentState::Idle));
    let spans = home.read(move |read| read.spans(&page(job.job_id)));
    assert!(spans.spans.iter().all(|span| span.finished_at.is_some() && !span.ok), "{spans:?}");

    home.write(move |write| write.session_close(job.session_id, later(100_000)));
    assert_eq!(home.read(move |read| Ok(read.agent_states(job.company_id)?.of("ceo").state)), AgentState::Stopped);
    home.write(move |write| write.session_open(job.company_id, "ceo", later(100_001)));
    assert_eq!(home.read(move |read| Ok(read.agent_states(job.company_id)?.of("ceo").state)), AgentState::Idle);
}

#[test]
fn projections_that_were_lost_are_made_again() {
    let home = Home::new();
    let (_, run) = home.running("acme");
    home.append(
        run,
        spool([
            entry("ceo", None, 1, delegate("d1", "cmo")),
            entry("cmo", Some("d1"), 2, tool_done("t1", Some(change("docs/about.md", true, 64)))),
            entry("cmo", Some("d1"), 3, usage(5, 1, None)),
        ]),
    );
    let stored = home.dump();
    let of = |table: &str| stored.iter().filter(|row| row.starts_with(table)).count();
    assert_eq!((of("spans:"), of("files:"), of("costs:"), of("day_costs:"), of("agent_states:")), (2, 1, 1, 1, 2));
    // Four words of the directive, three of the task, one of the output; and a scope of two for each of the three.
    assert_eq!(of("words:"), 4 + 3 + 1 + 3 * 2);
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    conn.execute_batch(
        "DELETE FROM spans; DELETE FROM files; DELETE FROM costs; DELETE FROM day_costs; DELETE FROM agent_states;
         INSERT INTO events_fts (events_fts) VALUES ('delete-all'); UPDATE jobs SET cost_nanos = 1, turns = 9;",
    )
    .unwrap();
    assert_ne!(home.dump(), stored);
    home.write(|write| write.rebuild_projections());
    assert_eq!(home.dump(), stored);
}

/// A step of a random story of two companies, in one of which a head is briefed directly too.
#[derive(Clone, Debug)]
enum Step {
    Lines(usize, Vec<(u8, u8, u8)>),
    Again(usize),
    Move(usize, u8),
    Hold(usize, u8),
    Own(usize),
    Answer(usize, u8),
    FollowUp(usize),
    Settle(usize, u8),
    Due,
    Session(usize, u8),
    Brief(usize, u8),
    Claim,
    Prune(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let line = (0u8..21, 0u8..4, 0u8..4);
    prop_oneof![
        8 => (0usize..3, prop::collection::vec(line, 1..12)).prop_map(|(company, lines)| Step::Lines(company, lines)),
        1 => (0usize..3).prop_map(Step::Again),
        2 => (0usize..3, 0u8..3).prop_map(|(company, way)| Step::Move(company, way)),
        1 => (0usize..3, 0u8..4).prop_map(|(company, way)| Step::Hold(company, way)),
        1 => (0usize..3).prop_map(Step::Own),
        2 => (0usize..3, 0u8..3).prop_map(|(which, way)| Step::Answer(which, way)),
        1 => (0usize..3).prop_map(Step::FollowUp),
        3 => (0usize..3, 0u8..4).prop_map(|(company, way)| Step::Settle(company, way)),
        2 => Just(Step::Due),
        1 => (0usize..3, 0u8..2).prop_map(|(company, way)| Step::Session(company, way)),
        3 => (0usize..3, 0u8..4).prop_map(|(company, way)| Step::Brief(company, way)),
        4 => Just(Step::Claim),
        1 => (1u8..40).prop_map(Step::Prune),
    ]
}

/// Any event, in any order: few names, so that they meet.
fn body(kind: u8, a: u8, b: u8) -> EventBody {
    let role = ["ceo", "cto", "cmo", "cfo"][usize::from(b)];
    match kind {
        0 => message(&format!("Words of {role} on item{a}")),
        1 => EventBody::Thinking { text: "hmm".into() },
        2 => tool(&format!("t{a}")),
        3 => tool_done(&format!("t{a}"), Some(change(&format!("docs/{a}.md"), b == 0, i64::from(b)))),
        4 => delegate(&format!("d{a}"), role),
        5 => delegated(&format!("d{a}"), role),
        6 => usage(i64::from(a) * 1_000 + 1, i64::from(b) * 40_000_000, None),
        7 => {
            let stage = |n: u8| ["architect", "coder", "reviewer", "poet"][usize::from(n)].to_owned();
            let stages = (b > 1).then(|| Stages { current: stage(a), completed: vec![stage(b)] });
            EventBody::Progress { done: i64::from(a), total: 3, note: format!("step\n{b}"), stages }
        }
        8 => EventBody::Waiting { reason: WaitReason::RateLimit, detail: String::new(), until: None, over: a > 1 },
        9 => EventBody::Notice { level: NoticeLevel::Info, text: "Noted \"twice\"".into() },
        10 => EventBody::Error { error: Error::new(ErrorCode::PROVIDER_DOWN, "Down.", "Wait.") },
        // A worker that claims what is not its to say.
        11 => EventBody::JobChanged {
            state: JobState::ALL[usize::from(a) * 2 + usize::from(b) / 2],
            reason: "mine".into(),
            until: Some(later(5)),
            stopped: None,
        },
        12 => EventBody::Held { held: a > 1, all: b > 1 },
        13 | 14 => EventBody::Asked {
            key: format!("k{a}{b}"),
            ask: [Ask::Decision, Ask::Limit, Ask::Loop][usize::from(a) % 3],
            text: format!("May {role} go on?"),
            detail: "It is about item1".into(),
            options: (0..b).map(|n| format!("Way {n}")).collect(),
            approval: None,
        },
        15 => EventBody::Answered {
            question_id: QuestionId(1),
            key: format!("k{a}{b}"),
            run_id: RunId(1),
            answer: "mine".into(),
            by: Origin::Cli,
        },
        16 => match b {
            0 => EventBody::FollowUp { text: "mine".into() },
            _ => EventBody::FollowUpTaken { seqs: (0..60).step_by(usize::from(b)).map(contract::Seq).collect() },
        },
        17 => EventBody::Prompt {
            model: "sonnet".into(),
            system: "unsearchable".into(),
            message: "item1".into(),
            tools: vec!["Read".into()],
        },
        19 => EventBody::FilesFound { changes: (0..=a).map(|n| change(&format!("docs/{n}.md"), b == 1, 1)).collect() },
        18 => EventBody::Journal { text: format!("Wrote item{a} with {role}"), cost_usd: Money::nanos(5) },
        _ => EventBody::RunExited {
            outcome: Outcome::Completed,
            result: Some("done".into()),
            error: None,
            turns: i64::from(a),
            effects: true,
            ended: 0,
            forced: 0,
            left: 0,
        },
    }
}

/// Whose session each is.
const OF: [&str; 3] = ["ceo", "ceo", "cto"];

/// Two companies with three sessions, each with a run at most.
struct World {
    home: Home,
    sessions: [(CompanyId, SessionId); 3],
    runs: [Option<(JobId, RunId)>; 3],
    written: [Vec<SpoolLine>; 3],
    last: [Option<JobId>; 3],
    now: i64,
}

impl World {
    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        self.now += 7;
        let (home, now) = (&self.home, later(self.now));
        match step {
            Step::Lines(which, lines) => {
                let Some((_, run)) = self.runs[which] else { return Ok(()) };
                let first = self.written[which].len() as i64 + 1;
                let lines: Vec<_> = lines
                    .iter()
                    .enumerate()
                    .map(|(index, (kind, a, b))| {
                        let parent = (*b > 0).then(|| format!("d{}", b - 1));
                        let agent = ["ceo", "cto", "cmo", "system"][usize::from(*b)];
                        let at = self.now + index as i64;
                        line(first + index as i64, entry(agent, parent.as_deref(), at, body(*kind, *a, *b)))
                    })
                    .collect();
                let fresh = home.append(run, lines.clone()).events.len();
                prop_assert_eq!(fresh, lines.len());
                self.written[which].extend(lines);
            }
            Step::Again(which) => {
                let Some((_, run)) = self.runs[which] else { return Ok(()) };
                prop_assert_eq!(home.append(run, self.written[which].clone()).events, vec![]);
            }
            Step::Move(which, way) => {
                let Some((job, run)) = self.runs[which] else { return Ok(()) };
                // It may not fit; then it must change nothing, which the comparison shows.
                match way {
                    0 => drop(home.write(move |write| write.run_waits(run, "because", Some(later(9)), now))),
                    1 => drop(home.write(move |write| write.go_on(run, 10, now))),
                    _ => drop(home.try_write(move |write| write.transition(job, JobChange::GoOn, "because", now))),
                }
            }
            Step::Hold(which, way) => {
                let held = way % 2 == 0;
                match (way > 1, self.last[which]) {
                    (true, _) => drop(home.write(move |write| write.hold_all(held, now))),
                    (false, Some(job)) => drop(home.try_write(move |write| write.hold(job, held, now))),
                    (false, None) => {}
                }
            }
            Step::Own(which) => {
                let Some((job, _)) = self.runs[which] else { return Ok(()) };
                home.write(move |write| write.append_own(job, entry("system", None, 60, body(9, 0, 0))));
            }
            Step::Answer(which, way) => {
                let Some((job, _)) = self.runs[which] else { return Ok(()) };
                let list = QuestionListParams { job_id: Some(job), ..QuestionListParams::default() };
                let Some(asked) = home.read(move |read| read.questions(&list)).questions.into_iter().next() else {
                    return Ok(());
                };
                let answer = asked.options.get(usize::from(way)).cloned().unwrap_or_else(|| "Go on".into());
                // It may be closed, or the answer none of its options.
                drop(home.try_write(move |write| write.question_answer(asked.question_id, &answer, Origin::Desk, now)));
            }
            Step::FollowUp(which) => {
                let Some(job) = self.last[which] else { return Ok(()) };
                drop(home.try_write(move |write| write.follow_up(job, "The second item1", now)));
            }
            Step::Settle(which, way) => {
                let Some((_, run)) = self.runs[which].take() else { return Ok(()) };
                let change = [JobChange::Complete, JobChange::Fail, JobChange::Cancel, JobChange::Retry];
                let change = change[usize::from(way)];
                let settlement =
                    Settlement { answer: Some("answer".into()), until: Some(now), ..Settlement::default() };
                home.write(move |write| write.settle(run, RunState::Exited, change, &settlement, now));
                // What a run still had to say is stored after its end.
                let n = self.written[which].len() as i64 + 1;
                let late = [body(way + 2, 1, 2), body(6, 1, 1), body(7, 3, 0), body(13, 3, 2), body(18, 1, 1)];
                let late = late.into_iter().enumerate();
                let late = late.map(|(index, body)| line(n + index as i64, entry("ceo", None, self.now + 1, body)));
                home.append(run, late.collect());
                self.written[which].clear();
            }
            Step::Due => drop(home.write(move |write| write.due(now))),
            Step::Session(which, way) => {
                let (company, session) = self.sessions[which];
                // It may be busy.
                let Ok(opened) = home.try_write(move |write| {
                    write.session_close(session, now)?;
                    if way == 0 {
                        write.session_open(company, OF[which], now)
                    } else {
                        write.session_reopen(company, session, now)
                    }
                }) else {
                    return Ok(());
                };
                self.sessions[which] = (company, opened.session_id);
            }
            Step::Brief(which, way) => {
                let new = NewJob {
                    queue: true,
                    agent: OF[which].into(),
                    priority: i64::from(way),
                    after: self.last[which].filter(|_| way == 1),
                    not_before: (way == 2).then_some(later(self.now + 10)),
                    ..new_job(self.sessions[which], "Brief about \"item1\" & docs")
                };
                // The job to wait for may have failed, or be forgotten.
                if let Ok(inserted) = home.insert(new, now) {
                    self.last[which] = Some(inserted.job.job_id);
                }
            }
            Step::Claim => {
                let Some(claimed) = home.claim_at(10, now) else { return Ok(()) };
                let job = claimed.job.job;
                let which = self.sessions.iter().position(|(_, session)| *session == job.session_id).unwrap();
                self.runs[which] = Some((job.job_id, claimed.run_id));
                self.written[which].clear();
            }
            Step::Prune(events) => while home.write(move |write| write.prune(now, None, i64::from(events))).more {},
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_projection_can_be_made_again_from_the_events(story in prop::collection::vec(step(), 1..50)) {
        let home = Home::new();
        let (acme, bolt) = (home.company("acme"), home.company("bolt"));
        let cto = home.write(move |write| write.session_open(acme.0, "cto", NOON)).session_id;
        let sessions = [acme, bolt, (acme.0, cto)];
        let mut world =
            World { home, sessions, runs: [None; 3], written: Default::default(), last: [None; 3], now: 0 };
        for step in story {
            world.take(step)?;
        }
        let live = world.home.dump();
        world.home.write(|write| write.rebuild_projections());
        let rebuilt = world.home.dump();
        prop_assert_eq!(live, rebuilt);
        let conn = rusqlite::Connection::open(world.home.database()).unwrap();
        conn.execute("INSERT INTO events_fts (events_fts) VALUES ('integrity-check')", []).unwrap();
        conn.execute("INSERT INTO journal_fts (journal_fts, rank) VALUES ('integrity-check', 1)", []).unwrap();
    }
}
