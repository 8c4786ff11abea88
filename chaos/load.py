"""Contacts who write and agents who answer and close, and the ledger of everything that was acknowledged to them.

The ledger is this process's own: nothing in it comes from the database. An outcome that nobody told us is never written
down as one; the same request is repeated, with the same message id or Idempotency-Key, until somebody does.
"""

import asyncio
import collections
import dataclasses
import itertools
import time

from .client import Client, Unknown

WORDS = ("card", "money", "transfer", "fee", "card lost", "no money")


@dataclasses.dataclass
class Message:
    """One message of a contact, and what we were told about it."""

    id: str
    world: object
    channel: str
    contact: str
    text: str
    attempts: int = 0
    #: Attempts that ended without an answer we can believe.
    unknown: int = 0
    conversation: str | None = None
    opened: bool | None = None
    acknowledged_at: float | None = None
    #: Nobody asks again: it was refused, or lost in a flood.
    abandoned: bool = False


class Ledger:
    """What was acknowledged, and what was said that must never be said."""

    def __init__(self):
        self.messages = {}
        #: message id given by the program → (world, conversation, text) of an agent's reply
        self.replies = {}
        #: conversation → world
        self.closed = {}
        self.wrong = []
        self.answers = collections.Counter()
        #: when each acknowledgement came, and how long it had taken from the first attempt
        self.times = []

    @property
    def acknowledged(self):
        return [message for message in self.messages.values() if message.acknowledged_at]

    def say_wrong(self, text):
        if len(self.wrong) < 50:
            self.wrong.append(text)

    def acknowledge(self, message, result, began):
        status, conversation, opened = result["status"], result["conversation_id"], result["opened"]
        if status not in ("accepted", "duplicate"):
            self.say_wrong(f"{message.id} was {status}: {result.get('problem')}")
            return
        if message.acknowledged_at:
            if (status, conversation, opened) != ("duplicate", message.conversation, message.opened):
                self.say_wrong(f"{message.id} said again was {status} in {conversation},"
                               f" first in {message.conversation}")
            return
        if status == "duplicate" and not message.unknown:
            self.say_wrong(f"{message.id} was a duplicate, and nobody had heard of it")
        message.conversation, message.opened, message.acknowledged_at = conversation, opened, time.monotonic()
        self.times.append((message.acknowledged_at, message.acknowledged_at - began))

    def longest_silence(self, since, until):
        """Seconds in which nothing was acknowledged, at most."""
        moments = [since, *sorted(at for at, _ in self.times if since <= at <= until), until]
        return max(after - before for before, after in zip(moments, moments[1:]))

    def percentile(self, share, since=0, until=float("inf")):
        """Seconds to acknowledgement."""
        taken = sorted(took for at, took in self.times if since <= at <= until)
        return taken[min(len(taken) - 1, int(share * len(taken)))] if taken else float("nan")


class Load:
    """Drives the worlds until told to stop writing, then until every outcome is known."""

    def __init__(self, worlds, ports, rate, randomness, channels=("good",), agents_pause=0.15):
        self.worlds = worlds
        self.rate = rate
        self.ledger = Ledger()
        self.client = Client(ports)
        self._random = randomness
        self._channels = channels
        self._agents_pause = agents_pause
        self._number = itertools.count(1)
        self._mark = f"{randomness.getrandbits(48):012x}"
        self._writing = True
        self._working = True
        self._calls = set()
        self._tasks = []

    def start(self):
        self._tasks = [asyncio.create_task(self._write())]
        for world in self.worlds:
            self._tasks += [asyncio.create_task(self._agents(world)), asyncio.create_task(self._presence(world))]

    async def stop_writing(self, patience):
        """No more messages; returns whether the outcome of all is known."""
        self._writing = False
        end = time.monotonic() + patience
        while self._calls and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return not self._calls

    async def stop(self):
        """Nobody works any more; what is under way is answered first."""
        self._working = False
        await asyncio.wait(self._tasks, timeout=30)
        for task in [*self._tasks, *self._calls]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._calls, return_exceptions=True)
        self.client.close()
        for task in self._tasks:
            if not task.cancelled() and task.exception():
                raise task.exception()

    async def retried(self, method, path, key, body=None, headers=None, on_unknown=lambda: None):
        """Repeats the same request until there is an answer that says what happened."""
        wait = 0.05
        while True:
            try:
                answer = await self.client.request(method, path, key, body, headers)
            except Unknown:
                self.ledger.answers["none"] += 1
                on_unknown()
            else:
                self.ledger.answers[answer.status] += 1
                if answer.status == 409 and answer.problem == "idempotency-key-in-use":
                    on_unknown()
                elif answer.status in (429, 503):
                    # A 503 may come after the commit: its detail says so.
                    on_unknown()
                else:
                    if answer.status >= 500:
                        self.ledger.say_wrong(f"{method} {path}: {answer.status} {answer.json}")
                        on_unknown()
                    else:
                        return answer
            await asyncio.sleep(wait * self._random.uniform(0.5, 1.5))
            wait = min(wait * 2, 1.0)

    # Contacts

    async def _write(self):
        """Open loop: who writes does not wait for anybody."""
        due = time.monotonic()
        while self._writing:
            size = self._random.choice((1, 1, 1, 2, 4))
            due += size / self.rate
            await asyncio.sleep(max(0, due - time.monotonic()))
            due = max(due, time.monotonic() - 0.5)
            # As many as contacts wait for: beyond, they would not write either.
            if len(self._calls) < 400:
                self._spawn(self.say(self.compose(size)))

    def _spawn(self, work):
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    def compose(self, size, fresh=False, world=None):
        """Messages of one call: one channel, contacts who come back more often than not."""
        world = world or self._random.choice(self.worlds)
        channel = self._random.choice([name for name in world.channels if name.split("-")[1] in self._channels])
        messages = []
        for _ in range(size):
            number = next(self._number)
            contact = f"n{number}" if fresh else f"c{self._random.randrange(120)}"
            identifier = f"{self._mark}-{number}"
            message = Message(identifier, world, channel, contact, f"{self._random.choice(WORDS)} #{identifier}")
            messages.append(self.ledger.messages.setdefault(identifier, message))
        return messages

    async def say(self, messages):
        """One call, until it is answered; now and then once more although it was."""
        began = time.monotonic()
        world, channel = messages[0].world, messages[0].channel
        body = {"events": [
            {"type": "message", "message_id": message.id, "text": message.text,
             "contact": {"external_id": message.contact, "name": f"Contact {message.contact}"}}
            for message in messages]}

        def unknown():
            for message in messages:
                message.unknown += 1

        for _ in range(2 if self._random.random() < 0.03 else 1):
            path = f"/v1/channels/{world.channels[channel]}/inbound"
            answer = await self.retried("POST", path, world.key, body, on_unknown=unknown)
            if answer.status != 200:
                self.ledger.say_wrong(f"inbound: {answer.status} {answer.json}")
                return
            for message, result in zip(messages, answer.json["results"], strict=True):
                message.attempts += 1
                if result["message_id"] != message.id:
                    self.ledger.say_wrong(f"{message.id} was answered as {result['message_id']}")
                self.ledger.acknowledge(message, result, began)

    # Agents

    async def _agents(self, world):
        busy = set()
        while self._working:
            answer = await self.retried(
                "GET", "/v1/conversations?status=open&waiting=false&order=asc&limit=200", world.key)
            work = []
            for conversation in answer.json["items"]:
                identifier = conversation["id"]
                if conversation["assignee_id"] and identifier not in busy and identifier not in self.ledger.closed:
                    if self._random.random() < 0.7:
                        busy.add(identifier)
                        work.append(self._handle(world, identifier, conversation["assignee_id"], busy))
            for chunk in _chunks(work, 16):
                await asyncio.gather(*chunk)
            await asyncio.sleep(self._agents_pause)

    async def _handle(self, world, conversation, agent, busy):
        """A reply, mostly, and the end. Nobody else closes, so a repetition may only find its own effect."""
        path = f"/v1/conversations/{conversation}"
        if self._random.random() < 0.6:
            text = f"reply {self._random.getrandbits(64):016x}"
            answer = await self.retried("POST", f"{path}/messages", world.key, {"text": text}, self._as(agent))
            if answer.status == 201:
                self.ledger.replies[answer.json["id"]] = (world, conversation, text)
            else:
                self.ledger.say_wrong(f"a reply: {answer.status} {answer.json}")
        answer = await self.retried("POST", f"{path}/close", world.key, {"category": "Others"}, self._as(agent))
        if answer.status == 200:
            self.ledger.closed[conversation] = world
        else:
            self.ledger.say_wrong(f"a closing: {answer.status} {answer.json}")
        busy.discard(conversation)

    def _as(self, agent):
        return {"X-Agent-Id": agent, "Idempotency-Key": f"{self._random.getrandbits(96):024x}"}

    async def _presence(self, world):
        """Somebody is always away for a moment, so that lines fill and empty."""
        while self._working:
            agent = self._random.choice(list(world.agents))
            for presence in ("away", "online"):
                answer = await self.retried(
                    "PUT", f"/v1/agents/{agent}/presence", world.key, {"presence": presence})
                if answer.status != 200:
                    self.ledger.say_wrong(f"presence: {answer.status} {answer.json}")
                if presence == "away" and self._working:
                    await asyncio.sleep(self._random.uniform(0.2, 1.0))
            await asyncio.sleep(0.3)


def _chunks(work, size):
    return [work[start:start + size] for start in range(0, len(work), size)]
