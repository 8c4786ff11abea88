import Core
import Foundation
import Postgres

public struct NewAgent: Sendable {
    public var name: String
    public var email: String?
    public var role: Role
    public var presence: Agent.Presence
    public var maxOpen: Int?

    public init(
        name: String, email: String? = nil, role: Role = .agent, presence: Agent.Presence = .offline,
        maxOpen: Int? = nil
    ) {
        self.name = name
        self.email = email
        self.role = role
        self.presence = presence
        self.maxOpen = maxOpen
    }
}

/// What a merge-patch of an agent says.
public struct AgentPatch: Sendable {
    public var name: String?
    public var email: Patch<String>
    public var role: Role?
    public var maxOpen: Patch<Int>

    public init(
        name: String? = nil, email: Patch<String> = .absent, role: Role? = nil, maxOpen: Patch<Int> = .absent
    ) {
        self.name = name
        self.email = email
        self.role = role
        self.maxOpen = maxOpen
    }
}

extension Store {
    /// Agents in the order of their making; each filter that is given narrows the list.
    public func agents(
        in workspace: UUID, presence: Agent.Presence? = nil, email: String? = nil, team: UUID? = nil, after: UUID?,
        limit: Int
    ) async throws -> [Agent] {
        try await all(
            "agents_list", [workspace, after ?? .lowest, limit, presence?.rawValue, email, team], Agent.init(row:))
    }

    public func agent(_ id: UUID, in workspace: UUID) async throws -> Agent {
        try await one("agent_get", [workspace, id], what: "agent", Agent.init(row:))
    }
}

extension StoreTransaction {
    /// Makes an agent and the agent's own line.
    public func createAgent(_ new: NewAgent, by caller: Caller, in workspace: UUID) throws -> Agent {
        let row = try refusingEmail {
            try one(
                "agent_insert",
                [workspace, newID(), new.name, new.email, new.role.rawValue, new.presence.rawValue, new.maxOpen],
                what: "agent")
        }
        let agent = try Agent(row: row)
        try send("line_insert", [workspace, agent.id, "agent"])
        try record(
            .agentCreated, by: caller, in: workspace,
            data: agent.eventData([
                ("presence", .string(agent.presence.rawValue)), ("max_open", .limit(agent.maxOpen)),
            ]))
        return agent
    }

    public func updateAgent(
        _ id: UUID, _ patch: AgentPatch, if precondition: Precondition<Agent>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws -> Agent {
        let current = try lockAgent(id, in: workspace)
        try demand(precondition, in: workspace, current)
        var next = current
        next.name = patch.name ?? current.name
        next.email = patch.email.applied(to: current.email)
        next.role = patch.role ?? current.role
        next.maxOpen = patch.maxOpen.applied(to: current.maxOpen)
        guard next != current else { return current }
        let row = try refusingEmail {
            try one(
                "agent_update", [workspace, id, next.name, next.email, next.role.rawValue, next.maxOpen], what: "agent")
        }
        let agent = try Agent(row: row)
        try record(
            .agentUpdated, by: caller, in: workspace,
            data: agent.eventData([
                ("previous_name", .string(current.name)), ("role", .string(agent.role.rawValue)),
                ("previous_role", .string(current.role.rawValue)), ("max_open", .limit(agent.maxOpen)),
                ("previous_max_open", .limit(current.maxOpen)),
            ]))
        if agent.maxOpen != current.maxOpen { try markLines(ofAgent: id, in: workspace) }
        return agent
    }

    /// The same presence again changes nothing and is no event.
    public func setPresence(
        _ presence: Agent.Presence, ofAgent id: UUID, if precondition: Precondition<Agent>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws -> Agent {
        let current = try lockAgent(id, in: workspace)
        try demand(precondition, in: workspace, current)
        guard current.presence != presence else { return current }
        let agent = try Agent(row: one("agent_set_presence", [workspace, id, presence.rawValue], what: "agent"))
        try recordPresence(agent, previous: current.presence, by: caller, in: workspace)
        try markLines(ofAgent: id, in: workspace)
        return agent
    }

    /// Soft-deletes an agent whom no published workflow names and nobody waits for.
    /// - Parameter releasing: what becomes of the conversations that the agent holds; nil refuses when there are any.
    /// - Throws: `.agentHasOpenConversations` with `open_count`; `.agentInUse` naming workflows or how many wait.
    public func deleteAgent(
        _ id: UUID, releasing: ReleaseMode?, if precondition: Precondition<Agent>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws {
        if let releasing {
            // Before its conversations are released, which changes what the agent shows; and so without the agent's
            // lock, which comes last (S19).
            let agent = try Agent(row: one("agent_get", [workspace, id], what: "agent"))
            try demand(precondition, in: workspace, agent)
            // Conversations are locked before lines and agents (S19), and the counters written before they are read.
            try releaseConversations(ofAgent: id, mode: releasing, by: caller, in: workspace)
            try flush()
        } else {
            // Line before agent. The lock keeps new entries out until we are gone.
            _ = try query("line_lock", [workspace, id])
        }
        let agent = try lockAgent(id, in: workspace)
        if releasing == nil { try demand(precondition, in: workspace, agent) }
        guard agent.openCount == 0 else {
            throw StoreError.conflict(
                .agentHasOpenConversations, detail: "The agent holds \(agent.openCount) open conversations.",
                members: ["open_count": .integer(Int64(agent.openCount))])
        }
        try refuseReferenced("agent", id, as: .agentInUse, in: workspace)
        try refuseWaiting(line: id, as: .agentInUse, in: workspace)

        for team in try query("team_members_delete_of_agent", [workspace, id]) {
            try recordMembership(
                .teamMemberRemoved, team: try row(team), agent: (id, agent.name), by: caller, in: workspace)
        }
        if agent.presence != .offline {
            var offline = agent
            offline.presence = .offline
            try recordPresence(offline, previous: agent.presence, by: caller, in: workspace)
        }
        _ = try one("agent_delete", [workspace, id], what: "agent")
        try record(.agentDeleted, by: caller, in: workspace, data: agent.eventData([]))
    }

    /// Locks a living agent's row, as everything that changes presence, limit, membership or open count does first.
    func lockAgent(_ id: UUID, in workspace: UUID) throws -> Agent {
        try Agent(row: one("agent_lock", [workspace, id], what: "agent"))
    }

    /// Refuses to delete what a published workflow names.
    func refuseReferenced(_ kind: String, _ id: UUID, as conflict: Conflict, in workspace: UUID) throws {
        let workflows = try query("workflows_referring", [workspace, kind, id])
        guard !workflows.isEmpty else { return }
        let names = try workflows.decode("name", as: String.self)
        throw StoreError.conflict(
            conflict, detail: "Published workflows use it: \(names.joined(separator: ", ")).",
            members: [
                "workflows": .array(
                    try workflows.map {
                        ["id": .id(try $0.decode("id", as: UUID.self)), "name": .string(try $0.decode("name"))]
                    })
            ])
    }

    /// Refuses to delete what somebody waits for. The line's row must be locked.
    func refuseWaiting(line: UUID, as conflict: Conflict, in workspace: UUID) throws {
        let waiting: Int =
            try query("line_entries_count", [workspace, line]).first.map { try $0.decode("waiting") } ?? 0
        guard waiting == 0 else {
            throw StoreError.conflict(
                conflict, detail: "\(waiting) conversations wait in its line.",
                members: ["waiting": .integer(Int64(waiting))])
        }
    }

    private func row(_ team: PostgresRow) throws -> (UUID, String) {
        (try team.decode("team_id"), try team.decode("team_name"))
    }

    private func recordPresence(
        _ agent: Agent, previous: Agent.Presence, by caller: Caller, in workspace: UUID
    ) throws {
        try record(
            .agentPresenceChanged, by: caller, in: workspace,
            data: agent.eventData([
                ("presence", .string(agent.presence.rawValue)), ("previous", .string(previous.rawValue)),
            ]))
    }

    private func refusingEmail<Result>(_ body: () throws -> Result) throws -> Result {
        try refusing("agents_email_key", as: .emailTaken, "Another agent has this e-mail address.", body)
    }
}

extension Agent {
    init(row: PostgresRow) throws {
        self.init(
            id: try row.decode("id"), name: try row.decode("name"), email: try row.decode("email"),
            role: Role(rawValue: try row.decode("role")) ?? .viewer,
            presence: Presence(rawValue: try row.decode("presence")) ?? .offline,
            presenceChangedAt: try row.decode("presence_changed_at"), maxOpen: try row.decode("max_open"),
            openCount: try row.decode("open_count"), version: try row.decode("version"),
            createdAt: try row.decode("created_at"), updatedAt: try row.decode("updated_at"))
    }

    fileprivate func eventData(_ members: [(String, JSON)]) -> JSON {
        JSON(fields: [("agent_id", .id(id)), ("agent_name", .string(name))] + members)
    }
}

extension JSON {
    /// A limit; null means none.
    fileprivate static func limit(_ limit: Int?) -> JSON { limit.map { .integer(Int64($0)) } ?? .null }
}
