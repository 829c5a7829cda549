//! What a program calls its tool calls and the work it hands out, and what we call them. Its names are hostile, and not
//! unique in a run.

use std::collections::HashMap;
use std::time::Instant;

use contract::{
    Error, EventBody, FileChange, Money, clip, limits::MAX_EVENT_OUTPUT_BYTES, limits::MAX_EVENT_TEXT_BYTES, one_line,
};
use serde_json::Value;

use crate::agent_loop::kept;
use crate::calls::millis;
use crate::gate::{Gate, Intent};
use crate::play::{Desk, Fell, Play};
use crate::voice::Voice;

/// Tool calls and delegations of one conversation that are under way at a time, at most. What is beyond is not told.
const MAX_OPEN: usize = 2_000;
/// Characters of what a call is about, and of how it went.
const FEW_WORDS: usize = 120;
/// Characters of a report's line.
const SUMMARY: usize = 200;

/// Calls and delegations under way.
#[derive(Default)]
pub(super) struct Spans {
    calls: HashMap<String, Call>,
    spans: HashMap<String, Span>,
}

/// A tool call under way.
struct Call {
    name: String,
    tool: String,
    parent: Option<String>,
    began: Instant,
    change: Option<FileChange>,
    /// Whether it was told: one whose input is not known yet is told once it is.
    told: bool,
}

/// Work that the program handed out by itself.
struct Span {
    name: String,
    role: String,
    above: Option<String>,
    began: Instant,
    cost: Money,
}

impl Spans {
    /// Who is at work inside `parent`: role, and the span as we call it. The conversation's own agent where nobody
    /// knows that parent.
    pub fn who<'s>(&'s self, desk: &'s Desk<'_>, parent: Option<&str>) -> (&'s str, Option<&'s str>) {
        match parent.and_then(|parent| self.spans.get(parent)) {
            Some(span) => (&span.role, Some(&span.name)),
            None => (desk.voice.role, desk.voice.span),
        }
    }

    /// Whether work is under way that goes by this name; none is the conversation's own.
    pub fn knows(&self, parent: Option<&str>) -> bool {
        parent.is_none_or(|parent| self.spans.contains_key(parent))
    }

    /// Speaks for whoever is at work inside `parent`.
    pub fn voice<'s>(&'s self, play: &'s Play<'_>, desk: &'s Desk<'_>, parent: Option<&str>) -> Voice<'s> {
        let (role, span) = self.who(desk, parent);
        Voice::new(play.host, role, span)
    }

    /// A tool call began, or more is known of one that did. Its intent where it was told now.
    pub fn tool_started(
        &mut self,
        (play, desk, gate): (&Play<'_>, &Desk<'_>, &Gate),
        id: &str,
        tool: &str,
        input: &Value,
        parent: Option<String>,
    ) -> Result<Option<Intent>, Error> {
        if self.calls.get(id).is_some_and(|call| call.told) {
            return Ok(None);
        }
        if !self.calls.contains_key(id) && self.calls.len() >= MAX_OPEN {
            return Ok(None);
        }
        let is_bare = input.is_null() || input.as_object().is_some_and(serde_json::Map::is_empty);
        let is_new = !self.calls.contains_key(id);
        let call = self.calls.entry(id.to_owned()).or_insert_with(|| Call {
            name: play.brief.ids.next_call(),
            tool: one_line(tool, FEW_WORDS),
            parent,
            began: Instant::now(),
            change: None,
            told: false,
        });
        if is_bare && is_new {
            return Ok(None);
        }
        let intent = gate.intent(tool, input);
        call.told = true;
        call.change = change(&intent, &play.brief.company.dir);
        let body = EventBody::ToolStarted {
            call: call.name.clone(),
            tool: call.tool.clone(),
            subject: one_line(&intent.action, FEW_WORDS),
            input: kept(input),
        };
        let parent = call.parent.clone();
        self.voice(play, desk, parent.as_deref()).emit(body)?;
        Ok(Some(intent))
    }

    /// A tool call ended.
    pub fn tool_finished(
        &mut self,
        at: (&Play<'_>, &Desk<'_>, &Gate),
        id: &str,
        ok: bool,
        output: &str,
    ) -> Result<(), Error> {
        let (play, desk, _) = at;
        let Some(call) = self.calls.get(id) else { return Ok(()) };
        if !call.told {
            let (tool, parent) = (call.tool.clone(), call.parent.clone());
            self.tool_started(at, id, &tool, &Value::Null, parent)?;
        }
        let Some(call) = self.calls.remove(id) else { return Ok(()) };
        if ok && let Some(change) = &call.change {
            desk.changed([change.path.clone()]);
        }
        self.voice(play, desk, call.parent.as_deref()).emit(EventBody::ToolFinished {
            call: call.name,
            tool: call.tool,
            ok,
            summary: one_line(output.lines().find(|line| !line.trim().is_empty()).unwrap_or_default(), FEW_WORDS),
            output: clip(output, MAX_EVENT_OUTPUT_BYTES).into_owned(),
            change: call.change.filter(|_| ok),
            duration_ms: millis(call.began.elapsed()),
        })
    }

    /// The program handed out work by itself.
    pub fn handed_out(
        &mut self,
        (play, desk, _): (&Play<'_>, &Desk<'_>, &Gate),
        id: &str,
        to: &str,
        task: &str,
        parent: Option<String>,
    ) -> Result<(), Fell> {
        if self.spans.contains_key(id) || self.spans.len() >= MAX_OPEN {
            return Ok(());
        }
        let agent = play.brief.company.agent(to);
        let role = agent.map_or_else(|| one_line(to, 60), |agent| agent.role.clone());
        let name = format!("d{}", play.brief.ids.next_span());
        let body = EventBody::DelegationStarted {
            span: name.clone(),
            to: role.clone(),
            task: clip(task, MAX_EVENT_TEXT_BYTES).into_owned(),
        };
        self.voice(play, desk, parent.as_deref()).emit(body)?;
        let by_ceo = desk.depth == 0 && parent.is_none();
        play.steps().handed_out(by_ceo, std::iter::once(role.as_str()));
        let on_screen = agent.map_or_else(|| contract::role_name(&role), |agent| agent.name.clone());
        play.progress(format!("{} at work", one_line(&on_screen, FEW_WORDS)))?;
        if by_ceo {
            play.steps().began(&name, &role);
        }
        self.spans.insert(id.to_owned(), Span { name, role, above: parent, began: Instant::now(), cost: Money::ZERO });
        Ok(())
    }

    /// That work came back.
    pub fn came_back(
        &mut self,
        (play, desk, _): (&Play<'_>, &Desk<'_>, &Gate),
        id: &str,
        ok: bool,
        summary: &str,
    ) -> Result<(), Fell> {
        let Some(span) = self.spans.remove(id) else { return Ok(()) };
        self.voice(play, desk, span.above.as_deref()).emit(EventBody::DelegationFinished {
            span: span.name.clone(),
            to: span.role.clone(),
            ok,
            summary: one_line(summary, SUMMARY),
            duration_ms: millis(span.began.elapsed()),
            cost_usd: span.cost,
        })?;
        play.steps().ended(&span.name, ok);
        let agent = play.brief.company.agent(&span.role);
        let on_screen = agent.map_or_else(|| contract::role_name(&span.role), |agent| agent.name.clone());
        play.progress(format!("{}: {}", one_line(&on_screen, FEW_WORDS), if ok { "done" } else { "not done" }))
    }

    /// Work inside `parent` has cost so much, as far as anybody knows.
    pub fn cost(&mut self, parent: Option<&str>, cost: Money) {
        let mut at = parent.map(str::to_owned);
        // A program could name spans in a circle.
        for _ in 0..8 {
            let Some(span) = at.as_ref().and_then(|id| self.spans.get_mut(id)) else { return };
            span.cost += cost;
            at.clone_from(&span.above.clone());
        }
    }

    /// Ends what is still under way: nobody is shown at work who is not.
    pub fn end_all(&mut self, at: (&Play<'_>, &Desk<'_>, &Gate), why: &str) -> Result<(), Fell> {
        let calls: Vec<String> = self.calls.keys().cloned().collect();
        for id in calls {
            self.tool_finished(at, &id, false, why)?;
        }
        // The innermost first: whoever handed out ends after what was handed out.
        while let Some(id) = self.innermost() {
            self.came_back(at, &id, false, why)?;
        }
        Ok(())
    }

    fn innermost(&self) -> Option<String> {
        let is_above = |id: &str| self.spans.values().any(|span| span.above.as_deref() == Some(id));
        let inner = self.spans.keys().find(|id| !is_above(id));
        inner.or_else(|| self.spans.keys().next()).cloned()
    }
}

/// The file that a call changes, where it says which one: lines as it says, and whether the file is there yet.
fn change(intent: &Intent, dir: &std::path::Path) -> Option<FileChange> {
    if intent.act != contract::Act::Write || intent.is_command {
        return None;
    }
    let path = std::path::Path::new(intent.subject.as_deref()?);
    let inside = if path.is_absolute() { path.strip_prefix(dir).ok()? } else { path };
    let created = std::fs::symlink_metadata(dir.join(inside)).is_err();
    let lines = |mark: char, head: &str| {
        let diff = intent.diff.as_deref().unwrap_or_default();
        let count = diff.lines().filter(|line| line.starts_with(mark) && !line.starts_with(head)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    let path = inside.to_string_lossy().replace('\\', "/");
    Some(FileChange { path, created, added: lines('+', "+++"), removed: lines('-', "---") })
}
