//! The team, as it is printed: a tree of who answers to whom, and an agent by itself.

use std::collections::HashSet;

use contract::{Agent, AgentState, Money, role_name};

use crate::context::Sheet;
use crate::facts::{band_ink, banded};
use crate::out::Ink;
use crate::text::{columns, fit, line, pad, pad_left, spend};

/// Columns of an agent's name in the tree, at most.
const NAME_COLUMNS: usize = 32;
/// Columns of a role and of a model, at most.
const WORD_COLUMNS: usize = 24;
/// Steps of the tree that are shown as such.
const MAX_DEPTH: usize = 8;

/// The team as a table whose first column is a tree. What is wrong with an agent's file stands below it.
pub(crate) fn tree(agents: &[Agent], sheet: &Sheet) -> Vec<String> {
    if agents.is_empty() {
        return vec!["Nobody is on the team: `aicib agent add` adds somebody.".to_owned()];
    }
    let paint = sheet.paint;
    let order = in_order(agents);
    let heads = ["AGENT", "ROLE", "STATE", "MODEL", "TODAY"].map(str::to_owned);
    let cells: Vec<[String; 5]> = order.iter().map(|(agent, depth)| cells(agent, *depth)).collect();
    let mut widths = [0; 5];
    for row in cells.iter().chain([&heads]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    let row = |cells: &[String; 5], inks: [Option<Ink>; 5], task: &str| {
        let shown = cells.iter().zip(widths).zip(inks).enumerate().map(|(column, ((cell, width), ink))| {
            let cell = if column == 4 { pad_left(cell, width) } else { pad(cell, width) };
            ink.map_or_else(|| cell.clone(), |ink| paint.ink(ink, &cell))
        });
        let row = format!("{}  {task}", shown.collect::<Vec<_>>().join("  "));
        row.trim_end().to_owned()
    };
    let mut lines = vec![paint.ink(Ink::Dim, &row(&heads, [None; 5], "TASK"))];
    let room = sheet.left(widths.iter().map(|width| width + 2).sum());
    for ((agent, depth), cells) in order.iter().zip(&cells) {
        let task = if agent.enabled { fit(&agent.task, room) } else { String::new() };
        let band = (agent.limit_usd > Money::ZERO).then(|| spend(agent.today_usd, agent.limit_usd).1);
        let cost = band.and_then(band_ink);
        let name = if agent.enabled { None } else { Some(Ink::Dim) };
        lines.push(row(cells, [name, Some(Ink::Dim), state(agent).1, Some(Ink::Dim), cost], &task));
        lines.extend(agent.problem.as_ref().map(|problem| {
            let problem = line(&problem.to_string(), 400);
            format!("{}  {}", "  ".repeat((*depth).min(MAX_DEPTH)), paint.ink(Ink::Red, &problem))
        }));
    }
    lines
}

fn cells(agent: &Agent, depth: usize) -> [String; 5] {
    let indent = "  ".repeat(depth.min(MAX_DEPTH));
    let today = if agent.today_usd > Money::ZERO { agent.today_usd.to_string() } else { "-".to_owned() };
    [
        format!("{indent}{}", fit(&agent.name, NAME_COLUMNS - indent.len())),
        fit(&agent.role, WORD_COLUMNS),
        state(agent).0.to_owned(),
        fit(&agent.model, WORD_COLUMNS),
        today,
    ]
}

/// What an agent does, in a word and its colour.
fn state(agent: &Agent) -> (&'static str, Option<Ink>) {
    match agent.state {
        _ if agent.problem.is_some() => ("broken", Some(Ink::Red)),
        _ if !agent.enabled => ("off", Some(Ink::Dim)),
        AgentState::Working => ("working", Some(Ink::Cyan)),
        AgentState::Error => ("error", Some(Ink::Red)),
        AgentState::Idle => ("idle", None),
        AgentState::Stopped => ("stopped", Some(Ink::Dim)),
    }
}

/// Everybody once, each below whom it answers to, and how deep. Files say who answers to whom, and may say anything:
/// who answers to nobody there is, or in a circle, stands at the top.
fn in_order(agents: &[Agent]) -> Vec<(&Agent, usize)> {
    let there: HashSet<&str> = agents.iter().map(|agent| agent.role.as_str()).collect();
    let has_head =
        |agent: &Agent| agent.reports_to.as_deref().is_some_and(|head| head != agent.role && there.contains(head));
    let tops = agents.iter().filter(|agent| !has_head(agent)).chain(agents);
    let (mut order, mut seen) = (Vec::with_capacity(agents.len()), HashSet::new());
    for top in tops {
        let mut to_come = vec![(top, 0)];
        while let Some((agent, depth)) = to_come.pop() {
            if !seen.insert(agent.role.as_str()) {
                continue;
            }
            order.push((agent, depth));
            let reports = agents.iter().rev().filter(|report| report.reports_to.as_deref() == Some(&agent.role));
            to_come.extend(reports.map(|report| (report, depth + 1)));
        }
    }
    order
}

/// An agent by itself.
pub(crate) fn facts(agent: &Agent, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let (state, ink) = state(agent);
    let state = ink.map_or_else(|| state.to_owned(), |ink| paint.ink(ink, state));
    let role = paint.ink(Ink::Dim, &line(&agent.role, 40));
    let mut lines = vec![format!("{}  {role}  {state}", paint.ink(Ink::Bold, &line(&agent.name, 60)))];
    lines.extend(agent.problem.as_ref().map(|problem| paint.ink(Ink::Red, &line(&problem.to_string(), 1000))));
    let heads = agent.reports_to.as_deref().map(role_name);
    let skills = if agent.skills.is_empty() { "none".to_owned() } else { agent.skills.join(", ") };
    let today = match agent.limit_usd > Money::ZERO {
        true => {
            let (text, band) = spend(agent.today_usd, agent.limit_usd);
            banded(&text, band, paint)
        }
        false => format!("{}, no limit of its own", agent.today_usd),
    };
    let task = match agent.job_id {
        Some(job_id) if !agent.task.is_empty() => format!("{} (job #{job_id})", line(&agent.task, 200)),
        _ => line(&agent.task, 200),
    };
    for (name, value) in [
        ("Does", line(&agent.title, 200)),
        ("Part of", line(&agent.department, 60)),
        ("Under", heads.map(|head| line(&head, 60)).unwrap_or_default()),
        ("Model", line(&agent.model, 60)),
        ("Engine", line(&agent.engine, 60)),
        ("Persona", line(&agent.persona, 60)),
        ("Skills", line(&skills, 400)),
        ("Autonomy", line(&agent.autonomy, 60)),
        ("Today", today),
        ("Task", task),
        ("File", paint.ink(Ink::Dim, &line(&agent.file, 400))),
    ] {
        if !value.is_empty() {
            lines.push(format!("{name:9} {value}"));
        }
    }
    lines
}
