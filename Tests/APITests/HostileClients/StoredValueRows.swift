import Core
import Foundation
import Store
import TestKit
import Testing

/// Attacks by values that are stored and come out elsewhere: in a spreadsheet, in a browser, as a connection of ours.
enum StoredValueRows {
    static let formulas = [
        "=HYPERLINK(\"http://evil\")", "+1+1", "-2+3", "@SUM(1)", "\t=1", "<script>alert(1)</script>", "\"><img src=x>",
        "a,b\"c\r\n=1",
    ]

    /// Names of channels that a report groups by, then the report as CSV and HTML.
    static func injection(_ tenant: Tenant) async throws -> String {
        for name in formulas {
            let channel = try await tenant.owner.post("/v1/channels", ["name": .string(name), "kind": "custom"]).expect(
                201)
            try await tenant.owner.post(
                "/v1/channels/\(channel.id)/inbound", ["events": [Tenant.event("\(UUID())")]]
            ).expect(200)
        }
        let day = Date().formatted(.iso8601.year().month().day())
        let next = Date().addingTimeInterval(2 * 86_400).formatted(.iso8601.year().month().day())
        let path = "/v1/reports/conversations?from=\(day)&to=\(next)&group_by=channel&time_zone=UTC"
        let csv = try await tenant.owner.with("Accept", "text/csv").get(path)
        let html = try await tenant.owner.with("Accept", "text/html").get(path)
        guard csv.status == 200, html.status == 200 else { return "\(csv.status), \(html.status)" }
        guard csv.text.contains("HYPERLINK"), html.text.contains("HYPERLINK") else {
            return "the names are not in the report"
        }
        for cell in cells(csv.text) where cell.first.map({ "=+-@\t\r".contains($0) }) ?? false {
            return "formula \(cell)"
        }
        if html.text.contains("<script") || html.text.contains("<img") { return "markup of theirs" }
        let policy = html.headers["X-Content-Type-Options"] ?? "-"
        return policy == "nosniff" ? "text" : "may be sniffed"
    }

    /// The cells of a CSV file as a spreadsheet sees them.
    private static func cells(_ text: String) -> [String] {
        var cells: [String] = []
        var cell = ""
        var isQuoted = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": isQuoted.toggle()
            case ",", "\n", "\r":
                if isQuoted {
                    cell.unicodeScalars.append(scalar)
                } else {
                    cells.append(cell)
                    cell = ""
                }
            default: cell.unicodeScalars.append(scalar)
            }
        }
        return cells
    }

    /// How a URL can spell what must not be reached; `PORT` is that of a server on this machine.
    static let urls = [
        "http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://127.1:PORT/", "http://0x7f000001:PORT/",
        "http://2130706433:PORT/", "http://017700000001:PORT/", "http://0:PORT/", "http://[::1]:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/", "http://[::ffff:7f00:1]:PORT/", "http://[64:ff9b::7f00:1]:PORT/",
        "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://10.0.0.1/",
        "http://192.168.0.1/", "http://100.64.0.1/",
    ]
    private static let refusedAtOnce = [
        "file:///etc/passwd", "gopher://127.0.0.1:PORT/", "http://user@127.0.0.1:PORT/", "http://127.0.0.1 :PORT/",
        "http://127.0.0.1:PORT/#@example.com", "//127.0.0.1:PORT/",
    ]

    /// Channels with each URL, a message to each; then whether anything arrived.
    static func requestForgery(_ tenant: Tenant, _ store: Store) async throws -> String {
        let listener = try FakeChannel()
        let port = URL(string: listener.url)?.port ?? 0
        func url(_ text: String) -> JSON { .string(text.replacing("PORT", with: "\(port)")) }
        for text in refusedAtOnce {
            let answer = try await tenant.owner.post(
                "/v1/channels", ["name": .string("\(UUID())"), "kind": "custom", "url": url(text)])
            if answer.status != 422 { return "\(text) is taken" }
        }
        for text in urls {
            let channel = try await tenant.owner.post(
                "/v1/channels", ["name": .string("\(UUID())"), "kind": "custom", "url": url(text)]
            ).expect(201)
            let inbound = tenant.owner.with(key: channel["token"]?.string)
            let results = try await inbound.post(
                "/v1/channels/\(channel.id)/inbound", ["events": [Tenant.event("\(UUID())")]]
            ).expect(200)
            let conversation = try #require(results["results"]?[0]?["conversation_id"]?.string)
            try await tenant.owner.post("/v1/conversations/\(conversation)/messages", ["text": "secret"]).expect(201)
        }
        let workspace = try #require(UUID(uuidString: tenant.id))
        // Every one was tried, and failed.
        let tried = try await eventually(within: .seconds(30)) {
            try await store.value(
                "SELECT count(*)::int AS count FROM outbox WHERE workspace_id = $1 AND (attempts > 0 OR status = 'dead') AND error IS NOT NULL",
                [workspace], as: Int.self) == urls.count
        }
        let requests = listener.deliveries.count
        await listener.stop()
        if !tried { return "not all were tried" }
        return requests == 0 ? "nothing reached" : "\(requests) reached"
    }
}
