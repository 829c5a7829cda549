//! How soon the prompt is back.

use std::fs::File;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::{Daemon, Place, WORK};
use serde_json::{Value, json};

use crate::{fill, finished, stage};
use blackbox::figures::{Spread, line, timed};

const ROUNDS: usize = 40;
/// Parts of `node -e 0`.
const BRIEF_OF_NODE: f64 = 0.25;
const VERSION_OF_NODE: f64 = 0.25;
/// How much more a brief may take with many jobs on file.
const MANY_OF_FEW: f64 = 1.2;
const MANY: usize = 10_000;

/// `brief --background` and `--version` beside `node -e 0`, with one job on file and with many, turn by turn.
pub async fn measure() -> anyhow::Result<bool> {
    let (few, mut few_daemon) = stage().await?;
    let (many, mut many_daemon) = stage().await?;
    // Filled while nobody else writes.
    let mut stop = many.aicib(&["daemon", "stop"])?;
    timed(&mut stop)?;
    drop(many_daemon);
    fill::fill(&many.home(), MANY, 0).await?;
    timed(&mut many.aicib(&["daemon", "start"])?)?;
    many_daemon = Daemon::connect(&many.home(), WORK).await?;

    let (mut node, mut version, mut sync, mut first) = (vec![], vec![], vec![], vec![]);
    let (mut brief, mut with_many) = (vec![], vec![]);
    let mut disk = File::create(few.path("fdatasync"))?;
    for _ in 0..ROUNDS {
        node.push(timed(
            Command::new("node").args(["-e", "0"]).env_remove("NODE_OPTIONS").env_remove("NODE_EXTRA_CA_CERTS"),
        )?);
        version.push(timed(&mut few.aicib(&["--version"])?)?);
        let began = Instant::now();
        disk.write_all(&[0; 4096])?;
        disk.sync_data()?;
        sync.push(began.elapsed());
        let (took, done) = send(&few, &mut few_daemon).await?;
        brief.push(took);
        first.push(first_event(&mut few_daemon, &done).await?);
        with_many.push(send(&many, &mut many_daemon).await?.0);
    }
    let (node, sync, version) = (Spread::of(node), Spread::of(sync), Spread::of(version));
    let (brief, with_many) = (Spread::of(brief), Spread::of(with_many));
    println!("node -e 0                        {node}");
    println!("fdatasync of 4 KB                {sync}");
    println!("submit -> the worker's first event {}", Spread::of(first));
    let bar = BRIEF_OF_NODE * node.median + 2.0 * sync.median;
    let of_node = |spread: &Spread| format!("{spread}, {:.3} x node", spread.median / node.median);
    let mut met =
        line("brief --background, 1 job on file", &of_node(&brief), &format!("{bar:.2} ms"), brief.median <= bar);
    met &= line(
        "brief --background, 10,000 jobs on file",
        &of_node(&with_many),
        &format!("{bar:.2} ms"),
        with_many.median <= bar,
    );
    let ratio = with_many.median / brief.median;
    met &= line("  the second by the first", &format!("{ratio:.2}"), &format!("{MANY_OF_FEW}"), ratio <= MANY_OF_FEW);
    let bar = VERSION_OF_NODE * node.median;
    met &= line("aicib --version", &of_node(&version), &format!("{bar:.2} ms"), version.median <= bar);
    for place in [few, many] {
        timed(&mut place.aicib(&["daemon", "stop"])?)?;
    }
    Ok(met)
}

/// Sends a brief and waits for its end, which is not timed.
async fn send(place: &Place, daemon: &mut Daemon) -> anyhow::Result<(Duration, Value)> {
    let mut command = place.aicib(&["brief", "--background", "Write a company description", "--json"])?;
    let took = timed(command.current_dir(place.path("company")))?;
    let job = daemon.call("job.list", json!({ "limit": 1 })).await?["jobs"][0].clone();
    Ok((took, finished(daemon, &job["job_id"]).await?))
}

/// From the submit to the first event of the run, by the events' own clocks.
async fn first_event(daemon: &mut Daemon, job: &Value) -> anyhow::Result<Duration> {
    let events = daemon.call("event.list", json!({ "job_id": job["job_id"], "after": 0, "limit": 10 })).await?;
    let first = events["events"].as_array().and_then(|events| events.iter().find(|event| !event["run_id"].is_null()));
    let at = first.and_then(|event| event["at"].as_i64()).context("the run has no event")?;
    let created = job["created_at"].as_i64().context("no created_at")?;
    Ok(Duration::from_millis(u64::try_from(at - created).unwrap_or_default()))
}
