"""procrastinate's application: an empty task, one that notes when it began, and one that routes a run."""

import os
import time

import procrastinate

import workers

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=workers.conninfo(), min_size=2, max_size=20))
said = {"jobs": 0, "first": 0.0, "last": 0.0}
latencies = []

# The least that routes a run: one statement, the member whose turn it is.
ROUTE = """
WITH taken AS MATERIALIZED (
    DELETE FROM run_signals WHERE workspace_id = %(workspace)s AND run_id = %(run)s RETURNING run_id
), run AS (
    SELECT r.contact_id, r.conversation_id FROM runs r JOIN taken t ON t.run_id = r.id
    WHERE r.workspace_id = %(workspace)s
), member AS MATERIALIZED (
    SELECT m.team_id, m.agent_id FROM team_members m WHERE m.workspace_id = %(workspace)s
    ORDER BY m.turn, m.agent_id LIMIT 1 FOR UPDATE
), a AS (
    UPDATE team_members m SET turn = m.turn + 1 FROM member
    WHERE m.workspace_id = %(workspace)s AND m.team_id = member.team_id AND m.agent_id = member.agent_id
), b AS (
    UPDATE conversations c
    SET team_id = member.team_id, assignee_id = member.agent_id, assigned_source = 'workflow', assigned_at = now()
    FROM run, member WHERE c.workspace_id = %(workspace)s AND c.id = run.conversation_id
)
UPDATE runs r SET status = 'completed', ended_at = now() FROM taken t
WHERE r.workspace_id = %(workspace)s AND r.id = t.run_id
"""


@app.task(name="empty")
async def empty():
    if not said["jobs"]:
        said["first"] = time.time()
    said["jobs"] += 1


@app.task(name="timed")
async def timed(sent):
    latencies.append(time.time() - sent)


@app.task(name="route")
async def route(run):
    await app.connector.execute_query_async(ROUTE, workspace=os.environ["BENCH_WORKSPACE"], run=run)
