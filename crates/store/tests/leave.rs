//! Leave to act: questions about acts, the founder's rules, and the names of engines' conversations.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{
    Act, Approval, Ask, CompanyId, Confined, Decision, EngineKind, Error, ErrorCode, EventBody, JobChange, JobId,
    Origin, QuestionId, RuleId, Time, Verdict,
};
use store::{NewRule, Settlement};
use support::*;

fn approval(digest: &str) -> Approval {
    Approval {
        act: Act::Command,
        tool: "Bash".into(),
        action: "git push origin main".into(),
        subject: Some("git push origin main".into()),
        diff: None,
        digest: digest.into(),
    }
}

fn asks(key: &str, approval: Option<Approval>) -> EventBody {
    EventBody::Asked {
        key: key.into(),
        ask: Ask::Approval,
        text: "The CTO wants to run a command".into(),
        detail: String::new(),
        options: Decision::options(),
        approval,
    }
}

fn called() -> EventBody {
    EventBody::ToolFinished {
        call: "t1".into(),
        tool: "Bash".into(),
        ok: true,
        summary: "exit 0".into(),
        output: String::new(),
        change: None,
        duration_ms: 1,
    }
}

fn rule(company_id: CompanyId, agent: Option<&str>, subject: Option<&str>, verdict: Verdict) -> NewRule {
    NewRule {
        company_id,
        job_id: None,
        agent: agent.map(str::to_owned),
        act: Act::Command,
        subject: subject.map(str::to_owned),
        verdict,
        origin: Origin::Desk,
    }
}

#[test]
fn a_question_about_an_act_takes_a_decision_and_nothing_else() {
    let home = Home::new();
    let (_, run) = home.running("acme");
    let appended = home.append(run, spool([entry("cto", None, 1, asks("k1", Some(approval("d1"))))]));
    let id = QuestionId(appended.events[0].seq.0);
    let shown = home.read(move |read| read.question(id));
    assert_eq!((shown.ask, shown.approval), (Ask::Approval, Some(approval("d1"))));
    for nothing in ["yes", "Allowed", "Go on"] {
        let refused = home.try_write(move |write| write.question_answer(id, nothing, Origin::Desk, later(2)));
        assert_eq!(Error::from(refused.unwrap_err()).code, ErrorCode::BAD_REQUEST, "{nothing}");
    }
    home.write(move |write| write.question_answer(id, "Deny: not on a Friday", Origin::Notification, later(2)));
    let late = home.try_write(move |write| write.question_answer(id, "Allow", Origin::Cli, later(3)));
    let late = Error::from(late.unwrap_err());
    assert!(late.message.contains("from a notification: “Deny: not on a Friday”"), "{late}");
}

#[test]
fn an_act_that_is_not_said_cannot_be_decided() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    home.append(run, spool([entry("cto", None, 1, asks("k1", None))]));
    assert!(home.read(move |read| read.open_questions(job.company_id)).is_empty());
    let long = Approval { action: "x".repeat(1_000_000), subject: Some("x".repeat(1_000_000)), ..approval("d") };
    home.append(run, vec![line(2, entry("cto", None, 2, asks("k2", Some(long))))]);
    let shown = home.read(move |read| read.open_questions(job.company_id)).remove(0).approval.unwrap();
    assert!(shown.action.len() < 70_000 && shown.action.contains("bytes left out"));
    assert_eq!(shown.subject, None, "nobody says always to what cannot be read");
}

#[test]
fn an_answer_that_nobody_lived_to_act_on_holds_for_the_next_run() {
    let home = Home::new();
    let (_, run) = home.running("acme");
    let entries = [entry("cto", None, 1, asks("k1", Some(approval("done")))), entry("cto", None, 2, called())];
    let appended = home.append(run, spool(entries));
    let done = QuestionId(appended.events[0].seq.0);
    home.write(move |write| write.question_answer(done, "Allow", Origin::Desk, later(3)));
    assert!(home.read(move |read| read.granted_of(run)).is_empty(), "it was acted on");

    let appended = home.append(run, vec![line(3, entry("cto", None, 4, asks("k2", Some(approval("open")))))]);
    let open = QuestionId(appended.events[0].seq.0);
    assert!(home.read(move |read| read.granted_of(run)).is_empty());
    assert_eq!(home.read(|read| read.approvals_since(later(3))), []);
    assert_eq!(home.read(|read| read.approvals_since(later(4))), [open]);
    home.write(move |write| write.question_answer(open, "Allow", Origin::Desk, later(5)));
    home.settle(run, JobChange::Fail, Settlement::default());
    let granted = home.read(move |read| read.granted_of(run));
    let granted: Vec<_> =
        granted.iter().map(|one| (one.agent.as_str(), one.digest.as_str(), one.answer.as_str())).collect();
    assert_eq!(granted, [("cto", "open", "Allow")]);
}

#[test]
fn a_rule_takes_the_place_of_one_about_the_same_thing() {
    let home = Home::new();
    let ((acme, _), (bolt, _)) = (home.company("acme"), home.company("bolt"));
    let set = |new: NewRule| home.write(move |write| write.rule_set(&new, NOON));
    set(rule(acme, None, None, Verdict::Ask));
    set(rule(acme, Some("cto"), Some("git push"), Verdict::Allow));
    set(rule(acme, Some("cto"), Some("git push"), Verdict::Deny));
    set(rule(bolt, None, None, Verdict::Deny));
    let of = |company: CompanyId| {
        let rules = home.read(move |read| read.rules(company));
        rules.into_iter().map(|rule| (rule.agent, rule.subject, rule.verdict)).collect::<Vec<_>>()
    };
    let exact = (Some("cto".to_owned()), Some("git push".to_owned()), Verdict::Deny);
    assert_eq!(of(acme), [exact.clone(), (None, None, Verdict::Ask)]);
    home.write(move |write| write.rule_clear(acme, None, None, Act::Command, None));
    assert_eq!(of(acme), [exact]);
    let id = home.read(move |read| read.rules(bolt))[0].rule_id;
    home.write(move |write| write.rule_remove(id));
    assert!(of(bolt).is_empty());
    let gone = home.try_write(|write| write.rule_remove(RuleId(999)));
    assert_eq!(Error::from(gone.unwrap_err()).code, ErrorCode::RULE_NOT_FOUND);
}

#[test]
fn there_are_as_many_rules_as_anybody_can_read() {
    let home = Home::new();
    let (acme, _) = home.company("acme");
    for n in 0..500 {
        home.write(move |write| write.rule_set(&rule(acme, None, Some(&format!("make {n}")), Verdict::Allow), NOON));
    }
    let more = home.try_write(move |write| write.rule_set(&rule(acme, None, Some("more"), Verdict::Allow), NOON));
    assert_eq!(Error::from(more.unwrap_err()).code, ErrorCode::BAD_REQUEST);
    let long = "x".repeat(100_000);
    let long = home.try_write(move |write| write.rule_set(&rule(acme, None, Some(&long), Verdict::Allow), NOON));
    assert_eq!(Error::from(long.unwrap_err()).code, ErrorCode::BAD_REQUEST);
}

#[test]
fn a_rule_for_a_job_holds_for_that_job_and_is_forgotten_with_it() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let (id, company) = (job.job_id, job.company_id);
    let of_job = NewRule { job_id: Some(id), ..rule(company, None, Some("make"), Verdict::Allow) };
    home.write(move |write| write.rule_set(&of_job, NOON));
    home.write(move |write| write.rule_set(&rule(company, None, None, Verdict::Deny), NOON));
    assert_eq!(home.read(move |read| read.rules_for(company, id)).len(), 2);
    assert_eq!(home.read(move |read| read.rules_for(company, JobId(id.0 + 1))).len(), 1);
    home.settle(run, JobChange::Complete, Settlement::default());
    home.write(move |write| write.prune(Time(i64::MAX), None, 1_000));
    assert_eq!(home.read(move |read| read.rules(company)).len(), 1);
}

#[test]
fn a_conversation_is_taken_up_by_its_last_name() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let started = |engine_agent: &str, name: &str| EventBody::EngineStarted {
        engine: EngineKind::Acp,
        engine_agent: engine_agent.into(),
        conversation: Some(name.into()),
        version: String::new(),
        confined: Confined::Full,
    };
    let entries = [
        entry("ceo", None, 1, started("gemini", "first")),
        entry("ceo", None, 2, started("gemini", "second")),
        entry("cto", Some("d1"), 3, started("gemini", "of a delegated agent")),
        entry("ceo", None, 4, started("opencode", "another")),
    ];
    home.append(run, spool(entries));
    let of = |engine_agent: &'static str| {
        home.read(move |read| read.conversation_of(job.session_id, EngineKind::Acp, engine_agent))
    };
    let known = [of("gemini"), of("opencode"), of("claude")];
    assert_eq!(known, [Some("second".to_owned()), Some("another".to_owned()), None]);
}
