"""The same runs drained by several workers: 20 teams, and all on one team."""

from harness.bench import Aim, Contestant, Line
from lines.drain import drain, queue, route


def _workers(teams, agents, workers):
    return lambda bench: drain(bench, teams, agents, workers)


LINE = Line(
    "workers",
    "The same with 1, 2 and 4 workers, 20 teams of 10; and all on one team of 50",
    "run",
    (
        Contestant("1 worker, 20 teams", "switchboard", _workers(20, 10, 1)),
        Contestant("2 workers, 20 teams", "switchboard", _workers(20, 10, 2)),
        Contestant("4 workers, 20 teams", "switchboard", _workers(20, 10, 4)),
        Contestant("1 worker, one team", "switchboard", _workers(1, 50, 1)),
        Contestant("2 workers, one team", "switchboard", _workers(1, 50, 2)),
        Contestant("4 workers, one team", "switchboard", _workers(1, 50, 4)),
        Contestant("route statement, 1 client", "ceiling", lambda bench: route(bench, 20, 10, 1)),
        Contestant("route statement, 2 clients", "ceiling", lambda bench: route(bench, 20, 10, 2)),
        Contestant("pgqueuer, empty jobs, 2 processes", "peer", queue("pgqueuer_drain.py", 1, 10, 2)),
    ),
    aims=(
        Aim("2 workers, 20 teams", "1 worker, 20 teams", 1.5),
        Aim("4 workers, 20 teams", "1 worker, 20 teams", 1.5),
        Aim("2 workers, one team", "1 worker, one team", 0.9),
        Aim("4 workers, one team", "1 worker, one team", 0.9),
        Aim("2 workers, 20 teams", "route statement, 2 clients", 0.7),
        Aim("2 workers, 20 teams", "pgqueuer, empty jobs, 2 processes", 1),
    ),
    note="Rows beside the ceiling's are of runs that stood in line: of batches that waited for its lock for 2 s.",
)
