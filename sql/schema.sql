-- Generated from sql/migrations: SWITCHBOARD_WRITE_SCHEMA=1 swift test --filter SchemaTests
-- PostgreSQL 15

CREATE TABLE public.api_keys (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    role text DEFAULT 'owner'::text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    scopes text[],
    allowed_addresses cidr[],
    last_used_at timestamp with time zone,
    previous_secret_hash bytea,
    previous_valid_until timestamp with time zone,
    CONSTRAINT api_keys_allowed_addresses_check CHECK ((cardinality(allowed_addresses) > 0)),
    CONSTRAINT api_keys_check CHECK (((previous_secret_hash IS NULL) = (previous_valid_until IS NULL))),
    CONSTRAINT api_keys_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'manager'::text, 'agent'::text, 'viewer'::text]))),
    CONSTRAINT api_keys_scopes_check CHECK ((cardinality(scopes) > 0))
)
WITH (fillfactor='80');

CREATE FUNCTION public.api_keys_with_id(public_id uuid) RETURNS SETOF public.api_keys
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN RETURN QUERY SELECT k.* FROM api_keys k WHERE k.id = public_id; END $$;

CREATE FUNCTION public.audit_id(at timestamp with time zone) RETURNS uuid
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT (lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid
    FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS us) AS instant
$$;

CREATE TABLE public.channels (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    url text,
    token_hash bytea NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone
);

CREATE FUNCTION public.channels_with_id(public_id uuid) RETURNS SETOF public.channels
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN RETURN QUERY SELECT c.* FROM channels c WHERE c.id = public_id; END $$;

CREATE FUNCTION public.current_operator() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('switchboard.operator'::text, true), ''::text))::uuid;

CREATE FUNCTION public.current_workspace() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('switchboard.workspace'::text, true), ''::text))::uuid;

CREATE TABLE public.operator_keys (
    id uuid NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone
);

CREATE FUNCTION public.operator_keys_with_id(public_id uuid) RETURNS SETOF public.operator_keys
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN RETURN QUERY SELECT k.* FROM operator_keys k WHERE k.id = public_id; END $$;

CREATE FUNCTION public.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
    at CONSTANT timestamptz := clock_timestamp();
    actor CONSTANT jsonb := coalesce(nullif(current_setting('switchboard.actor', true), '')::jsonb, '{"type": "system"}');
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) ELSE '{}' END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) ELSE '{}' END;
    any_row CONSTANT jsonb := old_row || new_row;
    target_name text := any_row ->> 'name';
    verb text;
    was jsonb;
    becomes jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        verb := 'created';
    ELSIF TG_OP = 'DELETE' OR (new_row ->> 'deleted_at' IS NOT NULL AND old_row ->> 'deleted_at' IS NULL) THEN
        verb := 'deleted';
    ELSE
        SELECT coalesce(nullif(split_part(v.entry, '=', 2), '*'), new_row ->> split_part(v.entry, '=', 1)) INTO verb
        FROM unnest(string_to_array(TG_ARGV[3], ' ')) WITH ORDINALITY AS v (entry, n)
        WHERE old_row -> split_part(v.entry, '=', 1) IS DISTINCT FROM new_row -> split_part(v.entry, '=', 1)
        ORDER BY v.n LIMIT 1;
        verb := coalesce(verb, 'updated');
    END IF;
    -- Whole definitions would be most of the log; published ones are kept as versions anyway.
    IF any_row ? 'definition' THEN
        old_row := old_row || jsonb_build_object('definition_sha256',
            encode(sha256(convert_to(old_row ->> 'definition', 'UTF8')), 'hex'));
        new_row := new_row || jsonb_build_object('definition_sha256',
            encode(sha256(convert_to(new_row ->> 'definition', 'UTF8')), 'hex'));
    END IF;
    SELECT jsonb_object_agg(c, old_row -> c) FILTER (WHERE verb <> 'created'),
        jsonb_object_agg(c, new_row -> c) FILTER (WHERE verb <> 'deleted')
    INTO was, becomes
    FROM unnest(string_to_array(TG_ARGV[2], ' ')) AS c
    WHERE CASE verb WHEN 'created' THEN new_row -> c <> 'null' WHEN 'deleted' THEN old_row -> c <> 'null'
        ELSE old_row -> c IS DISTINCT FROM new_row -> c END;
    -- An update that says what was there already.
    IF verb = 'updated' AND was IS NULL THEN RETURN NULL; END IF;
    IF TG_TABLE_NAME = 'team_members' THEN
        verb := CASE verb WHEN 'created' THEN 'member_added' ELSE 'member_removed' END;
        SELECT t.name INTO target_name FROM teams t
        WHERE t.workspace_id = (any_row ->> 'workspace_id')::uuid AND t.id = (any_row ->> 'team_id')::uuid;
    END IF;
    INSERT INTO audit_log (workspace_id, id, occurred_at, actor, actor_id, address, request_id, action,
        target_type, target_id, target_name, before, after)
    VALUES (
        coalesce(any_row ->> 'workspace_id', any_row ->> 'id')::uuid, audit_id(at), at, actor, (actor ->> 'id')::uuid,
        nullif(current_setting('switchboard.address', true), ''),
        nullif(current_setting('switchboard.request_id', true), ''),
        TG_ARGV[0] || '.' || verb, TG_ARGV[0], any_row ->> TG_ARGV[1], target_name, was, becomes);
    RETURN NULL;
END
$$;

CREATE TABLE public.agents (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    email text,
    role text DEFAULT 'agent'::text NOT NULL,
    presence text DEFAULT 'offline'::text NOT NULL,
    presence_changed_at timestamp with time zone DEFAULT now() NOT NULL,
    max_open integer,
    open_count integer DEFAULT 0 NOT NULL,
    turn bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT agents_max_open_check CHECK ((max_open >= 0)),
    CONSTRAINT agents_open_count_check CHECK ((open_count >= 0)),
    CONSTRAINT agents_presence_check CHECK ((presence = ANY (ARRAY['online'::text, 'away'::text, 'offline'::text]))),
    CONSTRAINT agents_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'manager'::text, 'agent'::text, 'viewer'::text])))
)
WITH (fillfactor='50');

CREATE TABLE public.assignments (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    kind text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    actor jsonb,
    via text NOT NULL,
    agent_id uuid,
    agent_name text,
    previous_agent_id uuid,
    previous_agent_name text,
    team_id uuid,
    team_name text,
    channel_id uuid,
    run_id uuid,
    decision_id uuid,
    "position" integer,
    strategy text,
    entered_at timestamp with time zone,
    queued_at timestamp with time zone,
    CONSTRAINT assignments_kind_check CHECK ((kind = ANY (ARRAY['assignment'::text, 'transfer'::text, 'unassignment'::text, 'team'::text]))),
    CONSTRAINT assignments_via_check CHECK ((via = ANY (ARRAY['direct'::text, 'line'::text])))
);

CREATE TABLE public.audit_log (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    actor jsonb NOT NULL,
    actor_id uuid,
    address text,
    request_id text,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id text NOT NULL,
    target_name text NOT NULL,
    before jsonb,
    after jsonb
);

CREATE TABLE public.channel_secrets (
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    token text NOT NULL
);

CREATE TABLE public.closing_categories (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone
);

CREATE TABLE public.comments (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    source text NOT NULL,
    agent_id uuid,
    run_id uuid,
    text text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.contact_fields (
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    type text DEFAULT 'text'::text NOT NULL,
    description text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT contact_fields_type_check CHECK ((type = ANY (ARRAY['text'::text, 'number'::text, 'boolean'::text, 'date'::text, 'list'::text])))
);

CREATE TABLE public.contacts (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text,
    email text,
    email_key text GENERATED ALWAYS AS (lower(email)) STORED,
    phone text,
    language text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    fields jsonb DEFAULT '{}'::jsonb NOT NULL,
    blocked boolean DEFAULT false NOT NULL,
    last_assignee_id uuid,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone
)
WITH (fillfactor='80');

CREATE TABLE public.conversations (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel_id uuid,
    status text DEFAULT 'open'::text NOT NULL,
    source text NOT NULL,
    team_id uuid,
    team_name text,
    assignee_id uuid,
    assignee_name text,
    assigned_source text,
    waiting boolean DEFAULT false NOT NULL,
    priority text DEFAULT 'normal'::text NOT NULL,
    subject text,
    custom jsonb DEFAULT '{}'::jsonb NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    assigned_at timestamp with time zone,
    first_reply_at timestamp with time zone,
    first_reply_agent_id uuid,
    first_reply_agent_name text,
    first_reply_team_id uuid,
    first_reply_team_name text,
    closed_at timestamp with time zone,
    closed_source text,
    category text,
    summary text,
    last_sequence bigint DEFAULT 0 NOT NULL,
    last_event_at timestamp with time zone NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT conversations_check CHECK (((status = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT conversations_check1 CHECK ((NOT (waiting AND (status = 'closed'::text)))),
    CONSTRAINT conversations_priority_check CHECK ((priority = ANY (ARRAY['urgent'::text, 'high'::text, 'normal'::text, 'low'::text]))),
    CONSTRAINT conversations_status_check CHECK ((status = ANY (ARRAY['open'::text, 'snoozed'::text, 'closed'::text])))
)
WITH (fillfactor='80');
ALTER TABLE ONLY public.conversations ALTER COLUMN assignee_id SET STATISTICS 500;

CREATE TABLE public.decisions (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    line_id uuid NOT NULL,
    line_kind text NOT NULL,
    line_name text,
    occurred_at timestamp with time zone NOT NULL,
    candidates jsonb NOT NULL,
    served integer NOT NULL,
    waiting integer NOT NULL
);

CREATE TABLE public.events (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    conversation_id uuid,
    sequence bigint,
    occurred_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    actor jsonb,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT events_check CHECK (((conversation_id IS NULL) = (sequence IS NULL)))
)
PARTITION BY RANGE (id);

CREATE TABLE public.events_default (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    conversation_id uuid,
    sequence bigint,
    occurred_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    actor jsonb,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT events_check CHECK (((conversation_id IS NULL) = (sequence IS NULL)))
);

CREATE TABLE public.idempotency_keys (
    workspace_id uuid NOT NULL,
    caller text NOT NULL,
    key text NOT NULL,
    operation text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer,
    response json,
    about uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.identities (
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    external_id text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.job_results (
    workspace_id uuid NOT NULL,
    job_run_id uuid NOT NULL,
    result jsonb NOT NULL
);

CREATE TABLE public.job_runs (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    job text NOT NULL,
    window_from timestamp with time zone NOT NULL,
    window_to timestamp with time zone NOT NULL,
    time_zone text NOT NULL,
    scheduled boolean NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    owner uuid,
    epoch bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT job_runs_check CHECK ((window_from < window_to)),
    CONSTRAINT job_runs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text])))
);

CREATE TABLE public.line_entries (
    workspace_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    line_id uuid NOT NULL,
    run_id uuid,
    visit integer,
    step text,
    priority smallint NOT NULL,
    queued_at timestamp with time zone NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    strategy text NOT NULL,
    only_online boolean DEFAULT true NOT NULL,
    max_open integer,
    source text NOT NULL,
    actor jsonb,
    CONSTRAINT line_entries_max_open_check CHECK ((max_open >= 0)),
    CONSTRAINT line_entries_priority_check CHECK (((priority >= 0) AND (priority <= 3))),
    CONSTRAINT line_entries_strategy_check CHECK ((strategy = ANY (ARRAY['round_robin'::text, 'least_open'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000');

CREATE TABLE public.line_marks (
    workspace_id uuid NOT NULL,
    line_id uuid NOT NULL,
    id uuid NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000');

CREATE TABLE public.lines (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    last_turn bigint DEFAULT 0 NOT NULL,
    served_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT lines_kind_check CHECK ((kind = ANY (ARRAY['team'::text, 'agent'::text, 'workspace'::text])))
)
WITH (fillfactor='50');

CREATE TABLE public.message_receipts (
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    external_hash bytea NOT NULL,
    message_id uuid NOT NULL,
    conversation_id uuid,
    opened boolean NOT NULL,
    request_id uuid NOT NULL
);

CREATE TABLE public.messages (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid,
    contact_id uuid NOT NULL,
    channel_id uuid,
    direction text NOT NULL,
    source text NOT NULL,
    agent_id uuid,
    run_id uuid,
    text text NOT NULL,
    status text NOT NULL,
    error text,
    external_id text,
    sent_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT messages_direction_check CHECK ((direction = ANY (ARRAY['incoming'::text, 'outgoing'::text]))),
    CONSTRAINT messages_status_check CHECK ((status = ANY (ARRAY['received'::text, 'pending'::text, 'sent'::text, 'failed'::text])))
)
PARTITION BY RANGE (id);

CREATE TABLE public.messages_default (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid,
    contact_id uuid NOT NULL,
    channel_id uuid,
    direction text NOT NULL,
    source text NOT NULL,
    agent_id uuid,
    run_id uuid,
    text text NOT NULL,
    status text NOT NULL,
    error text,
    external_id text,
    sent_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT messages_direction_check CHECK ((direction = ANY (ARRAY['incoming'::text, 'outgoing'::text]))),
    CONSTRAINT messages_status_check CHECK ((status = ANY (ARRAY['received'::text, 'pending'::text, 'sent'::text, 'failed'::text])))
);

CREATE TABLE public.outbox (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    channel_id uuid,
    conversation_id uuid,
    message_id uuid,
    run_id uuid,
    body jsonb NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    owner uuid,
    epoch bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    error text,
    created_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    trace text,
    CONSTRAINT outbox_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'sent'::text, 'dead'::text])))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.processes (
    id uuid NOT NULL,
    parts text[] NOT NULL,
    host text NOT NULL,
    process_id integer NOT NULL,
    version text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.published_triggers (
    workspace_id uuid NOT NULL,
    trigger_type text NOT NULL,
    workflow_id uuid NOT NULL,
    version integer NOT NULL,
    sources text[],
    channels uuid[]
);

CREATE TABLE public.run_log (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    step text,
    visit integer,
    kind text NOT NULL,
    port text,
    data jsonb DEFAULT '{}'::jsonb NOT NULL
)
PARTITION BY RANGE (id);

CREATE TABLE public.run_log_default (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    step text,
    visit integer,
    kind text NOT NULL,
    port text,
    data jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.run_signals (
    workspace_id uuid NOT NULL,
    run_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    visit integer,
    due_at timestamp with time zone NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT run_signals_kind_check CHECK ((kind = ANY (ARRAY['started'::text, 'timer'::text, 'assigned'::text, 'answered'::text, 'closed'::text, 'stopped'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='2000');

CREATE TABLE public.run_turns (
    workspace_id uuid NOT NULL,
    turn smallint NOT NULL,
    CONSTRAINT run_turns_turn_check CHECK (((turn >= 1) AND (turn <= 64)))
);

CREATE TABLE public.runs (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    workflow_version integer NOT NULL,
    contact_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    status text DEFAULT 'candidate'::text NOT NULL,
    reason text,
    step text,
    state jsonb DEFAULT '{}'::jsonb NOT NULL,
    trigger_message_id uuid,
    opened_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    trace text,
    CONSTRAINT runs_status_check CHECK ((status = ANY (ARRAY['candidate'::text, 'active'::text, 'completed'::text, 'failed'::text, 'conversation_closed'::text, 'stopped'::text])))
)
WITH (fillfactor='70');

CREATE TABLE public.schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    breaking boolean NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.team_members (
    workspace_id uuid NOT NULL,
    team_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    turn bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.teams (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone
);

CREATE TABLE public.workflow_references (
    workspace_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    kind text NOT NULL,
    target_id uuid NOT NULL,
    CONSTRAINT workflow_references_kind_check CHECK ((kind = ANY (ARRAY['team'::text, 'agent'::text, 'channel'::text])))
);

CREATE TABLE public.workflow_versions (
    workspace_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workflow_versions_version_check CHECK ((version >= 1))
);

CREATE TABLE public.workflows (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    description text,
    definition jsonb NOT NULL,
    status text DEFAULT 'draft'::text NOT NULL,
    live_version integer,
    last_version integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT workflows_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'published'::text, 'stopped'::text])))
);

CREATE TABLE public.workspaces (
    id uuid NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    closing_note text DEFAULT 'off'::text NOT NULL,
    require_if_match boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    rate_limit_quota integer,
    rate_limit_seconds integer,
    CONSTRAINT workspaces_closing_note_check CHECK ((closing_note = ANY (ARRAY['off'::text, 'optional'::text, 'category'::text, 'category_and_summary'::text]))),
    CONSTRAINT workspaces_rate_limit_check CHECK (((rate_limit_quota IS NULL) = (rate_limit_seconds IS NULL))),
    CONSTRAINT workspaces_rate_limit_quota_check CHECK (((rate_limit_quota >= 1) AND (rate_limit_quota <= 1000000))),
    CONSTRAINT workspaces_rate_limit_seconds_check CHECK (((rate_limit_seconds >= 1) AND (rate_limit_seconds <= 86400)))
);

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_default DEFAULT;

ALTER TABLE ONLY public.messages ATTACH PARTITION public.messages_default DEFAULT;

ALTER TABLE ONLY public.run_log ATTACH PARTITION public.run_log_default DEFAULT;

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.assignments
    ADD CONSTRAINT assignments_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.channel_secrets
    ADD CONSTRAINT channel_secrets_pkey PRIMARY KEY (workspace_id, channel_id);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.closing_categories
    ADD CONSTRAINT closing_categories_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.comments
    ADD CONSTRAINT comments_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.contact_fields
    ADD CONSTRAINT contact_fields_pkey PRIMARY KEY (workspace_id, name);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT decisions_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.events_default
    ADD CONSTRAINT events_default_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (workspace_id, caller, key);

ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (workspace_id, channel_id, external_id);

ALTER TABLE ONLY public.job_results
    ADD CONSTRAINT job_results_pkey PRIMARY KEY (workspace_id, job_run_id);

ALTER TABLE ONLY public.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.line_entries
    ADD CONSTRAINT line_entries_pkey PRIMARY KEY (workspace_id, conversation_id);

ALTER TABLE ONLY public.line_marks
    ADD CONSTRAINT line_marks_pkey PRIMARY KEY (workspace_id, line_id, id);

ALTER TABLE ONLY public.lines
    ADD CONSTRAINT lines_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.message_receipts
    ADD CONSTRAINT message_receipts_pkey PRIMARY KEY (workspace_id, channel_id, external_hash);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.messages_default
    ADD CONSTRAINT messages_default_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.operator_keys
    ADD CONSTRAINT operator_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.processes
    ADD CONSTRAINT processes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.published_triggers
    ADD CONSTRAINT published_triggers_pkey PRIMARY KEY (workspace_id, trigger_type, workflow_id);

ALTER TABLE ONLY public.run_log
    ADD CONSTRAINT run_log_pkey PRIMARY KEY (workspace_id, run_id, id);

ALTER TABLE ONLY public.run_log_default
    ADD CONSTRAINT run_log_default_pkey PRIMARY KEY (workspace_id, run_id, id);

ALTER TABLE ONLY public.run_signals
    ADD CONSTRAINT run_signals_pkey PRIMARY KEY (workspace_id, run_id, id);

ALTER TABLE ONLY public.run_turns
    ADD CONSTRAINT run_turns_pkey PRIMARY KEY (workspace_id, turn);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_pkey PRIMARY KEY (workspace_id, team_id, agent_id);

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.workflow_references
    ADD CONSTRAINT workflow_references_pkey PRIMARY KEY (workspace_id, kind, target_id, workflow_id);

ALTER TABLE ONLY public.workflow_versions
    ADD CONSTRAINT workflow_versions_pkey PRIMARY KEY (workspace_id, workflow_id, version);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX agents_email_key ON public.agents USING btree (workspace_id, lower(email)) WHERE (deleted_at IS NULL);

CREATE INDEX api_keys_id_idx ON public.api_keys USING btree (id);

CREATE INDEX api_keys_unlimited_owners_idx ON public.api_keys USING btree (workspace_id, id) WHERE ((role = 'owner'::text) AND (revoked_at IS NULL) AND (expires_at IS NULL) AND (scopes IS NULL) AND (allowed_addresses IS NULL));

CREATE INDEX assignments_conversation_idx ON public.assignments USING btree (workspace_id, conversation_id, id);

CREATE INDEX assignments_decision_idx ON public.assignments USING btree (workspace_id, decision_id, "position", id) WHERE (decision_id IS NOT NULL);

CREATE INDEX assignments_occurred_idx ON public.assignments USING btree (workspace_id, occurred_at, id);

CREATE INDEX audit_log_action_idx ON public.audit_log USING btree (workspace_id, action, id);

CREATE INDEX audit_log_actor_action_idx ON public.audit_log USING btree (workspace_id, actor_id, action, id);

CREATE INDEX audit_log_actor_idx ON public.audit_log USING btree (workspace_id, actor_id, id);

CREATE INDEX audit_log_target_idx ON public.audit_log USING btree (workspace_id, target_id, id);

CREATE INDEX channels_id_idx ON public.channels USING btree (id);

CREATE UNIQUE INDEX channels_name_key ON public.channels USING btree (workspace_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX closing_categories_name_key ON public.closing_categories USING btree (workspace_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE INDEX comments_conversation_idx ON public.comments USING btree (workspace_id, conversation_id, id);

CREATE INDEX contacts_email_idx ON public.contacts USING btree (workspace_id, email_key, id) WHERE (email_key IS NOT NULL);

CREATE INDEX contacts_phone_idx ON public.contacts USING btree (workspace_id, phone, id) WHERE (phone IS NOT NULL);

CREATE INDEX contacts_tags_idx ON public.contacts USING gin (tags) WHERE (tags <> '{}'::text[]);

CREATE INDEX conversations_assignee_channel_idx ON public.conversations USING btree (workspace_id, assignee_id, channel_id, opened_at, id) WHERE (status = 'closed'::text);

CREATE INDEX conversations_assignee_idx ON public.conversations USING btree (workspace_id, assignee_id, status, opened_at, id, team_id, channel_id, source, waiting, closed_at, updated_at) WHERE (assignee_id IS NOT NULL);

CREATE INDEX conversations_channel_idx ON public.conversations USING btree (workspace_id, channel_id, status, opened_at, id, team_id, assignee_id, source, waiting, closed_at, updated_at);

CREATE INDEX conversations_closed_idx ON public.conversations USING btree (workspace_id, closed_at, id, team_id, assignee_id, channel_id, source) WHERE (closed_at IS NOT NULL);

CREATE INDEX conversations_contact_idx ON public.conversations USING btree (workspace_id, contact_id, opened_at, id);

CREATE INDEX conversations_first_reply_idx ON public.conversations USING btree (workspace_id, first_reply_at, id) WHERE (first_reply_at IS NOT NULL);

CREATE UNIQUE INDEX conversations_one_open_key ON public.conversations USING btree (workspace_id, contact_id) WHERE (status <> 'closed'::text);

CREATE INDEX conversations_source_idx ON public.conversations USING btree (workspace_id, source, status, opened_at, id, team_id, assignee_id, channel_id, waiting, closed_at, updated_at) WHERE (source <> 'contact'::text);

CREATE INDEX conversations_status_idx ON public.conversations USING btree (workspace_id, status, opened_at, id, team_id, assignee_id, channel_id, source, waiting);

CREATE INDEX conversations_team_assignee_idx ON public.conversations USING btree (workspace_id, team_id, assignee_id, opened_at, id) WHERE (status = 'closed'::text);

CREATE INDEX conversations_team_channel_idx ON public.conversations USING btree (workspace_id, team_id, channel_id, opened_at, id) WHERE (status = 'closed'::text);

CREATE INDEX conversations_team_idx ON public.conversations USING btree (workspace_id, team_id, status, opened_at, id, assignee_id, channel_id, source, waiting, closed_at, updated_at) WHERE (team_id IS NOT NULL);

CREATE INDEX conversations_unassigned_idx ON public.conversations USING btree (workspace_id, status, opened_at, id, team_id, channel_id, source, waiting, closed_at, updated_at) WHERE (assignee_id IS NULL);

CREATE INDEX conversations_updated_idx ON public.conversations USING btree (workspace_id, updated_at, id, status, team_id, assignee_id, channel_id, source, waiting);

CREATE INDEX conversations_waiting_idx ON public.conversations USING btree (workspace_id, status, opened_at, id, team_id, assignee_id, channel_id, source, updated_at) WHERE waiting;

CREATE UNIQUE INDEX events_default_sequence_key ON public.events_default USING btree (workspace_id, conversation_id, sequence);

CREATE INDEX idempotency_keys_about_idx ON public.idempotency_keys USING btree (workspace_id, about) WHERE (about IS NOT NULL);

CREATE INDEX idempotency_keys_created_idx ON public.idempotency_keys USING btree (workspace_id, created_at);

CREATE INDEX identities_contact_idx ON public.identities USING btree (workspace_id, contact_id, channel_id) WHERE (contact_id IS NOT NULL);

CREATE INDEX job_runs_due_idx ON public.job_runs USING btree (workspace_id, next_at, id) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text]));

CREATE INDEX job_runs_job_idx ON public.job_runs USING btree (workspace_id, job, id, status);

CREATE UNIQUE INDEX job_runs_window_key ON public.job_runs USING btree (workspace_id, job, window_from, window_to) WHERE scheduled;

CREATE INDEX line_entries_order_idx ON public.line_entries USING btree (workspace_id, line_id, priority, queued_at, id);

CREATE INDEX messages_conversation_idx ON ONLY public.messages USING btree (workspace_id, conversation_id, id);

CREATE INDEX messages_default_workspace_id_conversation_id_id_idx ON public.messages_default USING btree (workspace_id, conversation_id, id);

CREATE INDEX outbox_channel_idx ON public.outbox USING btree (workspace_id, channel_id, next_at, id) WHERE (status = 'pending'::text);

CREATE INDEX outbox_conversation_idx ON public.outbox USING btree (workspace_id, conversation_id);

CREATE INDEX outbox_due_idx ON public.outbox USING btree (workspace_id, next_at, id) WHERE (status = 'pending'::text);

CREATE UNIQUE INDEX outbox_key_key ON public.outbox USING btree (workspace_id, key);

CREATE INDEX outbox_order_idx ON public.outbox USING btree (workspace_id, conversation_id, id) WHERE (status = 'pending'::text);

CREATE INDEX run_signals_due_idx ON public.run_signals USING btree (workspace_id, due_at, id);

CREATE INDEX runs_contact_idx ON public.runs USING btree (workspace_id, contact_id, id) WHERE (status <> 'candidate'::text);

CREATE INDEX runs_conversation_idx ON public.runs USING btree (workspace_id, conversation_id, id);

CREATE INDEX runs_status_idx ON public.runs USING btree (workspace_id, status, id, workflow_id) WHERE (status <> 'candidate'::text);

CREATE INDEX runs_workflow_idx ON public.runs USING btree (workspace_id, workflow_id, status, id) WHERE (status <> 'candidate'::text);

CREATE INDEX team_members_agent_idx ON public.team_members USING btree (workspace_id, agent_id, team_id);

CREATE UNIQUE INDEX teams_name_key ON public.teams USING btree (workspace_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX workflows_name_key ON public.workflows USING btree (workspace_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX workspaces_name_key ON public.workspaces USING btree (lower(name));

CREATE INDEX workspaces_rate_limit_idx ON public.workspaces USING btree (id) WHERE (rate_limit_quota IS NOT NULL);

ALTER INDEX public.events_pkey ATTACH PARTITION public.events_default_pkey;

ALTER INDEX public.messages_pkey ATTACH PARTITION public.messages_default_pkey;

ALTER INDEX public.messages_conversation_idx ATTACH PARTITION public.messages_default_workspace_id_conversation_id_id_idx;

ALTER INDEX public.run_log_pkey ATTACH PARTITION public.run_log_default_pkey;

CREATE STATISTICS public.conversations_tenancy (dependencies) ON workspace_id, contact_id, channel_id, team_id, assignee_id FROM public.conversations;

CREATE STATISTICS public.runs_tenancy (dependencies) ON workspace_id, workflow_id, contact_id, conversation_id FROM public.runs;

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, email, role, max_open, deleted_at ON public.agents FOR EACH ROW EXECUTE FUNCTION public.record_change('agent', 'id', 'name email role max_open', '');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, role, scopes, allowed_addresses, expires_at, revoked_at, secret_hash ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.record_change('api_key', 'id', 'name role scopes allowed_addresses expires_at previous_valid_until revoked_at', 'revoked_at=revoked secret_hash=rotated');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, kind, url, token_hash, deleted_at ON public.channels FOR EACH ROW EXECUTE FUNCTION public.record_change('channel', 'id', 'name kind url', 'token_hash=token_rotated');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, deleted_at ON public.closing_categories FOR EACH ROW EXECUTE FUNCTION public.record_change('closing_category', 'id', 'name', '');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF type, description ON public.contact_fields FOR EACH ROW EXECUTE FUNCTION public.record_change('contact_field', 'name', 'type description', '');

CREATE TRIGGER audit AFTER INSERT OR DELETE ON public.team_members FOR EACH ROW EXECUTE FUNCTION public.record_change('team', 'team_id', 'agent_id', '');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, deleted_at ON public.teams FOR EACH ROW EXECUTE FUNCTION public.record_change('team', 'id', 'name', '');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, description, definition, status, live_version, deleted_at ON public.workflows FOR EACH ROW EXECUTE FUNCTION public.record_change('workflow', 'id', 'name description definition_sha256 status live_version', 'status=* live_version=published');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OF name, time_zone, closing_note, require_if_match, rate_limit_quota, rate_limit_seconds ON public.workspaces FOR EACH ROW EXECUTE FUNCTION public.record_change('workspace', 'id', 'name time_zone closing_note require_if_match rate_limit_quota rate_limit_seconds', '');

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.channel_secrets
    ADD CONSTRAINT channel_secrets_workspace_id_channel_id_fkey FOREIGN KEY (workspace_id, channel_id) REFERENCES public.channels(workspace_id, id);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.closing_categories
    ADD CONSTRAINT closing_categories_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.contact_fields
    ADD CONSTRAINT contact_fields_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.job_results
    ADD CONSTRAINT job_results_workspace_id_job_run_id_fkey FOREIGN KEY (workspace_id, job_run_id) REFERENCES public.job_runs(workspace_id, id);

ALTER TABLE ONLY public.job_runs
    ADD CONSTRAINT job_runs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.line_entries
    ADD CONSTRAINT line_entries_workspace_id_line_id_fkey FOREIGN KEY (workspace_id, line_id) REFERENCES public.lines(workspace_id, id);

ALTER TABLE ONLY public.lines
    ADD CONSTRAINT lines_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.published_triggers
    ADD CONSTRAINT published_triggers_workspace_id_workflow_id_version_fkey FOREIGN KEY (workspace_id, workflow_id, version) REFERENCES public.workflow_versions(workspace_id, workflow_id, version);

ALTER TABLE ONLY public.run_turns
    ADD CONSTRAINT run_turns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_workspace_id_agent_id_fkey FOREIGN KEY (workspace_id, agent_id) REFERENCES public.agents(workspace_id, id);

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_workspace_id_team_id_fkey FOREIGN KEY (workspace_id, team_id) REFERENCES public.teams(workspace_id, id);

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.workflow_references
    ADD CONSTRAINT workflow_references_workspace_id_workflow_id_fkey FOREIGN KEY (workspace_id, workflow_id) REFERENCES public.workflows(workspace_id, id);

ALTER TABLE ONLY public.workflow_versions
    ADD CONSTRAINT workflow_versions_workspace_id_workflow_id_fkey FOREIGN KEY (workspace_id, workflow_id) REFERENCES public.workflows(workspace_id, id);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.assignments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.channel_secrets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.channels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.closing_categories ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.comments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_fields ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.conversations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.decisions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.identities ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_results ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.line_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.line_marks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.lines ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_receipts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;

CREATE POLICY operator ON public.idempotency_keys TO switchboard_api USING ((workspace_id = public.current_operator()));

CREATE POLICY operator ON public.workspaces TO switchboard_api USING ((public.current_operator() IS NOT NULL));

ALTER TABLE public.outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.published_triggers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_signals ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_turns ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.team_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.teams ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workflow_references ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workflow_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workflows ENABLE ROW LEVEL SECURITY;

CREATE POLICY workspace ON public.agents TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.api_keys TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.assignments TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.audit_log TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.channel_secrets TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.channels TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.closing_categories TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.comments TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.contact_fields TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.contacts TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.conversations TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.decisions TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.events TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.idempotency_keys TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.identities TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.job_results TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.job_runs TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.line_entries TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.line_marks TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.lines TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.message_receipts TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.messages TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.outbox TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.published_triggers TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.run_log TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.run_signals TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.run_turns TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.runs TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.team_members TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.teams TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.workflow_references TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.workflow_versions TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.workflows TO switchboard_api USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace ON public.workspaces FOR SELECT TO switchboard_api USING ((id = public.current_workspace()));

ALTER TABLE public.workspaces ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.api_keys TO switchboard_api;

REVOKE ALL ON FUNCTION public.api_keys_with_id(public_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.api_keys_with_id(public_id uuid) TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.channels TO switchboard_api;

REVOKE ALL ON FUNCTION public.channels_with_id(public_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.channels_with_id(public_id uuid) TO switchboard_api;

REVOKE ALL ON FUNCTION public.operator_keys_with_id(public_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.operator_keys_with_id(public_id uuid) TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.agents TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.assignments TO switchboard_api;

GRANT SELECT ON TABLE public.audit_log TO switchboard_api;

GRANT INSERT,DELETE,UPDATE ON TABLE public.channel_secrets TO switchboard_api;

GRANT SELECT(workspace_id) ON TABLE public.channel_secrets TO switchboard_api;

GRANT SELECT(channel_id) ON TABLE public.channel_secrets TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.closing_categories TO switchboard_api;

GRANT SELECT,INSERT,DELETE ON TABLE public.comments TO switchboard_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contact_fields TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.contacts TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.conversations TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.decisions TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.events TO switchboard_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO switchboard_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.identities TO switchboard_api;

GRANT SELECT ON TABLE public.job_results TO switchboard_api;

GRANT SELECT ON TABLE public.job_runs TO switchboard_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.line_entries TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.line_marks TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.lines TO switchboard_api;

GRANT UPDATE(last_turn) ON TABLE public.lines TO switchboard_api;

GRANT UPDATE(served_at) ON TABLE public.lines TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.message_receipts TO switchboard_api;

GRANT SELECT,INSERT,DELETE ON TABLE public.messages TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.outbox TO switchboard_api;

GRANT UPDATE(body) ON TABLE public.outbox TO switchboard_api;

GRANT UPDATE(status) ON TABLE public.outbox TO switchboard_api;

GRANT UPDATE(error) ON TABLE public.outbox TO switchboard_api;

GRANT SELECT,INSERT,DELETE ON TABLE public.published_triggers TO switchboard_api;

GRANT SELECT ON TABLE public.run_log TO switchboard_api;

GRANT UPDATE(data) ON TABLE public.run_log TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.run_signals TO switchboard_api;

GRANT INSERT ON TABLE public.run_turns TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.runs TO switchboard_api;

GRANT UPDATE(state) ON TABLE public.runs TO switchboard_api;

GRANT UPDATE(version) ON TABLE public.runs TO switchboard_api;

GRANT SELECT,INSERT,DELETE ON TABLE public.team_members TO switchboard_api;

GRANT UPDATE(turn) ON TABLE public.team_members TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.teams TO switchboard_api;

GRANT SELECT,INSERT,DELETE ON TABLE public.workflow_references TO switchboard_api;

GRANT SELECT,INSERT ON TABLE public.workflow_versions TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.workflows TO switchboard_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.workspaces TO switchboard_api;
