import Foundation

/// How long to wait before trying again: doubling from `base` to `cap`, spread by jitter, given up after `lifetime`.
public struct Backoff: Sendable, Hashable {
    /// Seconds before the second attempt.
    public let base: TimeInterval
    /// The longest wait, in seconds.
    public let cap: TimeInterval
    /// Seconds from the first attempt after which there is none again.
    public let lifetime: TimeInterval

    /// Seconds: `0 < base <= cap`, `lifetime >= 0`.
    public init(base: TimeInterval, cap: TimeInterval, lifetime: TimeInterval) {
        self.base = base
        self.cap = cap
        self.lifetime = lifetime
    }

    /// Effects towards the outside: 1 s to 1 h, for 24 h.
    public static let outbox = Backoff(base: 1, cap: 3600, lifetime: 86_400)

    /// Seconds to wait after the given number of failed attempts (1 after the first), within `base ... cap`.
    ///
    /// - Parameter jitter: random, in `0 ..< 1`; spreads the wait over three quarters to five quarters of itself, so
    ///   that what failed together does not come back together.
    public func delay(afterFailures failures: Int, jitter: Double) -> TimeInterval {
        // 2^40 seconds is beyond every cap; the limit keeps the power finite.
        let exponential = min(cap, base * exp2(Double(min(max(failures, 1), 40) - 1)))
        return min(max(exponential * (0.75 + 0.5 * jitter), base), cap)
    }

    /// When to try again, or nil when the lifetime would be over by then.
    public func nextAttempt(afterFailures failures: Int, firstAttempt: Date, now: Date, jitter: Double) -> Date? {
        let next = now.addingTimeInterval(delay(afterFailures: failures, jitter: jitter))
        return next.timeIntervalSince(firstAttempt) <= lifetime ? next : nil
    }
}
