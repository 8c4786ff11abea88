"""The disk of the server fills up to the last byte, while it works; then there is room again."""

import asyncio
import os
import shutil

TITLE = "PostgreSQL: disk full (tmpfs)"
NEEDS = {"disk": 400 << 20, "settings": {"max_wal_size": "64MB", "min_wal_size": "32MB"}}


def impossible():
    return None if os.getuid() == 0 else "mounting a tmpfs needs root"


async def run(env):
    balloon = env.cluster.directory / "balloon"
    with open(balloon, "wb") as file:
        while True:
            free = shutil.disk_usage(env.cluster.directory).free
            try:
                # All but what the next seconds write, so that it is the server's own write that fails.
                os.posix_fallocate(file.fileno(), 0, max(1, os.fstat(file.fileno()).st_size + free - (256 << 10)))
                break
            except OSError:
                await asyncio.sleep(0.1)
    for _ in range(int(env.seconds * 5)):
        await asyncio.sleep(0.2)
        with open(balloon, "ab") as file:
            try:
                file.write(b"\0" * min(1 << 20, shutil.disk_usage(env.cluster.directory).free))
            except OSError:
                pass
    refused = env.ledger.answers[503]
    balloon.unlink()
    for _ in range(100):
        if await env.cluster.answers():
            break
        if not env.cluster.is_running:
            # Recovery itself found no room: the server gave up, as documented, and is started by hand.
            await env.cluster.start()
            env.note("server started again", True)
        await asyncio.sleep(0.1)
    env.note("answers 503", refused)
    log = env.cluster.log()
    env.require("No space left" in log, "the disk was never full")
    env.note("back after s", await env.resumed(60))
