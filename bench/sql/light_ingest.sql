-- A hundred messages in one statement, in the minimal schema.
WITH batch AS MATERIALIZED (
    SELECT (nextval('batches') - 1) * 100 AS first
), i AS MATERIALIZED (
    SELECT id, 'Hello, I need help with my order number ' || id AS body
    FROM contacts, batch WHERE id > first AND id <= first + 100
), c AS (
    INSERT INTO conversations (contact_id, channel) SELECT id, 1 FROM i
    ON CONFLICT (contact_id) WHERE status = 0 DO UPDATE SET last_message_at = now()
    RETURNING id, contact_id
), m AS (
    INSERT INTO messages (conversation_id, body) SELECT c.id, i.body FROM c JOIN i ON i.id = c.contact_id
), r AS (
    INSERT INTO runs (conversation_id, contact_id) SELECT id, contact_id FROM c
)
INSERT INTO events (conversation_id, kind) SELECT id, 1 FROM c;
