import Core
import Foundation
import Logging
import Postgres
import Store

/// The project's folder, found from this file.
public enum ProjectRoot {
    public static let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// `sql/queries`, read once.
    public static let statements = Result { try StatementLibrary(directory: url.appending(path: "sql/queries")) }

    /// `sql/migrations`, read once.
    public static let migrations = Result { try Migration.all(in: url.appending(path: "sql/migrations")) }
}

/// A store on a migrated database of its own.
///
/// - Parameter body: is given the connection string as well, for a second process or a second look.
public func withTestStore<Value>(
    transactionConnections: Int = 4, isolation: isolated (any _Concurrency.Actor)? = #isolation,
    _ body: (_ store: Store, _ url: String) async throws -> Value
) async throws -> Value {
    let migrations = try ProjectRoot.migrations.get()
    let template = TestDatabaseTemplate(
        name: "switchboard_" + TestDatabaseTemplate.hash(migrations.map(\.sql))
    ) { url in
        let database = try await openTestDatabase(url, 1)
        try await Migrator(migrations: migrations, database: database, logger: TestDatabase.silentLogger).up()
        await database.close()
    }
    return try await withTestDatabase(template: template) { url in
        let store = try await openTestStore(url, transactionConnections: transactionConnections)
        do {
            let value = try await body(store, url)
            await store.database.close()
            return value
        } catch {
            await store.database.close()
            throw error
        }
    }
}

/// Another store on a test's database: what another process would have. Close its database in the test.
public func openTestStore(
    _ url: String, transactionConnections: Int = 4, lockTimeout: Duration = .seconds(10)
) async throws -> Store {
    Store(
        database: try await openTestDatabase(url, transactionConnections, lockTimeout),
        statements: try ProjectRoot.statements.get(), logger: TestDatabase.silentLogger)
}

private func openTestDatabase(
    _ url: String, _ transactionConnections: Int, _ lockTimeout: Duration = .seconds(10)
) async throws -> Database {
    var configuration = DatabaseConfiguration(url: url)
    configuration.readConnections = 1
    configuration.transactionConnections = transactionConnections
    configuration.lockTimeout = lockTimeout
    let database = Database(configuration: configuration, logger: TestDatabase.silentLogger)
    try await database.start()
    return database
}

extension Store {
    /// Rows of a statement written in a test.
    public func rows(_ sql: String, _ binds: [any PostgresBindable] = []) async throws -> PostgresRows {
        try await database.read(Statement(name: "test", sql: sql, plan: .custom), binds)
    }

    /// Runs `body` while a transaction of its own has run `sql`, and so holds what that locks.
    public func whileHolding(
        _ sql: String, isolation: isolated (any _Concurrency.Actor)? = #isolation,
        _ body: () async throws -> Void
    ) async throws {
        let (held, heldNow) = AsyncStream<Void>.makeStream()
        let isOver = Gate()
        defer { isOver.open() }
        let holding = Task {
            defer { heldNow.finish() }
            try await database.transaction { transaction in
                _ = try transaction.query(Statement(name: "test", sql: sql, plan: .custom), [])
                heldNow.yield()
                // Until the body has ended, however long that takes; a transaction that says nothing is cut off by the server.
                while !isOver.isOpen { _ = try transaction.query(Self.moment) }
            }
        }
        for await _ in held { break }
        try await body()
        isOver.open()
        try await holding.value
    }

    /// Waits until one of this database's connections, and one alone, waits for a lock.
    public func oneWaitsForALock() async throws -> Bool {
        try await eventually {
            try await value(
                """
                SELECT count(*) AS count FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
            ) == 1
        }
    }

    private static let moment = Statement(name: "test", sql: "SELECT pg_sleep(0.01)", plan: .custom)

    /// Runs a writing statement written in a test.
    public func execute(_ sql: String, _ binds: [any PostgresBindable] = []) async throws {
        try await database.transaction { _ = try $0.query(Statement(name: "test", sql: sql, plan: .custom), binds) }
    }

    /// The only value of a statement written in a test.
    public func value<Value: PostgresDecodable>(
        _ sql: String, _ binds: [any PostgresBindable] = [], as: Value.Type = Value.self
    ) async throws -> Value {
        let rows = try await rows(sql, binds)
        guard let row = rows.first, let column = row.columns.first else {
            throw StoreError.notFound(what: "value of a test's statement")
        }
        return try row.decode(column)
    }
}
