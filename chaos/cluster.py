"""PostgreSQL servers of the run's own: private directory, loopback and Unix sockets only, never as root."""

import asyncio
import glob
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import time

DATABASE = "switchboard"
OWNER = "switchboard"

#: Seconds for which a statement of ours waits for a server that recovers.
RECOVERY = 60


def binaries():
    """The newest installed PostgreSQL from 15 on."""
    found = [pathlib.Path(path).parent for path in glob.glob("/usr/lib/postgresql/*/bin/initdb")]
    usable = [path for path in found if path.parent.name.isdigit() and int(path.parent.name) >= 15]
    if not usable:
        raise SystemExit("no PostgreSQL 15 or newer under /usr/lib/postgresql: make packages")
    return max(usable, key=lambda path: int(path.parent.name))


def _ports():
    """Below the range from which the system numbers outgoing connections.

    Out of that range one of the thousands that the load opens takes a port
    between its choice and its server's bind, or while its server is down.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest = int(file.read().split()[0])
    highest = lowest if lowest > 13_000 else 32_000
    ports = list(range(highest - 12_000, highest))
    random.SystemRandom().shuffle(ports)
    yield from ports


_PORTS = _ports()


def free_port():
    """A port that nobody listens on, never handed out twice in a run."""
    for port in _PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("no port is free below the range of outgoing connections")


def server_user():
    """Who runs the server: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def as_server_user(*command):
    user = server_user()
    prefix = ["setpriv", "--pdeathsig", "KILL"]
    if user:
        prefix += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    return [*prefix, "--", *map(str, command)]


def give(path):
    """Makes a directory the server's."""
    user = server_user()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)


async def run(*command, input=None, cwd="/", env=None):
    """Runs a command; its failure is an error with what it said."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=cwd, env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE)
    out, err = await process.communicate(input.encode() if input else b"")
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} … ended with {process.returncode}: {(err or out).decode()[-2000:]}")
    return out.decode()


def children(pid):
    """The living children of a process."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = pathlib.Path(path).read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(path.split("/")[2]))
    return found


FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


def wrong_clock(clock):
    """The variables that put a process's clock ahead, such as `+3600s`; its monotonic clock stays as it is.

    A clock behind is made by putting those of all others ahead: libfaketime lets timed waits of threads hang when a
    clock goes back.
    """
    if not clock:
        return {}
    return {"LD_PRELOAD": str(FAKETIME), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def forget_clock(pid):
    """What libfaketime leaves of a process that was killed."""
    for path in glob.glob(f"/dev/shm/*faketime_*_{pid}"):
        os.unlink(path)


class Cluster:
    """One server. Its settings are printed with the run; durability is never switched off."""

    SETTINGS = {
        "listen_addresses": "127.0.0.1", "max_connections": "120", "shared_buffers": "64MB", "fsync": "on",
        "synchronous_commit": "on", "full_page_writes": "on", "track_commit_timestamp": "on", "jit": "off",
        "timezone": "UTC", "autovacuum_naptime": "5s", "log_min_messages": "warning", "restart_after_crash": "on",
        "log_min_error_statement": "panic",
    }

    def __init__(self, directory, settings=None):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.port = free_port()
        self.settings = {**self.SETTINGS, **(settings or {})}
        #: How wrong its clock is, such as `+3600s`.
        self.clock = None
        self.process = None
        self._bin = binaries()

    async def initialise(self):
        self.directory.mkdir(parents=True)
        give(self.directory)
        await run(*as_server_user(self._bin / "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8",
                                  "--locale=C.UTF-8", "--auth=trust", "--no-sync", "--no-instructions"),
                  env={**os.environ, "LC_ALL": "C.UTF-8"})

    async def copy(self, template):
        """A copy of a stopped server's data."""
        self.directory.mkdir(parents=True, exist_ok=True)
        give(self.directory)
        await run("cp", "-a", "--reflink=auto", template, self.data)

    async def start(self, patience=60):
        with open(self.directory / "postgres.log", "ab") as log:
            options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
            # By env, after the user is chosen: libfaketime's shared memory belongs to whoever it is loaded for first.
            clock = [f"{name}={value}" for name, value in wrong_clock(self.clock).items()]
            self.process = await asyncio.create_subprocess_exec(
                *as_server_user("env", *clock, self._bin / "postgres", "-D", self.data,
                                "-k", self.directory, "-p", self.port, *options),
                cwd="/", stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for _ in range(patience * 20):
            if self.process.returncode is not None:
                raise RuntimeError(f"PostgreSQL did not start: {self.log()[-2000:]}")
            if await self.answers():
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("PostgreSQL does not answer")

    async def answers(self):
        process = await asyncio.create_subprocess_exec(
            self._bin / "pg_isready", "-q", "-h", self.directory, "-p", str(self.port))
        return await process.wait() == 0

    def log(self):
        return (self.directory / "postgres.log").read_text(errors="replace")

    @property
    def is_running(self):
        return self.process is not None and self.process.returncode is None

    async def stop(self, how="fast"):
        """`smart`, `fast` or `immediate`, by the signal that PostgreSQL has for it."""
        if self.is_running:
            kind = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how]
            self.process.send_signal(kind)
            await self.process.wait()

    async def kill(self):
        """As a power cut would, but for what the operating system has in its cache."""
        victims = children(self.process.pid)
        for pid in [self.process.pid, *victims]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        await self.process.wait()
        while any(os.path.exists(f"/proc/{pid}") for pid in victims):
            await asyncio.sleep(0.01)

    async def promote(self):
        await run(*as_server_user(self._bin / "pg_ctl", "promote", "-D", self.data, "-w"))

    async def psql(self, sql, database=DATABASE, user="postgres"):
        end = time.monotonic() + RECOVERY
        while True:
            try:
                return await run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.directory,
                                 "-p", self.port, "-U", user, "-d", database, "-f", "-", input=sql)
            except RuntimeError as error:
                # Nothing was executed: a killed backend's server lets nobody in until it has recovered, and says so in
                # several ways: is in recovery mode, is starting up, is not yet accepting connections.
                if "FATAL:  the database system is " not in str(error) or time.monotonic() > end:
                    raise
                await asyncio.sleep(0.1)

    async def rows(self, sql):
        """The rows of one SELECT as dictionaries."""
        text = await self.psql(f"SELECT coalesce(json_agg(row_to_json(x)), '[]') FROM ({sql}) x")
        return json.loads(text)

    async def value(self, sql):
        return (await self.psql(sql)).strip()

    async def session(self, sql):
        """A client of an outsider's that stays: give it a statement that takes its time. The caller ends it."""
        process = await asyncio.create_subprocess_exec(
            "psql", "-X", "-q", "-h", str(self.directory), "-p", str(self.port), "-U", "postgres", "-d", DATABASE,
            env={**os.environ, "PGAPPNAME": "outsider"}, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        process.stdin.write(sql.encode() + b"\n")
        await process.stdin.drain()
        return process

    def url(self, name, ports=None):
        """A connection string for a process of that name; several ports are several hosts."""
        ports = ports or [self.port]
        hosts = ",".join(["127.0.0.1"] * len(ports))
        text = f"host={hosts} port={','.join(map(str, ports))} user={OWNER} dbname={DATABASE} application_name={name}"
        return text + (" target_session_attrs=read-write" if len(ports) > 1 else "")

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
