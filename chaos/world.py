"""The workspaces that the load works in: made once through the command and the API, then copied for every row."""

import dataclasses

ZONES = ("Europe/Madrid", "Asia/Kolkata")
TEAMS = ("Cards", "Money", "Transfers")
AGENTS_PER_TEAM = 4
LIMIT = 5


@dataclasses.dataclass
class World:
    """One workspace."""

    id: str
    name: str
    key: str
    zone: str
    #: name → id. `{n}-good` answers always, `{n}-bad` is for rows that need a bad one.
    channels: dict
    teams: dict
    #: agent's id → team's name
    agents: dict


async def make(index, workspace, key, client, receiver):
    """Teams, agents, channels and a published workflow in an empty workspace."""
    async def post(path, body=None):
        answer = await client.request("POST", path, key, body)
        if answer.status not in (200, 201):
            raise RuntimeError(f"POST {path}: {answer.status} {answer.json}")
        return answer.json["id"]

    channels = {}
    for quality in ("good", "bad"):
        name = f"{index}-{quality}"
        channels[name] = await post("/v1/channels", {"name": name, "kind": "custom", "url": receiver.url(name)})
    teams = {name: await post("/v1/teams", {"name": name}) for name in TEAMS}
    agents = {}
    for name, team in teams.items():
        for number in range(AGENTS_PER_TEAM):
            agent = await post("/v1/agents", {"name": f"{name} {number}", "presence": "online", "max_open": LIMIT})
            answer = await client.request("PUT", f"/v1/teams/{team}/members/{agent}", key)
            if answer.status >= 300:
                raise RuntimeError(f"a member: {answer.status} {answer.json}")
            agents[agent] = name
    workflow = await post("/v1/workflows", _workflow(teams))
    await post(f"/v1/workflows/{workflow}/publish")
    return World(workspace, f"w{index}", key, ZONES[index], channels, teams, agents)


def _workflow(teams):
    """Two effects, a wait, a field, a tag, a note and a line, so that a kill finds something of everything."""
    def to(team, strategy):
        return {"id": f"to_{team}", "type": "assign", "target": {"team_id": teams[team]}, "strategy": strategy,
                "next": "told"}

    def contains(word):
        return {"all": [{"field": "message.text", "operator": "contains", "value": word}]}

    return {
        "name": "Inbound", "start": "greet",
        "trigger": {"type": "conversation_opened", "conditions": {
            "all": [{"field": "conversation.source", "operator": "equals", "value": "contact"}]}},
        "steps": [
            {"id": "greet", "type": "send_message", "text": "Hello {{contact.name}}", "next": "topic"},
            {"id": "topic", "type": "branch", "else": "pause", "branches": [
                {"name": "card", "next": "to_Cards", "conditions": contains("card")},
                {"name": "money", "next": "to_Money", "conditions": contains("money")}]},
            to("Cards", "round_robin"), to("Money", "least_open"),
            {"id": "pause", "type": "wait", "duration": "PT1S", "next": "to_Transfers"},
            to("Transfers", "round_robin"),
            {"id": "told", "type": "send_message", "text": "Somebody is with you", "next": "tag"},
            {"id": "tag", "type": "update_tags", "add": ["seen"], "next": "note"},
            {"id": "note", "type": "add_comment", "text": "Routed", "next": None},
        ]}
