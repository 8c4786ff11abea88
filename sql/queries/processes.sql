-- Who is at work. No tenant's (S36): the owner of the database alone reads and writes it.

-- name: process_heartbeat
INSERT INTO processes (id, parts, host, process_id, version, started_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, now(), now())
ON CONFLICT (id) DO UPDATE SET last_seen_at = excluded.last_seen_at;

-- Whose last sign is older than a minute is gone.
-- name: processes_purge
DELETE FROM processes WHERE last_seen_at < now() - interval '1 minute';

-- name: process_delete
DELETE FROM processes WHERE id = $1;

-- A process gives a sign every 5 s; one that missed two is taken for lost.
-- name: processes_list
SELECT id, parts, host, process_id, version, started_at, last_seen_at, last_seen_at > now() - interval '15 seconds' AS alive
FROM processes
ORDER BY started_at, id;
