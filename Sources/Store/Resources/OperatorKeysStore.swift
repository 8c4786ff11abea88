import Foundation
import Postgres

/// An operator's key without its secret.
public struct OperatorKey: Sendable, Hashable {
    public let id: UUID
    public let name: String
    public let createdAt: Date
    public let revokedAt: Date?
}

extension Store {
    /// Operator keys in the order of their making, revoked ones included.
    public func operatorKeys(after: UUID?, limit: Int) async throws -> [OperatorKey] {
        try await all("operator_keys_list", [after ?? .lowest, limit], OperatorKey.init(row:))
    }
}

extension StoreTransaction {
    /// Only the owner of the database may; the API's role can but look them up.
    /// - Returns: the key, and its text: this once, it is not kept.
    public func createOperatorKey(name: String) throws -> (key: OperatorKey, token: String) {
        let token = SecretToken(.operatorKey, id: newID())
        let row = try one("operator_key_insert", [token.id, name, token.hash], what: "key")
        return (try OperatorKey(row: row), token.text)
    }

    public func revokeOperatorKey(_ id: UUID) throws -> OperatorKey {
        try OperatorKey(row: one("operator_key_revoke", [id], what: "key"))
    }
}

extension OperatorKey {
    fileprivate init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        createdAt = try row.decode("created_at")
        revokedAt = try row.decode("revoked_at")
    }
}
