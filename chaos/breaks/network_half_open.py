"""The server's side of connections goes away and the processes hear nothing: they must find out, and others go on."""

import asyncio
import time

TITLE = "network: half-open connections"
NEEDS = {"proxy": ("api-1", "worker-1", "scheduler-1")}

#: The client gives a silent server its statement time-out, and five seconds more (`silenceGrace`), then connects again,
#: up to five seconds later; a read that is asked again may meet the same once more.
FOUND_OUT = 50


async def run(env):
    env.proxy.half_open()
    began = time.monotonic()
    await asyncio.sleep(env.seconds)
    # The other half of the processes is well: there is a break in nothing but what was under way.
    env.note("longest silence s", env.ledger.longest_silence(began, time.monotonic()))
    await asyncio.sleep(max(0, FOUND_OUT - env.seconds))
    world = env.worlds[0]
    answer = await env.load.client.request(
        "GET", "/v1/conversations?limit=1", world.key, port=env.programs["api-1"].port)
    env.require(answer.status == 200, f"api-1 still answers {answer.status} after {FOUND_OUT} s")
