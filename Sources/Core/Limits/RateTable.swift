/// Buckets by name, never more than so many: who comes with ever new names pushes out those that are nearly full again,
/// and never makes the table grow.
struct RateTable<Name: Hashable & Sendable>: Sendable {
    let capacity: Int
    private(set) var buckets: [Name: RateBucket] = [:]

    init(capacity: Int) { self.capacity = max(8, capacity) }

    subscript(name: Name) -> RateBucket { buckets[name] ?? RateBucket() }

    mutating func charge(_ name: Name, _ count: Int, _ limit: RateLimit, at now: Int64) {
        if buckets[name] == nil, buckets.count >= capacity { makeRoom(at: now) }
        buckets[name, default: RateBucket()].charge(count, limit, at: now)
    }

    /// Forgets the buckets that are full: they say nothing.
    mutating func forgetFull(at now: Int64) {
        buckets = buckets.filter { $0.value.fullAt > now }
    }

    mutating func forget(_ isForgotten: (Name) -> Bool) {
        buckets = buckets.filter { !isForgotten($0.key) }
    }

    /// An eighth goes at once, so that the sorting is paid for by thousands of newcomers.
    private mutating func makeRoom(at now: Int64) {
        forgetFull(at: now)
        guard buckets.count >= capacity else { return }
        let order = buckets.sorted { $0.value.fullAt < $1.value.fullAt }
        for (name, _) in order.prefix(max(1, capacity / 8)) { buckets[name] = nil }
    }
}
