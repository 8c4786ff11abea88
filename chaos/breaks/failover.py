"""The primary of a streaming pair dies; the standby is promoted, and the multi-host string finds it."""

import asyncio
import time

TITLE = "failover of a streaming pair: pg_ctl promote, synchronous replication"
NEEDS = {"pair": True}


async def run(env):
    for _ in range(200):
        if await env.cluster.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1":
            break
        await asyncio.sleep(0.05)
    else:
        env.wrong.append("the standby never became synchronous")
    await asyncio.sleep(env.seconds / 2)
    before = len(env.ledger.acknowledged)
    await env.cluster.kill()
    died = time.monotonic()
    await asyncio.sleep(env.random.uniform(0.2, 2.0))
    await env.standby.promote()
    promoted = time.monotonic()
    env.cluster, env.standby = env.standby, env.cluster
    back = await env.resumed()
    env.note("acknowledged before", before)
    env.note("promoted after s", promoted - died)
    env.note("writing again after promotion s", back)
    env.require(back < 10, f"writing resumed {back:.1f} s after the promotion")
    await asyncio.sleep(env.seconds / 2)
