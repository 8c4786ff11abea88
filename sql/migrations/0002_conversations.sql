-- breaking: yes
-- Conversations, what was said in them, and the immutable facts about them. Only the categories have a foreign key: see 0001.

CREATE TABLE closing_categories (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX closing_categories_name_key ON closing_categories (workspace_id, lower(name))
    WHERE deleted_at IS NULL;

CREATE TABLE conversations (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel_id uuid,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'snoozed', 'closed')),
    source text NOT NULL,
    team_id uuid,
    team_name text,
    assignee_id uuid,
    assignee_name text,
    -- Who assigned last; `agent` and `api` are people, whom an assign step leaves alone (S14).
    assigned_source text,
    waiting boolean NOT NULL DEFAULT false,
    priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('urgent', 'high', 'normal', 'low')),
    subject text,
    custom jsonb NOT NULL DEFAULT '{}',
    opened_at timestamptz NOT NULL,
    assigned_at timestamptz,
    -- The first human reply and who gave it: a fact of the report, kept here so that no report searches messages.
    first_reply_at timestamptz,
    first_reply_agent_id uuid,
    first_reply_agent_name text,
    first_reply_team_id uuid,
    first_reply_team_name text,
    closed_at timestamptz,
    closed_source text,
    category text,
    summary text,
    -- Number and time of the newest event: gap-free and never falling, both under this row's lock (S2, S3).
    last_sequence bigint NOT NULL DEFAULT 0,
    last_event_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    erased_at timestamptz,
    PRIMARY KEY (workspace_id, id),
    CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CHECK (NOT (waiting AND status = 'closed'))
) WITH (fillfactor = 80);

-- Invariant 1: a contact has at most one conversation that is not closed.
CREATE UNIQUE INDEX conversations_one_open_key ON conversations (workspace_id, contact_id) WHERE status <> 'closed';

-- Lists go by (opened_at, id) within a status, newest or oldest first, behind one filter each; a list of every status merges
-- three stretches of an index. So who looks for living conversations never walks through closed ones. The columns after the
-- id keep no order: a further filter is answered from the index, and no row is fetched to be dropped. No index holds a
-- column that a message changes: a message on a living conversation is a HOT update. See sql/queries/conversations_api.sql.
CREATE INDEX conversations_status_idx ON conversations
    (workspace_id, status, opened_at, id, team_id, assignee_id, channel_id, source, waiting);
CREATE INDEX conversations_team_idx ON conversations
    (workspace_id, team_id, status, opened_at, id, assignee_id, channel_id, source, waiting, closed_at, updated_at)
    WHERE team_id IS NOT NULL;
CREATE INDEX conversations_assignee_idx ON conversations
    (workspace_id, assignee_id, status, opened_at, id, team_id, channel_id, source, waiting, closed_at, updated_at)
    WHERE assignee_id IS NOT NULL;
-- An index does not know that rows of the same null are in the order of what follows: nobody's have an index of their own.
CREATE INDEX conversations_unassigned_idx ON conversations
    (workspace_id, status, opened_at, id, team_id, channel_id, source, waiting, closed_at, updated_at)
    WHERE assignee_id IS NULL;
CREATE INDEX conversations_channel_idx ON conversations
    (workspace_id, channel_id, status, opened_at, id, team_id, assignee_id, source, waiting, closed_at, updated_at);
CREATE INDEX conversations_source_idx ON conversations
    (workspace_id, source, status, opened_at, id, team_id, assignee_id, channel_id, waiting, closed_at, updated_at)
    WHERE source <> 'contact';
-- Two of team, agent and channel that each have much and never met: only what is closed is so much, and it is written once.
CREATE INDEX conversations_team_assignee_idx ON conversations (workspace_id, team_id, assignee_id, opened_at, id)
    WHERE status = 'closed';
CREATE INDEX conversations_team_channel_idx ON conversations (workspace_id, team_id, channel_id, opened_at, id)
    WHERE status = 'closed';
CREATE INDEX conversations_assignee_channel_idx ON conversations (workspace_id, assignee_id, channel_id, opened_at, id)
    WHERE status = 'closed';
CREATE INDEX conversations_contact_idx ON conversations (workspace_id, contact_id, opened_at, id);
CREATE INDEX conversations_waiting_idx ON conversations
    (workspace_id, status, opened_at, id, team_id, assignee_id, channel_id, source, updated_at) WHERE waiting;
CREATE INDEX conversations_closed_idx ON conversations
    (workspace_id, closed_at, id, team_id, assignee_id, channel_id, source) WHERE closed_at IS NOT NULL;
CREATE INDEX conversations_first_reply_idx ON conversations (workspace_id, first_reply_at, id)
    WHERE first_reply_at IS NOT NULL;
-- A message does not touch updated_at (docs/semantics.md S25).
CREATE INDEX conversations_updated_idx ON conversations
    (workspace_id, updated_at, id, status, team_id, assignee_id, channel_id, source, waiting);
-- Agents are many: an agent without conversations must not be taken for an average one.
ALTER TABLE conversations ALTER assignee_id SET STATISTICS 500;
-- A team belongs to one workspace: told so, the planner does not take the filter on both for twice as rare.
CREATE STATISTICS conversations_tenancy (dependencies)
    ON workspace_id, contact_id, channel_id, team_id, assignee_id FROM conversations;

-- Messages, events and the run log are partitioned by month on their UUIDv7 id (S34): the key stays (workspace_id, id),
-- a look-up by id prunes. Every process makes the next months' partitions at start; what fits none goes to the default.
CREATE TABLE messages (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid,
    contact_id uuid NOT NULL,
    channel_id uuid,
    direction text NOT NULL CHECK (direction IN ('incoming', 'outgoing')),
    source text NOT NULL,
    agent_id uuid,
    run_id uuid,
    text text NOT NULL,
    status text NOT NULL CHECK (status IN ('received', 'pending', 'sent', 'failed')),
    error text,
    external_id text,
    sent_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE messages_default PARTITION OF messages DEFAULT;
CREATE INDEX messages_conversation_idx ON messages (workspace_id, conversation_id, id);

-- Invariant 2: accepted once. The external id is kept as its SHA-256, so that erasing a person leaves nothing to read.
CREATE TABLE message_receipts (
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    external_hash bytea NOT NULL,
    message_id uuid NOT NULL,
    conversation_id uuid,
    opened boolean NOT NULL,
    -- The batch that wrote it: after a connection lost during commit, the repeated batch recognises itself (S6).
    request_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, external_hash)
);

CREATE TABLE comments (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    source text NOT NULL,
    agent_id uuid,
    run_id uuid,
    text text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX comments_conversation_idx ON comments (workspace_id, conversation_id, id);

-- Ids and names of the time, never text that a contact supplied (S3). `transaction_id` orders the feed: only rows below
-- pg_snapshot_xmin are given out, so that a late committer is not skipped.
CREATE TABLE events (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    conversation_id uuid,
    sequence bigint,
    occurred_at timestamptz NOT NULL,
    source text NOT NULL,
    actor jsonb,
    data jsonb NOT NULL DEFAULT '{}',
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (workspace_id, id),
    CHECK ((conversation_id IS NULL) = (sequence IS NULL))
) PARTITION BY RANGE (id);
CREATE TABLE events_default PARTITION OF events DEFAULT;
-- Uniqueness of (conversation, sequence) stands on each partition (PostgreSQL asks that an index on the whole holds the
-- partition key); across a month's edge the counter under the conversation's lock keeps it, and `switchboard check` looks.
CREATE UNIQUE INDEX events_default_sequence_key ON events_default (workspace_id, conversation_id, sequence);
