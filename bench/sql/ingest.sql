-- Messages of new contacts, :batch in one statement: every row that Switchboard writes for them. Only inputs are read.
\set first (:client_id * :span + :done * :batch + 1)
\set last (:first + :batch - 1)
\set done (:done + 1)
WITH i AS MATERIALIZED (
    SELECT :workspace::uuid AS workspace, :channel::uuid AS channel, name, text, hash, ids[1] AS contact,
        ids[2] AS conversation, ids[3] AS message, ids[4] AS created, ids[5] AS opened, ids[6] AS received,
        ids[7] AS run, ids[8] AS signal, now() AS now
    FROM bench_inputs WHERE n BETWEEN :first AND :last
), a AS (
    INSERT INTO identities (workspace_id, channel_id, external_id, contact_id)
    SELECT workspace, channel, name, contact FROM i
), b AS (
    INSERT INTO contacts (workspace_id, id, name) SELECT workspace, contact, 'Contact ' || name FROM i
), c AS (
    INSERT INTO conversations
        (workspace_id, id, contact_id, channel_id, source, priority, custom, opened_at, last_sequence, last_event_at)
    SELECT workspace, conversation, contact, channel, 'contact', 'normal', '{}', now, 2, now FROM i
), d AS (
    INSERT INTO messages
        (workspace_id, id, conversation_id, contact_id, channel_id, direction, source, text, status, external_id,
        sent_at, created_at)
    SELECT workspace, message, conversation, contact, channel, 'incoming', 'contact', text, 'received', name, now, now
    FROM i
), e AS (
    INSERT INTO message_receipts
        (workspace_id, channel_id, external_hash, message_id, conversation_id, opened, request_id)
    SELECT workspace, channel, hash, message, conversation, true, created FROM i
), f AS (
    INSERT INTO events (workspace_id, id, type, conversation_id, sequence, occurred_at, source, actor, data)
    SELECT workspace, e.id, e.type, e.conversation, e.sequence, now, 'contact',
        jsonb_build_object('id', contact, 'type', 'contact'), e.data
    FROM i CROSS JOIN LATERAL (VALUES
        (created, 'contact.created', NULL::uuid, NULL::bigint,
            jsonb_build_object('channel_id', channel, 'contact_id', contact)),
        (opened, 'conversation.opened', conversation, 1,
            jsonb_build_object('channel_id', channel, 'contact_id', contact, 'channel_name', 'Bench')),
        (received, 'message.received', conversation, 2,
            jsonb_build_object('channel_id', channel, 'message_id', message))
    ) e (id, type, conversation, sequence, data)
), g AS (
    INSERT INTO runs
        (workspace_id, id, workflow_id, workflow_version, contact_id, conversation_id, trigger_message_id, opened_at)
    SELECT workspace, run, :workflow::uuid, 1, contact, conversation, message, now FROM i
)
INSERT INTO run_signals (workspace_id, run_id, id, kind, due_at, data)
SELECT workspace, run, signal, 'started', now, '{}' FROM i;
