-- Who changed what in a workspace's administration. Written by the trigger of migration 0007 and by nothing else.

-- Newest first, below $2 and not below $3: ids hold their time.
-- name: audit_log_list
-- plan: custom
SELECT l.id, l.occurred_at, l.actor, l.address, l.request_id, l.action, l.target_type, l.target_id, l.target_name,
    l.before, l.after
FROM audit_log l
WHERE l.workspace_id = $1 AND l.id < $2::uuid AND l.id >= $3::uuid
    AND ($4::uuid IS NULL OR l.actor_id = $4)
    AND ($5::text IS NULL OR l.action = $5)
    AND ($6::text IS NULL OR l.target_id = $6)
ORDER BY l.id DESC
LIMIT $7;
