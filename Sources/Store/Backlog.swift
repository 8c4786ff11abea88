import Core
import Foundation
import Postgres

/// What waits to be done, in one workspace or in all. A count of a workspace ends at 10,000.
public struct Backlog: Sendable, Hashable {
    /// Something that waits: how many of it, and since when the first of them, in seconds; nil when nothing waits.
    public struct Queue: Sendable, Hashable {
        public var count: Int
        public var age: TimeInterval?

        func joined(with other: Queue) -> Queue { Queue(count: count + other.count, age: oldest(age, other.age)) }
    }

    /// Conversations in line, by the time from which their place counts.
    public var lines = Queue(count: 0)
    /// Runs that go on.
    public var activeRuns = 0
    /// Signals that a worker should have taken, by the time they fell due.
    public var signals = Queue(count: 0)
    /// Effects not yet carried out or given up, by the time of their making.
    public var outbox = Queue(count: 0)
    /// For how long the effect that is due first has been due.
    public var outboxOverdue: TimeInterval?
    /// Job runs that are due, by the time they fell due.
    public var jobs = Queue(count: 0)
    /// The database's time of all this.
    public var observedAt: Date
}

extension Store {
    /// What waits in one workspace.
    /// - Throws: `PostgresError`.
    public func backlog(of workspace: UUID) async throws -> Backlog {
        try await one("backlog", [workspace], what: "workspace", Backlog.init(row:))
    }

    /// What waits in all workspaces together, each read by itself, a hundred in a round trip. As the owner: the API's role
    /// sees one workspace at a time.
    /// - Parameter timeout: seconds after which it gives up.
    /// - Throws: `PostgresError`, of the kind `.overloaded` when the time is over.
    public func backlogOfAll(timeout: TimeInterval) async throws -> Backlog {
        let (workspaces, backlog) = (try statements.named("workspaces_list"), try statements.named("backlog"))
        return try await database.transaction(TransactionOptions(isReadOnly: true)) { transaction in
            let deadline = ContinuousClock.now + .seconds(timeout)
            transaction.send(
                Statement(
                    name: "backlog_timeout", sql: "SET LOCAL statement_timeout = \(Int(timeout * 1000))", plan: .custom)
            )
            var total = Backlog(observedAt: Date())
            var last = UUID.lowest
            while true {
                let page = try transaction.query(workspaces, [last, 100]).map { try $0.decode("id", as: UUID.self) }
                guard let end = page.last else { return total }
                for pending in page.map({ transaction.send(backlog, [$0]) }) {
                    for row in try pending.rows() { total = total.joined(with: try Backlog(row: row)) }
                }
                guard ContinuousClock.now < deadline else {
                    throw PostgresError(.overloaded, message: "counting what waits takes too long")
                }
                last = end
            }
        }
    }
}

extension Backlog {
    /// What waits in two workspaces together.
    func joined(with other: Backlog) -> Backlog {
        Backlog(
            lines: lines.joined(with: other.lines), activeRuns: activeRuns + other.activeRuns,
            signals: signals.joined(with: other.signals), outbox: outbox.joined(with: other.outbox),
            outboxOverdue: oldest(outboxOverdue, other.outboxOverdue), jobs: jobs.joined(with: other.jobs),
            observedAt: other.observedAt)
    }

    init(row: PostgresRow) throws {
        let now: Date = try row.decode("now")
        func age(_ since: Date?) -> TimeInterval? { since.map { max(0, now.timeIntervalSince($0)) } }
        func queue(_ count: String, since: Date?) throws -> Queue {
            Queue(count: try row.decode(count), age: age(since))
        }
        lines = try queue("lines_waiting", since: try row.decode("lines_oldest"))
        activeRuns = try row.decode("runs_active")
        signals = try queue("signals_due", since: try row.decode("signals_oldest"))
        // An effect's id is its time.
        let first: UUID? = try row.decode("outbox_first")
        outbox = try queue("outbox_pending", since: first.flatMap { UUIDv7.time(of: $0) })
        let next: Date? = try row.decode("outbox_next")
        outboxOverdue = age(next)
        jobs = try queue("jobs_due", since: try row.decode("jobs_oldest"))
        observedAt = now
    }
}

/// The greater of two ages; nil when neither waits.
private func oldest(_ one: TimeInterval?, _ other: TimeInterval?) -> TimeInterval? {
    guard let one, let other else { return one ?? other }
    return max(one, other)
}
