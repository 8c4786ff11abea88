import Synchronization

/// One accepted request on its way to the loop's thread, with the caller that waits for it. Resumed exactly once, by
/// that thread.
final class Transfer: Sendable {
    /// What a caller holds before and after the transfer exists, to cancel it.
    final class Ticket: Sendable {
        private let cancelled = Atomic<Bool>(false)

        var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
        func cancel() { cancelled.store(true, ordering: .releasing) }
    }

    let ticket: Ticket
    let request: HTTPRequest
    let target: RequestTarget
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>

    init(
        ticket: Ticket, request: HTTPRequest, target: RequestTarget, deadline: ContinuousClock.Instant,
        continuation: CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>
    ) {
        self.ticket = ticket
        self.request = request
        self.target = target
        self.deadline = deadline
        self.continuation = continuation
    }
}
