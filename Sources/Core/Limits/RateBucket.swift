/// What one caller has used of a limit: the generic cell rate algorithm, a leaky bucket kept as a single instant.
///
/// Every request moves the instant at which the bucket is full again by one interval; a request is refused while that
/// would lie more than a window ahead. Instants are nanoseconds of any steady clock.
public struct RateBucket: Sendable, Hashable {
    /// When all of the quota is there again; the past means now.
    public private(set) var fullAt: Int64

    /// A full bucket.
    public init() { fullAt = .min }

    /// How long until one request is permitted, in nanoseconds; zero or less is now.
    public func delay(_ limit: RateLimit, at now: Int64) -> Int64 {
        max(fullAt, now) + limit.interval - limit.windowLength - now
    }

    /// Requests that are permitted at this instant.
    public func remaining(_ limit: RateLimit, at now: Int64) -> Int {
        let room = limit.windowLength - max(0, max(fullAt, now) - now)
        return min(limit.quota, Int(max(0, room) / limit.interval))
    }

    /// Whole seconds until all of the quota is there again, rounded up.
    public func reset(at now: Int64) -> Int { RateBucket.seconds(max(fullAt, now) - now) }

    /// Counts requests, permitted or not: what other processes let through is known only afterwards, so the bucket can be
    /// overdrawn. The debt ends at one window, so that nobody is shut out for longer than two.
    public mutating func charge(_ count: Int, _ limit: RateLimit, at now: Int64) {
        let cost = Int64(min(max(count, 0), 3 * limit.quota)) * limit.interval
        fullAt = min(max(fullAt, now) + cost, now + 2 * limit.windowLength)
    }

    /// Nanoseconds as whole seconds, rounded up.
    static func seconds(_ nanoseconds: Int64) -> Int { Int((max(0, nanoseconds) + 999_999_999) / 1_000_000_000) }
}
