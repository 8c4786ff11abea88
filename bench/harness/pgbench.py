"""pgbench with SQL files of ours."""

import os
import re
import tempfile

from harness.measurement import percentile
from harness.processes import Failed, run

FILES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "sql")


class Run:
    """What pgbench said. `seconds` is without connecting."""

    def __init__(self, output, cpu, latencies):
        self.transactions = int(re.search(r"transactions actually processed: (\d+)", output)[1])
        self.rate = float(re.search(r"tps = ([0-9.]+) \(without", output)[1])
        self.seconds = self.transactions / self.rate if self.rate else 0.0
        self.cpu = cpu
        self.p50, self.p99 = percentile(latencies, 0.5), percentile(latencies, 0.99)


def path(name):
    return f"{FILES}/{name}"


def _text(script):
    """What is in a file of sql/; anything else is SQL itself."""
    if not script.endswith(".sql"):
        return script
    with open(path(script)) as file:
        return file.read()


def bench(
    database, scripts, clients, transactions=None, seconds=None, variables=None, rate=None, logged=False,
    custom_plans=False, one_of=False,
):
    """Runs scripts, files of sql/ or texts, prepared: each client all of them one after another, or one of them at random.

    `logged` keeps the latency of every transaction, which costs pgbench a little; `custom_plans` has batches planned
    for their values, as Switchboard does. Raises Failed when a transaction fails."""
    environment = dict(database.cluster.environment)
    if custom_plans:
        environment["PGOPTIONS"] = "-c plan_cache_mode=force_custom_plan"
    with tempfile.TemporaryDirectory() as directory:
        texts = [_text(script) for script in scripts]
        files = []
        for number, text in enumerate(texts if one_of else ["\n".join(texts)]):
            files += ["-f", f"{directory}/{number}.sql"]
            with open(files[-1], "w") as file:
                file.write(text + "\n")
        arguments = [
            f"{database.cluster.bin}/pgbench", "-n", "-M", "prepared", "-c", str(clients),
            "-j", str(min(clients, 2)), *files,
            *(["-t", str(transactions)] if transactions else ["-T", str(max(1, round(seconds)))]),
            *(["-R", str(rate)] if rate else []), *(["-l", f"--log-prefix={directory}/log"] if logged else []),
            *[part for name, value in (variables or {}).items() for part in ("-D", f"{name}={value}")],
            database.name,
        ]
        done = run(arguments, environment)
        latencies = []
        for name in os.listdir(directory):
            if name.startswith("log."):
                with open(f"{directory}/{name}") as log:
                    latencies += [int(line.split()[2]) / 1000 for line in log]
        failed = re.search(r"number of failed transactions: (\d+)", done.output)
        if failed and int(failed[1]):
            raise Failed(f"{failed[1]} transactions of pgbench failed")
        return Run(done.output, done.cpu, latencies)


def prepare(database, script, **variables):
    """Runs a file of SQL that fills tables before the clock runs. Numbers of its variables are put in as they are."""
    with open(path(script)) as file:
        sql = file.read()
    for name, value in variables.items():
        sql = re.sub(rf"(?<!:):{name}\b", str(value), sql)
    database.execute(sql)
