-- Those who answer. `open_count` is kept by whoever assigns and closes, under the agent's lock.

-- name: agent_insert
INSERT INTO agents (workspace_id, id, name, email, role, presence, max_open) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id, name, email, role, presence, presence_changed_at, max_open, open_count, version, created_at, updated_at;

-- name: agent_get
SELECT a.id, a.name, a.email, a.role, a.presence, a.presence_changed_at, a.max_open, a.open_count, a.version,
    a.created_at, a.updated_at
FROM agents a
WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL;

-- name: agent_lock
SELECT a.id, a.name, a.email, a.role, a.presence, a.presence_changed_at, a.max_open, a.open_count, a.version,
    a.created_at, a.updated_at
FROM agents a
WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL
FOR NO KEY UPDATE;

-- name: agents_list
-- plan: custom
SELECT a.id, a.name, a.email, a.role, a.presence, a.presence_changed_at, a.max_open, a.open_count, a.version,
    a.created_at, a.updated_at
FROM agents a
WHERE a.workspace_id = $1 AND a.deleted_at IS NULL AND a.id > $2
    AND ($4::text IS NULL OR a.presence = $4)
    AND ($5::text IS NULL OR lower(a.email) = lower($5))
    -- An array, found once: EXISTS would look into the team for each agent of the workspace.
    AND ($6::uuid IS NULL OR a.id = ANY (ARRAY(
        SELECT m.agent_id FROM team_members m WHERE m.workspace_id = $1 AND m.team_id = $6)))
ORDER BY a.id
LIMIT $3;

-- name: agent_update
UPDATE agents a
SET name = $3, email = $4, role = $5, max_open = $6, version = a.version + 1, updated_at = now()
WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL
RETURNING id, name, email, role, presence, presence_changed_at, max_open, open_count, version, created_at, updated_at;

-- name: agent_set_presence
UPDATE agents a
SET presence = $3, presence_changed_at = statement_timestamp(), version = a.version + 1, updated_at = now()
WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL
RETURNING id, name, email, role, presence, presence_changed_at, max_open, open_count, version, created_at, updated_at;

-- name: agent_delete
UPDATE agents a
SET presence = 'offline', presence_changed_at = statement_timestamp(), deleted_at = now(), version = a.version + 1,
    updated_at = now()
WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL AND a.open_count = 0
RETURNING id;

-- Who published something that names this team, agent or channel, and is still live.
-- name: workflows_referring
SELECT w.id, w.name
FROM workflow_references r
JOIN workflows w ON w.workspace_id = $1 AND w.id = r.workflow_id
WHERE r.workspace_id = $1 AND r.kind = $2 AND r.target_id = $3 AND w.status = 'published' AND w.deleted_at IS NULL
ORDER BY w.name, w.id;
