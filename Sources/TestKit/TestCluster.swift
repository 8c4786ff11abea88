import Foundation
import Logging
import Postgres
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Why there is no server to test with.
public struct TestClusterError: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// A throw-away PostgreSQL: its own directory, a Unix socket, no durability. Stopped, and its directory removed, when the
/// process exits, whatever way it does.
public final class TestCluster: Sendable {
    /// Directory of everything: `data`, the socket, `log`.
    public let directory: String
    /// On 127.0.0.1, where asked for.
    public let port: Int?
    private let binaries: String
    private let server = Mutex<pid_t?>(nil)

    /// Environment variable naming a server to be used by the whole process instead of one of its own.
    public static let environmentVariable = "SWITCHBOARD_TEST_DATABASE_URL"

    private static let sharedTask = Mutex<Task<String, any Error>?>(nil)

    /// The connection string of the process's one server (its database `postgres`), started at first use.
    public static func shared() async throws -> String {
        let task = sharedTask.withLock { task in
            if let task { return task }
            let new = Task { () throws -> String in
                if let url = ProcessInfo.processInfo.environment[environmentVariable], !url.isEmpty { return url }
                return try await TestCluster.start().url
            }
            task = new
            return new
        }
        return try await task.value
    }

    /// Makes and starts a cluster that nobody else uses, for tests that stop servers.
    ///
    /// - Parameter settings: lines of `postgresql.conf`, over the defaults.
    public static func start(
        loopback: Bool = false, settings: [String: String] = [:]
    ) async throws -> TestCluster {
        let cluster = try TestCluster(loopback: loopback)
        try await onThread { try cluster.initialise(settings) }
        try await cluster.start()
        return cluster
    }

    /// As the cluster's superuser, database `postgres`.
    public var url: String { "host=\(directory) port=\(port ?? 5432) user=postgres dbname=postgres" }

    /// The same over TCP.
    public var loopbackURL: String? { port.map { "host=127.0.0.1 port=\($0) user=postgres dbname=postgres" } }

    /// The server's process while it runs.
    public var processID: pid_t? { server.withLock { $0 } }

    // MARK: Start and stop

    /// Starts the server and waits until it answers.
    public func start() async throws {
        guard server.withLock({ $0 }) == nil else { return }
        let log = directory + "/log"
        let arguments =
            privileges + [
                "--pdeathsig", "INT", "--", binaries + "/postgres", "-D", directory + "/data", "-k", directory,
            ]
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            // The kernel's parent-death signal goes by the thread that made the child, so that thread stays.
            let thread = Thread { [self] in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
                process.arguments = arguments
                process.currentDirectoryURL = URL(fileURLWithPath: "/")
                process.standardInput = FileHandle.nullDevice
                do {
                    let output = try TestCluster.appending(to: log)
                    process.standardOutput = output
                    process.standardError = output
                    try process.run()
                    server.withLock { $0 = process.processIdentifier }
                    ClusterRegistry.add(self)
                    started.resume()
                    process.waitUntilExit()
                    try? output.close()
                    server.withLock { $0 = nil }
                } catch {
                    started.resume(throwing: error)
                }
            }
            thread.name = "test-postgres"
            thread.start()
        }
        try await waitUntilAnswering()
    }

    public enum StopMode: Sendable {
        /// Clients are broken off, everything is written.
        case fast
        /// Like a crash of the server.
        case immediate
    }

    /// Stops the server and waits for its end.
    public func stop(_ mode: StopMode = .fast) async throws {
        guard let pid = processID else { return }
        kill(pid, mode == .fast ? SIGINT : SIGQUIT)
        let deadline = ContinuousClock.now + .seconds(30)
        while processID != nil {
            guard ContinuousClock.now < deadline else { throw TestClusterError("the server does not stop") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    public func restart(_ mode: StopMode = .fast) async throws {
        try await stop(mode)
        try await start()
    }

    /// Stops the server and removes its files.
    public func remove() async throws {
        try await stop(.immediate)
        try? FileManager.default.removeItem(atPath: directory)
        ClusterRegistry.remove(self)
    }

    private func waitUntilAnswering() async throws {
        var configuration = DatabaseConfiguration(url: url)
        configuration.applicationName = "switchboard-test"
        let admin = Database.admin(
            configuration, logger: Logger(label: "test-cluster") { _ in SwiftLogNoOpLogHandler() })
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            do {
                try await admin.execute("SELECT 1")
                return
            } catch {
                guard processID != nil, ContinuousClock.now < deadline else {
                    let log = (try? String(contentsOfFile: directory + "/log", encoding: .utf8)) ?? ""
                    throw TestClusterError("the test server does not start: \(error)\n\(log.suffix(2000))")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    // MARK: Making it

    private init(loopback: Bool) throws {
        binaries = try TestCluster.findBinaries()
        port = loopback ? try TestCluster.freePort() : nil
        TestCluster.removeStaleDirectories()
        // Short and not under TMPDIR: a socket's path has room for 107 bytes.
        directory = "\(TestCluster.prefix)\(String(UInt32.random(in: .min ... .max), radix: 16))"
        guard mkdir(directory, 0o700) == 0 else { throw TestClusterError("cannot make \(directory)") }
        if let user = TestCluster.unprivilegedUser() { chown(directory, user.id, user.group) }
    }

    private static let prefix = "/tmp/switchboard-test-"

    /// Blocking.
    private func initialise(_ settings: [String: String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments =
            privileges + [
                "--", binaries + "/initdb", "-D", directory + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync", "--no-instructions",
            ]
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        let log = try TestCluster.appending(to: directory + "/log")
        process.standardOutput = log
        process.standardError = log
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let text = (try? String(contentsOfFile: directory + "/log", encoding: .utf8)) ?? ""
            throw TestClusterError("initdb failed: \(text.suffix(2000))")
        }
        var lines: [String: String] = [
            "listen_addresses": port == nil ? "''" : "'127.0.0.1'", "port": String(port ?? 5432),
            "fsync": "off", "full_page_writes": "off", "max_connections": "300", "shared_buffers": "128MB",
            "max_wal_size": "2GB", "checkpoint_timeout": "1h", "autovacuum_naptime": "10s", "jit": "off",
            "log_min_messages": "warning", "timezone": "UTC", "wal_level": "minimal", "max_wal_senders": "0",
        ]
        lines.merge(settings) { $1 }
        let text = lines.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }.joined()
        let file = try TestCluster.appending(to: directory + "/data/postgresql.conf")
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    /// Words for setpriv that make what follows run as somebody PostgreSQL accepts.
    private var privileges: [String] {
        guard let user = TestCluster.unprivilegedUser() else { return [] }
        return ["--reuid", String(user.id), "--regid", String(user.group), "--clear-groups"]
    }

    /// Nil unless we are root, as which PostgreSQL does not run.
    private static func unprivilegedUser() -> (id: uid_t, group: gid_t)? {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) { return (entry.pointee.pw_uid, entry.pointee.pw_gid) }
        }
        return (65534, 65534)
    }

    private static func findBinaries() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        for version in versions.sorted(by: >) where version >= 15 {
            let path = "\(root)/\(version)/bin"
            if FileManager.default.isExecutableFile(atPath: path + "/postgres") { return path }
        }
        throw TestClusterError("no PostgreSQL 15 or newer under \(root); install the package postgresql")
    }

    private static func appending(to path: String) throws -> FileHandle {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw TestClusterError("cannot write \(path)") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// A port that was free a moment ago.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestClusterError("no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard result == 0 else { throw TestClusterError("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Left behind by processes that were killed; their servers got the kernel's signal and are gone.
    private static func removeStaleDirectories() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? []
        for name in names where ("/tmp/" + name).hasPrefix(prefix) {
            let path = "/tmp/" + name
            let changed = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
            guard let changed, changed.timeIntervalSinceNow < -3600 else { continue }
            let lock = (try? String(contentsOfFile: path + "/data/postmaster.pid", encoding: .utf8)) ?? ""
            let pid = lock.split(separator: "\n").first.flatMap { pid_t($0) }
            if let pid, kill(pid, 0) == 0 { continue }
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}

/// The clusters of this process, for its exit.
private enum ClusterRegistry {
    private static let clusters = Mutex<[ObjectIdentifier: TestCluster]>([:])
    private static let atExit: Void = {
        atexit {
            let all = ClusterRegistry.clusters.withLock { Array($0.values) }
            for cluster in all {
                if let pid = cluster.processID {
                    kill(pid, SIGQUIT)
                    for _ in 0..<200 where cluster.processID != nil { usleep(10_000) }
                }
                try? FileManager.default.removeItem(atPath: cluster.directory)
            }
        }
        return ()
    }()

    static func add(_ cluster: TestCluster) {
        _ = atExit
        clusters.withLock { $0[ObjectIdentifier(cluster)] = cluster }
    }

    static func remove(_ cluster: TestCluster) {
        _ = clusters.withLock { $0.removeValue(forKey: ObjectIdentifier(cluster)) }
    }
}

/// Runs something that blocks beside the cooperative pool.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}
