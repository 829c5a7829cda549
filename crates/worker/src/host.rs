//! What the engine may ask of the worker.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contract::methods::{RunLease, RunLeaseReturn};
use contract::{
    Delta, Entry, Error, ErrorCode, EventBody, JobId, LeaseId, LeaseParams, LeaseReturn, Money, NoticeLevel, RunLimits,
    SYSTEM, Seq, Time, WaitReason,
};
use engine::{Host, Question};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clocks::Clocks;
use crate::link::{Link, StopReason, Why};
use crate::raw::{Closed, Raw};
use crate::spool::{Appended, Spool};
use crate::standstill::Agents;
use crate::turnstile::Said;

/// How long the daemon may be away before an agent says that it waits.
const SHORT_ABSENCE: Duration = Duration::from_secs(1);
/// How long to wait before a daemon is asked again that has too much to do.
const LEASE_PAUSE: Duration = Duration::from_millis(200);
/// Files that tool calls changed, as far as they are remembered.
const MOST_TOLD: usize = 20_000;
/// How long none of the agents can go on before that is said of the run as a whole. Between two delegations there are
/// moments in which it only looks that way.
const SETTLED: Duration = Duration::from_millis(50);

/// The engine's view of the run: spool, daemon, hold, stop.
pub struct RunHost {
    job_id: JobId,
    spool: Spool,
    raw: Raw,
    pub(crate) link: Arc<Link>,
    pub(crate) stop: CancellationToken,
    pub(crate) reason: StopReason,
    state: Mutex<State>,
    /// Who can go on has changed.
    changed: Notify,
    /// Held by the agent that asks for a slot.
    pub(crate) asking: tokio::sync::Mutex<()>,
    /// Whether a tool with effects was called.
    effects: AtomicBool,
    /// Files that tool calls said they changed.
    told: Mutex<BTreeSet<String>>,
    /// Leases that were not used and that no daemon was there to take back: they would count as spent.
    unreturned: Mutex<Vec<LeaseId>>,
}

/// What the run's events add up to.
struct State {
    agents: Agents,
    clocks: Clocks,
    /// The line that said that the run as a whole waits, while it does, and for what.
    waits: Option<(i64, WaitReason)>,
    /// Since when none of the agents can go on, while that is not said yet.
    still_since: Option<Instant>,
}

impl State {
    /// Takes note of who can go on.
    fn reckon(&mut self, now: Instant) {
        let still = self.waits.is_none() && self.agents.wait().is_some();
        self.still_since = still.then(|| self.still_since.unwrap_or(now));
        self.clocks.stand(self.waits.is_some() || self.agents.all_wait(), now);
    }
}

/// Whether an agent may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// It may.
    Free,
    /// The run is on hold.
    Held,
    /// The run as a whole waits, as this line says: it needs a slot first.
    Waits(i64),
}

impl RunHost {
    /// The host of a run that begins now.
    pub fn new(
        job_id: JobId,
        limits: &RunLimits,
        spool: Spool,
        raw: Raw,
        link: Arc<Link>,
        stop: CancellationToken,
        reason: StopReason,
    ) -> RunHost {
        let clocks = Clocks::new(limits, Instant::now());
        RunHost {
            job_id,
            spool,
            raw,
            link,
            stop,
            reason,
            state: Mutex::new(State { agents: Agents::new(), clocks, waits: None, still_since: None }),
            changed: Notify::new(),
            asking: tokio::sync::Mutex::default(),
            effects: AtomicBool::new(false),
            told: Mutex::default(),
            unreturned: Mutex::default(),
        }
    }

    /// Records something that no agent did.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn emit_own(&self, body: EventBody) -> Result<(), Error> {
        self.emit(own(body))
    }

    /// Lets go of what was kept aside on disk for the last word.
    pub fn make_room(&self) {
        self.spool.release_reserve();
    }

    /// Whether a tool that changes anything was called.
    pub fn had_effects(&self) -> bool {
        self.effects.load(Ordering::Relaxed)
    }

    /// The files that tool calls said they changed.
    pub fn told(&self) -> BTreeSet<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells the run to stop, since it cannot go on. The first reason there was is the one that counts.
    pub fn cannot_go_on(&self, error: Error) {
        let _ = self.reason.set(Why::CannotGoOn(error));
        self.stop.cancel();
    }

    /// Watches over the run: says when it waits as a whole. Ends with the limit in time that the run has reached.
    pub async fn watch(&self) -> Error {
        loop {
            let next = match self.look() {
                Ok(next) => next,
                Err(error) => return error,
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(next.unwrap_or_default()), if next.is_some() => {}
            }
        }
    }

    fn look(&self) -> Result<Option<Duration>, Error> {
        let now = Instant::now();
        let mut state = self.state();
        let mut next = state.clocks.look(now)?;
        if let Some(since) = state.still_since {
            let left = SETTLED.saturating_sub(now - since);
            if left.is_zero() {
                self.say_that_all_wait(&mut state, now)?;
            } else {
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        Ok(next)
    }

    fn say_that_all_wait(&self, state: &mut State, now: Instant) -> Result<(), Error> {
        let Some(wait) = state.agents.wait().cloned() else { return Ok(()) };
        let (reason, detail, until) = (wait.reason, wait.detail, wait.until);
        let appended = self.append(own(EventBody::Waiting { reason, detail, until, over: false }))?;
        state.waits = Some((appended.line, reason));
        state.reckon(now);
        Ok(())
    }

    /// The run has a slot again: it waits no more.
    pub(crate) fn goes_on(&self, line: i64) -> Result<(), Error> {
        let mut state = self.state();
        let Some((_, reason)) = state.waits.take_if(|(waits, _)| *waits == line) else { return Ok(()) };
        let detail = "It goes on.".to_owned();
        let said = self.append(own(EventBody::Waiting { reason, detail, until: None, over: true }));
        state.reckon(Instant::now());
        drop(state);
        self.changed.notify_one();
        said.map(|_| ())
    }

    /// The line that said that the run as a whole waits, while it does.
    pub(crate) fn waits(&self) -> Option<i64> {
        self.state().waits.map(|(line, _)| line)
    }

    /// Lets the agent in that delegation go on, if it may.
    pub(crate) fn pass(&self, span: Option<&str>) -> Pass {
        let mut state = self.state();
        if self.link.is_held() {
            return Pass::Held;
        }
        if let Some((line, _)) = state.waits {
            return Pass::Waits(line);
        }
        state.agents.goes_on(span);
        state.reckon(Instant::now());
        drop(state);
        self.changed.notify_one();
        Pass::Free
    }

    /// Writes an event, and ends the run where that was the last that it may record.
    fn append(&self, entry: Entry) -> Result<Appended, Error> {
        let appended = self.spool.append(entry)?;
        if appended.full && !self.stop.is_cancelled() {
            self.cannot_go_on(self.spool.full());
        }
        self.link.grew();
        Ok(appended)
    }

    fn sign(&self, speaks: bool) {
        self.state().clocks.sign(speaks, Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back what can be given back now.
    async fn return_leases(&self) {
        loop {
            let Some(lease_id) = self.unreturned().pop() else { return };
            match self.link.call::<RunLeaseReturn>(LeaseReturn { lease_id }).await {
                Some(Ok(_)) => continue,
                Some(Err(error)) => tracing::warn!(%error, %lease_id, "a lease could not be given back"),
                None => tracing::debug!(%lease_id, "a lease is given back once the daemon is there"),
            }
            // Giving back twice is no harm.
            self.unreturned().push(lease_id);
            return;
        }
    }

    fn unreturned(&self) -> MutexGuard<'_, Vec<LeaseId>> {
        self.unreturned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Host for RunHost {
    fn emit(&self, entry: Entry) -> Result<(), Error> {
        let speaks = matches!(
            entry.body,
            EventBody::Message { .. }
                | EventBody::Thinking { .. }
                | EventBody::ToolStarted { .. }
                | EventBody::DelegationStarted { .. }
        );
        if let EventBody::ToolFinished { change: Some(change), .. } = &entry.body {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() < MOST_TOLD {
                told.insert(change.path.clone());
            }
        }
        let now = Instant::now();
        let mut state = self.state();
        state.clocks.sign(speaks, now);
        let changed = state.agents.see(&entry);
        if changed {
            state.reckon(now);
        }
        // Under the lock: what the run as a whole is said to do stands in line with what its agents do.
        let appended = self.append(entry);
        drop(state);
        if changed {
            self.changed.notify_one();
        }
        appended.map(|_| ())
    }

    fn before_effect(&self) -> Result<(), Error> {
        self.effects.store(true, Ordering::Relaxed);
        self.link.counts_children();
        self.spool.sync()
    }

    fn delta(&self, agent: &str, parent: Option<&str>, text: &str) {
        self.sign(true);
        let parent = parent.map(str::to_owned);
        self.link.delta(Delta { job_id: self.job_id, agent: agent.into(), parent, text: text.into() });
    }

    fn alive(&self) {
        self.sign(true);
    }

    fn raw(&self, line: &str) {
        let text = match self.raw.keep(line) {
            Ok(()) => return,
            Err(Closed::Full) => "What the engine's program writes is kept no longer: it is too much.".to_owned(),
            Err(Closed::Failed(error)) => format!("What the engine's program writes cannot be kept: {error}."),
        };
        if let Err(error) = self.emit_own(notice(NoticeLevel::Warning, text)) {
            tracing::warn!(%error, "that raw lines are kept no longer could not be recorded");
        }
    }

    async fn ready(&self, agent: &str, parent: Option<&str>) -> Result<(), Error> {
        self.until_free(agent, parent).await
    }

    async fn lease(
        &self,
        agent: &str,
        parent: Option<&str>,
        model: &str,
        worst: Money,
        tokens: i64,
    ) -> Result<Option<LeaseId>, Error> {
        let params = LeaseParams { agent: agent.into(), model: model.into(), worst_usd: worst, worst_tokens: tokens };
        let mut said = Said::nothing(self, agent, parent);
        loop {
            tokio::select! {
                () = self.return_leases() => {}
                () = self.stop.cancelled() => return Ok(None),
            }
            let answer = tokio::select! {
                answer = self.link.call::<RunLease>(params.clone()) => answer,
                () = self.stop.cancelled() => return Ok(None),
            };
            match answer {
                Some(Err(error)) if error.code == ErrorCode::STOPPING || error.code == ErrorCode::OVERLOADED => {
                    tracing::debug!(%error, "no leave yet");
                    tokio::time::sleep(LEASE_PAUSE).await;
                }
                // The hold came first, and the daemon that granted this may not have known of it.
                Some(Ok(lease)) if self.link.is_held() => {
                    said.over()?;
                    self.lease_return(lease.lease_id).await;
                    self.until_free(agent, parent).await?;
                }
                Some(answer) => {
                    said.over()?;
                    return answer.map(|lease| Some(lease.lease_id));
                }
                // A limit that nobody can check is still a limit: wait for the daemon. A short absence is not worth
                // a word.
                None => tokio::select! {
                    () = self.link.up() => {}
                    () = tokio::time::sleep(SHORT_ABSENCE), if !said.is_something() => {
                        said.waits_for(WaitReason::Daemon)?;
                    }
                    () = self.stop.cancelled() => return Ok(None),
                },
            }
        }
    }

    async fn lease_return(&self, lease_id: LeaseId) {
        self.unreturned().push(lease_id);
        self.return_leases().await;
    }

    async fn ask(&self, agent: &str, parent: Option<&str>, question: Question) -> Result<Option<String>, Error> {
        self.ask_founder(agent, parent, question).await
    }

    fn follow_ups(&self) -> Vec<(Seq, String)> {
        self.link.words().follow_ups()
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

fn own(body: EventBody) -> Entry {
    Entry { at: Time::now(), agent: SYSTEM.into(), parent: None, body }
}

/// A notice of the worker's own.
pub fn notice(level: NoticeLevel, text: impl Into<String>) -> EventBody {
    EventBody::Notice { level, text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{RunId, SpoolLine};
    use process::Mark;
    use rpc::Home;

    use crate::link::Orders;

    fn host(temp: &tempfile::TempDir, limits: &RunLimits) -> RunHost {
        let home = Home::at(temp.path().join("home")).unwrap();
        let (stop, reason) = (CancellationToken::new(), StopReason::default());
        let mark = Mark::new("AICIB_RUN", temp.path().display().to_string());
        let orders = Orders { stop: stop.clone(), reason: reason.clone(), ..Orders::default() };
        let link = Link::start(home, RunId(1), "token".into(), mark, false, orders);
        let spool = Spool::create(temp.path(), limits.output_bytes).unwrap();
        let raw = Raw::new(temp.path(), limits.output_bytes, []);
        RunHost::new(JobId(1), limits, spool, raw, Arc::new(link), stop, reason)
    }

    fn message(text: &str) -> Entry {
        Entry { at: Time(1), agent: "ceo".into(), parent: None, body: EventBody::Message { text: text.into() } }
    }

    fn waits(span: Option<&str>, reason: WaitReason, over: bool) -> Entry {
        let body = EventBody::Waiting { reason, detail: "It waits.".into(), until: None, over };
        Entry { parent: span.map(Into::into), body, ..message("") }
    }

    fn lines(temp: &tempfile::TempDir) -> Vec<SpoolLine> {
        let text = std::fs::read_to_string(temp.path().join("spool.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[cfg(target_os = "linux")]
    fn memory() -> u64 {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_hundred_thousand_events_at_once_are_all_recorded_and_nothing_piles_up() {
        let temp = tempfile::tempdir().unwrap();
        let host = host(&temp, &RunLimits::default());
        let before = memory();
        for number in 0..100_000 {
            // Not one moment for anybody else to take something away.
            host.emit(message(&format!("number {number}"))).unwrap();
            host.delta("ceo", None, "a piece of something that nobody hears");
        }
        let grown = memory().saturating_sub(before);
        assert!(grown < 32 * 1024 * 1024, "{grown}");
        let lines = lines(&temp);
        assert!((1..).zip(&lines).all(|(number, line)| line.n == number));
        assert_eq!(lines.len(), 100_000);
        assert_eq!(lines[99_999].entry, message("number 99999"));
    }

    #[tokio::test]
    async fn a_moment_in_which_nobody_works_is_no_wait_of_the_run() {
        let temp = tempfile::tempdir().unwrap();
        let host = host(&temp, &RunLimits::default());
        let story = async {
            for _ in 0..20 {
                host.emit(waits(None, WaitReason::Provider, false)).unwrap();
                tokio::time::sleep(SETTLED / 10).await;
                assert_eq!(host.pass(None), Pass::Free);
                tokio::time::sleep(SETTLED / 10).await;
            }
            assert_eq!(lines(&temp).len(), 20);
            host.emit(waits(None, WaitReason::Provider, false)).unwrap();
            tokio::time::sleep(SETTLED * 3).await;
        };
        tokio::select! {
            error = host.watch() => panic!("{error}"),
            () = story => {}
        }
        assert_eq!(host.waits(), Some(22));
        assert_eq!(host.pass(None), Pass::Waits(22));
        host.goes_on(21).unwrap();
        assert_eq!(host.pass(None), Pass::Waits(22), "that was another wait");
        host.goes_on(22).unwrap();
        assert_eq!(host.pass(None), Pass::Free);
        let said: Vec<_> = lines(&temp).into_iter().skip(21).map(|line| (line.entry.agent, line.entry.body)).collect();
        let over = |over| EventBody::Waiting {
            reason: WaitReason::Provider,
            detail: if over { "It goes on.".into() } else { "It waits.".into() },
            until: None,
            over,
        };
        assert_eq!(said, [(SYSTEM.to_owned(), over(false)), (SYSTEM.to_owned(), over(true))]);
    }

    #[tokio::test]
    async fn a_run_that_records_too_much_is_told_to_stop_once() {
        let temp = tempfile::tempdir().unwrap();
        let host = host(&temp, &RunLimits { output_bytes: 1_000, ..RunLimits::default() });
        while !host.stop.is_cancelled() {
            host.emit(message("a few words")).unwrap();
        }
        assert!(lines(&temp).len() < 20);
        let Some(Why::CannotGoOn(error)) = host.reason.get() else { panic!("no reason") };
        assert_eq!(error.code, ErrorCode::RUN_OUTPUT);
        host.emit(message("on the way out")).unwrap();
    }
}
