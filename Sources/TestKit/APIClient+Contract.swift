import Core
import Foundation
import Synchronization

/// The exchanges of one test. Written as JSON lines into the directory that `SWITCHBOARD_EXCHANGES` names, if it does.
public final class APIExchanges: Sendable {
    private let noted = Mutex<[JSON]>([])

    public init() {}

    public var count: Int { noted.withLock { $0.count } }

    func note(
        _ method: String, _ path: String, _ names: [String], _ type: String?, _ body: [UInt8], _ answer: APIAnswer
    ) {
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let exchange: JSON = [
            "method": .string(method), "path": .string(String(parts[0])),
            "query": .string(parts.count > 1 ? String(parts[1]) : ""),
            "request_headers": .array(names.map { .string($0) }), "request_type": .text(type),
            "request": Self.text(body), "status": .integer(Int64(answer.status)),
            "headers": .array(answer.headers.map { [.string($0.name), .string($0.value)] }),
            "body": Self.text(answer.bytes),
        ]
        noted.withLock { $0.append(exchange) }
    }

    /// Bodies that matter to a schema are small; of a refused large one nothing is kept.
    private static func text(_ bytes: [UInt8]) -> JSON {
        guard !bytes.isEmpty, bytes.count < 1 << 20 else { return .null }
        return .text(String(validating: bytes, as: UTF8.self))
    }

    /// Holds everything noted so far against `openapi.yaml` and forgets it.
    /// - Returns: what is wrong, and the answered operations with their statuses.
    public func check() async throws -> (failures: [String], operations: [(id: String, status: Int)]) {
        let all = noted.withLock { noted in
            defer { noted = [] }
            return noted
        }
        try Self.keep(all)
        let verdict = try await APIContract.shared.judge(["exchanges": .array(all)])
        return (
            (verdict["failures"]?.array ?? []).compactMap(\.string),
            (verdict["operations"]?.array ?? []).compactMap { pair in
                pair[0]?.string.flatMap { id in pair[1]?.int.map { (id, $0) } }
            }
        )
    }

    private static let files = Atomic<Int>(0)

    private static func keep(_ exchanges: [JSON]) throws {
        guard let directory = ProcessInfo.processInfo.environment["SWITCHBOARD_EXCHANGES"], !directory.isEmpty else {
            return
        }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let name = "\(getpid())-\(files.add(1, ordering: .relaxed).newValue).jsonl"
        let lines = exchanges.map { $0.text + "\n" }.joined()
        try Data(lines.utf8).write(to: URL(filePath: directory).appending(path: name))
    }
}

/// The one process that knows `openapi.yaml`: `.ci/contract --stream`. It ends with its standard input, so with us.
public final class APIContract: Sendable {
    public static let shared = APIContract()

    /// An operation of the document.
    public struct Operation: Hashable, Sendable {
        public let method: String
        public let path: String
        public let id: String

        public init(method: String, path: String, id: String) {
            self.method = method
            self.path = path
            self.id = id
        }
    }

    private struct Running {
        let process: Process
        let input: FileHandle
        let output: FileHandle
        var rest: [UInt8] = []
        var operations: [Operation] = []
    }

    private let queue = DispatchQueue(label: "api-contract")
    // Only on the queue; the mutex proves it to the compiler.
    private let running = Mutex<Running?>(nil)

    /// What `openapi.yaml` declares.
    public func operations() async throws -> [Operation] { try await onQueue { $0.operations } }

    func judge(_ question: JSON) async throws -> JSON {
        let line = Array((question.text + "\n").utf8)
        return try await onQueue { running in
            try running.input.write(contentsOf: Data(line))
            return try Self.line(&running)
        }
    }

    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable (inout Running) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                continuation.resume(
                    with: Result {
                        try running.withLock { running in
                            var now = try running ?? Self.start()
                            defer { running = now }
                            return try body(&now)
                        }
                    })
            }
        }
    }

    private static func start() throws -> Running {
        signal(SIGPIPE, SIG_IGN)
        let (input, output) = (Pipe(), Pipe())
        let process = Process()
        process.executableURL = ProjectRoot.url.appending(path: ".ci/contract")
        process.arguments = ["--stream"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var running = Running(
            process: process, input: input.fileHandleForWriting, output: output.fileHandleForReading)
        running.operations = (try line(&running)["operations"]?.array ?? []).compactMap { entry in
            guard let method = entry[0]?.string, let path = entry[1]?.string, let id = entry[2]?.string else {
                return nil
            }
            return Operation(method: method, path: path, id: id)
        }
        return running
    }

    private static func line(_ running: inout Running) throws -> JSON {
        while true {
            if let end = running.rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(running.rest[..<end])
                running.rest.removeSubrange(...end)
                return try JSON.parse(line)
            }
            let more = running.output.availableData
            guard !more.isEmpty else { throw TestClusterError(".ci/contract ended; its standard error says why") }
            running.rest += more
        }
    }
}
