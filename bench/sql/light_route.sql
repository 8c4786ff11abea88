-- A hundred runs in one statement, in the minimal schema: the agent with the fewest open conversations.
WITH r AS MATERIALIZED (
    SELECT id, conversation_id, contact_id, 1 + (contact_id % :teams)::integer AS team_id
    FROM runs WHERE status = 0 ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED
), queued AS (
    SELECT *, row_number() OVER (PARTITION BY team_id ORDER BY id) AS place FROM r
), need AS MATERIALIZED (
    SELECT team_id, count(*)::integer AS n FROM r GROUP BY team_id
), locked AS MATERIALIZED (
    SELECT a.id, a.open_count, m.team_id FROM team_members m JOIN agents a ON a.id = m.agent_id
    WHERE a.available AND m.team_id IN (SELECT team_id FROM need) ORDER BY a.id FOR UPDATE OF a
), slots AS (
    SELECT l.team_id, l.id AS agent_id, row_number() OVER (PARTITION BY l.team_id ORDER BY l.open_count + s, l.id) AS place
    FROM locked l JOIN need USING (team_id) CROSS JOIN LATERAL generate_series(1, need.n) s
), given AS MATERIALIZED (
    SELECT q.id, q.conversation_id, q.contact_id, q.team_id, s.agent_id FROM queued q JOIN slots s USING (team_id, place)
), a AS (
    UPDATE agents a SET open_count = open_count + k.n, last_assigned_at = now()
    FROM (SELECT agent_id, count(*)::integer AS n FROM given GROUP BY agent_id) k WHERE a.id = k.agent_id
), b AS (
    UPDATE conversations c SET team_id = g.team_id, agent_id = g.agent_id FROM given g WHERE c.id = g.conversation_id
), c AS (
    UPDATE contacts c SET fields = fields || '{"seen": true}', updated_at = now()
    FROM given g WHERE c.id = g.contact_id
), d AS (
    UPDATE runs r SET status = 2, step = 4, finished_at = now() FROM given g WHERE r.id = g.id
)
INSERT INTO events (conversation_id, kind) SELECT g.conversation_id, k FROM given g, (VALUES (2), (3)) v (k);
