//! The daemon's socket, spoken to as any JSON-RPC client would: text lines, no code of ours.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::wait_for;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(60);

/// A connection with the founder's credential.
pub struct Daemon {
    read: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
    last: i64,
}

impl Daemon {
    /// Connects to the daemon of a home; waits until one listens.
    ///
    /// # Errors
    /// None listens in time, or it does not let us in.
    pub async fn connect(home: &Path, bound: Duration) -> anyhow::Result<Daemon> {
        wait_for("the daemon", bound, async || Daemon::connect_once(home).await.map(Some)).await
    }

    /// Connects to the daemon of a home, if one listens.
    ///
    /// # Errors
    /// None listens, or it does not let us in.
    pub async fn connect_once(home: &Path) -> anyhow::Result<Daemon> {
        let credential = std::fs::read_to_string(home.join("credential")).context("no credential yet")?;
        let (read, write) = UnixStream::connect(home.join("aicib.sock")).await?.into_split();
        let mut daemon = Daemon { read: BufReader::new(read).lines(), write, last: 0 };
        let hello = json!({ "protocol": 1, "client": "blackbox", "credential": { "founder": credential.trim() } });
        daemon.call("initialize", hello).await?;
        Ok(daemon)
    }

    /// Calls a method.
    ///
    /// # Errors
    /// What the daemon answers, in its own words; or no answer in time.
    pub async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        tokio::time::timeout(CALL, self.ask(method, params)).await.with_context(|| format!("{method} took too long"))?
    }

    async fn ask(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.last += 1;
        let id = self.last;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.write.write_all(format!("{request}\n").as_bytes()).await?;
        loop {
            let line = self.read.next_line().await?.context("the daemon hung up")?;
            let answer: Value = serde_json::from_str(&line)?;
            if answer["id"] != id {
                continue;
            }
            anyhow::ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
            return Ok(answer["result"].clone());
        }
    }

    /// Waits for the next message of this kind that the daemon sends by itself.
    ///
    /// # Errors
    /// The daemon hung up.
    pub async fn note(&mut self, name: &str) -> anyhow::Result<Value> {
        loop {
            let line = self.read.next_line().await?.context("the daemon hung up")?;
            let note: Value = serde_json::from_str(&line)?;
            if note["method"] == name {
                return Ok(note["params"].clone());
            }
        }
    }

    /// Changes some of the founder's settings.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub async fn set(&mut self, settings: Value) -> anyhow::Result<()> {
        let mut all = self.call("settings.get", json!({})).await?;
        for (name, value) in settings.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        self.call("settings.set", all).await?;
        Ok(())
    }

    /// Founds a practice company in a folder.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub async fn found(&mut self, name: &str, dir: &Path) -> anyhow::Result<i64> {
        let params = json!({ "name": name, "dir": dir, "engine": "practice" });
        let company = self.call("company.create", params).await?;
        company["company_id"].as_i64().context("a company without an id")
    }

    /// Sends a brief to the company in a folder: the job's number.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub async fn brief(&mut self, dir: &Path, directive: &str) -> anyhow::Result<i64> {
        let params = json!({
            "company": { "dir": dir }, "directive": directive, "origin": "client", "start_session": true, "queue": true
        });
        self.call("job.submit", params).await?["job_id"].as_i64().context("a job without a number")
    }

    /// Waits until a job is in one of these states.
    ///
    /// # Errors
    /// It is not in time, or it ended in another one.
    pub async fn job(&mut self, job_id: i64, states: &[&str], bound: Duration) -> anyhow::Result<Value> {
        let what = format!("job {job_id} to be {}", states.join(" or "));
        wait_for(&what, bound, async || {
            let job = self.call("job.get", json!({ "job_id": job_id })).await?;
            let state = job["state"].as_str().unwrap_or_default();
            if states.contains(&state) {
                return Ok(Some(job));
            }
            anyhow::ensure!(!["completed", "failed", "cancelled"].contains(&state), "it is {job}");
            Ok(None)
        })
        .await
    }
}
