import Core
import Foundation
import Logging
import Postgres

/// Every SQL verb of Switchboard: the statements of `sql/queries`, run on one database.
///
/// Reads are autocommit statements on shared pipelines; writes are transactions whose body is synchronous, so that nothing
/// outside the database can be waited for under a lock. Both take the task's `AccessContext` along.
public final class Store: Sendable {
    public let database: Database
    public let statements: StatementLibrary
    /// Where committed work is announced to this process's workers; a hint, never the guarantee (S21).
    public let nudges: Nudges
    let underWay = RequestsUnderWay()
    /// Rows of keys and channels by kind and public id.
    let tokenReads = SharedReads<SecretToken.Name, PostgresRows>()
    let logger: Logger

    public init(database: Database, statements: StatementLibrary, nudges: Nudges = Nudges(), logger: Logger) {
        self.database = database
        self.statements = statements
        self.nudges = nudges
        self.logger = logger
    }

    /// Runs the named statement of `sql/queries` by itself.
    /// - Throws: `PostgresError`; an unknown name is its kind `.unknownStatement`.
    public func read(_ name: String, _ binds: [any PostgresBindable]) async throws -> PostgresRows {
        try await database.read(try statements.named(name), binds, settings: AccessContext.current?.readSettings())
    }

    /// Runs the template of `sql/queries` of that name with these parts, which must come in the same order each time.
    /// - Parameter binds: in the template's numbering; those that no part mentions are not sent.
    func read(
        _ name: String, parts: [String], plan: Statement.Plan = .auto, _ binds: [any PostgresBindable]
    ) async throws -> PostgresRows {
        let rendering = try statements.rendering(name, parts, plan: plan)
        return try await database.read(
            rendering.statement, rendering.parameters.map { binds[$0 - 1] },
            settings: AccessContext.current?.readSettings())
    }

    /// Runs `body` in one transaction and announces its nudges after the commit.
    ///
    /// A deadlock or serialization failure (40P01, 40001) repeats the whole body with jitter, so the body must have no effect
    /// but through its transaction. Anything else that is thrown rolls back and is thrown on.
    public func write<Result: Sendable>(
        _ body: @escaping @Sendable (StoreTransaction) throws -> Result
    ) async throws -> Result {
        let options = TransactionOptions(settings: try AccessContext.current?.settings())
        var attempt = 0
        // The body runs on another thread, which knows nothing of the task.
        let trace = TraceContext.current
        while true {
            do {
                let (result, nudged) = try await database.transaction(options) { [statements] transaction in
                    let store = StoreTransaction(transaction, statements: statements, trace: trace)
                    let result = try body(store)
                    try store.flush()
                    try store.markRoom()
                    return (result, store.nudged)
                }
                nudges.post(nudged)
                return result
            } catch let error as PostgresError where error.isRetryable && attempt < Self.maximumRepeats {
                attempt += 1
                // Full jitter: those who collided once should not meet again.
                let ceiling = 0.005 * pow(2, Double(attempt))
                try await Task.sleep(for: .seconds(Double.random(in: 0...ceiling)))
            }
        }
    }

    /// Six doublings of 5 ms end at about a third of a second, well inside any caller's time-out.
    static let maximumRepeats = 6
}

extension StatementLibrary {
    /// The statement of that name. Names are literals in the program; a test demands that each exists.
    func named(_ name: String) throws(PostgresError) -> Statement {
        guard let statement = self[name] else {
            throw PostgresError(.unknownStatement, message: "there is no statement \(name)", statement: name)
        }
        return statement
    }
}
