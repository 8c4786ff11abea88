import Foundation
import Logging

/// Makes a data directory, all of it or none: everything happens in a directory beside it, which is then renamed.
struct ClusterInitialisation: Sendable {
    static let role = "switchboard"
    static let database = "switchboard"

    let location: ClusterLocation
    let program: ServerProgram
    let logger: Logger

    /// Does nothing when the cluster exists. Only to be called under the start lock.
    func run() async throws {
        try removeHalfMade()
        if try PostgresInstallation.dataVersion(location.data) != nil { return }

        let version = program.installation?.version ?? PostgresInstallation.minimumVersion
        logger.notice("making a PostgreSQL \(version) cluster in \(location.data), owned by \(program.user.name)")
        let draft = "\(location.base)/postgres.init-\(getpid())"
        try ClusterLocation.makePrivateDirectory(draft, for: program.user)
        do {
            try await make(draft)
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
        // An empty directory of that name may be there; rename replaces it.
        guard rename(draft, location.data) == 0 else {
            throw EmbeddedPostgresError.file(path: draft, doing: "rename to \(location.data)", code: errno)
        }
    }

    private func make(_ draft: String) async throws {
        try await step(
            "initdb",
            [
                "-D", draft, "-U", Self.role, "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust",
                "--auth-host=reject", "--data-checksums",
            ])
        try append(Self.settings, to: "\(draft)/postgresql.conf")
        // Single-user mode: the database exists before anybody could connect.
        try await step(
            "postgres", ["--single", "-D", draft, "-c", "exit_on_error=on", "template1"],
            input: "CREATE DATABASE \(Self.database);\n")
    }

    private func step(_ name: String, _ arguments: [String], input: String = "") async throws {
        let outcome = try await program.run(name, arguments, input: input)
        guard outcome.succeeded else {
            throw EmbeddedPostgresError(
                reason: .initialisation,
                description: "\(name) failed (\(outcome.status)):\n\(outcome.output.suffix(2_000))")
        }
        try Task.checkCancellation()
    }

    /// A start that was killed left its draft behind. The start lock is ours, so nobody is still writing one.
    private func removeHalfMade() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: location.base)
        where name.hasPrefix("postgres.init-") {
            logger.notice("removing \(location.base)/\(name), which an interrupted start left half made")
            try FileManager.default.removeItem(atPath: "\(location.base)/\(name)")
        }
    }

    private func append(_ text: String, to path: String) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.synchronize()
    }

    /// Written once, after `initdb`'s own: yours to change. What the program relies on (no TCP, the socket) comes on
    /// the command line instead.
    static let settings = """

        # --- switchboard ---
        shared_buffers = '256MB'
        max_connections = 100
        fsync = on
        synchronous_commit = on
        full_page_writes = on
        wal_compression = on
        max_wal_size = '2GB'
        checkpoint_timeout = '15min'
        random_page_cost = 1.1
        effective_io_concurrency = 32
        jit = off
        timezone = 'UTC'
        log_timezone = 'UTC'
        log_line_prefix = '%m [%p] '
        log_min_duration_statement = '2s'
        log_checkpoints = off
        log_autovacuum_min_duration = '10s'
        autovacuum_naptime = '15s'
        autovacuum_vacuum_cost_limit = 1000

        """
}
