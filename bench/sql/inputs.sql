-- What a client would send: :rows messages of new contacts, with the ids that their rows get, made before the clock
-- runs.
-- Ids rise with the rows, like the UUIDv7 that Switchboard makes.
CREATE TABLE bench_inputs (
    n bigint PRIMARY KEY, name text NOT NULL, text text NOT NULL, hash bytea NOT NULL, ids uuid[] NOT NULL);
INSERT INTO bench_inputs
SELECT n, 'ceiling-' || n,
    'Where is my new card? I have been waiting for it since last week, queue '
        || lpad((n % :teams)::text, 2, '0') || '.',
    sha256(('ceiling-' || n)::bytea),
    ARRAY(
        SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + n / 100), 12, '0') || '7'
            || lpad(to_hex((n * 10 + k) % 4096), 3, '0') || '8' || substr(md5(n || '/' || k), 1, 15))::uuid
        FROM generate_series(1, 8) k)
FROM generate_series(1, :rows) n;
ANALYZE bench_inputs;
