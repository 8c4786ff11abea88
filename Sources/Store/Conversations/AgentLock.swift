import Core
import Foundation
import Postgres

/// An agent under its row lock: limits belong to agents, so their rows are what an assignment locks (S19).
struct LockedAgent {
    let id: UUID
    let name: String
    let presence: String
    let maxOpen: Int?
    let openCount: Int
    let isDeleted: Bool

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        presence = try row.decode("presence")
        maxOpen = try row.decode("max_open")
        openCount = try row.decode("open_count")
        isDeleted = try row.decode("deleted_at", as: Date?.self) != nil
    }

    var hasRoom: Bool { maxOpen.map { openCount < $0 } ?? true }
}

extension StoreTransaction {
    /// Locks agents in the order of their ids.
    func lockAgents(_ ids: some Collection<UUID>, in workspace: UUID) throws -> [UUID: LockedAgent] {
        guard !ids.isEmpty else { return [:] }
        var agents: [UUID: LockedAgent] = [:]
        for row in try query("agents_lock", [workspace, Array(Set(ids))]) {
            let agent = try LockedAgent(row: row)
            agents[agent.id] = agent
        }
        lockedAgents.formUnion(agents.keys)
        return agents
    }
}
