//! What can be typed about money.

use clap::{Args, ValueEnum};
use contract::CostBy;

pub(super) const COST_HELP: &str = "\
Yellow is half of a limit or more, red four fifths.

Examples:
  aicib cost
  aicib cost --by day --since 2026-11-01
  aicib cost --session 3 --by job
  aicib cost --history --csv > costs.csv";

/// By what costs are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// By agent
    Agent,
    /// By model
    Model,
    /// By day
    Day,
    /// By job
    Job,
    /// By session
    Session,
}

impl From<By> for CostBy {
    fn from(by: By) -> CostBy {
        match by {
            By::Agent => CostBy::Agent,
            By::Model => CostBy::Model,
            By::Day => CostBy::Day,
            By::Job => CostBy::Job,
            By::Session => CostBy::Session,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    /// agent, model, day, job or session [default: agent]
    #[arg(long, value_name = "WHAT", hide_possible_values = true)]
    pub(crate) by: Option<By>,
    /// Of this session, from its beginning
    #[arg(short, long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) session: Option<String>,
    /// From the very first day on, and by day where nothing else is said
    #[arg(long, conflicts_with = "since")]
    pub(crate) history: bool,
    /// From this day on: 2026-11-01, yesterday or 30d [default: this month's first]
    #[arg(long, value_name = "DAY", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// Up to this day, included [default: today]
    #[arg(long, value_name = "DAY", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
    /// Print a table for spreadsheets
    #[arg(long)]
    pub(crate) csv: bool,
}
