"""The program under test: its processes, a workspace to measure in, and calls to its API."""

import contextlib
import dataclasses
import http.client
import json
import random
import socket
import time
import uuid

from harness.processes import Failed, Process, run


def free_port():
    """A port below the range of outgoing connections, so that none of the load's takes it before its server does."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest = int(file.read().split()[0])
    highest = lowest if lowest > 13_000 else 32_000
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = random.randrange(highest - 12_000, highest)
            probe.bind(("127.0.0.1", port))
            return port


class Client:
    """One kept connection to an API."""

    def __init__(self, port, key=None):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._key = key

    def call(self, method, path, body=None, headers=None):
        """Returns status and parsed answer."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if self._key:
            sent["Authorization"] = f"Bearer {self._key}"
        self._connection.request(method, path, json.dumps(body) if body is not None else None, sent)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def must(self, method, path, body=None, headers=None):
        """The same for a call that has to succeed."""
        status, answer = self.call(method, path, body, headers)
        if status >= 300:
            raise Failed(f"{method} {path} answered {status}: {json.dumps(answer)[:1000]}")
        return answer

    def close(self):
        self._connection.close()


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A tenant to measure in; its rows are part of a template database."""

    id: str
    key: str
    channel: str
    token: str
    teams: tuple
    agents: tuple
    workflow: str

    @property
    def key_id(self):
        """The public part of the key, by which its row is found."""
        return self.key.split("_")[1]

    @property
    def inbound(self):
        return f"/v1/channels/{self.channel}/inbound"


def event(name, text="Where is my new card? I have been waiting for it since last week."):
    """A new contact's message; the load generator's is alike."""
    return {
        "type": "message", "message_id": name, "text": text,
        "contact": {"external_id": name, "name": f"Contact {name}"},
    }


class Program:
    """The built programs, and how to run them on a database."""

    def __init__(self, path, bench_path, root, log):
        self.path, self.bench_path, self.root, self.log = path, bench_path, root, log

    def _environment(self, database):
        return {
            "DATABASE_URL": database.url, "SWITCHBOARD_ROOT": self.root,
            "SWITCHBOARD_STATE_DIRECTORY": f"{database.cluster.directory}/state",
            # Limits protect from callers who ask for more than is good; here that is the point.
            **{f"SWITCHBOARD_RATE_LIMIT_{whose}": "off" for whose in ("KEY", "CHANNEL", "WORKSPACE")},
        }

    def command(self, database, *arguments, limit=600):
        """Runs a subcommand to its end, which may take so many seconds, and returns what it printed."""
        arguments = [self.path, *arguments, "--log-level", "warning"]
        return run(arguments, self._environment(database), limit).output.split()

    @contextlib.contextmanager
    def serving(self, database, part="serve", arguments=()):
        """Runs a part that serves HTTP, until the block ends. Gives (process, port).

        Without a line in the log for each request, as the peers run too."""
        port = free_port()
        with Process(
            [self.path, part, "--listen", f"127.0.0.1:{port}", "--log-level", "warning", *arguments],
            self.log, self._environment(database),
        ) as process:
            wait_until_ready(process, port)
            yield process, port

    def working(self, database, arguments=()):
        """Starts a worker; stop it, or use it as a block."""
        return Process(
            [self.path, "worker", "--log-level", "warning", *arguments], self.log, self._environment(database))

    @contextlib.contextmanager
    def echoing(self, delay=0):
        """Runs the echo server until the block ends. Gives (process, port)."""
        port = free_port()
        with Process([self.bench_path, "echo", "--port", str(port), "--delay", str(delay)], self.log) as process:
            wait_until_ready(process, port, "/v1/channels/x/inbound", method="POST")
            yield process, port

    def prepare(self, database, teams, agents_per_team, text_of_team, workspace=None):
        """Fills a workspace, a new one or one that is given as (id, key), so that its one workflow assigns to the teams.

        The workflow: trigger with a condition, a branch of two, a field, a tag, a branch by team where there are
        several, round robin in that team. `text_of_team` gives the words that lead to a team."""
        workspace_id, key = workspace or self.command(database, "workspaces", "create", "Bench")
        with self.serving(database, "api") as (_, port):
            client = Client(port, key)
            for other in client.must("GET", "/v1/workflows?limit=100")["items"]:
                if other["status"] == "published":
                    client.must("POST", f"/v1/workflows/{other['id']}/stop", {})
            channel = client.must("POST", "/v1/channels", {"name": "Bench", "kind": "custom"})
            made, agents = [], []
            for team in range(teams):
                made.append(client.must("POST", "/v1/teams", {"name": f"Team {team}"})["id"])
                for agent in range(agents_per_team):
                    body = {"name": f"Agent {team}-{agent}", "presence": "online"}
                    agents.append(client.must("POST", "/v1/agents", body)["id"])
                    client.must("PUT", f"/v1/teams/{made[-1]}/members/{agents[-1]}")
            definition = _workflow(made, text_of_team)
            workflow = client.must("POST", "/v1/workflows", definition)["id"]
            client.must("POST", f"/v1/workflows/{workflow}/publish")
            client.close()
        database.execute("VACUUM ANALYZE")
        return Workspace(
            workspace_id, key, channel["id"], channel["token"], tuple(made), tuple(agents), workflow)

    def accept(self, database, workspace, count, text_of):
        """Has messages of new contacts accepted and not worked on."""
        with self.serving(database, "api") as (_, port):
            client = Client(port, workspace.token)
            run = uuid.uuid4().hex[:8]
            for first in range(0, count, 100):
                numbers = range(first, min(first + 100, count))
                events = [event(f"{run}-{number}", text_of(number)) for number in numbers]
                answer = client.must("POST", workspace.inbound, {"events": events})
                if any(result["status"] != "accepted" for result in answer["results"]):
                    raise Failed("a message was not accepted")
            client.close()


def _workflow(teams, text_of_team):
    assign = [
        {
            "id": f"team_{number}", "type": "assign", "target": {"team_id": team}, "strategy": "round_robin",
            "next": None,
        }
        for number, team in enumerate(teams)
    ]
    by_team = {
        "id": "by_team", "type": "branch", "else": "team_0",
        "branches": [
            {
                "name": f"team_{number}", "next": f"team_{number}",
                "conditions": {"all": [
                    {"field": "message.text", "operator": "contains", "value": text_of_team(number)}]},
            }
            for number in range(len(teams))
        ],
    }
    topic = {
        "id": "topic", "type": "branch", "else": "field",
        "branches": [
            {
                "name": name, "next": "field",
                "conditions": {"any": [
                    {"field": "message.text", "operator": "contains", "value": word} for word in words]},
            }
            for name, words in (("transfer", ("transfer", "beneficiary")), ("card", ("card", "contactless")))
        ],
    }
    return {
        "name": "Bench",
        "trigger": {
            "type": "conversation_opened",
            "conditions": {"all": [{"field": "conversation.source", "operator": "equals", "value": "contact"}]},
        },
        "start": "topic",
        "steps": [
            topic,
            {"id": "field", "type": "update_contact_field", "field": "topic", "value": "cards", "next": "tag"},
            {
                "id": "tag", "type": "update_tags", "add": ["routed"],
                "next": "by_team" if len(teams) > 1 else "team_0",
            },
            *([by_team] if len(teams) > 1 else []),
            *assign,
        ],
    }


def wait_until_ready(process, port, path="/readyz", method="GET", limit=60):
    """Returns when the path answers 200. Seconds it took."""
    started = time.monotonic()
    while time.monotonic() - started < limit:
        process.check()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request(method, path, "{}" if method == "POST" else None, {"Content-Type": "application/json"})
            status = connection.getresponse().status
            connection.close()
            if status == 200:
                return time.monotonic() - started
        except OSError:
            pass
        time.sleep(0.002)
    raise Failed(f"port {port} was not ready within {limit} s")
