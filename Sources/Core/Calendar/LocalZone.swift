import Foundation

/// An IANA time zone and the days in it. A day is the half-open window of instants whose local date it is: 23 or 25
/// hours long when the clocks change, and beginning at its first instant where midnight does not exist.
///
/// Computed from the zone's offsets alone. Two changes of the offset within 32 hours would be missed; no zone has had them.
public struct LocalZone: Sendable, Hashable {
    /// The IANA name: `Europe/Madrid`.
    public let identifier: String
    private let zone: TimeZone

    /// Nil unless the name is an IANA one (`Area/Place`, or `UTC`); abbreviations and offsets are none.
    public init?(identifier: String) {
        guard identifier == "UTC" || identifier.utf8.contains(UInt8(ascii: "/")), identifier.utf8.count <= 64,
            identifier.utf8.allSatisfy({ byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "/_+-".utf8.contains(byte)
            }),
            let zone = TimeZone(identifier: identifier)
        else { return nil }
        self.identifier = identifier
        self.zone = zone
    }

    /// Seconds east of UTC at that instant.
    public func offset(at instant: Date) -> Int { zone.secondsFromGMT(for: instant) }

    /// The local date at that instant.
    public func day(at instant: Date) -> LocalDay {
        let seconds = floorDivide(Timestamp.microseconds(of: instant), by: 1_000_000).quotient
        return LocalDay(number: floorDivide(seconds + offset(at: instant), by: 86_400).quotient)
    }

    /// The day's first instant.
    public func start(of day: LocalDay) -> Date { firstInstant(of: day, secondsAfterMidnight: 0) }

    /// The day's instants. Empty for a date that the zone skipped.
    public func window(of day: LocalDay) -> Range<Date> { window(from: day, to: day.adding(days: 1)) }

    /// The instants of the days from the first to before the last; an inverted pair gives an empty window.
    public func window(from first: LocalDay, to end: LocalDay) -> Range<Date> {
        let start = start(of: first)
        return start..<max(start, self.start(of: max(first, end)))
    }

    /// The days from the first to before the last, without dates that the zone skipped.
    public func days(from first: LocalDay, to end: LocalDay) -> [LocalDay] {
        guard first < end else { return [] }
        return (first.number..<end.number).map(LocalDay.init(number:)).filter { !window(of: $0).isEmpty }
    }

    /// The first instant at which the day's clock shows the time or a later one. A time that comes twice is its first;
    /// one that does not exist is the instant of the change.
    public func firstInstant(of day: LocalDay, secondsAfterMidnight: Int) -> Date {
        let wall = day.number * 86_400 + secondsAfterMidnight
        // Offsets lie between -12 h and +14 h: the instant, and any change that matters to it, are within 16 h.
        var before = wall - 16 * 3600
        var after = wall + 16 * 3600
        let offsetBefore = offset(atSecond: before)
        let offsetAfter = offset(atSecond: after)
        guard offsetBefore != offsetAfter else { return date(second: wall - offsetBefore) }
        while after - before > 1 {
            let middle = before + (after - before) / 2
            if offset(atSecond: middle) == offsetBefore { before = middle } else { after = middle }
        }
        let change = after
        let byOldOffset = wall - offsetBefore
        return date(second: byOldOffset < change ? byOldOffset : max(change, wall - offsetAfter))
    }

    /// The next time after the instant that a local day's clock first shows the given time: once for every local day,
    /// whatever the clocks do.
    ///
    /// - Returns: the local day it happens in, and the instant.
    public func next(secondsAfterMidnight: Int, after instant: Date) -> (day: LocalDay, instant: Date) {
        var candidate = day(at: instant).adding(days: -1)
        while true {
            let moment = firstInstant(of: candidate, secondsAfterMidnight: secondsAfterMidnight)
            if moment > instant, !window(of: candidate).isEmpty { return (candidate, moment) }
            candidate = candidate.adding(days: 1)
        }
    }

    private func offset(atSecond second: Int) -> Int { zone.secondsFromGMT(for: date(second: second)) }

    private func date(second: Int) -> Date { Date(timeIntervalSince1970: TimeInterval(second)) }
}
