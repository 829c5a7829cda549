//! The questions of a job that somebody watches: asked right there, where there is a terminal to ask at; else it is
//! said where they can be answered.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{BufRead as _, Write as _, stderr, stdin};
use std::rc::Rc;

use contract::{
    Error, ErrorCode, JobId, Origin, Question, QuestionAnswerParams, QuestionId, QuestionListParams, methods,
};
use rpc::Home;
use tokio::sync::{Notify, mpsc};

use crate::ask::may_ask;
use crate::commands::questions::{answer_to, answered_from, question_lines};
use crate::context::{Context, Sheet, reach};
use crate::daemon::Daemon;
use crate::out::aside;
use crate::text::line;

/// Open questions of a job that are looked at, at most.
const OPEN: i64 = 100;

/// What one watched job wants to know.
pub(crate) struct Asking {
    job_id: JobId,
    home: Home,
    daemon: Option<Daemon>,
    sheet: Sheet,
    may_ask: bool,
    changed: Rc<Notify>,
    /// The last question that was looked at: those after it are new.
    last: QuestionId,
    /// Those to be asked, in turn; the first one is asked right now.
    open: VecDeque<Question>,
    /// What is typed, once somebody has been asked; no end of it may be waited for by anybody but its thread.
    typed: Option<mpsc::Receiver<String>>,
    /// Whether a line may have been begun for a question that is closed by now.
    begun: bool,
}

impl Asking {
    /// Nothing is asked yet.
    pub(crate) fn of(job_id: JobId, daemon: Daemon, context: &Context) -> Asking {
        Asking {
            job_id,
            home: context.home.clone(),
            daemon: Some(daemon),
            sheet: context.sheet(),
            may_ask: may_ask(context),
            changed: Rc::new(Notify::new()),
            last: QuestionId(0),
            open: VecDeque::new(),
            typed: None,
            begun: false,
        }
    }

    /// To be told when there is a question, or an answer.
    pub(crate) fn changed(&self) -> Rc<Notify> {
        Rc::clone(&self.changed)
    }

    /// Asks for as long as it is awaited.
    pub(crate) async fn go_on(mut self) -> Infallible {
        loop {
            let told = tokio::select! {
                () = self.changed.notified() => self.look().await,
                typed = next(&mut self.typed) => self.take(typed).await,
            };
            if let Err(error) = told {
                aside(&line(&error.to_string(), 1000));
            }
        }
    }

    /// Looks at which questions are open now.
    async fn look(&mut self) -> Result<(), Error> {
        let params = QuestionListParams {
            job_id: Some(self.job_id),
            open: true,
            limit: Some(OPEN),
            ..QuestionListParams::default()
        };
        let mut open = self.call::<methods::QuestionList>(params).await?.questions;
        open.reverse();
        let asked = self.open.front().map(|question| question.question_id);
        self.open.retain(|known| open.iter().any(|question| question.question_id == known.question_id));
        if let Some(asked) = asked.filter(|asked| self.open.front().map(|first| first.question_id) != Some(*asked)) {
            self.begun = true;
            self.closed_elsewhere(asked).await?;
        }
        let last = self.last;
        for question in open.into_iter().filter(|question| question.question_id > last) {
            self.last = question.question_id;
            if self.may_ask {
                self.open.push_back(question);
            } else {
                aside(&elsewhere(&question));
            }
        }
        if self.open.front().map(|first| first.question_id) != asked {
            self.ask();
        }
        Ok(())
    }

    async fn closed_elsewhere(&mut self, question_id: QuestionId) -> Result<(), Error> {
        let params =
            QuestionListParams { job_id: Some(self.job_id), limit: Some(OPEN), ..QuestionListParams::default() };
        let all = self.call::<methods::QuestionList>(params).await?.questions;
        let closed = all.iter().find(|question| question.question_id == question_id);
        let how = closed.map_or_else(|| "is closed".to_owned(), answered_from);
        aside(&format!("\nQuestion {question_id} {how}."));
        Ok(())
    }

    /// Asks the first question.
    fn ask(&mut self) {
        let Some(question) = self.open.front() else { return };
        for line in question_lines(question, &self.sheet) {
            aside(&line);
        }
        let first = if self.begun { "(Press Enter first: what was begun before is left out.) " } else { "" };
        prompt(&format!("{first}Your answer, or q to leave it for later: "));
        if self.typed.is_none() {
            self.typed = Some(lines_of_stdin());
        }
    }

    /// Takes a line that was typed; `None` where no more will be.
    async fn take(&mut self, typed: Option<String>) -> Result<(), Error> {
        let Some(typed) = typed else {
            self.may_ask = false;
            aside("");
            for question in self.open.drain(..) {
                aside(&elsewhere(&question));
            }
            self.typed = None;
            return Ok(());
        };
        if std::mem::take(&mut self.begun) {
            if !self.open.is_empty() {
                prompt("Your answer: ");
            }
            return Ok(());
        }
        let Some(question) = self.open.front() else { return Ok(()) };
        let question_id = question.question_id;
        if matches!(typed.trim(), "q" | "Q" | "quit") {
            aside(&format!("Left for later: `aicib answer {question_id}`."));
        } else {
            let answer = match answer_to(question, &typed) {
                Ok(answer) => answer,
                Err(why) => {
                    aside(&why);
                    prompt("Your answer: ");
                    return Ok(());
                }
            };
            let params = QuestionAnswerParams { question_id, answer, origin: Origin::Cli };
            match self.call::<methods::QuestionAnswer>(params).await {
                Ok(_) => {}
                // Somebody else was faster, or its run has ended: there is nothing left to answer.
                Err(error) if error.code == ErrorCode::QUESTION_CLOSED => aside(&line(&error.to_string(), 1000)),
                Err(error) => {
                    aside(&line(&error.to_string(), 1000));
                    prompt("Your answer: ");
                    return Ok(());
                }
            }
        }
        self.open.pop_front();
        self.ask();
        Ok(())
    }

    /// Calls the daemon; a new one where this one has gone.
    async fn call<M: contract::Method>(&mut self, params: M::Params) -> Result<M::Result, Error>
    where
        M::Params: Clone,
    {
        if let Some(daemon) = &self.daemon {
            match daemon.call_at_length::<M>(params.clone()).await {
                Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE => self.daemon = None,
                outcome => return outcome,
            }
        }
        let (daemon, _notes) = reach(&self.home).await?;
        let outcome = daemon.call_at_length::<M>(params).await;
        self.daemon = Some(daemon);
        outcome
    }
}

/// Where a question can be answered by somebody who cannot be asked here.
fn elsewhere(question: &Question) -> String {
    format!(
        "Question {0} waits for your answer: “{1}” Answer it with `aicib answer {0}` in another terminal, or in the \
         desktop app.",
        question.question_id,
        line(&question.text, 400)
    )
}

async fn next(typed: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match typed {
        Some(typed) => typed.recv().await,
        None => std::future::pending().await,
    }
}

/// The lines of standard input. They are read by a thread of its own, which nobody waits for at the end.
fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn prompt(text: &str) {
    let mut stderr = stderr().lock();
    // A question that nobody can see is still in the list of open ones.
    let _lost = write!(stderr, "{text}").and_then(|()| stderr.flush());
}
