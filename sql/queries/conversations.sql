-- Conversations as their writers see them. Lists and pages are in conversations_api.sql.

-- name: conversations_lock
SELECT c.id, c.contact_id, c.channel_id, c.status, c.source, c.team_id, c.team_name, c.assignee_id, c.assignee_name,
    c.assigned_source, c.assigned_at, c.waiting, c.priority, c.subject, c.custom, c.opened_at, c.first_reply_at,
    c.first_reply_agent_id, c.first_reply_agent_name, c.first_reply_team_id, c.first_reply_team_name, c.closed_at,
    c.closed_source, c.category, c.summary, c.last_sequence, c.last_event_at, c.erased_at,
    statement_timestamp() AS now
FROM conversations c
WHERE c.workspace_id = $1 AND c.id = ANY ($2::uuid[])
ORDER BY c.id
FOR NO KEY UPDATE;

-- Those of them that nobody else has, without waiting.
-- name: conversations_lock_free
SELECT c.id, c.contact_id, c.channel_id, c.status, c.source, c.team_id, c.team_name, c.assignee_id, c.assignee_name,
    c.assigned_source, c.assigned_at, c.waiting, c.priority, c.subject, c.custom, c.opened_at, c.first_reply_at,
    c.first_reply_agent_id, c.first_reply_agent_name, c.first_reply_team_id, c.first_reply_team_name, c.closed_at,
    c.closed_source, c.category, c.summary, c.last_sequence, c.last_event_at, c.erased_at,
    statement_timestamp() AS now
FROM conversations c
WHERE c.workspace_id = $1 AND c.id = ANY ($2::uuid[])
ORDER BY c.id
FOR NO KEY UPDATE SKIP LOCKED;

-- name: conversations_lock_open_of_contacts
SELECT c.id, c.contact_id, c.channel_id, c.status, c.source, c.team_id, c.team_name, c.assignee_id, c.assignee_name,
    c.assigned_source, c.assigned_at, c.waiting, c.priority, c.subject, c.custom, c.opened_at, c.first_reply_at,
    c.first_reply_agent_id, c.first_reply_agent_name, c.first_reply_team_id, c.first_reply_team_name, c.closed_at,
    c.closed_source, c.category, c.summary, c.last_sequence, c.last_event_at, c.erased_at,
    statement_timestamp() AS now
FROM conversations c
WHERE c.workspace_id = $1 AND c.contact_id = ANY ($2::uuid[]) AND c.status <> 'closed'
ORDER BY c.id
FOR NO KEY UPDATE;

-- name: conversations_lock_of_agent
SELECT c.id, c.contact_id, c.channel_id, c.status, c.source, c.team_id, c.team_name, c.assignee_id, c.assignee_name,
    c.assigned_source, c.assigned_at, c.waiting, c.priority, c.subject, c.custom, c.opened_at, c.first_reply_at,
    c.first_reply_agent_id, c.first_reply_agent_name, c.first_reply_team_id, c.first_reply_team_name, c.closed_at,
    c.closed_source, c.category, c.summary, c.last_sequence, c.last_event_at, c.erased_at,
    statement_timestamp() AS now
FROM conversations c
WHERE c.workspace_id = $1 AND c.assignee_id = $2 AND c.status IN ('open', 'snoozed')
ORDER BY c.id
FOR NO KEY UPDATE;

-- name: contacts_lock
SELECT c.id, c.name, c.email, c.phone, c.language, to_jsonb(c.tags) AS tags, c.fields, c.blocked, c.last_assignee_id,
    c.erased_at, statement_timestamp() AS now
FROM contacts c
WHERE c.workspace_id = $1 AND c.id = ANY ($2::uuid[])
ORDER BY c.id
FOR NO KEY UPDATE;

-- The contact is locked before its conversation (S19), though the caller knows only the conversation.
-- name: contacts_lock_of_conversation
SELECT c.id, c.name, c.email, c.phone, c.language, to_jsonb(c.tags) AS tags, c.fields, c.blocked, c.last_assignee_id,
    c.erased_at, statement_timestamp() AS now
FROM contacts c
WHERE c.workspace_id = $1
    AND c.id = (SELECT v.contact_id FROM conversations v WHERE v.workspace_id = $1 AND v.id = $2)
FOR NO KEY UPDATE;

-- name: agents_lock
SELECT a.id, a.name, a.presence, a.max_open, a.open_count, a.turn, a.deleted_at, statement_timestamp() AS now
FROM agents a
WHERE a.workspace_id = $1 AND a.id = ANY ($2::uuid[])
ORDER BY a.id
FOR NO KEY UPDATE;

-- name: teams_named
SELECT t.id, t.name
FROM teams t
WHERE t.workspace_id = $1 AND t.id = ANY ($2::uuid[]) AND t.deleted_at IS NULL
ORDER BY t.id;

-- name: triggers_published
SELECT p.workflow_id, p.version, p.sources, p.channels
FROM published_triggers p
WHERE p.workspace_id = $1 AND p.trigger_type = $2
ORDER BY p.workflow_id;

-- name: runs_living_of_conversation
SELECT r.id
FROM runs r
WHERE r.workspace_id = $1 AND r.conversation_id = $2 AND r.status IN ('candidate', 'active')
ORDER BY r.id;

-- name: line_entry_of_conversation
SELECT e.id, e.line_id, e.run_id, e.visit, e.step, e.queued_at, e.entered_at, e.strategy
FROM line_entries e
WHERE e.workspace_id = $1 AND e.conversation_id = $2
FOR NO KEY UPDATE;

-- name: conversation_channel
SELECT ch.id, ch.name, ch.kind, ch.url,
    (SELECT i.external_id FROM identities i
     WHERE i.workspace_id = $1 AND i.contact_id = $3 AND i.channel_id = ch.id
     ORDER BY i.created_at DESC, i.external_id LIMIT 1) AS external_id
FROM channels ch
WHERE ch.workspace_id = $1 AND ch.id = $2;

-- name: closing_policy
SELECT w.closing_note,
    (SELECT count(*) FROM closing_categories k
     WHERE k.workspace_id = $1 AND lower(k.name) = lower($2) AND k.deleted_at IS NULL) AS category_known
FROM workspaces w
WHERE w.id = $1;

-- name: conversation_erase
UPDATE conversations c
SET subject = NULL, summary = NULL, custom = '{}', erased_at = now(), version = c.version + 1, updated_at = now()
WHERE c.workspace_id = $1 AND c.id = $2;

-- name: conversation_erase_messages
DELETE FROM messages m WHERE m.workspace_id = $1 AND m.conversation_id = $2;

-- name: conversation_erase_comments
DELETE FROM comments m WHERE m.workspace_id = $1 AND m.conversation_id = $2;

-- name: conversation_erase_runs
UPDATE runs r SET state = '{}', version = r.version + 1 WHERE r.workspace_id = $1 AND r.conversation_id = $2;

-- name: conversation_erase_run_log
UPDATE run_log l SET data = '{}'
WHERE l.workspace_id = $1
    AND l.run_id IN (SELECT r.id FROM runs r WHERE r.workspace_id = $1 AND r.conversation_id = $2);

-- name: conversation_erase_outbox
UPDATE outbox o
SET body = '{}', status = CASE WHEN o.status = 'pending' THEN 'dead' ELSE o.status END, error = 'erased'
WHERE o.workspace_id = $1 AND o.conversation_id = $2;

-- name: line_entry_reprioritise
UPDATE line_entries e SET priority = $3 WHERE e.workspace_id = $1 AND e.conversation_id = $2;
