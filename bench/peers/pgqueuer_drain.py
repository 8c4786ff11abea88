"""pgqueuer: empty jobs, drained by worker processes. Arguments: jobs, batch size, processes."""

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import timedelta

import asyncpg
import uvloop
from pgqueuer.db import AsyncpgDriver
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

import workers


async def connect():
    return await asyncpg.connect(
        host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), user=os.environ["PGUSER"],
        database=os.environ["PGDATABASE"])


async def fill(jobs):
    connection = await connect()
    queries = Queries(AsyncpgDriver(connection))
    for first in range(0, jobs, 1000):
        count = min(1000, jobs - first)
        await queries.enqueue(["empty"] * count, [None] * count, [0] * count)
    await connection.execute("VACUUM ANALYZE pgqueuer")
    await connection.close()


async def work(batch):
    manager = QueueManager(Queries(AsyncpgDriver(await connect())))
    said = {"jobs": 0, "first": 0.0, "last": 0.0}

    @manager.entrypoint("empty")
    async def empty(job):
        if not said["jobs"]:
            said["first"] = time.time()
        said["jobs"] += 1

    await manager.run(batch_size=batch, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(seconds=1))
    # The last jobs' completion is written by then.
    said["last"] = time.time()
    print(json.dumps(said))


if __name__ == "__main__":
    if sys.argv[1] == "work":
        uvloop.run(work(int(sys.argv[2])))
    else:
        jobs, batch, processes = (int(argument) for argument in sys.argv[1:4])
        subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "pgq"), "install"], check=True, stdout=subprocess.DEVNULL)
        uvloop.run(fill(jobs))
        workers.drained([workers.spawn("work", batch) for _ in range(processes)])
