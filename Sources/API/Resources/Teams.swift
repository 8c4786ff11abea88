import Core
import HTTPTypes
import Store

/// `/v1/teams`: agents who share a line.
struct TeamRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/teams", "listTeams", access: .requires(.read), query: ["limit", "cursor"]
            ) { request in
                let page = try request.query { $0.page(key: .uuid) }
                let rows = try await store.teams(
                    in: request.workspace(), after: page.after?.uuid(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(.post, "/v1/teams", "createTeam", access: .requires(.manage)) { request in
                let workspace = try request.workspace()
                let name = try request.object { $0.required("name", .name) }
                let caller = try request.caller().caller
                return try await request.once(store) { transaction in
                    let team = try transaction.createTeam(name: name, by: caller, in: workspace)
                    return StoredAnswer(status: 201, body: team.json, location: "/v1/teams/\(team.id.lowercased)")
                }
            },
            Route(.get, "/v1/teams/{team_id}", "getTeam", access: .requires(.read)) { request in
                .ok(try await store.team(request.uuid("team_id"), in: request.workspace()).json)
            },
            Route(.patch, "/v1/teams/{team_id}", "updateTeam", access: .requires(.manage)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("team_id"))
                let name = try request.object { .some($0.patchRequired("name", .name)) }
                let caller = try request.caller().caller
                let precondition = try request.precondition(\Team.json)
                let team = try await store.write {
                    try $0.renameTeam(id, to: name, if: precondition, by: caller, in: workspace)
                }
                return .ok(team.json)
            },
            Route(.delete, "/v1/teams/{team_id}", "deleteTeam", access: .requires(.manage)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("team_id"))
                let caller = try request.caller().caller
                let precondition = try request.precondition(\Team.json)
                try await store.write { try $0.deleteTeam(id, if: precondition, by: caller, in: workspace) }
                return .noContent
            },
        ] + memberRoutes
    }

    private var memberRoutes: [Route] {
        [
            Route(
                .get, "/v1/teams/{team_id}/members", "listTeamMembers", access: .requires(.read),
                query: ["limit", "cursor"]
            ) { request in
                let page = try request.query { $0.page(key: .uuid) }
                let rows = try await store.members(
                    ofTeam: request.uuid("team_id"), in: request.workspace(), after: page.after?.uuid(0),
                    limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(
                .put, "/v1/teams/{team_id}/members/{agent_id}", "addTeamMember", access: .requires(.manage)
            ) { request in
                let (team, agent) = (try request.uuid("team_id"), try request.uuid("agent_id"))
                let workspace = try request.workspace()
                let caller = try request.caller().caller
                let precondition = try request.precondition(\Agent.json)
                let member = try await store.write {
                    try $0.addMember(agent, toTeam: team, if: precondition, by: caller, in: workspace)
                }
                return .ok(member.json)
            },
            Route(
                .delete, "/v1/teams/{team_id}/members/{agent_id}", "removeTeamMember", access: .requires(.manage)
            ) { request in
                let (team, agent) = (try request.uuid("team_id"), try request.uuid("agent_id"))
                let workspace = try request.workspace()
                let caller = try request.caller().caller
                let precondition = try request.precondition(\Agent.json)
                try await store.write {
                    try $0.removeMember(agent, fromTeam: team, if: precondition, by: caller, in: workspace)
                }
                return .noContent
            },
        ]
    }
}

extension Team {
    var json: JSON {
        [
            "id": .id(id), "name": .string(name), "member_count": .integer(Int64(memberCount)),
            "created_at": .instant(createdAt), "updated_at": .instant(updatedAt),
        ]
    }
}
