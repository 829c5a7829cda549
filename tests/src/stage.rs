//! A home with its daemon, and what is asked of every home: nothing is lost, nothing is left.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context;
use rustix::process::Pid;
use serde_json::json;

use crate::{Child, Daemon, Place, SOON, wait_for};

/// A home with its daemon.
pub struct Stage {
    /// Folders and environment.
    pub place: Place,
    daemon: Option<Child>,
    /// The folder of its company.
    pub dir: PathBuf,
}

impl Stage {
    /// A daemon with a practice company at this pace.
    ///
    /// # Errors
    /// It does not start.
    pub async fn new(pace: f64) -> anyhow::Result<(Stage, Daemon)> {
        Stage::at(Place::new()?, pace).await
    }

    /// As [`Stage::new`], in a place that is prepared.
    ///
    /// # Errors
    /// As [`Stage::new`].
    pub async fn at(place: Place, pace: f64) -> anyhow::Result<(Stage, Daemon)> {
        let dir = place.path("acme");
        let mut stage = Stage { place, daemon: None, dir };
        stage.start()?;
        let mut client = stage.client().await?;
        client.set(json!({ "onboarded": true, "practice_pace": pace, "stop_grace_ms": 500 })).await?;
        client.found("Acme", &stage.dir).await?;
        Ok((stage, client))
    }

    /// Starts the daemon.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let mut command = self.place.aicib(&["daemon", "start", "--foreground"])?;
        // What it has to say is in its log.
        self.daemon = Some(Child::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?);
        Ok(())
    }

    /// The daemon's process, where it was started.
    pub fn daemon(&self) -> Option<u32> {
        self.daemon.as_ref().map(Child::pid)
    }

    /// Kills the daemon, and nothing else.
    pub fn kill(&mut self) {
        self.daemon = None;
    }

    /// A connection to the daemon.
    ///
    /// # Errors
    /// None listens in time.
    pub async fn client(&self) -> anyhow::Result<Daemon> {
        Daemon::connect(&self.place.home(), SOON).await
    }

    /// Everything that runs here but the daemon.
    pub fn others(&self) -> Vec<Pid> {
        let daemon = self.daemon();
        let others = self.place.processes().into_iter().filter(|pid| u32::try_from(*pid).ok() != daemon);
        others.filter_map(Pid::from_raw).collect()
    }

    /// The process of a worker; waits until there is one that has begun. Before that it ends with its daemon, and the
    /// next daemon starts another.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn worker(&self) -> anyhow::Result<Pid> {
        let is_worker = |pid: &Pid| {
            let command = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            command.ends_with(b"\0worker\0")
        };
        let has_begun =
            |run: fs::DirEntry| fs::metadata(run.path().join("spool.jsonl")).is_ok_and(|spool| spool.len() > 0);
        wait_for("the worker", SOON, async || {
            let worker = self.others().into_iter().find(is_worker);
            let begun = fs::read_dir(self.place.home().join("runs")).is_ok_and(|runs| runs.flatten().any(has_begun));
            Ok(worker.filter(|_| begun))
        })
        .await
    }

    /// Waits until nothing runs here but the daemon.
    ///
    /// # Errors
    /// Something does not end.
    pub async fn nothing_left(&self) -> anyhow::Result<()> {
        wait_for("all processes to end", SOON, async || Ok(self.others().is_empty().then_some(()))).await
    }

    /// What a run recorded, and what is stored of it, must be the same lines, each once.
    ///
    /// # Errors
    /// They are not the same, or do not read.
    pub async fn stored_once(&self, client: &mut Daemon, job: i64) -> anyhow::Result<usize> {
        let detail = client.call("job.get", json!({ "job_id": job })).await?;
        let run = detail["run"]["run_id"].as_i64().context("no run")?;
        let dir = self.place.home().join("runs").join(run.to_string());
        let spool = wait_for("the spool to be put away", SOON, async || {
            let ready = dir.join("spool.jsonl.gz").exists() && !dir.join("spool.jsonl").exists();
            Ok(ready.then(|| dir.join("spool.jsonl.gz")))
        })
        .await;
        let lines = match spool {
            Ok(spool) => {
                let text = self.place.command("gzip").arg("-dc").arg(spool).output()?.stdout;
                text.iter().filter(|byte| **byte == b'\n').count()
            }
            Err(error) if dir.join("spool.jsonl").exists() => return Err(error),
            Err(_) => 0,
        };
        let page = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
        let events = page["events"].as_array().context("no events")?;
        let stored = events.iter().filter(|event| event["run_id"] == run).count();
        assert_eq!(stored, lines, "job {job}");
        Ok(stored)
    }
}
