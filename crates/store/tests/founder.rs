//! What passes between the founder and the agents: sessions of heads, questions, follow-ups; and what is left of it, the
//! journal.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{
    AgentState, Ask, CompanyId, Error, ErrorCode, EventBody, EventSearchParams, Job, JobChange, JobId, JobState, Money,
    NoticeKind, Origin, Question, QuestionId, QuestionListParams, RunId, Seq, SessionId, Time,
};
use store::{NewJob, NewNotice, Settlement, StoreError};
use support::*;

fn asked(key: &str, options: &[&str]) -> EventBody {
    EventBody::Asked {
        key: key.into(),
        ask: Ask::Decision,
        text: format!("Which headline for {key}?"),
        detail: "Both are short.".into(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        approval: None,
    }
}

fn answer(home: &Home, id: QuestionId, answer: &'static str) -> Result<Question, StoreError> {
    home.try_write(move |write| write.question_answer(id, answer, Origin::Desk, later(50)))
        .map(|(question, _)| question)
}

fn all(home: &Home, list: QuestionListParams) -> Vec<QuestionId> {
    home.read(move |read| read.questions(&list)).questions.iter().map(|question| question.question_id).collect()
}

/// A head's session in a company that has the CEO's open.
fn head(home: &Home, company: CompanyId, agent: &'static str) -> SessionId {
    home.write(move |write| write.session_open(company, agent, NOON)).session_id
}

fn direct(home: &Home, company: CompanyId, session: SessionId, agent: &str) -> (Job, RunId) {
    let new = NewJob { agent: agent.into(), ..new_job((company, session), "Look at the logs") };
    home.insert(new, NOON).unwrap();
    let claimed = home.claim(100).unwrap();
    (claimed.job.job, claimed.run_id)
}

#[test]
fn a_head_that_is_briefed_directly_has_a_session_of_its_own() {
    let home = Home::new();
    let acme = home.company("acme");
    let cto = head(&home, acme.0, "cto");
    let again = home.try_write(move |write| write.session_open(acme.0, "cto", NOON));
    assert!(matches!(again, Err(StoreError::SessionActive { session }) if session == cto));
    assert_eq!(home.read(move |read| read.open_session(acme.0, "ceo")), Some(acme.1));
    let open = home.read(move |read| read.open_sessions(acme.0));
    let open: Vec<_> = open.iter().map(|session| (session.session_id, session.agent.as_str())).collect();
    assert_eq!(open, [(acme.1, "ceo"), (cto, "cto")]);

    // A brief goes to the session of whom it is for, and to no other's.
    let wrong = NewJob { agent: "cto".into(), ..new_job(acme, "Brief") };
    let error = Error::from(home.insert(wrong, NOON).unwrap_err());
    assert_eq!(error.code, ErrorCode::SESSION_NONE);

    // Both are at work at once, each for itself.
    let for_ceo = home.submit(acme, "Plan the launch").job_id;
    home.claim(100).unwrap();
    let (job, run) = direct(&home, acme.0, cto, "cto");
    assert_eq!((job.agent.as_str(), home.job(for_ceo).agent.as_str()), ("cto", "ceo"));
    assert_eq!(job.activity.unwrap().agent, "cto");
    let team = |home: &Home| home.read(move |read| read.agent_states(acme.0));
    assert_eq!(team(&home).of("cto").job_id, Some(job.job_id));
    assert_eq!(team(&home).of("ceo").job_id, Some(for_ceo));
    home.append(run, spool([entry("cto", None, 5, usage(3, 1, None))]));
    assert_eq!(home.job(job.job_id).turns, 1, "it is its own conversation");

    // Who fails is whom the brief was sent to; and its session ends without the CEO's.
    home.settle(run, JobChange::Fail, Settlement::default());
    assert_eq!((team(&home).of("cto").state, team(&home).of("ceo").state), (AgentState::Error, AgentState::Working));
    home.write(move |write| write.session_close(cto, later(100_000)));
    assert_eq!((team(&home).of("cto").state, team(&home).of("ceo").state), (AgentState::Idle, AgentState::Working));
    let open = home.write(move |write| write.session_reopen(acme.0, cto, later(100_001)));
    assert_eq!((open.agent.as_str(), open.closed_at), ("cto", None));
}

#[test]
fn who_works_for_the_ceo_and_for_the_founder_is_free_after_both() {
    let home = Home::new();
    let acme = home.company("acme");
    let cto = head(&home, acme.0, "cto");
    let ceos = home.submit(acme, "Plan the launch").job_id;
    let run = home.claim(100).unwrap().run_id;
    let (own, own_run) = direct(&home, acme.0, cto, "cto");
    let task = EventBody::DelegationStarted { span: "d1".into(), to: "cto".into(), task: "Estimate it".into() };
    home.append(run, spool([entry("ceo", None, 1, task)]));
    let now = |home: &Home| home.read(move |read| Ok(read.agent_states(acme.0)?.of("cto")));
    assert_eq!(now(&home).job_id, Some(own.job_id));
    home.settle(own_run, JobChange::Complete, Settlement::default());
    assert_eq!((now(&home).job_id, now(&home).task.as_str()), (Some(ceos), "Estimate it"));
    home.settle(run, JobChange::Complete, Settlement::default());
    assert_eq!(now(&home).state, AgentState::Idle);
}

#[test]
fn a_question_waits_for_the_founder_and_the_first_answer_counts() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let lines = spool([
        entry("cmo", Some("d1"), 1, asked("k1", &["First", "Second"])),
        entry("ceo", None, 2, asked("k2", &[])),
        // Read twice, or asked twice, it is one question.
        entry("cmo", Some("d1"), 3, asked("k1", &["Third"])),
    ]);
    let appended = home.append(run, lines.clone());
    assert!(appended.touched.questions);
    assert!(!home.append(run, lines).touched.questions);
    let desk = home.read(move |read| read.open_questions(job.company_id));
    let shown: Vec<_> = desk.iter().map(|q| (q.agent.as_str(), q.title.as_str(), q.options.len())).collect();
    assert_eq!(shown, [("cmo", "Write a company description", 2), ("ceo", "Write a company description", 0)]);
    let (first, second) = (desk[0].question_id, desk[1].question_id);
    assert_eq!(first.0, appended.events[0].seq.0, "a question is found by its event");
    assert_eq!(home.read(move |read| read.answers_of(run)), []);

    let none = Error::from(answer(&home, first, "Third").unwrap_err());
    assert_eq!(none.code, ErrorCode::BAD_REQUEST);
    assert!(none.fix.contains("“First” or “Second”"), "{none}");
    assert_eq!(Error::from(answer(&home, second, "  \n").unwrap_err()).code, ErrorCode::BAD_REQUEST);
    let (answered, event) = home.write(move |write| write.question_answer(first, "Second", Origin::Cli, later(50)));
    let is = (answered.answer.as_deref(), answered.answered_by, answered.closed_at);
    assert_eq!(is, (Some("Second"), Some(Origin::Cli), Some(later(50))));
    let EventBody::Answered { key, run_id, .. } = event.entry.body else { panic!("{event:?}") };
    assert_eq!((key.as_str(), run_id), ("k1", run));

    let late = Error::from(answer(&home, first, "First").unwrap_err());
    assert_eq!(late.code, ErrorCode::QUESTION_CLOSED);
    assert!(late.message.contains("from the terminal: “Second”"), "{late}");
    assert_eq!(home.read(move |read| read.question(first)).answer.as_deref(), Some("Second"));
    assert_eq!(home.read(move |read| read.answers_of(run)), [("k1".to_owned(), "Second".to_owned())]);
    let unknown = Error::from(answer(&home, QuestionId(999), "First").unwrap_err());
    assert_eq!(unknown.code, ErrorCode::QUESTION_NOT_FOUND);

    // What ends closes what is open.
    home.settle(run, JobChange::Cancel, Settlement::default());
    let open = home.read(move |read| read.question(second));
    assert_eq!((open.closed_at.is_some(), open.answer.as_deref()), (true, None));
    let gone = Error::from(answer(&home, second, "Go on").unwrap_err());
    assert!(gone.code == ErrorCode::QUESTION_CLOSED && gone.message.contains("has ended"), "{gone}");
    // What a run still had to say is no question any more.
    home.append(run, vec![line(9, entry("ceo", None, 99, asked("k3", &[])))]);
    assert_eq!(home.read(move |read| read.open_questions(job.company_id)), []);
    assert!(all(&home, QuestionListParams { open: true, ..QuestionListParams::default() }).is_empty());
}

#[test]
fn questions_come_in_pages_and_a_hostile_one_is_cut() {
    let home = Home::new();
    let (acme, run) = home.running("acme");
    let (bolt, other) = home.running("bolt");
    let words = "w".repeat(100_000);
    let hostile = EventBody::Asked {
        key: "long".into(),
        ask: Ask::Loop,
        text: words.clone(),
        detail: words.clone(),
        options: vec![words.clone(); 50],
        approval: None,
    };
    let unnamed = EventBody::Asked {
        key: words,
        ask: Ask::Loop,
        text: String::new(),
        detail: String::new(),
        options: vec![],
        approval: None,
    };
    home.append(other, spool([entry("ceo", None, 1, hostile), entry("ceo", None, 1, unnamed)]));
    home.append(run, spool((0..25).map(|n| entry("ceo", None, n, asked(&format!("k{n}"), &[])))));
    let list = |params: &QuestionListParams| {
        let params = params.clone();
        home.read(move |read| read.questions(&params))
    };
    let cut = list(&QuestionListParams { job_id: Some(bolt.job_id), ..QuestionListParams::default() }).questions;
    assert_eq!((cut.len(), cut[0].options.len()), (1, 10));
    assert!(cut[0].text.len() < 9_000 && cut[0].detail.len() < 33_000 && cut[0].options[0].len() < 600);
    let mut params = QuestionListParams { company_id: Some(acme.company_id), open: true, ..Default::default() };
    params.limit = Some(20);
    let first = list(&params);
    assert_eq!((first.questions.len(), first.next), (20, Some(first.questions[19].question_id)));
    params.before = first.next;
    let rest = list(&params);
    assert_eq!((rest.questions.len(), rest.next), (5, None));
    assert_eq!(all(&home, QuestionListParams::default()).len(), 26);
    assert_eq!(home.read(move |read| read.open_questions(acme.company_id)).len(), 20);
}

#[test]
fn the_founder_is_told_once_of_each_question_and_once_of_the_end() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let appended =
        home.append(run, spool([entry("ceo", None, 1, asked("k1", &[])), entry("ceo", None, 1, asked("k2", &[]))]));
    let [first, second] = [0, 1].map(|n: usize| QuestionId(appended.events[n].seq.0));
    let tell = |question_id: Option<QuestionId>| {
        let (title, body) = ("The CEO asks".into(), String::new());
        let kind = NoticeKind::Question;
        let notice = NewNotice { job_id: job.job_id, question_id, kind, title, body, urgent: true, decidable: false };
        home.write(move |write| write.notice_put(&notice, NOON)).is_some()
    };
    let told = [tell(Some(first)), tell(Some(first)), tell(Some(second)), tell(None), tell(None)];
    assert_eq!(told, [true, false, true, true, false]);
    assert!(home.read(move |read| read.notice_of(job.job_id)).is_some());
    assert_eq!(home.read(|read| read.notices_unreported()).len(), 3);
    // Nobody is told of what was answered.
    answer(&home, first, "Yes").unwrap();
    assert_eq!(home.read(|read| read.notices_unreported()).len(), 2);
}

#[test]
fn more_is_said_to_a_job_at_work_and_to_no_other() {
    let home = Home::new();
    let acme = home.company("acme");
    let first = home.submit(acme, "First").job_id;
    let second = home.submit(acme, "Second").job_id;
    let run = home.claim(9).unwrap().run_id;
    let say = |job: JobId, text: &'static str| home.try_write(move |write| write.follow_up(job, text, later(5)));
    let open = |job: JobId| home.read(move |read| read.follow_ups_open(job));
    let (told, event) = say(first, "Use the second headline.").unwrap();
    assert_eq!((told.job_id, told.seq), (first, event.seq));
    let (_, later_event) = say(first, "And keep it short.").unwrap();
    let both: Vec<_> = open(first).into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(both, [event.seq, later_event.seq]);

    let waiting = Error::from(say(second, "More").unwrap_err());
    assert_eq!(waiting.code, ErrorCode::JOB_NOT_BEGUN);
    assert!(waiting.message.contains("has not begun") && waiting.fix.contains("anew"), "{waiting}");

    // What was heard is not said again; another job's places count for nothing.
    let other = home.running("bolt").1;
    let taken = |seqs: &[Seq]| EventBody::FollowUpTaken { seqs: seqs.to_vec() };
    home.append(other, spool([entry("ceo", None, 1, taken(&[event.seq, later_event.seq]))]));
    assert_eq!(open(first).len(), 2);
    home.append(run, spool([entry("ceo", None, 9, taken(&[event.seq]))]));
    assert_eq!(open(first), [(later_event.seq, "And keep it short.".to_owned())]);

    home.settle(run, JobChange::Complete, Settlement::default());
    assert_eq!(open(first).len(), 1, "what was not heard can still be told");
    let over = Error::from(say(first, "More").unwrap_err());
    assert_eq!(over.code, ErrorCode::JOB_FINAL);
    assert_eq!(home.job(second).state, JobState::Queued);
}

/// A brief that is done, with an entry of the journal.
fn done(home: &Home, company: (CompanyId, SessionId), brief: &str, text: &str) -> JobId {
    let job = home.submit(company, brief).job_id;
    let run = home.claim(9).unwrap().run_id;
    let file = |path: &str| EventBody::ToolFinished {
        call: path.into(),
        tool: "Write".into(),
        ok: true,
        summary: String::new(),
        output: String::new(),
        change: Some(contract::FileChange { path: path.into(), created: true, added: 1, removed: 0 }),
        duration_ms: 1,
    };
    let mut said: Vec<EventBody> = (0..25).map(|n| file(&format!("docs/{n:02}.md"))).collect();
    said.extend([
        usage(7_000, 1, None),
        EventBody::Journal { text: text.into(), cost_usd: Money::nanos(1_000) },
        // One brief, one entry.
        EventBody::Journal { text: "Something else.".into(), cost_usd: Money::ZERO },
    ]);
    home.append(run, spool(said.into_iter().map(|body| entry("ceo", None, 1, body))));
    home.settle(run, JobChange::Complete, Settlement::default());
    job
}

#[test]
fn the_journal_is_read_newest_first_and_found_by_its_words() {
    let home = Home::new();
    let (acme, bolt) = (home.company("acme"), home.company("bolt"));
    let first = done(&home, acme, "Write the imprint", "The imprint was written; the Übergabe is still open.");
    let second = done(&home, acme, "Plan the launch", "A plan for \"spring\" stands in docs.");
    done(&home, bolt, "Write the imprint", "Bolt has an imprint too.");
    let journal =
        |search: Option<&'static str>| home.read(move |read| read.journal(acme.0, search, None, None)).entries;
    let jobs = |search: &'static str| journal(Some(search)).iter().map(|entry| entry.job_id).collect::<Vec<_>>();
    let entries = journal(None);
    assert_eq!(entries.iter().map(|entry| entry.job_id).collect::<Vec<_>>(), [second, first]);
    let entry = &entries[1];
    assert_eq!((entry.title.as_str(), entry.cost_usd, entry.turns), ("Write the imprint", Money::nanos(7_000), 1));
    assert_eq!((entry.files.len(), entry.files[19].as_str()), (20, "docs/19.md"));

    // Title and text, whatever the case and the accents; all words; no other company's.
    assert_eq!(jobs("ubergabe IMPRINT"), [first]);
    assert_eq!(jobs("launch spring"), [second]);
    assert_eq!(jobs("launch imprint"), []);
    assert_eq!((jobs("\"spring\" OR"), jobs(" * ( "), jobs("")), (vec![], vec![], vec![]));
    let page = home.read(move |read| read.journal(acme.0, Some("plan"), None, Some(1)));
    assert_eq!((page.entries.len(), page.next), (1, None));
    let page = home.read(move |read| read.journal(acme.0, Some("the"), None, Some(1)));
    let before = page.next;
    assert_eq!(page.entries[0].job_id, second);
    let page = home.read(move |read| read.journal(acme.0, Some("the"), before, Some(1)));
    assert_eq!((page.entries[0].job_id, page.next), (first, None));
    let page = home.read(move |read| read.journal(acme.0, None, None, Some(1)));
    let next = page.next;
    assert_eq!(home.read(move |read| read.journal(acme.0, None, next, Some(1))).entries[0].job_id, first);
    let latest = home.read(move |read| read.journal_latest(acme.0, 10));
    assert_eq!(latest.iter().map(|entry| entry.job_id).collect::<Vec<_>>(), [first, second]);
}

#[test]
fn a_companys_memory_outlives_its_jobs() {
    let home = Home::new();
    let acme = home.company("acme");
    let old = done(&home, acme, "Write the imprint", "The imprint was written.");
    let (_, run) = {
        let job = home.submit(acme, "Next");
        (job, home.claim(9).unwrap().run_id)
    };
    let before = home.read(move |read| read.journal_latest(acme.0, 9));
    // In pieces: between them nothing is lost, and nothing is counted twice.
    loop {
        let more = home.write(|write| write.prune(Time(i64::MAX), None, 3)).more;
        let report = move |read: &store::Read<'_>| {
            Ok((
                read.cost_report(acme.0, contract::CostBy::Agent, "2026-11-01", "2026-11-30", None)?.total,
                read.agent_spend_today(acme.0, NOON)?["ceo"],
                read.session_spent(acme.1)?,
            ))
        };
        let spent = Money::nanos(7_000);
        assert_eq!(home.read(report), (spent, spent, spent));
        assert_eq!(home.read(move |read| read.journal_latest(acme.0, 9)), before);
        if !more {
            break;
        }
    }
    assert!(home.block_on(home.store.read(move |read| read.job(old))).is_err());
    assert_eq!(home.read(move |read| read.journal(acme.0, Some("imprint"), None, None)).entries, before);
    home.append(run, spool([entry("ceo", None, 1, asked("k", &[]))]));
    let stored = home.dump();
    home.write(|write| write.rebuild_projections());
    assert_eq!(stored, home.dump());
}

#[test]
fn what_founder_and_agents_said_is_found_and_a_prompt_is_not() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let prompt = EventBody::Prompt {
        model: "sonnet".into(),
        system: "You are the CEO, wombat.".into(),
        message: "wombat".into(),
        tools: vec![],
    };
    let journal = EventBody::Journal { text: "A wallaby was seen.".into(), cost_usd: Money::ZERO };
    let lines = [prompt, asked("platypus", &[]), journal];
    let appended = home.append(run, spool(lines.into_iter().map(|body| entry("ceo", None, 1, body))));
    let id = QuestionId(appended.events[1].seq.0);
    answer(&home, id, "Take the quokka").unwrap();
    home.write(move |write| write.follow_up(job.job_id, "And the numbat", NOON));
    for (word, hits) in [("wombat", 0), ("platypus", 1), ("short", 1), ("wallaby", 1), ("quokka", 1), ("numbat", 1)] {
        let params =
            EventSearchParams { query: word.into(), company_id: None, job_id: None, before: None, limit: None };
        assert_eq!(home.read(move |read| read.search(&params)).hits.len(), hits, "{word}");
    }
}
