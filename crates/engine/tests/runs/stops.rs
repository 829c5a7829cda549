//! Stops and limits, commands among them.

use std::time::Duration;

use contract::Outcome;
use serde_json::json;
use testkit::{On, Provider, Script, Turn, company_play, wait_for};

use crate::support::{Folder, TestHost, code, impatient, run, run_with};

fn allow_commands(folder: &Folder) {
    let file = folder.dir.join(company::CONFIG_FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, company::config::set(&text, "tools.commands", "true").unwrap()).unwrap();
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
    let error = ending.error.unwrap();
    assert!(error.message.contains("limit of 3 turns") && error.fix.contains("run_turns N"), "{error}");
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
async fn nothing_happens_that_cannot_be_recorded() {
    for room in 0..12 {
        let folder = Folder::new("full-c-suite");
        let provider = Provider::start(company_play()).await;
        let host = TestHost::new();
        host.room.store(room, std::sync::atomic::Ordering::SeqCst);
        let engine = engine::open_with(crate::support::api(&provider.url()), impatient()).unwrap();
        let ending = engine.run(&folder.brief("Go"), &host).await;
        assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "disk.full"), "room for {room}");
        let written = ["docs/facts.md", "docs/about.md"].iter().filter(|file| folder.dir.join(file).exists()).count();
        let started = host.text().matches("\"tool\":\"Write\",\"subject\"").count();
        assert!(written <= started, "room for {room}: {written} written, {started} recorded");
    }
}

#[tokio::test]
async fn each_call_and_each_effect_is_asked_for() {
    let (_f, provider, host, ending) = crate::support::played(company_play()).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    let asked = host.asked.lock().unwrap().clone();
    let of = |whose: &dyn Fn(&str) -> bool| asked.iter().filter(|agent| whose(agent)).count();
    // The CEO calls three times, writes a file and has the journal's entry written; two heads call and write the same.
    assert_eq!((of(&|agent| agent == "ceo"), of(&|agent| agent != "ceo")), (5, 8), "{asked:?}");
    let calls = provider.requests().len() + provider.journal_requests().len();
    assert_eq!(calls + host.syncs.load(std::sync::atomic::Ordering::SeqCst), asked.len());
}

#[tokio::test]
async fn what_ends_the_run_ends_it_for_those_who_are_held_too() {
    let script = Script::default()
        .when(
            On::Task("One".into()),
            [Turn::error(401, "authentication_error", "no").before(Duration::from_millis(50))],
        )
        .when(
            On::Any,
            [Turn::tool("delegate", json!({ "to": "cto", "task": "One" }))
                .and_tool("delegate", json!({ "to": "cfo", "task": "Two" }))],
        );
    let folder = Folder::new("full-c-suite");
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    *host.held.lock().unwrap() = Some("cfo".into());
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "provider.auth"));
    assert_eq!(provider.requests().len(), 2, "who is held asks nothing");
}

#[tokio::test]
async fn one_that_takes_its_time_does_not_keep_the_others_from_beginning() {
    let mut start = Turn::text("All at once.");
    for number in 0..12 {
        start = start.and_tool("delegate", json!({ "to": "cto", "task": format!("Part {number}.") }));
    }
    let script = Script::default()
        .when(On::Task("Part 0.".into()), [Turn::text("The slow one.").before(Duration::from_millis(300))])
        .when(On::Task("Part".into()), [Turn::text("A quick one.").before(Duration::from_millis(20))])
        .when(On::Any, [start, Turn::text("Done.")]);
    let folder = Folder::new("full-c-suite");
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    let ended: Vec<String> = host
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            contract::EventBody::DelegationFinished { summary, .. } => Some(summary),
            _ => None,
        })
        .collect();
    assert_eq!((ended.len(), ended[11].as_str()), (12, "The slow one."));
    // And each result still goes to its own call.
    let told = provider.requests().into_iter().find(|request| request.results().len() == 12).unwrap();
    assert!(told.results()[0].1.contains("slow") && told.results()[1].1.contains("quick"));
}

#[tokio::test]
async fn what_a_command_prints_is_told_and_what_was_ended_is_counted() {
    let folder = Folder::new("full-c-suite");
    allow_commands(&folder);
    let text = "sleep 300 & sleep 301 & echo here; touch started; wait";
    let script = Script::default()
        .when(On::Task("Run it".into()), [Turn::tool("Bash", json!({ "command": text }))])
        .when(On::Any, [Turn::tool("delegate", json!({ "to": "cto", "task": "Run it" }))]);
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let brief = folder.brief("Go");
    let stopping = async {
        assert!(wait_for(Duration::from_secs(10), || folder.dir.join("started").exists()).await);
        host.stop.cancel();
    };
    let (ending, ()) = tokio::join!(run(&provider, &brief, &host), stopping);
    assert_eq!(ending.outcome, Outcome::Cancelled);
    assert_eq!((ending.stopped.ended, ending.stopped.forced, ending.stopped.left), (3, 0, 0));
    assert!(host.signs.load(std::sync::atomic::Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn at_most_eight_work_at_the_same_time() {
    let mut start = Turn::text("All at once.");
    for number in 0..12 {
        start = start.and_tool("delegate", json!({ "to": "cto", "task": format!("Part {number}") }));
    }
    let script = Script::default()
        .when(On::Task("Part".into()), [Turn::text("Part done.").before(Duration::from_millis(100))])
        .when(On::Any, [start, Turn::text("Done.")]);
    let folder = Folder::new("full-c-suite");
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    let (mut now, mut most) = (0, 0);
    for kind in host.kinds() {
        match kind {
            "delegation_started" => now += 1,
            "delegation_finished" => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    assert_eq!(most, 8);
}
