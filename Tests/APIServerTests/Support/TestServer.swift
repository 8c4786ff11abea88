import API
import Core
import Foundation
import HTTPTypes
import Logging
import NIOCore
import Synchronization

/// A server on a free port with a few operations, and its log.
struct TestServer: Sendable {
    let server: APIServer
    let port: Int
    let log: LogCapture
    /// `GET /slow` announces itself here, then waits for `release`.
    let slow: SlowOperation

    /// Runs the server around the closure and leaves nothing behind.
    static func run<Result>(
        _ configure: (inout APIServerConfiguration) -> Void = { _ in },
        databaseWait: @escaping @Sendable () -> Duration = { .zero },
        _ use: (TestServer) async throws -> Result
    ) async throws -> Result {
        var configuration = APIServerConfiguration(port: 0)
        configuration.shutdownTimeout = .seconds(10)
        configure(&configuration)
        let log = LogCapture()
        let slow = SlowOperation()
        let server = APIServer(
            configuration: configuration, routes: try RouteTable(Operations.routes(slow)),
            authenticator: Operations.authenticate, databaseWait: databaseWait, logger: log.logger)
        let running = Task { try await server.run() }
        let port = try await server.boundPort()
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await use(TestServer(server: server, port: port, log: log, slow: slow)))
        } catch {
            outcome = .failure(error)
        }
        slow.release()
        await server.stop()
        try await running.value
        return try outcome.get()
    }

    func connect(reads: Bool = true) async throws -> RawConnection {
        try await RawConnection(port: port, reads: reads)
    }

    /// One exchange on a connection of its own.
    func exchange(
        _ method: String, _ target: String, headers: [String] = [], body: String? = nil,
        type: String? = "application/json"
    ) async throws -> RawResponse? {
        let connection = try await connect()
        defer { connection.close() }
        var lines = ["\(method) \(target) HTTP/1.1", "Host: test"] + headers
        if let body {
            lines.append("Content-Length: \(body.utf8.count)")
            if let type { lines.append("Content-Type: \(type)") }
        }
        connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
        return await connection.response(toHEAD: method == "HEAD")
    }
}

/// Holds requests until the test lets them go.
final class SlowOperation: Sendable {
    private let begun: AsyncStream<Void>
    private let begin: AsyncStream<Void>.Continuation
    private let state = Mutex<(isReleased: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    init() {
        (begun, begin) = AsyncStream.makeStream()
    }

    /// Returns when another request has reached the operation.
    func hasBegun() async {
        for await _ in begun { return }
    }

    func release() {
        let waiters = state.withLock { state in
            state.isReleased = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        begin.yield()
        await withCheckedContinuation { continuation in
            let isReleased = state.withLock { state in
                if !state.isReleased { state.waiters.append(continuation) }
                return state.isReleased
            }
            if isReleased { continuation.resume() }
        }
    }
}

/// An error of some layer, with something in it that no client may see.
struct SecretError: Error {
    let password = "hunter2"
}

extension Permission {
    static let read = Permission(rawValue: "things.read")
}

enum Operations {
    static func routes(_ slow: SlowOperation) -> [Route] {
        [
            Route(.get, "/things", "listThings", access: .open, query: ["limit", "cursor", "colour"]) { request in
                let page = try request.query { query in
                    _ = query.optionalString("colour")
                    return query.page(key: .integer)
                }
                let start = (page.after?.integer(0) ?? -1) + 1
                return page.response(
                    start..<min(start + page.fetchLimit, 120), item: { .integer(Int64($0)) }, key: { [.integer($0)] })
            },
            Route(.post, "/things", "createThing", access: .open) { request in
                let name = try request.object { $0.string("name", length: 1...20) }
                return .created(["name": .string(name)], location: "/things/1")
            },
            Route(.get, "/things/{thing_id}", "getThing", access: .open) { request in
                .ok(["id": .string(try request.uuid("thing_id").uuidString.lowercased())])
            },
            Route(.patch, "/things/{thing_id}", "patchThing", access: .open) { request in .ok(try request.json()) },
            Route(.delete, "/things/{thing_id}", "deleteThing", access: .open) { _ in .noContent },
            Route(.post, "/count", "count", access: .open) { request in
                .ok(["bytes": .integer(Int64(request.body.count))])
            },
            Route(.get, "/private", "getPrivate", access: .requires(.read)) { request in
                .ok(["who": .string(try request.principal(as: String.self))])
            },
            Route(.post, "/private", "postPrivate", access: .requires(.read)) { _ in .noContent },
            Route(.get, "/slow", "slow", access: .open) { _ in
                await slow.wait()
                return .ok(["slow": true])
            },
            Route(.get, "/health", "health", access: .open, isAnsweredUnderOverload: true) { _ in .ok([:]) },
            Route(.get, "/broken", "broken", access: .open) { _ in throw SecretError() },
            Route(.get, "/large", "large", access: .open) { _ in
                APIResponse(
                    body: .bytes([UInt8](repeating: 1, count: 32 << 20), contentType: "application/octet-stream"))
            },
            Route(.get, "/stream", "stream", access: .open, query: ["fail"]) { request in
                let fails = try request.query { $0.optionalBool("fail") ?? false }
                let pieces = AsyncThrowingStream<[UInt8], any Error> { continuation in
                    continuation.yield(Array("first,".utf8))
                    continuation.yield(Array("second".utf8))
                    continuation.finish(throwing: fails ? SecretError() : nil)
                }
                return APIResponse(body: .stream(pieces, contentType: "text/csv"))
            },
        ]
    }

    static let authenticate: Authenticator = { question in
        switch question.bearer {
        case .missing: throw Problem.missingCredentials()
        case .token("good"): Authentication(principal: "ada", logMetadata: ["workspace": "w1"])
        case .token("weak"): throw Problem.forbidden("The role may not read things.")
        default: throw Problem.invalidCredentials()
        }
    }
}

/// Keeps log lines.
final class LogCapture: Sendable {
    struct Line: Sendable {
        let message: String
        let level: Logger.Level
        let metadata: Logger.Metadata
    }

    private struct State {
        var lines: [Line] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var all: [Line] { state.withLock { $0.lines } }

    /// The lines for which `isWanted` holds, once there are `count`: a request's line is written behind its answer.
    func lines(_ count: Int = 1, where isWanted: @Sendable (Line) -> Bool) async -> [Line] {
        while true {
            let now = all
            let found = now.filter(isWanted)
            if found.count >= count { return found }
            await withCheckedContinuation { waiting in
                let isNew = state.withLock { state in
                    guard state.lines.count == now.count else { return true }
                    state.waiting.append(waiting)
                    return false
                }
                if isNew { waiting.resume() }
            }
        }
    }

    var text: String { all.map { "\($0.level) \($0.message) \($0.metadata)" }.joined(separator: "\n") }

    var logger: Logger {
        Logger(label: "test") { [self] _ in Handler(capture: self) }
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
            let line = Line(message: event.message.description, level: event.level, metadata: merged)
            let waiting = capture.state.withLock { state in
                state.lines.append(line)
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in waiting { one.resume() }
        }
    }
}
