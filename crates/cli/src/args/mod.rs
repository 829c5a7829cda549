//! What can be typed.

mod agent;
mod daemon;
mod job;
mod money;
mod permission;
mod settings;
mod talk;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::agent::{AddAgentArgs, AgentCommand, SetArgs};
pub(crate) use self::daemon::DaemonCommand;
pub(crate) use self::job::{
    BriefArgs, CancelArgs, DeleteArgs, ExportArgs, Format, HoldArgs, JobsArgs, LogsArgs, NoticesArgs, PruneArgs,
    RestartArgs, Sort, StatusArgs, WaitArgs,
};
pub(crate) use self::money::{By, CostArgs};
pub(crate) use self::permission::{ApproveArgs, DenyArgs, EngineCommand, PermissionCommand, PermissionsArgs, RuleArgs};
pub(crate) use self::settings::{SETTINGS, Setting, SettingsCommand};
pub(crate) use self::talk::{AnswerArgs, JournalArgs, QuestionsArgs, SayArgs};

/// AICIB: an AI company in a box. Brief a CEO agent; the team works in the background.
#[derive(Debug, Parser)]
#[command(name = "aicib", version, subcommand_required = true)]
#[command(after_help = "Example:\n  aicib init --name Acme --dir acme && cd acme\n  aicib start\n  \
                        aicib brief --background \"Write a company description\"\n  aicib logs -f")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Print JSON: one object, or one a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The company's folder, or one below it [default: this one]
    #[arg(short, long, global = true, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// When to use colour: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    pub(crate) color: ColorChoice,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Found a company: its config and its agents, in a folder
    #[command(after_help = "Example:\n  aicib init --name Acme --dir acme --engine practice")]
    Init(InitArgs),
    /// Open the company's session, so that its CEO takes briefs
    #[command(after_help = "Example:\n  aicib start")]
    Start,
    /// Send the CEO a brief, and watch the work
    #[command(after_help = job::BRIEF_HELP)]
    Brief(BriefArgs),
    /// Send the brief of a job that has ended again, as a new job
    #[command(after_help = "Examples:\n  aicib restart 7\n  aicib restart 7 --background")]
    Restart(RestartArgs),
    /// Say more to a job at work: it is told before its next call
    #[command(after_help = talk::SAY_HELP, allow_missing_positional = true)]
    Say(SayArgs),
    /// Show what waits for your answer
    #[command(after_help = "Examples:\n  aicib questions\n  aicib questions --all -n 50")]
    Questions(QuestionsArgs),
    /// Answer a question, so that its agent goes on
    #[command(after_help = talk::ANSWER_HELP)]
    Answer(AnswerArgs),
    /// Let an agent do what it asks leave for
    #[command(after_help = permission::APPROVE_HELP)]
    Approve(ApproveArgs),
    /// Do not let an agent do what it asks leave for; it goes on without
    #[command(after_help = permission::DENY_HELP)]
    Deny(DenyArgs),
    /// See and change what agents may do, and what they ask first
    #[command(after_help = permission::PERMISSIONS_HELP)]
    Permissions(PermissionsArgs),
    /// See which engines are here, and try one
    #[command(after_help = "Examples:\n  aicib engines\n  aicib engines try claude-code")]
    Engines {
        #[command(subcommand)]
        command: Option<EngineCommand>,
    },
    /// Show who works on what, how far it is, and for how much
    #[command(after_help = "Examples:\n  aicib status\n  aicib status acme\n  aicib status --json --job 7")]
    Status(StatusArgs),
    /// List jobs, newest first
    #[command(after_help = job::JOBS_HELP)]
    Jobs(JobsArgs),
    /// Show what a job's agents said and did
    #[command(
        after_help = "Examples:\n  aicib logs\n  aicib logs 7 -n 20\n  aicib logs -f\n  aicib logs 7 --prompt\n  aicib logs 7 --raw"
    )]
    Logs(LogsArgs),
    /// Show what came of the company's briefs, in a few sentences each
    #[command(after_help = "Examples:\n  aicib journal\n  aicib journal --search \"landing page\" -n 5")]
    Journal(JournalArgs),
    /// Show what you were told, and what became of it
    #[command(after_help = "Examples:\n  aicib notices\n  aicib notices -n 50 --seen")]
    Notices(NoticesArgs),
    /// Show what the company spent, and what its limits leave
    #[command(after_help = money::COST_HELP)]
    Cost(CostArgs),
    /// Wait until a job has ended
    #[command(after_help = job::WAIT_HELP)]
    Wait(WaitArgs),
    /// Stop a job, and every process of it
    #[command(after_help = "Examples:\n  aicib cancel\n  aicib cancel 7\n  aicib cancel --all")]
    Cancel(CancelArgs),
    /// Put a job on hold, or all: each stops before its next call
    #[command(after_help = "Examples:\n  aicib pause 7\n  aicib pause")]
    Pause(HoldArgs),
    /// Let a job go on that was put on hold, or all of them
    #[command(after_help = "Examples:\n  aicib resume 7\n  aicib resume")]
    Resume(HoldArgs),
    /// Write a job to a file that can be read without this app
    #[command(after_help = job::EXPORT_HELP)]
    Export(ExportArgs),
    /// Delete jobs that have ended, with all that they said
    #[command(after_help = job::DELETE_HELP)]
    Delete(DeleteArgs),
    /// Forget jobs that ended long ago, with all that they said
    #[command(after_help = job::PRUNE_HELP)]
    Prune(PruneArgs),
    /// Show what AICIB keeps on disk
    #[command(after_help = "Example:\n  aicib storage")]
    Storage,
    /// List, reopen, open or close the company's sessions
    #[command(after_help = "Examples:\n  aicib session list\n  aicib session resume 3")]
    Session {
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// Cancel what runs and close the session
    #[command(after_help = "Example:\n  aicib stop")]
    Stop,
    /// Keep the keys of model providers
    #[command(
        after_help = "Examples:\n  aicib key set\n  aicib key set --from-env ANTHROPIC_API_KEY\n  aicib key list"
    )]
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Read and change the company's config
    #[command(after_help = "Examples:\n  aicib config get\n  aicib config set settings.cost_limit_daily 20")]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Read and change your own settings, which hold for every company
    #[command(after_help = settings::help())]
    Settings {
        #[command(subcommand)]
        command: Option<SettingsCommand>,
    },
    /// See and change the company's agents
    #[command(after_help = "Examples:\n  aicib agent list\n  aicib agent set cto --model opus --limit 5")]
    Agent {
        #[command(subcommand)]
        command: AgentCommand,
    },
    /// Add an agent to a department; `aicib agent add` does it too
    #[command(hide = true, after_help = "Example:\n  aicib add-agent --role data-analyst --department finance")]
    AddAgent(AddAgentArgs),
    /// Take an agent off the team, as `aicib agent remove` does
    #[command(hide = true, after_help = "Example:\n  aicib remove-agent data-analyst")]
    RemoveAgent {
        /// Its role
        role: String,
    },
    /// Look at all that could be wrong
    #[command(after_help = "Example:\n  aicib doctor")]
    Doctor,
    /// Start, stop or look at the daemon, which does the work
    #[command(after_help = "Examples:\n  aicib daemon health\n  aicib daemon logs -f")]
    Daemon {
        #[command(subcommand)]
        command: DaemonCommand,
    },
    /// Bring up the desktop app
    #[command(after_help = "Examples:\n  aicib open\n  aicib open --job 7\n  aicib open --notices")]
    Open(OpenArgs),
    /// Bring up the desktop app's Quick brief; for a keyboard shortcut
    #[command(after_help = "Example:\n  aicib quick")]
    Quick,
    /// Search what agents said and did
    #[command(after_help = "Examples:\n  aicib search landing page\n  aicib search --job 7 budget")]
    Search(SearchArgs),
}

/// What the desktop app is brought up at; nothing for as it is.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct OpenArgs {
    /// At this job
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) job: Option<String>,
    /// At the list of all jobs
    #[arg(long)]
    pub(crate) jobs: bool,
    /// At the list of what you were told
    #[arg(long)]
    pub(crate) notices: bool,
    /// At the settings
    #[arg(long)]
    pub(crate) settings: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The company's name [default: the folder's]
    #[arg(short, long)]
    pub(crate) name: Option<String>,
    /// The folder to found it in; made where it is missing [default: the current folder]
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// full-c-suite, lean-startup or minimal [default: full-c-suite]
    #[arg(short, long)]
    pub(crate) structure: Option<String>,
    /// professional, startup, technical or creative [default: professional]
    #[arg(short, long)]
    pub(crate) persona: Option<String>,
    /// blank, saas-startup, marketing-agency, e-commerce or consulting-firm [default: blank]
    #[arg(short, long)]
    pub(crate) template: Option<String>,
    /// An engine, such as claude-code or practice [default: auto]
    #[arg(short, long)]
    pub(crate) engine: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Store a key, read from a prompt or from standard input
    #[command(after_help = "Examples:\n  aicib key set\n  aicib key set --from-env ANTHROPIC_API_KEY\n  \
                            pass show anthropic | aicib key set --session")]
    Set {
        /// Whose key
        #[arg(default_value = "anthropic")]
        provider: String,
        /// Take it from this environment variable
        #[arg(long, value_name = "VAR")]
        from_env: Option<String>,
        /// Keep it in memory only, until the daemon stops
        #[arg(long, conflicts_with = "passphrase")]
        session: bool,
        /// Keep it in a file encrypted with a passphrase (the second line, on standard input)
        #[arg(long)]
        passphrase: bool,
    },
    /// Show which keys there are, without the keys
    #[command(after_help = "Example:\n  aicib key list")]
    List,
    /// Forget a key
    #[command(after_help = "Example:\n  aicib key remove anthropic")]
    Remove {
        /// Whose key
        #[arg(default_value = "anthropic")]
        provider: String,
    },
    /// Open the encrypted file of keys
    #[command(after_help = "Example:\n  aicib key unlock")]
    Unlock,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show a value, or all of them
    #[command(after_help = "Example:\n  aicib config get settings.cost_limit_daily")]
    Get {
        /// A key with dots
        key: Option<String>,
    },
    /// Change a value; the rest of the file stays as it is
    #[command(after_help = "Example:\n  aicib config set settings.cost_limit_daily 20")]
    Set {
        /// A key with dots
        key: String,
        /// The value, as it would stand in the file
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Open the file in $VISUAL or $EDITOR, and check it afterwards
    #[command(after_help = "Example:\n  aicib config edit")]
    Edit,
    /// Say what is wrong with the file
    #[command(after_help = "Example:\n  aicib config validate")]
    Validate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List the company's sessions, newest first
    #[command(after_help = "Examples:\n  aicib session list\n  aicib session list -n 5 --before 12")]
    List {
        /// How many [default: 20]
        #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
        lines: Option<String>,
        /// Only those before this session
        #[arg(long, value_name = "N", allow_hyphen_values = true)]
        before: Option<String>,
    },
    /// Open an earlier session again: its CEO remembers what was said in it
    #[command(after_help = "Example:\n  aicib session resume 3")]
    Resume {
        /// The session
        #[arg(value_name = "N", allow_negative_numbers = true)]
        session: String,
    },
    /// Open a new session, as `aicib start` does
    #[command(after_help = "Example:\n  aicib session start")]
    Start,
    /// Cancel what runs and close the session, as `aicib stop` does
    #[command(after_help = "Example:\n  aicib session stop")]
    Stop,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words; all must occur
    #[arg(required = true, num_args = 1..)]
    pub(crate) words: Vec<String>,
    /// In this job only
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) job: Option<String>,
    /// How many hits [default: 20]
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<String>,
}
