//! What people see, from fixed values.

use clap::{CommandFactory, Parser};
use contract::{
    Agent, AgentCost, AgentState, Company, CompanyId, CostBasis, Desk, EngineChoice, EngineKind, Entry, Error,
    ErrorCode, Event, EventBody, Job, JobDetail, JobId, JobState, Money, Outcome, RunId, Seq, Session, SessionId,
    Spend, StepCount, Time, Tokens, WaitReason,
};
use jiff::tz::TimeZone;

use crate::args::Cli;
use crate::commands::{choose, desk_lines, header, in_line, job_lines, rows, summary};
use crate::context::{Clock, job_number, line_count};
use crate::events::EventLines;
use crate::failure::Failure;
use crate::out::Paint;
use crate::usage;

/// 2026-11-20 12:00:00 UTC.
const NOON: i64 = 1_795_176_000_000;

fn clock() -> Clock {
    Clock { now: Time(NOON + 60_000), zone: TimeZone::UTC }
}

fn job(number: i64, state: JobState) -> Job {
    Job {
        job_id: JobId(number),
        company_id: CompanyId(1),
        session_id: SessionId(3),
        parent_job_id: None,
        title: "Write a company description".into(),
        state,
        reason: String::new(),
        engine: EngineKind::Practice,
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
        result: None,
        error: None,
        position: None,
        seq: Seq(40),
    }
}

fn detail(job: Job) -> JobDetail {
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

fn agent(role: &str, state: AgentState, task: &str) -> Agent {
    Agent {
        role: role.into(),
        name: contract::role_name(role),
        department: "executive".into(),
        reports_to: None,
        model: "opus".into(),
        enabled: true,
        state,
        task: task.into(),
        job_id: None,
        file: format!("/acme/.claude/agents/{role}.md"),
        problem: None,
    }
}

fn desk() -> Desk {
    Desk {
        seq: Seq(40),
        company: Company {
            company_id: CompanyId(1),
            name: "Acme".into(),
            dir: "/home/ada/acme".into(),
            engine: "auto".into(),
            engine_now: EngineChoice {
                kind: Some(EngineKind::Practice),
                label: "Practice: no model, nothing is charged".into(),
                problem: None,
            },
            commands_allowed: false,
            problem: None,
        },
        session: Some(Session {
            session_id: SessionId(3),
            company_id: CompanyId(1),
            opened_at: Time(NOON - 3_600_000),
            closed_at: None,
            jobs: 2,
        }),
        live: vec![
            Job {
                activity: Some(contract::Activity { agent: "cmo".into(), text: "is writing docs/about.md".into() }),
                progress: Some(StepCount { done: 3, total: 5 }),
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

fn event(seq: i64, agent: &str, parent: Option<&str>, body: EventBody) -> Event {
    Event {
        seq: Seq(seq),
        job_id: JobId(7),
        run_id: Some(RunId(9)),
        entry: Entry { at: Time(NOON + seq * 1000), agent: agent.into(), parent: parent.map(str::to_owned), body },
    }
}

#[test]
fn status_at_a_glance() {
    let failed = Job {
        error: Some(Error::new(ErrorCode::RUN_INTERRUPTED, "The worker process vanished.", "Send the brief again.")),
        ..job(6, JobState::Failed)
    };
    insta::assert_snapshot!(desk_lines(&desk(), Some(&failed), Paint::plain(), &clock()).join("\n"));
}

#[test]
fn status_with_nothing_open() {
    let desk = Desk { session: None, live: vec![], live_total: 0, team: vec![], ..desk() };
    insta::assert_snapshot!(desk_lines(&desk, None, Paint::plain(), &clock()).join("\n"));
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
    insta::assert_snapshot!(job_lines(&detail(running), Paint::plain(), &clock()).join("\n"));
}

#[test]
fn e031_a_log_says_how_its_job_was_sent() {
    let lines = |foreground| {
        let job = Job { foreground, ..job(7, JobState::Completed) };
        header(&job, Paint::plain(), &clock()).join("\n")
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
        event(1, "system", None, EventBody::JobChanged { state: JobState::Running, reason: String::new() }),
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
                ended: 1,
                forced: 0,
                left: 0,
            },
        ),
        event(
            12,
            "system",
            None,
            EventBody::JobChanged { state: JobState::Failed, reason: "The key was refused.".into() },
        ),
    ];
    let mut lines = EventLines::new(Paint::plain(), clock());
    let shown: Vec<String> = events.iter().filter_map(|event| lines.of(event)).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

fn refusal(typed: &str) -> String {
    let args: Vec<std::ffi::OsString> = typed.split_whitespace().map(Into::into).collect();
    let error = Cli::try_parse_from(&args).map(|_| ()).unwrap_err();
    usage::one_line(&error, &args)
}

#[test]
fn wrong_use_is_one_line_that_says_what_to_do() {
    let shown: Vec<String> = [
        "aicib",
        "aicib nonsense",
        "aicib brief",
        "aicib logs --lins 3",
        "aicib daemon",
        "aicib key set --session --passphrase",
        "aicib --color pink status",
        "aicib status extra",
        "aicib search",
        "aicib logs 7",
        "aicib status #7",
        "aicib logs seven",
        "aicib brief Write a page",
        "aicib restart",
        "aicib settings put theme dark",
    ]
    .into_iter()
    .map(refusal)
    .collect();
    assert!(shown.iter().all(|line| !line.contains('\n')));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn e018_a_number_of_lines_is_a_positive_integer() {
    for typed in ["abc", "-5", "0", "1.5", "", "99999999999999999999"] {
        let Err(Failure::Usage(message)) = line_count(typed) else { panic!("{typed} was taken") };
        assert_eq!(message, "-n must be a positive integer.", "the flag as it was typed, if it was");
    }
    assert_eq!(line_count("20").unwrap(), 20);
    for typed in ["aicib logs --lines -5", "aicib logs -n 0", "aicib cancel -3"] {
        assert!(Cli::try_parse_from(typed.split_whitespace()).is_ok(), "{typed} is for us to refuse, not for clap");
    }
}

#[test]
fn a_place_in_line_counts_those_before() {
    assert_eq!(in_line(1), "in line at position 1: it starts when the one before it has ended.");
    assert_eq!(in_line(3), "in line at position 3: it starts when the 3 before it have ended.");
}

#[test]
fn a_cancel_without_a_number_means_the_one_at_work() {
    let of = |jobs: &[Job]| {
        let live_total = i64::try_from(jobs.len()).unwrap();
        choose(&Desk { live: jobs.to_vec(), live_total, ..desk() }, false)
    };
    let queued = |number| job(number, JobState::Queued);
    assert_eq!(of(&[job(7, JobState::Running)]).unwrap(), (JobId(7), 0));
    assert_eq!(of(&[job(7, JobState::Waiting), queued(8), queued(9)]).unwrap(), (JobId(7), 2));
    assert_eq!(of(&[queued(8)]).unwrap(), (JobId(8), 0));
    assert!(matches!(of(&[]), Err(Failure::Error(_))));
    for several in [[queued(8), queued(9)], [job(7, JobState::Running), job(8, JobState::Waiting)]] {
        let Err(Failure::Usage(message)) = of(&several) else { panic!("one of several was chosen") };
        assert!(message.contains("aicib cancel "), "{message}");
    }
}

#[test]
fn an_agents_row_has_what_there_is() {
    let problem =
        Error::new(ErrorCode::AGENT_INVALID, ".claude/agents/cmo.md, line 1: it has no frontmatter.", "Mend it.");
    let broken = Agent {
        department: String::new(),
        model: String::new(),
        problem: Some(problem),
        ..agent("cmo", AgentState::Error, "")
    };
    let worker = Agent {
        department: String::new(),
        reports_to: Some("cto".into()),
        ..agent("backend-engineer", AgentState::Idle, "")
    };
    let all = [agent("ceo", AgentState::Idle, ""), worker, broken].map(|agent| rows(&agent, Paint::plain()).join("\n"));
    insta::assert_snapshot!(all.join("\n"), @r"
    ceo                   CEO  idle  executive, opus
    backend-engineer      Backend Engineer  idle  opus, reports to cto
    cmo                   CMO  broken
                          .claude/agents/cmo.md, line 1: it has no frontmatter. Mend it.
    ");
}

#[test]
fn a_key_on_the_command_line_is_seen_before_it_is_repeated() {
    let seen = |typed: &str| {
        let args: Vec<std::ffi::OsString> = typed.split_whitespace().map(Into::into).collect();
        usage::names_key(&args)
    };
    for typed in [
        "aicib key set sk-ant-api03-abcdef",
        "aicib key set anthropic sk-ant-api03-abcdef",
        "aicib key sk-proj-0123456789",
        "aicib --dir acme key set --key=sk-ant-x",
        "aicib key set --from-env sk-ant-api03-abcdef",
        "aicib key set AbCd0123456789efghijklmnopqrstuvwx",
    ] {
        assert!(seen(typed), "{typed}");
    }
    for typed in [
        "aicib key set",
        "aicib key set anthropic --from-env ANTHROPIC_API_KEY_2",
        "aicib key list --dir sk-projects",
        "aicib brief sk-ant-api03-abcdef",
        "aicib search key sk-ant-api03-abcdef",
    ] {
        assert!(!seen(typed), "{typed}");
    }
}

#[test]
fn a_company_is_founded_where_dir_says() {
    for typed in ["aicib init --dir acme", "aicib --dir acme init", "aicib init -d acme"] {
        let cli = Cli::try_parse_from(typed.split_whitespace()).unwrap();
        assert_eq!(cli.global.dir.as_deref(), Some(std::path::Path::new("acme")), "{typed}");
    }
    let help = Cli::try_parse_from(["aicib", "help", "init"]).unwrap_err().to_string();
    assert!(help.contains("The folder to found it in") && !help.contains("or one below it"), "{help}");
    for default in ["full-c-suite", "professional", "blank", "auto"] {
        assert!(help.contains(&format!("[default: {default}]")), "{help}");
    }
}

#[test]
fn a_job_is_named_by_its_number() {
    assert_eq!(job_number("#7", "--job").unwrap(), JobId(7));
    for typed in ["seven", "-1", "0", "1e3"] {
        assert!(matches!(job_number(typed, "--job"), Err(Failure::Usage(_))), "{typed}");
    }
}

#[test]
fn every_command_shows_an_example() {
    fn check(command: &clap::Command) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("  aicib"), "{} has no example", command.get_name());
        for example in help.lines().filter(|line| line.starts_with("  aicib")) {
            let simple = !example.contains(['<', '|', '&', '"']);
            if simple {
                let parsed = Cli::try_parse_from(example.split_whitespace());
                assert!(parsed.is_ok(), "the example does not parse: {example}");
            }
        }
        command.get_subcommands().for_each(check);
    }
    let command = Cli::command();
    command.clone().debug_assert();
    check(&command);
}
