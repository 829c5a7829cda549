//! `docs/cli.md` is written from the commands, so that it cannot say anything else. `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;

use clap::CommandFactory;

use crate::args::{Cli, SETTINGS};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");

const HEAD: &str = "\
# The command line

Every command takes `--json` (what the daemon answered, as JSON: one object, or one a line for events, agents, hits and
the log), `--dir FOLDER` (the company's folder, else the current one) and `--color auto|always|never`, and explains
itself with `--help`. A test writes this page from the commands.

| command | what it does |
| --- | --- |
";

const TAIL: &str = "
## Exit codes

| code | when |
| --- | --- |
| 0 | done; a brief that was waited for completed |
| 1 | it could not be done, or the job that was waited for failed |
| 2 | it was asked wrongly |
| 124 | `aicib wait --timeout`: the job has not ended in time |
| 130 | the job that was waited for was cancelled, by Ctrl-C or otherwise |
| 143 | SIGTERM ended a foreground brief; the job goes on |

Ctrl-C in a foreground brief cancels the job and waits for the proof that nothing of it is left; a second one leaves it
to the daemon.

## Times and lengths

`--at` takes `14:30`, `9am`, `tomorrow 9:00`, `in 2h`, `2026-11-21 14:00` and RFC 3339; `--since` takes `2h`, `3d`,
`14:00`, `yesterday`, `2026-11-20` and `2026-11-20 14:00`. Times without a zone are local ones. Lengths have a unit:
`90s`, `10m`, `2h`, `30d`, `6mo`.

## Settings

`aicib settings set NAME VALUE`; they hold for every company.

| name | what it may be | what it is |
| --- | --- | --- |
";

/// A cell of a table: no bar in it ends the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn names(arg: &clap::Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
    names.join(" ")
}

fn rows(command: &clap::Command, path: &str, out: &mut String) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("{path} {}", sub.get_name());
        if !sub.is_subcommand_required_set() {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            writeln!(out, "| `{}` | {} |", cell(&typed(sub, &name)), cell(&about)).unwrap();
        }
        rows(sub, &name, out);
    }
}

/// A command with what it takes, flags of every command left out.
fn typed(command: &clap::Command, name: &str) -> String {
    let mut typed = name.to_owned();
    for arg in command.get_positionals() {
        let several = arg.get_num_args().is_some_and(|args| args.max_values() > 1);
        let value = format!("{}{}", names(arg), if several { "…" } else { "" });
        typed.push_str(&if arg.is_required_set() { format!(" {value}") } else { format!(" [{value}]") });
    }
    let everywhere = ["json", "color", "help", "version"];
    let flags = command.get_arguments().filter(|arg| !arg.is_positional());
    for arg in flags.filter(|arg| arg.get_long() != Some("dir") || name == "aicib init") {
        let long = arg.get_long().unwrap_or_default();
        if everywhere.contains(&long) {
            continue;
        }
        let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        let value = if arg.get_action().takes_values() { format!(" {}", names(arg)) } else { String::new() };
        typed.push_str(&format!(" [{short}--{long}{value}]"));
    }
    typed
}

fn page() -> String {
    let mut command = Cli::command();
    command.build();
    let mut out = HEAD.to_owned();
    rows(&command, "aicib", &mut out);
    out.push_str(TAIL);
    for setting in &SETTINGS {
        writeln!(out, "| `{}` | {} | {} |", setting.key, cell(setting.expected), cell(setting.about)).unwrap();
    }
    out
}

#[test]
fn the_page_of_commands_says_what_there_is() {
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, &page).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(written == page, "docs/cli.md is behind the commands: `UPDATE_DOCS=1 cargo test -p cli` writes it anew.");
}
