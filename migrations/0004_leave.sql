-- Engines that are programs, leave to act, and the founder's rules.

-- Which of the agents that speak ACP; empty for any other engine.
ALTER TABLE jobs ADD COLUMN engine_agent TEXT NOT NULL DEFAULT '';

-- By which name an engine that is a program takes up a session's conversation.
CREATE TABLE conversations (
    session_id INTEGER NOT NULL REFERENCES sessions (id),
    engine TEXT NOT NULL,
    engine_agent TEXT NOT NULL,
    conversation TEXT NOT NULL,

    PRIMARY KEY (session_id, engine, engine_agent)
) STRICT, WITHOUT ROWID;

-- What agents may do, as the founder says. The narrowest rule that fits counts.
CREATE TABLE rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    job_id INTEGER REFERENCES jobs (id),
    agent TEXT,
    act TEXT NOT NULL CHECK (
        act IN ('read', 'write', 'write_elsewhere', 'command', 'network', 'publish', 'spend')
    ),
    subject TEXT,
    verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'ask', 'deny')),
    created_at INTEGER NOT NULL,
    origin TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX rules_once
ON rules (company_id, ifnull(job_id, 0), ifnull(agent, ''), act, subject IS NULL, ifnull(subject, ''));
CREATE INDEX rules_job ON rules (job_id) WHERE job_id IS NOT NULL;

-- A question may be about an act.
CREATE TABLE questions_new (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    run_id INTEGER NOT NULL REFERENCES runs (id),
    key TEXT NOT NULL,
    agent TEXT NOT NULL,
    ask TEXT NOT NULL CHECK (ask IN ('decision', 'limit', 'loop', 'approval')),
    text TEXT NOT NULL,
    detail TEXT NOT NULL,
    options TEXT NOT NULL CHECK (json_valid(options)),
    approval TEXT CHECK (json_valid(approval)),
    asked_at INTEGER NOT NULL,
    closed_at INTEGER,
    answer TEXT,
    answered_by TEXT,

    UNIQUE (run_id, key),
    CHECK (answer IS NULL OR closed_at IS NOT NULL),
    CHECK ((answer IS NULL) = (answered_by IS NULL)),
    CHECK ((ask = 'approval') = (approval IS NOT NULL))
) STRICT;
INSERT INTO questions_new (
    id, company_id, job_id, run_id, key, agent, ask, text, detail, options, asked_at, closed_at, answer, answered_by
)
SELECT
    id, company_id, job_id, run_id, key, agent, ask, text, detail, options, asked_at, closed_at, answer, answered_by
FROM questions;
DROP TABLE questions;
ALTER TABLE questions_new RENAME TO questions;
CREATE INDEX questions_company ON questions (company_id, id);
CREATE INDEX questions_job ON questions (job_id, id);
CREATE INDEX questions_open ON questions (id, company_id, job_id) WHERE closed_at IS NULL;

-- Whether Allow and Deny may stand on a notice.
ALTER TABLE notices ADD COLUMN decidable INTEGER NOT NULL DEFAULT 0 CHECK (decidable IN (0, 1));
