//! Wrong use, in one line with what to do.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::Cli;
use crate::commands::key::looks_like_key;

/// What clap says in several lines, in one: what is wrong, and where the help is.
pub(crate) fn one_line(error: &clap::Error, args: &[OsString]) -> String {
    let command = command_of(args);
    if matches!(error.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) {
        return format!("`{command}` needs a command. See `{command} --help`.");
    }
    if let Some(hint) = hint(error, &command) {
        return format!("{hint} See `{command} --help`.");
    }
    let said = error.render().to_string();
    let mut parts = said.split("\n\n");
    let what = join(parts.next().unwrap_or_default());
    let what = what.trim_start_matches("error: ");
    let tip = parts.map(join).find(|part| part.starts_with("tip:"));
    let tip = tip.map(|tip| format!(" ({tip})")).unwrap_or_default();
    format!("{what}{tip}. See `{command} --help`.")
}

/// What was probably meant by an argument that is one too many.
fn hint(error: &clap::Error, command: &str) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(extra)) = error.get(ContextKind::InvalidArg) else { return None };
    if extra.starts_with('-') {
        return None;
    }
    match command {
        "aicib brief" => Some("A brief of several words stands in quotes: `aicib brief \"Write a page\"`.".to_owned()),
        "aicib say" => Some("A text of several words stands in quotes: `aicib say \"Use the second\"`.".to_owned()),
        "aicib answer" => Some("An answer of several words stands in quotes: `aicib answer 4 \"Go on\"`.".to_owned()),
        "aicib jobs" => {
            let number = extra.trim_start_matches('#').parse::<u32>().ok()?;
            Some(format!("A job is seen with `aicib status --job {number}` and `aicib logs {number}`."))
        }
        "aicib open" => {
            let number = extra.trim_start_matches('#').parse::<u32>().ok()?;
            Some(format!("A job is named with --job: `{command} --job {number}`."))
        }
        _ => None,
    }
}

/// Whether somebody typed a key where `aicib key` is meant.
pub(crate) fn names_key(args: &[OsString]) -> bool {
    command_of(args).starts_with("aicib key") && args.iter().filter_map(|arg| arg.to_str()).skip(1).any(looks_like_key)
}

fn join(part: &str) -> String {
    part.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The command that was meant, as far as the arguments name one.
fn command_of(args: &[OsString]) -> String {
    let root = Cli::command();
    let (mut at, mut name) = (&root, String::from("aicib"));
    for arg in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
        if let Some(next) = at.find_subcommand(arg) {
            name = format!("{name} {arg}");
            at = next;
        }
    }
    name
}
