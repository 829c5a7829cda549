//! A company that works on a stand-in for its provider.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};
use testkit::Provider;

use crate::{Daemon, Place, SOON, wait_for};

/// The company, its daemon and its folder. The key is kept in the daemon's memory.
pub struct Business {
    /// Folders and environment.
    pub place: Place,
    /// A connection with the founder's credential.
    pub daemon: Daemon,
    /// The company's folder.
    pub dir: PathBuf,
}

impl Business {
    /// Founds the company, of all heads there are.
    ///
    /// # Errors
    /// `aicib` is not built, or does not do it.
    pub async fn start(provider: &Provider) -> anyhow::Result<Business> {
        Business::start_in(Place::new()?, provider).await
    }

    /// The same in a place that is prepared.
    ///
    /// # Errors
    /// As [`Business::start`].
    pub async fn start_in(mut place: Place, provider: &Provider) -> anyhow::Result<Business> {
        place.set("ANTHROPIC_BASE_URL", provider.url());
        let output = place.aicib(&["daemon", "start"])?.output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut daemon = Daemon::connect(&place.home(), SOON).await?;
        let dir = place.path("acme");
        let company = json!({ "name": "Acme", "dir": dir, "structure": "full-c-suite", "engine": "anthropic-api" });
        daemon.call("company.create", company).await?;
        let key = json!({ "provider": "anthropic", "key": "sk-ant-test-key-0001", "storage": "session" });
        daemon.call("key.set", key).await?;
        daemon.set(json!({ "onboarded": true, "stop_grace_ms": 500 })).await?;
        Ok(Business { place, daemon, dir })
    }

    /// How a call names the company.
    pub fn company(&self) -> Value {
        json!({ "dir": self.dir })
    }

    /// Sends a brief with more params: the job's number.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn submit(&mut self, directive: &str, more: Value) -> anyhow::Result<i64> {
        let mut params = json!({
            "company": self.company(), "directive": directive, "origin": "client", "start_session": true
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            params[name] = value.clone();
        }
        self.daemon.call("job.submit", params).await?["job_id"].as_i64().context("a job without a number")
    }

    /// Sets a value of the config.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn configure(&mut self, key: &str, value: &str) -> anyhow::Result<()> {
        let params = json!({ "company": self.company(), "key": key, "value": value });
        self.daemon.call("config.set", params).await?;
        Ok(())
    }

    /// The first 500 events of a job.
    ///
    /// # Errors
    /// The daemon's.
    pub async fn events(&mut self, job: i64) -> anyhow::Result<Vec<Value>> {
        let page = self.daemon.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
        Ok(page["events"].as_array().cloned().unwrap_or_default())
    }

    /// Waits for a question of a job that is open.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn question(&mut self, job: i64) -> anyhow::Result<Value> {
        let list = json!({ "job_id": job, "open": true });
        wait_for("a question", SOON, async || {
            let page = self.daemon.call("question.list", list.clone()).await?;
            let question = page["questions"].get(0).cloned();
            if question.is_none() {
                let job = self.daemon.call("job.get", json!({ "job_id": job })).await?;
                anyhow::ensure!(job["finished_at"].is_null(), "nobody asks any more: {job}");
            }
            Ok(question)
        })
        .await
    }

    /// Answers a question.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn answer(&mut self, question: &Value, answer: &str) -> anyhow::Result<Value> {
        let params = json!({ "question_id": question["question_id"], "answer": answer, "origin": "desk" });
        self.daemon.call("question.answer", params).await
    }

    /// Ends the daemon as a crash would, and starts another.
    ///
    /// # Errors
    /// None runs, or none starts.
    pub async fn crash_daemon(&mut self) -> anyhow::Result<()> {
        let status = self.daemon.call("daemon.status", json!({})).await?;
        kill(&status["pid"])?;
        let output = self.place.aicib(&["daemon", "start"])?.output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.daemon = Daemon::connect(&self.place.home(), SOON).await?;
        // What was kept in memory went with the other one.
        let key = json!({ "provider": "anthropic", "key": "sk-ant-test-key-0001", "storage": "session" });
        self.daemon.call("key.set", key).await?;
        Ok(())
    }

    /// Ends a job's worker as a crash would.
    ///
    /// # Errors
    /// There is none.
    pub async fn crash_worker(&mut self, job: i64) -> anyhow::Result<()> {
        kill(&self.daemon.call("job.get", json!({ "job_id": job })).await?["run"]["pid"])
    }
}

fn kill(pid: &Value) -> anyhow::Result<()> {
    let pid = i32::try_from(pid.as_i64().context("no pid")?)?;
    let pid = rustix::process::Pid::from_raw(pid).context("no pid")?;
    Ok(rustix::process::kill_process(pid, rustix::process::Signal::KILL)?)
}

/// Nano-dollars of an amount in JSON.
pub fn nanos(amount: &Value) -> i64 {
    (amount.as_f64().unwrap_or_default() * 1e9).round() as i64
}
