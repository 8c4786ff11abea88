"""The channels' receiver: takes what is delivered, remembers every body under its key, and misbehaves if told."""

import asyncio
import collections
import random
import time

from .cluster import free_port

MODES = ("ok", "slow", "dead", "error", "garbage", "endless")


class Receiver:
    """Paths are `/{channel}`, `0-good` and the like; each channel behaves as `modes` says, `ok` by default."""

    def __init__(self):
        # Good and bad channels are two hosts, as far as connections go: 32 go to one host and port.
        self._ports = {"good": free_port(), "bad": free_port()}
        self.modes = {}
        self._servers = []
        self._connections = set()
        self.reset()

    def reset(self):
        #: key → bodies of all attempts
        self.bodies = collections.defaultdict(list)
        #: key → when a 2xx was written first, in the order of writing
        self.confirmed = {}
        #: channel → attempts
        self.attempts = collections.Counter()
        self.modes.clear()

    async def start(self):
        for port in self._ports.values():
            self._servers.append(await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=512))

    async def stop(self):
        for server in self._servers:
            server.close()
        for task in list(self._connections):
            task.cancel()

    def url(self, channel):
        return f"http://127.0.0.1:{self._ports[channel.split('-')[1]]}/{channel}"

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        channel = head[0].split(" ")[1].strip("/")
        key = headers["idempotency-key"].strip('"')
        mode = self.modes.get(channel, "ok")
        self.attempts[channel] += 1
        if mode == "dead":
            writer.transport.abort()
            return False
        self.bodies[key].append(body)
        if mode == "error":
            writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n")
            return True
        if mode == "garbage":
            writer.write(bytes(random.randrange(256) for _ in range(400)))
            return False
        if mode == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.2)
        if mode == "slow":
            await asyncio.sleep(random.uniform(2, 4))
        else:
            await asyncio.sleep(0.005)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        self.confirmed.setdefault(key, (len(self.confirmed), time.time()))
        return True
