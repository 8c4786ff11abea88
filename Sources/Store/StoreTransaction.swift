import Core
import Foundation
import Postgres

/// One transaction: named statements, the changes gathered so far, and what to announce after the commit.
///
/// Lives on its connection's thread for the length of one `Store.write`; not `Sendable` on purpose.
public final class StoreTransaction {
    let transaction: PostgresTransaction
    let statements: StatementLibrary
    /// Rows to be written together, set-based, by `flush`.
    public let changes = Changes()
    /// Announced after the commit, never before: a nudge must find what it is about.
    public private(set) var nudged: Set<Nudge> = []

    /// What the changes of this transaction belong to, unless they say so themselves: the request that asked for them.
    let trace: TraceContext?

    /// Agents whose rows this transaction has locked to assign or take back.
    var lockedAgents: Set<UUID> = []

    /// Agents who hold less than before: whoever waits for them is looked at before the commit.
    var roomFor: Set<UUID> = []

    init(_ transaction: PostgresTransaction, statements: StatementLibrary, trace: TraceContext? = nil) {
        self.trace = trace
        self.transaction = transaction
        self.statements = statements
    }

    /// Queues the named statement into the pipeline; it travels with the next one that is waited for, or with the commit.
    @discardableResult
    public func send(_ name: String, _ binds: [any PostgresBindable]) throws -> PendingRows {
        transaction.send(try statements.named(name), binds)
    }

    /// Runs the named statement and waits for its rows.
    public func query(_ name: String, _ binds: [any PostgresBindable]) throws -> PostgresRows {
        try transaction.query(try statements.named(name), binds)
    }

    /// Goes on inside a workspace that this transaction has just made: the row-level policies let its rows in.
    func enter(_ workspace: UUID) throws {
        transaction.set(try LocalSettings([AccessContext.workspaceSetting: workspace.lowercased]))
    }

    /// Announces `nudge` once this transaction has committed.
    public func nudge(_ nudge: Nudge) {
        nudged.insert(nudge)
    }

    /// A new time-ordered id.
    public func newID() -> UUID { UUIDv7.make(at: Date()) }
}
