"""The books: what the ledger says, what the receiver saw and what the events tell must agree with what is stored.

Each book gets what `Facts` has read, says how much it looked at, and gives what is wrong in words.
"""

import asyncio
import collections
import datetime
import hashlib
import heapq
import json

from .client import Client, Unknown
from .world import LIMIT


class Facts:
    """Everything that is compared, read once after the programs stopped."""

    def __init__(self, environment, reports):
        self.env = environment
        self.reports = reports

    async def read(self):
        rows = self.env.cluster.rows
        self.messages = await rows(
            """SELECT m.workspace_id, m.id, m.conversation_id, m.text, m.direction, m.status, m.source,
                i.external_id, m.channel_id FROM messages m
                LEFT JOIN identities i ON i.workspace_id = m.workspace_id AND i.contact_id = m.contact_id
                    AND i.channel_id = m.channel_id""")
        self.receipts = await rows(
            """SELECT encode(external_hash, 'hex') AS hash, message_id, conversation_id, opened, channel_id
                FROM message_receipts""")
        # The order of commits is the order of locks: whoever waited for an agent or a line committed later.
        self.events = await rows(
            """SELECT workspace_id, id, type, conversation_id, sequence, source, data,
                extract(epoch FROM occurred_at) AS at, transaction_id::text AS transaction,
                extract(epoch FROM pg_xact_commit_timestamp(transaction_id::xid)) AS committed
                FROM events ORDER BY workspace_id, conversation_id, sequence""")
        self.conversations = await rows(
            "SELECT workspace_id, id, contact_id, status, last_sequence, assignee_id FROM conversations")
        self.runs = await rows("SELECT id, workspace_id, conversation_id, status, failures FROM runs")
        self.entries = await rows("SELECT conversation_id, run_id, line_id FROM line_entries")
        self.signals = await rows("SELECT run_id, kind, due_at > now() AS later FROM run_signals")
        self.outbox = await rows(
            """SELECT workspace_id, id, key, status, attempts, conversation_id, message_id, channel_id, body, error
                FROM outbox ORDER BY id""")
        self.decisions = {row["id"]: row for row in await rows(
            "SELECT id, line_id, extract(epoch FROM occurred_at) AS at FROM decisions")}
        self.jobs = await rows(
            """SELECT r.workspace_id, r.job, extract(epoch FROM r.window_from) AS since,
                extract(epoch FROM r.window_to) AS until, r.status, r.owner, r.next_at <= now() AS due,
                (SELECT count(*) FROM job_results x WHERE x.workspace_id = r.workspace_id AND x.job_run_id = r.id)
                    AS results
                FROM job_runs r WHERE r.scheduled ORDER BY r.workspace_id, r.job, r.window_from""")
        self.by_conversation = collections.defaultdict(list)
        for event in self.events:
            if event["conversation_id"]:
                self.by_conversation[event["conversation_id"]].append(event)
        return self


def acknowledged_messages(facts):
    """Every acknowledged message is stored once, as it was said, where the answer said; and no other is."""
    wrong = []
    stored = collections.defaultdict(list)
    for row in facts.messages:
        if row["direction"] == "incoming":
            stored[row["text"]].append(row)
    receipts = {(row["channel_id"], row["hash"]): row for row in facts.receipts}
    ledger = facts.env.ledger
    known = {message.text: message for message in ledger.messages.values()}
    for text, rows in stored.items():
        if text not in known:
            wrong.append(f"stored and never written: {text}")
        if len(rows) > 1:
            wrong.append(f"stored {len(rows)} times: {text}")
    for message in ledger.messages.values():
        if not message.acknowledged_at and message.abandoned:
            continue
        if not message.acknowledged_at:
            wrong.append(f"its outcome was never learnt: {message.id}")
            continue
        rows = stored.get(message.text)
        if not rows:
            wrong.append(f"acknowledged and lost: {message.id}")
            continue
        row = rows[0]
        channel = message.world.channels[message.channel]
        if (row["conversation_id"], row["external_id"], row["channel_id"], row["workspace_id"]) != (
                message.conversation, message.contact, channel, message.world.id):
            wrong.append(f"stored elsewhere than acknowledged: {message.id}")
        receipt = receipts.get((channel, hashlib.sha256(message.id.encode()).hexdigest()))
        if not receipt or receipt["message_id"] != row["id"] or receipt["opened"] != message.opened:
            wrong.append(f"receipt and message disagree: {message.id}")
    if len(receipts) != len(stored):
        wrong.append(f"{len(receipts)} receipts for {len(stored)} messages")
    return len(ledger.acknowledged), wrong


def acknowledged_work(facts):
    """Every acknowledged reply is stored once, every acknowledged closing happened once."""
    wrong = []
    replies = {row["id"]: row for row in facts.messages if row["source"] == "agent"}
    texts = collections.Counter(row["text"] for row in replies.values())
    ledger = facts.env.ledger
    for identifier, (_, conversation, text) in ledger.replies.items():
        row = replies.get(identifier)
        if not row or row["conversation_id"] != conversation or row["text"] != text:
            wrong.append(f"acknowledged reply lost: {identifier}")
        if texts[text] != 1:
            wrong.append(f"a reply is stored {texts[text]} times: {identifier}")
    if len(replies) != len(ledger.replies):
        wrong.append(f"{len(replies)} replies stored, {len(ledger.replies)} acknowledged")
    status = {row["id"]: row["status"] for row in facts.conversations}
    for conversation in ledger.closed:
        closings = sum(event["type"] == "conversation.closed" for event in facts.by_conversation[conversation])
        if status.get(conversation) != "closed" or closings != 1:
            wrong.append(f"acknowledged closing of {conversation}: {status.get(conversation)}, {closings} events")
    return len(ledger.replies) + len(ledger.closed), wrong


def one_open_conversation(facts):
    """A contact has at most one open conversation at any time, by the events' own times and by the rows."""
    wrong = []
    contact = {row["id"]: row["contact_id"] for row in facts.conversations}
    lives = collections.defaultdict(list)
    for conversation, events in facts.by_conversation.items():
        opened = [event["at"] for event in events if event["type"] == "conversation.opened"]
        closed = [event["at"] for event in events if event["type"] == "conversation.closed"]
        if len(opened) != 1 or len(closed) > 1:
            wrong.append(f"{conversation} was opened {len(opened)} times and closed {len(closed)} times")
            continue
        lives[contact.get(conversation)].append((opened[0], closed[0] if closed else float("inf"), conversation))
    for contact_id, spans in lives.items():
        spans.sort()
        for before, after in zip(spans, spans[1:]):
            if before[1] > after[0]:
                wrong.append(f"contact {contact_id} had {before[2]} and {after[2]} open at once")
    if set(contact) != set(facts.by_conversation):
        wrong.append("conversations and those that events tell of are not the same")
    return len(lives), wrong


def event_sequences(facts):
    """Events of a conversation are numbered 1 to last_sequence without gap, and their time never falls."""
    wrong = []
    last = {row["id"]: row["last_sequence"] for row in facts.conversations}
    for conversation, events in facts.by_conversation.items():
        numbers = [event["sequence"] for event in events]
        if numbers != list(range(1, last.get(conversation, 0) + 1)):
            wrong.append(f"{conversation} has gaps: {numbers} of {last.get(conversation)}")
        if any(before["at"] > after["at"] for before, after in zip(events, events[1:])):
            wrong.append(f"time falls in {conversation}")
    return len(facts.events), wrong


def timelines(facts):
    """What was said in a conversation is listed by id, in the order of its events."""
    wrong = []
    count = 0
    for conversation, events in facts.by_conversation.items():
        said = [event["data"]["message_id"] for event in events
                if event["type"] in ("message.received", "message.sent")]
        count += len(said)
        if said != sorted(said):
            wrong.append(f"messages of {conversation} are listed out of order")
    return count, wrong


def runs_ended_once(facts):
    """Every conversation that a contact opened has one run, ended once or waiting for something that will come."""
    wrong = []
    told = collections.Counter()
    for event in facts.events:
        if event["type"] in ("run.started", "run.ended"):
            told[event["type"], event["data"]["run_id"]] += 1
    of = collections.Counter(run["conversation_id"] for run in facts.runs)
    waiting = {entry["run_id"] for entry in facts.entries} | {row["run_id"] for row in facts.signals if row["later"]}
    for conversation in facts.conversations:
        if of[conversation["id"]] != 1:
            wrong.append(f"{conversation['id']} has {of[conversation['id']]} runs")
    for run in facts.runs:
        started, ended = told["run.started", run["id"]], told["run.ended", run["id"]]
        is_over = run["status"] not in ("candidate", "active")
        # A conversation may be closed before its candidate was looked at.
        if ended != int(is_over) or started > 1 or (run["status"] == "completed" and started != 1):
            wrong.append(f"run {run['id']} is {run['status']}: started {started} times, ended {ended} times")
        if not is_over and run["id"] not in waiting:
            wrong.append(f"run {run['id']} is {run['status']} and waits for nothing")
        if run["status"] == "failed":
            wrong.append(f"run {run['id']} failed")
    return len(facts.runs), wrong


def limits_kept(facts):
    """No agent ever has more than the limit: every assignment and closing replayed in the order of the commits."""
    wrong = []
    steps = collections.defaultdict(list)
    for conversation, events in facts.by_conversation.items():
        holder = None
        for event in events:
            if event["type"] == "conversation.assigned" and event["data"]["kind"] != "team":
                if holder != event["data"].get("previous_agent_id"):
                    wrong.append(f"{conversation} was {holder}'s and was taken from another")
                if holder:
                    steps[holder].append((event["committed"], event["transaction"], -1))
                holder = event["data"]["agent_id"]
                steps[holder].append((event["committed"], event["transaction"], 1))
            elif event["type"] in ("conversation.unassigned", "conversation.closed") and holder:
                steps[holder].append((event["committed"], event["transaction"], -1))
                holder = None
    checked = 0
    for agent, moves in steps.items():
        net = collections.OrderedDict()
        for committed, transaction, change in sorted(moves):
            net[committed, transaction] = net.get((committed, transaction), 0) + change
        count = 0
        for (committed, _), change in net.items():
            count += change
            checked += 1
            if not 0 <= count <= LIMIT:
                wrong.append(f"agent {agent} had {count} of {LIMIT} at {committed}")
                break
    return checked, wrong


def lines_in_order(facts):
    """Nobody was served from a line while somebody before them stood in it and could have been."""
    wrong = []
    checked = 0
    moves = collections.defaultdict(list)
    for conversation, events in facts.by_conversation.items():
        standing = None
        for event in events:
            data = event["data"]
            if event["type"] == "conversation.waiting":
                standing = data["line_id"]
                moves[standing].append((event["committed"], 1, _instant(data["queued_at"]), conversation, event))
            elif event["type"] in ("conversation.assigned", "conversation.closed") and data.get("kind") != "team":
                is_served = event["type"] == "conversation.assigned" and data.get("decision_id")
                line = facts.decisions[data["decision_id"]]["line_id"] if is_served else standing
                if line:
                    queued = _instant(data["queued_at"]) if is_served else None
                    moves[line].append((event["committed"], 0, queued, conversation, event))
                standing = None
    for line, steps in moves.items():
        steps.sort(key=lambda step: (step[0], step[1], step[4]["data"].get("position") or 0))
        standing, order = {}, []
        leaving = collections.defaultdict(set)
        for committed, kind, _, conversation, event in steps:
            if kind == 0:
                leaving[event["transaction"]].add(conversation)
        for committed, kind, queued, conversation, event in steps:
            if kind == 1:
                standing[conversation] = (queued, committed)
                heapq.heappush(order, (queued, conversation))
                continue
            standing.pop(conversation, None)
            decision = facts.decisions.get(event["data"].get("decision_id"))
            if not decision:
                continue
            checked += 1
            while order and order[0][1] not in standing:
                heapq.heappop(order)
            # Who entered just before the look may not have been seen by it.
            for before, other in heapq.nsmallest(3, order):
                if other in standing and before < queued and other not in leaving[event["transaction"]] and (
                        standing[other][1] < decision["at"] - facts.env.line_margin):
                    wrong.append(f"{conversation} of {queued} was served before {other} of {before}")
        positions = collections.defaultdict(list)
        for _, kind, queued, conversation, event in steps:
            if kind == 0 and event["data"].get("decision_id"):
                positions[event["data"]["decision_id"]].append((event["data"]["position"], queued))
        for picks in positions.values():
            picks.sort()
            if [queued for _, queued in picks] != sorted(queued for _, queued in picks):
                wrong.append(f"a decision of line {line} served out of order")
    return checked, wrong


def _instant(text):
    return datetime.datetime.fromisoformat(text)


def effects(facts):
    """Every effect was delivered at least once, with the same body each time, in order, and recorded once."""
    wrong = []
    receiver = facts.env.receiver
    keys = {row["key"]: row for row in facts.outbox}
    if len(keys) != len(facts.outbox):
        wrong.append("an effect's key is there twice")
    delivered = collections.Counter(
        event["data"]["message_id"] for event in facts.events if event["type"] == "message.delivered")
    for key, bodies in receiver.bodies.items():
        if key not in keys:
            wrong.append(f"delivered and not in the outbox: {key}")
        if len(set(bodies)) != 1:
            wrong.append(f"{key} came with {len(set(bodies))} bodies")
    # What was said first is delivered first: by the numbers of the events, which the conversation's lock gives out.
    said = {event["data"]["message_id"]: event["sequence"] for event in facts.events if event["type"] == "message.sent"}
    latest = {}
    for row in sorted(facts.outbox, key=lambda row: said.get(row["message_id"], 0)):
        if row["status"] == "sent":
            # An answer that is no HTTP was still an answer for a receiver that speaks garbage: only a 2xx counts.
            if row["key"] not in receiver.confirmed:
                wrong.append(f"recorded as delivered and never confirmed: {row['key']}")
            elif json.loads(receiver.bodies[row["key"]][0])["text"] != row["body"]["text"]:
                wrong.append(f"delivered with another text: {row['key']}")
            else:
                place = receiver.confirmed[row["key"]][0]
                if place < latest.get(row["conversation_id"], -1):
                    wrong.append(f"out of order in its conversation: {row['key']}")
                latest[row["conversation_id"]] = place
        else:
            wrong.append(f"{row['key']} is {row['status']} after {row['attempts']} attempts: {row['error']}")
        if delivered[row["message_id"]] != int(row["status"] == "sent"):
            wrong.append(f"{row['key']} has {delivered[row['message_id']]} deliveries on record")
    sent = {row["message_id"] for row in facts.outbox}
    for identifier in facts.env.ledger.replies:
        if identifier not in sent:
            wrong.append(f"an acknowledged reply has no effect: {identifier}")
    return len(facts.outbox), wrong


def reports_recounted(facts):
    """The reports' totals are what a count of the events alone gives."""
    wrong = []
    for world in facts.env.worlds:
        counted = collections.Counter()
        for events in facts.by_conversation.values():
            if events[0]["workspace_id"] != world.id:
                continue
            has_reply = False
            for event in events:
                kind = event["data"].get("kind")
                if event["type"] == "conversation.opened":
                    counted["opened"] += 1
                    counted["open_at_end"] += 1
                elif event["type"] == "conversation.closed":
                    counted["closed"] += 1
                    counted["resolution_count"] += 1
                    counted["open_at_end"] -= 1
                elif event["type"] == "message.sent" and event["source"] == "agent" and not has_reply:
                    has_reply = True
                    counted["first_response_count"] += 1
                elif event["type"] == "conversation.unassigned":
                    counted["unassignments"] += 1
                elif event["type"] == "conversation.assigned" and kind != "team":
                    counted["transfers" if kind == "transfer" else "assignments"] += 1
                    counted["waiting_count"] += "entered_at" in event["data"]
        for (workspace, job, grouping), total in facts.reports.items():
            if workspace == world.id:
                for measure in _MEASURES[job]:
                    if total[measure] != counted[measure]:
                        wrong.append(f"{world.name} {job} by {grouping}: {measure} is {total[measure]},"
                                     f" events say {counted[measure]}")
    return len(facts.reports), wrong


_MEASURES = {
    "conversations": ("opened", "closed", "open_at_end", "first_response_count", "resolution_count"),
    "assignments": ("assignments", "unassignments", "transfers", "waiting_count")}


async def read_reports(env):
    """The totals of every report in every grouping, once through the API."""
    client = Client(env.api_ports, timeout=5)
    totals = {}

    async def get(path, key):
        # An API that has not found out yet that its connections are dead answers nothing: another one does.
        for _ in range(12):
            try:
                answer = await client.request("GET", path, key)
                if answer.status != 503:
                    return answer
            except Unknown:
                pass
            await asyncio.sleep(0.5)
        raise RuntimeError(f"no answer to {path}")

    try:
        for world in env.worlds:
            for job in _MEASURES:
                for grouping in ("day", "source", "channel", "team", "agent"):
                    # Days far enough around for a clock that is wrong.
                    answer = await get(
                        f"/v1/reports/{job}?from={env.first_day}&to={env.last_day}&group_by={grouping}", world.key)
                    if answer.status != 200:
                        env.wrong.append(f"report {job}: {answer.status} {answer.json}")
                        continue
                    totals[world.id, job, grouping] = answer.json["total"]["measures"]
    finally:
        client.close()
    return totals


def scheduled_windows(facts):
    """Every window that was due ran once, has one result, and windows of a job abut."""
    wrong = []
    before = {}
    for row in facts.jobs:
        name = f"{row['job']} of {row['workspace_id']} from {row['since']}"
        if (row["status"] == "completed") != (row["results"] == 1) or row["results"] > 1:
            wrong.append(f"{name} is {row['status']} with {row['results']} results")
        is_left = row["status"] == "running" or (row["status"] == "pending" and row["due"])
        if row["status"] == "failed" or (is_left and not facts.env.is_test):
            wrong.append(f"{name} is {row['status']}")
        series = row["workspace_id"], row["job"]
        if series in before and before[series] != row["since"]:
            wrong.append(f"{name} does not follow the window before, which ends {before[series]}")
        before[series] = row["until"]
    return len(facts.jobs), wrong


BOOKS = (acknowledged_messages, acknowledged_work, one_open_conversation, event_sequences, timelines,
         runs_ended_once, limits_kept, lines_in_order, effects, reports_recounted, scheduled_windows)


async def nothing_left_behind(env, partitions):
    """No lease, lock, connection, process row, partition or file is left by programs that were asked to end."""
    wrong = []
    checked = 0
    asked = sorted({pid for program in env.programs.values() for pid in program.asked_to_end}) or [0]
    for what, sql in (
        ("leases of effects", "SELECT count(*) FROM outbox WHERE lease_until > now()"),
        ("owned job runs", "SELECT count(*) FROM job_runs WHERE owner IS NOT NULL"
                           + (" AND lease_until < now()" if env.is_test else "")),
        ("connections", "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                        " AND pid <> pg_backend_pid()"),
        ("locks", "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype IN"
                  " ('advisory', 'tuple', 'transactionid') AND pid IN (SELECT pid FROM pg_stat_activity"
                  " WHERE backend_type = 'client backend')"),
        ("prepared transactions", "SELECT count(*) FROM pg_prepared_xacts"),
        ("rows of ended processes",
         f"SELECT count(*) FROM processes WHERE process_id IN ({','.join(map(str, asked))})"),
        ("rows in default partitions", "SELECT (SELECT count(*) FROM events_default)"
         " + (SELECT count(*) FROM messages_default) + (SELECT count(*) FROM run_log_default)"),
        ("idempotency keys without an answer", "SELECT count(*) FROM idempotency_keys WHERE status IS NULL"),
    ):
        checked += 1
        count = await env.cluster.value(sql)
        if count != "0":
            wrong.append(f"{count} {what} left behind")
    now = await partition_names(env.cluster)
    if now != partitions:
        wrong.append(f"partitions: {sorted(now ^ partitions)}")
    for program in env.programs.values():
        directory = env.directory / program.name
        left = [path.name for path in directory.rglob("*") if path.is_file() and path.name != f"{program.name}.log"]
        if left:
            wrong.append(f"{program.name} left files: {left}")
    left = list((env.cluster.data / "base").glob("pgsql_tmp/*"))
    if left:
        wrong.append(f"{len(left)} temporary files of the server")
    return checked + 3, wrong


async def partition_names(cluster):
    rows = await cluster.rows("SELECT inhrelid::regclass::text AS name FROM pg_inherits")
    return {row["name"] for row in rows}
