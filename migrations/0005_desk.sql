-- Notices by kind, told together or not at all in quiet hours, and looked at in the app.
CREATE TABLE notices_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    -- 0 where it is about the job itself.
    question_id INTEGER NOT NULL DEFAULT 0,
    company_id INTEGER NOT NULL REFERENCES companies (id),
    kind TEXT NOT NULL CHECK (kind IN ('done', 'failed', 'question', 'approval')),
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    decidable INTEGER NOT NULL DEFAULT 0 CHECK (decidable IN (0, 1)),
    created_at INTEGER NOT NULL,
    delivery TEXT CHECK (delivery IN ('shown', 'seen', 'off', 'quiet', 'grouped', 'failed', 'opened')),
    detail TEXT NOT NULL DEFAULT '',
    reported_at INTEGER,
    seen INTEGER NOT NULL DEFAULT 0 CHECK (seen IN (0, 1)),

    UNIQUE (job_id, question_id),
    CHECK ((delivery IS NULL) = (reported_at IS NULL))
) STRICT;
-- No number is given twice.
INSERT INTO sqlite_sequence (name, seq) SELECT 'notices_new', seq FROM sqlite_sequence WHERE name = 'notices';
-- Before there was a list, a notice that was told was all there was to see.
INSERT INTO notices_new (
    id, job_id, question_id, company_id, kind, title, body, urgent, decidable, created_at, delivery, detail,
    reported_at, seen
)
SELECT
    n.id, n.job_id, n.question_id, n.company_id,
    CASE
        WHEN n.question_id = 0 AND n.urgent = 1 THEN 'failed'
        WHEN n.question_id = 0 THEN 'done'
        WHEN EXISTS (SELECT 1 FROM questions q WHERE q.id = n.question_id AND q.ask = 'approval') THEN 'approval'
        ELSE 'question'
    END,
    n.title, n.body, n.urgent, n.decidable, n.created_at, n.delivery, n.detail, n.reported_at,
    n.delivery IS NOT NULL
FROM notices n;
DROP TABLE notices;
ALTER TABLE notices_new RENAME TO notices;
CREATE INDEX notices_unreported ON notices (id) WHERE delivery IS NULL;
CREATE INDEX notices_unseen ON notices (id) WHERE seen = 0;

-- Which other jobs changed a file.
CREATE INDEX files_path ON files (path, job_id);
