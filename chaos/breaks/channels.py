"""A channel that is slow, dead, answers garbage or never ends an answer: the others are delivered as ever."""

import asyncio
import time

TITLE = "channels: slow, dead, failing, garbage, never-ending"
NEEDS = {"channels": ("good", "bad")}


async def run(env):
    modes = ["slow", "dead", "error", "garbage", "endless"]
    env.random.shuffle(modes)
    bad = [name for world in env.worlds for name in world.channels if name.endswith("-bad")]
    share = max(4.5, env.seconds / len(modes))
    slowest = {}
    for mode in modes:
        for name in bad:
            env.receiver.modes[name] = mode
        since = time.time()
        await asyncio.sleep(share)
        rows = await env.cluster.rows(
            f"""SELECT o.key, extract(epoch FROM o.created_at) AS created FROM outbox o
                JOIN channels c ON c.workspace_id = o.workspace_id AND c.id = o.channel_id
                WHERE c.name LIKE '%-good' AND o.created_at > to_timestamp({since})
                    AND o.created_at < now() - interval '3 seconds'""")
        late = [row["key"] for row in rows if row["key"] not in env.receiver.confirmed]
        env.require(
            not late, f"{len(late)} of {len(rows)} effects of good channels wait for more than 3 s behind {mode}")
        waits = sorted(env.receiver.confirmed[row["key"]][1] - row["created"] for row in rows
                       if row["key"] in env.receiver.confirmed)
        slowest[mode] = round(waits[int(0.99 * len(waits))], 2) if waits else None
    env.note("p99 of delivery by good channels s", slowest)
