"""One run of the benchmark: what lines share, and the rounds."""

import dataclasses
import os
import traceback

from harness.books import differences
from harness.measurement import ratios
from harness.processes import Failed


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much is done. `seconds` is one measurement; the others are units of work."""

    name: str
    rounds: int
    seconds: float
    messages: int
    runs: int
    paced: int
    effects: int
    idle: float
    stored: tuple
    # Bytes that must be free: write-ahead log, templates and a copy.
    space: float
    peers: bool = True

    def with_(self, **changes):
        return dataclasses.replace(self, **changes)


SCALES = {
    "full": Scale("full", 5, 10, 100_000, 20_000, 1500, 4000, 60, (1_000, 1_000_000), 12e9),
    "quick": Scale("quick", 2, 2, 20_000, 12_000, 200, 800, 5, (1_000, 100_000), 12e9),
    # For make test: every line runs and its books agree. Nothing about speed follows from it.
    "short": Scale("short", 1, 1, 1_000, 1_200, 25, 60, 1, (1_000,), 2e9, peers=False),
}


@dataclasses.dataclass(frozen=True)
class Contestant:
    """Who is measured: `measure` takes the Bench and gives a Measurement. `kind` is switchboard, ceiling, lighter (a
    ceiling that does less) or peer."""

    name: str
    kind: str
    measure: object
    # Null, or a function of Bench: whether this one is measured at all.
    wanted: object = None


@dataclasses.dataclass(frozen=True)
class Aim:
    """Median of the rounds' ratios of `ours` to `theirs`: at least `value`, or at most, where the metric is a time.

    With `theirs` None the metric itself, not a ratio, is compared with the value."""

    ours: str
    theirs: str | None
    value: float
    metric: str = "rate"
    text: str = ""

    @property
    def is_most(self):
        return self.metric in ("p50", "p99", "memory")


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the table. `books` are pairs of contestants that must leave the same rows for a unit of work."""

    name: str
    title: str
    unit: str
    contestants: tuple
    aims: tuple = ()
    books: tuple = ()
    # Said below the table where it is needed to read it.
    note: str = ""
    # Null, or a function of Bench that says why the line cannot be measured here.
    missing: object = None


@dataclasses.dataclass
class Outcome:
    """A line's measurements, a list for each contestant's name."""

    line: Line
    rounds: dict
    differences: list
    error: str | None = None
    # Why it was left out, which is no failure.
    skipped: str | None = None

    def ratio(self, aim):
        if aim.theirs is None:
            return None
        return ratios(self.rounds.get(aim.ours, []), self.rounds.get(aim.theirs, []), aim.metric)


class Bench:
    """What a line gets: the cluster, the program, the scale, and databases to work in."""

    def __init__(self, cluster, program, scale, python, say):
        self.cluster, self.program, self.scale, self.python, self.say = cluster, program, scale, python, say
        self._templates = {}

    def template(self, name, make):
        """A database made once and copied for each measurement, with whatever its maker returned.

        `make` is given the empty database."""
        if name not in self._templates:
            database = self.cluster.database(f"template_{name}").create()
            self._templates[name] = (database, make(database))
        return self._templates[name]

    def copy(self, name, make):
        """A fresh copy of a template: every contestant begins with the same rows. Gives (database, what was made)."""
        template, made = self.template(name, make)
        return self.cluster.database("bench").create(template), made

    def peer(self, name):
        """The path of a peer's script."""
        return os.path.join(os.path.dirname(os.path.dirname(__file__)), "peers", name)

    def measure(self, line, only=None):
        """Measures a line's contestants in turn, round by round, each round beginning with the next of them."""
        contestants = [
            one for one in line.contestants
            if (self.scale.peers or one.kind != "peer") and (one.wanted is None or one.wanted(self))
            and (not only or any(part in one.name for part in only))
        ]
        outcome = Outcome(line, {one.name: [] for one in contestants}, [])
        reason = line.missing(self) if line.missing else None
        if reason:
            outcome.skipped = reason
            return outcome
        try:
            for round in range(self.scale.rounds):
                first = round % len(contestants)
                for contestant in contestants[first:] + contestants[:first]:
                    measurement = contestant.measure(self)
                    self.say(f"  round {round + 1}  {contestant.name}: {measurement.rate:,.0f} {line.unit}/s")
                    outcome.rounds[contestant.name].append(measurement)
            for ours, theirs in line.books:
                for a, b in zip(outcome.rounds.get(ours, []), outcome.rounds.get(theirs, [])):
                    outcome.differences += [
                        f"{ours} and {theirs}: {text}" for text in differences(a, b)
                        if f"{ours} and {theirs}: {text}" not in outcome.differences
                    ]
        except Failed as error:
            outcome.error = str(error)
        except Exception:
            outcome.error = traceback.format_exc()
        return outcome
