//! `aicib agent`: the company's agents.

use std::fs;
use std::path::PathBuf;

use contract::{
    Agent, AgentAddParams, AgentDetail, AgentPreviewParams, AgentRef, AgentSaveParams, AgentSetParams, CompanyRef,
    Error, ErrorCode, methods, role_name,
};

use crate::args::{AddAgentArgs, AgentCommand, SetArgs};
use crate::commands::brief::money;
use crate::commands::editor;
use crate::commands::input::of_file;
use crate::commands::team::{facts, tree};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::out::{Ink, aside};
use crate::text::{line, safe};

/// What is done about agents.
pub(crate) async fn agent(context: &mut Context, command: AgentCommand) -> Outcome {
    match command {
        AgentCommand::List => list(context).await,
        AgentCommand::Show { role } => show(context, role).await,
        AgentCommand::Edit { role } => edit(context, role).await,
        AgentCommand::Add { role, name, reports_to, from } => {
            let text = from.map(|file| of_file(&file, "The agent's text")).transpose()?;
            let params = AgentAddParams { company: context.company_ref()?, role, text, name, reports_to };
            let added = context.daemon().await?.call::<methods::AgentAdd>(params).await?;
            said(context, &added, "is on the team now.")
        }
        AgentCommand::Remove { role } => remove(context, role).await,
        AgentCommand::Enable { role } => enable(context, role, true).await,
        AgentCommand::Disable { role } => enable(context, role, false).await,
        AgentCommand::Set(args) => set(context, args).await,
        AgentCommand::Prompt { role, from } => prompt(context, role, from).await,
    }
}

async fn list(context: &mut Context) -> Outcome {
    let company = context.company_ref()?;
    let list = context.daemon().await?.call::<methods::AgentListAll>(company).await?;
    if context.out.json {
        return Ok(list.agents.iter().try_for_each(|agent| context.out.value(agent))?);
    }
    let sheet = context.sheet();
    for row in tree(&list.agents, &sheet) {
        context.out.line(&row)?;
    }
    Ok(())
}

async fn show(context: &mut Context, role: String) -> Outcome {
    let params = AgentRef { company: context.company_ref()?, role };
    let detail = context.daemon().await?.call::<methods::AgentGet>(params).await?;
    if context.out.json {
        return Ok(context.out.value(&detail)?);
    }
    let sheet = context.sheet();
    for row in facts(&detail.agent, &sheet) {
        context.out.line(&row)?;
    }
    context.out.line("")?;
    Ok(context.out.line(safe(&detail.text).trim_end())?)
}

async fn edit(context: &mut Context, role: String) -> Outcome {
    let company = context.company_ref()?;
    let daemon = context.daemon().await?;
    let before = AgentRef { company: company.clone(), role: role.clone() };
    let before = daemon.call::<methods::AgentGet>(before).await?;
    let text = edited(&role, &before.text)?;
    if text == before.text {
        if context.out.json {
            return Ok(context.out.value(&before)?);
        }
        return Ok(context.out.line("Nothing was changed.")?);
    }
    let params = AgentSaveParams { company, role: role.clone(), text: text.clone() };
    let saved = daemon.call::<methods::AgentSave>(params).await.map_err(|error| kept(&role, &text, error))?;
    if context.out.json {
        return Ok(context.out.value(&saved)?);
    }
    Ok(context.out.line(&format!("Saved {}.", line(&saved.agent.file, 400)))?)
}

/// Takes an agent off the team.
pub(crate) async fn remove(context: &mut Context, role: String) -> Outcome {
    let params = AgentRef { company: context.company_ref()?, role: role.clone() };
    let list = context.daemon().await?.call::<methods::AgentRemove>(params).await?;
    if context.out.json {
        return Ok(context.out.value(&list)?);
    }
    let name = line(&role_name(&role), 40);
    Ok(context.out.line(&format!("{name} is off the team. Its file is put aside, not deleted."))?)
}

async fn enable(context: &mut Context, role: String, enabled: bool) -> Outcome {
    let params = AgentSetParams { enabled: Some(enabled), ..nothing(context.company_ref()?, role) };
    let saved = context.daemon().await?.call::<methods::AgentSet>(params).await?;
    said(context, &saved, if enabled { "works again." } else { "rests: nobody delegates to it." })
}

async fn set(context: &mut Context, args: SetArgs) -> Outcome {
    let limit_usd = args.limit.as_deref().map(|typed| money(typed, "--limit")).transpose()?;
    let skills = args.skills.map(|skills| {
        let skills = skills.iter().map(|skill| skill.trim().to_owned());
        skills.filter(|skill| !skill.is_empty()).collect::<Vec<_>>()
    });
    let none = nothing(context.company_ref()?, args.role);
    let params = AgentSetParams {
        model: args.model,
        engine: args.engine,
        name: args.name,
        persona: args.persona,
        skills,
        autonomy: args.autonomy,
        limit_usd,
        ..none.clone()
    };
    if params == none {
        return Err(Failure::usage(
            "What is to change? --model, --engine, --name, --persona, --skills, --autonomy and --limit say it.",
        ));
    }
    let (company, role) = (params.company.clone(), params.role.clone());
    let daemon = context.daemon().await?;
    let saved = daemon.call::<methods::AgentSet>(params).await?;
    if context.out.json {
        return Ok(context.out.value(&saved)?);
    }
    let sheet = context.sheet();
    for row in facts(&saved.agent, &sheet) {
        context.out.line(&row)?;
    }
    // A name that nobody knows is no fault, and nobody would hear of it before the next brief.
    let preview = daemon.call::<methods::AgentPreviewGet>(AgentPreviewParams { company, role, text: None }).await?;
    warned(context, &preview.warnings);
    Ok(())
}

fn warned(context: &Context, warnings: &[String]) {
    for warning in warnings {
        aside(&format!("{} {}", context.out.paint.ink(Ink::Yellow, "warning:"), line(warning, 400)));
    }
}

/// No change to an agent.
fn nothing(company: CompanyRef, role: String) -> AgentSetParams {
    AgentSetParams {
        company,
        role,
        enabled: None,
        model: None,
        engine: None,
        name: None,
        persona: None,
        skills: None,
        autonomy: None,
        limit_usd: None,
    }
}

async fn prompt(context: &mut Context, role: String, from: Option<PathBuf>) -> Outcome {
    let text = from.map(|file| of_file(&file, "The agent's text")).transpose()?;
    let params = AgentPreviewParams { company: context.company_ref()?, role, text };
    let preview = context.daemon().await?.call::<methods::AgentPreviewGet>(params).await?;
    if context.out.json {
        return Ok(context.out.value(&preview)?);
    }
    warned(context, &preview.warnings);
    Ok(context.out.line(safe(&preview.prompt).trim_end())?)
}

/// Adds an agent to a department, by the original's command.
pub(crate) async fn add_to_department(context: &mut Context, args: AddAgentArgs) -> Outcome {
    let company = context.company_ref()?;
    let daemon = context.daemon().await?;
    let team = daemon.call::<methods::AgentListAll>(company.clone()).await?.agents;
    let head = department_head(&team, &args.department)?;
    let params = AgentAddParams {
        company: company.clone(),
        role: args.role.clone(),
        text: None,
        name: None,
        reports_to: Some(head.role.clone()),
    };
    let added = daemon.call::<methods::AgentAdd>(params).await?;
    if let Some(text) = in_department(&added, &head.department) {
        let params = AgentSaveParams { company: company.clone(), role: args.role.clone(), text };
        daemon.call::<methods::AgentSave>(params).await?;
    }
    let params = AgentSetParams { model: Some(args.model.clone()), ..nothing(company, args.role.clone()) };
    let added = daemon.call::<methods::AgentSet>(params).await.map_err(|mut error| {
        let role = line(&args.role, 60);
        error.message = format!("{role} is on the team, but its model is not set: {}", error.message);
        error.fix = format!("Set it with `aicib agent set {role} --model …`.");
        error
    })?;
    said(context, &added, &format!("is on the team now, under the {}.", line(&head.name, 60)))
}

/// The text of an agent's file with its department in the frontmatter; none where it is there already.
fn in_department(added: &AgentDetail, department: &str) -> Option<String> {
    let rest = added.text.strip_prefix("---\n")?;
    // As JSON it is YAML too, whatever is in it.
    let value = serde_json::to_string(department).ok()?;
    (added.agent.department.is_empty() && !department.is_empty()).then(|| format!("---\ndepartment: {value}\n{rest}"))
}

/// Who heads a department: whom the most of it answer to, up to the one who answers to nobody in it. Its role is as
/// good as its department's name.
pub(crate) fn department_head<'a>(team: &'a [Agent], department: &str) -> Result<&'a Agent, Failure> {
    let wanted = department.trim().to_lowercase();
    let of = |agent: &&Agent| agent.department.to_lowercase() == wanted;
    let in_it: Vec<&Agent> = team.iter().filter(of).collect();
    let from_outside =
        |agent: &&&Agent| agent.reports_to.as_deref().is_none_or(|head| !in_it.iter().any(|other| other.role == head));
    let head = in_it.iter().find(from_outside).copied().or_else(|| in_it.first().copied());
    let head = head.or_else(|| team.iter().find(|agent| agent.role == wanted));
    head.ok_or_else(|| {
        let mut departments: Vec<String> = team.iter().map(|agent| line(&agent.department, 40)).collect();
        departments.retain(|department| !department.is_empty());
        departments.sort_unstable();
        departments.dedup();
        departments.truncate(20);
        Failure::usage(format!(
            "There is no department {:?}. There {} {}.",
            line(department, 60),
            if departments.len() == 1 { "is" } else { "are" },
            if departments.is_empty() { "none".to_owned() } else { departments.join(", ") }
        ))
    })
}

fn said(context: &mut Context, detail: &AgentDetail, what: &str) -> Outcome {
    if context.out.json {
        return Ok(context.out.value(detail)?);
    }
    let name = context.out.paint.ink(Ink::Bold, &line(&detail.agent.name, 60));
    context.out.line(&format!("{name} {what}"))?;
    if let Some(problem) = &detail.agent.problem {
        context.out.line(&context.out.paint.ink(Ink::Red, &line(&problem.to_string(), 400)))?;
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
