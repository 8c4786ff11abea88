"""An outsider locks what everybody needs: the table of conversations, then all agents, then the lines."""

import asyncio
import time

TITLE = "PostgreSQL: a lock held by an outsider, for a minute in the long form"

LOCKS = {
    "conversations": "LOCK TABLE conversations IN EXCLUSIVE MODE",
    "agents": "SELECT count(*) FROM (SELECT FROM agents FOR UPDATE) x",
    "lines": "SELECT count(*) FROM (SELECT FROM lines FOR UPDATE) x",
}


async def run(env):
    seconds = 60 if not env.is_short else env.seconds / len(LOCKS)
    # A minute of each would be three rows long: the long form takes one of them each time.
    for name in LOCKS if env.is_short else [env.random.choice(list(LOCKS))]:
        began = time.monotonic()
        outsider = await env.cluster.session(f"SET lock_timeout = '20s'; BEGIN; {LOCKS[name]};")
        await asyncio.sleep(seconds)
        outsider.kill()
        await outsider.wait()
        env.note(f"{name} locked: longest silence s", env.ledger.longest_silence(began, time.monotonic()))
        await env.cluster.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                " WHERE application_name = 'outsider'")
        env.note(f"{name} unlocked: back after s", await env.resumed())
