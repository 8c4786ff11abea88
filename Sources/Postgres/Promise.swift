import Synchronization

/// One caller's wait for one result. Whoever settles it first wins; the rest is discarded.
final class Promise<Success: Sendable, Failure: Error>: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Result<Success, Failure>, Never>)
        case settled(Result<Success, Failure>?)
    }

    private let state = Mutex(State.new)

    var isSettled: Bool {
        state.withLock { state in
            if case .settled = state { true } else { false }
        }
    }

    /// - Returns: whether this result is the one the caller gets.
    @discardableResult
    func settle(_ result: Result<Success, Failure>) -> Bool {
        let (won, continuation) = state.withLock {
            state -> (Bool, CheckedContinuation<Result<Success, Failure>, Never>?) in
            switch state {
            case .new:
                state = .settled(result)
                return (true, nil)
            case .waiting(let continuation):
                state = .settled(nil)
                return (true, continuation)
            case .settled: return (false, nil)
            }
        }
        continuation?.resume(returning: result)
        return won
    }

    /// Runs `begin`, which sees to it that the promise is settled some day, and waits. `cancelled` runs when the caller's
    /// task is cancelled.
    func wait(begin: () -> Void, cancelled: @escaping @Sendable () -> Void) async -> Result<Success, Failure> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let early = state.withLock { state -> Result<Success, Failure>? in
                    if case .settled(let result) = state { return result }
                    state = .waiting(continuation)
                    return nil
                }
                if let early { continuation.resume(returning: early) } else { begin() }
            }
        } onCancel: {
            cancelled()
        }
    }
}
