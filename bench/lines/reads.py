"""Reading over HTTP: one conversation, a page of 50 with filters, a timeline."""

import dataclasses
import os
import re

from harness import pgbench, wrk
from harness.bench import Aim, Contestant, Line
from harness.measurement import Measurement, Meter
from harness.peers import fastapi
from lines.drain import wait_until_drained
from lines.workspaces import load, ready

STORED = 2_000
LIMIT = 50
TEAMS = 20


@dataclasses.dataclass(frozen=True)
class Read:
    """One of the calls. `path` is asked for each of the chosen conversations and teams; `statements` are those of
    sql/queries that Switchboard runs for it, behind the look-up of the key, with what stands for their parameters, and
    the parts of the text that are wanted."""

    name: str
    title: str
    path: str
    statements: tuple


READS = (
    Read(
        "get", "GET conversation", "/v1/conversations/{conversation}",
        (("conversation_get", {2: "conversation"}),),
    ),
    Read(
        "page", "GET page of 50 with filters: open, of one team", "/v1/conversations?status=open&team_id={team}&limit=50",
        (("conversation_list_opened_desc", {2: "team"}, ("open", "team")),),
    ),
    Read(
        "timeline", "GET timeline: events of one conversation", "/v1/conversations/{conversation}/events",
        (
            ("conversation_span", {2: "conversation"}),
            ("conversation_events_asc", {
                2: "conversation", 3: "lowest", 4: "highest"}),
        ),
    ),
)

PAGE = READS[1]


def copy_history(bench):
    """A copy of a database with conversations that were assigned in 20 teams; ids to read; what HTTP needs."""

    def make(database):
        workspace = ready(TEAMS, 10)(bench, database)
        load(bench, database, workspace, STORED)
        with bench.program.working(database) as worker:
            wait_until_drained(database, [worker])
        database.execute("VACUUM ANALYZE")
        ids = [row[0] for row in database.execute("SELECT id FROM conversations ORDER BY md5(id::text) LIMIT 20")]
        return workspace, ids

    return bench.copy("history", make)


def named_statement(bench, name, parts=()):
    """The text of a statement of sql/queries, with these of its parts."""
    directory = f"{bench.program.root}/sql/queries"
    for file in sorted(os.listdir(directory)):
        with open(f"{directory}/{file}") as source:
            blocks = {
                (kind, named): text for kind, named, text in re.findall(
                    r"^-- (name|fragment): (\w+)\n(.*?)(?=^-- (?:name|fragment): |\Z)", source.read(), re.S | re.M)}
        if text := blocks.get(("name", name)):
            text = re.sub(r"^ *-- use (\w+)\n", lambda found: blocks["fragment", found[1]], text, flags=re.M)
            return "\n".join(_lines(text, parts)).strip().rstrip(";")
    raise KeyError(name)


def _lines(text, parts):
    wanted = True
    for line in text.splitlines():
        sql, _, part = line.partition("-- if ")
        if sql.strip() == "-- end":
            wanted = True
        elif part and not sql.strip():
            wanted = part in parts
        elif wanted and (not part or part in parts) and not sql.startswith("--"):
            yield sql


def _scripts(bench, read, database, workspace, ids):
    """The same statements for pgbench: a script for each of some conversations and teams, picked at random. The span of
    ids is as wide as the partition's."""
    lowest, highest = _month(database)
    scripts = []
    for conversation, team in zip(ids, workspace.teams):
        known = {
            "key": workspace.key_id, "workspace": workspace.id, "conversation": conversation, "team": team,
            "lowest": lowest, "highest": highest,
        }
        lines = []
        for name, values, *parts in (("api_key_authenticate", {1: "key"}), *read.statements):
            values = {1: "workspace", **values}

            def put(found):
                value = values[int(found[1])]
                return f"'{known[value]}'" if value in known else value

            sql = named_statement(bench, name, *parts)
            # A page asks for one row more than it shows, to know whether there is a next one.
            values |= {int(number): str(LIMIT + 1) for number in re.findall(r"LIMIT \$(\d+)", sql)}
            sql = re.sub(r"\$(\d+)", put, sql)
            lines.append(" ".join(sql.split()) + ";")
        scripts.append("\n".join(lines))
    return scripts


def _month(database):
    """The lowest UUIDv7 of this month, and of the next."""
    first, next = database.execute(
        "SELECT (1000 * extract(epoch FROM t))::bigint, (1000 * extract(epoch FROM t + interval '1 month'))::bigint "
        "FROM date_trunc('month', now()) t")[0]
    return [f"{int(time) >> 16:08x}-{int(time) & 0xffff:04x}-7000-8000-000000000000" for time in (first, next)]


def _paths(bench, read, workspace, ids):
    file = f"{bench.cluster.directory}/paths"
    with open(file, "w") as paths:
        for conversation, team in zip(ids, workspace.teams):
            paths.write(read.path.format(conversation=conversation, team=team) + "\n")
    return file


def _load(bench, read, workspace, ids, port, **options):
    return wrk.load(
        port, "get.lua", bench.scale.seconds, connections=32, token=workspace.key,
        paths=_paths(bench, read, workspace, ids), **options)


def warm(bench, read, workspace, ids, port):
    """The same, unmeasured: while caches hold nothing of a large database requests may be shed."""
    _load(bench, read, workspace, ids, port, tolerant=True)


def over_http(bench, read, workspace, ids, process, port):
    with Meter(program=process.pid, database=bench.cluster.pid) as meter:
        load = _load(bench, read, workspace, ids, port)
    return Measurement(
        load.answers, load.seconds, load.p50, load.p99, {**meter.cpu, "load": load.cpu}, memory=meter.memory)


def _switchboard(read):
    def measure(bench):
        database, (workspace, ids) = copy_history(bench)
        with bench.program.serving(database, "api") as (process, port):
            return over_http(bench, read, workspace, ids, process, port)

    return measure


def _ceiling(read):
    def measure(bench):
        database, (workspace, ids) = copy_history(bench)
        scripts = _scripts(bench, read, database, workspace, ids)
        with Meter(database=bench.cluster.pid) as meter:
            run = pgbench.bench(database, scripts, 8, seconds=bench.scale.seconds, one_of=True)
        return Measurement(run.transactions, run.seconds, cpu={**meter.cpu, "load": run.cpu})

    return measure


def _peer(read, processes):
    def measure(bench):
        database, (workspace, ids) = copy_history(bench)
        with fastapi(bench, database, workspace, processes) as (process, port):
            return over_http(bench, read, workspace, ids, process, port)

    return measure


LINES = tuple(
    Line(
        read.name,
        read.title,
        "request",
        (
            Contestant("switchboard", "switchboard", _switchboard(read)),
            Contestant("pgbench, same SQL", "ceiling", _ceiling(read)),
            Contestant("FastAPI, 1 process", "peer", _peer(read, 1)),
            Contestant("FastAPI, 2 processes", "peer", _peer(read, 2)),
        ),
        aims=(
            *([Aim("switchboard", "pgbench, same SQL", 0.7)] if read.name == "page" else []),
            Aim("switchboard", "FastAPI, 1 process", 4),
        ),
    )
    for read in READS
)
