//! `aicib jobs`: jobs as a table.

use contract::{Company, CompanyId, CostBasis, Empty, Job, JobId, JobListParams, JobPage, JobSort, JobState, methods};

use crate::args::{JobsArgs, Sort};
use crate::commands::engines::unknown_engine;
use crate::commands::which;
use crate::context::{Context, Sheet, job_number, line_count};
use crate::daemon::Daemon;
use crate::facts::{how_far, ink};
use crate::failure::{Failure, Outcome};
use crate::out::Ink;
use crate::text::{columns, fit, line, pad, pad_left, short_clock, short_length};
use crate::when;

/// Jobs shown where no number is given.
const DEFAULT_JOBS: i64 = 20;
/// Jobs that are shown at once, at most: a page is kept whole, for its columns.
const MOST_JOBS: i64 = 10_000;
/// Columns of a company's name, at most.
const COMPANY_COLUMNS: usize = 12;

/// Prints a page of jobs, and how to see the next.
pub(crate) async fn jobs(context: &mut Context, args: JobsArgs) -> Outcome {
    let wanted = args.lines.as_deref().map(line_count).transpose()?.unwrap_or(DEFAULT_JOBS);
    if wanted > MOST_JOBS {
        return Err(Failure::usage(format!("-n can be {MOST_JOBS} at most: `--before` goes on from there.")));
    }
    let states = states(&args.state)?;
    let since = args.since.as_deref().map(|typed| when::past(typed, &context.clock())).transpose()?;
    let until = args.until.as_deref().map(|typed| when::past(typed, &context.clock())).transpose()?;
    let before = args.before.as_deref().map(|job| job_number(job, "--before")).transpose()?;
    if let Some(engine) = args.engine.as_deref().filter(|engine| contract::engine_from_name(engine).is_none()) {
        return Err(Failure::usage(unknown_engine(engine)));
    }
    let daemon = context.daemon().await?;
    let company = match &args.company {
        Some(named) => Some(which::company(context, &daemon, Some(named)).await?),
        None if args.all => None,
        None => which::company_here(context, &daemon).await?,
    };
    let company_id = company.as_ref().map(|company| company.company_id);
    let params = JobListParams {
        company_id,
        states,
        agent: args.agent.clone(),
        engine: args.engine.clone(),
        since,
        until,
        before,
        sort: order(args.sort),
        ..JobListParams::default()
    };
    let page = read(&daemon, params, wanted).await?;
    if context.out.json {
        return Ok(context.out.value(&page)?);
    }
    let names = match company {
        Some(_) => Vec::new(),
        None => daemon.call::<methods::CompanyListAll>(Empty {}).await?.companies,
    };
    let sheet = context.sheet();
    for row in table(&page.jobs, &names, &sheet) {
        context.out.line(&row)?;
    }
    if page.jobs.is_empty() {
        let none = if is_narrowed(&args) { "There are no such jobs." } else { "There are no jobs yet." };
        context.out.line(none)?;
    } else if let Some(next) = page.next {
        context.out.line(&sheet.paint.ink(Ink::Dim, &more(&args, next)))?;
    }
    Ok(())
}

/// As many jobs as are wanted, from as many pages as that takes.
async fn read(daemon: &Daemon, mut params: JobListParams, wanted: i64) -> Result<JobPage, Failure> {
    let mut all = JobPage { jobs: Vec::new(), next: None };
    let mut left = wanted;
    loop {
        params.limit = Some(left.min(contract::limits::MAX_PAGE));
        let page = daemon.call::<methods::JobList>(params.clone()).await?;
        left -= i64::try_from(page.jobs.len()).unwrap_or(i64::MAX);
        let empty = page.jobs.is_empty();
        all.jobs.extend(page.jobs);
        all.next = page.next;
        if params.sort == JobSort::Newest {
            params.before = page.next;
        } else {
            params.offset = i64::try_from(all.jobs.len()).unwrap_or(i64::MAX);
        }
        if left <= 0 || page.next.is_none() || empty {
            return Ok(all);
        }
    }
}

fn order(sort: Sort) -> JobSort {
    match sort {
        Sort::Newest => JobSort::Newest,
        Sort::Oldest => JobSort::Oldest,
        Sort::Cost => JobSort::Cost,
        Sort::Duration => JobSort::Duration,
    }
}

/// The states that were named.
fn states(typed: &[String]) -> Result<Vec<JobState>, Failure> {
    let of = |name: &String| {
        JobState::from_name(&name.trim().to_lowercase()).ok_or_else(|| {
            let all: Vec<&str> = JobState::ALL.iter().map(|state| state.name()).collect();
            Failure::usage(format!("--state {:?} is no state. There are {}.", line(name, 40), all.join(", ")))
        })
    };
    typed.iter().map(of).collect()
}

fn is_narrowed(args: &JobsArgs) -> bool {
    let narrow = [&args.since, &args.until, &args.before, &args.agent, &args.engine];
    !args.state.is_empty() || narrow.iter().any(|narrow| narrow.is_some())
}

/// How the next page is asked for: as this one was, from where it ends.
fn more(args: &JobsArgs, next: JobId) -> String {
    if args.sort != Sort::Newest {
        return "There are more: ask for them with a higher -n.".to_owned();
    }
    let mut again = String::from("aicib jobs");
    if !args.state.is_empty() {
        again.push_str(&format!(" --state {}", args.state.join(",")));
    }
    for (flag, value) in [
        ("--company", &args.company),
        ("--agent", &args.agent),
        ("--engine", &args.engine),
        ("--since", &args.since),
        ("--until", &args.until),
        ("-n", &args.lines),
    ] {
        if let Some(value) = value {
            let plain = value.chars().all(|c| c.is_alphanumeric() || "-_.:/".contains(c));
            again.push_str(&if plain { format!(" {flag} {value}") } else { format!(" {flag} {value:?}") });
        }
    }
    if args.all {
        again.push_str(" --all");
    }
    format!("There are older ones: `{again} --before {next}`")
}

/// Jobs as rows under a headline. Titles come last and take what is left of the line.
pub(crate) fn table(jobs: &[Job], companies: &[Company], sheet: &Sheet) -> Vec<String> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let with_company = jobs.iter().any(|job| job.company_id != jobs[0].company_id) && !companies.is_empty();
    let heads = ["JOB", "STATE", "SENT", "TOOK", "COST"];
    let cells: Vec<[String; 5]> = jobs.iter().map(|job| cells(job, sheet)).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| cells.iter().map(|row| columns(&row[column])).chain([heads[column].len()]).max().unwrap_or(0))
        .collect();
    let name_of = |id: CompanyId| {
        let company = companies.iter().find(|company| company.company_id == id);
        company.map_or_else(|| format!("#{id}"), |company| fit(&company.name, COMPANY_COLUMNS))
    };
    let names: Vec<String> =
        if with_company { jobs.iter().map(|job| name_of(job.company_id)).collect() } else { Vec::new() };
    let name_width = names.iter().map(|name| columns(name)).chain(["COMPANY".len()]).max().unwrap_or(0);
    let row = |cells: [String; 5], name: Option<&str>, title: &str| {
        let [job, state, sent, took, cost] = cells;
        let mut row = [job, state, sent, took, cost].join("  ");
        if let Some(name) = name {
            row = format!("{row}  {}", pad(name, name_width));
        }
        format!("{row}  {title}")
    };
    let aligned = |cells: &[String; 5]| {
        let mut out = cells.clone();
        for (column, cell) in out.iter_mut().enumerate() {
            let right = matches!(column, 0 | 3 | 4);
            *cell = if right { pad_left(cell, widths[column]) } else { pad(cell, widths[column]) };
        }
        out
    };
    let taken = widths.iter().sum::<usize>() + 2 * widths.len() + if with_company { name_width + 2 } else { 0 };
    let head = row(aligned(&heads.map(str::to_owned)), with_company.then_some("COMPANY"), "BRIEF");
    let mut rows = vec![sheet.paint.ink(Ink::Dim, &head)];
    for (index, (job, cells)) in jobs.iter().zip(&cells).enumerate() {
        let mut cells = aligned(cells);
        cells[1] = sheet.paint.ink(ink(job.state), &cells[1]);
        let title = fit(&job.title, sheet.left(taken));
        rows.push(row(cells, names.get(index).map(String::as_str), &title));
    }
    rows
}

fn cells(job: &Job, sheet: &Sheet) -> [String; 5] {
    let clock = &sheet.clock;
    let state = match how_far(job) {
        _ if job.held && !job.state.is_final() => format!("{}, held", job.state.name()),
        Some(_) if job.state == JobState::Running => {
            format!("running {}%", job.progress.as_ref().map_or(0, |progress| progress.percent))
        }
        _ => job.state.name().to_owned(),
    };
    let took = job.started_at.map(|at| short_length(job.finished_at.unwrap_or(clock.now).since(at)));
    let cost = match job.cost_basis {
        CostBasis::Unknown => format!("{}+", job.cost_usd),
        _ => job.cost_usd.to_string(),
    };
    [
        format!("#{}", job.job_id),
        state,
        short_clock(job.created_at, clock.now, &clock.zone),
        took.unwrap_or_else(|| "-".to_owned()),
        cost,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_checked_by_name() {
        let typed = |names: &[&str]| states(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(typed(&["running", " Failed"]).unwrap(), [JobState::Running, JobState::Failed]);
        let Err(Failure::Usage(message)) = typed(&["running", "done"]) else { panic!("done is no state") };
        assert!(message.contains("\"done\"") && message.contains("completed, failed, cancelled"), "{message}");
    }

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        let args = JobsArgs {
            state: vec!["failed".into(), "cancelled".into()],
            company: Some("Acme Labs".into()),
            all: false,
            since: Some("3d".into()),
            lines: Some("5".into()),
            until: None,
            agent: Some("cto".into()),
            engine: Some("acp:gemini".into()),
            sort: Sort::Newest,
            before: Some("90".into()),
        };
        assert_eq!(
            more(&args, JobId(84)),
            "There are older ones: `aicib jobs --state failed,cancelled --company \"Acme Labs\" --agent cto --engine acp:gemini --since 3d -n 5 --before 84`"
        );
        assert!(more(&JobsArgs { sort: Sort::Cost, ..args }, JobId(84)).contains("-n"));
    }
}
