import Foundation

/// So many requests in so much time. A caller who has been quiet may use the whole quota at once; from then on it comes
/// back evenly, one request every `window / quota`.
public struct RateLimit: Sendable, Hashable, CustomStringConvertible {
    public static let quotas = 1...1_000_000
    /// Seconds: up to a day.
    public static let windows = 1...86_400

    /// Requests.
    public let quota: Int
    /// Seconds.
    public let window: Int

    /// Nil outside of `quotas` and `windows`.
    public init?(quota: Int, window: Int) {
        guard Self.quotas.contains(quota), Self.windows.contains(window) else { return nil }
        self.quota = quota
        self.window = window
    }

    /// Reads `6000/PT1M`: requests, and an ISO 8601 duration.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let quota = Int(parts[0]), let seconds = DurationText.parse(parts[1]),
            let limit = RateLimit(quota: quota, window: Int(min(seconds, 1e9)))
        else { return nil }
        self = limit
    }

    public var description: String { "\(quota)/\(DurationText.format(TimeInterval(window)))" }

    /// Nanoseconds.
    var windowLength: Int64 { Int64(window) * 1_000_000_000 }
    /// Nanoseconds in which one request comes back.
    var interval: Int64 { windowLength / Int64(quota) }
}

/// The limits of a process; nil is none.
public struct RateLimits: Sendable, Hashable {
    /// Of each workspace's or operator's key.
    public var key: RateLimit?
    /// Of each channel's token.
    public var channel: RateLimit?
    /// Of a workspace: its keys and channels together.
    public var workspace: RateLimit?
    /// Of an address: tokens that admit nobody.
    public var failures: RateLimit?

    public init(
        key: RateLimit? = nil, channel: RateLimit? = nil, workspace: RateLimit? = nil, failures: RateLimit? = nil
    ) {
        self.key = key
        self.channel = channel
        self.workspace = workspace
        self.failures = failures
    }

    /// No limit at all, as for measuring.
    public static let off = RateLimits()
    /// Above what one process can serve on two cores (about 1,000 messages a second), so that an honest caller never meets
    /// them and one that runs wild does not take everything. Guessing is another matter: one wrong token in two seconds.
    public static let defaults = RateLimits(
        key: RateLimit(quota: 10_000, window: 10), channel: RateLimit(quota: 20_000, window: 10),
        workspace: RateLimit(quota: 30_000, window: 10), failures: RateLimit(quota: 30, window: 60))
}
