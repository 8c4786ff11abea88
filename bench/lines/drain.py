"""Runs that wait are drained by one worker."""

import time

from harness import pgbench
from harness.bench import Aim, Contestant, Line
from harness.books import Books
from harness.measurement import Measurement, Meter
from harness.peers import script
from harness.processes import Failed, cpu_seconds, resident_megabytes
from lines.workspaces import copy_loaded, copy_ready, variables

BATCH = 400
UNFINISHED = "SELECT count(*) FROM runs WHERE status IN ('candidate', 'active')"
# Asked while it is measured: neither table keeps what is done, so it costs the same however many runs are stored.
DRAINED = "SELECT NOT EXISTS (SELECT FROM run_signals) AND NOT EXISTS (SELECT FROM line_entries)"


def drain(bench, teams, agents, workers, settings=()):
    """Starts workers on a backlog of runs."""
    database, _ = copy_loaded(bench, bench.scale.runs, teams, agents)
    return drain_loaded(bench, database, bench.scale.runs, workers, settings)


def drain_loaded(bench, database, count, workers, settings=(), among="true"):
    """Starts workers on what a database has waiting; `among` says which of its runs are counted."""
    books = Books(database)
    bench.cluster.checkpoint()
    began = database.value("SELECT now()")
    started = []
    try:
        with Meter(database=bench.cluster.pid) as meter:
            started += [bench.program.working(database, settings) for _ in range(workers)]
            wait_until(database, DRAINED, started)
        program = sum(cpu_seconds(worker.pid) for worker in started)
        memory = sum(resident_megabytes(worker.pid) for worker in started)
    finally:
        for worker in started:
            worker.stop()
    if left := database.number(f"{UNFINISHED} AND {among}"):
        raise Failed(f"{left} runs are left that nothing will wake")
    seconds = steady_seconds(
        database, f"assignments WHERE kind = 'assignment' AND occurred_at > '{began}'",
        "pg_xact_commit_timestamp(xmin)")
    return books.close(Measurement(
        count, seconds, cpu={"program": program, "database": meter.cpu["database"]}, memory=memory))


def wait_until_drained(database, processes):
    wait_until(database, DRAINED, processes)
    if left := database.number(UNFINISHED):
        raise Failed(f"{left} runs are left that nothing will wake")


def wait_until(database, question, processes, limit=300):
    """Returns when the database says yes. Raises Failed when a process ends before, or the time is over."""
    began = time.monotonic()
    while database.value(question) != "t":
        for process in processes:
            process.check()
        if time.monotonic() - began > limit:
            raise Failed(f"not within {limit} s: {question}")
        # Seldom: each look costs a client and a scan.
        time.sleep(0.3)


def steady_seconds(database, rows, time):
    """What all rows would have taken at the pace of those after the first batch: when that began is not known."""
    first, last, later, count = database.execute(
        f"WITH r AS (SELECT {time} AS at FROM {rows}) SELECT extract(epoch FROM min(at)), extract(epoch FROM max(at)), "
        "count(*) FILTER (WHERE at > (SELECT min(at) FROM r)), count(*) FROM r")[0]
    if int(later) == 0:
        raise Failed("all of it was one batch: there is no pace to measure")
    return (float(last) - float(first)) * int(count) / int(later)


def route(bench, teams, agents, clients):
    """The best statement for the same rows; with several clients, each has teams of its own."""
    count = bench.scale.runs
    database, workspace = copy_loaded(bench, count, teams, agents)
    pgbench.prepare(database, "routes.sql", shards=clients)
    books = Books(database)
    bench.cluster.checkpoint()
    transactions = -(-count // BATCH // clients) + 1
    with Meter(database=bench.cluster.pid) as meter:
        run = pgbench.bench(
            database, ["route.sql"], clients, transactions, custom_plans=True,
            variables=variables(workspace, batch=BATCH))
    if left := database.number(UNFINISHED):
        raise Failed(f"the ceiling left {left} runs")
    return books.close(Measurement(count, run.seconds, cpu={**meter.cpu, "load": run.cpu}))


def light(bench):
    count = bench.scale.runs
    database = bench.cluster.database("bench").create()
    pgbench.prepare(database, "light_schema.sql", contacts=count, teams=1)
    pgbench.bench(database, ["light_ingest.sql"], 1, count // 100)
    database.execute("VACUUM ANALYZE")
    bench.cluster.checkpoint()
    with Meter(database=bench.cluster.pid) as meter:
        run = pgbench.bench(database, ["light_route.sql"], 1, count // 100, variables={"teams": 1}, custom_plans=True)
    return Measurement(count, run.seconds, cpu={**meter.cpu, "load": run.cpu})


def queue(name, share, *arguments):
    """A peer's script that drains a share of as many jobs and prints jobs and seconds."""

    def measure(bench):
        database = bench.cluster.database("bench").create()
        found, cpu = script(bench, name, database, max(50, round(bench.scale.runs * share)), *arguments)
        return Measurement(found["jobs"], found["seconds"], cpu={"program": found.get("cpu", cpu)})

    return measure


LINE = Line(
    "drain",
    "Runs drained by one worker: trigger, two branches, field, tag, team of 50, round robin",
    "run",
    (
        Contestant("switchboard", "switchboard", lambda bench: drain(bench, 1, 50, 1)),
        Contestant(
            "switchboard, one batch at once", "switchboard",
            lambda bench: drain(bench, 1, 50, 1, ("--worker-concurrency", "1"))),
        Contestant("route statement", "ceiling", lambda bench: route(bench, 1, 50, 1)),
        Contestant("minimal schema", "lighter", light),
        Contestant("pgqueuer, empty jobs, batch 10", "peer", queue("pgqueuer_drain.py", 1, 10, 1)),
        Contestant("pgqueuer, empty jobs, batch 100", "peer", queue("pgqueuer_drain.py", 1, 100, 1)),
        Contestant("procrastinate, empty jobs", "peer", queue("procrastinate_drain.py", 0.1, 1)),
        Contestant("DBOS, five steps", "peer", queue("dbos_drain.py", 0.02)),
    ),
    aims=(
        Aim("switchboard", "route statement", 0.7),
        Aim("switchboard", "pgqueuer, empty jobs, batch 10", 1),
        Aim("switchboard", "procrastinate, empty jobs", 10),
        Aim("switchboard", "DBOS, five steps", 100),
    ),
    books=(("switchboard", "route statement"),),
    note="Two batches of one team at once wait for each other at the line's lock, with all but serving and writing done.",
)
