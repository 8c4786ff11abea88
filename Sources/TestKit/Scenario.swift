import Core
import Foundation
import Postgres
import OrderedCollections
import Store

/// A workspace with a channel, made in one line.
public struct Scenario: Sendable {
    public let store: Store
    public let workspace: UUID
    public let channel: UUID

    public static let caller = Caller(source: .api, actor: Actor(kind: "key"))

    public init(_ store: Store, timeZone: String = "Europe/Madrid", channelURL: String? = nil) async throws {
        self.store = store
        (workspace, channel) = try await store.write { tx in
            let workspace = try tx.createWorkspace(name: "w-\(UUID())", timeZone: timeZone).workspace.id
            return (
                workspace,
                try tx.createChannel(name: "Chat", kind: .custom, url: channelURL, in: workspace).channel.id
            )
        }
    }

    /// A team of agents with these limits, all online unless said otherwise.
    public func team(
        _ name: String = "Team", limits: [Int?], presence: Agent.Presence = .online
    ) async throws -> (team: UUID, agents: [UUID]) {
        try await store.write { [workspace] tx in
            let team = try tx.createTeam(name: name, by: Self.caller, in: workspace).id
            let agents = try limits.enumerated().map { index, limit in
                let agent = try tx.createAgent(
                    NewAgent(name: "\(name) \(index)", presence: presence, maxOpen: limit), by: Self.caller,
                    in: workspace)
                _ = try tx.addMember(agent.id, toTeam: team, by: Self.caller, in: workspace)
                return agent.id
            }
            return (team, agents)
        }
    }

    /// Saves and publishes a workflow that starts when a contact's message opens a conversation.
    @discardableResult
    public func publish(start: String? = nil, steps: [JSON]) async throws -> UUID {
        let document: JSON = [
            "name": .string("Inbound \(UUID())"),
            "trigger": [
                "type": "conversation_opened",
                "conditions": [
                    "all": [["field": "conversation.source", "operator": "equals", "value": "contact"]]
                ],
            ],
            "start": .string(start ?? steps.first?["id"]?.string ?? ""), "steps": .array(steps),
        ]
        return try await store.write { [workspace] tx in
            let id = try tx.createWorkflow(try WorkflowDocument(document), in: workspace).id
            _ = try tx.publishWorkflow(id, in: workspace)
            return id
        }
    }

    /// The workflow that assigns everything to one team.
    @discardableResult
    public func publishAssign(to team: UUID, strategy: String = "round_robin", more: [String: JSON] = [:]) async throws
        -> UUID
    {
        var step: JSON = [
            "id": "assign", "type": "assign", "target": ["team_id": .id(team)], "strategy": .string(strategy),
            "next": .null,
        ]
        if case .object(var object) = step {
            for (name, value) in more { object[name] = value }
            step = .object(object)
        }
        return try await publish(steps: [step])
    }

    /// A message of a contact.
    public func message(_ contact: String, _ text: String = "Hello", id: String = UUID().uuidString) -> InboundEvent {
        InboundEvent(
            channelID: channel,
            message: InboundMessage(
                messageID: id, externalID: contact, profile: ContactProfile(name: "Contact \(contact)"), text: text))
    }

    /// Checks that must hold of any workspace at any time; what does not is said in words.
    public func violations() async throws -> [String] {
        var found: [String] = []
        for (what, sql) in Self.invariants {
            let count: Int = try await store.value("SELECT count(*) AS count FROM (\(sql)) x", [workspace])
            if count > 0 { found.append("\(what): \(count)") }
        }
        return found
    }

    private static let invariants: [(String, String)] = [
        (
            "contacts with several open conversations",
            "SELECT contact_id FROM conversations WHERE workspace_id = $1 AND status <> 'closed' GROUP BY 1 HAVING count(*) > 1"
        ),
        (
            "event sequences with a gap",
            """
            SELECT c.id FROM conversations c LEFT JOIN (
                SELECT conversation_id, count(*) AS n, min(sequence) AS low, max(sequence) AS high, count(DISTINCT sequence) AS d
                FROM events WHERE workspace_id = $1 AND conversation_id IS NOT NULL GROUP BY 1) e ON e.conversation_id = c.id
            WHERE c.workspace_id = $1 AND (e.n IS DISTINCT FROM c.last_sequence OR e.low <> 1 OR e.high <> e.n OR e.d <> e.n)
            """
        ),
        (
            "event times that fall",
            """
            SELECT 1 FROM (SELECT occurred_at, lag(occurred_at) OVER (PARTITION BY conversation_id ORDER BY sequence) AS before
                FROM events WHERE workspace_id = $1 AND conversation_id IS NOT NULL) e WHERE before > occurred_at
            """
        ),
        (
            "conversations with other than one opened event",
            """
            SELECT c.id FROM conversations c WHERE c.workspace_id = $1 AND 1 <> (
                SELECT count(*) FROM events e WHERE e.workspace_id = $1 AND e.conversation_id = c.id AND e.type = 'conversation.opened')
            """
        ),
        (
            "agents whose count is not what they hold",
            """
            SELECT a.id FROM agents a WHERE a.workspace_id = $1 AND a.open_count <> (
                SELECT count(*) FROM conversations c WHERE c.workspace_id = $1 AND c.assignee_id = a.id AND c.status <> 'closed')
            """
        ),
        (
            "agents above their limit",
            "SELECT id FROM agents WHERE workspace_id = $1 AND open_count > max_open"
        ),
        (
            "waiting without an entry, or an entry without waiting",
            """
            SELECT c.id FROM conversations c LEFT JOIN line_entries e ON e.workspace_id = $1 AND e.conversation_id = c.id
            WHERE c.workspace_id = $1 AND c.waiting <> (e.id IS NOT NULL)
            """
        ),
        (
            "ended runs with a mailbox",
            """
            SELECT s.run_id FROM run_signals s JOIN runs r ON r.workspace_id = $1 AND r.id = s.run_id
            WHERE s.workspace_id = $1 AND r.status NOT IN ('candidate', 'active') AND s.kind <> 'closed'
            """
        ),
        (
            "runs that ended other than once",
            """
            SELECT r.id FROM runs r WHERE r.workspace_id = $1 AND r.status NOT IN ('candidate', 'active') AND 1 <> (
                SELECT count(*) FROM events e WHERE e.workspace_id = $1 AND e.type = 'run.ended' AND e.data ->> 'run_id' = r.id::text)
            """
        ),
    ]
}

/// Waits until `condition` holds, looking every few milliseconds; false when it does not within the time.
public func eventually(
    within limit: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}
