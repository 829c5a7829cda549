//! `make bench`: what the promises about speed and memory are measured by. Ratios within one run, beside the peer or
//! the limit; medians, with the quartiles around them.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::{Daemon, Place, WORK, wait_for};
use serde_json::{Value, json};
use testkit::{Provider, Script, Turn};

const ROUNDS: usize = 40;
/// The bars: brief and version as parts of `node -e 0`, PSS in megabytes.
const BRIEF_OF_NODE: f64 = 0.25;
const VERSION_OF_NODE: f64 = 0.25;
const IDLE_DAEMON_MB: f64 = 20.0;
const PRACTICE_WORKER_MB: f64 = 8.0;
const STREAMING_WORKER_MB: f64 = 20.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let place = Place::new()?;
    timed(&mut place.aicib(&["init", "--name", "Bench", "--dir", "company", "--engine", "practice"])?)?;
    timed(place.aicib(&["start"])?.current_dir(place.path("company")))?;
    let mut daemon = Daemon::connect(&place.home(), WORK).await?;
    set(&mut daemon, json!({ "practice_pace": 100.0, "notifications": false })).await?;

    let mut met = true;
    met &= speeds(&place, &mut daemon).await?;
    met &= memory(&place, &mut daemon).await?;
    timed(&mut place.aicib(&["daemon", "stop"])?)?;
    anyhow::ensure!(met, "a bar was not met");
    Ok(())
}

/// `brief --background` and `--version` beside `node -e 0`, turn by turn.
async fn speeds(place: &Place, daemon: &mut Daemon) -> anyhow::Result<bool> {
    let company = place.path("company");
    let (mut node, mut version, mut brief, mut sync, mut first) = (vec![], vec![], vec![], vec![], vec![]);
    let mut disk = File::create(place.path("fdatasync"))?;
    for _ in 0..ROUNDS {
        node.push(timed(
            Command::new("node").args(["-e", "0"]).env_remove("NODE_OPTIONS").env_remove("NODE_EXTRA_CA_CERTS"),
        )?);
        version.push(timed(&mut place.aicib(&["--version"])?)?);
        let began = Instant::now();
        disk.write_all(&[0; 4096])?;
        disk.sync_data()?;
        sync.push(began.elapsed());
        let mut command = place.aicib(&["brief", "--background", "Write a company description", "--json"])?;
        brief.push(timed(command.current_dir(&company))?);
        let job = daemon.call("job.list", json!({ "limit": 1 })).await?["jobs"][0].clone();
        let done = finished(daemon, &job["job_id"]).await?;
        first.push(first_event(daemon, &done).await?);
    }
    let (node, sync) = (Spread::of(node), Spread::of(sync));
    println!("node -e 0                        {node}");
    println!("fdatasync of 4 KB                {sync}");
    let bar = BRIEF_OF_NODE * node.median + 2.0 * sync.median;
    let brief_met = verdict("brief --background", &Spread::of(brief), &node, bar);
    let version_met = verdict("aicib --version", &Spread::of(version), &node, VERSION_OF_NODE * node.median);
    println!("submit -> the worker's first event {}", Spread::of(first));
    Ok(brief_met && version_met)
}

/// PSS of an idle daemon and of workers in mid-run.
async fn memory(place: &Place, daemon: &mut Daemon) -> anyhow::Result<bool> {
    let pid = daemon.call("daemon.status", json!({})).await?["pid"].clone();
    let mut met = weigh("idle daemon", &pid, IDLE_DAEMON_MB)?;
    set(daemon, json!({ "practice_pace": 1.0 })).await?;
    met &= weigh_worker(place, daemon, "practice worker", PRACTICE_WORKER_MB).await?;

    let slow = Turn::text("word ".repeat(20_000)).between(Duration::from_millis(100));
    let provider = Provider::start(Script::of(vec![slow])).await;
    set(daemon, json!({ "anthropic_base_url": provider.url() })).await?;
    daemon
        .call("key.set", json!({ "provider": "anthropic", "key": "sk-bench-0123456789", "storage": "session" }))
        .await?;
    let company = json!({ "dir": place.path("company") });
    daemon.call("config.set", json!({ "company": company, "key": "engine.mode", "value": "anthropic-api" })).await?;
    met &= weigh_worker(place, daemon, "streaming worker", STREAMING_WORKER_MB).await?;
    Ok(met)
}

async fn weigh_worker(place: &Place, daemon: &mut Daemon, name: &str, bar: f64) -> anyhow::Result<bool> {
    let params =
        json!({ "company": { "dir": place.path("company") }, "directive": "Write a page", "origin": "client" });
    let job = daemon.call("job.submit", params).await?["job_id"].clone();
    let mut met = false;
    let mut heaviest = 0.0;
    let pid = wait_for("the worker", WORK, async || {
        let pid = daemon.call("job.get", json!({ "job_id": job })).await?["run"]["pid"].clone();
        Ok((!pid.is_null()).then_some(pid))
    })
    .await?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        let pss = pss_mb(&pid)?;
        if pss > heaviest {
            heaviest = pss;
            met = pss <= bar;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    print_weight(name, heaviest, bar, met);
    daemon.call("job.cancel", json!({ "job_id": job })).await?;
    Ok(met && heaviest > 0.0)
}

fn weigh(name: &str, pid: &Value, bar: f64) -> anyhow::Result<bool> {
    let pss = pss_mb(pid)?;
    let met = pss <= bar;
    print_weight(name, pss, bar, met);
    Ok(met)
}

fn print_weight(name: &str, pss: f64, bar: f64, met: bool) {
    println!("PSS, {name:<26} {pss:6.1} MB   bar {bar:5.1} MB   {}", word(met));
}

fn pss_mb(pid: &Value) -> anyhow::Result<f64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).context("no Pss")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kilobytes / 1024.0)
}

async fn finished(daemon: &mut Daemon, job: &Value) -> anyhow::Result<Value> {
    wait_for("the job's end", WORK, async || {
        let detail = daemon.call("job.get", json!({ "job_id": job })).await?;
        Ok((!detail["finished_at"].is_null()).then_some(detail))
    })
    .await
}

/// From the submit to the first event of the run, by the events' own clocks.
async fn first_event(daemon: &mut Daemon, job: &Value) -> anyhow::Result<Duration> {
    let events = daemon.call("event.list", json!({ "job_id": job["job_id"], "after": 0, "limit": 10 })).await?;
    let first = events["events"].as_array().and_then(|events| events.iter().find(|event| !event["run_id"].is_null()));
    let at = first.and_then(|event| event["at"].as_i64()).context("the run has no event")?;
    let created = job["created_at"].as_i64().context("no created_at")?;
    Ok(Duration::from_millis(u64::try_from(at - created).unwrap_or_default()))
}

async fn set(daemon: &mut Daemon, changes: Value) -> anyhow::Result<()> {
    let mut settings = daemon.call("settings.get", json!({})).await?;
    for (key, value) in changes.as_object().into_iter().flatten() {
        settings[key] = value.clone();
    }
    daemon.call("settings.set", settings).await?;
    Ok(())
}

fn timed(command: &mut Command) -> anyhow::Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    anyhow::ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}

fn verdict(name: &str, spread: &Spread, node: &Spread, bar: f64) -> bool {
    let met = spread.median <= bar;
    let ratio = spread.median / node.median;
    println!("{name:<32} {spread}   {ratio:.3} x node   bar {bar:.2} ms   {}", word(met));
    met
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "NOT MET" }
}

/// Median and quartiles, in milliseconds.
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

impl Spread {
    fn of(mut samples: Vec<Duration>) -> Spread {
        samples.sort_unstable();
        let at = |part: usize| samples.get(samples.len() * part / 4).map_or(f64::NAN, |took| took.as_secs_f64() * 1e3);
        Spread { low: at(1), median: at(2), high: at(3) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:6.2} ms ({:.2} to {:.2})", self.median, self.low, self.high)
    }
}
