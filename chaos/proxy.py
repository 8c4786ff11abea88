"""A TCP proxy between processes and their database that makes the faults a network makes."""

import asyncio
import socket
import struct

from .cluster import free_port


class Proxy:
    """Forwards to `target()`, a port of this machine.

    A stall or cut holds every byte back and forwards it after `heal`, so that what was written before arrives late.
    """

    def __init__(self, target):
        self.port = free_port()
        self._target = target
        self._server = None
        self._links = set()
        self.delay = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def start(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=512)

    async def stop(self):
        self._server.close()
        self.heal()
        self.reset()

    # Faults

    def stall(self):
        """Nothing passes, in either direction, on old connections or new ones; none is closed."""
        self._flowing.clear()

    def heal(self):
        self.delay = 0.0
        self._flowing.set()

    def reset(self):
        """Every connection ends with RST, on both sides."""
        for link in list(self._links):
            for writer in link.writers:
                _abort(writer)

    def half_open(self):
        """The server's side ends, the client's hears nothing of it."""
        for link in list(self._links):
            link.is_deaf = True
            _abort(link.writers[1])

    @property
    def count(self):
        return len(self._links)

    # Forwarding

    async def _accept(self, reader, writer):
        await self._flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target())
        except OSError:
            _abort(writer)
            return
        link = _Link((writer, far_writer))
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pump(link, reader, far_writer, True), self._pump(link, far_reader, writer, False))
        finally:
            self._links.discard(link)
            for one in link.writers:
                one.close()

    async def _pump(self, link, reader, writer, is_from_client):
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if link.is_deaf:
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        if link.is_deaf and not is_from_client:
            # Until the client finds out by itself.
            return
        for one in link.writers:
            one.close()


class _Link:
    def __init__(self, writers):
        self.writers = writers
        self.is_deaf = False


def _abort(writer):
    connection = writer.get_extra_info("socket")
    if connection is not None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()
