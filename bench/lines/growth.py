"""Whether what is stored already slows anything down: the same with a thousand and with a million conversations."""

import dataclasses
import itertools
import os
import shutil

from harness.bench import Aim, Contestant, Line
from harness.processes import run
from lines import drain, inbound, reads
from lines.workspaces import load, queue

SIZES = {"1 thousand": 1_000, "100 thousand": 100_000, "1 million": 1_000_000, "10 million": 10_000_000}
# What a million conversations take, and as much again for what is measured and the write-ahead log.
BYTES = 2 * 14_000
# Up to here each measurement has a copy of its own, which one before it would make a large one; larger ones are warmed.
COPIED = 10_000
# Pages of the same length at every size: a team has conversations that are open only while somebody works.
PAGE = dataclasses.replace(reads.PAGE, path=reads.PAGE.path.replace("status=open", "status=closed"))
READS = tuple(PAGE if read is reads.PAGE else read for read in reads.READS)


def _missing(bench):
    if " generate " not in run([bench.program.path, "--help"]).output:
        return "this program has no `generate`"
    return None


def _fits(size):
    """Whether the scale has the size, and the disk room for it; ten million where sixty gigabytes stay free."""

    def wanted(bench):
        free = shutil.disk_usage(os.path.dirname(bench.cluster.directory)).free
        spare = 60e9 if size > 1_000_000 else 5e9
        return size <= max(bench.scale.stored) and free > size * BYTES + spare

    return wanted


def _stored(bench, size):
    """A database with so many generated conversations of ninety days, whose workspace is then measured in."""

    def make(database):
        bench.program.command(database, "migrate", "up")
        bench.program.command(
            database, "generate", "--conversations", str(size), "--days", "90", "--workspaces", "1", "--seed", "1",
            limit=600 + size / 500)
        id, name = database.execute("SELECT id, name FROM workspaces")[0]
        key = bench.program.command(database, "keys", "create", "--workspace", id, "--name", "Bench")[0]
        # What was open at the generated end is not what is measured.
        database.execute("DELETE FROM run_signals; DELETE FROM line_marks; DELETE FROM line_entries")
        workspace = bench.program.prepare(database, 20, 10, queue, (id, key))
        ids = [row[0] for row in database.execute(
            "SELECT id FROM conversations ORDER BY md5(id::text) LIMIT 20")]
        full = [row[0] for row in database.execute(
            "SELECT team_id FROM conversations WHERE status = 'closed' AND team_id IS NOT NULL "
            f"GROUP BY team_id HAVING count(*) > {reads.LIMIT} ORDER BY team_id")]
        # For each of the conversations one of the teams that fill a page.
        full = list(itertools.islice(itertools.cycle(full), len(ids)))
        return workspace, ids, full

    name = f"stored_{size}"
    if size <= COPIED:
        return bench.copy(name, make)
    return bench.template(name, make)


def _inbound(size):
    def measure(bench):
        database, (workspace, *_) = _stored(bench, size)
        with bench.program.serving(database, "api") as (process, port):
            if size > COPIED:
                inbound.warm(bench, workspace, port)
            books, measurement = inbound.over_http(bench, database, workspace, process, port)
        database.execute("DELETE FROM run_signals")
        closed = inbound.close(books, measurement)
        # Nobody will ever begin these; the next to be measured in this database counts what is not done.
        database.execute("DELETE FROM runs WHERE status = 'candidate'")
        return closed

    return measure


def _use_up_room(bench, size):
    """Copied rows leave room at the end of each page, which in a database that grew row by row was taken long ago: until it
    is, each new row goes to another old page, to be read and written whole to the log."""

    def make(_):
        database, (workspace, *_) = _stored(bench, size)
        load(bench, database, workspace, max(bench.scale.runs, size // 20))
        with bench.program.working(database) as worker:
            drain.wait_until(database, drain.DRAINED, [worker])

    # Once: what is larger is not copied.
    bench.template(f"used_{size}", make)


def _drain(size):
    def measure(bench):
        database, (workspace, *_) = _stored(bench, size)
        if size > COPIED:
            _use_up_room(bench, size)
        load(bench, database, workspace, bench.scale.runs)
        return drain.drain_loaded(
            bench, database, bench.scale.runs, 1, among=f"workflow_id = '{workspace.workflow}'")

    return measure


def _read(size, read):
    def measure(bench):
        database, (workspace, ids, full) = _stored(bench, size)
        workspace = dataclasses.replace(workspace, teams=full)
        with bench.program.serving(database, "api") as (process, port):
            if size > COPIED:
                reads.warm(bench, read, workspace, ids, port)
            return reads.over_http(bench, read, workspace, ids, process, port)

    return measure


MEASURES = {
    "inbound": _inbound, "drain": _drain,
    **{read.name: lambda size, read=read: _read(size, read) for read in READS},
}
LINE = Line(
    "growth",
    "Growth: the same with more conversations stored",
    "unit",
    tuple(
        Contestant(f"{what}, {name}", "switchboard", measure(size), _fits(size))
        for what, measure in MEASURES.items() for name, size in SIZES.items()
    ),
    aims=tuple(
        Aim(f"{what}, {name}", f"{what}, 1 thousand", 0.8)
        for what in MEASURES for name in SIZES if name != "1 thousand"
    ),
    note="A unit is a message, a run or a request. Stored are conversations of ninety days in the workspace measured; its page is the newest "
    "50 that a team has closed.",
    missing=_missing,
)
