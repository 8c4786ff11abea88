"""HTTP as a client that may lose its server at any moment: an answer, or the honest word that nobody knows."""

import asyncio
import json
import random


class Unknown(Exception):
    """The request may or may not have taken effect."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self._body = status, headers, body

    @property
    def json(self):
        return json.loads(self._body) if self._body else None

    @property
    def problem(self):
        """The last part of the problem's type."""
        try:
            return str(self.json.get("type", "")).rsplit("/", 1)[-1]
        except (ValueError, AttributeError):
            return ""


class Client:
    """Keeps connections to several servers of the same API and uses any that answers."""

    def __init__(self, ports, timeout=8):
        self._ports = ports
        self._timeout = timeout
        self._idle = {}

    async def request(self, method, path, key, body=None, headers=None, port=None, timeout=None):
        """One attempt at one server, chosen at random unless `port` says which."""
        port = port or random.choice(self._ports())
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        payload = json.dumps(body).encode() if body is not None else b""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
        if method != "GET":
            lines += [f"Content-Length: {len(payload)}"] + ([f"Content-Type: {kind}"] if payload else [])
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        message = "\r\n".join(lines).encode() + b"\r\n\r\n" + payload
        try:
            return await asyncio.wait_for(self._exchange(port, message), timeout or self._timeout)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
            raise Unknown(repr(error)) from None

    async def _exchange(self, port, message):
        idle = self._idle.setdefault(port, [])
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        is_reusable = False
        try:
            writer.write(message)
            answer = await self._read(reader)
            is_reusable = answer.headers.get("connection", "").lower() != "close"
            return answer
        finally:
            if is_reusable:
                idle.append((reader, writer))
            else:
                writer.close()

    async def _read(self, reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
        else:
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(status, headers, body)

    def close(self):
        for connections in self._idle.values():
            for _, writer in connections:
                writer.close()
        self._idle = {}
