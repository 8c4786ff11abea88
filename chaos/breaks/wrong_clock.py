"""Processes whose clocks are an hour ahead and an hour behind, beside others that are right."""

import asyncio

from ..processes import FAKETIME

TITLE = "clocks an hour wrong"


def impossible():
    return None if FAKETIME.exists() else "libfaketime is missing: make packages"


async def run(env):
    for program, clock in (("worker-1", "+3600s"), ("api-1", "-3600s"), ("scheduler-1", "+3600s")):
        await env.programs[program].terminate()
        await env.programs[program].start(clock=clock)
    ahead = env.add("scheduler-2", "scheduler")
    await ahead.start(clock="-3600s")
    await asyncio.sleep(env.seconds)
    # Facts are dated by the database's clock (S2), so that nothing is an hour off.
    off = await env.cluster.value(
        "SELECT count(*) FROM events WHERE abs(extract(epoch FROM occurred_at - pg_xact_commit_timestamp("
        "transaction_id::xid))) > 60")
    env.require(off == "0", f"{off} events are dated by a wrong clock")
    env.note("assigned", int(await env.cluster.value("SELECT count(*) FROM assignments")))
