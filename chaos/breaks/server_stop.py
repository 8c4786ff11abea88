"""The server is killed, stopped at once, stopped in haste and restarted; writing resumes each time."""

import asyncio
import time

TITLE = "PostgreSQL: kill -9 of the server (crash recovery), immediate stop, fast stop, restart"


async def run(env):
    end = time.monotonic() + env.seconds
    ways = ["immediate"] if env.is_test else ["immediate", "kill", "fast"]
    env.random.shuffle(ways)
    returns = {}
    number = 0
    while time.monotonic() < end or number < len(ways):
        way = ways[number % len(ways)]
        number += 1
        if way == "kill":
            await env.cluster.kill()
        else:
            await env.cluster.stop(way)
        await asyncio.sleep(env.random.choice((0.0, 0.5, 1.5) if env.is_short else (0.0, 2.0, 12.0)))
        await env.cluster.start()
        returns[way] = max(returns.get(way, 0.0), await env.resumed())
        await asyncio.sleep(env.random.uniform(0.5, 1.5))
    env.note("stops", number)
    env.note("slowest return s", {way: round(seconds, 1) for way, seconds in returns.items()})
