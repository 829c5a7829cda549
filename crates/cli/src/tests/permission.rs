//! `aicib approve`, `aicib deny`, `aicib permissions`, `aicib engines`.

use clap::Parser;
use contract::{
    Act, AgentPermissions, CompanyId, Confined, Confinement, CostBasis, Desk, EngineInfo, EngineKind, EngineList,
    EngineTrial, Error, ErrorCode, Ground, JobId, Login, Money, Origin, Pays, Permission, PermissionTable, Question,
    Rule, RuleId, Support, Time, Verdict,
};

use super::sample::{NOON, approval, desk, question, sheet};
use crate::args::{Cli, Command, PermissionCommand};
use crate::commands::{
    answer_to, decided, desk_lines, engine_lines, question_lines, table_lines, trial_lines, which_one,
};
use crate::text::columns;

/// Nothing in it that a terminal acts on.
fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
}

#[test]
fn what_is_asked_shows_what_would_happen_and_hides_nothing() {
    let shown = question_lines(&approval(12), &sheet()).join("\n");
    assert!(is_plain(&shown), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_long_act_is_shown_as_a_whole() {
    let mut asked = approval(12);
    asked.approval.as_mut().unwrap().action = "echo one\n".repeat(500);
    asked.approval.as_mut().unwrap().diff = Some("+line\n".repeat(1_000));
    let lines = question_lines(&asked, &sheet());
    assert_eq!(lines.iter().filter(|line| line.contains("| echo one")).count(), 500);
    assert!(lines.iter().any(|line| line.contains("600 more lines")), "what is cut of a diff is said");
}

#[test]
fn leave_to_act_stands_first_in_the_status() {
    let shown = Desk { questions: vec![question(4), approval(12)], team: vec![], ..desk() };
    let lines = desk_lines(&shown, None, &sheet());
    assert!(lines.iter().all(|line| is_plain(line) && columns(line) <= 80), "{lines:#?}");
    let at = |number: &str| lines.iter().position(|line| line.starts_with(number)).unwrap();
    assert!(at("  12  ") < at("  4  "), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("aicib approve|deny|answer N")));
    let only = Desk { questions: vec![approval(12)], team: vec![], ..desk() };
    let shown = desk_lines(&only, None, &sheet()).join("\n");
    assert!(shown.contains("`aicib approve 12` or `aicib deny 12`"), "{shown}");
}

#[test]
fn leave_is_given_in_many_words_and_only_in_those() {
    let asked = approval(12);
    for (typed, answer) in [
        ("1", "Allow"),
        ("allow", "Allow"),
        ("y", "Allow"),
        ("2", "Allow always for this job"),
        ("always job", "Allow always for this job"),
        ("always for this agent", "Allow always for this agent"),
        ("always for the company", "Allow always for this company"),
        ("5", "Deny"),
        ("no", "Deny"),
        ("deny: not on a Friday", "Deny: not on a Friday"),
        ("deny not on a Friday", "Deny: not on a Friday"),
        ("no, use the other one", "Deny: use the other one"),
    ] {
        assert_eq!(answer_to(&asked, typed).as_deref(), Ok(answer), "{typed}");
    }
    for typed in ["", "maybe", "sure why not", "6", "always", "always for ever", "allow always for this planet"] {
        assert!(answer_to(&asked, typed).is_err(), "{typed}");
    }
}

#[test]
fn what_was_decided_is_said_with_what_it_was_about() {
    let answered = Question {
        answer: Some("Deny: not now".into()),
        answered_by: Some(Origin::Cli),
        closed_at: Some(Time(NOON)),
        ..approval(12)
    };
    let shown = decided(&answered).join("\n");
    assert!(shown.contains("was answered in a terminal: “Deny: not now”"), "{shown}");
    assert!(shown.contains("| ls⟨300 blanks⟩; rm -rf build⟨U+001B⟩[2K⟨U+202E⟩ echo done"), "{shown}");
    let several: Vec<Question> = (1..=10).map(approval).collect();
    let refusal = which_one(&several, "deny");
    assert!(refusal.contains("`aicib deny 1`") && refusal.contains("2 more") && is_plain(&refusal), "{refusal}");
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
        created_at: Time(NOON),
        origin: Origin::Cli,
    }
}

#[test]
fn permissions_are_a_table_with_the_rules_below() {
    let agent = |role: &str, verdicts: [Verdict; 7]| AgentPermissions {
        role: role.into(),
        name: contract::role_name(role),
        autonomy: "standard".into(),
        permissions: Act::ALL
            .into_iter()
            .zip(verdicts)
            .map(|(act, verdict)| Permission {
                act,
                verdict,
                ground: if act == Act::Command { Ground::Rule } else { Ground::Autonomy },
            })
            .collect(),
    };
    use Verdict::{Allow, Ask, Deny};
    let table = PermissionTable {
        company_id: CompanyId(1),
        agents: vec![
            agent("ceo", [Allow, Allow, Ask, Allow, Allow, Ask, Ask]),
            agent("backend-engineer", [Allow, Ask, Deny, Deny, Ask, Deny, Deny]),
        ],
        rules: vec![
            Rule {
                agent: Some("cto".into()),
                job_id: Some(JobId(7)),
                subject: Some("npm test\u{1b}[2J".into()),
                ..rule(3, Act::Command, Allow)
            },
            rule(2, Act::Publish, Deny),
        ],
    };
    let lines = table_lines(&table, &sheet());
    assert!(lines.iter().all(|line| is_plain(line) && columns(line) <= 90), "{lines:#?}");
    insta::assert_snapshot!(lines.join("\n"));
    let none = PermissionTable { rules: vec![], ..table };
    assert!(table_lines(&none, &sheet()).join("\n").contains("You have made no rules"));
}

#[test]
fn a_rule_is_typed_by_its_names() {
    let typed = |line: &str| Cli::try_parse_from(line.split_whitespace());
    let Ok(Cli { command: Command::Permissions(args), .. }) =
        typed("aicib permissions set write-elsewhere deny --agent cto")
    else {
        panic!("it is not taken")
    };
    let Some(PermissionCommand::Set { act, verdict, about }) = args.command else { panic!("that is another command") };
    assert_eq!((act, verdict, about.agent.as_deref()), (Act::WriteElsewhere, Verdict::Deny, Some("cto")));
    let Ok(Cli { command: Command::Permissions(args), .. }) = typed("aicib permissions acme") else {
        panic!("it is not taken")
    };
    assert_eq!(args.company.as_deref(), Some("acme"));
    for wrong in ["aicib permissions set fly allow", "aicib permissions set read maybe", "aicib permissions set read"] {
        assert!(typed(wrong).is_err(), "{wrong}");
    }
    assert!(typed("aicib approve 7 --always planet").is_err());
}

#[test]
fn engines_say_how_they_stand_and_what_to_do() {
    let engine = |name: &str, kind: EngineKind, ready: bool| EngineInfo {
        engine: name.into(),
        kind,
        label: kind.label().into(),
        program: ready.then(|| "/usr/bin/claude".to_owned()),
        version: ready.then(|| "2.1.328\u{1b}[2J".to_owned()),
        support: ready.then_some(Support::Tested),
        login: if ready { Login::In } else { Login::Out },
        key: ready,
        pays: Pays::Auto,
        ready,
        detail: "It is here.".into(),
        fix: if ready { String::new() } else { "Install it with npm.".into() },
    };
    let list = EngineList {
        engines: vec![
            engine("claude-code", EngineKind::ClaudeCode, true),
            engine("acp:gemini", EngineKind::Acp, false),
        ],
        confinement: Confinement {
            level: Confined::Partly,
            detail: "Signals reach processes outside.".into(),
            fix: "Linux 6.12 has what is missing.".into(),
        },
    };
    let shown = engine_lines(&list, &sheet()).join("\n");
    assert!(is_plain(&shown), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_trial_says_what_it_cost_and_why_it_failed() {
    let trial = EngineTrial {
        ok: true,
        text: "Ready.\u{1b}[2J".into(),
        model: "haiku".into(),
        cost_usd: Money::nanos(1_200_000),
        basis: CostBasis::Reported,
        duration_ms: 1_300,
        error: None,
    };
    let shown = trial_lines(&trial, &sheet()).join("\n");
    assert!(is_plain(&shown) && shown.contains("It answers: “Ready.”") && shown.contains("reported"), "{shown}");
    let error = Error::new(ErrorCode::ENGINE_LOGIN, "Claude Code is not logged in.", "Run `claude` and log in.");
    let failed = EngineTrial { ok: false, text: String::new(), error: Some(error), ..trial };
    let shown = trial_lines(&failed, &sheet()).join("\n");
    assert!(shown.contains("does not answer") && shown.contains("Run `claude` and log in."), "{shown}");
}
