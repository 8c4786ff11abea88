"""procrastinate: empty jobs, drained by worker processes with 20 jobs at once. Arguments: jobs, processes."""

import json
import logging
import sys
import time

import uvloop

import workers
from procrastinate_app import app, empty, said


async def fill(jobs):
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, 1000):
            await empty.batch_defer_async(*[{} for _ in range(min(1000, jobs - first))])
        await app.connector.execute_query_async("ANALYZE procrastinate_jobs")


async def work():
    async with app.open_async():
        await app.run_worker_async(
            concurrency=20, wait=False, delete_jobs="always", install_signal_handlers=False)
    said["last"] = time.time()
    print(json.dumps(said))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    if sys.argv[1] == "work":
        uvloop.run(work())
    else:
        jobs, processes = (int(argument) for argument in sys.argv[1:3])
        uvloop.run(fill(jobs))
        workers.drained([workers.spawn("work") for _ in range(processes)])
