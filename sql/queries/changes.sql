-- The set-based writer behind Store/Changes: one statement a table, rows in `unnest`ed arrays, every one anchored at the
-- workspace's row (S40). Parents are written before children.

-- name: changes_define_fields
INSERT INTO contact_fields (workspace_id, name)
SELECT w.id, u.name
FROM workspaces w, unnest($2::text[]) AS u (name)
WHERE w.id = $1
ORDER BY u.name
ON CONFLICT (workspace_id, name) DO NOTHING;

-- name: changes_insert_contacts
INSERT INTO contacts (workspace_id, id, name, email, phone, language)
SELECT w.id, u.id, u.name, u.email, u.phone, u.language
FROM workspaces w,
    unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) AS u (id, name, email, phone, language)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_update_contacts
UPDATE contacts c
SET name = u.name, email = u.email, phone = u.phone, language = u.language,
    tags = ARRAY(SELECT jsonb_array_elements_text(u.tags::jsonb)), fields = u.fields::jsonb,
    last_assignee_id = u.last_assignee_id, version = c.version + 1, updated_at = now()
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[])
    AS u (id, name, email, phone, language, tags, fields, last_assignee_id)
WHERE c.workspace_id = $1 AND c.id = u.id;

-- name: changes_insert_conversations
INSERT INTO conversations
    (workspace_id, id, contact_id, channel_id, source, priority, subject, custom, opened_at, last_sequence, last_event_at)
SELECT w.id, u.id, u.contact_id, u.channel_id, u.source, u.priority, u.subject, u.custom::jsonb, u.opened_at,
    u.last_sequence, u.last_event_at
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
        $10::bigint[], $11::timestamptz[])
        AS u (id, contact_id, channel_id, source, priority, subject, custom, opened_at, last_sequence, last_event_at)
WHERE w.id = $1
ORDER BY u.contact_id;

-- updated_at is the time of the last change of what the API shows of a conversation. A message changes nothing of that but
-- the first reply: else each would write an entry to every index that holds updated_at, and would be no HOT update.
-- name: changes_update_conversations
UPDATE conversations c
SET status = u.status, team_id = u.team_id, team_name = u.team_name,
    assignee_id = u.assignee_id, assignee_name = u.assignee_name,
    assigned_source = u.assigned_source, assigned_at = u.assigned_at, waiting = u.waiting, priority = u.priority,
    subject = u.subject, custom = u.custom::jsonb, first_reply_at = u.first_reply_at,
    first_reply_agent_id = u.reply_agent_id, first_reply_agent_name = u.reply_agent_name,
    first_reply_team_id = u.reply_team_id, first_reply_team_name = u.reply_team_name,
    closed_at = u.closed_at, closed_source = u.closed_source, category = u.category, summary = u.summary,
    last_sequence = u.last_sequence, last_event_at = u.last_event_at, version = c.version + 1,
    updated_at = CASE
        WHEN (c.status, c.team_id, c.assignee_id, c.assigned_at, c.waiting, c.priority, c.subject, c.custom,
            c.first_reply_at, c.closed_at, c.category, c.summary)
            IS DISTINCT FROM (u.status, u.team_id, u.assignee_id, u.assigned_at, u.waiting, u.priority, u.subject,
            u.custom::jsonb, u.first_reply_at, u.closed_at, u.category, u.summary)
        THEN now()
        ELSE c.updated_at
    END
FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::timestamptz[],
    $10::boolean[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::uuid[], $16::text[], $17::uuid[],
    $18::text[], $19::timestamptz[], $20::text[], $21::text[], $22::text[], $23::bigint[], $24::timestamptz[])
    AS u (id, status, team_id, team_name, assignee_id, assignee_name, assigned_source, assigned_at, waiting, priority,
        subject, custom, first_reply_at, reply_agent_id, reply_agent_name, reply_team_id, reply_team_name, closed_at,
        closed_source, category, summary, last_sequence, last_event_at)
WHERE c.workspace_id = $1 AND c.id = u.id;

-- name: changes_insert_messages
INSERT INTO messages
    (workspace_id, id, conversation_id, contact_id, channel_id, direction, source, agent_id, run_id, text, status,
    external_id, sent_at, created_at)
SELECT w.id, u.id, u.conversation_id, u.contact_id, u.channel_id, u.direction, u.source, u.agent_id, u.run_id, u.text,
    u.status, u.external_id, u.sent_at, u.created_at
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::uuid[], $10::text[],
        $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[])
        AS u (id, conversation_id, contact_id, channel_id, direction, source, agent_id, run_id, text, status,
            external_id, sent_at, created_at)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_insert_receipts
INSERT INTO message_receipts
    (workspace_id, channel_id, external_hash, message_id, conversation_id, opened, request_id)
SELECT w.id, u.channel_id, u.external_hash, u.message_id, u.conversation_id, u.opened, u.request_id
FROM workspaces w,
    unnest($2::uuid[], $3::bytea[], $4::uuid[], $5::uuid[], $6::boolean[], $7::uuid[])
        AS u (channel_id, external_hash, message_id, conversation_id, opened, request_id)
WHERE w.id = $1
ORDER BY u.channel_id, u.external_hash;

-- name: changes_insert_comments
INSERT INTO comments (workspace_id, id, conversation_id, source, agent_id, run_id, text, created_at)
SELECT w.id, u.id, u.conversation_id, u.source, u.agent_id, u.run_id, u.text, u.created_at
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[])
        AS u (id, conversation_id, source, agent_id, run_id, text, created_at)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_insert_events
INSERT INTO events (workspace_id, id, type, conversation_id, sequence, occurred_at, source, actor, data)
SELECT w.id, u.id, u.type, u.conversation_id, u.sequence, u.occurred_at, u.source, u.actor::jsonb, u.data::jsonb
FROM workspaces w,
    unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[], $9::text[])
        AS u (id, type, conversation_id, sequence, occurred_at, source, actor, data)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_insert_candidates
INSERT INTO runs
    (workspace_id, id, workflow_id, workflow_version, contact_id, conversation_id, trigger_message_id, opened_at, trace)
SELECT w.id, u.id, u.workflow_id, u.workflow_version, u.contact_id, u.conversation_id, u.message_id, u.opened_at, u.trace
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::integer[], $5::uuid[], $6::uuid[], $7::uuid[], $8::timestamptz[], $9::text[])
        AS u (id, workflow_id, workflow_version, contact_id, conversation_id, message_id, opened_at, trace)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_delete_signals
DELETE FROM run_signals s
USING unnest($2::uuid[], $3::uuid[]) AS u (run_id, id)
WHERE s.workspace_id = $1 AND s.run_id = u.run_id AND s.id = u.id;

-- name: changes_update_runs
UPDATE runs r
SET status = u.status, reason = u.reason, step = u.step, state = u.state::jsonb, started_at = u.started_at,
    ended_at = u.ended_at, failures = 0, version = r.version + 1
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
    AS u (id, status, reason, step, state, started_at, ended_at)
WHERE r.workspace_id = $1 AND r.id = u.id;

-- name: changes_delete_candidates
DELETE FROM runs r
WHERE r.workspace_id = $1 AND r.id = ANY ($2::uuid[]) AND r.status = 'candidate';

-- name: changes_insert_signals
INSERT INTO run_signals (workspace_id, run_id, id, kind, visit, due_at, data)
SELECT w.id, u.run_id, u.id, u.kind, u.visit, u.due_at, u.data::jsonb
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::timestamptz[], $7::text[])
        AS u (run_id, id, kind, visit, due_at, data)
WHERE w.id = $1
ORDER BY u.run_id, u.id;

-- name: changes_insert_run_log
INSERT INTO run_log (workspace_id, id, run_id, occurred_at, step, visit, kind, port, data)
SELECT w.id, u.id, u.run_id, u.occurred_at, u.step, u.visit, u.kind, u.port, u.data::jsonb
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::integer[], $7::text[], $8::text[], $9::text[])
        AS u (id, run_id, occurred_at, step, visit, kind, port, data)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_delete_line_entries
DELETE FROM line_entries e
WHERE e.workspace_id = $1 AND e.conversation_id = ANY ($2::uuid[]);

-- name: changes_insert_line_entries
INSERT INTO line_entries
    (workspace_id, conversation_id, id, line_id, run_id, visit, step, priority, queued_at, entered_at, strategy,
    only_online, max_open, source, actor)
SELECT w.id, u.conversation_id, u.id, u.line_id, u.run_id, u.visit, u.step, u.priority, u.queued_at, u.entered_at,
    u.strategy, u.only_online, u.max_open, u.source, u.actor::jsonb
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::integer[], $7::text[], $8::smallint[],
        $9::timestamptz[], $10::timestamptz[], $11::text[], $12::boolean[], $13::integer[], $14::text[], $15::text[])
        AS u (conversation_id, id, line_id, run_id, visit, step, priority, queued_at, entered_at, strategy,
            only_online, max_open, source, actor)
WHERE w.id = $1
ORDER BY u.conversation_id;

-- name: changes_insert_line_marks
INSERT INTO line_marks (workspace_id, line_id, id)
SELECT w.id, u.line_id, u.id
FROM workspaces w, unnest($2::uuid[], $3::uuid[]) AS u (line_id, id)
WHERE w.id = $1
ORDER BY u.line_id, u.id;

-- name: changes_update_lines
UPDATE lines l
SET last_turn = u.last_turn, served_at = now()
FROM unnest($2::uuid[], $3::bigint[]) AS u (id, last_turn)
WHERE l.workspace_id = $1 AND l.id = u.id;

-- name: changes_insert_decisions
INSERT INTO decisions (workspace_id, id, line_id, line_kind, line_name, occurred_at, candidates, served, waiting)
SELECT w.id, u.id, u.line_id, u.line_kind, u.line_name, u.occurred_at, u.candidates::jsonb, u.served, u.waiting
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::integer[], $9::integer[])
        AS u (id, line_id, line_kind, line_name, occurred_at, candidates, served, waiting)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_insert_assignments
INSERT INTO assignments
    (workspace_id, id, conversation_id, kind, occurred_at, source, actor, via, agent_id, agent_name, previous_agent_id,
    previous_agent_name, team_id, team_name, channel_id, run_id, decision_id, position, strategy, entered_at, queued_at)
SELECT w.id, u.id, u.conversation_id, u.kind, u.occurred_at, u.source, u.actor::jsonb, u.via, u.agent_id, u.agent_name,
    u.previous_id, u.previous_name, u.team_id, u.team_name, u.channel_id, u.run_id, u.decision_id, u.position,
    u.strategy, u.entered_at, u.queued_at
FROM workspaces w,
    unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::uuid[],
        $10::text[], $11::uuid[], $12::text[], $13::uuid[], $14::text[], $15::uuid[], $16::uuid[], $17::uuid[],
        $18::integer[], $19::text[], $20::timestamptz[], $21::timestamptz[])
        AS u (id, conversation_id, kind, occurred_at, source, actor, via, agent_id, agent_name, previous_id,
            previous_name, team_id, team_name, channel_id, run_id, decision_id, position, strategy, entered_at,
            queued_at)
WHERE w.id = $1
ORDER BY u.id;

-- name: changes_count_open
UPDATE agents a
SET open_count = a.open_count + u.delta
FROM unnest($2::uuid[], $3::integer[]) AS u (id, delta)
WHERE a.workspace_id = $1 AND a.id = u.id;

-- name: changes_agent_turns
UPDATE agents a
SET turn = u.turn
FROM unnest($2::uuid[], $3::bigint[]) AS u (id, turn)
WHERE a.workspace_id = $1 AND a.id = u.id;

-- name: changes_member_turns
UPDATE team_members m
SET turn = u.turn
FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS u (team_id, agent_id, turn)
WHERE m.workspace_id = $1 AND m.team_id = u.team_id AND m.agent_id = u.agent_id;

-- name: changes_insert_outbox
INSERT INTO outbox
    (workspace_id, id, key, kind, channel_id, conversation_id, message_id, run_id, body, next_at, expires_at, created_at,
    trace)
SELECT w.id, u.id, u.key, u.kind, u.channel_id, u.conversation_id, u.message_id, u.run_id, u.body::jsonb, now(),
    now() + interval '24 hours', u.created_at, u.trace
FROM workspaces w,
    unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[],
        $10::timestamptz[], $11::text[])
        AS u (id, key, kind, channel_id, conversation_id, message_id, run_id, body, created_at, trace)
WHERE w.id = $1
ORDER BY u.id;
