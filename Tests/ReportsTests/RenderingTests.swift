import Core
import Foundation
import Store
import Testing

@testable import Reports

@Suite struct RenderingTests {
    /// A report whose names were chosen by somebody who means harm.
    private func report() throws -> Report {
        let text = """
            -- name: small
            -- title: Small <b>
            -- group_by: team named
            -- measure: things count, not by team
            -- measure: waited seconds
            --
            SELECT :workspace_id, :from, :to
            """
        let job = try JobFile.parse(text, file: "small.sql").get()
        let zone = try #require(LocalZone(identifier: "Europe/Madrid"))
        let window = try ReportWindow(
            from: #require(LocalDay("2026-10-25")), to: #require(LocalDay("2026-10-26")), zone: zone)
        let table = JobTable(
            columns: ["is_total", "group_id", "group_name", "things", "waited"],
            rows: [
                ["f", "a", "=HYPERLINK(\"http://x\")", "1", "-1.5"], ["f", "b", "@SUM(1,2)\r\nnext", "1", "0.000001"],
                ["f", "c", "-2+3", "1", nil], ["f", nil, nil, "1", "12345678.123456"],
                ["t", nil, nil, "4", "60.000000"],
            ])
        return try Report(
            job: job, window: window, grouping: job.groupings[0], table: table,
            generatedAt: Date(timeIntervalSince1970: 0))
    }

    @Test func csvIsQuotedAndDefused() throws {
        let expected = [
            "row,team_id,team_name,things,waited", "group,a,\"'=HYPERLINK(\"\"http://x\"\")\",,-1.5",
            "group,b,\"'@SUM(1,2)\r\nnext\",,0.000001", "group,c,'-2+3,,", "group,,,,12345678.123456", "total,,,4,60",
            "",
        ]
        #expect(String(decoding: try report().rendered(as: .csv), as: UTF8.self) == expected.joined(separator: "\r\n"))
    }

    @Test func jsonTellsAbsentFromNull() throws {
        let json = try JSON.parse(try report().rendered(as: .json))
        #expect(json["from"] == "2026-10-25" && json["to"] == "2026-10-26")
        #expect(json["window"]?["from"] == "2026-10-24T22:00:00.000000Z")
        #expect(json["window"]?["to"] == "2026-10-25T23:00:00.000000Z")
        #expect(json["rows"]?[2] == ["group": ["team_id": "c", "team_name": "-2+3"], "measures": ["waited": .null]])
        #expect(json["rows"]?[3]?["group"] == ["team_id": .null, "team_name": .null])
        #expect(json["total"]?["measures"]?["things"] == 4)
    }

    @Test func htmlEscapesEverything() throws {
        let html = String(decoding: try report().rendered(as: .html), as: UTF8.self)
        #expect(html.contains("Small &lt;b&gt;") && html.contains("&quot;http://x&quot;") && !html.contains("<b>"))
    }

    @Test func aFileIsThereWholeOrAsItWas() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/report.csv"
        try await ReportFile.write(Array("old".utf8), to: path)
        try await ReportFile.write(Array(repeating: 65, count: 3_000_000), to: path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 3_000_000)
        try FileManager.default.createDirectory(atPath: folder + "/taken", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: folder + "/taken/file"))
        await #expect(throws: ReportFileError.self) { try await ReportFile.write([1], to: folder + "/taken") }
        await #expect(throws: ReportFileError.self) { try await ReportFile.write([1], to: folder + "/none/report.csv") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["report.csv", "taken"])
    }
}
