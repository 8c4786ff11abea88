/// Quantiles of a set of durations in seconds.
struct Distribution: Sendable, Equatable {
    private let sorted: [Double]

    init(_ values: some Sequence<Double>) { sorted = values.sorted() }

    var count: Int { sorted.count }
    var maximum: Double? { sorted.last }

    /// The value between its two neighbours, as PostgreSQL's `percentile_cont` takes it; nil without values.
    func quantile(_ fraction: Double) -> Double? {
        guard let first = sorted.first else { return nil }
        let place = fraction * Double(sorted.count - 1)
        let lower = Int(place)
        guard lower + 1 < sorted.count else { return sorted.last ?? first }
        return sorted[lower] + (sorted[lower + 1] - sorted[lower]) * (place - Double(lower))
    }

    /// `p50 12 ms, p95 30 ms, p99 41 ms, max 60 ms`
    var summary: String {
        guard let maximum else { return "no data" }
        let parts = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].compactMap { name, fraction in
            quantile(fraction).map { "\(name) \(Self.text($0))" }
        }
        return (parts + ["max \(Self.text(maximum))"]).joined(separator: ", ")
    }

    /// Seconds, with a unit and three significant digits or so.
    static func text(_ seconds: Double) -> String {
        if seconds.magnitude < 1 { return "\((seconds * 10_000).rounded() / 10) ms" }
        return "\((seconds * 100).rounded() / 100) s"
    }
}
