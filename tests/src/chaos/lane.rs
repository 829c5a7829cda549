//! One home through some trials: work is sent, things are killed, and in the end everything must be as it should.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{On, Provider, Script, Turn};

use super::{Tally, check};
use crate::{Child, Daemon, ENDED, Place, SOON, wait_for};

/// How long all jobs of a trial may take to end, restarts of the daemon included.
const ALL_ENDED: Duration = Duration::from_secs(60);
/// Trials between two rebuilds of the projections.
const REBUILD_EVERY: u64 = 5;
const PASSPHRASE: &str = "chaos";

/// Plays the trials of a range in a fresh home.
pub(super) async fn play(trials: Range<u64>, seed: u64) -> anyhow::Result<Tally> {
    let mut lane = Lane::new(seed ^ (trials.start << 20)).await?;
    for trial in trials {
        let mut trouble = lane.trial().await.with_context(|| format!("trial {trial} of seed {seed}"));
        if trouble.is_ok() && (trial + 1).is_multiple_of(REBUILD_EVERY) {
            trouble = lane.rebuild().with_context(|| format!("after trial {trial} of seed {seed}"));
        }
        if let Err(error) = trouble {
            // The home tells more than the error: it is left where it is.
            let kept = std::env::temp_dir().join(format!("aicib-chaos-{seed}-{trial}"));
            lane.daemon = None;
            lane.place.sweep();
            let copied = lane.place.command("cp").arg("-a").arg(lane.place.root()).arg(&kept).status();
            eprintln!("{error:?}");
            return Err(error.context(format!("its home is kept in {} ({copied:?})", kept.display())));
        }
        lane.tally.trials += 1;
    }
    Ok(lane.tally)
}

struct Lane {
    rng: Rng,
    place: Place,
    provider: Provider,
    companies: Vec<PathBuf>,
    daemon: Option<Child>,
    client: Daemon,
    tally: Tally,
    /// The last event that the trials before have checked.
    checked: i64,
    /// Whether the daemon was begun since the key file was opened.
    locked: bool,
}

/// What was done in a trial that explains how its jobs ended.
#[derive(Default)]
struct Deeds {
    /// Workers that were killed.
    killed: BTreeSet<i64>,
    /// Jobs that were to be cancelled.
    cancelled: BTreeSet<i64>,
}

/// A command that leaves processes everywhere: in the background, in sessions of their own, without their environment.
const COMMAND: &str = "(setsid sleep 3100 &); (sleep 3101 &); env -i sh -c 'setsid sleep 3102 & true'; sleep 0.3";

fn play_book() -> Script {
    let command = || Turn::tool("Bash", json!({ "command": COMMAND })).between(Duration::from_millis(2));
    let write = |n: u32| Turn::tool("Write", json!({ "file_path": format!("notes/{n}.md"), "content": "# Note\n" }));
    Script::default().when(On::Any, [write(1), command(), write(2), Turn::text("Everything is written.")])
}

impl Lane {
    async fn new(seed: u64) -> anyhow::Result<Lane> {
        let mut place = Place::new()?;
        let provider = Provider::start(play_book()).await;
        place.set("ANTHROPIC_BASE_URL", provider.url());
        let daemon = start(&place)?;
        let mut client = Daemon::connect(&place.home(), SOON).await?;
        let settings =
            json!({ "onboarded": true, "notifications": false, "stop_grace_ms": 300, "max_parallel_jobs": 3 });
        client.set(settings).await?;
        let key = json!({
            "provider": "anthropic", "key": "sk-ant-planted-key", "storage": "passphrase_file", "passphrase": PASSPHRASE
        });
        client.call("key.set", key).await?;
        let mut companies = Vec::new();
        for (name, engine) in [("Acme", "practice"), ("Bolt", "anthropic-api"), ("Crow", "practice")] {
            let dir = place.path(name);
            client.found(name, &dir).await?;
            let ceo = dir.join(".claude/agents/ceo.md");
            fs::write(&ceo, fs::read_to_string(&ceo)?.replace("Grep, Delegate]", "Grep, Bash, Delegate]"))?;
            for (key, value) in [("engine.mode", engine), ("tools.commands", "true")] {
                let set = json!({ "company": { "dir": dir }, "key": key, "value": value });
                client.call("config.set", set).await?;
            }
            companies.push(dir);
        }
        let rng = Rng::with_seed(seed);
        Ok(Lane {
            rng,
            place,
            provider,
            companies,
            daemon: Some(daemon),
            client,
            tally: Tally::default(),
            checked: 0,
            locked: false,
        })
    }

    async fn trial(&mut self) -> anyhow::Result<()> {
        let mut deeds = Deeds::default();
        let pace = [100.0, 60.0, 20.0, 8.0][self.rng.usize(0..4)];
        self.client.set(json!({ "practice_pace": pace })).await?;
        let mut jobs = Vec::new();
        let mut followers = Vec::new();
        for _ in 0..self.rng.usize(1..5) {
            jobs.push(self.brief(&jobs).await?);
            if self.rng.u8(0..3) == 0 {
                followers.push(self.follow(jobs[jobs.len() - 1])?);
            }
        }
        for _ in 0..self.rng.usize(1..5) {
            let pause = self.rng.u64(0..160);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.act(&jobs, &mut followers, &mut deeds).await?;
        }
        self.alive().await?;
        // All that is on hold is let go on, so that everything can end.
        self.client.call("job.resume", json!({})).await?;
        let ended = self.all_ended(&jobs).await?;
        drop(followers);
        self.judge(&ended, &deeds)?;
        self.only_the_daemon().await?;
        let (lines, last) = check::stored_once(&self.place.home(), self.checked)?;
        self.tally.lines += lines;
        self.checked = last;
        check::whole(&self.place.home())?;
        for job in ended.values() {
            *self.tally.ended.entry(text(job, "state").to_owned()).or_default() += 1;
        }
        Ok(())
    }

    async fn brief(&mut self, before: &[i64]) -> anyhow::Result<i64> {
        let dir = self.companies[self.rng.usize(0..self.companies.len())].clone();
        let mut params = json!({
            "company": { "dir": dir }, "directive": "Write the imprint", "origin": "client", "start_session": true,
            "queue": true, "priority": self.rng.i64(-2..3),
        });
        if self.rng.u8(0..5) == 0 {
            params["not_before"] = json!(now() + self.rng.i64(1..400));
        }
        if let Some(after) = before.last().filter(|_| self.rng.u8(0..5) == 0) {
            let blocker = self.client.call("job.get", json!({ "job_id": after })).await?;
            let of_this = self.client.call("company.get", json!({ "dir": dir })).await?;
            if blocker["company_id"] == of_this["company_id"] && !ENDED.contains(&text(&blocker, "state")) {
                params["after_job_id"] = json!(after);
            }
        }
        match self.client.call("job.submit", params.clone()).await {
            Ok(job) => job["job_id"].as_i64().context("a job without a number"),
            // What it was to wait for has ended badly in between.
            Err(error) if error.to_string().contains("job.blocker") => {
                params.as_object_mut().context("no params")?.remove("after_job_id");
                self.client.call("job.submit", params).await?["job_id"].as_i64().context("a job without a number")
            }
            Err(error) => Err(error),
        }
    }

    /// A terminal that follows a job.
    fn follow(&self, job: i64) -> anyhow::Result<Child> {
        let mut command = self.place.aicib(&["logs", "--job", &job.to_string(), "-f"])?;
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        Child::start(command.stderr(std::process::Stdio::null()))
    }

    async fn act(&mut self, jobs: &[i64], followers: &mut Vec<Child>, deeds: &mut Deeds) -> anyhow::Result<()> {
        match self.rng.u8(0..22) {
            0..=4 => self.kill_daemon("kill -9 daemon").await,
            5..=7 => self.kill_worker(deeds),
            8..=9 => {
                let killed = self.kill_worker(deeds);
                self.kill_daemon("kill -9 worker and daemon").await?;
                killed
            }
            10..=11 => self.kill_tool().await,
            12 => {
                if followers.pop().is_some() {
                    self.tally.did("kill -9 CLI");
                }
                Ok(())
            }
            13..=15 => self.cancel(jobs, deeds).await,
            16 => {
                let method = if self.rng.bool() { "job.pause" } else { "job.resume" };
                self.tally.did("hold or let go on");
                self.call(method, json!({})).await
            }
            17 => {
                let job = jobs[self.rng.usize(0..jobs.len())];
                self.tally.did("hold or let go on");
                self.call("job.pause", json!({ "job_id": job })).await?;
                self.call("job.resume", json!({ "job_id": job })).await
            }
            18..=19 => self.suspend_worker().await,
            20 => {
                self.tally.did("restart daemon");
                self.alive().await?;
                let before = self.client.call("daemon.status", json!({})).await?["started_at"].clone();
                self.client.call("daemon.restart", json!({})).await?;
                let home = self.place.home();
                self.client = wait_for("the daemon to begin anew", SOON, async || {
                    let mut client = Daemon::connect_once(&home).await?;
                    let now = client.call("daemon.status", json!({})).await?["started_at"].clone();
                    Ok((now != before).then_some(client))
                })
                .await?;
                self.begun_anew().await
            }
            _ => {
                self.tally.did("SIGTERM daemon");
                let pid = self.daemon_pid().await?;
                signal(pid, Signal::TERM);
                self.gone(pid).await?;
                self.alive().await
            }
        }
    }

    /// A call that may come to nothing: the job has ended, or the daemon was killed.
    async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<()> {
        self.alive().await?;
        match self.client.call(method, params).await {
            Err(error) if !error.to_string().contains("job.final") => Err(error),
            _ => Ok(()),
        }
    }

    async fn kill_daemon(&mut self, what: &'static str) -> anyhow::Result<()> {
        self.tally.did(what);
        let pid = self.daemon_pid().await?;
        signal(pid, Signal::KILL);
        self.gone(pid).await?;
        let away = self.rng.u64(0..60);
        tokio::time::sleep(Duration::from_millis(away)).await;
        // Half of the time it is killed again while it starts.
        if self.rng.bool() {
            let child = start(&self.place)?;
            let age = self.rng.u64(0..40);
            tokio::time::sleep(Duration::from_millis(age)).await;
            drop(child);
            self.tally.did("kill -9 daemon as it starts");
        }
        self.alive().await
    }

    fn kill_worker(&mut self, deeds: &mut Deeds) -> anyhow::Result<()> {
        if let Some(pid) = self.any(|command| command.ends_with(b"\0worker\0")) {
            signal(pid, Signal::KILL);
            deeds.killed.insert(pid);
            self.tally.did("kill -9 worker");
        }
        Ok(())
    }

    /// Kills a process of a command, if one comes up within a moment.
    async fn kill_tool(&mut self) -> anyhow::Result<()> {
        for _ in 0..20 {
            let is_tool = |command: &[u8]| {
                ["sleep\0", "sh\0", "bash\0", "/bin/sh\0", "/bin/bash\0"]
                    .iter()
                    .any(|name| command.starts_with(name.as_bytes()))
            };
            if let Some(pid) = self.any(is_tool) {
                signal(pid, Signal::KILL);
                self.tally.did("kill -9 a command");
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn suspend_worker(&mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.any(|command| command.ends_with(b"\0worker\0")) {
            signal(pid, Signal::STOP);
            tokio::time::sleep(Duration::from_millis(60)).await;
            signal(pid, Signal::CONT);
            self.tally.did("suspend worker");
        }
        Ok(())
    }

    async fn cancel(&mut self, jobs: &[i64], deeds: &mut Deeds) -> anyhow::Result<()> {
        let job = jobs[self.rng.usize(0..jobs.len())];
        self.tally.did("cancel");
        deeds.cancelled.insert(job);
        self.alive().await?;
        match self.client.call("job.cancel", json!({ "job_id": job })).await {
            Ok(answer) => {
                anyhow::ensure!(answer["stopped"]["left"] == 0, "processes are left: {answer}");
                anyhow::ensure!(ENDED.contains(&text(&answer["job"], "state")), "it goes on: {answer}");
                Ok(())
            }
            Err(error) if error.to_string().contains("job.final") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A process of this place whose command line fits.
    fn any(&mut self, fits: impl Fn(&[u8]) -> bool) -> Option<i64> {
        let mut found: Vec<i64> = self.place.processes().into_iter().map(i64::from).collect();
        found.retain(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|command| fits(&command)));
        if found.is_empty() { None } else { Some(found[self.rng.usize(0..found.len())]) }
    }

    /// The process of the daemon: ours, or one that a terminal has started which follows a job.
    async fn daemon_pid(&mut self) -> anyhow::Result<i64> {
        self.alive().await?;
        self.client.call("ping", json!({})).await?["pid"].as_i64().context("a daemon without a process")
    }

    /// Waits until a daemon that was killed is gone.
    async fn gone(&mut self, pid: i64) -> anyhow::Result<()> {
        wait_for("the daemon to end", SOON, async || {
            // Reaped, where it is our child.
            let _ours = self.daemon.as_mut().map(Child::is_running);
            let there = fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
            Ok((!there).then_some(()))
        })
        .await
    }

    /// A daemon that answers, with the key file open.
    async fn alive(&mut self) -> anyhow::Result<()> {
        if self.client.call("ping", json!({})).await.is_ok() {
            return Ok(());
        }
        let (place, daemon, home) = (&self.place, &mut self.daemon, self.place.home());
        self.client = wait_for("a daemon", SOON, async || {
            if let Ok(client) = Daemon::connect_once(&home).await {
                return Ok(Some(client));
            }
            // One that finds another at work ends by itself.
            if daemon.as_mut().is_none_or(|daemon| !daemon.is_running()) {
                *daemon = Some(start(place)?);
            }
            Ok(None)
        })
        .await?;
        self.begun_anew().await
    }

    /// A new daemon has the key file closed: what needs a key waits. It takes a second of computing to open it, so that is
    /// done at once now and then, and else before the jobs have to end.
    async fn begun_anew(&mut self) -> anyhow::Result<()> {
        self.locked = true;
        if self.rng.u8(0..4) == 0 { self.unlock().await } else { Ok(()) }
    }

    async fn unlock(&mut self) -> anyhow::Result<()> {
        self.client.call("key.unlock", json!({ "passphrase": PASSPHRASE })).await?;
        self.locked = false;
        Ok(())
    }

    async fn all_ended(&mut self, jobs: &[i64]) -> anyhow::Result<BTreeMap<i64, Value>> {
        let mut ended = BTreeMap::new();
        for job in jobs {
            let needs_key = self.client.call("job.get", json!({ "job_id": job })).await?["engine"] == "anthropic-api";
            if needs_key && self.locked {
                self.unlock().await?;
            }
            let client = &mut self.client;
            let what = format!("job {job} to end");
            let detail = wait_for(&what, ALL_ENDED, async || {
                let detail = client.call("job.get", json!({ "job_id": job })).await?;
                Ok(ENDED.contains(&text(&detail, "state")).then_some(detail))
            });
            let detail = match detail.await {
                Ok(detail) => detail,
                Err(error) => {
                    let now = self.client.call("job.get", json!({ "job_id": job })).await?;
                    return Err(error.context(now.to_string()));
                }
            };
            ended.insert(*job, detail);
        }
        Ok(ended)
    }

    /// No job ended in a way that nothing explains.
    fn judge(&self, ended: &BTreeMap<i64, Value>, deeds: &Deeds) -> anyhow::Result<()> {
        for (job, detail) in ended {
            let code = detail["error"]["code"].as_str().unwrap_or_default();
            let fits = match text(detail, "state") {
                "completed" => true,
                "cancelled" => deeds.cancelled.contains(job),
                _ if code == "run.interrupted" => {
                    detail["run"]["pid"].as_i64().is_some_and(|pid| deeds.killed.contains(&pid))
                }
                _ if code == "job.blocker_not_completed" => {
                    let blocker = detail["after_job_id"].as_i64().and_then(|id| ended.get(&id));
                    blocker.is_some_and(|blocker| text(blocker, "state") != "completed")
                }
                _ => false,
            };
            anyhow::ensure!(fits, "nothing explains the end of job {job}: {detail}; killed {:?}", deeds.killed);
            anyhow::ensure!(
                detail["progress"]["percent"].as_i64().is_none_or(|p| p < 100 || code.is_empty()),
                "{detail}"
            );
        }
        Ok(())
    }

    async fn only_the_daemon(&mut self) -> anyhow::Result<()> {
        let daemon = i32::try_from(self.daemon_pid().await?).ok();
        let left = || {
            let mut left = self.place.processes();
            left.retain(|pid| Some(*pid) != daemon);
            left
        };
        let gone = wait_for("all processes to end", SOON, async || Ok(left().is_empty().then_some(()))).await;
        let command =
            |pid: i32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ");
        gone.with_context(|| {
            let left: Vec<String> = left().into_iter().map(|pid| format!("{pid} {}", command(pid))).collect();
            format!("the daemon is {daemon:?}; left: {left:?}")
        })
    }

    fn rebuild(&mut self) -> anyhow::Result<()> {
        check::projections(&self.place.home())?;
        self.tally.rebuilt += 1;
        let _ = self.provider.port();
        Ok(())
    }
}

fn start(place: &Place) -> anyhow::Result<Child> {
    let mut command = place.aicib(&["daemon", "start", "--foreground"])?;
    Child::start(command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()))
}

fn signal(pid: i64, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may be gone by now.
        let _ = kill_process(pid, signal);
    }
}

fn now() -> i64 {
    contract::Time::now().0
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
