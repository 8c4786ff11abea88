"""From accepted to assigned at 50 messages a second: how long a contact waits when there is room."""

import time
import uuid

from harness import pgbench
from harness.bench import Aim, Contestant, Line
from harness.measurement import Measurement, Meter, percentile
from harness.peers import script
from harness.switchboard import Client, event
from lines.drain import wait_until_drained
from lines.workspaces import copy_ready, variables

RATE = 50
# From the commit that made the message durable to the commit that made its assignment durable.
WAITS = """
SELECT 1000 * extract(epoch FROM pg_xact_commit_timestamp(a.xmin) - pg_xact_commit_timestamp(r.xmin))
FROM assignments a JOIN message_receipts r ON r.workspace_id = a.workspace_id AND r.conversation_id = a.conversation_id
WHERE a.kind = 'assignment'
"""


def paced(count, rate, call):
    """Calls so often a second, whether or not a call took long. Gives when each was begun, and the seconds taken."""
    started = time.monotonic()
    begun = []
    for number in range(count):
        delay = started + number / rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        begun.append(time.time())
        call(number)
    return begun, time.monotonic() - started


def _switchboard(bench):
    database, workspace = copy_ready(bench)
    run = uuid.uuid4().hex[:12]
    with bench.program.serving(database) as (process, port):
        client = Client(port, workspace.token)

        def send(number):
            client.must("POST", workspace.inbound, {"events": [event(f"{run}-{number}")]})

        # What a process does only once is not what a contact waits for.
        for number in range(20):
            send(-1 - number)
        wait_until_drained(database, [process])
        database.execute("DELETE FROM assignments")
        with Meter(program=process.pid, database=bench.cluster.pid) as meter:
            _, seconds = paced(bench.scale.paced, RATE, send)
        wait_until_drained(database, [process])
        client.close()
    waits = [float(row[0]) for row in database.execute(WAITS)]
    return Measurement(
        len(waits), seconds, percentile(waits, 0.5), percentile(waits, 0.99), meter.cpu, memory=meter.memory)


def _ceiling(bench):
    """One message and its run in one round trip each way: what a statement takes at this pace."""
    database, workspace = copy_ready(bench)
    pgbench.prepare(database, "inputs.sql", rows=bench.scale.paced, teams=1)
    pgbench.prepare(database, "routes_of_inputs.sql", span=bench.scale.paced)
    bench.cluster.checkpoint()
    with Meter(database=bench.cluster.pid) as meter:
        pgbench.bench(
            database, ["ingest.sql"], 1, bench.scale.paced, custom_plans=True,
            variables=variables(workspace, batch=1, span=bench.scale.paced, done=0))
        run = pgbench.bench(
            database, ["route.sql"], 1, bench.scale.paced, rate=RATE, logged=True,
            variables=variables(workspace, batch=1))
    return Measurement(run.transactions, run.seconds, run.p50, run.p99, {**meter.cpu, "load": run.cpu})


def _peer(name):
    def measure(bench):
        database = bench.cluster.database("bench").create()
        with Meter(database=bench.cluster.pid) as meter:
            found, cpu = script(bench, name, database, bench.scale.paced, RATE)
        return Measurement(
            found["jobs"], found["jobs"] / RATE, found["p50"], found["p99"], {**meter.cpu, "program": cpu})

    return measure


LINE = Line(
    "latency",
    "Accepted to assigned at 50 messages a second",
    "message",
    (
        Contestant("switchboard", "switchboard", _switchboard),
        Contestant("route statement, one run", "ceiling", _ceiling),
        Contestant("pgqueuer, pick-up", "peer", _peer("pgqueuer_latency.py")),
        Contestant("procrastinate, pick-up", "peer", _peer("procrastinate_latency.py")),
    ),
    aims=(
        Aim("switchboard", "pgqueuer, pick-up", 2, "p50"),
        Aim("switchboard", "pgqueuer, pick-up", 4, "p99"),
    ),
    note="Switchboard's times end when the assignment is durable, by the server's commit time stamps; the peers' end when "
    "the job's function begins, before anything was done.",
)
