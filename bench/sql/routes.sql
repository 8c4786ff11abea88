-- What a worker would have worked out: the team of every run that waits to be taken, and the ids that its rows get.
CREATE TABLE bench_routes (run_id uuid PRIMARY KEY, team_id uuid NOT NULL, shard integer NOT NULL, ids uuid[] NOT NULL);
INSERT INTO bench_routes
SELECT r.id, t.id, t.number % :shards,
    ARRAY(
        SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + r.n / 100), 12, '0') || '7'
            || lpad(to_hex((r.n * 12 + k) % 4096), 3, '0') || '9' || substr(md5(r.id || '/' || k), 1, 15))::uuid
        FROM generate_series(1, 11) k)
FROM (SELECT r.id, row_number() OVER (ORDER BY r.id) AS n, substring(m.text FROM 'queue (\d+)')::integer AS team
      FROM runs r JOIN messages m ON m.workspace_id = r.workspace_id AND m.id = r.trigger_message_id
      WHERE r.status = 'candidate') r
    JOIN (SELECT id, substring(name FROM '\d+')::integer AS number FROM teams) t ON t.number = r.team;
ANALYZE bench_routes;
