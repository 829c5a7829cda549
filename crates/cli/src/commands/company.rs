//! `aicib init`, `start`, `stop`: a company and its session.

use contract::{CompanyCreateParams, ErrorCode, Session, StopCounts, methods, role_name};
use serde_json::json;

use crate::args::InitArgs;
use crate::context::Context;
use crate::facts::left;
use crate::failure::{EXIT_FAILED, Failure, Outcome};
use crate::out::{Ink, Out};
use crate::text::line;

/// Founds a company.
pub(crate) async fn init(context: &mut Context, args: InitArgs) -> Outcome {
    // `args.dir` is the flag of every command, under a text of its own.
    let dir = context.dir()?;
    let here = std::env::current_dir().is_ok_and(|here| here == dir);
    let name = match args.name {
        Some(name) => name,
        None => dir.file_name().map(|name| name.to_string_lossy().into_owned()).ok_or_else(|| {
            Failure::usage("The folder has no name that the company could have: give one with --name.")
        })?,
    };
    let dir = context.company_ref()?.dir.unwrap_or_default();
    let client = context.daemon().await?;
    let company = client
        .call::<methods::CompanyCreate>(CompanyCreateParams {
            name,
            dir,
            structure: args.structure,
            persona: args.persona,
            template: args.template,
            engine: args.engine,
        })
        .await?;
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(&company)?);
    }
    out.line(&format!(
        "Founded {} in {}.",
        out.paint.ink(Ink::Bold, &line(&company.name, 80)),
        line(&company.dir, 400)
    ))?;
    out.line(&format!("Engine: {}", line(&company.engine_now.label, 200)))?;
    if let Some(problem) = &company.engine_now.problem {
        out.line(&out.paint.ink(Ink::Yellow, &line(&problem.to_string(), 400)))?;
    }
    let go = if here { String::new() } else { format!("cd {} && ", shell_word(&company.dir)) };
    out.line(&format!("Next:   {go}aicib start"))?;
    Ok(())
}

/// Opens the session (E001 is the daemon's to refuse).
pub(crate) async fn start(context: &mut Context) -> Outcome {
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    let session = client.call::<methods::SessionStart>(company.clone()).await?;
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(&session)?);
    }
    let desk = client.call::<methods::DeskGet>(company).await?;
    let team: Vec<String> = desk.team.iter().filter(|agent| agent.enabled).map(|agent| line(&agent.name, 40)).collect();
    let name = out.paint.ink(Ink::Bold, &line(&desk.company.name, 80));
    out.line(&format!("{name} is open for work (session {}).", session.session_id))?;
    greeted(out, &session)?;
    out.line(&format!("Team:   {}", team.join(", ")))?;
    out.line(&format!("Engine: {}", line(&desk.company.engine_now.label, 200)))?;
    if let Some(problem) = &desk.company.engine_now.problem {
        out.line(&out.paint.ink(Ink::Yellow, &line(&problem.to_string(), 400)))?;
    }
    out.line("Next:   aicib brief \"…\"")?;
    Ok(())
}

/// Says how the session's agent introduces itself, where it does.
pub(crate) fn greeted(out: &mut Out, session: &Session) -> Outcome {
    let Some(greeting) = session.greeting.as_deref().filter(|greeting| !greeting.trim().is_empty()) else {
        return Ok(());
    };
    let who = out.paint.ink(Ink::Cyan, &format!("{}:", line(&role_name(&session.agent), 40)));
    Ok(out.line(&format!("{who} {}", line(greeting, 400)))?)
}

/// Cancels what runs and closes the session; with none, says so and is content (E006).
pub(crate) async fn stop(context: &mut Context) -> Outcome {
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    let stopped = match client.call_at_length::<methods::SessionStop>(company).await {
        Err(error) if error.code == ErrorCode::SESSION_NONE => {
            if context.out.json {
                context.out.value(&json!({"session": null, "cancelled": [], "stopped": StopCounts::default()}))?;
            } else {
                context.out.line("No active session found: there is nothing to stop.")?;
            }
            return Ok(());
        }
        outcome => outcome?,
    };
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(&stopped)?);
    }
    for job in &stopped.cancelled {
        out.line(&format!("Job #{} {}: {}", job.job_id, job.state.name(), line(&job.title, 80)))?;
    }
    let mark = if stopped.stopped.ended == 0 { ";" } else { ":" };
    out.line(&format!("Session {} is closed{mark} {}.", stopped.session.session_id, left(&stopped.stopped)))?;
    if stopped.stopped.left > 0 {
        out.flush()?;
        return Err(Failure::Exit(EXIT_FAILED));
    }
    Ok(())
}

/// A path as it can be typed.
fn shell_word(path: &str) -> String {
    let path = line(path, 4096);
    if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}
