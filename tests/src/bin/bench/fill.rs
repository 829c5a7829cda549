//! A home with a long past.

use std::path::Path;

use anyhow::Context;
use contract::{
    EngineKind, Entry, EventBody, JobChange, Money, Origin, RunId, RunState, SpoolLine, Time, WORKER_PROTOCOL,
};
use store::{Claim, NewJob, Settlement, Store};

/// Events of one transaction.
const BATCH: usize = 1_000;
const WORDS: [&str; 12] = [
    "market", "report", "customer", "launch", "pricing", "server", "team", "quarter", "draft", "review", "budget",
    "risk",
];

/// Adds as many completed jobs, and as many events spread over them. Nobody else has the database open.
pub async fn fill(home: &Path, jobs: usize, events: usize) -> anyhow::Result<()> {
    let store = Store::open(&home.join("aicib.db"), &home.join("backups"), false)?.store;
    let dir = home.join("past").display().to_string();
    let company = store.write(move |db| db.company_put(&dir, "Past", Time(1))).await?.company_id;
    let session = store.write(move |db| db.session_open(company, "ceo", Time(1))).await?.session_id;
    let each = events.checked_div(jobs).unwrap_or(0);
    for chunk in (0..jobs).collect::<Vec<_>>().chunks((BATCH / each.max(4)).max(1)) {
        let chunk = chunk.to_vec();
        let written = store.write(move |db| {
            for number in chunk {
                let at = Time(1_700_000_000_000 + number as i64 * 60_000);
                let new = NewJob {
                    company_id: company,
                    session_id: session,
                    agent: "ceo".to_owned(),
                    parent_job_id: None,
                    directive: format!("Write the {} page, number {number}", WORDS[number % WORDS.len()]),
                    engine: EngineKind::Practice,
                    engine_agent: String::new(),
                    origin: Origin::Client,
                    foreground: false,
                    max_cost: Money::ZERO,
                    idempotency_key: None,
                    queue: true,
                    priority: 0,
                    after: None,
                    not_before: None,
                };
                db.job_insert(&new, at)?;
                let run_dir = |run: RunId| format!("/nowhere/{run}");
                let claim = Claim { max_parallel: 1_000, token_hash: "", run_dir: &run_dir, at };
                let Some(claimed) = db.claim_next(&claim)? else { continue };
                // Submit, claim and settlement are events as well.
                let lines: Vec<SpoolLine> = (0..each.saturating_sub(3)).map(|n| said(n, at)).collect();
                db.append(claimed.run_id, &lines, 0)?;
                let settlement = Settlement { answer: Some("Done.".into()), ..Settlement::default() };
                db.settle(claimed.run_id, RunState::Exited, JobChange::Complete, &settlement, at)?;
            }
            Ok(())
        });
        written.await.context("the past could not be written")?;
    }
    store.write(move |db| db.session_close(session, Time(2))).await?;
    store.close();
    Ok(())
}

fn said(n: usize, at: Time) -> SpoolLine {
    let text: Vec<&str> = (0..30).map(|word| WORDS[(n * 7 + word * 5) % WORDS.len()]).collect();
    let body = EventBody::Message { text: text.join(" ") };
    let entry = Entry { at: Time(at.0 + n as i64), agent: "ceo".into(), parent: None, body };
    SpoolLine { v: WORKER_PROTOCOL, n: n as i64 + 1, entry }
}
