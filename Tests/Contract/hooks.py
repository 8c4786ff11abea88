"""What Schemathesis is told: whose key to send, which ids exist, and to note what was answered.

Values that Schemathesis made wrong on purpose stay wrong; in what it made right, random ids become ids that exist.
"""

import atexit
import collections
import json
import os
import random
import threading

import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

from world import World

PLAN = json.loads(os.environ["SWITCHBOARD_FUZZ"])
WORLD = World(PLAN["base"], PLAN["key"], PLAN["stays"])

# Operations that use something up get a fresh one each time.
USES_UP = {
    "revokeAPIKey": "key_id", "deleteAgent": "agent_id", "deleteTeam": "team_id", "deleteChannel": "channel_id",
    "deleteContactField": "name", "eraseContact": "contact_id", "deleteClosingCategory": "category_id",
    "deleteConversation": "conversation_id", "assignConversation": "conversation_id",
    "closeConversation": "conversation_id", "deleteWorkflow": "workflow_id", "publishWorkflow": "workflow_id",
    "stopWorkflow": "workflow_id", "removeContactIdentity": "contact_id", "rotateAPIKey": "key_id",
}
PUBLISHED = {"stopWorkflow"}
PROBLEMS = ("not-found", "validation-failed", "name-taken")
# Query parameters and members of bodies that are ids, beside those named like path parameters.
ALSO = {"assignee_id": "agent_id", "if_assignee_id": "agent_id", "X-Agent-Id": "agent_id"}

lock = threading.Lock()
calls = collections.defaultdict(collections.Counter)
counts = collections.Counter()


def positive(case, location):
    """Whether this part of the request is as documented."""
    component = case.meta.components.get(location) if case.meta else None
    return component is None or component.mode == GenerationMode.POSITIVE


def known(name):
    return WORLD.stays.get(ALSO.get(name, name))


def replaced(node):
    """The body with ids that exist in place of random ones."""
    if isinstance(node, list):
        return [replaced(element) for element in node]
    if not isinstance(node, dict):
        return node
    return {
        name: known(name) if name.endswith("_id") and isinstance(value, str) and known(name) else replaced(value)
        for name, value in node.items()}


@schemathesis.hook
def before_call(ctx, case, kwargs):
    declared = case.operation.definition.raw
    operation = declared["operationId"]
    with lock:
        counts[operation] += 1
        chance = random.Random(f"{PLAN['seed']} {operation} {counts[operation]}")
    is_operators = declared.get("security") == [{"operatorKey": []}]
    key = PLAN["operator"] if PLAN["pass"] == "key" and is_operators else PLAN["sent_key"]
    # None at all and one that is there differ; what Schemathesis put there is neither.
    case.headers.pop("Authorization", None)
    if key:
        case.headers["Authorization"] = f"Bearer {key}"
    knows_path = positive(case, ParameterLocation.PATH)
    if knows_path and case.path_parameters:
        fresh = USES_UP.get(operation)
        for name in case.path_parameters:
            if operation == "getProblemType":
                case.path_parameters[name] = chance.choice(PROBLEMS)
            elif name == fresh:
                case.path_parameters[name] = WORLD.fresh(name, published=operation in PUBLISHED)
            elif known(name) is not None:
                case.path_parameters[name] = known(name)
    if positive(case, ParameterLocation.QUERY):
        fill_query(case, operation, chance, knows_path)
    if positive(case, ParameterLocation.HEADER):
        if "X-Agent-Id" in case.headers:
            case.headers["X-Agent-Id"] = known("agent_id")
        # Examples are the same in every operation, and short keys meet each other: sometimes they may.
        if "Idempotency-Key" in case.headers and counts[operation] % 10:
            case.headers["Idempotency-Key"] = f"{PLAN['pass']}-{PLAN['seed']}-{operation}-{counts[operation]}"
        # A tag is good only where it was given out; any is: a workspace may demand one.
        case.headers.pop("If-None-Match", None)
        if {"$ref": "#/components/parameters/IfMatch"} in declared.get("parameters", []):
            case.headers["If-Match"] = "*"
    if positive(case, ParameterLocation.BODY) and isinstance(case.body, (dict, list)):
        case.body = replaced(case.body)
        if operation == "createConversation" and isinstance(case.body, dict) and "contact_id" in case.body:
            case.body["contact_id"] = WORLD.fresh("contact_id")


def fill_query(case, operation, chance, knows_path):
    for name in list(case.query):
        if known(name) is not None:
            case.query[name] = known(name)
    # A cursor is good only where it was given out.
    case.query.pop("cursor", None)
    if operation == "getReport":
        day = chance.randint(1, 28)
        case.query.update({"from": f"2026-10-{day:02}", "to": f"2026-11-{day:02}"})
        if "group_by" in case.query:
            case.query["group_by"] = chance.choice(("day", "source", "channel", "team", "agent"))
        if "time_zone" in case.query:
            case.query["time_zone"] = chance.choice(("Europe/Madrid", "America/New_York", "UTC"))
    elif operation == "deleteAgent":
        for name in ("open", "to"):
            case.query.pop(name, None)
        case.query.update(chance.choice(({}, {"open": "return"}, {"open": "transfer", "to": WORLD.stays["to"]})))
    elif operation == "removeContactIdentity" and knows_path:
        identity = WORLD.identity(case.path_parameters["contact_id"])
        case.query.update({name: identity[name] for name in ("channel_id", "external_id")})
    elif operation == "listContacts" and "external_id" in case.query:
        case.query["channel_id"] = known("channel_id")
    elif operation == "listContacts":
        case.query.pop("channel_id", None)


@schemathesis.hook
def after_call(ctx, case, response):
    operation = case.operation.definition.raw["operationId"]
    with lock:
        calls[operation][response.status_code] += 1


@atexit.register
def note():
    with open(PLAN["tally"], "w", encoding="utf-8") as file:
        json.dump(calls, file)
