-- Scheduled jobs: which windows are due, who runs them, what came out (docs/semantics.md S33).

-- Which workspaces have something to plan or to run: one plain read over all of them, polled calmly (S39). A workspace needs
-- planning while a job has no window that reaches beyond now. No window is longer than two days, so that the look goes to
-- the end of the index. A null time is the database's own clock.
-- name: job_workspaces_unplanned
-- plan: custom
SELECT w.id
FROM workspaces w
WHERE EXISTS (
    SELECT FROM unnest($1::text[]) j(job)
    WHERE NOT EXISTS (
        SELECT FROM job_runs r
        WHERE r.workspace_id = w.id AND r.job = j.job AND r.scheduled
            AND r.window_from > coalesce($2::timestamptz, now()) - interval '4 days'
            AND r.window_to > coalesce($2::timestamptz, now())))
ORDER BY w.id;

-- name: job_workspaces_due
-- plan: custom
SELECT DISTINCT r.workspace_id
FROM job_runs r
WHERE r.status IN ('pending', 'running') AND r.next_at <= coalesce($2::timestamptz, now()) AND r.job = ANY ($1::text[])
ORDER BY r.workspace_id;

-- Schedulers that plan one workspace go one after the other, and its zone does not change meanwhile: else two of them could
-- read two zones and plan windows that overlap.
-- name: job_workspace_lock
SELECT w.time_zone, w.created_at, coalesce($2::timestamptz, statement_timestamp()) AS now
FROM workspaces w
WHERE w.id = $1
FOR NO KEY UPDATE;

-- A statement of its own, after the lock: its snapshot holds what the one before us planned.
-- name: job_windows_last
SELECT j.job, (
    SELECT r.window_to
    FROM job_runs r
    WHERE r.workspace_id = $1 AND r.job = j.job AND r.scheduled
    ORDER BY r.window_from DESC, r.window_to DESC
    LIMIT 1) AS window_to
FROM workspaces w, unnest($2::text[]) j(job)
WHERE w.id = $1
ORDER BY j.job;

-- name: job_runs_enqueue
INSERT INTO job_runs (workspace_id, id, job, window_from, window_to, time_zone, scheduled, next_at)
SELECT w.id, u.id, u.job, u.window_from, u.window_to, u.time_zone, u.scheduled, u.next_at
FROM workspaces w,
    unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::boolean[], $8::timestamptz[])
        AS u (id, job, window_from, window_to, time_zone, scheduled, next_at)
WHERE w.id = $1
ORDER BY u.job, u.window_from
ON CONFLICT (workspace_id, job, window_from, window_to) WHERE scheduled DO NOTHING
RETURNING id;

-- Takes the run that has been due longest, or whose owner's lease is over: next_at is the end of the lease meanwhile. The run is
-- chosen in a CTE, which runs once: a join may run a subquery again for every row, and would take several runs.
-- name: job_run_claim
WITH due AS MATERIALIZED (
    SELECT d.id
    FROM job_runs d
    WHERE d.workspace_id = $1 AND d.status IN ('pending', 'running')
        AND d.next_at <= coalesce($4::timestamptz, now()) AND d.job = ANY ($3::text[])
    ORDER BY d.next_at, d.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE job_runs r
SET status = 'running', owner = $2, epoch = r.epoch + 1, attempts = r.attempts + 1,
    lease_until = coalesce($4::timestamptz, now()) + make_interval(secs => $5::float8),
    next_at = coalesce($4::timestamptz, now()) + make_interval(secs => $5::float8),
    started_at = coalesce($4::timestamptz, now())
FROM due
WHERE r.workspace_id = $1 AND r.id = due.id
RETURNING r.id, r.job, r.window_from, r.window_to, r.time_zone, r.scheduled, r.status, r.attempts, r.epoch, r.next_at,
    r.error, r.created_at, r.started_at, r.finished_at;

-- name: job_run_renew
UPDATE job_runs
SET lease_until = coalesce($5::timestamptz, now()) + make_interval(secs => $6::float8),
    next_at = coalesce($5::timestamptz, now()) + make_interval(secs => $6::float8)
WHERE workspace_id = $1 AND id = $2 AND owner = $3 AND epoch = $4 AND status = 'running';

-- A stale owner or epoch changes nothing.
-- name: job_run_finish
UPDATE job_runs
SET status = 'completed', error = NULL, owner = NULL, lease_until = NULL, finished_at = coalesce($5::timestamptz, now())
WHERE workspace_id = $1 AND id = $2 AND owner = $3 AND epoch = $4 AND status = 'running';

-- name: job_result_insert
INSERT INTO job_results (workspace_id, job_run_id, result)
VALUES ($1, $2, $3::jsonb);

-- Again after $6 seconds, or never when that is null.
-- name: job_run_fail
UPDATE job_runs
SET status = CASE WHEN $6::float8 IS NULL THEN 'failed' ELSE 'pending' END, error = $5, owner = NULL, lease_until = NULL,
    next_at = coalesce($7::timestamptz, now()) + make_interval(secs => coalesce($6::float8, 0)),
    finished_at = CASE WHEN $6::float8 IS NULL THEN coalesce($7::timestamptz, now()) END
WHERE workspace_id = $1 AND id = $2 AND owner = $3 AND epoch = $4 AND status = 'running';

-- name: job_runs_list
-- plan: custom
SELECT id, job, window_from, window_to, time_zone, scheduled, status, attempts, epoch, next_at, error, created_at, started_at,
    finished_at
FROM job_runs
WHERE workspace_id = $1 AND ($2::text IS NULL OR job = $2) AND ($3::text IS NULL OR status = $3)
    AND ($4::uuid IS NULL OR id < $4)
ORDER BY id DESC
LIMIT $5::bigint;

-- name: job_run_get
SELECT id, job, window_from, window_to, time_zone, scheduled, status, attempts, epoch, next_at, error, created_at, started_at,
    finished_at
FROM job_runs
WHERE workspace_id = $1 AND id = $2;

-- name: job_result_get
SELECT result::text AS result
FROM job_results
WHERE workspace_id = $1 AND job_run_id = $2;
