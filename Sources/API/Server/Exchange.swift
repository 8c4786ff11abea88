import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// One request and its answer, as far as both the dispatching and the log line need to know it.
final class Exchange: Sendable {
    /// Filled in on the way, read once for the log.
    struct Notes: Sendable {
        /// The path template; nil for unknown paths.
        var route: String?
        /// Of the caller, from the authenticator.
        var caller: Logger.Metadata = [:]
        /// Name of the problem answered.
        var problem: String?
        var receivedBytes = 0
        var streamedBytes = 0
        /// For the answer, whatever it will be.
        var headers = HTTPFields()
    }

    /// As asked; the router is only asked for the path.
    let method: HTTPRequest.Method
    let requestID: String
    let started: ContinuousClock.Instant
    /// The client's, as text without port; nil when the connection has gone.
    let address: String?
    let logger: Logger
    private let channel: (any Channel)?
    private let state = Mutex(Notes())

    init(
        method: HTTPRequest.Method, requestID: String, started: ContinuousClock.Instant, address: String?,
        logger: Logger, channel: (any Channel)?
    ) {
        self.method = method
        self.requestID = requestID
        self.started = started
        self.address = address
        self.logger = logger
        self.channel = channel
    }

    var notes: Notes { state.withLock { $0 } }

    func note(_ change: (inout Notes) -> Void) {
        state.withLock { change(&$0) }
    }

    /// Lets the peer send the body, if it waits for that.
    func wantsBody() {
        channel?.triggerUserOutboundEvent(BodyWanted(), promise: nil)
    }
}

/// Carries the exchange through Hummingbird's router.
struct ExchangeContext: RequestContext {
    struct Source: RequestContextSource {
        let exchange: Exchange
        var logger: Logger { exchange.logger }
    }

    var coreContext: CoreRequestContextStorage
    let exchange: Exchange

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        exchange = source.exchange
    }
}
