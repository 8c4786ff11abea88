import Foundation

/// Attacks on the connection and on HTTP itself.
enum ConnectionRows {
    static let all = slow + large + lengths + malformed + many

    private static let slow = [
        HostileRow("headers, a byte every 0.2 s", "408, closed") { target in
            let connection = target.connect()
            connection.send("GET /healthz HTTP/1.1\r\nHost: t\r\nX-Drip: ")
            return drip(connection, every: 0.2, target)
        },
        HostileRow("a body, a byte a second", "408, closed") { target in
            let connection = target.connect()
            connection.send(
                target.head("POST /v1/contacts", ["Content-Type: application/json", "Content-Length: 1000"]))
            return drip(connection, every: 1, target)
        },
        HostileRow("100 requests for a large answer, and reads none", "cut off") { target in
            let connection = target.connect(receiveBuffer: 4096)
            connection.send(Array(String(repeating: target.head("GET /openapi.yaml"), count: 100).utf8), seconds: 1)
            Thread.sleep(forTimeInterval: target.patience * 2.5)
            // What was on its way is still there; a connection that lived would go on to the hundredth.
            let answers = connection.statuses(seconds: target.patience * 2).count
            return answers < 100 && connection.isClosed ? "cut off" : "\(answers) answers"
        },
    ]

    private static func drip(_ connection: HostileConnection, every seconds: Double, _ target: HostileTarget) -> String
    {
        let end = Date().addingTimeInterval(target.patience * 4)
        var statuses: [Int] = []
        while Date() < end, statuses.isEmpty, !connection.isClosed {
            connection.send("x")
            statuses = connection.statuses(1, seconds: seconds)
        }
        _ = connection.ends(within: target.patience * 4)
        return HostileTarget.describe(connection, statuses)
    }

    private static let hundredMegabytes = 100 << 20
    private static let large = [
        HostileRow("100 MB of body, declared", "413, closed") { target in
            let connection = target.connect()
            connection.send(
                target.head(
                    "POST /v1/contacts", ["Content-Type: application/json", "Content-Length: \(hundredMegabytes)"]))
            return flood(connection, [UInt8](repeating: 0x20, count: 1 << 20))
        },
        HostileRow("100 MB of body, chunked", "413, closed") { target in
            let connection = target.connect()
            connection.send(
                target.head("POST /v1/contacts", ["Content-Type: application/json", "Transfer-Encoding: chunked"]))
            let chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 0x20, count: 1 << 20) + Array("\r\n".utf8)
            return flood(connection, chunk)
        },
        HostileRow("a header of 1 MB", "400, closed") { target in
            target.outcome("GET /healthz HTTP/1.1\r\nHost: t\r\nX: \(String(repeating: "x", count: 1 << 20))\r\n\r\n")
        },
        HostileRow("100,000 headers", "400, closed") { target in
            let headers = (0..<100_000).map { "X-\($0): 1\r\n" }.joined()
            return target.outcome("GET /healthz HTTP/1.1\r\nHost: t\r\n\(headers)\r\n")
        },
        HostileRow("a URI of 1 MB", "400, closed") { target in
            target.outcome("GET /\(String(repeating: "u", count: 1 << 20)) HTTP/1.1\r\nHost: t\r\n\r\n")
        },
    ]

    private static func flood(_ connection: HostileConnection, _ piece: [UInt8]) -> String {
        var statuses: [Int] = []
        for _ in 0..<100 where statuses.isEmpty && !connection.isClosed {
            connection.send(piece, seconds: 1)
            statuses = connection.statuses(1, seconds: 0)
        }
        if statuses.isEmpty { statuses = connection.statuses(1) }
        _ = connection.ends(within: 12)
        return HostileTarget.describe(connection, statuses)
    }

    private static let post = "POST /problems HTTP/1.1\r\nHost: t\r\n"
    private static let lengths = [
        HostileRow("a length that is too short", "405, 400, closed") { target in
            target.outcome(post + "Content-Length: 3\r\n\r\nabc and this is no request\r\n\r\n")
        },
        HostileRow("a length that is too long, then the end", "400, closed") { target in
            let head = target.head("POST /v1/contacts", ["Content-Type: application/json", "Content-Length: 100000"])
            return target.outcome(head + "abc", closesOutput: true)
        },
        HostileRow("two lengths; a length and chunks; no number; negative; beyond 64 bits", "400, closed") { target in
            target.outcomes([
                post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                post + "Content-Length: x\r\n\r\n", post + "Content-Length: -1\r\n\r\n",
                post + "Content-Length: 99999999999999999999\r\n\r\n",
            ])
        },
        HostileRow("sizes of chunks that overflow or are none", "400, closed") { target in
            let chunked = target.head(
                "POST /v1/contacts", ["Content-Type: application/json", "Transfer-Encoding: chunked"])
            return target.outcomes(
                ["FFFFFFFFFFFFFFFF1", "10000000000000000", "-1", "0x10", "g"].map { chunked + $0 + "\r\nabc" })
        },
    ]

    private static let malformed = [
        HostileRow("request lines that are none", "400, closed") { target in
            target.outcomes(
                [
                    "GET", "GET /", "G@T / HTTP/1.1", "GET / HTTP/9.9", "GET / HTTP/1.1 x",
                    "\u{1}\u{2}",
                ]
                .map { $0 + "\r\nHost: t\r\n\r\n" })
        },
        HostileRow("a header without colon; a space before it", "400, closed") { target in
            target.outcomes(["Broken", "Broken : 1"].map { "GET /healthz HTTP/1.1\r\nHost: t\r\n\($0)\r\n\r\n" })
        },
        HostileRow("a header folded over two lines", "400, closed") { target in
            target.outcome("GET /healthz HTTP/1.1\r\nHost: t\r\nX-Fold: a\r\n b\r\n\r\n")
        },
        HostileRow("NUL in a header, in the path", "400, closed") { target in
            target.outcomes([
                "GET /healthz HTTP/1.1\r\nHost: t\r\nX: a\u{0}b\r\n\r\n",
                "GET /healthz\u{0} HTTP/1.1\r\nHost: t\r\n\r\n",
            ])
        },
        HostileRow("lines that end in LF alone", "400, closed") { target in
            target.outcome("GET /healthz HTTP/1.1\nHost: t\n\n")
        },
        HostileRow("no Host; two; one with a slash", "400, closed") { target in
            target.outcomes(
                ["", "Host: a\r\nHost: b\r\n", "Host: a/b\r\n"].map { "GET /healthz HTTP/1.1\r\n\($0)\r\n" })
        },
        HostileRow("the absolute form of another host", "200, closed") { target in
            target.outcome("GET http://internal.example/healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        },
        HostileRow("a TLS hello", "400, closed") { target in
            var hello: [UInt8] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]
            hello += (0..<512).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            return target.outcome(hello)
        },
    ]

    private static let many = [
        HostileRow("1,000 requests at once on one connection", "1000 × 200") { target in
            let connection = target.connect()
            connection.send(String(repeating: "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n", count: 1000))
            return HostileTarget.describe(connection, connection.statuses(1000, seconds: 30))
        },
        HostileRow("100 resets in the middle of an answer", "100 sent") { target in
            for _ in 0..<100 {
                let connection = target.connect(receiveBuffer: 4096)
                connection.send(target.head("GET /openapi.yaml"))
                Thread.sleep(forTimeInterval: 0.005)
                connection.reset()
            }
            return "100 sent"
        },
        HostileRow("5,000 connections that ask nothing", "all closed") { target in
            let connections = (0..<5000).map { _ in target.connect() }
            let alive = connections.count { !$0.ends(within: target.patience * 6) }
            return alive == 0 ? "all closed" : "\(alive) open"
        },
    ]
}
