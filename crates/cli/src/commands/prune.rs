//! `aicib prune`: forgets jobs that ended long ago, once the founder has seen what would go.

use contract::{CompanyId, JobPruneParams, JobPruneResult, Time, methods};

use crate::args::PruneArgs;
use crate::ask::{confirm, may_ask};
use crate::commands::which;
use crate::context::{Clock, Context};
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};
use crate::out::aside;
use crate::text::{bytes, count, line};
use crate::when;

/// Says what would go, asks, and forgets it.
pub(crate) async fn prune(context: &mut Context, args: PruneArgs) -> Outcome {
    let clock = context.clock();
    let before = when::before(&args.older_than, "--older-than", &clock)?;
    let asks = !args.dry_run && !args.yes;
    if asks && !may_ask(context) {
        return Err(Failure::usage(
            "What is forgotten is gone: look with `aicib prune --dry-run`, and give --yes where nobody can be asked.",
        ));
    }
    let daemon = context.daemon().await?;
    let company = match &args.company {
        Some(named) => Some(which::company(context, &daemon, Some(named)).await?),
        None => None,
    };
    let company_id = company.as_ref().map(|company| company.company_id);
    let of = company.as_ref().map(|company| line(&company.name, 80));
    let of = of.as_deref();
    if asks || args.dry_run {
        let found = call(&daemon, before, company_id, true).await?;
        if context.out.json {
            return Ok(context.out.value(&found)?);
        }
        let would = would_go(&found, of, before, &clock);
        if args.dry_run || found.jobs == 0 {
            return Ok(context.out.line(&would)?);
        }
        aside(&would);
        if !confirm("Forget them?")? {
            return Ok(context.out.line("Nothing was forgotten.")?);
        }
    }
    let gone = call(&daemon, before, company_id, false).await?;
    if context.out.json {
        return Ok(context.out.value(&gone)?);
    }
    if gone.jobs == 0 {
        return Ok(context.out.line(&would_go(&gone, of, before, &clock))?);
    }
    Ok(context.out.line(&format!("Forgotten: {}. What they cost stays counted.", what(&gone)))?)
}

async fn call(
    daemon: &Daemon,
    before: Time,
    company_id: Option<CompanyId>,
    dry_run: bool,
) -> Result<JobPruneResult, Failure> {
    Ok(daemon.call::<methods::JobPrune>(JobPruneParams { before, company_id, dry_run }).await?)
}

/// What would go of a company, or of all of them.
fn would_go(found: &JobPruneResult, of: Option<&str>, before: Time, clock: &Clock) -> String {
    let since = clock.show(before);
    if found.jobs == 0 {
        let of = of.unwrap_or("any company");
        return format!("No job of {of} ended before {since}: there is nothing to forget.");
    }
    let of = of.unwrap_or("every company");
    format!("Of {of}, what ended before {since} would be forgotten: {}.", what(found))
}

fn what(result: &JobPruneResult) -> String {
    format!(
        "{} with {}, {} on disk",
        count(result.jobs, "job", "jobs"),
        count(result.events, "event", "events"),
        bytes(result.bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample::{NOON, sheet};

    #[test]
    fn what_would_go_is_said_before_it_goes() {
        let found = JobPruneResult { jobs: 12, events: 40_311, bytes: 18_874_368 };
        assert_eq!(
            would_go(&found, Some("Acme"), Time(NOON - 30 * 86_400_000), &sheet().clock),
            "Of Acme, what ended before 2026-10-21 12:00 would be forgotten: 12 jobs with 40311 events, 18 MB on disk."
        );
        let none = JobPruneResult { jobs: 0, events: 0, bytes: 0 };
        assert_eq!(
            would_go(&none, None, Time(NOON - 86_400_000), &sheet().clock),
            "No job of any company ended before 2026-11-19 12:00: there is nothing to forget."
        );
    }
}
