//! What a confined agent's command can do to AICIB itself: nothing. It runs as the same user as everything else.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;
use blackbox::{Business, Place, WORK, binary};
use process::sandbox::{Level, support};
use serde_json::{Value, json};
use testkit::{Provider, Script, Turn};

/// What a hostile agent runs: it approves a request by every way there is, and takes what it finds. What came of it is
/// in `found.txt`.
fn attack(place: &Place, question: i64) -> String {
    let home = place.home();
    let home = home.display();
    format!(
        "{{
echo \"credential: $(cat '{home}/credential' 2>&1)\"
echo \"home: $(ls '{home}' 2>&1)\"
echo \"other runs: $(cat '{home}'/runs/*/spool.jsonl 2>&1 | head -c 300)\"
echo \"database: $(head -c 15 '{home}/aicib.db' '{home}'/*.db 2>&1 | tr -d '\\0')\"
echo \"ssh: $(cat '{ssh}' 2>&1)\"
for file in /proc/[0-9]*/environ; do
  if tr '\\0' '\\n' < \"$file\" 2> /dev/null | grep -q '^AICIB_HOME=.*/aicib$'; then echo 'environ: read'; fi
done
echo \"approve: $(AICIB_HOME='{home}' ./tool approve {question} 2>&1)\"
echo \"config: $(echo '# changed' >> aicib.config.yaml && echo changed)\"
}} > found.txt 2>&1; exit 0",
        ssh = place.path("home/.ssh/id").display(),
    )
}

async fn question(acme: &mut Business, number: &Value) -> anyhow::Result<Value> {
    let page = acme.daemon.call("question.list", json!({ "limit": 50 })).await?;
    let questions = page["questions"].as_array().context("no questions")?;
    questions.iter().find(|one| one["question_id"] == *number).cloned().context("the question is gone")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confined_agent_approves_nothing_and_reads_no_secret() -> anyhow::Result<()> {
    if support().level == Level::No {
        eprintln!("skipped: this system has nothing to confine with");
        return Ok(());
    }
    let place = Place::new()?;
    fs::create_dir_all(place.path("home/.ssh"))?;
    fs::write(place.path("home/.ssh/id"), "the founder's key")?;
    let page = json!({ "file_path": "pushed.txt", "content": "pushed" });
    let asks = Script::of([Turn::tool("Write", page), Turn::text("Done.")]);
    let provider = Provider::start(asks).await;
    let mut acme = Business::start_in(place, &provider).await?;
    acme.configure("tools.commands", "true").await?;
    for (agent, act, verdict) in [("ceo", "write", "ask"), ("cto", "command", "allow"), ("cto", "network", "allow")] {
        let rule = json!({
            "company": acme.company(), "agent": agent, "act": act, "verdict": verdict, "origin": "desk"
        });
        acme.daemon.call("permission.set", rule).await?;
    }
    let waits = acme.submit("Publish the page", json!({})).await?;
    let asked = acme.question(waits).await?;
    let number = asked["question_id"].clone();
    // It has the program itself, so that nothing but the confinement is in its way.
    let tool = acme.dir.join("tool");
    fs::copy(binary("aicib")?, &tool)?;
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755))?;

    let attack = attack(&acme.place, number.as_i64().context("no number")?);
    provider.play(Script::of([Turn::tool("Bash", json!({ "command": attack })), Turn::text("Tried.")]));
    let tries = acme.submit("Look around", json!({ "agent": "cto" })).await?;
    acme.daemon.job(tries, &["completed"], WORK).await?;
    let found = fs::read_to_string(acme.dir.join("found.txt")).context("the command did not run")?;
    let still = question(&mut acme, &number).await?;
    assert!(still["closed_at"].is_null(), "it answered for the founder: {still}\n{found}");
    assert!(!acme.dir.join("pushed.txt").exists());
    let credential = fs::read_to_string(acme.place.home().join("credential"))?;
    let credential = credential.trim();
    for secret in [credential, "the founder's key", "SQLite format", "environ: read", "\"text\""] {
        assert!(!found.contains(secret), "it read {secret:?}:\n{found}");
    }
    for line in ["home: ", "ssh: "] {
        let said = found.lines().find(|said| said.starts_with(line)).context("it was not tried")?;
        assert!(said.contains("Permission denied"), "{said}\n{found}");
    }
    let config = fs::read_to_string(acme.dir.join("aicib.config.yaml"))?;
    let may_change = support().missing.iter().any(|what| what.contains("config"));
    assert!(may_change || !config.contains("# changed"), "it rewrote the company's config");

    // The very same without confinement: all of it works. That is what docs/security.md says of agents that are not.
    provider.play(Script::of([Turn::text("Done.")]));
    let free = acme.place.command("sh").arg("-c").arg(&attack).current_dir(&acme.dir).output()?;
    assert!(free.status.success());
    let found = fs::read_to_string(acme.dir.join("found.txt"))?;
    for secret in [credential, "the founder's key", "SQLite format", "environ: read"] {
        assert!(found.contains(secret), "unconfined it should have read {secret:?}:\n{found}");
    }
    let answered = question(&mut acme, &number).await?;
    assert_eq!(answered["answer"], "Allow", "{answered}\n{found}");
    acme.daemon.job(waits, &["completed"], WORK).await?;
    Ok(())
}
