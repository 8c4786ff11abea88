-- name: conversations
-- title: Conversations
-- description: Opened, closed and open at the end; time to the first human reply and to the closing.
-- schedule: 00:15
-- group_by: day, source, channel named, team named, agent named
-- measure: opened count, not by team agent
-- measure: closed count
-- measure: open_at_end count
-- measure: first_response_count count
-- measure: first_response_mean seconds
-- measure: first_response_p50 seconds
-- measure: first_response_p90 seconds
-- measure: first_response_p95 seconds
-- measure: resolution_count count
-- measure: resolution_mean seconds
-- measure: resolution_p50 seconds
-- measure: resolution_p90 seconds
-- measure: resolution_p95 seconds
--
-- Every fact stands at its own time and with those to whom it belongs (docs/semantics.md S31): an opening with nobody yet, a
-- closing with team and assignee of the closing, a first reply with who replied. What is open at the end stands with its team
-- and assignee as at :to; grouped by day it belongs to the last day, and the days before follow from opened and closed.
WITH facts AS (
    SELECT 'opened' AS kind, (c.opened_at AT TIME ZONE :time_zone)::date AS day, c.source, c.channel_id,
        NULL::uuid AS team_id, NULL::text AS team_name, NULL::uuid AS agent_id, NULL::text AS agent_name,
        c.opened_at AS named_at, NULL::numeric AS seconds
    FROM conversations c
    -- Every status is named, since the index begins with it.
    WHERE c.workspace_id = :workspace_id AND c.status IN ('open', 'snoozed', 'closed')
        AND c.opened_at >= :from AND c.opened_at < :to
    UNION ALL
    SELECT 'closed', (c.closed_at AT TIME ZONE :time_zone)::date, c.source, c.channel_id,
        c.team_id, c.team_name, c.assignee_id, c.assignee_name,
        c.closed_at, extract(epoch FROM c.closed_at - c.opened_at)
    FROM conversations c
    WHERE c.workspace_id = :workspace_id AND c.closed_at >= :from AND c.closed_at < :to
    UNION ALL
    SELECT 'replied', (c.first_reply_at AT TIME ZONE :time_zone)::date, c.source, c.channel_id,
        c.first_reply_team_id, c.first_reply_team_name, c.first_reply_agent_id, c.first_reply_agent_name,
        c.first_reply_at, extract(epoch FROM c.first_reply_at - c.opened_at)
    FROM conversations c
    WHERE c.workspace_id = :workspace_id AND c.first_reply_at >= :from AND c.first_reply_at < :to
        AND c.source = 'contact'
    UNION ALL
    SELECT 'open', ((:to::timestamptz - interval '1 microsecond') AT TIME ZONE :time_zone)::date, c.source, c.channel_id,
        team.team_id, team.team_name, agent.agent_id, agent.agent_name,
        -- The name that counts is the newest one said of that team or agent.
        CASE WHEN :group_by = 'team' THEN team.occurred_at ELSE agent.occurred_at END, NULL
    FROM (
        SELECT o.id, o.source, o.channel_id
        FROM conversations o
        WHERE o.workspace_id = :workspace_id AND o.status <> 'closed' AND o.opened_at < :to
        UNION ALL
        SELECT o.id, o.source, o.channel_id
        FROM conversations o
        WHERE o.workspace_id = :workspace_id AND o.closed_at >= :to AND o.opened_at < :to
    ) c
    LEFT JOIN LATERAL (
        SELECT a.team_id, a.team_name, a.occurred_at
        FROM assignments a
        WHERE a.workspace_id = :workspace_id AND a.conversation_id = c.id AND a.occurred_at < :to
        ORDER BY a.occurred_at DESC, a.id DESC
        LIMIT 1
    ) team ON :group_by = 'team'
    LEFT JOIN LATERAL (
        -- A change of the team alone says nothing of the agent, who stays.
        SELECT a.agent_id, a.agent_name, a.occurred_at
        FROM assignments a
        WHERE a.workspace_id = :workspace_id AND a.conversation_id = c.id AND a.occurred_at < :to AND a.kind <> 'team'
        ORDER BY a.occurred_at DESC, a.id DESC
        LIMIT 1
    ) agent ON :group_by = 'agent'
    UNION ALL
    -- A day on which nothing happened is a row too.
    SELECT 'day', d::date, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM generate_series(
        (:from::timestamptz AT TIME ZONE :time_zone)::date::timestamp,
        ((:to::timestamptz - interval '1 microsecond') AT TIME ZONE :time_zone)::date::timestamp,
        interval '1 day') d
    WHERE :group_by = 'day'
), keyed AS (
    SELECT kind, seconds, named_at,
        CASE :group_by
            WHEN 'day' THEN to_char(day, 'YYYY-MM-DD')
            WHEN 'source' THEN source
            WHEN 'channel' THEN channel_id::text
            WHEN 'team' THEN team_id::text
            WHEN 'agent' THEN agent_id::text
        END AS group_id,
        CASE :group_by WHEN 'team' THEN team_name WHEN 'agent' THEN agent_name END AS group_name,
        -- Openings belong to no team and no agent: they make no row there and stand in the total alone.
        NOT (kind = 'opened' AND :group_by IN ('team', 'agent')) AS grouped
    FROM facts
), measured AS (
    SELECT GROUPING(group_id) = 1 AS is_total, group_id,
        count(*) FILTER (WHERE kind = 'opened') AS opened,
        count(*) FILTER (WHERE kind = 'closed') AS closed,
        count(*) FILTER (WHERE kind = 'open') AS open_at_end,
        count(*) FILTER (WHERE kind = 'replied') AS first_response_count,
        avg(seconds) FILTER (WHERE kind = 'replied') AS first_response_mean,
        percentile_cont(ARRAY[0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY seconds::float8)
            FILTER (WHERE kind = 'replied') AS first_response,
        avg(seconds) FILTER (WHERE kind = 'closed') AS resolution_mean,
        percentile_cont(ARRAY[0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY seconds::float8)
            FILTER (WHERE kind = 'closed') AS resolution
    FROM keyed
    GROUP BY GROUPING SETS ((group_id, grouped), ())
    HAVING GROUPING(group_id) = 1 OR grouped
), names AS (
    SELECT DISTINCT ON (group_id) group_id, group_name
    FROM keyed
    WHERE group_name IS NOT NULL
    ORDER BY group_id, named_at DESC, group_name
)
SELECT m.is_total, m.group_id, coalesce(n.group_name, h.name) AS group_name,
    m.opened, m.closed,
    CASE
        WHEN m.is_total OR :group_by <> 'day' THEN m.open_at_end
        -- Open at the end of a day = open at the end of all, less what later days opened, plus what they closed (S32).
        ELSE sum(m.open_at_end) FILTER (WHERE m.is_total) OVER ()
            - coalesce(
                sum(m.opened - m.closed) FILTER (WHERE NOT m.is_total)
                    OVER (ORDER BY m.group_id DESC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
    END AS open_at_end,
    m.first_response_count,
    round(m.first_response_mean, 6) AS first_response_mean,
    round(m.first_response[1]::numeric, 6) AS first_response_p50,
    round(m.first_response[2]::numeric, 6) AS first_response_p90,
    round(m.first_response[3]::numeric, 6) AS first_response_p95,
    m.closed AS resolution_count,
    round(m.resolution_mean, 6) AS resolution_mean,
    round(m.resolution[1]::numeric, 6) AS resolution_p50,
    round(m.resolution[2]::numeric, 6) AS resolution_p90,
    round(m.resolution[3]::numeric, 6) AS resolution_p95
FROM measured m
LEFT JOIN names n ON n.group_id = m.group_id
LEFT JOIN channels h ON h.workspace_id = :workspace_id AND :group_by = 'channel' AND h.id::text = m.group_id
ORDER BY m.is_total, coalesce(n.group_name, h.name) COLLATE "C", m.group_id COLLATE "C"
