-- breaking: yes
-- The tenant, who may call, who works, and how a contact is known. Everything but `workspaces`, `operator_keys` and the
-- look-up of a key by its public id begins with workspace_id (docs/semantics.md S36).
--
-- Foreign keys stand where configuration refers to configuration. What is written with each message and each run (contacts,
-- identities, conversations, messages, receipts, comments, runs, line entries, assignments, and more) has none, though its
-- columns name rows: those are never deleted, and whoever writes reads or writes them in the same transaction. A key's check
-- would look each up again and lock the one row of the channel for every message. `switchboard check --data` looks instead.

DO $$
BEGIN
    -- Roles belong to the cluster, so several databases may create this one at the same instant.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'switchboard_api') THEN
        CREATE ROLE switchboard_api NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'switchboard_api', 'MEMBER') THEN
        EXECUTE format('GRANT switchboard_api TO %I', current_user);
    END IF;
END $$;

CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    time_zone text NOT NULL,
    closing_note text NOT NULL DEFAULT 'off'
        CHECK (closing_note IN ('off', 'optional', 'category', 'category_and_summary')),
    -- Whether changes must say what they expect to find (S45).
    require_if_match boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX workspaces_name_key ON workspaces (lower(name));

CREATE TABLE operator_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE api_keys (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL DEFAULT 'owner' CHECK (role IN ('owner', 'manager', 'agent', 'viewer')),
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (workspace_id, id)
);
-- The one look-up that does not know its workspace yet: a key by its public id. Not unique, so that it can be sharded.
CREATE INDEX api_keys_id_idx ON api_keys (id);

CREATE TABLE agents (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    name text NOT NULL,
    email text,
    role text NOT NULL DEFAULT 'agent' CHECK (role IN ('owner', 'manager', 'agent', 'viewer')),
    presence text NOT NULL DEFAULT 'offline' CHECK (presence IN ('online', 'away', 'offline')),
    presence_changed_at timestamptz NOT NULL DEFAULT now(),
    max_open integer CHECK (max_open >= 0),
    open_count integer NOT NULL DEFAULT 0 CHECK (open_count >= 0),
    -- When round robin of the workspace's line chose this agent last; a counter of that line, not a time.
    turn bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX agents_email_key ON agents (workspace_id, lower(email)) WHERE deleted_at IS NULL;

CREATE TABLE teams (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX teams_name_key ON teams (workspace_id, lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE team_members (
    workspace_id uuid NOT NULL,
    team_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    -- When round robin chose this member last: a counter of the team's line (S18). Never chosen is 0, the lowest.
    turn bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, team_id, agent_id),
    FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    FOREIGN KEY (workspace_id, agent_id) REFERENCES agents (workspace_id, id)
) WITH (fillfactor = 50);
CREATE INDEX team_members_agent_idx ON team_members (workspace_id, agent_id, team_id);

CREATE TABLE channels (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    url text,
    token_hash bytea NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX channels_name_key ON channels (workspace_id, lower(name)) WHERE deleted_at IS NULL;
-- A channel posts with its own token without knowing its workspace; like keys, found by the public id.
CREATE INDEX channels_id_idx ON channels (id);

-- What a channel must *send* cannot be a hash. The API's role may write it and never read it back.
CREATE TABLE channel_secrets (
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    token text NOT NULL,
    PRIMARY KEY (workspace_id, channel_id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

CREATE TABLE contact_fields (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name text NOT NULL,
    type text NOT NULL DEFAULT 'text' CHECK (type IN ('text', 'number', 'boolean', 'date', 'list')),
    description text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE contacts (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text,
    email text,
    -- What an address is found by. Not an index on lower(email): under row-level security a function that is not leakproof
    -- may not look into rows before the policy has, so such an index goes unused.
    email_key text GENERATED ALWAYS AS (lower(email)) STORED,
    phone text,
    language text,
    tags text[] NOT NULL DEFAULT '{}',
    fields jsonb NOT NULL DEFAULT '{}',
    blocked boolean NOT NULL DEFAULT false,
    last_assignee_id uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    erased_at timestamptz,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 80);
CREATE INDEX contacts_email_idx ON contacts (workspace_id, email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX contacts_phone_idx ON contacts (workspace_id, phone, id) WHERE phone IS NOT NULL;
CREATE INDEX contacts_tags_idx ON contacts USING gin (tags) WHERE tags <> '{}';

CREATE TABLE identities (
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    contact_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, channel_id, external_id)
);
-- The condition always holds. It keeps the index from being taken for a look-up by channel: while the table counts as empty,
-- each index looks as good as the other, and this one would be read from end to end for every message.
CREATE INDEX identities_contact_idx ON identities (workspace_id, contact_id, channel_id) WHERE contact_id IS NOT NULL;
