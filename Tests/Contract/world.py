"""A workspace that the contract's tests call the API in: things that stay, and fresh ones for operations that use them up."""

import itertools
import time
import uuid

import requests

JSON = {"POST": "application/json", "PUT": "application/json", "PATCH": "application/merge-patch+json"}


class API:
    """The API with one key. An answer that is not 2xx is an error."""

    def __init__(self, base, key):
        self.base, self.key = base, key
        self._session = requests.Session()

    def __call__(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            headers["Content-Type"] = JSON[method]
        answer = self._session.request(method, self.base + path, json=body, headers=headers, timeout=30)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


def eventually(question, limit=60):
    """Asks until the answer is true; the API has no notifications to wait for."""
    end = time.monotonic() + limit
    while True:
        found = question()
        if found:
            return found
        if time.monotonic() > end:
            raise RuntimeError("waited in vain")
        time.sleep(0.05)


class World:
    """One workspace with at least one of everything; `stays` has the ids by the names of path parameters."""

    def __init__(self, base, key, stays):
        self.api = API(base, key)
        self._number = itertools.count(1)
        self.stays = stays

    @classmethod
    def made(cls, base, workspace, key):
        """In an empty workspace."""
        self = cls(base, key, {"workspace_id": workspace, "version": 1, "report": "conversations", "tag": "vip"})
        self.stays["key_id"] = self.fresh("key_id")
        self.stays["agent_id"] = self.fresh("agent_id")
        self.stays["to"] = self.fresh("agent_id")
        self.stays["team_id"] = self.fresh("team_id")
        self.api("PUT", f"/v1/teams/{self.stays['team_id']}/members/{self.stays['agent_id']}")
        self.stays["channel_id"] = self.fresh("channel_id")
        self.stays["name"] = self.fresh("name")
        self.stays["category_id"] = self.fresh("category_id")
        self.stays["workflow_id"] = self.fresh("workflow_id", published=True)
        self._message()
        self.stays["job_run_id"] = eventually(
            lambda: self.api("GET", "/v1/job-runs?status=completed&limit=1")["items"])[0]["id"]
        return self

    def _message(self):
        """A contact writes: a conversation, a run and an assignment."""
        event = {"type": "message", "message_id": str(uuid.uuid4()), "text": "Hello",
                 "contact": {"external_id": "first", "name": "First"}}
        channel = self.stays["channel_id"]
        result = self.api("POST", f"/v1/channels/{channel}/inbound", {"events": [event]})["results"][0]
        conversation = self.stays["conversation_id"] = result["conversation_id"]
        self.stays["contact_id"] = self.api("GET", f"/v1/conversations/{conversation}")["contact_id"]
        path = f"/v1/conversations/{conversation}/assignments"
        self.stays["assignment_id"] = eventually(lambda: self.api("GET", path)["items"])[0]["id"]
        self.stays["run_id"] = self.api("GET", "/v1/runs?limit=1")["items"][0]["id"]

    def fresh(self, kind, published=False):
        """The id of a new one, named like the path parameter."""
        name = f"{kind} {next(self._number)} {uuid.uuid4()}"
        post = lambda path, body: self.api("POST", path, body)["id"]  # noqa: E731
        match kind:
            case "key_id":
                return post("/v1/api-keys", {"name": name, "role": "viewer"})
            case "agent_id":
                return post("/v1/agents", {"name": name, "presence": "online"})
            case "team_id":
                return post("/v1/teams", {"name": name})
            case "channel_id":
                return post("/v1/channels", {"name": name, "kind": "custom"})
            case "category_id":
                return post("/v1/closing-categories", {"name": name})
            case "name":
                field = "f" + uuid.uuid4().hex[:20]
                self.api("POST", "/v1/contact-fields", {"name": field, "type": "text"})
                return field
            case "contact_id":
                return post("/v1/contacts", {"name": name, "identities": [
                    {"channel_id": self.stays["channel_id"], "external_id": name}]})
            case "conversation_id":
                return post("/v1/conversations", {"contact_id": self.fresh("contact_id")})
            case "workflow_id":
                workflow = post("/v1/workflows", self.workflow(name))
                if published:
                    self.api("POST", f"/v1/workflows/{workflow}/publish")
                return workflow
        raise KeyError(kind)

    def workflow(self, name):
        return {
            "name": name, "start": "assign",
            "trigger": {"type": "conversation_opened", "conditions": {
                "all": [{"field": "conversation.source", "operator": "equals", "value": "contact"}]}},
            "steps": [{"id": "assign", "type": "assign", "target": {"team_id": self.stays["team_id"]},
                       "strategy": "least_open", "next": None}]}

    def identity(self, contact):
        """How the channel knows a fresh contact."""
        return self.api("GET", f"/v1/contacts/{contact}")["identities"][0]
