//! Conversations with programs, as the stage plays them: with programs of a few lines, that say what no real one would
//! say on request.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

#[path = "../runs/support.rs"]
#[allow(dead_code, reason = "shared with tests of runs")]
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::{Ask, EngineKind, EngineSpec, EventBody, Outcome, Seq, Time, WaitReason};
use engine::{Brief, Ending, Patience};
use support::{Folder, TestHost, impatient};

/// What every program begins with: it is told who it is, and hears the first words.
const BEGINS: &str = r#"#!/bin/sh
say() { printf '%s\n' "$1"; }
ends() { say '{"type":"result","subtype":"success","is_error":false,"result":"'"$1"'","num_turns":1,"total_cost_usd":'"$2"',"session_id":"s1"}'; }
takes() { say '{"type":"user","message":{"content":[{"type":"text","text":"x"}]},"parent_tool_use_id":null,"isReplay":true}'; }
hears() { read -r heard || exit 0; printf '%s\n' "$heard" >> "$OUT"; }
OUT="$TMPDIR/heard"
printf '%s\n' "$*" > "$TMPDIR/args"
hears
say '{"type":"control_response","response":{"subtype":"success","request_id":"aicib-1","response":{}}}'
hears
init() { say '{"type":"system","subtype":"init","session_id":"s1","model":"claude-opus-5-5","claude_code_version":"2.1.328"}'; takes; }
init
"#;
/// Stays until nobody talks to it any more.
const STAYS: &str = "\nwhile hears; do :; done\n";

struct Stand {
    folder: Folder,
    host: TestHost,
    brief: Brief,
}

impl Stand {
    /// A company whose engine is that program, with a login of its own.
    fn new(program: &str) -> Stand {
        let folder = Folder::new("full-c-suite");
        let file = folder.tmp.join("claude");
        std::fs::write(&file, format!("{BEGINS}{program}{STAYS}")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut brief = folder.brief("Do it");
        brief.spec = EngineSpec {
            kind: EngineKind::ClaudeCode,
            base_url: None,
            api_key: None,
            pace: 1.0,
            agent: String::new(),
            model: None,
            program: Some(file.display().to_string()),
            args: Vec::new(),
        };
        Stand { folder, host: TestHost::new(), brief }
    }

    async fn run(&self, patience: Patience) -> Ending {
        let engine = engine::open_with(self.brief.spec.clone(), patience).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(30), engine.run(&self.brief, &self.host)).await;
        let ending = ended.unwrap_or_else(|_| panic!("it did not end: {}", self.host.text()));
        self.host.check();
        let mark = process::Mark::from(self.brief.mark.clone());
        assert_eq!(process::census(None, &mark), [], "processes are left");
        ending
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.tmp.join("p0").join(name)
    }

    fn heard(&self) -> String {
        std::fs::read_to_string(self.file("heard")).unwrap()
    }
}

#[tokio::test]
async fn an_agent_below_that_asks_before_its_call_is_told_is_asked_for_in_its_own_name() {
    let stand = Stand::new(
        r#"
say '{"type":"assistant","message":{"id":"m1","model":"claude-opus-5-5","content":[{"type":"tool_use","id":"a1","name":"Agent","input":{"subagent_type":"cto","prompt":"Do it"}}],"usage":{}},"parent_tool_use_id":null}'
say '{"type":"system","subtype":"task_started","task_id":"g1","tool_use_id":"a1"}'
say '{"type":"control_request","request_id":"q1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"npm publish"},"tool_use_id":"b1","agent_id":"g1"}}'
hears
say '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"a1","content":"a report"}]},"parent_tool_use_id":null}'
ends "It is done." 0.01"#,
    );
    stand.host.answers.lock().unwrap().push_back("Deny: not today".into());
    let ending = stand.run(impatient()).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    let entries = stand.host.entries();
    let asked = entries.iter().find(|entry| matches!(entry.body, EventBody::Asked { ask: Ask::Approval, .. })).unwrap();
    assert_eq!((asked.agent.as_str(), asked.parent.as_deref()), ("cto", Some("d1")));
    assert!(stand.heard().contains(r#""behavior":"deny""#) && stand.heard().contains("not today"), "{}", stand.heard());
}

#[tokio::test]
async fn a_program_hands_work_to_nobody_but_the_company() {
    let stand = Stand::new(
        r#"
say '{"type":"control_request","request_id":"q1","request":{"subtype":"can_use_tool","tool_name":"Agent","input":{"subagent_type":"general-purpose","prompt":"x"},"tool_use_id":"a1"}}'
hears
say '{"type":"control_request","request_id":"q2","request":{"subtype":"can_use_tool","tool_name":"Agent","input":{"subagent_type":"cto","prompt":"x"},"tool_use_id":"a2"}}'
hears
say '{"type":"control_request","request_id":"q3","request":{"subtype":"hook_callback"}}'
hears
ends "It is done." 0"#,
    );
    assert_eq!(stand.run(impatient()).await.outcome, Outcome::Completed);
    let heard = stand.heard();
    let of = |id: &str| heard.lines().find(|line| line.contains(&format!("\"{id}\""))).unwrap().to_owned();
    assert!(of("q1").contains("deny") && of("q1").contains("none of your reports"), "{heard}");
    assert!(of("q2").contains(r#""behavior":"allow""#), "{heard}");
    assert!(of("q3").contains("not supported"), "what it cannot have it is told, or it would wait: {heard}");
    assert_eq!(stand.host.questions.lock().unwrap().len(), 0, "nobody is asked about that");
}

#[tokio::test]
async fn a_turn_that_no_limit_covers_is_broken_off_and_goes_on_when_the_founder_raises_it() {
    let stand = Stand::new(
        r#"
say '{"type":"assistant","message":{"id":"m1","model":"claude-opus-5-5","content":[{"type":"text","text":"Working."}],"usage":{"input_tokens":200000,"output_tokens":1}},"parent_tool_use_id":null}'
hears
say '{"type":"user","message":{"content":[{"type":"text","text":"[Request interrupted by user]"}]},"parent_tool_use_id":null}'
say '{"type":"result","subtype":"error_during_execution","is_error":true,"num_turns":1,"total_cost_usd":1.0,"terminal_reason":"aborted_streaming","session_id":"s1"}'
hears
init
ends "It is done." 1.5"#,
    );
    stand.host.only_first.store(1, Ordering::SeqCst);
    stand.host.raises.store(true, Ordering::SeqCst);
    stand.host.answers.lock().unwrap().push_back("Go on up to $3.00".into());
    let ending = stand.run(impatient()).await;
    assert_eq!(
        (ending.outcome, ending.answer.as_deref()),
        (Outcome::Completed, Some("It is done.")),
        "{:?}",
        ending.error
    );
    assert!(stand.heard().contains(r#""subtype":"interrupt""#), "{}", stand.heard());
    assert_eq!(stand.host.questions.lock().unwrap()[0].ask, Ask::Limit);
    assert_eq!(stand.host.cost(), 1_500_000_000, "each total is charged once");
    let slices: Vec<_> = stand.host.leased.lock().unwrap().iter().map(|(_, worst)| worst.as_nanos()).collect();
    assert!(slices.iter().all(|slice| *slice <= 250_000_000), "{slices:?}");
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_waited_for_and_the_conversation_goes_on() {
    let stand = Stand::new(
        r#"
say '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":'$(($(date +%s) + 2))'}}'
say '{"type":"assistant","message":{"id":"m1","model":"<synthetic>","content":[{"type":"text","text":"You have hit your limit"}]},"error":"rate_limit","parent_tool_use_id":null}'
say '{"type":"result","subtype":"success","is_error":true,"result":"You have hit your limit","num_turns":1,"total_cost_usd":0,"api_error_status":429,"session_id":"s1"}'
hears
init
ends "It is done." 0.02"#,
    );
    let patience = Patience { outage: Duration::from_millis(100), quota: Duration::from_secs(60), ..impatient() };
    let ending = stand.run(patience).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    let waits: Vec<_> = stand
        .host
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            EventBody::Waiting { reason, until, over, .. } => Some((reason, until, over)),
            _ => None,
        })
        .collect();
    let (reason, until, over) = &waits[0];
    assert_eq!((*reason, *over), (WaitReason::Quota, false), "{waits:?}");
    assert!(until.is_some_and(|until| until <= Time::now()), "it waited until the time that was named: {waits:?}");
    let begun = stand.host.bodies().iter().filter(|body| matches!(body, EventBody::EngineStarted { .. })).count();
    assert_eq!(begun, 1, "it is the same conversation");
    assert!(stand.heard().contains("Go on where you left off"), "{}", stand.heard());
}

#[tokio::test]
async fn words_of_the_founders_that_are_taken_up_in_a_turn_of_their_own_are_waited_for() {
    let stand = Stand::new(
        r#"
hears
ends "The first." 0.01
sleep 0.5
init
ends "The second." 0.02"#,
    );
    stand.host.more.lock().unwrap().push((Seq(41), "And the other thing".into()));
    let ending = stand.run(impatient()).await;
    assert_eq!(ending.answer.as_deref(), Some("The second."), "{:?}", ending.error);
    assert!(stand.heard().contains("And the other thing"), "{}", stand.heard());
    assert_eq!(ending.turns, 2);
}

#[tokio::test]
async fn a_program_that_ends_in_mid_turn_fails_the_run_and_what_it_used_is_booked() {
    let stand = Stand::new(
        r#"
say '{"type":"assistant","message":{"id":"m1","model":"claude-opus-5-5","content":[{"type":"tool_use","id":"t1","name":"Read","input":{"file_path":"a"}}],"usage":{"input_tokens":1000,"output_tokens":1}},"parent_tool_use_id":null}'
setsid sh -c 'exec env -i sleep 3600' &
echo "it broke" >&2
kill -9 $$"#,
    );
    let ending = stand.run(impatient()).await;
    assert_eq!(ending.outcome, Outcome::Failed);
    assert_eq!(ending.error.as_ref().map(|error| error.code.as_str()), Some("engine.failed"), "{:?}", ending.error);
    assert!(stand.host.cost() > 0, "{}", stand.host.text());
    let log = std::fs::read_dir(&stand.folder.tmp).unwrap().flatten();
    let log = log.map(|file| file.path()).find(|path| path.extension().is_some_and(|name| name == "log")).unwrap();
    assert_eq!(std::fs::read_to_string(log).unwrap(), "it broke\n");
}
