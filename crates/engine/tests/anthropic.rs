//! The Anthropic engine over HTTP, against a scripted provider.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

mod support;

use std::time::Duration;

use contract::{EventBody, Exchange, Outcome, WaitReason};
use serde_json::json;
use support::{Folder, KEY, TestHost, impatient, run, run_with};
use testkit::{On, Provider, Script, Turn, company_play, wait_for};

async fn played(script: Script) -> (Folder, Provider, TestHost, engine::Ending) {
    let (folder, provider, host) = (Folder::new("full-c-suite"), Provider::start(script).await, TestHost::new());
    let ending = run(&provider, &folder.brief("Write a company description"), &host).await;
    (folder, provider, host, ending)
}

fn code(ending: &engine::Ending) -> &str {
    ending.error.as_ref().map_or("", |error| error.code.as_str())
}

#[tokio::test]
async fn a_plain_answer() {
    let text = "Grüße from the CEO: \"all is well\". 日本語 too.";
    let (folder, provider, host, ending) = played(Script::of([Turn::text(text).usage(7, 11, 13, 17)])).await;
    assert_eq!((ending.outcome, ending.answer.as_deref(), ending.turns), (Outcome::Completed, Some(text), 1));
    assert_eq!(host.messages(), [text]);
    let streamed: String = host.deltas.lock().unwrap().iter().map(|(_, _, text)| text.as_str()).collect();
    assert_eq!(streamed, text);
    assert_eq!(host.cost(), 7 * 5000 + 11 * 25_000 + 13 * 500 + 17 * 6250);
    assert_eq!(host.cost(), provider.spent_nanos());

    let request = &provider.requests()[0];
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.model(), "claude-opus-5-5");
    assert_eq!(request.body["stream"], true);
    assert!(request.system().contains(folder.dir.to_str().unwrap()), "E008: the folder is in the system prompt");
    assert!(request.first_user().contains(folder.dir.to_str().unwrap()), "E008: and in the brief");
    assert!(request.first_user().contains("Write a company description"));
    assert_eq!(request.tools(), ["Read", "Write", "Edit", "List", "Glob", "Grep", "delegate"]);
    assert_eq!(request.roles(), ["cfo", "cmo", "cto"]);
    let ephemeral = json!({ "type": "ephemeral" });
    for place in ["/system/0", "/tools/6", "/messages/0/content/0"] {
        assert_eq!(request.body.pointer(place).unwrap()["cache_control"], ephemeral, "{place}");
    }
}

#[tokio::test]
async fn a_company_at_work_costs_what_it_costs_to_the_nano_dollar() {
    let (folder, provider, host, ending) = played(company_play()).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    assert_eq!(ending.answer.as_deref(), Some("The company description is in reports/company-description.md."));
    for file in ["docs/facts.md", "docs/about.md", "reports/company-description.md"] {
        assert!(folder.dir.join(file).is_file(), "{file}");
    }
    assert_eq!(provider.requests().len(), 9);
    assert_eq!(host.cost(), provider.spent_nanos());
    assert!(host.cost() > 0);
    let entries = host.entries();
    let started: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.body {
            EventBody::DelegationStarted { span, to, .. } => Some((span.as_str(), to.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(started, [("d1", "cfo"), ("d2", "cmo")]);
    for (span, to) in started {
        let inside: Vec<_> = entries.iter().filter(|entry| entry.parent.as_deref() == Some(span)).collect();
        assert!(inside.len() >= 8 && inside.iter().all(|entry| entry.agent == to), "{inside:?}");
        let own: i64 = inside
            .iter()
            .map(|entry| match &entry.body {
                EventBody::Usage { cost_usd, .. } => cost_usd.as_nanos(),
                _ => 0,
            })
            .sum();
        let told = entries.iter().find_map(|entry| match &entry.body {
            EventBody::DelegationFinished { span: s, ok, cost_usd, .. } if s == span => {
                Some((*ok, cost_usd.as_nanos()))
            }
            _ => None,
        });
        assert_eq!(told, Some((true, own)));
    }
    let progress: Vec<_> = host
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            EventBody::Progress { done, total, .. } => Some((done, total)),
            _ => None,
        })
        .collect();
    assert_eq!(progress, [(0, 2), (1, 2), (2, 2), (3, 3)]);
    let written =
        host.bodies().into_iter().filter(|body| matches!(body, EventBody::ToolFinished { change: Some(_), .. }));
    assert_eq!(written.count(), 3);
    assert!(host.syncs.load(std::sync::atomic::Ordering::SeqCst) >= 3);
}

#[tokio::test]
async fn work_is_handed_down_two_levels_and_runs_at_the_same_time() {
    let slow = Duration::from_millis(150);
    let script = Script::default()
        .when(On::Task("Write the code".into()), [Turn::text("Coded.").before(slow)])
        .when(On::Task("Write the page".into()), [Turn::text("Paged.").before(slow)])
        .when(
            On::Task("Build it".into()),
            [
                Turn::tool("delegate", json!({ "to": "backend-engineer", "task": "Write the code" }))
                    .and_tool("delegate", json!({ "to": "frontend-engineer", "task": "Write the page" })),
                Turn::text("Built."),
            ],
        )
        .when(On::Task("Count it".into()), [Turn::text("Counted.").before(slow * 2)])
        .when(
            On::Any,
            [
                Turn::tool("delegate", json!({ "to": "cto", "task": "Build it" }))
                    .and_tool("delegate", json!({ "to": "CFO", "task": "Count it" }))
                    .and_tool("delegate", json!({ "to": "backend-engineer", "task": "Skip a level" })),
                Turn::made(|request| {
                    let told: Vec<_> = request.results().into_iter().map(|(_, text)| text).collect();
                    Turn::text(told.join(" "))
                }),
            ],
        );
    let (_folder, provider, host, ending) = played(script).await;
    let answer = ending.answer.unwrap();
    assert!(answer.starts_with("Built. Counted. backend-engineer is none of your reports"), "{answer}");
    let last = host.entries();
    let below = last.iter().find(|entry| entry.agent == "frontend-engineer").unwrap();
    let head = last.iter().find(|entry| entry.agent == "cto").unwrap();
    assert_ne!(below.parent, head.parent);
    let worker =
        provider.requests().into_iter().find(|request| request.first_user().contains("Write the code")).unwrap();
    assert!(!worker.tools().contains(&"delegate".to_owned()));
    // The CFO began before the CTO's people had ended.
    let place = |want: &str, kind: &str| last.iter().position(|entry| entry.agent == want && entry.body.kind() == kind);
    assert!(place("cfo", "message") > place("backend-engineer", "message"));
    let started: Vec<_> = last.iter().filter(|entry| entry.body.kind() == "delegation_started").collect();
    assert_eq!(started.iter().map(|entry| entry.agent.as_str()).collect::<Vec<_>>(), ["ceo", "ceo", "cto", "cto"]);
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn a_refused_key_ends_the_run_at_once() {
    let words = format!("invalid x-api-key {KEY}");
    let (_f, provider, host, ending) = played(Script::of([Turn::error(401, "authentication_error", &words)])).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "provider.auth"));
    let error = ending.error.unwrap();
    assert!(error.message.contains("[key]") && !error.message.contains(KEY), "{error}");
    assert_eq!(provider.requests().len(), 1);
    assert_eq!(host.cost(), 0);
}

#[tokio::test]
async fn what_the_provider_refuses_is_said_in_its_words() {
    for (turn, expected, words) in [
        (Turn::error(400, "invalid_request_error", "max_tokens: too many"), "provider.refused", "max_tokens: too many"),
        (Turn::error(404, "not_found_error", "model: claude-opus-5-5"), "provider.refused", "claude-opus-5-5"),
        (Turn::error(400, "invalid_request_error", "Your credit balance is too low"), "provider.credit", "credit"),
    ] {
        let (_f, provider, _h, ending) = played(Script::of([turn])).await;
        assert_eq!(code(&ending), expected);
        assert!(ending.error.unwrap().message.contains(words));
        assert_eq!(provider.requests().len(), 1);
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let refusal = Turn::error(429, "rate_limit_error", "slow down").header("retry-after", "0.3");
    let began = std::time::Instant::now();
    let (_f, provider, host, ending) = played(Script::of([refusal, Turn::text("Now.")])).await;
    assert_eq!(ending.answer.as_deref(), Some("Now."));
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(provider.requests().len(), 2);
    assert_eq!(host.waits(), [false, true]);
    let reasons = host.bodies().into_iter().find_map(|body| match body {
        EventBody::Waiting { reason, until, detail, .. } => Some((reason, until.is_some(), detail)),
        _ => None,
    });
    let (reason, until, detail) = reasons.unwrap();
    assert!(reason == WaitReason::RateLimit && until && detail.contains("slow down"), "{detail}");
    assert_eq!(host.returned.lock().unwrap().len(), 1, "the refused call's lease came back");
}

#[tokio::test]
async fn a_provider_that_is_down_for_a_while_is_waited_for() {
    let down = [
        Turn::error(529, "overloaded_error", "Overloaded"),
        Turn::error(500, "api_error", "oops"),
        Turn::error(503, "", ""),
        Turn::hang_up(),
        Turn::text("…").fail_after(1, "overloaded_error", "Overloaded"),
        Turn::text("Back."),
    ];
    let (_f, provider, host, ending) = played(Script::of(down)).await;
    assert_eq!(ending.answer.as_deref(), Some("Back."), "{:?}", ending.error);
    assert_eq!(provider.requests().len(), 6);
    assert_eq!(host.waits().iter().filter(|over| !**over).count(), 5);
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn patience_ends() {
    let patience = engine::Patience { outage: Duration::from_millis(200), ..impatient() };
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::of([Turn::made(|_| Turn::error(500, "api_error", "oops"))])).await;
    let host = TestHost::new();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience.clone()).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "provider.down"));
    assert!(provider.requests().len() > 3);

    let gone = Provider::start(Script::default()).await;
    let url = gone.url();
    drop(gone);
    let host = TestHost::new();
    let engine = engine::open_with(support::api(&url), patience.clone()).unwrap();
    let ending = engine.run(&folder.brief("Go"), &host).await;
    host.check();
    assert_eq!(code(&ending), "provider.network", "{:?}", ending.error);
    assert_eq!(host.waits().first(), Some(&false));

    let late = Turn::error(429, "rate_limit_error", "come back tomorrow").header("retry-after", "86400");
    let provider = Provider::start(Script::of([late])).await;
    let host = TestHost::new();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience).await;
    assert_eq!(code(&ending), "provider.rate_limit");
    assert!(ending.error.unwrap().message.contains("86400 s"));
}

#[tokio::test]
async fn a_stream_that_stops_in_mid_word_is_asked_again_and_both_are_charged() {
    let cut = Turn::text("It breaks off in the middle of a word").usage(1_000, 500, 0, 0).cut_after(6);
    let (_f, provider, host, ending) = played(Script::of([cut, Turn::text("Whole.").usage(1_000, 5, 0, 0)])).await;
    assert_eq!(ending.answer.as_deref(), Some("Whole."));
    assert_eq!(host.messages(), ["Whole."], "half an answer is no message");
    let usages = host.kinds().into_iter().filter(|kind| *kind == "usage").count();
    assert_eq!(usages, 2);
    assert_eq!(host.cost(), 2 * 1_000 * 5_000 + 25_000 + 5 * 25_000);
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn an_answer_that_keeps_breaking_off_is_given_up() {
    let (_f, provider, host, ending) =
        played(Script::of([Turn::made(|_| Turn::text("Never whole, never whole").cut_after(4))])).await;
    assert_eq!(code(&ending), "provider.protocol");
    assert_eq!(provider.requests().len(), 4, "three may break off");
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn a_stall_counts_as_a_cut_and_a_slow_stream_does_not() {
    let script = Script::of([
        Turn::text("Silent").stall_after(3),
        Turn::text("Late").before(Duration::from_secs(5)),
        Turn::text("Slow but steady, word by word").between(Duration::from_millis(60)),
    ]);
    let (_f, provider, _h, ending) = played(script).await;
    assert_eq!(ending.answer.as_deref(), Some("Slow but steady, word by word"));
    assert_eq!(provider.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_whose_last_event_is_missing_is_whole() {
    // Six events: start, ping, block start, one delta, block stop, message delta.
    let (_f, provider, host, ending) = played(Script::of([Turn::text("A").cut_after(6)])).await;
    assert_eq!(ending.answer.as_deref(), Some("A"));
    assert_eq!((provider.requests().len(), host.cost()), (1, provider.spent_nanos()));
}

#[tokio::test]
async fn broken_and_unknown_tool_calls_are_answered_not_fatal() {
    let script = Script::of([
        Turn::broken_tool("Write", r#"{"file_path": "a.md", "content": "unfin"#),
        Turn::tool("LaunchRocket", json!({ "to": "the moon" })),
        Turn::tool("Write", json!({ "file_path": 7 })),
        Turn::tool("Bash", json!({ "command": "touch x" })),
        Turn::broken_tool("delegate", "{"),
        Turn::tool("read", json!({ "path": "aicib.config.yaml" })),
        Turn::made(|request| {
            let said: Vec<_> = request.messages().iter().map(|message| message["content"].to_string()).collect();
            Turn::text(said.join("\n"))
        }),
    ]);
    let (folder, _p, host, ending) = played(script).await;
    let said = ending.answer.unwrap();
    for words in
        ["not valid JSON", "There is no tool LaunchRocket", "does not fit the tool", "There is no tool Bash", "name: "]
    {
        assert!(said.contains(words), "{words}");
    }
    let oks: Vec<_> = host
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            EventBody::ToolFinished { ok, tool, .. } => Some((tool, ok)),
            _ => None,
        })
        .collect();
    assert_eq!(oks.iter().map(|(_, ok)| *ok).collect::<Vec<_>>(), [false, false, false, false, false, true]);
    assert_eq!(oks[5].0, "Read");
    assert!(!folder.dir.join("a.md").exists());
}

#[tokio::test]
async fn stop_in_mid_stream_ends_at_once_and_charges_what_is_known() {
    let folder = Folder::new("full-c-suite");
    let script = Script::default()
        .when(On::Task("One".into()), [Turn::text("Working on one").stall_after(5)])
        .when(On::Task("Two".into()), [Turn::text("Working on two").before(Duration::from_secs(60))])
        .when(
            On::Any,
            [Turn::tool("delegate", json!({ "to": "cto", "task": "One" }))
                .and_tool("delegate", json!({ "to": "cfo", "task": "Two" }))],
        );
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let patience =
        engine::Patience { stall: Duration::from_secs(60), first_byte: Duration::from_secs(60), ..impatient() };
    let brief = folder.brief("Go");
    let stopping = async {
        assert!(
            wait_for(Duration::from_secs(10), || provider.requests().len() == 3
                && host.deltas.lock().unwrap().len() > 1)
            .await
        );
        host.stop.cancel();
        std::time::Instant::now()
    };
    let (ending, stopped) = tokio::join!(run_with(&provider, &brief, &host, patience), stopping);
    assert!(stopped.elapsed() < Duration::from_secs(1));
    assert_eq!((ending.outcome, ending.error), (Outcome::Cancelled, None));
    assert_eq!(host.cost(), provider.spent_nanos());
    assert_eq!(host.returned.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn stop_while_waiting_ends_at_once() {
    let folder = Folder::new("minimal");
    let late = Turn::error(429, "rate_limit_error", "later").header("retry-after", "60");
    let provider = Provider::start(Script::of([late])).await;
    let host = TestHost::new();
    let patience = engine::Patience { outage: Duration::from_secs(600), ..impatient() };
    let brief = folder.brief("Go");
    let stopping = async {
        assert!(wait_for(Duration::from_secs(10), || !host.waits().is_empty()).await);
        host.stop.cancel();
    };
    let (ending, ()) = tokio::join!(run_with(&provider, &brief, &host, patience), stopping);
    assert_eq!(ending.outcome, Outcome::Cancelled);
    assert_eq!(host.waits(), [false, true]);
}

fn allow_commands(folder: &Folder) {
    let file = folder.dir.join(company::CONFIG_FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, company::config::set(&text, "tools.commands", "true").unwrap()).unwrap();
}

#[tokio::test]
async fn commands_run_only_where_the_company_allows_them_and_leave_nothing_behind() {
    let folder = Folder::new("full-c-suite");
    allow_commands(&folder);
    let script = Script::default()
        .when(
            On::Task("Try it".into()),
            [
                Turn::tool(
                    "Bash",
                    json!({ "command": "pwd; echo $TMPDIR; env | grep -c API_KEY; sleep 300 & exit 3" }),
                ),
                Turn::tool("Bash", json!({ "command": "sleep 301", "timeout": 200 })),
                Turn::made(|request| {
                    Turn::text(request.messages().iter().map(|m| m["content"].to_string()).collect::<String>())
                }),
            ],
        )
        .when(On::Any, [Turn::tool("delegate", json!({ "to": "cto", "task": "Try it" })), Turn::text("Done.")]);
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    let text = host.messages().join("\n");
    assert!(text.contains(folder.dir.to_str().unwrap()) && text.contains(folder.tmp.to_str().unwrap()), "{text}");
    assert!(text.contains("exit 3") && text.contains("ended after 0.2 s"), "{text}");
    let mark = process::Mark::from(folder.brief("").mark);
    assert_eq!(process::census(None, &mark), []);
}

#[tokio::test]
async fn stop_in_a_command_leaves_no_process() {
    let folder = Folder::new("full-c-suite");
    allow_commands(&folder);
    let script = Script::default()
        .when(
            On::Task("Loop".into()),
            [Turn::tool(
                "Bash",
                json!({ "command": "setsid sleep 302 & trap '' TERM; touch started; sleep 303; sleep 304" }),
            )],
        )
        .when(On::Any, [Turn::tool("delegate", json!({ "to": "cto", "task": "Loop" }))]);
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let brief = folder.brief("Go");
    let mark = process::Mark::from(brief.mark.clone());
    let stopping = async {
        assert!(wait_for(Duration::from_secs(10), || folder.dir.join("started").exists()).await);
        assert!(!process::census(None, &mark).is_empty());
        host.stop.cancel();
    };
    let (ending, ()) = tokio::join!(run(&provider, &brief, &host), stopping);
    assert_eq!(ending.outcome, Outcome::Cancelled);
    assert_eq!(process::census(None, &mark), []);
}

#[tokio::test]
async fn e028_turns_have_limits() {
    let folder = Folder::new("full-c-suite");
    let look = || Turn::made(|_| Turn::tool("List", json!({ "path": "." })));
    let script = Script::default().when(On::Task("Endless".into()), vec![look(); 10]).when(
        On::Any,
        [vec![Turn::tool("delegate", json!({ "to": "cto", "task": "Endless" }))], vec![look(); 10]].concat(),
    );
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let mut brief = folder.brief("Go");
    brief.limits.ceo_turns = 3;
    brief.limits.agent_turns = 2;
    let ending = run(&provider, &brief, &host).await;
    assert_eq!((ending.outcome, code(&ending), ending.turns), (Outcome::Failed, "run.turns_reached", 3));
    assert_eq!(provider.requests().len(), 5);
    let told =
        provider.requests().into_iter().find(|request| request.messages().len() == 3 && request.roles().len() == 3);
    let (is_error, text) = told.unwrap().results().remove(0);
    assert!(is_error && text.contains("limit of 2 turns"), "{text}");
}

#[tokio::test]
async fn no_call_is_made_that_a_limit_does_not_cover() {
    let folder = Folder::new("full-c-suite");
    let provider = Provider::start(company_play()).await;
    let host = TestHost::new();
    host.limit.store(1, std::sync::atomic::Ordering::SeqCst);
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "budget.daily_reached"));
    assert_eq!(provider.requests().len(), 0);

    // Enough for the CEO's first call, not for all that follows: everybody ends, in order.
    let host = TestHost::new();
    host.limit.store(300_000_000, std::sync::atomic::Ordering::SeqCst);
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(code(&ending), "budget.daily_reached");
    assert!(host.cost() > 0 && host.cost() <= 300_000_000);
    let leased = host.leased.lock().unwrap()[0].1.as_nanos();
    assert!(leased >= 8_192 * 25_000, "{leased}");
}

#[tokio::test]
async fn a_refused_delegate_is_the_ceos_problem_and_a_refused_key_everybodys() {
    let start = || {
        Turn::tool("delegate", json!({ "to": "cto", "task": "One" }))
            .and_tool("delegate", json!({ "to": "cfo", "task": "Two" }))
    };
    let script = Script::default()
        .when(On::Task("One".into()), [Turn::error(400, "invalid_request_error", "no such thing")])
        .when(On::Task("Two".into()), [Turn::text("Two is done.")])
        .when(On::Any, [start(), Turn::text("One failed, two is done.")]);
    let (_f, _p, host, ending) = played(script).await;
    assert_eq!(ending.answer.as_deref(), Some("One failed, two is done."));
    assert!(host.kinds().contains(&"error"));

    let script = Script::default()
        .when(On::Task("One".into()), [Turn::error(401, "authentication_error", "revoked")])
        .when(On::Task("Two".into()), [Turn::text("Never").before(Duration::from_secs(60))])
        .when(On::Any, [start()]);
    let folder = Folder::new("full-c-suite");
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let patience = engine::Patience { first_byte: Duration::from_secs(60), ..impatient() };
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience).await;
    assert_eq!(code(&ending), "provider.auth");
}

#[tokio::test]
async fn e081_an_unknown_model_has_sonnets_price_and_a_warning() {
    let (_f, _p, host, ending) =
        played(Script::of([Turn::text("Hi").model("claude-future-5").usage(1_000, 1_000, 0, 0)])).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert_eq!(host.cost(), 1_000 * (3_000 + 15_000));
    let warned = host.bodies().into_iter().any(
        |body| matches!(body, EventBody::Notice { text, .. } if text.contains("claude-future-5") && text.contains("falling back to sonnet tier")),
    );
    assert!(warned);
}

#[tokio::test]
async fn history_thinking_and_cut_answers_go_back_as_they_came() {
    let folder = Folder::new("minimal");
    let script = Script::of([
        Turn::text("First half, ").and_thinking("Hm.").stop_reason("max_tokens"),
        Turn::made(|request| {
            let before = &request.messages()[3]["content"];
            assert_eq!(before[1]["type"], "thinking");
            assert_eq!(before[1]["signature"], "c2lnbmF0dXJl");
            Turn::text("second half.")
        }),
    ]);
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let mut brief = folder.brief("Now this");
    brief.history = vec![Exchange { directive: "Earlier".into(), answer: "Done earlier.".into() }];
    let ending = run(&provider, &brief, &host).await;
    assert_eq!(ending.answer.as_deref(), Some("First half, second half."));
    assert!(host.kinds().contains(&"thinking"));
    let first = &provider.requests()[0];
    assert_eq!(first.messages().len(), 3);
    assert!(first.last_user().contains("Now this"));
}

#[tokio::test]
async fn a_hostile_stream_does_not_fill_the_memory() {
    let huge = "x".repeat(40 * 1024 * 1024);
    let patience = engine::Patience { cuts: 0, first_byte: Duration::from_secs(15), ..impatient() };
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::of([Turn::text(huge)])).await;
    let host = TestHost::new();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience).await;
    assert_eq!(code(&ending), "provider.protocol", "{:?}", ending.error);
}

#[tokio::test]
async fn an_address_that_is_none_and_a_missing_key_are_said() {
    let mut spec = support::api("http://example.com");
    assert_eq!(engine::open(spec.clone()).err().unwrap().code.as_str(), "config.invalid");
    spec.base_url = None;
    spec.api_key = Some("  ".into());
    assert_eq!(engine::open(spec).err().unwrap().code.as_str(), "key.missing");
}
