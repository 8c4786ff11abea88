/// Prometheus' text format, version 0.0.4, as it grows.
struct ExpositionText {
    private(set) var text = ""

    mutating func begin(_ definition: MetricDefinition) {
        if !definition.help.isEmpty {
            text += "# HELP \(definition.name) \(Self.escaped(definition.help, quotes: false))\n"
        }
        text += "# TYPE \(definition.name) \(definition.kind.rawValue)\n"
    }

    /// - Parameter labels: as ``labels(_:)`` writes them.
    mutating func sample(_ name: String, _ labels: String, _ value: Double) {
        text += labels.isEmpty ? name : "\(name){\(labels)}"
        text += " \(Self.number(value))\n"
    }

    mutating func histogram(_ name: String, _ labels: String, _ histogram: HistogramInstrument) {
        let (cumulative, sum) = histogram.snapshot
        let prefix = labels.isEmpty ? "" : labels + ","
        for (count, bound) in zip(cumulative, histogram.bounds) {
            sample("\(name)_bucket", "\(prefix)le=\"\(Self.number(bound))\"", Double(count))
        }
        let count = Double(cumulative.last ?? 0)
        sample("\(name)_bucket", "\(prefix)le=\"+Inf\"", count)
        sample("\(name)_sum", labels, sum)
        sample("\(name)_count", labels, count)
    }

    /// `name="value",…` in the order of the names, so that equal labels are equal text.
    static func labels(_ labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        return labels.sorted { $0.0 < $1.0 }.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // 2^53: up to there whole numbers are exact.
        if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return String(Int64(value)) }
        return "\(value)"
    }
}
