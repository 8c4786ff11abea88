import Core
import Foundation
import HTTPTypes
import Store

/// `/v1/api-keys`: who may call, by owner key.
struct KeyRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/api-keys", "listAPIKeys", access: .requires(.own), query: ["limit", "cursor"]
            ) { request in
                let page = try request.query { $0.page(key: .uuid) }
                let rows = try await store.keys(
                    in: request.workspace(), after: page.after?.uuid(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(.post, "/v1/api-keys", "createAPIKey", access: .requires(.own)) { request in
                let workspace = try request.workspace()
                let (name, role, expiresAt) = try request.object { reader -> (String, Role, Date?)? in
                    let name = reader.required("name", .name)
                    let role = reader.enumeration("role", Role.self)
                    let expiresAt = reader.optionalInstant("expires_at")
                    if let expiresAt, expiresAt <= Date() { reader.fail("expires_at", "out-of-range", "must be ahead") }
                    guard let name, let role else { return nil }
                    return (name, role, expiresAt)
                }
                let (key, token) = try await store.write { transaction in
                    try transaction.createKey(name: name, role: role, expiresAt: expiresAt, in: workspace)
                }
                return .created(key.json.adding("key", .string(token)), location: "/v1/api-keys/\(key.id.lowercased)")
            },
            Route(.get, "/v1/api-keys/{key_id}", "getAPIKey", access: .requires(.own)) { request in
                .ok(try await store.key(request.uuid("key_id"), in: request.workspace()).json)
            },
            Route(.delete, "/v1/api-keys/{key_id}", "revokeAPIKey", access: .requires(.own)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("key_id"))
                _ = try await store.write { try $0.revokeKey(id, in: workspace) }
                return .noContent
            },
        ]
    }
}

extension APIKey {
    fileprivate var json: JSON {
        [
            "id": .id(id), "name": .string(name), "role": .text(role?.rawValue), "created_at": .instant(createdAt),
            "expires_at": .instant(expiresAt), "revoked_at": .instant(revokedAt),
        ]
    }
}
