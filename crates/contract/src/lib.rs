//! What crosses the wire: methods, events, error codes, ids, money, states. No I/O, no clock but [`Time::now`].
//!
//! The heart is the table in [`methods`]. Types derive their TypeScript and JSON Schema in this crate's own tests,
//! so that no other crate compiles those derives.

mod budget;
mod engines;
mod error;
mod event;
#[cfg(test)]
mod generate;
mod ids;
mod kept;
mod keys;
pub mod limits;
pub mod methods;
mod money;
mod notice;
mod params;
mod permission;
pub mod progress;
mod state;
mod system;
mod text;
mod time;
mod view;
mod worker;

pub use budget::percent;
pub use engines::{
    ACP_AGENTS, ACP_CUSTOM, AcpAgent, Confined, Confinement, EngineChoice, EngineInfo, EngineKind, EngineTrial, Login,
    Pays, Sandbox, Support, acp_agent, engine_from_name, engine_name,
};
pub use error::{Error, ErrorCode, ErrorKind};
pub use event::{
    Ask, Entry, Event, EventBody, FileChange, NoticeLevel, Outcome, SYSTEM, Stages, StopCounts, WaitReason,
    limit_question, refusal_of,
};
pub use ids::{CompanyId, EntryId, JobId, LeaseId, NoticeId, QuestionId, RuleId, RunId, Seq, SessionId};
pub use kept::{KEPT_AFTER, KEPT_BEFORE, KEPT_LIST, KEPT_MOST_BYTES, Kept, KeptState};
pub use keys::{KEY_NAMES, KEYS_EXPECTED, Keys, NoKeys};
pub use methods::{Handlers, Method, Note};
pub use money::{CostBasis, Money, PRICES_OF, PRICES_STALE_DAYS};
pub use notice::{Delivery, LINK, Notice, NoticeKind, NoticeRow, Press, Show};
pub use params::*;
pub use permission::{Act, AgentPermissions, Approval, Decision, Ground, Permission, Rule, Scope, Verdict};
pub use state::{AgentState, JobChange, JobState, RunState};
pub use system::{
    Check, CheckStatus, DaemonStatus, Health, Key, KeyStorage, LogLevel, LoggedError, Notify, Settings, Theme,
    WorkerHealth,
};
pub use text::{ATTACHED, clip, one_line, role_name, title, visible};
pub use time::Time;
pub use view::*;
pub use worker::{
    EngineSpec, Exchange, Granted, RUN_MARK, RunLimits, SandboxSpec, SpoolLine, WORKER_PROTOCOL,
    WORKER_PROTOCOL_OLDEST, WorkerSpec, run_mark,
};

/// The version of the protocol on the socket.
pub const PROTOCOL: u32 = 1;
