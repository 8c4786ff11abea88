-- Connected accounts. The token's hash admits the channel; the token itself is what it is sent with, and stays unreadable
-- for the API's role.

-- name: channel_insert
INSERT INTO channels (workspace_id, id, name, kind, url, token_hash) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id, name, kind, url, version, created_at, updated_at;

-- name: channel_secret_insert
INSERT INTO channel_secrets (workspace_id, channel_id, token) VALUES ($1, $2, $3);

-- name: channel_secret_update
UPDATE channel_secrets s SET token = $3 WHERE s.workspace_id = $1 AND s.channel_id = $2;

-- name: channel_secret_delete
DELETE FROM channel_secrets s WHERE s.workspace_id = $1 AND s.channel_id = $2;

-- name: channel_get
SELECT ch.id, ch.name, ch.kind, ch.url, ch.version, ch.created_at, ch.updated_at
FROM channels ch
WHERE ch.workspace_id = $1 AND ch.id = $2 AND ch.deleted_at IS NULL;

-- name: channel_lock
SELECT ch.id, ch.name, ch.kind, ch.url, ch.version, ch.created_at, ch.updated_at
FROM channels ch
WHERE ch.workspace_id = $1 AND ch.id = $2 AND ch.deleted_at IS NULL
FOR NO KEY UPDATE;

-- name: channels_alive
SELECT ch.id
FROM channels ch
WHERE ch.workspace_id = $1 AND ch.id = ANY ($2::uuid[]) AND ch.deleted_at IS NULL
ORDER BY ch.id
FOR SHARE;

-- name: channels_list
-- plan: custom
SELECT ch.id, ch.name, ch.kind, ch.url, ch.version, ch.created_at, ch.updated_at
FROM channels ch
WHERE ch.workspace_id = $1 AND ch.deleted_at IS NULL AND ch.id > $2
ORDER BY ch.id
LIMIT $3;

-- name: channel_update
UPDATE channels ch
SET name = $3, url = $4, version = ch.version + 1, updated_at = now()
WHERE ch.workspace_id = $1 AND ch.id = $2 AND ch.deleted_at IS NULL
RETURNING id, name, kind, url, version, created_at, updated_at;

-- name: channel_set_token
UPDATE channels ch
SET token_hash = $3, version = ch.version + 1, updated_at = now()
WHERE ch.workspace_id = $1 AND ch.id = $2 AND ch.deleted_at IS NULL
RETURNING id, name, kind, url, version, created_at, updated_at;

-- name: channel_delete
UPDATE channels ch
SET deleted_at = now(), version = ch.version + 1, updated_at = now()
WHERE ch.workspace_id = $1 AND ch.id = $2 AND ch.deleted_at IS NULL;
