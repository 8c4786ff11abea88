/// Who waits for a connection. First come first served at each origin, the origins in turn: one receiver that is slow or
/// has a thousand waiting delays the others' next by one turn.
struct WaitingLine {
    private struct Origin {
        var running = 0
        var waiting: [Transfer] = []
    }

    private let limitPerOrigin: Int
    private var origins: [String: Origin] = [:]
    /// Every origin with somebody waiting and room for one more, once each.
    private var turn: [String] = []
    private(set) var count = 0
    /// Nobody's deadline is before this.
    private(set) var nextDeadline: ContinuousClock.Instant?

    init(limitPerOrigin: Int) { self.limitPerOrigin = limitPerOrigin }

    mutating func append(_ transfer: Transfer) {
        let key = transfer.target.origin
        let origin = origins[key, default: Origin()]
        if origin.waiting.isEmpty && origin.running < limitPerOrigin { turn.append(key) }
        origins[key, default: Origin()].waiting.append(transfer)
        count += 1
        nextDeadline = min(nextDeadline ?? transfer.deadline, transfer.deadline)
    }

    /// The next that may start, now counted as running until ``finished(_:)``.
    mutating func next() -> Transfer? {
        guard !turn.isEmpty else { return nil }
        let key = turn.removeFirst()
        guard var origin = origins.removeValue(forKey: key), !origin.waiting.isEmpty else { return nil }
        let transfer = origin.waiting.removeFirst()
        origin.running += 1
        count -= 1
        if !origin.waiting.isEmpty && origin.running < limitPerOrigin { turn.append(key) }
        origins[key] = origin
        return transfer
    }

    /// One that ``next()`` gave has ended.
    mutating func finished(_ transfer: Transfer) {
        let key = transfer.target.origin
        guard var origin = origins.removeValue(forKey: key) else { return }
        if origin.running == limitPerOrigin && !origin.waiting.isEmpty { turn.append(key) }
        origin.running -= 1
        if origin.running > 0 || !origin.waiting.isEmpty { origins[key] = origin }
    }

    /// Takes out everyone who waits and fulfils the condition.
    mutating func remove(where condition: (Transfer) -> Bool) -> [Transfer] {
        var removed: [Transfer] = []
        nextDeadline = nil
        for (key, origin) in origins where !origin.waiting.isEmpty {
            let kept = origin.waiting.filter { transfer in
                let goes = condition(transfer)
                if goes { removed.append(transfer) }
                return !goes
            }
            for transfer in kept { nextDeadline = min(nextDeadline ?? transfer.deadline, transfer.deadline) }
            guard kept.count < origin.waiting.count else { continue }
            if kept.isEmpty { turn.removeAll { $0 == key } }
            origins[key] = kept.isEmpty && origin.running == 0 ? nil : Origin(running: origin.running, waiting: kept)
        }
        count -= removed.count
        return removed
    }
}
