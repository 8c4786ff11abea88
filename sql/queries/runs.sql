-- The worker's side of runs. What the API shows of them is in runs_api.sql.

-- One index probe per workspace (S39), polled calmly; each workspace is then claimed by itself.
-- name: workspaces_with_due_signals
SELECT w.id
FROM workspaces w
WHERE EXISTS (SELECT 1 FROM run_signals s WHERE s.workspace_id = w.id AND s.due_at <= statement_timestamp())
ORDER BY w.id;

-- Nothing is taken by whom one of the workspace's first `$3` turns is not free for: those who have them go on with it.
-- name: runs_claim_signals
WITH mine AS MATERIALIZED (
    SELECT t.turn FROM run_turns t
    WHERE t.workspace_id = $1 AND t.turn <= $3
    ORDER BY t.turn
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
SELECT s.run_id, s.id, s.kind, s.visit, s.due_at, s.data, statement_timestamp() AS now
FROM run_signals s
WHERE s.workspace_id = $1 AND s.due_at <= statement_timestamp() AND EXISTS (SELECT 1 FROM mine)
ORDER BY s.due_at, s.id
LIMIT $2
FOR UPDATE OF s SKIP LOCKED;

-- A run that another worker holds is skipped; its signals stay in the mailbox.
-- name: runs_claim
SELECT r.id, r.workflow_id, r.workflow_version, r.contact_id, r.conversation_id, r.status, r.reason, r.step, r.state,
    r.trigger_message_id, r.opened_at, r.started_at, r.ended_at, r.failures, r.trace
FROM runs r
WHERE r.workspace_id = $1 AND r.id = ANY ($2::uuid[])
ORDER BY r.id
FOR NO KEY UPDATE SKIP LOCKED;

-- From the first to the last of them: one plan serves all calls, and leaves out the other months' partitions by that.
-- name: runs_messages
SELECT m.id, m.text
FROM messages m
WHERE m.workspace_id = $1 AND m.id = ANY ($2::uuid[]) AND m.id >= $3 AND m.id <= $4;

-- name: runs_channels
SELECT ch.id, ch.name, ch.kind, ch.url FROM channels ch WHERE ch.workspace_id = $1 AND ch.id = ANY ($2::uuid[]);

-- name: runs_line_entries
SELECT e.conversation_id, e.line_id, e.run_id, e.visit, e.queued_at, e.entered_at
FROM line_entries e
WHERE e.workspace_id = $1 AND e.conversation_id = ANY ($2::uuid[]);

-- name: runs_agents
SELECT a.id, a.name FROM agents a
WHERE a.workspace_id = $1 AND a.id = ANY ($2::uuid[]) AND a.deleted_at IS NULL;

-- name: workspace_time_zone
SELECT w.time_zone, statement_timestamp() AS now FROM workspaces w WHERE w.id = $1;

-- name: workflow_version_definition
SELECT v.definition, f.name
FROM workflow_versions v
    JOIN workflows f ON f.workspace_id = $1 AND f.id = v.workflow_id
WHERE v.workspace_id = $1 AND v.workflow_id = $2 AND v.version = $3;

-- What an ended run still had in its mailbox goes with it, but for what a worker has locked that took it without getting
-- the run: that worker may wait for a line that we have. It is due, and the next to take it finds the run ended.
-- name: changes_delete_mailboxes
DELETE FROM run_signals s
WHERE s.workspace_id = $1 AND s.ctid = ANY (ARRAY(
    SELECT m.ctid FROM run_signals m
    WHERE m.workspace_id = $1 AND m.run_id = ANY ($2::uuid[])
    FOR UPDATE SKIP LOCKED));

-- A write that failed: counted, and tried again later. The number of tries bounds a run that can never be written.
-- name: run_note_failure
UPDATE runs r
SET failures = r.failures + 1, version = r.version + 1
WHERE r.workspace_id = $1 AND r.id = $2 AND r.status IN ('candidate', 'active')
RETURNING r.failures;

-- name: run_postpone
UPDATE run_signals s
SET due_at = now() + make_interval(secs => $3)
WHERE s.workspace_id = $1 AND s.run_id = $2 AND s.due_at <= now();

-- name: run_fail
UPDATE runs r
SET status = 'failed', reason = $3, ended_at = now(), started_at = coalesce(r.started_at, now()), version = r.version + 1
WHERE r.workspace_id = $1 AND r.id = $2 AND r.status IN ('candidate', 'active');

-- name: runs_existing
SELECT r.id FROM runs r WHERE r.workspace_id = $1 AND r.id = ANY ($2::uuid[]);
