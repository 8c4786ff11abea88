/// How long what enters a queue that is emptied batch by batch will wait: by how long batches took of late.
public struct BatchQueue: Sendable, Hashable {
    /// Entries in one batch at most; at least 1.
    public var batch: Int {
        didSet { batch = max(1, batch) }
    }
    /// Seconds; half of it is the last batch.
    private var duration: Double = 0

    public init(batch: Int) { self.batch = max(1, batch) }

    /// A batch is done.
    /// - Parameter seconds: how long it took.
    public mutating func finished(after seconds: Double) { duration = (duration + max(0, seconds)) / 2 }

    /// Seconds until who enters now is served.
    /// - Parameters:
    ///   - ahead: entries waiting, without the batch that is being served.
    ///   - age: seconds since that batch began; nil when there is none, and then nobody waits: somebody has to go first
    ///     to find out whether batches have become quick again.
    public func wait(behind ahead: Int, age: Double?) -> Double {
        guard let age else { return 0 }
        // A batch that takes longer than any before it says more than they do.
        let each = max(duration, age)
        return max(0, each - age) + Double(ahead / batch + 1) * each
    }
}
