"""An outsider's transaction stays open: nothing can be vacuumed, no feed may go past it, and all work goes on."""

import asyncio
import time

TITLE = "PostgreSQL: an outsider's open transaction, which holds back vacuum and the feed"


async def run(env):
    outsider = await env.cluster.session(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id(); SELECT count(*) FROM conversations;")
    began = time.monotonic()
    await asyncio.sleep(env.seconds)
    try:
        silence = env.ledger.longest_silence(began, time.monotonic())
        env.note("longest silence s", silence)
        env.require(silence < 5, f"nothing was acknowledged for {silence:.1f} s")
        # What a reader of the feed may see ends at the oldest transaction under way; behind it more is waiting.
        behind = int(await env.cluster.value(
            "SELECT count(*) FROM events WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot())"))
        env.note("events behind the transaction", behind)
        env.require(behind > 0, "the outsider held nothing back")
    finally:
        outsider.kill()
        await outsider.wait()
    await env.cluster.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                            " WHERE application_name = 'outsider'")
    await asyncio.sleep(0.5)
    await env.cluster.psql("VACUUM run_signals")
    await env.cluster.psql("VACUUM line_entries")
    dead = await env.cluster.value(
        "SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables WHERE relname IN ('run_signals', 'line_entries')")
    env.note("dead rows of the queues after vacuum", int(dead))
