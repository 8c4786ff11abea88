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
INSERT INTO api_keys (workspace_id, id, name, role, secret_hash, scopes, expires_at, allowed_addresses)
VALUES ($1, $2, $3, $4, $5, $6::text[], $7, $8::cidr[])
RETURNING id, name, role, scopes, allowed_addresses, created_at, expires_at, last_used_at, revoked_at,
    CASE WHEN previous_valid_until > now() THEN previous_valid_until END AS previous_valid_until;

-- After a rotation the secret before it is as good as the new one, until its time is over.
-- name: api_key_authenticate
SELECT k.workspace_id, k.id, k.name, k.role, k.secret_hash, k.scopes, k.expires_at, k.allowed_addresses,
    CASE WHEN k.previous_valid_until > statement_timestamp() THEN k.previous_secret_hash END AS previous_secret_hash
FROM api_keys_with_id($1) k
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp());

-- name: api_key_get
SELECT k.id, k.name, k.role, k.scopes, k.allowed_addresses, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
    CASE WHEN k.previous_valid_until > now() THEN k.previous_valid_until END AS previous_valid_until
FROM api_keys k
WHERE k.workspace_id = $1 AND k.id = $2;

-- name: api_key_lock
SELECT k.id, k.name, k.role, k.scopes, k.allowed_addresses, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
    CASE WHEN k.previous_valid_until > now() THEN k.previous_valid_until END AS previous_valid_until
FROM api_keys k
WHERE k.workspace_id = $1 AND k.id = $2
FOR NO KEY UPDATE;

-- name: api_keys_list
-- plan: custom
SELECT k.id, k.name, k.role, k.scopes, k.allowed_addresses, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
    CASE WHEN k.previous_valid_until > now() THEN k.previous_valid_until END AS previous_valid_until
FROM api_keys k
WHERE k.workspace_id = $1 AND k.id > $2
ORDER BY k.id
LIMIT $3;

-- Owner keys that nothing limits, in the order in which everybody locks them.
-- name: api_keys_lock_unlimited_owners
SELECT k.id
FROM api_keys k
WHERE k.workspace_id = $1 AND k.role = 'owner' AND k.revoked_at IS NULL AND k.expires_at IS NULL AND k.scopes IS NULL
    AND k.allowed_addresses IS NULL
ORDER BY k.id
FOR NO KEY UPDATE;

-- name: api_key_update
UPDATE api_keys k SET name = $3, scopes = $4::text[], expires_at = $5, allowed_addresses = $6::cidr[]
WHERE k.workspace_id = $1 AND k.id = $2
RETURNING id, name, role, scopes, allowed_addresses, created_at, expires_at, last_used_at, revoked_at,
    CASE WHEN previous_valid_until > now() THEN previous_valid_until END AS previous_valid_until;

-- With an overlap of nothing the secret before is forgotten at once.
-- name: api_key_rotate
UPDATE api_keys k
SET secret_hash = $3, previous_secret_hash = CASE WHEN $4::double precision > 0 THEN k.secret_hash END,
    previous_valid_until = CASE WHEN $4::double precision > 0 THEN now() + make_interval(secs => $4) END
WHERE k.workspace_id = $1 AND k.id = $2 AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
RETURNING id, name, role, scopes, allowed_addresses, created_at, expires_at, last_used_at, revoked_at,
    CASE WHEN previous_valid_until > now() THEN previous_valid_until END AS previous_valid_until;

-- name: api_key_revoke
UPDATE api_keys k
SET revoked_at = coalesce(k.revoked_at, now()), previous_secret_hash = NULL, previous_valid_until = NULL
WHERE k.workspace_id = $1 AND k.id = $2
RETURNING id, name, role, scopes, allowed_addresses, created_at, expires_at, last_used_at, revoked_at,
    CASE WHEN previous_valid_until > now() THEN previous_valid_until END AS previous_valid_until;

-- name: api_keys_note_uses
UPDATE api_keys k
SET last_used_at = u.used_at
FROM unnest($2::uuid[], $3::timestamptz[]) AS u (id, used_at)
WHERE k.workspace_id = $1 AND k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.used_at);

-- name: channel_authenticate
SELECT ch.workspace_id, ch.id, ch.name, ch.token_hash
FROM channels_with_id($1) ch
WHERE ch.deleted_at IS NULL;

-- name: caller_agent
SELECT a.id, a.name
FROM agents a
WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL;
