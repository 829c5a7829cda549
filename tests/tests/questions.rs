//! What the founder is asked, and what the founder has to say, while a brief is under way.
#![cfg(target_os = "linux")]

use std::time::Duration;

use blackbox::{Bus, Business, Daemon, Place, SOON, StandIns, WORK, wait_for};
use serde_json::{Value, json};
use testkit::{Provider, Request, Script, Turn};

/// A CEO who asks once, and says what it was told.
fn asking() -> Script {
    let ask = json!({ "question": "Which colour shall the page have?", "detail": "Both are ready.",
                      "options": ["Blue", "Red"] });
    Script::of([Turn::tool("ask_founder", ask), Turn::made(echo)])
}

fn echo(request: &Request) -> Turn {
    Turn::text(format!("I was told: {}", request.last_user()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_counts_and_whoever_is_late_hears_who_was_first() -> anyhow::Result<()> {
    let provider = Provider::start(asking()).await;
    let mut acme = Business::start(&provider).await?;
    let mut desk = Daemon::connect(&acme.place.home(), SOON).await?;
    desk.call("desk.subscribe", acme.company()).await?;
    let job = acme.submit("Make a page", json!({})).await?;
    let question = acme.question(job).await?;
    assert_eq!(question["options"], json!(["Blue", "Red"]));
    assert_eq!((&question["agent"], &question["ask"]), (&json!("ceo"), &json!("decision")));
    acme.daemon.job(job, &["waiting"], WORK).await?;
    let told = tokio::time::timeout(SOON, questions_of(&mut desk, 1)).await??;
    assert_eq!(told[0]["question_id"], question["question_id"]);
    let company = acme.company();
    let shown = acme.daemon.call("desk.get", company.clone()).await?;
    assert_eq!(shown["questions"][0]["text"], "Which colour shall the page have?", "{shown}");

    let wrong = acme.answer(&question, "Green").await.unwrap_err().to_string();
    assert!(wrong.contains("Blue"), "{wrong}");
    let answered = acme.answer(&question, "Blue").await?;
    assert_eq!((&answered["answer"], &answered["answered_by"]), (&json!("Blue"), &json!("desk")));
    let late = json!({ "question_id": question["question_id"], "answer": "Red", "origin": "cli" });
    let late = desk.call("question.answer", late).await.unwrap_err().to_string();
    assert!(late.contains("question.closed") && late.contains("Blue"), "{late}");

    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    let answer = done["answer"].as_str().unwrap_or_default();
    assert!(answer.contains("Blue") && !answer.contains("Red"), "{answer}");
    let shown = acme.daemon.call("desk.get", company).await?;
    assert_eq!(shown["questions"], json!([]));
    let kinds = acme.events(job).await?;
    assert!(kinds.iter().any(|event| event["kind"] == "answered" && event["answer"] == "Blue"));
    Ok(())
}

/// The open questions of the next change that has as many.
async fn questions_of(desk: &mut Daemon, count: usize) -> anyhow::Result<Vec<Value>> {
    loop {
        let change = desk.note("desk.changed").await?;
        if let Some(questions) = change["questions"].as_array()
            && questions.len() == count
        {
            return Ok(questions.clone());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_outlives_its_daemon_and_is_answered_to_the_next() -> anyhow::Result<()> {
    let provider = Provider::start(asking()).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Make a page", json!({})).await?;
    let question = acme.question(job).await?;
    acme.crash_daemon().await?;
    acme.answer(&question, "Red").await?;
    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    assert!(done["answer"].as_str().unwrap_or_default().contains("Red"), "{done}");
    assert_eq!(done["attempts"], 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_for_a_run_that_has_ended() -> anyhow::Result<()> {
    let provider = Provider::start(asking()).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Make a page", json!({})).await?;
    let question = acme.question(job).await?;
    acme.daemon.call("job.cancel", json!({ "job_id": job })).await?;
    let company = acme.company();
    let desk = acme.daemon.call("desk.get", company).await?;
    assert_eq!(desk["questions"], json!([]));
    let late = acme.answer(&question, "Blue").await.unwrap_err().to_string();
    assert!(late.contains("question.closed"), "{late}");
    let all = acme.daemon.call("question.list", json!({ "job_id": job })).await?;
    assert!(!all["questions"][0]["closed_at"].is_null() && all["questions"][0]["answer"].is_null(), "{all}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_reaches_the_ceo_before_its_next_call() -> anyhow::Result<()> {
    let first = Turn::text("I begin.").and_tool("List", json!({ "path": "." })).before(Duration::from_secs(3));
    let provider = Provider::start(Script::of([first, Turn::made(echo)])).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Write a headline", json!({})).await?;
    let queued = acme.submit("Write another", json!({ "queue": true })).await?;
    wait_for("the first call", SOON, async || Ok((!provider.requests().is_empty()).then_some(()))).await?;
    let more = |job: i64| json!({ "job_id": job, "text": "Use the second headline" });
    acme.daemon.call("job.follow_up", more(job)).await?;
    let not_begun = acme.daemon.call("job.follow_up", more(queued)).await.unwrap_err().to_string();
    assert!(not_begun.contains("job.not_begun") && not_begun.contains("aicib cancel"), "{not_begun}");
    let empty = acme.daemon.call("job.follow_up", json!({ "job_id": job, "text": " \n" })).await;
    assert!(empty.is_err());

    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    let answer = done["answer"].as_str().unwrap_or_default();
    assert!(answer.contains("Use the second headline"), "{answer}");
    let events = acme.events(job).await?;
    let said = events.iter().find(|event| event["kind"] == "follow_up").unwrap();
    let taken = events.iter().find(|event| event["kind"] == "follow_up_taken").unwrap();
    assert_eq!(taken["seqs"], json!([said["seq"]]), "once");
    let ended = acme.daemon.call("job.follow_up", more(job)).await.unwrap_err().to_string();
    assert!(ended.contains("job.final"), "{ended}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_told_natively_and_again_after_a_restart() -> anyhow::Result<()> {
    let provider = Provider::start(asking()).await;
    let mut place = Place::new()?;
    let bus = Bus::start(&mut place)?;
    let stand_ins = StandIns::start(&bus).await?;
    let mut acme = Business::start_in(place, &provider).await?;
    let job = acme.submit("Make a page", json!({})).await?;
    let question = acme.question(job).await?;
    let told = stand_ins.notification("Which colour", SOON).await?;
    assert!(told.body.contains("waits for you"), "{told:?}");
    assert!(told.actions.chunks(2).any(|action| action == ["open", "Review"]), "{told:?}");
    let about = || stand_ins.notified().into_iter().filter(|told| told.summary.contains("colour")).count();
    assert_eq!(about(), 1);
    acme.crash_daemon().await?;
    wait_for("the question to be told again", SOON, async || Ok((about() == 2).then_some(()))).await?;
    acme.answer(&question, "Blue").await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    stand_ins.notification("Done", SOON).await?;
    acme.crash_daemon().await?;
    assert_eq!(about(), 2, "what is answered is not told again");
    Ok(())
}
