-- What the API reads of conversations. A list is a text for each set of filters that a caller can give: a line that ends in
-- `-- if` stands in it only where its words hold (Postgres/StatementTemplate.swift). What is left is prepared, and planned once
-- for all values, so every filter and every pair of them has an index that serves it whatever the values are (PlanTests).
-- A list goes by the time that its window ($6 to $7) is of: opening, closing, or the last change. A page goes by (time, id), so
-- that it is stable under inserts; $8 and $9 are the last row of the page before. Every status is a branch of its own, as it is
-- a stretch of its own in the indexes; what is closed waits for nobody (a CHECK holds it). A line `-- use` stands for a fragment.

-- fragment: conversation_columns
    id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at

-- fragment: message_columns
    id, conversation_id, contact_id, channel_id, direction, source, agent_id, run_id, text, status, error, sent_at, created_at

-- fragment: comment_columns
    id, conversation_id, source, agent_id, run_id, text, created_at

-- fragment: list_filters
            AND team_id = $2 -- if team
            AND assignee_id = $3 -- if assignee
            AND assignee_id IS NULL -- if nobody
            AND channel_id = $4 -- if channel
            AND contact_id = $5 -- if contact
            AND source = 'contact' -- if contacts
            AND source <> 'contact' AND source = $10 -- if elsewhere

-- name: conversation_get
SELECT
    -- use conversation_columns
FROM conversations
WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL;

-- The span of ids that a conversation's messages and events can have: clocks of two machines may differ, by less than a day.
-- name: conversation_span
SELECT opened_at - interval '1 day' AS first_at, greatest(last_event_at, now()) + interval '1 day' AS last_at
FROM conversations
WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL;

-- name: conversation_list_opened_desc
SELECT
    -- use conversation_columns
FROM (
    -- if open
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'open' AND erased_at IS NULL
            AND waiting -- if waiting
            AND NOT waiting -- if served
            -- use list_filters
            AND opened_at >= $6 -- if from
            AND opened_at < $7 -- if to
            AND (opened_at, id) < ($8, $9::uuid) -- if behind
        ORDER BY opened_at DESC, id DESC
        LIMIT $11::bigint
    )
    -- end
    UNION ALL -- if any
    -- if snoozed
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'snoozed' AND erased_at IS NULL
            AND waiting -- if waiting
            AND NOT waiting -- if served
            -- use list_filters
            AND opened_at >= $6 -- if from
            AND opened_at < $7 -- if to
            AND (opened_at, id) < ($8, $9::uuid) -- if behind
        ORDER BY opened_at DESC, id DESC
        LIMIT $11::bigint
    )
    -- end
    UNION ALL -- if any
    -- if closed
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'closed' AND erased_at IS NULL
            AND false -- if waiting
            -- use list_filters
            AND opened_at >= $6 -- if from
            AND opened_at < $7 -- if to
            AND (opened_at, id) < ($8, $9::uuid) -- if behind
        ORDER BY opened_at DESC, id DESC
        LIMIT $11::bigint
    )
    -- end
) c
ORDER BY opened_at DESC, id DESC
LIMIT $11::bigint;

-- name: conversation_list_opened_asc
SELECT
    -- use conversation_columns
FROM (
    -- if open
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'open' AND erased_at IS NULL
            AND waiting -- if waiting
            AND NOT waiting -- if served
            -- use list_filters
            AND opened_at >= $6 -- if from
            AND opened_at < $7 -- if to
            AND (opened_at, id) > ($8, $9::uuid) -- if behind
        ORDER BY opened_at ASC, id ASC
        LIMIT $11::bigint
    )
    -- end
    UNION ALL -- if any
    -- if snoozed
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'snoozed' AND erased_at IS NULL
            AND waiting -- if waiting
            AND NOT waiting -- if served
            -- use list_filters
            AND opened_at >= $6 -- if from
            AND opened_at < $7 -- if to
            AND (opened_at, id) > ($8, $9::uuid) -- if behind
        ORDER BY opened_at ASC, id ASC
        LIMIT $11::bigint
    )
    -- end
    UNION ALL -- if any
    -- if closed
    (
        SELECT *
        FROM conversations
        WHERE workspace_id = $1 AND status = 'closed' AND erased_at IS NULL
            AND false -- if waiting
            -- use list_filters
            AND opened_at >= $6 -- if from
            AND opened_at < $7 -- if to
            AND (opened_at, id) > ($8, $9::uuid) -- if behind
        ORDER BY opened_at ASC, id ASC
        LIMIT $11::bigint
    )
    -- end
) c
ORDER BY opened_at ASC, id ASC
LIMIT $11::bigint;

-- name: conversation_list_closed_desc
SELECT
    -- use conversation_columns
FROM conversations
WHERE workspace_id = $1 AND erased_at IS NULL
    AND status = 'closed' AND closed_at IS NOT NULL
    AND false -- if never
    AND false -- if waiting
    -- use list_filters
    AND closed_at >= $6 -- if from
    AND closed_at < $7 -- if to
    AND (closed_at, id) < ($8, $9::uuid) -- if behind
ORDER BY closed_at DESC, id DESC
LIMIT $11::bigint;

-- name: conversation_list_closed_asc
SELECT
    -- use conversation_columns
FROM conversations
WHERE workspace_id = $1 AND erased_at IS NULL
    AND status = 'closed' AND closed_at IS NOT NULL
    AND false -- if never
    AND false -- if waiting
    -- use list_filters
    AND closed_at >= $6 -- if from
    AND closed_at < $7 -- if to
    AND (closed_at, id) > ($8, $9::uuid) -- if behind
ORDER BY closed_at ASC, id ASC
LIMIT $11::bigint;

-- name: conversation_list_updated_desc
SELECT
    -- use conversation_columns
FROM conversations
WHERE workspace_id = $1 AND erased_at IS NULL
    AND status = 'open' -- if open
    AND status = 'snoozed' -- if snoozed
    AND status = 'closed' -- if closed
    AND waiting -- if waiting
    AND NOT waiting -- if served
    -- use list_filters
    AND updated_at >= $6 -- if from
    AND updated_at < $7 -- if to
    AND (updated_at, id) < ($8, $9::uuid) -- if behind
ORDER BY updated_at DESC, id DESC
LIMIT $11::bigint;

-- name: conversation_list_updated_asc
SELECT
    -- use conversation_columns
FROM conversations
WHERE workspace_id = $1 AND erased_at IS NULL
    AND status = 'open' -- if open
    AND status = 'snoozed' -- if snoozed
    AND status = 'closed' -- if closed
    AND waiting -- if waiting
    AND NOT waiting -- if served
    -- use list_filters
    AND updated_at >= $6 -- if from
    AND updated_at < $7 -- if to
    AND (updated_at, id) > ($8, $9::uuid) -- if behind
ORDER BY updated_at ASC, id ASC
LIMIT $11::bigint;

-- name: conversation_messages_asc
SELECT
    -- use message_columns
FROM messages
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND id > $5::uuid -- if behind
ORDER BY id ASC
LIMIT $6::bigint;

-- name: conversation_messages_desc
SELECT
    -- use message_columns
FROM messages
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND id < $5::uuid -- if behind
ORDER BY id DESC
LIMIT $6::bigint;

-- name: conversation_comments_asc
SELECT
    -- use comment_columns
FROM comments
WHERE workspace_id = $1 AND conversation_id = $2
    AND id > $3 -- if behind
ORDER BY id ASC
LIMIT $4::bigint;

-- name: conversation_comments_desc
SELECT
    -- use comment_columns
FROM comments
WHERE workspace_id = $1 AND conversation_id = $2
    AND id < $3 -- if behind
ORDER BY id DESC
LIMIT $4::bigint;

-- name: conversation_events_asc
SELECT id, type, sequence, occurred_at, conversation_id, source, actor, data
FROM events
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND sequence > $5::bigint -- if behind
ORDER BY sequence ASC, id ASC
LIMIT $6::bigint;

-- name: conversation_events_desc
SELECT id, type, sequence, occurred_at, conversation_id, source, actor, data
FROM events
WHERE workspace_id = $1 AND conversation_id = $2 AND id >= $3::uuid AND id < $4::uuid
    AND sequence < $5::bigint -- if behind
ORDER BY sequence DESC, id DESC
LIMIT $6::bigint;

-- What was just written, for the answer to the call that wrote it.
-- name: conversation_message_get
SELECT
    -- use message_columns
FROM messages
WHERE workspace_id = $1 AND id = $2;

-- name: conversation_comment_get
SELECT
    -- use comment_columns
FROM comments
WHERE workspace_id = $1 AND id = $2;
