import Core
import Foundation
import Postgres

/// A process of Switchboard as it shows itself to the others.
public struct ProcessDescription: Sendable, Hashable {
    public var id: UUID
    /// `api`, `worker`, `scheduler`.
    public var parts: [String]
    public var host: String
    /// The system's number of it.
    public var processID: Int
    public var version: String

    public init(id: UUID = UUID(), parts: [String], host: String, processID: Int, version: String) {
        self.id = id
        self.parts = parts
        self.host = host
        self.processID = processID
        self.version = version
    }
}

/// A process as the database knows it.
public struct KnownProcess: Sendable, Hashable {
    public let description: ProcessDescription
    public let startedAt: Date
    public let lastSeenAt: Date
    /// Seen within the last 15 seconds.
    public let isAlive: Bool
}

/// Who is at work, and what waits for them.
public struct SystemStatus: Sendable, Hashable {
    public var processes: [KnownProcess]
    public var backlog: Backlog

    public init(processes: [KnownProcess], backlog: Backlog) {
        self.processes = processes
        self.backlog = backlog
    }
}

extension Store {
    /// Says that the process lives, and forgets those that have not for a minute. The owner's statements only.
    public func heartbeat(_ process: ProcessDescription) async throws {
        try await write { transaction in
            try transaction.send(
                "process_heartbeat",
                [process.id, process.parts, process.host, process.processID, process.version])
            try transaction.send("processes_purge", [])
        }
    }

    /// Forgets a process that ends in order.
    public func forgetProcess(_ id: UUID) async throws {
        _ = try await write { try $0.query("process_delete", [id]).count }
    }

    /// Every process known, the oldest first.
    public func processes() async throws -> [KnownProcess] {
        try await read("processes_list", []).map { row in
            KnownProcess(
                description: ProcessDescription(
                    id: try row.decode("id"), parts: try row.decode("parts"), host: try row.decode("host"),
                    processID: try row.decode("process_id"), version: try row.decode("version")),
                startedAt: try row.decode("started_at"), lastSeenAt: try row.decode("last_seen_at"),
                isAlive: try row.decode("alive"))
        }
    }
}
