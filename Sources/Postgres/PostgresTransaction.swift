import CLibPQ

/// A transaction under way, used inside its body on the connection's own thread.
///
/// `send` costs no round trip. `query`, `rows()` and `sync()` send what is queued, with BEGIN before the first, and wait
/// for all of it. What is still queued when the body returns travels together with COMMIT. After a first error the
/// transaction can only be rolled back: every later statement fails with that same error, and so does the transaction,
/// even when the body swallows it.
public final class PostgresTransaction {
    private enum Pending {
        case begin
        case commit
        case statement(PendingRows)
    }

    private let connection: Connection
    private let options: TransactionOptions
    private var queued: [(Statement, EncodedBinds, PendingRows)] = []
    private var hasBegun = false
    /// A statement asked to be planned for its values.
    private var isPlanned = false
    private var isOver = false
    /// The server has said so.
    private var isCommitted = false
    private(set) var firstError: PostgresError?

    init(on connection: Connection, options: TransactionOptions) {
        self.connection = connection
        self.options = options
    }

    /// Queues a statement. Its error comes with `rows()`, with the next wait, or with the transaction.
    @discardableResult
    public func send(_ statement: Statement, _ binds: [any PostgresBindable] = []) -> PendingRows {
        let pending = PendingRows(self)
        if let error = unusable {
            pending.outcome = .failure(error)
            return pending
        }
        do {
            queued.append((statement, try EncodedBinds(binds, statement: statement.name), pending))
        } catch {
            firstError = error
            pending.outcome = .failure(error)
        }
        return pending
    }

    /// Queues a statement, waits for everything queued and gives its rows.
    public func query(_ statement: Statement, _ binds: [any PostgresBindable] = []) throws(PostgresError)
        -> PostgresRows
    {
        try send(statement, binds).rows()
    }

    /// Settings for the statements behind this, up to the transaction's end.
    public func set(_ settings: LocalSettings) {
        guard unusable == nil else { return }
        queued.append((settings.statement, settings.binds, PendingRows(self)))
    }

    /// Waits for everything queued.
    ///
    /// - Throws: the transaction's first error.
    public func sync() throws(PostgresError) {
        if let error = unusable { throw error }
        if !queued.isEmpty { try exchange(committing: false) }
        if let firstError { throw firstError }
    }

    /// Runs SQL of any number of statements, without parameters, after everything queued. For migrations.
    ///
    /// - Returns: the rows of the last statement.
    /// - Throws: also when the text ended the transaction by itself.
    @discardableResult
    public func runScript(_ sql: String) throws(PostgresError) -> PostgresRows? {
        try begin()
        let rows: PostgresRows?
        do {
            rows = try connection.runScript(sql)
        } catch {
            firstError = error
            throw error
        }
        guard connection.transactionStatus == PQTRANS_INTRANS else {
            let error = PostgresError(.server, message: "the script ended its transaction", statement: "script")
            firstError = error
            throw error
        }
        return rows
    }

    /// Copies rows into a table, after everything queued.
    ///
    /// - Returns: how many.
    @discardableResult
    public func copyIn<Rows: Sequence>(_ table: String, columns: [String], rows: Rows) throws(PostgresError) -> Int
    where Rows.Element == [any PostgresBindable] {
        try begin()
        do {
            return try connection.copyIn(table, columns: columns, rows: rows)
        } catch {
            firstError = error
            throw error
        }
    }

    // MARK: Ends

    /// Commits, sending what is queued along.
    func commit() throws(PostgresError) {
        if firstError == nil, hasBegun || !queued.isEmpty { try exchange(committing: true) }
        if let firstError {
            rollBack()
            throw firstError
        }
        isOver = true
    }

    /// Undoes everything; the connection is lost when even that fails.
    func rollBack() {
        isOver = true
        queued.removeAll()
        guard hasBegun, !connection.isLost, connection.transactionStatus != PQTRANS_IDLE else { return }
        do {
            try connection.send(TransactionOptions.rollback, .none)
            try connection.sync()
            while connection.hasOutstanding { _ = try connection.receive() }
            if connection.transactionStatus != PQTRANS_IDLE {
                _ = connection.lost(PostgresError(.connection, message: "a transaction cannot be ended"))
            }
        } catch {
            _ = connection.lost(error)
        }
    }

    // MARK: The wire

    private var unusable: PostgresError? {
        firstError ?? (isOver ? PostgresError(.closed, message: "the transaction is over") : nil)
    }

    /// Everything queued is done, and BEGIN before it.
    private func begin() throws(PostgresError) {
        if let error = unusable { throw error }
        if !hasBegun || !queued.isEmpty { try exchange(committing: false) }
        if let firstError { throw firstError }
    }

    /// The server would take one plan for all values of an unnamed statement, too. Left to itself it plans one that comes
    /// once for its values.
    private static let planning = LocalSettings(sql: "SELECT set_config('plan_cache_mode', 'auto', true)")

    /// One round trip. Records the first error and gives every pending statement its outcome.
    ///
    /// - Throws: only when the connection is lost.
    private func exchange(committing: Bool) throws(PostgresError) {
        var pending: [Pending] = []
        var position = 0
        let batch = queued
        queued.removeAll()
        do {
            if !hasBegun {
                hasBegun = true
                try connection.send(options.begin, .none)
                pending.append(.begin)
                if let settings = options.settings { try connection.set(settings) }
                if let limit = options.statementTimeout {
                    try connection.set(LocalSettings(["statement_timeout": String(max(1, limit.milliseconds))]))
                }
            }
            for (statement, binds, rows) in batch {
                if statement.plan == .custom, !isPlanned {
                    isPlanned = true
                    try connection.set(Self.planning)
                }
                try connection.send(statement, binds)
                pending.append(.statement(rows))
            }
            if committing {
                try connection.send(TransactionOptions.commit, .none)
                pending.append(.commit)
            }
            try connection.sync()
            while connection.hasOutstanding {
                let outcome = try connection.receive()
                if case .synced = outcome { continue }
                record(outcome, of: pending[position])
                position += 1
            }
        } catch {
            // Lost behind the answer to COMMIT: the connection's matter, not the caller's.
            if isCommitted { return }
            throw lost(error, pending: pending, position: position, batch: batch)
        }
    }

    private func record(_ outcome: Connection.Outcome, of pending: Pending) {
        let result: Result<PostgresRows, PostgresError>
        switch outcome {
        case .rows(let rows):
            result = .success(rows)
            // A COMMIT of a failed transaction is answered with ROLLBACK, and not as an error.
            if case .commit = pending {
                isCommitted = rows.storage.commandTag == "COMMIT"
                if !isCommitted, firstError == nil {
                    firstError = PostgresError(.server, message: "the server rolled back instead", statement: "commit")
                }
            }
        case .failed(let error):
            if firstError == nil { firstError = error }
            result = .failure(error)
        case .aborted, .synced:
            result = .failure(firstError ?? PostgresError(.server, message: "skipped after an earlier error"))
        }
        if case .statement(let rows) = pending { rows.outcome = result }
    }

    private func lost(
        _ error: PostgresError, pending: [Pending], position: Int, batch: [(Statement, EncodedBinds, PendingRows)]
    ) -> PostgresError {
        var isUnknown = false
        // Once a statement of the pipeline has failed, or the server's last words answered one before it, COMMIT was not
        // executed. Silence tells nothing: the answers of a whole pipeline may be lost together.
        if case .commit = pending.last {
            isUnknown = firstError == nil && (error.sqlState == nil || position == pending.count - 1)
        }
        let final = isUnknown ? error.reclassified(as: .commitUnknown) : error
        if firstError == nil { firstError = final }
        for (_, _, rows) in batch where rows.outcome == nil { rows.outcome = .failure(final) }
        return firstError ?? final
    }
}

/// The rows that a queued statement will give.
public final class PendingRows {
    private let transaction: PostgresTransaction
    fileprivate var outcome: Result<PostgresRows, PostgresError>?

    fileprivate init(_ transaction: PostgresTransaction) { self.transaction = transaction }

    /// Waits for everything queued in the transaction where that is still to be sent.
    public func rows() throws(PostgresError) -> PostgresRows {
        if outcome == nil { try transaction.sync() }
        guard let outcome else { throw PostgresError(.closed, message: "the transaction is over") }
        return try outcome.get()
    }
}

extension Connection {
    /// Runs a body in a transaction. Where a prepared statement had gone stale everything was rolled back, so the body is
    /// run once more.
    func transaction<Result>(
        _ options: TransactionOptions, _ body: (PostgresTransaction) throws -> Result
    ) throws -> Result {
        let usual = statementTimeout
        if let limit = options.statementTimeout { statementTimeout = limit.nanoseconds }
        defer { statementTimeout = usual }
        var hasRepeated = false
        while true {
            let transaction = PostgresTransaction(on: self, options: options)
            do {
                let result = try body(transaction)
                try transaction.commit()
                return result
            } catch {
                transaction.rollBack()
                guard !hasRepeated, !isLost, transaction.firstError?.isStalePlan == true else { throw error }
                hasRepeated = true
                forgetPrepared()
            }
        }
    }
}
