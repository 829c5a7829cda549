//! The Anthropic engine over HTTP: answers, tools, delegation, costs.

use std::time::Duration;

use contract::{EventBody, Exchange, Outcome};
use serde_json::json;
use testkit::{On, Provider, Script, Turn, company_play};

use crate::support::{Folder, KEY, TestHost, code, impatient, played, run, run_with};

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
    assert_eq!(request.tools(), ["Read", "Write", "Edit", "List", "Glob", "Grep", "delegate", "ask_founder"]);
    assert_eq!(request.roles(), ["cfo", "cmo", "cto"]);
    let ephemeral = json!({ "type": "ephemeral" });
    for place in ["/system/0", "/tools/7", "/messages/0/content/0"] {
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
    assert_eq!(progress, [(0, 3), (1, 3), (2, 3), (3, 3)]);
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
async fn what_a_company_says_of_prices_counts_where_it_makes_a_call_dearer() {
    let folder = Folder::new("minimal");
    let file = folder.dir.join(company::CONFIG_FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    let prices = "\nengine:\n  prices:\n    opus: { input: 0, output: 50 }\n";
    std::fs::write(&file, text.replacen("\nengine:\n", prices, 1)).unwrap();
    let provider = Provider::start(Script::of([Turn::text("Hi").usage(1_000, 1_000, 0, 0)])).await;
    let host = TestHost::new();
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    assert_eq!(host.cost(), 1_000 * (5_000 + 50_000));
    assert!(host.text().contains("engine.prices.opus is below"), "and a lower one is said not to");
}

#[tokio::test]
async fn history_thinking_and_cut_answers_go_back_as_they_came() {
    let folder = Folder::new("minimal");
    let script = Script::of([
        Turn::thought("Hm.", "First half, ").stop_reason("max_tokens"),
        Turn::made(|request| {
            let before = &request.messages()[3]["content"];
            assert_eq!(before[0]["type"], "thinking");
            assert_eq!(before[0]["signature"], "c2lnbmF0dXJl");
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
async fn a_provider_that_says_the_key_does_not_get_it_into_events_or_files() {
    let script = Script::of([
        Turn::made(|request| {
            let key = request.header("x-api-key").unwrap_or_default();
            Turn::text(format!("I saw {key}.")).and_tool("Write", json!({ "file_path": "key.txt", "content": key }))
        }),
        Turn::text("Done."),
    ]);
    let (folder, _p, host, ending) = played(script).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert!(host.text().contains("I saw [key]."));
    assert_eq!(std::fs::read_to_string(folder.dir.join("key.txt")).unwrap(), "[key]");
}
