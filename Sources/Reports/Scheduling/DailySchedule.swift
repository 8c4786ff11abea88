import Core
import Foundation

/// When a daily job runs over which window: at a local time, over the local day before.
///
/// Windows abut: each begins where the one before ended, and ends at the next midnight of the zone as it is then. So a
/// changed zone takes effect at the end of the window that was planned already, and the odd day has its true length.
struct DailySchedule: Sendable, Hashable {
    /// Seconds after local midnight.
    let timeOfDay: Int
    /// Windows that began earlier than so many days before today are not made up for.
    var catchUpDays = 31

    struct Window: Sendable, Hashable {
        let instants: Range<Date>
        let dueAt: Date
    }

    /// The windows to plan so that the last one reaches beyond `now`, in order.
    /// - Parameters:
    ///   - plannedUntil: the end of the last window there is.
    ///   - createdAt: of the workspace; the day it was created on is its first window.
    func windows(plannedUntil: Date?, createdAt: Date, zone: LocalZone, now: Date) -> [Window] {
        let oldest = zone.start(of: zone.day(at: now).adding(days: -catchUpDays))
        var start = max(plannedUntil ?? zone.start(of: zone.day(at: createdAt)), oldest)
        var windows: [Window] = []
        while start <= now {
            var day = zone.day(at: start).adding(days: 1)
            // A date that the zone skipped begins where the next one does.
            while zone.start(of: day) <= start { day = day.adding(days: 1) }
            let end = zone.start(of: day)
            let due = max(end, zone.firstInstant(of: day, secondsAfterMidnight: timeOfDay))
            windows.append(Window(instants: start..<end, dueAt: due))
            start = end
        }
        return windows
    }
}
