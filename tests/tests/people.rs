//! Who works in a company: heads that are briefed directly, agents that come and go, and a folder that is changed by
//! hand.
#![cfg(target_os = "linux")]

use std::fs;

use blackbox::{Business, Daemon, SOON, Terminal, WORK, wait_for};
use serde_json::{Value, json};
use testkit::{On, Provider, Script, Turn};

/// The way a founder of the original has written it: with remarks, in an order of its own, with sections that nobody
/// here knows.
const ORIGINAL: &str = "# Our company. Edited by hand!\ncompany:\n    name:   'Acme'   # the short one\n    template: saas-startup\n\
    engine: {mode: practice}\n\nsettings:\n  cost_limit_daily: 50\n  cost_limit_monthly: 500   # ask Ann first\n\
    our_own_section:\n- [1, 2 , 3]\n- \"as: it is\"\n\nagents:\n  ceo: {enabled: true, model: opus}\n\n# the end";

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_briefed_directly_while_the_ceo_works() -> anyhow::Result<()> {
    let script = Script::default()
        .when(On::Task("Plan the year".into()), [Turn::text("A long plan").stall_after(2)])
        .when(On::Task("Check the invoices".into()), [Turn::text("All invoices are paid.")]);
    let provider = Provider::start(script).await;
    let mut acme = Business::start(&provider).await?;
    let of_ceo = acme.submit("Plan the year", json!({})).await?;
    wait_for("the CEO's call", SOON, async || Ok((!provider.requests().is_empty()).then_some(()))).await?;

    let of_cfo = acme.submit("Check the invoices", json!({ "agent": "cfo", "start_session": false })).await?;
    let done = acme.daemon.job(of_cfo, &["completed"], WORK).await?;
    assert_eq!((&done["agent"], &done["answer"]), (&json!("cfo"), &json!("All invoices are paid.")));
    let busy = acme.daemon.call("job.get", json!({ "job_id": of_ceo })).await?;
    assert_eq!((&busy["agent"], &busy["state"]), (&json!("ceo"), &json!("running")));
    assert_ne!(busy["session_id"], done["session_id"], "a conversation of its own");
    let request = provider.requests().into_iter().find(|request| request.first_user().contains("invoices")).unwrap();
    assert!(request.first_user().contains(&acme.dir.display().to_string()), "E008");
    let company = acme.company();
    let desk = acme.daemon.call("desk.get", company.clone()).await?;
    assert_eq!(desk["session"]["agent"], "ceo");

    // Its next brief goes on where it was; the CEO's conversation is another.
    let again = acme.submit("Check the invoices again", json!({ "agent": "cfo" })).await?;
    let done_again = acme.daemon.job(again, &["completed"], WORK).await?;
    assert_eq!(done_again["session_id"], done["session_id"]);

    let stopped = acme.daemon.call("session.stop", company.clone()).await?;
    assert_eq!(stopped["session"]["agent"], "ceo");
    assert_eq!(stopped["cancelled"][0]["job_id"], of_ceo, "{stopped}");
    let sessions = acme.daemon.call("session.list", json!({ "company": company })).await?;
    let open = |session: &&Value| session["closed_at"].is_null();
    assert_eq!(sessions["sessions"].as_array().unwrap().iter().filter(open).count(), 0, "all are closed: {sessions}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_briefed_who_is_not_there_or_is_switched_off() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let mut daemon = terminal.daemon().await?;
    let company = json!({ "dir": terminal.company() });
    let to = |agent: &str| {
        json!({ "company": company, "directive": "Write a page", "origin": "client", "agent": agent,
                "start_session": true })
    };
    let unknown = daemon.call("job.submit", to("astronaut")).await.unwrap_err().to_string();
    assert!(unknown.contains("agent.not_found") && unknown.contains("cto"), "{unknown}");
    daemon.call("agent.set", json!({ "company": company, "role": "cto", "enabled": false })).await?;
    let off = daemon.call("job.submit", to("cto")).await.unwrap_err().to_string();
    assert!(off.contains("switched off") && off.contains("aicib agent"), "{off}");
    let jobs = daemon.call("job.list", json!({})).await?;
    assert_eq!(jobs["jobs"], json!([]), "nothing was stored");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_come_change_and_go() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let mut daemon = terminal.daemon().await?;
    let company = json!({ "dir": terminal.company() });
    let new = json!({ "company": company, "role": "data-scientist", "name": "Ada", "reports_to": "cto" });
    let added = daemon.call("agent.add", new.clone()).await?;
    assert_eq!((&added["agent"]["name"], &added["agent"]["reports_to"]), (&json!("Ada"), &json!("cto")), "{added}");
    let twice = daemon.call("agent.add", new).await.unwrap_err().to_string();
    assert!(twice.contains("agent.exists"), "{twice}");

    let config = terminal.company().join("aicib.config.yaml");
    let before = fs::read_to_string(&config)?;
    let change = json!({ "company": company, "role": "data-scientist", "limit_usd": 2.5, "autonomy": "guided",
                         "skills": ["code-review"], "persona": "technical" });
    let set = daemon.call("agent.set", change).await?;
    let agent = &set["agent"];
    assert_eq!((&agent["limit_usd"], &agent["autonomy"]), (&json!(2.5), &json!("guided")), "{agent}");
    assert_eq!((&agent["persona"], &agent["name"]), (&json!("technical"), &json!("Ada")), "{agent}");
    let after = fs::read_to_string(&config)?;
    let kept = before.lines().filter(|line| !after.lines().any(|other| other == *line)).count();
    assert!(kept <= 1, "only what was changed is: {after}");
    let below = daemon.call("agent.set", json!({ "company": company, "role": "cto", "limit_usd": -1 })).await;
    assert!(below.is_err(), "no limit is below zero");

    let text = added["text"].as_str().unwrap().replace("Ada", "Grace");
    let of = json!({ "company": company, "role": "data-scientist", "text": format!("{text}\nYou love tables.\n") });
    let preview = daemon.call("agent.preview", of).await?;
    assert!(preview["prompt"].as_str().unwrap().contains("You love tables."), "{preview}");
    let still = daemon.call("agent.get", json!({ "company": company, "role": "data-scientist" })).await?;
    assert!(!still["text"].as_str().unwrap().contains("You love tables."), "a preview writes nothing");

    let left = daemon.call("agent.remove", json!({ "company": company, "role": "data-scientist" })).await?;
    assert!(!left["agents"].as_array().unwrap().iter().any(|agent| agent["role"] == "data-scientist"), "{left}");
    let kept = fs::read_dir(terminal.company().join(".claude/agents/.removed"))?.count();
    assert_eq!(kept, 1, "its file is put aside");
    let ceo = daemon.call("agent.remove", json!({ "company": company, "role": "ceo" })).await;
    assert!(ceo.is_err(), "nobody else takes briefs");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_folders_config_is_byte_for_byte_the_same_after_a_brief() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let config = terminal.company().join("aicib.config.yaml");
    fs::write(&config, ORIGINAL)?;
    let agents = || -> anyhow::Result<Vec<(std::path::PathBuf, Vec<u8>)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(terminal.company().join(".claude/agents"))? {
            let path = entry?.path();
            files.push((path.clone(), fs::read(path)?));
        }
        files.sort();
        Ok(files)
    };
    let before = agents()?;
    terminal.run(&["start"])?.good()?;
    terminal.run(&["brief", "Write a company description"])?.good()?;
    assert_eq!(fs::read_to_string(&config)?, ORIGINAL);
    assert_eq!(agents()?, before);
    // What the founder changes is changed, and nothing else.
    terminal.run(&["config", "set", "settings.cost_limit_daily", "20"])?.good()?;
    assert_eq!(fs::read_to_string(&config)?, ORIGINAL.replace("cost_limit_daily: 50", "cost_limit_daily: 20"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_hand_is_shown_at_once_and_one_that_breaks_is_told() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let company = json!({ "dir": terminal.company() });
    let mut desk = terminal.daemon().await?;
    desk.call("desk.subscribe", company.clone()).await?;
    let mut daemon = terminal.daemon().await?;
    let config = terminal.company().join("aicib.config.yaml");
    let text = fs::read_to_string(&config)?;

    let named = |name: &str| text.replacen("name: Acme", &format!("name: {name}"), 1);
    assert_ne!(named("Zenith"), text, "{text}");
    until(
        &mut desk,
        &mut daemon,
        &company,
        || fs::write(&config, named("Zenith")),
        |desk| desk["company"]["name"] == "Zenith",
    )
    .await?;
    until(
        &mut desk,
        &mut daemon,
        &company,
        || fs::write(&config, "company: [oh no"),
        |desk| !desk["company"]["problem"].is_null(),
    )
    .await?;
    let refused = terminal.run(&["brief", "-b", "Write a page"])?;
    assert_ne!(refused.code, 0, "{refused:?}");
    until(
        &mut desk,
        &mut daemon,
        &company,
        || fs::write(&config, named("Nadir")),
        |desk| desk["company"]["name"] == "Nadir" && desk["company"]["problem"].is_null(),
    )
    .await?;
    terminal.run(&["brief", "Write a page"])?.good()?;
    let ceo = terminal.company().join(".claude/agents/ceo.md");
    until(
        &mut desk,
        &mut daemon,
        &company,
        || fs::remove_file(&ceo),
        |desk| !desk["team"].as_array().unwrap().iter().any(|agent| agent["role"] == "ceo"),
    )
    .await
}

/// Changes something, and waits until the Desk was told to read itself anew and shows it.
async fn until(
    desk: &mut Daemon,
    daemon: &mut Daemon,
    company: &Value,
    change: impl FnOnce() -> std::io::Result<()>,
    shows: impl Fn(&Value) -> bool,
) -> anyhow::Result<()> {
    change()?;
    let told = async {
        loop {
            if desk.note("desk.changed").await?["reload"] == true
                && shows(&daemon.call("desk.get", company.clone()).await?)
            {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(SOON, told).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_a_greeting() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let mut daemon = terminal.daemon().await?;
    let company = json!({ "dir": terminal.company() });
    let session = daemon.call("session.start", company.clone()).await?;
    let greeting = session["greeting"].as_str().unwrap_or_default();
    assert!(greeting.contains("Acme") && greeting.lines().count() == 1, "{session}");
    let active = daemon.call("session.start", company.clone()).await.unwrap_err().to_string();
    assert!(active.contains("session.active"), "E001: {active}");
    let list = daemon.call("session.list", json!({ "company": company })).await?;
    assert!(list["sessions"][0]["greeting"].is_null(), "only where it begins: {list}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_tasks_is_stored_whole_or_not_at_all() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let mut daemon = terminal.daemon().await?;
    let list = |text: &str, keep_going: bool| {
        json!({ "company": { "dir": terminal.company() }, "file": "tasks.md", "text": text, "origin": "client",
                "keep_going": keep_going })
    };
    let stored =
        daemon.call("job.submit_list", list("1. Write a page\n2. Write a flyer\n3. Write a poster\n", false)).await?;
    let jobs = stored["jobs"].as_array().unwrap().clone();
    assert_eq!(jobs.len(), 3, "{stored}");
    assert_eq!(jobs[1]["after_job_id"], jobs[0]["job_id"]);
    assert_eq!(jobs[2]["after_job_id"], jobs[1]["job_id"]);
    for job in &jobs {
        daemon.job(job["job_id"].as_i64().unwrap(), &["completed"], WORK).await?;
    }
    let side_by_side = daemon.call("job.submit_list", list("1. Write a page\n2. Write a flyer\n", true)).await?;
    assert!(side_by_side["jobs"][1]["after_job_id"].is_null(), "{side_by_side}");
    let before = daemon.call("job.stats", json!({})).await?["total"].clone();
    let bad = daemon.call("job.submit_list", list("1. Write a page\n2. \u{1}\u{2}\n3. Write a poster\n", false)).await;
    let none = daemon.call("job.submit_list", list("nothing here", false)).await;
    assert!(bad.is_err() && none.is_err(), "{bad:?} {none:?}");
    assert_eq!(daemon.call("job.stats", json!({})).await?["total"], before);
    Ok(())
}

/// E029: a foreground brief that fails after its row exists says so in the terminal, in the log and on the CEO.
#[tokio::test(flavor = "multi_thread")]
async fn e029_a_foreground_brief_that_fails_is_failed_everywhere() -> anyhow::Result<()> {
    let refused = Turn::error(401, "authentication_error", "invalid x-api-key");
    let provider = Provider::start(Script::of([refused])).await;
    let mut acme = Business::start(&provider).await?;
    let run = |acme: &Business, args: &[&str]| -> anyhow::Result<(bool, String)> {
        let output = acme.place.aicib(args)?.current_dir(&acme.dir).output()?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
    };
    assert!(run(&acme, &["start"])?.0);
    let (good, said) = run(&acme, &["brief", "Write a page"])?;
    assert!(!good && said.contains("key"), "{said}");
    let company = acme.company();
    let desk = acme.daemon.call("desk.get", company).await?;
    assert_eq!((&desk["team"][0]["role"], &desk["team"][0]["state"]), (&json!("ceo"), &json!("error")), "{desk}");
    let (_, log) = run(&acme, &["logs", "1"])?;
    assert!(log.to_lowercase().contains("failed") && log.contains("key"), "{log}");
    Ok(())
}
