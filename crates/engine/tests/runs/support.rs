//! A company on disk and a host that remembers, for tests of whole runs.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contract::{
    Confined, CostBasis, EngineKind, EngineSpec, Entry, Error, ErrorCode, EventBody, JobId, LeaseId, Money, RunLimits,
    Seq, Time,
};
use engine::{Brief, Ending, Grants, Host, Ids, Memory, Patience, Question, Rules};
use process::Policy;
use serde_json::json;
use tempfile::TempDir;
use testkit::{Provider, Script};
use tokio_util::sync::CancellationToken;

pub const KEY: &str = "sk-ant-planted-key-0123456789";

/// Remembers everything, and grants leases up to a limit.
pub struct TestHost {
    pub entries: Mutex<Vec<Entry>>,
    pub deltas: Mutex<Vec<(String, Option<String>, String)>>,
    pub limit: AtomicI64,
    pub leased: Mutex<Vec<(LeaseId, Money)>>,
    pub returned: Mutex<Vec<LeaseId>>,
    pub syncs: AtomicUsize,
    /// Events that can be recorded before the disk is full.
    pub room: AtomicI64,
    pub stop: CancellationToken,
    /// Who asked whether it may go on, in order.
    pub asked: Mutex<Vec<String>>,
    /// The role that may not go on before the run is told to stop.
    pub held: Mutex<Option<String>>,
    /// Signs of work that were no events.
    pub signs: AtomicUsize,
    /// Leases that are granted before the brief's own limit is reached.
    pub only_first: AtomicI64,
    /// Whether an answer raises that limit.
    pub raises: AtomicBool,
    /// Tokens that leases were asked for.
    pub tokens: Mutex<Vec<i64>>,
    /// Questions that were asked.
    pub questions: Mutex<Vec<Question>>,
    /// The answers that they get, in order; "End" when there are no more.
    pub answers: Mutex<VecDeque<String>>,
    /// Whether nobody answers.
    pub silent: AtomicBool,
    /// Lines of programs.
    pub raw: Mutex<Vec<String>>,
    /// What the founder has to say.
    pub more: Mutex<Vec<(Seq, String)>>,
}

impl TestHost {
    pub fn new() -> TestHost {
        TestHost {
            entries: Mutex::default(),
            deltas: Mutex::default(),
            limit: AtomicI64::new(i64::MAX),
            leased: Mutex::default(),
            returned: Mutex::default(),
            syncs: AtomicUsize::new(0),
            room: AtomicI64::new(i64::MAX),
            stop: CancellationToken::new(),
            asked: Mutex::default(),
            held: Mutex::default(),
            signs: AtomicUsize::new(0),
            only_first: AtomicI64::new(i64::MAX),
            raises: AtomicBool::new(false),
            tokens: Mutex::default(),
            questions: Mutex::default(),
            answers: Mutex::default(),
            silent: AtomicBool::new(false),
            raw: Mutex::default(),
            more: Mutex::default(),
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    pub fn bodies(&self) -> Vec<EventBody> {
        self.entries().into_iter().map(|entry| entry.body).collect()
    }

    pub fn kinds(&self) -> Vec<&'static str> {
        self.entries().iter().map(|entry| entry.body.kind()).collect()
    }

    pub fn cost(&self) -> i64 {
        let costs = self.bodies().into_iter().map(|body| match body {
            EventBody::Usage { cost_usd, .. } => cost_usd.as_nanos(),
            _ => 0,
        });
        costs.sum()
    }

    pub fn messages(&self) -> Vec<String> {
        let texts = self.bodies().into_iter().filter_map(|body| match body {
            EventBody::Message { text } => Some(text),
            _ => None,
        });
        texts.collect()
    }

    /// Waits begun and ended, in order.
    pub fn waits(&self) -> Vec<bool> {
        let waits = self.bodies().into_iter().filter_map(|body| match body {
            EventBody::Waiting { over, .. } => Some(over),
            _ => None,
        });
        waits.collect()
    }

    /// Leases that were neither settled by a usage nor given back.
    pub fn open_leases(&self) -> Vec<LeaseId> {
        let settled: Vec<_> = self
            .bodies()
            .into_iter()
            .filter_map(|body| match body {
                EventBody::Usage { lease_id, .. } => lease_id,
                _ => None,
            })
            .chain(self.returned.lock().unwrap().iter().copied())
            .collect();
        let leased = self.leased.lock().unwrap();
        leased.iter().map(|(lease, _)| *lease).filter(|lease| !settled.contains(lease)).collect()
    }

    /// All that was recorded, as it would be on disk.
    pub fn text(&self) -> String {
        serde_json::to_string(&self.entries()).unwrap()
    }

    /// What holds of every run: what began has ended, ids are unique, no key is in sight, every cost is ours.
    pub fn check(&self) {
        let (mut calls, mut spans) = (Vec::new(), Vec::new());
        let (mut begun, mut waiting) = (Vec::new(), Vec::new());
        for entry in self.entries() {
            let who = (entry.agent.clone(), entry.parent.clone());
            if let Some(parent) = &entry.parent {
                assert!(begun.contains(&format!("span {parent}")), "{parent} is not under way: {entry:?}");
            }
            match entry.body {
                EventBody::ToolStarted { call, .. } => {
                    assert!(!calls.contains(&call), "{call} twice");
                    calls.push(call.clone());
                    begun.push(format!("call {call}"));
                }
                EventBody::ToolFinished { call, .. } => begun.retain(|open| *open != format!("call {call}")),
                EventBody::DelegationStarted { span, .. } => {
                    assert!(!spans.contains(&span), "{span} twice");
                    spans.push(span.clone());
                    begun.push(format!("span {span}"));
                }
                EventBody::DelegationFinished { span, .. } => begun.retain(|open| *open != format!("span {span}")),
                EventBody::Waiting { over: false, .. } if !waiting.contains(&who) => waiting.push(who),
                EventBody::Waiting { over: true, .. } => waiting.retain(|open| *open != who),
                _ => {}
            }
        }
        assert_eq!(begun, Vec::<String>::new(), "began and did not end");
        assert_eq!(waiting, Vec::new(), "still waiting");
        assert_eq!(self.open_leases(), [], "leases left open");
        assert!(!self.text().contains(KEY), "the key is in the events");
    }
}

#[async_trait]
impl Host for TestHost {
    fn emit(&self, entry: Entry) -> Result<(), Error> {
        if self.room.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(Error::new(ErrorCode::DISK_FULL, "The disk is full.", "Make room."));
        }
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }

    fn before_effect(&self) -> Result<(), Error> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn delta(&self, agent: &str, parent: Option<&str>, text: &str) {
        self.deltas.lock().unwrap().push((agent.into(), parent.map(Into::into), text.into()));
    }

    fn raw(&self, line: &str) {
        self.raw.lock().unwrap().push(line.to_owned());
    }

    fn alive(&self) {
        self.signs.fetch_add(1, Ordering::SeqCst);
    }

    async fn ready(&self, agent: &str, _: Option<&str>) -> Result<(), Error> {
        self.asked.lock().unwrap().push(agent.into());
        let held = self.held.lock().unwrap().as_deref() == Some(agent);
        if held {
            self.stop.cancelled().await;
        }
        Ok(())
    }

    async fn lease(
        &self,
        _: &str,
        _: Option<&str>,
        _: &str,
        worst: Money,
        tokens: i64,
    ) -> Result<Option<LeaseId>, Error> {
        self.tokens.lock().unwrap().push(tokens);
        let mut leased = self.leased.lock().unwrap();
        if self.cost() + worst.as_nanos() > self.limit.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::BUDGET_DAILY, "Today's limit is reached.", "Raise it."));
        }
        if leased.len() as i64 >= self.only_first.load(Ordering::SeqCst) {
            let error = Error::new(ErrorCode::BUDGET_BRIEF, "The brief's own limit is reached.", "Raise it.");
            return Err(error.with(json!({ "limit_usd": 1.0, "spent_usd": 0.9, "worst_usd": worst })));
        }
        let lease = LeaseId(leased.len() as i64 + 1);
        leased.push((lease, worst));
        Ok(Some(lease))
    }

    async fn lease_return(&self, lease: LeaseId) {
        self.returned.lock().unwrap().push(lease);
    }

    async fn ask(&self, agent: &str, parent: Option<&str>, question: Question) -> Result<Option<String>, Error> {
        self.questions.lock().unwrap().push(question.clone());
        let Question { ask, text, detail, options, approval, .. } = question;
        let key = format!("q{}", self.questions.lock().unwrap().len());
        let say =
            |body| self.emit(Entry { at: Time::now(), agent: agent.into(), parent: parent.map(Into::into), body });
        say(EventBody::Asked { key, ask, text, detail, options, approval })?;
        if self.silent.load(Ordering::SeqCst) {
            self.stop.cancelled().await;
            return Ok(None);
        }
        if self.raises.load(Ordering::SeqCst) {
            self.only_first.store(i64::MAX, Ordering::SeqCst);
        }
        Ok(Some(self.answers.lock().unwrap().pop_front().unwrap_or_else(|| "End".into())))
    }

    fn follow_ups(&self) -> Vec<(Seq, String)> {
        std::mem::take(&mut *self.more.lock().unwrap())
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// A company's folder, gone when dropped.
pub struct Folder {
    _home: TempDir,
    pub dir: PathBuf,
    pub tmp: PathBuf,
}

impl Folder {
    pub fn new(structure: &str) -> Folder {
        let home = testkit::temp_home();
        let dir = home.path().join("acme");
        let spec = company::Create {
            name: "Acme".into(),
            dir: dir.clone(),
            structure: Some(structure.into()),
            engine: Some("practice".into()),
            ..company::Create::default()
        };
        company::create(&spec).unwrap();
        let tmp = home.path().join("tmp");
        std::fs::create_dir(&tmp).unwrap();
        Folder { dir, tmp, _home: home }
    }

    /// Where conversations are kept.
    pub fn talk(&self) -> PathBuf {
        self.tmp.join("talk")
    }

    pub fn brief(&self, directive: &str) -> Brief {
        Brief {
            company: Arc::new(company::load(&self.dir).unwrap()),
            agent: "ceo".into(),
            job_id: JobId(7),
            directive: directive.into(),
            history: Vec::new(),
            journal: Vec::new(),
            memory: Memory { dir: Some(self.talk()), resume: None },
            limits: RunLimits::default(),
            mark: ("AICIB_RUN".into(), format!("{}:1", self.dir.display())),
            run_dir: self.tmp.clone(),
            tmp_dir: self.tmp.clone(),
            grace: Duration::from_millis(300).into(),
            spec: practice_spec(10.0),
            engines: BTreeMap::new(),
            conversation: None,
            state_dir: self.tmp.join("state"),
            rules: Rules::default(),
            granted: Grants::default(),
            sandbox: Policy::default(),
            confined: Confined::No,
            must_confine: false,
            aicib: "/nonexistent/aicib".into(),
            kept: engine::KeptFiles::default(),
            ids: Ids::default(),
        }
    }

    /// Changes the company's config.
    pub fn set(&self, key: &str, value: &str) {
        let file = self.dir.join(company::CONFIG_FILE);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, company::config::set(&text, key, value).unwrap()).unwrap();
    }
}

/// Waits short enough for tests.
pub fn impatient() -> Patience {
    Patience {
        first_byte: Duration::from_millis(400),
        stall: Duration::from_millis(300),
        outage: Duration::from_secs(5),
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(20),
        lease_again: Duration::from_millis(50),
        quota: Duration::from_secs(60),
        cuts: 3,
    }
}

pub fn api(url: &str) -> EngineSpec {
    let (kind, base_url, api_key) = (EngineKind::AnthropicApi, Some(url.into()), Some(KEY.into()));
    EngineSpec { kind, base_url, api_key, ..practice_spec(1.0) }
}

pub fn practice_spec(pace: f64) -> EngineSpec {
    EngineSpec {
        kind: EngineKind::Practice,
        base_url: None,
        api_key: None,
        pace,
        agent: String::new(),
        model: None,
        program: None,
        args: Vec::new(),
    }
}

/// Plays a brief against a provider, then checks what holds of every run.
pub async fn run(provider: &Provider, brief: &Brief, host: &TestHost) -> Ending {
    run_with(provider, brief, host, impatient()).await
}

pub async fn run_with(provider: &Provider, brief: &Brief, host: &TestHost, patience: Patience) -> Ending {
    let engine = engine::open_with(api(&provider.url()), patience).unwrap();
    let ending = tokio::time::timeout(Duration::from_secs(20), engine.run(brief, host)).await.expect("it ends");
    host.check();
    for body in host.bodies() {
        if let EventBody::Usage { basis, .. } = body {
            assert_eq!(basis, CostBasis::Estimated);
        }
    }
    ending
}

/// Plays a brief on a script, with the whole team.
pub async fn played(script: Script) -> (Folder, Provider, TestHost, Ending) {
    let (folder, provider, host) = (Folder::new("full-c-suite"), Provider::start(script).await, TestHost::new());
    let ending = run(&provider, &folder.brief("Write a company description"), &host).await;
    (folder, provider, host, ending)
}

/// The code of the error that a run ended with.
pub fn code(ending: &Ending) -> &str {
    ending.error.as_ref().map_or("", |error| error.code.as_str())
}
