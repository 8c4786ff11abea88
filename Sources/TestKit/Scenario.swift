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

    /// A workspace that exists already.
    public init(store: Store, workspace: UUID, channel: UUID) {
        self.store = store
        self.workspace = workspace
        self.channel = channel
    }

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

    /// - Throws: an error that names what does not hold (`violations`).
    public func requireConsistency() async throws {
        let found = try await violations()
        guard found.isEmpty else { throw Inconsistency(violations: found) }
    }

    /// What does not hold in the workspace, in words; also that no agent is above the limit, which only holds where no
    /// limit was lowered, and that ended runs have nothing in their mailboxes but what is due:
    /// the next turn takes that away.
    public func violations() async throws -> [String] {
        var found = try await store.violations(in: workspace).map(\.description)
        let above: Int = try await store.value(
            "SELECT count(*) AS count FROM agents WHERE workspace_id = $1 AND open_count > max_open", [workspace])
        if above > 0 { found.append("\(above) × an agent above the limit") }
        let letters: Int = try await store.value(
            """
            SELECT count(*) AS count FROM run_signals s JOIN runs r ON r.workspace_id = $1 AND r.id = s.run_id
            WHERE s.workspace_id = $1 AND r.status NOT IN ('candidate', 'active') AND s.kind <> 'closed'
                AND s.due_at > statement_timestamp()
            """, [workspace])
        if letters > 0 { found.append("\(letters) × an ended run with a mailbox") }
        return found
    }
}

/// What does not hold in a workspace that was meant to be consistent.
public struct Inconsistency: Error, CustomStringConvertible {
    public let violations: [String]

    public var description: String { violations.joined(separator: "; ") }
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
