//! Messages that are still being written, as far as they are: for whoever opens a job in the middle of one. They are
//! in memory only, and may be lost; the finished message is an event.

use std::collections::HashMap;

use contract::{Delta, Event, EventBody, JobId};

/// Bytes of an unfinished message that are kept: its end.
const MAX_BYTES: usize = 64 * 1024;
/// Unfinished messages of one job, at most.
const MAX_SPEAKERS: usize = 32;

/// The unfinished messages of all jobs.
#[derive(Default)]
pub struct Tails(HashMap<JobId, Vec<Delta>>);

impl Tails {
    /// An unfinished message grew.
    pub fn grow(&mut self, delta: &Delta) {
        let tails = self.0.entry(delta.job_id).or_default();
        if let Some(tail) = tails.iter_mut().find(|tail| tail.agent == delta.agent && tail.parent == delta.parent) {
            tail.text.push_str(&delta.text);
            keep_end(&mut tail.text);
        } else if tails.len() < MAX_SPEAKERS {
            tails.push(delta.clone());
        }
    }

    /// Events were stored: what they finish is no tail any more.
    pub fn finish(&mut self, events: &[Event]) {
        for event in events {
            match &event.entry.body {
                EventBody::RunExited { .. } => drop(self.0.remove(&event.job_id)),
                EventBody::JobChanged { state, .. } if state.is_final() => drop(self.0.remove(&event.job_id)),
                // A wait is the end of a call that will be made again, from its beginning.
                EventBody::Message { .. }
                | EventBody::ToolStarted { .. }
                | EventBody::DelegationStarted { .. }
                | EventBody::Usage { .. }
                | EventBody::Waiting { .. } => {
                    if let Some(tails) = self.0.get_mut(&event.job_id) {
                        tails.retain(|tail| tail.agent != event.entry.agent || tail.parent != event.entry.parent);
                    }
                }
                _ => {}
            }
        }
    }

    /// The unfinished messages of a job.
    pub fn of(&self, job_id: JobId) -> Vec<Delta> {
        self.0.get(&job_id).cloned().unwrap_or_default()
    }
}

fn keep_end(text: &mut String) {
    if text.len() > MAX_BYTES {
        let mut from = text.len() - MAX_BYTES;
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Entry, JobState, Seq, Time};

    fn delta(agent: &str, text: &str) -> Delta {
        Delta { job_id: JobId(7), agent: agent.into(), parent: None, text: text.into() }
    }

    fn event(agent: &str, body: EventBody) -> Event {
        let entry = Entry { at: Time(1), agent: agent.into(), parent: None, body };
        Event { seq: Seq(1), job_id: JobId(7), run_id: None, entry }
    }

    #[test]
    fn a_tail_grows_until_its_message_is_stored() {
        let mut tails = Tails::default();
        for piece in [delta("ceo", "One "), delta("cto", "Two"), delta("ceo", "word")] {
            tails.grow(&piece);
        }
        assert_eq!(tails.of(JobId(7)), [delta("ceo", "One word"), delta("cto", "Two")]);
        tails.finish(&[event("ceo", EventBody::Message { text: "One word.".into() })]);
        assert_eq!(tails.of(JobId(7)), [delta("cto", "Two")]);
        tails.finish(&[event(
            "system",
            EventBody::JobChanged { state: JobState::Failed, reason: String::new(), until: None, stopped: None },
        )]);
        assert_eq!(tails.of(JobId(7)), []);
    }

    #[test]
    fn a_tail_keeps_its_end() {
        let mut tails = Tails::default();
        for _ in 0..40_000 {
            tails.grow(&delta("ceo", "é…"));
        }
        let text = &tails.of(JobId(7))[0].text;
        assert!(text.len() <= MAX_BYTES && text.ends_with("é…"));
    }
}
