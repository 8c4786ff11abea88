import Foundation
import Testing

@testable import HTTPClient

@Suite(.timeLimit(.minutes(15))) struct HTTPClientTests {
    @Test func aRequestArrivesWholeAndSoDoesTheAnswer() async throws {
        try await withServer { request, connection in
            connection.write("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n")
            connection.answer(201, "grüß dich", headers: ["X-One:  a ", "x-one: b", "Retry-After: 7"])
        } _: { server, client in
            let body = Array(repeating: UInt8(ascii: "x"), count: 2 << 20)
            let response = try await client.send(
                HTTPRequest(
                    method: "POST", url: server.url + "/in/../path?q=1#fragment",
                    headers: ["Idempotency-Key": "\"a/b/0\"", "X-Empty": "", "Content-Type": "application/json"],
                    body: body))
            #expect(response.status == 201)
            #expect(String(decoding: response.body, as: UTF8.self) == "grüß dich")
            #expect(response.headers.filter { $0.name.lowercased() == "x-one" }.map(\.value) == ["a", "b"])
            #expect(response.headers["RETRY-AFTER"] == "7")
            #expect(response.headers["X-Interim"] == nil)

            let request = try #require(server.requests.first)
            #expect(request.method == "POST" && request.path == "/path?q=1" && request.body == body)
            #expect(request.headers.contains("Idempotency-Key: \"a/b/0\""))
            #expect(request.headers.contains("X-Empty:"))
            #expect(!request.headers.contains { $0.hasPrefix("Expect") || $0.hasPrefix("Transfer-Encoding") })
        }
    }

    @Test(arguments: ["GET", "HEAD", "DELETE", "PUT", "PATCH", "POST", "OPTIONS"])
    func everyMethodIsSentAsItStands(method: String) async throws {
        try await withServer { request, connection in
            request.method == "HEAD"
                ? _ = connection.write("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n") : connection.answer(204)
        } _: { server, client in
            let response = try await client.send(HTTPRequest(method: method, url: server.url))
            #expect(response.body.isEmpty)
            #expect(server.requests.map(\.method) == [method])
            #expect(!server.requests[0].headers.contains { $0.lowercased().hasPrefix("content-type") })
        }
    }

    @Test func aRedirectIsAnAnswer() async throws {
        try await withServer { _, connection in
            connection.answer(302, headers: ["Location: /elsewhere"])
        } _: { server, client in
            let response = try await client.send(HTTPRequest(url: server.url + "/here"))
            #expect(response.status == 302 && response.headers["location"] == "/elsewhere")
            #expect(server.requests.map(\.path) == ["/here"])
        }
    }

    @Test func connectionsAreUsedAgain() async throws {
        try await withServer { request, connection in
            connection.answer(200, request.path)
        } _: { server, client in
            for number in 0..<50 {
                let response = try await client.send(HTTPRequest(url: server.url + "/\(number)"))
                #expect(response.body == Array("/\(number)".utf8))
            }
            #expect(server.accepted == 1)
        }
    }

    /// Two limits, each alone: the other one would come minutes later, so that it cannot end the request in its place.
    @Test(arguments: [
        ("/never", Duration.milliseconds(300), Duration.seconds(300)),
        ("/drip", .milliseconds(300), .seconds(300)),
        ("/drip", .seconds(300), .seconds(1)),
    ])
    func timeouts(path: String, total: Duration, lowSpeed: Duration) async throws {
        try await withServer {
            $0.lowSpeedLimit = 1000
            $0.lowSpeedTime = lowSpeed
        } handler: { request, connection in
            guard request.path == "/drip" else { return connection.waitUntilClosed() }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while connection.write("x") { usleep(20_000) }
        } _: { server, client in
            let spent = await ContinuousClock().measure {
                await #expect(throws: HTTPClientError.timedOut) {
                    try await client.send(HTTPRequest(url: server.url + path, timeout: total))
                }
            }
            // libcurl's clock counts milliseconds. The upper bound leaves room for a busy machine.
            #expect(spent >= min(total, lowSpeed) - .milliseconds(2) && spent < .seconds(15), "took \(spent)")
        }
    }

    @Test func answersAreBounded() async throws {
        try await withServer { request, connection in
            switch request.path {
            case "/announced": connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
            case "/endless":
                connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while connection.write("400\r\n" + String(repeating: "x", count: 1024) + "\r\n") {}
            case "/header": while connection.write("HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n") {}
            case "/headers":
                connection.write("HTTP/1.1 200 OK\r\n")
                while connection.write("X-More: and more\r\n") {}
            case "/trailers":
                connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
                while connection.write("X-More: and more\r\n") {}
            default: connection.answer(200, String(repeating: "x", count: 1000))
            }
        } _: { server, client in
            for path in ["/announced", "/endless", "/header", "/headers", "/trailers", "/exact"] {
                await #expect(throws: HTTPClientError.responseTooLarge, "\(path)") {
                    try await client.send(HTTPRequest(url: server.url + path, maximumResponseBytes: 999))
                }
            }
            let exact = try await client.send(HTTPRequest(url: server.url + "/exact", maximumResponseBytes: 1000))
            #expect(exact.body.count == 1000)
        }
    }

    @Test func brokenAnswersAreErrors() async throws {
        try await withServer { request, connection in
            switch request.path {
            case "/short": connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            case "/ancient": connection.write("no status line\r\n")
            default: break
            }
            shutdown(connection.descriptor, Int32(SHUT_RDWR))
        } _: { server, client in
            for path in ["/short", "/ancient", "/nothing"] {
                let error = await #expect(throws: HTTPClientError.self) {
                    try await client.send(HTTPRequest(url: server.url + path))
                }
                guard case .transport = error else {
                    Issue.record("\(path): \(String(describing: error))")
                    continue
                }
            }
        }
    }

    @Test func tlsIsNotGivenUp() async throws {
        let server = try LocalServer(greeting: "220 plain text\r\n") { _, _ in }
        let client = HTTPClient(configuration: HTTPClientConfiguration(allowPrivateNetworks: true))
        let error = await #expect(throws: HTTPClientError.self) {
            try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
        }
        await client.close()
        await server.stop()
        guard case .tls = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func nobodyListens() async throws {
        let server = try LocalServer { _, _ in }
        await server.stop()
        let client = HTTPClient(configuration: HTTPClientConfiguration(allowPrivateNetworks: true))
        let error = await #expect(throws: HTTPClientError.self) { try await client.send(HTTPRequest(url: server.url)) }
        guard case .connect = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await client.close()
    }

    @Test func whatCannotBeSentIsRefused() async throws {
        try await withServer { _, connection in
            connection.answer(200)
        } _: { server, client in
            for url in [
                "", "/path", "example", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://",
                "http://user:secret@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
                "http://127.0.0.1/\u{0}", "http://127.0.0.1:99999/", "http://[::1/", "http://bücher.example/",
                "http://127.0.0.1/\u{7F}", "dict://127.0.0.1:\(server.port)/",
                "http://a/" + String(repeating: "x", count: 20_000),
            ] {
                let error = await #expect(throws: HTTPClientError.self, "\(url)") {
                    try await client.send(HTTPRequest(url: url))
                }
                guard case .invalidURL = error else {
                    Issue.record("\(url): \(String(describing: error))")
                    continue
                }
            }
            for (name, value) in [
                ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\u{0}b"), ("X: y\r\nZ", "a"), ("", "a"),
                ("X Y", "a"), ("Host", "elsewhere"), ("content-length", "0"), ("Transfer-Encoding", "chunked"),
            ] {
                let error = await #expect(throws: HTTPClientError.self) {
                    try await client.send(HTTPRequest(url: server.url, headers: [name: value]))
                }
                guard case .invalidRequest = error else {
                    Issue.record("\(name): \(String(describing: error))")
                    continue
                }
            }
            for method in ["", "GET /x HTTP/1.1\r\nX: y", "GE T"] {
                await #expect(throws: HTTPClientError.invalidRequest("the method is not a token")) {
                    try await client.send(HTTPRequest(method: method, url: server.url))
                }
            }
            #expect(server.accepted == 0)
        }
    }
}
