//! `aicib status`: who works on what, for how much.

use contract::{
    Agent, AgentState, Desk, Empty, Error, ErrorCode, Job, JobDetail, JobListParams, JobRef, Money, methods, role_name,
};

use crate::commands::brief::PRACTICE;
use crate::commands::logs::{cost, state, summary};
use crate::context::{Clock, Context, job_number};
use crate::failure::Outcome;
use crate::out::{Ink, Paint};
use crate::text::{Band, count, length, line, spend};

/// Prints the company at a glance, or a job.
pub(crate) async fn status(context: &mut Context, job: Option<String>) -> Outcome {
    if let Some(job) = job {
        let job_id = job_number(&job, "--job")?;
        let client = context.daemon().await?;
        let job = client.call::<methods::JobGet>(JobRef { job_id }).await?;
        if context.out.json {
            return Ok(context.out.value(&job)?);
        }
        let lines = job_lines(&job, context.out.paint, &context.clock());
        return print(context, &lines);
    }
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    let desk = match client.call::<methods::DeskGet>(company).await {
        Err(error) if error.code == ErrorCode::COMPANY_NOT_FOUND => {
            return Err(with_known(&client, error).await.into());
        }
        outcome => outcome?,
    };
    if context.out.json {
        return Ok(context.out.value(&desk)?);
    }
    let last = match desk.finished.first() {
        Some(job) => Some(job.clone()),
        // Nothing ended today: the last one of all.
        None => last_finished(&client, &desk).await?,
    };
    let lines = desk_lines(&desk, last.as_ref(), context.out.paint, &context.clock());
    print(context, &lines)
}

/// The error of a folder without a company, with the companies there are.
async fn with_known(client: &rpc::Client, mut error: Error) -> Error {
    let Ok(known) = client.call::<methods::CompanyListAll>(Empty {}).await else { return error };
    let known: Vec<String> = known.companies.iter().take(5).map(|company| line(&company.dir, 200)).collect();
    if !known.is_empty() {
        error.fix = format!("{} Or name one with --dir: {}.", error.fix, known.join(", "));
    }
    error
}

async fn last_finished(client: &rpc::Client, desk: &Desk) -> Result<Option<Job>, contract::Error> {
    let states = contract::JobState::ALL.into_iter().filter(|state| state.is_final()).collect();
    let params =
        JobListParams { company_id: Some(desk.company.company_id), states, limit: Some(1), ..JobListParams::default() };
    Ok(client.call::<methods::JobList>(params).await?.jobs.into_iter().next())
}

fn print(context: &mut Context, lines: &[String]) -> Outcome {
    for line in lines {
        context.out.line(line)?;
    }
    Ok(())
}

/// A company at a glance, for people.
pub(crate) fn desk_lines(desk: &Desk, last: Option<&Job>, paint: Paint, clock: &Clock) -> Vec<String> {
    let company = &desk.company;
    let mut lines = vec![
        format!(
            "{}  {}",
            paint.ink(Ink::Bold, &line(&company.name, 80)),
            paint.ink(Ink::Dim, &line(&company.dir, 400))
        ),
        format!("Engine   {}", line(&company.engine_now.label, 200)),
    ];
    for problem in company.problem.iter().chain(&company.engine_now.problem) {
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

    lines.push(String::new());
    if desk.live.is_empty() {
        lines.push("Nothing is under way.".to_owned());
    } else {
        lines.push(paint.ink(Ink::Bold, "Under way"));
        for job in &desk.live {
            lines.extend(live_lines(job, paint, clock));
        }
        let hidden = desk.live_total - i64::try_from(desk.live.len()).unwrap_or(0);
        if hidden > 0 {
            lines.push(format!("  and {hidden} more"));
        }
    }

    if !desk.team.is_empty() {
        lines.push(String::new());
        lines.push(paint.ink(Ink::Bold, "Team"));
        let width = desk.team.iter().map(|agent| line(&agent.name, 24).chars().count()).max().unwrap_or(0);
        lines.extend(desk.team.iter().map(|agent| agent_line(agent, width, paint)));
    }

    if let Some(job) = last {
        lines.push(String::new());
        lines.push(paint.ink(Ink::Bold, "Last finished"));
        let when = job.finished_at.map(|at| format!(" at {}", clock.show(at))).unwrap_or_default();
        lines.push(format!(
            "  #{}  {}{when}  {}  {}",
            job.job_id,
            state(job.state, paint),
            cost(job),
            line(&job.title, 80)
        ));
        let why = job.error.as_ref().map(ToString::to_string).or_else(|| job.result.clone());
        let why = why.or_else(|| Some(job.reason.clone()).filter(|reason| !reason.is_empty()));
        lines.extend(why.map(|why| format!("      {}", line(&why, 160))));
    }
    lines
}

fn spending(spent: Money, limit: Money, paint: Paint) -> String {
    match spend(spent, limit) {
        (text, Band::Calm) => text,
        (text, Band::Warn) => paint.ink(Ink::Yellow, &text),
        (text, Band::Alarm) => paint.ink(Ink::Red, &text),
    }
}

fn live_lines(job: &Job, paint: Paint, clock: &Clock) -> Vec<String> {
    let mut head = format!("  #{}  {}", job.job_id, state(job.state, paint));
    match (job.started_at, job.position) {
        (Some(started), _) => head.push_str(&format!("  {}  {}", length(clock.now.since(started)), cost(job))),
        (None, Some(position)) => head.push_str(&format!("  position {position}")),
        (None, None) => {}
    }
    if let Some(steps) = job.progress {
        head.push_str(&format!("  {} of {}", steps.done, steps.total));
    }
    let mut lines = vec![format!("{head}  {}", line(&job.title, 80))];
    if let Some(activity) = &job.activity {
        lines.push(format!("      {} {}", line(&role_name(&activity.agent), 40), line(&activity.text, 120)));
    }
    if !job.reason.is_empty() {
        lines.push(format!("      {}", line(&job.reason, 200)));
    }
    lines
}

fn agent_line(agent: &Agent, width: usize, paint: Paint) -> String {
    let name = line(&agent.name, 24);
    if let Some(problem) = &agent.problem {
        return format!("  {name:width$}  {}", paint.ink(Ink::Red, &line(&problem.to_string(), 400)));
    }
    if !agent.enabled {
        return format!("  {name:width$}  {}", paint.ink(Ink::Dim, "off"));
    }
    let ink = match agent.state {
        AgentState::Working => Ink::Cyan,
        AgentState::Error => Ink::Red,
        AgentState::Idle | AgentState::Stopped => Ink::Dim,
    };
    let task = if agent.task.is_empty() { String::new() } else { format!("  {}", line(&agent.task, 100)) };
    format!("  {name:width$}  {}{task}", paint.ink(ink, agent.state.name()))
}

/// A job, for people.
pub(crate) fn job_lines(job: &JobDetail, paint: Paint, clock: &Clock) -> Vec<String> {
    let row = &job.job;
    let kind = if row.foreground { "Foreground" } else { "Background" };
    let mut lines = summary(job, paint);
    lines.push(String::new());
    lines.push(format!("Brief    {}", line(&row.title, 100)));
    lines.push(format!("Sent     {}, {kind} Job, {}", clock.show(row.created_at), row.engine.label()));
    if row.engine == contract::EngineKind::Practice {
        lines.push(format!("         {}", paint.ink(Ink::Yellow, PRACTICE)));
    }
    if let Some(parent) = row.parent_job_id {
        lines.push(format!("         restarts job #{parent}"));
    }
    if let Some(started) = row.started_at.filter(|_| row.finished_at.is_none()) {
        lines.push(format!("Running  for {}", length(clock.now.since(started))));
    }
    if let Some(activity) = &row.activity {
        lines.push(format!("Now      {} {}", line(&role_name(&activity.agent), 40), line(&activity.text, 120)));
    }
    if let Some(run) = &job.run {
        let pid = run.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        lines.push(format!("Run      {} {}{pid}", run.run_id, run.state.name()));
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
