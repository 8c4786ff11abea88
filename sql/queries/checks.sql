-- What must hold of a workspace's data at any time; each counts what does not. Read by `switchboard check --data` and by
-- tests. They look at everything, so they take as long as the workspace is large.

-- name: check_one_open_conversation
SELECT count(*) AS count
FROM (
    SELECT c.contact_id FROM conversations c WHERE c.workspace_id = $1 AND c.status <> 'closed'
    GROUP BY c.contact_id HAVING count(*) > 1) x;

-- name: check_event_sequences
SELECT count(*) AS count
FROM conversations c
    LEFT JOIN (
        SELECT e.conversation_id, count(*) AS events, count(DISTINCT e.sequence) AS numbers, min(e.sequence) AS low,
            max(e.sequence) AS high
        FROM events e WHERE e.workspace_id = $1 AND e.conversation_id IS NOT NULL GROUP BY e.conversation_id
    ) n ON n.conversation_id = c.id
WHERE c.workspace_id = $1
    AND (n.events IS DISTINCT FROM c.last_sequence OR n.low <> 1 OR n.high <> n.events OR n.numbers <> n.events);

-- name: check_event_times
SELECT count(*) AS count
FROM (
    SELECT e.occurred_at, lag(e.occurred_at) OVER (PARTITION BY e.conversation_id ORDER BY e.sequence) AS before
    FROM events e WHERE e.workspace_id = $1 AND e.conversation_id IS NOT NULL) x
WHERE x.before > x.occurred_at;

-- name: check_opened_once
SELECT count(*) AS count
FROM conversations c
    LEFT JOIN (
        SELECT e.conversation_id, count(*) AS events
        FROM events e WHERE e.workspace_id = $1 AND e.type = 'conversation.opened' GROUP BY e.conversation_id
    ) n ON n.conversation_id = c.id
WHERE c.workspace_id = $1 AND n.events IS DISTINCT FROM 1;

-- name: check_open_counts
SELECT count(*) AS count
FROM agents a
    LEFT JOIN (
        SELECT c.assignee_id, count(*) AS held
        FROM conversations c
        WHERE c.workspace_id = $1 AND c.status <> 'closed' AND c.assignee_id IS NOT NULL GROUP BY c.assignee_id
    ) n ON n.assignee_id = a.id
WHERE a.workspace_id = $1 AND a.open_count <> coalesce(n.held, 0);

-- name: check_waiting
SELECT count(*) AS count
FROM conversations c
    LEFT JOIN line_entries e ON e.workspace_id = $1 AND e.conversation_id = c.id
WHERE c.workspace_id = $1 AND c.waiting <> (e.id IS NOT NULL);

-- name: check_ended_runs
SELECT count(*) AS count
FROM runs r
    LEFT JOIN (
        SELECT e.data ->> 'run_id' AS run_id, count(*) AS events
        FROM events e WHERE e.workspace_id = $1 AND e.type = 'run.ended' GROUP BY 1
    ) n ON n.run_id = r.id::text
WHERE r.workspace_id = $1 AND r.status NOT IN ('candidate', 'active') AND n.events IS DISTINCT FROM 1;

-- name: check_assignments
SELECT count(*) AS count
FROM assignments a
WHERE a.workspace_id = $1
    AND NOT EXISTS (
        SELECT 1 FROM events e
        WHERE e.workspace_id = $1 AND e.conversation_id = a.conversation_id AND e.occurred_at = a.occurred_at
            AND e.type IN ('conversation.assigned', 'conversation.unassigned'));
