import Foundation
import Logging
import Postgres

/// Brings a database to the schema of `sql/migrations`, each migration in a transaction of its own.
///
/// Any number of processes may start at once: an advisory lock lines them up, and those who come later find nothing to do.
public struct Migrator: Sendable {
    /// A migration as the database knows it.
    public struct Applied: Sendable {
        public let number: Int
        public let name: String
        public let isBreaking: Bool
        public let checksum: String
        public let appliedAt: Date
    }

    public let migrations: [Migration]
    let database: Database
    let logger: Logger

    /// The key of the advisory lock: "switchbd" in ASCII.
    private static let lock = "8319118850951538276"

    public init(migrations: [Migration], database: Database, logger: Logger) {
        self.migrations = migrations
        self.database = database
        self.logger = logger
    }

    /// Applies what is pending and makes the partitions of the months around `now`.
    /// - Returns: the numbers applied by this call.
    /// - Throws: `MigrationError` or `PostgresError`; what was applied before stays applied.
    @discardableResult
    public func up(now: Date = Date()) async throws -> [Int] {
        var done: [Int] = []
        while let number = try await applyNext() { done.append(number) }
        try await makePartitions(around: now)
        return done
    }

    /// What the database holds, oldest first, checked against the files.
    public func status() async throws -> [Applied] {
        try await database.transaction { transaction in
            try transaction.runScript(Self.table)
            let applied = try Self.applied(transaction)
            try check(applied)
            return applied
        }
    }

    /// - Throws: `MigrationError.pending` when something is missing.
    public func requireCurrent() async throws {
        let known = Set(try await status().map(\.number))
        let missing = migrations.filter { !known.contains($0.number) }
        if !missing.isEmpty { throw MigrationError.pending(missing.map(\.name)) }
    }

    private func applyNext() async throws -> Int? {
        try await database.transaction { [migrations, logger] transaction in
            try transaction.runScript("SELECT pg_advisory_xact_lock(\(Self.lock));" + Self.table)
            let applied = try Self.applied(transaction)
            try check(applied)
            let known = Set(applied.map(\.number))
            guard let next = migrations.first(where: { !known.contains($0.number) }) else { return nil }
            logger.info("applying migration", metadata: ["number": "\(next.number)", "name": "\(next.name)"])
            try transaction.runScript(next.sql)
            _ = try transaction.query(
                Statement(
                    name: "migration_applied",
                    sql: "INSERT INTO schema_migrations (number, name, breaking, checksum) VALUES ($1, $2, $3, $4)"),
                [next.number, next.name, next.isBreaking, next.checksum])
            return next.number
        }
    }

    private func check(_ applied: [Applied]) throws {
        let files = Dictionary(uniqueKeysWithValues: migrations.map { ($0.number, $0) })
        for row in applied {
            if let file = files[row.number] {
                if file.checksum != row.checksum { throw MigrationError.changed(row.number, row.name) }
            } else if row.isBreaking {
                throw MigrationError.tooNew(row.number, row.name)
            } else {
                logger.warning(
                    "the database holds a newer, harmless migration",
                    metadata: ["number": "\(row.number)", "name": "\(row.name)"])
            }
        }
    }

    private static let table = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            number integer PRIMARY KEY,
            name text NOT NULL,
            breaking boolean NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        """

    private static func applied(_ transaction: PostgresTransaction) throws -> [Applied] {
        let rows = try transaction.query(
            Statement(
                name: "migrations_applied",
                sql: "SELECT number, name, breaking, checksum, applied_at FROM schema_migrations ORDER BY number"), [])
        return try rows.map { row in
            Applied(
                number: try row.decode("number"), name: try row.decode("name"), isBreaking: try row.decode("breaking"),
                checksum: try row.decode("checksum"), appliedAt: try row.decode("applied_at"))
        }
    }
}
