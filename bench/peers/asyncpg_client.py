"""asyncpg alone: callers that read a row by id, or insert a message of a new contact. Arguments: reads or inserts,
callers, seconds, rows."""

import asyncio
import hashlib
import json
import os
import random
import sys
import time
import uuid

import asyncpg
import uvloop

import workers


async def main(what, callers, seconds, rows):
    # More connections than this were slower.
    size = min(callers, 16)
    pool = await asyncpg.create_pool(
        host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), user=os.environ["PGUSER"],
        database=os.environ["PGDATABASE"], min_size=size, max_size=size)
    if what == "inserts":
        from fastapi_app import CHANNEL, INGEST, WORKFLOW, WORKSPACE, new_id

        text = "Where is my new card? I have been waiting for it since last week, order 1."
        run = uuid.uuid4().hex

    async def read(number):
        row = await pool.fetchrow("SELECT a, b, c, d, e FROM bench_rows WHERE id = $1", random.randint(1, rows))
        assert row["a"]

    async def insert(number):
        name = f"{run}-{number}"
        await pool.execute(
            INGEST, WORKSPACE, CHANNEL, WORKFLOW, name, f"Contact {name}", text, *[new_id() for _ in range(8)],
            hashlib.sha256(name.encode()).digest())

    call = insert if what == "inserts" else read
    latencies = []
    started = time.perf_counter()

    async def caller(number):
        while (called := time.perf_counter()) < started + seconds:
            await call(number)
            latencies.append(time.perf_counter() - called)
            number += callers

    await asyncio.gather(*[caller(number) for number in range(callers)])
    took = time.perf_counter() - started
    await pool.close()
    said = workers.percentiles(latencies)
    print(json.dumps({**said, "units": said["jobs"], "seconds": took}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
