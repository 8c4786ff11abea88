import Core
import Foundation
import Postgres

extension Store {
    /// Teams in the order of their making.
    public func teams(in workspace: UUID, after: UUID?, limit: Int) async throws -> [Team] {
        try await all("teams_list", [workspace, after ?? .lowest, limit], Team.init(row:))
    }

    public func team(_ id: UUID, in workspace: UUID) async throws -> Team {
        try await one("team_get", [workspace, id], what: "team", Team.init(row:))
    }

    /// A team's agents in the order of their ids.
    public func members(ofTeam team: UUID, in workspace: UUID, after: UUID?, limit: Int) async throws -> [Agent] {
        _ = try await self.team(team, in: workspace)
        return try await all(
            "team_members_list", [workspace, team, after ?? .lowest, limit], Agent.init(row:))
    }
}

extension StoreTransaction {
    /// Makes a team and its line.
    public func createTeam(name: String, by caller: Caller, in workspace: UUID) throws -> Team {
        let team = try refusingTeamName {
            try Team(row: one("team_insert", [workspace, newID(), name], what: "team"))
        }
        try send("line_insert", [workspace, team.id, "team"])
        try record(.teamCreated, by: caller, in: workspace, data: team.eventData([]))
        return team
    }

    public func renameTeam(
        _ id: UUID, to name: String?, if precondition: Precondition<Team>? = nil, by caller: Caller, in workspace: UUID
    ) throws -> Team {
        let row = try one("team_lock", [workspace, id], what: "team")
        try demand(precondition, in: workspace, team(id, in: workspace))
        let previous: String = try row.decode("name")
        if let name, name != previous {
            try refusingTeamName { _ = try query("team_update", [workspace, id, name]) }
        }
        let team = try self.team(id, in: workspace)
        if team.name != previous {
            try record(
                .teamUpdated, by: caller, in: workspace, data: team.eventData([("previous_name", .string(previous))]))
        }
        return team
    }

    /// Soft-deletes a team that no published workflow names and in whose line nobody waits, and ends its memberships.
    /// - Throws: `.teamInUse` naming the workflows or how many wait.
    public func deleteTeam(
        _ id: UUID, if precondition: Precondition<Team>? = nil, by caller: Caller, in workspace: UUID
    ) throws {
        let row = try one("team_lock", [workspace, id], what: "team")
        try demand(precondition, in: workspace, team(id, in: workspace))
        let name: String = try row.decode("name")
        try refuseReferenced("team", id, as: .teamInUse, in: workspace)
        _ = try query("line_lock", [workspace, id])
        try refuseWaiting(line: id, as: .teamInUse, in: workspace)
        let members = try query("team_members_lock_agents", [workspace, id])
        try send("team_members_delete_of_team", [workspace, id])
        for member in members {
            try recordMembership(
                .teamMemberRemoved, team: (id, name), agent: (try member.decode("id"), try member.decode("name")),
                by: caller, in: workspace)
        }
        try send("team_delete", [workspace, id])
        try record(
            .teamDeleted, by: caller, in: workspace, data: ["team_id": .id(id), "team_name": .string(name)])
    }

    /// Makes an agent a member; one already is stays as before, without an event.
    public func addMember(
        _ agent: UUID, toTeam team: UUID, if precondition: Precondition<Agent>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws -> Agent {
        let teamName: String = try one("team_lock_shared", [workspace, team], what: "team").decode("name")
        let member = try lockAgent(agent, in: workspace)
        try demand(
            precondition, in: workspace,
            query("team_member_get", [workspace, team, agent]).isEmpty ? nil : member)
        if !(try query("team_member_insert", [workspace, team, agent])).isEmpty {
            try recordMembership(
                .teamMemberAdded, team: (team, teamName), agent: (agent, member.name), by: caller, in: workspace)
            try markLines(ofAgent: agent, in: workspace)
        }
        return member
    }

    /// - Throws: `StoreError.notFound` for a team or agent that is not there, and for an agent who is no member.
    public func removeMember(
        _ agent: UUID, fromTeam team: UUID, if precondition: Precondition<Agent>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws {
        let teamName: String = try one("team_lock_shared", [workspace, team], what: "team").decode("name")
        let member = try lockAgent(agent, in: workspace)
        _ = try one("team_member_get", [workspace, team, agent], what: "team member")
        try demand(precondition, in: workspace, member)
        _ = try one("team_member_delete", [workspace, team, agent], what: "team member")
        try recordMembership(
            .teamMemberRemoved, team: (team, teamName), agent: (agent, member.name), by: caller, in: workspace)
    }

    private func team(_ id: UUID, in workspace: UUID) throws -> Team {
        try Team(row: one("team_get", [workspace, id], what: "team"))
    }

    func recordMembership(
        _ type: EventType, team: (id: UUID, name: String), agent: (id: UUID, name: String), by caller: Caller,
        in workspace: UUID
    ) throws {
        try record(
            type, by: caller, in: workspace,
            data: [
                "team_id": .id(team.id), "team_name": .string(team.name), "agent_id": .id(agent.id),
                "agent_name": .string(agent.name),
            ])
    }

    private func refusingTeamName<Result>(_ body: () throws -> Result) throws -> Result {
        try refusing("teams_name_key", as: .nameTaken, "Another team has this name.", body)
    }
}

extension Team {
    init(row: PostgresRow) throws {
        self.init(
            id: try row.decode("id"), name: try row.decode("name"), memberCount: try row.decode("member_count"),
            version: try row.decode("version"), createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at"))
    }

    fileprivate func eventData(_ members: [(String, JSON)]) -> JSON {
        JSON(fields: [("team_id", .id(id)), ("team_name", .string(name))] + members)
    }
}
