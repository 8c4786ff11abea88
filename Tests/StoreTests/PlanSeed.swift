let planSizes = "(1, 95000, 200, 20), (2, 4900, 20, 6), (3, 100, 10, 4)"

/// What PlanTests looks at, as SQL for an empty migrated database. As in life nothing is even: one team, one agent, one channel
/// and one workflow have most of it, a second of each has a good part that never meets the first's, many have little, some
/// nothing, an agent with a past was deleted; one conversation in forty is not closed.
///
/// - Parameter sizes: the workspaces as (number, conversations, agents, teams).
func planSeed(_ sizes: String = planSizes) -> String {
    #"""
    -- 1,000,000 messages in 100,000 conversations of three workspaces: 95 %, 4.9 % and 0.1 %, over the last thirty days.
    -- References are not checked while it is written; PlanTests looks at what it made.
    SET session_replication_role = replica;
    SET synchronous_commit = off;
    SET work_mem = '64MB';
    SET maintenance_work_mem = '128MB';

    -- A UUIDv7 of that moment. `n` is unique within its kind.
    CREATE FUNCTION pg_temp.id(at timestamptz, kind text, n bigint) RETURNS uuid LANGUAGE sql STABLE AS $$
        SELECT overlay(overlay(left(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || md5(kind || n), 32)
            placing '7' from 13) placing '8' from 17)::uuid
    $$;
    -- Of something without a moment.
    CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql STABLE AS $$
        SELECT pg_temp.id(date_trunc('hour', now()) - interval '31 days', kind, n)
    $$;

    -- One of so many, by chance, the same each time.
    CREATE FUNCTION pg_temp.pick(n bigint, salt bigint, of bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
        SELECT (hashint8extended(n, salt) & 1073741823) % greatest(of, 1)
    $$;

    -- Agents 1 to a are of the first team, up to b of the second, up to c of the others; the last but one was deleted, the
    -- last never had a conversation.
    CREATE TEMP TABLE w AS
    SELECT n, pg_temp.id('workspace', n) AS id, conversations, agents, teams, agents * 3 / 10 AS a, agents * 45 / 100 AS b,
        agents - greatest(2, agents / 20) AS c
    FROM (VALUES \#(sizes)) AS v (n, conversations, agents, teams);

    INSERT INTO workspaces (id, name, time_zone) SELECT id, 'w' || n, 'Europe/Madrid' FROM w;
    INSERT INTO run_turns (workspace_id, turn) SELECT w.id, t FROM w, generate_series(1, 63) t;
    INSERT INTO operator_keys (id, name, secret_hash) SELECT pg_temp.id('operator', k), 'k' || k, '' FROM generate_series(1, 20) k;
    INSERT INTO api_keys (workspace_id, id, name, secret_hash)
    SELECT w.id, pg_temp.id('key', w.n * 1000 + k), 'k' || k, '' FROM w, generate_series(1, 20) k;
    -- Nearly all by one key and of one kind; what is rare is old.
    INSERT INTO audit_log (workspace_id, id, occurred_at, actor, actor_id, action, target_type, target_id, target_name)
    SELECT w.id, pg_temp.id(now() - interval '1 minute' * k, 'audit', w.n * 1000000 + k), now() - interval '1 minute' * k, '{}',
        pg_temp.id('agent', w.n * 1000 + CASE WHEN k > 19990 THEN 1 ELSE 2 END),
        CASE WHEN k > 19980 THEN 'team.deleted' ELSE 'agent.updated' END, 'agent', 'a' || k % 1000, 'n'
    FROM w, generate_series(1, 20000) k;
    INSERT INTO channels (workspace_id, id, name, kind, url, token_hash)
    SELECT w.id, pg_temp.id('channel', w.n * 1000 + k), 'c' || k, 'custom', 'http://127.0.0.1/', '' FROM w, generate_series(1, 12) k;
    INSERT INTO channel_secrets SELECT workspace_id, id, 't' FROM channels WHERE name <> 'c12';
    INSERT INTO teams (workspace_id, id, name)
    SELECT w.id, pg_temp.id('team', w.n * 1000 + k), 't' || k FROM w, generate_series(1, w.teams) k;
    INSERT INTO agents (workspace_id, id, name, email, presence, max_open, deleted_at)
    SELECT w.id, pg_temp.id('agent', w.n * 1000 + k), 'a' || k, 'a' || k || '@example.com',
        CASE WHEN k % 3 = 0 THEN 'offline' ELSE 'online' END, 20,
        CASE WHEN k = w.agents - 1 THEN now() END
    FROM w, generate_series(1, w.agents) k;
    INSERT INTO team_members (workspace_id, team_id, agent_id, turn)
    SELECT w.id, pg_temp.id('team', w.n * 1000 + CASE WHEN k <= w.a THEN 1 WHEN k <= w.b THEN 2 ELSE 3 + k % (w.teams - 3) END),
        pg_temp.id('agent', w.n * 1000 + k), k
    FROM w, generate_series(1, w.agents) k WHERE k <> w.agents - 1;
    INSERT INTO lines (workspace_id, id, kind) SELECT workspace_id, id, 'team' FROM teams
        UNION ALL SELECT workspace_id, id, 'agent' FROM agents UNION ALL SELECT id, id, 'workspace' FROM workspaces;
    INSERT INTO contact_fields (workspace_id, name) SELECT w.id, 'field_' || k FROM w, generate_series(1, 30) k;
    INSERT INTO closing_categories (workspace_id, id, name)
    SELECT w.id, pg_temp.id('category', w.n * 1000 + k), 'category ' || k FROM w, generate_series(1, 20) k;
    INSERT INTO workflows (workspace_id, id, name, definition, status, live_version, last_version)
    SELECT w.id, pg_temp.id('workflow', w.n * 1000 + k), 'flow ' || k, '{}', 'published', 2, 2 FROM w, generate_series(1, 10) k;
    INSERT INTO workflow_versions SELECT workspace_id, id, v, '{}', now() FROM workflows, generate_series(1, 2) v;
    INSERT INTO published_triggers SELECT workspace_id, 'conversation_opened', id, 2, NULL, NULL FROM workflows;
    INSERT INTO workflow_references
    SELECT workspace_id, id, 'team', (SELECT t.id FROM teams t WHERE t.workspace_id = f.workspace_id ORDER BY t.id LIMIT 1)
    FROM workflows f;

    -- Conversation i of a workspace; two of a contact, of which one in twenty of the later ones is not closed.
    CREATE TEMP TABLE c AS
    SELECT w.n AS w, w.id AS workspace_id, o.n AS i, o.n / 2 AS contact, opened_at,
        pg_temp.id(opened_at, 'conversation', o.n) AS id, pg_temp.id('contact', o.n / 2) AS contact_id,
        pg_temp.id('channel', w.n * 1000 + CASE WHEN team = 2 OR pick < 10 THEN 2 WHEN pick < 90 THEN 1
            ELSE 3 + pg_temp.pick(o.n, 2, 9) END) AS channel_id,
        pg_temp.id('team', w.n * 1000 + team) AS team_id,
        CASE WHEN pg_temp.pick(o.n, 3, 100) < 92 OR i % 40 = 1 THEN pg_temp.id('agent', w.n * 1000 + CASE
            WHEN i % 500 = 0 THEN w.agents - 1
            WHEN team = 1 AND pick < 30 THEN 1
            WHEN team = 1 THEN 2 + pg_temp.pick(o.n, 4, w.a - 1)
            WHEN team = 2 AND pick < 40 THEN w.a + 1
            WHEN team = 2 THEN w.a + 2 + pg_temp.pick(o.n, 4, w.b - w.a - 1)
            ELSE w.b + 1 + (team * 7 + pg_temp.pick(o.n, 4, 6)) % (w.c - w.b) END) END AS agent_id,
        pg_temp.id('workflow', w.n * 1000 + CASE WHEN pick < 70 THEN 1 ELSE 2 + pg_temp.pick(o.n, 5, 8) END) AS workflow_id,
        pg_temp.pick(o.n, 6, 100) AS chance, i % 40 <> 1 AS closed, i % 120 = 1 AS waiting
    FROM w, generate_series(0, w.conversations - 1) i,
        LATERAL (SELECT now() - interval '30 days' * (1 - (i + 0.5) / w.conversations) AS opened_at, w.n * 1000000 + i AS n) o,
        LATERAL (SELECT CASE WHEN pg_temp.pick(o.n, 0, 100) < 60 THEN 1 WHEN pg_temp.pick(o.n, 0, 100) < 75 THEN 2
            ELSE 3 + pg_temp.pick(o.n, 7, w.teams - 3) END AS team, pg_temp.pick(o.n, 1, 100) AS pick) t;

    INSERT INTO contacts (workspace_id, id, name, email, phone, tags, fields)
    SELECT DISTINCT workspace_id, contact_id, 'Contact ' || contact, 'c' || contact || '@example.com', '+34' || contact,
        CASE WHEN contact % 10 = 0 THEN '{vip}'::text[] ELSE '{}' END, jsonb_build_object('field_1', contact)
    FROM c ORDER BY workspace_id, contact_id;
    INSERT INTO identities (workspace_id, channel_id, external_id, contact_id)
    SELECT DISTINCT ON (contact_id) workspace_id, channel_id, 'e' || contact, contact_id FROM c ORDER BY contact_id, i;
    INSERT INTO conversations (workspace_id, id, contact_id, channel_id, status, source, team_id, team_name, assignee_id, assignee_name,
        assigned_source, waiting, opened_at, assigned_at, first_reply_at, closed_at, last_sequence, last_event_at, updated_at)
    SELECT workspace_id, id, contact_id, channel_id, CASE WHEN closed THEN 'closed' ELSE 'open' END,
        CASE WHEN chance < 5 THEN 'api' WHEN chance < 6 THEN 'workflow' ELSE 'contact' END, team_id, 't', CASE WHEN NOT waiting THEN agent_id END,
        CASE WHEN NOT waiting THEN 'a' END, CASE WHEN NOT waiting THEN 'workflow' END, waiting, opened_at,
        CASE WHEN NOT waiting THEN opened_at + interval '1 minute' END,
        CASE WHEN NOT waiting THEN opened_at + interval '2 minutes' END,
        CASE WHEN closed THEN done_at END, 5, done_at, CASE WHEN closed THEN done_at ELSE opened_at + interval '1 minute' END
    FROM c, LATERAL (SELECT least(now(), opened_at + interval '1 hour' * (1 + pg_temp.pick(i, 8, 72))) AS done_at) d ORDER BY w, i;
    UPDATE agents a SET open_count = n
    FROM (SELECT workspace_id, assignee_id, count(*) AS n FROM conversations WHERE status <> 'closed' GROUP BY 1, 2) o
    WHERE a.workspace_id = o.workspace_id AND a.id = o.assignee_id;
    UPDATE agents SET max_open = open_count + 5;

    INSERT INTO messages (workspace_id, id, conversation_id, contact_id, channel_id, direction, source, text, status, sent_at, created_at)
    SELECT workspace_id, pg_temp.id(at, 'message', c.i * 10 + m), id, contact_id, channel_id,
        CASE WHEN m % 2 = 0 THEN 'incoming' ELSE 'outgoing' END, CASE WHEN m % 2 = 0 THEN 'contact' ELSE 'agent' END,
        'What a contact writes is about as long as this, message ' || m, CASE WHEN m % 2 = 0 THEN 'received' ELSE 'sent' END, at, at
    FROM generate_series(0, 9) m, c, LATERAL (SELECT c.opened_at + m * interval '3 minutes' AS at) t;
    INSERT INTO message_receipts
    SELECT workspace_id, channel_id, sha256(convert_to('m' || i * 10 + m, 'UTF8')),
        pg_temp.id(c.opened_at + m * interval '3 minutes', 'message', c.i * 10 + m), id, m = 0, id
    FROM c, generate_series(0, 8, 2) m;
    INSERT INTO comments (workspace_id, id, conversation_id, source, text, created_at)
    SELECT workspace_id, pg_temp.id(opened_at + interval '1 minute', 'comment', i), id, 'agent', 'A note', opened_at FROM c WHERE i % 2 = 0;
    INSERT INTO events (workspace_id, id, type, conversation_id, sequence, occurred_at, source, data)
    SELECT workspace_id, pg_temp.id(at, 'event', c.i * 10 + s), (ARRAY['conversation.opened', 'message.received', 'run.started',
        'conversation.assigned', 'message.sent'])[s], id, s, at, 'contact', '{}'
    FROM generate_series(1, 5) s, c, LATERAL (SELECT c.opened_at + s * interval '3 minutes' AS at) t;
    INSERT INTO runs (workspace_id, id, workflow_id, workflow_version, contact_id, conversation_id, status, step, started_at, ended_at, opened_at)
    SELECT workspace_id, pg_temp.id(opened_at, 'run', i), workflow_id, 2, contact_id, id,
        CASE WHEN waiting THEN 'active' WHEN i % 50 = 0 THEN 'failed' WHEN i % 50 = 2 THEN 'conversation_closed' ELSE 'completed' END, 'to', opened_at,
        CASE WHEN NOT waiting THEN opened_at END, opened_at
    FROM c ORDER BY w, i;
    INSERT INTO runs (workspace_id, id, workflow_id, workflow_version, contact_id, conversation_id, status, opened_at)
    SELECT workspace_id, pg_temp.id(opened_at, 'candidate', i), workflow_id, 2, contact_id, id, 'candidate', opened_at
    FROM c WHERE i % 120 = 41;
    INSERT INTO run_signals (workspace_id, run_id, id, kind, due_at)
    SELECT workspace_id, pg_temp.id(opened_at, 'candidate', i), pg_temp.id(opened_at, 'started', i), 'started', now()
    FROM c WHERE i % 120 = 41;
    INSERT INTO run_log (workspace_id, id, run_id, occurred_at, step, visit, kind, port)
    SELECT workspace_id, pg_temp.id(opened_at, 'log', i * 10 + k), pg_temp.id(opened_at, 'run', i), opened_at, 's' || k, k, 'port', 'next'
    FROM c, generate_series(1, 3) k;
    -- Timers of those who wait, a tenth of them due.
    INSERT INTO run_signals (workspace_id, run_id, id, kind, visit, due_at)
    SELECT workspace_id, pg_temp.id(opened_at, 'run', i), pg_temp.id(opened_at, 'signal', i), 'timer', 1,
        now() + CASE WHEN i % 1000 < 110 THEN interval '-1 minute' ELSE interval '1 day' END
    FROM c WHERE waiting;
    INSERT INTO line_entries (workspace_id, conversation_id, id, line_id, run_id, visit, step, priority, queued_at, entered_at, strategy, source)
    SELECT workspace_id, id, pg_temp.id(opened_at, 'entry', i), team_id, pg_temp.id(opened_at, 'run', i), 1, 'to', 2, opened_at, opened_at,
        'round_robin', 'workflow'
    FROM c WHERE waiting;
    INSERT INTO line_marks SELECT DISTINCT ON (workspace_id, line_id) workspace_id, line_id, id FROM line_entries;
    INSERT INTO decisions SELECT workspace_id, pg_temp.id('decision', i / 8), team_id, 'team', 't', opened_at, '[]', 8, 0
    FROM c WHERE i % 8 = 0;
    INSERT INTO assignments (workspace_id, id, conversation_id, kind, occurred_at, source, via, agent_id, agent_name, team_id, decision_id, position)
    SELECT workspace_id, pg_temp.id(opened_at, 'assignment', i), id, 'assignment', opened_at, 'workflow', 'line', agent_id, 'a', team_id,
        pg_temp.id('decision', i / 8), i % 8
    FROM c WHERE NOT waiting AND agent_id IS NOT NULL;
    INSERT INTO outbox (workspace_id, id, key, kind, channel_id, conversation_id, message_id, body, status, owner, next_at, expires_at, created_at)
    SELECT workspace_id, pg_temp.id(opened_at, 'effect', i), 'message/' || i, 'message', channel_id, id,
        pg_temp.id(opened_at + interval '3 minutes', 'message', i * 10 + 1), '{}',
        CASE WHEN waiting THEN 'pending' ELSE 'sent' END, workspace_id, opened_at, opened_at + interval '1 day', opened_at
    FROM c;
    INSERT INTO idempotency_keys (workspace_id, caller, key, operation, fingerprint, status, response, about, created_at)
    SELECT workspace_id, 'k', 'i' || i, 'POST', '', 201, '{}', id,
        CASE WHEN i % 500 = 0 THEN now() - interval '25 hours' ELSE greatest(opened_at, now() - interval '23 hours') END
    FROM c WHERE i % 5 = 0;
    INSERT INTO job_runs (workspace_id, id, job, window_from, window_to, time_zone, scheduled, status, next_at)
    SELECT w.id, pg_temp.id(now() - interval '1 day' * d, j, w.n * 1000 + d), j, date_trunc('day', now()) - interval '1 day' * (d + 1),
        date_trunc('day', now()) - interval '1 day' * d, 'UTC', true,
        CASE WHEN d = 0 THEN 'pending' WHEN d % 50 = 7 THEN 'failed' ELSE 'completed' END, now()
    FROM w, generate_series(0, 300) d, unnest(ARRAY['conversations', 'assignments']) j;
    INSERT INTO job_results SELECT workspace_id, id, '{"rows": []}' FROM job_runs WHERE status = 'completed';
    RESET session_replication_role;
    """#
}
