import Foundation
import Logging
import Synchronization
import UnixSignals

/// Ctrl-C and SIGTERM: the first asks the work to end in order, the second ends the process at once.
final class Interruption: Sendable {
    /// What follows sooner is the same wish said twice: `timeout` and some shells signal a process and then its group.
    private static let patience = Duration.milliseconds(500)

    private struct State {
        var askedAt: ContinuousClock.Instant?
        var wasAsked: Bool { askedAt != nil }
        var graceful: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Whether a signal has arrived.
    var wasAsked: Bool { state.withLock(\.wasAsked) }

    /// What is left of a time that began with the first signal; the whole of it before.
    func remainder(of limit: Duration) -> Duration {
        guard let askedAt = state.withLock(\.askedAt) else { return limit }
        return max(.zero, limit - (ContinuousClock.now - askedAt))
    }

    /// From now on the first signal calls this instead of cancelling the work. If the signal came already, it is
    /// called at once.
    func gracefully(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.graceful = action
            return state.wasAsked
        }
        if isLate { action() }
    }

    /// Runs the work in a task of its own that a signal cancels (or, after ``gracefully(_:)``, asks to end).
    static func handling<Result: Sendable>(
        logger: Logger, _ work: @escaping @Sendable (Interruption) async throws -> Result
    ) async throws -> Result {
        let interruption = Interruption()
        // Trapped before the work begins: a signal must not kill us between the start of the server and its owner.
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        let task = Task { try await work(interruption) }
        let listener = Task {
            for await signal in signals {
                let now = ContinuousClock.now
                let (askedAt, graceful) = interruption.state.withLock { state in
                    defer { state.askedAt = state.askedAt ?? now }
                    return (state.askedAt, state.graceful)
                }
                if let askedAt, now - askedAt < patience { continue }
                if askedAt == nil {
                    logger.notice("\(signal): stopping; once more to stop at once")
                    if let graceful { graceful() } else { task.cancel() }
                } else {
                    logger.warning("\(signal) again: stopping at once")
                    // No exit handlers: they wait for threads. A private PostgreSQL stays up and is adopted next time.
                    _exit(130)
                }
            }
        }
        defer { listener.cancel() }
        return try await task.value
    }
}
