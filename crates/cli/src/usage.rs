//! Wrong use, in one line with what to do.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::args::Cli;

/// What clap says in several lines, in one: what is wrong, and where the help is.
pub(crate) fn one_line(error: &clap::Error, args: &[OsString]) -> String {
    let command = command_of(args);
    if matches!(error.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) {
        return format!("`{command}` needs a command. See `{command} --help`.");
    }
    let said = error.render().to_string();
    let mut parts = said.split("\n\n");
    let what = join(parts.next().unwrap_or_default());
    let what = what.trim_start_matches("error: ");
    let tip = parts.map(join).find(|part| part.starts_with("tip:"));
    let tip = tip.map(|tip| format!(" ({tip})")).unwrap_or_default();
    format!("{what}{tip}. See `{command} --help`.")
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
