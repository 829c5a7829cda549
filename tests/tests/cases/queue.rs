//! The queue: what becomes of jobs whose process died, what is forgotten, and the store's own script.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use blackbox::{Child, Daemon, Place, SOON, WORK};
use contract::{
    CompanyId, Entry, Error, ErrorCode, EventBody, JobChange, JobId, JobState, Money, Origin, RunId, RunState,
    SessionId, SpoolLine, Time, WORKER_PROTOCOL,
};
use serde_json::{Value, json};
use store::{Claim, NewJob, Settlement, Store, Write};

use crate::{Outcomes, same};

type Kept<T> = Result<T, store::StoreError>;

/// Who takes a job that names nobody.
const CEO: &str = "ceo";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn open(dir: &Path) -> anyhow::Result<Store> {
    Ok(Store::open(&dir.join("aicib.db"), &dir.join("backups"), false)?.store)
}

fn company(db: &Write<'_>, dir: &str) -> Kept<(CompanyId, SessionId)> {
    let company = db.company_put(dir, "Cases", Time(1))?.company_id;
    Ok((company, db.session_open(company, "ceo", Time(1))?.session_id))
}

fn new_job((company_id, session_id): (CompanyId, SessionId), directive: &str, priority: i64) -> NewJob {
    NewJob {
        company_id,
        session_id,
        agent: CEO.to_owned(),
        parent_job_id: None,
        directive: directive.to_owned(),
        engine: contract::EngineKind::Practice,
        engine_agent: String::new(),
        origin: Origin::Client,
        foreground: false,
        max_cost: Money::ZERO,
        idempotency_key: None,
        queue: true,
        priority,
        after: None,
        not_before: None,
    }
}

/// Takes a job, whatever else is in line: the others are on hold meanwhile.
fn claim(db: &Write<'_>, job: JobId, at: Time) -> Kept<Option<RunId>> {
    let others: Vec<JobId> =
        db.live(db.job(job)?.company_id, 100)?.0.iter().map(|job| job.job_id).filter(|id| *id != job).collect();
    for other in &others {
        db.hold(*other, true, at)?;
    }
    let run_dir = |run: RunId| format!("/nowhere/runs/{run}");
    let claimed = db.claim_next(&Claim { max_parallel: 10, token_hash: "hash", run_dir: &run_dir, at })?;
    for other in &others {
        db.hold(*other, false, at)?;
    }
    Ok(claimed.map(|claimed| claimed.run_id))
}

fn failed(message: &str) -> Settlement {
    let error = Error::new(ErrorCode::INTERNAL, message, "");
    Settlement { reason: message.to_owned(), error: Some(error), ..Settlement::default() }
}

/// Brings a fresh job to a state.
fn bring(db: &Write<'_>, job: JobId, state: &str, at: Time) -> anyhow::Result<Option<RunId>> {
    if state == "queued" {
        return Ok(None);
    }
    if state == "cancelled" {
        db.transition(job, JobChange::Cancel, "", at)?;
        return Ok(None);
    }
    let run = claim(db, job, at)?.context("it was not claimed")?;
    let (change, settlement) = match state {
        "running" => return Ok(Some(run)),
        "completed" => (JobChange::Complete, Settlement { answer: Some("done".into()), ..Settlement::default() }),
        "failed" | "interrupted" => (JobChange::Fail, failed("boom")),
        other => bail!("no state of ours: {other}"),
    };
    db.settle(run, RunState::Exited, change, &settlement, at)?;
    Ok(None)
}

/// A daemon starts and finds a job of an earlier one, with its process alive or dead.
pub fn stale(case: &Value) -> anyhow::Result<()> {
    let status = case["status"].as_str().context("no status")?.to_owned();
    let place = Place::new()?;
    let runtime = runtime()?;
    let _entered = runtime.enter();
    let process = Child::start(place.command("sleep").arg("600").stdout(Stdio::null()))?;
    let identity = process::Identity::of(process.pid()).context("no identity")?;
    let store = open(&place.home())?;
    let made = store.write(move |db| {
        let company = company(db, "/nowhere")?;
        let job = db.job_insert(&new_job(company, "Stale", 0), Time(1))?.job.job_id;
        let run = bring(db, job, &status, Time(2)).map_err(|error| Error::internal(format!("{error:#}")))?;
        if let Some(run) = run {
            db.run_spawned(run, identity.pid, identity.start, &identity.boot)?;
            // It has begun: a run that never did would be begun again.
            let body = EventBody::Message { text: "I begin.".into() };
            let entry = Entry { at: Time(3), agent: "ceo".into(), parent: None, body };
            db.append(run, &[SpoolLine { v: WORKER_PROTOCOL, n: 1, entry }], 0)?;
        }
        Ok(job)
    });
    let job = runtime.block_on(made)?;
    store.close();
    let _alive = (case["pid_alive"] != false).then_some(process);
    let mut command = place.aicib(&["daemon", "start", "--foreground"])?;
    let _daemon = Child::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    runtime.block_on(async {
        let mut client = Daemon::connect(&place.home(), SOON).await?;
        let expected = case["expected_status"].as_str().context("no status is expected")?;
        let ours = if expected == "interrupted" { "failed" } else { expected };
        let detail = client.job(job.0, &[ours], WORK).await?;
        if expected == "interrupted" {
            same(&detail["error"]["code"], &json!("run.interrupted"))?;
        }
        if case["expected_completed_at"] == true {
            anyhow::ensure!(detail["finished_at"].is_i64(), "when it ended is not known: {detail}");
        }
        anyhow::Ok(())
    })
}

/// A job of some age, and whether it is forgotten.
pub fn retention(case: &Value) -> anyhow::Result<()> {
    let status = case["status"].as_str().context("no status")?.to_owned();
    let days = |key: &str, default: f64| case[key].as_f64().unwrap_or(default) * DAY_MS as f64;
    let now = Time::now();
    let ended = Time(now.0 - days("age_days", 0.0) as i64);
    let before = Time(now.0 - days("keep_days", 7.0) as i64);
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let left = runtime()?.block_on(store.write(move |db| {
        let company = company(db, "/nowhere")?;
        let job = db.job_insert(&new_job(company, "Old", 0), ended)?.job.job_id;
        bring(db, job, &status, ended).map_err(|error| Error::internal(format!("{error:#}")))?;
        while db.prune(before, None, 1000)?.more {}
        Ok(db.job(job).is_ok())
    }))?;
    store.close();
    same(&json!(!left), &case["removed"])
}

/// The script of the queue store, step by step on one store. Its `task-0000` is our first job.
pub fn script(cases: &[Value]) -> Outcomes {
    let play = || -> anyhow::Result<Outcomes> {
        let dir = tempfile::tempdir()?;
        let store = open(dir.path())?;
        let runtime = runtime()?;
        let company = runtime.block_on(store.write(|db| company(db, "/nowhere")))?;
        let mut play = Play { store, runtime, company, runs: BTreeMap::new() };
        let outcomes = cases.iter().map(|case| play.step(case)).collect();
        play.store.close();
        Ok(outcomes)
    };
    play().unwrap_or_else(|error| cases.iter().map(|_| Err(anyhow::anyhow!("no store: {error:#}"))).collect())
}

struct Play {
    store: Store,
    runtime: tokio::runtime::Runtime,
    company: (CompanyId, SessionId),
    runs: BTreeMap<JobId, (RunId, u32)>,
}

impl Play {
    fn step(&mut self, case: &Value) -> anyhow::Result<()> {
        let op = case["op"].as_str().context("no op")?;
        let words = split(op);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let expected = case.get("seed_expected").or_else(|| case.get("expected")).context("nothing is expected")?;
        let done = self.run(&words);
        match (done, expected["ok"].as_bool().unwrap_or(true)) {
            (Ok(result), true) => compare(&result, &expected["result"]),
            (Err(_), false) => Ok(()),
            (Ok(result), false) => bail!("it should have been refused, and gave {result}"),
            (Err(error), true) => Err(error),
        }
    }

    fn run(&mut self, words: &[&str]) -> anyhow::Result<Value> {
        match words {
            ["create", directive, options @ ..] => {
                let option = |name: &str| {
                    options.iter().position(|word| *word == name).and_then(|at| options.get(at + 1)).copied()
                };
                let priority = option("priority").map_or(Ok(0), str::parse)?;
                let agent = option("agent").unwrap_or(CEO).to_owned();
                let company = self.company;
                let mut new = new_job(company, directive, priority);
                let made = self.store.write(move |db| {
                    // Each agent has a session of its own.
                    new.session_id = match db.open_session(company.0, &agent)? {
                        Some(session) => session,
                        None => db.session_open(company.0, &agent, Time::now())?.session_id,
                    };
                    new.agent = agent;
                    db.job_insert(&new, Time::now())
                });
                self.task(self.runtime.block_on(made)?.job.job_id)
            }
            ["start", task, rest @ ..] => {
                let job = job(task)?;
                let pid: u32 = rest.iter().find_map(|word| word.parse().ok()).unwrap_or(1);
                let claimed = self.store.write(move |db| {
                    let Some(run) = claim(db, job, Time::now())? else { return Ok(None) };
                    db.run_spawned(run, pid, 1, "boot")?;
                    Ok(Some(run))
                });
                let run = self.runtime.block_on(claimed)?.context("it cannot be started")?;
                self.runs.insert(job, (run, pid));
                self.task(job)
            }
            ["complete", task, result @ ..] => {
                let answer = Some(result.join(" "));
                self.end(job(task)?, JobChange::Complete, Settlement { answer, ..Settlement::default() })
            }
            ["fail", task, message @ ..] => self.end(job(task)?, JobChange::Fail, failed(&message.join(" "))),
            ["cancel", task, ..] => self.end(job(task)?, JobChange::Cancel, Settlement::default()),
            ["get", task] => self.task(job(task)?),
            other => bail!("no such operation: {other:?}"),
        }
    }

    fn end(&mut self, job: JobId, change: JobChange, settlement: Settlement) -> anyhow::Result<Value> {
        let run = self.runs.remove(&job);
        let ended = self.store.write(move |db| match run {
            Some((run, _)) => db.settle(run, RunState::Exited, change, &settlement, Time::now()).map(|_| ()),
            None => match settlement.error {
                Some(error) => db.fail(job, &error, Time::now()).map(|_| ()),
                None => db.transition(job, change, "", Time::now()).map(|_| ()),
            },
        });
        self.runtime.block_on(ended)?;
        self.task(job)
    }

    /// A job in the script's words.
    fn task(&self, id: JobId) -> anyhow::Result<Value> {
        let detail = self.runtime.block_on(self.store.read(move |db| db.job_detail(id)))?;
        let job = &detail.job;
        let pid = self.runs.get(&id).filter(|_| job.state == JobState::Running).map(|(_, pid)| *pid);
        Ok(json!({
            "id": format!("task-{:04}", id.0 - 1),
            "prompt": detail.directive,
            "state": job.state.name(),
            "priority": job.priority,
            // A task that names nobody is the CEO's.
            "agent": (job.agent != CEO).then_some(&job.agent),
            "pid": pid,
            "result": detail.answer,
            "error": job.error.as_ref().map(|error| error.message.clone()),
        }))
    }
}

fn job(task: &str) -> anyhow::Result<JobId> {
    let number: i64 = task.strip_prefix("task-").context("no task")?.parse()?;
    Ok(JobId(number + 1))
}

/// The fields that the case names.
fn compare(found: &Value, expected: &Value) -> anyhow::Result<()> {
    for (name, value) in expected.as_object().into_iter().flatten() {
        same(found.get(name).unwrap_or(&Value::Null), value).with_context(|| name.clone())?;
    }
    Ok(())
}

/// Words, those in quotes as one.
fn split(op: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in op.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
