-- What the API reads of conversations. The lists are planned for their values (`plan: custom`): an absent filter folds away, and
-- the planner walks the index whose order is asked for, or that of the rarest filter. A list goes by the time that its window
-- ($10 to $11) is of: opening, closing, or the last change. A page goes by (time, id), so that it is stable under inserts;
-- $12 and $13 are the last row of the page before. Every status is a branch of its own, as it is a stretch of its own in the
-- indexes; what is closed waits for nobody (a CHECK holds it).

-- name: conversation_get
SELECT
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM conversations
WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL;

-- The span of ids that a conversation's messages and events can have: clocks of two machines may differ, by less than a day.
-- name: conversation_span
SELECT opened_at - interval '1 day' AS first_at, greatest(last_event_at, now()) + interval '1 day' AS last_at
FROM conversations
WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL;

-- name: conversation_list_opened_desc
-- plan: custom
SELECT
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM (
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'open' AND ($2::text IS NULL OR $2 = 'open') AND erased_at IS NULL
            AND ($3::uuid IS NULL OR team_id = $3)
            AND ($4::uuid IS NULL OR assignee_id = $4)
            AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
            AND ($6::boolean IS NULL OR waiting = $6)
            AND ($7::uuid IS NULL OR channel_id = $7)
            AND ($8::uuid IS NULL OR contact_id = $8)
            AND ($9::text IS NULL OR source = $9)
            AND ($10::timestamptz IS NULL OR opened_at >= $10)
            AND ($11::timestamptz IS NULL OR opened_at < $11)
            AND ($12::timestamptz IS NULL OR (opened_at, id) < ($12, $13::uuid))
        ORDER BY opened_at DESC, id DESC
        LIMIT $14::bigint
    )
    UNION ALL
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'snoozed' AND ($2::text IS NULL OR $2 = 'snoozed') AND erased_at IS NULL
            AND ($3::uuid IS NULL OR team_id = $3)
            AND ($4::uuid IS NULL OR assignee_id = $4)
            AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
            AND ($6::boolean IS NULL OR waiting = $6)
            AND ($7::uuid IS NULL OR channel_id = $7)
            AND ($8::uuid IS NULL OR contact_id = $8)
            AND ($9::text IS NULL OR source = $9)
            AND ($10::timestamptz IS NULL OR opened_at >= $10)
            AND ($11::timestamptz IS NULL OR opened_at < $11)
            AND ($12::timestamptz IS NULL OR (opened_at, id) < ($12, $13::uuid))
        ORDER BY opened_at DESC, id DESC
        LIMIT $14::bigint
    )
    UNION ALL
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'closed' AND ($2::text IS NULL OR $2 = 'closed') AND erased_at IS NULL
            AND $6::boolean IS NOT TRUE
            AND ($3::uuid IS NULL OR team_id = $3)
            AND ($4::uuid IS NULL OR assignee_id = $4)
            AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
            AND ($7::uuid IS NULL OR channel_id = $7)
            AND ($8::uuid IS NULL OR contact_id = $8)
            AND ($9::text IS NULL OR source = $9)
            AND ($10::timestamptz IS NULL OR opened_at >= $10)
            AND ($11::timestamptz IS NULL OR opened_at < $11)
            AND ($12::timestamptz IS NULL OR (opened_at, id) < ($12, $13::uuid))
        ORDER BY opened_at DESC, id DESC
        LIMIT $14::bigint
    )
) c
ORDER BY opened_at DESC, id DESC
LIMIT $14::bigint;

-- name: conversation_list_opened_asc
-- plan: custom
SELECT
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM (
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'open' AND ($2::text IS NULL OR $2 = 'open') AND erased_at IS NULL
            AND ($3::uuid IS NULL OR team_id = $3)
            AND ($4::uuid IS NULL OR assignee_id = $4)
            AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
            AND ($6::boolean IS NULL OR waiting = $6)
            AND ($7::uuid IS NULL OR channel_id = $7)
            AND ($8::uuid IS NULL OR contact_id = $8)
            AND ($9::text IS NULL OR source = $9)
            AND ($10::timestamptz IS NULL OR opened_at >= $10)
            AND ($11::timestamptz IS NULL OR opened_at < $11)
            AND ($12::timestamptz IS NULL OR (opened_at, id) > ($12, $13::uuid))
        ORDER BY opened_at ASC, id ASC
        LIMIT $14::bigint
    )
    UNION ALL
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'snoozed' AND ($2::text IS NULL OR $2 = 'snoozed') AND erased_at IS NULL
            AND ($3::uuid IS NULL OR team_id = $3)
            AND ($4::uuid IS NULL OR assignee_id = $4)
            AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
            AND ($6::boolean IS NULL OR waiting = $6)
            AND ($7::uuid IS NULL OR channel_id = $7)
            AND ($8::uuid IS NULL OR contact_id = $8)
            AND ($9::text IS NULL OR source = $9)
            AND ($10::timestamptz IS NULL OR opened_at >= $10)
            AND ($11::timestamptz IS NULL OR opened_at < $11)
            AND ($12::timestamptz IS NULL OR (opened_at, id) > ($12, $13::uuid))
        ORDER BY opened_at ASC, id ASC
        LIMIT $14::bigint
    )
    UNION ALL
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'closed' AND ($2::text IS NULL OR $2 = 'closed') AND erased_at IS NULL
            AND $6::boolean IS NOT TRUE
            AND ($3::uuid IS NULL OR team_id = $3)
            AND ($4::uuid IS NULL OR assignee_id = $4)
            AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
            AND ($7::uuid IS NULL OR channel_id = $7)
            AND ($8::uuid IS NULL OR contact_id = $8)
            AND ($9::text IS NULL OR source = $9)
            AND ($10::timestamptz IS NULL OR opened_at >= $10)
            AND ($11::timestamptz IS NULL OR opened_at < $11)
            AND ($12::timestamptz IS NULL OR (opened_at, id) > ($12, $13::uuid))
        ORDER BY opened_at ASC, id ASC
        LIMIT $14::bigint
    )
) c
ORDER BY opened_at ASC, id ASC
LIMIT $14::bigint;

-- name: conversation_list_closed_desc
-- plan: custom
SELECT
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM conversations
WHERE workspace_id = $1
    AND erased_at IS NULL
    AND status = 'closed' AND closed_at IS NOT NULL AND $6::boolean IS NOT TRUE
    AND ($2::text IS NULL OR $2 = 'closed')
    AND ($3::uuid IS NULL OR team_id = $3)
    AND ($4::uuid IS NULL OR assignee_id = $4)
    AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
    AND ($7::uuid IS NULL OR channel_id = $7)
    AND ($8::uuid IS NULL OR contact_id = $8)
    AND ($9::text IS NULL OR source = $9)
    AND ($10::timestamptz IS NULL OR closed_at >= $10)
    AND ($11::timestamptz IS NULL OR closed_at < $11)
    AND ($12::timestamptz IS NULL OR (closed_at, id) < ($12, $13::uuid))
ORDER BY closed_at DESC, id DESC
LIMIT $14::bigint;

-- name: conversation_list_closed_asc
-- plan: custom
SELECT
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM conversations
WHERE workspace_id = $1
    AND erased_at IS NULL
    AND status = 'closed' AND closed_at IS NOT NULL AND $6::boolean IS NOT TRUE
    AND ($2::text IS NULL OR $2 = 'closed')
    AND ($3::uuid IS NULL OR team_id = $3)
    AND ($4::uuid IS NULL OR assignee_id = $4)
    AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
    AND ($7::uuid IS NULL OR channel_id = $7)
    AND ($8::uuid IS NULL OR contact_id = $8)
    AND ($9::text IS NULL OR source = $9)
    AND ($10::timestamptz IS NULL OR closed_at >= $10)
    AND ($11::timestamptz IS NULL OR closed_at < $11)
    AND ($12::timestamptz IS NULL OR (closed_at, id) > ($12, $13::uuid))
ORDER BY closed_at ASC, id ASC
LIMIT $14::bigint;

-- name: conversation_list_updated_desc
-- plan: custom
SELECT
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM conversations
WHERE workspace_id = $1
    AND erased_at IS NULL
    AND ($2::text IS NULL OR status = $2)
    AND ($3::uuid IS NULL OR team_id = $3)
    AND ($4::uuid IS NULL OR assignee_id = $4)
    AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
    AND ($6::boolean IS NULL OR waiting = $6)
    AND ($7::uuid IS NULL OR channel_id = $7)
    AND ($8::uuid IS NULL OR contact_id = $8)
    AND ($9::text IS NULL OR source = $9)
    AND ($10::timestamptz IS NULL OR updated_at >= $10)
    AND ($11::timestamptz IS NULL OR updated_at < $11)
    AND ($12::timestamptz IS NULL OR (updated_at, id) < ($12, $13::uuid))
ORDER BY updated_at DESC, id DESC
LIMIT $14::bigint;

-- name: conversation_list_updated_asc
-- plan: custom
SELECT
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM conversations
WHERE workspace_id = $1
    AND erased_at IS NULL
    AND ($2::text IS NULL OR status = $2)
    AND ($3::uuid IS NULL OR team_id = $3)
    AND ($4::uuid IS NULL OR assignee_id = $4)
    AND ($5::boolean IS NOT TRUE OR assignee_id IS NULL)
    AND ($6::boolean IS NULL OR waiting = $6)
    AND ($7::uuid IS NULL OR channel_id = $7)
    AND ($8::uuid IS NULL OR contact_id = $8)
    AND ($9::text IS NULL OR source = $9)
    AND ($10::timestamptz IS NULL OR updated_at >= $10)
    AND ($11::timestamptz IS NULL OR updated_at < $11)
    AND ($12::timestamptz IS NULL OR (updated_at, id) > ($12, $13::uuid))
ORDER BY updated_at ASC, id ASC
LIMIT $14::bigint;

-- name: conversation_messages_asc
-- plan: custom
SELECT id, conversation_id, contact_id, channel_id, direction, source, agent_id, run_id, text, status, error, sent_at, created_at
FROM messages
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND ($5::uuid IS NULL OR id > $5)
ORDER BY id ASC
LIMIT $6::bigint;

-- name: conversation_messages_desc
-- plan: custom
SELECT id, conversation_id, contact_id, channel_id, direction, source, agent_id, run_id, text, status, error, sent_at, created_at
FROM messages
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND ($5::uuid IS NULL OR id < $5)
ORDER BY id DESC
LIMIT $6::bigint;

-- name: conversation_comments_asc
-- plan: custom
SELECT id, conversation_id, source, agent_id, run_id, text, created_at
FROM comments
WHERE workspace_id = $1 AND conversation_id = $2 AND ($3::uuid IS NULL OR id > $3)
ORDER BY id ASC
LIMIT $4::bigint;

-- name: conversation_comments_desc
-- plan: custom
SELECT id, conversation_id, source, agent_id, run_id, text, created_at
FROM comments
WHERE workspace_id = $1 AND conversation_id = $2 AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC
LIMIT $4::bigint;

-- name: conversation_events_asc
-- plan: custom
SELECT id, type, sequence, occurred_at, conversation_id, source, actor, data
FROM events
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND ($5::bigint IS NULL OR sequence > $5)
ORDER BY sequence ASC, id ASC
LIMIT $6::bigint;

-- name: conversation_events_desc
-- plan: custom
SELECT id, type, sequence, occurred_at, conversation_id, source, actor, data
FROM events
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND ($5::bigint IS NULL OR sequence < $5)
ORDER BY sequence DESC, id DESC
LIMIT $6::bigint;

-- What was just written, for the answer to the call that wrote it.
-- name: conversation_message_get
SELECT id, conversation_id, contact_id, channel_id, direction, source, agent_id, run_id, text, status, error, sent_at, created_at
FROM messages
WHERE workspace_id = $1 AND id = $2;

-- name: conversation_comment_get
SELECT id, conversation_id, source, agent_id, run_id, text, created_at
FROM comments
WHERE workspace_id = $1 AND id = $2;
