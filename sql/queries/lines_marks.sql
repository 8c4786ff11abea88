-- "Look at this line": written by whoever makes room, taken out by the line's server (S21).

-- Always a statement after the one that changed or locked the agent: an entry committed while we waited for the agent's
-- lock is seen by a newer snapshot only.
-- name: mark_lines_of_agent
INSERT INTO line_marks (workspace_id, line_id, id)
SELECT l.workspace_id, l.id, $3::uuid
FROM lines l
WHERE l.workspace_id = $1
    AND l.id IN (
        SELECT m.team_id FROM team_members m WHERE m.workspace_id = $1 AND m.agent_id = $2
        UNION ALL SELECT $2::uuid
        UNION ALL SELECT $1::uuid)
    AND EXISTS (SELECT FROM line_entries e WHERE e.workspace_id = $1 AND e.line_id = l.id)
ORDER BY l.id
RETURNING line_id;

-- Whoever waits, waits in a line; a new team, agent or workspace has one from its first moment.
-- name: line_insert
INSERT INTO lines (workspace_id, id, kind) VALUES ($1, $2, $3);

-- The row lock keeps newcomers out (an entry's foreign key wants it shared), so that what a later statement counts stays.
-- name: line_lock
SELECT l.id FROM lines l WHERE l.workspace_id = $1 AND l.id = $2 FOR UPDATE;

-- name: line_entries_count
SELECT count(*) AS waiting FROM line_entries e WHERE e.workspace_id = $1 AND e.line_id = $2;
