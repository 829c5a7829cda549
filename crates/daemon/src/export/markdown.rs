//! A job as Markdown. What agents said is Markdown already, and loads nothing; what tools gave stands in fences that
//! nothing in it closes.

use std::io::{self, Write};

use contract::{Event, EventBody, FileChange, JobDetail, Time, one_line, role_name};
use jiff::tz::TimeZone;

use super::Page;
use super::inert::inert;

/// Characters of what stands on one line.
const LINE: usize = 300;
/// Files that are named on one line.
const NAMED: usize = 20;

/// Facts first, then the brief, the answer, and what happened.
pub struct Markdown {
    zone: TimeZone,
}

impl Markdown {
    /// With times of the founder's zone.
    pub fn new() -> Markdown {
        Markdown { zone: TimeZone::system() }
    }
}

impl Page for Markdown {
    fn head(&mut self, out: &mut dyn Write, detail: &JobDetail, company: &str) -> io::Result<()> {
        let job = &detail.job;
        writeln!(out, "# Job {}: {}\n", job.job_id, plain(&job.title))?;
        for (name, value) in facts(detail, company, &self.zone) {
            writeln!(out, "- {name}: {}", plain(&value))?;
        }
        writeln!(out, "\n## Brief\n\n{}\n", fenced(&detail.directive))?;
        if let Some(answer) = &detail.answer {
            writeln!(out, "## Answer\n\n{}\n", inert(answer))?;
        }
        if let Some(error) = &job.error {
            writeln!(out, "## Error\n\n{} {} (`{}`)\n", plain(&error.message), plain(&error.fix), error.code.as_str())?;
        }
        writeln!(out, "## What happened\n")
    }

    fn event(&mut self, out: &mut dyn Write, event: &Event) -> io::Result<()> {
        let Some(said) = said(&event.entry.body) else { return Ok(()) };
        let who = role_name(&event.entry.agent);
        writeln!(out, "**{}** {} {}\n", plain(&who), clock(event.entry.at, &self.zone), plain(&said.line))?;
        match said.text {
            Some(Text::Markdown(text)) => writeln!(out, "{}\n", inert(text)),
            Some(Text::Literal(text)) if !text.trim().is_empty() => writeln!(out, "{}\n", fenced(text)),
            _ => Ok(()),
        }
    }

    fn end(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// What an event says to people.
pub(super) struct Said<'e> {
    /// In a line, after who and when.
    pub line: String,
    /// At length.
    pub text: Option<Text<'e>>,
}

/// A longer text.
pub(super) enum Text<'e> {
    /// What an agent wrote.
    Markdown(&'e str),
    /// What is to be read as it is.
    Literal(&'e str),
}

/// What an event says; none for what people need not see.
pub(super) fn said(body: &EventBody) -> Option<Said<'_>> {
    let line = |line: String| Some(Said { line, text: None });
    let with = |line: &str, text| Some(Said { line: line.to_owned(), text: Some(text) });
    match body {
        EventBody::Message { text } => with("", Text::Markdown(text)),
        EventBody::Thinking { text } => with("thinks", Text::Markdown(text)),
        EventBody::ToolStarted { tool, subject, .. } => line(format!("{tool} {subject}")),
        EventBody::ToolFinished { tool, ok, summary, output, .. } => {
            let how = if *ok { "done" } else { "failed" };
            Some(Said { line: format!("{tool} {how}: {summary}"), text: Some(Text::Literal(output)) })
        }
        EventBody::DelegationStarted { to, task, .. } => {
            with(&format!("gives work to {}", role_name(to)), Text::Markdown(task))
        }
        EventBody::DelegationFinished { to, ok, summary, cost_usd, .. } => {
            let how = if *ok { "is done" } else { "did not finish" };
            line(format!("{} {how}: {summary} ({cost_usd})", role_name(to)))
        }
        EventBody::Waiting { detail, over: false, .. } => line(format!("waits: {detail}")),
        EventBody::Notice { text, .. } => line(text.clone()),
        EventBody::Error { error } => line(format!("{} {}", error.message, error.fix)),
        EventBody::Asked { text, approval, .. } => Some(Said {
            line: format!("asks: {text}"),
            text: approval.as_ref().map(|approval| Text::Literal(approval.action.as_str())),
        }),
        EventBody::Answered { answer, .. } => line(format!("The founder answers: {answer}")),
        EventBody::FollowUp { text } => with("The founder adds", Text::Literal(text)),
        EventBody::JobChanged { state, reason, .. } => line(format!("The job is {}. {reason}", state.name())),
        EventBody::EngineStarted { engine, version, .. } => line(format!("works with {} {version}", engine.label())),
        EventBody::FilesFound { changes } => line(format!("Changed beside that: {}", files(changes))),
        EventBody::Usage { .. }
        | EventBody::Progress { .. }
        | EventBody::Waiting { .. }
        | EventBody::RunExited { .. }
        | EventBody::FollowUpTaken { .. }
        | EventBody::Prompt { .. }
        | EventBody::Journal { .. }
        | EventBody::Held { .. } => None,
    }
}

/// Names of changed files, as many as fit a line.
fn files(changes: &[FileChange]) -> String {
    changes.iter().take(NAMED).map(|change| change.path.as_str()).collect::<Vec<_>>().join(", ")
        + &changes
            .len()
            .checked_sub(NAMED)
            .filter(|more| *more > 0)
            .map_or_else(String::new, |n| format!(" and {n} more"))
}

/// What is known of a job, by name.
pub(super) fn facts(detail: &JobDetail, company: &str, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let job = &detail.job;
    let time = |at: Option<Time>| at.map_or_else(|| "–".to_owned(), |at| day_and_clock(at, zone));
    vec![
        ("Company", company.to_owned()),
        ("Sent to", role_name(&job.agent)),
        ("State", [job.state.name(), &job.reason].join(" ").trim().to_owned()),
        ("Engine", job.engine.label().to_owned()),
        ("Created", time(Some(job.created_at))),
        ("Began", time(job.started_at)),
        ("Ended", time(job.finished_at)),
        ("Cost", job.cost_usd.to_string()),
        ("Turns", job.turns.to_string()),
        ("Files changed", detail.files.to_string()),
    ]
}

fn at(time: Time, zone: &TimeZone) -> Option<jiff::Zoned> {
    jiff::Timestamp::from_millisecond(time.0).ok().map(|at| at.to_zoned(zone.clone()))
}

/// A time of day.
pub(super) fn clock(time: Time, zone: &TimeZone) -> String {
    at(time, zone).map_or_else(String::new, |at| at.strftime("%H:%M:%S").to_string())
}

fn day_and_clock(time: Time, zone: &TimeZone) -> String {
    at(time, zone).map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// A text on one line, of which no mark means anything in Markdown.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text, LINE).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A text in a fence that is longer than any in it.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use contract::{Entry, JobId, Seq};

    use super::*;

    #[test]
    fn what_agents_say_loads_nothing() {
        let text = "look: ![x](http://there/a.png)".to_owned();
        let entry = Entry { at: Time(0), agent: "ceo".into(), parent: None, body: EventBody::Message { text } };
        let mut out = Vec::new();
        let event = Event { seq: Seq(1), job_id: JobId(1), run_id: None, entry };
        Markdown::new().event(&mut out, &event).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(page.contains("look: \\![x](http://there/a.png)"), "{page}");
    }

    #[test]
    fn nothing_leaves_its_fence_or_its_line() {
        let hostile = "```\n# A heading\n````\n";
        let shown = fenced(hostile);
        assert!(shown.starts_with("`````text\n") && shown.ends_with("\n`````"), "{shown}");
        assert_eq!(plain("a\n# b <img> [x](y)"), "a \\# b \\<img\\> \\[x\\](y)");
    }
}
