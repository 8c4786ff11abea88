"""One of each kind has a clock an hour ahead of the database's and the others'."""

import asyncio

from ..cluster import FAKETIME

TITLE = "clocks an hour ahead"


def impossible():
    return None if FAKETIME.exists() else "libfaketime is missing: make packages"


async def run(env):
    await turn_ahead(env, "api-1", "worker-1", "scheduler-1")


async def turn_ahead(env, *names):
    """Starts these an hour ahead, and looks that facts are dated by the database's clock nevertheless (S2)."""
    for name in names:
        await env.programs[name].terminate()
        await env.programs[name].start(clock="+3600s")
    await asyncio.sleep(env.seconds)
    off = await env.cluster.value(
        "SELECT count(*) FROM events WHERE abs(extract(epoch FROM occurred_at - pg_xact_commit_timestamp("
        "transaction_id::xid))) > 60")
    env.require(off == "0", f"{off} events are dated by a wrong clock")
    env.note("assigned", int(await env.cluster.value("SELECT count(*) FROM assignments")))
