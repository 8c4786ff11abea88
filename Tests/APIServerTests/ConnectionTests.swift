import API
import Core
import NIOCore
import Testing

/// What a connection puts up with. Time limits are shortened; what is measured is that they hold.
@Suite(.timeLimit(.minutes(15)))
struct ConnectionTests {
    private static let post = "POST /count HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"

    @Test func aHundredPipelinedRequestsAreAnsweredInOrder() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            var text = ""
            for number in 0..<100 {
                let body = String(repeating: "x", count: number)
                text += Self.post + "X-Request-Id: r\(number)\r\nContent-Length: \(number)\r\n\r\n\(body)"
            }
            connection.send(text)
            for number in 0..<100 {
                let response = try #require(await connection.response())
                #expect(response["x-request-id"] == "r\(number)")
                #expect(response.text == "{\"bytes\":\(number)}")
            }
        }
    }

    @Test func whatFollowsARequestThatClosesIsNotCarriedOut() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            connection.send(
                "GET /things HTTP/1.1\r\nHost: t\r\nConnection: Close\r\n\r\n"
                    + "DELETE /things/1 HTTP/1.1\r\nHost: t\r\nX-Request-Id: second\r\n\r\n")
            #expect(await connection.response()?["connection"] == "close")
            #expect(await connection.rest().isEmpty)
            #expect(!server.log.text.contains("second"))
        }
    }

    @Test func bodiesThatAreTooLargeGet413() async throws {
        try await TestServer.run { server in
            // Declared: refused before a byte is read. The answer survives that the peer first sends it all.
            let declared = try await server.connect(reads: false)
            declared.send(Self.post + "Content-Length: 10485760\r\n\r\n")
            try await declared.sendCompletely([UInt8](repeating: 120, count: 10 << 20))
            try await declared.startReading()
            let response = try #require(await declared.response())
            #expect(response.status == 413)
            #expect(try JSON.parse(response.body)["limit"]?.int == 1 << 20)
            #expect(response["connection"] == "close")
            #expect(await declared.rest().isEmpty)
            declared.close()

            let chunked = try await server.connect()
            chunked.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<10 {
                chunked.send("100000\r\n")
                chunked.send([UInt8](repeating: 120, count: 1 << 20))
                chunked.send("\r\n")
            }
            chunked.send("0\r\n\r\n")
            #expect(await chunked.response()?.status == 413)
            #expect(await chunked.rest().isEmpty)

            // Exactly the limit is taken, and a little that nobody reads is drained: the connection goes on.
            let fine = try await server.connect()
            fine.send(Self.post + "Content-Length: 1048576\r\n\r\n")
            fine.send([UInt8](repeating: 120, count: 1 << 20))
            #expect(await fine.response()?.text == "{\"bytes\":1048576}")
            fine.send("POST /nothing HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n")
            #expect(await fine.response()?.status == 404)
            fine.send("body" + "GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(await fine.response()?.status == 200)
        }
    }

    @Test func expectations() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            let started = ContinuousClock.now
            connection.send(Self.post + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            // The body is not sent before the answer has come, so it cannot have come because of the body; nor may a
            // time-out have brought it.
            #expect(await connection.response()?.status == 100)
            #expect(ContinuousClock.now - started < .seconds(5))
            connection.send("abc")
            #expect(await connection.response()?.text == "{\"bytes\":3}")
            connection.send(Self.post + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
            var next = await connection.response()
            if next?.status == 100 { next = await connection.response() }
            #expect(next?.text == "{\"bytes\":3}")

            // The final answer comes instead of 100, and the connection ends: whether a body follows is unknown.
            let large = try await server.exchange(
                "POST", "/count", headers: ["Expect: 100-continue", "Content-Length: 9999999"])
            #expect(large?.status == 413 && large?["connection"] == "close")
            let unknown = try await server.exchange(
                "POST", "/nothing", headers: ["Expect: 100-continue", "Content-Length: 9"])
            #expect(unknown?.status == 404 && unknown?["connection"] == "close")
            let nobody = try await server.exchange(
                "POST", "/private", headers: ["Expect: 100-continue", "Content-Length: 9"])
            #expect(nobody?.status == 401)
            let other = try await server.exchange("POST", "/count", headers: ["Expect: 200-ok", "Content-Length: 0"])
            #expect(other?.status == 417)
        }
    }

    /// Heads and bodies that are none of HTTP/1.1, by what is wrong with them.
    private static let malformed: [String: String] = [
        "no Host": "GET /things HTTP/1.1\r\n\r\n",
        "two Hosts": "GET /things HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "bad Host": "GET /things HTTP/1.1\r\nHost: a b\r\n\r\n",
        "smuggling": "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "0\r\n\r\nGET /things HTTP/1.1\r\nHost: t\r\n\r\n",
        "two lengths": "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "other coding": "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "chunked 1.0": "POST /count HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "bad chunk": "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        "version 9.9": "GET /things HTTP/9.9\r\nHost: a\r\n\r\n",
        "NUL in header": "GET /things HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
        "folded header": "GET /things HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": "\u{16}\u{3}\u{1}\u{2}",
        "no request line": "nonsense\r\n\r\n",
    ]

    @Test(arguments: malformed.keys.sorted())
    func whatIsNotHTTPGetsOne400AndTheEnd(kind: String) async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            connection.send(Self.malformed[kind] ?? "")
            let response = try #require(await connection.response())
            #expect(response.status == 400)
            #expect(response["connection"] == "close")
            #expect(await connection.rest().isEmpty)
        }
    }

    @Test func headsBeyondTheLimitsEndQuickly() async throws {
        try await TestServer.run { server in
            let heads = [
                "GET /things HTTP/1.1\r\nHost: t\r\nX: " + String(repeating: "a", count: 1 << 20) + "\r\n\r\n",
                "GET /" + String(repeating: "a", count: 1 << 20) + " HTTP/1.1\r\nHost: t\r\n\r\n",
                "GET /things HTTP/1.1\r\nHost: t\r\n" + String(repeating: "X: y\r\n", count: 100_000) + "\r\n",
            ]
            for head in heads {
                let connection = try await server.connect()
                let started = ContinuousClock.now
                connection.send(head)
                #expect(await connection.response()?.status == 400)
                #expect(await connection.rest().isEmpty)
                #expect(ContinuousClock.now - started < .seconds(4))
            }
        }
    }

    @Test func http10AndUpgradesEndTheConnection() async throws {
        try await TestServer.run { server in
            let old = try await server.connect()
            old.send("GET /stream HTTP/1.0\r\n\r\n")
            let text = String(decoding: await old.rest(), as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.0 200"))
            #expect(text.hasSuffix("\r\n\r\nfirst,second"))
            let upgrade = try await server.connect()
            upgrade.send("GET /things HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            #expect(await upgrade.response()?["connection"] == "close")
            #expect(await upgrade.rest().isEmpty)
        }
    }

    @Test func aPeerThatHasSentEverythingIsStillAnswered() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            let request = "GET /things HTTP/1.1\r\nHost: t\r\n\r\n"
            connection.send(request + request + request)
            try await connection.closeOutput()
            for _ in 0..<3 { #expect(await connection.response()?.status == 200) }
            #expect(await connection.rest().isEmpty)
            let cut = try await server.connect()
            cut.send(Self.post + "Content-Length: 10\r\n\r\nabc")
            try await cut.closeOutput()
            #expect(await cut.response()?.status == 400)
        }
    }

    @Test func dripsOfHeadAndBodyEndInTime() async throws {
        try await TestServer.run({ $0.connection.requestTimeout = .milliseconds(600) }) { server in
            for start in ["GET /things HTTP/1.1\r\nHost: t\r\nX: ", Self.post + "Content-Length: 1000\r\n\r\n"] {
                let connection = try await server.connect()
                let channel = connection.channel
                let started = ContinuousClock.now
                connection.send(start)
                let drip = Task {
                    while !Task.isCancelled {
                        try await channel.writeAndFlush(ByteBuffer(string: "x"))
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                let response = try #require(await connection.response())
                let elapsed = ContinuousClock.now - started
                drip.cancel()
                #expect(response.status == 408)
                #expect(try JSON.parse(response.body)["type"]?.string == "/problems/request-timeout")
                #expect(elapsed > .milliseconds(500) && elapsed < .seconds(5))
                connection.close()
            }
        }
    }

    @Test func timeSpentByUsIsNotHeldAgainstThePeer() async throws {
        try await TestServer.run({ $0.connection.requestTimeout = .milliseconds(200) }) { server in
            let connection = try await server.connect()
            connection.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n" + Self.post + "Content-Length: 2\r\n\r\nab")
            await server.slow.hasBegun()
            try await Task.sleep(for: .milliseconds(500))
            server.slow.release()
            #expect(await connection.response()?.status == 200)
            #expect(await connection.response()?.text == "{\"bytes\":2}")
        }
    }

    @Test func idleConnectionsAreClosed() async throws {
        try await TestServer.run({ $0.connection.idleTimeout = .seconds(2) }) { server in
            let silent = try await server.connect()
            #expect(await silent.isClosed())
            let used = try await server.connect()
            used.send("GET /things HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(await used.response()?.status == 200)
            #expect(await used.isClosed())
        }
    }

    @Test func aReaderThatNeverReadsIsCutOff() async throws {
        try await TestServer.run({
            $0.connection.writeTimeout = .milliseconds(400)
            $0.connection.idleTimeout = .seconds(50)
        }) { server in
            let connection = try await server.connect(reads: false)
            let started = ContinuousClock.now
            connection.send("GET /large HTTP/1.1\r\nHost: t\r\n\r\n")
            while server.server.connectionCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
            while server.server.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            let elapsed = ContinuousClock.now - started
            #expect(elapsed > .milliseconds(300) && elapsed < .seconds(10))
            connection.close()
            // Others are not affected.
            #expect(try await server.exchange("GET", "/things")?.status == 200)
        }
    }

    @Test func aReaderThatReadsGetsItAll() async throws {
        try await TestServer.run { server in
            let reader = try await server.connect()
            reader.send("GET /large HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(await reader.response()?.body.count == 32 << 20)
        }
    }

    @Test func peersThatVanishLeaveNothingBehind() async throws {
        try await TestServer.run { server in
            for request in [
                "GET /large HTTP/1.1\r\nHost: t\r\n\r\n", Self.post + "Content-Length: 100\r\n\r\nabc", "GE",
            ] {
                for _ in 0..<10 {
                    let connection = try await server.connect(reads: false)
                    try? await connection.channel.writeAndFlush(ByteBuffer(string: request))
                    try await connection.channel.close()
                }
            }
            while server.server.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(try await server.exchange("GET", "/things")?.status == 200)
        }
    }
}
