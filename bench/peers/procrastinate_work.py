"""procrastinate's worker that routes runs, 20 at once, until it is told to end."""

import logging

import uvloop

from procrastinate_app import app


async def work():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await app.run_worker_async(concurrency=20, wait=True, delete_jobs="always")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    uvloop.run(work())
