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
    /// What waits in one workspace, each kind of it read by itself, at the same time.
    /// - Throws: `PostgresError`.
    public func backlog(of workspace: UUID) async throws -> Backlog {
        let rows = try await withThrowingTaskGroup(of: (Int, PostgresRows).self) { group in
            for (index, name) in Backlog.statements.enumerated() {
                group.addTask { (index, try await self.read(name, [workspace])) }
            }
            var rows: [Int: PostgresRows] = [:]
            for try await (index, answer) in group { rows[index] = answer }
            return rows.sorted { $0.key < $1.key }.map(\.value)
        }
        return try Backlog(rows)
    }

    /// What waits in all workspaces together, each read by itself, a hundred in a round trip. As the owner: the API's role
    /// sees one workspace at a time.
    /// - Parameter timeout: seconds after which it gives up.
    /// - Throws: `PostgresError`, of the kind `.overloaded` when the time is over.
    public func backlogOfAll(timeout: TimeInterval) async throws -> Backlog {
        let workspaces = try statements.named("workspaces_list")
        let counts = try Backlog.statements.map(statements.named)
        let options = TransactionOptions(isReadOnly: true, statementTimeout: .seconds(timeout))
        return try await database.transaction(options) { transaction in
            let deadline = ContinuousClock.now + .seconds(timeout)
            var total = Backlog(observedAt: Date())
            var last = UUID.lowest
            while true {
                let page = try transaction.query(workspaces, [last, 100]).map { try $0.decode("id", as: UUID.self) }
                guard let end = page.last else { return total }
                for pending in page.map({ id in counts.map { transaction.send($0, [id]) } }) {
                    total = total.joined(with: try Backlog(pending.map { try $0.rows() }))
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
    /// What counts a workspace's backlog, in the order in which `init` reads the answers.
    fileprivate static let statements = [
        "backlog_lines", "backlog_runs", "backlog_signals", "backlog_outbox", "backlog_jobs",
    ]

    fileprivate init(_ answers: [PostgresRows]) throws {
        let rows = try answers.map { rows in
            guard let row = rows.first else { throw StoreError.notFound(what: "workspace") }
            return row
        }
        observedAt = try rows[0].decode("now")
        lines = try Queue(rows[0])
        activeRuns = try rows[1].decode("count")
        signals = try Queue(rows[2])
        let (first, now): (UUID?, Date) = (try rows[3].decode("first"), try rows[3].decode("now"))
        outbox = try Queue(rows[3])
        outboxOverdue = outbox.age
        outbox.age = first.flatMap { UUIDv7.time(of: $0) }.map { max(0, now.timeIntervalSince($0)) }
        jobs = try Queue(rows[4])
    }

    /// What waits in two workspaces together.
    func joined(with other: Backlog) -> Backlog {
        Backlog(
            lines: lines.joined(with: other.lines), activeRuns: activeRuns + other.activeRuns,
            signals: signals.joined(with: other.signals), outbox: outbox.joined(with: other.outbox),
            outboxOverdue: oldest(outboxOverdue, other.outboxOverdue), jobs: jobs.joined(with: other.jobs),
            observedAt: other.observedAt)
    }
}

extension Backlog.Queue {
    /// From `count`, `oldest` and `now`.
    fileprivate init(_ row: PostgresRow) throws {
        let (oldest, now): (Date?, Date) = (try row.decode("oldest"), try row.decode("now"))
        self.init(count: try row.decode("count"), age: oldest.map { max(0, now.timeIntervalSince($0)) })
    }
}

/// The greater of two ages; nil when neither waits.
private func oldest(_ one: TimeInterval?, _ other: TimeInterval?) -> TimeInterval? {
    guard let one, let other else { return one ?? other }
    return max(one, other)
}
