"""From HTTP to an assigned agent, sustained: everything in one process, 64 connections, a new contact each."""

import time
import uuid

from harness import pgbench, wrk
from harness.bench import Aim, Contestant, Line
from harness.books import Books
from harness.measurement import Measurement, Meter
from harness.peers import environment, fastapi
from harness.processes import Failed, Process, cpu_seconds
from lines.drain import UNFINISHED, wait_until_drained
from lines.workspaces import copy_ready, variables

BATCH = 100
# The load ends, what it left is drained: from the first message's acceptance to the last assignment.
SECONDS = "SELECT extract(epoch FROM max(c.assigned_at) - min(c.opened_at)) FROM conversations c"


def _sustain(bench, database, workspace, process, port, others=()):
    books = Books(database)
    with Meter(database=bench.cluster.pid, program=process.pid) as meter:
        load = wrk.load(
            port, "inbound.lua", bench.scale.seconds, path=workspace.inbound, token=workspace.token,
            run=uuid.uuid4().hex[:12])
        wait_until_drained(database, [process])
        others = sum(cpu_seconds(other.pid) for other in others)
    assigned = database.number("SELECT count(*) FROM conversations WHERE assignee_id IS NOT NULL")
    seconds = float(database.value(SECONDS))
    cpu = {**meter.cpu, "load": load.cpu}
    cpu["program"] += others
    return books, Measurement(assigned, seconds, load.p50, load.p99, cpu, memory=meter.memory)


def _switchboard(bench):
    database, workspace = copy_ready(bench)
    with bench.program.serving(database) as (process, port):
        books, measurement = _sustain(bench, database, workspace, process, port)
    return books.close(measurement)


def _ceiling(bench):
    """Both statements one after another, a batch of messages and then its runs, by two clients: one for each core."""
    transactions = bench.scale.messages // 4 // BATCH
    messages = 2 * transactions * BATCH
    database, workspace = copy_ready(bench)
    pgbench.prepare(database, "inputs.sql", rows=messages, teams=1)
    pgbench.prepare(database, "routes_of_inputs.sql", span=messages // 2)
    books = Books(database)
    bench.cluster.checkpoint()
    with Meter(database=bench.cluster.pid) as meter:
        run = pgbench.bench(
            database, ["ingest.sql", "route.sql"], 2, transactions, custom_plans=True,
            variables=variables(workspace, batch=BATCH, span=messages // 2, done=0))
    if left := database.number(UNFINISHED):
        raise Failed(f"the ceiling left {left} runs")
    assigned = database.number("SELECT count(*) FROM conversations WHERE assignee_id IS NOT NULL")
    return books.close(Measurement(assigned, run.seconds, cpu={**meter.cpu, "load": run.cpu}))


def _lighter(bench):
    messages = bench.scale.messages // 2
    database = bench.cluster.database("bench").create()
    pgbench.prepare(database, "light_schema.sql", contacts=messages, teams=1)
    bench.cluster.checkpoint()
    with Meter(database=bench.cluster.pid) as meter:
        run = pgbench.bench(
            database, ["light_ingest.sql", "light_route.sql"], 1, messages // 100, variables={"teams": 1},
            custom_plans=True)
    return Measurement(messages, run.seconds, cpu={**meter.cpu, "load": run.cpu})


def _peer(bench):
    database, workspace = copy_ready(bench)
    settings = environment(database, workspace, BENCH_DEFERS=1)
    # Installs its tables, then works.
    with Process([bench.python, bench.peer("procrastinate_work.py")], bench.program.log, settings) as worker:
        for _ in range(600):
            worker.check()
            if database.value("SELECT to_regclass('procrastinate_jobs') IS NOT NULL") == "t":
                break
            time.sleep(0.1)
        with fastapi(bench, database, workspace, 1, BENCH_DEFERS=1) as (process, port):
            books, measurement = _sustain(bench, database, workspace, process, port, [worker])
    return books.close(measurement)


LINE = Line(
    "sustained",
    "HTTP to assigned, sustained, everything in one process, 64 connections",
    "message",
    (
        Contestant("switchboard", "switchboard", _switchboard),
        Contestant("ingest and route statements", "ceiling", _ceiling),
        Contestant("minimal schema", "lighter", _lighter),
        Contestant("FastAPI and procrastinate", "peer", _peer),
    ),
    aims=(
        Aim("switchboard", "ingest and route statements", 0.5),
        Aim("switchboard", "FastAPI and procrastinate", 1),
    ),
    note="p50 and p99 are those of the answers to HTTP.",
)
