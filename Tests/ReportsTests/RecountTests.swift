import Core
import Foundation
import Postgres
import Store
import Testing

@testable import Reports

/// The shipped reports against a second count of the same facts, over random pasts, windows and zones.
@Suite struct RecountTests {
    /// Across the changes of the clocks in Europe, America, Australia and Chile, in spring and in autumn.
    @Test(arguments: [(UInt64(1), "2026-03-01"), (2, "2026-10-01"), (3, "2026-04-01"), (4, "2026-08-20")])
    func agreeWithTheEvents(seed: UInt64, from: String) async throws {
        try await withStore { store in
            let start = try #require(Timestamp.parse("\(from)T00:00:00Z"))
            let end = start.addingTimeInterval(45 * 86_400)
            let workspace = try await store.insertWorkspace("Europe/Madrid")
            let other = try await store.insertWorkspace("Europe/Madrid")
            try await RandomHistory.write(400, seed: seed, workspace: workspace, from: start, to: end, into: store)
            try await RandomHistory.write(60, seed: seed + 100, workspace: other, from: start, to: end, into: store)
            let recount = try await EventRecount(store: store, workspace: workspace)
            let runner = ReportRunner(store: store)
            let jobs = try shippedJobs()
            var random = SplitMix64(state: seed)
            for _ in 0..<12 {
                let window = try Self.randomWindow(from: start, using: &random)
                for job in jobs.jobs {
                    for report in try await runner.runAll(job, workspace: workspace, window: window) {
                        try Self.compare(report, with: recount)
                    }
                }
            }
        }
    }

    static func randomWindow(from start: Date, using random: inout SplitMix64) throws -> ReportWindow {
        let zones = [
            "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "UTC",
            "Pacific/Auckland", "America/St_Johns", "Pacific/Kiritimati", "Europe/Madrid", "America/New_York", "UTC",
        ]
        let zone = try #require(LocalZone(identifier: zones.randomElement(using: &random) ?? "UTC"))
        let from = zone.day(at: start).adding(days: Int.random(in: -3...44, using: &random))
        return try ReportWindow(from: from, to: from.adding(days: Int.random(in: 1...12, using: &random)), zone: zone)
    }

    static func compare(_ report: Report, with recount: EventRecount) throws {
        let zone = try #require(TimeZone(identifier: report.window.zone.identifier))
        let days = try #require(report.window.days)
        let window = EventRecount.start(of: "\(days.from)", zone)..<EventRecount.start(of: "\(days.to)", zone)
        let grouping = report.grouping.name
        let expected =
            report.job.name == "conversations"
            ? recount.conversations(window, zone, by: grouping) : recount.assignments(window, zone, by: grouping)
        let what: Comment = "\(report.job.name) by \(grouping) \(days.from) – \(days.to) \(zone.identifier)"
        #expect(Set(report.rows.map { EventRecount.Group(key: $0.id) }) == Set(expected.keys.compactMap(\.self)), what)
        #expect(report.rows.count == expected.count - 1, what)
        for row in report.rows {
            guard let (name, measures) = expected[EventRecount.Group(key: row.id)] else { continue }
            if grouping == "team" || grouping == "agent" { #expect(row.name == name, what) }
            compare(row, report.measures, measures, "\(what) \(row.id ?? "–")")
        }
        let total = try #require(expected[.none])
        compare(report.total, report.job.measures, total.1, "\(what) total")
        if grouping == "day" { #expect(report.rows.compactMap(\.id) == EventRecount.days(window, zone), what) }
    }

    static func compare(
        _ row: Report.Row, _ measures: [Job.Measure], _ expected: EventRecount.Measures, _ what: Comment
    ) {
        #expect(expected.count <= measures.count, what)
        for (measure, value) in zip(measures, row.values) {
            switch value {
            case .count(let count): #expect(Double(count) == expected[measure.name], "\(what) \(measure.name)")
            case .none: #expect(expected[measure.name] == nil, "\(what) \(measure.name)")
            case .number(let number):
                let difference = abs(number - (expected[measure.name] ?? .infinity))
                #expect(difference < 0.00001, "\(what) \(measure.name): \(number), not \(expected[measure.name] ?? -1)")
            }
        }
    }

    /// S32: what came and went is the change of what is there, per agent and for all.
    @Test func booksBalance() async throws {
        try await withStore { store in
            let start = try #require(Timestamp.parse("2026-10-10T00:00:00Z"))
            let workspace = try await store.insertWorkspace("Europe/Madrid")
            try await RandomHistory.write(
                500, seed: 7, workspace: workspace, from: start, to: start.addingTimeInterval(40 * 86_400), into: store)
            let service = ReportService(store: store, jobs: try shippedJobs(), runner: ReportRunner(store: store))
            for (before, from, to) in [
                ("2026-10-09", "2026-10-12", "2026-10-26"), ("2026-10-20", "2026-10-25", "2026-10-26"),
                ("2026-10-26", "2026-11-01", "2026-11-18"),
            ] {
                func report(_ job: String, _ from: String, _ to: String) async throws -> Report {
                    try await service.report(
                        job, workspace: workspace, ReportParameters(from: from, to: to, groupBy: "agent"))
                }
                let earlier = Self.table(try await report("conversations", before, from))
                let later = Self.table(try await report("conversations", from, to))
                let moved = Self.table(try await report("assignments", from, to))
                for agent in Set(earlier.keys).union(later.keys).union(moved.keys)
                where agent != nil && agent != "total" {
                    func value(_ table: [String?: [String: Int64]], _ measure: String) -> Int64 {
                        table[agent]?[measure] ?? 0
                    }
                    let change = value(later, "open_at_end") - value(earlier, "open_at_end")
                    let balance =
                        value(moved, "assignments") + value(moved, "transfers_in") - value(moved, "transfers_out")
                        - value(moved, "unassignments") - value(later, "closed")
                    #expect(change == balance, "\(agent ?? "") \(from) – \(to)")
                }
                let total = try #require(later["total"])
                let opening = try #require(earlier["total"])
                #expect(total["opened"]! - total["closed"]! == total["open_at_end"]! - opening["open_at_end"]!)
                let transfers = try #require(moved["total"])
                #expect(transfers["transfers_in"] == transfers["transfers_out"] && transfers["transfers_in"]! > 0)
            }
        }
    }

    private static func table(_ report: Report) -> [String?: [String: Int64]] {
        func counts(_ measures: [Job.Measure], _ values: [Report.Value]) -> [String: Int64] {
            var counts: [String: Int64] = [:]
            for (measure, value) in zip(measures, values) {
                if case .count(let count) = value { counts[measure.name] = count }
            }
            return counts
        }
        var table: [String?: [String: Int64]] = ["total": counts(report.job.measures, report.total.values)]
        for row in report.rows { table[row.id] = counts(report.measures, row.values) }
        return table
    }
}
