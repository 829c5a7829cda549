//! A program of an agent that says something new so many times a second: it takes the place of Claude Code, which says
//! what it does in lines of JSON.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::{Daemon, Desktop};
use serde_json::{Value, json};

/// The name by which this program is that one. Confined, it could start no other.
const NAME: &str = "talker";
const VERSION: &str = "2.1.328 (Claude Code)";
const WORDS: [&str; 8] = ["market", "report", "customer", "launch", "pricing", "server", "team", "quarter"];

/// The brief that has it say `total` things at `rate` a second.
pub fn brief(rate: u64, total: u64) -> String {
    format!("Say {total} things, {rate} a second.")
}

/// Has a new company of the home work with it: the company's folder.
pub async fn hire(stage: &Desktop, daemon: &mut Daemon, company: &str) -> anyhow::Result<PathBuf> {
    let program = stage.place.path("home").join(NAME);
    if !program.exists() {
        std::fs::copy(std::env::current_exe()?, &program)?;
    }
    let dir = stage.place.path("home").join(company);
    daemon.set(json!({ "engine_programs": { "claude-code": program } })).await?;
    let key = json!({ "provider": "anthropic", "key": "sk-ant-bench-0123456789", "storage": "session" });
    daemon.call("key.set", key).await?;
    daemon.found(company, &dir).await?;
    use_it(daemon, &dir).await?;
    Ok(dir)
}

async fn use_it(daemon: &mut Daemon, dir: &Path) -> anyhow::Result<()> {
    let set = json!({ "company": { "dir": dir }, "key": "engines.use", "value": "claude-code" });
    daemon.call("config.set", set).await.map(drop)
}

/// Whether this is that program.
pub fn is_meant() -> bool {
    std::env::args().next().is_some_and(|name| Path::new(&name).file_name().is_some_and(|name| name == NAME))
}

/// Is that program, to the end.
pub fn talk() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if std::env::args().any(|arg| arg == "--version") {
        writeln!(out, "{VERSION}")?;
        return Ok(());
    }
    for line in std::io::stdin().lock().lines() {
        let told: Value = serde_json::from_str(&line?)?;
        match told["type"].as_str() {
            Some("control_request") => {
                let done = json!({ "subtype": "success", "request_id": told["request_id"], "response": {} });
                say(&mut out, &json!({ "type": "control_response", "response": done }))?;
            }
            Some("user") => turn(&mut out, &told)?,
            _ => {}
        }
    }
    Ok(())
}

fn turn(out: &mut impl Write, told: &Value) -> anyhow::Result<()> {
    let mut replayed = told.clone();
    replayed["isReplay"] = json!(true);
    let text = told.to_string();
    let asked = text.split("Say ").last().context("nothing is asked")?;
    let mut numbers = asked.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse::<u64>().ok());
    let total = numbers.next().context("no total")?;
    let pause = Duration::from_secs(1) / u32::try_from(numbers.next().context("no rate")?)?;
    let session = "11111111-2222-4333-8444-555555555555";
    say(out, &json!({ "type": "system", "subtype": "init", "session_id": session, "model": "m", "tools": [] }))?;
    say(out, &replayed)?;
    let began = Instant::now();
    for n in 0..total {
        let due = pause * u32::try_from(n)?;
        if let Some(early) = due.checked_sub(began.elapsed()) {
            std::thread::sleep(early);
        }
        let words: Vec<&str> = (0..12).map(|at| WORDS[(n as usize * 3 + at * 5) % WORDS.len()]).collect();
        let content = json!([{ "type": "text", "text": format!("Thing {n}: {}.", words.join(" ")) }]);
        let message = json!({ "id": format!("msg_{n}"), "role": "assistant", "model": "m", "content": content });
        say(out, &json!({ "type": "assistant", "message": message, "session_id": session }))?;
    }
    let end = json!({
        "type": "result", "subtype": "success", "is_error": false, "result": "All said.", "session_id": session,
        "num_turns": 1, "total_cost_usd": 0.0, "usage": {},
    });
    say(out, &end)
}

fn say(out: &mut impl Write, line: &Value) -> anyhow::Result<()> {
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
