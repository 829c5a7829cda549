//! Leave to act: what is asked before it happens, and what becomes of the answer.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::{
    Act, Approval, Ask, CompanyId, Confined, Decision, EventBody, Granted, Origin, Outcome, Rule, RuleId, Scope, Time,
    Verdict,
};
use engine::{Brief, Grants, Question};
use serde_json::json;
use testkit::{Provider, Script, Turn, wait_for};

use crate::support::{Folder, KEY, TestHost, api, practice_spec, run};

fn write(path: &str, content: &str) -> Turn {
    Turn::tool("Write", json!({ "file_path": path, "content": content }))
}

/// What became of the calls before, and then the end.
fn say_results() -> Turn {
    Turn::made(|request| {
        let results = request.results();
        let said: Vec<_> = results.iter().map(|(failed, text)| format!("{failed}: {text}")).collect();
        Turn::text(said.join("\n"))
    })
}

/// A company whose CEO has to ask about nearly everything.
fn guided() -> Folder {
    let folder = Folder::new("minimal");
    folder.set("agents.ceo.autonomy", "guided");
    folder.set("tools.commands", "true");
    folder
}

/// A brief of which the CEO has commands, where there are any.
fn with_bash(folder: &Folder) -> Brief {
    let mut brief = folder.brief("Do it");
    let company = std::sync::Arc::get_mut(&mut brief.company).unwrap();
    company.agents.iter_mut().filter(|agent| agent.role == "ceo").for_each(|agent| agent.tools.push("Bash".into()));
    brief
}

fn ask_first(act: Act) -> Rule {
    Rule {
        rule_id: RuleId(1),
        company_id: CompanyId(1),
        job_id: None,
        agent: None,
        act,
        subject: None,
        verdict: Verdict::Ask,
        created_at: Time(1),
        origin: Origin::Cli,
    }
}

fn answers(host: &TestHost, answers: &[Decision]) {
    host.answers.lock().unwrap().extend(answers.iter().map(Decision::answer));
}

fn asked(host: &TestHost) -> Vec<(Question, Approval)> {
    let questions = host.questions.lock().unwrap().clone();
    let approvals = questions.into_iter().filter(|question| question.ask == Ask::Approval);
    approvals.map(|question| (question.clone(), question.approval.unwrap())).collect()
}

async fn play(brief: &Brief, host: &TestHost, turns: impl Into<Vec<Turn>>) -> String {
    let provider = Provider::start(Script::of(turns)).await;
    let ending = run(&provider, brief, host).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    ending.answer.unwrap()
}

#[tokio::test]
async fn a_command_waits_for_leave_and_happens_after_it() {
    let (folder, host) = (guided(), TestHost::new());
    answers(&host, &[Decision::allow(None)]);
    let turns = [Turn::tool("Bash", json!({ "command": "echo done > proof; cat proof" })), say_results()];
    let answer = play(&with_bash(&folder), &host, turns).await;
    assert!(answer.starts_with("false: done"), "{answer}");
    let (question, approval) = asked(&host).remove(0);
    assert_eq!(question.text, "CEO wants to run a command.");
    assert!(question.detail.contains("guided"), "{}", question.detail);
    assert_eq!(question.options, Decision::options());
    assert_eq!((approval.act, approval.tool.as_str()), (Act::Command, "Bash"));
    assert_eq!(approval.action, "echo done > proof; cat proof");
    assert_eq!(approval.subject.as_deref(), Some("echo done > proof; cat proof"));
    // The question is on record before the call begins.
    let kinds = host.kinds();
    let place = |kind: &str| kinds.iter().position(|other| *other == kind).unwrap();
    assert!(place("asked") < place("tool_started"), "{kinds:?}");
}

#[tokio::test]
async fn what_is_denied_does_not_happen_and_the_run_goes_on_with_the_reason() {
    let (folder, host) = (guided(), TestHost::new());
    answers(&host, &[Decision::deny("not on a Friday")]);
    let turns = [Turn::tool("Bash", json!({ "command": "touch proof" })), say_results()];
    let answer = play(&with_bash(&folder), &host, turns).await;
    assert!(answer.starts_with("true: The founder says no to this: not on a Friday."), "{answer}");
    assert!(!folder.dir.join("proof").exists());
    assert_eq!(host.syncs.load(Ordering::SeqCst), 0, "nothing happened outside");
    let failed = host.bodies().into_iter().any(
        |body| matches!(body, EventBody::ToolFinished { ok: false, output, .. } if output.contains("not on a Friday")),
    );
    assert!(failed);
}

#[tokio::test]
async fn an_answer_that_took_too_long_is_a_denial_with_its_reason() {
    let (folder, host) = (guided(), TestHost::new());
    answers(&host, &[Decision::deny("nobody answered within 5 minutes")]);
    let turns = [Turn::tool("Bash", json!({ "command": "touch proof" })), say_results()];
    let answer = play(&with_bash(&folder), &host, turns).await;
    assert!(answer.contains("nobody answered within 5 minutes"), "{answer}");
}

#[tokio::test]
async fn what_autonomy_forbids_is_not_even_asked() {
    let (folder, host) = (guided(), TestHost::new());
    let turns = [
        Turn::tool("Bash", json!({ "command": "git push" })),
        Turn::tool("Bash", json!({ "command": "echo x | tee y && bash -c 'git push'" })),
        say_results(),
    ];
    let answer = play(&with_bash(&folder), &host, turns).await;
    assert!(answer.starts_with("true: You may not run a command that publishes or sends"), "{answer}");
    assert!(answer.contains("(guided)") && asked(&host).is_empty(), "{answer}");
    assert!(!folder.dir.join("y").exists());
}

#[tokio::test]
async fn always_holds_for_the_same_and_for_nothing_else() {
    let (folder, host) = (guided(), TestHost::new());
    answers(&host, &[Decision::allow(Some(Scope::Job)), Decision::deny("")]);
    let bash = |command: &str| Turn::tool("Bash", json!({ "command": command }));
    let turns = [bash("echo x >> proof"), bash("echo x >> proof"), bash("echo x  >> proof"), say_results()];
    let answer = play(&with_bash(&folder), &host, turns).await;
    assert!(answer.starts_with("true: The founder says no"), "{answer}");
    assert_eq!(std::fs::read_to_string(folder.dir.join("proof")).unwrap(), "x\nx\n");
    assert_eq!(asked(&host).len(), 2);
}

#[tokio::test]
async fn rules_that_change_in_mid_run_hold_from_then_on() {
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    let brief = folder.brief("Write");
    let rules = brief.rules.clone();
    let forbids = Rule { verdict: Verdict::Deny, ..ask_first(Act::Write) };
    let turns = [
        write("one.md", "1"),
        Turn::made(move |_| {
            rules.set(vec![forbids.clone()]);
            write("two.md", "2")
        }),
        say_results(),
    ];
    let answer = play(&brief, &host, turns).await;
    assert!(answer.starts_with("true: You may not change files of the company folder: a rule"), "{answer}");
    assert!(folder.dir.join("one.md").exists() && !folder.dir.join("two.md").exists());
}

#[tokio::test]
async fn a_change_to_a_file_is_asked_with_its_diff() {
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    std::fs::write(folder.dir.join("plan.md"), "one\ntwo\n").unwrap();
    let mut brief = folder.brief("Write");
    brief.rules = engine::Rules::new(vec![ask_first(Act::Write)]);
    answers(&host, &[Decision::allow(None), Decision::allow(None)]);
    let edit = Turn::tool("Edit", json!({ "file_path": "plan.md", "old_string": "two", "new_string": "2" }));
    play(&brief, &host, [edit, write("docs/new.md", "hello\n"), Turn::text("Done.")]).await;
    let asked = asked(&host);
    let (question, approval) = &asked[0];
    assert_eq!(question.text, "CEO wants to change files of the company folder.");
    assert!(question.detail.contains("Your rule"), "{}", question.detail);
    assert_eq!(approval.action, "plan.md");
    let diff = approval.diff.as_deref().unwrap();
    assert!(diff.contains("-two\n+2\n"), "{diff}");
    assert!(asked[1].1.diff.as_deref().unwrap().contains("--- /dev/null"));
    assert_eq!(std::fs::read_to_string(folder.dir.join("plan.md")).unwrap(), "one\n2\n");
}

#[tokio::test]
async fn nobody_is_asked_about_what_the_tool_refuses_anyway() {
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    let turns = [write("../out.md", "x"), write(".claude/agents/ceo.md", "x"), say_results()];
    let answer = play(&folder.brief("Write"), &host, turns).await;
    assert!(answer.contains("is the founder's to change"), "{answer}");
    assert!(asked(&host).is_empty());
}

#[tokio::test]
async fn nothing_in_an_action_is_hidden_from_whoever_decides() {
    let (folder, host) = (guided(), TestHost::new());
    let command = format!("echo hi{}#\u{202e}gnp.x\u{200b}\u{1b}[2K\r{}rm -rf x", " ".repeat(10_000), "\n".repeat(50));
    let turns = [Turn::tool("Bash", json!({ "command": command })), Turn::text("So be it.")];
    play(&with_bash(&folder), &host, turns).await;
    let (_, approval) = asked(&host).remove(0);
    let hidden = |c: char| (c.is_control() && c != '\n') || ('\u{200b}'..='\u{202e}').contains(&c);
    assert!(!approval.action.contains(hidden), "{}", approval.action);
    for shown in ["⟨10000 blanks⟩", "⟨U+202E⟩", "⟨U+001B⟩", "⟨50 line ends⟩", "rm -rf x"] {
        assert!(approval.action.contains(shown), "{shown}: {}", approval.action);
    }
    assert!(approval.subject.unwrap().len() < 3_000, "what is long has a name that is short");
}

#[tokio::test]
async fn what_is_too_long_to_be_shown_is_not_asked_and_not_done() {
    let (folder, host) = (guided(), TestHost::new());
    let command = format!("echo {} > proof", "x".repeat(400_000));
    let turns = [Turn::tool("Bash", json!({ "command": command })), say_results()];
    let answer = play(&with_bash(&folder), &host, turns).await;
    assert!(answer.starts_with("true: It is too long to be shown"), "{answer}");
    assert!(asked(&host).is_empty() && !folder.dir.join("proof").exists());
}

#[tokio::test]
async fn an_answer_that_a_run_did_not_live_to_act_on_holds_once_for_the_identical_call() {
    let bash = || Turn::tool("Bash", json!({ "command": "echo x >> proof" }));
    let first = TestHost::new();
    let folder = guided();
    play(&with_bash(&folder), &first, [bash(), Turn::text("No.")]).await;
    let digest = asked(&first).remove(0).1.digest;

    let host = TestHost::new();
    let mut brief = with_bash(&folder);
    let granted = Granted { agent: "ceo".into(), digest, answer: Decision::allow(None).answer() };
    brief.granted = Grants::new(vec![granted]);
    answers(&host, &[Decision::deny("")]);
    let other = Turn::tool("Bash", json!({ "command": "echo y >> proof" }));
    play(&brief, &host, [other, bash(), bash(), Turn::text("Yes.")]).await;
    assert_eq!(std::fs::read_to_string(folder.dir.join("proof")).unwrap(), "x\n");
    let lines: Vec<_> = asked(&host).into_iter().map(|(_, approval)| approval.action).collect();
    assert_eq!(lines, ["echo y >> proof", "echo x >> proof"], "the other call, and the second of the identical ones");
}

#[tokio::test]
async fn a_stop_gets_through_while_leave_is_waited_for() {
    let (folder, host) = (guided(), TestHost::new());
    host.silent.store(true, Ordering::SeqCst);
    let turns = [Turn::tool("Bash", json!({ "command": "touch proof" })), Turn::text("Never.")];
    let provider = Provider::start(Script::of(turns)).await;
    let brief = with_bash(&folder);
    let stopping = async {
        assert!(wait_for(Duration::from_secs(10), || !host.questions.lock().unwrap().is_empty()).await);
        host.stop.cancel();
    };
    let (ending, ()) = tokio::join!(run(&provider, &brief, &host), stopping);
    assert_eq!(ending.outcome, Outcome::Cancelled);
    assert!(!folder.dir.join("proof").exists());
}

#[tokio::test]
async fn a_rehearsal_asks_once_where_its_brief_says_so() {
    for (decision, written) in [(Decision::allow(None), true), (Decision::deny("too early"), false)] {
        let (folder, host) = (Folder::new("full-c-suite"), TestHost::new());
        answers(&host, std::slice::from_ref(&decision));
        let engine = engine::open(practice_spec(100.0)).unwrap();
        let ending = engine.run(&folder.brief("Write a page, approve me first"), &host).await;
        host.check();
        let report = folder.dir.join("reports/job-7-write-a-page-approve-me-first.md");
        assert_eq!((ending.outcome, report.exists()), (Outcome::Completed, written), "{:?}", ending.error);
        let asked = asked(&host);
        assert_eq!(asked.len(), 1);
        assert!(asked[0].1.diff.as_deref().unwrap().contains("+# Practice report"));
        let answer = ending.answer.unwrap();
        assert_eq!(answer.contains("too early"), !written, "{answer}");
    }
}

#[tokio::test]
async fn commands_are_there_where_they_are_confined_and_the_company_says_nothing() {
    for (config, confined, must, expected) in [
        (None, Confined::No, false, false),
        (None, Confined::Partly, false, true),
        (None, Confined::Full, true, true),
        (Some("true"), Confined::No, false, true),
        (Some("true"), Confined::No, true, false),
        (Some("false"), Confined::Full, false, false),
    ] {
        let (folder, host) = (Folder::new("minimal"), TestHost::new());
        if let Some(config) = config {
            folder.set("tools.commands", config);
        }
        let mut brief = with_bash(&folder);
        (brief.confined, brief.must_confine) = (confined, must);
        let provider = Provider::start(Script::of([Turn::text("Done.")])).await;
        run(&provider, &brief, &host).await;
        let tools = provider.requests()[0].tools();
        assert_eq!(tools.iter().any(|tool| tool == "Bash"), expected, "{config:?} {confined:?} {must}");
    }
}

#[tokio::test]
async fn an_agent_with_an_engine_of_its_own_is_asked_there() {
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    let theirs = Provider::start(Script::of([Turn::text("The CTO's own words.")])).await;
    let turns = [Turn::tool("delegate", json!({ "to": "cto", "task": "Look" })), say_results()];
    let provider = Provider::start(Script::of(turns)).await;
    let mut brief = folder.brief("Look");
    brief.engines = BTreeMap::from([("cto".to_owned(), api(&theirs.url()))]);
    let ending = run(&provider, &brief, &host).await;
    assert!(ending.answer.unwrap().contains("The CTO's own words."));
    assert_eq!((provider.requests().len(), theirs.requests().len()), (2, 1));

    // One that cannot be opened is a matter of its agent.
    let (host, broken) = (TestHost::new(), contract::EngineSpec { api_key: None, ..api(&theirs.url()) });
    brief.engines.insert("cto".to_owned(), broken);
    let turns = [Turn::tool("delegate", json!({ "to": "cto", "task": "Look" })), say_results()];
    let provider = Provider::start(Script::of(turns)).await;
    let ending = run(&provider, &brief, &host).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert!(ending.answer.unwrap().contains("There is no key for the Anthropic API."));
    assert!(!host.text().contains(KEY));
}
