-- Tenants. The one table whose own id is the workspace (S36).

-- An unknown zone is refused by the server itself: AT TIME ZONE fails with 22023.
-- name: workspace_insert
INSERT INTO workspaces (id, name, time_zone)
SELECT $1::uuid, $2::text, $3::text
WHERE (statement_timestamp() AT TIME ZONE $3::text) IS NOT NULL
RETURNING id, name, time_zone, closing_note, require_if_match, rate_limit_quota, rate_limit_seconds, version,
    created_at, updated_at;

-- name: run_turns_insert
INSERT INTO run_turns (workspace_id, turn)
SELECT w.id, t.turn FROM workspaces w, unnest($2::smallint[]) AS t (turn)
WHERE w.id = $1
ORDER BY t.turn;

-- name: workspace_get
SELECT w.id, w.name, w.time_zone, w.closing_note, w.require_if_match, w.rate_limit_quota, w.rate_limit_seconds,
    w.version, w.created_at, w.updated_at
FROM workspaces w
WHERE w.id = $1;

-- name: workspace_lock
SELECT w.id, w.name, w.time_zone, w.closing_note, w.require_if_match, w.rate_limit_quota, w.rate_limit_seconds,
    w.version, w.created_at, w.updated_at
FROM workspaces w
WHERE w.id = $1
FOR NO KEY UPDATE;

-- name: workspace_update
UPDATE workspaces w
SET name = $2, time_zone = $3, closing_note = $4, require_if_match = $5, rate_limit_quota = $6,
    rate_limit_seconds = $7, version = w.version + 1, updated_at = now()
WHERE w.id = $1 AND (statement_timestamp() AT TIME ZONE $3::text) IS NOT NULL
RETURNING id, name, time_zone, closing_note, require_if_match, rate_limit_quota, rate_limit_seconds, version,
    created_at, updated_at;

-- name: workspace_requires_if_match
SELECT w.require_if_match
FROM workspaces w
WHERE w.id = $1;

-- name: workspaces_list
-- plan: custom
SELECT w.id, w.name, w.time_zone, w.closing_note, w.require_if_match, w.rate_limit_quota, w.rate_limit_seconds,
    w.version, w.created_at, w.updated_at
FROM workspaces w
WHERE w.id > $1
ORDER BY w.id
LIMIT $2;

-- name: workspace_find_by_name
SELECT w.id, w.name, w.time_zone, w.closing_note, w.require_if_match, w.rate_limit_quota, w.rate_limit_seconds,
    w.version, w.created_at, w.updated_at
FROM workspaces w
WHERE lower(w.name) = lower($1)
ORDER BY w.id;

-- Those with a rate limit of their own: few, found by a partial index.
-- name: workspaces_with_rate_limits
SELECT w.id, w.rate_limit_quota, w.rate_limit_seconds
FROM workspaces w
WHERE w.rate_limit_quota IS NOT NULL
ORDER BY w.id;
