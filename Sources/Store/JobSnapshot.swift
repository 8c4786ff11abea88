import Core
import Foundation
import Postgres

/// The text of a job and the values of its parameters `$1`, `$2` …
public struct JobQuery: Sendable {
    public enum Argument: Sendable, Hashable {
        case id(UUID)
        case instant(Date)
        case text(String)
    }

    public var name: String
    public var sql: String
    public var arguments: [Argument]

    public init(name: String, sql: String, arguments: [Argument]) {
        self.name = name
        self.sql = sql
        self.arguments = arguments
    }
}

/// What a job's SELECT gave: cells as the server wrote them, nil for null.
public struct JobTable: Sendable {
    public var columns: [String]
    public var rows: [[String?]]

    public init(columns: [String], rows: [[String?]]) {
        self.columns = columns
        self.rows = rows
    }
}

/// A job gave more rows than may be held in memory.
public struct TooManyJobRows: Error, CustomStringConvertible {
    public let limit: Int
    public var description: String { "the job gives more than \(limit) rows" }
}

extension Store {
    /// Runs the queries read-only on one snapshot, so that what they count agrees.
    /// - Parameters:
    ///   - timeout: seconds that each of them may take.
    ///   - rowLimit: of each of them.
    /// - Throws: `TooManyJobRows`; `PostgresError`; `StoreError.invalid` when the server does not know the time zone.
    public func snapshot(_ queries: [JobQuery], timeout: TimeInterval, rowLimit: Int) async throws -> [JobTable] {
        do {
            return try await database.transaction(
                TransactionOptions(
                    isolation: .repeatableRead, isReadOnly: true, settings: try AccessContext.current?.settings(),
                    statementTimeout: .seconds(timeout))
            ) { transaction in
                transaction.send(Self.wholeWindows)
                return try queries.map { query in
                    // The line feed ends a comment on the last line.
                    let limited = Statement(
                        name: "job_\(query.name)", sql: "SELECT * FROM (\n\(query.sql)\n) job LIMIT \(rowLimit + 1)",
                        plan: .custom)
                    return try Self.table(transaction.query(limited, query.arguments.map(\.bind)), rowLimit: rowLimit)
                }
            }
        } catch let error as PostgresError
            where error.sqlState == SQLState(rawValue: "22023") && error.message.contains("time zone")
        {
            throw StoreError.invalid([
                FieldError(
                    pointer: "/time_zone", code: "unknown-time-zone", detail: "the database does not know this zone")
            ])
        }
    }

    private static func table(_ rows: PostgresRows, rowLimit: Int) throws -> JobTable {
        guard rows.count <= rowLimit else { throw TooManyJobRows(limit: rowLimit) }
        let columns = rows.columns
        return JobTable(
            columns: columns, rows: try rows.map { row in try columns.indices.map { try row.text(at: $0) } })
    }

    /// A report reads whole windows, where other transactions look up keys. Compiling the dozen expressions of a report
    /// took 1.3 s where running it took 0.1 s.
    private static let wholeWindows = Statement(
        name: "job_planning",
        sql: """
            SELECT set_config('jit', 'off', true), set_config('enable_seqscan', 'on', true),
                set_config('enable_mergejoin', 'on', true)
            """, plan: .custom)
}

extension JobQuery.Argument {
    var bind: any PostgresBindable {
        switch self {
        case .id(let id): id
        case .instant(let instant): instant
        case .text(let text): text
        }
    }
}
