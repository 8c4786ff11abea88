-- Teams and who belongs to them.

-- name: team_insert
INSERT INTO teams (workspace_id, id, name) VALUES ($1, $2, $3)
RETURNING id, name, 0::bigint AS member_count, version, created_at, updated_at;

-- name: team_get
SELECT t.id, t.name, t.version, t.created_at, t.updated_at,
    (SELECT count(*) FROM team_members m WHERE m.workspace_id = $1 AND m.team_id = t.id) AS member_count
FROM teams t
WHERE t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL;

-- name: team_lock
SELECT t.id, t.name, t.version, t.created_at, t.updated_at
FROM teams t
WHERE t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
FOR NO KEY UPDATE;

-- Keeps the team from being deleted or renamed until the membership is written.
-- name: team_lock_shared
SELECT t.id, t.name
FROM teams t
WHERE t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
FOR SHARE;

-- name: teams_list
-- plan: custom
SELECT t.id, t.name, t.version, t.created_at, t.updated_at,
    (SELECT count(*) FROM team_members m WHERE m.workspace_id = $1 AND m.team_id = t.id) AS member_count
FROM teams t
WHERE t.workspace_id = $1 AND t.deleted_at IS NULL AND t.id > $2
ORDER BY t.id
LIMIT $3;

-- name: team_update
UPDATE teams t
SET name = $3, version = t.version + 1, updated_at = now()
WHERE t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL;

-- name: team_delete
UPDATE teams t
SET deleted_at = now(), version = t.version + 1, updated_at = now()
WHERE t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL;

-- name: team_member_insert
INSERT INTO team_members (workspace_id, team_id, agent_id) VALUES ($1, $2, $3)
ON CONFLICT (workspace_id, team_id, agent_id) DO NOTHING
RETURNING agent_id;

-- name: team_member_get
SELECT m.agent_id
FROM team_members m
WHERE m.workspace_id = $1 AND m.team_id = $2 AND m.agent_id = $3;

-- name: team_member_delete
DELETE FROM team_members m
WHERE m.workspace_id = $1 AND m.team_id = $2 AND m.agent_id = $3
RETURNING agent_id;

-- name: team_members_list
-- plan: custom
SELECT a.id, a.name, a.email, a.role, a.presence, a.presence_changed_at, a.max_open, a.open_count, a.version,
    a.created_at, a.updated_at
FROM team_members m
JOIN agents a ON a.workspace_id = $1 AND a.id = m.agent_id
WHERE m.workspace_id = $1 AND m.team_id = $2 AND m.agent_id > $3
ORDER BY m.agent_id
LIMIT $4;

-- In the order of the agents' ids, in which their rows are locked (S19).
-- name: team_members_lock_agents
SELECT a.id, a.name
FROM agents a
WHERE a.workspace_id = $1
    AND a.id IN (SELECT m.agent_id FROM team_members m WHERE m.workspace_id = $1 AND m.team_id = $2)
ORDER BY a.id
FOR NO KEY UPDATE;

-- name: team_members_delete_of_team
DELETE FROM team_members m WHERE m.workspace_id = $1 AND m.team_id = $2
RETURNING agent_id;

-- name: team_members_delete_of_agent
DELETE FROM team_members m
USING teams t
WHERE m.workspace_id = $1 AND m.agent_id = $2 AND t.workspace_id = $1 AND t.id = m.team_id
RETURNING t.id AS team_id, t.name AS team_name;
