//! How long reading takes in a large database: `cargo run --release -p store --example bench_reads [events]`.
//!
//! Fills a database with a job of that many events (1,000,000 where it is not given), then prints a line of JSON for
//! each kind of read: the 95th percentile over 40 of them, in milliseconds.

use std::error::Error;
use std::time::Instant;

use contract::{
    EngineKind, Entry, EventBody, EventListParams, EventSearchParams, JobId, JobPageParams, Money, Origin, RunId, Seq,
    SpoolLine, Time, WORKER_PROTOCOL,
};
use store::{Claim, NewJob, Read, Store, StoreError};

const READS: usize = 40;

/// Every second event says "common", every thousandth "rare"; one says "single".
fn line(n: i64) -> SpoolLine {
    let body = if n % 4 == 0 {
        EventBody::ToolStarted {
            call: format!("t{n}"),
            tool: "Write".into(),
            subject: format!("docs/{}.md", n % 97),
            input: serde_json::Value::Null,
        }
    } else {
        let common = if n % 2 == 1 { "common" } else { "other" };
        let rare = if n % 1001 == 0 { "rare" } else { "usual" };
        let single = if n == 77 { "single" } else { "" };
        EventBody::Message { text: format!("{common} words {rare} of line item{} {single}", n % 20_000) }
    };
    let entry = Entry { at: Time(1_795_000_000_000 + n), agent: "ceo".into(), parent: None, body };
    SpoolLine { v: WORKER_PROTOCOL, n, entry }
}

async fn time<T: Send + 'static>(
    store: &Store,
    what: &str,
    read: impl Fn(&Read<'_>) -> Result<T, StoreError> + Copy + Send + 'static,
) -> Result<(), StoreError> {
    let mut took = Vec::with_capacity(READS);
    for _ in 0..READS {
        let start = Instant::now();
        store.read(read).await?;
        took.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    let p95 = took.get(READS * 95 / 100).copied().unwrap_or_default();
    println!("{}", serde_json::json!({ "bench": "read", "what": what, "p95_ms": (p95 * 1000.0).round() / 1000.0 }));
    Ok(())
}

fn find(query: &str, job: Option<JobId>) -> EventSearchParams {
    EventSearchParams { query: query.into(), company_id: None, job_id: job, before: None, limit: None }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let events = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse::<i64>())?;
    let dir = tempfile::tempdir()?;
    let store = Store::open(&dir.path().join("aicib.db"), &dir.path().join("backups"), false)?.store;
    let claimed = store
        .write(|write| {
            let now = Time::now();
            let company_id = write.company_put("/bench", "Bench", now)?.company_id;
            let session_id = write.session_open(company_id, "ceo", now)?.session_id;
            let new = NewJob {
                company_id,
                session_id,
                agent: "ceo".into(),
                parent_job_id: None,
                directive: "Bench".into(),
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
            write.job_insert(&new, now)?;
            let run_dir = |run: RunId| format!("/bench/{run}");
            let claimed = write.claim_next(&Claim { max_parallel: 1, token_hash: "", run_dir: &run_dir, at: now })?;
            for _ in 0..10_000 {
                write.job_insert(&new, now)?;
            }
            Ok(claimed)
        })
        .await?
        .ok_or("nothing was claimed")?;
    let (job, run) = (claimed.job.job.job_id, claimed.run_id);
    for first in (1..=events).step_by(1000) {
        let lines: Vec<SpoolLine> = (first..(first + 1000).min(events + 1)).map(line).collect();
        store.write(move |write| write.append(run, &lines, 0)).await?;
    }
    let company = claimed.job.job.company_id;
    let now = Time::now();
    time(&store, "job detail", move |read| read.job_detail(job)).await?;
    let tail =
        move |read: &Read<'_>| read.events(&EventListParams { job_id: job, after: None, before: None, limit: None });
    time(&store, "last page of events", tail).await?;
    let middle = move |read: &Read<'_>| {
        read.events(&EventListParams { job_id: job, after: Some(Seq(events / 2)), before: None, limit: Some(500) })
    };
    time(&store, "500 events from the middle", middle).await?;
    let spans = move |read: &Read<'_>| read.spans(&JobPageParams { job_id: job, offset: 0, limit: None });
    time(&store, "first page of spans", spans).await?;
    time(&store, "search, one hit", move |read| read.search(&find("single", None))).await?;
    time(&store, "search, a thousandth", move |read| read.search(&find("rare", None))).await?;
    time(&store, "search, half of all", move |read| read.search(&find("common", None))).await?;
    time(&store, "search, half of all, in a job", move |read| read.search(&find("common", Some(job)))).await?;
    let empty = Some(JobId(job.0 + 1));
    time(&store, "search, half of all, in a job without", move |read| read.search(&find("common", empty))).await?;
    time(&store, "search, two words that never meet", move |read| read.search(&find("common other", None))).await?;
    time(&store, "live jobs, 100 of 10,000", move |read| read.live(company, 100)).await?;
    time(&store, "spend", move |read| read.spend(company, now)).await?;
    time(&store, "job stats", |read| read.stats()).await?;
    println!("{}", serde_json::json!({ "bench": "read", "what": "database", "bytes": store.size_bytes() }));
    store.close();
    Ok(())
}
