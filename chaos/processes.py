"""The program's processes: started, signalled, killed and watched, each with a log of its own."""

import asyncio
import os
import pathlib
import signal
import time

from .cluster import free_port, wrong_clock


class Program:
    """One process of the program: `api`, `worker`, `scheduler` or `serve`."""

    def __init__(self, name, part, executable, directory, url, root, extra=None):
        self.name, self.part = name, part
        self.port = free_port() if part in ("api", "serve") else None
        self.root = root
        self.url = url
        self.extra = dict(extra or {})
        self._executable = executable
        self._directory = pathlib.Path(directory)
        self._log = self._directory / f"{name}.log"
        self._offset = 0
        self.process = None
        #: Set while an end of the process is meant.
        self.is_meant_to_end = False
        self.asked_to_end = []
        self.pids = []

    def environment(self, crash_at=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWITCHBOARD_", "PG"))}
        environment = {
            **kept, "DATABASE_URL": self.url, "SWITCHBOARD_ROOT": str(self.root),
            "SWITCHBOARD_STATE_DIRECTORY": str(self._directory / "state"), "TMPDIR": str(self._directory / "tmp"),
            "SWITCHBOARD_POOL_READ": "2", "SWITCHBOARD_POOL_TRANSACTION": "4",
            "SWITCHBOARD_ALLOW_PRIVATE_NETWORKS": "true", "SWITCHBOARD_RATE_LIMIT_KEY": "off",
            "SWITCHBOARD_RATE_LIMIT_CHANNEL": "off", "SWITCHBOARD_RATE_LIMIT_WORKSPACE": "off",
            "SWITCHBOARD_DATABASE_LIMIT": "PT2M", **self.extra}
        if crash_at:
            environment["SWITCHBOARD_CRASH_AT"] = crash_at
        return environment

    async def start(self, crash_at=None, clock=None, ready=True):
        """Starts it and waits until it is at work.

        `crash_at`: `point:N`, where it kills itself. `clock`: how wrong its clock is, such as `+3600s`.
        """
        environment = {**self.environment(crash_at), **wrong_clock(clock)}
        (self._directory / "tmp").mkdir(exist_ok=True)
        arguments = [self.part] + (["--listen", f"127.0.0.1:{self.port}"] if self.port else [])
        self.is_meant_to_end = crash_at is not None
        self._offset = self._log.stat().st_size if self._log.exists() else 0
        with open(self._log, "ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", "--", str(self._executable), *arguments,
                cwd=self._directory, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.pids.append(self.process.pid)
        if ready:
            await self.ready()

    async def ready(self, patience=90):
        """Until it serves, or works."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not self.is_running:
                if self.is_meant_to_end:
                    return
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self.said()[-1500:]}")
            if await self._answers():
                return
            await asyncio.sleep(0.03)
        raise RuntimeError(f"{self.name} is not ready: {self.said()[-1500:]}")

    async def _answers(self):
        if not self.port:
            return " running" in self.said()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in await asyncio.wait_for(reader.readline(), 2)
        except (OSError, asyncio.TimeoutError):
            return False
        finally:
            writer.close()

    def said(self):
        """Its log since its last start."""
        with open(self._log, "rb") as log:
            log.seek(self._offset)
            return log.read().decode(errors="replace")

    def last_words(self):
        """The end of its log; of a trap what it was and where, which stands before registers and images."""
        said = self.said()
        trap = max(said.find("Fatal error"), said.find("💣"), said.find("*** "))
        return said[max(0, trap - 300):trap + 4000] if trap >= 0 else said[-600:]

    @property
    def is_running(self):
        return self.process is not None and self.process.returncode is None

    @property
    def resident(self):
        """Bytes of memory in use."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    async def terminate(self, patience=40):
        """SIGTERM. Returns the exit code and how many seconds the end took."""
        self.is_meant_to_end = True
        began = time.monotonic()
        self.asked_to_end.append(self.process.pid)
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), patience)
            except asyncio.TimeoutError:
                self.process.kill()
                await self.process.wait()
        return self.process.returncode, time.monotonic() - began

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    async def kill(self):
        self.is_meant_to_end = True
        if self.is_running:
            self.process.kill()
        await self.process.wait()

    async def ended(self, patience):
        """Whether it ends by itself in time."""
        try:
            await asyncio.wait_for(asyncio.shield(self.process.wait()), patience)
            return True
        except asyncio.TimeoutError:
            return False
