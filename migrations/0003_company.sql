-- A conversation for each agent that is briefed, questions to the founder, what was said to a job at work, a journal,
-- and money by session, agent and token.

ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT 'ceo';
-- A projection: what its briefs cost, with those that are forgotten.
ALTER TABLE sessions ADD COLUMN cost_nanos INTEGER NOT NULL DEFAULT 0 CHECK (cost_nanos >= 0);
DROP INDEX sessions_one_open;
CREATE UNIQUE INDEX sessions_one_open ON sessions (company_id, agent) WHERE closed_at IS NULL;

-- An agent that is briefed directly may be at work for the CEO as well: a row for each of its jobs.
CREATE TABLE agent_states_new (
    company_id INTEGER NOT NULL REFERENCES companies (id),
    role TEXT NOT NULL,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    state TEXT NOT NULL CHECK (state IN ('working', 'error')),
    task TEXT NOT NULL,

    PRIMARY KEY (company_id, role, job_id)
) STRICT, WITHOUT ROWID;
INSERT INTO agent_states_new (company_id, role, job_id, state, task)
SELECT company_id, role, job_id, state, task FROM agent_states WHERE job_id IS NOT NULL AND state <> 'idle';
DROP TABLE agent_states;
ALTER TABLE agent_states_new RENAME TO agent_states;
CREATE INDEX agent_states_job ON agent_states (job_id);

-- Where each figure comes from: the least certain of its calls.
ALTER TABLE costs ADD COLUMN basis TEXT NOT NULL DEFAULT 'unknown'
    CHECK (basis IN ('reported', 'estimated', 'free', 'unknown'));
CREATE TEMP TABLE bases AS
SELECT e.job_id, e.agent, json_extract(e.body, '$.model') AS model,
    min(CASE json_extract(e.body, '$.basis') WHEN 'unknown' THEN 0 WHEN 'estimated' THEN 1 WHEN 'reported' THEN 2
        ELSE 3 END) AS certainty
FROM events e WHERE e.kind = 'usage' GROUP BY 1, 2, 3;
CREATE INDEX temp.bases_of ON bases (job_id, agent, model);
UPDATE costs SET basis = coalesce((
    SELECT CASE b.certainty WHEN 0 THEN 'unknown' WHEN 1 THEN 'estimated' WHEN 2 THEN 'reported' ELSE 'free' END
    FROM bases b WHERE b.job_id = costs.job_id AND b.agent = costs.agent AND b.model = costs.model
), 'unknown');
DROP TABLE temp.bases;
-- Reports, and what an agent spent today: read from the index alone.
CREATE INDEX costs_day ON costs (company_id, day, agent, cost_nanos);

-- Sums of amounts that are each too large would fail: total() does not, and is exact below the most that is kept.
UPDATE sessions SET cost_nanos = (
    SELECT CAST(min(total(c.cost_nanos), 9000000000000000) AS INTEGER)
    FROM jobs j JOIN costs c ON c.job_id = j.id WHERE j.session_id = sessions.id
);
ALTER TABLE day_costs ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0 CHECK (tokens >= 0);
UPDATE day_costs SET tokens = (
    SELECT CAST(min(total(c.tokens_input + c.tokens_output + c.tokens_cache_read + c.tokens_cache_write),
        1000000000000000) AS INTEGER)
    FROM costs c WHERE c.company_id = day_costs.company_id AND c.day = day_costs.day
);

-- What forgotten jobs cost, by all that a report can ask for but the job. Of those that were forgotten before, only
-- the day is known: their session is 0, their agent and model have no name.
CREATE TABLE forgotten_costs_new (
    company_id INTEGER NOT NULL REFERENCES companies (id),
    day TEXT NOT NULL,
    agent TEXT NOT NULL,
    session_id INTEGER NOT NULL,
    model TEXT NOT NULL,
    calls INTEGER NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    tokens_cache_read INTEGER NOT NULL,
    tokens_cache_write INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),
    basis TEXT NOT NULL CHECK (basis IN ('reported', 'estimated', 'free', 'unknown')),

    PRIMARY KEY (company_id, day, agent, session_id, model)
) STRICT, WITHOUT ROWID;
INSERT INTO forgotten_costs_new (
    company_id, day, agent, session_id, model, calls, tokens_input, tokens_output, tokens_cache_read,
    tokens_cache_write, cost_nanos, basis
)
SELECT company_id, day, '', 0, '', 0, 0, 0, 0, 0, cost_nanos, 'unknown' FROM forgotten_costs;
DROP TABLE forgotten_costs;
ALTER TABLE forgotten_costs_new RENAME TO forgotten_costs;

-- A lease counts against every limit until it is settled, whatever day it is then: the call may begin after midnight.
DROP INDEX leases_company;
DROP INDEX leases_job;
ALTER TABLE leases DROP COLUMN day;
ALTER TABLE leases ADD COLUMN session_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE leases ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0 CHECK (tokens >= 0);
UPDATE leases SET session_id = (SELECT j.session_id FROM jobs j WHERE j.id = leases.job_id);
CREATE INDEX leases_company ON leases (company_id, agent, nanos, tokens);
CREATE INDEX leases_session ON leases (session_id, nanos);
CREATE INDEX leases_job ON leases (job_id, nanos, tokens);

-- Limits that the founder raised for a session, or for an agent's day.
CREATE TABLE limit_raises (
    company_id INTEGER NOT NULL REFERENCES companies (id),
    -- 0 where it is an agent's.
    session_id INTEGER NOT NULL,
    -- Without a name and a day where it is a session's.
    agent TEXT NOT NULL,
    day TEXT NOT NULL,
    nanos INTEGER NOT NULL CHECK (nanos > 0),
    at INTEGER NOT NULL,

    PRIMARY KEY (company_id, session_id, agent, day),
    CHECK ((session_id = 0) = (agent <> '') AND (agent = '') = (day = ''))
) STRICT, WITHOUT ROWID;

-- Projections of events: a question's id is the place of its `asked`.
CREATE TABLE questions (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    run_id INTEGER NOT NULL REFERENCES runs (id),
    key TEXT NOT NULL,
    agent TEXT NOT NULL,
    ask TEXT NOT NULL CHECK (ask IN ('decision', 'limit', 'loop')),
    text TEXT NOT NULL,
    detail TEXT NOT NULL,
    options TEXT NOT NULL CHECK (json_valid(options)),
    asked_at INTEGER NOT NULL,
    closed_at INTEGER,
    answer TEXT,
    answered_by TEXT,

    UNIQUE (run_id, key),
    CHECK (answer IS NULL OR closed_at IS NOT NULL),
    CHECK ((answer IS NULL) = (answered_by IS NULL))
) STRICT;

CREATE INDEX questions_company ON questions (company_id, id);
CREATE INDEX questions_job ON questions (job_id, id);
CREATE INDEX questions_open ON questions (id, company_id, job_id) WHERE closed_at IS NULL;

-- What the founder had to say to a job at work, by the place of its event.
CREATE TABLE follow_ups (
    seq INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    text TEXT NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0 CHECK (taken IN (0, 1))
) STRICT;

CREATE INDEX follow_ups_job ON follow_ups (job_id, seq);

-- A company's memory: it stays when its jobs are forgotten, which is why nothing here refers to them. The id is the
-- place of its event.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    job_id INTEGER NOT NULL UNIQUE,
    session_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- The brief's, when the entry was written.
    cost_nanos INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    files TEXT NOT NULL CHECK (json_valid(files)),
    -- Whether its event is forgotten, so that it is not made again from that.
    kept INTEGER NOT NULL DEFAULT 0 CHECK (kept IN (0, 1))
) STRICT;

CREATE INDEX journal_company ON journal (company_id, id);

CREATE VIEW journal_words AS SELECT id, title || char(10) || text AS text, 'c' || company_id AS scope FROM journal;
CREATE VIRTUAL TABLE journal_fts USING fts5 (
    text, scope, content = 'journal_words', content_rowid = 'id', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER journal_written AFTER INSERT ON journal BEGIN
    INSERT INTO journal_fts (rowid, text, scope)
    VALUES (NEW.id, NEW.title || char(10) || NEW.text, 'c' || NEW.company_id);
END;
CREATE TRIGGER journal_forgotten AFTER DELETE ON journal BEGIN
    INSERT INTO journal_fts (journal_fts, rowid, text, scope)
    VALUES ('delete', OLD.id, OLD.title || char(10) || OLD.text, 'c' || OLD.company_id);
END;

-- A notice for a job, and one for each of its questions.
CREATE TABLE notices_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    -- 0 where it is about the job itself.
    question_id INTEGER NOT NULL DEFAULT 0,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    created_at INTEGER NOT NULL,
    delivery TEXT CHECK (delivery IN ('shown', 'seen', 'off', 'failed', 'opened')),
    detail TEXT NOT NULL DEFAULT '',
    reported_at INTEGER,

    UNIQUE (job_id, question_id),
    CHECK ((delivery IS NULL) = (reported_at IS NULL))
) STRICT;
-- No number is given twice.
INSERT INTO sqlite_sequence (name, seq) SELECT 'notices_new', seq FROM sqlite_sequence WHERE name = 'notices';
INSERT INTO notices_new (
    id, job_id, company_id, title, body, urgent, created_at, delivery, detail, reported_at
)
SELECT id, job_id, company_id, title, body, urgent, created_at, delivery, detail, reported_at FROM notices;
DROP TABLE notices;
ALTER TABLE notices_new RENAME TO notices;
CREATE INDEX notices_unreported ON notices (id) WHERE delivery IS NULL;
