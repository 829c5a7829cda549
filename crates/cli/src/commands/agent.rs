//! `aicib agent`: the company's agents.

use std::fs;

use contract::{Agent, AgentRef, AgentSaveParams, Error, ErrorCode, methods};

use crate::args::AgentCommand;
use crate::commands::editor;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::out::{Ink, Paint};
use crate::text::{line, safe};

pub(crate) async fn agent(context: &mut Context, command: AgentCommand) -> Outcome {
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    match command {
        AgentCommand::List => {
            let list = client.call::<methods::AgentListAll>(company).await?;
            let out = &mut context.out;
            for agent in &list.agents {
                if out.json {
                    out.value(agent)?;
                } else {
                    out.line(&row(agent, out.paint))?;
                }
            }
        }
        AgentCommand::Show { role } => {
            let detail = client.call::<methods::AgentGet>(AgentRef { company, role }).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&detail)?);
            }
            out.line(&row(&detail.agent, out.paint))?;
            out.line(&out.paint.ink(Ink::Dim, &line(&detail.agent.file, 400)))?;
            out.line("")?;
            out.line(safe(&detail.text).trim_end())?;
        }
        AgentCommand::Edit { role } => {
            let before = client.call::<methods::AgentGet>(AgentRef { company: company.clone(), role: role.clone() });
            let before = before.await?;
            let text = edited(&role, &before.text)?;
            if text == before.text {
                if !context.out.json {
                    context.out.line("Nothing was changed.")?;
                }
                return Ok(());
            }
            let saved =
                client.call::<methods::AgentSave>(AgentSaveParams { company, role: role.clone(), text: text.clone() });
            let saved = match saved.await {
                Ok(saved) => saved,
                Err(error) => return Err(kept(&role, &text, error)),
            };
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&saved)?);
            }
            out.line(&format!("Saved {}.", line(&saved.agent.file, 400)))?;
        }
    }
    Ok(())
}

/// What the founder makes of the text, in a file beside the real one: only what holds gets there.
fn edited(role: &str, text: &str) -> Result<String, Failure> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorCode::INTERNAL, format!("The copy to edit cannot be used: {error}."), "Check the disk's space.")
    };
    let copy = tempfile::Builder::new().prefix(&format!("{}-", file_name(role))).suffix(".md").tempfile();
    let copy = copy.map_err(failed)?;
    fs::write(copy.path(), text).map_err(failed)?;
    editor::edit(copy.path())?;
    Ok(fs::read_to_string(copy.path()).map_err(failed)?)
}

/// Puts what could not be saved where it is not lost, and says so.
fn kept(role: &str, text: &str, mut error: Error) -> Failure {
    let copy = std::env::temp_dir().join(format!("{}-{}.md", file_name(role), std::process::id()));
    if fs::write(&copy, text).is_ok() {
        error.fix = format!("{} Your text is kept in {}.", error.fix, copy.display());
    }
    error.into()
}

fn file_name(role: &str) -> String {
    role.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect()
}

fn row(agent: &Agent, paint: Paint) -> String {
    let state = match &agent.problem {
        Some(problem) => paint.ink(Ink::Red, &line(&problem.to_string(), 400)),
        None if !agent.enabled => paint.ink(Ink::Dim, "off"),
        None => agent.state.name().to_owned(),
    };
    let reports = agent.reports_to.as_deref().map(|to| format!(", reports to {}", line(to, 40))).unwrap_or_default();
    let text = |text: &str, max| line(text, max);
    format!(
        "{:20}  {}  {state}  {}",
        text(&agent.role, 40),
        paint.ink(Ink::Bold, &text(&agent.name, 40)),
        paint.ink(Ink::Dim, &format!("{}, {}{reports}", text(&agent.department, 40), text(&agent.model, 60)))
    )
}
