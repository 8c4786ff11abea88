-- What may be known of a contact beyond the built-in values.

-- name: contact_field_insert
INSERT INTO contact_fields (workspace_id, name, type, description) VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, name) DO NOTHING
RETURNING name, type, description, version, created_at, updated_at;

-- name: contact_field_get
SELECT f.name, f.type, f.description, f.version, f.created_at, f.updated_at
FROM contact_fields f
WHERE f.workspace_id = $1 AND f.name = $2;

-- name: contact_field_lock
SELECT f.name, f.type, f.description, f.version, f.created_at, f.updated_at
FROM contact_fields f
WHERE f.workspace_id = $1 AND f.name = $2
FOR NO KEY UPDATE;

-- name: contact_fields_list
-- plan: custom
SELECT f.name, f.type, f.description, f.version, f.created_at, f.updated_at
FROM contact_fields f
WHERE f.workspace_id = $1 AND f.name > $2
ORDER BY f.name
LIMIT $3;

-- name: contact_field_update
UPDATE contact_fields f
SET description = $3, version = f.version + 1, updated_at = now()
WHERE f.workspace_id = $1 AND f.name = $2
RETURNING name, type, description, version, created_at, updated_at;

-- name: contact_field_delete
DELETE FROM contact_fields f WHERE f.workspace_id = $1 AND f.name = $2
RETURNING name;

-- Who writes a field nobody defined defines it as text (S27).
-- name: contact_fields_define
INSERT INTO contact_fields (workspace_id, name)
SELECT w.id, u.name
FROM workspaces w, unnest($2::text[]) AS u (name)
WHERE w.id = $1
ORDER BY u.name
ON CONFLICT (workspace_id, name) DO NOTHING;

-- name: contact_fields_types
SELECT f.name, f.type
FROM contact_fields f
WHERE f.workspace_id = $1 AND f.name = ANY ($2::text[])
ORDER BY f.name;
