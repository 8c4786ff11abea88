import Dispatch
import Foundation
import Logging
import Synchronization

/// A database, used by many: shared pipelines for reads, exclusive connections for transactions, connections of their own
/// for LISTEN, NOTIFY and COPY.
///
/// Nothing here blocks the caller's thread: every connection has a thread of its own, and callers are suspended.
/// Cancelling a caller's task ends its wait at once with `.cancelled`; what the server does by then is not stopped (its
/// time-outs bound it) and a transaction whose body has begun goes on to its end.
public final class Database: Sendable {
    public let configuration: DatabaseConfiguration
    private let logger: Logger
    private let running = Mutex<Running?>(nil)
    private let phase = Mutex(Phase.new)

    private enum Phase {
        case new, started, closed
    }

    /// What exists between `start` and `close`.
    struct Running: Sendable {
        let reads: WaitingLine<ReadJob>
        let transactions: WaitingLine<TransactionJob>
        let wakers: [Waker]
        let threads: DispatchGroup
        let clock: Waker
        let listeners: ListenerSet
        let notifier: Notifier
        let place: String
    }

    public init(configuration: DatabaseConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    deinit { running.withLock { $0 }?.stop() }

    // MARK: Life

    /// Connects; from then on lost connections come back by themselves.
    ///
    /// Tries again and again, saying in the log what it waits for, until `startTimeout`.
    ///
    /// - Throws: the last reason when the time is over; at once when the configuration cannot be right.
    public func start() async throws {
        let begins = phase.withLock { phase -> Bool in
            guard phase == .new else { return false }
            phase = .started
            return true
        }
        guard begins else { throw PostgresError(.closed, message: "a database object starts once") }
        // Writing to a connection that the server has closed must be an error, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let running = try Running(configuration, logger: logger)
        self.running.withLock { $0 = running }
        do {
            try await waitForConnections(running)
        } catch {
            await close()
            throw error
        }
    }

    private func waitForConnections(_ running: Running) async throws {
        let started = MonotonicTime.now
        let limit = configuration.startTimeout.nanoseconds
        var nextReport = started + 500_000_000
        while !running.reads.isConnected || !running.transactions.isConnected {
            let loss = running.transactions.lastLoss ?? running.reads.lastLoss
            if let loss, loss.kind == .configuration { throw loss }
            let now = MonotonicTime.now
            guard now - started < limit else {
                throw PostgresError(
                    loss?.kind ?? .connection,
                    message:
                        "gave up waiting for the database at \(running.place) after \(configuration.startTimeout): "
                        + (loss?.message ?? "no answer"), sqlState: loss?.sqlState)
            }
            if now >= nextReport {
                let reason = loss?.message ?? "no answer yet"
                logger.warning("waiting for the database at \(running.place): \(reason)")
                nextReport = now + 5_000_000_000
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        logger.info("connected to the database at \(running.place)")
    }

    /// Ends: no new callers, those in line and under way are served, for at most `drainTimeout`; then connections are
    /// broken off. Streams of `listen` end.
    ///
    /// - Parameter limit: instead of `drainTimeout`.
    public func close(within limit: Duration? = nil) async {
        phase.withLock { $0 = .closed }
        guard
            let running = running.withLock({ running in
                defer { running = nil }
                return running
            })
        else { return }
        running.reads.drain()
        running.transactions.drain()
        running.listeners.close()
        running.notifier.close()
        if await !running.threadsEnd(within: limit ?? configuration.drainTimeout) {
            running.stop()
            // A thread inside a connection attempt ends with that attempt.
            _ = await running.threadsEnd(within: .seconds(2))
        }
        running.clock.interrupt()
    }

    /// What is going on now; zeros before `start` and after `close`.
    public var statistics: DatabaseStatistics {
        guard let running = running.withLock({ $0 }) else { return .none }
        return DatabaseStatistics(
            read: running.reads.statistics, transaction: running.transactions.statistics,
            listeners: running.listeners.count)
    }

    private func current() throws(PostgresError) -> Running {
        guard let running = running.withLock({ $0 }) else {
            throw PostgresError(.closed, message: "the database object is not started, or closed")
        }
        return running
    }

    // MARK: Reads

    /// Runs one reading statement by itself, in a pipeline shared with other callers.
    ///
    /// The connection is read-only. A statement may be sent twice (after a neighbour's error, or once after the loss of
    /// a connection), so it must be free of side effects.
    ///
    /// - Parameter settings: hold for this statement alone.
    public func read(
        _ statement: Statement, _ binds: [any PostgresBindable] = [], settings: LocalSettings? = nil
    ) async throws(PostgresError) -> PostgresRows {
        let line = try current().reads
        let job = ReadJob(
            statement: statement, binds: try EncodedBinds(binds, statement: statement.name), settings: settings)
        return try await job.promise.wait(begin: { line.enter(job) }, cancelled: { line.cancel(job) }).get()
    }

    // MARK: Transactions

    /// Runs a body in a transaction, on the thread of a connection that it has to itself.
    ///
    /// The body is synchronous, so nothing can be awaited under its locks. It commits when it returns and rolls back when
    /// it throws. It runs a second time, on nothing, when a prepared statement turned out stale.
    ///
    /// - Throws: what the body throws, or `PostgresError`; `.commitUnknown` when it may be committed nevertheless.
    @discardableResult
    public func transaction<Value: Sendable>(
        _ options: TransactionOptions = TransactionOptions(),
        _ body: @escaping @Sendable (PostgresTransaction) throws -> Value
    ) async throws -> Value {
        let line = try current().transactions
        let promise = Promise<Value, any Error>()
        let job = TransactionJob(promise) { try $0.transaction(options, body) }
        return try await promise.wait(begin: { line.enter(job) }, cancelled: { line.cancel(job) }).get()
    }

    // MARK: Connections of their own

    /// Listens on channels, over a connection of its own that comes back by itself.
    ///
    /// Each time the connection is made, the first time too, a notification of kind `.connected` comes: what was sent
    /// before is lost, so look for yourself. The stream ends when the database object closes.
    public func listen(_ channels: [String]) -> AsyncStream<PostgresNotification> {
        // Notifications are hints: of more than this many unread ones the oldest go.
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(4096))
        do {
            let running = try current()
            let listener = try Listener(
                channels: channels, configuration: configuration, logger: logger, continuation: continuation)
            guard running.listeners.add(listener, group: running.threads) else {
                continuation.finish()
                return stream
            }
        } catch {
            logger.error("cannot listen: \(error)")
            continuation.finish()
        }
        return stream
    }

    /// Sends a notification soon, over a connection of its own; equal ones within `notifyInterval` are sent once.
    ///
    /// A hint, never a promise: it is lost while the database is away.
    public func notify(_ channel: String, _ payload: String = "") {
        running.withLock { $0 }?.notifier.notify(channel, payload)
    }

    /// Copies rows into a table over a connection of its own, all or none.
    ///
    /// - Parameter table: `name` or `schema.name`, unquoted.
    /// - Returns: how many.
    public func copyIn<Rows: Sequence & Sendable>(
        _ table: String, columns: [String], rows: Rows
    ) async throws(PostgresError) -> Int where Rows.Element == [any PostgresBindable] {
        do {
            return try await DedicatedConnection(configuration, purpose: .copy, logger: logger)
                .run { try $0.copyIn(table, columns: columns, rows: rows) }
        } catch {
            throw PostgresError(wrapping: error)
        }
    }

    /// A way to the same server without a pool, for what cannot be done in one.
    public static func admin(_ configuration: DatabaseConfiguration, logger: Logger) -> AdminConnection {
        AdminConnection(configuration: configuration, logger: logger)
    }
}

extension Database.Running {
    /// Starts the threads; they connect by themselves.
    init(_ configuration: DatabaseConfiguration, logger: Logger) throws(PostgresError) {
        let readParameters = try ConnectionParameters(configuration, purpose: .read)
        let transactionParameters = try ConnectionParameters(configuration, purpose: .transaction)
        let readWakers = try Self.wakers(configuration.readConnections)
        let transactionWakers = try Self.wakers(configuration.transactionConnections)
        let reads = WaitingLine<ReadJob>(
            wakers: readWakers, gathering: max(1, configuration.readBatch / 4), configuration: configuration)
        let transactions = WaitingLine<TransactionJob>(
            wakers: transactionWakers, gathering: 1, configuration: configuration)
        self.reads = reads
        self.transactions = transactions
        wakers = readWakers + transactionWakers
        threads = DispatchGroup()
        place = transactionParameters.place
        listeners = ListenerSet()
        notifier = try Notifier(configuration: configuration, logger: logger, group: threads)

        let silence = Silence()
        for (index, waker) in readWakers.enumerated() {
            let thread = LaneThread(
                index: index, line: reads, waker: waker, parameters: readParameters, configuration: configuration,
                logger: logger, maximumTaken: configuration.readBatch, silence: silence
            ) { ReadLane.serve($0, $1, line: reads, index: index) }
            startThread("postgres-read-\(index)", in: threads, thread.run)
        }
        for (index, waker) in transactionWakers.enumerated() {
            let thread = LaneThread(
                index: index, line: transactions, waker: waker, parameters: transactionParameters,
                configuration: configuration, logger: logger, maximumTaken: 1, silence: silence
            ) { TransactionLane.serve($0, $1, line: transactions) }
            startThread("postgres-tx-\(index)", in: threads, thread.run)
        }
        let clock = try Waker()
        startThread("postgres-clock", in: nil) {
            while !clock.isInterrupted {
                clock.sleep(nanoseconds: 100_000_000)
                reads.expire()
                transactions.expire()
            }
        }
        self.clock = clock
    }

    private static func wakers(_ count: Int) throws(PostgresError) -> [Waker] {
        var wakers: [Waker] = []
        for _ in 0..<max(1, count) { wakers.append(try Waker()) }
        return wakers
    }

    /// Breaks everything off.
    func stop() {
        reads.drain()
        transactions.drain()
        reads.close()
        transactions.close()
        listeners.close()
        notifier.close()
        wakers.forEach { $0.interrupt() }
        clock.interrupt()
    }

    /// - Returns: whether all threads ended in time.
    func threadsEnd(within limit: Duration) async -> Bool {
        let promise = Promise<Bool, Never>()
        return await promise.wait(
            begin: {
                threads.notify(queue: .global()) { promise.settle(.success(true)) }
                let deadline = DispatchTime.now() + .milliseconds(limit.milliseconds)
                DispatchQueue.global().asyncAfter(deadline: deadline) { promise.settle(.success(false)) }
            }, cancelled: {}
        ).get()
    }
}
