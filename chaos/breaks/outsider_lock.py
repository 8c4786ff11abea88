"""An outsider locks what everybody needs: the table of conversations, then all agents, then the lines."""

import asyncio
import time

TITLE = "PostgreSQL: a lock held by an outsider, for a minute in the long form"

LOCKS = (
    "LOCK TABLE conversations IN EXCLUSIVE MODE",
    "SELECT count(*) FROM (SELECT FROM agents FOR UPDATE) x",
    "SELECT count(*) FROM (SELECT FROM lines FOR UPDATE) x",
)


async def run(env):
    seconds = 60 if not env.is_short else env.seconds / len(LOCKS)
    # A minute of each would be three rows long: the long form takes one of them each time.
    for lock in LOCKS if env.is_short else [env.random.choice(LOCKS)]:
        began = time.monotonic()
        outsider = await env.cluster.session(f"SET lock_timeout = '20s'; BEGIN; {lock};")
        await asyncio.sleep(seconds)
        outsider.kill()
        await outsider.wait()
        env.note(f"{lock.split(' (')[0]}: longest silence s", env.ledger.longest_silence(began, time.monotonic()))
        await env.cluster.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                " WHERE application_name = 'outsider'")
        env.note("back after s", await env.resumed())
