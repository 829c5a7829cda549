//! Questions, answers, and more to a job at work, from the terminal.
#![cfg(target_os = "linux")]

use blackbox::{SOON, Terminal, wait_for};
use serde_json::{Value, json};
use testkit::{Provider, Request, Script, Turn};

/// An agent who asks which name it is, and says what it was told.
fn asks() -> Script {
    let question = json!({
        "question": "Which of the two names is ours?",
        "detail": "The imprint says one, the letterhead the other.",
        "options": ["Acme", "Acme Labs"],
    });
    Script::of([Turn::tool("ask_founder", question), Turn::made(heard)])
}

fn heard(request: &Request) -> Turn {
    Turn::text(format!("So it is: {}", request.last_user()))
}

/// Waits until so many questions are open.
async fn open(terminal: &Terminal, number: usize) -> anyhow::Result<Vec<Value>> {
    wait_for("the question", SOON, async || {
        let page = terminal.run(&["questions", "--json"])?.json()?;
        let questions = page["questions"].as_array().cloned().unwrap_or_default();
        Ok((questions.len() == number).then_some(questions))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_until_it_is_answered_and_the_work_goes_on() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    assert!(terminal.run(&["questions"])?.good()?.contains("Nothing waits"));
    assert!(terminal.run(&["answer", "Acme"])?.refused(1)?.contains("Nothing waits"));
    terminal.run(&["brief", "-b", "Print the letterhead"])?.good()?;
    let asked = open(&terminal, 1).await?;
    assert_eq!(asked[0]["job_id"], 1, "{asked:?}");
    let number = asked[0]["question_id"].to_string();

    let status = terminal.run(&["status"])?.good()?;
    let (question, engine) = (status.find("Which of the two names"), status.find("Engine"));
    assert!(question.is_some() && question < engine, "what waits stands first: {status}");
    let out = terminal.run(&["questions"])?.good()?;
    for part in
        ["CEO asks you", "job #1", "the letterhead the other", "2  Acme Labs", &format!("`aicib answer {number}`")]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    for args in [&["answer", "Maybe"][..], &["answer", &number, "3"], &["answer"], &["answer", &number]] {
        let said = terminal.run(args)?.refused(2)?;
        assert!(said.contains("1 “Acme”, 2 “Acme Labs”"), "{said}");
    }
    assert!(terminal.run(&["answer", "9999", "Acme"])?.refused(1)?.contains("no question 9999"));
    assert!(terminal.run(&["answer", "9999"])?.refused(1)?.contains("9999"), "a number alone is a question's");
    let answered = terminal.run(&["answer", &number, "2", "--json"])?.json()?;
    assert_eq!((&answered["answer"], &answered["answered_by"]), (&json!("Acme Labs"), &json!("cli")));
    terminal.run(&["wait", "1"])?.good()?;
    let job = terminal.run(&["status", "--json", "--job", "1"])?.json()?;
    assert!(job["answer"].as_str().is_some_and(|answer| answer.contains("Acme Labs")), "{job}");
    let log = terminal.run(&["logs"])?.good()?;
    assert!(
        log.contains("asks you: Which of the two") && log.contains("You  answer in a terminal: Acme Labs"),
        "{log}"
    );

    let said = terminal.run(&["answer", &number, "Acme"])?.refused(1)?;
    assert!(said.contains("already") && said.contains("Acme Labs"), "it says what the answer was: {said}");
    assert!(terminal.run(&["questions"])?.good()?.contains("Nothing waits"));
    let all = terminal.run(&["questions", "--all"])?.good()?;
    assert!(all.contains("was answered in a terminal: “Acme Labs”"), "{all}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn which_question_and_which_job_is_not_guessed() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    terminal.run(&["brief", "-b", "Print the letterhead"])?.good()?;
    let out = terminal.run(&["brief", "-b", "--to", "cto", "Print the sign on the door"])?.good()?;
    assert!(out.contains("The CTO is working on it. Job #2"), "{out}");
    let asked = open(&terminal, 2).await?;
    let of_the_head = asked.iter().find(|question| question["job_id"] == 2).map(|question| &question["question_id"]);
    let of_the_head = of_the_head.map(ToString::to_string).unwrap_or_default();
    let said = terminal.run(&["answer", "Acme"])?.refused(2)?;
    assert!(said.contains("2 questions are open") && said.contains(&format!("{of_the_head} “Which")), "{said}");
    let said = terminal.run(&["say", "Hurry"])?.refused(2)?;
    assert!(said.contains("#1") && said.contains("#2") && said.contains("`aicib say 1"), "{said}");
    let sessions = terminal.run(&["session", "list"])?.good()?;
    assert!(sessions.contains("CTO: Print the sign"), "a head has a session of its own: {sessions}");
    terminal.run_with(&["answer", &of_the_head, "-"], b"acme labs\n")?.good()?;
    terminal.run(&["answer", "Acme"])?.good()?;
    for job in ["1", "2"] {
        terminal.run(&["wait", job])?.good()?;
    }
    let to_the_head = terminal.run(&["status", "--job", "2"])?.good()?;
    assert!(to_the_head.contains("to the CTO"), "{to_the_head}");
    assert_eq!(terminal.run(&["brief", "-b", "--to", "nobody", "x"])?.code, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_a_job_at_work_is_heard_before_the_next_call() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    assert!(terminal.run(&["say", "Hurry"])?.refused(1)?.contains("Nobody is at work"));
    terminal.run(&["brief", "-b", "Print the letterhead"])?.good()?;
    open(&terminal, 1).await?;
    let out = terminal.run(&["say", "Use the second headline"])?.good()?;
    assert_eq!(out.trim(), "The CEO of job #1 is told before the next call.");
    terminal.run_with(&["say", "1", "-"], b"And blue ink.\n")?.good()?;
    terminal.run(&["answer", "Acme"])?.good()?;
    terminal.run(&["wait", "1"])?.good()?;
    let heard = provider.requests().last().map(|request| request.last_user()).unwrap_or_default();
    assert!(heard.contains("Use the second headline") && heard.contains("And blue ink."), "{heard}");
    let log = terminal.run(&["logs"])?.good()?;
    assert!(log.contains("You  say: Use the second headline") && log.contains("has heard what you said"), "{log}");
    let said = terminal.run(&["say", "1", "Too late"])?.refused(1)?;
    assert!(said.contains("brief"), "{said}");
    terminal.run(&["say", "99", "Hello"])?.refused(1)?;
    terminal.run(&["say", "1", ""])?.refused(1)?;
    terminal.run(&["say", "seven", "Hello"])?.refused(2)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_without_a_terminal_hears_where_to_answer() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    let mut brief = terminal.watch(&["brief", "Print the letterhead"])?;
    brief.until("asks you: Which of the two names")?;
    brief.until_complaint("Answer it with `aicib answer")?;
    terminal.run(&["answer", "Acme"])?.good()?;
    brief.until("You  answer in a terminal: Acme")?;
    let ran = brief.ended().await?;
    assert!(ran.code == 0 && ran.out.contains("Job #1 completed"), "{ran:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brief_that_reaches_its_limit_asks_and_goes_on_when_it_may() -> anyhow::Result<()> {
    let provider = Provider::start(Script::of([Turn::text("The page is written.")])).await;
    let terminal = Terminal::with_provider(&provider)?;
    terminal.run(&["brief", "-b", "--max-cost", "0.0001", "Write a page"])?.good()?;
    let asked = open(&terminal, 1).await?;
    assert_eq!((&asked[0]["ask"], provider.requests().len()), (&json!("limit"), 0), "nothing is called: {asked:?}");
    let out = terminal.run(&["questions"])?.good()?;
    assert!(out.contains("has reached a limit") && out.contains("1  Go on up to $") && out.contains("2  End"), "{out}");
    terminal.run(&["answer", "go on"])?.good()?;
    terminal.run(&["wait", "1", "--timeout", "1m"])?.good()?;
    assert_eq!(terminal.run(&["status", "--json", "--job", "1"])?.json()?["answer"], "The page is written.");

    terminal.run(&["brief", "-b", "--max-cost", "0.0001", "Write another page"])?.good()?;
    open(&terminal, 1).await?;
    terminal.run(&["answer", "End"])?.good()?;
    assert_eq!(terminal.run(&["wait", "2", "--timeout", "1m"])?.code, 1);
    let job = terminal.run(&["status", "--json", "--job", "2"])?.json()?;
    assert_eq!((&job["state"], &job["error"]["code"]), (&json!("failed"), &json!("budget.brief_reached")), "{job}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exact_prompts_can_be_read() -> anyhow::Result<()> {
    let provider = Provider::start(Script::of([Turn::text("The page is written.")])).await;
    let terminal = Terminal::with_provider(&provider)?;
    terminal.run(&["brief", "Write a page"])?.good()?;
    let sent = provider.requests().first().map(|request| (request.system(), request.first_user()));
    let (system, first) = sent.unwrap_or_default();
    let out = terminal.run(&["logs", "--prompt"])?.good()?;
    assert!(out.contains(system.trim()) && out.contains(first.trim()), "to the letter: {out}");
    let event: Value = serde_json::from_str(terminal.run(&["logs", "--prompt", "--json"])?.good()?.trim())?;
    assert_eq!((event["system"].as_str(), &event["kind"]), (Some(system.as_str()), &json!("prompt")));
    assert!(!terminal.run(&["logs"])?.good()?.contains("System prompt"), "only where it is asked for");
    assert!(terminal.run(&["logs", "--raw"])?.good()?.lines().any(|line| line.contains(r#""kind":"prompt""#)));
    Ok(())
}

#[tokio::test]
async fn a_list_of_tasks_becomes_briefs_in_its_order() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let list = terminal.place.path("tasks.md");
    std::fs::write(&list, "1. Write the first page\n2. Write the second page\n3. Write the third page\n")?;
    let list = list.display().to_string();
    let out = terminal.run(&["brief", "--list", &list])?.good()?;
    assert!(out.contains("3 briefs sent: jobs #1 to #3") && out.contains("#2  Write the second page"), "{out}");
    assert_eq!(terminal.run(&["wait", "3"])?.code, 0);
    let stored = terminal
        .run_with(&["brief", "--list", "-", "--keep-going", "--json"], br#"[{"title": "Write a fourth page"}]"#)?;
    assert_eq!(stored.json()?["jobs"][0]["job_id"], 4);
    terminal.run(&["wait", "4"])?.good()?;
    terminal.run(&["brief", "--list", "no-such-file.md"])?.refused(1)?;
    terminal.run(&["brief", "--list", &list, "Write"])?.refused(2)?;
    terminal.run(&["brief", "Write", "--keep-going"])?.refused(2)?;
    let jobs = terminal.run(&["jobs", "--json"])?.json()?;
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(4), "what was refused left nothing: {jobs}");
    Ok(())
}

#[tokio::test]
async fn e020_the_journal_has_an_entry_for_each_brief_that_completed() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    assert!(terminal.run(&["journal"])?.good()?.contains("The journal is empty"));
    terminal.run(&["brief", "Write about the sea"])?.good()?;
    terminal.run(&["brief", "Write about the woods"])?.good()?;
    let page = terminal.run(&["journal", "--json"])?.json()?;
    let titles: Vec<&Value> = page["entries"].as_array().into_iter().flatten().map(|entry| &entry["title"]).collect();
    assert_eq!(titles, [&json!("Write about the woods"), &json!("Write about the sea")], "newest first");
    let newest = page["entries"][0]["entry_id"].to_string();
    let out = terminal.run(&["journal", "-n", "1"])?.good()?;
    assert!(out.contains("#2  Write about the woods") && !out.contains("#1  "), "{out}");
    assert!(out.contains(&format!("--before {newest}")), "{out}");
    let out = terminal.run(&["journal", "--before", &newest])?.good()?;
    assert!(out.contains("Write about the sea") && !out.contains("woods"), "{out}");
    let found = terminal.run(&["journal", "--search", "sea"])?.good()?;
    assert!(found.contains("#1") && !found.contains("#2"), "{found}");
    assert!(terminal.run(&["journal", "--search", "mountains"])?.good()?.contains("no such entries"));
    terminal.run(&["journal", "--limit", "0"])?.refused(2)?;
    Ok(())
}
