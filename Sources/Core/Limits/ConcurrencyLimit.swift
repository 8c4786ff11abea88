/// How much may be under way at once, so that it takes no longer than it should: a fixed number is too many for a server that
/// has become slow, and what waits in it is late whether it is done or refused.
///
/// By Little's law what begins as the n-th of those under way and takes t seconds would have taken the target as the
/// (n · target / t)-th.
public struct ConcurrencyLimit: Sendable, Hashable {
    /// How much may be under way now.
    public private(set) var current: Int
    private let range: ClosedRange<Int>
    /// Seconds.
    private let target: Double

    /// Begins with the most.
    /// - Parameters:
    ///   - range: never less, never more.
    ///   - target: seconds that anything should take at most.
    public init(_ range: ClosedRange<Int>, target: Double) {
        self.range = range
        self.target = target
        current = range.upperBound
    }

    /// Something is done. Slow ones that began among fewer than the least say nothing about many: a report takes its time,
    /// and somebody may wait for a lock. One among many may be such a one, too, so each lowers the limit by half at most.
    /// - Parameters:
    ///   - count: how much was under way when it began, itself included.
    ///   - seconds: how long it took.
    public mutating func finished(among count: Int, after seconds: Double) {
        if seconds > target {
            guard count >= range.lowerBound else { return }
            let inTime = Int(Double(count) * target / seconds)
            current = max(range.lowerBound, min(current, max(inTime, current / 2)))
        } else if count > current / 2 {
            current = min(range.upperBound, current + 1)
        }
    }
}
