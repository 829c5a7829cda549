//! `aicib agent`: the company's agents.

use std::fs;

use contract::{Agent, AgentRef, AgentSaveParams, Error, ErrorCode, methods};

use crate::args::AgentCommand;
use crate::commands::editor;
use crate::context::{Context, Sheet};
use crate::failure::{Failure, Outcome};
use crate::out::Ink;
use crate::text::{columns, fit, line, pad, safe};

/// Columns of a role or a name, at most.
const NAME_COLUMNS: usize = 32;

pub(crate) async fn agent(context: &mut Context, command: AgentCommand) -> Outcome {
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    match command {
        AgentCommand::List => {
            let list = client.call::<methods::AgentListAll>(company).await?;
            let sheet = context.sheet();
            let out = &mut context.out;
            for agent in &list.agents {
                if out.json {
                    out.value(agent)?;
                }
            }
            if !out.json {
                for row in rows(&list.agents, &sheet) {
                    out.line(&row)?;
                }
            }
        }
        AgentCommand::Show { role } => {
            let detail = client.call::<methods::AgentGet>(AgentRef { company, role }).await?;
            let sheet = context.sheet();
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&detail)?);
            }
            for row in rows(std::slice::from_ref(&detail.agent), &sheet) {
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

/// Agents as rows, in columns; what is wrong with a file stands below its row.
pub(crate) fn rows(agents: &[Agent], sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let state = |agent: &Agent| match &agent.problem {
        Some(_) => "broken",
        None if !agent.enabled => "off",
        None => agent.state.name(),
    };
    let cells: Vec<[String; 3]> = agents
        .iter()
        .map(|agent| [fit(&agent.role, NAME_COLUMNS), fit(&agent.name, NAME_COLUMNS), state(agent).to_owned()])
        .collect();
    let widths = [0, 1, 2].map(|column| cells.iter().map(|row| columns(&row[column])).max().unwrap_or(0));
    let mut rows = Vec::new();
    for (agent, [role, name, state]) in agents.iter().zip(&cells) {
        let ink = match state.as_str() {
            "broken" => Some(Ink::Red),
            "off" => Some(Ink::Dim),
            _ => None,
        };
        let reports = agent.reports_to.as_deref().map(|to| format!("reports to {}", line(to, 40))).unwrap_or_default();
        let facts = [line(&agent.department, 40), line(&agent.model, 60), reports];
        let facts: Vec<String> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
        let (role, name) = (pad(role, widths[0]), pad(name, widths[1]));
        let state = pad(state, widths[2]);
        let state = ink.map_or_else(|| state.clone(), |ink| paint.ink(ink, &state));
        let mut row = format!("{role}  {}  {state}", paint.ink(Ink::Bold, &name));
        if !facts.is_empty() {
            let facts = fit(&facts.join(", "), sheet.left(widths.iter().sum::<usize>() + 6));
            row.push_str(&format!("  {}", paint.ink(Ink::Dim, &facts)));
        }
        rows.push(row.trim_end().to_owned());
        rows.extend(agent.problem.as_ref().map(|problem| {
            format!("{}  {}", " ".repeat(widths[0]), paint.ink(Ink::Red, &line(&problem.to_string(), 400)))
        }));
    }
    rows
}
