//! A company at work: direct briefs, work in parallel, what it costs, what comes back, and the entry in its journal.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contract::{EventBody, Money, NoticeLevel, Outcome};
use serde_json::json;
use testkit::{On, Provider, Script, Turn};

use crate::support::{Folder, TestHost, code, run};

/// An agent file of a worker's.
fn hire(folder: &Folder, role: &str, head: &str) {
    let text = format!(
        "---\nname: {role}\nrole: {role}\ntitle: {role}\nreports_to: {head}\ntools: [Read, Write]\nmodel: haiku\n---\n\nYou write.\n"
    );
    std::fs::write(folder.dir.join(format!(".claude/agents/{role}.md")), text).unwrap();
}

fn writer(path: &str, wait: Duration) -> [Turn; 2] {
    [
        Turn::tool("Write", json!({ "file_path": path, "content": "text" })).before(wait).usage(300, 40, 10, 0),
        Turn::text(format!("Done: {path}.")).usage(400, 20, 0, 5),
    ]
}

/// Usage by agent, in nano-dollars.
fn costs(host: &TestHost) -> BTreeMap<(String, Option<String>), i64> {
    let mut costs = BTreeMap::new();
    for entry in host.entries() {
        if let EventBody::Usage { cost_usd, .. } = entry.body {
            *costs.entry((entry.agent, entry.parent)).or_default() += cost_usd.as_nanos();
        }
    }
    costs
}

#[tokio::test]
async fn e028_three_heads_and_two_workers_at_once_take_as_long_as_the_longest_and_add_up() {
    let folder = Folder::new("full-c-suite");
    hire(&folder, "writer-one", "cmo");
    hire(&folder, "writer-two", "cmo");
    let wait = Duration::from_millis(150);
    let hand = |to: &str, task: &str| json!({ "to": to, "task": task });
    let script = Script::default()
        .when(On::Task("Write page one".into()), writer("docs/one.md", wait))
        .when(On::Task("Write page two".into()), writer("docs/two.md", wait))
        .when(On::Task("Look at the technology".into()), writer("docs/tech.md", wait * 2))
        .when(On::Task("Look at the money".into()), writer("docs/money.md", wait * 2))
        .when(
            On::Task("Have both pages written".into()),
            [
                Turn::tool("delegate", hand("writer-one", "Write page one"))
                    .and_tool("delegate", hand("writer-two", "Write page two"))
                    .before(wait)
                    .usage(500, 60, 0, 0),
                Turn::text("Both pages are there.").usage(700, 30, 0, 0),
            ],
        )
        .when(On::Journal, [Turn::text("A description was written by five people.").usage(900, 30, 0, 0)])
        .when(
            On::Any,
            [
                Turn::tool("delegate", hand("cto", "Look at the technology"))
                    .and_tool("delegate", hand("cfo", "Look at the money"))
                    .and_tool("delegate", hand("cmo", "Have both pages written"))
                    .usage(1_000, 90, 0, 800),
                Turn::made(|request| {
                    let results = request.results();
                    assert_eq!(results.len(), 3, "the CEO does not end before its delegates do");
                    assert!(results.iter().all(|(failed, _)| !failed));
                    assert!(results[2].1.contains("Files changed: docs/one.md, docs/two.md"), "{results:?}");
                    Turn::text("All is there.").usage(1_500, 20, 800, 100)
                }),
            ],
        );
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let began = Instant::now();
    let ending = run(&provider, &folder.brief("Write a company description"), &host).await;
    let took = began.elapsed();
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    assert!(took >= wait * 2, "{took:?}");
    assert!(took < wait * 5, "the branches together take {:?}, this took {took:?}", wait * 7);
    for file in ["one", "two", "tech", "money"] {
        assert!(folder.dir.join(format!("docs/{file}.md")).is_file(), "{file}");
    }

    let entries = host.entries();
    let mut tree: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.body {
            EventBody::DelegationStarted { span, to, .. } => {
                Some((entry.agent.as_str(), entry.parent.as_deref(), span.as_str(), to.as_str()))
            }
            _ => None,
        })
        .collect();
    tree.sort_by_key(|(.., span, _)| *span);
    let expected = [
        ("ceo", None, "d1", "cto"),
        ("ceo", None, "d2", "cfo"),
        ("ceo", None, "d3", "cmo"),
        ("cmo", Some("d3"), "d4", "writer-one"),
        ("cmo", Some("d3"), "d5", "writer-two"),
    ];
    assert_eq!(tree, expected);

    let costs = costs(&host);
    assert_eq!(costs.len(), 6, "{costs:?}");
    assert_eq!(costs.values().sum::<i64>(), provider.spent_nanos());
    let own = |agent: &str, span: Option<&str>| costs[&(agent.to_owned(), span.map(str::to_owned))];
    let told = |span: &str| {
        entries.iter().find_map(|entry| match &entry.body {
            EventBody::DelegationFinished { span: s, cost_usd, ok: true, .. } if s == span => Some(cost_usd.as_nanos()),
            _ => None,
        })
    };
    assert_eq!(told("d4"), Some(own("writer-one", Some("d4"))));
    assert_eq!(told("d3"), Some(own("cmo", Some("d3")) + told("d4").unwrap() + told("d5").unwrap()));
    assert!(costs.values().all(|nanos| *nanos > 0));
}

#[tokio::test]
async fn a_head_that_is_briefed_directly_is_the_root_of_its_run() {
    let folder = Folder::new("full-c-suite");
    hire(&folder, "developer", "cto");
    let script = Script::default().when(On::Task("Build it".into()), writer("src/a.txt", Duration::ZERO)).when(
        On::Any,
        [Turn::tool("delegate", json!({ "to": "developer", "task": "Build it" })), Turn::text("It is built.")],
    );
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let mut brief = folder.brief("Build the page");
    brief.agent = "cto".into();
    let ending = run(&provider, &brief, &host).await;
    assert_eq!(ending.answer.as_deref(), Some("It is built."), "{:?}", ending.error);
    let roots: Vec<_> = host.entries().into_iter().filter(|entry| entry.parent.is_none()).map(|e| e.agent).collect();
    assert!(roots.iter().all(|agent| agent == "cto"), "{roots:?}");
    let first = &provider.requests()[0];
    assert!(first.roles().contains(&"developer".to_owned()) && !first.roles().contains(&"cfo".to_owned()));
    assert!(first.tools().contains(&"ask_founder".to_owned()));
    let developers = provider.requests().into_iter().find(|request| request.first_user().contains("Build it")).unwrap();
    assert!(!developers.tools().contains(&"ask_founder".to_owned()), "only whoever answers to the founder asks");
}

#[tokio::test]
async fn a_brief_to_somebody_who_is_not_there_makes_no_call() {
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::default()).await;
    let host = TestHost::new();
    let mut brief = folder.brief("Go");
    brief.agent = "nobody".into();
    let ending = run(&provider, &brief, &host).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "agent.not_found"));
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn a_task_says_what_it_may_cost() {
    let folder = Folder::new("full-c-suite");
    let hand = |to: &str| json!({ "to": to, "task": "A part of it" });
    let script = Script::default().when(On::Task("A part of it".into()), [Turn::text("Done.")]).when(
        On::Any,
        [Turn::tool("delegate", hand("cto")).and_tool("delegate", hand("cfo")).usage(0, 0, 0, 0), Turn::text("Done.")],
    );
    let provider = Provider::start(script).await;
    let mut brief = folder.brief("Go");
    brief.limits.max_cost_usd = Money::dollars(3.0).unwrap();
    run(&provider, &brief, &TestHost::new()).await;
    let tasks: Vec<_> =
        provider.requests().iter().map(|r| r.first_user()).filter(|t| t.contains("A part of")).collect();
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().all(|task| task.contains("about $1.00")), "{tasks:?}");
}

#[tokio::test]
async fn the_prompt_of_each_agent_is_recorded_once_and_as_it_was_sent() {
    let script = Script::default()
        .when(On::Task("A part of it".into()), writer("a.md", Duration::ZERO))
        .when(On::Any, [Turn::tool("delegate", json!({ "to": "cto", "task": "A part of it" })), Turn::text("Done.")]);
    let (_folder, provider, host, _) = crate::support::played(script).await;
    let prompts: Vec<_> = host
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.body {
            EventBody::Prompt { model, system, message, tools } => Some((entry.agent, model, system, message, tools)),
            _ => None,
        })
        .collect();
    assert_eq!(prompts.iter().map(|(agent, ..)| agent.as_str()).collect::<Vec<_>>(), ["ceo", "cto"]);
    for (place, (_, model, system, message, tools)) in prompts.iter().enumerate() {
        let sent = &provider.requests()[place];
        assert_eq!((model.as_str(), system, tools), (sent.model(), &sent.system(), &sent.tools()));
        assert_eq!(message, &sent.first_user());
    }
}

fn entries_of_the_journal(host: &TestHost) -> Vec<(String, i64)> {
    let found = host.bodies().into_iter().filter_map(|body| match body {
        EventBody::Journal { text, cost_usd } => Some((text, cost_usd.as_nanos())),
        _ => None,
    });
    found.collect()
}

fn warnings(host: &TestHost) -> Vec<String> {
    let found = host.bodies().into_iter().filter_map(|body| match body {
        EventBody::Notice { level: NoticeLevel::Warning, text } => Some(text),
        _ => None,
    });
    found.collect()
}

#[tokio::test]
async fn the_cheapest_model_writes_the_journals_entry_and_it_is_paid_for() {
    let script = Script::of([Turn::text("The page is in docs/page.md.")])
        .when(On::Journal, [Turn::text("A page was asked for.\n\nIt is in docs/page.md.").usage(1_000, 50, 0, 0)]);
    let (_folder, provider, host, ending) = crate::support::played(script).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    let written = entries_of_the_journal(&host);
    assert_eq!(written, [("A page was asked for. It is in docs/page.md.".to_owned(), 1_000 * 1_000 + 50 * 5_000)]);
    let asked = &provider.journal_requests()[0];
    assert!(asked.model().contains("haiku") && asked.tools().is_empty());
    assert!(asked.first_user().contains("Write a company description") && asked.first_user().contains("docs/page.md"));
    assert_eq!(host.cost(), provider.spent_nanos());
    assert_eq!(host.messages(), ["The page is in docs/page.md."], "an entry is no message");
    assert_eq!(host.deltas.lock().unwrap().iter().filter(|(.., text)| text.contains("asked for")).count(), 0);
}

#[tokio::test]
async fn e020_an_entry_that_fails_is_a_warning_and_the_brief_is_done() {
    for refusal in [
        Turn::error(500, "api_error", "broken"),
        Turn::error(401, "authentication_error", "no"),
        Turn::text("   "),
        Turn::text("Half an entry").cut_after(4),
        Turn::hang_up(),
    ] {
        let script = Script::of([Turn::text("All done.")]).when(On::Journal, [refusal]);
        let (_folder, provider, host, ending) = crate::support::played(script).await;
        assert_eq!((ending.outcome, ending.answer.as_deref()), (Outcome::Completed, Some("All done.")));
        assert_eq!(entries_of_the_journal(&host), []);
        let warned = warnings(&host);
        assert!(matches!(&warned[..], [text] if text.contains("no entry for it in the journal")), "{warned:?}");
        assert_eq!(provider.journal_requests().len(), 1, "it is tried once");
        assert_eq!(host.cost(), provider.spent_nanos());
    }
}

#[tokio::test]
async fn e020_a_limit_that_does_not_cover_the_entry_asks_nobody() {
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::of([Turn::text("All done.").usage(10, 10, 0, 0)])).await;
    let host = TestHost::new();
    host.only_first.store(1, std::sync::atomic::Ordering::SeqCst);
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert!(host.questions.lock().unwrap().is_empty());
    assert!(warnings(&host)[0].contains("journal"), "{:?}", warnings(&host));
    assert!(provider.journal_requests().is_empty());
}

#[tokio::test]
async fn a_run_that_failed_has_no_entry() {
    let script = Script::of([Turn::error(401, "authentication_error", "no")]);
    let (_folder, provider, host, ending) = crate::support::played(script).await;
    assert_eq!(ending.outcome, Outcome::Failed);
    assert!(provider.journal_requests().is_empty() && entries_of_the_journal(&host).is_empty());
}
