import API
import Core
import Foundation
import Logging
import Testing

/// What one request gets, over a real socket.
@Suite(.timeLimit(.minutes(15)))
struct RequestTests {
    private func problem(_ response: RawResponse?) throws -> JSON {
        let response = try #require(response)
        #expect(response["content-type"] == "application/problem+json")
        let json = try JSON.parse(response.body)
        #expect(json["status"]?.int == response.status)
        #expect(json["instance"]?.string == response["x-request-id"])
        return json
    }

    @Test func everyAnswerCarriesItsHeaders() async throws {
        try await TestServer.run { server in
            let thing = UUID().uuidString
            let response = try #require(
                await server.exchange("GET", "/things/\(thing)", headers: ["X-Request-Id: my.id-7_x"]))
            #expect(response.status == 200)
            #expect(response.text == "{\"id\":\"\(thing.lowercased())\"}")
            #expect(response["content-type"] == "application/json")
            #expect(response["x-request-id"] == "my.id-7_x")
            #expect(response["x-content-type-options"] == "nosniff")
            #expect(response["cache-control"] == "no-store")
            #expect(response["date"]?.hasSuffix(" GMT") == true)
            #expect(response["server"] == nil)
            #expect(response["connection"] == nil)
            // An id that could forge log lines is replaced by one of ours.
            let other = try #require(await server.exchange("GET", "/things/\(thing)", headers: ["X-Request-Id: a b"]))
            let id = try #require(other["x-request-id"].flatMap { UUID(uuidString: $0) })
            #expect(id.uuid.6 >> 4 == 7)
        }
    }

    @Test func unknownPathsMethodsAndIds() async throws {
        try await TestServer.run { server in
            for path in [
                "/nothing", "/things/", "//things", "/things/1/more", "/things/not-a-uuid", "/things/%zz",
                "/things/%00",
            ] {
                let json = try problem(await server.exchange("GET", path))
                #expect(json["type"]?.string == "/problems/not-found", "\(path)")
            }
            let response = try await server.exchange("PUT", "/things/1")
            #expect(try problem(response)["type"]?.string == "/problems/method-not-allowed")
            #expect(response?.status == 405)
            #expect(response?["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH")
            #expect(response?["accept-patch"] == "application/merge-patch+json")
            #expect(try await server.exchange("PROPFIND", "/things")?.status == 405)
            let options = try #require(await server.exchange("OPTIONS", "/things"))
            #expect(options.status == 204)
            #expect(options["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(options["content-length"] == nil)
            #expect(try await server.exchange("OPTIONS", "*")?.status == 204)
        }
    }

    @Test func headIsGetWithoutBody() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            connection.send("HEAD /things HTTP/1.1\r\nHost: t\r\n\r\n")
            let head = try #require(await connection.response(toHEAD: true))
            connection.send("GET /things HTTP/1.1\r\nHost: t\r\n\r\n")
            let get = try #require(await connection.response())
            #expect(head.status == 200)
            #expect(head["content-length"] == get["content-length"])
            #expect(get.body.count > 100)
            // Of unknown length: the connection ends, and not a byte of a last chunk follows the head.
            connection.send("HEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(await connection.response(toHEAD: true)?["connection"] == "close")
            #expect(await connection.rest().isEmpty)
        }
    }

    @Test(arguments: [
        ("{\"name\": \"x\"", "malformed-json", 400), ("{\"name\": \"x\", \"name\": \"y\"}", "malformed-json", 400),
        ("{\"name\": \"\\u0000\"}", "malformed-json", 400), ("{\"name\": \"a\u{0}\"}", "malformed-json", 400),
        ("", "malformed-json", 400), ("[]", "validation-failed", 422), ("{}", "validation-failed", 422),
        ("{\"name\": 7, \"nome\": 8}", "validation-failed", 422),
    ])
    func bodiesThatAreWrong(body: String, type: String, status: Int) async throws {
        try await TestServer.run { server in
            let response = try await server.exchange("POST", "/things", body: body)
            let json = try problem(response)
            #expect(response?.status == status)
            #expect(json["type"]?.string == "/problems/\(type)")
            if status == 400 { #expect(json["line"]?.int == 1) }
            if body.contains("nome") {
                #expect(json["errors"]?.array?.compactMap { $0["pointer"]?.string } == ["/name", "/nome"])
            }
        }
    }

    @Test func invalidUTF8IsRefusedWithItsPosition() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            let body = Array("{\"name\": \"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)
            connection.send(
                "POST /things HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
            )
            connection.send(body)
            let json = try problem(await connection.response())
            #expect(json["type"]?.string == "/problems/malformed-json")
            #expect(json["column"]?.int == 11)
        }
    }

    @Test func mediaTypes() async throws {
        try await TestServer.run { server in
            let body = "{\"name\": \"x\"}"
            for type in ["application/json", "Application/JSON; charset=\"UTF-8\""] {
                #expect(try await server.exchange("POST", "/things", body: body, type: type)?.status == 201)
            }
            for type in ["text/plain", "application/json; charset=latin1", "application/merge-patch+json", nil] {
                let response = try await server.exchange("POST", "/things", body: body, type: type)
                #expect(try problem(response)["type"]?.string == "/problems/unsupported-media-type")
            }
            let zipped = try await server.exchange("POST", "/things", headers: ["Content-Encoding: gzip"], body: body)
            #expect(zipped?.status == 415)
            let patch = try await server.exchange("PATCH", "/things/1", body: body)
            #expect(patch?.status == 415)
            #expect(patch?["accept-patch"] == "application/merge-patch+json")
            let good = try await server.exchange("PATCH", "/things/1", body: body, type: "application/merge-patch+json")
            #expect(good?.status == 200)
        }
    }

    @Test func queriesAreStrictAndTellAllMistakesAtOnce() async throws {
        try await TestServer.run { server in
            let response = try await server.exchange("GET", "/things?limit=900&color=red&colour=a&colour=b&size=1")
            let json = try problem(response)
            #expect(response?.status == 400)
            #expect(json["type"]?.string == "/problems/bad-query")
            let errors = (json["errors"]?.array ?? []).map {
                "\($0["parameter"]?.string ?? "") \($0["code"]?.string ?? "")"
            }
            #expect(
                Set(errors) == [
                    "limit out-of-range", "color unknown-parameter", "size unknown-parameter", "colour repeated",
                ])
            #expect(try await server.exchange("GET", "/health?x=1")?.status == 400)
            #expect(try await server.exchange("GET", "/things?colour=%ff")?.status == 400)
            #expect(try await server.exchange("GET", "/things?colour=%00")?.status == 400)
            #expect(try await server.exchange("GET", "/things?colour=light+blue%2B")?.status == 200)
        }
    }

    @Test func cursorsWalkTheListAndFitOnlyTheirFilters() async throws {
        try await TestServer.run { server in
            var seen: [Int] = []
            var cursor = ""
            repeat {
                let response = try #require(await server.exchange("GET", "/things?colour=red&limit=50\(cursor)"))
                let json = try JSON.parse(response.body)
                seen += (json["items"]?.array ?? []).compactMap(\.int)
                cursor = json["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
                if !cursor.isEmpty {
                    #expect(try await server.exchange("GET", "/things?colour=red&limit=7\(cursor)")?.status == 200)
                    let other = try await server.exchange("GET", "/things?colour=blue\(cursor)")
                    #expect(try problem(other)["type"]?.string == "/problems/bad-cursor")
                }
            } while !cursor.isEmpty
            #expect(seen == Array(0..<120))
            #expect(try await server.exchange("GET", "/things?cursor=AAAA")?.status == 400)
        }
    }

    @Test func callersAreTold401And403() async throws {
        try await TestServer.run { server in
            let missing = try #require(await server.exchange("GET", "/private"))
            #expect(missing.status == 401)
            #expect(missing["www-authenticate"] == "Bearer realm=\"switchboard\"")
            let wrong = try #require(await server.exchange("GET", "/private", headers: ["Authorization: Bearer no"]))
            #expect(wrong["www-authenticate"] == "Bearer realm=\"switchboard\", error=\"invalid_token\"")
            #expect(
                try await server.exchange("GET", "/private", headers: ["Authorization: Bearer weak"])?.status == 403)
            let good = try #require(await server.exchange("GET", "/private", headers: ["Authorization: bearer good"]))
            #expect(good.text == "{\"who\":\"ada\"}")
            // 404 and 405 need no key.
            #expect(try await server.exchange("PUT", "/private")?.status == 405)
            let line = try #require(await server.log.lines { $0.metadata["status"] == "200" }.last)
            #expect(line.metadata["workspace"] == "w1")
        }
    }

    @Test func faultsOfOursTellNothingButTheirId() async throws {
        try await TestServer.run { server in
            let response = try #require(await server.exchange("GET", "/broken?", headers: ["X-Request-Id: find-me"]))
            #expect(response.status == 500)
            #expect(!response.text.contains("hunter2") && !response.text.contains("SecretError"))
            #expect(try problem(response)["instance"]?.string == "find-me")
            let line = try #require(await server.log.lines { $0.level == .error }.first)
            #expect("\(line.metadata)".contains("hunter2") && line.metadata["request_id"] == "find-me")
        }
    }

    @Test func theLogHasOneLinePerRequestAndNoSecrets() async throws {
        try await TestServer.run { server in
            _ = try await server.exchange(
                "POST", "/things", headers: ["Authorization: Bearer topsecret", "X-Request-Id: abc"],
                body: "{\"name\": \"marker\"}")
            _ = try await server.exchange("GET", "/things/marker?colour=marker")
            let lines = await server.log.lines(2) { $0.message == "request" }
            #expect(lines.count == 2)
            let line = try #require(lines.first)
            #expect(line.metadata["request_id"] == "abc" && line.metadata["route"] == "/things")
            #expect(line.metadata["method"] == "POST" && line.metadata["status"] == "201")
            #expect(line.metadata["bytes_in"] == "18" && line.metadata["bytes_out"] == "17")
            #expect(line.metadata["duration_ms"] != nil)
            #expect(!server.log.text.contains("marker") && !server.log.text.contains("topsecret"))
        }
    }

    @Test func streamsArriveAndBrokenOnesAreCutOff() async throws {
        try await TestServer.run { server in
            #expect(try await server.exchange("GET", "/stream")?.text == "first,second")
            let broken = try #require(await server.exchange("GET", "/stream?fail=true"))
            #expect(!broken.isComplete)
        }
    }

    @Test func moreRequestsThanAllowedAreTurnedAwayAtOnce() async throws {
        try await TestServer.run({ $0.maximumConcurrentRequests = 2 }) { server in
            let busy = [try await server.connect(), try await server.connect()]
            for connection in busy {
                connection.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
                await server.slow.hasBegun()
            }
            let refused = try #require(await server.exchange("GET", "/things"))
            #expect(refused.status == 503)
            #expect(["1", "2", "3"].contains(refused["retry-after"]))
            #expect(try problem(refused)["type"]?.string == "/problems/overloaded")
            #expect(try await server.exchange("GET", "/health")?.status == 200)
            server.slow.release()
            for connection in busy { #expect(await connection.response()?.status == 200) }
            #expect(try await server.exchange("GET", "/things")?.status == 200)
        }
    }
}
