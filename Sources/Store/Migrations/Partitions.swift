import Core
import Foundation
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

    private func makePartitions(monthStarts: [Date], calendar: Calendar) async throws {
        var script = "SELECT pg_advisory_xact_lock(8319118850951538277);"
        var names: [String] = []
        for (start, end) in zip(monthStarts, monthStarts.dropFirst()) {
            let parts = calendar.dateComponents([.year, .month], from: start)
            let suffix = String(format: "%04d_%02d", parts.year ?? 0, parts.month ?? 0)
            for table in Self.partitioned {
                let name = "\(table)_\(suffix)"
                names.append(name)
                script += Self.partition(name, of: table, from: start, to: end)
            }
        }
        // Making a partition locks its table against writers, so only where one is missing.
        let wanted = names
        let ddl = script
        try await database.transaction { transaction in
            let existing = try transaction.query(
                Statement(
                    name: "partitions_existing",
                    sql: "SELECT count(*) AS count FROM pg_class WHERE relname = ANY ($1::text[]) AND relispartition"),
                [wanted])
            guard try existing.first?.decode("count", as: Int.self) != wanted.count else { return }
            try transaction.runScript(ddl)
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
