"""One row's surroundings: a database of its own, the program's processes over it, the load, and what was noticed."""

import asyncio
import pathlib
import random
import shutil
import time

from . import world as worlds_module
from .client import Client
from .cluster import DATABASE, OWNER, Cluster, as_server_user, binaries, forget_clock, give, run
from .load import Load
from .processes import Program
from .proxy import Proxy
from .receiver import Receiver


class Template:
    """A database with migrations and worlds, made once and copied for each row."""

    def __init__(self, directory, executable, root):
        self.directory = pathlib.Path(directory)
        # Copies: what is built or edited meanwhile must not change the program under a run.
        self.executable = shutil.copy2(executable, self.directory / "switchboard")
        self.root = self.directory / "root"
        for name in ("sql", "jobs"):
            shutil.copytree(root / name, self.root / name)
        shutil.copy2(root / "openapi.yaml", self.root)
        self.receiver = Receiver()
        self.worlds = []
        self.operator_key = ""
        self.data = self.directory / "template" / "data"

    async def make(self):
        await self.receiver.start()
        cluster = Cluster(self.directory / "template")
        await cluster.initialise()
        await cluster.start()
        # Neither superuser nor allowed into the connections reserved for one.
        await cluster.psql(f"CREATE ROLE {OWNER} LOGIN CREATEROLE; CREATE ROLE outsider LOGIN", database="postgres")
        await cluster.psql(f"CREATE DATABASE {DATABASE} OWNER {OWNER}", database="postgres")
        work = self.directory / "template-work"
        work.mkdir()
        api = Program("template", "api", self.executable, work, cluster.url("template"), self.root)
        await api.start()
        client = Client(lambda: [api.port], timeout=30)
        for index, zone in enumerate(worlds_module.ZONES):
            said = await run(self.executable, "workspaces", "create", f"w{index}", "--time-zone", zone,
                             cwd=work, env=api.environment())
            workspace, key = said.split()[-2:]
            self.worlds.append(await worlds_module.make(index, workspace, key, client, self.receiver))
        said = await run(
            self.executable, "keys", "create", "--operator", "--name", "chaos", cwd=work, env=api.environment())
        self.operator_key = said.split()[-1]
        client.close()
        await api.terminate()
        # Nights that were missed: the schedulers have windows to make up for while things break.
        await cluster.psql("UPDATE workspaces SET created_at = created_at - interval '12 days'")
        await cluster.stop()

    async def remove(self, keep):
        await self.receiver.stop()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)


class Environment:
    """What a break gets to work with.

    `needs` of the row: `proxy` (the processes that reach the database through it), `pair` (a streaming standby), `disk`
    (bytes of a tmpfs), `settings` (of the server), `channels` (of the load), `processes` (name → part), `extra`
    (variables of the processes), `server_clock` (how wrong the server's clock is), `line_margin`, `backlog` (more comes
    than agents can ever do: lines stay full).
    """

    PROCESSES = {"api-1": "api", "api-2": "api", "worker-1": "worker", "worker-2": "worker", "scheduler-1": "scheduler"}

    def __init__(self, template, name, needs, rate, seconds, seed, is_short, is_test=False):
        self.template, self.name, self.needs = template, name, needs
        self.rate, self.seconds, self.is_short, self.is_test = rate, seconds, is_short, is_test
        self.random = random.Random(f"{seed}/{name}")
        self.directory = template.directory / name
        self.receiver = template.receiver
        self.worlds = template.worlds
        self.cluster = None
        self.standby = None
        self.proxy = None
        self.programs = {}
        self.load = None
        self.facts = {}
        self.wrong = []
        self.began = time.monotonic()
        #: Seconds that may lie between a turn's look at a line and its stamp; more where the network stalls.
        self.line_margin = needs.get("line_margin", 0.5)
        self._mounted = None

    @property
    def ledger(self):
        return self.load.ledger

    def note(self, name, value):
        """A fact for the row's line of the log."""
        self.facts[name] = round(value, 2) if isinstance(value, float) else value

    def require(self, holds, what):
        if not holds:
            self.wrong.append(what)

    async def start(self):
        self.receiver.reset()
        self.directory.mkdir()
        base = self.directory / "primary"
        if size := self.needs.get("disk"):
            base.mkdir()
            await run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", base)
            self._mounted = base
            give(base)
        settings = dict(self.needs.get("settings", {}))
        if self.needs.get("pair"):
            settings |= {"wal_level": "replica", "max_wal_senders": "4"}
        self.cluster = Cluster(base, settings)
        self.cluster.clock = self.needs.get("server_clock")
        await self.cluster.copy(self.template.data)
        await self.cluster.start()
        if self.needs.get("pair"):
            await self._add_standby()
        if self.needs.get("proxy"):
            self.proxy = Proxy(lambda: self.cluster.port)
            await self.proxy.start()
        for name, part in self.needs.get("processes", self.PROCESSES).items():
            self.add(name, part)
        await asyncio.gather(*(program.start() for program in self.programs.values()))
        self.load = Load(
            self.worlds, self.api_ports, self.rate, self.random, self.needs.get("channels", ("good",)),
            self.needs.get("agents_pause", 0.15))
        self.load.start()
        await asyncio.sleep(min(2.0, self.seconds / 3))

    def add(self, name, part, root=None, extra=None):
        """A further process, not started yet."""
        url = self.cluster.url(name, self._ports(name))
        work = self.directory / name
        work.mkdir()
        program = Program(name, part, self.template.executable, work, url, root or self.template.root,
                          {**self.needs.get("extra", {}), **(extra or {})})
        self.programs[name] = program
        return program

    def _ports(self, name):
        if self.standby:
            return [self.cluster.port, self.standby.port]
        return [self.proxy.port if name in self.needs.get("proxy", ()) else self.cluster.port]

    async def _add_standby(self):
        """Streams from the primary, which from then on acknowledges only what the standby has on disk."""
        self.standby = Cluster(self.directory / "standby", self.cluster.settings)
        self.standby.directory.mkdir()
        give(self.standby.directory)
        await run(*as_server_user(
            binaries() / "pg_basebackup", "-D", self.standby.data, "-h", self.cluster.directory, "-p",
            self.cluster.port, "-U", "postgres", "-c", "fast", "-X", "stream", "-R", "--no-sync"))
        await self.standby.start()
        await self.cluster.psql("ALTER SYSTEM SET synchronous_standby_names = '*'", database="postgres")
        await self.cluster.psql("SELECT pg_reload_conf()", database="postgres")

    def api_ports(self):
        return [program.port for program in self.programs.values() if program.port] or [1]

    def of(self, part):
        return [program for program in self.programs.values() if program.part == part]

    async def resumed(self, patience=30):
        """Seconds until something is acknowledged again."""
        began = time.monotonic()
        known = len(self.ledger.times)
        while len(self.ledger.times) == known:
            if time.monotonic() - began > patience:
                self.wrong.append(f"nothing was acknowledged within {patience} s afterwards")
                break
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def settle(self):
        """Everybody goes on until nothing is left to do, then stops. Returns whether it came to that."""
        self.proxy and self.proxy.heal()
        self.receiver.modes.clear()
        for program in self.programs.values():
            if not program.is_running:
                if not program.is_meant_to_end:
                    self.wrong.append(
                        f"{program.name} ended by itself with {program.process.returncode}: {program.last_words()}")
                await program.start()
        known = await self.load.stop_writing(patience=60)
        if self.needs.get("backlog"):
            await self.load.stop()
        self.require(known, "some outcomes could not be learnt within 60 s")
        if self.is_short:
            await self.expire_leases()
        if not self.is_test:
            # A job's lease is a minute, longer than most rows.
            await self.cluster.psql("UPDATE job_runs SET next_at = now() WHERE status = 'running'")
        end = time.monotonic() + (60 if self.is_short else 180)
        while left := await self._left():
            if time.monotonic() > end:
                self.wrong.append(f"left undone: {left}")
                break
            if self.is_short:
                await self.cluster.psql(
                    "UPDATE outbox SET next_at = now() WHERE status = 'pending' AND next_at > now()")
            await asyncio.sleep(0.3)
        await self.load.stop()

    async def expire_leases(self):
        """Cuts short the waiting alone: that leases run out and attempts come again is what saves the work."""
        await self.cluster.psql(
            "UPDATE outbox SET lease_until = now() WHERE lease_until > now();"
            "UPDATE outbox SET next_at = now() WHERE status = 'pending'")

    async def _left(self):
        rows = await self.cluster.rows(
            """SELECT (SELECT count(*) FROM runs WHERE status IN ('candidate', 'active')) AS runs,
                (SELECT count(*) FROM line_entries) AS waiting,
                (SELECT count(*) FROM outbox WHERE status = 'pending') AS effects,
                (SELECT count(*) FROM run_signals WHERE due_at <= now()) AS signals,
                (SELECT count(*) FROM job_runs WHERE status IN ('pending', 'running') AND next_at <= now()) AS jobs""")
        if self.is_test:
            # A scheduler looks every 15 s; the long forms wait for it.
            rows[0].pop("jobs")
        if self.needs.get("backlog"):
            # Who waits in a line for an agent waits rightly, as long as every agent with room has been given something.
            rows = await self.cluster.rows(
                """SELECT (SELECT count(*) FROM runs r WHERE r.status = 'candidate' OR (r.status = 'active'
                        AND NOT EXISTS (SELECT FROM line_entries e WHERE e.run_id = r.id))) AS runs,
                    (SELECT count(*) FROM agents WHERE presence = 'online' AND open_count < max_open
                        AND EXISTS (SELECT FROM line_entries)) AS idle_agents,
                    (SELECT count(*) FROM outbox WHERE status = 'pending') AS effects""")
        return {name: count for name, count in rows[0].items() if count}

    async def stop_programs(self):
        """SIGTERM to all; each must end in time, with 0."""
        ends = await asyncio.gather(*(program.terminate() for program in self.programs.values()))
        for program, (code, seconds) in zip(self.programs.values(), ends, strict=True):
            self.require(code == 0, f"{program.name} ended with {code} on SIGTERM: {program.said()[-600:]}")
            self.require(seconds < 35, f"{program.name} took {seconds:.0f} s to end")

    def _servers(self):
        return [cluster.process.pid for cluster in (self.cluster, self.standby) if cluster and cluster.process]

    async def remove(self, keep=False):
        for program in self.programs.values():
            if program.is_running:
                await program.kill()
        if self.proxy:
            await self.proxy.stop()
        for cluster in (self.cluster, self.standby):
            if cluster:
                await cluster.stop("immediate")
        for pid in [*(pid for program in self.programs.values() for pid in program.pids), *self._servers()]:
            forget_clock(pid)
        if self._mounted:
            await run("umount", self._mounted)
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)
