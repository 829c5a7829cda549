//! Turns of `codex exec`, where Codex has no app-server: each is a process of its own, and asks nobody. What it may do
//! is what its agent may do without asking.

use std::collections::VecDeque;

use async_trait::async_trait;
use contract::{Act, Confined, Decision, Error, Outcome};

use super::args;
use crate::model::Usage;
use crate::programs::{Line, NotOpened, Program, Stand, Talk};
use crate::readers::{CodexExec, End, Happened, Reader};

/// What is said while a turn is under way and waits for its end, at most.
const MAX_LATER: usize = 64;

/// Begins a conversation. One of an earlier run is not taken up: what it had used before would be told as new.
pub(super) fn open<'a>(stand: &Stand<'a>) -> Result<Box<dyn Talk + 'a>, NotOpened> {
    if stand.conversation.is_some() {
        return Err(NotOpened::Unknown);
    }
    Ok(Box::new(ExecTalk {
        stand: stand.clone(),
        thread: None,
        used: Usage::default(),
        turn: None,
        later: VecDeque::new(),
        happened: VecDeque::new(),
        stopped: ::process::Stopped::default(),
        is_closed: false,
    }))
}

struct ExecTalk<'a> {
    stand: Stand<'a>,
    /// Codex's name for the conversation, once it has one.
    thread: Option<String>,
    /// What all turns so far have used: Codex tells totals.
    used: Usage,
    turn: Option<Turn<'a>>,
    later: VecDeque<String>,
    happened: VecDeque<Happened>,
    stopped: ::process::Stopped,
    is_closed: bool,
}

/// A turn under way.
struct Turn<'a> {
    program: Program<'a>,
    reader: CodexExec,
}

impl<'a> ExecTalk<'a> {
    fn start(&mut self, text: &str) -> Result<(), Error> {
        let stand = &self.stand;
        let mut setup = args::setup(stand, &["exec"])?.args(["--json", "--skip-git-repo-check"]);
        if let Some(model) = stand.model {
            setup = setup.args(["-m", model]);
        }
        setup = match sandbox(stand) {
            Some(mode) => setup.args(["-s", mode]),
            None => setup.arg("--dangerously-bypass-approvals-and-sandbox"),
        };
        let first = match &self.thread {
            Some(thread) => {
                setup = setup.args(["resume", thread]);
                text.to_owned()
            }
            None => format!("{}\n\n{text}", stand.system),
        };
        let mut program = Program::start(stand, setup.arg("-"))?;
        program.tell(first)?;
        program.hang_up();
        let reader = CodexExec::new(stand.model.unwrap_or_default(), self.used);
        self.turn = Some(Turn { program, reader });
        Ok(())
    }

    fn heard(&mut self, line: Line) {
        let Some(turn) = &mut self.turn else { return };
        let happened = match line {
            Line::Whole(line) => turn.reader.line(&line),
            Line::TooLong(line) => vec![Happened::Garbage { line }],
        };
        for one in happened {
            match &one {
                Happened::Conversation { id, .. } => self.thread = Some(id.clone()),
                Happened::Used { usage, .. } => add(&mut self.used, usage),
                // A process is a turn: it is over when the process is.
                Happened::TurnEnded(_) => continue,
                _ => {}
            }
            self.happened.push_back(one);
        }
    }

    /// The turn's process has ended, or is to: `by_us`.
    async fn over(&mut self, by_us: bool) {
        let Some(Turn { mut program, mut reader }) = self.turn.take() else { return };
        let stopped = program.close().await;
        self.stopped = sum(self.stopped, stopped);
        let exit = program.exit().await;
        let mut end = reader.end(exit.code, exit.signal, &exit.stderr);
        if by_us {
            end = End { outcome: Outcome::Cancelled, interrupted: true, error: None, text: None, ..end };
        }
        if end.outcome == Outcome::Completed
            && let Some(text) = self.later.pop_front()
        {
            match self.start(&text) {
                Ok(()) => return,
                Err(error) => end = End { outcome: Outcome::Failed, error: Some(error), text: None, ..end },
            }
        }
        self.happened.push_back(Happened::TurnEnded(end));
    }
}

/// What commands of Codex's may do, where nobody is asked: none for all that we let them. A sandbox of its own inside
/// ours would not work, and is not needed.
fn sandbox(stand: &Stand<'_>) -> Option<&'static str> {
    let allows = |act| stand.brief.rules.allow_all(stand.brief.job_id, stand.agent, act);
    // A command can do whatever commands can.
    let commands = stand.brief.company.config.commands != Some(false)
        && [Act::Command, Act::Network, Act::Publish, Act::Spend].into_iter().all(allows);
    match (allows(Act::Write) && commands, stand.brief.confined) {
        (false, _) => Some("read-only"),
        (true, Confined::No) => Some("workspace-write"),
        (true, _) => None,
    }
}

fn add(used: &mut Usage, more: &Usage) {
    used.input = used.input.saturating_add(more.input);
    used.output = used.output.saturating_add(more.output);
    used.cache_read = used.cache_read.saturating_add(more.cache_read);
    used.cache_write = used.cache_write.saturating_add(more.cache_write);
}

fn sum(one: ::process::Stopped, other: ::process::Stopped) -> ::process::Stopped {
    ::process::Stopped { ended: one.ended + other.ended, forced: one.forced + other.forced, left: other.left }
}

#[async_trait]
impl Talk for ExecTalk<'_> {
    async fn send(&mut self, text: &str) -> Result<(), Error> {
        if self.turn.is_none() {
            return self.start(text);
        }
        if self.later.len() >= MAX_LATER {
            self.later.pop_front();
        }
        self.later.push_back(text.to_owned());
        Ok(())
    }

    async fn interrupt(&mut self) -> Result<(), Error> {
        self.later.clear();
        self.over(true).await;
        Ok(())
    }

    async fn answer(&mut self, _ask: &str, _decision: &Decision) -> Result<(), Error> {
        Ok(())
    }

    async fn next(&mut self) -> Option<Happened> {
        loop {
            if let Some(happened) = self.happened.pop_front() {
                return Some(happened);
            }
            let Some(turn) = &mut self.turn else {
                // Between turns there is no process, and nothing happens until something is said.
                return if self.is_closed { None } else { std::future::pending().await };
            };
            match turn.program.next_line().await {
                Some(line) => self.heard(line),
                None => self.over(false).await,
            }
        }
    }

    async fn close(&mut self) -> ::process::Stopped {
        self.is_closed = true;
        self.later.clear();
        if let Some(mut turn) = self.turn.take() {
            let stopped = turn.program.close().await;
            self.stopped = sum(self.stopped, stopped);
        }
        self.stopped
    }
}
