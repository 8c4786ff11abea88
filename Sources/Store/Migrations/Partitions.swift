import Core
import Foundation
import Logging
import Postgres

extension Migrator {
    /// The tables that are partitioned by month on their UUIDv7 id (S34).
    static let partitioned = ["messages", "events", "run_log"]

    /// Makes the partitions of last month, this month and the three after it, where they are missing. Every process does
    /// so at start; a long-living one again every day.
    public func makePartitions(around now: Date) async throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let month = calendar.dateInterval(of: .month, for: now)?.start ?? now
        let starts = (-1...4).compactMap { calendar.date(byAdding: .month, value: $0, to: month) }
        try await makePartitions(monthStarts: starts, calendar: calendar)
    }

    /// Makes the partitions of every month of a period: for a history that is about to be written. The default partition
    /// must not hold rows of those months.
    public func makePartitions(from: Date, to end: Date) async throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        var starts: [Date] = []
        var month = calendar.dateInterval(of: .month, for: from)?.start
        while let start = month {
            starts.append(start)
            guard start <= end else { break }
            month = calendar.date(byAdding: .month, value: 1, to: start)
        }
        try await makePartitions(monthStarts: starts, calendar: calendar)
    }

    /// Each in a transaction of its own: one that cannot be made (the default partition already holds rows of that month)
    /// is named in the log and stops neither the others nor the start.
    private func makePartitions(monthStarts: [Date], calendar: Calendar) async throws {
        for (start, end) in zip(monthStarts, monthStarts.dropFirst()) {
            let parts = calendar.dateComponents([.year, .month], from: start)
            let suffix = String(format: "%04d_%02d", parts.year ?? 0, parts.month ?? 0)
            for table in Self.partitioned {
                let name = "\(table)_\(suffix)"
                do {
                    try await makePartition(name, Self.partition(name, of: table, from: start, to: end))
                } catch let error as PostgresError where error.kind == .server {
                    logger.error("a partition cannot be made", metadata: ["name": "\(name)", "error": "\(error)"])
                }
            }
        }
    }

    /// Making a partition locks its table against writers, so only where it is missing.
    private func makePartition(_ name: String, _ ddl: String) async throws {
        try await database.transaction { transaction in
            let exists = Statement(name: "partition_exists", sql: "SELECT to_regclass($1) IS NOT NULL AS found")
            if try transaction.query(exists, [name]).first?.decode("found") ?? false { return }
            try transaction.runScript("SELECT pg_advisory_xact_lock(8319118850951538277);" + ddl)
        }
    }

    private static func partition(_ name: String, of table: String, from start: Date, to end: Date) -> String {
        let bounds =
            "FROM ('\(UUIDv7.lowerBound(of: start).lowercased)') TO ('\(UUIDv7.lowerBound(of: end).lowercased)')"
        var sql = "CREATE TABLE IF NOT EXISTS \(name) PARTITION OF \(table) FOR VALUES \(bounds);"
        if table == "events" {
            // An index on the whole would have to hold the partition key, so uniqueness stands on each partition.
            sql +=
                "CREATE UNIQUE INDEX IF NOT EXISTS \(name)_sequence_key ON \(name) (workspace_id, conversation_id, sequence);"
        }
        return sql
    }
}
