-- breaking: yes
-- What keys are limited to, and who changed what in a workspace's administration.

ALTER TABLE api_keys
    -- Null: everything that the role grants.
    ADD COLUMN scopes text[] CHECK (cardinality(scopes) > 0),
    -- Null: from anywhere.
    ADD COLUMN allowed_addresses cidr[] CHECK (cardinality(allowed_addresses) > 0),
    ADD COLUMN last_used_at timestamptz,
    -- After a rotation the secret before it goes on until then.
    ADD COLUMN previous_secret_hash bytea,
    ADD COLUMN previous_valid_until timestamptz,
    ADD CHECK ((previous_secret_hash IS NULL) = (previous_valid_until IS NULL)),
    -- Room for the new versions of rows that are only noted as used.
    SET (fillfactor = 80);
-- Owner keys that nothing limits: one of them has to stay (S48).
CREATE INDEX api_keys_unlimited_owners_idx ON api_keys (workspace_id, id)
    WHERE role = 'owner' AND revoked_at IS NULL AND expires_at IS NULL AND scopes IS NULL AND allowed_addresses IS NULL;

-- One row for each administrative change (S49). Written by the trigger below and by nothing else: the API's role may read it.
CREATE TABLE audit_log (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor jsonb NOT NULL,
    -- The actor's id, where it has one.
    actor_id uuid,
    address text,
    request_id text,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id text NOT NULL,
    target_name text NOT NULL,
    before jsonb,
    after jsonb,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX audit_log_actor_idx ON audit_log (workspace_id, actor_id, id);
CREATE INDEX audit_log_actor_action_idx ON audit_log (workspace_id, actor_id, action, id);
CREATE INDEX audit_log_action_idx ON audit_log (workspace_id, action, id);
CREATE INDEX audit_log_target_idx ON audit_log (workspace_id, target_id, id);
GRANT SELECT ON audit_log TO switchboard_api;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY workspace ON audit_log TO switchboard_api USING (workspace_id = current_workspace());

-- A UUIDv7 of that moment, with the 4096ths of its millisecond: rows of one transaction keep their order.
CREATE FUNCTION audit_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
    SELECT (lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid
    FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS us) AS instant
$$;

-- Arguments: the kind of the target, the column of its id, the columns that are shown, and `column=verb` for those whose change
-- has a name of its own (`*` is the column's new value); lists are separated by spaces.
--
-- Runs as the owner, so that the API's role needs no right to write here and cannot write anything else. Who acts is told by
-- the transaction's settings; where nobody did, the system acted.
CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
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

-- What people decide, by column: presence, counts, turns and uses of keys change all the time and do not come here at all.
CREATE TRIGGER audit AFTER INSERT OR UPDATE OF name, time_zone, closing_note, require_if_match ON workspaces
    FOR EACH ROW EXECUTE FUNCTION record_change('workspace', 'id', 'name time_zone closing_note require_if_match', '');
CREATE TRIGGER audit AFTER INSERT OR DELETE
    OR UPDATE OF name, role, scopes, allowed_addresses, expires_at, revoked_at, secret_hash ON api_keys
    FOR EACH ROW EXECUTE FUNCTION record_change('api_key', 'id',
        'name role scopes allowed_addresses expires_at previous_valid_until revoked_at',
        'revoked_at=revoked secret_hash=rotated');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, email, role, max_open, deleted_at ON agents
    FOR EACH ROW EXECUTE FUNCTION record_change('agent', 'id', 'name email role max_open', '');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, deleted_at ON teams
    FOR EACH ROW EXECUTE FUNCTION record_change('team', 'id', 'name', '');
CREATE TRIGGER audit AFTER INSERT OR DELETE ON team_members
    FOR EACH ROW EXECUTE FUNCTION record_change('team', 'team_id', 'agent_id', '');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, kind, url, token_hash, deleted_at ON channels
    FOR EACH ROW EXECUTE FUNCTION record_change('channel', 'id', 'name kind url', 'token_hash=token_rotated');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF type, description ON contact_fields
    FOR EACH ROW EXECUTE FUNCTION record_change('contact_field', 'name', 'type description', '');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, deleted_at ON closing_categories
    FOR EACH ROW EXECUTE FUNCTION record_change('closing_category', 'id', 'name', '');
CREATE TRIGGER audit AFTER INSERT OR DELETE
    OR UPDATE OF name, description, definition, status, live_version, deleted_at ON workflows
    FOR EACH ROW EXECUTE FUNCTION record_change('workflow', 'id',
        'name description definition_sha256 status live_version', 'status=* live_version=published');
