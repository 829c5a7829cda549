//! `aicib questions`, `aicib answer`, and what waits at the top of `aicib status`.

use contract::{Ask, Desk, Origin, Question, QuestionId, Time};

use super::sample::{NOON, desk, question, sheet};
use crate::commands::{answer_to, answered_from, desk_lines, question_lines};
use crate::text::columns;

#[test]
fn a_question_has_all_that_it_takes_to_answer_it() {
    let limit = Question {
        ask: Ask::Limit,
        text: "This brief has reached its limit of $5.00: $4.93 is spent, and the next call may cost $0.31.".into(),
        detail: "Its own limit (--max-cost) is $5.00.\n\u{1b}[2JThe next call is the CMO's.".into(),
        options: vec!["Go on up to $7.50".into(), "End".into()],
        ..question(5)
    };
    let both = [question_lines(&question(4), &sheet()), question_lines(&limit, &sheet())];
    insta::assert_snapshot!(both.concat().join("\n"));
    let long = Question { detail: "x\n".repeat(500), ..question(4) };
    let lines = question_lines(&long, &sheet());
    assert!(lines.len() < 80 && lines.iter().any(|line| line.contains("440 more lines")), "what is cut is said");
}

#[test]
fn an_answer_is_one_of_the_options_or_its_number() {
    let of = |typed: &str, options: &[&str]| {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        answer_to(&Question { options, ..question(4) }, typed)
    };
    let limit = ["Go on up to $7.50", "End"];
    for (typed, answer) in [
        ("Go on up to $7.50", "Go on up to $7.50"),
        (" go ON up to $7.50 ", "Go on up to $7.50"),
        ("1", "Go on up to $7.50"),
        ("2", "End"),
        ("go", "Go on up to $7.50"),
        ("end", "End"),
    ] {
        assert_eq!(of(typed, &limit).as_deref(), Ok(answer), "{typed}");
    }
    for typed in ["", "  ", "0", "3", "-1", "maybe", "99999999999999999999999"] {
        let why = of(typed, &limit).unwrap_err();
        assert!(typed.trim().is_empty() || why.contains("1 “Go on up to $7.50”, 2 “End”"), "{why}");
    }
    assert_eq!(of("2", &["4", "3", "2"]).as_deref(), Ok("2"), "the very text goes before its place");
    assert!(of("acme", &["Acme One", "Acme Two"]).is_err(), "it could be either");
    assert_eq!(of(" Use the second. ", &[]).as_deref(), Ok("Use the second."));
    assert!(of(" ", &[]).is_err());
}

#[test]
fn a_closed_question_says_who_answered_it() {
    let closed = Question { closed_at: Some(Time(NOON)), ..question(4) };
    assert_eq!(answered_from(&closed), "is closed without an answer: its run has ended");
    let answered = Question { answer: Some("The\nfirst".into()), answered_by: Some(Origin::Desk), ..closed };
    assert_eq!(answered_from(&answered), "was answered at the Desk: “The first”");
}

#[test]
fn status_says_first_what_waits_for_the_founder() {
    let one = Desk { questions: vec![question(4)], ..desk() };
    insta::assert_snapshot!(desk_lines(&one, None, &sheet())[..8].join("\n"));
    let text = "公司简介和产品说明\u{1b}[2J".repeat(20);
    let several = vec![question(4), Question { question_id: QuestionId(5), text, ..question(5) }];
    let lines = desk_lines(&Desk { questions: several, team: vec![], ..desk() }, None, &sheet());
    assert!(lines.iter().any(|line| line.contains("`aicib questions`")), "{lines:#?}");
    assert!(lines.iter().all(|line| columns(line) <= 80 && !line.contains('\u{1b}')), "{lines:#?}");
}
