//! Events stored per second, beside raw batched inserts of the same rows with the same indexes and search index, in
//! one run: `cargo run --release -p store --example bench_events [events] [rounds]`. The bar is a ratio of 0.5.
//!
//! Prints a line of JSON for each size of batch.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use contract::{
    CostBasis, EngineKind, Entry, EventBody, FileChange, Money, Origin, RunId, SpoolLine, Time, WORKER_PROTOCOL,
};
use rusqlite::{Connection, params};
use store::{Claim, NewJob, Store};

const WORDS: &[&str] = &[
    "market", "report", "customer", "revenue", "launch", "pricing", "server", "the", "and", "with", "for", "team",
    "quarter", "draft", "review", "budget", "feature", "schema", "deploy", "figure", "outline", "summary", "risk",
];

/// Small, seedable, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn text(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words)
            .map(|_| match self.below(8) {
                0 => format!("item{}", self.below(20_000)),
                _ => WORDS[self.below(WORDS.len())].to_owned(),
            })
            .collect();
        words.join(" ")
    }
}

fn lines(count: usize) -> Vec<SpoolLine> {
    let mut dice = Dice(7);
    let mut parent: Option<String> = None;
    let roles = ["cto", "cmo", "cfo"];
    (0..count)
        .map(|index| {
            let (round, step) = (index / 10, index % 10);
            let role = roles[round % 3];
            let call = format!("toolu_{}", index / 2);
            let inside = parent.clone();
            let body = match step {
                0 => {
                    parent = Some(format!("d{round}"));
                    EventBody::DelegationStarted { span: format!("d{round}"), to: role.into(), task: dice.text(20) }
                }
                1 | 6 => EventBody::Message { text: dice.text(60) },
                2 | 4 => EventBody::ToolStarted {
                    call,
                    tool: "Write".into(),
                    subject: format!("docs/{}.md", dice.below(40)),
                    input: serde_json::json!({ "path": "docs/a.md", "content": dice.text(40) }),
                },
                3 | 5 => EventBody::ToolFinished {
                    call: format!("toolu_{}", (index - 1) / 2),
                    tool: "Write".into(),
                    ok: true,
                    summary: "+12 lines".into(),
                    output: dice.text(50),
                    change: Some(FileChange {
                        path: format!("docs/{}.md", dice.below(40)),
                        created: false,
                        added: 12,
                        removed: 3,
                    }),
                    duration_ms: 12,
                },
                7 => EventBody::Thinking { text: dice.text(40) },
                8 => EventBody::Usage {
                    model: "claude-sonnet".into(),
                    input_tokens: 1_000,
                    output_tokens: 200,
                    cache_read_tokens: 500,
                    cache_write_tokens: 0,
                    cost_usd: Money::nanos(6_150_000),
                    basis: CostBasis::Estimated,
                    started_at: Time(1_795_000_000_000 + index as i64),
                    lease_id: None,
                },
                _ => {
                    parent = None;
                    EventBody::DelegationFinished {
                        span: format!("d{round}"),
                        to: role.into(),
                        ok: true,
                        summary: dice.text(10),
                        duration_ms: 400,
                        cost_usd: Money::nanos(6_150_000),
                    }
                }
            };
            let agent = if matches!(step, 0 | 9) { "ceo" } else { role };
            let parent = if matches!(step, 0 | 9) { None } else { inside };
            let entry = Entry { at: Time(1_795_000_000_000 + index as i64), agent: agent.into(), parent, body };
            SpoolLine { v: WORKER_PROTOCOL, n: index as i64 + 1, entry }
        })
        .collect()
}

async fn with_run(dir: &Path) -> Result<(Store, RunId), Box<dyn Error>> {
    let store = Store::open(&dir.join("aicib.db"), &dir.join("backups"), false)?.store;
    let run = store
        .write(|write| {
            let now = Time::now();
            let company = write.company_put("/bench", "Bench", now)?.company_id;
            let session = write.session_open(company, "ceo", now)?.session_id;
            write.job_insert(
                &NewJob {
                    company_id: company,
                    session_id: session,
                    agent: "ceo".into(),
                    parent_job_id: None,
                    directive: "Bench".into(),
                    engine: EngineKind::Practice,
                    engine_agent: String::new(),
                    origin: Origin::Client,
                    foreground: false,
                    max_cost: Money::ZERO,
                    idempotency_key: None,
                    queue: false,
                    priority: 0,
                    after: None,
                    not_before: None,
                },
                now,
            )?;
            let run_dir = |run: RunId| format!("/bench/{run}");
            write.claim_next(&Claim { max_parallel: 1, token_hash: "", run_dir: &run_dir, at: now })
        })
        .await?;
    Ok((store, run.ok_or("nothing was claimed")?.run_id))
}

async fn ours(lines: &[SpoolLine], batch: usize) -> Result<Duration, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let (store, run) = with_run(dir.path()).await?;
    let batches: Vec<Vec<SpoolLine>> = lines.chunks(batch).map(<[SpoolLine]>::to_vec).collect();
    let start = Instant::now();
    for lines in batches {
        store.write(move |write| write.append(run, &lines, 0)).await?;
    }
    let took = start.elapsed();
    store.close();
    Ok(took)
}

/// The rows as they are, bound to prepared statements: nothing is read, folded or serialised.
async fn raw(lines: &[SpoolLine], batch: usize) -> Result<Duration, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let (store, run) = with_run(dir.path()).await?;
    store.close();
    let mut conn = Connection::open(dir.path().join("aicib.db"))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "cache_size", -4000)?;
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = match &line.entry.body {
                EventBody::Message { text } | EventBody::Thinking { text } => text.clone(),
                EventBody::ToolStarted { subject, .. } => subject.clone(),
                EventBody::ToolFinished { output, .. } => output.clone(),
                EventBody::DelegationStarted { task, .. } => task.clone(),
                _ => String::new(),
            };
            Ok((line, serde_json::to_string(&line.entry.body)?, text))
        })
        .collect::<Result<_, serde_json::Error>>()?;
    let start = Instant::now();
    for rows in rows.chunks(batch) {
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut event = tx.prepare_cached(
                "INSERT INTO events (job_id, run_id, run_n, at, kind, agent, parent, body)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            let mut words =
                tx.prepare_cached("INSERT INTO events_fts (rowid, text, scope) VALUES (?1, ?2, 'c1 j1')")?;
            for (line, body, text) in rows {
                let entry = &line.entry;
                let row = params![run.0, line.n, entry.at.0, entry.body.kind(), entry.agent, entry.parent, body];
                let id = event.insert(row)?;
                if !text.is_empty() {
                    words.execute(params![id, text])?;
                }
            }
        }
        tx.commit()?;
    }
    Ok(start.elapsed())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let count = args.next().map_or(Ok(20_000), |text| text.parse::<usize>())?;
    let rounds = args.next().map_or(Ok(3), |text| text.parse::<usize>())?;
    let lines = lines(count);
    for batch in [20, 200] {
        let (mut best_raw, mut best_ours) = (Duration::MAX, Duration::MAX);
        for _ in 0..rounds {
            best_raw = best_raw.min(raw(&lines, batch).await?);
            best_ours = best_ours.min(ours(&lines, batch).await?);
        }
        let rate = |took: Duration| (count as f64 / took.as_secs_f64()).round();
        let line = serde_json::json!({
            "bench": "events_stored",
            "batch": batch,
            "events": count,
            "raw_per_second": rate(best_raw),
            "stored_per_second": rate(best_ours),
            "ratio": (rate(best_ours) / rate(best_raw) * 1000.0).round() / 1000.0,
            "bar": 0.5,
        });
        println!("{line}");
    }
    Ok(())
}
