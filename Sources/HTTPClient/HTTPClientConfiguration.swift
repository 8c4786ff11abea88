import Addresses

/// What an ``HTTPClient`` may do and how much of it at once.
public struct HTTPClientConfiguration: Sendable, Hashable {
    /// Lets requests reach loopback, private and other special networks. Off: URLs come from customers.
    public var allowPrivateNetworks: Bool
    /// Special networks that may be reached nevertheless, such as `10.20.0.0/16`.
    public var allowedNetworks: [AddressRange]

    /// Open connections, idle ones included; also the transfers in flight.
    public var maximumConnections: Int
    /// Open connections to one host and port, so that one slow receiver cannot take them all.
    public var maximumConnectionsPerHost: Int
    /// Transfers waiting for a connection. One more is refused as `overloaded`.
    public var maximumWaiting: Int

    /// Name look-up, TCP and TLS together.
    public var connectTimeout: Duration
    /// Slower than this many bytes a second …
    public var lowSpeedLimit: Int
    /// … for this long, the transfer times out. A server that thinks is slow too: whole seconds, above the
    /// time an honest receiver needs to answer.
    public var lowSpeedTime: Duration
    /// All header lines of an answer together, interim answers and trailers included.
    public var maximumHeaderBytes: Int
    /// A connection older than this is not used again, so that a changed address is noticed.
    public var connectionLifetime: Duration

    /// A file with the trusted certificates (PEM) instead of the system's.
    public var certificateAuthorityFile: String?
    /// How long `close()` lets transfers finish before it ends them.
    public var drainTimeout: Duration

    public init(
        allowPrivateNetworks: Bool = false, allowedNetworks: [AddressRange] = [], maximumConnections: Int = 256,
        maximumConnectionsPerHost: Int = 32, maximumWaiting: Int = 4096, connectTimeout: Duration = .seconds(10),
        lowSpeedLimit: Int = 16, lowSpeedTime: Duration = .seconds(25), maximumHeaderBytes: Int = 64 << 10,
        connectionLifetime: Duration = .seconds(600), certificateAuthorityFile: String? = nil,
        drainTimeout: Duration = .seconds(10)
    ) {
        self.allowPrivateNetworks = allowPrivateNetworks
        self.allowedNetworks = allowedNetworks
        self.maximumConnections = max(1, maximumConnections)
        self.maximumConnectionsPerHost = max(1, min(maximumConnectionsPerHost, maximumConnections))
        self.maximumWaiting = max(0, maximumWaiting)
        self.connectTimeout = connectTimeout
        self.lowSpeedLimit = lowSpeedLimit
        self.lowSpeedTime = lowSpeedTime
        self.maximumHeaderBytes = maximumHeaderBytes
        self.connectionLifetime = connectionLifetime
        self.certificateAuthorityFile = certificateAuthorityFile
        self.drainTimeout = drainTimeout
    }
}
