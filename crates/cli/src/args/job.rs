//! What can be typed about jobs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const BRIEF_HELP: &str = "\
Exit code: 0 completed, 1 failed or refused, 130 cancelled; 143 left by SIGTERM.
Ctrl-C cancels the job; a second one leaves it to the daemon.

Examples:
  aicib brief \"Write a company description\"
  aicib brief --background --max-cost 2.50 \"Plan the launch\"
  aicib brief --at \"tomorrow 9:00\" --priority 10 \"Read the news\"
  aicib brief --to cto --attach plan.pdf --attach a.csv \"Look at these\"
  aicib brief --list tasks.md --keep-going
  aicib brief - < plan.md";

pub(super) const JOBS_HELP: &str = "\
States: scheduled, blocked, queued, running, waiting, retrying, completed,
        failed, cancelled

Examples:
  aicib jobs
  aicib jobs --state failed,cancelled --since 3d
  aicib jobs --all --since \"2026-11-20 14:00\" -n 100
  aicib jobs --engine claude-code --agent cto --sort cost";

pub(super) const EXPORT_HELP: &str = "\
Without --to the file goes into your folder for downloads. No file is replaced.

Examples:
  aicib export 7
  aicib export 7 --format html
  aicib export 7 --to reports/launch.json";

pub(super) const DELETE_HELP: &str = "\
Only jobs that have ended can be deleted; what they cost stays counted. Nothing
is deleted unless you say so: without a terminal, give --yes.

Examples:
  aicib delete 7
  aicib delete 7 8 12 -y";

pub(super) const WAIT_HELP: &str = "\
Exit code: 0 completed, 1 failed, 130 cancelled, 124 not ended in time.

Examples:
  aicib wait 7
  aicib wait 7 --timeout 10m";

pub(super) const PRUNE_HELP: &str = "\
Jobs that have not ended always stay, and what the others cost stays counted.
Nothing is forgotten unless you say so: without a terminal, give --yes.

Examples:
  aicib prune --dry-run
  aicib prune --older-than 90d --company acme -y";

#[derive(Debug, Args)]
pub(crate) struct BriefArgs {
    /// What the CEO is to do; "-" reads it from standard input
    #[arg(value_name = "DIRECTIVE", required_unless_present = "list", conflicts_with = "list")]
    pub(crate) directive: Option<String>,
    /// Brief this agent directly, past the CEO: it has a session of its own
    #[arg(long, value_name = "ROLE")]
    pub(crate) to: Option<String>,
    /// Lay a copy of this file beside the brief (repeatable)
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub(crate) attach: Vec<PathBuf>,
    /// Send the tasks in this file one after the other, and return at once: numbered lines, or JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "queue", "priority", "after", "at"])]
    pub(crate) list: Option<PathBuf>,
    /// With --list: go on with the next task when one fails
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Return at once; the work goes on
    #[arg(short, long)]
    pub(crate) background: bool,
    /// Get in line when a brief is under way, instead of being refused
    #[arg(long)]
    pub(crate) queue: bool,
    /// Stop the work before it costs more; 0 for no limit [default: the setting brief_limit_usd, $5]
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    pub(crate) max_cost: Option<String>,
    /// Its place in line: higher goes first, -100 to 100 [default: 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) priority: Option<String>,
    /// Begin once this job has completed
    #[arg(long, value_name = "JOB", allow_hyphen_values = true)]
    pub(crate) after: Option<String>,
    /// Begin then, and return at once: "14:30", "tomorrow 9:00", "in 2h", or a date and time (RFC 3339 too)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// The job that has ended
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) job: String,
    /// Return at once; the work goes on
    #[arg(short, long)]
    pub(crate) background: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The company, by its folder or its name [default: the one here]
    #[arg(value_name = "COMPANY", conflicts_with = "job")]
    pub(crate) company: Option<String>,
    /// Show this job
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) job: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// Only in these states, such as running,waiting
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(crate) state: Vec<String>,
    /// Of this company, by its folder or its name [default: the one here, or all where there is none]
    #[arg(long, value_name = "COMPANY", conflicts_with = "all")]
    pub(crate) company: Option<String>,
    /// Of every company
    #[arg(long)]
    pub(crate) all: bool,
    /// Sent since then: 2h, 3d, 14:00, 2026-11-20 or "2026-11-20 14:00"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// How many [default: 20]
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<String>,
    /// Sent before then
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
    /// Sent to this agent
    #[arg(long, value_name = "ROLE")]
    pub(crate) agent: Option<String>,
    /// On this engine, such as practice or acp:gemini
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
    /// newest, oldest, cost (most first) or duration (longest first)
    #[arg(long, value_name = "ORDER", default_value = "newest")]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    pub(crate) sort: Sort,
    /// Only those before this job
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) before: Option<String>,
}

/// In which order jobs are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// The newest first
    #[default]
    Newest,
    /// The oldest first
    Oldest,
    /// The one that cost most first
    Cost,
    /// The one that took longest first
    Duration,
}

/// As what a job is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text that people read
    #[value(alias = "markdown")]
    Md,
    /// All that is known of it, for programs
    Json,
    /// A page in a single file
    #[value(alias = "htm")]
    Html,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The job
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) job: String,
    /// md, json or html [default: as the file's name ends, else md]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Option<Format>,
    /// Write it to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The jobs
    #[arg(value_name = "N", required = true, num_args = 1.., allow_negative_numbers = true)]
    pub(crate) jobs: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NoticesArgs {
    /// How many [default: 20]
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<String>,
    /// Only those before this notice
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) before: Option<String>,
    /// Mark all of them as seen
    #[arg(long, conflicts_with = "before")]
    pub(crate) seen: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The job [default: the company's newest]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) number: Option<String>,
    /// The same
    #[arg(long, value_name = "N", allow_hyphen_values = true, conflicts_with = "number")]
    pub(crate) job: Option<String>,
    /// Only the last entries
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<String>,
    /// Go on until the job ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Show the exact texts that its agents were told, and nothing else
    #[arg(long, conflicts_with_all = ["follow", "lines"])]
    pub(crate) prompt: bool,
    /// Show what its engine's program wrote, as it came; without one, what is stored
    #[arg(long, conflicts_with_all = ["prompt", "lines"])]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// The job
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) job: String,
    /// At most so long, such as 90s, 10m or 2h [default: until it ends]
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true)]
    pub(crate) timeout: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The job [default: the only one there is; of several, the one you pick]
    #[arg(value_name = "N", allow_negative_numbers = true, conflicts_with = "all")]
    pub(crate) job: Option<String>,
    /// Every job of the company that has not ended
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// The job [default: all jobs, those to come included]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) job: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Jobs that ended longer ago than this, such as 30d, 12h or 6mo
    #[arg(long, value_name = "LENGTH", default_value = "30d", allow_hyphen_values = true)]
    pub(crate) older_than: String,
    /// Of this company only, by its folder or its name
    #[arg(long, value_name = "COMPANY")]
    pub(crate) company: Option<String>,
    /// Only say what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}
