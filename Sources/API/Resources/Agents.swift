import Core
import Foundation
import HTTPTypes
import Store

/// `/v1/agents`: those who answer.
struct AgentRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/agents", "listAgents", access: .requires(.read),
                query: ["limit", "cursor", "presence", "email", "team_id"]
            ) { request in
                let (page, presence, email, team) = try request.query { query in
                    (
                        query.page(key: .uuid), query.optionalEnumeration("presence", Agent.Presence.self),
                        query.optionalString("email", length: 1...254), query.optionalUUID("team_id")
                    )
                }
                let rows = try await store.agents(
                    in: request.workspace(), presence: presence, email: email, team: team, after: page.after?.uuid(0),
                    limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(.post, "/v1/agents", "createAgent", access: .requires(.manage)) { request in
                let new = try request.object { reader -> NewAgent? in
                    let name = reader.required("name", .name)
                    let email = reader.optional("email", .email)
                    let role = reader.optionalEnumeration("role", Role.self) ?? .agent
                    let presence = reader.optionalEnumeration("presence", Agent.Presence.self) ?? .offline
                    let maxOpen = reader.optional("max_open", .limit)
                    return name.map {
                        NewAgent(name: $0, email: email, role: role, presence: presence, maxOpen: maxOpen)
                    }
                }
                let workspace = try request.workspace()
                let caller = try request.caller().caller
                return try await request.once(store) { transaction in
                    let agent = try transaction.createAgent(new, by: caller, in: workspace)
                    return StoredAnswer(
                        status: 201, body: agent.json, location: "/v1/agents/\(agent.id.lowercased)")
                }
            },
            Route(.get, "/v1/agents/{agent_id}", "getAgent", access: .requires(.read)) { request in
                .ok(try await store.agent(request.uuid("agent_id"), in: request.workspace()).json)
            },
            Route(.patch, "/v1/agents/{agent_id}", "updateAgent", access: .requires(.manage)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("agent_id"))
                let patch = try request.object { reader in
                    AgentPatch(
                        name: reader.patchRequired("name", .name), email: reader.patch("email", .email),
                        role: reader.patchRequired("role", .enumeration()), maxOpen: reader.patch("max_open", .limit))
                }
                let caller = try request.caller().caller
                let precondition = try request.precondition(\Agent.json)
                let agent = try await store.write {
                    try $0.updateAgent(id, patch, if: precondition, by: caller, in: workspace)
                }
                return .ok(agent.json)
            },
            Route(.put, "/v1/agents/{agent_id}/presence", "setPresence", access: .requires(.work)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("agent_id"))
                let presence = try request.object { $0.enumeration("presence", Agent.Presence.self) }
                let caller = try request.caller().caller
                let precondition = try request.precondition(\Agent.json)
                let agent = try await store.write {
                    try $0.setPresence(presence, ofAgent: id, if: precondition, by: caller, in: workspace)
                }
                return .ok(agent.json)
            },
            Route(
                .delete, "/v1/agents/{agent_id}", "deleteAgent", access: .requires(.manage), query: ["open", "to"]
            ) { request in
                try await delete(request)
            },
        ]
    }

    private enum Open: String, CaseIterable {
        case `return`, transfer
    }

    private func delete(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, id) = (try request.workspace(), try request.uuid("agent_id"))
        let (open, other) = try request.query { query in
            let open = query.optionalEnumeration("open", Open.self)
            let other = open == .transfer ? query.required("to", .uuid) : query.optionalUUID("to")
            if open != .transfer, other != nil { query.fail("to", "not-allowed", "goes with open=transfer") }
            return (open, other)
        }
        let releasing: ReleaseMode? =
            switch (open, other) {
            case (.return, _): .returnToLine
            case (.transfer, let other?): .transfer(to: other)
            default: nil
            }
        let caller = try request.caller().caller
        let precondition = try request.precondition(\Agent.json)
        // Between releasing and locking, a line may give the agent one more; then releasing is worth repeating.
        for attempt in 1... {
            do {
                try await store.write {
                    try $0.deleteAgent(id, releasing: releasing, if: precondition, by: caller, in: workspace)
                }
                break
            } catch StoreError.conflict(.agentHasOpenConversations, _, _) where releasing != nil && attempt < 5 {
                continue
            }
        }
        return .noContent
    }
}

extension FieldType where Value == Int {
    /// Conversations an agent may have at once.
    static var limit: FieldType { .int(range: 0...1_000_000) }
}

extension Agent {
    var json: JSON {
        [
            "id": .id(id), "name": .string(name), "email": .text(email), "role": .string(role.rawValue),
            "presence": .string(presence.rawValue), "presence_changed_at": .instant(presenceChangedAt),
            "max_open": maxOpen.map { .integer(Int64($0)) } ?? .null, "open_count": .integer(Int64(openCount)),
            "created_at": .instant(createdAt), "updated_at": .instant(updatedAt),
        ]
    }
}
