"""The network is slow, then stands still for a while, then goes on where it was."""

import asyncio
import time

TITLE = "network: delay and stall"
NEEDS = {"proxy": ("api-1", "api-2", "worker-1", "worker-2", "scheduler-1"), "line_margin": 8}


async def run(env):
    end = time.monotonic() + env.seconds
    stalls = 0
    longest = 0.0
    while time.monotonic() < end or not stalls:
        env.proxy.delay = env.random.uniform(0.005, 0.06)
        await asyncio.sleep(env.seconds / 5)
        pause = env.random.uniform(0.5, 2.5) if env.is_short else env.random.uniform(1, 7)
        env.proxy.stall()
        await asyncio.sleep(pause)
        longest = max(longest, pause)
        env.proxy.heal()
        stalls += 1
        await env.resumed()
    env.note("stalls", stalls)
    env.note("longest stall s", longest)
