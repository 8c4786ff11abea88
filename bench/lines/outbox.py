"""Effects sent to a receiver: one that answers at once, and one that takes 200 ms."""

from harness.bench import Aim, Contestant, Line
from harness.books import Books
from harness.measurement import Measurement, Meter
from harness.processes import cpu_seconds, need, resident_megabytes, run
from harness.switchboard import Client
from lines.drain import steady_seconds, wait_until
from lines.workspaces import load, ready

# What Switchboard has under way at most for one channel.
CONNECTIONS = 32
SENT = "SELECT NOT EXISTS (SELECT FROM outbox WHERE status = 'pending')"


def _count(bench, delay):
    # With 200 ms an answer, 32 connections send 160 a second.
    return bench.scale.effects if not delay else max(4 * CONNECTIONS, bench.scale.effects // 4)


def _copy_pending(bench, delay, port):
    """A copy of a database with an agent's answer in each conversation, not sent yet, for the receiver at the port."""
    count = _count(bench, delay)

    def make(database):
        workspace = ready()(bench, database)
        load(bench, database, workspace, count)
        conversations = [row[0] for row in database.execute("SELECT id FROM conversations ORDER BY id")]
        with bench.program.serving(database, "api") as (_, api):
            client = Client(api, workspace.key)
            client.must("PATCH", f"/v1/channels/{workspace.channel}", {"url": "http://127.0.0.1:9/"},
                        {"Content-Type": "application/merge-patch+json"})
            for conversation in conversations:
                client.must(
                    "POST", f"/v1/conversations/{conversation}/messages",
                    {"text": "We sent it on Monday. It should be with you tomorrow."},
                    {"X-Agent-Id": workspace.agents[0]})
            client.close()
        # Nothing but effects is left to do.
        database.execute("DELETE FROM run_signals; VACUUM ANALYZE")
        return workspace

    database, workspace = bench.copy(f"pending_{count}", make)
    database.execute(f"UPDATE channels SET url = 'http://127.0.0.1:{port}/v1/channels/x/inbound' WHERE url IS NOT NULL")
    return database, count


def _span(database):
    return float(database.value("SELECT extract(epoch FROM max(settled_at) - min(settled_at)) FROM outbox"))


def _switchboard(delay):
    def measure(bench):
        with bench.program.echoing(delay) as (receiver, port):
            database, count = _copy_pending(bench, delay, port)
            books = Books(database)
            with Meter(database=bench.cluster.pid, receiver=receiver.pid) as meter:
                with bench.program.working(database, ["--allow-private-networks"]) as worker:
                    wait_until(database, SENT, [worker])
                    program, memory = cpu_seconds(worker.pid), resident_megabytes(worker.pid)
            # The first answer comes when the receiver has taken its time.
            seconds = _span(database) + delay / 1000 if delay else steady_seconds(database, "outbox", "settled_at")
        return books.close(Measurement(
            count, seconds, cpu={"program": program, "database": meter.cpu["database"], "load": meter.cpu["receiver"]},
            memory=memory))

    return measure


def _curl(delay):
    def measure(bench):
        with bench.program.echoing(delay) as (receiver, port):
            count = _count(bench, delay)
            file = f"{bench.cluster.directory}/curl"
            with open(file, "w") as configuration:
                for _ in range(count):
                    configuration.write(
                        f'url = "http://127.0.0.1:{port}/v1/channels/x/inbound"\noutput = "/dev/null"\n')
            body = '{"type":"message","message_id":"01a205d2-7bb7-700c-91de-359bfb440860","text":"We sent it on Monday. ' \
                'It should be with you tomorrow.","contact":{"external_id":"loaded-1"}}'
            with Meter(receiver=receiver.pid) as meter:
                done = run([
                    need("curl"), "-sS", "--no-progress-meter", "--parallel", "--parallel-max", str(CONNECTIONS),
                    "-H", "Content-Type: application/json", "--data", body, "-K", file])
        return Measurement(count, done.seconds, cpu={"program": done.cpu, "load": meter.cpu["receiver"]})

    return measure


LINES = tuple(
    Line(
        name,
        f"Outbox to a local receiver that {what}",
        "effect",
        (
            Contestant("switchboard", "switchboard", _switchboard(delay)),
            Contestant("curl --parallel", "ceiling", _curl(delay)),
        ),
        aims=(Aim("switchboard", "curl --parallel", 0.7),),
        note="`load` is the receiver. curl sends with the multi interface and keeps no record of what it sent."
        + (f" {CONNECTIONS} connections and 200 ms allow {CONNECTIONS * 5} a second." if delay else ""),
    )
    for name, what, delay in (("outbox", "answers at once", 0), ("outbox200", "takes 200 ms", 200))
)
