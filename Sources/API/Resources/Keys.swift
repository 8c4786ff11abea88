import Core
import Foundation
import HTTPTypes
import Store

/// `/v1/api-keys`: who may call, by owner key. No key reaches beyond itself (S48).
struct KeyRoutes: Sendable {
    let store: Store

    private static let one = "/v1/api-keys/{key_id}"
    /// How long the secret before a rotation goes on when nobody says: a day to hand out the new one.
    private static let defaultOverlap: TimeInterval = 86_400

    var routes: [Route] {
        [
            Route(
                .get, "/v1/api-keys", "listAPIKeys", access: .requires(.own), query: ["limit", "cursor"], handler: list),
            Route(.post, "/v1/api-keys", "createAPIKey", access: .requires(.own), handler: create),
            Route(.get, Self.one, "getAPIKey", access: .requires(.own)) { request in
                .ok(try await store.key(request.uuid("key_id"), in: request.workspace()).json)
            },
            Route(.patch, Self.one, "updateAPIKey", access: .requires(.own), handler: patch),
            Route(.post, Self.one + "/rotate", "rotateAPIKey", access: .requires(.own), handler: rotate),
            Route(.delete, Self.one, "revokeAPIKey", access: .requires(.own)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("key_id"))
                let (authority, precondition) = (try request.keyAuthority(), try request.precondition(\APIKey.json))
                _ = try await store.write { try $0.revokeKey(id, if: precondition, by: authority, in: workspace) }
                return .noContent
            },
        ]
    }

    private func list(_ request: APIRequest) async throws -> APIResponse {
        let page = try request.query { $0.page(key: .uuid) }
        let rows = try await store.keys(in: request.workspace(), after: page.after?.uuid(0), limit: page.fetchLimit)
        return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
    }

    private func create(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, authority) = (try request.workspace(), try request.keyAuthority())
        let (name, limits) = try request.object { reader -> (String, KeyLimits)? in
            let name = reader.required("name", .name)
            let role = reader.enumeration("role", Role.self)
            let scopes = reader.optional("scopes", .scopes)
            let expiresAt = reader.optional("expires_at", .instantAhead)
            let addresses = reader.optional("allowed_addresses", .addressRanges)
            guard let name, let role else { return nil }
            return (name, KeyLimits(role: role, scopes: scopes, expiresAt: expiresAt, allowedAddresses: addresses))
        }
        return try await request.once(store) { transaction in
            let (key, token) = try transaction.createKey(name: name, limits: limits, by: authority, in: workspace)
            return StoredAnswer(
                status: 201, body: key.json, secret: .init(member: "key", value: token),
                location: "/v1/api-keys/\(key.id.lowercased)")
        }
    }

    private func patch(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, id) = (try request.workspace(), try request.uuid("key_id"))
        let (authority, precondition) = (try request.keyAuthority(), try request.precondition(\APIKey.json))
        let patch = try request.object { reader in
            KeyPatch(
                name: reader.patchRequired("name", .name), scopes: reader.patch("scopes", .scopes),
                expiresAt: reader.patch("expires_at", .instantAhead),
                allowedAddresses: reader.patch("allowed_addresses", .addressRanges))
        }
        return .ok(
            try await store.write { try $0.updateKey(id, patch, if: precondition, by: authority, in: workspace) }.json)
    }

    private func rotate(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, id) = (try request.workspace(), try request.uuid("key_id"))
        let authority = try request.keyAuthority()
        let overlap = try request.objectIfPresent { $0.optional("overlap", .overlap) ?? Self.defaultOverlap }
        return try await request.once(store) { transaction in
            let (key, token) = try transaction.rotateKey(id, overlap: overlap, by: authority, in: workspace)
            return StoredAnswer(status: 200, body: key.json, secret: .init(member: "key", value: token))
        }
    }
}

extension APIRequest {
    /// With which right the caller changes keys.
    /// - Throws: 403 for a caller that is no key of a workspace.
    fileprivate func keyAuthority() throws(Problem) -> KeyAuthority {
        guard case .key(let key) = try caller().principal else { throw .forbidden("Use a key of the workspace.") }
        return .key(key.limits)
    }
}

extension APIKey {
    var json: JSON {
        // In the order of their declaration.
        let scopes = limits.scopes.map { scopes in
            Scope.allCases.filter(scopes.contains).map { JSON.string($0.rawValue) }
        }
        return [
            "id": .id(id), "name": .string(name), "role": .string(limits.role.rawValue),
            "scopes": scopes.map { .array($0) } ?? .null,
            "allowed_addresses": limits.allowedAddresses.map { .array($0.map { .string($0.description) }) } ?? .null,
            "created_at": .instant(createdAt), "expires_at": .instant(limits.expiresAt),
            "last_used_at": .instant(lastUsedAt), "previous_valid_until": .instant(previousValidUntil),
            "revoked_at": .instant(revokedAt),
        ]
    }
}
