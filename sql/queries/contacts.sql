-- Contacts as the API sees and writes them. Ingest and steps write theirs in changes.sql.

-- name: contact_insert
INSERT INTO contacts (workspace_id, id, name, email, phone, language, tags, fields, blocked)
VALUES ($1, $2, $3, $4, $5, $6, $7::text[], $8::jsonb, $9)
RETURNING id;

-- name: contact_get
SELECT c.id, c.name, c.email, c.phone, c.language, c.tags, c.fields, c.blocked, c.last_assignee_id, c.version,
    c.created_at, c.updated_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('channel_id', i.channel_id, 'external_id', i.external_id)
                ORDER BY i.channel_id, i.external_id)
        FROM identities i WHERE i.workspace_id = $1 AND i.contact_id = c.id), '[]') AS identities
FROM contacts c
WHERE c.workspace_id = $1 AND c.id = $2 AND c.erased_at IS NULL;

-- name: contact_lock
SELECT c.id, c.name, c.email, c.phone, c.language, c.tags, c.fields, c.blocked, c.last_assignee_id, c.version,
    c.created_at, c.updated_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('channel_id', i.channel_id, 'external_id', i.external_id)
                ORDER BY i.channel_id, i.external_id)
        FROM identities i WHERE i.workspace_id = $1 AND i.contact_id = c.id), '[]') AS identities
FROM contacts c
WHERE c.workspace_id = $1 AND c.id = $2 AND c.erased_at IS NULL
FOR NO KEY UPDATE OF c;

-- name: contacts_list
-- plan: custom
SELECT c.id, c.name, c.email, c.phone, c.language, c.tags, c.fields, c.blocked, c.last_assignee_id, c.version,
    c.created_at, c.updated_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('channel_id', i.channel_id, 'external_id', i.external_id)
                ORDER BY i.channel_id, i.external_id)
        FROM identities i WHERE i.workspace_id = $1 AND i.contact_id = c.id), '[]') AS identities
FROM contacts c
WHERE c.workspace_id = $1 AND c.id > $2 AND c.erased_at IS NULL
ORDER BY c.id
LIMIT $3;

-- name: contacts_list_by_email
-- plan: custom
SELECT c.id, c.name, c.email, c.phone, c.language, c.tags, c.fields, c.blocked, c.last_assignee_id, c.version,
    c.created_at, c.updated_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('channel_id', i.channel_id, 'external_id', i.external_id)
                ORDER BY i.channel_id, i.external_id)
        FROM identities i WHERE i.workspace_id = $1 AND i.contact_id = c.id), '[]') AS identities
FROM contacts c
WHERE c.workspace_id = $1 AND c.id > $2 AND c.email_key = lower($4) AND c.erased_at IS NULL
    AND ($5::text IS NULL OR c.phone = $5)
ORDER BY c.id
LIMIT $3;

-- name: contacts_list_by_phone
-- plan: custom
SELECT c.id, c.name, c.email, c.phone, c.language, c.tags, c.fields, c.blocked, c.last_assignee_id, c.version,
    c.created_at, c.updated_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('channel_id', i.channel_id, 'external_id', i.external_id)
                ORDER BY i.channel_id, i.external_id)
        FROM identities i WHERE i.workspace_id = $1 AND i.contact_id = c.id), '[]') AS identities
FROM contacts c
WHERE c.workspace_id = $1 AND c.id > $2 AND c.phone = $4 AND c.erased_at IS NULL
ORDER BY c.id
LIMIT $3;

-- name: contacts_list_by_identity
-- plan: custom
SELECT c.id, c.name, c.email, c.phone, c.language, c.tags, c.fields, c.blocked, c.last_assignee_id, c.version,
    c.created_at, c.updated_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('channel_id', i.channel_id, 'external_id', i.external_id)
                ORDER BY i.channel_id, i.external_id)
        FROM identities i WHERE i.workspace_id = $1 AND i.contact_id = c.id), '[]') AS identities
FROM identities k
JOIN contacts c ON c.workspace_id = $1 AND c.id = k.contact_id
WHERE k.workspace_id = $1 AND k.channel_id = $4 AND k.external_id = $5 AND c.id > $2 AND c.erased_at IS NULL
    AND ($6::text IS NULL OR c.email_key = lower($6))
    AND ($7::text IS NULL OR c.phone = $7)
ORDER BY c.id
LIMIT $3;

-- name: contact_update
UPDATE contacts c
SET name = $3, email = $4, phone = $5, language = $6, tags = $7::text[], fields = $8::jsonb, blocked = $9,
    version = c.version + 1, updated_at = now()
WHERE c.workspace_id = $1 AND c.id = $2;

-- name: identities_insert
INSERT INTO identities (workspace_id, channel_id, external_id, contact_id)
SELECT w.id, u.channel_id, u.external_id, $4::uuid
FROM workspaces w, unnest($2::uuid[], $3::text[]) AS u (channel_id, external_id)
WHERE w.id = $1
ORDER BY u.channel_id, u.external_id
ON CONFLICT (workspace_id, channel_id, external_id) DO NOTHING
RETURNING channel_id, external_id;

-- name: identities_owners
SELECT i.channel_id, i.external_id, i.contact_id
FROM identities i
JOIN unnest($2::uuid[], $3::text[]) AS u (channel_id, external_id)
    ON i.channel_id = u.channel_id AND i.external_id = u.external_id
WHERE i.workspace_id = $1
ORDER BY i.channel_id, i.external_id;

-- name: identity_delete
DELETE FROM identities i
WHERE i.workspace_id = $1 AND i.channel_id = $2 AND i.external_id = $3 AND i.contact_id = $4
RETURNING contact_id;

-- name: identities_delete_of_contact
DELETE FROM identities i WHERE i.workspace_id = $1 AND i.contact_id = $2;

-- name: contact_lock_for_erasure
SELECT c.id FROM contacts c WHERE c.workspace_id = $1 AND c.id = $2 AND c.erased_at IS NULL FOR UPDATE;

-- name: contact_conversations
SELECT v.id, v.status <> 'closed' AS living
FROM conversations v
WHERE v.workspace_id = $1 AND v.contact_id = $2 AND v.erased_at IS NULL
ORDER BY v.id;

-- A blocked contact's messages are kept without a conversation, and go with the contact.
-- name: contact_erase_messages
DELETE FROM messages m
WHERE m.workspace_id = $1 AND m.conversation_id IS NULL AND m.contact_id = $2;

-- name: contact_erase
UPDATE contacts c
SET name = NULL, email = NULL, phone = NULL, language = NULL, tags = '{}', fields = '{}', last_assignee_id = NULL,
    erased_at = now(), version = c.version + 1, updated_at = now()
WHERE c.workspace_id = $1 AND c.id = $2;
