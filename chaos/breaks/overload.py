"""Ten times the rate: what cannot be done soon is shed at once, the rest is done soon, and then all is as before."""

import asyncio
import time

from ..client import Unknown

TITLE = "10 × the sustained rate"

NEEDS = {"backlog": True}

#: Messages a call: the runner must not be the bottleneck.
SIZE = 50


async def run(env):
    sustained = await capacity(env)
    calm_since = time.monotonic()
    await asyncio.sleep(max(3.0, env.seconds / 4))
    base = env.ledger.percentile(0.99, calm_since)
    memory = {program.name: program.resident for program in env.programs.values()}
    peak = dict(memory)
    taken, shed, lost, other = [], 0, 0, set()
    ends = time.monotonic() + max(4.0, env.seconds / 2)
    calls = set()
    offered = 0

    async def flood():
        nonlocal shed, lost
        messages = env.load.compose(SIZE, fresh=True, world=env.random.choice(env.worlds))
        began = time.monotonic()
        status = await once(env, messages)
        if status == 200:
            taken.append(time.monotonic() - began)
        elif status in (429, 503):
            shed += 1
        elif status is None:
            lost += 1
        else:
            other.add(status)

    due = time.monotonic()
    while time.monotonic() < ends:
        due += SIZE / (10 * sustained)
        await asyncio.sleep(max(0, due - time.monotonic()))
        if len(calls) < 2000:
            call = asyncio.create_task(flood())
            calls.add(call)
            call.add_done_callback(calls.discard)
            offered += 1
        if offered % 20 == 0:
            for program in env.programs.values():
                peak[program.name] = max(peak[program.name], program.resident)
    over = time.monotonic()
    while calls and time.monotonic() < over + 30:
        await asyncio.sleep(0.05)
    back = None
    for second in range(1, 16):
        await asyncio.sleep(1)
        if env.ledger.percentile(0.99, time.monotonic() - 2) <= max(1.2 * base, 0.05):
            back = time.monotonic() - over
            break
    taken.sort()
    p99 = taken[int(0.99 * len(taken))] if taken else float("nan")
    env.note("sustained messages/s", round(sustained))
    env.note("calls offered", offered)
    env.note("taken / shed / unanswered", f"{len(taken)} / {shed} / {lost}")
    env.note("p99 of the accepted s", p99)
    env.note("base p99 s", base)
    env.note("back to 1.2 × base after s", back if back is not None else "more than 15")
    env.note("memory MB before → peak", ", ".join(
        f"{name} {memory[name] >> 20} → {peak[name] >> 20}" for name in memory))
    env.require(not other, f"answers of {other}")
    env.require(shed > 0, "nothing was shed")
    env.require(max(peak.values()) < 600 << 20, "memory is not bounded")
    # A bound on time holds on a machine that does nothing else: the long form asks for it.
    if not env.is_short:
        env.require(p99 <= 2, f"p99 of what was accepted is {p99:.1f} s")
        env.require(back is not None and back <= 10 + 2, "not back within 10 s")


async def once(env, messages):
    """One attempt. What is refused is over for its contact; what is accepted is in the ledger like any other."""
    world, channel = messages[0].world, messages[0].channel
    body = {"events": [
        {"type": "message", "message_id": message.id, "text": message.text,
         "contact": {"external_id": message.contact}} for message in messages]}
    began = time.monotonic()
    try:
        answer = await env.load.client.request(
            "POST", f"/v1/channels/{world.channels[channel]}/inbound", world.key, body, timeout=30)
    except Unknown:
        answer = None
    if answer is None or answer.status != 200:
        for message in messages:
            message.unknown += 1
            message.abandoned = True
        return answer.status if answer else None
    for message, result in zip(messages, answer.json["results"], strict=True):
        env.ledger.acknowledge(message, result, began)
    return 200


async def capacity(env):
    """Messages a second with a few callers who wait for each other: what is sustained without queueing."""
    counted = 0
    end = time.monotonic() + 2

    async def caller():
        nonlocal counted
        while time.monotonic() < end:
            messages = env.load.compose(SIZE, fresh=True, world=env.random.choice(env.worlds))
            if await once(env, messages) == 200:
                counted += len(messages)

    await asyncio.gather(*(caller() for _ in range(4)))
    return max(counted / 2, 100)
