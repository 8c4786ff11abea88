"""What is measured, and what several rounds say together."""

import dataclasses
import statistics
import time

from harness.processes import cpu_seconds, resident_megabytes


@dataclasses.dataclass
class Measurement:
    """One contestant in one round."""

    units: int
    seconds: float
    # Milliseconds, where single units were timed.
    p50: float | None = None
    p99: float | None = None
    # Seconds of CPU time by who took it: program, database, load.
    cpu: dict = dataclasses.field(default_factory=dict)
    # Rows in each table afterwards beyond those before, and all writes (inserts, updates, deletes).
    rows: dict = dataclasses.field(default_factory=dict)
    writes: int | None = None
    # Resident megabytes of the program at its largest.
    memory: float | None = None

    @property
    def rate(self):
        return self.units / self.seconds if self.seconds else 0.0


class Meter:
    """CPU time of processes over a block, by name."""

    def __init__(self, **pids):
        self._pids = {name: pid for name, pid in pids.items() if pid}

    def __enter__(self):
        self._before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        self._started = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._started
        self.cpu = {name: cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}
        program = self._pids.get("program")
        self.memory = resident_megabytes(program) if program else None


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of the rounds."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values):
        values = [value for value in values if value is not None]
        return Spread(statistics.median(values), min(values), max(values)) if values else None


def ratios(ours, theirs, metric):
    """Round by round, so that what slowed a round down slowed both."""
    pairs = [(getattr(a, metric), getattr(b, metric)) for a, b in zip(ours, theirs)]
    return Spread.of([a / b for a, b in pairs if a is not None and b])
