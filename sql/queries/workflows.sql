-- Workflows as they were saved last, their immutable versions, and what is live.

-- name: workflow_create
INSERT INTO workflows (workspace_id, id, name, description, definition)
SELECT w.id, $2::uuid, $3::text, $4::text, $5::jsonb
FROM workspaces w
WHERE w.id = $1;

-- `changed`: what was saved last is not what the live version says.
-- name: workflow_get
SELECT f.id, f.name, f.description, f.definition, f.status, f.live_version, f.version, f.created_at, f.updated_at,
    (v.definition IS DISTINCT FROM f.definition) AS changed
FROM workflows f
LEFT JOIN workflow_versions v ON v.workspace_id = $1 AND v.workflow_id = f.id AND v.version = f.live_version
WHERE f.workspace_id = $1 AND f.id = $2 AND f.deleted_at IS NULL;

-- name: workflow_list
-- plan: custom
SELECT f.id, f.name, f.description, f.definition, f.status, f.live_version, f.version, f.created_at, f.updated_at,
    (v.definition IS DISTINCT FROM f.definition) AS changed
FROM workflows f
LEFT JOIN workflow_versions v ON v.workspace_id = $1 AND v.workflow_id = f.id AND v.version = f.live_version
WHERE f.workspace_id = $1 AND f.deleted_at IS NULL
    AND ($2::text IS NULL OR f.status = $2)
    AND ($3::uuid IS NULL OR f.id > $3)
ORDER BY f.id
LIMIT $4::bigint;

-- Saving, publishing, stopping and deleting of one workflow happen one after the other.
-- name: workflow_lock
SELECT f.name, f.description, f.definition, f.status, f.live_version, f.last_version,
    (v.definition IS DISTINCT FROM f.definition) AS changed
FROM workflows f
LEFT JOIN workflow_versions v ON v.workspace_id = $1 AND v.workflow_id = f.id AND v.version = f.live_version
WHERE f.workspace_id = $1 AND f.id = $2 AND f.deleted_at IS NULL
FOR UPDATE OF f;

-- name: workflow_save
UPDATE workflows f
SET name = $3, description = $4, definition = $5::jsonb, version = f.version + 1, updated_at = now()
WHERE f.workspace_id = $1 AND f.id = $2;

-- name: workflow_delete
UPDATE workflows f
SET deleted_at = now(), version = f.version + 1, updated_at = now()
WHERE f.workspace_id = $1 AND f.id = $2;

-- Shared locks: a team, agent or channel cannot be deleted between this look and the commit that begins to use it.
-- name: workflow_teams_living
SELECT t.id
FROM teams t
WHERE t.workspace_id = $1 AND t.id = ANY ($2::uuid[]) AND t.deleted_at IS NULL
ORDER BY t.id
FOR SHARE;

-- name: workflow_agents_living
SELECT a.id
FROM agents a
WHERE a.workspace_id = $1 AND a.id = ANY ($2::uuid[]) AND a.deleted_at IS NULL
ORDER BY a.id
FOR SHARE;

-- name: workflow_channels_living
SELECT c.id
FROM channels c
WHERE c.workspace_id = $1 AND c.id = ANY ($2::uuid[]) AND c.deleted_at IS NULL
ORDER BY c.id
FOR SHARE;

-- name: workflow_categories_living
SELECT lower(k.name) AS name
FROM closing_categories k
WHERE k.workspace_id = $1 AND lower(k.name) = ANY ($2::text[]) AND k.deleted_at IS NULL
ORDER BY lower(k.name);

-- name: workflow_version_create
INSERT INTO workflow_versions (workspace_id, workflow_id, version, definition)
SELECT w.id, $2::uuid, $3::integer, $4::jsonb
FROM workspaces w
WHERE w.id = $1;

-- name: workflow_set_live
UPDATE workflows f
SET status = 'published', live_version = $3::integer, last_version = greatest(f.last_version, $3::integer),
    version = f.version + 1, updated_at = now()
WHERE f.workspace_id = $1 AND f.id = $2;

-- name: workflow_set_stopped
UPDATE workflows f
SET status = 'stopped', version = f.version + 1, updated_at = now()
WHERE f.workspace_id = $1 AND f.id = $2;

-- name: workflow_trigger_delete
DELETE FROM published_triggers p
WHERE p.workspace_id = $1 AND p.workflow_id = $2;

-- name: workflow_trigger_create
INSERT INTO published_triggers (workspace_id, trigger_type, workflow_id, version, sources, channels)
SELECT w.id, $2::text, $3::uuid, $4::integer, $5::text[], $6::uuid[]
FROM workspaces w
WHERE w.id = $1;

-- name: workflow_references_delete
DELETE FROM workflow_references r
WHERE r.workspace_id = $1 AND r.workflow_id = $2;

-- name: workflow_references_create
INSERT INTO workflow_references (workspace_id, workflow_id, kind, target_id)
SELECT w.id, $2::uuid, u.kind, u.target_id
FROM workspaces w, unnest($3::text[], $4::uuid[]) AS u (kind, target_id)
WHERE w.id = $1
ORDER BY u.kind, u.target_id;

-- name: workflow_version_list
-- plan: custom
SELECT v.version, v.definition, v.published_at
FROM workflow_versions v
WHERE v.workspace_id = $1 AND v.workflow_id = $2 AND ($3::integer IS NULL OR v.version < $3)
ORDER BY v.version DESC
LIMIT $4::bigint;

-- name: workflow_version_get
SELECT v.version, v.definition, v.published_at
FROM workflow_versions v
WHERE v.workspace_id = $1 AND v.workflow_id = $2 AND v.version = $3::integer;

-- Living runs of a workflow that was stopped with `"runs": "end"`, a batch at a time.
-- name: workflow_active_runs
-- plan: custom
SELECT r.id, statement_timestamp() AS now
FROM runs r
WHERE r.workspace_id = $1 AND r.status = 'active' AND r.workflow_id = $2 AND r.id > $3::uuid
ORDER BY r.id
LIMIT $4::bigint;

-- Candidates are in no index of their workflow, but each has a signal that nobody has taken yet: the mailboxes are walked
-- in batches, and what was looked at is returned, so that the walk goes on behind it.
-- name: workflow_candidate_runs
-- plan: custom
SELECT s.run_id, s.id, (r.id IS NOT NULL) AS found, statement_timestamp() AS now
FROM (
    SELECT g.run_id, g.id, g.kind
    FROM run_signals g
    WHERE g.workspace_id = $1 AND (g.run_id, g.id) > ($3::uuid, $4::uuid)
    ORDER BY g.run_id, g.id
    LIMIT $5::bigint
) s
LEFT JOIN runs r
    ON r.workspace_id = $1 AND r.id = s.run_id AND r.workflow_id = $2 AND r.status = 'candidate' AND s.kind = 'started'
ORDER BY s.run_id, s.id;
