import Core
import Foundation
import HTTPTypes
import Store

/// Runs and their logs.
struct RunRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/runs", "listRuns", access: .requires(.read),
                query: ["workflow_id", "contact_id", "conversation_id", "status", "limit", "cursor"], handler: list),
            Route(.get, "/v1/runs/{run_id}", "getRun", access: .requires(.read), handler: get),
        ]
    }

    @Sendable private func list(_ request: APIRequest) async throws -> APIResponse {
        let (filter, page) = try request.query { query in
            (
                RunFilter(
                    workflowID: query.optionalUUID("workflow_id"), contactID: query.optionalUUID("contact_id"),
                    conversationID: query.optionalUUID("conversation_id"),
                    status: query.optionalEnumeration("status", RunStatus.self)),
                query.page(key: .uuid)
            )
        }
        let rows = try await store.runs(
            filter, after: page.after?.uuid(0), limit: page.fetchLimit, in: request.workspace())
        return page.response(rows, item: { JSON(fields: $0.fields) }) { [.uuid($0.id)] }
    }

    @Sendable private func get(_ request: APIRequest) async throws -> APIResponse {
        let (run, log) = try await store.run(request.uuid("run_id"), in: request.workspace())
        return .ok(JSON(fields: run.fields + [("log", .array(log.map(\.json)))]))
    }
}

extension RunRecord {
    fileprivate var fields: [(String, JSON)] {
        [
            ("id", .id(id)), ("workflow_id", .id(workflowID)),
            ("workflow_version", .integer(Int64(workflowVersion))), ("contact_id", .id(contactID)),
            ("conversation_id", .id(conversationID)), ("status", .string(status)), ("reason", .text(reason)),
            ("step", .text(step)), ("started_at", .instant(startedAt)), ("ended_at", .instant(endedAt)),
        ]
    }
}

extension RunLogRecord {
    /// As the API shows it.
    fileprivate var json: JSON {
        JSON(fields: [
            ("id", .id(id)), ("occurred_at", .instant(occurredAt)), ("kind", .string(kind)), ("step", .text(step)),
            ("visit", visit.map { .integer(Int64($0)) } ?? .null), ("port", .text(port)), ("data", data),
        ])
    }
}
