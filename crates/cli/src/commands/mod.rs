//! One module a group of commands.

mod agent;
mod approvals;
mod asking;
mod brief;
mod cancel;
mod company;
mod config;
mod cost;
mod daemon;
mod delete;
mod desktop;
mod doctor;
mod editor;
mod engines;
mod export;
mod hold;
mod input;
mod jobs;
mod journal;
pub(crate) mod key;
mod logs;
mod notices;
mod permissions;
mod prune;
mod questions;
mod raw;
mod restart;
mod say;
mod search;
mod session;
mod settings;
mod status;
mod storage;
mod team;
mod wait;
mod watch;
mod which;

pub(crate) use questions::from as answer_from;
#[cfg(test)]
pub(crate) use {
    agent::department_head, approvals::decided, approvals::which_one, cost::csv, cost::report_lines,
    daemon::health_lines, engines::engine_lines, engines::trial_lines, jobs::table as job_table, journal::entry_lines,
    logs::summary, notices::notice_lines, permissions::table_lines, questions::answer_to, questions::answered_from,
    questions::question_lines, session::rows as session_rows, status::desk_lines, status::job_lines,
    storage::storage_lines, team::facts as agent_facts, team::tree as agent_tree,
};

use crate::args::{Cli, Command};
use crate::context::{Context, block_on};
use crate::failure::{Failure, Outcome};

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Outcome {
    let Cli { global, command } = cli;
    if let Command::Doctor = command {
        return block_on(doctor::doctor(global))?;
    }
    if let Command::Daemon { command } = &command
        && let Some(outcome) = daemon::without_home(&global, command)
    {
        return outcome;
    }
    let mut context = Context::new(global)?;
    let outcome = block_on(dispatch(&mut context, command))?;
    let flushed = context.out.flush().map_err(Failure::from);
    outcome.and(flushed)
}

async fn dispatch(context: &mut Context, command: Command) -> Outcome {
    match command {
        Command::Init(args) => company::init(context, args).await,
        Command::Start => company::start(context).await,
        Command::Brief(args) => brief::brief(context, args).await,
        Command::Restart(args) => restart::restart(context, args).await,
        Command::Say(args) => say::say(context, args).await,
        Command::Questions(args) => questions::questions(context, args).await,
        Command::Answer(args) => questions::answer(context, args).await,
        Command::Approve(args) => approvals::approve(context, args).await,
        Command::Deny(args) => approvals::deny(context, args).await,
        Command::Permissions(args) => permissions::permissions(context, args).await,
        Command::Engines { command } => engines::engines(context, command).await,
        Command::Status(args) => status::status(context, args).await,
        Command::Jobs(args) => jobs::jobs(context, args).await,
        Command::Export(args) => export::export(context, args).await,
        Command::Delete(args) => delete::delete(context, args).await,
        Command::Notices(args) => notices::notices(context, args).await,
        Command::Storage => storage::storage(context).await,
        Command::Logs(args) => logs::logs(context, args).await,
        Command::Journal(args) => journal::journal(context, args).await,
        Command::Cost(args) => cost::cost(context, args).await,
        Command::Wait(args) => wait::wait(context, args).await,
        Command::Cancel(args) => cancel::cancel(context, args).await,
        Command::Pause(args) => hold::pause(context, args).await,
        Command::Resume(args) => hold::resume(context, args).await,
        Command::Prune(args) => prune::prune(context, args).await,
        Command::Session { command } => session::session(context, command).await,
        Command::Stop => company::stop(context).await,
        Command::Key { command } => key::key(context, command).await,
        Command::Config { command } => config::config(context, command).await,
        Command::Settings { command } => settings::settings(context, command).await,
        Command::Agent { command } => agent::agent(context, command).await,
        Command::AddAgent(args) => agent::add_to_department(context, args).await,
        Command::RemoveAgent { role } => agent::remove(context, role).await,
        // Handled above: it must work where a context cannot be had.
        Command::Doctor => Ok(()),
        Command::Daemon { command } => daemon::daemon(context, command).await,
        Command::Open(args) => desktop::open(context, args).await,
        Command::Quick => desktop::quick(context).await,
        Command::Search(args) => search::search(context, args).await,
    }
}
