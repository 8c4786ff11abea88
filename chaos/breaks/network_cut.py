"""One of each kind is cut off for longer than its leases; others take over; then the cut heals and what it had written
arrives after all: the stale write must change nothing."""

import asyncio
import time

TITLE = "network: cut for longer than a lease, and back"
NEEDS = {
    "proxy": ("api-1", "worker-1", "scheduler-1"), "line_margin": 8,
    "processes": {"api-1": "api", "api-2": "api", "worker-1": "worker", "worker-2": "worker",
                  "scheduler-1": "scheduler", "scheduler-2": "scheduler"}}


async def run(env):
    # At a moment when the one that will be cut off holds effects, so that somebody else must send them.
    for _ in range(100):
        if int(await env.cluster.value("SELECT count(*) FROM outbox WHERE lease_until > now()")) > 0:
            break
        await asyncio.sleep(0.02)
    env.proxy.stall()
    began = time.monotonic()
    # A line that is held over the cut is free 5 s later, an effect after 60 s.
    await asyncio.sleep(8 if env.is_short else 75)
    if env.is_short:
        await env.expire_leases()
        await env.cluster.psql("UPDATE job_runs SET next_at = now() WHERE status = 'running'")
        await asyncio.sleep(2)
    env.note("longest silence s", env.ledger.longest_silence(began, time.monotonic()))
    late = time.monotonic() - began - 6
    taken = await env.cluster.value(
        f"SELECT count(*) FROM assignments WHERE occurred_at > now() - interval '{late} seconds'")
    env.note("assigned by the other worker meanwhile", int(taken))
    env.require(int(taken) > 0, "nobody took over")
    env.proxy.heal()
    await asyncio.sleep(env.seconds / 3)
