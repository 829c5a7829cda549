//! Questions to the founder, and their answers.

use contract::*;
use store::Raise;

use crate::app::App;
use crate::hub::Touched;
use crate::runs;

/// Bytes of an answer, at most. Longer texts belong in a file of the company folder.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

pub async fn list(app: &App, params: QuestionListParams) -> Result<QuestionPage, Error> {
    Ok(app.store.read(move |db| db.questions(&params)).await?)
}

/// The first answer counts. Where it raises a limit, the limit is raised in the same transaction: the worker, which
/// hears of it after that, finds its call covered.
pub async fn answer(app: &App, params: QuestionAnswerParams) -> Result<Question, Error> {
    let QuestionAnswerParams { question_id, answer, origin } = params;
    if answer.len() > MAX_ANSWER_BYTES {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("The answer is {} bytes long; {} KB is the most.", answer.len(), MAX_ANSWER_BYTES / 1024),
            "Put the long part into a file of the company folder, and name the file in the answer.",
        ));
    }
    let answer: String = answer.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let (question, event) = app
        .store
        .write(move |db| {
            let (question, event) = db.question_answer(question_id, &answer, origin, Time::now())?;
            let session_id = db.job(question.job_id)?.session_id;
            if let Some((what, to)) = raise(&question, &event, session_id) {
                db.raise_limit(&what, to, Time::now())?;
            }
            Ok((question, event))
        })
        .await?;
    let touched = Touched { spend: question.ask == Ask::Limit, ..Touched::questions(question.job_id) };
    app.announce(question.company_id, &touched, &[event]);
    if let Some(run) = app.runs.get(question.run_id) {
        tokio::spawn(runs::tell_words(app.clone(), run));
    }
    Ok(question)
}

/// The limit that an answer raises, and to how much. Limits of a day and a month are the config's alone.
fn raise(question: &Question, answered: &Event, session_id: SessionId) -> Option<(Raise, Money)> {
    let EventBody::Answered { key, answer, .. } = &answered.entry.body else { return None };
    if question.ask != Ask::Limit {
        return None;
    }
    let to = amount(answer)?;
    let refusal = refusal_of(key)?;
    let what = if refusal == ErrorCode::BUDGET_BRIEF {
        Raise::Job(question.job_id)
    } else if refusal == ErrorCode::BUDGET_SESSION {
        Raise::Session(session_id)
    } else if refusal == ErrorCode::BUDGET_AGENT {
        Raise::Agent { company_id: question.company_id, agent: question.agent.clone() }
    } else {
        return None;
    };
    Some((what, to))
}

/// The amount that an answer names ("Go on up to $7.50").
fn amount(answer: &str) -> Option<Money> {
    let (_, amount) = answer.rsplit_once('$')?;
    let amount = Money::dollars(amount.trim().parse().ok()?)?;
    (amount > Money::ZERO).then_some(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(ask: Ask) -> Question {
        Question {
            question_id: QuestionId(3),
            job_id: JobId(7),
            run_id: RunId(1),
            company_id: CompanyId(1),
            title: "Write a page".into(),
            agent: "cto".into(),
            ask,
            text: String::new(),
            detail: String::new(),
            options: Vec::new(),
            asked_at: Time(1),
            closed_at: None,
            answer: None,
            answered_by: None,
        }
    }

    fn raised(ask: Ask, refusal: ErrorCode, answer: &str) -> Option<(Raise, Money)> {
        let body = EventBody::Answered {
            question_id: QuestionId(3),
            key: limit_question(&refusal, "q1"),
            run_id: RunId(1),
            answer: answer.into(),
            by: Origin::Desk,
        };
        let entry = Entry { at: Time(2), agent: SYSTEM.into(), parent: None, body };
        raise(&asked(ask), &Event { seq: Seq(9), job_id: JobId(7), run_id: None, entry }, SessionId(5))
    }

    #[test]
    fn an_answer_raises_the_limit_that_was_in_the_way_and_no_other() {
        let to = Money::dollars(7.5).unwrap();
        let go_on = "Go on up to $7.50";
        assert_eq!(raised(Ask::Limit, ErrorCode::BUDGET_BRIEF, go_on), Some((Raise::Job(JobId(7)), to)));
        assert_eq!(raised(Ask::Limit, ErrorCode::BUDGET_SESSION, go_on), Some((Raise::Session(SessionId(5)), to)));
        let agent = Raise::Agent { company_id: CompanyId(1), agent: "cto".into() };
        assert_eq!(raised(Ask::Limit, ErrorCode::BUDGET_AGENT, go_on), Some((agent, to)));
        for refusal in [ErrorCode::BUDGET_DAILY, ErrorCode::BUDGET_MONTHLY] {
            assert_eq!(raised(Ask::Limit, refusal, go_on), None, "the config's alone");
        }
        assert_eq!(raised(Ask::Decision, ErrorCode::BUDGET_BRIEF, go_on), None);
        for answer in ["End", "$", "Go on up to $-1", "Go on up to $0", "Go on up to $NaN", "Go on up to $1e300"] {
            assert_eq!(raised(Ask::Limit, ErrorCode::BUDGET_BRIEF, answer), None, "{answer}");
        }
    }
}
