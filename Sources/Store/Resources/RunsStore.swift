import Core
import Foundation
import Postgres

/// A run as the API shows it. Candidates are none yet and never appear.
public struct RunRecord: Sendable, Hashable {
    public var id: UUID
    public var workflowID: UUID
    public var workflowVersion: Int
    public var contactID: UUID
    public var conversationID: UUID
    public var status: String
    public var reason: String?
    public var step: String?
    public var startedAt: Date?
    public var endedAt: Date?

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        workflowID = try row.decode("workflow_id")
        workflowVersion = try row.decode("workflow_version")
        contactID = try row.decode("contact_id")
        conversationID = try row.decode("conversation_id")
        status = try row.decode("status")
        reason = try row.decode("reason")
        step = try row.decode("step")
        startedAt = try row.decode("started_at")
        endedAt = try row.decode("ended_at")
    }
}

/// One line of a run's log.
public struct RunLogRecord: Sendable, Hashable {
    public var id: UUID
    public var occurredAt: Date
    public var step: String?
    public var visit: Int?
    public var kind: String
    public var port: String?
    public var data: JSON

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        occurredAt = try row.decode("occurred_at")
        step = try row.decode("step")
        visit = try row.decode("visit")
        kind = try row.decode("kind")
        port = try row.decode("port")
        data = try row.decodeJSON("data")
    }
}

/// What a run can be shown as.
public enum RunStatus: String, Sendable, CaseIterable {
    case active, completed, failed
    case conversationClosed = "conversation_closed"
    case stopped
}

/// Which runs a list holds; all that is given must hold at once.
public struct RunFilter: Sendable, Hashable {
    public var workflowID: UUID?
    public var contactID: UUID?
    public var conversationID: UUID?
    public var status: RunStatus?

    public init(
        workflowID: UUID? = nil, contactID: UUID? = nil, conversationID: UUID? = nil, status: RunStatus? = nil
    ) {
        self.workflowID = workflowID
        self.contactID = contactID
        self.conversationID = conversationID
        self.status = status
    }

    /// Whether these are the runs of one contact or conversation.
    var isOfSomebody: Bool { contactID != nil || conversationID != nil }
}

extension Store {
    /// One page of runs, newest first.
    public func runs(_ filter: RunFilter, after id: UUID?, limit: Int, in workspace: UUID) async throws -> [RunRecord] {
        if filter.isOfSomebody {
            return try await read(
                "run_list_filtered",
                [
                    workspace, filter.workflowID, filter.contactID, filter.conversationID, filter.status?.rawValue, id,
                    limit,
                ]
            ).map(RunRecord.init(row:))
        }
        let statuses = filter.status.map { [$0] } ?? RunStatus.allCases
        return try await read(
            "run_list", [workspace, statuses.map(\.rawValue), id, limit, filter.workflowID]
        ).map(RunRecord.init(row:))
    }

    /// One run with all of its log, in order.
    /// - Throws: `StoreError.notFound`.
    public func run(_ id: UUID, in workspace: UUID) async throws -> (run: RunRecord, log: [RunLogRecord]) {
        guard let row = try await read("run_get", [workspace, id]).first else {
            throw StoreError.notFound(what: "run")
        }
        let log = try await read(
            "run_log_list",
            [
                workspace, id, UUIDv7.lowerBound(of: try row.decode("first_at")),
                UUIDv7.lowerBound(of: try row.decode("last_at")),
            ])
        return (try RunRecord(row: row), try log.map(RunLogRecord.init(row:)))
    }
}
