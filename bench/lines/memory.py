"""Memory of `serve` without its database: idle, under load and after it; and how long it takes to start."""

import threading
import time

from harness.bench import Aim, Contestant, Line
from harness.measurement import Measurement
from harness.processes import resident_megabytes
from lines import reads
from lines.drain import wait_until_drained
from lines.inbound import over_http
from lines.workspaces import copy_ready


def _start(bench):
    """From the start of the process to its first answer, on a database that is migrated and warm."""
    database, _ = copy_ready(bench)
    began = time.monotonic()
    with bench.program.serving(database) as (process, _):
        milliseconds = 1000 * (time.monotonic() - began)
        return Measurement(1, milliseconds / 1000, p50=milliseconds, memory=resident_megabytes(process.pid))


def _idle(bench):
    database, _ = copy_ready(bench)
    with bench.program.serving(database) as (process, _):
        time.sleep(bench.scale.idle)
        return Measurement(1, bench.scale.idle, memory=resident_megabytes(process.pid))


class _Largest:
    """The largest resident size seen over a block, looked at ten times a second."""

    def __init__(self, pid):
        self._pid = pid

    def __enter__(self):
        self.megabytes, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self):
        while not self._over.wait(0.1):
            self.megabytes = max(self.megabytes, resident_megabytes(self._pid))

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self.megabytes = max(self.megabytes, resident_megabytes(self._pid))


def _inbound(after):
    def measure(bench):
        database, workspace = copy_ready(bench)
        with bench.program.serving(database) as (process, port):
            with _Largest(process.pid) as largest:
                _, measurement = over_http(bench, database, workspace, process, port)
                wait_until_drained(database, [process])
            if after:
                time.sleep(min(bench.scale.idle, 10))
            measurement.memory = resident_megabytes(process.pid) if after else largest.megabytes
        return measurement

    return measure


def _reading(bench):
    database, (workspace, ids) = reads.copy_history(bench)
    with bench.program.serving(database) as (process, port):
        with _Largest(process.pid) as largest:
            measurement = reads.over_http(bench, reads.PAGE, workspace, ids, process, port)
    measurement.memory = largest.megabytes
    return measurement


LINE = Line(
    "memory",
    "Memory of `serve` without its database, and its start",
    "unit",
    (
        Contestant("start to ready", "switchboard", _start),
        Contestant("idle", "switchboard", _idle),
        Contestant("under inbound load", "switchboard", _inbound(False)),
        Contestant("after inbound load", "switchboard", _inbound(True)),
        Contestant("under page load", "switchboard", _reading),
    ),
    aims=(
        Aim("start to ready", None, 300, "p50", "milliseconds from start to ready"),
        Aim("idle", None, 60, "memory", "MB idle"),
        Aim("under inbound load", "idle", 1.25, "memory", "MB under inbound load : idle"),
        Aim("under page load", "idle", 1.25, "memory", "MB under page load : idle"),
    ),
    note="Start to ready stands in the column p50, in milliseconds. *Under load* is the largest resident size seen; "
    "*flat* is taken for at most a quarter more than idle.",
)
