//! A host that remembers everything.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use contract::{Entry, Error, ErrorCode, EventBody, LeaseId, Money, Seq, Time};
use engine::{Host, Question};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::engines::{KEY, OWN_KEY};

pub struct TestHost {
    pub entries: Mutex<Vec<Entry>>,
    pub deltas: Mutex<String>,
    pub raw: Mutex<Vec<String>>,
    /// Leases that are granted before the brief's limit is reached.
    pub leases: AtomicI64,
    leased: Mutex<Vec<LeaseId>>,
    returned: Mutex<Vec<LeaseId>>,
    pub questions: Mutex<Vec<Question>>,
    /// What the founder answers, in order; "End" when there is nothing more.
    pub answers: Mutex<VecDeque<String>>,
    /// Whether nobody answers.
    pub silent: Mutex<bool>,
    /// What the founder has to say.
    pub more: Mutex<Vec<(Seq, String)>>,
    pub stop: CancellationToken,
}

impl TestHost {
    pub fn new() -> TestHost {
        TestHost {
            entries: Mutex::default(),
            deltas: Mutex::default(),
            raw: Mutex::default(),
            leases: AtomicI64::new(i64::MAX),
            leased: Mutex::default(),
            returned: Mutex::default(),
            questions: Mutex::default(),
            answers: Mutex::default(),
            silent: Mutex::default(),
            more: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    pub fn bodies(&self) -> Vec<EventBody> {
        self.entries.lock().unwrap().iter().map(|entry| entry.body.clone()).collect()
    }

    /// What all of it cost, in nano-dollars.
    pub fn cost(&self) -> i64 {
        let costs = self.bodies().into_iter().map(|body| match body {
            EventBody::Usage { cost_usd, .. } => cost_usd.as_nanos(),
            _ => 0,
        });
        costs.sum()
    }

    pub fn has(&self, is: impl Fn(&EventBody) -> bool) -> bool {
        self.bodies().iter().any(is)
    }

    /// The engine's own name for the conversation.
    pub fn conversation(&self) -> Option<String> {
        self.bodies().into_iter().find_map(|body| match body {
            EventBody::EngineStarted { conversation, .. } => conversation,
            _ => None,
        })
    }

    /// Finished tool calls: the tool, whether it did what it should, and what the model was given.
    pub fn tools(&self) -> Vec<(String, bool, String)> {
        let tools = self.bodies().into_iter().filter_map(|body| match body {
            EventBody::ToolFinished { tool, ok, output, .. } => Some((tool, ok, output)),
            _ => None,
        });
        tools.collect()
    }

    /// What holds of every run: what began has ended, ids are unique, money set aside was used or given back, and no
    /// key is in sight.
    pub fn check(&self) {
        let entries = self.entries.lock().unwrap().clone();
        let (mut known, mut open, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for entry in &entries {
            let who = (entry.agent.clone(), entry.parent.clone());
            if let Some(parent) = &entry.parent {
                assert!(open.contains(parent), "{parent} is not under way: {entry:?}");
            }
            match &entry.body {
                EventBody::ToolStarted { call: id, .. } | EventBody::DelegationStarted { span: id, .. } => {
                    assert!(!known.contains(id), "{id} began twice");
                    known.push(id.clone());
                    open.push(id.clone());
                }
                EventBody::ToolFinished { call: id, .. } | EventBody::DelegationFinished { span: id, .. } => {
                    assert!(open.contains(id), "{id} ended and had not begun, or ended twice");
                    open.retain(|one| one != id);
                }
                EventBody::Waiting { over: false, .. } if !waiting.contains(&who) => waiting.push(who),
                EventBody::Waiting { over: true, .. } => waiting.retain(|one| *one != who),
                _ => {}
            }
        }
        assert_eq!(open, Vec::<String>::new(), "began and did not end");
        assert_eq!(waiting, Vec::new(), "still waiting");
        let used = entries.iter().filter_map(|entry| match &entry.body {
            EventBody::Usage { lease_id, .. } => *lease_id,
            _ => None,
        });
        let settled: Vec<_> = used.chain(self.returned.lock().unwrap().iter().copied()).collect();
        let leased = self.leased.lock().unwrap().clone();
        let left: Vec<_> = leased.into_iter().filter(|lease| !settled.contains(lease)).collect();
        assert_eq!(left, [], "money set aside was neither used nor given back");
        let text = serde_json::to_string(&entries).unwrap();
        for key in [KEY, OWN_KEY] {
            assert!(!text.contains(key), "a key is in the events");
            assert!(!self.raw.lock().unwrap().iter().any(|line| line.contains(key)), "a key is in the raw lines");
        }
    }

    fn say(&self, agent: &str, parent: Option<&str>, body: EventBody) {
        let entry = Entry { at: Time::now(), agent: agent.into(), parent: parent.map(Into::into), body };
        self.entries.lock().unwrap().push(entry);
    }
}

#[async_trait]
impl Host for TestHost {
    fn emit(&self, entry: Entry) -> Result<(), Error> {
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }

    fn before_effect(&self) -> Result<(), Error> {
        Ok(())
    }

    fn delta(&self, _: &str, _: Option<&str>, text: &str) {
        self.deltas.lock().unwrap().push_str(text);
    }

    fn alive(&self) {}

    fn raw(&self, line: &str) {
        self.raw.lock().unwrap().push(line.to_owned());
    }

    async fn ready(&self, _: &str, _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    async fn lease(&self, _: &str, _: Option<&str>, _: &str, worst: Money, _: i64) -> Result<Option<LeaseId>, Error> {
        let mut leased = self.leased.lock().unwrap();
        if leased.len() as i64 >= self.leases.load(Ordering::SeqCst) {
            let error = Error::new(ErrorCode::BUDGET_BRIEF, "The brief's own limit is reached.", "Raise it.");
            return Err(error.with(json!({ "limit_usd": 1.0, "spent_usd": 0.9, "worst_usd": worst })));
        }
        let lease = LeaseId(leased.len() as i64 + 1);
        leased.push(lease);
        Ok(Some(lease))
    }

    async fn lease_return(&self, lease: LeaseId) {
        self.returned.lock().unwrap().push(lease);
    }

    async fn ask(&self, agent: &str, parent: Option<&str>, question: Question) -> Result<Option<String>, Error> {
        let key = {
            let mut questions = self.questions.lock().unwrap();
            questions.push(question.clone());
            format!("q{}", questions.len())
        };
        let Question { ask, text, detail, options, approval, .. } = question;
        self.say(agent, parent, EventBody::Asked { key, ask, text, detail, options, approval });
        if *self.silent.lock().unwrap() {
            self.stop.cancelled().await;
            return Ok(None);
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
