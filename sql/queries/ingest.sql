-- Accepting inbound messages, batch by batch (S5).

-- name: clock
SELECT statement_timestamp() AS now FROM workspaces w WHERE w.id = $1;

-- name: ingest_receipts
SELECT r.channel_id, r.external_hash, r.conversation_id, r.opened, r.request_id
FROM unnest($2::uuid[], $3::bytea[]) AS u (channel_id, external_hash)
    JOIN message_receipts r
        ON r.workspace_id = $1 AND r.channel_id = u.channel_id AND r.external_hash = u.external_hash;

-- name: ingest_identities
SELECT i.channel_id, i.external_id, i.contact_id
FROM (SELECT DISTINCT n.channel_id, n.external_id FROM unnest($2::uuid[], $3::text[]) AS n (channel_id, external_id)) u
    JOIN identities i
        ON i.workspace_id = $1 AND i.channel_id = u.channel_id AND i.external_id = u.external_id;

-- name: ingest_channels
SELECT ch.id, ch.name FROM channels ch WHERE ch.workspace_id = $1 AND ch.id = ANY ($2::uuid[]);

-- Who loses the race for an identity waits here and is given the winner's contact.
-- name: ingest_create_identities
INSERT INTO identities (workspace_id, channel_id, external_id, contact_id)
SELECT w.id, u.channel_id, u.external_id, u.contact_id
FROM workspaces w, unnest($2::uuid[], $3::text[], $4::uuid[]) AS u (channel_id, external_id, contact_id)
WHERE w.id = $1
ORDER BY u.channel_id, u.external_id
ON CONFLICT (workspace_id, channel_id, external_id) DO UPDATE SET external_id = excluded.external_id
RETURNING channel_id, external_id, contact_id;
