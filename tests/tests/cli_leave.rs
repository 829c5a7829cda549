//! Leave to act, permissions and engines, from a terminal.
#![cfg(target_os = "linux")]

use std::process::Output;

use blackbox::{Business, WORK};
use serde_json::{Value, json};
use testkit::{Provider, Request, Script, Turn};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `aicib` says in the company's folder.
fn aicib(acme: &Business, args: &[&str]) -> anyhow::Result<Output> {
    Ok(acme.place.aicib(args)?.current_dir(&acme.dir).output()?)
}

fn good(output: Output) -> anyhow::Result<String> {
    anyhow::ensure!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Ok(text(&output.stdout))
}

fn refused(output: Output, code: i32) -> anyhow::Result<String> {
    anyhow::ensure!(output.status.code() == Some(code), "{} {}", output.status, text(&output.stdout));
    Ok(text(&output.stderr))
}

fn echo(request: &Request) -> Turn {
    Turn::text(format!("I was told: {}", request.last_user()))
}

/// A CEO who writes a page so often, and says what came of the last time.
fn writes(times: usize) -> Script {
    let page = json!({ "file_path": "page.md", "content": "Our page\u{1b}[2J\n" });
    let turns = (0..times).map(|_| Turn::tool("Write", page.clone()));
    Script::of(turns.chain([Turn::made(echo)]).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn leave_is_given_and_refused_from_a_terminal() -> anyhow::Result<()> {
    let provider = Provider::start(writes(1)).await;
    let mut acme = Business::start(&provider).await?;
    let said = good(aicib(&acme, &["permissions", "set", "write", "ask", "--agent", "ceo"])?)?;
    assert!(said.contains("ask*") && said.contains("Write in the company folder · CEO"), "{said}");

    let job = acme.submit("Write the page", json!({})).await?;
    let question = acme.question(job).await?;
    let number = question["question_id"].to_string();
    let shown = good(aicib(&acme, &["questions"])?)?;
    assert!(shown.contains("page.md") && shown.contains(&format!("`aicib approve {number}`")), "{shown}");
    assert!(!shown.contains('\u{1b}') && shown.contains("⟨U+001B⟩"), "what hides is shown: {shown:?}");
    let status = good(aicib(&acme, &["status"])?)?;
    assert!(status.contains("Waiting for you") && status.contains("page.md"), "{status}");
    // Without a terminal and without a number, nothing is decided.
    let which = refused(aicib(&acme, &["approve"])?, 2)?;
    assert!(which.contains(&format!("`aicib approve {number}`")), "{which}");
    let none = refused(aicib(&acme, &["approve", "4711"])?, 1)?;
    assert!(none.contains("There is no question 4711"), "{none}");

    let said = good(aicib(&acme, &["deny", &number, "--reason", "not on a Friday"])?)?;
    assert!(said.contains("Deny: not on a Friday") && said.contains("page.md"), "{said}");
    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    assert!(done["answer"].as_str().unwrap_or_default().contains("not on a Friday"), "{done}");
    let late = refused(aicib(&acme, &["approve", &number])?, 1)?;
    assert!(late.contains("answered"), "it says that it is closed, and by whom: {late}");
    assert!(!acme.dir.join("page.md").exists());

    provider.play(writes(2));
    let job = acme.submit("Write it after all", json!({})).await?;
    let question = acme.question(job).await?;
    let number = question["question_id"].to_string();
    let answered: Value =
        serde_json::from_str(&good(aicib(&acme, &["--json", "approve", &number, "--always", "job"])?)?)?;
    assert_eq!((&answered["answer"], &answered["answered_by"]), (&json!("Allow always for this job"), &json!("cli")));
    acme.daemon.job(job, &["completed"], WORK).await?;
    assert!(acme.dir.join("page.md").exists());
    let log = good(aicib(&acme, &["logs", &job.to_string()])?)?;
    assert!(log.contains("asks for leave") && !log.contains('\u{1b}'), "{log}");

    let table: Value = serde_json::from_str(&good(aicib(&acme, &["--json", "permissions"])?)?)?;
    let rules = table["rules"].as_array().map_or(0, Vec::len);
    assert!(rules >= 1, "{table}");
    let said = good(aicib(&acme, &["permissions", "clear", "write", "--agent", "ceo"])?)?;
    assert!(said.contains("there is no rule any more"), "{said}");
    refused(aicib(&acme, &["permissions", "remove", "4711"])?, 1)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_settings_and_raw_lines_are_there() -> anyhow::Result<()> {
    let provider = Provider::start(Script::of([Turn::text("Done.")])).await;
    let mut acme = Business::start(&provider).await?;
    let list: Value = serde_json::from_str(&good(aicib(&acme, &["--json", "engines"])?)?)?;
    let engines = list["engines"].as_array().map_or(0, Vec::len);
    assert!(engines >= 6, "{list}");
    let shown = good(aicib(&acme, &["engines", "list"])?)?;
    assert!(shown.contains("claude-code") && shown.contains("confined"), "{shown}");
    let wrong = refused(aicib(&acme, &["engines", "try", "abacus"])?, 2)?;
    assert!(wrong.contains("There is no engine"), "{wrong}");

    good(aicib(&acme, &["settings", "set", "engine_pays.codex", "key"])?)?;
    good(aicib(&acme, &["settings", "set", "sandbox_network", "off"])?)?;
    assert_eq!(good(aicib(&acme, &["settings", "get", "engine_pays.codex"])?)?, "key\n");
    assert_eq!(good(aicib(&acme, &["settings", "get", "engine_pays"])?)?, "codex=key\n");
    refused(aicib(&acme, &["settings", "set", "engine_pays.codex", "cash"])?, 2)?;
    good(aicib(&acme, &["settings", "set", "engine_pays.codex", ""])?)?;
    assert_eq!(good(aicib(&acme, &["settings", "get", "engine_pays"])?)?, "\"\"\n");

    let job = acme.submit("Say something", json!({})).await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    let raw = good(aicib(&acme, &["logs", &job.to_string(), "--raw"])?)?;
    assert!(raw.contains(r#""kind":"message""#), "no program is at work, so it is what is stored: {raw}");
    Ok(())
}
