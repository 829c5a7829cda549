use company::autonomy::{Judgement, Level};
use contract::{CompanyId, Granted};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const LEVELS: [Level; 5] = [Level::Restricted, Level::Guided, Level::Standard, Level::Autonomous, Level::Full];

/// A company in a folder of its own, and its gate.
struct Door {
    _temp: tempfile::TempDir,
    gate: Gate,
}

impl Door {
    fn new(commands: Option<bool>) -> Door {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("acme");
        let create = company::Create {
            name: "Acme".into(),
            dir: dir.clone(),
            structure: Some("minimal".into()),
            engine: Some("practice".into()),
            ..company::Create::default()
        };
        company::create(&create).unwrap();
        let mut company = company::load(&dir).unwrap();
        company.config.commands = commands;
        let gate = Gate {
            company: Arc::new(company),
            job_id: JobId(7),
            rules: Rules::default(),
            granted: Grants::default(),
            folder: dir,
            tmp: temp.path().join("tmp"),
        };
        Door { _temp: temp, gate }
    }

    fn agent(&self, level: Level) -> AgentFile {
        let mut agent = self.gate.company.agent(company::CEO).unwrap().clone();
        agent.judgement = Judgement { level, ..Judgement::default() };
        agent
    }

    fn verdict(&self, level: Level, tool: &str, input: serde_json::Value) -> Verdict {
        self.gate.verdict(&self.agent(level), &self.gate.intent(tool, &input)).0
    }
}

fn rule(number: i64, act: Act, verdict: Verdict) -> Rule {
    Rule {
        rule_id: RuleId(number),
        company_id: CompanyId(1),
        job_id: None,
        agent: None,
        act,
        subject: None,
        verdict,
        created_at: Time(number),
        origin: Origin::Cli,
    }
}

/// Calls of every kind of act.
fn calls() -> Vec<(Act, &'static str, serde_json::Value)> {
    vec![
        (Act::Read, "Read", json!({ "file_path": "docs/a.md" })),
        (Act::Write, "Write", json!({ "file_path": "docs/a.md", "content": "x" })),
        (Act::WriteElsewhere, "Write", json!({ "file_path": "/etc/passwd", "content": "x" })),
        (Act::Command, "Bash", json!({ "command": "ls" })),
        (Act::Network, "Bash", json!({ "command": "git pull" })),
        (Act::Network, "WebFetch", json!({ "url": "https://example.org/a" })),
        (Act::Publish, "Bash", json!({ "command": "git push" })),
        (Act::Publish, "mcp__mail__send", json!({ "to": "me@example.org" })),
        (Act::Spend, "mcp__shop__checkout_order", json!({ "sum": 3 })),
        (Act::Spend, "Bash", json!({ "command": "aicib brief x" })),
    ]
}

#[test]
fn a_freer_level_never_forbids_more() {
    let door = Door::new(None);
    for (act, tool, input) in calls() {
        let intent = door.gate.intent(tool, &input);
        assert_eq!(intent.act, act, "{tool} {input}");
        let verdicts = LEVELS.map(|level| door.verdict(level, tool, input.clone()));
        assert!(verdicts.is_sorted_by(|less, more| less >= more), "{tool} {input}: {verdicts:?}");
    }
    // A command that reaches further needs leave for both.
    use Verdict::*;
    let of = |line: &str| LEVELS.map(|level| door.verdict(level, "Bash", json!({ "command": line })));
    assert_eq!(of("ls"), [Deny, Ask, Allow, Allow, Allow]);
    assert_eq!(of("git pull"), [Deny, Ask, Allow, Allow, Allow]);
    assert_eq!(of("git push"), [Deny, Deny, Ask, Ask, Allow]);
    assert_eq!(
        LEVELS.map(|level| door.verdict(level, "Write", json!({ "file_path": "../x", "content": "" }))),
        [Deny, Deny, Ask, Ask, Ask]
    );
}

#[test]
fn a_company_without_commands_has_none_whatever_a_rule_says() {
    let door = Door::new(Some(false));
    door.gate.rules.set(vec![rule(1, Act::Command, Verdict::Allow), rule(2, Act::Publish, Verdict::Allow)]);
    for line in ["ls", "git push"] {
        let intent = door.gate.intent("execute", &json!({ "command": line }));
        assert_eq!(door.gate.verdict(&door.agent(Level::Full), &intent), (Verdict::Deny, Ground::Config));
    }
    assert_eq!(door.verdict(Level::Full, "mcp__mail__send", json!({})), Verdict::Allow);
}

#[test]
fn a_rule_on_the_very_line_decides_for_it_and_for_no_other() {
    let door = Door::new(None);
    let exactly = |act, line: &str, verdict| Rule { subject: Some(line.into()), ..rule(1, act, verdict) };
    door.gate.rules.set(vec![exactly(Act::Publish, "git push", Verdict::Allow)]);
    let of = |line: &str| door.verdict(Level::Guided, "Bash", json!({ "command": line }));
    assert_eq!(of("git push"), Verdict::Allow);
    for other in ["git push --force", "git push; ls", "GIT push", "git  push"] {
        assert_eq!(of(other), Verdict::Deny, "{other}");
    }
    // A rule on commands goes for a line that reaches further as well, where it names that line.
    door.gate.rules.set(vec![exactly(Act::Command, "git push", Verdict::Allow)]);
    assert_eq!(of("git push"), Verdict::Allow);
    door.gate.rules.set(vec![rule(1, Act::Command, Verdict::Allow)]);
    assert_eq!(of("git push"), Verdict::Deny, "leave for commands is none to publish");
    door.gate.rules.set(vec![rule(1, Act::Publish, Verdict::Allow)]);
    assert_eq!(of("git push"), Verdict::Ask, "leave to publish is none for commands");
}

#[test]
fn a_program_that_asks_nobody_may_only_what_no_rule_and_no_level_asks_about() {
    let door = Door::new(None);
    let rules = &door.gate.rules;
    let may = |level: Level, act: Act| rules.allow_all(JobId(7), &door.agent(level), act);
    assert!(
        may(Level::Standard, Act::Command) && !may(Level::Standard, Act::Publish) && may(Level::Full, Act::Publish)
    );
    rules.set(vec![rule(1, Act::Publish, Verdict::Allow), rule(2, Act::Command, Verdict::Deny)]);
    assert!(may(Level::Standard, Act::Publish) && !may(Level::Full, Act::Command));
    rules.set(vec![Rule { subject: Some("git push".into()), ..rule(1, Act::Command, Verdict::Ask) }]);
    assert!(!may(Level::Full, Act::Command));
    rules.set(vec![Rule { agent: Some("somebody".into()), ..rule(1, Act::Command, Verdict::Deny) }]);
    assert!(may(Level::Full, Act::Command));
}

#[test]
fn calls_of_every_engine_are_put_in_their_kinds() {
    let door = Door::new(None);
    let folder = door.gate.folder.clone();
    let inside = folder.join("a.md").display().to_string();
    let tmp = door.gate.tmp.join("x").display().to_string();
    std::fs::create_dir_all(&door.gate.tmp).unwrap();
    for (expected, tool, input) in [
        // Claude Code.
        (Act::Write, "Edit", json!({ "file_path": inside, "old_string": "a", "new_string": "b" })),
        (Act::Write, "MultiEdit", json!({ "file_path": "a.md", "edits": [{ "old_string": "a", "new_string": "b" }] })),
        (Act::Write, "NotebookEdit", json!({ "notebook_path": "a.ipynb", "new_source": "x" })),
        (Act::Write, "Write", json!({ "file_path": tmp, "content": "" })),
        (Act::WriteElsewhere, "Write", json!({ "file_path": "~/.bashrc", "content": "" })),
        (Act::WriteElsewhere, "Write", json!({ "file_path": "a/../../x", "content": "" })),
        (Act::WriteElsewhere, "Write", json!({ "content": "" })),
        (Act::WriteElsewhere, "Write", json!({ "file_path": ".claude/agents/ceo.md", "content": "" })),
        (Act::WriteElsewhere, "Write", json!({ "file_path": ".CLAUDE/settings.json", "content": "" })),
        (Act::WriteElsewhere, "Write", json!({ "file_path": "docs/../.git/hooks/pre-commit", "content": "" })),
        (Act::WriteElsewhere, "Write", json!({ "file_path": company::CONFIG_FILE, "content": "" })),
        (Act::Read, "Glob", json!({ "pattern": "**/*.md" })),
        (Act::Read, "Agent", json!({ "subagent_type": "cto", "prompt": "x" })),
        (Act::Network, "WebSearch", json!({ "query": "x" })),
        (Act::Read, "mcp__aicib__delegate", json!({ "to": "cto" })),
        (Act::Publish, "mcp__aicib__other", json!({})),
        (Act::Publish, "mcp__files__read", json!({ "annotations": { "readOnlyHint": true } })),
        // Codex.
        (Act::Command, "command_execution", json!({ "command": ["bash", "-lc", "ls -la"] })),
        (Act::Publish, "command_execution", json!({ "command": ["bash", "-lc", "ls; git push"] })),
        (Act::Write, "file_change", json!({ "changes": { "a.md": { "type": "update", "unified_diff": "-a\n+b" } } })),
        (
            Act::Write,
            "file_change",
            json!({ "changes": [{ "path": inside, "kind": { "type": "add" }, "diff": "+x" }] }),
        ),
        (
            Act::WriteElsewhere,
            "fileChange",
            json!({ "changes": [{ "path": "a.md", "diff": "+x" }, { "path": "/etc/x", "diff": "+x" }] }),
        ),
        (
            Act::WriteElsewhere,
            "file_change",
            json!({ "changes": { "a.md": { "type": "update", "move_path": "../b.md", "unified_diff": "" } } }),
        ),
        (Act::Write, "apply_patch", json!({ "input": "*** Begin Patch\n*** Add File: a.md\n+x\n*** End Patch" })),
        (Act::WriteElsewhere, "apply_patch", json!({ "input": "*** Add File: a.md\n*** Update File: /etc/x\n" })),
        // The Agent Client Protocol.
        (Act::Command, "execute", json!({ "command": "ls" })),
        (Act::Publish, "execute", json!({ "command": "git", "args": ["push"], "script": "x" })),
        (Act::Publish, "execute", json!({ "title": "ls; git push" })),
        (Act::Write, "file_change", json!({ "fileChanges": { "a.md": { "type": "add", "content": "x" } } })),
        (
            Act::Write,
            "edit",
            json!({ "content": [{ "type": "diff", "path": inside, "oldText": "a", "newText": "b" }] }),
        ),
        (Act::Write, "delete", json!({ "locations": [{ "path": "a.md" }] })),
        (Act::WriteElsewhere, "move", json!({ "source": "a.md", "destination": "/tmp/elsewhere" })),
        (Act::Read, "think", json!({})),
        (Act::Network, "fetch", json!({ "url": "https://example.org" })),
        (Act::Publish, "fetch", json!({ "url": "https://example.org", "method": "post", "body": "x" })),
        // Nobody's.
        (Act::Publish, "other", json!({ "whatever": 1, "title": "send" })),
        (Act::Read, "other", json!({ "title": "todowrite" })),
        (Act::Command, "Gizmo", json!({ "whatever": 1 })),
        (Act::Publish, "Gizmo", json!({ "command": "git push" })),
        (Act::Command, "", json!(null)),
        (Act::Command, "Bash", json!("ls")),
    ] {
        assert_eq!(door.gate.intent(tool, &input).act, expected, "{tool} {input}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_does_not_make_a_file_of_the_companys_of_one_elsewhere() {
    let door = Door::new(None);
    let out = door._temp.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::os::unix::fs::symlink(&out, door.gate.folder.join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", door.gate.folder.join("loose")).unwrap();
    std::os::unix::fs::symlink(".claude", door.gate.folder.join("team")).unwrap();
    for path in ["link/x", "link/new/x", "loose", "team/agents/ceo.md"] {
        let intent = door.gate.intent("Write", &json!({ "file_path": path, "content": "" }));
        assert_eq!(intent.act, Act::WriteElsewhere, "{path}");
    }
}

#[tokio::test]
async fn the_change_to_a_file_is_shown_as_a_diff_of_what_is_there_now() {
    let door = Door::new(None);
    let folder = door.gate.folder.clone();
    std::fs::write(folder.join("a.md"), "one\ntwo\nthree\n").unwrap();
    let shown = async |tool: &str, input: serde_json::Value| {
        door.gate.intent(tool, &input).diff_now(&folder).await.unwrap_or_default()
    };
    let edit = shown("Edit", json!({ "file_path": "a.md", "old_string": "two", "new_string": "2" })).await;
    assert!(
        edit.contains("--- a.md\n+++ a.md\n") && edit.contains("-two\n+2\n") && edit.contains(" three\n"),
        "{edit}"
    );
    let write = shown("Write", json!({ "file_path": "new.md", "content": "hello\n" })).await;
    assert!(write.contains("--- /dev/null\n+++ new.md\n") && write.contains("+hello\n"), "{write}");
    let gone = shown("delete", json!({ "path": "a.md" })).await;
    assert!(gone.contains("+++ /dev/null") && gone.contains("-two\n"), "{gone}");
    // What does not fit the file is shown all the same, and what lies elsewhere is not looked into.
    let odd = shown("Edit", json!({ "file_path": "a.md", "old_string": "four", "new_string": "4" })).await;
    assert!(odd.contains("-four") && odd.contains("+4"), "{odd}");
    let elsewhere = shown("Edit", json!({ "file_path": "/etc/hostname", "old_string": "a", "new_string": "b" })).await;
    assert!(elsewhere.contains("-a") && elsewhere.contains("+b"), "{elsewhere}");
    let codex =
        shown("file_change", json!({ "changes": { "a.md": { "unified_diff": "@@ -2 +2 @@\n-two\n+2" } } })).await;
    assert!(codex.contains("-two\n+2"), "{codex}");
    let long =
        diff::shown(&shown("Write", json!({ "file_path": "long.md", "content": "a line\n".repeat(100_000) })).await);
    assert!(long.len() < 70_000 && long.contains("[cut: "), "{}", long.len());
}

#[tokio::test]
async fn what_a_tool_does_not_read_does_not_stand_for_what_it_does() {
    let door = Door::new(None);
    let folder = door.gate.folder.clone();
    std::fs::write(folder.join("a.md"), "one\ntwo\nthree\n").unwrap();
    let shown = async |tool: &str, input: serde_json::Value| {
        door.gate.intent(tool, &input).diff_now(&folder).await.unwrap_or_default()
    };
    let decoy = json!([{ "old_string": "one", "new_string": "harmless" }]);
    let edit = json!({ "file_path": "a.md", "old_string": "two", "new_string": "evil", "edits": decoy });
    let edit = shown("Edit", edit).await;
    assert!(edit.contains("+evil") && !edit.contains("harmless"), "{edit}");
    let write =
        json!({ "file_path": "a.md", "content": "evil\n", "edits": decoy, "old_string": "a", "new_string": "b" });
    let write = shown("Write", write).await;
    assert!(write.contains("+evil") && write.contains("-three") && !write.contains("harmless"), "{write}");
}

#[tokio::test]
async fn to_take_away_is_a_change_that_is_shown() {
    let door = Door::new(None);
    let folder = door.gate.folder.clone();
    std::fs::write(folder.join("a.md"), "one\ntwo\nthree\n").unwrap();
    let shown = async |tool: &str, input: serde_json::Value| {
        door.gate.intent(tool, &input).diff_now(&folder).await.unwrap_or_default()
    };
    let emptied = shown("Write", json!({ "file_path": "a.md", "content": "" })).await;
    assert!(emptied.contains("-one") && emptied.contains("-three"), "{emptied}");
    let cut = shown("Edit", json!({ "file_path": "a.md", "old_string": "two\n", "new_string": "" })).await;
    assert!(cut.contains("-two"), "{cut}");
    let steps = json!([{ "old_string": "one\n", "new_string": "" }, { "old_string": "three", "new_string": "3" }]);
    let steps = shown("MultiEdit", json!({ "file_path": "a.md", "edits": steps })).await;
    assert!(steps.contains("-one") && steps.contains("+3"), "{steps}");
    // Two changes of one file, as agents of the Agent Client Protocol tell them.
    let twice = json!([
        { "type": "diff", "path": "a.md", "oldText": "one", "newText": "1" },
        { "type": "diff", "path": "a.md", "oldText": "three", "newText": "3" },
    ]);
    let twice = shown("edit", json!({ "content": twice })).await;
    assert!(twice.contains("+1") && twice.contains("+3") && twice.contains(" two"), "{twice}");
    let patch = door.gate.intent("apply_patch", &json!({ "input": "*** Add File: a.md\n+x\n" }));
    assert!(patch.diff.unwrap_or_default().contains("+x"));
}

#[test]
fn always_is_about_no_more_than_what_was_shown() {
    let door = Door::new(None);
    let subject = |tool: &str, input: serde_json::Value| door.gate.intent(tool, &input).subject;
    let here = subject("Bash", json!({ "command": "make" }));
    assert_eq!(here.as_deref(), Some("make"));
    assert_eq!(here, subject("execute", json!({ "command": "make", "cwd": door.gate.folder })));
    assert_ne!(here, subject("execute", json!({ "command": "make", "cwd": "/etc" })));
    assert_ne!(here, subject("execute", json!({ "command": "make", "env": { "CC": "./evil" } })));
    assert_eq!(subject("execute", json!({ "title": "bash", "cwd": door.gate.folder })), None);
    // An address is what a client takes it for.
    let good = subject("WebFetch", json!({ "url": "https://good.example/a?x=1" }));
    assert_eq!(good.as_deref(), Some("good.example"));
    for other in [
        "https:evil.example/?u=://good.example/",
        "https:/evil.example/#://good.example",
        "https://good.example@evil.example/",
        "https://evil.example\\@good.example/",
        "https://good.example:8443/",
        "evil.example/?u=https://good.example/",
    ] {
        assert_ne!(subject("WebFetch", json!({ "url": other })), good, "{other}");
    }
    assert_eq!(subject("fetch", json!({ "title": "something" })), None);
    let of_server = |tool: &str| subject("mcp_tool_call", json!({ "server": "mail", "tool": tool }));
    assert_ne!(of_server("read"), of_server("send"));
}

#[test]
fn a_fingerprint_is_of_tool_and_input_whatever_their_order() {
    let door = Door::new(None);
    let of = |tool: &str, input: &str| door.gate.intent(tool, &serde_json::from_str(input).unwrap()).digest;
    assert_eq!(of("Write", r#"{"a":1,"b":[1,2]}"#), of("Write", r#"{"b":[1,2],"a":1}"#));
    let all = [
        of("Write", r#"{"a":1,"b":[1,2]}"#),
        of("Write", r#"{"a":1,"b":[2,1]}"#),
        of("Edit", r#"{"a":1,"b":[1,2]}"#),
        of("Write", r#"{"a":"1","b":[1,2]}"#),
    ];
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}

#[test]
fn an_earlier_answer_holds_once_and_for_its_agent() {
    let granted = |agent: &str| Granted { agent: agent.into(), digest: "d".into(), answer: "Deny: no".into() };
    let grants = Grants::new(vec![granted("ceo"), granted("cto")]);
    assert_eq!(grants.take("cfo", "d"), None);
    assert_eq!(grants.take("ceo", "other"), None);
    assert_eq!(grants.take("ceo", "d"), Some(Decision::deny("no")));
    assert_eq!(grants.take("ceo", "d"), None);
    assert_eq!(grants.clone().take("cto", "d"), Some(Decision::deny("no")));
}

fn some_rule() -> impl Strategy<Value = Rule> {
    let act = prop::sample::select(Act::ALL.to_vec());
    let verdict = prop::sample::select(Verdict::ALL.to_vec());
    (act, verdict, prop::bool::ANY, prop::bool::ANY, prop::option::of(0u8..3), 0i64..4, 0i64..20).prop_map(
        |(act, verdict, job, agent, subject, at, number)| Rule {
            job_id: job.then_some(JobId(7)),
            agent: agent.then(|| "ceo".to_owned()),
            subject: subject.map(|subject| format!("s{subject}")),
            created_at: Time(at),
            ..rule(number, act, verdict)
        },
    )
}

proptest! {
    #[test]
    fn the_narrowest_rule_holds_and_of_two_as_narrow_the_later(rules in prop::collection::vec(some_rule(), 0..12)) {
        let all = Rules::new(rules.clone());
        for act in Act::ALL {
            let held = all.holds(JobId(7), "ceo", act, Some("s1"));
            let fits = |rule: &&Rule| rule.act == act && rule.subject.as_deref().is_none_or(|subject| subject == "s1");
            prop_assert_eq!(held.is_some(), rules.iter().any(|rule| fits(&rule)));
            let Some(held) = held else { continue };
            let narrow = |rule: &Rule| (rule.job_id.is_some(), rule.agent.is_some(), rule.subject.is_some());
            for other in rules.iter().filter(fits) {
                prop_assert!(narrow(other) <= narrow(&held), "{other:?} is narrower than {held:?}");
                prop_assert!(narrow(other) < narrow(&held) || other.created_at <= held.created_at);
            }
        }
        // Another's rules are nobody else's.
        let foreign = all.holds(JobId(8), "cto", Act::Write, Some("s9"));
        prop_assert!(foreign.is_none_or(|rule| rule.job_id.is_none() && rule.agent.is_none() && rule.subject.is_none()));
    }

    #[test]
    fn no_input_breaks_it(tool in "\\PC{0,20}", text in "\\PC{0,60}", key in prop::sample::select(vec![
        "command", "file_path", "path", "url", "changes", "content", "patch", "input", "edits", "query",
    ])) {
        let door = std::env::temp_dir();
        for input in [json!({ key: text }), json!({ key: [text] }), json!({ key: { "path": text } }), json!([text]), json!(text)] {
            for tool in [tool.as_str(), "Bash", "Write", "apply_patch", "edit", "fetch", "mcp__x__y"] {
                let intent = intent(tool, &input, &[&door]);
                prop_assert!(intent.subject.is_none_or(|subject| subject.len() < 3_000));
            }
        }
    }
}
