//! A daemon that lets every worker in, and grants what it is told to grant.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use contract::methods::{self, RunAnswered, RunCancelled, RunHeld, RunRulesChanged, RunToldMore};
use contract::{
    Empty, Error, ErrorCode, GoOn, GoOnParams, InitializeResult, Lease, LeaseId, PROTOCOL, Rule, RunAnswer, RunCancel,
    RunFollowUp, RunGrew, RunHold, RunRules, Seq,
};
use rpc::{Conn, Home, Listener, Service, serve};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
pub struct Desk {
    held: AtomicBool,
    /// Whether there is a slot for whoever asks.
    pub slots: AtomicBool,
    /// The lines that a slot was asked for.
    pub asked: Mutex<Vec<i64>>,
    pub leases: AtomicI64,
    pub knows_runs: AtomicBool,
    pub grew: Mutex<Vec<RunGrew>>,
    /// What the founder has said, for whoever connects.
    answers: Mutex<Vec<RunAnswer>>,
    more: Mutex<Vec<RunFollowUp>>,
    conns: Mutex<Vec<Arc<Conn<()>>>>,
}

impl Service for Desk {
    type State = ();

    fn connected(&self) {}

    async fn call(self: &Arc<Self>, conn: Arc<Conn<()>>, method: String, params: Value) -> Result<Value, Error> {
        match method.as_str() {
            "initialize" if !self.knows_runs.load(Ordering::SeqCst) => {
                Err(Error::new(ErrorCode::UNAUTHORIZED, "No such run.", ""))
            }
            "initialize" => {
                // As the daemon does: the present state, to each that connects.
                let hold = RunHold { held: self.held.load(Ordering::SeqCst) };
                conn.try_note::<RunHeld>(&hold).unwrap();
                self.answers.lock().unwrap().iter().for_each(|answer| conn.try_note::<RunAnswered>(answer).unwrap());
                self.more.lock().unwrap().iter().for_each(|more| conn.try_note::<RunToldMore>(more).unwrap());
                self.conns.lock().unwrap().push(conn);
                Ok(json!(InitializeResult { protocol: PROTOCOL, version: "0".into(), pid: std::process::id() }))
            }
            "run.go_on" => {
                let params: GoOnParams = serde_json::from_value(params).unwrap();
                self.asked.lock().unwrap().push(params.line);
                let granted = self.slots.load(Ordering::SeqCst) && !self.held.load(Ordering::SeqCst);
                Ok(json!(GoOn { granted }))
            }
            "run.lease" => {
                let number = self.leases.fetch_add(1, Ordering::SeqCst) + 1;
                Ok(json!(Lease { lease_id: LeaseId(number) }))
            }
            "run.lease_return" => Ok(json!(Empty {})),
            other => Err(methods::unknown_method(other)),
        }
    }

    async fn note(self: &Arc<Self>, _: Arc<Conn<()>>, method: String, params: Value) {
        if method == "run.grew" {
            self.grew.lock().unwrap().push(serde_json::from_value(params).unwrap());
        }
    }

    fn disconnected(&self, conn: &Arc<Conn<()>>) {
        self.conns.lock().unwrap().retain(|other| other.id != conn.id);
    }
}

/// A daemon at its socket.
pub struct Daemon {
    pub desk: Arc<Desk>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Daemon {
    pub fn start(home: &Home) -> Daemon {
        Daemon::holding(home, false)
    }

    /// A daemon whose jobs are on hold.
    pub fn holding(home: &Home, held: bool) -> Daemon {
        let desk = Arc::new(Desk::default());
        desk.slots.store(true, Ordering::SeqCst);
        desk.knows_runs.store(true, Ordering::SeqCst);
        desk.held.store(held, Ordering::SeqCst);
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(Listener::bind(home).unwrap(), Arc::clone(&desk), stop.clone()));
        Daemon { desk, stop, served }
    }

    /// Puts the run on hold, or lets it go on.
    pub fn hold(&self, held: bool) {
        self.desk.held.store(held, Ordering::SeqCst);
        self.nudge();
    }

    /// Says how it stands with the hold.
    pub fn nudge(&self) {
        let hold = RunHold { held: self.desk.held.load(Ordering::SeqCst) };
        for conn in self.desk.conns.lock().unwrap().iter() {
            // A connection that is full or gone is told when it comes again.
            let _ = conn.try_note::<RunHeld>(&hold);
        }
    }

    /// Answers a question, now and for whoever connects later.
    pub fn answer(&self, key: &str, answer: &str) {
        let answer = RunAnswer { key: key.into(), answer: answer.into() };
        let conns = self.desk.conns.lock().unwrap();
        conns.iter().for_each(|conn| conn.try_note::<RunAnswered>(&answer).unwrap());
        self.desk.answers.lock().unwrap().push(answer);
    }

    /// Says more to the brief.
    pub fn tell(&self, seq: i64, text: &str) {
        let more = RunFollowUp { seq: Seq(seq), text: text.into() };
        let conns = self.desk.conns.lock().unwrap();
        conns.iter().for_each(|conn| conn.try_note::<RunToldMore>(&more).unwrap());
        self.desk.more.lock().unwrap().push(more);
    }

    /// Tells the founder's rules.
    pub fn rules(&self, rules: Vec<Rule>) {
        let conns = self.desk.conns.lock().unwrap();
        conns.iter().for_each(|conn| conn.try_note::<RunRulesChanged>(&RunRules { rules: rules.clone() }).unwrap());
    }

    pub fn cancel(&self) {
        for conn in self.desk.conns.lock().unwrap().iter() {
            conn.try_note::<RunCancelled>(&RunCancel { reason: "The founder stopped it.".into() }).unwrap();
        }
    }

    pub fn is_connected(&self) -> bool {
        !self.desk.conns.lock().unwrap().is_empty()
    }

    pub fn asked(&self) -> Vec<i64> {
        self.desk.asked.lock().unwrap().clone()
    }

    /// Leaves; its runs go on.
    pub async fn leave(self) {
        self.stop.cancel();
        self.served.await.unwrap();
    }
}
