import Core
import Foundation

func logarithm(_ value: Double) -> Double { log(value) }

/// When contacts write: by the hour of their day and the day of their week.
///
/// The shape is that of consumer support: little at night, a peak before noon and a lower one in the evening, half as much
/// on Saturdays, a third on Sundays.
struct Rhythm {
    private static let hours: [Double] = [
        6, 4, 3, 3, 4, 8, 18, 40, 70, 95, 100, 96, 84, 78, 82, 86, 84, 80, 74, 66, 54, 38, 22, 11,
    ]
    /// From Monday to Sunday.
    private static let days: [Double] = [115, 108, 104, 102, 98, 50, 34]

    /// The first microsecond of each hour, since 1970.
    private let starts: [Int]
    /// The weight of everything before each hour, and at the end of all.
    private let sums: [Double]

    /// - Parameters:
    ///   - from: the first hour's beginning.
    ///   - hours: how many there are; at least one.
    init(zone: LocalZone, from: Date, hours count: Int) {
        let first = Timestamp.microseconds(of: from)
        var starts: [Int] = []
        var sums: [Double] = [0]
        for hour in 0..<max(count, 1) {
            let start = first + hour * 3_600_000_000
            let instant = Timestamp.date(microsecondsSince1970: start)
            let local = start / 1_000_000 + zone.offset(at: instant)
            // 1 January 1970 was a Thursday.
            let weekday = (local / 86_400 + 3) % 7
            starts.append(start)
            sums.append((sums.last ?? 0) + Self.hours[local / 3600 % 24] * Self.days[weekday])
        }
        self.starts = starts
        self.sums = sums
    }

    /// Share of the busiest hour in everything; for sizing the staff.
    var peakShare: Double {
        let busiest = zip(sums.dropFirst(), sums).map { $0 - $1 }.max() ?? 0
        return busiest / (sums.last ?? 1)
    }

    /// The moment, in microseconds since 1970, by which this share of everything has happened.
    /// - Parameter share: from 0 to below 1.
    func moment(at share: Double) -> Int {
        let target = share * (sums.last ?? 0)
        var low = 0
        var high = starts.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if sums[middle] <= target { low = middle } else { high = middle - 1 }
        }
        let weight = sums[low + 1] - sums[low]
        let inside = weight > 0 ? (target - sums[low]) / weight : 0
        return starts[low] + Int(inside * 3_600_000_000)
    }
}
