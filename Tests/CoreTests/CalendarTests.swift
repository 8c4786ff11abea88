import Core
import Foundation
import Testing

@Suite struct LocalZoneTests {
    static let zones = [
        "Europe/Madrid", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia",
        "America/St_Johns", "Africa/Casablanca", "Asia/Kathmandu", "UTC",
    ]

    @Test(
        arguments: [
            ("Europe/Madrid", "2026-11-22", "2026-11-21T23:00:00Z", 24.0),
            ("Europe/Madrid", "2026-03-29", "2026-03-28T23:00:00Z", 23),
            ("Europe/Madrid", "2026-10-25", "2026-10-24T22:00:00Z", 25),
            // Midnight does not exist: the day begins at 01:00.
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 23),
            ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", 23),
            ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z", 23),
            // Midnight comes twice: the day begins with the first.
            ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", 25),
            // At midnight the clock goes back into the day before.
            ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", 25),
            ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z", 24),
            ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 24.5),
            ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", 23.5),
            // A date that never was.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0),
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 24),
        ] as [(String, String, String, Double)])
    func knowsTheDay(name: String, day: String, start: String, hours: Double) throws {
        let zone = try #require(LocalZone(identifier: name))
        let window = zone.window(of: try #require(LocalDay(day)))
        #expect(Timestamp.format(window.lowerBound) == Timestamp.format(try instant(start)))
        #expect(window.upperBound.timeIntervalSince(window.lowerBound) == hours * 3600)
    }

    /// Days tile time: each begins where the one before ends, and the clock shows the day at its first instant and an
    /// earlier one just before.
    @Test(arguments: zones) func tilesTime(name: String) throws {
        let zone = try #require(LocalZone(identifier: name))
        let first = try #require(LocalDay("2010-01-01"))
        var end = zone.start(of: first)
        for offset in 0..<7_500 {
            let day = first.adding(days: offset)
            let window = zone.window(of: day)
            holds(window.lowerBound == end)
            end = window.upperBound
            guard !window.isEmpty else { continue }
            holds(zone.day(at: window.lowerBound) == day)
            holds(zone.day(at: window.lowerBound.addingTimeInterval(-1)) < day)
            holds([22, 22.5, 23, 23.5, 24, 24.5, 25, 26].contains(end.timeIntervalSince(window.lowerBound) / 3600))
        }
        let year = zone.days(from: first, to: first.adding(days: 365))
        holds(zone.window(from: first, to: first.adding(days: 365)).lowerBound == zone.start(of: year[0]))
    }

    /// A daily job at 00:15 runs once for every local day, whatever the clocks do.
    @Test(arguments: zones) func comesOnceADay(name: String) throws {
        let zone = try #require(LocalZone(identifier: name))
        let first = try #require(LocalDay("2011-01-01"))
        let last = first.adding(days: 3_000)
        var moment = zone.start(of: first)
        var days: [LocalDay] = []
        while true {
            let next = zone.next(secondsAfterMidnight: 900, after: moment)
            guard next.day < last else { break }
            holds(next.instant > moment)
            holds(zone.day(at: next.instant) == next.day)
            holds(zone.window(of: next.day).contains(next.instant))
            days.append(next.day)
            moment = next.instant
        }
        holds(days == zone.days(from: first, to: last))
    }

    @Test(arguments: [
        "", "CET", "GMT+2", "Europe/Nowhere", "+02:00", "Europe/Madrid ", "../etc/passwd", "EST5EDT", "Local",
    ])
    func refusesOtherNames(name: String) {
        #expect(LocalZone(identifier: name) == nil)
    }

    @Test func readsDays() {
        holds(LocalDay("2024-02-29")?.adding(days: 1).description == "2024-03-01")
        for text in ["2023-02-29", "2026-1-1", "2026-11-31", "26-11-01", "2026-11-01 ", "0000-01-01"] {
            holds(LocalDay(text) == nil)
        }
        for number in stride(from: -719_162, to: 2_932_896, by: 997) {
            holds(LocalDay(LocalDay(number: number).description)?.number == number)
        }
    }
}
