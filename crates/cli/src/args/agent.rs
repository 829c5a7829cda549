//! What can be typed about agents.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Show the team as a tree: who answers to whom, who does what, for how much
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
    /// Add an agent to the team
    #[command(
        after_help = "Examples:\n  aicib agent add data-analyst --reports-to cfo\n  aicib agent add lawyer --from lawyer.md"
    )]
    Add {
        /// Its role: lower-case letters, digits and hyphens
        role: String,
        /// Its name on screen [default: made from the role]
        #[arg(long)]
        name: Option<String>,
        /// The role it answers to [default: the CEO]
        #[arg(long, value_name = "ROLE")]
        reports_to: Option<String>,
        /// Its file's text: a file, or "-" for standard input [default: written for you]
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Take an agent off the team; its file is put aside, not deleted
    #[command(after_help = "Example:\n  aicib agent remove data-analyst")]
    Remove {
        /// Its role
        role: String,
    },
    /// Let an agent work again
    #[command(after_help = "Example:\n  aicib agent enable cfo")]
    Enable {
        /// Its role
        role: String,
    },
    /// Let an agent rest: nobody delegates to it
    #[command(after_help = "Example:\n  aicib agent disable cfo")]
    Disable {
        /// Its role
        role: String,
    },
    /// Change an agent's model, persona, skills, autonomy or limit
    #[command(
        after_help = "Examples:\n  aicib agent set cto --model opus --limit 5\n  aicib agent set cmo --skills copywriting --autonomy guided"
    )]
    Set(SetArgs),
    /// Show what an agent would be told: the system prompt of its next call
    #[command(after_help = "Examples:\n  aicib agent prompt ceo\n  aicib agent prompt cto --from draft.md")]
    Prompt {
        /// Its role
        role: String,
        /// As if its file read like this one; "-" for standard input
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Its role
    pub(crate) role: String,
    /// Its model, such as opus, sonnet or haiku
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Its engine, such as claude-code or acp:gemini; "" for the company's
    #[arg(long)]
    pub(crate) engine: Option<String>,
    /// Its name on screen
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// professional, startup, technical or creative
    #[arg(long, value_name = "PRESET")]
    pub(crate) persona: Option<String>,
    /// All its skills, with commas between them; "" for none
    #[arg(long, value_name = "SKILLS", value_delimiter = ',')]
    pub(crate) skills: Option<Vec<String>>,
    /// restricted, guided, standard, autonomous or full
    #[arg(long, value_name = "LEVEL")]
    pub(crate) autonomy: Option<String>,
    /// What its calls may cost in a day; 0 for no limit of its own
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    pub(crate) limit: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddAgentArgs {
    /// Its role: lower-case letters, digits and hyphens
    #[arg(short, long)]
    pub(crate) role: String,
    /// The department: it answers to that department's head
    #[arg(long)]
    pub(crate) department: String,
    /// Its model
    #[arg(short, long, default_value = "sonnet")]
    pub(crate) model: String,
}
