//! Search in the text of events, newest first.

use std::borrow::Cow;

use contract::{CompanyId, EventBody, EventHit, EventHits, EventSearchParams, JobId, one_line};
use rusqlite::params;

use crate::events::event;
use crate::rows::page;
use crate::{Read, StoreError};

/// Words of a query that count.
const WORDS: usize = 32;
/// Characters of a snippet before the hit, and in all.
const LEAD: usize = 40;
const SNIPPET: usize = 160;

/// What the index holds of an event; empty for nothing. `directive` is the job's for its first event, else empty.
///
/// What is in the index is taken out of it by the same text (an index without content knows no other way), so what this
/// gives for an event that is stored must never change.
pub(crate) fn indexed_text<'a>(body: &'a EventBody, directive: &'a str) -> Cow<'a, str> {
    match body {
        EventBody::Message { text } | EventBody::Thinking { text } | EventBody::Notice { text, .. } => text.into(),
        EventBody::ToolStarted { subject, .. } => subject.into(),
        EventBody::ToolFinished { output, .. } => output.into(),
        EventBody::DelegationStarted { task, .. } => task.into(),
        EventBody::Error { error } => error.to_string().into(),
        // A job's first event stands for its directive.
        EventBody::JobChanged { .. } => directive.into(),
        EventBody::Asked { text, detail, approval: Some(approval), .. } => {
            format!("{text}\n{detail}\n{}", approval.action).into()
        }
        EventBody::Asked { text, detail, .. } => format!("{text}\n{detail}").into(),
        EventBody::Answered { answer, .. } => answer.into(),
        EventBody::FollowUp { text } | EventBody::Journal { text, .. } => text.into(),
        _ => "".into(),
    }
}

/// The words by which a search stays within a company or a job.
pub(crate) fn scope(company: CompanyId, job: JobId) -> String {
    format!("c{company} j{job}")
}

/// A query for all words of a text that FTS5 always understands: each word in quotes, so that no operator of its syntax
/// is left. Words without a letter or digit find nothing and are left out; `None` where none is left.
pub(crate) fn all_words(query: &str) -> Option<String> {
    let words: Vec<String> = words(query).map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

/// The words that are searched for, and where.
fn match_expression(search: &EventSearchParams) -> Option<String> {
    let mut expression = format!("text : ({})", all_words(&search.query)?);
    if let Some(company) = search.company_id {
        expression.push_str(&format!(" AND scope : \"c{company}\""));
    }
    if let Some(job) = search.job_id {
        expression.push_str(&format!(" AND scope : \"j{job}\""));
    }
    Some(expression)
}

fn words(query: &str) -> impl Iterator<Item = &str> {
    query
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(WORDS)
}

/// The text around the first word of the query, on one line.
fn snippet(text: &str, query: &str) -> String {
    let parts: Vec<String> =
        words(query).flat_map(|word| word.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase).collect();
    let is_hit = |word: &str| parts.iter().any(|part| !part.is_empty() && same(word, part));
    let mut start = 0;
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if is_hit(word) {
            start = word.as_ptr() as usize - text.as_ptr() as usize;
            break;
        }
    }
    let from = text[..start].char_indices().rev().nth(LEAD - 1).map_or(0, |(index, _)| index);
    // White space is folded, so more than a snippet's length may be needed to fill it.
    let part: String = text[from..].chars().take(SNIPPET * 4).collect();
    let line = one_line(&part, SNIPPET);
    if from > 0 { format!("…{line}") } else { line }
}

fn same(word: &str, lower: &str) -> bool {
    word.eq_ignore_ascii_case(lower) || word.chars().flat_map(char::to_lowercase).eq(lower.chars())
}

impl Read<'_> {
    /// A page of events whose text holds all words of the query, newest first. Upper and lower case and accents are
    /// the same. No word, no hits.
    ///
    /// # Errors
    /// What SQLite said; no query is an error.
    pub fn search(&self, search: &EventSearchParams) -> Result<EventHits, StoreError> {
        let limit = page(search.limit, 50);
        let Some(expression) = match_expression(search) else {
            return Ok(EventHits { hits: Vec::new(), next: None });
        };
        // CROSS JOIN keeps the order: the index first, which yields the newest first without sorting.
        let mut select = self.conn.prepare_cached(
            "SELECT e.id, e.job_id, e.run_id, e.at, e.agent, e.parent, e.body, j.title,
               CASE WHEN e.kind = 'job_changed' THEN (SELECT directive FROM job_texts WHERE job_id = j.id) ELSE '' END
             FROM events_fts f CROSS JOIN events e ON e.id = f.rowid CROSS JOIN jobs j ON j.id = e.job_id
             WHERE f.events_fts MATCH ?1 AND f.rowid < ?2 ORDER BY f.rowid DESC LIMIT ?3",
        )?;
        let before = search.before.map_or(i64::MAX, |seq| seq.0);
        let mut rows = select.query(params![expression, before, limit + 1])?;
        let (mut hits, mut next) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            if hits.len() as i64 == limit {
                next = hits.last().map(|hit: &EventHit| hit.seq);
                break;
            }
            let (event, _) = event(row)?;
            let directive: String = row.get(8)?;
            let text = indexed_text(&event.entry.body, &directive);
            hits.push(EventHit {
                seq: event.seq,
                job_id: event.job_id,
                title: row.get(7)?,
                at: event.entry.at,
                snippet: snippet(&text, &search.query),
                agent: event.entry.agent.clone(),
            });
        }
        Ok(EventHits { hits, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_shows_the_hit() {
        let text = format!("{} the Übergabe \n\t report {}", "x ".repeat(500), "y ".repeat(500));
        let shown = snippet(&text, "übergabe");
        assert!(shown.starts_with('…') && shown.contains("the Übergabe report") && shown.ends_with('…'), "{shown}");
        assert!(shown.chars().count() <= SNIPPET + 2);
        assert_eq!(snippet("short \u{202e}text", "nothing"), "short text");
        assert_eq!(snippet("", "x"), "");
    }
}
