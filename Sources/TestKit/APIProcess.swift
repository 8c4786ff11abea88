import Core
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A `switchboard` process of the test's own build; killed with the test, whatever way that ends.
public final class APIProcess: Sendable {
    private struct State {
        var pid: pid_t?
        var log: [UInt8] = []
        var exit: Int32?
    }
    private let state = Mutex(State())

    /// The program beside the test's own.
    public static var program: String {
        let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        var directory = URL(filePath: test).deletingLastPathComponent()
        for _ in 0..<4 {
            let path = directory.appending(path: "switchboard").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
            directory.deleteLastPathComponent()
        }
        return ProjectRoot.url.appending(path: ".build/debug/switchboard").path
    }

    /// Starts `switchboard` with these arguments.
    ///
    /// - Parameter descriptors: how many file descriptors it may have; nil is as many as the test.
    public static func start(
        _ arguments: [String], database: String, environment: [String: String] = [:], descriptors: Int? = nil
    ) async throws -> APIProcess {
        let result = APIProcess()
        var all = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("SWITCHBOARD_") }
        all["DATABASE_URL"] = database
        all["SWITCHBOARD_ROOT"] = ProjectRoot.url.path
        all["SWITCHBOARD_LOG_FORMAT"] = "json"
        all["SWITCHBOARD_POOL_READ"] = "2"
        all["SWITCHBOARD_POOL_TRANSACTION"] = "4"
        all.merge(environment) { $1 }
        let limit = descriptors.map { ["prlimit", "--nofile=\($0):\($0)", "--"] } ?? []
        try await result.run(limit + [Self.program] + arguments, all)
        return result
    }

    /// Starts any other program; its exit and what it writes to standard error are looked at alike.
    public static func start(program: String, _ arguments: [String]) async throws -> APIProcess {
        let result = APIProcess()
        try await result.run([program] + arguments, ProcessInfo.processInfo.environment)
        return result
    }

    private func run(_ command: [String], _ environment: [String: String]) async throws {
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            // The kernel's parent-death signal goes by the thread that made the child, so that thread stays.
            let thread = Thread { [self] in
                let process = Process()
                process.executableURL = URL(filePath: "/usr/bin/setpriv")
                process.arguments = ["--pdeathsig", "KILL", "--"] + command
                process.environment = environment
                process.standardInput = FileHandle.nullDevice
                process.standardOutput = FileHandle.nullDevice
                let errors = Pipe()
                process.standardError = errors
                do {
                    try process.run()
                    state.withLock { $0.pid = process.processIdentifier }
                    started.resume()
                } catch {
                    started.resume(throwing: error)
                    return
                }
                while true {
                    let piece = errors.fileHandleForReading.availableData
                    if piece.isEmpty { break }
                    state.withLock { $0.log += piece }
                }
                process.waitUntilExit()
                state.withLock { state in
                    state.pid = nil
                    state.exit = process.terminationReason == .exit ? process.terminationStatus : -1
                }
            }
            thread.name = "switchboard-process"
            thread.start()
        }
    }

    /// Everything written to standard error so far.
    public var log: String { state.withLock { String(decoding: $0.log, as: UTF8.self) } }

    /// The exit code; nil while it runs, -1 after a signal.
    public var exitCode: Int32? { state.withLock { $0.exit } }

    /// Memory that it holds, in bytes; 0 when it is gone.
    public var residentBytes: Int {
        guard let pid = state.withLock({ $0.pid }),
            let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") })
        else { return 0 }
        return (Int(line.filter(\.isNumber)) ?? 0) * 1024
    }

    /// File descriptors that it has open.
    public var descriptorCount: Int {
        guard let pid = state.withLock({ $0.pid }) else { return 0 }
        return (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
    }

    /// Log lines with this message.
    public func lines(_ message: String) -> [JSON] {
        log.split(separator: "\n").compactMap { try? JSON.parse(Array($0.utf8)) }
            .filter { $0["message"]?.string == message }
    }

    /// Waits for a line of the log with this message.
    public func line(_ message: String, within limit: Duration = .seconds(60)) async throws -> JSON {
        let found = try await eventually(within: limit) { !lines(message).isEmpty || exitCode != nil }
        guard found, let line = lines(message).first else {
            throw TestClusterError("no line “\(message)”:\n\(log.suffix(4000))")
        }
        return line
    }

    /// Where an `api` process listens, once it does.
    public func baseURL() async throws -> String {
        let line = try await line("listening")
        return "http://127.0.0.1:\(line["port"]?.string ?? "?")"
    }

    public func send(_ signal: Int32) {
        if let pid = state.withLock({ $0.pid }) { kill(pid, signal) }
    }

    /// Asks it to end and waits; nil when it does not, and it is killed.
    @discardableResult
    public func stop(within limit: Duration = .seconds(30)) async throws -> Int32? {
        send(SIGTERM)
        if try await eventually(within: limit, { exitCode != nil }) { return exitCode }
        send(SIGKILL)
        return nil
    }
}
