//! `aicib journal`: what came of the company's briefs.

use contract::{EntryId, JournalEntry, JournalListParams, JournalPage, methods};

use crate::args::JournalArgs;
use crate::context::{Context, Sheet, line_count, number};
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};
use crate::out::Ink;
use crate::text::{count, fit, line, short_clock, wrap};

/// Entries shown where no number is given: as many as the CEO is given at its start.
const DEFAULT_ENTRIES: i64 = 10;
/// Files of an entry that are named, at most.
const FILES: usize = 5;

/// Prints entries, newest first.
pub(crate) async fn journal(context: &mut Context, args: JournalArgs) -> Outcome {
    let wanted = args.lines.as_deref().map(line_count).transpose()?.unwrap_or(DEFAULT_ENTRIES);
    let before = args.before.as_deref().map(|typed| number(typed, "--before")).transpose()?.map(EntryId);
    let params = JournalListParams { company: context.company_ref()?, search: args.search, before, limit: None };
    let search = params.search.as_ref().map(|words| format!(" --search {:?}", line(words, 200))).unwrap_or_default();
    let is_narrowed = params.search.is_some() || before.is_some();
    let daemon = context.daemon().await?;
    let page = read(&daemon, params, wanted).await?;
    if context.out.json {
        return Ok(context.out.value(&page)?);
    }
    let sheet = context.sheet();
    if page.entries.is_empty() {
        let none = if is_narrowed {
            "There are no such entries."
        } else {
            "The journal is empty: an entry is written when a brief has completed."
        };
        return Ok(context.out.line(none)?);
    }
    for (index, entry) in page.entries.iter().enumerate() {
        if index > 0 {
            context.out.line("")?;
        }
        for line in entry_lines(entry, &sheet) {
            context.out.line(&line)?;
        }
    }
    if let Some(next) = page.next {
        let more = format!("There are older ones: `aicib journal{search} --before {next}`");
        context.out.line("")?;
        context.out.line(&sheet.paint.ink(Ink::Dim, &more))?;
    }
    Ok(())
}

/// As many entries as are wanted, from as many pages as that takes.
async fn read(daemon: &Daemon, mut params: JournalListParams, wanted: i64) -> Result<JournalPage, Failure> {
    let mut all = JournalPage { entries: Vec::new(), next: None };
    let mut left = wanted;
    while left > 0 {
        params.limit = Some(left.min(contract::limits::MAX_PAGE));
        let page = daemon.call::<methods::JournalList>(params.clone()).await?;
        left -= i64::try_from(page.entries.len()).unwrap_or(i64::MAX);
        let empty = page.entries.is_empty();
        all.entries.extend(page.entries);
        (all.next, params.before) = (page.next, page.next);
        if page.next.is_none() || empty {
            break;
        }
    }
    Ok(all)
}

/// An entry: when, which brief, what came of it, what it cost, which files it changed.
pub(crate) fn entry_lines(entry: &JournalEntry, sheet: &Sheet) -> Vec<String> {
    let (paint, clock) = (sheet.paint, &sheet.clock);
    let at = short_clock(entry.at, clock.now, &clock.zone);
    let job = format!("#{}", entry.job_id);
    let title = fit(&entry.title, sheet.left(at.len() + job.len() + 4));
    let mut lines = vec![format!("{}  {}  {title}", paint.ink(Ink::Dim, &at), paint.ink(Ink::Bold, &job))];
    lines.extend(wrap(&entry.text, sheet.left(4)).into_iter().map(|text| format!("    {text}")));
    let mut facts = vec![entry.cost_usd.to_string(), count(entry.turns, "turn", "turns")];
    if !entry.files.is_empty() {
        let named: Vec<String> = entry.files.iter().take(FILES).map(|file| line(file, 120)).collect();
        let more = entry.files.len().saturating_sub(FILES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        facts.push(format!("{}{more}", named.join(", ")));
    }
    lines.push(paint.ink(Ink::Dim, &format!("    {}", fit(&facts.join(" · "), sheet.left(4)))));
    lines
}
