import Core
import Foundation
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("2026-11-22T21:01:19.123456Z", "2026-11-22T21:01:19.123456Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
        ("2026-11-22t21:01:19z", "2026-11-22T21:01:19.000000Z"),
        ("2026-11-22T23:01:19.5+02:00", "2026-11-22T21:01:19.500000Z"),
        ("2024-02-29T23:59:60Z", "2024-03-01T00:00:00.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ("2026-01-01T00:00:00.1234567891Z", "2026-01-01T00:00:00.123456Z"),
        ("2000-01-01T00:30:00-01:00", "2000-01-01T01:30:00.000000Z"),
    ])
    func reads(text: String, written: String) throws {
        #expect(Timestamp.format(try instant(text)) == written)
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22T21:01:19", "2026-11-22 21:01:19Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-10T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Zx", "0000-01-01T00:00:00Z",
        "２026-01-01T00:00:00Z", "1795694400",
    ])
    func refuses(text: String) {
        #expect(Timestamp.parse(text) == nil)
    }

    @Test func keepsMicroseconds() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<10_000 {
            let microseconds = random.int(0...4_000_000_000_000_000)
            let date = Timestamp.date(microsecondsSince1970: microseconds)
            holds(Timestamp.microseconds(of: date) == microseconds)
            holds(Timestamp.parse(Timestamp.format(date)) == date)
        }
        holds(Timestamp.format(.distantFuture).hasPrefix("4001-"))
        holds(Timestamp.format(Date(timeIntervalSince1970: .infinity)).hasPrefix("9999-12-31"))
    }
}

@Suite struct DurationTests {
    @Test(
        arguments: [
            ("PT15M", 900, "PT15M"), ("PT1S", 1, "PT1S"), ("P1D", 86_400, "P1D"), ("P1DT12H", 129_600, "P1DT12H"),
            ("P2W", 1_209_600, "P14D"), ("PT90M", 5400, "PT1H30M"), ("P1DT2H3M4S", 93_784, "P1DT2H3M4S"),
            ("PT0H1S", 1, "PT1S"),
        ] as [(String, TimeInterval, String)])
    func reads(text: String, seconds: TimeInterval, written: String) {
        #expect(DurationText.parse(text) == seconds)
        #expect(DurationText.format(seconds) == written)
    }

    @Test(arguments: [
        "", "P", "PT", "P1DT", "PT0S", "P1M", "P1Y", "PT1", "1H", "PT-1S", "-PT1S", "PT1S1M", "PT1M1M", "PT1.5S", "P1H",
        "pt1s",
        "PT1S ", "PTT1S", "P1D1W", "PT99999999999S", "P999999999D",
    ])
    func refuses(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}

@Suite struct UUIDv7Tests {
    @Test func risesStrictlyFromManyThreads() async {
        // One instant for all of them, and now: the series is the whole process's.
        let instant = Date()
        let batches = await withTaskGroup(of: [UUID].self) { group in
            for _ in 0..<4 { group.addTask { (0..<5_000).map { _ in UUIDv7.make(at: instant) } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for batch in batches { #expect(batch == batch.sorted { $0.uuidString < $1.uuidString }) }
        #expect(Set(batches.joined()).count == 20_000)
    }

    @Test func boundsRangesOfTime() throws {
        let time = try instant("2026-11-22T21:01:19.123999Z")
        let made = UUIDv7.make(exactlyAt: time).uuidString
        let numbered = (1...1_000).map { UUIDv7.make(exactlyAt: time, number: $0).uuidString }
        #expect(numbered == numbered.sorted())
        #expect(numbered[999] < UUIDv7.make(exactlyAt: time.addingTimeInterval(0.000_001), number: 1).uuidString)
        #expect(UUIDv7.lowerBound(of: time).uuidString < made)
        #expect(made < UUIDv7.lowerBound(of: time.addingTimeInterval(0.001)).uuidString)
        #expect(UUIDv7.time(of: UUIDv7.lowerBound(of: time)) == (try instant("2026-11-22T21:01:19.123Z")))
        #expect(UUIDv7.time(of: UUID()) == nil)
        let id = UUIDv7.make(exactlyAt: time)
        #expect(id.uuid.6 >> 4 == 7)
        #expect(id.uuid.8 >> 6 == 2)
        #expect(UUIDv7.lowerBound(of: Date(timeIntervalSince1970: -5)).uuidString.hasPrefix("00000000-0000-7000-8000"))
    }
}

@Suite struct BackoffTests {
    @Test func growsWithinItsLimits() {
        let backoff = Backoff.outbox
        #expect(backoff.delay(afterFailures: 1, jitter: 0) == 1)
        #expect(backoff.delay(afterFailures: 3, jitter: 0.5) == 4)
        for failures in 0...10_000 {
            for jitter in [0, 0.5, 0.999] {
                #expect((1...3600).contains(backoff.delay(afterFailures: failures, jitter: jitter)))
            }
        }
        let day = noon.addingTimeInterval(86_400)
        #expect(
            backoff.nextAttempt(afterFailures: 2, firstAttempt: noon, now: day.addingTimeInterval(-10), jitter: 0.5)
                != nil)
        #expect(
            backoff.nextAttempt(afterFailures: 20, firstAttempt: noon, now: day.addingTimeInterval(-10), jitter: 0.5)
                == nil)
    }
}
