import CLibPQ
import Dispatch
import Foundation
import Logging
import Synchronization

/// What a listener hears.
public struct PostgresNotification: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// The connection was made, or made again: earlier notifications may be lost.
        case connected
        case message
    }

    public let kind: Kind
    /// Empty for `.connected`.
    public let channel: String
    public let payload: String
    /// The sender's server process; 0 for `.connected`.
    public let processID: Int32
}

/// One LISTEN connection with its thread.
final class Listener: Sendable {
    private let channels: [String]
    private let parameters: ConnectionParameters
    private let configuration: DatabaseConfiguration
    private let logger: Logger
    private let waker: Waker
    private let continuation: AsyncStream<PostgresNotification>.Continuation

    init(
        channels: [String], configuration: DatabaseConfiguration, logger: Logger,
        continuation: AsyncStream<PostgresNotification>.Continuation
    ) throws(PostgresError) {
        self.channels = channels
        self.configuration = configuration
        self.logger = logger
        self.continuation = continuation
        parameters = try ConnectionParameters(configuration, purpose: .listen)
        waker = try Waker()
    }

    func stop() { waker.interrupt() }

    /// `ended` runs when the stream's reader has gone or `stop` was called.
    func start(in group: DispatchGroup, ended: @escaping @Sendable () -> Void) {
        continuation.onTermination = { [waker] _ in waker.interrupt() }
        startThread("postgres-listen", in: group) { [self] in
            run()
            continuation.finish()
            ended()
        }
    }

    private func run() {
        var backoff = Backoff(configuration.reconnectDelay)
        while !waker.isInterrupted {
            do {
                let connection = try Connection(parameters, waker: waker, logger: logger)
                _ = try connection.runScript(
                    channels.map { "LISTEN \(SQLIdentifier.quoted($0));" }.joined(separator: " "))
                backoff.reset()
                continuation.yield(PostgresNotification(kind: .connected, channel: "", payload: "", processID: 0))
                while !waker.isInterrupted {
                    deliver(from: connection)
                    try connection.idle()
                }
            } catch {
                guard !waker.isInterrupted else { return }
                logger.warning("listening is interrupted: \(error)")
                waker.sleep(nanoseconds: backoff.next())
            }
        }
    }

    private func deliver(from connection: Connection) {
        while let notification = PQnotifies(connection.handle) {
            continuation.yield(
                PostgresNotification(
                    kind: .message, channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra), processID: notification.pointee.be_pid))
            PQfreemem(notification)
        }
    }
}

/// The listeners of one database object.
final class ListenerSet: Sendable {
    private struct State {
        var listeners: [ObjectIdentifier: Listener] = [:]
        var isClosed = false
    }
    private let state = Mutex(State())

    /// - Returns: false when it is too late.
    func add(_ listener: Listener, group: DispatchGroup) -> Bool {
        let id = ObjectIdentifier(listener)
        let isOpen = state.withLock { state -> Bool in
            guard !state.isClosed else { return false }
            state.listeners[id] = listener
            return true
        }
        guard isOpen else { return false }
        listener.start(in: group) { [weak self] in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return true
    }

    var count: Int { state.withLock { $0.listeners.count } }

    func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            return Array(state.listeners.values)
        }
        listeners.forEach { $0.stop() }
    }
}
