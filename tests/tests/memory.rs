//! What the company remembers: its journal, and conversations that were cut off.
#![cfg(target_os = "linux")]

use blackbox::{Business, SOON, WORK, wait_for};
use serde_json::{Value, json};
use testkit::{On, Provider, Script, Turn};

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_brief_is_before_the_ceo_at_the_next() -> anyhow::Result<()> {
    let script = Script::default()
        .when(
            On::Journal,
            [Turn::text("The imprint stands in docs/imprint.md; the address is open.").usage(200, 20, 0, 0)],
        )
        .when(On::Any, [Turn::text("It is written.")]);
    let provider = Provider::start(script).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Write the imprint", json!({})).await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    let list = |search: Option<&str>| json!({ "company": acme.dir.to_str().map(|dir| json!({ "dir": dir })), "search": search });
    let (all, found, missed) = (list(None), list(Some("IMPRINT address")), list(Some("rocket")));
    let journal = acme.daemon.call("journal.list", all).await?;
    let entry = &journal["entries"][0];
    assert_eq!((&entry["job_id"], &entry["title"]), (&json!(job), &json!("Write the imprint")), "{journal}");
    assert!(entry["text"].as_str().unwrap_or_default().contains("the address is open"), "{journal}");
    assert_eq!(acme.daemon.call("journal.list", found).await?["entries"].as_array().unwrap().len(), 1);
    assert_eq!(acme.daemon.call("journal.list", missed).await?["entries"], json!([]));

    let next = acme.submit("Finish it", json!({})).await?;
    acme.daemon.job(next, &["completed"], WORK).await?;
    let requests = provider.requests();
    let told = requests.iter().find(|request| request.last_user().contains("Finish it")).unwrap();
    let all = format!("{}{}", told.system(), told.body["messages"]);
    assert!(all.contains("the address is open"), "{all}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn e019_a_journal_that_cannot_be_read_stops_no_brief() -> anyhow::Result<()> {
    let provider = Provider::start(Script::of([Turn::text("It is written.")])).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Write the imprint", json!({})).await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    let database = rusqlite::Connection::open(acme.place.home().join("aicib.db"))?;
    let broken = database.execute("UPDATE journal SET files = '{\"not\": \"a list\"}'", [])?;
    assert_eq!(broken, 1);
    drop(database);
    let list = json!({ "company": acme.company() });
    assert!(acme.daemon.call("journal.list", list).await.is_err(), "it cannot be read");
    let next = acme.submit("Write the terms", json!({})).await?;
    acme.daemon.job(next, &["completed"], WORK).await?;
    let log = std::fs::read_to_string(acme.place.home().join("daemon.log"))?;
    assert!(log.contains("the journal could not be read"), "{log}");
    Ok(())
}

/// The provider refuses whatever does not fit together: a call of a tool without its result, two turns of one side.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_in_mid_delegation_leaves_a_conversation_that_goes_on() -> anyhow::Result<()> {
    let delegates = Turn::text("I look, and ask two heads.")
        .and_tool("delegate", json!({ "to": "cto", "task": "Build the page" }))
        .and_tool("delegate", json!({ "to": "cfo", "task": "Count the money" }));
    let script = Script::default()
        .when(On::Task("Build the page".into()), [Turn::text("I am building").stall_after(2)])
        .when(On::Task("Count the money".into()), [Turn::text("It is 12 dollars.")])
        .when(On::Any, [Turn::tool("List", json!({ "path": "." })), delegates]);
    let provider = Provider::start(script).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Make us a page", json!({})).await?;
    wait_for("one head to be done and one at work", WORK, async || {
        let events = acme.events(job).await?;
        let done = events.iter().any(|event| event["kind"] == "delegation_finished");
        let building = provider.requests().iter().any(|request| request.first_user().contains("Build the page"));
        Ok((done && building).then_some(()))
    })
    .await?;
    acme.crash_worker(job).await?;
    let failed = acme.daemon.job(job, &["failed"], WORK).await?;
    assert_eq!(failed["error"]["code"], "run.interrupted", "{failed}");

    let before = provider.requests().len();
    provider.play(Script::of([Turn::text("I took it up where it was, and the page is done.")]));
    let again = acme.daemon.call("job.restart", json!({ "job_id": job })).await?["job_id"].as_i64().unwrap();
    let done = acme.daemon.job(again, &["completed"], WORK).await?;
    assert!(done["answer"].as_str().unwrap_or_default().contains("took it up"), "{done}");
    let request = provider.requests().into_iter().nth(before).unwrap();
    let talk = Value::from(request.messages()).to_string();
    for part in ["Make us a page", "I look, and ask two heads.", "Interrupted", "It is 12 dollars."] {
        assert!(talk.contains(part), "{part}: {talk}");
    }
    assert!(request.messages().len() >= 5, "{talk}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_was_told_can_be_read() -> anyhow::Result<()> {
    let provider = Provider::start(Script::of([Turn::text("It is written.")])).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Write the imprint", json!({})).await?;
    acme.daemon.job(job, &["completed"], SOON).await?;
    let events = acme.events(job).await?;
    let prompt = events.iter().find(|event| event["kind"] == "prompt").cloned().unwrap_or_default();
    let request = &provider.requests()[0];
    assert_eq!(prompt["system"], request.system(), "{prompt}");
    assert!(prompt["message"].as_str().unwrap_or_default().contains("Write the imprint"), "{prompt}");
    assert_eq!(prompt["model"], request.model());
    Ok(())
}
