import Foundation
import Glibc
import Synchronization

/// A `switchboard worker` in a process of its own, to be killed.
public final class WorkerProcess: Sendable {
    /// How a process ended.
    public enum End: Sendable, Hashable {
        case exit(Int32)
        case signal(Int32)
    }

    public let identifier: pid_t
    private let box: EndBox

    /// - Parameters:
    ///   - url: the database.
    ///   - crashAt: `name:N`, where the process kills itself (`CrashPoint`); nil lets it live.
    public init(database url: String, crashAt: String? = nil) throws {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = ["worker"]
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("SWITCHBOARD_") }
        environment["DATABASE_URL"] = url
        environment["SWITCHBOARD_ROOT"] = ProjectRoot.url.path
        environment["SWITCHBOARD_ALLOW_PRIVATE_NETWORKS"] = "true"
        // Servers for tests have few connections to give.
        environment["SWITCHBOARD_POOL_READ"] = "1"
        environment["SWITCHBOARD_POOL_TRANSACTION"] = "4"
        environment["SWITCHBOARD_LOG_LEVEL"] = "error"
        environment["SWITCHBOARD_CRASH_AT"] = crashAt
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.standardError
        let box = EndBox()
        process.terminationHandler = { process in
            box.end(
                process.terminationReason == .exit
                    ? .exit(process.terminationStatus) : .signal(process.terminationStatus))
        }
        try process.run()
        identifier = process.processIdentifier
        self.box = box
    }

    /// Beside the test bundle, where the package's products are.
    private static var program: URL {
        let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let beside = bundle.appending(path: "switchboard")
        if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
        return ProjectRoot.url.appending(path: ".build/debug/switchboard")
    }

    public var hasEnded: Bool { box.ended != nil }

    /// Waits until it has ended by itself or by a signal.
    @discardableResult
    public func ended() async -> End { await box.wait() }

    /// Stops it where it is, so that what it holds can be looked at.
    public func freeze() { signal(SIGSTOP) }

    public func thaw() { signal(SIGCONT) }

    /// `kill -9`.
    public func kill() async {
        signal(SIGKILL)
        _ = await ended()
    }

    /// Asks it to stop in order.
    public func stop() async -> End {
        signal(SIGTERM)
        return await ended()
    }

    /// Never sent to a process that has been waited for: its id may be another's by now.
    private func signal(_ number: Int32) {
        if !hasEnded { _ = Glibc.kill(identifier, number) }
    }
}

/// The end of a process, once.
private final class EndBox: Sendable {
    private struct State {
        var end: WorkerProcess.End?
        var waiters: [CheckedContinuation<WorkerProcess.End, Never>] = []
    }

    private let state = Mutex(State())

    var ended: WorkerProcess.End? { state.withLock { $0.end } }

    func end(_ end: WorkerProcess.End) {
        let waiters = state.withLock { state in
            state.end = end
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: end) }
    }

    func wait() async -> WorkerProcess.End {
        await withCheckedContinuation { continuation in
            let end = state.withLock { state in
                if state.end == nil { state.waiters.append(continuation) }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }
}
