//! Leave to act: what an agent may not do by itself waits for the founder's yes, whichever door it comes through.
#![cfg(target_os = "linux")]

use anyhow::Context;
use blackbox::{Bus, Business, Desktop, Notified, Place, SOON, StandIns, Start, WORK, wait_for};
use serde_json::{Value, json};
use testkit::{On, Provider, Request, Script, Turn};

/// What the agent would run. It leaves a file behind, so that one sees whether it was.
const COMMAND: &str = "echo pushed > pushed.txt";

fn runs(command: &str) -> Turn {
    Turn::tool("Bash", json!({ "command": command }))
}

fn echo(request: &Request) -> Turn {
    Turn::text(format!("I was told: {}", request.last_user()))
}

/// A CEO who runs a command so often, and says what came of the last one.
fn script(times: usize) -> Script {
    let mut turns: Vec<Turn> = (0..times).map(|_| runs(COMMAND)).collect();
    turns.push(Turn::made(echo));
    Script::of(turns)
}

/// A company whose CEO asks before each command.
async fn careful(place: Place, provider: &Provider) -> anyhow::Result<Business> {
    let mut acme = Business::start_in(place, provider).await?;
    acme.configure("tools.commands", "true").await?;
    let rule = json!({ "company": acme.company(), "act": "command", "verdict": "ask", "origin": "desk" });
    acme.daemon.call("permission.set", rule).await?;
    Ok(acme)
}

async fn open_questions(acme: &mut Business) -> anyhow::Result<usize> {
    let page = acme.daemon.call("question.list", json!({ "open": true })).await?;
    Ok(page["questions"].as_array().map_or(0, Vec::len))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_a_yes_and_shows_all_of_itself() -> anyhow::Result<()> {
    let provider = Provider::start(script(1)).await;
    let mut acme = careful(Place::new()?, &provider).await?;
    let job = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    let question = acme.question(job).await?;
    assert_eq!((&question["ask"], &question["agent"]), (&json!("approval"), &json!("cto")), "{question}");
    let approval = &question["approval"];
    assert_eq!((&approval["act"], &approval["action"]), (&json!("command"), &json!(COMMAND)), "{question}");
    acme.daemon.job(job, &["waiting"], WORK).await?;
    assert!(!acme.dir.join("pushed.txt").exists(), "nothing happens before the answer");

    acme.answer(&question, "Maybe").await.unwrap_err();
    acme.answer(&question, "Allow").await?;
    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    assert_eq!(std::fs::read_to_string(acme.dir.join("pushed.txt"))?, "pushed\n", "{done}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_reaches_the_agent_with_its_reason_and_the_work_goes_on() -> anyhow::Result<()> {
    let provider = Provider::start(script(1)).await;
    let mut acme = careful(Place::new()?, &provider).await?;
    let job = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    let question = acme.question(job).await?;
    acme.answer(&question, "Deny: not on a Friday").await?;
    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    assert!(done["answer"].as_str().unwrap_or_default().contains("not on a Friday"), "{done}");
    assert!(!acme.dir.join("pushed.txt").exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn always_is_asked_once_and_holds_for_the_next_job_too() -> anyhow::Result<()> {
    let provider = Provider::start(script(2)).await;
    let mut acme = careful(Place::new()?, &provider).await?;
    let job = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    let question = acme.question(job).await?;
    acme.answer(&question, "Allow always for this agent").await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    let table = acme.daemon.call("permission.table", acme.company()).await?;
    let exact = table["rules"].as_array().context("no rules")?.iter().find(|rule| !rule["subject"].is_null());
    let exact = exact.context("the answer made no rule")?;
    assert_eq!(
        (&exact["subject"], &exact["agent"], &exact["verdict"]),
        (&json!(COMMAND), &json!("cto"), &json!("allow"))
    );

    provider.play(script(1));
    let next = acme.submit("Publish it again", json!({ "agent": "cto" })).await?;
    acme.daemon.job(next, &["completed"], WORK).await?;
    // Taken away, it is asked again.
    acme.daemon.call("rule.remove", json!({ "rule_id": exact["rule_id"] })).await?;
    provider.play(script(1));
    let last = acme.submit("And again", json!({ "agent": "cto" })).await?;
    let question = acme.question(last).await?;
    acme.answer(&question, "Deny").await?;
    acme.daemon.job(last, &["completed"], WORK).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_forbids_is_told_to_a_run_at_work() -> anyhow::Result<()> {
    let provider = Provider::start(script(2)).await;
    let mut acme = careful(Place::new()?, &provider).await?;
    let job = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    let question = acme.question(job).await?;
    let never = json!({ "company": acme.company(), "act": "command", "verdict": "deny", "origin": "desk" });
    acme.daemon.call("permission.set", never).await?;
    acme.answer(&question, "Allow").await?;
    // The first is allowed, since it was asked; the second is not asked any more.
    acme.daemon.job(job, &["completed"], WORK).await?;
    assert_eq!(open_questions(&mut acme).await?, 0);
    let finished: Vec<bool> = acme
        .events(job)
        .await?
        .iter()
        .filter(|event| event["kind"] == "tool_finished")
        .filter_map(|event| event["ok"].as_bool())
        .collect();
    assert_eq!(finished, [true, false]);
    Ok(())
}

/// Neither the daemon's end nor the worker's loses what was asked, or what was answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_for_leave_outlives_its_daemon() -> anyhow::Result<()> {
    let provider = Provider::start(script(1)).await;
    let mut acme = careful(Place::new()?, &provider).await?;
    let job = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    let question = acme.question(job).await?;
    acme.crash_daemon().await?;
    assert_eq!(acme.question(job).await?["approval"], question["approval"]);
    acme.answer(&question, "Allow").await?;
    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    assert_eq!(done["attempts"], 1);
    assert!(acme.dir.join("pushed.txt").exists());
    Ok(())
}

/// After the founder's time for it is over the answer is no, whoever was away meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_waits_too_long_is_denied() -> anyhow::Result<()> {
    let provider = Provider::start(script(1)).await;
    let mut acme = careful(Place::new()?, &provider).await?;
    acme.daemon.set(json!({ "approval_minutes": 60 })).await?;
    let job = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    let question = acme.question(job).await?;
    // An hour later, as far as the daemon that is started next can tell.
    let database = rusqlite::Connection::open(acme.place.home().join("aicib.db"))?;
    database.busy_timeout(SOON)?;
    database.execute("UPDATE questions SET asked_at = asked_at - 3600001", [])?;
    drop(database);
    acme.crash_daemon().await?;
    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    assert!(done["answer"].as_str().unwrap_or_default().contains("60 minutes"), "{done}");
    assert!(!acme.dir.join("pushed.txt").exists());
    let closed = acme.answer(&question, "Allow").await.unwrap_err().to_string();
    assert!(closed.contains("nobody did in time"), "{closed}");
    Ok(())
}

/// Text that was made to mislead is shown for what it is.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_hides_in_what_is_asked() -> anyhow::Result<()> {
    let hostile = format!("echo tidy{}; rm -rf \u{202e}secret\u{200b} # \u{1b}[2K\r all good", " ".repeat(10_000));
    let provider = Provider::start(Script::of([runs(&hostile), Turn::made(echo)])).await;
    let mut acme = careful(Place::new()?, &provider).await?;
    let job = acme.submit("Tidy up", json!({ "agent": "cto" })).await?;
    let question = acme.question(job).await?;
    let action = question["approval"]["action"].as_str().context("no action")?;
    for shown in ["rm -rf", "⟨10000 blanks⟩", "⟨U+202E⟩", "⟨U+200B⟩", "⟨U+001B⟩", "⟨U+000D⟩"] {
        assert!(action.contains(shown), "{shown} in {action}");
    }
    assert!(!action.contains(['\u{202e}', '\u{200b}', '\u{1b}', '\r']));
    acme.answer(&question, "Deny").await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    Ok(())
}

/// What a confined command starts can neither say yes in the founder's name, nor read what would let it.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_cannot_allow_itself_anything() -> anyhow::Result<()> {
    let place = Place::new()?;
    let home = place.home();
    let aicib = blackbox::binary("aicib")?;
    let tries = format!(
        "AICIB_HOME={home} {aicib} approve 1; echo approved=$?; cat {home}/credential; echo credential=$?; \
         ls {home}/runs; echo runs=$?; cat /proc/$PPID/environ > /dev/null; \
         (for pid in /proc/[0-9]*; do tr '\\0' '\\n' < $pid/environ; done) 2>/dev/null | grep -c sk-ant-test; \
         python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"{home}/aicib.sock\"); print(\"in\")'; \
         echo socket=$?",
        home = home.display(),
        aicib = aicib.display(),
    );
    let asks = On::Task("Publish".into());
    let provider = Provider::start(
        Script::default().when(asks, [runs(COMMAND), Turn::made(echo)]).when(On::Any, [runs(&tries), Turn::made(echo)]),
    )
    .await;
    let mut acme = careful(place, &provider).await?;
    let victim = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    let question = acme.question(victim).await?;
    for act in ["command", "network", "publish", "write_elsewhere", "spend"] {
        let free = json!({ "company": acme.company(), "agent": "backend-engineer", "act": act, "verdict": "allow",
                           "origin": "desk" });
        acme.daemon.call("permission.set", free).await?;
    }
    let thief = acme.submit("Look around", json!({ "agent": "backend-engineer" })).await?;
    let done = acme.daemon.job(thief, &["completed"], WORK).await?;
    let said = done["answer"].as_str().unwrap_or_default();
    for tried in ["approved=", "credential=", "runs=", "socket="] {
        let status =
            said.split(tried).nth(1).and_then(|rest| rest.split_whitespace().next()).context(said.to_owned())?;
        assert_ne!(status, "0", "{tried} {said}");
    }
    let credential = std::fs::read_to_string(home.join("credential"))?;
    assert!(!said.contains(credential.trim()), "{said}");
    assert_eq!(acme.question(victim).await?["question_id"], question["question_id"], "nobody has answered");
    acme.answer(&question, "Deny").await?;
    acme.daemon.job(victim, &["completed"], WORK).await?;
    Ok(())
}

/// The labels of a notification's buttons; a click on it as a whole is none.
fn buttons(told: &Notified) -> Vec<&str> {
    let actions = told.actions.chunks(2).filter(|action| action[0] != "default");
    actions.filter_map(|action| action.get(1).map(String::as_str)).collect()
}

/// Allow and Deny stand on a notification where all of the act fits, and count.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_by_a_notifications_button() -> anyhow::Result<()> {
    let long = format!("echo {} > long.txt", "x".repeat(400));
    let turns = [runs(COMMAND), runs(&long), Turn::made(echo)];
    let provider = Provider::start(Script::of(turns)).await;
    let mut place = Place::new()?;
    let bus = Bus::start(&mut place)?;
    let stand_ins = StandIns::start(&bus).await?;
    let mut acme = careful(place, &provider).await?;
    let job = acme.submit("Publish the page", json!({ "agent": "cto" })).await?;
    acme.question(job).await?;
    let told = stand_ins.notification("echo pushed", SOON).await?;
    assert_eq!(buttons(&told), ["Allow", "Deny", "Review"]);
    stand_ins.invoke(told.id, "allow").await?;

    // What does not fit is reviewed first.
    let told = stand_ins.notification("More than fits here", SOON).await?;
    assert_eq!(buttons(&told), ["Review"]);
    assert!(acme.dir.join("pushed.txt").exists());
    let question = acme.question(job).await?;
    acme.answer(&question, "Deny").await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    let all = acme.daemon.call("question.list", json!({ "job_id": job })).await?;
    let doors: Vec<&Value> =
        all["questions"].as_array().context("none")?.iter().map(|one| &one["answered_by"]).collect();
    assert_eq!(doors, ["desk", "notification"]);
    Ok(())
}

/// In the window, on the question's card.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_in_the_window() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 8.0 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let job = daemon.brief(&dir, "Write the imprint, and approve me").await?;
    let action = page.part("approval-action").await?.text().await?;
    let asked = daemon.call("question.list", json!({ "job_id": job, "open": true })).await?;
    assert_eq!(json!(action), asked["questions"][0]["approval"]["action"], "{asked}");
    page.click("approval-allow").await?;
    daemon.job(job, &["completed"], WORK).await?;
    let all = daemon.call("question.list", json!({ "job_id": job })).await?;
    let first = &all["questions"][0];
    assert_eq!((&first["answer"], &first["answered_by"]), (&json!("Allow"), &json!("desk")), "{all}");
    wait_for("the card to go", SOON, async || Ok((!page.has("approval-allow").await?).then_some(()))).await?;
    Ok(())
}

/// With the app there it is the app that shows the notification; its buttons count as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_by_the_apps_notification() -> anyhow::Result<()> {
    let provider = Provider::start(script(1)).await;
    let mut stage = Desktop::stage(Start::default()).await?;
    stage.place.set("ANTHROPIC_BASE_URL", provider.url());
    stage.launch(&["--hidden"])?;
    let mut daemon = stage.daemon().await?;
    let dir = stage.company_dir("acme")?;
    let company = json!({ "dir": dir });
    let found = json!({ "name": "Acme", "dir": dir, "structure": "full-c-suite", "engine": "anthropic-api" });
    daemon.call("company.create", found).await?;
    let key = json!({ "provider": "anthropic", "key": "sk-ant-test-key-0001", "storage": "session" });
    daemon.call("key.set", key).await?;
    let ask = json!({ "company": company, "act": "command", "verdict": "ask", "origin": "desk" });
    daemon.call("permission.set", ask).await?;
    wait_for("the app", SOON, async || {
        let status = daemon.call("daemon.status", json!({})).await?;
        Ok((status["desktop"] == true).then_some(()))
    })
    .await?;
    let brief = json!({ "company": company, "directive": "Publish the page", "agent": "cto", "origin": "client",
                        "start_session": true });
    let job = daemon.call("job.submit", brief).await?["job_id"].as_i64().context("no number")?;
    let stand_ins = stage.stand_ins.as_ref().context("no stand-ins")?;
    let told = stand_ins.notification("echo pushed", SOON).await?;
    assert_eq!(buttons(&told), ["Allow", "Deny", "Review"]);
    stand_ins.invoke(told.id, "deny").await?;
    daemon.job(job, &["completed"], WORK).await?;
    let all = daemon.call("question.list", json!({ "job_id": job })).await?;
    let first = &all["questions"][0];
    assert_eq!((&first["answer"], &first["answered_by"]), (&json!("Deny"), &json!("notification")), "{all}");
    assert!(!dir.join("pushed.txt").exists());
    Ok(())
}
