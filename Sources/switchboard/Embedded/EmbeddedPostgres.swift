import Foundation
import Logging

/// A private PostgreSQL cluster for one state directory, shared by all processes that use that directory.
///
/// Whoever comes first makes and starts it, whoever comes later (also after a `kill -9`) adopts it, and the last one
/// out stops it. Two locks in the state directory decide this: the *start lock* is held alone while somebody makes,
/// starts, adopts or stops the server; the *users lock* is held by everybody, shared, for as long as they use it.
/// The kernel releases both when a process ends, however it ends.
actor EmbeddedPostgres {
    struct Limits: Sendable {
        /// For another process to finish its start or stop.
        var lock: Duration = .seconds(120)
        /// For the server to accept connections; recovery after a crash reads the log since the last checkpoint.
        var start: Duration = .seconds(180)
        /// For the server to write everything out after SIGINT; then SIGQUIT.
        var stop: Duration = .seconds(30)
        /// The longest pause before a dead server is started again; the first is a quarter of a second.
        var backoff: Duration = .seconds(30)
    }

    private let stateDirectory: String
    private let elsewhere: String
    private let logger: Logger
    private let limits: Limits

    private struct Cluster: Sendable {
        let location: ClusterLocation
        let program: ServerProgram
        let startLock: FileLock
        let usersLock: FileLock
    }

    private struct Server: Sendable {
        let processID: pid_t
        let socketDirectory: String
        /// Ends with the server; null for one that is not our child.
        let termination: Task<String, Never>?
    }

    private var cluster: Cluster?
    private var server: Server?
    private var supervision: Task<Void, Never>?

    /// - Parameters:
    ///   - stateDirectory: created if missing; holds the data (`postgres/`), the server's log and the locks.
    ///   - elsewhere: where the data goes when the user that the server runs as cannot reach the state directory.
    init(
        stateDirectory: String, elsewhere: String = "/var/lib/switchboard", logger: Logger, limits: Limits = Limits()
    ) {
        self.stateDirectory = stateDirectory
        self.elsewhere = elsewhere
        self.logger = logger
        self.limits = limits
    }

    /// The server's process id while it runs.
    var processID: pid_t? { server?.processID }

    /// Brings the cluster up and keeps it up until ``stop()``.
    ///
    /// - Returns: a connection string for libpq: the cluster's own database, by its socket.
    /// - Throws: ``EmbeddedPostgresError``; `CancellationError` when cancelled. Call ``stop()`` afterwards in any case.
    func start() async throws -> String {
        if let server { return Self.connectionString(server.socketDirectory) }
        let (location, user) = try await ClusterLocation.find(state: stateDirectory, elsewhere: elsewhere)
        if location.isElsewhere {
            logger.notice(
                "PostgreSQL runs as \(user.name), who cannot reach \(location.state): its data is in \(location.data)")
        }
        let installation = try PostgresInstallation.choose(forData: location.data)
        let cluster = Cluster(
            location: location, program: ServerProgram(installation: installation, user: user),
            startLock: try FileLock(path: location.startLock), usersLock: try FileLock(path: location.usersLock))
        self.cluster = cluster
        try await takeStartLock(cluster)
        defer { cluster.startLock.unlock() }
        // Exclusive holders hold the start lock too, so this cannot fail while it is ours.
        guard try await cluster.usersLock.lock(.shared, within: limits.lock) else {
            throw EmbeddedPostgresError.busy(path: location.usersLock, after: limits.lock)
        }
        try await ClusterInitialisation(location: location, program: cluster.program, logger: logger).run()
        let server = try await bringUp(cluster)
        supervision = Task { await supervise(cluster) }
        return Self.connectionString(server.socketDirectory)
    }

    /// Stops the server if nobody else uses it, and waits for it, up to the limit. Safe to call in any state.
    func stop() async {
        // Not in the caller's task: that one is often cancelled by now, and every wait in here would end at once.
        await Task { await stopOutsideCancellation() }.value
    }

    private func stopOutsideCancellation() async {
        supervision?.cancel()
        await supervision?.value
        supervision = nil
        guard let cluster else { return }
        self.cluster = nil
        let server = self.server
        self.server = nil
        guard (try? await cluster.startLock.lock(.exclusive, within: limits.lock)) == true else {
            logger.warning("PostgreSQL is left running: another process holds \(cluster.location.startLock)")
            return
        }
        defer {
            cluster.usersLock.unlock()
            cluster.startLock.unlock()
        }
        guard cluster.usersLock.tryLock(.exclusive) else {
            logger.info("PostgreSQL is left running: another switchboard uses it")
            return
        }
        guard let server else { return }
        await shutDown(server, cluster)
    }

    static func connectionString(_ socketDirectory: String) -> String {
        let host = socketDirectory.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socketDirectory
        return "postgresql://\(ClusterInitialisation.role)@/\(ClusterInitialisation.database)?host=\(host)"
    }

    // MARK: Bringing up

    private func takeStartLock(_ cluster: Cluster) async throws {
        if cluster.startLock.tryLock(.exclusive) { return }
        logger.notice("waiting for another switchboard that is starting or stopping PostgreSQL in this folder")
        guard try await cluster.startLock.lock(.exclusive, within: limits.lock) else {
            throw EmbeddedPostgresError.busy(path: cluster.location.startLock, after: limits.lock)
        }
    }

    /// Adopts the server that lives or starts one. Under the start lock.
    private func bringUp(_ cluster: Cluster) async throws -> Server {
        let data = cluster.location.data
        let deadline = ContinuousClock.now + limits.start
        while let found = PostmasterFile.living(data: data) {
            if found.status == "ready", await answers(cluster, found.socketDirectory) {
                let server = Server(
                    processID: found.processID, socketDirectory: found.socketDirectory, termination: nil)
                self.server = server
                logger.info("PostgreSQL is running already (process \(found.processID)): using it")
                return server
            }
            guard ContinuousClock.now < deadline else {
                throw EmbeddedPostgresError(
                    reason: .unresponsive,
                    description: """
                        a PostgreSQL server (process \(found.processID)) runs on \(data) and has not answered for \
                        \(limits.start). Its log: \(cluster.location.log)
                        """)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        while let left = PostmasterFile.anyServer(of: data) {
            guard ContinuousClock.now < deadline else {
                throw EmbeddedPostgresError(
                    reason: .unresponsive,
                    description: "a process (\(left)) of a PostgreSQL server that is gone still works in \(data)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await launch(cluster, deadline: deadline)
    }

    private func launch(_ cluster: Cluster, deadline: ContinuousClock.Instant) async throws -> Server {
        let location = cluster.location
        let socketDirectory = location.socketDirectory(for: cluster.program.user)
        try ClusterLocation.makePrivateDirectory(socketDirectory, for: cluster.program.user)
        PostmasterFile.clear(data: location.data, socketDirectory: socketDirectory)
        rotateLog(location.log)
        let (processID, termination) = try await cluster.program.launchServer(
            arguments: [
                "-D", location.data, "-c", "listen_addresses=", "-c", "port=5432",
                "-c", "unix_socket_directories=\(socketDirectory)", "-c", "unix_socket_permissions=0700",
                "-c", "logging_collector=off", "-c", "log_destination=stderr",
            ], log: location.log)
        let server = Server(processID: processID, socketDirectory: socketDirectory, termination: termination)
        self.server = server
        try await untilReady(server, cluster, deadline: deadline)
        let version = cluster.program.installation?.version ?? PostgresInstallation.minimumVersion
        logger.info("PostgreSQL \(version) runs (process \(processID), data in \(location.data))")
        return server
    }

    private func untilReady(
        _ server: Server, _ cluster: Cluster, deadline: ContinuousClock.Instant
    ) async throws {
        var nextWord = ContinuousClock.now + .seconds(10)
        while true {
            // Its child exists before it has changed to its directory, so absence counts only once it was reaped.
            let file = PostmasterFile.living(data: cluster.location.data)
            if file?.processID == server.processID, file?.status == "ready",
                await answers(cluster, server.socketDirectory)
            {
                return
            }
            if kill(server.processID, 0) != 0, errno == ESRCH {
                let status = await server.termination?.value ?? "is gone"
                self.server = nil
                throw EmbeddedPostgresError(
                    reason: .start,
                    description: """
                        PostgreSQL did not start (\(status)). The end of \(cluster.location.log):
                        \(Self.tail(cluster.location.log))
                        """)
            }
            let now = ContinuousClock.now
            guard now < deadline else {
                throw EmbeddedPostgresError(
                    reason: .unresponsive,
                    description: "PostgreSQL was not ready within \(limits.start). Its log: \(cluster.location.log)")
            }
            if now >= nextWord {
                logger.notice("PostgreSQL is still starting (recovery after a crash may take a while)")
                nextWord = now + .seconds(10)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func answers(_ cluster: Cluster, _ socketDirectory: String) async -> Bool {
        let outcome = try? await cluster.program.run(
            "pg_isready",
            ["-q", "-t", "3", "-h", socketDirectory, "-p", "5432", "-d", ClusterInitialisation.database])
        return outcome?.succeeded ?? false
    }

    // MARK: Keeping up

    private func supervise(_ cluster: Cluster) async {
        var pause = Duration.milliseconds(250)
        while !Task.isCancelled, let server {
            let since = ContinuousClock.now
            let status = await end(of: server, data: cluster.location.data)
            if Task.isCancelled { return }
            // A minute of work: whatever it was, it is not the start that fails.
            if ContinuousClock.now - since > .seconds(60) { pause = .milliseconds(250) }
            logger.error("PostgreSQL has ended (\(status)); starting it again. Its log: \(cluster.location.log)")
            var isUp = false
            while !isUp {
                do {
                    try await Task.sleep(for: pause)
                    pause = min(pause * 2, limits.backoff)
                    try await takeStartLock(cluster)
                    defer { cluster.startLock.unlock() }
                    _ = try await bringUp(cluster)
                    isUp = true
                } catch is CancellationError {
                    return
                } catch {
                    if Task.isCancelled { return }
                    logger.error("PostgreSQL could not be started again: \(error)")
                }
            }
        }
    }

    /// Waits for the server's end; ends early (with any text) when the task is cancelled.
    private func end(of server: Server, data: String) async -> String {
        while !Task.isCancelled {
            guard PostmasterFile.isServer(server.processID, of: data) else {
                return await server.termination?.value ?? "seen from outside"
            }
            try? await Task.sleep(for: .milliseconds(250))
        }
        return "cancelled"
    }

    // MARK: Stopping

    private func shutDown(_ server: Server, _ cluster: Cluster) async {
        let data = cluster.location.data
        // SIGINT is the fast shutdown: sessions end, everything is written. SIGQUIT leaves the rest to recovery.
        for (signal, limit) in [(SIGINT, limits.stop), (SIGQUIT, .seconds(10))] {
            let deadline = ContinuousClock.now + limit
            // Another process may have started it again: the file knows.
            if let living = PostmasterFile.living(data: data) { kill(living.processID, signal) }
            while ContinuousClock.now < deadline {
                if PostmasterFile.anyServer(of: data) == nil {
                    rmdir(server.socketDirectory)
                    logger.info("PostgreSQL is stopped")
                    return
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
            logger.error("PostgreSQL (process \(server.processID)) has not stopped within \(limit)")
        }
    }

    // MARK: Log

    /// Keeps one older log; nobody writes to it while no server runs.
    private func rotateLog(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > 16 * 1_048_576 else { return }
        rename(path, "\(path).1")
    }

    private static func tail(_ path: String) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else { return "(unreadable)" }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > 2_000 ? size - 2_000 : 0)
        return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
    }
}
