//! Questions to the founder, and their answers.

use contract::*;
use store::{NewRule, Raise};

use super::permissions;
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
            if let Some(rule) = rule(&question) {
                db.rule_set(&rule, Time::now())?;
            }
            Ok((question, event))
        })
        .await?;
    let touched = Touched { spend: question.ask == Ask::Limit, ..Touched::questions(question.job_id) };
    app.announce(question.company_id, &touched, &[event]);
    if rule(&question).is_some() {
        permissions::told(app, question.company_id);
    }
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

/// The rule that an answer makes: the same act is allowed from now on.
fn rule(question: &Question) -> Option<NewRule> {
    let approval = question.approval.as_ref()?;
    let scope = Decision::of_answer(question.answer.as_deref()?)?.always?;
    // Without something exact to be about, it would be about all acts of the kind.
    let subject = approval.subject.clone()?;
    Some(NewRule {
        company_id: question.company_id,
        job_id: (scope == Scope::Job).then_some(question.job_id),
        agent: (scope == Scope::Agent).then(|| question.agent.clone()),
        act: approval.act,
        subject: Some(subject),
        verdict: Verdict::Allow,
        origin: question.answered_by.unwrap_or(Origin::Client),
    })
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
            approval: None,
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
    fn always_is_about_exactly_what_was_asked_and_as_far_as_was_said() {
        let approval = Approval {
            act: Act::Command,
            tool: "Bash".into(),
            action: "git push".into(),
            subject: Some("git push".into()),
            diff: None,
            digest: "d".into(),
        };
        let made = |approval: &Approval, answer: &str| {
            rule(&Question {
                approval: Some(approval.clone()),
                answer: Some(answer.into()),
                answered_by: Some(Origin::Quick),
                ..asked(Ask::Approval)
            })
        };
        let of_job = made(&approval, "Allow always for this job").unwrap();
        assert_eq!((of_job.job_id, of_job.agent, of_job.origin), (Some(JobId(7)), None, Origin::Quick));
        let of_agent = made(&approval, "Allow always for this agent").unwrap();
        assert_eq!((of_agent.job_id, of_agent.agent.as_deref()), (None, Some("cto")));
        let of_company = made(&approval, "Allow always for this company").unwrap();
        assert_eq!((of_company.job_id, of_company.agent, of_company.subject), (None, None, approval.subject.clone()));
        for no_rule in ["Allow", "Deny", "Deny: always"] {
            assert_eq!(made(&approval, no_rule), None, "{no_rule}");
        }
        let vague = Approval { subject: None, ..approval };
        assert_eq!(made(&vague, "Allow always for this company"), None);
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
