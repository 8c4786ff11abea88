"""An inbound message over HTTP: a new contact with each, 64 connections."""

import uuid

from harness import pgbench, wrk
from harness.bench import Aim, Contestant, Line
from harness.books import Books
from harness.measurement import Measurement, Meter
from harness.peers import fastapi
from lines.workspaces import copy_ready, variables

BATCH = 64


def _load(bench, port, path, token, **options):
    return wrk.load(
        port, "inbound.lua", bench.scale.seconds, path=path, token=token, run=uuid.uuid4().hex[:12], **options)


def warm(bench, workspace, port):
    """As many messages as are measured, unmeasured: while caches hold nothing of a large database they may be shed."""
    _load(bench, port, workspace.inbound, workspace.token, tolerant=True)


def over_http(bench, database, workspace, process, port):
    """Sends for some seconds. Gives the open books and the measurement."""
    books = Books(database)
    with Meter(program=process.pid, database=bench.cluster.pid) as meter:
        load = _load(bench, port, workspace.inbound, workspace.token)
    return books, Measurement(
        load.answers, load.seconds, load.p50, load.p99, {**meter.cpu, "load": load.cpu}, memory=meter.memory)


def _switchboard(bench):
    database, workspace = copy_ready(bench)
    with bench.program.serving(database, "api") as (process, port):
        books, measurement = over_http(bench, database, workspace, process, port)
    return close(books, measurement)


def close(books, measurement):
    """Units are the messages stored: of those under way when the load ended, the last were stored and not answered."""
    books.close(measurement)
    measurement.units = measurement.rows["messages"]
    return measurement


def _echo(bench):
    with bench.program.echoing() as (process, port):
        with Meter(program=process.pid) as meter:
            load = _load(bench, port, "/v1/channels/echo/inbound", "")
    return Measurement(
        load.answers, load.seconds, load.p50, load.p99, {**meter.cpu, "load": load.cpu}, memory=meter.memory)


def ingest(bench, database, workspace, batch, clients, messages):
    """The best statement for the same rows, so many messages in each."""
    transactions = messages // batch // clients
    rows = transactions * batch * clients
    pgbench.prepare(database, "inputs.sql", rows=rows, teams=len(workspace.teams))
    books = Books(database)
    bench.cluster.checkpoint()
    with Meter(database=bench.cluster.pid) as meter:
        run = pgbench.bench(
            database, ["ingest.sql"], clients, transactions, custom_plans=batch > 1,
            variables=variables(workspace, batch=batch, span=transactions * batch, done=0))
    stored = database.number("SELECT count(*) FROM messages")
    return books.close(Measurement(stored, run.seconds, cpu={**meter.cpu, "load": run.cpu}))


def _ceiling(bench):
    database, workspace = copy_ready(bench)
    return ingest(bench, database, workspace, BATCH, 4, bench.scale.messages)


def _lighter(bench):
    database = bench.cluster.database("bench").create()
    pgbench.prepare(database, "light_schema.sql", contacts=100_000, teams=1)
    bench.cluster.checkpoint()
    with Meter(database=bench.cluster.pid) as meter:
        run = pgbench.bench(database, ["light_ingest.sql"], 4, bench.scale.messages // 400)
    return Measurement(
        database.number("SELECT count(*) FROM messages"), run.seconds, cpu={**meter.cpu, "load": run.cpu})


def _peer(processes):
    def measure(bench):
        database, workspace = copy_ready(bench)
        with fastapi(bench, database, workspace, processes) as (process, port):
            books, measurement = over_http(bench, database, workspace, process, port)
        return close(books, measurement)

    return measure


LINE = Line(
    "inbound",
    "Inbound message over HTTP, a new contact each, 64 connections",
    "message",
    (
        Contestant("switchboard", "switchboard", _switchboard),
        Contestant("echo", "ceiling", _echo),
        Contestant("ingest statement", "ceiling", _ceiling),
        Contestant("minimal schema", "lighter", _lighter),
        Contestant("FastAPI, 1 process", "peer", _peer(1)),
        Contestant("FastAPI, 2 processes", "peer", _peer(2)),
    ),
    aims=(
        Aim("switchboard", "echo", 0.5),
        Aim("switchboard", "FastAPI, 1 process", 5),
        Aim("switchboard", "FastAPI, 2 processes", 5),
    ),
    books=(("switchboard", "ingest statement"), ("switchboard", "FastAPI, 1 process")),
)
