-- breaking: yes
-- Workflows, their immutable versions, and runs: one contact going through one version.

CREATE TABLE workflows (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    name text NOT NULL,
    description text,
    -- What was saved last; what is live is the version.
    definition jsonb NOT NULL,
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'stopped')),
    live_version integer,
    last_version integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX workflows_name_key ON workflows (workspace_id, lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE workflow_versions (
    workspace_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    definition jsonb NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, workflow_id, version),
    FOREIGN KEY (workspace_id, workflow_id) REFERENCES workflows (workspace_id, id)
);

-- What ingest reads in its own statement, never from a cache (S9): a workflow published a moment ago sees the next message.
CREATE TABLE published_triggers (
    workspace_id uuid NOT NULL,
    trigger_type text NOT NULL,
    workflow_id uuid NOT NULL,
    version integer NOT NULL,
    -- Null means any; else a necessary condition that a column can hold. The whole condition is the worker's.
    sources text[],
    channels uuid[],
    PRIMARY KEY (workspace_id, trigger_type, workflow_id),
    FOREIGN KEY (workspace_id, workflow_id, version)
        REFERENCES workflow_versions (workspace_id, workflow_id, version)
);

-- Teams, agents and channels that the live versions name: what may not be deleted, and by which workflow.
CREATE TABLE workflow_references (
    workspace_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('team', 'agent', 'channel')),
    target_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, kind, target_id, workflow_id),
    FOREIGN KEY (workspace_id, workflow_id) REFERENCES workflows (workspace_id, id)
);

-- Without foreign keys: see 0001.
CREATE TABLE runs (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    workflow_version integer NOT NULL,
    contact_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    -- A candidate becomes a run when the worker finds that its trigger matches, or goes without a trace (S9).
    status text NOT NULL DEFAULT 'candidate'
        CHECK (status IN ('candidate', 'active', 'completed', 'failed', 'conversation_closed', 'stopped')),
    reason text,
    step text,
    state jsonb NOT NULL DEFAULT '{}',
    trigger_message_id uuid,
    opened_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    started_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 70);
CREATE INDEX runs_workflow_idx ON runs (workspace_id, workflow_id, status, id) WHERE status <> 'candidate';
CREATE INDEX runs_contact_idx ON runs (workspace_id, contact_id, id) WHERE status <> 'candidate';
CREATE INDEX runs_conversation_idx ON runs (workspace_id, conversation_id, id);
CREATE INDEX runs_status_idx ON runs (workspace_id, status, id, workflow_id) WHERE status <> 'candidate';
CREATE STATISTICS runs_tenancy (dependencies) ON workspace_id, workflow_id, contact_id, conversation_id FROM runs;

-- A run's mailbox and the worker's queue (S10). Everybody inserts; only the worker takes out, and only it writes runs.
CREATE TABLE run_signals (
    workspace_id uuid NOT NULL,
    run_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('started', 'timer', 'assigned', 'answered', 'closed', 'stopped')),
    -- The step visit it is meant for; null means the run, whatever it is doing.
    visit integer,
    due_at timestamptz NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, run_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX run_signals_due_idx ON run_signals (workspace_id, due_at, id);

-- How many batches of a workspace's runs may be under way at once, over all workers: a batch locks one of these rows, or is
-- none (S12). Nobody waits for one, and the lock ends with the batch's transaction, so there is no owner to outlive.
CREATE TABLE run_turns (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    turn smallint NOT NULL CHECK (turn BETWEEN 1 AND 64),
    PRIMARY KEY (workspace_id, turn)
);

CREATE TABLE run_log (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    step text,
    visit integer,
    kind text NOT NULL,
    port text,
    data jsonb NOT NULL DEFAULT '{}',
    -- Nobody asks for a line but behind its run: the one index is both. A run of five steps writes six.
    PRIMARY KEY (workspace_id, run_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE run_log_default PARTITION OF run_log DEFAULT;
