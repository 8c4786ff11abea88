-- Effects on the world outside: at least once, in order per conversation.

-- name: workspaces_with_due_effects
SELECT w.id
FROM workspaces w
WHERE EXISTS (
    SELECT 1 FROM outbox o
    WHERE o.workspace_id = w.id AND o.status = 'pending' AND o.next_at <= statement_timestamp())
ORDER BY w.id;

-- Only the oldest pending effect of a conversation may go. Channel by channel, so that the backlog of a dead receiver is not
-- walked through to reach the others' effects: `$5` says how many more of the channels in `$4` may be taken, `$6` of any other.
-- name: outbox_claim
WITH due AS MATERIALIZED (
    SELECT d.id, ch.id AS channel_id
    FROM channels ch
        LEFT JOIN unnest($4::uuid[], $5::integer[]) AS r (channel_id, room) ON r.channel_id = ch.id
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
            LIMIT coalesce(r.room, $6::integer)
            FOR NO KEY UPDATE SKIP LOCKED
        ) d
    WHERE ch.workspace_id = $1 AND coalesce(r.room, $6::integer) > 0
    ORDER BY d.next_at, d.id
    LIMIT $2
)
UPDATE outbox o
SET owner = $3, epoch = o.epoch + 1, lease_until = now() + make_interval(secs => $7), attempts = o.attempts + 1
FROM due
    LEFT JOIN channels ch ON ch.workspace_id = $1 AND ch.id = due.channel_id AND ch.deleted_at IS NULL
    LEFT JOIN channel_secrets s ON s.workspace_id = $1 AND s.channel_id = ch.id
WHERE o.workspace_id = $1 AND o.id = due.id
RETURNING o.id, o.key, o.channel_id, o.conversation_id, o.message_id, o.body, o.attempts, o.epoch, o.created_at,
    o.trace, now() AS now, ch.kind AS channel_kind, ch.url AS channel_url, s.token AS channel_token;

-- What is recorded in a conversation needs to know no more of it than this.
-- name: outbox_lock_conversations
SELECT c.id, c.contact_id, c.channel_id, c.source, c.opened_at, c.last_sequence, c.last_event_at,
    statement_timestamp() AS now
FROM conversations c
WHERE c.workspace_id = $1 AND c.id = ANY ($2::uuid[])
ORDER BY c.id
FOR NO KEY UPDATE;

-- Writes what is still ours to settle: a row whose epoch moved on was taken again after our lease ran out. An attempt that was
-- not made (`undone`) does not count.
-- name: outbox_settle
UPDATE outbox o
SET status = u.status, error = CASE WHEN u.undone > 0 THEN o.error ELSE u.error END, lease_until = NULL,
    next_at = now() + make_interval(secs => u.delay), attempts = o.attempts - u.undone,
    settled_at = CASE WHEN u.status = 'pending' THEN NULL ELSE now() END
FROM unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::double precision[], $8::integer[])
    AS u (id, epoch, status, error, delay, undone)
WHERE o.workspace_id = $1 AND o.id = u.id AND o.owner = $2 AND o.epoch = u.epoch AND o.status = 'pending'
RETURNING o.id, o.epoch;

-- name: outbox_settle_conversations
UPDATE conversations c
SET last_sequence = u.last_sequence, last_event_at = u.last_event_at, version = c.version + 1
FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[]) AS u (id, last_sequence, last_event_at)
WHERE c.workspace_id = $1 AND c.id = u.id;

-- name: outbox_settle_messages
UPDATE messages m
SET status = u.status, error = u.error
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS u (id, status, error)
WHERE m.workspace_id = $1 AND m.id = u.id AND m.id = ANY ($2::uuid[]);
