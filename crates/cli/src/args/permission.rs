//! What can be typed about what agents may do, and about engines.

use clap::{Args, Subcommand, ValueEnum};
use contract::{Act, Scope, Verdict};

pub(super) const APPROVE_HELP: &str = "\
Without a number, what is asked is listed, and on a terminal you say which.

Examples:
  aicib approve
  aicib approve 12
  aicib approve 12 --always job";

pub(super) const DENY_HELP: &str = "\
Without a number, what is asked is listed, and on a terminal you say which.

Examples:
  aicib deny 12
  aicib deny 12 --reason \"Not before the release\"";

pub(super) const PERMISSIONS_HELP: &str = "\
What may be done: read, write (in the company's folder), write_elsewhere,
command, network, publish, spend. An agent's level of autonomy decides, but
your rules go before it; the narrowest one that fits counts.

Examples:
  aicib permissions
  aicib permissions set command ask
  aicib permissions set command allow --agent cto --exactly \"npm test\"
  aicib permissions clear command --agent cto";

/// How far an "always" reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Always {
    /// For this job
    Job,
    /// For this agent, in all jobs of its company
    Agent,
    /// For everybody in the company
    Company,
}

impl From<Always> for Scope {
    fn from(always: Always) -> Scope {
        match always {
            Always::Job => Scope::Job,
            Always::Agent => Scope::Agent,
            Always::Company => Scope::Company,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The question [default: you are asked which]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) question: Option<String>,
    /// Allow the same from now on: for this job, this agent or the company
    #[arg(long, value_name = "HOW FAR", hide_possible_values = true)]
    pub(crate) always: Option<Always>,
}

#[derive(Debug, Args)]
pub(crate) struct DenyArgs {
    /// The question [default: you are asked which]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) question: Option<String>,
    /// Why not; the agent is told
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct PermissionsArgs {
    /// The company, by its folder or its name [default: the one here]
    #[arg(value_name = "COMPANY")]
    pub(crate) company: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<PermissionCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionCommand {
    /// Show what each agent may do, and your rules
    #[command(after_help = "Example:\n  aicib permissions list")]
    List,
    /// Make a rule, or change it; it holds at once, also for work under way
    #[command(after_help = "Examples:\n  aicib permissions set publish deny\n  \
                            aicib permissions set network allow --agent cto --exactly crates.io")]
    Set {
        /// What it is about
        #[arg(value_parser = act)]
        act: Act,
        /// allow, ask or deny
        #[arg(value_parser = verdict)]
        verdict: Verdict,
        #[command(flatten)]
        about: RuleArgs,
    },
    /// Take a rule away, so that the level of autonomy decides again
    #[command(after_help = "Examples:\n  aicib permissions clear publish\n  \
                            aicib permissions clear command --agent cto --exactly \"npm test\"")]
    Clear {
        /// What it is about
        #[arg(value_parser = act)]
        act: Act,
        #[command(flatten)]
        about: RuleArgs,
    },
    /// Take the rule with this number away, whatever it is about
    #[command(after_help = "Example:\n  aicib permissions remove 3")]
    Remove {
        /// The rule
        #[arg(value_name = "N", allow_negative_numbers = true)]
        rule: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// For this agent only
    #[arg(long, value_name = "ROLE")]
    pub(crate) agent: Option<String>,
    /// For this command, path or host only
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) exactly: Option<String>,
}

fn act(typed: &str) -> Result<Act, String> {
    let name = typed.replace('-', "_");
    Act::from_name(&name).ok_or_else(|| format!("it is one of {}", Act::ALL.map(Act::name).join(", ")))
}

fn verdict(typed: &str) -> Result<Verdict, String> {
    Verdict::from_name(typed).ok_or_else(|| "it is allow, ask or deny".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    /// Show which engines are here, their versions, and whether they are logged in
    #[command(after_help = "Example:\n  aicib engines list")]
    List,
    /// Ask an engine one short question; that costs a cent at most
    #[command(after_help = "Examples:\n  aicib engines try claude-code\n  aicib engines try openai-api --model gpt-5")]
    Try {
        /// Its name, such as claude-code or acp:gemini
        engine: String,
        /// The model [default: the cheapest that is known]
        #[arg(long)]
        model: Option<String>,
    },
}
