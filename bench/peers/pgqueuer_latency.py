"""pgqueuer: from before a job is enqueued until its function begins. Arguments: jobs, jobs a second."""

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import timedelta

import uvloop
from pgqueuer.db import AsyncpgDriver
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

import workers
from pgqueuer_drain import connect


async def work(jobs):
    manager = QueueManager(Queries(AsyncpgDriver(await connect())))
    latencies = []

    @manager.entrypoint("timed")
    async def timed(job):
        latencies.append(time.time() - float(job.payload))
        if len(latencies) >= jobs:
            manager.shutdown.set()

    await manager.run(batch_size=10, dequeue_timeout=timedelta(seconds=30))
    print(json.dumps(workers.percentiles(latencies)))


async def trickle(jobs, rate):
    queries = Queries(AsyncpgDriver(await connect()))
    for _ in range(jobs):
        await queries.enqueue("timed", str(time.time()).encode())
        await asyncio.sleep(1 / rate)


if __name__ == "__main__":
    if sys.argv[1] == "work":
        uvloop.run(work(int(sys.argv[2])))
    else:
        jobs, rate = (int(argument) for argument in sys.argv[1:3])
        subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "pgq"), "install"], check=True, stdout=subprocess.DEVNULL)
        worker = workers.spawn("work", jobs)
        time.sleep(2)
        uvloop.run(trickle(jobs, rate))
        print(json.dumps(workers.collect([worker])[0][0]))
