//! Events as readable lines.

use std::collections::HashMap;

use contract::{Confined, CostBasis, Entry, Event, EventBody, JobState, NoticeLevel, StopCounts, role_name};

use crate::commands::answer_from as from;
use crate::context::Clock;
use crate::facts::processes;
use crate::out::{Ink, Paint};
use crate::text::{length, line, safe};

/// Delegations whose depth is remembered, at most: a job with more shows the rest less indented.
const MAX_DELEGATIONS: usize = 10_000;
/// Characters of a one-liner.
const WIDTH: usize = 160;
/// Files that are named on one line.
const FILES: usize = 10;

/// Turns events into lines, in order.
pub(crate) struct EventLines {
    paint: Paint,
    clock: Clock,
    /// How deep inside delegations a delegation's own events stand.
    depth: HashMap<String, usize>,
}

impl EventLines {
    pub(crate) fn new(paint: Paint, clock: Clock) -> EventLines {
        EventLines { paint, clock, depth: HashMap::new() }
    }

    /// The event's lines; none for what people need not see.
    pub(crate) fn of(&mut self, event: &Event) -> Option<String> {
        let entry = &event.entry;
        let depth = self.depth_in(entry.parent.as_deref());
        if let EventBody::DelegationStarted { span, .. } = &entry.body
            && self.depth.len() < MAX_DELEGATIONS
        {
            self.depth.insert(span.clone(), depth + 1);
        }
        let text = self.text(&entry.body)?;
        let time = self.clock.show(entry.at);
        let agent = who(entry);
        let indent = "  ".repeat(depth.min(8));
        let margin = " ".repeat(time.chars().count() + 2) + &indent + "  ";
        let mut lines = text.trim_end().lines();
        let mut out = format!(
            "{}  {indent}{}  {}",
            self.paint.ink(Ink::Dim, &time),
            self.paint.ink(Ink::Cyan, &agent),
            lines.next().unwrap_or_default()
        );
        for more in lines {
            out.push('\n');
            if !more.is_empty() {
                out.push_str(&margin);
                out.push_str(more);
            }
        }
        Some(out)
    }

    /// The exact texts of an agent's first call; none for any other event.
    pub(crate) fn prompt(&self, event: &Event) -> Option<String> {
        let EventBody::Prompt { model, system, message, tools } = &event.entry.body else { return None };
        let head = format!("{}  {}", who(&event.entry), line(model, 60));
        let heading = |text: &str| self.paint.ink(Ink::Dim, text);
        Some(format!(
            "{}  {}\n{} {}\n\n{}\n{}\n\n{}\n{}\n",
            self.paint.ink(Ink::Bold, &head),
            self.paint.ink(Ink::Dim, &self.clock.show(event.entry.at)),
            heading("Tools:"),
            if tools.is_empty() { "none".to_owned() } else { line(&tools.join(", "), 4000) },
            heading("System prompt"),
            safe(system).trim_end(),
            heading("First message"),
            safe(message).trim_end(),
        ))
    }

    fn depth_in(&self, parent: Option<&str>) -> usize {
        parent.map_or(0, |span| self.depth.get(span).copied().unwrap_or(1))
    }

    fn text(&self, body: &EventBody) -> Option<String> {
        let dim = |text: &str| self.paint.ink(Ink::Dim, text);
        let mark = |ok: bool| if ok { self.paint.ink(Ink::Green, "✓") } else { self.paint.ink(Ink::Red, "✗") };
        Some(match body {
            EventBody::Message { text } => safe(text).trim().to_owned(),
            EventBody::Thinking { text } => dim(&format!("thinks: {}", line(text, WIDTH))),
            EventBody::ToolStarted { tool, subject, .. } => {
                dim(&format!("→ {} {}", line(tool, 40), line(subject, WIDTH)))
            }
            EventBody::ToolFinished { tool, ok, summary, duration_ms, .. } => {
                format!("{} {} {} {}", mark(*ok), line(tool, 40), line(summary, WIDTH), dim(&length(*duration_ms)))
            }
            EventBody::DelegationStarted { to, task, .. } => {
                format!("▸ asks {}: {}", line(&role_name(to), 40), line(task, WIDTH))
            }
            EventBody::DelegationFinished { to, ok, summary, duration_ms, cost_usd, .. } => format!(
                "{} {} {}: {} {}",
                mark(*ok),
                line(&role_name(to), 40),
                if *ok { "is done" } else { "did not finish" },
                line(summary, WIDTH),
                dim(&format!("{}, {cost_usd}", length(*duration_ms)))
            ),
            EventBody::Usage { basis: CostBasis::Free, .. } => return None,
            EventBody::Usage { model, input_tokens, output_tokens, cost_usd, basis, .. } => {
                let cost = match basis {
                    CostBasis::Unknown => "price unknown".to_owned(),
                    _ => cost_usd.to_string(),
                };
                dim(&format!("{}: {input_tokens} tokens in, {output_tokens} out, {cost}", line(model, 60)))
            }
            EventBody::Progress { done, total, note, .. } => {
                dim(&format!("step {done} of {total}: {}", line(note, WIDTH)))
            }
            EventBody::Waiting { detail, over: false, until, .. } => {
                let until = until.map(|until| format!(" (until {})", self.clock.show(until))).unwrap_or_default();
                self.paint.ink(Ink::Yellow, &format!("waits: {}{until}", line(detail, WIDTH)))
            }
            EventBody::Waiting { over: true, .. } => dim("goes on"),
            EventBody::Notice { level: NoticeLevel::Info, text } => line(text, 400),
            EventBody::Notice { level: NoticeLevel::Warning, text } => {
                self.paint.ink(Ink::Yellow, &format!("warning: {}", line(text, 400)))
            }
            EventBody::Error { error } => {
                self.paint.ink(Ink::Red, &format!("[ERROR] {}", line(&error.to_string(), 1000)))
            }
            EventBody::RunExited { ended, forced, left, .. } => {
                let stopped = StopCounts { ended: *ended, forced: *forced, left: *left };
                let text = format!("the run is over: {}", processes(&stopped));
                if *left > 0 { self.paint.ink(Ink::Red, &text) } else { dim(&text) }
            }
            EventBody::JobChanged { state, reason, until, stopped } => {
                let mut text = format!("job {}", state.name());
                if let Some(until) = until.filter(|_| !state.is_final()) {
                    let word = if *state == JobState::Waiting { "until" } else { "next" };
                    text.push_str(&format!(", {word} {}", self.clock.show(until)));
                }
                if !reason.is_empty() {
                    text.push_str(&format!(": {}", line(reason, 400)));
                }
                if let Some(stopped) = stopped.filter(|stopped| stopped.ended > 0 || stopped.left > 0) {
                    text.push_str(&format!(" ({})", processes(&stopped)));
                }
                dim(&text)
            }
            EventBody::Asked { approval: Some(approval), text, .. } => {
                let said = format!("asks for leave: {} ({})", line(text, 400), approval.act.label());
                let mut said = self.paint.ink(Ink::Yellow, &said);
                // All of it is in `aicib questions`; here is what one sees at a glance.
                said.push_str(&format!("\n| {}", line(&contract::visible(&approval.action), 1000)));
                said
            }
            EventBody::Asked { text, options, .. } => {
                let mut said = self.paint.ink(Ink::Yellow, &format!("asks you: {}", line(text, 1000)));
                for (option, number) in options.iter().zip(1..) {
                    said.push_str(&format!("\n{number}  {}", line(option, 200)));
                }
                said
            }
            EventBody::Answered { answer, by, .. } => {
                format!("answer {}: {}", from(*by), line(answer, 1000))
            }
            EventBody::FollowUp { text } => format!("say: {}", line(text, 1000)),
            EventBody::FollowUpTaken { .. } => dim("has heard what you said"),
            // As long as a book: shown where it is asked for.
            EventBody::Prompt { .. } => return None,
            EventBody::Journal { text, cost_usd } => {
                format!("journal: {} {}", line(text, 1000), dim(&cost_usd.to_string()))
            }
            EventBody::EngineStarted { engine, engine_agent, version, confined, .. } => {
                let program = match (contract::acp_agent(engine_agent), engine_agent.as_str()) {
                    (Some(agent), _) => agent.label.to_owned(),
                    (None, "") => engine.label().to_owned(),
                    (None, other) => format!("{} {}", engine.label(), line(other, 40)),
                };
                let version = if version.is_empty() { String::new() } else { format!(" {}", line(version, 40)) };
                let confined = match confined {
                    Confined::Full => dim(", confined"),
                    Confined::Partly => self.paint.ink(Ink::Yellow, ", confined in part"),
                    Confined::No => self.paint.ink(Ink::Yellow, ", not confined: it can do what you can do"),
                };
                format!("{}{confined}", dim(&format!("works with {program}{version}")))
            }
            EventBody::FilesFound { changes } => {
                let named: Vec<String> = changes.iter().take(FILES).map(|change| line(&change.path, 80)).collect();
                let more = match changes.len().saturating_sub(FILES) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                dim(&format!("changed beside that: {}{more}", named.join(", ")))
            }
            EventBody::Held { held, all } => {
                let what = if *all { "all jobs" } else { "job" };
                self.paint.ink(Ink::Yellow, &format!("{what} {}", if *held { "on hold" } else { "off hold" }))
            }
        })
    }
}

/// Who it was: an agent, or the founder.
fn who(entry: &Entry) -> String {
    match entry.body {
        EventBody::Answered { .. } | EventBody::FollowUp { .. } => "You".to_owned(),
        _ => line(&role_name(&entry.agent), 24),
    }
}
