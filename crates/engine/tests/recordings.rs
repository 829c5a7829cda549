//! Recordings of real agent programs, each played through the reader that reads the program live.
//!
//! `AICIB_RECORDINGS` names a folder of others of the same form: a folder for each engine (`claude`, `codex`, `gemini`,
//! `opencode`, `acp`), with `NAME.jsonl` (stdout), `NAME.err` (stderr) and `NAME.meta.json` (command, exit code,
//! signals) in it. Each comes out as a line of JSON (`cargo test -p engine --test recordings -- --nocapture`); of the
//! repository's own it is known what must come out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

use std::path::{Path, PathBuf};

use contract::Money;
use engine::{Replayed, replay};
use proptest::prelude::*;
use serde_json::{Value, json};

struct Recording {
    /// `claude/success_text`.
    name: String,
    engine: String,
    stdout: Vec<u8>,
    stderr: String,
    meta: Value,
}

impl Recording {
    fn play(&self, stdout: &[u8]) -> Replayed {
        replay(&self.engine, &String::from_utf8_lossy(stdout), &self.stderr, &self.meta)
    }
}

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// All recordings below a folder, in order. The folder below the root is the engine.
fn recordings(root: &Path) -> Vec<Recording> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.iter().map(|path| recording(root, path)).collect()
}

fn recording(root: &Path, path: &Path) -> Recording {
    let beside = |extension: &str| std::fs::read(path.with_extension(extension)).unwrap_or_default();
    let name = path.strip_prefix(root).unwrap().with_extension("");
    let name = name.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    let folder = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let folder = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let engine = name.split_once('/').map_or(folder, |(engine, _)| engine.to_owned());
    let stderr = String::from_utf8_lossy(&beside("err")).into_owned();
    let meta = serde_json::from_slice(&beside("meta.json")).unwrap_or_default();
    Recording { name, engine, stdout: std::fs::read(path).unwrap(), stderr, meta }
}

/// What must come of a recording.
struct Expected {
    name: &'static str,
    outcome: &'static str,
    code: Option<&'static str>,
    turns: i64,
    /// In nano-dollars.
    cost: i64,
    tools: i64,
    delegations: i64,
    retries: i64,
    text: Option<&'static str>,
}

const HELLO: Option<&str> = Some("Hello from the stand-in. This is the final answer.");
const PERMITTED: Option<&str> = Some("Finished with permissions.");
const REPORTED: Option<&str> = Some("Both agents reported back.");
const STEPS: Option<&str> = Some("All done: three steps.");
const DONE: Option<&str> = Some("All done.");
const SECOND: Option<&str> = Some("Answer to second.");

/// A recording that was answered.
const fn answered(name: &'static str, turns: i64, cost: i64, tools: i64, text: Option<&'static str>) -> Expected {
    Expected { name, outcome: "completed", code: None, turns, cost, tools, delegations: 0, retries: 0, text }
}

/// A recording that was not.
const fn ended(
    name: &'static str,
    outcome: &'static str,
    code: Option<&'static str>,
    (turns, cost, tools): (i64, i64, i64),
) -> Expected {
    Expected { name, outcome, code, turns, cost, tools, delegations: 0, retries: 0, text: None }
}

/// By hand, from what each of them shows. Of Claude Code a call costs $0.00671 where it is whole; its turns are as it
/// counts them, which is with each refused turn and its own words. Codex and Gemini CLI name no price: 900 tokens, 300
/// from the cache and 80 of output are $0.0019625 of gpt-5 and $0.000479 of gemini-2.5-flash. opencode's model costs
/// what its config says.
const EXPECTED: &[Expected] = &[
    answered("acp/agentclientprotocol_claude-agent-acp_perm_allow", 3, 25_387_500, 2, PERMITTED),
    // The first of two prompts is cancelled, the second is answered.
    answered("acp/claude_cancel", 2, 8_462_500, 0, SECOND),
    // What is denied is not done, and the agent goes on.
    answered("acp/claude_deny", 3, 25_387_500, 2, PERMITTED),
    ended("acp/claude_error401", "failed", Some("provider.auth"), (1, 0, 0)),
    ended("acp/opencode_error401", "failed", Some("provider.auth"), (0, 0, 0)),
    answered("acp/opencode_tools", 3, 3_180_000, 2, DONE),
    // Its answer is whole; what SIGTERM ends is a process that lingers for its command in the background.
    answered("claude/background_bash", 2, 13_420_000, 1, Some("Left it in the background.")),
    ended("claude/bad_flag", "failed", Some("engine.failed"), (0, 0, 0)),
    ended("claude/credit", "failed", Some("provider.credit"), (1, 0, 0)),
    Expected { retries: 1, ..answered("claude/cut_stream", 1, 6_710_000, 0, Some("Recovered after a cut stream.")) },
    ended("claude/error400", "failed", Some("provider.refused"), (1, 0, 0)),
    Expected { retries: 1, ..ended("claude/error401", "failed", Some("provider.auth"), (1, 0, 0)) },
    ended("claude/max_budget", "failed", Some("budget.brief_reached"), (4, 640_000_000, 4)),
    ended("claude/max_turns", "failed", Some("run.turns_reached"), (4, 480_000_000, 3)),
    ended("claude/no_key", "failed", Some("engine.login"), (1, 0, 0)),
    Expected { retries: 2, ..answered("claude/overload529", 1, 6_710_000, 0, Some("Recovered after 529.")) },
    Expected { retries: 1, ..ended("claude/rate429_for_good", "failed", Some("provider.rate_limit"), (1, 0, 0)) },
    Expected { retries: 2, ..answered("claude/rate429", 1, 6_710_000, 0, Some("Recovered after 429.")) },
    answered("claude/resume_1", 1, 6_710_000, 0, HELLO),
    // Its total has that of the process before in it.
    answered("claude/resume_2", 1, 6_710_000, 0, HELLO),
    ended("claude/resume_unknown", "failed", Some("session.not_found"), (0, 0, 0)),
    ended("claude/sigint_in_stream", "interrupted", None, (2, 5_130_000, 0)),
    ended("claude/sigkill_in_bash", "failed", Some("engine.failed"), (1, 0, 1)),
    // It says nothing of its cost any more.
    ended("claude/sigterm_in_bash", "cancelled", None, (1, 0, 1)),
    ended("claude/sj_deny_and_interrupt", "interrupted", None, (3, 6_710_000, 1)),
    // The first message was answered; a line that is no JSON ends it before the next.
    Expected {
        text: Some("Answer to first."),
        ..ended("claude/sj_garbage_on_stdin", "failed", Some("engine.failed"), (1, 6_710_000, 0))
    },
    ended("claude/sj_interrupt_in_bash", "interrupted", None, (3, 6_710_000, 1)),
    answered("claude/sj_interrupt", 3, 12_060_000, 0, SECOND),
    answered("claude/sj_multi", 2, 13_420_000, 0, SECOND),
    answered("claude/sj_perm_allow", 3, 20_130_000, 2, PERMITTED),
    answered("claude/sj_perm_deny", 3, 20_130_000, 2, PERMITTED),
    // Four calls of the agent's own and four of the two that it sent, in three turns with a result each.
    Expected { delegations: 2, ..answered("claude/subagents_background", 5, 27_517_000, 2, REPORTED) },
    Expected { delegations: 2, ..answered("claude/subagents_foreground", 3, 14_097_000, 2, REPORTED) },
    Expected { delegations: 2, ..answered("claude/subagents_forward_text", 3, 14_097_000, 2, REPORTED) },
    answered("claude/success_text", 1, 6_710_000, 0, HELLO),
    answered("claude/success_tools", 5, 26_840_000, 4, STEPS),
    answered("claude/success_tools_partial", 5, 26_840_000, 4, STEPS),
    // The tokens of the agent that it spawned are not among those that it reports.
    Expected { delegations: 1, ..answered("codex/agents", 3, 5_887_500, 0, Some("Agents done.")) },
    // A command that is declined is a tool call all the same.
    answered("codex/appserver_decline", 2, 3_925_000, 1, DONE),
    Expected { retries: 5, ..ended("codex/appserver_error401", "failed", Some("provider.auth"), (0, 0, 0)) },
    ended("codex/appserver_interrupt", "interrupted", None, (1, 1_962_500, 1)),
    answered("codex/appserver_tools", 2, 3_925_000, 1, DONE),
    answered("codex/appserver_two_turns", 2, 3_925_000, 0, HELLO),
    ended("codex/credit", "failed", Some("provider.credit"), (0, 0, 0)),
    Expected { retries: 1, ..answered("codex/cut_stream", 1, 1_962_500, 0, Some("Recovered after a cut stream.")) },
    Expected { retries: 5, ..ended("codex/error401", "failed", Some("provider.auth"), (0, 0, 0)) },
    answered("codex/sandbox_ww_tmpdir", 2, 3_925_000, 1, DONE),
    // It ends with exit code 1 and no word on it; that SIGINT was sent is all there is to know.
    ended("codex/sigint", "interrupted", None, (1, 0, 1)),
    ended("codex/sigkill", "failed", Some("engine.failed"), (1, 0, 1)),
    ended("codex/sigterm", "cancelled", None, (1, 0, 1)),
    answered("codex/success_text", 1, 1_962_500, 0, HELLO),
    answered("codex/success_tools", 2, 3_925_000, 1, DONE),
    // 23 calls, all but two of them the agent's that it sent: 20,700 tokens, 6,900 from the cache, 1,840 of output.
    Expected { delegations: 1, ..answered("gemini/agents", 2, 11_017_000, 0, Some("Agents done.")) },
    ended("gemini/error401", "failed", Some("provider.auth"), (0, 0, 0)),
    // It ends with exit code 0 and no result.
    ended("gemini/sigterm", "cancelled", None, (1, 0, 1)),
    answered("gemini/success_text", 1, 479_000, 0, HELLO),
    answered("gemini/success_tools", 3, 1_437_000, 2, DONE),
    Expected { delegations: 1, ..answered("opencode/agents", 2, 2_120_000, 0, Some("Agents done.")) },
    ended("opencode/error401", "failed", Some("provider.auth"), (0, 0, 0)),
    answered("opencode/success_text", 1, 1_060_000, 0, HELLO),
    answered("opencode/success_tools", 3, 3_180_000, 2, DONE),
];

/// A recording's line.
fn line(name: &str, played: &Replayed) -> String {
    json!({
        "recording": name,
        "engine": played.engine,
        "outcome": played.outcome,
        "error_code": played.error_code,
        "turns": played.turns,
        "cost_usd": played.cost_usd,
        "tools": played.tools,
        "delegations": played.delegations,
        "retries": played.retries,
        "final_text": played.final_text,
    })
    .to_string()
}

#[test]
fn recordings_of_real_programs_come_out_as_what_they_are() {
    let given = std::env::var_os("AICIB_RECORDINGS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let root = given.clone().unwrap_or_else(own);
    let all = recordings(&root);
    assert!(!all.is_empty(), "no recordings below {}", root.display());
    let mut wrong = Vec::new();
    for recording in &all {
        let played = recording.play(&recording.stdout);
        println!("{}", line(&recording.name, &played));
        if given.is_none() {
            wrong.extend(differs(&recording.name, &played));
        }
    }
    let mut names: Vec<_> = all.iter().map(|recording| recording.name.as_str()).collect();
    if given.is_none() {
        let mut expected: Vec<_> = EXPECTED.iter().map(|expected| expected.name).collect();
        expected.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, expected);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn differs(name: &str, played: &Replayed) -> Option<String> {
    let Some(expected) = EXPECTED.iter().find(|expected| expected.name == name) else {
        return Some(format!("{name}: nobody said what must come of it"));
    };
    let expected = Replayed {
        outcome: expected.outcome,
        error_code: expected.code.map(str::to_owned),
        turns: expected.turns,
        cost_usd: Money::nanos(expected.cost),
        tools: expected.tools,
        delegations: expected.delegations,
        retries: expected.retries,
        garbage: 0,
        final_text: expected.text.map(str::to_owned),
        ..played.clone()
    };
    (expected != *played).then(|| format!("{name}:\n  is      {played:?}\n  must be {expected:?}"))
}

/// The cost after the last whole line of a part.
fn whole_lines(part: &[u8]) -> &[u8] {
    let end = part.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &part[..end]
}

#[test]
fn a_recording_cut_anywhere_loses_no_cost_that_was_reported() {
    for recording in recordings(&own()) {
        let all = recording.play(&recording.stdout).cost_usd;
        let mut before = Money::ZERO;
        let ends = recording.stdout.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        for end in ends {
            let cost = recording.play(&recording.stdout[..end]).cost_usd;
            assert!(before <= cost && cost <= all, "{} at {end}: {before} {cost} {all}", recording.name);
            before = cost;
        }
    }
}

#[test]
fn an_empty_stdout_is_a_failure_that_says_what_stderr_says() {
    for engine in ["claude", "codex", "gemini", "opencode", "acp", "somebody-elses"] {
        let played = replay(engine, "", "error: unknown option '--nonsense'\n", &json!({ "rc": 1 }));
        assert_eq!((played.outcome, played.error_code.as_deref()), ("failed", Some("engine.failed")), "{engine}");
        let played = replay(engine, "", "", &json!({ "rc": -9, "kill": ["SIGKILL@2"] }));
        assert_eq!((played.outcome, played.error_code.as_deref()), ("failed", Some("engine.failed")), "{engine}");
        let played = replay(engine, "", "", &json!({ "rc": 0, "kill": ["SIGTERM@2"] }));
        assert_eq!((played.outcome, played.error_code), ("cancelled", None), "{engine}");
    }
}

#[test]
fn garbage_between_the_lines_and_before_them_changes_nothing() {
    for recording in recordings(&own()) {
        let clean = recording.play(&recording.stdout);
        let mut dirty = Vec::new();
        for line in recording.stdout.split_inclusive(|byte| *byte == b'\n') {
            dirty.extend_from_slice(b"npm warn deprecated {\"type\": 3\n[1, 2]\n\xff\xfe\0\n\"text\"\n");
            dirty.extend_from_slice(
                br#"{"type":"from_a_later_version","message":{"content":7},"params":[],"part":"x"}"#,
            );
            dirty.extend_from_slice(b"\nWARN ");
            dirty.extend_from_slice(line);
        }
        let played = recording.play(&dirty);
        assert!(played.garbage > 0 || recording.stdout.is_empty(), "{}", recording.name);
        assert_eq!(Replayed { garbage: 0, ..played }, clean, "{}", recording.name);
    }
}

#[test]
fn a_line_of_ten_megabytes_is_read_like_any_other() {
    let long = "x".repeat(10 * 1024 * 1024);
    let lines = [
        json!({"type": "system", "subtype": "init", "session_id": "s", "model": "m"}),
        json!({"type": "assistant", "message": {"id": "a", "content": [{"type": "text", "text": long}]}}),
        json!({"type": "result", "subtype": "success", "is_error": false, "result": "Done.", "num_turns": 1, "total_cost_usd": 0.5}),
    ];
    let stdout = lines.map(|line| line.to_string()).join("\n");
    let played = replay("claude", &stdout, "", &json!({ "rc": 0 }));
    assert_eq!((played.outcome, played.cost_usd.as_dollars()), ("completed", 0.5));
}

/// A value like those that programs write, with the names that readers look for.
fn value() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "type",
        "subtype",
        "message",
        "content",
        "usage",
        "total_cost_usd",
        "modelUsage",
        "costUSD",
        "id",
        "item",
        "params",
        "update",
        "part",
        "result",
        "error",
        "method",
        "text",
        "tool_use_id",
        "sessionUpdate",
        "cost",
        "amount",
        "stopReason",
        "status",
        "input_tokens",
        "stats",
        "models",
        "tokens",
        "num_turns",
        "event",
        "delta",
    ]);
    let words = prop::sample::select(vec![
        "system",
        "init",
        "assistant",
        "user",
        "result",
        "tool_use",
        "tool_result",
        "turn.completed",
        "item.completed",
        "session/update",
        "usage_update",
        "step_finish",
        "tool_call_update",
        "success",
        "end_turn",
        "é\u{202e}",
        "",
    ]);
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        words.prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_at_all_break_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..2000), rc in any::<i64>()) {
        for engine in ["claude", "codex", "gemini", "opencode", "acp", ""] {
            let played = replay(engine, &String::from_utf8_lossy(&bytes), "", &json!({ "rc": rc }));
            prop_assert!(played.cost_usd >= Money::ZERO);
        }
    }

    #[test]
    fn no_values_at_all_break_a_reader(lines in prop::collection::vec(value(), 0..20)) {
        let stdout = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        for engine in ["claude", "codex", "gemini", "opencode", "acp", ""] {
            let mut before = Money::ZERO;
            let lines: Vec<&str> = stdout.lines().collect();
            for end in 0..=lines.len() {
                let cost = replay(engine, &lines[..end].join("\n"), "", &Value::Null).cost_usd;
                prop_assert!(before <= cost, "{engine} {end}: {before} {cost}");
                before = cost;
            }
        }
    }

    #[test]
    fn a_recording_cut_within_a_line_is_as_one_cut_before_it(at in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()) {
        let all = recordings(&own());
        let recording = which.get(&all);
        let part = &recording.stdout[..at.index(recording.stdout.len() + 1)];
        let cut = recording.play(part);
        let before = recording.play(whole_lines(part));
        prop_assert!(cut.cost_usd >= before.cost_usd, "{}", recording.name);
    }
}
