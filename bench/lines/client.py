"""The database client alone: single-row reads at 8 and 64 callers, messages through the ingest combiner at 64."""

import json

from harness import pgbench
from harness.bench import Aim, Contestant, Line
from harness.books import Books
from harness.measurement import Measurement, Meter
from harness.peers import script
from harness.processes import run
from lines.inbound import close, ingest
from lines.workspaces import copy_ready

ROWS = 100_000


def _copy_rows(bench):
    def make(database):
        pgbench.prepare(database, "rows.sql", rows=ROWS)

    return bench.copy("rows", make)[0]


def _said(done, meter, who):
    return Measurement(
        int(done["units"]), done["seconds"], 1000 * done["p50"], 1000 * done["p99"], {**meter.cpu, **who})


def _reads(callers):
    def measure(bench):
        database = _copy_rows(bench)
        with Meter(database=bench.cluster.pid) as meter:
            done = run([
                bench.program.bench_path, "reads", "--url", database.url, "--callers", str(callers),
                "--seconds", str(bench.scale.seconds), "--rows", str(ROWS)])
        return _said(json.loads(done.output), meter, {"program": done.cpu})

    return measure


def _pgbench_reads(clients):
    def measure(bench):
        database = _copy_rows(bench)
        with Meter(database=bench.cluster.pid) as meter:
            done = pgbench.bench(
                database, ["row.sql"], clients, seconds=bench.scale.seconds, variables={"rows": ROWS})
        return Measurement(done.transactions, done.seconds, cpu={**meter.cpu, "program": done.cpu})

    return measure


def _asyncpg(what, callers):
    def measure(bench):
        database, workspace = (_copy_rows(bench), None) if what == "reads" else copy_ready(bench)
        with Meter(database=bench.cluster.pid) as meter:
            found, cpu = script(
                bench, "asyncpg_client.py", database, what, callers, bench.scale.seconds, ROWS, workspace=workspace)
        return Measurement(
            found["units"], found["seconds"], found["p50"], found["p99"], {**meter.cpu, "program": cpu})

    return measure


def _inserts(bench):
    database, workspace = copy_ready(bench)
    books = Books(database)
    with Meter(database=bench.cluster.pid) as meter:
        done = run([
            bench.program.bench_path, "inserts", "--url", database.url, "--root", bench.program.root, "--workspace",
            workspace.id, "--channel", workspace.channel, "--callers", "64", "--seconds", str(bench.scale.seconds)])
    return close(books, _said(json.loads(done.output), meter, {"program": done.cpu}))


def _pgbench_inserts(bench):
    database, workspace = copy_ready(bench)
    return ingest(bench, database, workspace, 1, 64, bench.scale.messages)


READS = tuple(
    Line(
        f"reads{callers}",
        f"The database client alone: single-row reads, {callers} callers",
        "read",
        (
            Contestant("switchboard", "switchboard", _reads(callers)),
            Contestant("pgbench -M prepared", "ceiling", _pgbench_reads(callers)),
            Contestant("asyncpg", "peer", _asyncpg("reads", callers)),
        ),
        aims=(Aim("switchboard", "pgbench -M prepared", aim),),
    )
    for callers, aim in ((8, 0.8), (64, 1.5))
)
LINES = (
    *READS,
    Line(
        "inserts",
        "The database client alone: messages of new contacts through the ingest combiner, 64 callers",
        "message",
        (
            Contestant("switchboard", "switchboard", _inserts),
            Contestant("pgbench -M prepared", "ceiling", _pgbench_inserts),
            Contestant("asyncpg", "peer", _asyncpg("inserts", 64)),
        ),
        aims=(Aim("switchboard", "pgbench -M prepared", 3),),
        books=(("switchboard", "pgbench -M prepared"),),
        note="pgbench runs the statement of the line *inbound* for one message at a time, on 64 connections.",
    ),
)
