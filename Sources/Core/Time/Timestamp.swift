import Foundation

/// RFC 3339 instants: `2026-11-22T21:01:19.123456Z`.
public enum Timestamp {
    /// Reads a date-time with any offset; digits of the second's fraction beyond the sixth are cut off. Nil when the
    /// text is anything else or the date does not exist.
    public static func parse(_ text: some StringProtocol) -> Date? {
        var reader = DigitReader(text)
        guard let year = reader.digits(4), year >= 1, reader.skip("-"),
            let month = reader.digits(2), (1...12).contains(month), reader.skip("-"),
            let day = reader.digits(2), (1...CivilCalendar.daysInMonth(year, month)).contains(day),
            reader.skip("T") || reader.skip("t"),
            let hour = reader.digits(2), hour <= 23, reader.skip(":"),
            let minute = reader.digits(2), minute <= 59, reader.skip(":"),
            let second = reader.digits(2), second <= 60
        else { return nil }
        var microseconds = 0
        if reader.skip(".") {
            guard let fraction = reader.fraction() else { return nil }
            microseconds = fraction
        }
        var offset = 0
        if !(reader.skip("Z") || reader.skip("z")) {
            let sign: Int
            if reader.skip("+") {
                sign = 1
            } else if reader.skip("-") {
                sign = -1
            } else {
                return nil
            }
            guard let hours = reader.digits(2), hours <= 23, reader.skip(":"),
                let minutes = reader.digits(2), minutes <= 59
            else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        guard reader.isAtEnd else { return nil }
        // A leap second (:60) is the first instant of the next minute.
        let seconds = CivilCalendar.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return date(microsecondsSince1970: seconds * 1_000_000 + microseconds)
    }

    /// Writes the instant in UTC with six digits of the second's fraction.
    public static func format(_ date: Date) -> String {
        let total = microseconds(of: date)
        let (days, rest) = floorDivide(total, by: 86_400_000_000)
        let (year, month, day) = CivilCalendar.civil(days)
        let seconds = rest / 1_000_000
        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        append(year, 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(month, 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(day, 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        append(seconds / 3600, 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(seconds / 60 % 60, 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(seconds % 60, 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        append(rest % 1_000_000, 6, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The instant in whole microseconds since 1970, rounded, within the years 1 to 9999.
    public static func microseconds(of date: Date) -> Int {
        // From the reference date, whose distances are smaller and so exacter in a double.
        let value = (date.timeIntervalSinceReferenceDate * 1_000_000).rounded()
        // Up to 2^62 a double converts to an integer; the years' ends are compared as integers.
        guard value.magnitude < 0x1p62 else { return value < 0 ? firstMicrosecond : lastMicrosecond }
        return min(max(Int(value) + 978_307_200_000_000, firstMicrosecond), lastMicrosecond)
    }

    /// The instant that many microseconds after 1970.
    public static func date(microsecondsSince1970 microseconds: Int) -> Date {
        Date(timeIntervalSinceReferenceDate: Double(microseconds - 978_307_200_000_000) / 1_000_000)
    }

    private static let firstMicrosecond = -62_135_596_800_000_000
    private static let lastMicrosecond = 253_402_300_799_999_999

    static func append(_ value: Int, _ width: Int, to bytes: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}

/// Quotient and remainder with the remainder never negative.
func floorDivide(_ value: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

/// Digits and punctuation of fixed formats, from ASCII text.
struct DigitReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: some StringProtocol) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { index == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// Exactly that many digits.
    mutating func digits(_ count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for position in index..<index + count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        index += count
        return value
    }

    /// One to nine digits.
    mutating func number() -> Int? {
        let start = index
        var value = 0
        while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
            guard index - start < 9 else { return nil }
            value = value * 10 + Int(digit)
            index += 1
        }
        return index > start ? value : nil
    }

    /// At least one digit of a second's fraction, in microseconds.
    mutating func fraction() -> Int? {
        let start = index
        var value = 0
        var unit = 100_000
        while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
            value += Int(digit) * unit
            unit /= 10
            index += 1
        }
        return index > start ? value : nil
    }
}
