import Addresses
import NIOCore

/// Where the API listens and what it puts up with.
public struct APIServerConfiguration: Sendable {
    /// Name or address to listen on.
    public var host: String
    /// Port to listen on; 0 takes a free one.
    public var port: Int
    /// Connections the kernel may keep waiting to be accepted.
    public var backlog = 4096
    /// Connections open at once; further ones wait in the backlog.
    public var maximumConnections = 10_000
    /// Requests handled at once at most, from authentication to the answer being ready; further ones get 503 `overloaded`.
    /// While they take more than half a second it is fewer, down to 64.
    public var maximumConcurrentRequests = 512
    /// Bytes of bodies in memory at once; a request whose body goes beyond gets 503 `overloaded`. Parsed, a body takes a few
    /// times as much.
    public var maximumBodyBytes = 64 << 20
    /// While somebody has waited for the database for longer, requests with a key get 503 `overloaded`: together with the
    /// work itself this keeps what is accepted below two seconds.
    public var maximumDatabaseWait: Duration = .milliseconds(500)
    /// For how long a stopping server waits for requests being handled.
    public var shutdownTimeout: Duration = .seconds(20)
    /// Proxies whose `X-Forwarded-For` is believed. Without any the peer is the client.
    public var trustedProxies: [AddressRange] = []
    /// Whether requests are counted; what only monitoring asks is not.
    public var isMeasured = true
    /// The limits of each connection.
    public var connection = ConnectionLimits()

    /// The defaults, listening there.
    public init(host: String = "127.0.0.1", port: Int = 8080) {
        self.host = host
        self.port = port
    }
}

/// The limits of one connection.
public struct ConnectionLimits: Sendable {
    /// From the first byte of a request to the last of its body, counting only time spent waiting for the peer.
    public var requestTimeout: TimeAmount = .seconds(30)
    /// While an answer waits to be taken, the peer must take `minimumProgress` bytes of it, or the rest, in this time.
    public var writeTimeout: TimeAmount = .seconds(30)
    /// Bytes; 16 KiB in 30 s is slower than any modem, and a reader that takes single bytes still counts as stuck.
    public var minimumProgress = 16 << 10
    /// For how long a connection may stand open with nothing asked.
    public var idleTimeout: TimeAmount = .seconds(75)
    /// After the last answer our side is closed, and for this long what the peer still sends is read and dropped:
    /// closing with bytes unread resets the connection, and the reset can overtake the answer.
    public var lingerTimeout: TimeAmount = .seconds(5)
    /// An answer given before the body is complete keeps the connection only when at most this many declared bytes are
    /// still to come.
    public var drainLimit = 64 << 10
    /// Name and value of one header together, in bytes.
    public var maximumHeaderFieldSize = 16 << 10
    /// All headers together, in bytes.
    public var maximumHeaderListSize = 64 << 10
    /// Headers of one request.
    public var maximumHeaderFieldCount = 100

    /// The defaults.
    public init() {}
}
