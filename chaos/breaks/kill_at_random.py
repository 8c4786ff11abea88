"""Processes killed at any moment. A kill is a hit when the process held something: it is frozen, looked at, killed."""

import asyncio
import time

TITLE = "kill -9 of api, worker and scheduler at random"


async def run(env):
    end = time.monotonic() + env.seconds
    kills = hits = 0
    wanted = 3 if env.is_short else 70
    while time.monotonic() < end or (hits < wanted and time.monotonic() < end + 2 * env.seconds):
        # The scheduler has less to hold, so it is chosen less.
        victims = [*env.of("api"), *env.of("worker"), *env.of("worker"), *env.of("scheduler")]
        program = env.random.choice(victims)
        await asyncio.sleep(env.random.uniform(0.05, 0.5))
        program.freeze()
        hits += await holds(env, program)
        await program.kill()
        kills += 1
        await program.start()
    env.note("kills", kills)
    env.note("kills that hit held work", hits)


async def holds(env, program):
    """Whether the frozen process has a transaction under way or effects under lease."""
    count = await env.cluster.value(
        f"""SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name = '{program.name}'
                AND (backend_xid IS NOT NULL OR state LIKE 'idle in transaction%'))
            + CASE WHEN '{program.part}' = 'worker'
                THEN (SELECT count(*) FROM outbox WHERE status = 'pending' AND lease_until > now()) ELSE 0 END""")
    return int(count) > 0
