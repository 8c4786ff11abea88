import CLibCurl
import Synchronization

/// What callers hand to the loop's thread, and the only thing that both sides touch.
final class TransferMailbox: Sendable {
    /// The multi handle, for `curl_multi_wakeup` only: the one function of libcurl that any thread may call.
    /// Used under the mailbox's lock and taken away under it before the handle is freed.
    private struct WakeTarget: @unchecked Sendable {
        let multi: UnsafeMutableRawPointer
    }

    private struct State: Sendable {
        var submitted: [Transfer] = []
        /// A ticket was cancelled since the loop last looked.
        var isCancelling = false
        /// Accepted and not yet answered.
        var outstanding = 0
        /// Set by the first `close`: until then transfers may finish.
        var drainDeadline: ContinuousClock.Instant?
        var hasEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []
        var wakeTarget: WakeTarget?
        /// A wake-up is on its way and the loop has not looked yet: no second one is needed.
        var isWoken = false

        mutating func wake() {
            guard !isWoken, let wakeTarget else { return }
            isWoken = curl_multi_wakeup(wakeTarget.multi) == CURLM_OK
        }
    }

    /// What the loop finds each time it looks.
    struct Delivery {
        var submitted: [Transfer]
        var isCancelling: Bool
        var drainDeadline: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: transfers in flight and waiting together.
    init(capacity: Int) { self.capacity = capacity }

    var underWay: Int { state.withLock { $0.outstanding } }

    /// Returns the reason when the transfer is not accepted; then the caller answers it.
    func submit(_ transfer: Transfer) -> HTTPClientError? {
        state.withLock { state in
            if state.drainDeadline != nil || state.hasEnded { return .closed }
            if state.outstanding >= capacity { return .overloaded }
            state.outstanding += 1
            state.submitted.append(transfer)
            state.wake()
            return nil
        }
    }

    /// Harmless before submission and after the end.
    func cancel(_ ticket: Transfer.Ticket) {
        ticket.cancel()
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.isCancelling = true
            state.wake()
        }
    }

    /// Accepts nothing more; an earlier deadline stands. The continuation is resumed when the loop has ended.
    func close(by deadline: ContinuousClock.Instant, closer: CheckedContinuation<Void, Never>? = nil) {
        let hasEnded = state.withLock { state in
            guard !state.hasEnded else { return true }
            state.drainDeadline = min(state.drainDeadline ?? deadline, deadline)
            if let closer { state.closers.append(closer) }
            state.wake()
            return false
        }
        if hasEnded { closer?.resume() }
    }

    // The loop's side.

    func open(_ multi: UnsafeMutableRawPointer) {
        state.withLock { $0.wakeTarget = WakeTarget(multi: multi) }
    }

    func collect() -> Delivery {
        state.withLock { state in
            let delivery = Delivery(
                submitted: state.submitted, isCancelling: state.isCancelling, drainDeadline: state.drainDeadline)
            state.submitted.removeAll()
            state.isCancelling = false
            state.isWoken = false
            return delivery
        }
    }

    func answer(_ transfer: Transfer, _ result: Result<HTTPResponse, HTTPClientError>) {
        state.withLock { $0.outstanding -= 1 }
        transfer.continuation.resume(returning: result)
    }

    /// No wake-up touches the multi handle after this.
    func detach() {
        state.withLock { $0.wakeTarget = nil }
    }

    /// The loop's last word, after everything is freed.
    func end() {
        let (orphans, closers) = state.withLock { state in
            state.hasEnded = true
            defer {
                state.submitted.removeAll()
                state.closers.removeAll()
            }
            return (state.submitted, state.closers)
        }
        for orphan in orphans { answer(orphan, .failure(.closed)) }
        for closer in closers { closer.resume() }
    }
}
