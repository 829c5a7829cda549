//! SQLite: the only crate with SQL, and the daemon its only user.
//!
//! [`Store`] has one writer thread and a few reader threads. A closure given to [`Store::write`] is one
//! transaction; one given to [`Store::read`] sees one snapshot. What can be asked and changed are the methods of
//! [`Read`] and [`Write`], which live in one module a table.
//!
//! Events are the truth. [`fold`] says what each event means for the rows that screens read (projections), and
//! [`Write::append`] applies that in the transaction that stores the event. [`Write::rebuild_projections`]
//! does it all again from the events alone.

mod agents;
mod amounts;
mod append;
mod backup;
mod beat;
mod check;
mod claim;
mod companies;
mod conversations;
mod cost_report;
mod costs;
mod damage;
mod days;
mod due;
mod error;
mod events;
pub mod fold;
mod folders;
mod follow_ups;
mod hold;
mod job_changes;
mod job_list;
mod job_now;
mod jobs;
mod journal;
mod leases;
mod limit_raises;
mod line;
mod marker;
mod notices;
mod patience;
mod pool;
mod project;
mod prune;
mod questions;
mod rebuild;
mod record;
mod recover;
mod replay;
mod restore;
mod rows;
mod rules;
mod runs;
mod salvage;
mod schema;
mod search;
mod sessions;
mod settings;
mod span_batch;
mod spans;
mod trouble;
mod verdict;
mod waits;

pub use agents::{AgentNow, TeamStates};
pub use append::{Appended, Touched};
pub use beat::Beat;
pub use claim::{Claim, Claimed};
pub use companies::CompanyRow;
pub use cost_report::CostSums;
pub use costs::Spent;
pub use days::{day_of, last_days, month_of, start_of_day};
pub use due::LONGEST_RETRY_MS;
pub use error::{Missing, StoreError};
pub use job_changes::{Inserted, NewJob, Settlement};
pub use leases::{Limit, Limits, Need, Refused, Used};
pub use limit_raises::Raise;
pub use notices::NewNotice;
pub use pool::{Read, Store, Write};
pub use prune::{Prunable, Pruned};
pub use record::{JobRecord, RECORD_FILE};
pub use recover::{Opened, Repair};
pub use rules::NewRule;
pub use runs::LiveRun;
pub use waits::GoOn;
