//! `aicib session`: the company's sessions, each a conversation of its CEO.

use contract::{Session, SessionId, SessionListParams, SessionPage, SessionRef, methods, role_name};

use crate::args::SessionCommand;
use crate::commands::company;
use crate::context::{Context, Sheet, line_count, number};
use crate::facts::CEO;
use crate::failure::Outcome;
use crate::out::Ink;
use crate::text::{count, fit, line, pad, pad_left, short_clock};

/// Sessions shown where no number is given.
const DEFAULT_SESSIONS: i64 = 20;

pub(crate) async fn session(context: &mut Context, command: SessionCommand) -> Outcome {
    match command {
        SessionCommand::List { lines, before } => list(context, lines, before).await,
        SessionCommand::Resume { session } => resume(context, &session).await,
        SessionCommand::Start => company::start(context).await,
        SessionCommand::Stop => company::stop(context).await,
    }
}

async fn list(context: &mut Context, lines: Option<String>, before: Option<String>) -> Outcome {
    let mut left = lines.as_deref().map(line_count).transpose()?.unwrap_or(DEFAULT_SESSIONS);
    let mut before = before.as_deref().map(session_number).transpose()?;
    let company = context.company_ref()?;
    let daemon = context.daemon().await?;
    let mut all = SessionPage { sessions: Vec::new(), next: None };
    while left > 0 {
        let limit = Some(left.min(contract::limits::MAX_PAGE));
        let params = SessionListParams { company: company.clone(), before, limit };
        let page = daemon.call::<methods::SessionList>(params).await?;
        left -= i64::try_from(page.sessions.len()).unwrap_or(i64::MAX);
        let empty = page.sessions.is_empty();
        all.sessions.extend(page.sessions);
        (all.next, before) = (page.next, page.next);
        if before.is_none() || empty {
            break;
        }
    }
    if context.out.json {
        return Ok(context.out.value(&all)?);
    }
    let sheet = context.sheet();
    if all.sessions.is_empty() {
        return Ok(context.out.line("There are no sessions yet: `aicib start` opens one.")?);
    }
    for row in rows(&all.sessions, &sheet) {
        context.out.line(&row)?;
    }
    if let Some(next) = all.next {
        let more = format!("There are older ones: `aicib session list --before {next}`");
        context.out.line(&sheet.paint.ink(Ink::Dim, &more))?;
    }
    Ok(())
}

async fn resume(context: &mut Context, typed: &str) -> Outcome {
    let session_id = session_number(typed)?;
    let company = context.company_ref()?;
    let daemon = context.daemon().await?;
    let session = daemon.call::<methods::SessionResume>(SessionRef { company, session_id }).await?;
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(&session)?);
    }
    out.line(&format!(
        "Session {} is open again: its {} remembers {}.",
        session.session_id,
        line(&role_name(&session.agent), 40),
        count(session.jobs, "brief", "briefs")
    ))?;
    company::greeted(out, &session)?;
    Ok(out.line("Next:   aicib brief \"…\"")?)
}

fn session_number(typed: &str) -> Result<SessionId, crate::failure::Failure> {
    Ok(SessionId(number(typed.trim_start_matches('#'), "The session")?))
}

/// Sessions as a table. The latest brief's words come last and take what is left of the line.
pub(crate) fn rows(sessions: &[Session], sheet: &Sheet) -> Vec<String> {
    let clock = &sheet.clock;
    let shown = |time| short_clock(time, clock.now, &clock.zone);
    let mut rows = vec![["SESSION", "OPENED", "CLOSED", "BRIEFS"].map(str::to_owned)];
    rows.extend(sessions.iter().map(|session| {
        [
            session.session_id.to_string(),
            shown(session.opened_at),
            session.closed_at.map_or_else(|| "open".to_owned(), shown),
            session.jobs.to_string(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let taken = widths.iter().sum::<usize>() + 2 * widths.len();
    let lines = rows.iter().enumerate().map(|(index, row)| {
        let latest = match index.checked_sub(1).and_then(|index| sessions.get(index)) {
            None => "LATEST BRIEF".to_owned(),
            Some(session) if session.agent == CEO => fit(&session.latest, sheet.left(taken)),
            Some(session) => fit(&format!("{}: {}", role_name(&session.agent), session.latest), sheet.left(taken)),
        };
        let [id, opened, closed, briefs] = row;
        let row_text = format!(
            "{}  {}  {}  {}  {latest}",
            pad_left(id, widths[0]),
            pad(opened, widths[1]),
            pad(closed, widths[2]),
            pad_left(briefs, widths[3])
        );
        let row = row_text.trim_end();
        if index == 0 { sheet.paint.ink(Ink::Dim, row) } else { row.to_owned() }
    });
    lines.collect()
}
