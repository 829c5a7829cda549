//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
pub(crate) struct Global {
    /// Print JSON: one object, or one a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The company's folder, or one below it [default: the current folder]
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
    #[command(after_help = "Examples:\n  aicib brief \"Write a company description\"\n  \
                            aicib brief --background --max-cost 2.50 \"Plan the launch\"\n  aicib brief - < plan.md")]
    Brief(BriefArgs),
    /// Send the brief of a job that has ended again, as a new job
    #[command(after_help = "Examples:\n  aicib restart 7\n  aicib restart 7 --background")]
    Restart(RestartArgs),
    /// Show who works on what, for how much
    #[command(after_help = "Examples:\n  aicib status\n  aicib status --json --job 7")]
    Status {
        /// Show this job
        #[arg(long, value_name = "N", allow_hyphen_values = true)]
        job: Option<String>,
    },
    /// Show what a job's agents said and did
    #[command(after_help = "Examples:\n  aicib logs\n  aicib logs --job 7 -n 20\n  aicib logs -f")]
    Logs(LogsArgs),
    /// Stop a job, and every process of it
    #[command(after_help = "Examples:\n  aicib cancel\n  aicib cancel 7")]
    Cancel {
        /// The job [default: the only one at work, or the only one in line where none is]
        #[arg(value_name = "N", allow_hyphen_values = true)]
        job: Option<String>,
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
    #[command(after_help = "Examples:\n  aicib settings\n  aicib settings get theme\n  \
                            aicib settings set brief_limit_usd 2.50\n  aicib settings set notifications off")]
    Settings {
        #[command(subcommand)]
        command: Option<SettingsCommand>,
    },
    /// See and change the company's agents
    #[command(after_help = "Examples:\n  aicib agent list\n  aicib agent edit cto")]
    Agent {
        #[command(subcommand)]
        command: AgentCommand,
    },
    /// Look at all that could be wrong
    #[command(after_help = "Example:\n  aicib doctor")]
    Doctor,
    /// Start, stop or look at the daemon, which does the work
    #[command(after_help = "Examples:\n  aicib daemon start\n  aicib daemon status")]
    Daemon {
        #[command(subcommand)]
        command: DaemonCommand,
    },
    /// Bring up the desktop app
    #[command(after_help = "Examples:\n  aicib open\n  aicib open --job 7")]
    Open {
        /// At this job
        #[arg(long, value_name = "N", allow_hyphen_values = true)]
        job: Option<String>,
    },
    /// Bring up the desktop app's Quick brief; for a keyboard shortcut of your desktop
    #[command(after_help = "Example:\n  aicib quick")]
    Quick,
    /// Search what agents said and did
    #[command(after_help = "Examples:\n  aicib search landing page\n  aicib search --job 7 budget")]
    Search(SearchArgs),
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
    /// auto, anthropic-api or practice [default: auto]
    #[arg(short, long)]
    pub(crate) engine: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BriefArgs {
    /// What the CEO is to do; "-" reads it from standard input
    #[arg(value_name = "DIRECTIVE")]
    pub(crate) directive: String,
    /// Return at once; the work goes on
    #[arg(short, long)]
    pub(crate) background: bool,
    /// Get in line when a brief is under way, instead of being refused
    #[arg(long)]
    pub(crate) queue: bool,
    /// Stop the work before it costs more; 0 for no limit [default: $5 unless `aicib settings set brief_limit_usd`]
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    pub(crate) max_cost: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// The job that has ended
    #[arg(value_name = "N", allow_hyphen_values = true)]
    pub(crate) job: String,
    /// Return at once; the work goes on
    #[arg(short, long)]
    pub(crate) background: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The job [default: the company's newest]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) job: Option<String>,
    /// Only the last entries
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<String>,
    /// Go on until the job ends
    #[arg(short, long)]
    pub(crate) follow: bool,
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
pub(crate) enum SettingsCommand {
    /// Show a setting, or all of them
    #[command(after_help = "Example:\n  aicib settings get brief_limit_usd")]
    Get {
        /// Its name
        key: Option<String>,
    },
    /// Change a setting
    #[command(after_help = "Examples:\n  aicib settings set practice_pace 4\n  aicib settings set theme dark")]
    Set {
        /// Its name
        key: String,
        /// The value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List the team
    #[command(after_help = "Example:\n  aicib agent list")]
    List,
    /// Show an agent and its file
    #[command(after_help = "Example:\n  aicib agent show cfo")]
    Show {
        /// Its role
        role: String,
    },
    /// Open an agent's file in $VISUAL or $EDITOR
    #[command(after_help = "Example:\n  aicib agent edit cto")]
    Edit {
        /// Its role
        role: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// Start it where none runs
    #[command(after_help = "Examples:\n  aicib daemon start\n  aicib daemon start --foreground")]
    Start {
        /// Be the daemon, here and now, until Ctrl-C
        #[arg(long)]
        foreground: bool,
    },
    /// Stop it; work under way goes on
    #[command(after_help = "Example:\n  aicib daemon stop")]
    Stop,
    /// Say whether it runs, and what it holds
    #[command(after_help = "Example:\n  aicib daemon status")]
    Status,
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
