import Foundation

/// Attacks on what stands in requests: JSON, paths, values that come back.
enum ContentRows {
    static let all = json + values

    private static let json = [
        HostileRow("JSON nested 100,000 deep", "400 `malformed-json`") { target in
            let depth = 100_000
            return target.json(
                "/v1/contacts",
                Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8))
        },
        HostileRow("JSON of a million members", "413 `content-too-large`") { target in
            target.json("/v1/contacts", members(1_000_000))
        },
        HostileRow("JSON of 300,000 members, as large as may be", "422 `validation-failed`") { target in
            target.json("/v1/channels/\(target.channel)/inbound", members(300_000))
        },
        HostileRow("a number of a million digits", "400 `malformed-json`") { target in
            target.json("/v1/contacts", Array("{\"name\":\(String(repeating: "9", count: 1_000_000))}".utf8))
        },
        HostileRow("half a surrogate pair; bytes that are no UTF-8; NUL", "400 `malformed-json`") { target in
            let bodies: [[UInt8]] = [
                Array(#"{"name":"\ud800"}"#.utf8), Array(#"{"name":"\udc00\ud800"}"#.utf8),
                Array(#"{"name":""#.utf8) + [0xC0, 0xAF] + Array(#""}"#.utf8),
                Array(#"{"name":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8), Array(#"{"name":"\u0000"}"#.utf8),
            ]
            return Set(bodies.map { target.json("/v1/contacts", $0) }).sorted().joined(separator: "; ")
        },
    ]

    private static func members(_ count: Int) -> [UInt8] {
        Array(("{" + (0..<count).map { "\"m\($0)\":1" }.joined(separator: ",") + "}").utf8)
    }

    private static let values = [
        HostileRow("paths that climb: `..`, `%2e%2e`, `%2f`, `//`, `;`", "404") { target in
            let paths = [
                "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/openapi.yaml/../../../etc/passwd",
                "/problems/..%2f..%2f..%2fetc%2fpasswd", "/problems/%2e%2e%2fopenapi.yaml", "//etc/passwd",
                "/problems/..;/openapi.yaml",
                "/v1/reports/..%2f..%2fjobs%2fconversations.yaml?from=2026-01-01&to=2026-01-02",
                "/v1/reports/%2fetc%2fpasswd?from=2026-01-01&to=2026-01-02",
            ]
            var statuses: Set<Int> = []
            for path in paths {
                let connection = target.connect()
                connection.send(target.head("GET \(path)"))
                statuses.formUnion(connection.statuses(1))
            }
            return statuses.sorted().map(String.init).joined(separator: "; ")
        },
        HostileRow("CR LF in every value that an answer's head repeats", "no header of theirs") { target in
            let evil = "%0d%0aX-Evil:%201"
            let requests = [
                target.head("GET /v1/teams", ["X-Request-Id: a\u{D}X-Evil: 1"]),
                target.head("GET /v1/teams", ["X-Request-Id: a\(evil)"]),
                target.head("GET /v1/teams/\(evil)"), target.head("GET /v1/teams?cursor=\(evil)"),
                target.head("PUT /v1/contacts/\(evil)/tags/\(evil)"), target.head("OPTIONS /v1/teams/\(evil)"),
                target.head("GET /v1/reports/\(evil)?from=2026-01-01&to=2026-01-02&format=\(evil)"),
                post(target, "/v1/contact-fields", #"{"name":"a\r\nX-Evil: 1","type":"text"}"#, []),
                post(target, "/v1/teams", #"{"name":"a\r\nX-Evil: 1 \#(UUID())"}"#, ["Idempotency-Key: \"\(evil)\""]),
            ]
            for request in requests {
                let connection = target.connect()
                connection.send(request)
                let answers = connection.answers(1)
                guard let head = answers.first?.head else { return "no answer to \(request.prefix(60))" }
                if head.lowercased().contains("\nx-evil") || head.contains("\rX-Evil") {
                    return "injected by \(request.prefix(60))"
                }
            }
            return "no header of theirs"
        },
    ]

    private static func post(_ target: HostileTarget, _ path: String, _ body: String, _ headers: [String]) -> String {
        target.head(
            "POST \(path)", ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"] + headers) + body
    }
}
