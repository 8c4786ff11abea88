-- Facts without a conversation: people, teams, presence, contacts. They have no number; the feed orders them (S3).

-- name: insert_event
INSERT INTO events (workspace_id, id, type, conversation_id, sequence, occurred_at, source, actor, data)
VALUES ($1, $2, $3, NULL, NULL, statement_timestamp(), $4, $5::jsonb, $6::jsonb);
