import Foundation

/// ISO 8601 durations of a fixed length: weeks, days of 24 hours, hours, minutes, seconds. No months, no years.
public enum DurationText {
    /// Reads `PT15M`, `P1DT12H`, `P2W` as seconds. Nil for anything else, for zero, and beyond 10,000 years.
    public static func parse(_ text: some StringProtocol) -> TimeInterval? {
        var reader = DigitReader(text)
        guard reader.skip("P") else { return nil }
        var total = 0
        // Each unit at most once, in this order; a zero-length remainder of the list ends the date or time part.
        var units: [(letter: Unicode.Scalar, seconds: Int)] = [("W", 604_800), ("D", 86_400)]
        var inTime = false
        var countInPart = 0
        while !reader.isAtEnd {
            if !inTime, reader.skip("T") {
                inTime = true
                countInPart = 0
                units = [("H", 3600), ("M", 60), ("S", 1)]
                continue
            }
            guard let value = reader.number() else { return nil }
            var matched = false
            while !matched, !units.isEmpty {
                let unit = units.removeFirst()
                if reader.skip(unit.letter) {
                    total += value * unit.seconds
                    matched = true
                }
            }
            guard matched else { return nil }
            countInPart += 1
        }
        guard countInPart > 0, total > 0, total <= 3_652_500 * 86_400 else { return nil }
        return TimeInterval(total)
    }

    /// Writes whole seconds in the largest units: 90000 is `P1DT1H`. Fractions are rounded, less than one is `PT1S`.
    public static func format(_ seconds: TimeInterval) -> String {
        let total = Int(min(max(seconds.rounded(), 1), 3_652_500 * 86_400))
        var text = "P"
        if total >= 86_400 { text += "\(total / 86_400)D" }
        let rest = total % 86_400
        guard rest > 0 else { return text }
        text += "T"
        if rest >= 3600 { text += "\(rest / 3600)H" }
        if rest / 60 % 60 > 0 { text += "\(rest / 60 % 60)M" }
        if rest % 60 > 0 { text += "\(rest % 60)S" }
        return text
    }
}
