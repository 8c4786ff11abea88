import Core
import Foundation
import HTTPTypes
import Store

/// `/v1/audit-log`: who changed what in the workspace's administration, newest first (S49).
struct AuditLogRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/audit-log", "listAuditLog", access: .requires(.manage),
                query: ["actor_id", "action", "target_id", "from", "to", "limit", "cursor"]
            ) { request in
                let (filter, page) = try request.query { query -> (AuditFilter, Page)? in
                    let filter = AuditFilter(
                        actorID: query.optionalUUID("actor_id"), action: query.optionalString("action"),
                        targetID: query.optionalString("target_id"), from: query.optionalInstant("from"),
                        to: query.optionalInstant("to"))
                    // Each alone has its index, and so have actor and action together.
                    if query.has("target_id"), query.has("actor_id") || query.has("action") {
                        query.fail("target_id", "not-allowed", "not together with actor_id or action")
                    }
                    return (filter, query.page(key: .uuid))
                }
                let rows = try await store.auditLog(
                    in: request.workspace(), filter, before: page.after?.uuid(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            }
        ]
    }
}

extension AuditEntry {
    fileprivate var json: JSON {
        [
            "id": .id(id), "occurred_at": .instant(occurredAt), "actor": actor, "address": .text(address),
            "request_id": .text(requestID), "action": .string(action),
            "target": ["type": .string(targetType), "id": .string(targetID), "name": .string(targetName)],
            "before": before ?? .null, "after": after ?? .null,
        ]
    }
}
