-- What a conversation was about, chosen when it is closed (S29).

-- name: closing_categories_insert
INSERT INTO closing_categories (workspace_id, id, name)
SELECT w.id, u.id, u.name
FROM workspaces w, unnest($2::uuid[], $3::text[]) AS u (id, name)
WHERE w.id = $1
ORDER BY u.id
RETURNING id, name, version, created_at, updated_at;

-- name: closing_category_get
SELECT k.id, k.name, k.version, k.created_at, k.updated_at
FROM closing_categories k
WHERE k.workspace_id = $1 AND k.id = $2 AND k.deleted_at IS NULL;

-- name: closing_category_lock
SELECT k.id, k.name, k.version, k.created_at, k.updated_at
FROM closing_categories k
WHERE k.workspace_id = $1 AND k.id = $2 AND k.deleted_at IS NULL
FOR NO KEY UPDATE;

-- name: closing_categories_list
-- plan: custom
SELECT k.id, k.name, k.version, k.created_at, k.updated_at
FROM closing_categories k
WHERE k.workspace_id = $1 AND k.deleted_at IS NULL AND k.id > $2
ORDER BY k.id
LIMIT $3;

-- name: closing_category_update
UPDATE closing_categories k
SET name = $3, version = k.version + 1, updated_at = now()
WHERE k.workspace_id = $1 AND k.id = $2 AND k.deleted_at IS NULL
RETURNING id, name, version, created_at, updated_at;

-- name: closing_category_delete
UPDATE closing_categories k
SET deleted_at = now(), version = k.version + 1, updated_at = now()
WHERE k.workspace_id = $1 AND k.id = $2 AND k.deleted_at IS NULL
RETURNING id;
