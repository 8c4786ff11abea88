-- Rows that name a row that is not there: what foreign keys would say, where there are none (0001). Like checks.sql, each
-- counts what must not be.

-- A row of no workspace is found by looking at all of them.
-- name: check_contact_workspace
SELECT count(*) AS count
FROM contacts x
WHERE NOT EXISTS (SELECT FROM workspaces p WHERE p.id = x.workspace_id);

-- name: check_contact_last_assignee
SELECT count(*) AS count
FROM contacts x
WHERE x.workspace_id = $1 AND x.last_assignee_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM agents p WHERE p.workspace_id = $1 AND p.id = x.last_assignee_id);

-- name: check_identity_channel
SELECT count(*) AS count
FROM identities x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM channels p WHERE p.workspace_id = $1 AND p.id = x.channel_id);

-- name: check_identity_contact
SELECT count(*) AS count
FROM identities x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM contacts p WHERE p.workspace_id = $1 AND p.id = x.contact_id);

-- name: check_conversation_contact
SELECT count(*) AS count
FROM conversations x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM contacts p WHERE p.workspace_id = $1 AND p.id = x.contact_id);

-- name: check_conversation_channel
SELECT count(*) AS count
FROM conversations x
WHERE x.workspace_id = $1 AND x.channel_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM channels p WHERE p.workspace_id = $1 AND p.id = x.channel_id);

-- name: check_conversation_team
SELECT count(*) AS count
FROM conversations x
WHERE x.workspace_id = $1 AND x.team_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM teams p WHERE p.workspace_id = $1 AND p.id = x.team_id);

-- name: check_conversation_assignee
SELECT count(*) AS count
FROM conversations x
WHERE x.workspace_id = $1 AND x.assignee_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM agents p WHERE p.workspace_id = $1 AND p.id = x.assignee_id);

-- name: check_message_conversation
SELECT count(*) AS count
FROM messages x
WHERE x.workspace_id = $1 AND x.conversation_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM conversations p WHERE p.workspace_id = $1 AND p.id = x.conversation_id);

-- name: check_receipt_channel
SELECT count(*) AS count
FROM message_receipts x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM channels p WHERE p.workspace_id = $1 AND p.id = x.channel_id);

-- name: check_comment_conversation
SELECT count(*) AS count
FROM comments x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM conversations p WHERE p.workspace_id = $1 AND p.id = x.conversation_id);

-- name: check_run_version
SELECT count(*) AS count
FROM runs x
WHERE x.workspace_id = $1
    AND NOT EXISTS (
        SELECT FROM workflow_versions p
        WHERE p.workspace_id = $1 AND p.workflow_id = x.workflow_id AND p.version = x.workflow_version);

-- name: check_run_conversation
SELECT count(*) AS count
FROM runs x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM conversations p WHERE p.workspace_id = $1 AND p.id = x.conversation_id);

-- name: check_line_entry_conversation
SELECT count(*) AS count
FROM line_entries x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM conversations p WHERE p.workspace_id = $1 AND p.id = x.conversation_id);

-- name: check_assignment_conversation
SELECT count(*) AS count
FROM assignments x
WHERE x.workspace_id = $1
    AND NOT EXISTS (SELECT FROM conversations p WHERE p.workspace_id = $1 AND p.id = x.conversation_id);
