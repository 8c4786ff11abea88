/// A date of the Gregorian calendar, without a zone: `2026-11-22`.
public struct LocalDay: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let number: Int

    /// The date that many days after 1970-01-01.
    public init(number: Int) {
        self.number = number
    }

    /// Nil when there is no such date in the years 1 to 9999.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month),
            (1...CivilCalendar.daysInMonth(year, month)).contains(day)
        else { return nil }
        number = CivilCalendar.days(year, month, day)
    }

    /// Reads `2026-11-22` and nothing else.
    public init?(_ text: some StringProtocol) {
        var reader = DigitReader(text)
        guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), reader.isAtEnd
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// The date that many days later, or earlier when negative.
    public func adding(days: Int) -> LocalDay { LocalDay(number: number + days) }

    public static func < (left: LocalDay, right: LocalDay) -> Bool { left.number < right.number }

    public var description: String {
        let (year, month, day) = CivilCalendar.civil(number)
        var bytes: [UInt8] = []
        Timestamp.append(year, 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Timestamp.append(month, 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Timestamp.append(day, 2, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
