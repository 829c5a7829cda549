//! Recordings of real programs, played through the readers that read them live.

use contract::{CostBasis, Money, Outcome};
use serde::Serialize;
use serde_json::Value;

use crate::model::Usage;
use crate::prices::{Prices, charge};
use crate::readers::{Acp, Claude, CodexExec, CodexServer, End, Gemini, Happened, Opencode, Reader};

/// Bytes of stderr that a reader gets: its end.
const STDERR_TAIL: usize = 8 * 1024;
/// Lines that are looked at to find out which program wrote them.
const LOOKED_AT: usize = 50;

/// What came of a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// The engine whose program it is: `claude`, `codex`, `gemini`, `opencode`, `acp`.
    pub engine: String,
    /// How it ended: `completed`, `failed`, `cancelled`, `interrupted`.
    ///
    /// A program that was told to stop and says so itself, or was by SIGINT, is interrupted: the conversation is whole.
    /// One that SIGTERM or SIGHUP ended in mid-work is cancelled. One that SIGKILL, a crash or anything else ended
    /// there has failed (`engine.failed`). What happens after a whole answer to a program that lingers is no matter.
    pub outcome: &'static str,
    /// Why it failed, by the name that clients are told (`provider.auth`).
    pub error_code: Option<String>,
    /// Model calls of the agent that was asked: as many as the program says, or else as can be seen.
    pub turns: i64,
    /// What it cost, in dollars: as the program says, or else its tokens at the price of our table.
    pub cost_usd: Money,
    /// Where that figure comes from.
    pub basis: CostBasis,
    /// Tool calls, of all agents. Handing out work is none.
    pub tools: i64,
    /// Tasks that were handed out.
    pub delegations: i64,
    /// Times that the program tried a model call again.
    pub retries: i64,
    /// Lines that made no sense.
    pub garbage: i64,
    /// The answer.
    pub final_text: Option<String>,
}

/// Plays a recording. `meta` says how it was made: its command (`cmd`), exit code (`rc`, negative for a signal) and the
/// signals that were sent to it (`kill`). Whatever of it is missing is not known.
pub fn replay(engine: &str, stdout: &str, stderr: &str, meta: &Value) -> Replayed {
    let mut reader = reader(engine, stdout, meta);
    let mut tally = Tally::default();
    for line in stdout.lines() {
        for happened in reader.line(line) {
            tally.take(happened);
        }
    }
    let (exit, signal) = ended(&meta["rc"]);
    let end = reader.end(exit, signal, &tail(stderr));
    let end = tally.told(end, meta);
    let (cost_usd, basis) = tally.cost(end.cost);
    Replayed {
        engine: engine.to_owned(),
        outcome: match (end.outcome, end.interrupted) {
            (Outcome::Completed, _) => "completed",
            (Outcome::Failed, _) => "failed",
            (Outcome::Cancelled, false) => "cancelled",
            (Outcome::Cancelled, true) => "interrupted",
        },
        error_code: end.error.map(|error| error.code.as_str().to_owned()),
        turns: end.turns,
        cost_usd,
        basis,
        tools: tally.tools,
        delegations: tally.delegations,
        retries: tally.retries,
        garbage: tally.garbage,
        final_text: end.text,
    }
}

/// The reader for an engine's program; where the name is none that is known, for what its lines look like.
fn reader(engine: &str, stdout: &str, meta: &Value) -> Box<dyn Reader> {
    let engine = engine.to_ascii_lowercase();
    let events: Vec<Value> =
        stdout.lines().take(LOOKED_AT).filter_map(|line| serde_json::from_str(line).ok()).collect();
    let any = |is: &dyn Fn(&Value) -> bool| events.iter().any(is);
    let is_rpc = any(&|event| event["method"].is_string() || event["result"].is_object());
    let is_acp = any(&|event| event["jsonrpc"].is_string());
    let commands = |word: &str| strings(&meta["cmd"]).any(|part| part == word);
    if engine.starts_with("acp") {
        return Box::new(Acp::new(None));
    }
    if engine.starts_with("claude") && !is_acp {
        return Box::new(Claude::new(None));
    }
    if engine.starts_with("codex") && !is_acp || any(&|event| event["type"] == "thread.started") {
        let model = model(meta);
        return match is_rpc || commands("app-server") {
            true => Box::new(CodexServer::new(&model)),
            false => Box::new(CodexExec::new(&model, Usage::default())),
        };
    }
    if engine.starts_with("gemini") && !is_acp {
        return Box::new(Gemini::new());
    }
    if engine.starts_with("opencode") && !is_acp || any(&|event| event["sessionID"].is_string()) {
        return Box::new(Opencode::new());
    }
    if is_acp { Box::new(Acp::new(None)) } else { Box::new(Claude::new(None)) }
}

/// The model that a command names.
fn model(meta: &Value) -> String {
    let parts: Vec<&str> = strings(&meta["cmd"]).collect();
    let after = parts.windows(2).find(|pair| matches!(pair[0], "-m" | "--model")).map(|pair| pair[1]);
    let set = || parts.iter().find_map(|part| part.strip_prefix("--model=").or_else(|| part.strip_prefix("model=")));
    after.or_else(set).unwrap_or_default().trim_matches('"').to_owned()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// An exit code and a signal. Where the recorder gave up waiting, it killed the program.
fn ended(rc: &Value) -> (Option<i32>, Option<i32>) {
    const SIGKILL: i32 = 9;
    match rc.as_i64().and_then(|rc| i32::try_from(rc).ok()) {
        Some(rc) if rc < 0 => (None, Some(rc.saturating_neg())),
        Some(rc) => (Some(rc), None),
        None if rc.is_string() => (None, Some(SIGKILL)),
        None => (None, None),
    }
}

/// The end of what a program wrote on stderr, without what the recorder's own client wrote there.
fn tail(stderr: &str) -> String {
    let mut start = stderr.len().saturating_sub(STDERR_TAIL);
    while !stderr.is_char_boundary(start) {
        start += 1;
    }
    let own = |line: &&str| {
        !(line.contains(">>> ") || line.contains("<<< ") || line.starts_with("CHILD ") || line.starts_with("AGENT "))
    };
    stderr[start..].lines().filter(own).collect::<Vec<_>>().join("\n")
}

/// What is counted while lines are read.
#[derive(Default)]
struct Tally {
    ids: std::collections::HashSet<String>,
    tools: i64,
    delegations: i64,
    retries: i64,
    garbage: i64,
    reported: Money,
    estimated: Money,
    is_estimated: bool,
    is_unknown: bool,
    is_over: bool,
}

impl Tally {
    fn take(&mut self, happened: Happened) {
        self.is_over = match happened {
            Happened::TurnEnded(_) => true,
            Happened::Used { .. } | Happened::Garbage { .. } | Happened::Noted { .. } | Happened::CameBack { .. } => {
                self.is_over
            }
            _ => false,
        };
        match happened {
            Happened::ToolStarted { id, .. } => self.tools += i64::from(self.ids.insert(id)),
            Happened::ToolFinished { id, .. } => {
                self.ids.remove(&id);
            }
            Happened::HandedOut { .. } => self.delegations += 1,
            Happened::Retry { .. } => self.retries += 1,
            Happened::Garbage { .. } => self.garbage += 1,
            Happened::Used { model, usage, cost, .. } => {
                let known = Prices::default().other(&model);
                let (cost, basis) = charge(known.as_ref().map(|known| &known.price), &usage, cost);
                match basis {
                    CostBasis::Reported => self.reported += cost,
                    CostBasis::Estimated | CostBasis::Free => {
                        self.estimated += cost;
                        self.is_estimated = true;
                    }
                    CostBasis::Unknown => self.is_unknown = true,
                }
            }
            _ => {}
        }
    }

    /// What a program says of its cost goes before what its tokens are worth.
    fn cost(&self, said: Option<Money>) -> (Money, CostBasis) {
        match said {
            Some(said) if said > Money::ZERO || !self.is_estimated => (said.max(self.reported), CostBasis::Reported),
            _ if self.is_unknown => (self.reported + self.estimated, CostBasis::Unknown),
            _ => (self.reported + self.estimated, CostBasis::Estimated),
        }
    }

    /// A program that was told to stop did not fail, though it may end as if it had. Whoever drives one knows what it
    /// told; here the recording does.
    fn told(&self, end: End, meta: &Value) -> End {
        if end.outcome != Outcome::Failed || self.is_over {
            return end;
        }
        let interrupted = match strings(&meta["kill"]).last().and_then(|kill| kill.split('@').next()) {
            Some("SIGINT") => true,
            Some("SIGTERM" | "SIGHUP") => false,
            _ => return end,
        };
        End { outcome: Outcome::Cancelled, interrupted, error: None, ..end }
    }
}
