"""A backend killed with SIGKILL: PostgreSQL ends all others and recovers, and every connection is lost at once."""

import asyncio
import os
import signal
import time

TITLE = "PostgreSQL: kill -9 of a backend, and backends terminated one by one"


async def run(env):
    end = time.monotonic() + env.seconds
    kills, slowest = 0, 0.0
    while time.monotonic() < end or not kills:
        for _ in range(3):
            await env.cluster.value(
                """SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
                    WHERE usename = 'switchboard' ORDER BY backend_xid IS NULL, random() LIMIT 2) x""")
            await asyncio.sleep(env.random.uniform(0.1, 0.4))
        pid = await env.cluster.value(
            """SELECT pid FROM pg_stat_activity WHERE usename = 'switchboard'
                ORDER BY backend_xid IS NULL, random() LIMIT 1""")
        if pid:
            os.kill(int(pid), signal.SIGKILL)
            kills += 1
            slowest = max(slowest, await env.resumed())
        await asyncio.sleep(env.random.uniform(0.5, 2.0))
    env.note("backends killed", kills)
    env.note("slowest return s", slowest)
