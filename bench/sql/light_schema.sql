-- The least that could be called a routed message: narrow rows, no tenants, no history of decisions. Not what Switchboard
-- writes, but what the machine could do for somebody with fewer wishes.
CREATE TABLE contacts (
    id bigint PRIMARY KEY, name text NOT NULL, fields jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 80);
CREATE TABLE agents (
    id integer PRIMARY KEY, available boolean NOT NULL DEFAULT true, open_count integer NOT NULL DEFAULT 0,
    last_assigned_at timestamptz) WITH (fillfactor = 20);
CREATE TABLE team_members (team_id integer NOT NULL, agent_id integer NOT NULL, PRIMARY KEY (team_id, agent_id));
CREATE TABLE conversations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint NOT NULL, channel smallint NOT NULL,
    status smallint NOT NULL DEFAULT 0, team_id integer, agent_id integer, opened_at timestamptz NOT NULL DEFAULT now(),
    last_message_at timestamptz NOT NULL DEFAULT now(), closed_at timestamptz) WITH (fillfactor = 80);
CREATE UNIQUE INDEX ON conversations (contact_id) WHERE status = 0;
CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL,
    direction smallint NOT NULL DEFAULT 0, body text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON messages (conversation_id, id);
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL, kind smallint NOT NULL,
    data jsonb, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON events (conversation_id, id);
CREATE TABLE runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, workflow_id integer NOT NULL DEFAULT 1,
    conversation_id bigint NOT NULL, contact_id bigint NOT NULL, status smallint NOT NULL DEFAULT 0,
    step smallint NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz)
    WITH (fillfactor = 80);
CREATE INDEX ON runs (id) WHERE status = 0;
CREATE SEQUENCE batches;
INSERT INTO contacts SELECT g, 'contact ' || g, '{"tier": "std"}' FROM generate_series(1, :contacts) g;
INSERT INTO agents (id) SELECT g FROM generate_series(1, :teams * 50) g;
INSERT INTO team_members SELECT 1 + (g - 1) / 50, g FROM generate_series(1, :teams * 50) g;
VACUUM ANALYZE;
