//! Which window hears what. All windows share one connection to the daemon; this knows who subscribed to what, gives
//! subscriptions numbers of its own that outlive the connection, and holds back notes of a subscription whose number
//! has not been told yet.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use contract::methods::{DeskChanged, EventAdded, EventDelta, EventResync, Note};
use contract::{CompanyId, EventSubscribeParams, JobId, Seq};
use rpc::Incoming;
use serde_json::{Value, json};

/// Subscriptions of one window, at most; one more ends its oldest.
const MAX_SUBSCRIPTIONS: usize = 24;
/// Notes held back while a subscription is being made, at most.
const MAX_HELD: usize = 256;

/// A note for a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// The window's label.
    pub window: String,
    /// The note's name.
    pub note: &'static str,
    /// What it says, in the page's own numbers.
    pub params: Value,
}

/// A page's subscription to a job's events.
#[derive(Clone, Debug, PartialEq)]
struct Subscribed {
    window: String,
    job_id: JobId,
    after: Seq,
    deltas: bool,
    daemons: Option<i64>,
}

/// The routes.
#[derive(Default)]
pub struct Routes {
    last: i64,
    subscribed: BTreeMap<i64, Subscribed>,
    by_daemon: HashMap<i64, i64>,
    desks: BTreeMap<CompanyId, BTreeSet<String>>,
    asking: usize,
    held: VecDeque<Incoming>,
    held_lost: bool,
}

impl Routes {
    /// A subscription is about to be asked for: notes that may belong to it are held from now on.
    pub fn ask(&mut self) {
        self.asking += 1;
    }

    /// Asking came to nothing.
    pub fn failed(&mut self) {
        self.asked(|_| false);
    }

    /// The daemon took a subscription to events: the page's number for it, the daemon's number of one that had to
    /// make room, and what came in the meantime.
    pub fn subscribed(
        &mut self,
        window: &str,
        wanted: &EventSubscribeParams,
        daemons: i64,
    ) -> (i64, Option<i64>, Vec<Routed>) {
        let mut of_window = self.subscribed.iter().filter(|(_, one)| one.window == window);
        let oldest = of_window.next().map(|(own, _)| *own);
        let crowded = of_window.count() + 1 >= MAX_SUBSCRIPTIONS;
        let ended = if crowded { oldest.and_then(|own| self.unsubscribed(window, own)) } else { None };

        self.last += 1;
        let own = self.last;
        let one = Subscribed {
            window: window.into(),
            job_id: wanted.job_id,
            after: wanted.after,
            deltas: wanted.deltas,
            daemons: Some(daemons),
        };
        self.subscribed.insert(own, one);
        self.by_daemon.insert(daemons, own);
        let lost = self.held_lost;
        let held = self.asked(|note| note.params.get("subscription").and_then(Value::as_i64) == Some(daemons));
        let mut notes: Vec<Routed> = held.into_iter().flat_map(|note| self.events(&note)).collect();
        if lost {
            notes.push(resync(window, Some(own)));
        }
        (own, ended, notes)
    }

    /// The daemon gave a window a company's Desk: what came in the meantime.
    pub fn desk(&mut self, window: &str, company: CompanyId) -> Vec<Routed> {
        self.desks.entry(company).or_default().insert(window.into());
        let lost = self.held_lost;
        let held = self.asked(|note| note.method == DeskChanged::NAME && company_of(&note.params) == Some(company));
        let mut notes: Vec<Routed> = held.into_iter().map(|note| to(window, DeskChanged::NAME, note.params)).collect();
        if lost {
            notes.push(resync(window, None));
        }
        notes
    }

    fn asked(&mut self, wanted: impl Fn(&Incoming) -> bool) -> Vec<Incoming> {
        self.asking = self.asking.saturating_sub(1);
        let (mine, rest): (Vec<_>, VecDeque<_>) = {
            let mut mine = Vec::new();
            let mut rest = VecDeque::new();
            for note in self.held.drain(..) {
                if wanted(&note) { mine.push(note) } else { rest.push_back(note) }
            }
            (mine, rest)
        };
        if self.asking > 0 {
            self.held = rest;
        } else {
            self.held_lost = false;
        }
        mine
    }

    /// A page ended a subscription: the daemon's number for it.
    pub fn unsubscribed(&mut self, window: &str, own: i64) -> Option<i64> {
        if self.subscribed.get(&own)?.window != window {
            return None;
        }
        let daemons = self.subscribed.remove(&own)?.daemons?;
        self.by_daemon.remove(&daemons);
        Some(daemons)
    }

    /// A window's page is gone: the daemon's numbers of what it had subscribed to.
    pub fn forget(&mut self, window: &str) -> Vec<i64> {
        self.desks.values_mut().for_each(|windows| {
            windows.remove(window);
        });
        let own: Vec<i64> =
            self.subscribed.iter().filter(|(_, one)| one.window == window).map(|(own, _)| *own).collect();
        own.into_iter().filter_map(|own| self.unsubscribed(window, own)).collect()
    }

    /// The connection is gone, and the daemon's numbers with it: what to subscribe to anew, by our numbers.
    pub fn reconnect(&mut self) -> Vec<(i64, EventSubscribeParams)> {
        self.by_daemon.clear();
        self.held.clear();
        self.subscribed
            .iter_mut()
            .map(|(own, one)| {
                one.daemons = None;
                (*own, EventSubscribeParams { job_id: one.job_id, after: one.after, deltas: one.deltas })
            })
            .collect()
    }

    /// A subscription was made anew after [`Routes::reconnect`], or (none) could not be: what came in the meantime.
    pub fn resubscribed(&mut self, own: i64, daemons: Option<i64>) -> Vec<Routed> {
        let held =
            self.asked(|note| daemons.is_some() && note.params.get("subscription").and_then(Value::as_i64) == daemons);
        match (self.subscribed.get_mut(&own), daemons) {
            (Some(one), Some(number)) => {
                one.daemons = Some(number);
                self.by_daemon.insert(number, own);
            }
            (_, None) => {
                self.subscribed.remove(&own);
            }
            (None, Some(_)) => {}
        }
        held.into_iter().flat_map(|note| self.events(&note)).collect()
    }

    /// What a window has to be told to read again, after it missed something.
    pub fn resync(&self, window: &str) -> Vec<Routed> {
        let subscriptions = self.subscribed.iter().filter(|(_, one)| one.window == window);
        let mut notes: Vec<Routed> = subscriptions.map(|(own, _)| resync(window, Some(*own))).collect();
        if self.desks.values().any(|windows| windows.contains(window)) {
            notes.push(resync(window, None));
        }
        notes
    }

    /// Every window that has a Desk is to read it again.
    pub fn resync_desks(&self) -> Vec<Routed> {
        let windows: BTreeSet<&String> = self.desks.values().flatten().collect();
        windows.into_iter().map(|window| resync(window, None)).collect()
    }

    /// The companies whose Desks are on some page.
    pub fn companies(&self) -> Vec<CompanyId> {
        self.desks.iter().filter(|(_, windows)| !windows.is_empty()).map(|(company, _)| *company).collect()
    }

    /// Where a note goes.
    pub fn route(&mut self, note: Incoming) -> Vec<Routed> {
        let routed = match note.method.as_str() {
            DeskChanged::NAME => self.desk_changed(&note),
            EventAdded::NAME | EventDelta::NAME | EventResync::NAME => self.events(&note),
            _ => return Vec::new(),
        };
        let unknown = routed.is_empty() || note.method == DeskChanged::NAME;
        if self.asking > 0 && unknown {
            if self.held.len() < MAX_HELD {
                self.held.push_back(note);
            } else {
                self.held_lost = true;
            }
        }
        routed
    }

    fn desk_changed(&self, note: &Incoming) -> Vec<Routed> {
        let windows = company_of(&note.params).and_then(|company| self.desks.get(&company));
        windows.into_iter().flatten().map(|window| to(window, DeskChanged::NAME, note.params.clone())).collect()
    }

    fn events(&mut self, note: &Incoming) -> Vec<Routed> {
        if note.method == EventDelta::NAME {
            let job = note.params.get("job_id").and_then(Value::as_i64);
            let hear = |one: &&Subscribed| one.deltas && Some(one.job_id.0) == job;
            let windows: BTreeSet<&String> = self.subscribed.values().filter(hear).map(|one| &one.window).collect();
            return windows.into_iter().map(|window| to(window, EventDelta::NAME, note.params.clone())).collect();
        }
        let Some(daemons) = note.params.get("subscription").and_then(Value::as_i64) else {
            // A resync without a subscription is about Desks: everybody who has one.
            if note.method != EventResync::NAME {
                return Vec::new();
            }
            return self.resync_desks();
        };
        let Some(own) = self.by_daemon.get(&daemons).copied() else { return Vec::new() };
        let Some(one) = self.subscribed.get_mut(&own) else { return Vec::new() };
        let mut params = note.params.clone();
        params["subscription"] = json!(own);
        if let Some(seq) =
            params.pointer("/events").and_then(Value::as_array).and_then(|events| events.last()?.get("seq")?.as_i64())
        {
            one.after = one.after.max(Seq(seq));
        }
        let name = if note.method == EventAdded::NAME { EventAdded::NAME } else { EventResync::NAME };
        vec![to(&one.window, name, params)]
    }
}

fn to(window: &str, note: &'static str, params: Value) -> Routed {
    Routed { window: window.into(), note, params }
}

fn resync(window: &str, subscription: Option<i64>) -> Routed {
    let params = subscription.map_or_else(|| json!({}), |number| json!({ "subscription": number }));
    to(window, EventResync::NAME, params)
}

fn company_of(params: &Value) -> Option<CompanyId> {
    params.get("company_id").and_then(Value::as_i64).map(CompanyId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(subscription: i64, seq: i64) -> Incoming {
        Incoming {
            method: "event.added".into(),
            params: json!({ "subscription": subscription, "events": [{ "seq": seq }] }),
        }
    }

    fn wanted(job: i64, after: i64) -> EventSubscribeParams {
        EventSubscribeParams { job_id: JobId(job), after: Seq(after), deltas: true }
    }

    fn subscribe(routes: &mut Routes, window: &str, job: i64, daemons: i64) -> i64 {
        routes.ask();
        routes.subscribed(window, &wanted(job, 0), daemons).0
    }

    #[test]
    fn events_reach_the_window_that_subscribed_under_its_own_number() {
        let mut routes = Routes::default();
        subscribe(&mut routes, "quick", 1, 70);
        let own = subscribe(&mut routes, "main", 2, 71);
        let routed = routes.route(added(71, 5));
        assert_eq!(routed.len(), 1);
        assert_eq!(routed[0].window, "main");
        assert_eq!(routed[0].params["subscription"], own);
        assert!(routes.route(added(99, 5)).is_empty());
    }

    #[test]
    fn what_comes_before_the_answer_is_not_lost() {
        let mut routes = Routes::default();
        routes.ask();
        assert!(routes.route(added(7, 1)).is_empty());
        let (own, _, notes) = routes.subscribed("main", &wanted(3, 0), 7);
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].params["subscription"], own);

        routes.ask();
        let change = Incoming { method: "desk.changed".into(), params: json!({ "company_id": 4, "seq": 9 }) };
        assert!(routes.route(change.clone()).is_empty());
        assert_eq!(routes.desk("main", CompanyId(4)).len(), 1);
        assert_eq!(routes.route(change).len(), 1);
    }

    #[test]
    fn when_too_much_comes_before_the_answer_the_page_is_told() {
        let mut routes = Routes::default();
        routes.ask();
        for seq in 0..(MAX_HELD as i64 + 10) {
            routes.route(added(7, seq));
        }
        let (own, _, notes) = routes.subscribed("main", &wanted(3, 0), 7);
        assert_eq!(notes.last(), Some(&resync("main", Some(own))));
    }

    #[test]
    fn a_new_connection_goes_on_after_the_last_event() {
        let mut routes = Routes::default();
        let own = subscribe(&mut routes, "main", 2, 71);
        routes.route(added(71, 41));
        let anew = routes.reconnect();
        assert_eq!(anew, vec![(own, wanted(2, 41))]);
        routes.ask();
        assert!(routes.route(added(1, 42)).is_empty());
        let notes = routes.resubscribed(own, Some(1));
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].params["subscription"], own);
    }

    #[test]
    fn a_page_that_left_hears_nothing_and_leaves_nothing_subscribed() {
        let mut routes = Routes::default();
        subscribe(&mut routes, "main", 2, 71);
        subscribe(&mut routes, "main", 3, 72);
        subscribe(&mut routes, "quick", 3, 73);
        routes.ask();
        routes.desk("main", CompanyId(4));
        let mut ended = routes.forget("main");
        ended.sort_unstable();
        assert_eq!(ended, [71, 72]);
        assert!(routes.route(added(71, 5)).is_empty());
        assert!(routes.resync("main").is_empty());
    }

    #[test]
    fn a_window_that_keeps_subscribing_loses_its_oldest() {
        let mut routes = Routes::default();
        let mut ended = Vec::new();
        for job in 0..(MAX_SUBSCRIPTIONS as i64 + 3) {
            routes.ask();
            ended.extend(routes.subscribed("main", &wanted(job, 0), 100 + job).1);
        }
        assert_eq!(ended, [100, 101, 102]);
    }

    #[test]
    fn deltas_go_to_those_who_asked_for_the_job() {
        let mut routes = Routes::default();
        subscribe(&mut routes, "main", 2, 71);
        let delta = |job: i64| Incoming { method: "event.delta".into(), params: json!({ "job_id": job, "text": "x" }) };
        assert_eq!(routes.route(delta(2)).len(), 1);
        assert!(routes.route(delta(3)).is_empty());
    }
}
