//! Ids: small integers that people can say ("job 212").

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A brief and all that came of it.
    JobId
}
id! {
    /// A question to the founder.
    QuestionId
}
id! {
    /// An entry of a company's journal.
    EntryId
}
id! {
    /// A CEO's conversation: takes one brief at a time.
    SessionId
}
id! {
    /// One attempt at a job, in one worker process.
    RunId
}
id! {
    /// A company folder that the daemon knows.
    CompanyId
}
id! {
    /// Something the founder is told once.
    NoticeId
}
id! {
    /// A rule of the founder's on what agents may do.
    RuleId
}
id! {
    /// Money set aside for one model call.
    LeaseId
}
id! {
    /// The place of an event in the order in which events were stored, over all jobs.
    /// `Seq(0)` stands before the first.
    Seq
}
