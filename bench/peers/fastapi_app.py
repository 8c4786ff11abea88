"""FastAPI and asyncpg at their best for the same answers: uvloop, httptools, orjson, one statement a request where
Switchboard needs several, no authentication, no validation, no batches."""

import contextlib
import hashlib
import os
import secrets
import time
import uuid

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response

WORKSPACE = uuid.UUID(os.environ["BENCH_WORKSPACE"])
CHANNEL = uuid.UUID(os.environ["BENCH_CHANNEL"])
WORKFLOW = uuid.UUID(os.environ["BENCH_WORKFLOW"])
# Tells whether an accepted message is also handed to the queue of peers/procrastinate_app.py.
DEFERS = os.environ.get("BENCH_DEFERS") == "1"

INGEST = """
WITH a AS (
    INSERT INTO identities (workspace_id, channel_id, external_id, contact_id) VALUES ($1, $2, $4, $7)
), b AS (
    INSERT INTO contacts (workspace_id, id, name) VALUES ($1, $7, $5)
), c AS (
    INSERT INTO conversations
        (workspace_id, id, contact_id, channel_id, source, opened_at, last_sequence, last_event_at)
    VALUES ($1, $8, $7, $2, 'contact', now(), 2, now())
), d AS (
    INSERT INTO messages
        (workspace_id, id, conversation_id, contact_id, channel_id, direction, source, text, status, external_id,
        sent_at, created_at)
    VALUES ($1, $9, $8, $7, $2, 'incoming', 'contact', $6, 'received', $4, now(), now())
), e AS (
    INSERT INTO message_receipts
        (workspace_id, channel_id, external_hash, message_id, conversation_id, opened, request_id)
    VALUES ($1, $2, $15, $9, $8, true, $10)
), f AS (
    INSERT INTO events (workspace_id, id, type, conversation_id, sequence, occurred_at, source, actor, data)
    SELECT $1, e.id, e.type, e.conversation, e.sequence, now(), 'contact',
        jsonb_build_object('id', $7::uuid, 'type', 'contact'), e.data
    FROM (VALUES
        ($10::uuid, 'contact.created', NULL::uuid, NULL::bigint,
            jsonb_build_object('channel_id', $2::uuid, 'contact_id', $7::uuid)),
        ($11::uuid, 'conversation.opened', $8::uuid, 1,
            jsonb_build_object('channel_id', $2::uuid, 'contact_id', $7::uuid, 'channel_name', 'Bench')),
        ($12::uuid, 'message.received', $8::uuid, 2,
            jsonb_build_object('channel_id', $2::uuid, 'message_id', $9::uuid))
    ) e (id, type, conversation, sequence, data)
), g AS (
    INSERT INTO runs
        (workspace_id, id, workflow_id, workflow_version, contact_id, conversation_id, trigger_message_id, opened_at)
    VALUES ($1, $13, $3, 1, $7, $8, $9, now())
)
INSERT INTO run_signals (workspace_id, run_id, id, kind, due_at, data) VALUES ($1, $13, $14, 'started', now(), '{}')
"""

CONVERSATION = """
SELECT id, contact_id, channel_id, status, source, team_id, assignee_id, waiting, priority, subject, custom, opened_at,
    assigned_at, first_reply_at, closed_at, category, summary, updated_at, version
FROM conversations
"""
GET = CONVERSATION + "WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL"
PAGE = CONVERSATION + """
WHERE workspace_id = $1 AND erased_at IS NULL AND status = $2 AND team_id = $3
ORDER BY opened_at DESC, id DESC LIMIT $4
"""
EVENTS = """
SELECT id, type, sequence, occurred_at, conversation_id, source, actor, data
FROM events WHERE workspace_id = $1 AND conversation_id = $2 ORDER BY sequence, id LIMIT $3
"""


def new_id():
    """A UUIDv7, as Switchboard makes them: random ones would scatter over the indexes."""
    bits = int(time.time() * 1000) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return uuid.UUID(int=bits)


@contextlib.asynccontextmanager
async def lifespan(app):
    app.pool = await asyncpg.create_pool(
        host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), user=os.environ["PGUSER"],
        database=os.environ["PGDATABASE"], min_size=8, max_size=8)
    if DEFERS:
        import procrastinate_app

        async with procrastinate_app.app.open_async():
            app.route = procrastinate_app.route
            yield
    else:
        yield
    await app.pool.close()


app = FastAPI(lifespan=lifespan)


def answer(value):
    return Response(orjson.dumps(value, default=str), media_type="application/json")


@app.get("/readyz")
async def ready():
    return answer({})


@app.post("/v1/channels/{channel}/inbound")
async def inbound(request: Request):
    results = []
    for event in orjson.loads(await request.body())["events"]:
        ids = [new_id() for _ in range(8)]
        external, name = event["contact"]["external_id"], event["contact"]["name"]
        await app.pool.execute(
            INGEST, WORKSPACE, CHANNEL, WORKFLOW, external, name, event["text"], *ids,
            hashlib.sha256(event["message_id"].encode()).digest())
        if DEFERS:
            await app.route.defer_async(run=str(ids[6]))
        results.append({
            "message_id": event["message_id"], "status": "accepted", "conversation_id": ids[1], "opened": True})
    return answer({"results": results})


def decoded(row, *fields):
    shown = dict(row)
    for field in fields:
        shown[field] = orjson.Fragment(shown[field])
    return shown


@app.get("/v1/conversations/{conversation}")
async def get(conversation: uuid.UUID):
    return answer(decoded(await app.pool.fetchrow(GET, WORKSPACE, conversation), "custom"))


@app.get("/v1/conversations")
async def page(status: str, team_id: uuid.UUID, limit: int):
    found = await app.pool.fetch(PAGE, WORKSPACE, status, team_id, limit + 1)
    return answer({"items": [decoded(row, "custom") for row in found[:limit]], "next_cursor": None})


@app.get("/v1/conversations/{conversation}/events")
async def events(conversation: uuid.UUID):
    found = await app.pool.fetch(EVENTS, WORKSPACE, conversation, 51)
    return answer({"items": [decoded(row, "actor", "data") for row in found], "next_cursor": None})
