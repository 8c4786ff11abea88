"""What the queues' scripts share: worker processes beside each other, and what they say at their ends."""

import json
import os
import resource
import subprocess
import sys


def spawn(*arguments):
    return subprocess.Popen(
        [sys.executable, sys.argv[0], *(str(argument) for argument in arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)


def collect(children):
    """Their JSON, and the CPU seconds that all of them took."""
    said = [json.loads(child.communicate(timeout=300)[0].strip().splitlines()[-1]) for child in children]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said, used.ru_utime + used.ru_stime


def drained(children):
    """Prints jobs, seconds from the first job's start to the last one's end, and CPU seconds."""
    said, cpu = collect(children)
    busy = [one for one in said if one["jobs"]]
    seconds = max(one["last"] for one in busy) - min(one["first"] for one in busy)
    print(json.dumps({"jobs": sum(one["jobs"] for one in busy), "seconds": seconds, "cpu": cpu}))


def conninfo():
    return f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} user={os.environ['PGUSER']} " \
        f"dbname={os.environ['PGDATABASE']}"


def percentiles(latencies):
    ordered = sorted(latencies)
    pick = lambda share: 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]
    return {"jobs": len(ordered), "p50": pick(0.5), "p99": pick(0.99)}
