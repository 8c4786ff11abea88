import Foundation

/// Sends requests over a bounded set of connections, all served by one thread of its own: libcurl's multi handle. The
/// caller's thread is never blocked.
///
/// Redirects are not followed, proxies from the environment not used, and special networks not reached unless
/// configured, whatever a name resolves to. Dropping the last reference ends what is under way.
public final class HTTPClient: Sendable {
    private let configuration: HTTPClientConfiguration
    private let mailbox: TransferMailbox

    public init(configuration: HTTPClientConfiguration = HTTPClientConfiguration()) {
        let mailbox = TransferMailbox(capacity: configuration.maximumConnections + configuration.maximumWaiting)
        self.configuration = configuration
        self.mailbox = mailbox
        let thread = Thread { TransferLoop.run(configuration: configuration, mailbox: mailbox) }
        thread.name = "http-client"
        thread.start()
    }

    deinit { mailbox.close(by: .now) }

    /// Transfers accepted and not yet answered, waiting ones included.
    public var underWay: Int { mailbox.underWay }

    /// Sends the request and returns the whole answer, whatever its status.
    ///
    /// Cancelling the calling task ends the transfer with `cancelled`. After an error other than `isPermanent` ones,
    /// `unresolvable`, `connect` and `overloaded`, the server may have carried the request out.
    public func send(_ request: HTTPRequest) async throws(HTTPClientError) -> HTTPResponse {
        try request.validate()
        let target = try RequestTarget(url: request.url)
        let deadline = ContinuousClock.now + request.timeout
        let ticket = Transfer.Ticket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let transfer = Transfer(
                    ticket: ticket, request: request, target: target, deadline: deadline, continuation: continuation)
                if let refusal = mailbox.submit(transfer) { continuation.resume(returning: .failure(refusal)) }
            }
        } onCancel: {
            mailbox.cancel(ticket)
        }
        return try result.get()
    }

    /// Accepts nothing more, lets what is under way finish within the configured drain time-out, ends the rest with
    /// `closed`, and returns when every connection is closed. May be called again.
    public func close() async {
        let deadline = ContinuousClock.now + configuration.drainTimeout
        await withCheckedContinuation { mailbox.close(by: deadline, closer: $0) }
    }
}
