-- The first schema. Times are milliseconds since 1970 UTC, money is nano-dollars, days are local ("2026-11-20").

CREATE TABLE companies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    dir TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT;

CREATE INDEX companies_used ON companies (used_at);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    opened_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

CREATE INDEX sessions_company ON sessions (company_id);
CREATE UNIQUE INDEX sessions_one_open ON sessions (company_id) WHERE closed_at IS NULL;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    session_id INTEGER NOT NULL REFERENCES sessions (id),
    parent_job_id INTEGER REFERENCES jobs (id),
    title TEXT NOT NULL,
    engine TEXT NOT NULL,
    origin TEXT NOT NULL,
    foreground INTEGER NOT NULL CHECK (foreground IN (0, 1)),
    max_cost_nanos INTEGER NOT NULL CHECK (max_cost_nanos >= 0),
    idempotency_key TEXT UNIQUE,
    created_at INTEGER NOT NULL,

    -- Projections of the job's events.
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
    reason TEXT NOT NULL DEFAULT '',
    started_at INTEGER,
    finished_at INTEGER,
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
    events INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0,

    -- What its settlement said.
    result TEXT,
    error TEXT,
    processes_ended INTEGER,
    processes_forced INTEGER,
    processes_left INTEGER,

    CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((activity_agent IS NULL) = (activity_text IS NULL)),
    CHECK ((progress_done IS NULL) = (progress_total IS NULL))
) STRICT;

-- The long texts of a job: its row is written anew with each batch of events, and they are not.
CREATE TABLE job_texts (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    directive TEXT NOT NULL,
    answer TEXT
) STRICT;

CREATE INDEX jobs_company ON jobs (company_id, id);
CREATE INDEX jobs_session ON jobs (session_id, id);
CREATE INDEX jobs_state ON jobs (state);
CREATE INDEX jobs_queued ON jobs (id) WHERE state = 'queued';
CREATE INDEX jobs_session_live ON jobs (session_id, id, state) WHERE finished_at IS NULL;
CREATE INDEX jobs_live ON jobs (company_id, id) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (company_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_one_at_work ON jobs (session_id) WHERE state IN ('running', 'waiting');

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'stopping', 'exited', 'crashed', 'killed')),
    -- The process: its pid alone may come to mean another one.
    pid INTEGER,
    start_ticks INTEGER,
    boot_id TEXT,
    token_hash TEXT NOT NULL,
    dir TEXT NOT NULL,
    -- How far its spool is stored: bytes read, and the highest line number.
    spool_offset INTEGER NOT NULL DEFAULT 0,
    spool_lines INTEGER NOT NULL DEFAULT 0,
    children INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    heard_at INTEGER NOT NULL,

    CHECK ((state IN ('exited', 'crashed', 'killed')) = (ended_at IS NOT NULL)),
    CHECK ((pid IS NULL) = (start_ticks IS NULL) AND (pid IS NULL) = (boot_id IS NULL))
) STRICT;

CREATE INDEX runs_job ON runs (job_id, id);
CREATE UNIQUE INDEX runs_one_live ON runs (job_id) WHERE ended_at IS NULL;

-- The id is the event's place among all events: one writer hands them out in the order of commits.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    run_id INTEGER REFERENCES runs (id),
    run_n INTEGER,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    agent TEXT NOT NULL,
    parent TEXT,
    body TEXT NOT NULL,

    UNIQUE (run_id, run_n),
    CHECK ((run_id IS NULL) = (run_n IS NULL))
) STRICT;

CREATE INDEX events_job ON events (job_id, id);

-- Words of events by their id. `scope` holds the company ("c1") and the job ("j212"), so that a search within one
-- intersects two lists instead of reading the hits of all others. No copy of the text, no ranking: newest first.
CREATE VIRTUAL TABLE events_fts USING fts5 (
    text, scope, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE spans (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    span TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('turn', 'tool', 'delegation')),
    agent TEXT NOT NULL,
    parent TEXT,
    title TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    ok INTEGER NOT NULL DEFAULT 0 CHECK (ok IN (0, 1)),
    cost_nanos INTEGER NOT NULL DEFAULT 0,
    children INTEGER NOT NULL DEFAULT 0,

    PRIMARY KEY (job_id, span, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX spans_start ON spans (job_id, started_at);
CREATE INDEX spans_open_delegation ON spans (job_id, agent) WHERE kind = 'delegation' AND finished_at IS NULL;

CREATE TABLE files (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    path TEXT NOT NULL,
    created INTEGER NOT NULL CHECK (created IN (0, 1)),
    added INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    agent TEXT NOT NULL,
    at INTEGER NOT NULL,

    PRIMARY KEY (job_id, path)
) STRICT, WITHOUT ROWID;

-- Of each company's latest session.
CREATE TABLE agent_states (
    company_id INTEGER NOT NULL REFERENCES companies (id),
    role TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('working', 'idle', 'error')),
    task TEXT NOT NULL,
    job_id INTEGER REFERENCES jobs (id),

    PRIMARY KEY (company_id, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE costs (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    company_id INTEGER NOT NULL REFERENCES companies (id),
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    -- The local day on which the calls began.
    day TEXT NOT NULL,
    calls INTEGER NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    tokens_cache_read INTEGER NOT NULL,
    tokens_cache_write INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),

    PRIMARY KEY (job_id, agent, model, day)
) STRICT, WITHOUT ROWID;

-- The same money by day, so that a limit is checked without reading a month of calls.
CREATE TABLE day_costs (
    company_id INTEGER NOT NULL REFERENCES companies (id),
    day TEXT NOT NULL,
    cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),

    PRIMARY KEY (company_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    company_id INTEGER NOT NULL REFERENCES companies (id),
    nanos INTEGER NOT NULL CHECK (nanos >= 0),
    day TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX leases_company ON leases (company_id, day, nanos);
CREATE INDEX leases_job ON leases (job_id, nanos);
CREATE INDEX leases_run ON leases (run_id);

CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL UNIQUE REFERENCES jobs (id),
    company_id INTEGER NOT NULL REFERENCES companies (id),
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    created_at INTEGER NOT NULL,
    delivery TEXT CHECK (delivery IN ('shown', 'seen', 'off', 'failed', 'opened')),
    detail TEXT NOT NULL DEFAULT '',
    reported_at INTEGER,

    CHECK ((delivery IS NULL) = (reported_at IS NULL))
) STRICT;

CREATE INDEX notices_unreported ON notices (id) WHERE delivery IS NULL;

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;
