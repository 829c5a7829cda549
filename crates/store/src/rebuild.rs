//! The projections, made again from the events alone.

use contract::JobId;

use crate::events::{COLUMNS, event};
use crate::project::Projector;
use crate::{StoreError, Write};

/// Events of a batch, at most: their texts are held until its end.
const BATCH: usize = 1000;

impl Write<'_> {
    /// Throws every projection away and makes it again from the events: the projected half of `jobs`, `spans`,
    /// `files`, `costs`, `day_costs`, what sessions cost, `agent_states`, `questions`, `follow_ups`, the journal and the
    /// search index. What is no projection stays: directives, runs, what a settlement said, and of forgotten jobs the
    /// journal and what they cost, which counts into days and sessions. Takes about as long as
    /// storing the events did.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an event that does not read; nothing is changed then.
    pub fn rebuild_projections(&self) -> Result<(), StoreError> {
        self.conn.execute_batch(
            "DELETE FROM spans; DELETE FROM files; DELETE FROM costs; DELETE FROM day_costs;
             DELETE FROM agent_states; DELETE FROM questions; DELETE FROM follow_ups;
             DELETE FROM journal WHERE kept = 0;
             INSERT INTO events_fts (events_fts) VALUES ('delete-all');
             INSERT INTO day_costs (company_id, day, cost_nanos, tokens)
               SELECT company_id, day, CAST(min(total(cost_nanos), 9000000000000000) AS INTEGER),
                 CAST(min(total(tokens_input + tokens_output + tokens_cache_read + tokens_cache_write),
                   1000000000000000) AS INTEGER)
               FROM forgotten_costs GROUP BY company_id, day;
             UPDATE sessions SET cost_nanos = 0;
             UPDATE sessions SET cost_nanos = f.nanos FROM (
                 SELECT session_id, CAST(min(total(cost_nanos), 9000000000000000) AS INTEGER) AS nanos
                 FROM forgotten_costs GROUP BY session_id) f
               WHERE f.session_id = sessions.id;
             UPDATE home SET rebuilding = 1;
             UPDATE jobs SET state = 'queued', reason = '', until = NULL, held = 0, started_at = NULL,
               finished_at = NULL, waited_ms = 0, waits_since = NULL, cost_nanos = 0, cost_basis = 'free', turns = 0,
               tokens_input = 0, tokens_output = 0, tokens_cache_read = 0, tokens_cache_write = 0,
               activity_agent = NULL, activity_text = NULL, progress_done = NULL, progress_total = NULL,
               progress_percent = NULL, progress_note = NULL, progress_at = NULL, stages_end = NULL, events = 0,
               last_seq = 0;",
        )?;
        let mut select = self.conn.prepare(&format!("SELECT {COLUMNS} FROM events ORDER BY id"))?;
        let mut rows = select.query([])?;
        let mut batch: Option<(JobId, Projector<'_>)> = None;
        let mut size = 0;
        while let Some(row) = rows.next()? {
            let (event, _) = event(row)?;
            if let Some((_, done)) = batch.take_if(|(job, _)| *job != event.job_id || size == BATCH) {
                done.finish()?;
                size = 0;
            }
            let projector = match batch.take() {
                Some((_, projector)) => projector,
                None => Projector::load(self.conn, event.job_id)?,
            };
            let (_, projector) = batch.insert((event.job_id, projector));
            projector.apply(&event)?;
            size += 1;
        }
        if let Some((_, done)) = batch {
            done.finish()?;
        }
        self.conn.execute("UPDATE home SET rebuilding = 0", [])?;
        Ok(())
    }
}
