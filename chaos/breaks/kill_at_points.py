"""Processes that kill themselves at named points of their work, under load (see CrashPoint.swift)."""

import asyncio
import time

TITLE = "kill -9 at named points: before commit, after commit before the answer, after sending before recording"

POINTS = (
    ("worker-1", "run.before_commit"), ("api-1", "ingest.after_commit"), ("worker-1", "effect.after_send"),
    ("worker-1", "line.before_commit"), ("api-1", "ingest.before_commit"))


async def run(env):
    end = time.monotonic() + env.seconds
    hits = {}
    number = 0
    while time.monotonic() < end or (number < len(POINTS) and time.monotonic() < end + 40) or (
            not env.is_short and sum(hits.values()) < 60 and time.monotonic() < end + 2 * env.seconds):
        name, point = POINTS[number % len(POINTS)]
        number += 1
        program = env.programs[name]
        # The others of its kind would do the work: they stand still until the point has been passed.
        others = [other for other in env.of(program.part) if other is not program] if program.part == "worker" else []
        await program.kill()
        for other in others:
            other.freeze()
        try:
            await program.start(crash_at=f"{point}:{env.random.randint(1, 4)}", ready=False)
            if await program.ended(12):
                env.require(program.process.returncode == -9, f"{point}: ended with {program.process.returncode}")
                hits[point] = hits.get(point, 0) + 1
        finally:
            for other in others:
                other.thaw()
        await program.kill()
        await program.start()
        await asyncio.sleep(env.random.uniform(0.1, 0.4))
    env.note("points passed", hits)
    env.note("kills that hit held work", sum(hits.values()))
    for _, point in POINTS:
        env.require(point in hits, f"{point} was never passed")
