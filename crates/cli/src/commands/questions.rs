//! `aicib questions` and `aicib answer`: what waits for the founder, and what the founder says to it.

use contract::{
    Approval, Ask, Decision, Error, ErrorCode, Origin, Question, QuestionAnswerParams, QuestionId, QuestionListParams,
    QuestionPage, methods, role_name,
};

use crate::args::{AnswerArgs, QuestionsArgs};
use crate::ask::{ask, may_ask};
use crate::commands::input::typed_or_stdin;
use crate::commands::which;
use crate::context::{Context, Sheet, line_count, number};
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};
use crate::out::{Ink, aside};
use crate::text::{fit, line, safe, wrap};

/// Questions shown where no number is given.
const DEFAULT_QUESTIONS: i64 = 20;
/// Questions that a refusal names, at most.
const NAMED: usize = 8;
/// Lines of what one has to know to answer, at most; the rest is counted.
const DETAIL_LINES: usize = 60;
/// Lines of an act, at most: more than anybody reads, and a bound all the same.
const ACTION_LINES: usize = 1_000;
/// Lines of a diff, at most.
const DIFF_LINES: usize = 400;

/// Prints questions: those that are open, or all.
pub(crate) async fn questions(context: &mut Context, args: QuestionsArgs) -> Outcome {
    let wanted = args.lines.as_deref().map(line_count).transpose()?.unwrap_or(DEFAULT_QUESTIONS);
    let before = args.before.as_deref().map(question_number).transpose()?;
    let daemon = context.daemon().await?;
    let company = which::company_here(context, &daemon).await?;
    let company_id = company.map(|company| company.company_id);
    let params = QuestionListParams { company_id, job_id: None, open: !args.all, before, limit: None };
    let page = read(&daemon, params, wanted).await?;
    if context.out.json {
        return Ok(context.out.value(&page)?);
    }
    let sheet = context.sheet();
    if page.questions.is_empty() {
        let none = if args.all { "Nobody has asked you anything yet." } else { "Nothing waits for your answer." };
        return Ok(context.out.line(none)?);
    }
    for (index, question) in page.questions.iter().enumerate() {
        if index > 0 {
            context.out.line("")?;
        }
        for line in question_lines(question, &sheet) {
            context.out.line(&line)?;
        }
        context.out.line(&format!("    {}", standing(question, &sheet)))?;
    }
    if let Some(next) = page.next {
        let all = if args.all { " --all" } else { "" };
        let more = format!("There are older ones: `aicib questions{all} --before {next}`");
        context.out.line(&sheet.paint.ink(Ink::Dim, &more))?;
    }
    Ok(())
}

/// As many questions as are wanted, from as many pages as that takes.
async fn read(daemon: &Daemon, mut params: QuestionListParams, wanted: i64) -> Result<QuestionPage, Failure> {
    let mut all = QuestionPage { questions: Vec::new(), next: None };
    let mut left = wanted;
    while left > 0 {
        params.limit = Some(left.min(contract::limits::MAX_PAGE));
        let page = daemon.call::<methods::QuestionList>(params.clone()).await?;
        left -= i64::try_from(page.questions.len()).unwrap_or(i64::MAX);
        let empty = page.questions.is_empty();
        all.questions.extend(page.questions);
        (all.next, params.before) = (page.next, page.next);
        if page.next.is_none() || empty {
            break;
        }
    }
    Ok(all)
}

/// Answers a question.
pub(crate) async fn answer(context: &mut Context, args: AnswerArgs) -> Outcome {
    let (named, answer) = meant(args)?;
    let answer = answer.map(|answer| typed_or_stdin(answer, "The answer")).transpose()?;
    let daemon = context.daemon().await?;
    let question = match named {
        Some(question_id) => find(&daemon, question_id).await?,
        None => match only_open(context, &daemon).await? {
            Some(question) => question,
            None => {
                aside("Nothing was answered.");
                return Ok(());
            }
        },
    };
    let answer = match answer {
        // Whether it is still open is for the daemon to say, and who was faster.
        Some(typed) => answer_to(&question, &typed).map_err(Failure::Usage)?,
        None if may_ask(context) => {
            for line in question_lines(&question, &context.sheet()) {
                aside(&line);
            }
            if question.closed_at.is_some() {
                return Err(closed(&question).into());
            }
            match ask("Your answer, or q to leave:", |typed| answer_to(&question, typed))? {
                Some(answer) => answer,
                None => {
                    aside("Nothing was answered.");
                    return Ok(());
                }
            }
        }
        None => return Err(Failure::usage(needs_an_answer(&question))),
    };
    let params = QuestionAnswerParams { question_id: question.question_id, answer, origin: Origin::Cli };
    let question = daemon.call::<methods::QuestionAnswer>(params).await?;
    if context.out.json {
        return Ok(context.out.value(&question)?);
    }
    Ok(context.out.line(&format!(
        "Question {} of job #{} is answered: “{}”",
        question.question_id,
        question.job_id,
        line(question.answer.as_deref().unwrap_or_default(), 200)
    ))?)
}

/// Which question was named, and what was said to it. A number alone is a question's.
fn meant(args: AnswerArgs) -> Result<(Option<QuestionId>, Option<String>), Failure> {
    match (args.question, args.answer) {
        (None, _) => Ok((None, None)),
        (Some(question), Some(answer)) => Ok((Some(question_number(&question)?), Some(answer))),
        (Some(only), None) if only.trim_start_matches('#').parse::<i64>().is_ok() => {
            Ok((Some(question_number(&only)?), None))
        }
        (Some(only), None) => Ok((None, Some(only))),
    }
}

pub(crate) fn question_number(typed: &str) -> Result<QuestionId, Failure> {
    Ok(QuestionId(number(typed.trim_start_matches('#'), "The question")?))
}

/// The question of that number.
pub(crate) async fn find(daemon: &Daemon, question_id: QuestionId) -> Result<Question, Failure> {
    let before = Some(QuestionId(question_id.0.saturating_add(1)));
    let params = QuestionListParams { before, limit: Some(1), ..QuestionListParams::default() };
    let page = daemon.call::<methods::QuestionList>(params).await?;
    let found = page.questions.into_iter().next().filter(|question| question.question_id == question_id);
    found.ok_or_else(|| {
        Error::new(
            ErrorCode::QUESTION_NOT_FOUND,
            format!("There is no question {question_id}."),
            "`aicib questions` shows those that are open.",
        )
        .into()
    })
}

/// The only open question of the company here; of several, the one that is picked. `None` where none is.
async fn only_open(context: &Context, daemon: &Daemon) -> Result<Option<Question>, Failure> {
    let company = which::company_here(context, daemon).await?.map(|company| company.company_id);
    let limit = Some(contract::limits::MAX_PAGE);
    let params = QuestionListParams { company_id: company, open: true, limit, ..QuestionListParams::default() };
    let mut open = daemon.call::<methods::QuestionList>(params).await?.questions;
    open.reverse();
    match open.as_slice() {
        [] => Err(Error::new(
            ErrorCode::QUESTION_NOT_FOUND,
            "Nothing waits for your answer.",
            "`aicib questions --all` shows what was asked before.",
        )
        .into()),
        [only] => Ok(Some(only.clone())),
        several if may_ask(context) => {
            let sheet = context.sheet();
            for question in several {
                aside(&in_a_line(question, &sheet));
            }
            let picked = ask("Which question? Its number, or q to leave:", |typed| {
                let number = typed.trim_start_matches('#').parse().map(QuestionId);
                let question = number.ok().and_then(|id| several.iter().find(|question| question.question_id == id));
                question.cloned().ok_or_else(|| format!("{:?} is not the number of one of them.", line(typed, 40)))
            })?;
            Ok(picked)
        }
        several => Err(Failure::usage(which_one(several))),
    }
}

fn which_one(several: &[Question]) -> String {
    let mut named: Vec<String> = several
        .iter()
        .take(NAMED)
        .map(|question| format!("{} “{}”", question.question_id, line(&question.text, 60)))
        .collect();
    if several.len() > NAMED {
        named.push(format!("{} more", several.len() - NAMED));
    }
    let first = several.first().map_or(0, |question| question.question_id.0);
    format!("{} questions are open: {}. Say which, such as `aicib answer {first} …`.", several.len(), named.join(", "))
}

fn needs_an_answer(question: &Question) -> String {
    let options = match options(question) {
        options if options.is_empty() => String::new(),
        options => format!(" Its answers are {options}."),
    };
    format!("What is the answer? `aicib answer {} \"…\"`.{options}", question.question_id)
}

fn closed(question: &Question) -> Error {
    Error::new(
        ErrorCode::QUESTION_CLOSED,
        format!("Question {} {}.", question.question_id, answered_from(question)),
        "`aicib say` says more to a job at work.",
    )
}

/// What `typed` means as an answer to the question; else why it is none.
pub(crate) fn answer_to(question: &Question, typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err("An answer has at least a character.".to_owned());
    }
    if question.options.is_empty() {
        return Ok(typed.to_owned());
    }
    if let Some(decision) = question.approval.as_ref().and_then(|_| decision(typed)) {
        return Ok(decision.answer());
    }
    let lower = typed.to_lowercase();
    if let Some(very) = question.options.iter().find(|option| option.trim().to_lowercase() == lower) {
        return Ok(very.clone());
    }
    if let Some(numbered) = typed.parse::<usize>().ok().and_then(|number| question.options.get(number.checked_sub(1)?))
    {
        return Ok(numbered.clone());
    }
    let begins: Vec<&String> =
        question.options.iter().filter(|option| option.to_lowercase().starts_with(&lower)).collect();
    match begins.as_slice() {
        [one] => Ok((*one).clone()),
        _ => Err(format!("{:?} is none of its answers, which are {}.", line(typed, 60), options(question))),
    }
}

/// A decision in the words of whoever types: "yes", "deny, because…", "always for this job".
fn decision(typed: &str) -> Option<Decision> {
    if let Some(decision) = Decision::of_answer(typed) {
        return Some(decision);
    }
    let lower = typed.to_lowercase();
    match lower.as_str() {
        "y" | "yes" => return Some(Decision::allow(None)),
        "n" | "no" => return Some(Decision::deny("")),
        _ => {}
    }
    if let Some(rest) = lower.strip_prefix("always ") {
        let scope = rest.trim_start_matches("for ").trim_start_matches("this ").trim_start_matches("the ");
        return contract::Scope::from_name(scope.trim()).map(|scope| Decision::allow(Some(scope)));
    }
    let (word, why) = typed.split_once([' ', ',', ':'])?;
    let denies = matches!(word.to_lowercase().as_str(), "deny" | "no" | "n");
    denies.then(|| Decision::deny(why.trim_start_matches([' ', ',', ':'])))
}

fn options(question: &Question) -> String {
    let options = question.options.iter().zip(1..);
    options.map(|(option, number)| format!("{number} “{}”", line(option, 80))).collect::<Vec<_>>().join(", ")
}

/// How a question that is closed came to be ("was answered from the Desk: “Yes”").
pub(crate) fn answered_from(question: &Question) -> String {
    match (&question.answer, question.answered_by) {
        (Some(answer), Some(by)) => format!("was answered {}: “{}”", from(by), line(answer, 200)),
        (Some(answer), None) => format!("was answered: “{}”", line(answer, 200)),
        (None, _) => "is closed without an answer: its run has ended".to_owned(),
    }
}

/// A door, as where something came from.
pub(crate) const fn from(origin: Origin) -> &'static str {
    match origin {
        Origin::Cli => "in a terminal",
        Origin::Desk => "at the Desk",
        Origin::Quick => "in Quick brief",
        Origin::Notification => "on a notification",
        Origin::Timeout => "by nobody: the time for it was over",
        Origin::Client => "by another program",
    }
}

/// Whether it waits for an answer, and how to give it; else how it was closed.
fn standing(question: &Question, sheet: &Sheet) -> String {
    match question.closed_at {
        None => sheet.paint.ink(Ink::Yellow, &how_to(question)),
        Some(at) => {
            let how = format!("It {}", answered_from(question));
            sheet.paint.ink(Ink::Dim, &format!("{how} · {}", sheet.clock.show(at)))
        }
    }
}

/// How to answer an open question.
pub(crate) fn how_to(question: &Question) -> String {
    let number = question.question_id;
    match question.approval {
        Some(_) => format!("Decide: `aicib approve {number}` or `aicib deny {number}`"),
        None => format!("Answer it: `aicib answer {number}`"),
    }
}

const fn kind(ask: Ask) -> &'static str {
    match ask {
        Ask::Decision => "asks you",
        Ask::Limit => "has reached a limit",
        Ask::Loop => "goes round in circles",
        Ask::Approval => "asks for leave to act",
    }
}

/// A question in full: who asks, for which job, what, and what can be said to it.
pub(crate) fn question_lines(question: &Question, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let who = line(&role_name(&question.agent), 40);
    let number = format!("Question {}", question.question_id);
    let facts = format!("{who} {}", kind(question.ask));
    let job = format!("job #{} · {}", question.job_id, sheet.clock.ago(question.asked_at));
    let mut lines = vec![format!("{}  {facts}  {}", paint.ink(Ink::Bold, &number), paint.ink(Ink::Dim, &job))];
    lines.push(paint.ink(Ink::Dim, &format!("    {}", fit(&question.title, sheet.left(4)))));
    lines.extend(wrap(&question.text, sheet.left(4)).into_iter().map(|text| format!("    {text}")));
    if let Some(approval) = &question.approval {
        lines.extend(approval_lines(approval, sheet));
    }
    // A command is shown as it is, not as it fits: where it is cut, that is said.
    let detail = safe(&question.detail);
    let detail: Vec<&str> = detail.trim_end().lines().collect();
    lines.extend(detail.iter().take(DETAIL_LINES).map(|text| format!("    | {text}")));
    if detail.len() > DETAIL_LINES {
        lines.push(format!("    | … {} more lines, with --json", detail.len() - DETAIL_LINES));
    }
    for (option, number) in question.options.iter().zip(1..) {
        lines.push(format!("    {}  {}", paint.ink(Ink::Bold, &number.to_string()), line(option, 200)));
    }
    lines
}

/// What would be done: all of it, with nothing hidden in it, and each line marked so that none can pass for one of ours.
fn approval_lines(approval: &Approval, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let kind = format!("{} · {}", approval.act.label(), line(&approval.tool, 60));
    let mut lines = vec![format!("    {}", paint.ink(Ink::Yellow, &kind))];
    let marked = |text: &str, most: usize| {
        let shown = contract::visible(text);
        let all: Vec<&str> = shown.trim_end_matches('\n').split('\n').collect();
        let mut marked: Vec<String> = all.iter().take(most).map(|text| (*text).to_owned()).collect();
        if all.len() > most {
            marked.push(format!("… {} more lines, with --json", all.len() - most));
        }
        marked
    };
    lines.extend(marked(&approval.action, ACTION_LINES).into_iter().map(|text| format!("    | {text}")));
    for text in approval.diff.iter().flat_map(|diff| marked(diff, DIFF_LINES)) {
        let ink = match text.chars().next() {
            Some('+') => Ink::Green,
            Some('-') => Ink::Red,
            _ => Ink::Dim,
        };
        lines.push(format!("    | {}", paint.ink(ink, &text)));
    }
    lines
}

/// A question in a line.
pub(crate) fn in_a_line(question: &Question, sheet: &Sheet) -> String {
    let head = format!("  {}  {}: ", question.question_id, line(&role_name(&question.agent), 24));
    let asked = match &question.approval {
        Some(approval) => format!("{}: {}", approval.act.label(), contract::visible(&approval.action)),
        None => question.text.clone(),
    };
    let text = fit(&asked, sheet.left(head.chars().count()));
    format!("{head}{text}")
}
