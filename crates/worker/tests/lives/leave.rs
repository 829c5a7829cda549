//! Leave to act, from the worker's side: asked, waited for through daemons that come and go, and rules that change.

use contract::{
    Act, Approval, CompanyId, Decision, EventBody, Granted, Origin, Outcome, Rule, RuleId, Time, Verdict, WaitReason,
};
use serde_json::json;
use testkit::{Provider, Script, Turn, wait_for};

use crate::daemon::Daemon;
use crate::stage::{Ended, SOON, Stage, Worker};

fn write(path: &str) -> Turn {
    Turn::tool("Write", json!({ "file_path": path, "content": "text\n" }))
}

fn rule(verdict: Verdict) -> Rule {
    Rule {
        rule_id: RuleId(1),
        company_id: CompanyId(1),
        job_id: None,
        agent: None,
        act: Act::Write,
        subject: None,
        verdict,
        created_at: Time(1),
        origin: Origin::Cli,
    }
}

fn approvals(worker: &Worker) -> Vec<(String, Approval)> {
    let asked = worker.entries().into_iter().filter_map(|entry| match entry.body {
        EventBody::Asked { key, approval: Some(approval), .. } => Some((key, approval)),
        _ => None,
    });
    asked.collect()
}

async fn asked(worker: &Worker, number: usize) -> (String, Approval) {
    assert!(wait_for(SOON, || approvals(worker).len() >= number).await, "{}", worker.story());
    approvals(worker).remove(number - 1)
}

fn files(ended: &Ended) -> Vec<bool> {
    let finished = ended.entries.iter().filter_map(|entry| match &entry.body {
        EventBody::ToolFinished { tool, ok, .. } if tool == "Write" => Some(*ok),
        _ => None,
    });
    finished.collect()
}

#[tokio::test]
async fn leave_is_waited_for_through_daemons_that_come_and_go() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let provider = Provider::start(Script::of([write("one.md"), write("two.md"), Turn::text("Done.")])).await;
    let mut spec = stage.api(&provider);
    spec.rules = vec![rule(Verdict::Ask)];
    let mut worker = stage.start(&spec).await;
    let (key, approval) = asked(&worker, 1).await;
    assert_eq!((approval.act, approval.action.as_str()), (Act::Write, "one.md"));
    assert!(approval.diff.unwrap().contains("+text"));
    worker.waits_as_a_whole(WaitReason::Answer).await;
    assert!(!stage.company.join("one.md").exists());
    daemon.leave().await;
    let daemon = Daemon::start(&stage.home);
    daemon.answer(&key, &Decision::allow(None).answer());
    let (key, _) = asked(&worker, 2).await;
    assert!(stage.company.join("one.md").exists());
    daemon.answer(&key, &Decision::deny("one is enough").answer());
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, files(&ended)), (Outcome::Completed, vec![true, false]), "{}", worker.story());
    assert!(!stage.company.join("two.md").exists());
    daemon.leave().await;
}

#[tokio::test]
async fn rules_that_are_told_hold_from_then_on() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let provider = Provider::start(Script::of([write("one.md"), write("two.md"), Turn::text("Done.")])).await;
    let mut spec = stage.api(&provider);
    spec.rules = vec![rule(Verdict::Ask)];
    let mut worker = stage.start(&spec).await;
    let (key, _) = asked(&worker, 1).await;
    // The rules come before the answer does, on the same connection.
    daemon.rules(vec![rule(Verdict::Deny)]);
    daemon.answer(&key, &Decision::allow(None).answer());
    let ended = worker.ends().await;
    assert_eq!(files(&ended), [true, false], "{}", worker.story());
    assert_eq!(approvals(&worker).len(), 1, "what is forbidden is not asked");
    daemon.leave().await;
}

#[tokio::test]
async fn a_run_that_takes_another_up_acts_on_the_answer_that_one_had() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let provider = Provider::start(Script::of([write("one.md")])).await;
    let mut spec = stage.api(&provider);
    spec.rules = vec![rule(Verdict::Ask)];
    let mut worker = stage.start(&spec).await;
    let (_, approval) = asked(&worker, 1).await;
    worker.signal(rustix::process::Signal::KILL);
    worker.is_gone().await;

    spec.resume_dir = Some(spec.run_dir.clone());
    let answer = Decision::allow(None).answer();
    spec.granted = vec![Granted { agent: "ceo".into(), digest: approval.digest, answer }];
    provider.play(Script::of([write("one.md"), Turn::text("Done.")]));
    let mut worker = stage.start_as(&mut spec, contract::RunId(2)).await;
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, files(&ended)), (Outcome::Completed, vec![true]), "{}", worker.story());
    assert!(approvals(&worker).is_empty() && stage.company.join("one.md").exists());
    daemon.leave().await;
}
