import Foundation

/// PostgreSQL's ISO form of an instant, `2026-11-22 21:01:19.123456+00`, to and from whole microseconds.
///
/// A `Date` counts seconds from 2001 in a `Double`: its microseconds are exact from 1865 to 2137, beyond that it holds
/// fewer digits than PostgreSQL does.
enum TimestampText {
    private static let microsecondsPerDay: Int64 = 86_400_000_000
    /// Days from 1970-01-01 to 2001-01-01, where `Date` counts from.
    private static let referenceDay: Int64 = 11_323

    static func append(_ date: Date, to text: inout [UInt8]) {
        let exact = (date.timeIntervalSinceReferenceDate * 1_000_000).rounded()
        guard !exact.isNaN else { return text.append(contentsOf: "not a time".utf8) }
        // The range of timestamptz is 4713 BC to 294276 AD.
        guard exact > -2.1e17 else { return text.append(contentsOf: "-infinity".utf8) }
        guard exact < 9.2e18 else { return text.append(contentsOf: "infinity".utf8) }
        let microseconds = Int64(exact)
        var day = microseconds / microsecondsPerDay
        var rest = microseconds % microsecondsPerDay
        if rest < 0 {
            rest += microsecondsPerDay
            day -= 1
        }
        let (year, month, dayOfMonth) = civil(day: day + referenceDay)
        guard year <= 294_276 else { return text.append(contentsOf: "infinity".utf8) }
        let seconds = rest / 1_000_000
        append(year > 0 ? year : 1 - year, 4, to: &text)
        for (separator, value, width) in [
            ("-", month, 2), ("-", dayOfMonth, 2), (" ", seconds / 3600, 2), (":", seconds / 60 % 60, 2),
            (":", seconds % 60, 2), (".", rest % 1_000_000, 6),
        ] as [(Unicode.Scalar, Int64, Int)] {
            text.append(UInt8(ascii: separator))
            append(value, width, to: &text)
        }
        text.append(contentsOf: (year > 0 ? "+00" : "+00 BC").utf8)
    }

    /// At least so many digits.
    private static func append(_ value: Int64, _ width: Int, to text: inout [UInt8]) {
        var power: Int64 = 1
        for _ in 1..<width { power *= 10 }
        while value / power >= 10 { power *= 10 }
        while power > 0 {
            text.append(UInt8(ascii: "0") + UInt8(value / power % 10))
            power /= 10
        }
    }

    /// Reads `timestamptz`, `timestamp` (taken as UTC) and `date` (its midnight, UTC); nil for anything else, infinity too.
    static func parse(_ text: Span<UInt8>) -> Date? {
        var reader = DigitReader(position: 0)
        guard var year = reader.number(in: text), reader.take(UInt8(ascii: "-"), in: text),
            let month = reader.number(in: text), reader.take(UInt8(ascii: "-"), in: text),
            let day = reader.number(in: text), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var microseconds: Int64 = 0
        if reader.position < text.count, text[reader.position] == UInt8(ascii: " "),
            reader.position + 1 < text.count, text[reader.position + 1] != UInt8(ascii: "B")
        {
            reader.position += 1
            guard let hour = reader.number(in: text), reader.take(UInt8(ascii: ":"), in: text),
                let minute = reader.number(in: text), reader.take(UInt8(ascii: ":"), in: text),
                let second = reader.number(in: text), hour <= 24, minute < 60, second <= 60
            else { return nil }
            microseconds = (hour * 3600 + minute * 60 + second) * 1_000_000
            if reader.take(UInt8(ascii: "."), in: text) {
                guard let fraction = reader.fraction(in: text) else { return nil }
                microseconds += fraction
            }
            guard let offset = reader.offset(in: text) else { return nil }
            microseconds -= offset * 1_000_000
        }
        if reader.position < text.count {
            guard text.count == reader.position + 3, reader.take(UInt8(ascii: " "), in: text),
                reader.take(UInt8(ascii: "B"), in: text), reader.take(UInt8(ascii: "C"), in: text)
            else { return nil }
            year = 1 - year
        }
        let total = (days(year: year, month: month, day: day) - referenceDay) * microsecondsPerDay + microseconds
        return Date(timeIntervalSinceReferenceDate: Double(total) / 1_000_000)
    }

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; eras of 400 years from 0000-03-01.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}

/// Walks over decimal digits and the signs between them.
private struct DigitReader {
    var position: Int

    /// Up to nine digits.
    mutating func number(in text: Span<UInt8>) -> Int64? {
        let start = position
        var value: Int64 = 0
        while position < text.count, position - start < 9, (0x30...0x39).contains(text[position]) {
            value = value * 10 + Int64(text[position] - 0x30)
            position += 1
        }
        return position > start ? value : nil
    }

    /// One to six digits behind the point, as microseconds.
    mutating func fraction(in text: Span<UInt8>) -> Int64? {
        let start = position
        guard var value = number(in: text), position - start <= 6 else { return nil }
        for _ in (position - start)..<6 { value *= 10 }
        return value
    }

    mutating func take(_ byte: UInt8, in text: Span<UInt8>) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    /// `+hh`, `+hh:mm` or `+hh:mm:ss` east of UTC, in seconds; nothing there is UTC.
    mutating func offset(in text: Span<UInt8>) -> Int64? {
        let sign: Int64
        if take(UInt8(ascii: "+"), in: text) {
            sign = 1
        } else if take(UInt8(ascii: "-"), in: text) {
            sign = -1
        } else {
            return 0
        }
        guard var seconds = number(in: text).map({ $0 * 3600 }) else { return nil }
        for unit: Int64 in [60, 1] {
            guard take(UInt8(ascii: ":"), in: text) else { break }
            guard let value = number(in: text) else { return nil }
            seconds += value * unit
        }
        return sign * seconds
    }
}
