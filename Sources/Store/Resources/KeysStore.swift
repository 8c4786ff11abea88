import Core
import Foundation
import Postgres

/// Who stands behind a token.
public enum Principal: Sendable, Hashable {
    /// Makes and changes workspaces, and nothing inside them.
    case operatorKey(id: UUID, name: String)
    /// A workspace's key.
    case key(workspace: UUID, id: UUID, name: String, role: Role)
    /// A channel itself: posts what its contacts write.
    case channel(workspace: UUID, id: UUID, name: String)

    /// The tenant it belongs to.
    public var workspace: UUID? {
        switch self {
        case .operatorKey: nil
        case .key(let workspace, _, _, _), .channel(let workspace, _, _): workspace
        }
    }

    /// The row's id.
    public var id: UUID {
        switch self {
        case .operatorKey(let id, _), .key(_, let id, _, _), .channel(_, let id, _): id
        }
    }

    /// The one who acts when nobody else is named (S1).
    public var actor: Actor {
        switch self {
        case .operatorKey(let id, let name): Actor(kind: "operator", id: id, name: name)
        case .key(_, let id, let name, _): Actor(kind: "key", id: id, name: name)
        case .channel(_, let id, let name): Actor(kind: "channel", id: id, name: name)
        }
    }
}

/// A key without its secret. `role` is nil for an operator's.
public struct APIKey: Sendable, Hashable {
    public let id: UUID
    public let name: String
    public let role: Role?
    public let createdAt: Date
    public let expiresAt: Date?
    public let revokedAt: Date?
}

extension Store {
    /// Who calls with this token, or nil: unknown, wrong, expired and revoked look alike.
    ///
    /// One indexed read and no cache, so that a revoked key stops with the next request.
    public func authenticate(token text: String) async throws -> Principal? {
        guard let token = SecretToken(parsing: text) else { return nil }
        switch token.kind {
        case .key:
            // Public ids are not unique by index, so that the table can be sharded; the secret decides.
            for row in try await read("api_key_authenticate", [token.id]) where try token.matches(row, "secret_hash") {
                guard let role = Role(rawValue: try row.decode("role")) else { return nil }
                return .key(
                    workspace: try row.decode("workspace_id"), id: token.id, name: try row.decode("name"), role: role)
            }
        case .operatorKey:
            for row in try await read("operator_key_authenticate", [token.id])
            where try token.matches(row, "secret_hash") {
                return .operatorKey(id: token.id, name: try row.decode("name"))
            }
        case .channel:
            for row in try await read("channel_authenticate", [token.id]) where try token.matches(row, "token_hash") {
                return .channel(
                    workspace: try row.decode("workspace_id"), id: token.id, name: try row.decode("name"))
            }
        }
        return nil
    }

    /// The living agent on whose behalf a call is made; nil when there is none of that id.
    public func callerAgent(_ id: UUID, in workspace: UUID) async throws -> Actor? {
        try await read("caller_agent", [workspace, id]).first.map { row in
            Actor(kind: "agent", id: id, name: try row.decode("name"))
        }
    }

    /// A workspace's keys in the order of their making, revoked ones included.
    public func keys(in workspace: UUID, after: UUID?, limit: Int) async throws -> [APIKey] {
        try await all("api_keys_list", [workspace, after ?? .lowest, limit]) {
            try APIKey(row: $0, role: true)
        }
    }

    public func key(_ id: UUID, in workspace: UUID) async throws -> APIKey {
        try await one("api_key_get", [workspace, id], what: "key") { try APIKey(row: $0, role: true) }
    }

    /// Operator keys in the order of their making, revoked ones included.
    public func operatorKeys(after: UUID?, limit: Int) async throws -> [APIKey] {
        try await all("operator_keys_list", [after ?? .lowest, limit]) {
            try APIKey(row: $0, role: false)
        }
    }
}

extension StoreTransaction {
    /// - Returns: the key, and its text: this once, it is not kept.
    public func createKey(
        name: String, role: Role, expiresAt: Date?, in workspace: UUID
    ) throws -> (key: APIKey, token: String) {
        let token = SecretToken(.key, id: newID())
        let row = try one(
            "api_key_insert", [workspace, token.id, name, role.rawValue, token.hash, expiresAt], what: "key")
        return (try APIKey(row: row, role: true), token.text)
    }

    /// Revoking twice is revoking once.
    public func revokeKey(_ id: UUID, in workspace: UUID) throws -> APIKey {
        try APIKey(row: one("api_key_revoke", [workspace, id], what: "key"), role: true)
    }

    /// Only the owner of the database may; the API's role can but look them up.
    /// - Returns: the key, and its text: this once, it is not kept.
    public func createOperatorKey(name: String) throws -> (key: APIKey, token: String) {
        let token = SecretToken(.operatorKey, id: newID())
        let row = try one("operator_key_insert", [token.id, name, token.hash], what: "key")
        return (try APIKey(row: row, role: false), token.text)
    }

    public func revokeOperatorKey(_ id: UUID) throws -> APIKey {
        try APIKey(row: one("operator_key_revoke", [id], what: "key"), role: false)
    }
}

extension SecretToken {
    fileprivate func matches(_ row: PostgresRow, _ column: String) throws -> Bool {
        matches(try row.decode(column, as: [UInt8].self))
    }
}

extension APIKey {
    fileprivate init(row: PostgresRow, role hasRole: Bool) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        role = hasRole ? Role(rawValue: try row.decode("role")) : nil
        createdAt = try row.decode("created_at")
        expiresAt = hasRole ? try row.decode("expires_at") : nil
        revokedAt = try row.decode("revoked_at")
    }
}
