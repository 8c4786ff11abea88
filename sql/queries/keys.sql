-- Who may call. A secret is kept as its SHA-256; the public id before it finds the row (S36).

-- name: operator_key_insert
INSERT INTO operator_keys (id, name, secret_hash) VALUES ($1, $2, $3)
RETURNING id, name, created_at, revoked_at;

-- name: operator_key_authenticate
SELECT k.id, k.name, k.secret_hash
FROM operator_keys_with_id($1) k
WHERE k.revoked_at IS NULL;

-- name: operator_keys_list
-- plan: custom
SELECT k.id, k.name, k.created_at, k.revoked_at
FROM operator_keys k
WHERE k.id > $1
ORDER BY k.id
LIMIT $2;

-- name: operator_key_revoke
UPDATE operator_keys k SET revoked_at = coalesce(k.revoked_at, now())
WHERE k.id = $1
RETURNING id, name, created_at, revoked_at;

-- name: api_key_insert
INSERT INTO api_keys (workspace_id, id, name, role, secret_hash, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id, name, role, created_at, expires_at, revoked_at;

-- name: api_key_authenticate
SELECT k.workspace_id, k.id, k.name, k.role, k.secret_hash
FROM api_keys_with_id($1) k
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp());

-- name: api_key_get
SELECT k.id, k.name, k.role, k.created_at, k.expires_at, k.revoked_at
FROM api_keys k
WHERE k.workspace_id = $1 AND k.id = $2;

-- name: api_keys_list
-- plan: custom
SELECT k.id, k.name, k.role, k.created_at, k.expires_at, k.revoked_at
FROM api_keys k
WHERE k.workspace_id = $1 AND k.id > $2
ORDER BY k.id
LIMIT $3;

-- name: api_key_revoke
UPDATE api_keys k SET revoked_at = coalesce(k.revoked_at, now())
WHERE k.workspace_id = $1 AND k.id = $2
RETURNING id, name, role, created_at, expires_at, revoked_at;

-- name: channel_authenticate
SELECT ch.workspace_id, ch.id, ch.name, ch.token_hash
FROM channels_with_id($1) ch
WHERE ch.deleted_at IS NULL;

-- name: caller_agent
SELECT a.id, a.name
FROM agents a
WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL;
