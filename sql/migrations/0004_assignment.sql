-- breaking: yes
-- Who waits for whom, and why each agent was chosen.

-- A line's id is the id of what it waits for: a team, an agent, or the workspace itself. Whoever holds the row's lock
-- serves it.
CREATE TABLE lines (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('team', 'agent', 'workspace')),
    -- Round robin's counter: the turn given out last (S18).
    last_turn bigint NOT NULL DEFAULT 0,
    served_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 50);

-- One living entry per conversation. Served in the order (priority, queued_at, id).
CREATE TABLE line_entries (
    workspace_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    line_id uuid NOT NULL,
    run_id uuid,
    visit integer,
    step text,
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    queued_at timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    strategy text NOT NULL CHECK (strategy IN ('round_robin', 'least_open')),
    only_online boolean NOT NULL DEFAULT true,
    max_open integer CHECK (max_open >= 0),
    source text NOT NULL,
    actor jsonb,
    PRIMARY KEY (workspace_id, conversation_id),
    -- The one foreign key of what moves fast: its shared lock is what `line_lock` keeps newcomers out by.
    FOREIGN KEY (workspace_id, line_id) REFERENCES lines (workspace_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX line_entries_order_idx ON line_entries (workspace_id, line_id, priority, queued_at, id);

-- "Look at this line": room appeared, or somebody entered who could not be served at once. Insert-only for those who
-- mark, so that marking never waits for the line's server, who takes them out.
CREATE TABLE line_marks (
    workspace_id uuid NOT NULL,
    line_id uuid NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (workspace_id, line_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- One row per batch served: the candidates with the facts as they were; each assignment refers to it by its position (S20).
CREATE TABLE decisions (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    line_id uuid NOT NULL,
    line_kind text NOT NULL,
    line_name text,
    occurred_at timestamptz NOT NULL,
    candidates jsonb NOT NULL,
    served integer NOT NULL,
    waiting integer NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

-- Every change of a conversation's team or agent. Ids and names of the time.
CREATE TABLE assignments (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('assignment', 'transfer', 'unassignment', 'team')),
    occurred_at timestamptz NOT NULL,
    source text NOT NULL,
    actor jsonb,
    via text NOT NULL CHECK (via IN ('direct', 'line')),
    agent_id uuid,
    agent_name text,
    previous_agent_id uuid,
    previous_agent_name text,
    team_id uuid,
    team_name text,
    channel_id uuid,
    run_id uuid,
    decision_id uuid,
    position integer,
    strategy text,
    -- Entering the line and the place in its order; null when not through a line.
    entered_at timestamptz,
    queued_at timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX assignments_conversation_idx ON assignments (workspace_id, conversation_id, id);
CREATE INDEX assignments_occurred_idx ON assignments (workspace_id, occurred_at, id);
-- Why one was chosen: the picks of its batch before it.
CREATE INDEX assignments_decision_idx ON assignments (workspace_id, decision_id, position, id)
    WHERE decision_id IS NOT NULL;
