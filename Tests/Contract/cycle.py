"""The whole cycle through the client that openapi-python-client generates.

    cycle.py CLIENT_DIRECTORY BASE_URL OPERATOR_KEY

CLIENT_DIRECTORY holds the generated package `switchboard_client`. Prints a line a step; fails on any answer that is not the
generated model of a success.
"""

import datetime
import sys
import time
import uuid

sys.path.insert(0, sys.argv[1])

from switchboard_client import AuthenticatedClient  # noqa: E402
from switchboard_client.api.agents import create_agent  # noqa: E402
from switchboard_client.api.channels import create_channel, receive_inbound  # noqa: E402
from switchboard_client.api.conversations import (  # noqa: E402
    close_conversation, get_conversation, list_conversation_events, list_messages, send_message)
from switchboard_client.api.reports import get_report  # noqa: E402
from switchboard_client.api.teams import add_team_member, create_team  # noqa: E402
from switchboard_client.api.workflows import create_workflow, publish_workflow  # noqa: E402
from switchboard_client.api.workspaces import create_workspace  # noqa: E402
from switchboard_client import models  # noqa: E402

BASE, OPERATOR = sys.argv[2:4]


def told(step, what):
    print(f"  {step:10} {what}", flush=True)


def call(operation, *path, client, **arguments):
    """The model of the success; anything else is a failure of this program."""
    response = operation.sync_detailed(*path, client=client, **arguments)
    if not 200 <= response.status_code < 300 or isinstance(response.parsed, (models.Problem, type(None))):
        sys.exit(f"{operation.__name__}: {response.status_code} {response.content.decode()}")
    return response.parsed


operator = AuthenticatedClient(base_url=BASE, token=OPERATOR, raise_on_unexpected_status=True)
workspace = call(create_workspace, client=operator, body=models.NewWorkspace(
    name=f"Python {uuid.uuid4()}", time_zone="Europe/Madrid"))
told("workspace", workspace.time_zone)
owner = AuthenticatedClient(base_url=BASE, token=workspace.key, raise_on_unexpected_status=True)

channel = call(create_channel, client=owner, body=models.NewChannel(
    name="Website", kind=models.NewChannelKind.CUSTOM))
agent = call(create_agent, client=owner, body=models.NewAgent(
    name="Ana", max_open=5, presence=models.NewAgentPresenceType1.ONLINE))
team = call(create_team, client=owner, body=models.NewTeam(name="Cards"))
call(add_team_member, team.id, agent.id, client=owner)
told("people", f"{agent.name} in {team.name}, on {channel.name}")

workflow = call(create_workflow, client=owner, idempotency_key=str(uuid.uuid4()), body=models.NewWorkflow(
    name="Inbound", start="to_cards",
    trigger=models.Trigger(type_="conversation_opened", conditions=models.AllConditions(all_=[
        models.FieldCondition(
            field="conversation.source", operator=models.FieldConditionOperator.EQUALS, value="contact")])),
    steps=[models.AssignStep(
        id="to_cards", type_="assign", target=models.AssignTarget(team_id=team.id), next_=None)]))
published = call(publish_workflow, workflow.id, client=owner)
told("workflow", f"{published.name} is {published.status}")

token = AuthenticatedClient(base_url=BASE, token=channel.token, raise_on_unexpected_status=True)
result = call(receive_inbound, channel.id, client=token, body=models.Inbound(events=[models.InboundEvent(
    type_="message", message_id="m-1", text="Where is my card?",
    contact=models.InboundContact(external_id="ben", name="Ben"))])).results[0]
assert (result.status, result.opened) == ("accepted", True), result
told("inbound", result.status)

end = time.monotonic() + 30
while (conversation := call(get_conversation, result.conversation_id, client=owner)).assignee_id is None:
    assert time.monotonic() < end, "nobody was assigned"
    time.sleep(0.02)
assert conversation.assignee_id == agent.id and conversation.team_id == team.id, conversation
told("assigned", agent.name)

call(send_message, conversation.id, client=owner, x_agent_id=str(agent.id), body=models.NewText(
    text="A new one is on its way."))
texts = [message.text for message in call(list_messages, conversation.id, client=owner).items]
assert sorted(texts) == ["A new one is on its way.", "Where is my card?"], texts
told("message", texts)

closed = call(close_conversation, conversation.id, client=owner, x_agent_id=str(agent.id), body=models.Closing(
    summary="Sent a new card"))
assert closed.status == "closed", closed
events = [event.type_ for event in call(list_conversation_events, conversation.id, client=owner).items]
assert {"conversation.opened", "conversation.closed"} <= set(events), events
told("closed", f"{len(events)} events")

today = datetime.datetime.now(datetime.timezone.utc).date()
report = call(get_report, "conversations", client=owner, from_=today - datetime.timedelta(days=1),
              to=today + datetime.timedelta(days=2), group_by="team")
assert report.total.measures["opened"] == 1, report
told("report", f"opened {report.total.measures['opened']:.0f}, closed {report.total.measures['closed']:.0f}")
