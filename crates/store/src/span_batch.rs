//! Spans on their way into the database. Most tool calls begin and end within one batch: they are written once.
//!
//! What comes out does not depend on where a batch ends: a span counts for the delegation around it only where that
//! was there first, so everything held back is written before another delegation is.

use std::collections::HashMap;

use contract::{JobId, Money, Span, SpanKind, Time};
use rusqlite::{Connection, params};

use crate::StoreError;

/// The spans of a batch of one job's events.
pub(crate) struct SpanBatch<'c> {
    conn: &'c Connection,
    job_id: JobId,
    /// Tool and model calls that began in the batch, in order, with their end where that came too.
    held: Vec<(Span, Option<End>)>,
    /// Spans that were written, counted by the delegation around them.
    children: HashMap<String, i64>,
}

/// How a span ended.
#[derive(Clone, Copy)]
pub(crate) struct End {
    /// When.
    pub(crate) at: Time,
    /// Whether it went well.
    pub(crate) ok: bool,
    /// What it cost.
    pub(crate) cost: Money,
}

impl<'c> SpanBatch<'c> {
    pub(crate) fn new(conn: &'c Connection, job_id: JobId) -> SpanBatch<'c> {
        SpanBatch { conn, job_id, held: Vec::new(), children: HashMap::new() }
    }

    /// A span began. One whose name is taken is left out.
    pub(crate) fn open(&mut self, span: &Span) -> Result<(), StoreError> {
        if span.kind == SpanKind::Delegation {
            self.write()?;
            return self.insert(span, None);
        }
        if self.find(span.kind, &span.span).is_none() {
            self.held.push((span.clone(), None));
        }
        Ok(())
    }

    /// A span ended, where one of that name is open.
    pub(crate) fn close(&mut self, kind: SpanKind, span: &str, end: End) -> Result<(), StoreError> {
        match self.find(kind, span).and_then(|index| self.held.get_mut(index)) {
            Some((_, ended)) => {
                ended.get_or_insert(end);
                Ok(())
            }
            None => self.update(kind, span, end),
        }
    }

    /// Every span that is open ends, and none of them well.
    pub(crate) fn close_all(&mut self, at: Time) -> Result<(), StoreError> {
        self.write()?;
        let mut update = self.conn.prepare_cached(
            "UPDATE spans SET finished_at = max(?2, started_at) WHERE job_id = ?1 AND finished_at IS NULL",
        )?;
        update.execute(params![self.job_id.0, at.0])?;
        Ok(())
    }

    /// Writes what is held back.
    pub(crate) fn write(&mut self) -> Result<(), StoreError> {
        for (span, end) in std::mem::take(&mut self.held) {
            self.insert(&span, end)?;
        }
        for (parent, count) in self.children.drain() {
            let mut update = self.conn.prepare_cached(
                "UPDATE spans SET children = children + ?3 WHERE job_id = ?1 AND span = ?2 AND kind = 'delegation'",
            )?;
            update.execute(params![self.job_id.0, parent, count])?;
        }
        Ok(())
    }

    /// From the end: what ends is mostly what began last.
    fn find(&self, kind: SpanKind, span: &str) -> Option<usize> {
        self.held.iter().rposition(|(held, _)| held.kind == kind && held.span == span)
    }

    fn insert(&mut self, span: &Span, end: Option<End>) -> Result<(), StoreError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO spans (job_id, span, kind, agent, parent, title, started_at, finished_at, ok, cost_nanos)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        )?;
        let finished_at = end.map(|end| end.at.max(span.started_at)).or(span.finished_at);
        let inserted = insert.execute(params![
            self.job_id.0,
            span.span,
            span.kind.name(),
            span.agent,
            span.parent,
            span.title,
            span.started_at.0,
            finished_at.map(|at| at.0),
            end.map_or(span.ok, |end| end.ok),
            end.map_or(span.cost_usd, |end| end.cost).as_nanos(),
        ])?;
        match (inserted, &span.parent, end) {
            (0, _, Some(end)) => self.update(span.kind, &span.span, end),
            (1, Some(parent), _) => {
                match self.children.get_mut(parent) {
                    Some(count) => *count += 1,
                    None => drop(self.children.insert(parent.clone(), 1)),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn update(&self, kind: SpanKind, span: &str, end: End) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached(
            "UPDATE spans SET finished_at = max(?4, started_at), ok = ?5, cost_nanos = ?6
             WHERE job_id = ?1 AND span = ?2 AND kind = ?3 AND finished_at IS NULL",
        )?;
        update.execute(params![self.job_id.0, span, kind.name(), end.at.0, end.ok, end.cost.as_nanos()])?;
        Ok(())
    }
}
