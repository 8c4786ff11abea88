import API
import Core
import Synchronization
import Testing

/// What is turned away before it costs anything.
@Suite(.timeLimit(.minutes(15)))
struct AdmissionTests {
    @Test func moreBytesOfBodiesThanAllowedAreTurnedAwayAndGivenBack() async throws {
        try await TestServer.run({ $0.maximumBodyBytes = 100_000 }) { server in
            // Declared and not sent: takes nothing from the others.
            let silent = try await server.connect()
            silent.send(
                "POST /count HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n")
            let large = String(repeating: "x", count: 200_000)
            let refused = try #require(await server.exchange("POST", "/count", body: large))
            #expect(refused.status == 503)
            #expect(try JSON.parse(refused.body)["type"]?.string == "/problems/overloaded")
            for _ in 0..<5 {
                let body = String(repeating: "x", count: 90_000)
                #expect(try await server.exchange("POST", "/count", body: body)?.text == "{\"bytes\":90000}")
            }
            silent.send([UInt8](repeating: 120, count: 99_999))
            #expect(await silent.response()?.text == "{\"bytes\":99999}")
        }
    }

    @Test func whileTheDatabaseIsBehindOnlyWhatNeedsItNotIsAnswered() async throws {
        let wait = LockedWait()
        try await TestServer.run(databaseWait: { wait.value }) { server in
            let key = ["Authorization: Bearer good"]
            #expect(try await server.exchange("GET", "/private", headers: key)?.status == 200)
            wait.set(.milliseconds(501))
            let refused = try #require(await server.exchange("GET", "/private", headers: key))
            #expect(refused.status == 503)
            #expect(["1", "2", "3"].contains(refused["retry-after"]))
            // Meant, and as frequent as can be: the request's line says it, and no error beside it.
            let lines = await server.log.lines { $0.metadata["status"] == "503" }
            #expect(lines.map { $0.metadata["problem"] } == ["overloaded"])
            #expect(server.log.all.allSatisfy { $0.level < .error })
            #expect(try await server.exchange("GET", "/health")?.status == 200)
            wait.set(.milliseconds(500))
            #expect(try await server.exchange("GET", "/private", headers: key)?.status == 200)
        }
    }
}

private final class LockedWait: Sendable {
    private let wait = Mutex(Duration.zero)

    var value: Duration { wait.withLock { $0 } }

    func set(_ value: Duration) { wait.withLock { $0 = value } }
}
