-- A repeated request and its first answer (S28). The workspace of an operator's request, which has none, is the operator
-- key's id. `about` is the conversation or contact that the answer shows: erasing
-- that erases the answer.

-- Waits for a transaction that claimed the same key; when that committed, nothing is inserted and its answer is read.
-- name: idempotency_claim
INSERT INTO idempotency_keys (workspace_id, caller, key, operation, fingerprint) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (workspace_id, caller, key) DO NOTHING
RETURNING created_at;

-- name: idempotency_read
SELECT i.operation, i.fingerprint, i.status, i.response
FROM idempotency_keys i
WHERE i.workspace_id = $1 AND i.caller = $2 AND i.key = $3;

-- name: idempotency_answer
UPDATE idempotency_keys i
SET status = $4, response = $5::json, about = $6
WHERE i.workspace_id = $1 AND i.caller = $2 AND i.key = $3;

-- name: idempotency_forget
DELETE FROM idempotency_keys i WHERE i.workspace_id = $1 AND i.about = $2;

-- Promised for a day; a later repetition is a new request.
-- name: idempotency_purge
DELETE FROM idempotency_keys i WHERE i.workspace_id = $1 AND i.created_at < now() - interval '24 hours';

-- name: workspaces_with_old_keys
SELECT w.id
FROM workspaces w
WHERE EXISTS (
    SELECT 1 FROM idempotency_keys k
    WHERE k.workspace_id = w.id AND k.created_at < now() - interval '24 hours')
UNION ALL
SELECT o.id
FROM operator_keys o
WHERE EXISTS (
    SELECT 1 FROM idempotency_keys k
    WHERE k.workspace_id = o.id AND k.created_at < now() - interval '24 hours')
ORDER BY id;
