//! Fixed values to print.

use contract::{
    Act, Agent, AgentCost, AgentState, Approval, Ask, Company, CompanyId, CostBasis, DaemonStatus, Decision, Desk,
    EngineChoice, EngineKind, Entry, Event, EventBody, Job, JobDetail, JobId, JobState, LogLevel, Money, Progress,
    Question, QuestionId, RunId, Seq, Session, SessionId, Spend, Time, Tokens,
};
use jiff::tz::TimeZone;

use crate::context::{Clock, Sheet};
use crate::out::{COLUMNS, Paint};

/// 2026-11-20 12:00:00 UTC.
pub(crate) const NOON: i64 = 1_795_176_000_000;

/// A minute past noon, no colours, 80 columns.
pub(crate) fn sheet() -> Sheet {
    let clock = Clock { now: Time(NOON + 60_000), zone: TimeZone::UTC };
    Sheet { paint: Paint::plain(), clock, columns: COLUMNS }
}

pub(crate) fn job(number: i64, state: JobState) -> Job {
    Job {
        job_id: JobId(number),
        company_id: CompanyId(1),
        session_id: SessionId(3),
        agent: "ceo".into(),
        parent_job_id: None,
        title: "Write a company description".into(),
        state,
        reason: String::new(),
        until: None,
        after_job_id: None,
        priority: 0,
        held: false,
        engine: EngineKind::Practice,
        engine_agent: String::new(),
        origin: contract::Origin::Cli,
        foreground: false,
        created_at: Time(NOON),
        started_at: Some(Time(NOON + 100)),
        finished_at: state.is_final().then_some(Time(NOON + 8_340)),
        cost_usd: Money::ZERO,
        cost_basis: CostBasis::Free,
        max_cost_usd: Money::ZERO,
        turns: 4,
        activity: None,
        progress: None,
        eta: None,
        result: None,
        error: None,
        stopped: None,
        attempts: 1,
        position: None,
        seq: Seq(40),
    }
}

pub(crate) fn detail(job: Job) -> JobDetail {
    JobDetail {
        job,
        directive: "Write a company description".into(),
        answer: None,
        tokens: Tokens { input: 1_200, output: 340, cache_read: 0, cache_write: 0 },
        cost_by_agent: vec![AgentCost {
            agent: "ceo".into(),
            model: "claude-opus-4-6".into(),
            calls: 4,
            tokens: Tokens::default(),
            cost_usd: Money::nanos(74_600_000),
        }],
        run: Some(contract::Run {
            run_id: RunId(9),
            state: contract::RunState::Running,
            pid: Some(4321),
            children: 0,
            started_at: Time(NOON),
            ended_at: None,
            heard_at: Time(NOON),
        }),
        events: 12,
        files: 1,
    }
}

pub(crate) fn agent(role: &str, state: AgentState, task: &str) -> Agent {
    Agent {
        role: role.into(),
        name: contract::role_name(role),
        department: "executive".into(),
        reports_to: None,
        model: "opus".into(),
        engine: String::new(),
        enabled: true,
        state,
        task: task.into(),
        job_id: None,
        title: String::new(),
        persona: "professional".into(),
        skills: vec![],
        autonomy: "standard".into(),
        today_usd: Money::ZERO,
        limit_usd: Money::ZERO,
        file: format!("/acme/.claude/agents/{role}.md"),
        problem: None,
    }
}

pub(crate) fn question(number: i64) -> Question {
    Question {
        question_id: QuestionId(number),
        job_id: JobId(7),
        run_id: RunId(9),
        company_id: CompanyId(1),
        title: "Write a company description".into(),
        agent: "ceo".into(),
        ask: Ask::Decision,
        text: "Which of the two names is ours, Acme or Acme Labs?".into(),
        detail: String::new(),
        options: vec![],
        approval: None,
        asked_at: Time(NOON - 120_000),
        closed_at: None,
        answer: None,
        answered_by: None,
    }
}

/// A question for leave to run a command that would rather not be read.
pub(crate) fn approval(number: i64) -> Question {
    Question {
        ask: Ask::Approval,
        agent: "backend-engineer".into(),
        text: "The Backend Engineer wants to run a command".into(),
        options: Decision::options(),
        approval: Some(Approval {
            act: Act::Command,
            tool: "Bash".into(),
            action: format!("ls{}; rm -rf build\u{1b}[2K\u{202e}\necho done", " ".repeat(300)),
            subject: Some("rm -rf build".into()),
            diff: Some("--- a\n+++ b\n-old\n+new \u{1b}[2J\n".into()),
            digest: "d".into(),
        }),
        ..question(number)
    }
}

pub(crate) fn desk() -> Desk {
    Desk {
        seq: Seq(40),
        company: company(),
        session: Some(Session {
            session_id: SessionId(3),
            company_id: CompanyId(1),
            agent: "ceo".into(),
            opened_at: Time(NOON - 3_600_000),
            closed_at: None,
            jobs: 2,
            latest: "Write a company description".into(),
            greeting: None,
        }),
        held: false,
        questions: vec![],
        live: vec![
            Job {
                activity: Some(contract::Activity { agent: "cmo".into(), text: "is writing docs/about.md".into() }),
                progress: Some(Progress { done: 3, total: 5, percent: 60, note: "Pages".into() }),
                eta: Some(Time(NOON + 300_000)),
                ..job(7, JobState::Running)
            },
            Job { started_at: None, position: Some(2), ..job(8, JobState::Queued) },
        ],
        live_total: 2,
        finished: vec![],
        team: vec![
            agent("ceo", AgentState::Working, "Write a company description"),
            Agent { enabled: false, ..agent("cfo", AgentState::Stopped, "") },
            agent("backend-engineer", AgentState::Error, ""),
        ],
        spend: Spend {
            today_usd: Money::nanos(41_000_000_000),
            daily_limit_usd: Money::nanos(50_000_000_000),
            month_usd: Money::nanos(120_000_000_000),
            monthly_limit_usd: Money::nanos(500_000_000_000),
            days: vec![],
        },
    }
}

pub(crate) fn event(seq: i64, agent: &str, parent: Option<&str>, body: EventBody) -> Event {
    Event {
        seq: Seq(seq),
        job_id: JobId(7),
        run_id: Some(RunId(9)),
        entry: Entry { at: Time(NOON + seq * 1000), agent: agent.into(), parent: parent.map(str::to_owned), body },
    }
}

pub(crate) fn company() -> Company {
    Company {
        company_id: CompanyId(1),
        name: "Acme".into(),
        dir: "/home/ada/acme".into(),
        engine: "auto".into(),
        fallback: String::new(),
        model: String::new(),
        engine_now: EngineChoice {
            kind: Some(EngineKind::Practice),
            agent: String::new(),
            is_fallback: false,
            label: "Practice: no model, nothing is charged".into(),
            problem: None,
        },
        commands_allowed: false,
        problem: None,
    }
}

pub(crate) fn daemon_status() -> DaemonStatus {
    DaemonStatus {
        pid: 4000,
        version: "0.1.0".into(),
        started_at: Time(NOON - 7_740_000),
        home: "/home/ada/.local/share/aicib".into(),
        jobs: [("completed".into(), 12), ("running".into(), 2)].into(),
        seq: Seq(40_311),
        database_bytes: 4_404_019,
        desktop: true,
        held: false,
        log_level: LogLevel::Info,
    }
}
