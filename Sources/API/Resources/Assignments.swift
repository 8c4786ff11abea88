import Core
import Foundation
import HTTPTypes
import Store

/// Who got a conversation when, and why.
struct AssignmentRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/conversations/{conversation_id}/assignments", "listAssignments", access: .requires(.read),
                query: ConversationRoutes.paging, handler: list),
            Route(.get, "/v1/assignments/{assignment_id}", "getAssignment", access: .requires(.read), handler: get),
        ]
    }

    @Sendable private func list(_ request: APIRequest) async throws -> APIResponse {
        let (page, ascending) = try request.query { ($0.page(key: .uuid), $0.isAscending(default: true)) }
        let rows = try await store.assignments(
            of: request.uuid("conversation_id"), after: page.after?.uuid(0), ascending: ascending,
            limit: page.fetchLimit, in: request.workspace())
        return page.response(rows, item: { JSON(fields: $0.fields) }) { [.uuid($0.id)] }
    }

    @Sendable private func get(_ request: APIRequest) async throws -> APIResponse {
        let (assignment, decision) = try await store.assignment(request.uuid("assignment_id"), in: request.workspace())
        return .ok(JSON(fields: assignment.fields + [("decision", decision?.json ?? .null)]))
    }
}

extension AssignmentRecord {
    fileprivate var fields: [(String, JSON)] {
        [
            ("id", .id(id)), ("conversation_id", .id(conversationID)), ("kind", .string(kind)),
            ("occurred_at", .instant(occurredAt)), ("source", .string(source)), ("actor", actor), ("via", .string(via)),
            ("strategy", .text(strategy)), ("agent_id", .id(agentID)), ("agent_name", .text(agentName)),
            ("previous_agent_id", .id(previousAgentID)), ("previous_agent_name", .text(previousAgentName)),
            ("team_id", .id(teamID)), ("team_name", .text(teamName)), ("run_id", .id(runID)),
            ("entered_at", .instant(enteredAt)), ("queued_at", .instant(queuedAt)), ("decision_id", .id(decisionID)),
            ("position", position.map { .integer(Int64($0)) } ?? .null),
        ]
    }
}

extension DecisionRecord {
    /// The facts of the batch, and beside each candidate how many of the batch it got before this assignment: together
    /// they are what this choice saw (S20).
    fileprivate var json: JSON {
        var picked: [String: Int64] = [:]
        for pick in earlierPicks { if let agent = pick.agentID { picked[agent.lowercased, default: 0] += 1 } }
        let explained = (candidates.array ?? []).map { candidate -> JSON in
            guard let agent = candidate["agent_id"]?.string else { return candidate }
            // The database keeps members in an order of its own.
            let facts = ["agent_id", "agent_name", "presence", "open_count", "max_open", "turn", "skipped"]
            return JSON(
                present: facts.map { ($0, candidate[$0]) } + [
                    ("picked_before", .integer(picked[agent.lowercased()] ?? 0))
                ])
        }
        return JSON(fields: [
            ("id", .id(id)), ("line_id", .id(lineID)), ("line_kind", .string(lineKind)), ("line_name", .text(lineName)),
            ("occurred_at", .instant(occurredAt)), ("served", .integer(Int64(served))),
            ("waiting", .integer(Int64(waiting))), ("position", .integer(Int64(position))),
            ("candidates", .array(explained)),
            (
                "picks_before",
                .array(
                    earlierPicks.map { pick in
                        JSON(fields: [
                            ("position", .integer(Int64(pick.position))), ("assignment_id", .id(pick.assignmentID)),
                            ("conversation_id", .id(pick.conversationID)), ("agent_id", .id(pick.agentID)),
                            ("agent_name", .text(pick.agentName)),
                        ])
                    })
            ),
        ])
    }
}
