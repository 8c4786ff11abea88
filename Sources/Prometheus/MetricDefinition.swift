/// What a metric is called and means: the line of help that a scrape shows, and what a histogram counts by.
public struct MetricDefinition: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// By Prometheus' conventions: base units, counters end in `_total`.
    public let name: String
    public let kind: Kind
    public let help: String
    /// Upper bounds of a histogram's buckets, rising, without the infinite one.
    public let buckets: [Double]

    /// A number that only rises.
    public static func counter(_ name: String, _ help: String) -> MetricDefinition {
        MetricDefinition(name: name, kind: .counter, help: help, buckets: [])
    }

    /// A number that rises and falls.
    public static func gauge(_ name: String, _ help: String) -> MetricDefinition {
        MetricDefinition(name: name, kind: .gauge, help: help, buckets: [])
    }

    /// How often observations were at most so large. Timers are observed in seconds.
    public static func histogram(
        _ name: String, _ help: String, buckets: [Double] = MetricDefinition.durations
    ) -> MetricDefinition {
        MetricDefinition(name: name, kind: .histogram, help: help, buckets: buckets)
    }

    /// Seconds, from half a millisecond to ten seconds.
    public static let durations: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]

    /// Numbers of things done together.
    public static let sizes: [Double] = [1, 2, 5, 10, 25, 50, 100, 250, 1000]
}
