-- Lines, those who wait in them and those who may be given to (S15–S21).

-- Lines under their locks, in the order of their ids (S19): whoever has a line's row serves it, alone.
-- name: lines_take
SELECT l.id, l.kind, l.last_turn, t.name
FROM lines l
    LEFT JOIN teams t ON t.workspace_id = $1 AND t.id = l.id
WHERE l.workspace_id = $1 AND l.id = ANY ($2::uuid[])
ORDER BY l.id
FOR NO KEY UPDATE OF l;

-- Those of them that nobody serves right now, without waiting.
-- name: lines_take_free
SELECT l.id, l.kind, l.last_turn, t.name
FROM lines l
    LEFT JOIN teams t ON t.workspace_id = $1 AND t.id = l.id
WHERE l.workspace_id = $1 AND l.id = ANY ($2::uuid[])
ORDER BY l.id
FOR NO KEY UPDATE OF l SKIP LOCKED;

-- A statement of its own after the lock: only its newer snapshot is sure to see who entered before us.
-- name: lines_waiting
SELECT l.id
FROM lines l
WHERE l.workspace_id = $1 AND l.id = ANY ($2::uuid[])
    AND EXISTS (SELECT 1 FROM line_entries e WHERE e.workspace_id = $1 AND e.line_id = l.id)
ORDER BY l.id;

-- The first who could be given to somebody, in the line's order: `$4` and `$5` are the fewest open conversations of an
-- agent with room, among those online and among all; null says that there is none.
-- name: line_entries_head
SELECT e.conversation_id, e.id, e.run_id, e.visit, e.step, e.priority, e.queued_at, e.entered_at, e.strategy,
    e.only_online, e.max_open, e.source, e.actor
FROM line_entries e
WHERE e.workspace_id = $1 AND e.line_id = $2
    AND CASE WHEN e.only_online THEN coalesce(e.max_open, 2147483647) > $4::integer
        ELSE coalesce(e.max_open, 2147483647) > $5::integer END
ORDER BY e.priority, e.queued_at, e.id
LIMIT $3;

-- The agents of teams, and others, in one statement and in the order of their ids: an agent of two teams is locked at the
-- same place of the order by whoever comes from either.
-- name: lines_lock_agents
SELECT a.id, a.name, a.presence, a.open_count, a.max_open, a.turn
FROM agents a
WHERE a.workspace_id = $1 AND a.deleted_at IS NULL
    AND a.id = ANY (ARRAY(
        SELECT m.agent_id FROM team_members m WHERE m.workspace_id = $1 AND m.team_id = ANY ($2::uuid[])
        UNION SELECT u.id FROM unnest($3::uuid[]) AS u (id)))
ORDER BY a.id
FOR NO KEY UPDATE;

-- name: lines_lock_agents_of_workspace
SELECT a.id, a.name, a.presence, a.open_count, a.max_open, a.turn
FROM agents a
WHERE a.workspace_id = $1 AND a.deleted_at IS NULL
ORDER BY a.id
FOR NO KEY UPDATE;

-- A statement of its own after the agents' locks: who has left a team meanwhile is not chosen.
-- name: lines_members
SELECT m.team_id, m.agent_id, m.turn
FROM team_members m
WHERE m.workspace_id = $1 AND m.team_id = ANY ($2::uuid[]);

-- Before anything is locked: could anybody of this line take anything at all, and with how many open?
-- name: line_room
SELECT min(a.open_count) FILTER (WHERE a.presence = 'online') AS online, min(a.open_count) AS any
FROM lines l
    JOIN agents a ON a.workspace_id = $1 AND a.deleted_at IS NULL
        AND (a.max_open IS NULL OR a.open_count < a.max_open)
        AND CASE l.kind
            WHEN 'team' THEN a.id IN (
                SELECT m.agent_id FROM team_members m WHERE m.workspace_id = $1 AND m.team_id = $2)
            WHEN 'agent' THEN a.id = l.id
            ELSE true
        END
WHERE l.workspace_id = $1 AND l.id = $2;

-- name: line_marks_of
SELECT m.id FROM line_marks m WHERE m.workspace_id = $1 AND m.line_id = $2 ORDER BY m.id LIMIT 10000;

-- name: line_marks_clear
DELETE FROM line_marks m WHERE m.workspace_id = $1 AND m.line_id = $2 AND m.id = ANY ($3::uuid[]);

-- Lines to look at: marked, or with somebody waiting and not looked at for a while (a mark is a hint; this is the guarantee).
-- name: lines_due
WITH RECURSIVE waiting (line_id) AS (
    -- From one line in which somebody waits to the next: a workspace has a line per agent, and few of them have entries.
    (SELECT e.line_id FROM line_entries e WHERE e.workspace_id = $1
     ORDER BY e.line_id, e.priority, e.queued_at, e.id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.line_id FROM line_entries e WHERE e.workspace_id = $1 AND e.line_id > n.line_id
            ORDER BY e.line_id, e.priority, e.queued_at, e.id LIMIT 1)
    FROM waiting n WHERE n.line_id IS NOT NULL
)
SELECT DISTINCT l.id
FROM (SELECT m.line_id, true AS marked FROM line_marks m WHERE m.workspace_id = $1
      UNION ALL SELECT n.line_id, false FROM waiting n WHERE n.line_id IS NOT NULL) d
    JOIN lines l ON l.workspace_id = $1 AND l.id = d.line_id
WHERE d.marked OR l.served_at < statement_timestamp() - make_interval(secs => $2)
ORDER BY l.id;

-- Who holds the line's lock is serving it, and will say so himself: a look that found nothing to do waits for nobody.
-- name: line_touch
WITH free AS MATERIALIZED (
    SELECT x.id FROM lines x WHERE x.workspace_id = $1 AND x.id = $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE lines l SET served_at = now()
FROM free
WHERE l.workspace_id = $1 AND l.id = free.id;

-- Which workspaces have lines to look at: one plain read over all (S39), then each is asked by itself.
-- name: workspaces_with_due_lines
SELECT w.id
FROM workspaces w
WHERE EXISTS (SELECT 1 FROM line_marks m WHERE m.workspace_id = w.id)
    OR EXISTS (SELECT 1 FROM line_entries e WHERE e.workspace_id = w.id)
ORDER BY w.id;
