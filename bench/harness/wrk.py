"""The load generator for HTTP: wrk, with a script that makes each request."""

import json
import os

from harness.processes import Failed, need, run

SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "wrk")


class Load:
    """What wrk saw: answers, seconds, latency in milliseconds, and what it cost itself."""

    def __init__(self, report, cpu):
        self.answers = report["answers"]
        self.failures = report["failures"]
        self.seconds = report["microseconds"] / 1e6
        self.p50, self.p99 = report["p50"] / 1e3, report["p99"] / 1e3
        self.cpu = cpu


def load(port, script, seconds, connections=64, tolerant=False, **settings):
    """Sends requests for some seconds, each connection the next one when it is answered.

    One thread: more would take the other side's cores. `settings` reach the script as BENCH_…; an answer other than
    2xx spoils the measurement, unless `tolerant`: for what only warms caches."""
    environment = {f"BENCH_{name.upper()}": str(value) for name, value in settings.items()}
    done = run(
        [need("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "--latency",
         "-s", f"{SCRIPTS}/{script}", f"http://127.0.0.1:{port}"], environment)
    report = next((json.loads(line[5:]) for line in done.output.splitlines() if line.startswith("JSON ")), None)
    if report is None:
        raise Failed(f"wrk said nothing of use:\n{done.output[-1000:]}")
    result = Load(report, done.cpu)
    if result.failures and not tolerant:
        raise Failed(f"{result.failures} of {result.answers} requests failed ({script})")
    return result
