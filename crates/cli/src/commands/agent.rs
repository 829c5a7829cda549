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
                    for row in rows(agent, out.paint) {
                        out.line(&row)?;
                    }
                }
            }
        }
        AgentCommand::Show { role } => {
            let detail = client.call::<methods::AgentGet>(AgentRef { company, role }).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&detail)?);
            }
            for row in rows(&detail.agent, out.paint) {
                out.line(&row)?;
            }
            out.line(&out.paint.ink(Ink::Dim, &line(&detail.agent.file, 400)))?;
            out.line("")?;
            out.line(safe(&detail.text).trim_end())?;
        }
        AgentCommand::Edit { role } => {
            let before = client.call::<methods::AgentGet>(AgentRef { company: company.clone(), role: role.clone() });
            let before = before.await?;
            let text = edited(&role, &before.text)?;
            if text == before.text {
                let out = &mut context.out;
                if out.json {
                    return Ok(out.value(&before)?);
                }
                return Ok(out.line("Nothing was changed.")?);
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

/// An agent's row; what is wrong with its file stands below it.
pub(crate) fn rows(agent: &Agent, paint: Paint) -> Vec<String> {
    let state = match &agent.problem {
        Some(_) => paint.ink(Ink::Red, "broken"),
        None if !agent.enabled => paint.ink(Ink::Dim, "off"),
        None => agent.state.name().to_owned(),
    };
    let reports = agent.reports_to.as_deref().map(|to| format!("reports to {}", line(to, 40))).unwrap_or_default();
    let facts = [line(&agent.department, 40), line(&agent.model, 60), reports];
    let facts: Vec<String> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    let mut row = format!("{:20}  {}  {state}", line(&agent.role, 40), paint.ink(Ink::Bold, &line(&agent.name, 40)));
    if !facts.is_empty() {
        row.push_str(&format!("  {}", paint.ink(Ink::Dim, &facts.join(", "))));
    }
    let mut rows = vec![row];
    rows.extend(
        agent
            .problem
            .as_ref()
            .map(|problem| format!("{:20}  {}", "", paint.ink(Ink::Red, &line(&problem.to_string(), 400)))),
    );
    rows
}
