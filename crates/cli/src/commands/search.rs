//! `aicib search`: words in what agents said and did.

use contract::{ErrorCode, EventSearchParams, JobRef, methods, role_name};

use crate::args::SearchArgs;
use crate::context::{Context, job_number, line_count};
use crate::failure::Outcome;
use crate::out::Ink;
use crate::text::line;

/// Hits shown where no number is given.
const DEFAULT_HITS: i64 = 20;
/// Hits fetched at once.
const PAGE: i64 = 500;

/// Prints hits, newest first: those of the company here, or of all where there is none.
pub(crate) async fn search(context: &mut Context, args: SearchArgs) -> Outcome {
    let mut left = args.lines.as_deref().map(line_count).transpose()?.unwrap_or(DEFAULT_HITS);
    let job_id = args.job.as_deref().map(|job| job_number(job, "--job")).transpose()?;
    let client = context.daemon().await?;
    if let Some(job_id) = job_id {
        // One that there is not is an error, not a job in which nothing is found.
        client.call::<methods::JobGet>(JobRef { job_id }).await?;
    }
    let company_id = match context.company(&client).await {
        Ok(company) if job_id.is_none() => Some(company.company_id),
        Ok(_) => None,
        Err(error) if error.code == ErrorCode::COMPANY_NOT_FOUND => None,
        Err(error) => return Err(error.into()),
    };
    let clock = context.clock();
    let (mut before, mut found) = (None, false);
    while left > 0 {
        let params =
            EventSearchParams { query: args.words.join(" "), company_id, job_id, before, limit: Some(left.min(PAGE)) };
        let page = client.call::<methods::EventSearch>(params).await?;
        let out = &mut context.out;
        for hit in &page.hits {
            found = true;
            left -= 1;
            if out.json {
                out.value(hit)?;
                continue;
            }
            out.line(&format!(
                "{}  {}  {}  {}",
                out.paint.ink(Ink::Bold, &format!("#{}", hit.job_id)),
                out.paint.ink(Ink::Dim, &clock.show(hit.at)),
                out.paint.ink(Ink::Cyan, &line(&role_name(&hit.agent), 24)),
                line(&hit.snippet, 160)
            ))?;
        }
        before = page.next;
        if before.is_none() || page.hits.is_empty() {
            break;
        }
    }
    if !found && !context.out.json {
        context.out.line("Nothing found.")?;
    }
    Ok(())
}
