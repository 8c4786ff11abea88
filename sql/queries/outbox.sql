-- Effects on the world outside: at least once, in order per conversation.

-- name: workspaces_with_due_effects
SELECT w.id
FROM workspaces w
WHERE EXISTS (
    SELECT 1 FROM outbox o
    WHERE o.workspace_id = w.id AND o.status = 'pending' AND o.next_at <= statement_timestamp())
ORDER BY w.id;

-- Only the oldest pending effect of a conversation may go; `$4` are channels that have enough under way.
-- name: outbox_claim
-- Channel by channel, so that the backlog of a dead receiver is not walked through to reach the others' effects.
WITH due AS MATERIALIZED (
    SELECT d.id
    FROM channels ch
        CROSS JOIN LATERAL (
            SELECT o.id, o.next_at
            FROM outbox o
            WHERE o.workspace_id = $1 AND o.channel_id = ch.id AND o.status = 'pending'
                AND o.next_at <= statement_timestamp()
                AND (o.lease_until IS NULL OR o.lease_until < statement_timestamp())
                AND NOT EXISTS (
                    SELECT 1 FROM outbox e
                    WHERE e.workspace_id = $1 AND e.conversation_id = o.conversation_id AND e.status = 'pending'
                        AND e.id < o.id)
            ORDER BY o.next_at, o.id
            LIMIT $2
            FOR NO KEY UPDATE SKIP LOCKED
        ) d
    WHERE ch.workspace_id = $1 AND NOT ch.id = ANY ($4::uuid[])
    ORDER BY d.next_at, d.id
    LIMIT $2
)
UPDATE outbox o
SET owner = $3, epoch = o.epoch + 1, lease_until = now() + make_interval(secs => $5), attempts = o.attempts + 1
FROM due
WHERE o.workspace_id = $1 AND o.id = due.id
RETURNING o.id, o.key, o.channel_id, o.conversation_id, o.message_id, o.body, o.attempts, o.epoch, o.created_at,
    o.expires_at, o.lease_until, o.trace, now() AS now;

-- name: outbox_accounts
SELECT ch.id, ch.kind, ch.url, s.token
FROM channels ch
    JOIN channel_secrets s ON s.workspace_id = $1 AND s.channel_id = ch.id
WHERE ch.workspace_id = $1 AND ch.id = ANY ($2::uuid[]) AND ch.deleted_at IS NULL
ORDER BY ch.id;

-- What is still ours to settle: a row whose epoch moved on was taken by another worker after our lease ran out.
-- name: outbox_lock
SELECT o.id, o.epoch
FROM outbox o
    JOIN unnest($2::uuid[], $4::bigint[]) AS u (id, epoch) ON u.id = o.id AND u.epoch = o.epoch
WHERE o.workspace_id = $1 AND o.owner = $3 AND o.status = 'pending'
ORDER BY o.id
FOR NO KEY UPDATE OF o;

-- name: outbox_settle
UPDATE outbox o
SET status = u.status, error = u.error, lease_until = NULL,
    next_at = now() + make_interval(secs => u.delay),
    settled_at = CASE WHEN u.status = 'pending' THEN NULL ELSE now() END
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::double precision[]) AS u (id, status, error, delay)
WHERE o.workspace_id = $1 AND o.id = u.id;

-- name: outbox_settle_messages
UPDATE messages m
SET status = u.status, error = u.error
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS u (id, status, error)
WHERE m.workspace_id = $1 AND m.id = u.id AND m.id = ANY ($2::uuid[]);
