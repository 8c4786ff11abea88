/// Why there is no answer. Texts name hosts and causes, never headers or bodies.
public enum HTTPClientError: Error, Sendable, Hashable {
    /// Not done within the request's time-out, the connect time-out, or too slow for the low-speed limit.
    case timedOut
    /// The calling task was cancelled. The request may have reached the server.
    case cancelled
    /// No connection: refused, unreachable …
    case connect(reason: String)
    /// The name has no address, or no resolver answered.
    case unresolvable(host: String)
    /// Every address of the host lies in a network that the client must not reach.
    case addressRefused(host: String)
    /// The body is above the request's limit, or the header above the client's.
    case responseTooLarge
    /// No trusted, working TLS session.
    case tls(reason: String)
    /// Not an absolute `http` or `https` URL, or one with a user in it.
    case invalidURL(reason: String)
    /// A method, header or limit that cannot be sent.
    case invalidRequest(String)
    /// The connection broke, or what came back is no HTTP. The request may have been carried out.
    case transport(reason: String)
    /// As many transfers in flight and waiting as the client is configured for.
    case overloaded
    /// The client is closed, or was closed before this transfer ended.
    case closed

    /// Whether the same request can never succeed with the same client: repeating it is pointless.
    public var isPermanent: Bool {
        switch self {
        case .addressRefused, .invalidURL, .invalidRequest: true
        case .timedOut, .cancelled, .connect, .unresolvable, .responseTooLarge, .tls, .transport, .overloaded, .closed:
            false
        }
    }
}

extension HTTPClientError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .timedOut: "timed out"
        case .cancelled: "cancelled"
        case .connect(let reason): "cannot connect: \(reason)"
        case .unresolvable(let host): "cannot resolve \(host)"
        case .addressRefused(let host): "the address of \(host) is in a network that must not be reached"
        case .responseTooLarge: "the answer is too large"
        case .tls(let reason): "TLS: \(reason)"
        case .invalidURL(let reason): "invalid URL: \(reason)"
        case .invalidRequest(let reason): "invalid request: \(reason)"
        case .transport(let reason): "the connection broke: \(reason)"
        case .overloaded: "too many requests under way"
        case .closed: "the HTTP client is closed"
        }
    }
}
