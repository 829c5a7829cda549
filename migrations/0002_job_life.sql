-- The whole life of a job: schedules, blockers, retries, holds, priorities, progress and waits.
--
-- SQLite cannot change a CHECK, so the table of jobs is built anew. Foreign keys are off while this runs, and looked
-- at before it commits.

CREATE TABLE jobs_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    session_id INTEGER NOT NULL REFERENCES sessions (id),
    parent_job_id INTEGER REFERENCES jobs (id) ON DELETE SET NULL,
    after_job_id INTEGER REFERENCES jobs (id) ON DELETE SET NULL,
    title TEXT NOT NULL,
    engine TEXT NOT NULL,
    origin TEXT NOT NULL,
    foreground INTEGER NOT NULL CHECK (foreground IN (0, 1)),
    priority INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),
    max_cost_nanos INTEGER NOT NULL CHECK (max_cost_nanos >= 0),
    idempotency_key TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    -- How long jobs of its kind took when it was last claimed, waits left out.
    typical_ms INTEGER CHECK (typical_ms >= 0),

    -- Projections of the job's events.
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN (
        'scheduled', 'blocked', 'queued', 'running', 'waiting', 'retrying', 'completed', 'failed', 'cancelled'
    )),
    reason TEXT NOT NULL DEFAULT '',
    -- When it goes on by itself.
    until INTEGER,
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    started_at INTEGER,
    finished_at INTEGER,
    -- Since its first run began: how long no run was at work, and since when none is.
    waited_ms INTEGER NOT NULL DEFAULT 0 CHECK (waited_ms >= 0),
    waits_since INTEGER,
    cost_nanos INTEGER NOT NULL DEFAULT 0 CHECK (cost_nanos >= 0),
    cost_basis TEXT NOT NULL DEFAULT 'free' CHECK (cost_basis IN ('reported', 'estimated', 'free', 'unknown')),
    turns INTEGER NOT NULL DEFAULT 0,
    tokens_input INTEGER NOT NULL DEFAULT 0,
    tokens_output INTEGER NOT NULL DEFAULT 0,
    tokens_cache_read INTEGER NOT NULL DEFAULT 0,
    tokens_cache_write INTEGER NOT NULL DEFAULT 0,
    activity_agent TEXT,
    activity_text TEXT,
    progress_done INTEGER,
    progress_total INTEGER,
    progress_percent INTEGER CHECK (progress_percent BETWEEN 0 AND 100),
    progress_note TEXT,
    -- When the percentage last changed, and when the stages that are left will be done: both moved on by every wait
    -- since.
    progress_at INTEGER,
    stages_end INTEGER,
    events INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0,

    -- What its settlement said.
    result TEXT,
    error TEXT,
    processes_ended INTEGER,
    processes_forced INTEGER,
    processes_left INTEGER,

    CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (state NOT IN ('scheduled', 'retrying') OR until IS NOT NULL),
    CHECK (held = 0 OR finished_at IS NULL),
    CHECK ((activity_agent IS NULL) = (activity_text IS NULL)),
    CHECK (
        (progress_done IS NULL) = (progress_total IS NULL) AND (progress_done IS NULL) = (progress_percent IS NULL)
        AND (progress_done IS NULL) = (progress_note IS NULL) AND (progress_done IS NULL) = (progress_at IS NULL)
    ),
    CHECK (progress_percent IS NULL OR (progress_percent = 100) = (state = 'completed'))
) STRICT;

-- How far each job was: the first schema kept steps alone. The note is the last one's; the percentage never went back.
CREATE TEMP TABLE steps AS
SELECT e.job_id, e.id, e.at, json_extract(e.body, '$.note') AS note,
    CASE WHEN json_extract(e.body, '$.total') > 0 THEN
        max(0, min(99, CAST(json_extract(e.body, '$.done') * 100.0 / json_extract(e.body, '$.total') AS INTEGER)))
    ELSE 0 END AS percent
FROM events e WHERE e.kind = 'progress';
CREATE INDEX temp.steps_job ON steps (job_id, percent DESC, id);

-- How long each waited, and since when it does.
CREATE TEMP TABLE changes AS
SELECT e.job_id, e.at, json_extract(e.body, '$.state') AS state,
    lead(e.at) OVER (PARTITION BY e.job_id ORDER BY e.id) AS next_at
FROM events e WHERE e.kind = 'job_changed' AND e.run_id IS NULL;
DELETE FROM temp.changes WHERE state <> 'waiting';
CREATE INDEX temp.changes_job ON changes (job_id);

INSERT INTO jobs_new (
    id, company_id, session_id, parent_job_id, title, engine, origin, foreground, max_cost_nanos, idempotency_key,
    created_at, state, reason, started_at, finished_at, cost_nanos, cost_basis, turns, tokens_input, tokens_output,
    tokens_cache_read, tokens_cache_write, activity_agent, activity_text, progress_done, progress_total,
    progress_percent, progress_note, progress_at, events, last_seq, result, error, processes_ended, processes_forced,
    processes_left, waited_ms, waits_since
)
SELECT
    j.id, j.company_id, j.session_id, j.parent_job_id, j.title, j.engine, j.origin, j.foreground, j.max_cost_nanos,
    j.idempotency_key, j.created_at, j.state, j.reason, j.started_at, j.finished_at, j.cost_nanos, j.cost_basis,
    j.turns, j.tokens_input, j.tokens_output, j.tokens_cache_read, j.tokens_cache_write, j.activity_agent,
    j.activity_text, j.progress_done, j.progress_total,
    CASE WHEN j.progress_done IS NULL THEN NULL WHEN j.state = 'completed' THEN 100 ELSE
        coalesce((SELECT s.percent FROM steps s WHERE s.job_id = j.id ORDER BY s.percent DESC, s.id LIMIT 1), 0) END,
    CASE WHEN j.progress_done IS NOT NULL THEN
        coalesce((SELECT s.note FROM steps s WHERE s.job_id = j.id ORDER BY s.id DESC LIMIT 1), '') END,
    CASE WHEN j.progress_done IS NOT NULL THEN
        coalesce((SELECT s.at FROM steps s WHERE s.job_id = j.id ORDER BY s.percent DESC, s.id LIMIT 1), j.created_at)
        END,
    j.events, j.last_seq, j.result, j.error, j.processes_ended, j.processes_forced, j.processes_left,
    coalesce((SELECT sum(max(0, c.next_at - c.at)) FROM changes c WHERE c.job_id = j.id), 0),
    (SELECT c.at FROM changes c WHERE c.job_id = j.id AND c.next_at IS NULL)
FROM jobs j;

DROP TABLE temp.steps;
DROP TABLE temp.changes;
DROP TABLE jobs;
ALTER TABLE jobs_new RENAME TO jobs;

CREATE INDEX jobs_company ON jobs (company_id, id, created_at);
CREATE INDEX jobs_company_state ON jobs (company_id, state, id, created_at);
CREATE INDEX jobs_session ON jobs (session_id, id);
CREATE INDEX jobs_state ON jobs (state, id, created_at);
CREATE INDEX jobs_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;
CREATE INDEX jobs_after ON jobs (after_job_id) WHERE after_job_id IS NOT NULL;
-- The order of claims.
CREATE INDEX jobs_queued ON jobs (priority DESC, id, session_id) WHERE state = 'queued' AND held = 0;
-- Whose time comes.
CREATE INDEX jobs_due ON jobs (until) WHERE state IN ('scheduled', 'retrying');
CREATE INDEX jobs_session_live ON jobs (session_id, priority DESC, id, state, held) WHERE finished_at IS NULL;
CREATE INDEX jobs_live ON jobs (company_id, id) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (company_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (finished_at) WHERE finished_at IS NOT NULL;
-- How long jobs of a kind took.
CREATE INDEX jobs_completed ON jobs (company_id, engine, finished_at) WHERE state = 'completed';
CREATE UNIQUE INDEX jobs_one_at_work ON jobs (session_id) WHERE state IN ('running', 'waiting', 'retrying');

-- What concerns the whole home: a row.
CREATE TABLE home (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Whether all jobs are on hold.
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    -- While projections are made again, within that transaction alone.
    rebuilding INTEGER NOT NULL DEFAULT 0 CHECK (rebuilding IN (0, 1)),
    -- The last event that was forgotten: its number is not given again, since clients read on from where they were.
    forgotten_seq INTEGER NOT NULL DEFAULT 0,
    -- The daemon's last sign of life.
    daemon_pid INTEGER,
    daemon_version TEXT,
    daemon_started_at INTEGER,
    daemon_beat_at INTEGER,

    CHECK (
        (daemon_pid IS NULL) = (daemon_version IS NULL) AND (daemon_pid IS NULL) = (daemon_started_at IS NULL)
        AND (daemon_pid IS NULL) = (daemon_beat_at IS NULL)
    )
) STRICT;
INSERT INTO home (id) VALUES (1);

-- No CHECK sees what a row was before. A rebuild goes through every state of a job again.
CREATE TRIGGER jobs_final BEFORE UPDATE OF state, finished_at ON jobs
WHEN OLD.finished_at IS NOT NULL AND (NEW.state IS NOT OLD.state OR NEW.finished_at IS NOT OLD.finished_at)
    AND (SELECT rebuilding FROM home) = 0
BEGIN
    SELECT RAISE(ABORT, 'constraint failed: a final state never changes');
END;

CREATE TRIGGER jobs_forgotten BEFORE DELETE ON jobs WHEN OLD.finished_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'constraint failed: a job that has not ended is not forgotten');
END;

-- What forgotten jobs cost, so that days stay right when they are added up again.
CREATE TABLE forgotten_costs (
    company_id INTEGER NOT NULL REFERENCES companies (id),
    day TEXT NOT NULL,
    cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),

    PRIMARY KEY (company_id, day)
) STRICT, WITHOUT ROWID;

-- Set where a session is opened again: its agents' states come from jobs after this one.
ALTER TABLE sessions ADD COLUMN agents_after INTEGER NOT NULL DEFAULT 0;

-- Of each company's open session, and of agents that are not idle alone.
DELETE FROM agent_states WHERE state = 'idle'
    OR company_id NOT IN (SELECT company_id FROM sessions WHERE closed_at IS NULL);
