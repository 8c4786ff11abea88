-- breaking: yes
-- What is to be done outside the database, what was promised to a repeating client, and the scheduled jobs.

CREATE TABLE outbox (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    -- run/visit/index, or message/{id}: the receiver is sent the same key on every attempt (invariant 9).
    key text NOT NULL,
    kind text NOT NULL,
    channel_id uuid,
    conversation_id uuid,
    message_id uuid,
    run_id uuid,
    body jsonb NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    owner uuid,
    epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    error text,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX outbox_key_key ON outbox (workspace_id, key);
CREATE INDEX outbox_due_idx ON outbox (workspace_id, next_at, id) WHERE status = 'pending';
CREATE INDEX outbox_channel_idx ON outbox (workspace_id, channel_id, next_at, id) WHERE status = 'pending';
CREATE INDEX outbox_conversation_idx ON outbox (workspace_id, conversation_id);
CREATE INDEX outbox_order_idx ON outbox (workspace_id, conversation_id, id) WHERE status = 'pending';

-- The key and its effect commit together (S28).
CREATE TABLE idempotency_keys (
    workspace_id uuid NOT NULL,
    caller text NOT NULL,
    key text NOT NULL,
    operation text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer,
    -- json, not jsonb: a repetition gets the same bytes, members in the same order.
    response json,
    -- The conversation or contact that the response shows: erasing it erases the response.
    about uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, caller, key)
);
CREATE INDEX idempotency_keys_about_idx ON idempotency_keys (workspace_id, about) WHERE about IS NOT NULL;
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (workspace_id, created_at);

CREATE TABLE job_runs (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    job text NOT NULL,
    window_from timestamptz NOT NULL,
    window_to timestamptz NOT NULL,
    time_zone text NOT NULL,
    scheduled boolean NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    owner uuid,
    epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (workspace_id, id),
    CHECK (window_from < window_to)
);
CREATE UNIQUE INDEX job_runs_window_key ON job_runs (workspace_id, job, window_from, window_to) WHERE scheduled;
CREATE INDEX job_runs_job_idx ON job_runs (workspace_id, job, id, status);
CREATE INDEX job_runs_due_idx ON job_runs (workspace_id, next_at, id) WHERE status IN ('pending', 'running');

CREATE TABLE job_results (
    workspace_id uuid NOT NULL,
    job_run_id uuid NOT NULL,
    result jsonb NOT NULL,
    PRIMARY KEY (workspace_id, job_run_id),
    FOREIGN KEY (workspace_id, job_run_id) REFERENCES job_runs (workspace_id, id)
);
