-- Runs as the API shows them: newest first, never a candidate.

-- Of all workflows or of one: each status has its own stretch of the index, their heads are merged.
-- name: run_list
-- plan: custom
SELECT r.id, r.workflow_id, r.workflow_version, r.contact_id, r.conversation_id, r.status, r.reason, r.step, r.started_at,
    r.ended_at
FROM unnest($2::text[]) AS s (status)
CROSS JOIN LATERAL (
    SELECT q.id, q.workflow_id, q.workflow_version, q.contact_id, q.conversation_id, q.status, q.reason, q.step,
        q.started_at, q.ended_at
    FROM runs q
    WHERE q.workspace_id = $1 AND q.status = s.status AND q.status <> 'candidate'
        AND ($5::uuid IS NULL OR q.workflow_id = $5)
        AND q.id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    ORDER BY q.id DESC
    LIMIT $4::bigint
) r
ORDER BY r.id DESC
LIMIT $4::bigint;

-- Of a contact or a conversation: few, so that the other filters may look at each.
-- name: run_list_filtered
-- plan: custom
SELECT r.id, r.workflow_id, r.workflow_version, r.contact_id, r.conversation_id, r.status, r.reason, r.step, r.started_at,
    r.ended_at
FROM runs r
WHERE r.workspace_id = $1 AND r.status <> 'candidate'
    AND ($2::uuid IS NULL OR r.workflow_id = $2)
    AND ($3::uuid IS NULL OR r.contact_id = $3)
    AND ($4::uuid IS NULL OR r.conversation_id = $4)
    AND ($5::text IS NULL OR r.status = $5)
    AND ($6::uuid IS NULL OR r.id < $6)
ORDER BY r.id DESC
LIMIT $7::bigint;

-- The span of ids that the run's log can have: clocks of two machines may differ, by less than a day.
-- name: run_get
SELECT r.id, r.workflow_id, r.workflow_version, r.contact_id, r.conversation_id, r.status, r.reason, r.step, r.started_at,
    r.ended_at, r.created_at - interval '1 day' AS first_at, coalesce(r.ended_at, now()) + interval '1 day' AS last_at
FROM runs r
WHERE r.workspace_id = $1 AND r.id = $2 AND r.status <> 'candidate';

-- name: run_log_list
-- plan: custom
SELECT l.id, l.occurred_at, l.step, l.visit, l.kind, l.port, l.data
FROM run_log l
WHERE l.workspace_id = $1 AND l.run_id = $2 AND l.id >= $3::uuid AND l.id < $4::uuid
ORDER BY l.id
LIMIT 10000;
