-- The ends of a generated history: what its last moment left in the rows that every conversation changes.

-- name: generate_settle_agents
UPDATE agents a
SET open_count = u.open_count, presence = u.presence, presence_changed_at = u.changed_at
FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::timestamptz[]) AS u (id, open_count, presence, changed_at)
WHERE a.workspace_id = $1 AND a.id = u.id;

-- name: generate_settle_members
UPDATE team_members m
SET turn = u.turn
FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS u (team_id, agent_id, turn)
WHERE m.workspace_id = $1 AND m.team_id = u.team_id AND m.agent_id = u.agent_id;

-- name: generate_settle_lines
UPDATE lines l
SET last_turn = u.last_turn
FROM unnest($2::uuid[], $3::bigint[]) AS u (id, last_turn)
WHERE l.workspace_id = $1 AND l.id = u.id;

-- name: generate_settle_contacts
UPDATE contacts c
SET last_assignee_id = u.agent_id
FROM unnest($2::uuid[], $3::uuid[]) AS u (id, agent_id)
WHERE c.workspace_id = $1 AND c.id = u.id;
