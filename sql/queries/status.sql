-- What waits to be done. Only what is living is looked at, through its partial index, and at most 10,000 entries of each
-- kind of a workspace: beyond, the number is 10,000 and the oldest is the oldest of these.

-- name: backlog_lines
-- plan: custom
SELECT count(*) AS count, min(x.queued_at) AS oldest, statement_timestamp() AS now
FROM (
    SELECT e.queued_at FROM line_entries e WHERE e.workspace_id = $1
    ORDER BY e.line_id, e.priority, e.queued_at, e.id LIMIT 10000) x;

-- name: backlog_runs
-- plan: custom
SELECT count(*) AS count
FROM (SELECT r.id FROM runs r WHERE r.workspace_id = $1 AND r.status = 'active' ORDER BY r.id LIMIT 10000) x;

-- name: backlog_signals
-- plan: custom
SELECT count(*) AS count, min(x.due_at) AS oldest, statement_timestamp() AS now
FROM (
    SELECT s.due_at FROM run_signals s WHERE s.workspace_id = $1 AND s.due_at <= statement_timestamp()
    ORDER BY s.due_at, s.id LIMIT 10000) x;

-- An effect's id is its time.
-- name: backlog_outbox
-- plan: custom
SELECT count(*) AS count, min(x.id::text)::uuid AS first, min(x.next_at) AS oldest, statement_timestamp() AS now
FROM (
    SELECT o.id, o.next_at FROM outbox o WHERE o.workspace_id = $1 AND o.status = 'pending'
    ORDER BY o.next_at, o.id LIMIT 10000) x;

-- name: backlog_jobs
-- plan: custom
SELECT count(*) AS count, min(x.next_at) AS oldest, statement_timestamp() AS now
FROM (
    SELECT j.next_at FROM job_runs j
    WHERE j.workspace_id = $1 AND j.status IN ('pending', 'running') AND j.next_at <= statement_timestamp()
    ORDER BY j.next_at, j.id LIMIT 10000) x;
