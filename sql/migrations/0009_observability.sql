-- breaking: no
-- Who is at work, and which trace a piece of work belongs to.

-- One row a process that lives; no tenant's. The owner's alone: the API's role neither reads nor writes it.
CREATE TABLE processes (
    id uuid PRIMARY KEY,
    -- api, worker, scheduler
    parts text[] NOT NULL,
    host text NOT NULL,
    process_id integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- W3C Trace Context of the call that caused it, `traceparent` and `tracestate`; null where nobody called.
ALTER TABLE runs ADD COLUMN trace text;
ALTER TABLE outbox ADD COLUMN trace text;
