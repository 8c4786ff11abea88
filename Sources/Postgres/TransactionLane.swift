import Synchronization

/// One caller's transaction: a body that runs on the connection's thread.
final class TransactionJob: LineJob {
    private let settled: @Sendable () -> Bool
    private let refuse: @Sendable (PostgresError) -> Bool
    private let queued = Atomic<Bool>(false)
    /// Runs the body and settles the caller's promise.
    let perform: @Sendable (Connection) -> Void

    init<Value: Sendable>(
        _ promise: Promise<Value, any Error>, perform body: @escaping @Sendable (Connection) throws -> Value
    ) {
        settled = { promise.isSettled }
        refuse = { promise.settle(.failure($0)) }
        perform = { connection in promise.settle(Result { try body(connection) }) }
    }

    var isSettled: Bool { settled() }
    var isQueued: Bool { queued.load(ordering: .relaxed) }
    func setQueued(_ value: Bool) { queued.store(value, ordering: .relaxed) }
    func fail(_ error: PostgresError) -> Bool { refuse(error) }
}

/// Runs transactions one after the other, each alone on the connection.
enum TransactionLane {
    static func serve(
        _ connection: Connection, _ entries: [WaitingLine<TransactionJob>.Entry], line: WaitingLine<TransactionJob>
    ) {
        for (index, entry) in entries.enumerated() {
            do {
                // A connection that died while idle is found out here, before the body has done anything.
                try connection.idle(milliseconds: 0)
            } catch {
                line.putBack(Array(entries[index...]))
                return
            }
            entry.job.perform(connection)
            line.finished(1)
        }
    }
}
