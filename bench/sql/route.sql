-- Due runs of a shard, :batch in one statement: taken, worked and assigned by round robin, with every row that
-- Switchboard writes for them. What a worker decides stands in bench_routes already.
WITH taken AS MATERIALIZED (
    SELECT s.run_id, s.id, b.team_id, b.ids
    FROM run_signals s JOIN bench_routes b ON b.run_id = s.run_id AND b.shard = :client_id
    WHERE s.workspace_id = :workspace::uuid AND s.due_at <= statement_timestamp()
    ORDER BY s.due_at, s.id
    LIMIT :batch
    FOR UPDATE OF s SKIP LOCKED
), run AS MATERIALIZED (
    SELECT r.workspace_id AS workspace, r.id, r.contact_id AS contact, r.conversation_id AS conversation, t.team_id,
        t.ids, r.opened_at, now() AS now
    FROM taken t JOIN runs r ON r.workspace_id = :workspace::uuid AND r.id = t.run_id
    FOR NO KEY UPDATE OF r
), line AS MATERIALIZED (
    SELECT l.id, l.last_turn, t.name
    FROM lines l JOIN teams t ON t.workspace_id = l.workspace_id AND t.id = l.id
    WHERE l.workspace_id = :workspace::uuid AND l.id IN (SELECT team_id FROM run)
    FOR NO KEY UPDATE OF l
), locked AS MATERIALIZED (
    SELECT m.team_id, a.id, a.name, a.presence, a.open_count, m.turn
    FROM team_members m JOIN agents a ON a.workspace_id = m.workspace_id AND a.id = m.agent_id
    WHERE m.workspace_id = :workspace::uuid AND m.team_id IN (SELECT id FROM line)
    ORDER BY a.id
    FOR NO KEY UPDATE OF a
), member AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY team_id ORDER BY turn, id) - 1 AS place,
        count(*) OVER (PARTITION BY team_id) AS places
    FROM locked
), queued AS MATERIALIZED (
    SELECT run.*, row_number() OVER (PARTITION BY team_id ORDER BY opened_at, id) - 1 AS position FROM run
), given AS MATERIALIZED (
    SELECT q.*, l.name AS team_name, l.last_turn + q.position + 1 AS turn, m.id AS agent, m.name AS agent_name,
        first_value(q.ids[11]) OVER (PARTITION BY q.team_id ORDER BY q.position) AS decision
    FROM queued q JOIN line l ON l.id = q.team_id
        JOIN member m ON m.team_id = q.team_id AND m.place = q.position % m.places
), a AS (
    DELETE FROM run_signals s USING taken t
    WHERE s.workspace_id = :workspace::uuid AND s.run_id = t.run_id AND s.id = t.id
), b AS (
    UPDATE contacts c SET tags = '{routed}', fields = '{"topic": "cards"}', version = c.version + 1, updated_at = now()
    FROM given g WHERE c.workspace_id = g.workspace AND c.id = g.contact
), c AS (
    UPDATE conversations c
    SET team_id = g.team_id, team_name = g.team_name, assignee_id = g.agent, assignee_name = g.agent_name,
        assigned_source = 'workflow', assigned_at = g.now, last_sequence = 5, last_event_at = g.now,
        version = c.version + 1, updated_at = now()
    FROM given g WHERE c.workspace_id = g.workspace AND c.id = g.conversation
), d AS (
    UPDATE runs r
    SET status = 'completed', step = 'team_0', state = '{"step": "team_0", "visit": 4, "status": "completed"}',
        started_at = g.now, ended_at = g.now, version = r.version + 1
    FROM given g WHERE r.workspace_id = g.workspace AND r.id = g.id
), e AS (
    INSERT INTO events (workspace_id, id, type, conversation_id, sequence, occurred_at, source, actor, data)
    SELECT workspace, e.id, e.type, e.conversation, e.sequence, now, 'workflow',
        jsonb_build_object('id', :workflow::uuid, 'name', 'Bench', 'type', 'workflow'), e.data
    FROM given g CROSS JOIN LATERAL (VALUES
        (ids[1], 'run.started', conversation, 3,
            jsonb_build_object('run_id', g.id, 'version', 1, 'workflow_id', :workflow::uuid)),
        (ids[2], 'contact.updated', NULL::uuid, NULL::bigint,
            jsonb_build_object('fields', '["tags", "topic"]'::jsonb, 'contact_id', contact)),
        (ids[3], 'conversation.assigned', conversation, 4,
            jsonb_build_object('via', 'line', 'kind', 'assignment', 'run_id', g.id, 'team_id', team_id,
                'agent_id', agent, 'position', position, 'strategy', 'round_robin', 'queued_at', opened_at, 'team_name', team_name,
                'agent_name', agent_name, 'entered_at', now, 'decision_id', decision)),
        (ids[4], 'run.ended', conversation, 5,
            jsonb_build_object('run_id', g.id, 'status', 'completed', 'workflow_id', :workflow::uuid))
    ) e (id, type, conversation, sequence, data)
), f AS (
    INSERT INTO run_log (workspace_id, id, run_id, occurred_at, step, visit, kind, port, data)
    SELECT workspace, e.id, g.id, now, e.step, e.visit, e.kind, e.port, e.data
    FROM given g CROSS JOIN LATERAL (VALUES
        (ids[5], 'topic', 1, 'port', 'card', '{}'::jsonb),
        (ids[6], 'field', 2, 'port', 'next', '{}'),
        (ids[7], 'tag', 3, 'port', 'next', '{}'),
        (ids[8], 'team_0', 4, 'waiting', NULL, '{"for": "line"}'),
        (ids[9], 'team_0', 4, 'port', 'next', jsonb_build_object('source', 'workflow', 'agent_id', agent)),
        (ids[10], 'team_0', 4, 'ended', NULL, '{"status": "completed"}')
    ) e (id, step, visit, kind, port, data)
), f2 AS (
    -- Where there are several teams the workflow has a step more, which chooses the team.
    INSERT INTO run_log (workspace_id, id, run_id, occurred_at, step, visit, kind, port, data)
    SELECT workspace, gen_random_uuid(), g.id, now, 'by_team', 4, 'port', 'team_0', '{}' FROM given g WHERE :several = 1
), h AS (
    INSERT INTO assignments
        (workspace_id, id, conversation_id, kind, occurred_at, source, actor, via, agent_id, agent_name, team_id,
        team_name, channel_id, run_id, decision_id, position, strategy, entered_at, queued_at)
    SELECT workspace, ids[11], conversation, 'assignment', now, 'workflow',
        jsonb_build_object('id', :workflow::uuid, 'name', 'Bench', 'type', 'workflow'), 'line', agent, agent_name,
        team_id, team_name, :channel::uuid, id, decision, position, 'round_robin', now, opened_at
    FROM given
), i AS (
    INSERT INTO decisions (workspace_id, id, line_id, line_kind, line_name, occurred_at, candidates, served, waiting)
    SELECT :workspace::uuid, g.decision, g.team_id, 'team', g.team_name, now(), m.candidates, g.served, 0
    FROM (SELECT team_id, team_name, decision, count(*) AS served FROM given GROUP BY team_id, team_name, decision) g
        JOIN (SELECT team_id,
                  jsonb_agg(jsonb_build_object('turn', turn, 'agent_id', id, 'presence', presence, 'agent_name', name,
                      'open_count', open_count)) AS candidates
              FROM member GROUP BY team_id) m ON m.team_id = g.team_id
), j AS (
    UPDATE agents a SET open_count = a.open_count + g.count
    FROM (SELECT agent, count(*) AS count FROM given GROUP BY agent) g
    WHERE a.workspace_id = :workspace::uuid AND a.id = g.agent
), k AS (
    UPDATE team_members m SET turn = g.turn
    FROM (SELECT team_id, agent, max(turn) AS turn FROM given GROUP BY team_id, agent) g
    WHERE m.workspace_id = :workspace::uuid AND m.team_id = g.team_id AND m.agent_id = g.agent
)
UPDATE lines l SET last_turn = g.turn, served_at = now()
FROM (SELECT team_id, max(turn) AS turn FROM given GROUP BY team_id) g
WHERE l.workspace_id = :workspace::uuid AND l.id = g.team_id;
