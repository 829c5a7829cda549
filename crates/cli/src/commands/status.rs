//! `aicib status`: who works on what, how far it is, and for how much.

use contract::{
    Agent, AgentState, Band, Desk, Job, JobDetail, JobListParams, JobRef, JobState, Money, methods, role_name,
};

use crate::args::StatusArgs;
use crate::commands::logs::summary;
use crate::commands::questions::{how_to, in_a_line};
use crate::commands::which;
use crate::context::{Context, Sheet, job_number};
use crate::daemon::Daemon;
use crate::facts::{ALL_HELD, CEO, PRACTICE, banded, cost, how_far, left, said_in_line, state, time_left, why_not};
use crate::failure::Outcome;
use crate::out::{Ink, Paint};
use crate::text::{columns, count, fit, length, line, pad, spend};

/// Columns of an agent's name, at most.
const NAME_COLUMNS: usize = 24;
/// Columns of an agent's state: those of "working" and "stopped".
const STATE_COLUMNS: usize = 7;
/// Jobs of a kind that are shown, at most: the team below is to be seen as well.
const LIVE: usize = 10;

/// Prints a company at a glance, or a job.
pub(crate) async fn status(context: &mut Context, args: StatusArgs) -> Outcome {
    if let Some(job) = args.job {
        let job_id = job_number(&job, "--job")?;
        let daemon = context.daemon().await?;
        let job = daemon.call::<methods::JobGet>(JobRef { job_id }).await?;
        if context.out.json {
            return Ok(context.out.value(&job)?);
        }
        let lines = job_lines(&job, &context.sheet());
        return print(context, &lines);
    }
    let daemon = context.daemon().await?;
    let company = which::company(context, &daemon, args.company.as_deref()).await?;
    let desk = daemon.call::<methods::DeskGet>(which::by_id(&company)).await?;
    if context.out.json {
        return Ok(context.out.value(&desk)?);
    }
    let last = match desk.finished.first() {
        Some(job) => Some(job.clone()),
        // Nothing ended today: the last one of all.
        None => last_finished(&daemon, &desk).await?,
    };
    let lines = desk_lines(&desk, last.as_ref(), &context.sheet());
    print(context, &lines)
}

async fn last_finished(daemon: &Daemon, desk: &Desk) -> Result<Option<Job>, contract::Error> {
    let states = JobState::ALL.into_iter().filter(|state| state.is_final()).collect();
    let params =
        JobListParams { company_id: Some(desk.company.company_id), states, limit: Some(1), ..JobListParams::default() };
    Ok(daemon.call::<methods::JobList>(params).await?.jobs.into_iter().next())
}

fn print(context: &mut Context, lines: &[String]) -> Outcome {
    for line in lines {
        context.out.line(line)?;
    }
    Ok(())
}

/// A company at a glance, for people.
pub(crate) fn desk_lines(desk: &Desk, last: Option<&Job>, sheet: &Sheet) -> Vec<String> {
    let (paint, clock) = (sheet.paint, &sheet.clock);
    let company = &desk.company;
    let name = fit(&company.name, 40);
    // A folder is there to be copied: it is whole, however long.
    let mut lines = vec![format!("{}  {}", paint.ink(Ink::Bold, &name), paint.ink(Ink::Dim, &line(&company.dir, 400)))];
    lines.extend(asked(desk, sheet));
    lines.push(format!("Engine   {}", fit(&company.engine_now.label, sheet.left(9))));
    let mut problems: Vec<&contract::Error> = company.problem.iter().chain(&company.engine_now.problem).collect();
    // A config that cannot be read is the company's problem and its engine's.
    problems.dedup_by_key(|problem| &problem.message);
    for problem in problems {
        lines.push(format!("         {}", paint.ink(Ink::Red, &line(&problem.to_string(), 1000))));
    }
    lines.push(match &desk.session {
        Some(session) => format!(
            "Session  {}, open since {}, {}",
            session.session_id,
            clock.show(session.opened_at),
            count(session.jobs, "brief", "briefs")
        ),
        None => "Session  none is open: `aicib start` opens one".to_owned(),
    });
    lines.push(format!("Today    {}", spending(desk.spend.today_usd, desk.spend.daily_limit_usd, paint)));
    if desk.spend.monthly_limit_usd > Money::ZERO {
        lines.push(format!("Month    {}", spending(desk.spend.month_usd, desk.spend.monthly_limit_usd, paint)));
    }
    if desk.held {
        lines.push(String::new());
        lines.push(paint.ink(Ink::Yellow, ALL_HELD));
    }

    let (under_way, to_come): (Vec<&Job>, Vec<&Job>) = desk.live.iter().partition(|job| job.state.is_in_line());
    let mut shown = 0;
    lines.push(String::new());
    if under_way.is_empty() {
        lines.push("Nothing is under way.".to_owned());
    }
    for (title, jobs) in [("Under way", under_way), ("To come", to_come)] {
        if jobs.is_empty() {
            continue;
        }
        if title == "To come" {
            lines.push(String::new());
        }
        lines.push(paint.ink(Ink::Bold, title));
        for job in jobs.into_iter().take(LIVE) {
            lines.extend(live_lines(job, sheet));
            shown += 1;
        }
    }
    let hidden = desk.live_total - shown;
    if hidden > 0 {
        lines.push(format!("  and {hidden} more: `aicib jobs` lists them"));
    }

    if !desk.team.is_empty() {
        lines.push(String::new());
        lines.push(paint.ink(Ink::Bold, "Team"));
        let width = desk.team.iter().map(|agent| columns(&fit(&agent.name, NAME_COLUMNS))).max().unwrap_or(0);
        lines.extend(desk.team.iter().map(|agent| agent_line(agent, width, sheet)));
    }

    if let Some(job) = last {
        lines.push(String::new());
        lines.push(paint.ink(Ink::Bold, "Last finished"));
        let when = job.finished_at.map(|at| format!(" at {}", clock.show(at))).unwrap_or_default();
        let stopped = job.stopped.as_ref().filter(|stopped| stopped.ended > 0 || stopped.left > 0);
        let stopped = stopped.map(|stopped| format!("  {}", left(stopped))).unwrap_or_default();
        lines.push(format!("  #{}  {}{when}  {}{stopped}", job.job_id, state(job.state, paint), cost(job)));
        lines.push(format!("      {}", fit(&job.title, sheet.left(6))));
        let why = job.error.as_ref().map(ToString::to_string).or_else(|| job.result.clone());
        let why = why.or_else(|| Some(job.reason.clone())).filter(|why| !why.is_empty());
        lines.extend(why.map(|why| format!("      {}", line(&why, 160))));
    }
    lines
}

/// What waits for the founder: before everything else, since work stands still for it.
fn asked(desk: &Desk, sheet: &Sheet) -> Vec<String> {
    // Leave to act comes first: nothing else is in the way of it.
    let (approvals, others): (Vec<_>, Vec<_>) = desk.questions.iter().partition(|question| question.approval.is_some());
    let questions: Vec<&contract::Question> = approvals.into_iter().chain(others).collect();
    let Some(first) = questions.first() else { return Vec::new() };
    let paint = sheet.paint;
    let mut lines = vec![String::new(), paint.ink(Ink::Yellow, "Waiting for you")];
    for question in &questions {
        lines.push(in_a_line(question, sheet));
        let job = format!("     job #{} · {}", question.job_id, sheet.clock.ago(question.asked_at));
        lines.push(paint.ink(Ink::Dim, &job));
    }
    let how = match questions.len() {
        1 => how_to(first),
        _ if first.approval.is_some() => {
            "`aicib questions` shows them in full; `aicib approve|deny|answer N` answers.".to_owned()
        }
        _ => "`aicib questions` shows them in full; `aicib answer N` answers.".to_owned(),
    };
    lines.extend([format!("  {how}"), String::new()]);
    lines
}

fn spending(spent: Money, limit: Money, paint: Paint) -> String {
    let (text, band) = spend(spent, limit);
    banded(&text, band, paint)
}

/// A job that has not ended: where it stands, what it is, what it does right now, why it does not go on.
fn live_lines(job: &Job, sheet: &Sheet) -> Vec<String> {
    let (paint, clock) = (sheet.paint, &sheet.clock);
    let mut facts = vec![format!("  #{}  {}", job.job_id, state(job.state, paint))];
    if job.held {
        facts.push(paint.ink(Ink::Yellow, "on hold"));
    }
    facts.extend(how_far(job));
    facts.extend(time_left(job, clock));
    match (job.started_at, job.position) {
        (Some(started), _) => facts.extend([length(clock.now.since(started)), cost(job)]),
        (None, Some(position)) => facts.push(format!("position {position}")),
        (None, None) => {}
    }
    if job.priority != 0 {
        facts.push(format!("priority {}", job.priority));
    }
    let room = sheet.left(6);
    if job.agent != CEO {
        facts.push(format!("to the {}", line(&role_name(&job.agent), 24)));
    }
    let mut lines = vec![facts.join("  "), format!("      {}", fit(&job.title, room))];
    if let Some(activity) = job.activity.as_ref().filter(|_| job.state.is_at_work()) {
        let doing = format!("{} {}", role_name(&activity.agent), activity.text);
        lines.push(format!("      {}", fit(&doing, room)));
    }
    let step = job.progress.as_ref().map(|progress| progress.note.as_str()).filter(|note| !note.is_empty());
    if let Some(step) = step.filter(|_| job.state == JobState::Running) {
        lines.push(format!("      {}", paint.ink(Ink::Dim, &fit(step, room))));
    }
    lines.extend(why_not(job, clock).into_iter().map(|why| format!("      {}", line(&why, 200))));
    lines
}

fn agent_line(agent: &Agent, width: usize, sheet: &Sheet) -> String {
    let paint = sheet.paint;
    let name = pad(&fit(&agent.name, NAME_COLUMNS), width);
    if let Some(problem) = &agent.problem {
        return format!("  {name}  {}", paint.ink(Ink::Red, &line(&problem.to_string(), 400)));
    }
    let cost = spent_today(agent);
    if !agent.enabled {
        let shown = format!("  {name}  {}", paint.ink(Ink::Dim, &pad("off", STATE_COLUMNS)));
        return match cost {
            Some((cost, band)) => format!("{shown}  {}", banded(&cost, band, paint)),
            None => shown.trim_end().to_owned(),
        };
    }
    let ink = match agent.state {
        AgentState::Working => Ink::Cyan,
        AgentState::Error => Ink::Red,
        AgentState::Idle | AgentState::Stopped => Ink::Dim,
    };
    let state = match (&cost, agent.task.is_empty()) {
        (None, true) => agent.state.name().to_owned(),
        _ => pad(agent.state.name(), STATE_COLUMNS),
    };
    let mut out = format!("  {name}  {}", paint.ink(ink, &state));
    let mut taken = 2 + width + 2 + STATE_COLUMNS + 2;
    if let Some((cost, band)) = cost {
        out.push_str(&format!("  {}", banded(&cost, band, paint)));
        taken += columns(&cost) + 2;
    }
    if !agent.task.is_empty() {
        out.push_str(&format!("  {}", fit(&agent.task, sheet.left(taken))));
    }
    out
}

/// What an agent cost today, and how near its limit that is; none where it is nothing.
fn spent_today(agent: &Agent) -> Option<(String, Band)> {
    if agent.today_usd <= Money::ZERO {
        return None;
    }
    let (text, band) = spend(agent.today_usd, agent.limit_usd);
    Some(if agent.limit_usd > Money::ZERO { (text, band) } else { (agent.today_usd.to_string(), band) })
}

/// A job, for people.
pub(crate) fn job_lines(job: &JobDetail, sheet: &Sheet) -> Vec<String> {
    let (paint, clock) = (sheet.paint, &sheet.clock);
    let row = &job.job;
    let kind = if row.foreground { "Foreground" } else { "Background" };
    let mut lines = summary(job, paint);
    lines.push(String::new());
    lines.push(format!("Brief    {}", fit(&row.title, sheet.left(9))));
    lines.push(format!("Sent     {}, {kind} Job, {}", clock.show(row.created_at), row.engine.label()));
    if row.agent != CEO {
        lines.push(format!("         to the {}, directly", line(&role_name(&row.agent), 40)));
    }
    if row.engine == contract::EngineKind::Practice {
        lines.push(format!("         {}", paint.ink(Ink::Yellow, PRACTICE)));
    }
    if let Some(parent) = row.parent_job_id {
        lines.push(format!("         restarts job #{parent}"));
    }
    if let Some(position) = row.position.filter(|_| row.state == JobState::Queued) {
        lines.push(format!("         {}", paint.ink(Ink::Yellow, &said_in_line(position))));
    }
    let reason = line(&row.reason, 400);
    // The reason stands above already.
    let why = why_not(row, clock).into_iter().filter(|why| *why != reason);
    lines.extend(why.map(|why| format!("         {}", paint.ink(Ink::Yellow, &why))));
    if row.priority != 0 {
        lines.push(format!("Priority {}", row.priority));
    }
    if let Some(started) = row.started_at.filter(|_| row.finished_at.is_none()) {
        let facts: Vec<String> = how_far(row).into_iter().chain(time_left(row, clock)).collect();
        let facts = if facts.is_empty() { String::new() } else { format!(", {}", facts.join(", ")) };
        lines.push(format!("Running  for {}{facts}", length(clock.now.since(started))));
    }
    if let Some(activity) = &row.activity {
        lines.push(format!("Now      {} {}", line(&role_name(&activity.agent), 40), line(&activity.text, 120)));
    }
    if let Some(run) = &job.run {
        let pid = run.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        let attempt = if row.attempts > 1 { format!(", attempt {}", row.attempts) } else { String::new() };
        lines.push(format!("Run      {} {}{pid}{attempt}", run.run_id, run.state.name()));
    }
    let tokens = &job.tokens;
    if tokens.input + tokens.output > 0 {
        lines.push(format!("Tokens   {} in, {} out", tokens.input, tokens.output));
    }
    for agent in &job.cost_by_agent {
        lines.push(format!(
            "Cost     {} {}  {}",
            line(&role_name(&agent.agent), 40),
            agent.cost_usd,
            paint.ink(Ink::Dim, &line(&agent.model, 60))
        ));
    }
    lines
}
