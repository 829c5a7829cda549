//! What can be typed to talk with those at work.

use clap::Args;

pub(super) const SAY_HELP: &str = "\
Examples:
  aicib say \"Use the second headline\"
  aicib say 7 \"Use the second headline\"
  aicib say 7 - < notes.md";

pub(super) const ANSWER_HELP: &str = "\
Where a question has options, its answer is one of them, or that one's number.
Without an answer you are asked for it, on a terminal.

Examples:
  aicib answer
  aicib answer \"Go on\"
  aicib answer 4 2
  aicib answer 4 - < decision.md";

#[derive(Debug, Args)]
pub(crate) struct SayArgs {
    /// The job [default: the only one at work]
    #[arg(value_name = "N")]
    pub(crate) job: Option<String>,
    /// What it is to know; "-" reads it from standard input
    #[arg(value_name = "TEXT", required = true)]
    pub(crate) text: String,
}

#[derive(Debug, Args)]
pub(crate) struct QuestionsArgs {
    /// Those that are answered or closed as well
    #[arg(long)]
    pub(crate) all: bool,
    /// How many [default: 20]
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<String>,
    /// Only those before this question
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) before: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The question [default: the only open one]
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) question: Option<String>,
    /// The answer; "-" reads it from standard input [default: you are asked]
    #[arg(value_name = "ANSWER", allow_negative_numbers = true)]
    pub(crate) answer: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// Only entries in which all of these words occur
    #[arg(long, value_name = "WORDS")]
    pub(crate) search: Option<String>,
    /// How many [default: 10]
    #[arg(short = 'n', long, alias = "limit", value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<String>,
    /// Only those before this entry
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) before: Option<String>,
}
