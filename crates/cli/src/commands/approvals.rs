//! `aicib approve` and `aicib deny`: leave to act, given or refused.

use contract::{Decision, Error, ErrorCode, Origin, Question, QuestionAnswerParams, QuestionListParams, methods};

use crate::args::{ApproveArgs, DenyArgs};
use crate::ask::{ask, may_ask};
use crate::commands::questions::{answered_from, find, in_a_line, question_lines, question_number};
use crate::commands::which;
use crate::context::Context;
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};
use crate::out::aside;
use crate::text::line;

/// Questions that a refusal names, at most.
const NAMED: usize = 8;

/// Allows what is asked.
pub(crate) async fn approve(context: &mut Context, args: ApproveArgs) -> Outcome {
    let decision = Decision::allow(args.always.map(Into::into));
    decide(context, "approve", args.question, &decision).await
}

/// Refuses what is asked; the work goes on without.
pub(crate) async fn deny(context: &mut Context, args: DenyArgs) -> Outcome {
    let decision = Decision::deny(args.reason.as_deref().unwrap_or_default());
    decide(context, "deny", args.question, &decision).await
}

async fn decide(context: &mut Context, verb: &str, named: Option<String>, decision: &Decision) -> Outcome {
    let named = named.as_deref().map(question_number).transpose()?;
    let daemon = context.daemon().await?;
    let question = match named {
        Some(question_id) => find(&daemon, question_id).await?,
        None => match picked(context, &daemon, verb).await? {
            Some(question) => question,
            None => {
                aside("Nothing was decided.");
                return Ok(());
            }
        },
    };
    if question.approval.is_none() {
        return Err(is_another(&question).into());
    }
    // Whether it is still open is for the daemon to say, and who was faster.
    let params =
        QuestionAnswerParams { question_id: question.question_id, answer: decision.answer(), origin: Origin::Cli };
    let question = daemon.call::<methods::QuestionAnswer>(params).await?;
    if context.out.json {
        return Ok(context.out.value(&question)?);
    }
    for said in decided(&question) {
        context.out.line(&said)?;
    }
    Ok(())
}

/// What was decided, in words; the act itself is said again, so that a wrong number is seen.
pub(crate) fn decided(question: &Question) -> Vec<String> {
    let action = question.approval.as_ref().map(|approval| contract::visible(&approval.action)).unwrap_or_default();
    vec![
        format!("Question {} of job #{} {}", question.question_id, question.job_id, answered_from(question)),
        format!("    | {}", line(&action, 400)),
    ]
}

fn is_another(question: &Question) -> Error {
    Error::new(
        ErrorCode::BAD_REQUEST,
        format!("Question {} asks for something else than leave to act.", question.question_id),
        format!("`aicib answer {}` answers it.", question.question_id),
    )
}

/// The one that is picked of those that are open. `None` where none is.
async fn picked(context: &Context, daemon: &Daemon, verb: &str) -> Result<Option<Question>, Failure> {
    let company_id = which::company_here(context, daemon).await?.map(|company| company.company_id);
    let limit = Some(contract::limits::MAX_PAGE);
    let params = QuestionListParams { company_id, open: true, limit, ..QuestionListParams::default() };
    let mut open = daemon.call::<methods::QuestionList>(params).await?.questions;
    open.retain(|question| question.approval.is_some());
    open.reverse();
    let Some(first) = open.first() else {
        let fix = "`aicib questions` shows what else waits for you.";
        return Err(Error::new(ErrorCode::QUESTION_NOT_FOUND, "Nobody asks for leave to act.", fix).into());
    };
    if !may_ask(context) {
        return Err(Failure::usage(which_one(&open, verb)));
    }
    let sheet = context.sheet();
    if let [only] = open.as_slice() {
        // What is decided on is seen first, as a whole.
        for line in question_lines(only, &sheet) {
            aside(&line);
        }
        let word = if verb == "approve" { "Allow it?" } else { "Deny it?" };
        return Ok(crate::ask::confirm(word)?.then(|| first.clone()));
    }
    for question in &open {
        aside(&in_a_line(question, &sheet));
    }
    let picked = ask(&format!("Which one to {verb}? Its number, or q to leave:"), |typed| {
        let number = typed.trim_start_matches('#').parse().map(contract::QuestionId);
        let question = number.ok().and_then(|id| open.iter().find(|question| question.question_id == id));
        question.cloned().ok_or_else(|| format!("{:?} is not the number of one of them.", line(typed, 40)))
    })?;
    let Some(picked) = picked else { return Ok(None) };
    for line in question_lines(&picked, &sheet) {
        aside(&line);
    }
    let word = if verb == "approve" { "Allow it?" } else { "Deny it?" };
    Ok(crate::ask::confirm(word)?.then_some(picked))
}

/// Which are open, where nobody can be asked.
pub(crate) fn which_one(open: &[Question], verb: &str) -> String {
    let action = |question: &Question| {
        question.approval.as_ref().map(|approval| contract::visible(&approval.action)).unwrap_or_default()
    };
    let mut named: Vec<String> = open
        .iter()
        .take(NAMED)
        .map(|question| format!("{} “{}”", question.question_id, line(&action(question), 60)))
        .collect();
    if open.len() > NAMED {
        named.push(format!("{} more", open.len() - NAMED));
    }
    let first = open.first().map_or(0, |question| question.question_id.0);
    format!("Which one? `aicib {verb} {first}`. Open: {}.", named.join(", "))
}
