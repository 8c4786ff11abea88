import Core
import Foundation
import Postgres

/// One administrative change: who, what, before and after, from where (S49).
public struct AuditEntry: Sendable, Hashable {
    public let id: UUID
    public let occurredAt: Date
    /// As events name actors.
    public let actor: JSON
    /// The client's address; nil where nobody called.
    public let address: String?
    public let requestID: String?
    /// `agent.updated`.
    public let action: String
    public let targetType: String
    /// A UUID, or a contact field's name.
    public let targetID: String
    public let targetName: String
    /// The fields that changed, as they were; nil for what was created.
    public let before: JSON?
    /// The same as they are; nil for what was deleted.
    public let after: JSON?
}

/// Which entries are meant; nil does not restrict.
public struct AuditFilter: Sendable, Hashable {
    public var actorID: UUID?
    public var action: String?
    public var targetID: String?
    /// At or after.
    public var from: Date?
    /// Before.
    public var to: Date?

    public init(
        actorID: UUID? = nil, action: String? = nil, targetID: String? = nil, from: Date? = nil, to: Date? = nil
    ) {
        self.actorID = actorID
        self.action = action
        self.targetID = targetID
        self.from = from
        self.to = to
    }
}

extension Store {
    /// Newest first.
    /// - Parameter before: the last entry of the page before.
    public func auditLog(
        in workspace: UUID, _ filter: AuditFilter, before: UUID?, limit: Int
    ) async throws -> [AuditEntry] {
        let end = filter.to.map(UUIDv7.lowerBound(of:)) ?? .highest
        let upper = before.map { $0 < end ? $0 : end } ?? end
        let lower = filter.from.map(UUIDv7.lowerBound(of:)) ?? .lowest
        let binds: [any PostgresBindable] = [
            workspace, upper, lower, filter.actorID, filter.action, filter.targetID, limit,
        ]
        return try await all("audit_log_list", binds, AuditEntry.init(row:))
    }
}

extension UUID {
    /// Above every id there is.
    fileprivate static let highest = UUID(
        uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
}

extension AuditEntry {
    fileprivate init(row: PostgresRow) throws {
        func json(_ column: String) throws -> JSON? {
            try row.decode(column, as: String?.self).map { try JSON.parse(Array($0.utf8)) }
        }
        id = try row.decode("id")
        occurredAt = try row.decode("occurred_at")
        actor = try row.decodeJSON("actor")
        address = try row.decode("address")
        requestID = try row.decode("request_id")
        action = try row.decode("action")
        targetType = try row.decode("target_type")
        targetID = try row.decode("target_id")
        targetName = try row.decode("target_name")
        before = try json("before")
        after = try json("after")
    }
}
