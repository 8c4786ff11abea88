-- The routes of the runs that sql/ingest.sql is going to make; a client routes what it ingested.
CREATE TABLE bench_routes (run_id uuid PRIMARY KEY, team_id uuid NOT NULL, shard integer NOT NULL, ids uuid[] NOT NULL);
INSERT INTO bench_routes
SELECT i.ids[7], t.id, (i.n - 1) / :span,
    ARRAY(
        SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + i.n / 100), 12, '0') || '7'
            || lpad(to_hex((i.n * 12 + k) % 4096), 3, '0') || '9' || substr(md5(i.n || '/' || k), 1, 15))::uuid
        FROM generate_series(1, 11) k)
FROM bench_inputs i
    JOIN (SELECT id, substring(name FROM '\d+')::integer AS number FROM teams) t
        ON t.number = substring(i.text FROM 'queue (\d+)')::integer;
ANALYZE bench_routes;
