"""Processes asked to end under load, one after the other, as a rolling restart does: nothing accepted is refused."""

import asyncio
import time

TITLE = "SIGTERM under load"


async def run(env):
    end = time.monotonic() + env.seconds
    stops, slowest = 0, 0.0
    programs = list(env.programs.values())
    while time.monotonic() < end or stops < len(programs):
        program = programs[stops % len(programs)]
        stops += 1
        code, seconds = await program.terminate()
        slowest = max(slowest, seconds)
        env.require(code == 0, f"{program.name} ended with {code}: {program.said()[-400:]}")
        env.require(seconds < 30, f"{program.name} took {seconds:.1f} s")
        await program.start()
        await asyncio.sleep(env.random.uniform(0.1, 0.8))
    env.note("stops", stops)
    env.note("slowest end s", slowest)
