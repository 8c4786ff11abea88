"""procrastinate: from before a job is deferred until its function begins. Arguments: jobs, jobs a second."""

import asyncio
import json
import logging
import sys
import time

import uvloop

import workers
from procrastinate_app import app, latencies, timed


async def prepare():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def work(jobs):
    async with app.open_async():
        running = asyncio.create_task(
            app.run_worker_async(concurrency=20, wait=True, delete_jobs="always", install_signal_handlers=False))
        while len(latencies) < jobs:
            await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    print(json.dumps(workers.percentiles(latencies)))


async def trickle(jobs, rate):
    async with app.open_async():
        for _ in range(jobs):
            await timed.defer_async(sent=time.time())
            await asyncio.sleep(1 / rate)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    if sys.argv[1] == "work":
        uvloop.run(work(int(sys.argv[2])))
    else:
        jobs, rate = (int(argument) for argument in sys.argv[1:3])
        uvloop.run(prepare())
        worker = workers.spawn("work", jobs)
        time.sleep(2)
        uvloop.run(trickle(jobs, rate))
        print(json.dumps(workers.collect([worker])[0][0]))
