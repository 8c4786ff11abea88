-- breaking: yes
-- What the API's role may do, and to whose rows (docs/semantics.md S35). It owns nothing. The owner (worker, scheduler,
-- commands) stands above the policies.

GRANT USAGE ON SCHEMA public TO switchboard_api;

-- Everywhere the least: what is a fact is only added to; updates of single columns are what erasing and locking need.
GRANT SELECT, INSERT, UPDATE ON
    workspaces, api_keys, agents, teams, channels, contacts, closing_categories, conversations, workflows
    TO switchboard_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_fields, identities, line_entries, idempotency_keys TO switchboard_api;
GRANT SELECT, INSERT, DELETE ON team_members, messages, comments, published_triggers, workflow_references
    TO switchboard_api;
GRANT SELECT, INSERT ON
    events, assignments, message_receipts, workflow_versions, runs, run_signals, lines, line_marks, outbox
    TO switchboard_api;
GRANT INSERT ON run_turns TO switchboard_api;
GRANT SELECT ON run_log, job_runs, job_results TO switchboard_api;
-- An assignment by strategy is served in its own call when nobody stands in the line (S22).
GRANT SELECT, INSERT ON decisions TO switchboard_api;
GRANT UPDATE (turn) ON team_members TO switchboard_api;
GRANT UPDATE (state, version) ON runs TO switchboard_api;
GRANT UPDATE (data) ON run_log TO switchboard_api;
GRANT UPDATE (body, status, error) ON outbox TO switchboard_api;
GRANT UPDATE (last_turn, served_at) ON lines TO switchboard_api;
-- A channel's token is written and never read back.
GRANT INSERT, UPDATE, DELETE ON channel_secrets TO switchboard_api;
GRANT SELECT (workspace_id, channel_id) ON channel_secrets TO switchboard_api;

-- Whose rows: the transaction says it by a setting. Without one, and for an operator, it is null: nobody's.
CREATE FUNCTION current_workspace() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('switchboard.workspace', true), '')::uuid;
-- The operator's key that calls, in a transaction of an operator.
CREATE FUNCTION current_operator() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('switchboard.operator', true), '')::uuid;

DO $$
DECLARE
    tenants text[] := ARRAY[
        'api_keys', 'agents', 'teams', 'team_members', 'channels', 'channel_secrets', 'contact_fields', 'contacts',
        'identities', 'closing_categories', 'conversations', 'messages', 'message_receipts', 'comments', 'events',
        'workflows', 'workflow_versions', 'published_triggers', 'workflow_references', 'runs', 'run_signals', 'run_turns',
        'run_log', 'lines', 'line_entries', 'line_marks', 'decisions', 'assignments', 'outbox', 'idempotency_keys',
        'job_runs', 'job_results'];
    tenant text;
BEGIN
    -- Partitions are reached through their parents: the role has no grant on any of them.
    FOREACH tenant IN ARRAY tenants LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant);
        EXECUTE format(
            'CREATE POLICY workspace ON %I TO switchboard_api USING (workspace_id = current_workspace())', tenant);
    END LOOP;
END $$;

-- Everybody sees their own workspace; operators see, make and change them all.
ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
CREATE POLICY workspace ON workspaces FOR SELECT TO switchboard_api USING (id = current_workspace());
CREATE POLICY operator ON workspaces TO switchboard_api USING (current_operator() IS NOT NULL);
-- An operator has no workspace: what it must not do twice is kept under its key's id (S28).
CREATE POLICY operator ON idempotency_keys TO switchboard_api USING (workspace_id = current_operator());

-- Who calls is looked up before a workspace is known (S36): by public id, one row, whatever the policies say.
CREATE FUNCTION api_keys_with_id(public_id uuid) RETURNS SETOF api_keys
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = public, pg_temp AS $$
BEGIN RETURN QUERY SELECT k.* FROM api_keys k WHERE k.id = public_id; END $$;
CREATE FUNCTION channels_with_id(public_id uuid) RETURNS SETOF channels
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = public, pg_temp AS $$
BEGIN RETURN QUERY SELECT c.* FROM channels c WHERE c.id = public_id; END $$;
CREATE FUNCTION operator_keys_with_id(public_id uuid) RETURNS SETOF operator_keys
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = public, pg_temp AS $$
BEGIN RETURN QUERY SELECT k.* FROM operator_keys k WHERE k.id = public_id; END $$;
REVOKE ALL ON FUNCTION api_keys_with_id(uuid), channels_with_id(uuid), operator_keys_with_id(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api_keys_with_id(uuid), channels_with_id(uuid), operator_keys_with_id(uuid) TO switchboard_api;
