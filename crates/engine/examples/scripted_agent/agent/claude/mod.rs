//! Claude Code: `claude -p --input-format stream-json --output-format stream-json --verbose …`.

mod front;
mod shown;
mod start;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::lines::{Input, Out};
use super::mcp::Server;
use super::options::Options;
use super::provider::{Api, Usage};
use super::tools;
use super::work::Agent;

const VERSION: &str = "2.1.328";

/// What it takes. Anything else is an error, as with the real one.
const KNOWN: &[&str] = &[
    "--add-dir",
    "--agents",
    "--allowedTools",
    "--allowed-tools",
    "--append-system-prompt",
    "--append-system-prompt-file",
    "--dangerously-skip-permissions",
    "--disable-slash-commands",
    "--disallowedTools",
    "--disallowed-tools",
    "--effort",
    "--fallback-model",
    "--forward-subagent-text",
    "--include-partial-messages",
    "--input-format",
    "--max-budget-usd",
    "--max-turns",
    "--mcp-config",
    "--model",
    "--name",
    "--no-chrome",
    "--output-format",
    "--permission-mode",
    "--permission-prompt-tool",
    "--permission-prompts",
    "--print",
    "--replay-user-messages",
    "--resume",
    "--session-id",
    "--setting-sources",
    "--settings",
    "--strict-mcp-config",
    "--system-prompt",
    "--system-prompt-file",
    "--system-prompt-snapshot",
    "--tools",
    "--verbose",
    "--version",
    "--exclude-dynamic-system-prompt-sections",
    "--no-session-persistence",
    "--restricted",
];

/// Plays it until it ends.
pub async fn run(options: Options) -> i32 {
    if options.has("--version") || options.has("-v") {
        println!("{VERSION} (Claude Code)");
        return 0;
    }
    if let Some(option) = options.stranger(KNOWN) {
        eprintln!("error: unknown option '{option}'");
        return 1;
    }
    let is_streamed = options.value("--output-format") == Some("stream-json");
    if !is_streamed || !options.has("--verbose") {
        eprintln!("Error: When using --print, --output-format=stream-json requires --verbose");
        return 1;
    }
    let front = Arc::new(Claude::new(&options).await);
    let Some(kept) = front.kept(&options) else {
        let id = options.value("--resume").unwrap_or_default();
        front.result(&json!({
            "subtype": "error_during_execution", "is_error": true, "num_turns": 0,
            "errors": [format!("No conversation found with session ID: {id}")],
        }));
        return 1;
    };
    tokio::select! {
        code = serve(&front, kept) => code,
        code = tools::terminated() => code,
    }
}

/// Reads stdin, and works on one message of the user's after the other.
async fn serve(front: &Arc<Claude>, kept: Vec<Value>) -> i32 {
    let mut input = Input::new();
    // What it is told before its first turn may say who it is.
    let mut kept = Some(kept);
    let mut agent: Option<Agent> = None;
    let mut queue: VecDeque<String> = VecDeque::new();
    let mut is_open = true;
    loop {
        if let Some(said) = queue.pop_front() {
            front.init();
            front.replay(&said);
            let agent = agent.get_or_insert_with(|| front.agent(kept.take().unwrap_or_default()));
            let stop = CancellationToken::new();
            let begun = Instant::now();
            let (end, turns) = {
                let work = agent.work(&said, front.as_ref(), &stop);
                tokio::pin!(work);
                loop {
                    tokio::select! {
                        ended = &mut work => break ended,
                        line = input.next(), if is_open => match line {
                            Some(line) => match front.heard(line, &stop) {
                                Heard::Said(said) => queue.push_back(said),
                                Heard::Else => {}
                                Heard::Nonsense => return 1,
                            },
                            None => {
                                is_open = false;
                                front.nobody_answers();
                                tools::closed().await;
                            }
                        },
                    }
                }
            };
            front.save(&agent.messages);
            front.ended(end, turns, begun.elapsed());
            continue;
        }
        if !is_open {
            return 0;
        }
        match input.next().await {
            Some(line) => match front.heard(line, &CancellationToken::new()) {
                Heard::Said(said) => queue.push_back(said),
                Heard::Else => {}
                Heard::Nonsense => return 1,
            },
            None => {
                is_open = false;
                tools::closed().await;
            }
        }
    }
}

enum Heard {
    Said(String),
    Else,
    Nonsense,
}

struct Claude {
    out: Out,
    session: String,
    file: PathBuf,
    dir: PathBuf,
    system: Mutex<String>,
    model: String,
    turns: u32,
    retries: u32,
    api: Option<Api>,
    agents: Mutex<HashMap<String, Value>>,
    servers: Vec<Server>,
    shows_deltas: bool,
    replays: bool,
    forwards: bool,
    asks: bool,
    allowed: Vec<String>,
    forbidden: Vec<String>,
    asked: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    spent: Mutex<HashMap<String, Usage>>,
    of_turn: Mutex<Usage>,
    /// What was used when the last result was told, and how many were.
    told: Mutex<(HashMap<String, Usage>, u32)>,
    /// What the latest reply used, by whose it is, and the latest that was streamed.
    of_reply: Mutex<HashMap<Option<String>, Usage>>,
    streamed: Mutex<String>,
}

impl Claude {
    /// A line of stdin.
    fn heard(&self, line: Result<Value, String>, stop: &CancellationToken) -> Heard {
        let line = match line {
            Ok(line) if line.is_object() => line,
            _ => {
                eprintln!("Error parsing streaming input line: it is not JSON");
                return Heard::Nonsense;
            }
        };
        match line["type"].as_str().unwrap_or_default() {
            "user" => {
                let content = &line["message"]["content"];
                let texts = content.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
                let text = content.as_str().map_or_else(|| texts.collect::<Vec<_>>().join("\n"), str::to_owned);
                Heard::Said(text)
            }
            "control_request" => {
                let answer = match line["request"]["subtype"].as_str().unwrap_or_default() {
                    "interrupt" => {
                        stop.cancel();
                        json!({ "still_queued": [] })
                    }
                    "initialize" => {
                        self.told(&line["request"]);
                        json!({ "commands": [], "models": [] })
                    }
                    _ => json!({ "commands": [], "models": [] }),
                };
                self.out.line(&json!({ "type": "control_response", "response": {
                    "subtype": "success", "request_id": line["request_id"], "response": answer,
                } }));
                Heard::Else
            }
            "control_response" => {
                let id = line["response"]["request_id"].as_str().unwrap_or_default();
                if let Some(waiting) = self.asked.lock().unwrap().remove(id) {
                    let _ = waiting.send(line["response"]["response"].clone());
                }
                Heard::Else
            }
            _ => Heard::Else,
        }
    }

    /// Who it is, and who works for it, beyond what its arguments say.
    fn told(&self, request: &Value) {
        if let Some(more) = request["appendSystemPrompt"].as_str() {
            self.system.lock().unwrap().push_str(more);
        }
        let agents = request["agents"].as_object().cloned().unwrap_or_default();
        self.agents.lock().unwrap().extend(agents);
    }

    /// Says that it has taken up a message.
    fn replay(&self, said: &str) {
        if self.replays {
            let content = json!([{ "type": "text", "text": said }]);
            let message = json!({ "role": "user", "content": content });
            self.event(None, json!({ "type": "user", "message": message, "isReplay": true }));
        }
    }

    /// Stdin is closed: who asked is denied.
    fn nobody_answers(&self) {
        self.asked.lock().unwrap().clear();
    }
}
