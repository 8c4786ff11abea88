import Foundation
import Synchronization

/// Version 7 UUIDs (RFC 9562): they sort by the time of their making, so keys are inserted at the right-hand end of
/// their index and a range of ids is a range of time.
///
/// The 12 bits after the millisecond hold its fraction (method 3 of section 6.2), 62 bits are random. Within one
/// process ids rise strictly: an id is always at least one step of 1/4096 ms above the one before, also when the clock is
/// set back a little. One that was ahead by more than a minute is followed back: ids from the future would lie outside
/// every range of time that a reader asks for.
public enum UUIDv7 {
    /// A minute in 4096ths of a millisecond.
    private static let followedBack: UInt64 = 60_000 << 12

    /// Milliseconds since 1970 and their 4096th parts of the youngest id, as one number.
    private static let youngest = Mutex<UInt64>(0)

    /// A new id, above every id this process made before. The instant is the lower bound of its time.
    ///
    /// - Parameter date: now, by some clock; for another time use `make(exactlyAt:)`.
    public static func make(at date: Date = Date()) -> UUID {
        let wanted = ticks(of: date)
        let ticks = youngest.withLock { youngest in
            youngest = youngest > wanted + followedBack ? wanted : max(wanted, youngest + 1)
            return youngest
        }
        return uuid(ticks: ticks, random: UInt64.random(in: .min ... .max))
    }

    /// A new id of exactly that time, outside the rising series: for facts of the past and for seeds of tests.
    public static func make(exactlyAt date: Date) -> UUID {
        uuid(ticks: ticks(of: date), random: UInt64.random(in: .min ... .max))
    }

    /// The same with the caller's own randomness: a seeded history has the same ids every time.
    public static func make(exactlyAt date: Date, using generator: inout some RandomNumberGenerator) -> UUID {
        uuid(ticks: ticks(of: date), random: generator.next())
    }

    /// A new id of exactly that time that comes after those with a lower number of the same instant: for what has an order
    /// that no process's clock may change. The number counts modulo 2^14, 48 bits are random.
    public static func make(exactlyAt date: Date, number: Int64) -> UUID {
        let random = UInt64.random(in: 0..<(1 << 48))
        return uuid(ticks: ticks(of: date), random: UInt64(truncatingIfNeeded: number & 0x3FFF) << 48 | random)
    }

    /// The smallest id of that millisecond: every id made at or after it is not below. Ranges of ids are `>=` one
    /// lower bound and `<` the next.
    public static func lowerBound(of date: Date) -> UUID {
        uuid(ticks: ticks(of: date) & ~0xFFF, random: 0)
    }

    /// When the id was made, to the millisecond; nil when it is no version 7 id.
    public static func time(of id: UUID) -> Date? {
        guard id.uuid.6 >> 4 == 7 else { return nil }
        let bytes = [id.uuid.0, id.uuid.1, id.uuid.2, id.uuid.3, id.uuid.4, id.uuid.5]
        let milliseconds = bytes.reduce(0) { $0 << 8 | Int($1) }
        return Timestamp.date(microsecondsSince1970: milliseconds * 1000)
    }

    private static func ticks(of date: Date) -> UInt64 {
        let microseconds = UInt64(max(Timestamp.microseconds(of: date), 0))
        return (microseconds / 1000) << 12 | (microseconds % 1000) * 4096 / 1000
    }

    private static func uuid(ticks: UInt64, random: UInt64) -> UUID {
        func byte(_ value: UInt64, _ shift: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: value >> shift) }
        return UUID(
            uuid: (
                byte(ticks, 52), byte(ticks, 44), byte(ticks, 36), byte(ticks, 28), byte(ticks, 20), byte(ticks, 12),
                0x70 | byte(ticks, 8) & 0x0F, byte(ticks, 0),
                0x80 | byte(random, 56) & 0x3F, byte(random, 48), byte(random, 40), byte(random, 32),
                byte(random, 24), byte(random, 16), byte(random, 8), byte(random, 0)
            ))
    }
}
