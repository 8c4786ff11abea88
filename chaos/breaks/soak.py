"""Nothing breaks for a long time: latency, memory, dead rows and what a row takes on disk stay as they were."""

import asyncio
import statistics
import time

TITLE = "nothing breaks: the soak"

#: Elsewhere agents answer and close as fast as the machine allows, which takes all of it whatever contacts write. With a
#: pause, and 150 messages a second, two cores are two thirds busy.
NEEDS = {"agents_pause": 2.0}

#: Looks in the whole time; the first third is what the last is compared with.
LOOKS = 30

#: Rows that come and go, or are written again and again: their tables must not grow.
QUEUES = ("run_signals", "line_entries", "line_marks", "lines", "agents", "team_members", "processes")

#: Tables that grow with what is done: what one row takes, indexes included, must not.
GROWING = ("contacts", "conversations", "identities", "message_receipts", "assignments", "decisions", "runs", "outbox")


async def run(env):
    pause = env.seconds / LOOKS
    looks = []
    for _ in range(LOOKS):
        since = time.monotonic()
        await asyncio.sleep(pause)
        looks.append(await look(env, since))
        if len(looks) % 5 == 0:
            env.note(f"look {len(looks)}", ", ".join(f"{name} {value:.3g}" for name, value in looks[-1].items()))
    third = LOOKS // 3
    early, late = looks[:third], looks[-third:]

    def compare(name, factor, spare=0.0):
        before = statistics.median(one[name] for one in early if name in one)
        after = statistics.median(one[name] for one in late if name in one)
        env.note(name, f"{before:.3g} → {after:.3g}")
        env.require(after <= before * factor + spare, f"{name} went from {before:.3g} to {after:.3g}")

    compare("acknowledged p50 ms", 1.5, 5)
    compare("acknowledged p99 ms", 2, 50)
    compare("memory MB", 1.2, 10)
    compare("dead rows of queues", 2, 5000)
    compare("queues MB", 2, 8)
    compare("bytes a growing row", 1.25)


async def look(env, since):
    """What this stretch was like."""
    sizes = await env.cluster.rows(
        "SELECT relname AS name, pg_total_relation_size(relid) AS bytes, n_live_tup AS live, n_dead_tup AS dead"
        " FROM pg_stat_user_tables")
    queues = [row for row in sizes if row["name"] in QUEUES]
    growing = [row for row in sizes if row["name"] in GROWING]
    facts = {
        "acknowledged p50 ms": 1000 * env.ledger.percentile(0.5, since),
        "acknowledged p99 ms": 1000 * env.ledger.percentile(0.99, since),
        "memory MB": sum(program.resident for program in env.programs.values()) / 1e6,
        "dead rows of queues": sum(row["dead"] for row in queues),
        "queues MB": sum(row["bytes"] for row in queues) / 1e6,
        "bytes a growing row": sum(row["bytes"] for row in growing) / max(1, sum(row["live"] for row in growing)),
    }
    return facts
