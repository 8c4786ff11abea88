"""Every connection to the database is reset, again and again, also in the middle of a commit."""

import asyncio
import time

TITLE = "network: connections reset"
NEEDS = {"proxy": ("api-1", "api-2", "worker-1", "worker-2", "scheduler-1")}


async def run(env):
    end = time.monotonic() + env.seconds
    resets = 0
    slowest = 0.0
    while time.monotonic() < end or not resets:
        env.proxy.reset()
        resets += 1
        slowest = max(slowest, await env.resumed())
        await asyncio.sleep(env.random.uniform(0.05, 1.2))
    env.note("resets", resets)
    env.note("slowest return s", slowest)
