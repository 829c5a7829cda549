//! The aicib commands: contract calls and their printing.

mod args;
mod ask;
mod commands;
mod context;
mod daemon;
mod events;
mod facts;
mod failure;
mod follow;
mod out;
mod signals;
mod text;
mod usage;
mod when;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use contract::{Error, ErrorCode};

use crate::args::{Cli, ColorChoice};
use crate::failure::{EXIT_USAGE, Failure};

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if usage::names_key(&args) {
        // Before clap sees it: its errors repeat what was typed.
        let json = args.iter().any(|arg| arg == "--json");
        return fail(Failure::usage(commands::key::TYPED_KEY), json, ColorChoice::Auto);
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(asked) if !asked.use_stderr() => {
            // Help or version. Nobody reading it is no error.
            let _unread = asked.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            // What was typed does not parse, so whether JSON was asked for has to be guessed.
            let json = args.iter().any(|arg| arg == "--json");
            return fail(Failure::Usage(usage::one_line(&error, &args)), json, ColorChoice::Auto);
        }
    };
    let (json, color) = (cli.global.json, cli.global.color);
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(failure, json, color),
    }
}

fn fail(failure: Failure, json: bool, color: ColorChoice) -> ExitCode {
    match failure {
        Failure::Usage(message) => {
            out::print_error(&Error::new(ErrorCode::BAD_REQUEST, message, ""), json, color);
            ExitCode::from(EXIT_USAGE)
        }
        Failure::Error(error) => {
            out::print_error(&error, json, color);
            ExitCode::FAILURE
        }
        Failure::Exit(code) => ExitCode::from(code),
        Failure::Pipe => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests;
