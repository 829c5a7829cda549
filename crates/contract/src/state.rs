//! The states of a job and of a run, and how they change.

use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time.
    Scheduled,
    /// Waits for another job to complete.
    Blocked,
    /// Waits for a slot.
    Queued,
    /// A run is at work.
    Running,
    /// A run is alive, and none of its agents can go on.
    Waiting,
    /// Its run failed before it had any effect; the next one begins after a while.
    Retrying,
    /// Done.
    Completed,
    /// Ended without being done.
    Failed,
    /// Stopped by the founder.
    Cancelled,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobChange {
    /// Its time has come, and nothing else is in its way.
    Due,
    /// Its time has come, and a job that it waits for has not completed.
    Block,
    /// The job that it waits for has completed.
    Unblock,
    /// The supervisor takes it for a new run.
    Claim,
    /// None of its agents can go on.
    Wait,
    /// One of them can again.
    GoOn,
    /// Its run failed without effect, and another one is worth while.
    Retry,
    /// It has waited long enough for its next run.
    Requeue,
    /// Its run ended well.
    Complete,
    /// Its run ended badly, or never began.
    Fail,
    /// The founder stopped it, and nothing of it runs any more.
    Cancel,
}

impl JobChange {
    /// Everything that can happen.
    pub const ALL: [JobChange; 11] = [
        JobChange::Due,
        JobChange::Block,
        JobChange::Unblock,
        JobChange::Claim,
        JobChange::Wait,
        JobChange::GoOn,
        JobChange::Retry,
        JobChange::Requeue,
        JobChange::Complete,
        JobChange::Fail,
        JobChange::Cancel,
    ];
}

impl JobState {
    /// Every state.
    pub const ALL: [JobState; 9] = [
        JobState::Scheduled,
        JobState::Blocked,
        JobState::Queued,
        JobState::Running,
        JobState::Waiting,
        JobState::Retrying,
        JobState::Completed,
        JobState::Failed,
        JobState::Cancelled,
    ];

    /// Whether the job has ended. A final state never changes.
    pub const fn is_final(self) -> bool {
        matches!(self, JobState::Completed | JobState::Failed | JobState::Cancelled)
    }

    /// Whether a run of it is alive.
    pub const fn is_at_work(self) -> bool {
        matches!(self, JobState::Running | JobState::Waiting)
    }

    /// Whether it holds its session's line: it is in it, or at its head. One that waits for its time or for another
    /// job does not.
    pub const fn is_in_line(self) -> bool {
        matches!(self, JobState::Queued | JobState::Running | JobState::Waiting | JobState::Retrying)
    }

    /// The state after `change`, or `None` where it cannot happen. The only place that knows.
    pub const fn after(self, change: JobChange) -> Option<JobState> {
        use JobState::{Blocked, Cancelled, Completed, Failed, Queued, Retrying, Running, Scheduled, Waiting};
        match (self, change) {
            (Scheduled, JobChange::Due) => Some(Queued),
            (Scheduled, JobChange::Block) => Some(Blocked),
            (Blocked, JobChange::Unblock) => Some(Queued),
            (Queued, JobChange::Claim) => Some(Running),
            (Running, JobChange::Wait) => Some(Waiting),
            (Waiting, JobChange::GoOn) => Some(Running),
            (Running | Waiting, JobChange::Complete) => Some(Completed),
            (Running | Waiting, JobChange::Retry) => Some(Retrying),
            (Retrying, JobChange::Requeue) => Some(Queued),
            (Scheduled | Blocked | Queued | Running | Waiting | Retrying, JobChange::Fail) => Some(Failed),
            (Scheduled | Blocked | Queued | Running | Waiting | Retrying, JobChange::Cancel) => Some(Cancelled),
            _ => None,
        }
    }

    /// The name in JSON, SQL and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            JobState::Scheduled => "scheduled",
            JobState::Blocked => "blocked",
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Waiting => "waiting",
            JobState::Retrying => "retrying",
            JobState::Completed => "completed",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    /// The state with that name.
    pub fn from_name(name: &str) -> Option<JobState> {
        JobState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The row exists; its process may not.
    Starting,
    /// The worker has written its first event.
    Running,
    /// It was told to stop.
    Stopping,
    /// It said how it ended, and then ended.
    Exited,
    /// It vanished without a word.
    Crashed,
    /// We had to end it by force.
    Killed,
}

impl RunState {
    /// Every state.
    pub const ALL: [RunState; 6] = [
        RunState::Starting,
        RunState::Running,
        RunState::Stopping,
        RunState::Exited,
        RunState::Crashed,
        RunState::Killed,
    ];

    /// Whether the run has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, RunState::Exited | RunState::Crashed | RunState::Killed)
    }

    /// The name in JSON and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            RunState::Starting => "starting",
            RunState::Running => "running",
            RunState::Stopping => "stopping",
            RunState::Exited => "exited",
            RunState::Crashed => "crashed",
            RunState::Killed => "killed",
        }
    }

    /// The state with that name.
    pub fn from_name(name: &str) -> Option<RunState> {
        RunState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// On a job.
    Working,
    /// Free.
    Idle,
    /// Its last job failed.
    Error,
    /// No session is open, or it is switched off.
    Stopped,
}

impl AgentState {
    /// The name in JSON and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            AgentState::Working => "working",
            AgentState::Idle => "idle",
            AgentState::Error => "error",
            AgentState::Stopped => "stopped",
        }
    }

    /// The state with that name.
    pub fn from_name(name: &str) -> Option<AgentState> {
        [AgentState::Working, AgentState::Idle, AgentState::Error, AgentState::Stopped]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_final_state_never_changes(start in 0usize..3, walk in prop::collection::vec(0..JobChange::ALL.len(), 0..40)) {
            let mut state = [JobState::Scheduled, JobState::Blocked, JobState::Queued][start];
            for step in walk {
                match state.after(JobChange::ALL[step]) {
                    Some(next) => { prop_assert!(!state.is_final()); state = next; }
                    None => continue,
                }
            }
        }
    }

    #[test]
    fn names_read_back() {
        for state in JobState::ALL {
            assert_eq!(JobState::from_name(state.name()), Some(state));
        }
        for state in RunState::ALL {
            assert_eq!(RunState::from_name(state.name()), Some(state));
        }
    }
}
