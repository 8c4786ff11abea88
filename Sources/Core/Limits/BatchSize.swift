/// How many entries a batch may have, so that it takes no longer than it should: what it holds, others wait for.
public struct BatchSize: Sendable, Hashable {
    /// How many the next one may have.
    public private(set) var current: Int
    private let range: ClosedRange<Int>
    /// Seconds.
    private let target: Double

    /// Begins with the least: nobody knows yet how long a batch takes.
    /// - Parameter target: seconds that a batch should take at most.
    public init(_ range: ClosedRange<Int>, target: Double) {
        self.range = range
        self.target = target
        current = range.lowerBound
    }

    /// A batch is done. One that took too long makes the next as small as would have been in time; one that was full and
    /// quick makes the next up to twice as large.
    public mutating func finished(_ count: Int, after seconds: Double) {
        guard count > 0, seconds > 0 else { return }
        let inTime = Int(min(Double(range.upperBound), Double(count) * target / seconds))
        if seconds > target {
            current = max(range.lowerBound, min(current, inTime))
        } else if count >= current {
            current = max(current, min(inTime, current * 2, range.upperBound))
        }
    }
}
