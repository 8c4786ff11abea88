import Core
import Foundation
import Store
import Testing

@testable import Reports

@Suite struct JobFileTests {
    private func header(_ name: String = "small") -> String {
        """
        -- name: \(name)
        -- title: Small
        -- group_by: day, team named
        -- measure: things count, not by team
        -- measure: waited seconds
        --

        """
    }

    @Test func parametersAreFoundWhereTheyStandAndNowhereElse() throws {
        let text =
            header() + """
                -- :from in a comment, and /* in a comment
                SELECT 'it''s :to', E'\\':to', ":to", $tag$ :to $tag$ /* :to /* :to */ */, 1::int, a[1:2],
                    now()::date, :from::timestamptz, :workspace_id, :to, :from; -- ends
                """
        let job = try JobFile.parse(text, file: "small.sql").get()
        #expect(job.parameters == [.workspace, .from, .to])
        #expect(job.sql.contains("now()::date, $2::timestamptz, $1, $3, $2 -- ends"))
        #expect(
            job.sql.contains("'it''s :to', E'\\':to', \":to\", $tag$ :to $tag$ /* :to /* :to */ */, 1::int, a[1:2]"))
        #expect(job.measures(by: job.groupings[1]).map(\.name) == ["waited"])
        #expect(job.schedule == nil)
    }

    @Test(arguments: [
        ("-- colour: red\n--\nSELECT :workspace_id, :from, :to", 1, "colour"),
        ("-- name: other\n--\nSELECT :workspace_id, :from, :to", 1, "broken"),
        ("-- schedule: 25:00\n--\nSELECT :workspace_id, :from, :to", 1, "00:15"),
        ("-- measure: a lot\n--\nSELECT :workspace_id, :from, :to", 1, "count"),
        ("--\nSELECT :workspace_id, :from, :too", 2, ":too"),
        ("--\nSELECT 1;\nDELETE FROM events", 3, "one SELECT"),
        ("--\nDELETE FROM events", 2, "DELETE"),
        ("--\nSELECT :workspace_id,\n 'open :from", 3, "not ended"),
        ("--\nSELECT $1, :from", 2, ":name"),
        ("SELECT 1", 1, "header"),
    ])
    func mistakesAreNamedByFileAndLine(text: String, line: Int, word: String) throws {
        let library = JobLibrary(texts: [
            ("broken.sql", text), ("small.sql", header() + "SELECT :workspace_id, :from, :to"),
        ])
        #expect(library.jobs.map(\.name) == ["small"])
        #expect(library.problems.contains { $0.file == "broken.sql" && $0.line == line && $0.reason.contains(word) })
        let error = #expect(throws: JobNotFound.self) { try library.job("broken") }
        #expect(error?.description.contains("broken.sql:\(line): ") == true)
    }

    @Test func parametersAreAllJudgedAtOnce() throws {
        let job = try JobFile.parse(header() + "SELECT :workspace_id, :from, :to", file: "small.sql").get()
        func pointers(_ from: String?, _ to: String?, _ zone: String?, _ group: String?) -> [String] {
            do {
                _ = try ReportParameters(from: from, to: to, timeZone: zone, groupBy: group).resolved(
                    for: job, workspaceZone: "Europe/Madrid")
                return []
            } catch {
                return error.errors.map(\.pointer)
            }
        }
        #expect(pointers("2026-11-01", "2026-11-08", nil, nil) == [])
        #expect(pointers("2026-11-08", "2026-11-01", nil, "day") == ["/to"])
        #expect(pointers("2026-11-08", "2026-11-08", nil, "day") == ["/to"])
        #expect(pointers("2025-01-01", "2026-11-08", nil, "day") == ["/to"])
        #expect(pointers("2026-02-30", nil, "Mars/Olympus", "colour") == ["/from", "/to", "/time_zone", "/group_by"])
        #expect(pointers("2026-11-08", "2026-11-01", "CEST", "team") == ["/time_zone", "/to"])
    }

    @Test func jobsReadOnlyWithinTheirLimits() async throws {
        try await withStore { store in
            let workspace = try await store.insertWorkspace("UTC")
            func run(_ select: String, timeout: TimeInterval = 10, rowLimit: Int = 10) async throws -> Report {
                let text =
                    header() + "WITH w AS (SELECT :workspace_id::uuid, :from::timestamptz, :to::timestamptz) " + select
                let job = try JobFile.parse(text, file: "small.sql").get()
                let (window, grouping) = try ReportParameters(from: "2026-11-01", to: "2026-11-02").resolved(
                    for: job, workspaceZone: "UTC")
                return try await ReportRunner(store: store, timeout: timeout, rowLimit: rowLimit).run(
                    job, workspace: workspace, window: window, grouping: grouping)
            }
            let total = "SELECT true AS is_total, NULL AS group_id, 1 AS things, 2.5 AS waited"
            #expect(try await run(total).total.values == [.count(1), .number(2.5)])
            await #expect(throws: TooManyJobRows.self) {
                try await run(
                    "SELECT false AS is_total, g AS group_id, 1 AS things, 1 AS waited FROM generate_series(1, 11) g")
            }
            await #expect(throws: ReportShapeError.self) { try await run("SELECT true AS is_total, 1 AS things") }
            await #expect(throws: ReportShapeError.self) { try await run(total + " WHERE false") }
            let timedOut = await #expect(throws: (any Error).self) {
                try await run("SELECT pg_sleep(5)", timeout: 0.05)
            }
            #expect("\(try #require(timedOut))".contains("57014"))
            try await store.script("CREATE SEQUENCE turns")
            let written = await #expect(throws: (any Error).self) { try await run("SELECT nextval('turns')") }
            #expect("\(try #require(written))".contains("25006"))
        }
    }

    @Test func aReportIsAskedForByTheWorkspacesName() async throws {
        try await withStore { store in
            try await store.insertWorkspace("Europe/Madrid", name: "Demo")
            let service = ReportService(store: store, jobs: try shippedJobs(), runner: ReportRunner(store: store))
            let days = ReportParameters(from: "2026-10-24", to: "2026-10-26")
            let csv = String(
                decoding: try await service.run("assignments", workspace: "demo", days, as: .csv), as: UTF8.self)
            let lines = csv.split(separator: "\r\n").map(String.init)
            #expect(lines.count == 4 && lines[0].hasPrefix("row,day,assignments,"))
            #expect(lines[1] == "group,2026-10-24,0,0,0,,,0,,,," && lines[3] == "total,,0,0,0,0,0,0,,,,")
            await #expect(throws: StoreError.self) {
                try await service.run("assignments", workspace: "x", days, as: .csv)
            }
            await #expect(throws: JobNotFound.self) {
                try await service.run("nothing", workspace: "demo", days, as: .csv)
            }
            #expect(service.listing.contains("conversations  daily 00:15  Conversations."))
        }
    }
}
