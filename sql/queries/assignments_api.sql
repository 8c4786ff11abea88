-- Every change of a conversation's team or agent, and the decision behind those that came through a line.

-- name: assignment_list_asc
SELECT a.id, a.conversation_id, a.kind, a.occurred_at, a.source, a.actor, a.via, a.agent_id, a.agent_name,
    a.previous_agent_id, a.previous_agent_name, a.team_id, a.team_name, a.run_id, a.decision_id, a.position, a.strategy,
    a.entered_at, a.queued_at
FROM assignments a
WHERE a.workspace_id = $1 AND a.conversation_id = $2
    AND a.id > $3 -- if behind
ORDER BY a.id
LIMIT $4::bigint;

-- name: assignment_list_desc
SELECT a.id, a.conversation_id, a.kind, a.occurred_at, a.source, a.actor, a.via, a.agent_id, a.agent_name,
    a.previous_agent_id, a.previous_agent_name, a.team_id, a.team_name, a.run_id, a.decision_id, a.position, a.strategy,
    a.entered_at, a.queued_at
FROM assignments a
WHERE a.workspace_id = $1 AND a.conversation_id = $2
    AND a.id < $3 -- if behind
ORDER BY a.id DESC
LIMIT $4::bigint;

-- name: assignment_get
SELECT a.id, a.conversation_id, a.kind, a.occurred_at, a.source, a.actor, a.via, a.agent_id, a.agent_name,
    a.previous_agent_id, a.previous_agent_name, a.team_id, a.team_name, a.run_id, a.decision_id, a.position, a.strategy,
    a.entered_at, a.queued_at, d.line_id, d.line_kind, d.line_name, d.occurred_at AS decided_at, d.candidates, d.served,
    d.waiting
FROM assignments a
LEFT JOIN decisions d ON d.workspace_id = $1 AND d.id = a.decision_id
WHERE a.workspace_id = $1 AND a.id = $2;

-- The picks of the same batch up to this one: position n saw the facts plus the picks before it (S20).
-- name: assignment_picks
SELECT a.id, a.conversation_id, a.position, a.agent_id, a.agent_name
FROM assignments a
WHERE a.workspace_id = $1 AND a.decision_id = $2 AND a.position < $3::integer
ORDER BY a.position, a.id;
