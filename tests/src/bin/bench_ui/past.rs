//! A home with a long past: ten thousand jobs, one of them of a million events, one of ten.

use std::path::Path;

use anyhow::Context;
use contract::{
    CompanyId, EngineKind, Entry, EventBody, JobChange, JobId, Money, Origin, RunId, RunState, SessionId, SpoolLine,
    Time, WORKER_PROTOCOL,
};
use serde_json::json;
use store::{Claim, NewJob, Settlement, Store, Write};

/// Events of one transaction.
const BATCH: usize = 2_000;
/// Submit, claim and settlement are events as well.
const OF_THE_DAEMON: usize = 3;
/// Events of an ordinary job.
const EACH: usize = 10;
/// Terms that occur equally often.
pub const VARIANTS: usize = 4;
/// Terms, and in how many messages of how many each of them is: in all that are a multiple of the first number.
pub const TERMS: [(&str, usize); 6] =
    [("every", 1), ("fifth", 5), ("fiftieth", 50), ("seldom", 500), ("rare", 5_000), ("rarest", 50_000)];
/// The term that is in one message only.
pub const ONCE: &str = "once";
const WORDS: [&str; 16] = [
    "market", "report", "customer", "launch", "pricing", "server", "team", "quarter", "draft", "review", "budget",
    "risk", "margin", "contract", "support", "release",
];

/// What was made.
pub struct Past {
    /// The job of very many events.
    pub long: i64,
    /// How many those are.
    pub events: usize,
    /// The job of few.
    pub short: i64,
}

/// The name of a term.
pub fn term(name: &str, variant: usize) -> String {
    format!("{name}{}", char::from(b'a' + u8::try_from(variant).unwrap_or_default()))
}

/// Fills the home; nobody else has its database open. The company of `dir` is there already, or comes with this.
pub async fn fill(home: &Path, dir: &Path, jobs: usize, events: usize) -> anyhow::Result<Past> {
    let store = Store::open(&home.join("aicib.db"), &home.join("backups"), false)?.store;
    let dir = dir.display().to_string();
    let company = store.write(move |db| db.company_put(&dir, "Bench", Time(1))).await?.company_id;
    let session = store.write(move |db| db.session_open(company, "ceo", Time(1))).await?.session_id;
    let now = Time::now().0;
    let begun = move |number: usize| Time(now - (jobs - number) as i64 * 60_000);
    let numbers: Vec<usize> = (0..jobs.saturating_sub(2)).collect();
    for chunk in numbers.chunks(BATCH / EACH) {
        let chunk = chunk.to_vec();
        let written = store.write(move |db| {
            for number in chunk {
                let at = begun(number);
                let directive = format!("Write the {} page, number {number}", WORDS[number % WORDS.len()]);
                let run = begin(db, company, session, directive, at)?.1;
                db.append(run, &short(at), 0)?;
                settle(db, run, at)?;
            }
            Ok(())
        });
        written.await.context("the past could not be written")?;
    }
    let at = begun(jobs.saturating_sub(2));
    let (long, run) = store.write(move |db| begin(db, company, session, "Look through the archive".into(), at)).await?;
    let own = events.saturating_sub(OF_THE_DAEMON);
    for chunk in (0..own).collect::<Vec<_>>().chunks(BATCH) {
        let lines: Vec<SpoolLine> = chunk.iter().map(|n| line(*n, own, at)).collect();
        store
            .write(move |db| db.append(run, &lines, 0).map(drop))
            .await
            .context("the long job could not be written")?;
    }
    let last = begun(jobs.saturating_sub(1));
    let few = store
        .write(move |db| {
            settle(db, run, at)?;
            let (few, run) = begin(db, company, session, "Write a company description".into(), last)?;
            db.append(run, &short(last), 0)?;
            settle(db, run, last)?;
            db.session_close(session, last)?;
            Ok(few)
        })
        .await?;
    store.close();
    Ok(Past { long: long.0, events, short: few.0 })
}

fn begin(
    db: &Write<'_>,
    company: CompanyId,
    session: SessionId,
    directive: String,
    at: Time,
) -> Result<(JobId, RunId), store::StoreError> {
    let new = NewJob {
        company_id: company,
        session_id: session,
        agent: "ceo".to_owned(),
        parent_job_id: None,
        directive,
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
    let job = db.job_insert(&new, at)?.job.job_id;
    let run_dir = |run: RunId| format!("/nowhere/{run}");
    let claim = Claim { max_parallel: 1_000, token_hash: "", run_dir: &run_dir, at };
    let claimed = db.claim_next(&claim)?.ok_or_else(|| contract::Error::internal("nothing was queued"))?;
    Ok((job, claimed.run_id))
}

fn settle(db: &Write<'_>, run: RunId, at: Time) -> Result<(), store::StoreError> {
    let settlement = Settlement { answer: Some("Done.".into()), ..Settlement::default() };
    db.settle(run, RunState::Exited, JobChange::Complete, &settlement, at).map(drop)
}

fn short(at: Time) -> Vec<SpoolLine> {
    (0..EACH - OF_THE_DAEMON).map(|n| spool(n, at, said(n, String::new()))).collect()
}

/// The long job: something is said, a file is read, something is said of it.
fn line(n: usize, all: usize, at: Time) -> SpoolLine {
    let call = format!("call{}", n / 4);
    let subject = format!("archive/{}.md", n / 4 % 4_999);
    let body = match n % 4 {
        1 => EventBody::ToolStarted { call, tool: "Read".into(), input: json!({ "file_path": subject }), subject },
        2 => EventBody::ToolFinished {
            call,
            tool: "Read".into(),
            ok: true,
            summary: "8 lines".into(),
            output: (0..8).map(|row| format!("{} {}\n", row + 1, words(n + row, 9))).collect(),
            change: None,
            duration_ms: 12,
        },
        _ => said(n, terms(n / 2, all / 2)),
    };
    spool(n, at, body)
}

fn said(n: usize, terms: String) -> EventBody {
    let text = match n % 8 {
        0 => format!("**{}**: {}\n\n- {}\n- {}\n{terms}", words(n, 2), words(n, 20), words(n + 1, 6), words(n + 2, 6)),
        _ => format!("{} `{}` {terms}", words(n, 24), words(n, 1)),
    };
    EventBody::Message { text }
}

/// The terms that are in this message, counted from the first.
fn terms(message: usize, messages: usize) -> String {
    let mut found = Vec::new();
    for (name, nth) in TERMS {
        if message.is_multiple_of(nth) {
            found.extend((0..VARIANTS).map(|variant| term(name, variant)));
        }
    }
    // In the older half: the newest first is the long way to it.
    found.extend((0..VARIANTS).filter(|variant| message == messages / 3 + variant).map(|variant| term(ONCE, variant)));
    found.join(" ")
}

fn words(from: usize, count: usize) -> String {
    (0..count).map(|at| WORDS[(from * 7 + at * 5) % WORDS.len()]).collect::<Vec<_>>().join(" ")
}

fn spool(n: usize, at: Time, body: EventBody) -> SpoolLine {
    let entry = Entry { at: Time(at.0 + n as i64), agent: "ceo".into(), parent: None, body };
    SpoolLine { v: WORKER_PROTOCOL, n: n as i64 + 1, entry }
}
