// The whole cycle through the client that openapi-generator's typescript-fetch makes, which is compiled with it.
//
//     node cycle.js BASE_URL OPERATOR_KEY
//
// Prints a line a step; every answer that is no success is an exception.

import {
    AgentsApi, ChannelsApi, Configuration, ConversationsApi, ReportsApi, TeamsApi, WorkflowsApi, WorkspacesApi,
} from './client';

declare const process: { argv: string[]; exit(code: number): never };

const [basePath, operatorKey] = process.argv.slice(2);
const by = (key: string) => new Configuration({ basePath, accessToken: key });
const told = (step: string, what: unknown) => console.log(`  ${step.padEnd(10)} ${what}`);

function check(condition: boolean, what: unknown): asserts condition {
    if (!condition) throw new Error(JSON.stringify(what));
}

/** Older nodes have no global `crypto`. */
const unique = () => `${Date.now()}-${Math.random().toString(36).slice(2)}`;

async function cycle(): Promise<void> {
    const workspace = await new WorkspacesApi(by(operatorKey)).createWorkspace({
        newWorkspace: { name: `TypeScript ${unique()}`, timeZone: 'Europe/Madrid' },
    });
    told('workspace', workspace.timeZone);
    const owner = by(workspace.key);
    const channels = new ChannelsApi(owner);
    const agents = new AgentsApi(owner);
    const teams = new TeamsApi(owner);
    const workflows = new WorkflowsApi(owner);
    const conversations = new ConversationsApi(owner);

    const channel = await channels.createChannel({ newChannel: { name: 'Website', kind: 'custom' } });
    const agent = await agents.createAgent({ newAgent: { name: 'Ana', maxOpen: 5, presence: 'online' } });
    const team = await teams.createTeam({ newTeam: { name: 'Cards' } });
    await teams.addTeamMember({ teamId: team.id, agentId: agent.id });
    told('people', `${agent.name} in ${team.name}, on ${channel.name}`);

    const workflow = await workflows.createWorkflow({
        idempotencyKey: unique(),
        newWorkflow: {
            name: 'Inbound',
            start: 'to_cards',
            trigger: {
                type: 'conversation_opened',
                conditions: { all: [{ field: 'conversation.source', operator: 'equals', value: 'contact' }] },
            },
            steps: [{ id: 'to_cards', type: 'assign', target: { teamId: team.id }, next: null }],
        },
    });
    const published = await workflows.publishWorkflow({ workflowId: workflow.id });
    told('workflow', `${published.name} is ${published.status}`);

    const inbound = await new ChannelsApi(by(channel.token)).receiveInbound({
        channelId: channel.id,
        inbound: {
            events: [{
                type: 'message', messageId: 'm-1', text: 'Where is my card?',
                contact: { externalId: 'ben', name: 'Ben' },
            }],
        },
    });
    const [result] = inbound.results;
    check(result.status === 'accepted' && result.opened && result.conversationId !== null, inbound);
    told('inbound', result.status);

    const conversationId = result.conversationId;
    const end = Date.now() + 30_000;
    let conversation = await conversations.getConversation({ conversationId });
    while (conversation.assigneeId === null) {
        check(Date.now() < end, 'nobody was assigned');
        await new Promise<void>((resolve) => setTimeout(resolve, 20));
        conversation = await conversations.getConversation({ conversationId });
    }
    check(conversation.assigneeId === agent.id && conversation.teamId === team.id, conversation);
    told('assigned', agent.name);

    await conversations.sendMessage({
        conversationId, xAgentId: agent.id, newText: { text: 'A new one is on its way.' },
    });
    const texts = (await conversations.listMessages({ conversationId })).items.map((message) => message.text);
    check(texts.length === 2 && texts.includes('A new one is on its way.'), texts);
    told('message', texts);

    const closed = await conversations.closeConversation({
        conversationId, xAgentId: agent.id, closing: { summary: 'Sent a new card' },
    });
    check(closed.status === 'closed', closed);
    const events = (await conversations.listConversationEvents({ conversationId })).items.map((event) => event.type);
    check(events.includes('conversation.opened') && events.includes('conversation.closed'), events);
    told('closed', `${events.length} events`);

    const day = (offset: number) => new Date(Date.now() + offset * 86_400_000);
    const report = await new ReportsApi(owner).getReport({
        report: 'conversations', from: day(-1), to: day(2), groupBy: 'team',
    });
    check(report.total.measures['opened'] === 1, report);
    told('report', `opened ${report.total.measures['opened']}, closed ${report.total.measures['closed']}`);
}

cycle().catch(async (error) => {
    console.error(error, error?.response ? await error.response.text() : '');
    process.exit(1);
});
