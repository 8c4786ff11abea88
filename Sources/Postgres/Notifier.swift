import Dispatch
import Foundation
import Logging
import Synchronization

/// Sends notifications from a connection of its own, several together, no more often than the interval says.
///
/// NOTIFY takes a lock of the whole cluster through the commit; inside the transactions that write it halved what two cores
/// could commit.
final class Notifier: Sendable {
    private struct Note: Hashable, Sendable {
        let channel: String
        let payload: String
    }
    private struct State {
        var notes: [Note] = []
        var known: Set<Note> = []
        var isStarted = false
    }

    /// Different notifications kept while the database is away; the oldest go first.
    private static let maximumKept = 1000
    private static let statement = Statement(name: "notify", sql: "SELECT pg_notify($1, $2)")

    private let state = Mutex(State())
    private let parameters: ConnectionParameters
    private let configuration: DatabaseConfiguration
    private let logger: Logger
    private let waker: Waker
    private let group: DispatchGroup

    init(configuration: DatabaseConfiguration, logger: Logger, group: DispatchGroup) throws(PostgresError) {
        self.configuration = configuration
        self.logger = logger
        self.group = group
        parameters = try ConnectionParameters(configuration, purpose: .notify)
        waker = try Waker()
    }

    func close() { waker.interrupt() }

    func notify(_ channel: String, _ payload: String) {
        let note = Note(channel: channel, payload: payload)
        let (starts, wakes) = state.withLock { state -> (Bool, Bool) in
            guard state.known.insert(note).inserted else { return (false, false) }
            state.notes.append(note)
            if state.notes.count > Notifier.maximumKept { state.known.remove(state.notes.removeFirst()) }
            defer { state.isStarted = true }
            return (!state.isStarted, state.notes.count == 1)
        }
        guard !waker.isInterrupted else { return }
        // The connection is made at the first notification: not every process sends any.
        if starts { startThread("postgres-notify", in: group) { [self] in run() } } else if wakes { waker.wake() }
    }

    private func run() {
        var backoff = Backoff(configuration.reconnectDelay)
        while !waker.isInterrupted {
            do {
                let connection = try Connection(
                    parameters, waker: waker, statementTimeout: configuration.statementTimeout,
                    silenceGrace: configuration.silenceGrace, logger: logger)
                backoff.reset()
                while !waker.isInterrupted {
                    let notes = state.withLock { state in
                        defer {
                            state.notes = []
                            state.known = []
                        }
                        return state.notes
                    }
                    guard !notes.isEmpty else {
                        try connection.idle()
                        continue
                    }
                    try send(notes, on: connection)
                    // Not woken early: what comes in now is sent together after the interval.
                    usleep(UInt32(clamping: configuration.notifyInterval.nanoseconds / 1000))
                }
            } catch {
                guard !waker.isInterrupted else { return }
                logger.debug("notifications are held back: \(error)")
                waker.sleep(nanoseconds: backoff.next())
            }
        }
    }

    private func send(_ notes: [Note], on connection: Connection) throws(PostgresError) {
        for note in notes {
            let binds = try EncodedBinds([note.channel, note.payload], statement: Notifier.statement.name)
            try connection.send(Notifier.statement, binds)
            try connection.sync()
        }
        while connection.hasOutstanding {
            if case .failed(let error) = try connection.receive() { logger.warning("a notification failed: \(error)") }
        }
    }
}
