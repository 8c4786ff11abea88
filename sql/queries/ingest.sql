-- Accepting inbound messages, batch by batch (S5).

-- name: clock
SELECT statement_timestamp() AS now FROM workspaces w WHERE w.id = $1;

-- OFFSET keeps the order of this join, key by key, whatever the server believes of tables that it has not counted yet.
-- name: ingest_receipts
SELECT r.channel_id, r.external_hash, r.conversation_id, r.opened, r.request_id
FROM unnest($2::uuid[], $3::bytea[]) AS u (channel_id, external_hash)
    CROSS JOIN LATERAL (
        SELECT m.channel_id, m.external_hash, m.conversation_id, m.opened, m.request_id
        FROM message_receipts m
        WHERE m.workspace_id = $1 AND m.channel_id = u.channel_id AND m.external_hash = u.external_hash
        OFFSET 0) r;

-- name: ingest_identities
SELECT i.channel_id, i.external_id, i.contact_id
FROM (SELECT DISTINCT n.channel_id, n.external_id FROM unnest($2::uuid[], $3::text[]) AS n (channel_id, external_id)) u
    CROSS JOIN LATERAL (
        SELECT d.channel_id, d.external_id, d.contact_id
        FROM identities d
        WHERE d.workspace_id = $1 AND d.channel_id = u.channel_id AND d.external_id = u.external_id
        OFFSET 0) i;

-- name: ingest_channels
SELECT ch.id, ch.name FROM channels ch WHERE ch.workspace_id = $1 AND ch.id = ANY ($2::uuid[]);

-- Who loses the race for an identity waits here and is given the winner's contact.
-- name: ingest_create_identities
INSERT INTO identities (workspace_id, channel_id, external_id, contact_id)
SELECT w.id, u.channel_id, u.external_id, u.contact_id
FROM workspaces w, unnest($2::uuid[], $3::text[], $4::uuid[]) AS u (channel_id, external_id, contact_id)
WHERE w.id = $1
ORDER BY u.channel_id, u.external_id COLLATE "C"
ON CONFLICT (workspace_id, channel_id, external_id) DO UPDATE SET external_id = excluded.external_id
RETURNING channel_id, external_id, contact_id;
