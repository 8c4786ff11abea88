-- name: assignments
-- title: Assignments
-- description: Conversations given to agents, taken back and handed over; how long they waited in line.
-- schedule: 00:15
-- group_by: day, source, channel named, team named, agent named
-- measure: assignments count
-- measure: unassignments count
-- measure: transfers count
-- measure: transfers_in count, not by day source channel team
-- measure: transfers_out count, not by day source channel team
-- measure: waiting_count count
-- measure: waiting_mean seconds
-- measure: waiting_p50 seconds
-- measure: waiting_p95 seconds
-- measure: waiting_longest seconds
--
-- A fact is one row of the log: an assignment and a transfer belong to the new agent, an unassignment to who had it
-- (docs/semantics.md S31). By agent a transfer has a second side, the one who gave it away; per agent then
-- assignments + transfers_in - transfers_out - unassignments - closed = change of what is assigned and not closed (S32).
WITH facts AS (
    SELECT a.kind, (a.occurred_at AT TIME ZONE :time_zone)::date AS day, a.source, a.channel_id, a.team_id, a.team_name,
        CASE a.kind WHEN 'unassignment' THEN a.previous_agent_id ELSE a.agent_id END AS agent_id,
        CASE a.kind WHEN 'unassignment' THEN a.previous_agent_name ELSE a.agent_name END AS agent_name,
        a.occurred_at,
        CASE WHEN a.kind <> 'unassignment' THEN extract(epoch FROM a.occurred_at - a.entered_at) END AS waited
    FROM assignments a
    WHERE a.workspace_id = :workspace_id AND a.occurred_at >= :from AND a.occurred_at < :to
        AND a.kind IN ('assignment', 'transfer', 'unassignment')
    UNION ALL
    SELECT 'given', (a.occurred_at AT TIME ZONE :time_zone)::date, a.source, a.channel_id, a.team_id, a.team_name,
        a.previous_agent_id, a.previous_agent_name, a.occurred_at, NULL
    FROM assignments a
    WHERE a.workspace_id = :workspace_id AND a.occurred_at >= :from AND a.occurred_at < :to AND a.kind = 'transfer'
    UNION ALL
    -- A day on which nothing happened is a row too.
    SELECT 'day', d::date, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM generate_series(
        (:from::timestamptz AT TIME ZONE :time_zone)::date::timestamp,
        ((:to::timestamptz - interval '1 microsecond') AT TIME ZONE :time_zone)::date::timestamp,
        interval '1 day') d
    WHERE :group_by = 'day'
), keyed AS (
    SELECT kind, waited, occurred_at,
        CASE :group_by
            WHEN 'day' THEN to_char(day, 'YYYY-MM-DD')
            WHEN 'source' THEN source
            WHEN 'channel' THEN channel_id::text
            WHEN 'team' THEN team_id::text
            WHEN 'agent' THEN agent_id::text
        END AS group_id,
        CASE :group_by WHEN 'team' THEN team_name WHEN 'agent' THEN agent_name END AS group_name
    FROM facts
), measured AS (
    SELECT GROUPING(group_id) = 1 AS is_total, group_id,
        count(*) FILTER (WHERE kind = 'assignment') AS assignments,
        count(*) FILTER (WHERE kind = 'unassignment') AS unassignments,
        count(*) FILTER (WHERE kind = 'transfer') AS transfers,
        count(*) FILTER (WHERE kind = 'given') AS transfers_out,
        count(waited) AS waiting_count,
        avg(waited) AS waiting_mean,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY waited::float8) AS waiting,
        max(waited) AS waiting_longest
    FROM keyed
    GROUP BY GROUPING SETS ((group_id), ())
), names AS (
    SELECT DISTINCT ON (group_id) group_id, group_name
    FROM keyed
    WHERE group_name IS NOT NULL
    ORDER BY group_id, occurred_at DESC, group_name
)
SELECT m.is_total, m.group_id, coalesce(n.group_name, h.name) AS group_name,
    m.assignments, m.unassignments, m.transfers, m.transfers AS transfers_in, m.transfers_out,
    m.waiting_count,
    round(m.waiting_mean, 6) AS waiting_mean,
    round(m.waiting[1]::numeric, 6) AS waiting_p50,
    round(m.waiting[2]::numeric, 6) AS waiting_p95,
    round(m.waiting_longest, 6) AS waiting_longest
FROM measured m
LEFT JOIN names n ON n.group_id = m.group_id
LEFT JOIN channels h ON h.workspace_id = :workspace_id AND :group_by = 'channel' AND h.id::text = m.group_id
ORDER BY m.is_total, coalesce(n.group_name, h.name) COLLATE "C", m.group_id COLLATE "C"
