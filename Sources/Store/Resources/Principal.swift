import Addresses
import Core
import Foundation
import Postgres

/// Who stands behind a token.
public enum Principal: Sendable, Hashable {
    /// Makes and changes workspaces, and nothing inside them but owner keys.
    case operatorKey(id: UUID, name: String)
    case key(WorkspaceKey)
    /// A channel itself: posts what its contacts write.
    case channel(workspace: UUID, id: UUID, name: String)

    /// The tenant it belongs to.
    public var workspace: UUID? {
        switch self {
        case .operatorKey: nil
        case .key(let key): key.workspace
        case .channel(let workspace, _, _): workspace
        }
    }

    /// The row's id.
    public var id: UUID {
        switch self {
        case .operatorKey(let id, _), .channel(_, let id, _): id
        case .key(let key): key.id
        }
    }

    /// The one who acts when nobody else is named (S1).
    public var actor: Actor {
        switch self {
        case .operatorKey(let id, let name): Actor(kind: "operator", id: id, name: name)
        case .key(let key): Actor(kind: "key", id: key.id, name: key.name)
        case .channel(_, let id, let name): Actor(kind: "channel", id: id, name: name)
        }
    }
}

/// A workspace's key that calls.
public struct WorkspaceKey: Sendable, Hashable {
    public let workspace: UUID
    public let id: UUID
    public let name: String
    public let limits: KeyLimits
}

extension Store {
    /// Who calls with this token, or nil: unknown, wrong, expired and revoked look alike.
    ///
    /// One indexed read and no cache, so that a revoked key stops with the next request. Calls of one key at the same time
    /// share a read that began after each of them.
    public func authenticate(token text: String) async throws -> Principal? {
        guard let token = SecretToken(parsing: text) else { return nil }
        switch token.kind {
        case .key:
            // Public ids are not unique by index, so that the table can be sharded; the secret decides.
            for row in try await rows("api_key_authenticate", of: token)
            where try token.matches(row, "secret_hash") || token.matches(row, "previous_secret_hash") {
                return .key(
                    WorkspaceKey(
                        workspace: try row.decode("workspace_id"), id: token.id, name: try row.decode("name"),
                        limits: try KeyLimits(row: row)))
            }
        case .operatorKey:
            for row in try await rows("operator_key_authenticate", of: token)
            where try token.matches(row, "secret_hash") {
                return .operatorKey(id: token.id, name: try row.decode("name"))
            }
        case .channel:
            for row in try await rows("channel_authenticate", of: token) where try token.matches(row, "token_hash") {
                return .channel(
                    workspace: try row.decode("workspace_id"), id: token.id, name: try row.decode("name"))
            }
        }
        return nil
    }

    private func rows(_ name: String, of token: SecretToken) async throws -> PostgresRows {
        try await tokenReads.value(of: token.name) { try await read(name, [token.id]) }
    }

    /// The living agent on whose behalf a call is made; nil when there is none of that id.
    public func callerAgent(_ id: UUID, in workspace: UUID) async throws -> Actor? {
        try await read("caller_agent", [workspace, id]).first.map { row in
            Actor(kind: "agent", id: id, name: try row.decode("name"))
        }
    }
}

extension SecretToken {
    /// Whether the column holds this secret's hash; null holds nobody's.
    fileprivate func matches(_ row: PostgresRow, _ column: String) throws -> Bool {
        try row.decode(column, as: [UInt8]?.self).map { matches($0) } ?? false
    }
}

extension KeyLimits {
    /// What this program does not know of a row is not granted.
    init(row: PostgresRow) throws {
        let scopes: [String]? = try row.decode("scopes")
        let addresses: [String]? = try row.decode("allowed_addresses")
        self.init(
            role: Role(rawValue: try row.decode("role")) ?? .viewer,
            scopes: scopes.map { Set($0.compactMap(Scope.init(rawValue:))) }, expiresAt: try row.decode("expires_at"),
            allowedAddresses: addresses.map { $0.compactMap { AddressRange($0) } })
    }
}
